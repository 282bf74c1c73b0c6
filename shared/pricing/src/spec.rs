//! Prices as written in the catalogue. `docs/prices.md` shows every construct with an example.

use std::collections::BTreeMap;
use std::fmt;

use metering::exact::Rounding;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use crate::around::{BoundSpec, CommitmentSpec, DiscountSpec};
use crate::day::Day;
use crate::example::ExampleSpec;
use crate::fee::{ChangeRounding, OneTimeSpec, RecurringSpec};
use crate::money::Currency;
use crate::offer::PhaseSpec;
use crate::price_spec::{PriceSpec, Texts};

/// Something that is charged for: a stream of usage, or an attribute of the customer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ComponentSpec {
    /// How plans call it; the key by which a later correction finds what was charged.
    pub name: String,
    /// How the invoice calls it.
    pub title: String,
    /// The heading on the invoice; the stream's title where absent, “Plan” for an attribute.
    pub group: Option<String>,
    /// The stream that a price by quantity counts.
    pub stream: Option<String>,
    /// Which of the stream's usage counts, by its dimensions; all of it where absent.
    #[serde(default, rename = "where")]
    pub only: BTreeMap<String, Texts>,
    /// Its category of tax; the plan's where absent.
    pub tax: Option<String>,
    /// What it costs.
    pub price: Option<PriceSpec>,
    /// Instead: what it costs in each of several currencies.
    #[serde(default)]
    pub prices: BTreeMap<Currency, PriceSpec>,
    /// What it comes to for some usages: `farthing check` runs them.
    #[serde(default)]
    pub examples: Vec<ExampleSpec>,
}

/// When a recurring fee is charged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Billed {
    /// With the invoice of the period it is for.
    #[default]
    Arrears,
    /// With the invoice of the period before.
    Advance,
}

/// What a new version of a plan means for subscriptions that have begun under an earlier one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Existing {
    /// They keep the version with which they began, until they change.
    #[default]
    Stay,
    /// They move to this version on its first day.
    Move,
}

/// A bundle of fees and components.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PlanSpec {
    /// How subscriptions call it.
    pub name: String,
    /// How the invoice calls it.
    pub title: String,
    /// ISO 4217 code of everything in it; several where it is sold in several currencies.
    pub currency: Texts,
    /// The first day of this version, where the plan has several; from ever where absent.
    pub from: Option<Day>,
    /// The first day on which nobody can subscribe to this version any more; that of the next one where absent.
    pub until: Option<Day>,
    /// What becomes of subscriptions to earlier versions; they stay where absent.
    #[serde(default)]
    pub existing: Existing,
    /// How each line is rounded, once; half away from zero where absent.
    #[serde(default)]
    pub rounding: Rounding,
    /// The category of tax of everything that names none; `standard` where absent.
    pub tax: Option<String>,
    /// Fees of every period.
    #[serde(default)]
    pub recurring: Vec<RecurringSpec>,
    /// Fees that are charged once, when a subscription begins.
    #[serde(default)]
    pub one_time: Vec<OneTimeSpec>,
    /// What is taken off, in this order.
    #[serde(default)]
    pub discounts: Vec<DiscountSpec>,
    /// What is agreed to be spent.
    pub commitment: Option<CommitmentSpec>,
    /// The least that a month costs.
    pub minimum: Option<BoundSpec>,
    /// The most that a month costs.
    pub maximum: Option<BoundSpec>,
    /// How the parts of a fee's period are rounded that a change cuts it into; each by itself where absent.
    #[serde(default)]
    pub change_rounding: ChangeRounding,
    /// What is offered for a time at first.
    #[serde(default)]
    pub phases: Vec<PhaseSpec>,
    /// What is charged by usage or attribute.
    #[serde(default)]
    pub components: Vec<PlanComponentSpec>,
    /// What it comes to for some usages: `farthing check` runs them.
    #[serde(default)]
    pub examples: Vec<ExampleSpec>,
}

/// A component in a plan: its name, or its name with a price of this plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanComponentSpec {
    /// The component.
    pub name: String,
    /// The price in this plan, instead of the component's own as a whole.
    pub price: Option<PriceSpec>,
    /// Instead: in each of several currencies.
    pub prices: BTreeMap<Currency, PriceSpec>,
}

impl<'de> Deserialize<'de> for PlanComponentSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlanComponentVisitor)
    }
}

/// Reads both forms itself: an untagged enum would answer every mistake with “no variant matches”.
struct PlanComponentVisitor;

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct PricedComponent {
    name: String,
    price: Option<PriceSpec>,
    #[serde(default)]
    prices: BTreeMap<Currency, PriceSpec>,
}

impl<'de> Visitor<'de> for PlanComponentVisitor {
    type Value = PlanComponentSpec;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the name of a component, or {name: …, price: …}")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<PlanComponentSpec, E> {
        Ok(PlanComponentSpec { name: name.to_owned(), price: None, prices: BTreeMap::new() })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<PlanComponentSpec, A::Error> {
        let PricedComponent { name, price, prices } = PricedComponent::deserialize(MapAccessDeserializer::new(map))?;
        Ok(PlanComponentSpec { name, price, prices })
    }
}

/// Something in the catalogue that cannot be: where, what, and perhaps what was meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct SpecError {
    /// Relative to what was compiled: `price.per-unit`, `recurring[0].amount`.
    pub path: String,
    /// What is wrong, as a sentence.
    pub message: String,
    /// What to do, where it can be told.
    pub hint: Option<String>,
}

impl SpecError {
    pub(crate) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), hint: None }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same error seen from further out.
    pub(crate) fn within(self, outer: &str) -> Self {
        Self { path: format!("{outer}.{}", self.path), ..self }
    }
}
