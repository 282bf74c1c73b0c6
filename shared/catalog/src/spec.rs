//! The shapes of the sections this crate owns, as they are written in YAML.
//!
//! Only the form is checked here; names of currencies, zones and plans are looked up later, where a hint can be
//! given. Streams, sources, components and plans have their shapes in the crates that use them.

use std::collections::BTreeMap;

use pricing::{CreditSpec, Decimal, PriceSpec, TaxpayerSpec};

pub(crate) use pricing::{AddOnSpec, ChangeSpec, Day, RedeemedSpec};

/// `seller:`
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct SellerSpec {
    /// Name as on the invoice.
    pub(crate) name: String,
    /// Address, line by line.
    #[serde(default)]
    pub(crate) address: Vec<String>,
    /// Labelled numbers, such as `VAT ID`, by label.
    #[serde(default)]
    pub(crate) ids: BTreeMap<String, String>,
    /// ISO 4217 code: the currency of customers that name none.
    pub(crate) currency: String,
    /// IANA time zone, in which days and months begin: that of customers that name none.
    pub(crate) zone: String,
    /// Days from issue until an invoice is due; 30 where absent.
    #[serde(default = "default_terms")]
    pub(crate) terms_days: u32,
    /// What invoice numbers begin with; `INV-` where absent.
    #[serde(default = "default_number")]
    pub(crate) number: String,
    /// How to pay, line by line.
    #[serde(default)]
    pub(crate) payment: Vec<String>,
    /// Further text for every invoice, line by line.
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
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct BillingSpec {
    /// Hours after a month's end during which files that arrive belong to its first invoice; 24 where absent.
    #[serde(default = "default_grace")]
    pub(crate) grace_hours: u32,
}

/// A day: long enough for the last hourly file of a month and its retries.
pub(crate) fn default_grace() -> u32 {
    24
}

/// An item of `customers:`
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct CustomerSpec {
    /// The account: unique, and what invoices are kept under.
    pub(crate) id: String,
    /// Name as on the invoice.
    pub(crate) name: String,
    /// Address, line by line.
    #[serde(default)]
    pub(crate) address: Vec<String>,
    /// Labelled numbers, such as `VAT ID`, by label.
    #[serde(default)]
    pub(crate) ids: BTreeMap<String, String>,
    /// The billing zone; the seller's where absent.
    pub(crate) zone: Option<String>,
    /// The currency of all its plans; the seller's where absent.
    pub(crate) currency: Option<String>,
    /// What prices look at, such as `tier: gold`.
    #[serde(default)]
    pub(crate) attributes: BTreeMap<String, String>,
    /// What it runs, and since when.
    #[serde(default)]
    pub(crate) deployments: Vec<DeploymentSpec>,
    /// The plans that it holds.
    #[serde(default)]
    pub(crate) subscriptions: Vec<SubscriptionSpec>,
    /// What it has paid in advance.
    #[serde(default)]
    pub(crate) credits: Vec<CreditSpec>,
    /// How it is taxed.
    pub(crate) tax: Option<TaxpayerSpec>,
}

/// An item of a customer's `deployments:`
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct DeploymentSpec {
    /// As the usage files call it.
    pub(crate) id: String,
    /// The first day.
    pub(crate) from: Day,
    /// The first day that does not count any more.
    pub(crate) until: Option<Day>,
}

/// An item of a customer's `subscriptions:`
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct SubscriptionSpec {
    /// The plan.
    pub(crate) plan: String,
    /// The first day.
    pub(crate) from: Day,
    /// The first day that does not count any more.
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
