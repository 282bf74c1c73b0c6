//! The examples beside the prices come out as they say.

use pricing::{Amount, ExampleSpec, SpecError};

use super::Findings;
use crate::load::{Entry, Place, Sections};
use crate::supposed::{Supposed, Supposing};

/// Rates every example of what is sound, and reports those that come out otherwise.
pub(super) fn check(sections: &Sections, supposing: &Supposing<'_>, findings: &mut Findings) {
    for Entry { spec, place } in &sections.plans {
        let versions = supposing.shelf.versions.get(&spec.name).into_iter().flatten();
        let from = spec.from.map(|day| day.0);
        if let Some(version) = versions.into_iter().find(|version| version.from == from) {
            let run = |example: &ExampleSpec| supposing.version(version, example, &example.given());
            each(&spec.examples, place, findings, run);
        }
    }
    for Entry { spec, place } in &sections.components {
        if supposing.shelf.components.contains_key(&spec.name) {
            let run = |example: &ExampleSpec| supposing.component(&spec.name, example, &example.given());
            each(&spec.examples, place, findings, run);
        }
    }
}

fn each(
    examples: &[ExampleSpec],
    place: &Place,
    findings: &mut Findings,
    run: impl Fn(&ExampleSpec) -> Result<Supposed, Vec<SpecError>>,
) {
    for (index, example) in examples.iter().enumerate() {
        let problems = match example.check() {
            Some(problem) => vec![problem],
            None => run(example).map_or_else(|problems| problems, |found| compare(example, &found)),
        };
        for SpecError { path, message, hint } in problems {
            let within = if path.is_empty() { String::new() } else { format!(".{path}") };
            findings.unlike.push(place.error(&format!("examples[{index}]{within}"), message, hint));
        }
    }
}

fn compare(example: &ExampleSpec, Supposed { plan, lines, taxes }: &Supposed) -> Vec<SpecError> {
    match Amount::sum(taxes.iter().flatten().map(|(.., tax)| *tax)) {
        Ok(taxes) => example.compare(plan, lines, taxes),
        Err(error) => vec![SpecError { path: "taxes".to_owned(), message: error.to_string(), hint: None }],
    }
}
