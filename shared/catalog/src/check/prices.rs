//! Components, plans and subscriptions: everything that is named exists, and everything that is priced has a price.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use metering::stream::Stream;
use pricing::{ByAttribute, ComponentSpec, Credit, Otherwise, Plan, Price, SpecError};

use super::Findings;
use super::parties::Draft;
use crate::load::{Entry, Place, Sections};
use crate::near;
use crate::party::{Customer, Subscription};
use crate::spec::{CustomerSpec, SubscriptionSpec};

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

/// The sound plans by name. Those that use a broken component are passed over in silence.
pub(super) fn plans(
    sections: &Sections,
    components: &BTreeMap<String, ComponentSpec>,
    streams: &BTreeMap<String, Stream>,
    findings: &mut Findings,
) -> BTreeMap<String, Arc<Plan>> {
    let mut sound = BTreeMap::new();
    let declared = sections.names("components");
    for Entry { spec, place } in &sections.plans {
        let broken = |name: &String| declared.contains(&name.as_str()) && !components.contains_key(name);
        if spec.components.iter().any(|used| broken(&used.name)) {
            continue;
        }
        match Plan::compile(spec, components, streams) {
            Ok(plan) => drop(sound.entry(spec.name.clone()).or_insert_with(|| Arc::new(plan))),
            Err(problems) => report(problems, place, "", findings),
        }
    }
    sound
}

/// Gives each customer what it holds; one that holds something unsound is left out.
pub(super) fn customers(
    drafts: BTreeMap<&str, Draft<'_>>,
    sections: &Sections,
    plans: &BTreeMap<String, Arc<Plan>>,
    findings: &mut Findings,
) -> BTreeMap<String, Customer> {
    let mut holding = Holding { declared: sections.names("plans"), plans, findings };
    let finished = drafts.into_values().filter_map(|draft| holding.finish(draft));
    finished.map(|customer| (customer.id.clone(), customer)).collect()
}

struct Holding<'a> {
    declared: Vec<&'a str>,
    plans: &'a BTreeMap<String, Arc<Plan>>,
    findings: &'a mut Findings,
}

impl Holding<'_> {
    fn finish(&mut self, draft: Draft<'_>) -> Option<Customer> {
        let Draft { mut customer, terms, spec, place } = draft;
        for (index, (held, term)) in spec.subscriptions.iter().zip(&terms).enumerate() {
            let plan = self.plan(held, place, &format!("subscriptions[{index}]"));
            let priced = plan.filter(|plan| self.fits(plan, &customer, place, index));
            customer.subscriptions.extend(priced.map(|plan| Subscription {
                plan,
                term: *term,
                begun: term.from,
                ends: term.until,
                ended: None,
            }));
        }
        customer.credits = self.credits(spec, &customer, place)?;
        (customer.subscriptions.len() == terms.len()).then_some(customer)
    }

    /// What the customer has paid in advance; none if any of it is unsound.
    fn credits(&mut self, spec: &CustomerSpec, customer: &Customer, place: &Place) -> Option<Vec<Credit>> {
        let (mut credits, mut keys) = (Vec::new(), BTreeSet::new());
        let components: BTreeSet<&str> = customer
            .subscriptions
            .iter()
            .flat_map(|held| &held.plan.components)
            .map(|component| component.name.as_str())
            .collect();
        for (index, written) in spec.credits.iter().enumerate() {
            let path = format!("credits[{index}]");
            match written.compile(customer.currency) {
                Ok(credit) if keys.insert(credit.key.clone()) => credits.push(credit),
                Ok(_) => {
                    let hint = Some("give each its own `name`: what was drawn is found by it".to_owned());
                    self.findings.error(place, &path, "two credits have one name".to_owned(), hint);
                }
                Err(problems) => report(problems, place, &path, self.findings),
            }
            for (at, name) in written.components.iter().flatten().enumerate() {
                if !components.contains(name.as_str()) {
                    let message = format!("no plan of customer `{}` has the component `{name}`", customer.id);
                    let hint = near::hint(name, "components", components.iter().copied());
                    self.findings.error(place, &format!("{path}.components[{at}]"), message, hint);
                }
            }
        }
        (credits.len() == spec.credits.len()).then_some(credits)
    }

    /// The plan as this customer has it.
    fn plan(&mut self, held: &SubscriptionSpec, place: &Place, path: &str) -> Option<Arc<Plan>> {
        let Some(plan) = self.plans.get(&held.plan) else {
            if !self.declared.contains(&held.plan.as_str()) {
                let hint = near::hint(&held.plan, "plans", self.declared.iter().copied());
                let message = format!("there is no plan `{}`", held.plan);
                self.findings.error(place, &format!("{path}.plan"), message, hint);
            }
            return None;
        };
        if held.prices.is_empty() {
            return Some(Arc::clone(plan));
        }
        match plan.with_prices(&held.prices) {
            Ok(plan) => Some(Arc::new(plan)),
            Err(problems) => {
                report(problems, place, path, self.findings);
                None
            }
        }
    }

    fn fits(&mut self, plan: &Plan, customer: &Customer, place: &Place, index: usize) -> bool {
        let path = format!("subscriptions[{index}].plan");
        if plan.currency != customer.currency {
            let (theirs, own) = (plan.currency, customer.currency);
            let message = format!("plan `{}` is in {theirs}, customer `{}` pays in {own}", plan.name, customer.id);
            let hint = format!("choose a plan in {own}, or set the customer's `currency: {theirs}`");
            self.findings.error(place, &path, message, Some(hint));
        }
        for component in &plan.components {
            if let Price::ByAttribute(price) = &component.price {
                self.attribute(price, (plan, &component.name), customer, place);
            }
        }
        plan.currency == customer.currency
    }

    fn attribute(&mut self, price: &ByAttribute, priced: (&Plan, &str), customer: &Customer, place: &Place) {
        let (attribute, (plan, component)) = (&price.attribute, priced);
        let value = customer.attributes.get(attribute);
        if price.otherwise == Otherwise::None || value.is_some_and(|value| price.amounts.contains_key(value)) {
            return;
        }
        let known: Vec<&str> = price.amounts.keys().map(String::as_str).collect();
        let of_plan = format!("component `{component}` of plan `{}`", plan.name);
        let (message, near) = match value {
            Some(value) => {
                (format!("{of_plan} has no amount for `{attribute}: {value}`"), near::nearest(value, &known))
            }
            None => {
                (format!("{of_plan} prices the attribute `{attribute}`, which customer `{}` lacks", customer.id), None)
            }
        };
        let hint = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("priced are: {}; or add `otherwise: none` to the price", known.join(", ")),
        };
        self.findings.error(place, &format!("attributes.{attribute}"), message, Some(hint));
    }
}

/// Reports what is wrong with a part of an entry.
pub(super) fn report(problems: Vec<SpecError>, place: &Place, part: &str, findings: &mut Findings) {
    for SpecError { path, message, hint } in problems {
        let path = if part.is_empty() { path } else { format!("{part}.{path}") };
        findings.error(place, &path, message, hint);
    }
}
