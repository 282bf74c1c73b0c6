//! From quantities to lines: pure, exact, rounded once per line.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use metering::exact::{Exact, ExactError};
use metering::period::{Period, PeriodError};
use thiserror::Error;

use crate::agreement::Stretch;
use crate::around;
use crate::fee::fee_lines;
use crate::history::{History, NOTHING};
use crate::line::{RatedKind, RatedLine, RatedStep};
use crate::model::{ModelError, Steps};
use crate::money::Amount;
use crate::plan::{Component, Plan};
use crate::price::{ByAttribute, Price};
use crate::price_spec::Otherwise;
use crate::prorate::{Share, prorated};
use crate::rule::Untold;
use crate::sentence::said;
use crate::spec::Billed;
use crate::text;
use crate::usage::{Usage, UsageError};

/// The days for which a customer holds a plan: `[from, until)`, in the billing zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// The first day.
    pub from: NaiveDate,
    /// The day after the last; `None` while it goes on.
    pub until: Option<NaiveDate>,
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
    /// The day on which the subscription began: before the term where the plan was changed since.
    pub begun: NaiveDate,
    /// The first day on which the subscription is not held any more, whatever plan it has then.
    pub ends: Option<NaiveDate>,
    /// The day on which the subscription has ended, where that was not known when the plan was compiled.
    pub ended: Option<NaiveDate>,
    /// The stretches of the subscription before this term.
    pub before: &'a [Stretch<'a>],
    /// The customer's attributes in the period.
    pub attributes: &'a BTreeMap<String, String>,
    /// What was used; a stream that is missing counts as nothing used.
    pub usage: &'a dyn Usage,
    /// What earlier months drew.
    pub history: &'a History,
}

impl<'a> RatingInput<'a> {
    /// A subscription by itself: it has had one plan, and nothing was drawn before.
    #[must_use]
    pub fn alone(
        customer: &'a str,
        period: &'a Period,
        term: Term,
        attributes: &'a BTreeMap<String, String>,
        usage: &'a dyn Usage,
    ) -> Self {
        let (begun, ends) = (term.from, term.until);
        Self { customer, period, term, begun, ends, ended: None, before: &[], attributes, usage, history: &NOTHING }
    }

    /// The days of the whole subscription, whatever plan it had.
    pub(crate) fn whole_term(&self) -> Term {
        Term { from: self.begun, until: self.ends }
    }
}

/// Why a plan cannot be rated.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum RateError {
    /// The attribute that a price depends on is missing, or no amount is given for its value.
    #[error("{0}")]
    Unpriced(Box<Unpriced>),
    /// Usage fits no row of a matrix.
    #[error("{0}")]
    Unfitting(Box<Unfitting>),
    /// No rule of a price holds.
    #[error("{0}")]
    NoRule(Box<NoRule>),
    /// A rule of a price cannot be told.
    #[error("{0}")]
    Rule(Box<RuleFailure>),
    /// A quantity lies above the last tier, and nothing is said of it.
    #[error("{0}")]
    Beyond(Box<BeyondTiers>),
    /// What was used cannot be told.
    #[error("the usage of “{component}” for the customer “{customer}” cannot be told: {source}")]
    Usage {
        /// Whose.
        customer: String,
        /// The component.
        component: String,
        /// Why.
        source: Box<UsageError>,
    },
    /// A fee whose periods reach beyond the calendar.
    #[error("the periods of “{component}” for the customer “{customer}” cannot be told: {source}")]
    Calendar {
        /// Whose.
        customer: String,
        /// `plan/fee`.
        component: String,
        /// What went wrong.
        source: PeriodError,
    },
    /// A fee for each of something, and nothing says how many the customer has.
    #[error(
        "the fee “{component}” is charged for each of “{quantity}”, and the customer “{customer}” has no number of \
         them. Write `quantities: {{{quantity}: 1}}` into the subscription"
    )]
    Quantity {
        /// Whose.
        customer: String,
        /// `plan/fee`.
        component: String,
        /// Of what.
        quantity: String,
    },
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

/// A customer who used more than the tiers of a price say something of.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "“{component}” of the customer “{customer}” has a quantity of {quantity}, and its tiers end at {bound}. Add a tier, \
     or say what lies beyond: `beyond: last-tier` or `beyond: free`"
)]
pub struct BeyondTiers {
    /// Whose.
    pub customer: String,
    /// The component.
    pub component: String,
    /// What is to be priced.
    pub quantity: Exact,
    /// Where the last tier ends.
    pub bound: Exact,
}

/// A customer whose usage falls under no rule.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "no rule of the price of “{component}” in the plan “{plan}” holds for usage of the customer “{customer}”: {values}. \
     Add a rule, a last rule without `when`, or set `otherwise: none`"
)]
pub struct NoRule {
    /// Whose.
    pub customer: String,
    /// The plan.
    pub plan: String,
    /// The component.
    pub component: String,
    /// What the rules were told, in words.
    pub values: String,
}

/// A rule that is neither true nor false.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the rule “{rule}” of “{component}” cannot be told for the customer “{customer}”: {source}")]
pub struct RuleFailure {
    /// Whose.
    pub customer: String,
    /// The component.
    pub component: String,
    /// As it is written.
    pub rule: String,
    /// Why.
    pub source: Untold,
}

/// A customer whose usage fits no row of a matrix.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the price of “{component}” in the plan “{plan}” depends on dimensions of the usage, and the customer “{customer}” \
     has usage with {}; prices are given for {}. Add a row, a last row without `when`, or set `otherwise: none`",
    .dimensions.iter().map(|(name, value)| format!("{name}: {value}")).reduce(|a, b| format!("{a}, {b}"))
        .unwrap_or_else(|| "none of them".to_owned()),
    .known.join("; ")
)]
pub struct Unfitting {
    /// Whose.
    pub customer: String,
    /// The plan.
    pub plan: String,
    /// The component.
    pub component: String,
    /// Those that the rows look at.
    pub dimensions: BTreeMap<String, String>,
    /// What the rows are called.
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
    rate_all(plan, input, true)
}

/// The same lines without their steps and details, in a fraction of the time: for comparing
/// catalogues, where only amounts matter.
///
/// # Errors
/// [`RateError`].
pub fn rate_amounts(plan: &Plan, input: &RatingInput<'_>) -> Result<Vec<RatedLine>, RateError> {
    rate_all(plan, input, false)
}

fn rate_all(plan: &Plan, input: &RatingInput<'_>, explain: bool) -> Result<Vec<RatedLine>, RateError> {
    let Some(share) = Share::of(input.term, input.period) else { return Ok(Vec::new()) };
    let month = input.period.label().into();
    let mut lines = Vec::with_capacity(plan.fees.len().saturating_add(plan.components.len()));
    for (position, fee) in plan.fees.iter().enumerate() {
        lines.extend(fee_lines(plan, input, position, fee)?);
    }
    for (position, component) in (plan.fees.len()..).zip(&plan.components) {
        Place { plan, input, share: &share, month: &month, position, component, explain }.lines(&mut lines)?;
    }
    around::apply(plan, input, &share, lines)
}

/// The fees that the invoice before `input.period` charges for it.
///
/// # Errors
/// [`RateError::Number`].
pub fn fees_in_advance(plan: &Plan, input: &RatingInput<'_>) -> Result<Vec<RatedLine>, RateError> {
    let early = plan.fees.iter().enumerate().filter(|(_, fee)| fee.billed == Billed::Advance);
    let lines = early.map(|(position, fee)| fee_lines(plan, input, position, fee));
    Ok(lines.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

pub(crate) fn number(customer: &str, component: &str) -> impl Fn(ExactError) -> RateError {
    move |source| RateError::Number { customer: customer.to_owned(), component: component.to_owned(), source }
}

/// The one place where an amount is rounded; says so where it changes something.
pub(crate) fn rounded(plan: &Plan, raw: Exact, steps: &mut Steps) -> Result<Amount, ExactError> {
    let digits = plan.currency.digits();
    let amount = raw.round(digits, plan.rounding)?;
    let result = Exact::decimal(amount, digits)?;
    if result != raw {
        steps.push(|| {
            let (rule, shown) = (text::rounding(plan.rounding), text::prose(&result, digits));
            RatedStep { amount: Some(result), ..RatedStep::new(said!("rounded {} to {}", rule, shown)) }
        });
    }
    Ok(Amount(amount))
}

/// A component in its plan, about to be priced.
pub(crate) struct Place<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) input: &'a RatingInput<'a>,
    pub(crate) share: &'a Share,
    /// The period's label.
    pub(crate) month: &'a Arc<str>,
    pub(crate) position: usize,
    pub(crate) component: &'a Component,
    pub(crate) explain: bool,
}

impl Place<'_> {
    /// Adds the lines of the component.
    pub(crate) fn lines(&self, lines: &mut Vec<RatedLine>) -> Result<(), RateError> {
        match &self.component.price {
            Price::Usage(price) => self.usage(price, lines),
            Price::ByAttribute(price) => {
                lines.extend(self.attribute(price)?);
                Ok(())
            }
        }
    }

    pub(crate) fn number(&self, source: ExactError) -> RateError {
        number(self.input.customer, &self.component.name)(source)
    }

    pub(crate) fn model_error(&self, error: ModelError) -> RateError {
        let (customer, component) = (self.input.customer.to_owned(), self.component.name.to_string());
        match error {
            ModelError::Number(source) => RateError::Number { customer, component, source },
            ModelError::Beyond { quantity, bound } => {
                RateError::Beyond(Box::new(BeyondTiers { customer, component, quantity, bound }))
            }
        }
    }

    pub(crate) fn usage_error(&self, source: UsageError) -> RateError {
        let (customer, component) = (self.input.customer.to_owned(), self.component.name.to_string());
        RateError::Usage { customer, component, source: Box::new(source) }
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
        let part = prorated(fee, digits, self.share, price.prorate, "month")?;
        let mut steps = Steps::new(digits, self.explain);
        steps.push(|| RatedStep {
            unit_price: Some(fee),
            ..RatedStep::new(said!("{} is {}", price.attribute.clone(), value.to_owned()))
        });
        steps.push(|| part.step);
        let amount = rounded(self.plan, part.raw, &mut steps)?;
        let share = self.share.detail(price.prorate);
        let detail = [Some(format!("{}: {value}", price.attribute)), share].into_iter().flatten();
        Ok(RatedLine {
            detail: Some(detail.collect::<Vec<_>>().join(", ")),
            quantity: Some(part.quantity),
            unit: Some(part.unit.into()),
            unit_price: Some(fee),
            unit_size: part.unit_size,
            ..self.line(RatedKind::Attribute, amount, steps.done())
        })
    }

    fn unpriced(&self, price: &ByAttribute, value: Option<&String>) -> RateError {
        RateError::Unpriced(Box::new(Unpriced {
            customer: self.input.customer.to_owned(),
            plan: self.plan.name.clone(),
            component: self.component.name.to_string(),
            attribute: price.attribute.clone(),
            value: value.cloned(),
            known: price.amounts.keys().cloned().collect(),
        }))
    }

    /// What all lines of the component have in common.
    pub(crate) fn line(&self, kind: RatedKind, amount: Amount, steps: Vec<RatedStep>) -> RatedLine {
        RatedLine {
            kind,
            position: self.position,
            group: self.component.group.clone(),
            component: self.component.name.clone(),
            deployment: None,
            title: self.component.title.clone(),
            detail: None,
            period: Arc::clone(self.month),
            quantity: None,
            unit: None,
            unit_price: None,
            unit_size: None,
            tax: self.plan.tax_of(self.component.tax.as_ref()),
            currency: self.plan.currency,
            amount,
            days: Vec::new(),
            steps,
        }
    }
}
