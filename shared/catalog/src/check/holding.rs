//! What customers hold: subscriptions over their lives, coupons, credits.

use std::collections::{BTreeMap, BTreeSet};

use pricing::{ByAttribute, Credit, Otherwise, Plan, Price, Term};

use super::Findings;
use super::parties::Draft;
use super::prices::report;
use crate::life::{Life, Payer, Piece, Shelf, add_on_term};
use crate::load::{Place, Sections};
use crate::near;
use crate::party::{Customer, Subscription};
use crate::spec::{CustomerSpec, SubscriptionSpec};

/// Gives each customer what it holds; one that holds something unsound is left out.
pub(super) fn customers(
    drafts: BTreeMap<&str, Draft<'_>>,
    sections: &Sections,
    shelf: Shelf<'_>,
    findings: &mut Findings,
) -> BTreeMap<String, Customer> {
    let mut holding = Holding { declared: sections.names("plans"), shelf, findings };
    let finished = drafts.into_values().filter_map(|draft| holding.finish(draft));
    finished.map(|customer| (customer.id.clone(), customer)).collect()
}

struct Holding<'a> {
    declared: Vec<&'a str>,
    shelf: Shelf<'a>,
    findings: &'a mut Findings,
}

impl Holding<'_> {
    fn finish(&mut self, draft: Draft<'_>) -> Option<Customer> {
        let Draft { mut customer, terms, spec, place } = draft;
        let mut whole = true;
        for (index, (held, term)) in spec.subscriptions.iter().zip(&terms).enumerate() {
            let path = format!("subscriptions[{index}]");
            whole &= self.subscription(held, *term, &mut customer, place, &path);
            for (at, written) in held.add_ons.iter().enumerate() {
                // Days that make no sense are reported with the subscription.
                let (Some(plan), Ok(term)) = (&written.plan, add_on_term(written, *term)) else { continue };
                let path = format!("{path}.add-ons[{at}]");
                whole &= self.known(plan, place, &path);
                let payer = Payer { customer: &spec.id, currency: customer.currency };
                let life = Life::plain(self.shelf, payer, plan, BTreeMap::new(), term);
                whole &= self.held(&life, &mut customer, place, &path);
            }
        }
        self.redeemed(spec, place);
        customer.credits = self.credits(spec, &customer, place)?;
        whole.then_some(customer)
    }

    /// Adds the stretches of a subscription; whether it is sound.
    fn subscription(
        &mut self,
        held: &SubscriptionSpec,
        term: Term,
        customer: &mut Customer,
        place: &Place,
        path: &str,
    ) -> bool {
        let mut known = self.known(&held.plan, place, path);
        for (at, change) in held.changes.iter().enumerate() {
            known &= change.plan.as_ref().is_none_or(|plan| self.known(plan, place, &format!("{path}.changes[{at}]")));
        }
        if !known {
            return false;
        }
        let (id, currency) = (customer.id.clone(), customer.currency);
        match Life::read(self.shelf, Payer { customer: &id, currency }, held, term) {
            Ok(life) => self.held(&life, customer, place, path),
            Err(problems) => {
                report(problems, place, path, self.findings);
                false
            }
        }
    }

    fn held(&mut self, life: &Life<'_>, customer: &mut Customer, place: &Place, path: &str) -> bool {
        let pieces = match life.pieces() {
            Ok(pieces) => pieces,
            Err(problems) => {
                report(problems, place, path, self.findings);
                return false;
            }
        };
        let sound = self.once(&pieces, customer, place, path);
        let agreement = customer.subscriptions.last().map_or(0, |last| last.agreement.saturating_add(1));
        let begun = pieces.first().map(|(term, _)| term.from);
        let ends = pieces.last().and_then(|(term, _)| term.until);
        for (term, plan) in pieces {
            let before = customer.subscriptions.last().filter(|last| last.agreement == agreement);
            if before.is_none_or(|before| before.plan.components != plan.components) {
                self.fits(&plan, customer, place);
            }
            let begun = begun.unwrap_or(term.from);
            let (ended, source) = (None, None);
            customer.subscriptions.push(Subscription { agreement, plan, term, begun, ends, ended, source });
        }
        sound
    }

    /// A plan is held once on a day.
    fn once(&mut self, pieces: &[Piece], customer: &Customer, place: &Place, path: &str) -> bool {
        let meets = |term: &Term, other: &Term| {
            term.until.is_none_or(|until| other.from < until) && other.until.is_none_or(|until| term.from < until)
        };
        let twice = |(term, plan): &&Piece| {
            customer.subscriptions.iter().any(|other| other.plan.name == plan.name && meets(term, &other.term))
        };
        let found = pieces.iter().find(twice);
        if let Some((_, plan)) = found {
            let message = format!("plan `{}` is held twice for the same days", plan.name);
            let hint = "remove one, or end the first with `until`".to_owned();
            self.findings.error(place, &format!("{path}.from"), message, Some(hint));
        }
        found.is_none()
    }

    /// Whether a plan exists and is sound; one that is broken has been reported.
    fn known(&mut self, plan: &str, place: &Place, path: &str) -> bool {
        if self.shelf.versions.contains_key(plan) {
            return true;
        }
        if !self.declared.contains(&plan) {
            let hint = near::hint(plan, "plans", self.declared.iter().copied());
            self.findings.error(place, &format!("{path}.plan"), format!("there is no plan `{plan}`"), hint);
        }
        false
    }

    /// A customer redeems a coupon as often as the coupon says.
    fn redeemed(&mut self, spec: &CustomerSpec, place: &Place) {
        let mut times: BTreeMap<&str, u32> = BTreeMap::new();
        for (index, held) in spec.subscriptions.iter().enumerate() {
            for (at, redeemed) in held.coupons.iter().enumerate() {
                let count = times.entry(&redeemed.name).or_default();
                *count = count.saturating_add(1);
                let most = self.shelf.coupons.get(&redeemed.name).map(|coupon| coupon.per_customer.unwrap_or(1));
                if most.is_some_and(|most| *count > most) {
                    let message = format!("customer `{}` redeems the coupon `{}` too often", spec.id, redeemed.name);
                    let hint = most.map(|most| format!("its `per-customer` is {most}"));
                    self.findings.error(place, &format!("subscriptions[{index}].coupons[{at}]"), message, hint);
                }
            }
        }
    }

    /// What the customer has paid in advance; none if any of it is unsound.
    fn credits(&mut self, spec: &CustomerSpec, customer: &Customer, place: &Place) -> Option<Vec<Credit>> {
        let (mut credits, mut keys) = (Vec::new(), BTreeSet::new());
        let components: BTreeSet<&str> = customer
            .subscriptions
            .iter()
            .flat_map(|held| &held.plan.components)
            .map(|component| &*component.name)
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

    /// The customer has the attributes that the plan's prices depend on.
    fn fits(&mut self, plan: &Plan, customer: &Customer, place: &Place) {
        for component in &plan.components {
            if let Price::ByAttribute(price) = &component.price {
                self.attribute(price, (plan, &component.name), customer, place);
            }
        }
    }

    fn attribute(&mut self, price: &ByAttribute, priced: (&Plan, &str), customer: &Customer, place: &Place) {
        let (attribute, (plan, component)) = (&price.attribute, priced);
        let value = customer.attributes.get(attribute);
        if value.is_some_and(|value| price.amounts.contains_key(value)) {
            return;
        }
        let known: Vec<&str> = price.amounts.keys().map(String::as_str).collect();
        if price.otherwise == Otherwise::None {
            if let Some((value, near)) = value.and_then(|value| Some((value, near::nearest(value, &known)?))) {
                let message =
                    format!("`{attribute}: {value}` has no amount in component `{component}`, and pays nothing");
                let hint = format!("did you mean `{near}`?");
                self.findings.warning(place, &format!("attributes.{attribute}"), message, Some(hint));
            }
            return;
        }
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
