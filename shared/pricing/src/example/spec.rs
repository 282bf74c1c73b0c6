//! The written form of examples.

use std::collections::BTreeMap;
use std::fmt;

use metering::exact::Exact;
use metering::select::Bucket;
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::day::Day;
use crate::decimal::Decimal;
use crate::example::moment::Moment;
use crate::line::RatedLine;
use crate::money::Amount;
use crate::price_spec::PriceSpec;
use crate::subscription_spec::{AddOnSpec, ChangeSpec, RedeemedSpec};
use crate::tax::TaxpayerSpec;
use crate::text::prose;

/// An example beside a price: given this usage, these lines and this total are expected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ExampleSpec {
    /// What it shows; for the reader.
    pub title: Option<String>,
    /// The month, such as 2026-02, in the seller's zone.
    pub period: String,
    /// The day on which the subscription began; 2000-01-01 where absent.
    pub from: Option<Day>,
    /// The first day on which it is not held any more.
    pub until: Option<Day>,
    /// ISO 4217 code of the currency in which the customer pays: the plan's only one, or the seller's where absent.
    pub currency: Option<String>,
    /// The customer's attributes.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// What was used, by stream.
    #[serde(default)]
    pub usage: BTreeMap<String, GivenUsages>,
    /// How many of what fees are charged for each of.
    #[serde(default)]
    pub quantities: BTreeMap<String, Decimal>,
    /// Prices agreed with the customer, by component.
    #[serde(default)]
    pub prices: BTreeMap<String, PriceSpec>,
    /// Other numbers agreed with the customer, by path.
    #[serde(default)]
    pub set: BTreeMap<String, Decimal>,
    /// What changes, and when.
    #[serde(default)]
    pub changes: Vec<ChangeSpec>,
    /// What is added.
    #[serde(default)]
    pub add_ons: Vec<AddOnSpec>,
    /// What was redeemed.
    #[serde(default)]
    pub coupons: Vec<RedeemedSpec>,
    /// Where and how the customer is taxed; without taxes where absent.
    pub tax: Option<TaxpayerSpec>,
    /// The amounts expected, by component or fee: all lines, and no other.
    pub lines: Option<BTreeMap<String, Amounts>>,
    /// The total expected, net.
    pub total: Option<Decimal>,
    /// The taxes expected, all together.
    pub taxes: Option<Decimal>,
}

impl ExampleSpec {
    /// What it supposes.
    #[must_use]
    pub fn given(&self) -> Given {
        let of_stream = |(stream, used): (&String, &GivenUsages)| {
            let several = used.0.len() > 1;
            let path = |index| if several { format!("usage.{stream}[{index}]") } else { format!("usage.{stream}") };
            let each = used.0.iter().enumerate().map(|(index, used)| (path(index), stream.clone(), used.clone()));
            each.collect::<Vec<_>>()
        };
        Given {
            period: self.period.clone(),
            from: self.from,
            until: self.until,
            attributes: self.attributes.clone(),
            usage: self.usage.iter().flat_map(of_stream).collect(),
        }
    }
}

/// What is supposed of a customer and a month.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// The month, such as `2026-02`.
    pub period: String,
    /// The day on which the subscription began; 2000-01-01 where absent.
    pub from: Option<Day>,
    /// The first day on which it is not held any more.
    pub until: Option<Day>,
    /// The customer's attributes.
    pub attributes: BTreeMap<String, String>,
    /// What was used: where it is written, of which stream, how much.
    pub usage: Vec<(String, String, GivenUsage)>,
}

/// A quantity of a stream.
///
/// A level (a gauge that is averaged or of which the peak counts) is held from `from` until `until`,
/// the whole month where both are absent. Any other quantity is used once, at `from`; with `each`,
/// once in each day, hour or quarter-hour of that time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GivenUsage {
    /// How much, with or without a unit: `12.5 TB`.
    pub quantity: Written,
    /// What prices by dimension look at.
    #[serde(default)]
    pub dimensions: BTreeMap<String, String>,
    /// Whose it is, where deployments are told apart.
    pub deployment: Option<String>,
    /// The reporter within the deployment.
    pub series: Option<String>,
    /// The day, hour (`2026-02-03T14`) or quarter-hour of it: in place of `from` and `until`.
    pub on: Option<Moment>,
    /// When it begins.
    pub from: Option<Moment>,
    /// When it is over.
    pub until: Option<Moment>,
    /// Used anew in each of these.
    pub each: Option<Bucket>,
}

impl GivenUsage {
    /// So much, in the whole month.
    #[must_use]
    pub fn of(quantity: &str) -> Self {
        Self {
            quantity: Written(quantity.to_owned()),
            dimensions: BTreeMap::new(),
            deployment: None,
            series: None,
            on: None,
            from: None,
            until: None,
            each: None,
        }
    }
}

/// A quantity as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written(pub String);

/// One quantity or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUsages(pub Vec<GivenUsage>);

/// What one or several lines of a component are expected to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Amounts {
    /// All of them together.
    Sum(Decimal),
    /// Each, in order.
    Each(Vec<Decimal>),
}

impl Amounts {
    pub(super) fn fit(&self, lines: &[&RatedLine]) -> bool {
        let is = |line: &RatedLine, amount: Amount, expected: &Decimal| {
            Exact::decimal(amount.0, line.currency.digits()).is_ok_and(|amount| amount == expected.value())
        };
        match (self, lines) {
            (Self::Each(expected), lines) => {
                expected.len() == lines.len()
                    && expected.iter().zip(lines).all(|(expected, line)| is(line, line.amount, expected))
            }
            (Self::Sum(expected), [first, ..]) => {
                Amount::sum(lines.iter().map(|line| line.amount)).is_ok_and(|sum| is(first, sum, expected))
            }
            (Self::Sum(_), []) => false,
        }
    }
}

impl Amounts {
    /// In words, with the currency's digits.
    pub(super) fn told(&self, digits: u32) -> String {
        let one = |amount: &Decimal| prose(&amount.value(), digits).to_string();
        match self {
            Self::Sum(amount) => one(amount),
            Self::Each(amounts) => amounts.iter().map(one).collect::<Vec<_>>().join(", "),
        }
    }
}

/// Reads the forms themselves: an untagged enum would answer every mistake with “no variant matches”.
macro_rules! read_any {
    ($type:ty, $visitor:ident) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any($visitor)
            }
        }

        struct $visitor;
    };
}

/// A whole number is read as its text.
macro_rules! visit_whole {
    ($value:ty) => {
        fn visit_i64<E: de::Error>(self, value: i64) -> Result<$value, E> {
            self.visit_str(&value.to_string())
        }

        fn visit_u64<E: de::Error>(self, value: u64) -> Result<$value, E> {
            self.visit_str(&value.to_string())
        }
    };
}

read_any!(Written, WrittenVisitor);
read_any!(GivenUsages, GivenUsagesVisitor);
read_any!(Amounts, AmountsVisitor);

impl Visitor<'_> for WrittenVisitor {
    type Value = Written;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a quantity such as 12.5 TB")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Written, E> {
        Ok(Written(text.to_owned()))
    }

    visit_whole!(Written);
}

impl<'de> Visitor<'de> for GivenUsagesVisitor {
    type Value = GivenUsages;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a quantity such as 12.5 TB, {quantity: …, dimensions: …}, or a list of these")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<GivenUsages, E> {
        Ok(GivenUsages(vec![GivenUsage::of(text)]))
    }

    visit_whole!(GivenUsages);

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<GivenUsages, A::Error> {
        Ok(GivenUsages(vec![GivenUsage::deserialize(MapAccessDeserializer::new(map))?]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<GivenUsages, A::Error> {
        let each = Vec::<GivenUsages>::deserialize(SeqAccessDeserializer::new(list))?;
        Ok(GivenUsages(each.into_iter().flat_map(|one| one.0).collect()))
    }
}

impl<'de> Visitor<'de> for AmountsVisitor {
    type Value = Amounts;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an amount such as 725.00, or a list of them")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Amounts, E> {
        text.parse().map(Amounts::Sum).map_err(E::custom)
    }

    visit_whole!(Amounts);

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Amounts, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(Amounts::Each)
    }
}
