//! Instants and the quarter-hours that cells are made of.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

const QUARTER_MS: i64 = 900_000;
const HOUR_MS: i64 = 3_600_000;

/// Milliseconds since 1970-01-01T00:00:00Z; leap seconds are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instant(pub i64);

impl Instant {
    /// The same instant as a UTC date and time; `None` beyond the years that chrono knows.
    pub fn to_utc(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_millis(self.0)
    }

    /// Hours since the epoch, rounded down: the hour of arrival that names a slot.
    pub fn hour(self) -> i64 {
        self.0.div_euclid(HOUR_MS)
    }

    /// The instant `hours` later; `None` beyond the range.
    pub fn plus_hours(self, hours: i64) -> Option<Self> {
        hours.checked_mul(HOUR_MS).and_then(|ms| self.0.checked_add(ms)).map(Self)
    }
}

impl From<DateTime<Utc>> for Instant {
    fn from(at: DateTime<Utc>) -> Self {
        Self(at.timestamp_millis())
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_utc() {
            Some(at) => f.write_str(&at.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            None => write!(f, "{} ms", self.0),
        }
    }
}

/// A quarter of an hour of UTC, counted from the epoch.
///
/// Every zone's present offset is a multiple of 15 minutes, so any customer's day and month is a
/// union of quarters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Quarter(pub i64);

impl Quarter {
    /// The quarter that holds an instant.
    #[inline]
    pub fn of(at: Instant) -> Self {
        Self(at.0.div_euclid(QUARTER_MS))
    }

    /// Its first millisecond.
    pub fn start(self) -> Instant {
        Instant(self.0.saturating_mul(QUARTER_MS))
    }

    /// The first quarter that begins at `at` or later: the lower bound of a half-open range.
    pub fn from(at: Instant) -> Self {
        Self(at.0.saturating_add(QUARTER_MS - 1).div_euclid(QUARTER_MS))
    }
}

/// A half-open range of time `[from, until)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// The first instant inside.
    pub from: Instant,
    /// The first instant outside.
    pub until: Instant,
}

impl Span {
    /// Whether `at` lies inside.
    pub fn contains(&self, at: Instant) -> bool {
        self.from <= at && at < self.until
    }

    /// What both have in common, unless that is nothing.
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let both = Self { from: self.from.max(other.from), until: self.until.min(other.until) };
        (both.from < both.until).then_some(both)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_holds_its_start_and_not_its_end() {
        let quarter = Quarter::of(Instant(900_000));
        assert_eq!(quarter, Quarter(1));
        assert_eq!(Quarter::of(Instant(1_799_999)), quarter);
        assert_eq!(Quarter::of(Instant(1_800_000)), Quarter(2));
        assert_eq!(Quarter::of(Instant(-1)), Quarter(-1));
        assert_eq!(quarter.start(), Instant(900_000));
    }

    #[test]
    fn the_lower_bound_of_a_range_rounds_up() {
        assert_eq!(Quarter::from(Instant(900_000)), Quarter(1));
        assert_eq!(Quarter::from(Instant(900_001)), Quarter(2));
    }
}
