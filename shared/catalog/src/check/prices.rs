//! Components: everything that is named exists, and every price is one.

use std::collections::BTreeMap;

use metering::stream::Stream;
use pricing::{ComponentSpec, SpecError};

use super::Findings;
use crate::load::{Entry, Place, Sections};

/// The sound components by name. Those that name a stream which is itself broken are passed over in silence.
pub(super) fn components(
    sections: &Sections,
    streams: &BTreeMap<String, Stream>,
    findings: &mut Findings,
) -> BTreeMap<String, ComponentSpec> {
    let mut sound = BTreeMap::new();
    let declared = sections.names("streams");
    for Entry { spec, place } in &sections.components {
        let broken = |name: &String| declared.contains(&name.as_str()) && !streams.contains_key(name);
        if spec.stream.as_ref().is_some_and(broken) {
            continue;
        }
        let problems = spec.check(streams);
        if problems.is_empty() {
            sound.entry(spec.name.clone()).or_insert_with(|| spec.clone());
        }
        report(problems, place, "", findings);
    }
    sound
}

/// Reports what is wrong with a part of an entry.
pub(super) fn report(problems: Vec<SpecError>, place: &Place, part: &str, findings: &mut Findings) {
    for SpecError { path, message, hint } in problems {
        let path = if part.is_empty() { path } else { format!("{part}.{path}") };
        findings.error(place, &path, message, hint);
    }
}
