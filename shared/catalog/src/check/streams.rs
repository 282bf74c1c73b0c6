//! Streams whose rules agree with each other.

use std::collections::{BTreeMap, BTreeSet};

use metering::stream::{Kind, Stream};

use super::Findings;
use crate::load::{Entry, Sections};

/// What only a gauge has. Stated for another kind it is a misunderstanding, even where it states the default.
const GAUGE_RULES: [&str; 5] = ["within", "across", "interval", "gap", "hold"];

/// The sound streams by name.
pub(super) fn check(sections: &Sections, findings: &mut Findings) -> BTreeMap<String, Stream> {
    let mut sound = BTreeMap::new();
    for Entry { spec, place } in &sections.streams {
        let mut reported = BTreeSet::new();
        for problem in spec.problems() {
            reported.insert(problem.field);
            findings.error(place, problem.field, problem.message, None);
        }
        for rule in GAUGE_RULES {
            if spec.kind != Kind::Gauge && place.node.get(rule).is_some() && reported.insert(rule) {
                let message = format!("`{rule}` is a rule of gauges, and this stream is not one");
                findings.error(place, rule, message, Some("remove it, or write `kind: gauge`".to_owned()));
            }
        }
        if reported.is_empty() {
            sound.entry(spec.name.clone()).or_insert_with(|| spec.clone());
        }
    }
    sound
}
