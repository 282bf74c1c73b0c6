//! What is written but makes no difference: not wrong, but seldom meant.

use std::collections::BTreeSet;

use super::Findings;
use crate::load::{Entry, Place, Sections, name};

/// Warns of streams, components and plans that nothing uses. Judged by what is written, so that a broken entry
/// makes nothing else look unused.
pub(super) fn check(sections: &Sections, findings: &mut Findings) {
    let fed = fed(sections);
    let mut held = mentioned(sections.places("customers"), "subscriptions", "plan");
    held.extend(["changes", "add-ons"].into_iter().flat_map(|list| of_subscriptions(sections, list, "plan")));
    let mut used = mentioned(sections.places("plans"), "components", "name");
    used.extend(of_subscriptions(sections, "add-ons", "component"));
    let redeemed: BTreeSet<&str> = of_subscriptions(sections, "coupons", "name").collect();
    let priced: BTreeSet<&str> =
        sections.components.iter().filter_map(|Entry { spec, .. }| spec.stream.as_deref()).collect();
    let hint = |text: &str| Some(text.to_owned());
    each(sections, "streams", |name, place| {
        if !fed.contains(name) {
            let message = format!("no source feeds the stream `{name}`");
            findings.warning(place, "name", message, hint("add a source whose `usage` names it"));
        }
        if !priced.contains(name) {
            let message = format!("no component prices the stream `{name}`");
            findings.warning(place, "name", message, hint("its usage is counted, but never billed"));
        }
    });
    each(sections, "components", |name, place| {
        if !used.contains(name) {
            let message = format!("no plan uses the component `{name}`");
            findings.warning(place, "name", message, hint("add it to the `components` of a plan"));
        }
    });
    each(sections, "coupons", |name, place| {
        if !redeemed.contains(name) {
            let message = format!("no subscription redeems the coupon `{name}`");
            findings.warning(place, "name", message, hint("add it to the `coupons` of a subscription"));
        }
    });
    each(sections, "plans", |name, place| {
        // Who holds what may be known elsewhere.
        if !held.contains(name) && sections.salesforce.is_empty() {
            let message = format!("no customer holds the plan `{name}`");
            findings.warning(place, "name", message, hint("add it to the `subscriptions` of a customer"));
        }
    });
}

/// The streams that sources feed.
pub(super) fn fed(sections: &Sections) -> BTreeSet<&str> {
    let mut fed = mentioned(sections.places("sources"), "usage", "stream");
    fed.extend(fed_by_members(sections.places("sources")));
    fed
}

fn each<'a>(sections: &'a Sections, section: &str, mut report: impl FnMut(&'a str, &'a Place)) {
    let mut seen = BTreeSet::new();
    for place in sections.places(section) {
        if let Some(name) = name(section, place).filter(|name| seen.insert(*name)) {
            report(name, place);
        }
    }
}

/// What the items of a list of all subscriptions name in `field`.
fn of_subscriptions<'a>(sections: &'a Sections, list: &'a str, field: &'a str) -> impl Iterator<Item = &'a str> {
    let held = sections.places("customers").iter().filter_map(|place| place.node.get("subscriptions"));
    let items = held.flat_map(|node| node.items()).filter_map(move |held| held.get(list));
    items.flat_map(|node| node.items()).filter_map(move |item| item.get(field)?.text())
}

/// The streams that files of a bundle feed by mappings of their own.
fn fed_by_members(sources: &[Place]) -> impl Iterator<Item = &str> {
    let members = sources.iter().filter_map(|place| place.node.get("members")).flat_map(|node| node.items());
    let usages = members.filter_map(|member| member.get("usage")).flat_map(|node| node.items());
    usages.filter_map(|usage| usage.get("stream")?.text())
}

/// What the items of the list `list` name in `field`; items that are plain text name themselves.
fn mentioned<'a>(places: &'a [Place], list: &str, field: &str) -> BTreeSet<&'a str> {
    let items = places.iter().filter_map(|place| place.node.get(list)).flat_map(|node| node.items());
    items.filter_map(|item| item.text().or_else(|| item.get(field)?.text())).collect()
}
