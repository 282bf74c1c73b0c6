//! The rules of a stream: what is measured, and how samples become a day's and a month's quantity.

use serde::{Deserialize, Serialize};

/// A counter that was silent for more than so many quarter-hours, 35 days, starts anew.
pub const COUNTER_LOOKBACK: i64 = 35 * 96;

/// A metered quantity as the catalogue declares it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Stream {
    /// How the rest of the catalogue calls it.
    pub name: String,
    /// How the invoice calls it.
    pub title: String,
    /// The unit of its quantities: `TB`, `hour`, `call`.
    pub unit: String,
    /// Digits after the decimal point that quantities may have, 0 to 18. A quantity with more is
    /// rejected, never rounded.
    pub scale: u32,
    /// What one sample says.
    pub kind: Kind,
    /// How a day's samples become one quantity.
    pub day: Aggregation,
    /// How a month's samples become one quantity.
    pub month: Aggregation,
    /// Whether quantities below zero are usage or an error.
    #[serde(default)]
    pub negative: Negative,
    /// Gauges: how the samples of one series within one interval combine.
    #[serde(default)]
    pub within: Within,
    /// Gauges: how the series of one interval combine.
    #[serde(default)]
    pub across: Across,
    /// Gauges: the interval at which each series reports.
    #[serde(default)]
    pub interval: Interval,
    /// Gauges: what an interval without a sample counts as.
    #[serde(default)]
    pub gap: Gap,
    /// Gauges with `gap: hold`: for how long the last value stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Interval>,
}

/// What one sample of a stream says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// This much more was used.
    Delta,
    /// This much is in use now.
    Gauge,
    /// This much has been used since the counter began; a fall is a restart from zero.
    Cumulative,
    /// The level went up by this much, or down where it is negative; it is nought when a period begins.
    Change,
}

/// How samples over a time become one quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Aggregation {
    /// All added.
    Sum,
    /// The sum over the number of samples; for gauges over the number of intervals.
    Average,
    /// The largest.
    Peak,
    /// How many there were.
    Count,
}

impl Aggregation {
    fn is_of_levels(self) -> bool {
        matches!(self, Self::Average | Self::Peak)
    }
}

/// Whether quantities below zero are usage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Negative {
    /// They are rejected.
    #[default]
    Reject,
    /// They count.
    Allow,
}

/// How the samples of one series within one interval combine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Within {
    /// The last one.
    #[default]
    Last,
    /// Their average.
    Average,
    /// The largest.
    Max,
}

/// How the series of one interval combine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Across {
    /// Added: every node reports its own part.
    #[default]
    Sum,
    /// The largest: every node reports the whole.
    Max,
}

/// What an interval without a sample counts as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Gap {
    /// It does not count.
    #[default]
    Ignore,
    /// Nought.
    Zero,
    /// The last value of each series, for at most `hold`.
    Hold,
}

/// A whole number of quarter-hours, at most a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Interval(i64);

impl Interval {
    /// How many quarter-hours long it is.
    pub fn quarters(self) -> i64 {
        self.0
    }
}

impl Default for Interval {
    fn default() -> Self {
        Self(1)
    }
}

/// The text is no interval.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is no interval: write minutes or hours that are multiples of 15 minutes and at most a day, such as 15m, 1h, 24h"
)]
pub struct NoInterval(String);

impl TryFrom<String> for Interval {
    type Error = NoInterval;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let minutes = match (text.strip_suffix('m'), text.strip_suffix('h')) {
            (Some(minutes), _) => minutes.parse::<i64>().ok(),
            (_, Some(hours)) => hours.parse::<i64>().ok().and_then(|hours| hours.checked_mul(60)),
            _ => None,
        };
        match minutes {
            Some(minutes) if (15..=1440).contains(&minutes) && minutes.rem_euclid(15) == 0 => {
                Ok(Self(minutes.div_euclid(15)))
            }
            _ => Err(NoInterval(text)),
        }
    }
}

impl From<Interval> for String {
    fn from(interval: Interval) -> Self {
        match interval.0.checked_rem(4) {
            Some(0) => format!("{}h", interval.0.div_euclid(4)),
            _ => format!("{}m", interval.0.saturating_mul(15)),
        }
    }
}

/// A rule of a stream that contradicts another.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct StreamError {
    /// The field at fault.
    pub field: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

impl Stream {
    /// Every rule that contradicts another or says nothing for this kind.
    pub fn problems(&self) -> Vec<StreamError> {
        let mut found = Vec::new();
        let mut report = |field, message: &str| found.push(StreamError { field, message: message.to_owned() });
        if self.name.is_empty() || !self.name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
            report("name", "a stream's name is made of letters, digits, `-`, `_` and `.`");
        }
        if self.scale > 18 {
            report("scale", "a quantity has at most 18 digits after the decimal point");
        }
        if self.kind != Kind::Gauge {
            self.gauge_rules_set()
                .into_iter()
                .for_each(|field| report(field, "only a stream of `kind: gauge` has this rule; remove it"));
        }
        match (self.gap, self.hold) {
            (Gap::Hold, None) => {
                report("gap", "`gap: hold` needs `hold`, the longest time that a value stands, such as `hold: 6h`")
            }
            (Gap::Ignore | Gap::Zero, Some(_)) => report("hold", "`hold` belongs to `gap: hold`"),
            _ => {}
        }
        if self.kind == Kind::Change && [self.day, self.month].iter().any(|rule| !rule.is_of_levels()) {
            report(
                "month",
                "a level that changes has an `average`, by time, and a `peak`, and nothing to add or count",
            );
        }
        if self.kind == Kind::Cumulative && self.negative == Negative::Allow {
            report("negative", "a cumulative counter is never negative");
        }
        found
    }

    fn gauge_rules_set(&self) -> Vec<&'static str> {
        let mut set = Vec::new();
        for (field, is_set) in [
            ("within", self.within != Within::default()),
            ("across", self.across != Across::default()),
            ("interval", self.interval != Interval::default()),
            ("gap", self.gap != Gap::default()),
        ] {
            if is_set {
                set.push(field);
            }
        }
        set
    }

    /// How many quarter-hours before a period matter for its quantity: the sample before a
    /// counter's first one, a value that is held.
    pub fn lookback_quarters(&self) -> i64 {
        match self.kind {
            Kind::Delta | Kind::Change => 0,
            Kind::Cumulative => COUNTER_LOOKBACK,
            Kind::Gauge => self.hold.map_or(0, Interval::quarters),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    fn stream(json: &str) -> Stream {
        serde_json::from_str(&format!(
            r#"{{"name":"storage","title":"Storage","unit":"TB","scale":6,"day":"average","month":"average",{json}}}"#
        ))
        .unwrap()
    }

    #[test]
    fn intervals_are_multiples_of_a_quarter_hour() {
        for (text, quarters) in [("15m", 1), ("60m", 4), ("1h", 4), ("24h", 96)] {
            assert_eq!(Interval::try_from(text.to_owned()).unwrap().quarters(), quarters);
        }
        for text in ["", "10m", "0m", "1d", "25h", "-15m", "1.5h", "h"] {
            assert!(Interval::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn rules_that_contradict_each_other_are_reported() {
        assert_eq!(stream(r#""kind":"gauge","interval":"1h""#).problems(), []);
        for (json, field) in [
            (r#""kind":"delta","within":"max""#, "within"),
            (r#""kind":"gauge","gap":"hold""#, "gap"),
            (r#""kind":"gauge","hold":"1h""#, "hold"),
            (r#""kind":"cumulative","negative":"allow""#, "negative"),
        ] {
            let fields: Vec<_> = stream(json).problems().into_iter().map(|p| p.field).collect();
            assert_eq!(fields, [field], "{json}");
        }
    }
}
