//! The life of a subscription: from what is written of it to the stretches of days on which one plan holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use metering::stream::Stream;
use pricing::{ComponentSpec, CouponSpec, Currency, Decimal, Existing, Phased, Plan, PriceSpec, SpecError, Term};
use serde_json::Value;

use crate::near;
use crate::spec::{AddOnSpec, ChangeSpec, RedeemedSpec, SubscriptionSpec};

/// A version of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The first day on which it can be subscribed to; from ever where absent.
    pub from: Option<NaiveDate>,
    /// The first day on which it can not any more.
    pub until: Option<NaiveDate>,
    /// What becomes of subscriptions to earlier versions.
    pub existing: Existing,
    /// At its list prices, in each currency in which it is sold, in the order written.
    pub plans: Vec<Arc<Plan>>,
    /// What is written of it, with the prices of its components: numbers in it may be agreed otherwise.
    pub(crate) written: Arc<Value>,
}

impl Version {
    /// The plan in a currency, if it is sold in it.
    #[must_use]
    pub fn plan_in(&self, currency: Currency) -> Option<&Arc<Plan>> {
        self.plans.iter().find(|plan| plan.currency == currency)
    }

    /// The currencies in which it is sold, in words.
    pub(crate) fn currencies(&self) -> String {
        self.plans.iter().map(|plan| plan.currency.code()).collect::<Vec<_>>().join(", ")
    }
}

/// Who pays for a subscription.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payer<'a> {
    /// For messages.
    pub(crate) customer: &'a str,
    /// It decides on the prices.
    pub(crate) currency: Currency,
}

/// A plan with other numbers, by paths into what is written of it.
pub(crate) type Renumber<'a> =
    &'a dyn Fn(&Version, &Arc<Plan>, &BTreeMap<String, Decimal>) -> Result<Arc<Plan>, Vec<SpecError>>;

/// What subscriptions refer to.
#[derive(Clone, Copy)]
pub(crate) struct Shelf<'a> {
    /// By the plan's name, in the order of their days.
    pub(crate) versions: &'a BTreeMap<String, Vec<Version>>,
    pub(crate) components: &'a BTreeMap<String, ComponentSpec>,
    pub(crate) streams: &'a BTreeMap<String, Stream>,
    pub(crate) coupons: &'a BTreeMap<String, CouponSpec>,
    pub(crate) renumber: Renumber<'a>,
    /// The version that holds on all days: the one that an example belongs to.
    pub(crate) shown: Option<&'a Version>,
}

/// What holds from a day on.
#[derive(Clone, Debug)]
struct Choice {
    on: NaiveDate,
    /// The day on which the plan was chosen: it decides on the version.
    since: NaiveDate,
    plan: String,
    prices: BTreeMap<String, PriceSpec>,
    numbers: BTreeMap<String, Decimal>,
    quantities: BTreeMap<String, Decimal>,
    /// Where it is written.
    path: String,
}

/// A subscription on the calendar.
pub(crate) struct Life<'a> {
    shelf: Shelf<'a>,
    payer: Payer<'a>,
    term: Term,
    choices: Vec<Choice>,
    add_ons: Vec<(String, Term, &'a str)>,
    coupons: Vec<(String, &'a RedeemedSpec)>,
}

/// A stretch of days with its plan.
pub(crate) type Piece = (Term, Arc<Plan>);

pub(crate) fn wrong(path: impl Into<String>, message: impl Into<String>, hint: Option<String>) -> SpecError {
    SpecError { path: path.into(), message: message.into(), hint }
}

pub(crate) fn within(path: &str, found: Vec<SpecError>) -> Vec<SpecError> {
    let inner =
        |problem: &SpecError| if path.is_empty() { problem.path.clone() } else { format!("{path}.{}", problem.path) };
    found.into_iter().map(|problem| SpecError { path: inner(&problem), ..problem }).collect()
}

impl<'a> Life<'a> {
    /// Reads the changes, whatever their order.
    pub(crate) fn read(
        shelf: Shelf<'a>,
        payer: Payer<'a>,
        spec: &'a SubscriptionSpec,
        term: Term,
    ) -> Result<Self, Vec<SpecError>> {
        let mut problems = Vec::new();
        let choices = choices(spec, term, &mut problems);
        let mut add_ons = Vec::new();
        for (index, written) in spec.add_ons.iter().enumerate() {
            let path = format!("add-ons[{index}]");
            match (add_on_term(written, term), &written.component, &written.plan) {
                (Err(problem), ..) => problems.extend(within(&path, vec![problem])),
                (Ok(held), Some(component), None) => add_ons.push((path, held, component.as_str())),
                (Ok(_), None, Some(_)) => {}
                _ => problems.push(wrong(path, "an add-on is a `component` or a `plan`", None)),
            }
        }
        let named = spec.coupons.iter().enumerate();
        let mut coupons: Vec<_> = named.map(|(index, coupon)| (format!("coupons[{index}]"), coupon)).collect();
        for (path, coupon) in &coupons {
            let on = coupon.on.0;
            if on < term.from || term.until.is_some_and(|until| until <= on) {
                let message = format!("the subscription is not held on {on}");
                let hint =
                    "a coupon is redeemed on a day of the subscription: months before it would be lost".to_owned();
                problems.push(wrong(format!("{path}.on"), message, Some(hint)));
            }
        }
        coupons.sort_by_key(|(_, coupon)| (coupon.on, &coupon.name));
        if problems.is_empty() { Ok(Self { shelf, payer, term, choices, add_ons, coupons }) } else { Err(problems) }
    }

    /// A plan from a day on, and nothing else.
    pub(crate) fn plain(
        shelf: Shelf<'a>,
        payer: Payer<'a>,
        plan: &str,
        prices: BTreeMap<String, PriceSpec>,
        term: Term,
    ) -> Self {
        let choice = Choice {
            on: term.from,
            since: term.from,
            plan: plan.to_owned(),
            prices,
            numbers: BTreeMap::new(),
            quantities: BTreeMap::new(),
            path: String::new(),
        };
        Self { shelf, payer, term, choices: vec![choice], add_ons: Vec::new(), coupons: Vec::new() }
    }

    /// With numbers of the plan that are agreed otherwise, and quantities.
    pub(crate) fn agreed(mut self, numbers: BTreeMap<String, Decimal>, quantities: BTreeMap<String, Decimal>) -> Self {
        if let [choice] = self.choices.as_mut_slice() {
            (choice.numbers, choice.quantities) = (numbers, quantities);
        }
        self
    }

    /// The stretches in order, without gaps; neighbours differ.
    pub(crate) fn pieces(&self) -> Result<Vec<Piece>, Vec<SpecError>> {
        let (mut pieces, mut problems) = (Vec::<Piece>::new(), Vec::new());
        for (index, choice) in self.choices.iter().enumerate() {
            let end = self.choices.get(index.saturating_add(1)).map(|next| next.on).or(self.term.until);
            let cuts = self.cuts(choice, end);
            for (number, from) in cuts.iter().enumerate() {
                let until = cuts.get(number.saturating_add(1)).copied().or(end);
                match self.plan_on(choice, *from) {
                    Ok(plan) => push(&mut pieces, Term { from: *from, until }, plan),
                    Err(found) => problems
                        .extend(found.into_iter().filter(|problem| !problems.contains(problem)).collect::<Vec<_>>()),
                }
            }
        }
        if problems.is_empty() { Ok(pieces) } else { Err(problems) }
    }

    /// The days on which something changes while a choice holds, its first one among them.
    fn cuts(&self, choice: &Choice, end: Option<NaiveDate>) -> Vec<NaiveDate> {
        let versions = self.shelf.versions.get(&choice.plan).into_iter().flatten();
        let moves = versions.filter(|version| version.existing == Existing::Move).filter_map(|version| version.from);
        let trial = self.phased(choice).and_then(|phased| phased.trial).map(|(until, ..)| until);
        let added = self.add_ons.iter().flat_map(|(_, term, _)| [Some(term.from), term.until]).flatten();
        let inside = |day: &NaiveDate| choice.on < *day && end.is_none_or(|end| *day < end);
        let days: BTreeSet<NaiveDate> = moves.chain(trial).chain(added).filter(inside).chain([choice.on]).collect();
        days.into_iter().collect()
    }

    /// Phases belong to the plan with which a subscription begins.
    fn phased(&self, choice: &Choice) -> Option<Phased> {
        let begins = choice.since == self.term.from;
        let version = self.version(choice, choice.since).ok().filter(|_| begins)?;
        version.plan_in(self.payer.currency)?.phased(self.term.from)
    }

    fn plan_on(&self, choice: &Choice, day: NaiveDate) -> Result<Arc<Plan>, Vec<SpecError>> {
        let agreed = |found| within(&choice.path, found);
        let version = self.version(choice, day).map_err(|problem| agreed(vec![problem]))?;
        let listed =
            version.plan_in(self.payer.currency).ok_or_else(|| agreed(vec![self.unsold(version, &choice.plan)]))?;
        let mut plan = Arc::clone(listed);
        if !choice.numbers.is_empty() {
            plan = (self.shelf.renumber)(version, listed, &choice.numbers).map_err(agreed)?;
        }
        if !choice.prices.is_empty() {
            plan = Arc::new(plan.with_prices(&choice.prices).map_err(agreed)?);
        }
        if !choice.quantities.is_empty() || plan.fees.iter().any(|fee| fee.per.is_some()) {
            plan = Arc::new(plan.with_quantities(&choice.quantities).map_err(agreed)?);
        }
        for (path, term, component) in &self.add_ons {
            if term.from <= day && term.until.is_none_or(|until| day < until) {
                plan = self.added(&plan, component).map_err(|found| within(path, found))?;
            }
        }
        self.offered(choice, plan, day)
    }

    /// The customer's currency is none of the plan's.
    fn unsold(&self, version: &Version, plan: &str) -> SpecError {
        let Payer { customer, currency } = self.payer;
        let sold = version.currencies();
        let message = format!("plan `{plan}` is in {sold}, customer `{customer}` pays in {currency}");
        let first = version.plans.first().map_or(currency, |plan| plan.currency);
        let hint = format!(
            "choose a plan in {currency}, give it prices in {currency}, or set the customer's `currency: {first}`"
        );
        wrong("plan", message, Some(hint))
    }

    fn added(&self, plan: &Plan, component: &str) -> Result<Arc<Plan>, Vec<SpecError>> {
        let known = self.shelf.components.get(component).ok_or_else(|| {
            let hint = near::hint(component, "components", self.shelf.components.keys().map(String::as_str));
            vec![wrong("component", format!("there is no component `{component}`"), hint)]
        })?;
        plan.with_component(known, self.shelf.streams).map(Arc::new)
    }

    /// With what phases and coupons take off, after the plan's own discounts.
    fn offered(&self, choice: &Choice, plan: Arc<Plan>, day: NaiveDate) -> Result<Arc<Plan>, Vec<SpecError>> {
        let Phased { trial, mut discounts } = self.phased(choice).unwrap_or_default();
        for (path, redeemed) in &self.coupons {
            let coupon = self.shelf.coupons.get(&redeemed.name).ok_or_else(|| {
                let known = self.shelf.coupons.keys().map(String::as_str);
                let message = format!("there is no coupon `{}`", redeemed.name);
                vec![wrong(format!("{path}.name"), message, near::hint(&redeemed.name, "coupons", known))]
            })?;
            discounts.push(coupon.redeemed(&plan, redeemed.on.0).map_err(|found| within(path, found))?);
        }
        let plan = if discounts.is_empty() { plan } else { Arc::new(plan.with_discounts(discounts)) };
        Ok(match trial {
            Some((until, title, usage)) if day < until => Arc::new(plan.in_trial(&title, usage)),
            _ => plan,
        })
    }

    /// The version in force when the plan was chosen, or a later one to which subscriptions moved since.
    fn version(&self, choice: &Choice, day: NaiveDate) -> Result<&'a Version, SpecError> {
        let name = &choice.plan;
        let is_it = |version: &&Version| version.plans.iter().any(|plan| plan.name == *name);
        if let Some(shown) = self.shelf.shown.filter(is_it) {
            return Ok(shown);
        }
        let versions = self.shelf.versions.get(name).ok_or_else(|| {
            let hint = near::hint(name, "plans", self.shelf.versions.keys().map(String::as_str));
            wrong("plan", format!("there is no plan `{name}`"), hint)
        })?;
        let begun = |version: &&Version, day| version.from.is_none_or(|from| from <= day);
        let chosen = versions.iter().rev().find(|version| begun(version, choice.since));
        let moved = versions.iter().rev().find(|version| {
            begun(version, day) && version.existing == Existing::Move && version.from > Some(choice.since)
        });
        let chosen = chosen.filter(|version| version.until.is_none_or(|until| choice.since < until));
        moved.or(chosen).ok_or_else(|| {
            let hint = "begin on another day, or add a version of the plan that holds then".to_owned();
            wrong(
                "plan",
                format!("no version of the plan `{name}` can be subscribed to on {}", choice.since),
                Some(hint),
            )
        })
    }
}

/// What is the same goes on.
fn push(pieces: &mut Vec<Piece>, term: Term, plan: Arc<Plan>) {
    match pieces.last_mut() {
        Some((last, same)) if *same == plan => last.until = term.until,
        _ => pieces.push((term, plan)),
    }
}

/// The days of an add-on: those of the subscription where it says nothing.
pub(crate) fn add_on_term(written: &AddOnSpec, term: Term) -> Result<Term, SpecError> {
    let from = written.from.map_or(term.from, |day| day.0);
    let until = written.until.map(|day| day.0).or(term.until);
    let inside = term.from <= from
        && until.is_none_or(|until| from < until)
        && term.until.is_none_or(|end| until.is_some_and(|until| until <= end));
    if inside {
        return Ok(Term { from, until });
    }
    let field = if written.until.is_some() { "until" } else { "from" };
    Err(wrong(field, "the days of an add-on lie within those of the subscription", None))
}

fn choices(spec: &SubscriptionSpec, term: Term, problems: &mut Vec<SpecError>) -> Vec<Choice> {
    let first = Choice {
        on: term.from,
        since: term.from,
        plan: spec.plan.clone(),
        prices: spec.prices.clone(),
        numbers: spec.set.clone(),
        quantities: spec.quantities.clone(),
        path: String::new(),
    };
    let mut changes: Vec<(usize, &ChangeSpec)> = spec.changes.iter().enumerate().collect();
    changes.sort_by_key(|(_, change)| change.from);
    let mut choices = vec![first];
    for (index, change) in changes {
        let (path, on) = (format!("changes[{index}]"), change.from.0);
        let Some(last) = choices.last() else { continue };
        if on <= last.on || term.until.is_some_and(|until| until <= on) {
            let hint = "a change lies after the first day and before `until`, and each on a day of its own".to_owned();
            problems.push(wrong(format!("{path}.from"), format!("nothing can change on {on}"), Some(hint)));
            continue;
        }
        let next = changed(last, change, on, path);
        choices.push(next);
    }
    choices
}

/// What was agreed for a plan goes on until another is chosen.
fn changed(last: &Choice, change: &ChangeSpec, on: NaiveDate, path: String) -> Choice {
    let mut next = Choice { on, path, ..last.clone() };
    if let Some(plan) = &change.plan {
        (next.since, next.plan) = (on, plan.clone());
        (next.prices, next.numbers, next.quantities) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    }
    next.prices.extend(change.prices.clone());
    next.numbers.extend(change.set.clone());
    next.quantities.extend(change.quantities.clone());
    next
}
