//! What a component costs, with every name resolved and every number checked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use metering::exact::{Exact, ExactError, Rounding};
use metering::select::Query;
use metering::stream::{Aggregation, Kind};

use crate::money::Amount;
use crate::price_spec::{Beyond, Otherwise, Packages, RoundEach, TierBy, Unspent, ZeroUsage};
use crate::prorate_spec::Prorate;
use crate::rule::{Condition, Name};

/// What pricing has to know of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meter {
    /// The stream's name.
    pub stream: String,
    /// The unit of its quantities.
    pub unit: Arc<str>,
    /// What a sample says.
    pub kind: Kind,
    /// How a month's quantity comes about.
    pub month: Aggregation,
}

/// What a component costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Price {
    /// By quantity.
    Usage(Box<UsagePrice>),
    /// By an attribute of the customer.
    ByAttribute(ByAttribute),
}

/// A price by quantity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsagePrice {
    /// What it counts.
    pub meter: Meter,
    /// What is asked of the stream.
    pub query: Query,
    /// A price for each rule, or for each row of the query; one for a query without rows.
    pub rows: Vec<RowPrice>,
    /// What decides between the rows where the query does not.
    pub rules: Option<Rules>,
    /// What usage costs that fits no row.
    pub otherwise: Otherwise,
    /// Of all lines together.
    pub limits: Limits,
    /// What limits are in a part of a period.
    pub prorate: Prorate,
    /// What is agreed to be spent in each bucket.
    pub committed: Option<BucketCommitment>,
}

/// What is agreed to be spent in each bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketCommitment {
    /// In each bucket; not negative.
    pub amount: Exact,
    /// What spending beyond it is multiplied by; at least 1.
    pub overage: Exact,
    /// What becomes of what is not spent.
    pub unspent: Unspent,
}

impl BucketCommitment {
    /// What a bucket costs in which so much was spent.
    pub(crate) fn applied(&self, spent: Exact) -> Result<Exact, ExactError> {
        if spent <= self.amount {
            return Ok(if self.unspent == Unspent::Charged { self.amount } else { spent });
        }
        self.amount.add(&spent.sub(&self.amount)?.mul(&self.overage)?)
    }
}

/// The conditions of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// One for each row; `None` holds always.
    pub conditions: Vec<Option<Condition>>,
    /// What they ask for.
    pub names: BTreeSet<Name>,
    /// The units of the streams that they ask for.
    pub units: BTreeMap<String, String>,
}

/// The price of the usage that fits a row, for each part that has a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowPrice {
    /// What lines say of it; nothing without a matrix, or where a rule has no title.
    pub title: Option<String>,
    /// What happens to the quantity first.
    pub quantity: QuantityRule,
    /// How it becomes an amount.
    pub model: Model,
    /// Of each line.
    pub limits: Limits,
}

/// What happens to a quantity before it is priced, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantityRule {
    /// Of what is priced.
    pub unit: Arc<str>,
    /// How many of the stream's units make one of it; `None` where it is the same.
    pub units: Option<Exact>,
    /// The hours of a month of a level; `None` where the level itself is priced.
    pub month: Option<MonthHours>,
    /// Multiples of what are left, and by which rule.
    pub round: Option<RoundQuantity>,
    /// Free; not negative.
    pub included: Exact,
    /// What of it is free in a part of a period.
    pub prorate_included: Prorate,
}

/// The hours of a month of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MonthHours {
    /// Those of the period.
    Actual,
    /// Always so many.
    Fixed(i64),
}

/// A rounding of quantities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundQuantity {
    /// Positive.
    pub to: Exact,
    /// In which direction.
    pub rule: Rounding,
    /// What is rounded.
    pub each: RoundEach,
    /// What an event counts as at least.
    pub at_least: Exact,
}

/// How a quantity becomes an amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Model {
    /// A price per unit.
    PerUnit(UnitPrice),
    /// The parts of the quantity, each by its tier.
    Graduated(Tiers),
    /// The whole quantity, by the tier in which it ends.
    Volume(Tiers, TierBy),
    /// A share of money, event by event where it has to be.
    Percent(Percent),
}

/// Quantity × price ÷ size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitPrice {
    /// Of `size` units; not negative.
    pub price: Exact,
    /// Positive.
    pub size: Exact,
    /// What a part of `size` costs.
    pub packages: Packages,
    /// How the price is called where it is a share of money.
    pub share: Option<ShareName>,
}

/// How a share of money is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShareName {
    /// “2.9 %”.
    Percent,
    /// “20 % more”.
    Markup,
}

/// Tiers from nought upwards, without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tiers {
    /// In order; only the last may have no bound.
    pub tiers: Vec<Tier>,
    /// What lies above the last bound.
    pub beyond: Beyond,
    /// Whether the first flat fee is due without usage.
    pub zero: ZeroUsage,
}

/// A tier. It begins where the one before ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tier {
    /// Where it ends.
    pub bound: Option<Bound>,
    /// Of the quantity in it.
    pub price: Option<UnitPrice>,
    /// Due once it is reached.
    pub flat: Exact,
    /// Of the tier's amount, once it is reached.
    pub limits: Limits,
}

/// The end of a tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The quantity.
    pub at: Exact,
    /// Whether it belongs to the tier itself or to the next one.
    pub inclusive: bool,
}

/// A share of money, and what each event costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Percent {
    /// The share.
    pub rate: UnitPrice,
    /// Of each event that is not free.
    pub per_event: Exact,
    /// How many are free.
    pub free_events: Option<u32>,
    /// Of each event's amount.
    pub limits: Limits,
}

impl RowPrice {
    /// The price of so many units, where there is one for all of the quantity.
    pub(crate) fn unit_price(&self) -> Option<(Exact, Exact)> {
        match &self.model {
            Model::PerUnit(price) if price.share.is_none() => Some((price.price, price.size)),
            _ => None,
        }
    }
}

impl Percent {
    /// Whether the sum and the number of events do not suffice.
    pub(crate) fn needs_events(&self, included: Exact) -> bool {
        let free = self.free_events.is_some() || (!included.is_zero() && !self.per_event.is_zero());
        free || self.limits != Limits::default()
    }
}

/// Bounds of an amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// At least; not negative.
    pub minimum: Option<Exact>,
    /// At most; not below the minimum.
    pub maximum: Option<Exact>,
}

/// An amount per period that an attribute of the customer decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByAttribute {
    /// The attribute.
    pub attribute: String,
    /// What each of its values costs.
    pub amounts: BTreeMap<String, Amount>,
    /// What another value, or none, costs.
    pub otherwise: Otherwise,
    /// What a part of the period costs.
    pub prorate: Prorate,
}
