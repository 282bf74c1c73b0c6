//! What is written of a plan, with the prices of its components: numbers in it are agreed otherwise with some customers.

use std::sync::Arc;

use serde_json::Value;

use crate::load::{Place, Sections, name};
use crate::numbers::expand;
use crate::yaml;

/// What is written of the plan at a place.
pub(super) fn written(sections: &Sections, place: &Place) -> Arc<Value> {
    let price = |component: &str| -> Option<(&'static str, Value)> {
        let mut places = sections.places("components").iter();
        let place = places.find(|place| name("components", place) == Some(component))?;
        let field = |name: &'static str| Some((name, yaml::decode(place.node.get(name)?).ok()?));
        field("price").or_else(|| field("prices"))
    };
    // A plan that could not be decoded is reported where it is read.
    let mut plan: Value = yaml::decode(&place.node).unwrap_or_default();
    expand(&mut plan, price);
    Arc::new(plan)
}
