//! Numbers of a plan that are agreed otherwise with a customer, by their paths in what is written of the plan.

use std::collections::BTreeMap;
use std::sync::Arc;

use metering::stream::Stream;
use pricing::{ComponentSpec, Decimal, Plan, PlanSpec, SpecError};
use serde_json::Value;

use crate::life::Version;
use crate::load::{Place, Sections, name};
use crate::numbers::with_numbers;
use crate::yaml;

/// What is written of plans and components.
pub(super) struct Written<'a> {
    pub(super) sections: &'a Sections,
    pub(super) components: &'a BTreeMap<String, ComponentSpec>,
    pub(super) streams: &'a BTreeMap<String, Stream>,
}

impl Written<'_> {
    /// A version of a plan with other numbers.
    pub(super) fn plan(
        &self,
        version: &Version,
        numbers: &BTreeMap<String, Decimal>,
    ) -> Result<Arc<Plan>, Vec<SpecError>> {
        let from = version.from.map(|day| day.to_string());
        let is_it = |place: &&Place| {
            name("plans", place) == Some(&version.plan.name)
                && place.node.get("from").and_then(|node| node.text()) == from.as_deref()
        };
        let place = self.sections.places("plans").iter().find(is_it);
        let written: Option<Value> = place.and_then(|place| yaml::decode(&place.node).ok());
        let price = |component: &str| -> Option<Value> {
            let mut places = self.sections.places("components").iter();
            let place = places.find(|place| name("components", place) == Some(component))?;
            yaml::decode(place.node.get("price")?).ok()
        };
        let changed = with_numbers(written.unwrap_or_default(), price, numbers)?;
        let whole = |message: String| vec![SpecError { path: "set".to_owned(), message, hint: None }];
        let spec: PlanSpec = serde_json::from_value(changed).map_err(|error| whole(error.to_string()))?;
        Plan::compile(&spec, self.components, self.streams).map(Arc::new).map_err(|problems| {
            let of_plan =
                |problem: SpecError| SpecError { path: "set".to_owned(), message: format!("{problem}"), ..problem };
            problems.into_iter().map(of_plan).collect()
        })
    }
}
