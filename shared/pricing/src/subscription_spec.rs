//! What is written of a subscription besides its plan and its days.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::day::Day;
use crate::decimal::Decimal;
use crate::price_spec::PriceSpec;

/// An item of a subscription's `changes:`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ChangeSpec {
    /// The first day on which it holds.
    pub from: Day,
    /// The plan from then on; the same where absent.
    pub plan: Option<String>,
    /// Prices agreed from then on, by component.
    #[serde(default)]
    pub prices: BTreeMap<String, PriceSpec>,
    /// Other numbers from then on, by path.
    #[serde(default)]
    pub set: BTreeMap<String, Decimal>,
    /// How many of what from then on.
    #[serde(default)]
    pub quantities: BTreeMap<String, Decimal>,
}

/// An item of a subscription's `add-ons:`: a component or a plan.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AddOnSpec {
    /// The component that is added.
    pub component: Option<String>,
    /// The plan that is added.
    pub plan: Option<String>,
    /// The first day; the subscription's where absent.
    pub from: Option<Day>,
    /// The first day on which it is not held any more; the subscription's where absent.
    pub until: Option<Day>,
}

/// An item of a subscription's `coupons:`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RedeemedSpec {
    /// The coupon.
    pub name: String,
    /// The day on which it was redeemed.
    pub on: Day,
}
