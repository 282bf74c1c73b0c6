//! Plans and their versions: one for each day, in the order of their days.

use std::collections::BTreeMap;
use std::sync::Arc;

use metering::stream::Stream;
use pricing::{ComponentSpec, Plan, PlanSpec};

use super::prices::report;
use super::{Findings, numbers};
use crate::life::Version;
use crate::load::{Entry, Place, Sections};

/// The versions of the sound plans by name. Those that use a broken component are passed over in silence.
pub(super) fn check(
    sections: &Sections,
    components: &BTreeMap<String, ComponentSpec>,
    streams: &BTreeMap<String, Stream>,
    findings: &mut Findings,
) -> BTreeMap<String, Vec<Version>> {
    let mut sound: BTreeMap<String, Vec<Version>> = BTreeMap::new();
    let declared = sections.names("components");
    let mut written: Vec<(&PlanSpec, &Place)> =
        sections.plans.iter().map(|Entry { spec, place }| (spec, place)).collect();
    written.sort_by_key(|(spec, _)| (&spec.name, spec.from));
    days(&written, findings);
    for (spec, place) in written {
        let broken = |name: &String| declared.contains(&name.as_str()) && !components.contains_key(name);
        if spec.components.iter().any(|used| broken(&used.name)) {
            continue;
        }
        match Plan::compile_each(spec, components, streams) {
            Ok(plans) => sound.entry(spec.name.clone()).or_default().push(Version {
                from: spec.from.map(|day| day.0),
                until: spec.until.map(|day| day.0),
                existing: spec.existing,
                plans: plans.into_iter().map(Arc::new).collect(),
                written: numbers::written(sections, place),
            }),
            Err(problems) => report(problems, place, "", findings),
        }
    }
    sound
}

/// Versions that overlap are an error, days between them without one are a warning.
fn days(written: &[(&PlanSpec, &Place)], findings: &mut Findings) {
    for (spec, place) in written {
        if spec.until.is_some_and(|until| spec.from.is_some_and(|from| until <= from)) {
            let hint = "`until` is the first day that no longer counts".to_owned();
            findings.error(place, "until", "the version ends before it begins".to_owned(), Some(hint));
        }
    }
    for pair in written.windows(2) {
        let [(spec, place), (next, later)] = pair else { continue };
        let (Some(from), true) = (next.from, spec.name == next.name) else { continue };
        let (name, begins) = (&spec.name, from.0);
        match spec.until.map(|until| until.0) {
            Some(until) if until > begins => {
                let message =
                    format!("two versions of `{name}` hold from {begins} until {until}, see {}", later.origin());
                let hint = format!("write `until: {begins}`, or leave it out: a version holds until the next one");
                findings.error(place, "until", message, Some(hint));
            }
            Some(until) if until < begins => {
                let message = format!("nobody can subscribe to `{name}` from {until} until {begins}");
                let hint = "leave `until` out where that is not meant: a version holds until the next one".to_owned();
                findings.warning(place, "until", message, Some(hint));
            }
            _ => {}
        }
    }
}
