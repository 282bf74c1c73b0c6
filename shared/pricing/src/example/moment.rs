//! A day, an hour or a quarter-hour of somebody's calendar.

use std::fmt;
use std::str::FromStr;

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Timelike};
use chrono_tz::Tz;
use metering::period::start_of_day;
use metering::time::{Instant, Span};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

const HOUR: i64 = 3_600_000;
const QUARTER: i64 = 900_000;

/// `2026-02-03`, `2026-02-03T14` or `2026-02-03T14:15`, in the billing zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A day.
    Day(NaiveDate),
    /// An hour.
    Hour(NaiveDateTime),
    /// A quarter-hour.
    Quarter(NaiveDateTime),
}

impl Moment {
    /// Its instants; of an hour that the clocks repeat the first one.
    pub(super) fn span(self, zone: Tz) -> Result<Span, String> {
        let local = |at: NaiveDateTime, length| {
            let at = zone.from_local_datetime(&at).earliest().ok_or_else(|| {
                format!("{} never was in {zone}: the clocks jumped over it", at.format("%Y-%m-%dT%H:%M"))
            })?;
            let from = Instant(at.timestamp_millis());
            Ok(Span { from, until: Instant(from.0.saturating_add(length)) })
        };
        match self {
            Self::Day(date) => {
                let next = date.checked_add_days(Days::new(1)).ok_or("the calendar ends there")?;
                let start = |date| start_of_day(zone, date).map_err(|error| error.to_string());
                Ok(Span { from: start(date)?, until: start(next)? })
            }
            Self::Hour(at) => local(at, HOUR),
            Self::Quarter(at) => local(at, QUARTER),
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown =
            || format!("`{text}` is no day, hour or quarter-hour: write 2026-02-03, 2026-02-03T14 or 2026-02-03T14:15");
        let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
        let date = Some(date).filter(|date| date.len() == 10).and_then(|date| date.parse().ok()).ok_or_else(unknown)?;
        let Some(time) = time else { return Ok(Self::Day(date)) };
        let (hour, minute) = time.split_once(':').map_or((time, None), |(hour, minute)| (hour, Some(minute)));
        let two = |text: &str| Some(text).filter(|text| text.len() == 2).and_then(|text| text.parse::<u32>().ok());
        let number = |text: Option<&str>| text.map_or(Some(0), two);
        let at = two(hour).zip(number(minute)).and_then(|(hour, minute)| NaiveTime::from_hms_opt(hour, minute, 0));
        let at = at.filter(|at| at.minute().checked_rem(15) == Some(0)).ok_or_else(unknown)?;
        Ok(if minute.is_some() { Self::Quarter(date.and_time(at)) } else { Self::Hour(date.and_time(at)) })
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(MomentVisitor)
    }
}

struct MomentVisitor;

impl Visitor<'_> for MomentVisitor {
    type Value = Moment;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a day, an hour or a quarter-hour such as 2026-02-03T14:15")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Moment, E> {
        text.parse().map_err(E::custom)
    }
}
