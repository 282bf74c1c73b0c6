//! From quantities to lines: pure, exact, rounded once per line.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use metering::exact::{Exact, ExactError};
use metering::measure::Measurement;
use metering::period::Period;
use metering::stream::Aggregation;
use thiserror::Error;

use crate::line::{RatedKind, RatedLine, RatedStep};
use crate::money::Amount;
use crate::per_unit::usage_detail;
use crate::plan::{ByAttribute, Component, Fee, PerUnit, Plan, Price};
use crate::prorate::{Share, prorated};
use crate::spec::{Billed, Otherwise, Per};
use crate::text;

/// The days for which a customer holds a plan: `[from, until)`, in the billing zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// The first day.
    pub from: NaiveDate,
    /// The day after the last; `None` while it goes on.
    pub until: Option<NaiveDate>,
}

/// What was used of one stream in the period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamUsage {
    /// By the customer as a whole.
    pub total: Measurement,
    /// By each deployment that the customer had in the period, also those that used nothing.
    pub deployments: BTreeMap<String, Measurement>,
}

/// What a plan is rated on.
#[derive(Clone, Copy, Debug)]
pub struct RatingInput<'a> {
    /// For messages.
    pub customer: &'a str,
    /// The month to be priced.
    pub period: &'a Period,
    /// When the plan is held. Usage has to be measured within it: rating does not cut it.
    pub term: Term,
    /// The customer's attributes in the period.
    pub attributes: &'a BTreeMap<String, String>,
    /// By the name of the stream; one that is missing counts as nothing used.
    pub usage: &'a BTreeMap<String, StreamUsage>,
}

/// Why a plan cannot be rated.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RateError {
    /// The attribute that a price depends on is missing, or no amount is given for its value.
    #[error("{0}")]
    Unpriced(Box<Unpriced>),
    /// A number that does not fit into 128 bits on the way.
    #[error("the amount of “{component}” for the customer “{customer}” cannot be calculated: {source}")]
    Number {
        /// Whose.
        customer: String,
        /// The component, or `plan/fee`.
        component: String,
        /// What went wrong.
        source: ExactError,
    },
}

/// A customer whose attribute has no price.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the price of “{component}” in the plan “{plan}” depends on the attribute “{attribute}”, and the customer \
     “{customer}” has {}; amounts are given for {}. Set the attribute, add an amount, or set `otherwise: none`",
    .value.as_ref().map_or("none".to_owned(), |value| format!("“{value}”")),
    .known.join(", ")
)]
pub struct Unpriced {
    /// Whose.
    pub customer: String,
    /// The plan.
    pub plan: String,
    /// The component.
    pub component: String,
    /// The attribute.
    pub attribute: String,
    /// What the customer has.
    pub value: Option<String>,
    /// The values that have an amount.
    pub known: Vec<String>,
}

/// Prices one period of a plan: its fees, whenever they are charged, its attributes and its usage.
///
/// A fee that is billed in advance has usually been charged by the invoice before, so the lines of
/// an invoice are those of this function less what earlier invoices charged for the period
/// (`invoicing::settle`), and [`fees_in_advance`] of the next period. Nothing is charged for a
/// period that the term does not touch. Lines are in the order of the plan, then by deployment;
/// lines of nought are kept.
///
/// # Errors
/// [`RateError`]; nothing is rated then.
pub fn rate(plan: &Plan, input: &RatingInput<'_>) -> Result<Vec<RatedLine>, RateError> {
    let Some(share) = Share::of(input.term, input.period) else { return Ok(Vec::new()) };
    let mut lines = Vec::new();
    for (position, fee) in plan.fees.iter().enumerate() {
        lines.push(fee_line(plan, input, &share, position, fee).map_err(number(input.customer, &fee.key))?);
    }
    for (position, component) in (plan.fees.len()..).zip(&plan.components) {
        let place = Place { plan, input, share: &share, position, component };
        match &component.price {
            Price::PerUnit(price) => lines.extend(place.usage(price)?),
            Price::ByAttribute(price) => lines.extend(place.attribute(price)?),
        }
    }
    Ok(lines)
}

/// The fees that the invoice before `input.period` charges for it.
///
/// # Errors
/// [`RateError::Number`].
pub fn fees_in_advance(plan: &Plan, input: &RatingInput<'_>) -> Result<Vec<RatedLine>, RateError> {
    let Some(share) = Share::of(input.term, input.period) else { return Ok(Vec::new()) };
    let early = plan.fees.iter().enumerate().filter(|(_, fee)| fee.billed == Billed::Advance);
    early
        .map(|(position, fee)| fee_line(plan, input, &share, position, fee).map_err(number(input.customer, &fee.key)))
        .collect()
}

fn number(customer: &str, component: &str) -> impl Fn(ExactError) -> RateError {
    move |source| RateError::Number { customer: customer.to_owned(), component: component.to_owned(), source }
}

fn fee_line(
    plan: &Plan,
    input: &RatingInput<'_>,
    share: &Share,
    position: usize,
    fee: &Fee,
) -> Result<RatedLine, ExactError> {
    let digits = plan.currency.digits();
    let price = Exact::decimal(fee.amount.0, digits)?;
    let part = prorated(price, digits, share, fee.prorate)?;
    let (amount, steps) = rounded(plan, part.raw, vec![part.step])?;
    Ok(RatedLine {
        kind: RatedKind::Recurring,
        position,
        group: fee.group.clone(),
        component: fee.key.clone(),
        deployment: None,
        title: fee.title.clone(),
        detail: share.detail(fee.prorate),
        period: input.period.label(),
        quantity: Some(part.quantity),
        unit: Some(part.unit.to_owned()),
        unit_price: Some(price),
        unit_size: part.unit_size,
        currency: plan.currency,
        amount,
        days: Vec::new(),
        steps,
    })
}

/// The one place where an amount is rounded; says so where it changes something.
fn rounded(plan: &Plan, raw: Exact, mut steps: Vec<RatedStep>) -> Result<(Amount, Vec<RatedStep>), ExactError> {
    let digits = plan.currency.digits();
    let amount = raw.round(digits, plan.rounding)?;
    let result = Exact::decimal(amount, digits)?;
    if result != raw {
        let (rule, shown) = (text::rounding(plan.rounding), text::prose(&result, digits));
        let step = RatedStep::new(format!("rounded {rule} to {shown}"));
        steps.push(RatedStep { amount: Some(result), ..step });
    }
    Ok((Amount(amount), steps))
}

/// A component in its plan, about to be priced.
struct Place<'a> {
    plan: &'a Plan,
    input: &'a RatingInput<'a>,
    share: &'a Share,
    position: usize,
    component: &'a Component,
}

impl Place<'_> {
    fn usage(&self, price: &PerUnit) -> Result<Vec<RatedLine>, RateError> {
        let used = self.input.usage.get(&price.meter.stream);
        let line = |deployment: Option<&str>, measured: Option<&Measurement>| {
            self.usage_line(price, deployment, measured).map_err(number(self.input.customer, &self.component.name))
        };
        match price.per {
            Per::Customer => Ok(vec![line(None, used.map(|used| &used.total))?]),
            Per::Deployment => {
                let each = used.into_iter().flat_map(|used| &used.deployments);
                each.map(|(name, measured)| line(Some(name), Some(measured))).collect()
            }
        }
    }

    fn usage_line(
        &self,
        price: &PerUnit,
        deployment: Option<&str>,
        measured: Option<&Measurement>,
    ) -> Result<RatedLine, ExactError> {
        let quantity = measured.map_or(Exact::ZERO, |measured| measured.total);
        let (raw, mut steps) = price.explain(quantity, self.plan.currency.digits())?;
        let raw = match price.meter.month {
            // A level is priced by the month: held for a part of it, it costs that part.
            Aggregation::Average | Aggregation::Peak => {
                self.share.part(raw, self.plan.currency.digits(), &mut steps)?
            }
            Aggregation::Sum | Aggregation::Count => raw,
        };
        let (amount, steps) = rounded(self.plan, raw, steps)?;
        Ok(RatedLine {
            deployment: deployment.map(str::to_owned),
            detail: usage_detail(price, deployment),
            quantity: Some(quantity),
            unit: Some(price.meter.unit.clone()),
            unit_price: Some(price.price),
            unit_size: Some(price.unit_size).filter(|size| *size != Exact::ONE),
            days: measured.map_or_else(Vec::new, |measured| measured.days.clone()),
            ..self.line(RatedKind::Usage, amount, steps)
        })
    }

    fn attribute(&self, price: &ByAttribute) -> Result<Option<RatedLine>, RateError> {
        let value = self.input.attributes.get(&price.attribute);
        match value.and_then(|value| Some((value, price.amounts.get(value)?))) {
            Some((value, amount)) => {
                let line = self.attribute_line(price, value, *amount);
                line.map(Some).map_err(number(self.input.customer, &self.component.name))
            }
            None if price.otherwise == Otherwise::None => Ok(None),
            None => Err(self.unpriced(price, value)),
        }
    }

    fn attribute_line(&self, price: &ByAttribute, value: &str, amount: Amount) -> Result<RatedLine, ExactError> {
        let digits = self.plan.currency.digits();
        let fee = Exact::decimal(amount.0, digits)?;
        let part = prorated(fee, digits, self.share, price.prorate)?;
        let decided = RatedStep::new(format!("{} is {value}", price.attribute));
        let decided = RatedStep { unit_price: Some(fee), ..decided };
        let (amount, steps) = rounded(self.plan, part.raw, vec![decided, part.step])?;
        let share = self.share.detail(price.prorate);
        let detail = [Some(format!("{}: {value}", price.attribute)), share].into_iter().flatten();
        Ok(RatedLine {
            detail: Some(detail.collect::<Vec<_>>().join(", ")),
            quantity: Some(part.quantity),
            unit: Some(part.unit.to_owned()),
            unit_price: Some(fee),
            unit_size: part.unit_size,
            ..self.line(RatedKind::Attribute, amount, steps)
        })
    }

    fn unpriced(&self, price: &ByAttribute, value: Option<&String>) -> RateError {
        RateError::Unpriced(Box::new(Unpriced {
            customer: self.input.customer.to_owned(),
            plan: self.plan.name.clone(),
            component: self.component.name.clone(),
            attribute: price.attribute.clone(),
            value: value.cloned(),
            known: price.amounts.keys().cloned().collect(),
        }))
    }

    /// What all lines of the component have in common.
    fn line(&self, kind: RatedKind, amount: Amount, steps: Vec<RatedStep>) -> RatedLine {
        RatedLine {
            kind,
            position: self.position,
            group: self.component.group.clone(),
            component: self.component.name.clone(),
            deployment: None,
            title: self.component.title.clone(),
            detail: None,
            period: self.input.period.label(),
            quantity: None,
            unit: None,
            unit_price: None,
            unit_size: None,
            currency: self.plan.currency,
            amount,
            days: Vec::new(),
            steps,
        }
    }
}
