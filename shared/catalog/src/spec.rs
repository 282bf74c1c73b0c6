//! The shapes of the sections this crate owns, as they are written in YAML.
//!
//! Only the form is checked here; names of currencies, zones and plans are looked up later, where a hint can be
//! given. Streams, sources, components and plans have their shapes in the crates that use them.

use std::collections::BTreeMap;

use pricing::{CreditSpec, Decimal, PriceSpec, TaxpayerSpec};

pub(crate) use pricing::Day;

/// `seller:`
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct SellerSpec {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) address: Vec<String>,
    #[serde(default)]
    pub(crate) ids: BTreeMap<String, String>,
    pub(crate) currency: String,
    pub(crate) zone: String,
    #[serde(default = "default_terms")]
    pub(crate) terms_days: u32,
    #[serde(default = "default_number")]
    pub(crate) number: String,
    #[serde(default)]
    pub(crate) payment: Vec<String>,
    #[serde(default)]
    pub(crate) notes: Vec<String>,
}

fn default_terms() -> u32 {
    30
}

fn default_number() -> String {
    "INV-".to_owned()
}

/// `billing:`
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct BillingSpec {
    #[serde(default = "default_grace")]
    pub(crate) grace_hours: u32,
}

/// A day: long enough for the last hourly file of a month and its retries.
pub(crate) fn default_grace() -> u32 {
    24
}

/// An item of `customers:`
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct CustomerSpec {
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) address: Vec<String>,
    #[serde(default)]
    pub(crate) ids: BTreeMap<String, String>,
    pub(crate) zone: Option<String>,
    pub(crate) currency: Option<String>,
    #[serde(default)]
    pub(crate) attributes: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) deployments: Vec<DeploymentSpec>,
    #[serde(default)]
    pub(crate) subscriptions: Vec<SubscriptionSpec>,
    #[serde(default)]
    pub(crate) credits: Vec<CreditSpec>,
    pub(crate) tax: Option<TaxpayerSpec>,
}

/// An item of a customer's `deployments:`
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct DeploymentSpec {
    pub(crate) id: String,
    pub(crate) from: Day,
    pub(crate) until: Option<Day>,
}

/// An item of a customer's `subscriptions:`
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct SubscriptionSpec {
    pub(crate) plan: String,
    pub(crate) from: Day,
    pub(crate) until: Option<Day>,
    /// Prices agreed with this customer, by component.
    #[serde(default)]
    pub(crate) prices: BTreeMap<String, PriceSpec>,
    /// Numbers agreed with this customer, by their paths in the plan.
    #[serde(default)]
    pub(crate) set: BTreeMap<String, Decimal>,
    /// How many there are of what fees are charged for each of.
    #[serde(default)]
    pub(crate) quantities: BTreeMap<String, Decimal>,
    /// What changes on later days, in any order.
    #[serde(default)]
    pub(crate) changes: Vec<ChangeSpec>,
    /// Further components and plans.
    #[serde(default)]
    pub(crate) add_ons: Vec<AddOnSpec>,
    /// Redeemed coupons.
    #[serde(default)]
    pub(crate) coupons: Vec<RedeemedSpec>,
}

/// An item of a subscription's `changes:`
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ChangeSpec {
    pub(crate) from: Day,
    /// The plan from then on; the same where absent.
    pub(crate) plan: Option<String>,
    #[serde(default)]
    pub(crate) prices: BTreeMap<String, PriceSpec>,
    #[serde(default)]
    pub(crate) set: BTreeMap<String, Decimal>,
    #[serde(default)]
    pub(crate) quantities: BTreeMap<String, Decimal>,
}

/// An item of a subscription's `add-ons:`: a component or a plan.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct AddOnSpec {
    pub(crate) component: Option<String>,
    pub(crate) plan: Option<String>,
    pub(crate) from: Option<Day>,
    pub(crate) until: Option<Day>,
}

/// An item of a subscription's `coupons:`
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RedeemedSpec {
    pub(crate) name: String,
    /// The day on which it was redeemed.
    pub(crate) on: Day,
}
