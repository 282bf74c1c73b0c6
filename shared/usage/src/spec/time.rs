//! When the usage was, as YAML says it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::scalars::{OneOrMany, Scalar, Short, Shorthand};

/// When the usage was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TimeSpec {
    /// The field, or several that are joined by a blank: a date and a time of day.
    pub field: OneOrMany<String>,
    /// `rfc3339`, `rfc2822`, `epoch-s`, `epoch-ms`, `epoch-us`, `epoch-ns`, or a strftime pattern. Of
    /// several the first that fits.
    pub format: OneOrMany<String>,
    /// The zone of times that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<Short<ZoneSpec>>,
    /// Which one is meant of a local time that happened twice. Such a record is rejected unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ambiguous: Option<Ambiguous>,
    /// Whether the time is where an interval begins or where it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<At>,
    /// The number of the interval of the day that `field` names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Short<IntervalSpec>>,
    /// How long an interval is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<Short<LengthSpec>>,
    /// The end of a span over which the usage is spread evenly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// Which one of two equal local times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ambiguous {
    /// The first, before the clocks went back.
    Earlier,
    /// The second.
    Later,
}

/// Where in an interval its time lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum At {
    /// Where it begins.
    Start,
    /// Where it ends: midnight belongs to the day before.
    End,
}

/// A zone. Written as a text it is its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ZoneSpec {
    /// An IANA name, or an offset such as `+10:00`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A field that holds one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What the field's texts mean: `CET: Europe/Berlin`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub map: BTreeMap<String, Scalar>,
}

impl Shorthand for ZoneSpec {
    const EXPECTED: &'static str = "a zone, or the `field` that names it";

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(Self { name: Some(text.to_owned()), ..Self::default() })
    }
}

/// The number of an interval. Written as a text it is the field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct IntervalSpec {
    /// The field.
    pub field: String,
    /// The number of a day's first interval.
    #[serde(default = "one")]
    pub first: u32,
}

fn one() -> u32 {
    1
}

impl Shorthand for IntervalSpec {
    const EXPECTED: &'static str = "a field, or `field` and `first`";

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(Self { field: text.to_owned(), first: one() })
    }
}

/// How long an interval is. Written as a text it is always so long.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LengthSpec {
    /// A duration: `30m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub always: Option<String>,
    /// A field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The unit of the field's number; without it the field is a duration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

impl Shorthand for LengthSpec {
    const EXPECTED: &'static str = "a duration such as 30m, or `field` and `unit`";

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(Self { always: Some(text.to_owned()), ..Self::default() })
    }
}
