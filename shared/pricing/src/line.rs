//! What rating yields: lines with exact quantities, an amount rounded once, and how it came about.

use std::sync::Arc;

use chrono::NaiveDate;
use metering::exact::Exact;

use crate::money::{Amount, Currency};
use crate::sentence::Sentence;

/// One charge.
///
/// For fees and attributes, quantity × unit price ÷ unit size is the amount before rounding; for
/// usage that holds once the included quantity is taken off, as the steps show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RatedLine {
    /// What sort of charge it is.
    pub kind: RatedKind,
    /// Its place in the plan, fees first: the order in which lines are listed.
    pub position: usize,
    /// The heading on the invoice.
    pub group: Arc<str>,
    /// With the deployment and the period, the key by which a correction finds it: the component's
    /// name, or `plan/fee`.
    pub component: Arc<str>,
    /// Where the price is per deployment.
    pub deployment: Option<String>,
    /// How the invoice calls it.
    pub title: Arc<str>,
    /// A second, smaller line.
    pub detail: Option<String>,
    /// Label of the period it charges for.
    pub period: Arc<str>,
    /// Measured, before anything included is taken off.
    pub quantity: Option<Exact>,
    /// Of the quantity.
    pub unit: Option<Arc<str>>,
    /// The price of `unit_size` units.
    pub unit_price: Option<Exact>,
    /// How many units the price buys.
    pub unit_size: Option<Exact>,
    /// Its category of tax; `None` is the standard one.
    pub tax: Option<Arc<str>>,
    /// Of the amount.
    pub currency: Currency,
    /// Rounded once, by the plan's rule, to the currency's minor unit.
    pub amount: Amount,
    /// The quantity of each day, for usage.
    pub days: Vec<(NaiveDate, Exact)>,
    /// How the amount came about, in order.
    pub steps: Vec<RatedStep>,
}

/// What sort of charge a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RatedKind {
    /// A fee of the plan.
    Recurring,
    /// A fee that is charged once.
    OneTime,
    /// Decided by an attribute of the customer.
    Attribute,
    /// Metered.
    Usage,
    /// Taken off.
    Discount,
    /// A month of what was agreed to be spent: what is missing at its end, or a surcharge on what is beyond it.
    Commitment,
    /// What is missing to the minimum of a component or a plan.
    Minimum,
    /// What is too much for the maximum of a component or a plan; below nought.
    Maximum,
    /// Paid in advance.
    Credit,
}

/// A step on the way to an amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RatedStep {
    /// The step in words and numbers.
    pub text: Sentence,
    /// The quantity after this step.
    pub quantity: Option<Exact>,
    /// The price that it applies.
    pub unit_price: Option<Exact>,
    /// The amount after this step: exact, and rounded in the last step only.
    pub amount: Option<Exact>,
}

impl RatedStep {
    /// A step of which only the words are known.
    #[must_use]
    pub fn new(text: impl Into<Sentence>) -> Self {
        Self { text: text.into(), quantity: None, unit_price: None, amount: None }
    }
}
