//! Billing periods: half-open ranges of local days, cut in the billing zone.
//!
//! A day begins at the first instant that its date exists in the zone: after the gap where
//! midnight is skipped, at the earlier of two midnights. A date that never was (Apia, 2011-12-30)
//! is a day of no length.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

use crate::time::{Instant, Span};

/// No zone skips more local time than a day at once; one more hour to be sure.
const LONGEST_GAP_MINUTES: i64 = 25 * 60;

/// A range of local days `[start, end)` in a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first day.
    pub start: NaiveDate,
    /// The day after the last.
    pub end: NaiveDate,
    /// The billing zone.
    pub zone: Tz,
}

/// A day of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    /// Its date.
    pub date: NaiveDate,
    /// Its instants: 23, 24 or 25 hours, none for a date that never was.
    pub span: Span,
}

/// A date beyond the calendar, or a text that names no month.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// The calendar ends.
    #[error("{0} lies beyond the calendar")]
    OutOfRange(String),
    /// Not `YYYY-MM`.
    #[error("`{0}` names no month: write year and month, such as 2026-02")]
    NotAMonth(String),
}

fn beyond(what: impl ToString) -> PeriodError {
    PeriodError::OutOfRange(what.to_string())
}

/// The first instant of a local day.
///
/// # Errors
/// [`PeriodError::OutOfRange`] at the ends of the calendar.
pub fn start_of_day(zone: Tz, date: NaiveDate) -> Result<Instant, PeriodError> {
    let midnight = date.and_time(NaiveTime::MIN);
    if let Some(at) = zone.from_local_datetime(&midnight).earliest() {
        return Ok(at.to_utc().into());
    }
    after_gap(zone, midnight).map(|at| at.to_utc().into()).ok_or_else(|| beyond(date))
}

/// The instant at which the clocks jump over `skipped`.
fn after_gap(zone: Tz, skipped: NaiveDateTime) -> Option<DateTime<Tz>> {
    let exists = |at: NaiveDateTime| zone.from_local_datetime(&at).earliest();
    let minute = (1..=LONGEST_GAP_MINUTES)
        .filter_map(TimeDelta::try_minutes)
        .map_while(|step| skipped.checked_add_signed(step))
        .find(|at| exists(*at).is_some())?;
    // Old local mean times jump by odd seconds: the first second that exists within that minute.
    (0..60).rev().filter_map(TimeDelta::try_seconds).filter_map(|step| minute.checked_sub_signed(step)).find_map(exists)
}

impl Period {
    /// A calendar month.
    ///
    /// # Errors
    /// [`PeriodError::OutOfRange`].
    pub fn month(year: i32, month: u32, zone: Tz) -> Result<Self, PeriodError> {
        let start = NaiveDate::from_ymd_opt(year, month, 1).ok_or_else(|| beyond(format!("{year}-{month}")))?;
        let end = start.checked_add_months(Months::new(1)).ok_or_else(|| beyond(start))?;
        Ok(Self { start, end, zone })
    }

    /// The calendar month that `YYYY-MM` names.
    ///
    /// # Errors
    /// [`PeriodError::NotAMonth`].
    pub fn parse_month(text: &str, zone: Tz) -> Result<Self, PeriodError> {
        let numbers = (text.len() == 7).then(|| text.split_once('-')).flatten();
        let parsed = numbers.and_then(|(year, month)| Some((year.parse().ok()?, month.parse().ok()?)));
        let (year, month) = parsed.ok_or_else(|| PeriodError::NotAMonth(text.to_owned()))?;
        Self::month(year, month, zone).map_err(|_| PeriodError::NotAMonth(text.to_owned()))
    }

    /// The calendar month in which an instant lies.
    ///
    /// # Errors
    /// [`PeriodError::OutOfRange`].
    pub fn month_of(at: Instant, zone: Tz) -> Result<Self, PeriodError> {
        let local = at.to_utc().ok_or_else(|| beyond(at))?.with_timezone(&zone);
        Self::month(local.year(), local.month(), zone)
    }

    /// The calendar month `count` months later (earlier where negative), from its first day.
    ///
    /// # Errors
    /// [`PeriodError::OutOfRange`].
    pub fn month_after(&self, count: i32) -> Result<Self, PeriodError> {
        let months = Months::new(count.unsigned_abs());
        let start =
            if count < 0 { self.start.checked_sub_months(months) } else { self.start.checked_add_months(months) };
        let start = start.ok_or_else(|| beyond(self.start))?;
        Self::month(start.year(), start.month(), self.zone)
    }

    /// The name of the month in which it starts: `2026-02`.
    pub fn label(&self) -> String {
        format!("{:04}-{:02}", self.start.year(), self.start.month())
    }

    /// Its instants.
    ///
    /// # Errors
    /// [`PeriodError::OutOfRange`].
    pub fn span(&self) -> Result<Span, PeriodError> {
        Ok(Span { from: start_of_day(self.zone, self.start)?, until: start_of_day(self.zone, self.end)? })
    }

    /// How many dates it has.
    pub fn day_count(&self) -> u32 {
        u32::try_from(self.end.signed_duration_since(self.start).num_days()).unwrap_or(0)
    }

    /// Its days in order; together they are exactly [`Self::span`].
    ///
    /// # Errors
    /// [`PeriodError::OutOfRange`].
    pub fn days(&self) -> Result<Vec<Day>, PeriodError> {
        (0..u64::from(self.day_count()))
            .map(|offset| {
                let date = self.start.checked_add_days(Days::new(offset)).ok_or_else(|| beyond(self.end))?;
                let next = date.checked_add_days(Days::new(1)).ok_or_else(|| beyond(self.end))?;
                Ok(Day {
                    date,
                    span: Span { from: start_of_day(self.zone, date)?, until: start_of_day(self.zone, next)? },
                })
            })
            .collect()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn start(zone: &str, date: &str) -> String {
        start_of_day(zone.parse().unwrap(), date.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn a_day_begins_at_the_first_instant_its_date_exists() {
        for (zone, date, expected) in [
            ("UTC", "2026-02-01", "2026-02-01T00:00:00Z"),
            ("Africa/Cairo", "2024-04-26", "2024-04-25T22:00:00Z"), // midnight is skipped
            ("America/Havana", "2024-11-03", "2024-11-03T04:00:00Z"), // midnight is there twice
            ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"),
            ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"), // the date never was
            ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"),
            ("Asia/Kathmandu", "2026-02-01", "2026-01-31T18:15:00Z"),
        ] {
            assert_eq!(start(zone, date), expected, "{zone} {date}");
        }
    }

    #[test]
    fn the_days_of_a_month_follow_each_other_without_a_gap() {
        for zone in ["America/New_York", "Europe/Berlin", "Pacific/Apia"] {
            let period = Period::month(2011, 12, zone.parse().unwrap()).unwrap();
            let (days, span) = (period.days().unwrap(), period.span().unwrap());
            assert_eq!(days.len(), 31);
            assert_eq!((days[0].span.from, days[30].span.until), (span.from, span.until));
            assert!(days.windows(2).all(|pair| pair[0].span.until == pair[1].span.from));
        }
    }

    #[test]
    fn months_are_named_and_counted_from_the_first() {
        let zone = Tz::UTC;
        let february = Period::parse_month("2024-02", zone).unwrap();
        assert_eq!((february.label().as_str(), february.day_count()), ("2024-02", 29));
        assert_eq!(february.month_after(-2).unwrap().label(), "2023-12");
        assert_eq!(Period::month_of(Instant(0), "America/New_York".parse().unwrap()).unwrap().label(), "1969-12");
        for text in ["2024", "2024-13", "2024-2", "24-02-1", "2024-00", "february"] {
            assert!(Period::parse_month(text, zone).is_err(), "{text}");
        }
    }

    /// Whether both libraries' copies of the time zone database tell the same offsets around an
    /// instant: they are made from different editions.
    fn same_rules(zone: Tz, oracle: &jiff::tz::TimeZone, around: jiff::Timestamp) -> bool {
        (-30_i64..=30).all(|hours| {
            let at = Instant(around.as_millisecond()).plus_hours(hours).unwrap();
            let ours = chrono::Offset::fix(&zone.offset_from_utc_datetime(&at.to_utc().unwrap().naive_utc()))
                .local_minus_utc();
            ours == oracle.to_offset(jiff::Timestamp::from_millisecond(at.0).unwrap()).seconds()
        })
    }

    /// The days around every change of every zone's clocks: midnights that are skipped, that come twice, and the date
    /// that never was.
    #[test]
    fn another_date_library_agrees_wherever_clocks_are_changed() {
        let (first, last) = ("1970-01-02T00:00:00Z".parse().unwrap(), "2037-01-01T00:00:00Z".parse().unwrap());
        let (mut agreed, mut skipped, mut twice) = (0, 0, 0);
        for zone in chrono_tz::TZ_VARIANTS {
            let Ok(oracle) = jiff::tz::TimeZone::get(zone.name()) else { continue };
            let changes = oracle.following(first).map(|change| change.timestamp()).take_while(|at| *at < last);
            for local in changes.map(|at| oracle.to_datetime(at).date()) {
                for day in [local.yesterday().unwrap(), local, local.tomorrow().unwrap()] {
                    let date: NaiveDate = day.to_string().parse().unwrap();
                    let within = day.to_zoned_datetime(oracle.clone()).unwrap();
                    let midnight = within.start_of_day().unwrap().timestamp();
                    let same = start_of_day(zone, date).unwrap().0 == midnight.as_millisecond();
                    assert!(same || !same_rules(zone, &oracle, midnight), "{zone} {date}");
                    agreed += u32::from(same);
                    match zone.from_local_datetime(&date.and_time(NaiveTime::MIN)) {
                        chrono::LocalResult::None => skipped += 1,
                        chrono::LocalResult::Ambiguous(..) => twice += 1,
                        chrono::LocalResult::Single(_) => {}
                    }
                }
            }
        }
        assert!(agreed > 50_000 && skipped > 500 && twice > 300, "{agreed} {skipped} {twice}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, max_global_rejects: 1000, ..ProptestConfig::default() })]
        #[test]
        fn another_date_library_agrees_in_all_zones(zone in 0..chrono_tz::TZ_VARIANTS.len(), year in 1970_i16..2037, month in 1_i8..=12, day in 1_i8..=28) {
            let zone = chrono_tz::TZ_VARIANTS[zone];
            let oracle = jiff::tz::TimeZone::get(zone.name());
            prop_assume!(oracle.is_ok());
            let oracle = oracle.unwrap();
            let midnight = jiff::civil::date(year, month, day).to_zoned_datetime(oracle.clone()).unwrap().timestamp();
            prop_assume!(same_rules(zone, &oracle, midnight));
            let expected = midnight.as_millisecond();
            let date = NaiveDate::from_ymd_opt(i32::from(year), u32::try_from(month).unwrap(), u32::try_from(day).unwrap()).unwrap();
            prop_assert_eq!(start_of_day(zone, date).unwrap().0, expected, "{} {}", zone, date);
        }
    }
}
