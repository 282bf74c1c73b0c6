//! Sources that can be compiled, and no two of which read the same objects.

use std::collections::BTreeMap;

use metering::stream::Stream;
use usage::Source;

use super::Findings;
use crate::load::{Entry, Place, Sections};

/// The sound sources by name. Those that feed a broken stream are passed over in silence.
pub(super) fn check(
    sections: &Sections,
    streams: &BTreeMap<String, Stream>,
    findings: &mut Findings,
) -> BTreeMap<String, Source> {
    let mut sound = BTreeMap::new();
    let declared = sections.names("streams");
    let mut earlier = Vec::new();
    for Entry { spec, place } in &sections.sources {
        let broken = |name: &&str| declared.contains(name) && !streams.contains_key(*name);
        if feeds(place).any(|name| broken(&name)) {
            continue;
        }
        match spec.compile(streams) {
            Err(problems) => {
                for problem in problems {
                    findings.error(place, &problem.path, problem.message, problem.hint);
                }
            }
            Ok(source) => {
                overlaps(&source, place, &earlier, findings);
                earlier.push((source.clone(), place));
                sound.entry(spec.name.clone()).or_insert(source);
            }
        }
    }
    sound
}

fn feeds(place: &Place) -> impl Iterator<Item = &str> {
    let usage = place.node.get("usage").map(|node| node.items()).unwrap_or_default();
    usage.iter().filter_map(|item| item.get("stream")?.text())
}

/// Reports a pattern all of whose objects another one reads too. Patterns that merely might meet in some key are
/// told apart when such a key arrives: most never do.
fn overlaps(source: &Source, place: &Place, earlier: &[(Source, &Place)], findings: &mut Findings) {
    let objects = pattern(place);
    for (other, other_place) in earlier {
        let theirs = pattern(other_place);
        let relation = if objects == theirs {
            "reads the same objects as"
        } else if contains(other, source, objects) {
            "reads only objects that are also read by"
        } else if contains(source, other, theirs) {
            "reads all the objects of"
        } else {
            continue;
        };
        let message = format!("`{objects}` {relation} source `{}`, at {}", other.name(), other_place.origin());
        let hint = "an object belongs to one source: narrow one of the two patterns".to_owned();
        findings.error(place, "objects", message, Some(hint));
    }
}

fn pattern(place: &Place) -> &str {
    place.node.get("objects").and_then(|node| node.text()).unwrap_or_default()
}

/// Whether `outer` reads all that `inner`, whose pattern is `objects`, reads: judged by keys in which every wildcard
/// stands for nothing, and for something that no other pattern has as a literal.
fn contains(outer: &Source, inner: &Source, objects: &str) -> bool {
    let keys = [fill(objects, "", ""), fill(objects, "\u{1}", "\u{1}/\u{1}")];
    let mut keys = keys.iter().filter(|key| inner.matches(key).is_some()).peekable();
    keys.peek().is_some() && keys.all(|key| outer.matches(key).is_some())
}

/// The pattern with `some` for every `*`, `any` for every `**`, and a name that nobody writes for every capture.
fn fill(pattern: &str, some: &str, any: &str) -> String {
    let mut key = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find(['*', '{']) {
        let (literal, wild) = rest.split_at(at);
        key.push_str(literal);
        let (filling, length) = match wild.strip_prefix("**") {
            Some(_) => (any, 2),
            None if wild.starts_with('*') => (some, 1),
            None => ("\u{2}", wild.find('}').map_or(wild.len(), |end| end + 1)),
        };
        key.push_str(filling);
        rest = wild.get(length..).unwrap_or_default();
    }
    key + rest
}
