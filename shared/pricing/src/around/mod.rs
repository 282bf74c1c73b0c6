//! What stands around the lines of a plan: discounts, a commitment, a minimum, a maximum.
//!
//! All of it is a function of the period's own lines and of what earlier months of a window drew, so that a period
//! can be priced again whenever its usage changes. The order is fixed: discounts as written, each on what the ones
//! before it left; then the commitment, the minimum, the maximum.

mod apply;
mod spec;

use std::collections::BTreeSet;

use chrono::NaiveDate;
use metering::exact::Exact;
use serde::Deserialize;

pub(crate) use apply::apply;
pub use spec::{BoundSpec, CommitmentSpec, DiscountSpec};
pub(crate) use spec::{Known, around, compile_discount};

use crate::money::Amount;
use crate::plan::Component;
use crate::price::Price;
use crate::price_spec::Unspent;
use crate::prorate_spec::Prorate;
use crate::recurrence::Every;
use crate::spec::SpecError;

/// What stands around the lines of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Around {
    /// In the order in which they are taken off.
    pub discounts: Vec<Discount>,
    /// What is agreed to be spent.
    pub commitment: Option<Commitment>,
    /// The least that a month costs.
    pub minimum: Option<Bound>,
    /// The most that a month costs.
    pub maximum: Option<Bound>,
}

impl Around {
    /// Units can be taken off a quantity only where there is one quantity.
    pub(crate) fn check(&self, components: &[Component]) -> Vec<SpecError> {
        let several = |discount: &Discount| {
            let named = |component: &&Component| {
                discount.components.as_ref().is_some_and(|keys| keys.iter().any(|key| **key == *component.name))
            };
            matches!(discount.off, Off::Units(_))
                && !components.iter().filter(named).all(|component| match &component.price {
                    Price::Usage(price) => {
                        price.query.is_whole() && price.rules.is_none() && price.query.bucket.is_none()
                    }
                    Price::ByAttribute(_) => false,
                })
        };
        let wrong = self.discounts.iter().enumerate().filter(|(_, discount)| several(discount));
        wrong
            .map(|(index, _)| {
                let path = format!("discounts[{index}].units");
                let message = "units are taken off one quantity, and this component has none or several";
                SpecError::new(path, message).hint("use `percent` or `amount`")
            })
            .collect()
    }
}

/// Something taken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discount {
    /// `plan/discount`: the key of its lines.
    pub key: String,
    /// How the invoice calls it.
    pub title: String,
    /// How much.
    pub off: Off,
    /// The keys of the lines that it applies to; all where absent.
    pub components: Option<BTreeSet<String>>,
    /// The first day on which it holds.
    pub from: Option<NaiveDate>,
    /// The first day on which it no longer holds.
    pub until: Option<NaiveDate>,
}

/// How much a discount takes off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Off {
    /// Hundredths of what it applies to; above 0, at most 100.
    Percent(Exact),
    /// An amount, at most all of what it applies to.
    Amount(Amount),
    /// Units of the quantity of one component.
    Units(Exact),
}

/// What counts towards a minimum, a maximum or a commitment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Counts {
    /// All lines of the plan.
    #[default]
    Everything,
    /// Metered lines only.
    Usage,
}

/// The least or the most that a month costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The key of its line.
    pub key: String,
    /// How the invoice calls it.
    pub title: String,
    /// For a whole month.
    pub amount: Amount,
    /// What is compared with it.
    pub counts: Counts,
    /// For a part of a month.
    pub prorate: Prorate,
}

/// What is agreed to be spent in each window of some months.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commitment {
    /// The key of its line.
    pub key: String,
    /// How the invoice calls it.
    pub title: String,
    /// For a whole window.
    pub amount: Amount,
    /// The window; the first one begins with the month in which the subscription does.
    pub every: Every,
    /// What spending beyond it is multiplied by; at least 1.
    pub overage: Exact,
    /// What draws on it.
    pub counts: Counts,
    /// For a part of a window.
    pub prorate: Prorate,
    /// What becomes of what is not spent.
    pub unspent: Unspent,
}
