//! What a component costs, as written in the catalogue. `docs/prices` has a page for each model.
//!
//! Plain data. Fields that do not belong together are found when the price is compiled, where a
//! hint can be given.

use std::collections::BTreeMap;
use std::fmt;

use metering::exact::Rounding;
use metering::select::Bucket;
use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use crate::decimal::Decimal;
use crate::prorate_spec::Prorate;

/// A price: one of the models (`per-unit`, `graduated`, `volume`, `percent`, `markup`, `matrix`,
/// `rules`, `by-attribute`), and what belongs to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PriceSpec {
    /// Model: the price of `unit-size` units.
    pub per_unit: Option<Decimal>,
    /// Model: each part of the quantity has the price of the tier in which it lies.
    pub graduated: Option<Vec<TierSpec>>,
    /// Model: the whole quantity has the price of the tier in which it ends.
    pub volume: Option<Vec<TierSpec>>,
    /// Model: a share of the money that the stream counts.
    pub percent: Option<Decimal>,
    /// Model: the cost that the stream counts, and so many percent more.
    pub markup: Option<Decimal>,
    /// Model: a price for each combination of dimensions; usage has that of the first row it fits.
    pub matrix: Option<Vec<MatrixRowSpec>>,
    /// Model: a price for each condition; usage has that of the first rule that holds.
    pub rules: Option<Vec<RuleSpec>>,
    /// Model: the attribute of the customer that decides.
    pub by_attribute: Option<String>,

    /// The unit that is priced, where it is not the stream's own: bytes and times are converted.
    pub unit: Option<String>,
    /// Prices unit-months of a level, with months of this length; the level itself where absent.
    pub month: Option<MonthLength>,
    /// A rounding of the quantity, before anything else.
    pub round_quantity: Option<RoundQuantitySpec>,
    /// The quantity of each period that is free; 0 where absent.
    pub included: Option<Decimal>,
    /// What of it belongs to a part of a period, such as before and after a change: all of it (`none`) where absent.
    pub prorate_included: Option<Prorate>,
    /// Over what the quantity is counted; the customer where absent.
    pub per: Option<Per>,
    /// Prices each quarter-hour, hour or day by itself and adds; the whole period where absent.
    pub bucket: Option<Bucket>,
    /// What is agreed to be spent in each bucket.
    pub bucket_commitment: Option<BucketCommitmentSpec>,

    /// How many units `per-unit` buys; 1 where absent.
    pub unit_size: Option<Decimal>,
    /// What a part of `unit-size` costs; in proportion where absent.
    pub packages: Option<Packages>,

    /// What usage beyond the last tier costs; every price ends without a bound where absent.
    pub beyond: Option<Beyond>,
    /// Whether the first tier's flat fee is due without usage; it is where absent.
    pub zero_usage: Option<ZeroUsage>,
    /// Which quantity decides on the tier of a volume price; the one that is priced where absent.
    pub tier_by: Option<TierBy>,

    /// What each event costs besides the percentage.
    pub per_event: Option<Decimal>,
    /// How many events of each period are free, the earliest first.
    pub free_events: Option<u32>,
    /// What each event that is not free costs at least.
    pub minimum_per_event: Option<Decimal>,
    /// What each event costs at most.
    pub maximum_per_event: Option<Decimal>,

    /// What each line is at least.
    pub line_minimum: Option<Decimal>,
    /// What each line is at most.
    pub line_maximum: Option<Decimal>,
    /// What all lines of the component are at least; a line of its own makes up the difference.
    pub minimum: Option<Decimal>,
    /// What all lines of the component are at most; a line of its own takes off the difference.
    pub maximum: Option<Decimal>,

    /// `by-attribute`: what each value of the attribute costs per period.
    pub amounts: Option<BTreeMap<String, Decimal>>,
    /// `by-attribute`, `matrix`, `rules`: what happens where nothing fits; an error where absent.
    pub otherwise: Option<Otherwise>,
    /// What `minimum`, `maximum` and an amount by attribute are in a part of a period; by the day
    /// where absent.
    pub prorate: Option<Prorate>,
}

/// What is agreed to be spent in each bucket.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BucketCommitmentSpec {
    /// In each bucket.
    pub amount: Decimal,
    /// What spending beyond it is multiplied by; 1 where absent.
    pub overage: Option<Decimal>,
    /// What becomes of what is not spent; it is charged where absent.
    #[serde(default)]
    pub unspent: Unspent,
}

/// What becomes of what was agreed and not spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unspent {
    /// It is charged.
    #[default]
    Charged,
    /// It is not.
    Free,
}

/// A tier. It begins above the bound of the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TierSpec {
    /// The last quantity that belongs to it. Without a bound it has no end.
    pub up_to: Option<Decimal>,
    /// Instead: the first quantity that does not belong to it any more.
    pub below: Option<Decimal>,
    /// The price of `unit-size` units.
    pub per_unit: Option<Decimal>,
    /// How many units `per-unit` buys, where it is not the price's.
    pub unit_size: Option<Decimal>,
    /// A share of the money that the stream counts.
    pub percent: Option<Decimal>,
    /// What is due once the tier is reached, whatever the quantity in it.
    pub flat: Option<Decimal>,
    /// What the tier costs at least, once it is reached.
    pub minimum: Option<Decimal>,
    /// What the tier costs at most.
    pub maximum: Option<Decimal>,
}

/// A row of a matrix.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MatrixRowSpec {
    /// What the line says of it; the values of `when` where absent.
    pub title: Option<String>,
    /// The dimensions that usage has to have; without any, all that fitted no row above.
    #[serde(default)]
    pub when: BTreeMap<String, Texts>,
    /// What it costs.
    pub price: PriceSpec,
}

/// A rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RuleSpec {
    /// What the line says of it; nothing where absent.
    pub title: Option<String>,
    /// A condition in the Common Expression Language over `customer`, `stream`, `dimension` and `time`; without one,
    /// all for which no rule above holds.
    pub when: Option<String>,
    /// What it costs.
    pub price: PriceSpec,
}

/// One text or several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts(pub Vec<String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextsVisitor)
    }
}

/// Reads both forms itself: an untagged enum would answer every mistake with “no variant matches”.
struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Texts;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a text or a list of texts")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Texts, E> {
        Ok(Texts(vec![text.to_owned()]))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Texts, E> {
        Ok(Texts(vec![value.to_string()]))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Texts, E> {
        Ok(Texts(vec![value.to_string()]))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Texts, E> {
        Ok(Texts(vec![value.to_string()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Texts, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = list.next_element::<String>()? {
            texts.push(text);
        }
        Ok(Texts(texts))
    }
}

/// A rounding of quantities.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RoundQuantitySpec {
    /// Multiples of this are left: 1, 0.01, 60.
    pub to: Decimal,
    /// In which direction; half away from zero where absent.
    #[serde(default)]
    pub rule: Rounding,
    /// What is rounded; the whole quantity where absent.
    #[serde(default)]
    pub each: RoundEach,
    /// `each: event`: what an event counts as at least.
    pub at_least: Option<Decimal>,
}

/// What a rounding of quantities applies to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RoundEach {
    /// The quantity that is priced: of the line, or of its bucket.
    #[default]
    Quantity,
    /// Every event by itself, before they are added.
    Event,
}

/// Over what a quantity is counted, and its included quantity and tiers given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// All deployments together: one line.
    #[default]
    Customer,
    /// Each deployment by itself: a line each.
    Deployment,
    /// Each reporter of each deployment by itself: a line each.
    Series,
    /// Each value of a dimension by itself: a line each.
    Dimension(String),
}

/// What happens where a price is given for other values only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Otherwise {
    /// It cannot be billed: somebody has to decide.
    #[default]
    Error,
    /// Nothing, and no line.
    None,
}

/// What a part of a package costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Packages {
    /// In proportion.
    #[default]
    Exact,
    /// As much as a whole one.
    Up,
    /// Nothing.
    Down,
}

/// What usage beyond the last tier costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Beyond {
    /// It cannot be billed: somebody has to decide.
    #[default]
    Error,
    /// As the last tier.
    LastTier,
    /// Nothing.
    Free,
}

/// Whether the first tier's flat fee is due without usage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ZeroUsage {
    /// It is.
    #[default]
    FirstTier,
    /// Nothing is due.
    Free,
}

/// Which quantity decides on the tier of a volume price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TierBy {
    /// The one that is priced.
    #[default]
    Quantity,
    /// The largest of the period, where an average is priced.
    Peak,
}

/// How long the month of a level is: one unit that is held for so long is one unit-month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
pub enum MonthLength {
    /// As long as the period is.
    #[serde(rename = "actual")]
    Actual,
    /// 30 days.
    #[serde(rename = "30d", alias = "720h")]
    Days30,
    /// A twelfth of 365 days.
    #[serde(rename = "730h")]
    Hours730,
    /// 31 days.
    #[serde(rename = "31d", alias = "744h")]
    Days31,
}
