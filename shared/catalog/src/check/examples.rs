//! The examples beside the prices come out as they say.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use metering::stream::Stream;
use pricing::{ComponentSpec, Currency, ExampleSpec, Plan, PlanSpec, SpecError};

use super::Findings;
use crate::life::Version;
use crate::load::{Entry, Place, Sections};
use crate::party::Seller;

/// What examples are rated on.
pub(super) struct Prices<'a> {
    pub(super) seller: &'a Seller,
    pub(super) streams: &'a BTreeMap<String, Stream>,
    pub(super) components: &'a BTreeMap<String, ComponentSpec>,
    pub(super) plans: &'a BTreeMap<String, Vec<Version>>,
}

/// Rates every example of what is sound, and reports those that come out otherwise.
pub(super) fn check(sections: &Sections, prices: &Prices<'_>, findings: &mut Findings) {
    for Entry { spec, place } in &sections.plans {
        let versions = prices.plans.get(&spec.name).into_iter().flatten();
        let from = spec.from.map(|day| day.0);
        if let Some(Version { plan, .. }) = versions.into_iter().find(|version| version.from == from) {
            each(&spec.examples, place, findings, |example| match &example.currency {
                Some(_) => {
                    vec![problem("currency", format!("the plan is in {}: nothing is to be said", plan.currency))]
                }
                None => example.check(plan, prices.streams, prices.zone()),
            });
        }
    }
    for Entry { spec, place } in &sections.components {
        if prices.components.contains_key(&spec.name) {
            each(&spec.examples, place, findings, |example| prices.component(spec, example));
        }
    }
}

fn each(
    examples: &[ExampleSpec],
    place: &Place,
    findings: &mut Findings,
    run: impl Fn(&ExampleSpec) -> Vec<SpecError>,
) {
    for (index, example) in examples.iter().enumerate() {
        for SpecError { path, message, hint } in run(example) {
            let within = if path.is_empty() { String::new() } else { format!(".{path}") };
            findings.error(place, &format!("examples[{index}]{within}"), message, hint);
        }
    }
}

impl Prices<'_> {
    fn zone(&self) -> Tz {
        self.seller.zone
    }

    /// A component by itself, in a plan of nothing else.
    fn component(&self, spec: &ComponentSpec, example: &ExampleSpec) -> Vec<SpecError> {
        let currency = example.currency.as_deref().map_or(Ok(self.seller.currency), Currency::parse);
        let currency = match currency {
            Ok(currency) => currency,
            Err(error) => return vec![problem("currency", error.to_string())],
        };
        match Plan::compile(&PlanSpec::of_component(spec, currency), self.components, self.streams) {
            Ok(plan) => example.check(&plan, self.streams, self.zone()),
            Err(problems) => problems.into_iter().map(|found| problem("currency", found.message)).collect(),
        }
    }
}

fn problem(path: &str, message: String) -> SpecError {
    SpecError { path: path.to_owned(), message, hint: None }
}
