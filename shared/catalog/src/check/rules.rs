//! The attributes that rules of prices ask for are attributes that somebody can have.

use std::collections::{BTreeMap, BTreeSet};

use metering::stream::Stream;
use pricing::{Name, PriceSpec, Prices};

use super::Findings;
use crate::load::{Entry, Place, Sections};
use crate::near;

/// Reports rules over attributes that no customer, no Salesforce organisation and no example knows: seldom meant, and
/// a rule that asks for one never holds.
pub(super) fn check(sections: &Sections, streams: &BTreeMap<String, Stream>, findings: &mut Findings) {
    let known = known(sections);
    let mut check = |price: &PriceSpec, place: &Place, path: &str| {
        for (at, name) in price.rule_names(streams) {
            let Name::Customer(name) = name else { continue };
            if !known.contains(name.as_str()) {
                let message = format!("a rule asks for the attribute `{name}`, which no customer has");
                let hint = near::hint(&name, "attributes", known.iter().copied());
                findings.error(place, &format!("{path}.{at}"), message, hint);
            }
        }
    };
    for Entry { spec, place } in &sections.components {
        spec.prices().each().for_each(|(field, _, price)| check(price, place, &field));
    }
    for Entry { spec, place } in &sections.plans {
        for (index, used) in spec.components.iter().enumerate() {
            for (field, _, price) in used.prices().into_iter().flat_map(Prices::each) {
                check(price, place, &format!("components[{index}].{field}"));
            }
        }
    }
    for Entry { spec, place } in &sections.customers {
        for (index, held) in spec.subscriptions.iter().enumerate() {
            for (name, price) in &held.prices {
                check(price, place, &format!("subscriptions[{index}].prices.{name}"));
            }
            for (at, change) in held.changes.iter().enumerate() {
                for (name, price) in &change.prices {
                    check(price, place, &format!("subscriptions[{index}].changes[{at}].prices.{name}"));
                }
            }
        }
    }
}

fn known(sections: &Sections) -> BTreeSet<&str> {
    let customers = sections.customers.iter().flat_map(|entry| entry.spec.attributes.keys());
    let accounts = sections.salesforce.iter().filter_map(|entry| entry.spec.accounts.as_ref());
    let accounts = accounts.flat_map(|accounts| accounts.attributes.keys());
    let of_plans = sections.plans.iter().flat_map(|entry| &entry.spec.examples);
    let of_components = sections.components.iter().flat_map(|entry| &entry.spec.examples);
    let examples = of_plans.chain(of_components).flat_map(|example| example.attributes.keys());
    customers.chain(accounts).chain(examples).map(String::as_str).collect()
}
