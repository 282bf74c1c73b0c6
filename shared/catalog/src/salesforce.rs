//! `salesforce:`: which organisation knows the customers, and which of its objects and fields say what.
//!
//! Nothing about an organisation is guessed: every object and field is named here, or by a preset that this module
//! writes out in full. What the organisation really has is held against it before anything is read.

mod id;
mod preset;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use id::{Id, IdError};
pub use preset::Preset;

/// An entry of `salesforce:` as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct OrganisationSpec {
    /// What its accounts are prefixed with.
    pub(crate) name: String,
    /// My Domain, as in https://nimbus.my.salesforce.com.
    pub(crate) host: String,
    /// The id of the organisation that must answer.
    pub(crate) organisation: String,
    /// A usual shape of objects, on which the rest builds.
    pub(crate) preset: Option<Preset>,
    /// The billing zone of accounts that name none; the seller's where absent.
    pub(crate) zone: Option<String>,
    /// The API's version.
    #[serde(default = "version")]
    pub(crate) version: String,
    /// How much of the day's calls a run may use, in percent; 25 where absent.
    #[serde(default = "budget")]
    pub(crate) budget_percent: u64,
    /// Who is billed.
    pub(crate) accounts: Option<Accounts>,
    /// What they run.
    pub(crate) deployments: Option<Deployments>,
    /// What they hold.
    pub(crate) subscriptions: Option<Subscriptions>,
    /// The plan that every account with a deployment holds from its first day.
    pub(crate) plan: Option<String>,
    /// What a new snapshot must not do.
    #[serde(default)]
    pub(crate) guards: Guards,
    /// What is written back; nothing unless it is named.
    pub(crate) write_back: Option<WriteBack>,
}

fn version() -> String {
    "67.0".to_owned()
}

fn budget() -> u64 {
    25
}

/// A Salesforce organisation and what its records say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organisation {
    /// What its accounts are prefixed with.
    pub name: String,
    /// My Domain, without a slash at its end.
    pub host: String,
    /// The organisation that must answer.
    pub organisation: Id,
    /// The billing zone of accounts that name none, in which days begin.
    pub zone: String,
    /// The API's version.
    pub version: String,
    /// How much of the day's calls a run may use, in percent.
    pub budget_percent: u64,
    /// Who is billed.
    pub accounts: Accounts,
    /// What they run.
    pub deployments: Deployments,
    /// What they hold; none where `plan` says it for all.
    pub subscriptions: Option<Subscriptions>,
    /// The plan that every account with a deployment holds from its first day.
    pub plan: Option<String>,
    /// What a new snapshot must not do.
    pub guards: Guards,
    /// What is written back; nothing unless it is named.
    pub write_back: Option<WriteBack>,
}

/// The object whose records are billed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Accounts {
    /// The object.
    pub object: String,
    /// Its name.
    pub name: String,
    /// The fields of its address, one line each.
    pub address: Vec<String>,
    /// The fields of where its deployments are.
    pub ship_to: Vec<String>,
    /// The field of its currency; the seller's where there is none.
    pub currency: Option<String>,
    /// The field of its zone.
    pub zone: Option<String>,
    /// What prices look at: label and field.
    pub attributes: BTreeMap<String, String>,
    /// Labelled numbers: label and field.
    pub ids: BTreeMap<String, String>,
    /// The field with the account that pays for it.
    pub bill_to: Option<String>,
    /// Whether the topmost parent pays, where no account is named.
    pub bill_to_parent: bool,
    /// The field with the account above it.
    pub parent: Option<String>,
    /// Never billed: field and values.
    pub excluded: BTreeMap<String, Vec<String>>,
}

impl Default for Accounts {
    fn default() -> Self {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            object: "Account".to_owned(),
            name: "Name".to_owned(),
            address: names(&["BillingStreet", "BillingPostalCode", "BillingCity", "BillingState", "BillingCountry"]),
            ship_to: Vec::new(),
            currency: None,
            zone: None,
            attributes: BTreeMap::new(),
            ids: BTreeMap::new(),
            bill_to: None,
            bill_to_parent: false,
            parent: Some("ParentId".to_owned()),
            excluded: BTreeMap::new(),
        }
    }
}

/// What is done with usage of a deployment whose record says that it is not in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Inactive {
    /// It was used: billed, and reported.
    #[default]
    Bill,
    /// Held until somebody has looked.
    Hold,
}

/// The object whose records are deployments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Deployments {
    /// The object.
    pub object: String,
    /// The fields by which usage names it; the first one by which any record answers decides.
    pub keys: Vec<String>,
    /// The field with its account.
    pub account: String,
    /// The field of its first day or instant; when it was created where there is none.
    pub from: Option<String>,
    /// The field of its last day, which counts, or of its end as an instant.
    pub until: Option<String>,
    /// The field that says whether it is in use.
    pub status: Option<String>,
    /// The values of `status` that say that it is.
    #[serde(default)]
    pub active: Vec<String>,
    /// What is done with usage of one that is not.
    #[serde(default)]
    pub inactive: Inactive,
    /// Never billed: field and values.
    #[serde(default)]
    pub excluded: BTreeMap<String, Vec<String>>,
}

/// The object whose records are subscriptions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Subscriptions {
    /// The object.
    pub object: String,
    /// The field with its account.
    pub account: String,
    /// The field that says which plan.
    pub plan: String,
    /// What its values are called in the catalogue; a value that is not listed is a plan's name.
    #[serde(default)]
    pub plans: BTreeMap<String, String>,
    /// The field of its first day.
    pub from: String,
    /// The field of its last day, which counts.
    pub until: Option<String>,
    /// The field of the first day on which it no longer counts.
    pub terminated: Option<String>,
    /// The field that says whether it counts.
    pub status: Option<String>,
    /// The values of `status` that say that it does.
    #[serde(default)]
    pub active: Vec<String>,
    /// Prices agreed with this account: component and field of the price per unit.
    #[serde(default)]
    pub prices: BTreeMap<String, String>,
    /// Numbers agreed with this account: the path in the plan, as in `set` of a subscription, and the field. Where the
    /// field is empty, the plan's number stands.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// How many there are of what fees are charged for each of: the name in the plan and the field.
    #[serde(default)]
    pub quantities: BTreeMap<String, String>,
}

/// When a new snapshot is refused and the old one stays in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Guards {
    /// An object lost more than this share of its records, in percent.
    pub fewer_percent: u64,
    /// More than this share of the deployments that are billed would be billed to nobody, in percent.
    pub unmatched_percent: u64,
    /// So many records or deployments may go at any time.
    pub tolerated: u64,
}

impl Default for Guards {
    fn default() -> Self {
        Self { fewer_percent: 5, unmatched_percent: 5, tolerated: 10 }
    }
}

/// Where summaries of usage and invoices are written: objects and fields of the organisation's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WriteBack {
    /// Summaries: one a deployment, stream and month.
    pub usage: Option<Target>,
    /// Invoices: one each.
    pub invoices: Option<Target>,
}

/// An object that is written to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Target {
    /// The object.
    pub object: String,
    /// Its external id field.
    pub key: String,
    /// What goes where: the name of a value and the field.
    pub fields: BTreeMap<String, String>,
}

/// Whether a text names an object or a field: words of letters, digits and `_` that begin with a letter, joined by
/// at most five points.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let word = |word: &str| {
        word.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    text.split('.').count() <= 6 && text.split('.').all(word)
}

impl Accounts {
    /// Every field that is mapped, each once.
    #[must_use]
    pub fn fields(&self) -> Vec<String> {
        let mut fields = vec![self.name.clone()];
        fields.extend(self.address.iter().chain(&self.ship_to).cloned());
        fields.extend([&self.currency, &self.zone, &self.bill_to, &self.parent].into_iter().flatten().cloned());
        fields.extend(self.attributes.values().chain(self.ids.values()).cloned());
        fields.extend(self.excluded.keys().cloned());
        fields
    }
}

impl Deployments {
    /// Every field that is mapped, each once.
    #[must_use]
    pub fn fields(&self) -> Vec<String> {
        let mut fields = self.keys.clone();
        fields.push(self.account.clone());
        fields.extend([&self.from, &self.until, &self.status].into_iter().flatten().cloned());
        fields.extend(self.excluded.keys().cloned());
        fields
    }
}

impl Subscriptions {
    /// Every field that is mapped, each once.
    #[must_use]
    pub fn fields(&self) -> Vec<String> {
        let mut fields = vec![self.account.clone(), self.plan.clone(), self.from.clone()];
        fields.extend([&self.until, &self.terminated, &self.status].into_iter().flatten().cloned());
        fields.extend(self.prices.values().chain(self.set.values()).chain(self.quantities.values()).cloned());
        fields
    }
}
