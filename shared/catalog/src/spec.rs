//! The shapes of the sections this crate owns, as they are written in YAML.
//!
//! Only the form is checked here; names of currencies, zones and plans are looked up later, where a hint can be
//! given. Streams, sources, components and plans have their shapes in the crates that use them.

use std::collections::BTreeMap;

use pricing::{CreditSpec, PriceSpec, TaxpayerSpec};

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
}
