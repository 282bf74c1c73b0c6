//! How a part of a period is charged, as written in the catalogue.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

/// What a fee costs when the subscription covers a part of its period only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prorate {
    /// The amount × days ÷ days of the period, in calendar days of the billing zone.
    #[default]
    Day,
    /// The amount × seconds ÷ seconds of the period: a day of 23 hours costs less than one of 25.
    Second,
    /// The whole amount.
    None,
    /// By the day, counted another way.
    Days(DayCount),
}

/// How days are counted where the default is not meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayCount {
    /// The denominator, such as 30 or 365; the days of the period where absent. As many days or more cost the whole.
    pub of: Option<u32>,
    /// Whether the day given as `until` counts too.
    pub both_ends: bool,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    by: By,
    of: Option<u32>,
    #[serde(default)]
    count: Count,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum By {
    Day,
}

#[derive(Default, PartialEq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Count {
    #[default]
    HalfOpen,
    BothEnds,
}

impl<'de> Deserialize<'de> for Prorate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ProrateVisitor)
    }
}

struct ProrateVisitor;

impl<'de> Visitor<'de> for ProrateVisitor {
    type Value = Prorate;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("`day`, `second`, `none`, or such as {by: day, of: 30} or {by: day, count: both-ends}")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Prorate, E> {
        match text {
            "day" => Ok(Prorate::Day),
            "second" => Ok(Prorate::Second),
            "none" => Ok(Prorate::None),
            other => Err(E::invalid_value(de::Unexpected::Str(other), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Prorate, A::Error> {
        let Written { by: By::Day, of, count } = Written::deserialize(MapAccessDeserializer::new(map))?;
        if of == Some(0) {
            return Err(de::Error::custom("`of: 0` would divide by nothing"));
        }
        Ok(Prorate::Days(DayCount { of, both_ends: count == Count::BothEnds }))
    }
}
