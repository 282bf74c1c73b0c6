//! What is right as it stands, and seldom meant: gaps between days, dimensions that no usage has, words that are
//! almost others.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use metering::stream::Stream;
use pricing::{ComponentSpec, Name, Per, PriceSpec, Prices, Term};

use super::Findings;
use super::parties::Draft;
use crate::load::{Entry, Place, Sections};
use crate::near;
use crate::yaml::{Node, Value};

/// Warns of days on which a customer holds nothing, or a deployment belongs to nobody, between days on which it does.
pub(super) fn gaps(drafts: &BTreeMap<&str, Draft<'_>>, findings: &mut Findings) {
    let mut owned: BTreeMap<&str, Vec<(Term, &Place, String)>> = BTreeMap::new();
    for (id, draft) in drafts {
        let path = |index: usize| format!("subscriptions[{index}].from");
        let held = draft.terms.iter().enumerate().map(|(index, term)| (*term, draft.place, path(index))).collect();
        between(held, findings, |from, until| format!("customer `{id}` holds no plan from {from} until {until}"));
        for (index, deployment) in draft.customer.deployments.iter().enumerate() {
            let claim = (deployment.term, draft.place, format!("deployments[{index}].from"));
            owned.entry(&deployment.id).or_default().push(claim);
        }
    }
    for (deployment, claims) in owned {
        between(claims, findings, |from, until| {
            format!("deployment `{deployment}` belongs to nobody from {from} until {until}")
        });
    }
}

fn between(
    mut terms: Vec<(Term, &Place, String)>,
    findings: &mut Findings,
    message: impl Fn(NaiveDate, NaiveDate) -> String,
) {
    terms.sort_by_key(|(term, ..)| term.from);
    let mut covered: Option<Option<NaiveDate>> = None;
    for (term, place, path) in terms {
        if let Some(Some(end)) = covered
            && end < term.from
        {
            let hint = "where no gap is meant, end the one before on the day on which this one begins".to_owned();
            findings.warning(place, &path, message(end, term.from), Some(hint));
        }
        covered = match (covered, term.until) {
            (Some(None), _) | (_, None) => Some(None),
            (Some(Some(end)), Some(until)) => Some(Some(end.max(until))),
            (None, until) => Some(until),
        };
    }
}

/// Warns of plans that price a stream which no source feeds.
pub(super) fn fed(sections: &Sections, fed: &BTreeSet<&str>, findings: &mut Findings) {
    let streams: BTreeSet<&str> = sections.names("streams").into_iter().collect();
    let counted = |name: &str| {
        let component = sections.components.iter().find(|entry| entry.spec.name == name)?;
        component.spec.stream.as_deref().filter(|stream| streams.contains(stream) && !fed.contains(stream))
    };
    for Entry { spec, place } in &sections.plans {
        for (index, used) in spec.components.iter().enumerate() {
            if let Some(stream) = counted(&used.name) {
                let message = format!("plan `{}` prices the stream `{stream}`, which no source feeds", spec.name);
                let hint = "nobody is charged for it until a source's `usage` names it".to_owned();
                findings.warning(place, &format!("components[{index}]"), message, Some(hint));
            }
        }
    }
}

/// Warns of dimensions that prices look at and no source gives the stream.
pub(super) fn dimensions(sections: &Sections, streams: &BTreeMap<String, Stream>, findings: &mut Findings) {
    let given = given(sections);
    let mut check = |price: Option<&PriceSpec>, of: &ComponentSpec, place: &Place, path: &str| {
        let Some(known) = of.stream.as_deref().and_then(|stream| given.get(stream)) else { return };
        let only = of.only.keys().filter(|_| price.is_none()).map(|name| (format!("where.{name}"), name.clone()));
        let asked = price.map_or_else(Vec::new, |price| looked_at(price, streams, path));
        for (at, name) in only.chain(asked).filter(|(_, name)| !known.contains(name.as_str())) {
            let stream = of.stream.as_deref().unwrap_or_default();
            let message = format!("no source gives the stream `{stream}` a dimension `{name}`");
            let hint = near::hint(&name, "dimensions", known.iter().copied());
            let hint = hint.or_else(|| Some("name it in the `dimensions` of a source's `usage`".to_owned()));
            findings.warning(place, &at, message, hint);
        }
    };
    for Entry { spec, place } in &sections.components {
        check(None, spec, place, "");
        spec.prices().each().for_each(|(field, _, price)| check(Some(price), spec, place, &field));
    }
    for Entry { spec, place } in &sections.plans {
        for (index, used) in spec.components.iter().enumerate() {
            let component = sections.components.iter().find(|entry| entry.spec.name == used.name);
            let Some(component) = component else { continue };
            for (field, _, price) in used.prices().into_iter().flat_map(Prices::each) {
                check(Some(price), &component.spec, place, &format!("components[{index}].{field}"));
            }
        }
    }
}

/// The dimensions that a price looks at, each with where.
fn looked_at(price: &PriceSpec, streams: &BTreeMap<String, Stream>, path: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if let Some(Per::Dimension(name)) = &price.per {
        found.push((format!("{path}.per"), name.clone()));
    }
    for (index, row) in price.matrix.iter().flatten().enumerate() {
        found.extend(row.when.keys().map(|name| (format!("{path}.matrix[{index}].when.{name}"), name.clone())));
    }
    for (at, name) in price.rule_names(streams) {
        if let Name::Dimension(name) = name {
            found.push((format!("{path}.{at}"), name));
        }
    }
    found
}

/// The dimensions that sources give each stream they feed.
fn given(sections: &Sections) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut given: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for place in sections.places("sources") {
        let members = place.node.get("members").into_iter().flat_map(|node| node.items());
        let usages = std::iter::once(&place.node).chain(members).filter_map(|node| node.get("usage"));
        for usage in usages.flat_map(|node| node.items()) {
            let Some(stream) = usage.get("stream").and_then(|stream| stream.text()) else { continue };
            given.entry(stream).or_default().extend(usage.get("dimensions").into_iter().flat_map(keys));
        }
    }
    given
}

fn keys(node: &Node) -> impl Iterator<Item = &str> {
    let entries = if let Value::Map(entries) = &node.value { entries.as_slice() } else { &[] };
    entries.iter().map(|(key, _)| key.text.as_str())
}
