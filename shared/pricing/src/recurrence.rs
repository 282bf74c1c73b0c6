//! The periods of a recurring fee: weeks, months, quarters and years, each computed from the anchor.
//!
//! Period k begins k times its length after the anchor, never one length after the period before: an anchor on the
//! 31st gives 31 January, 28 February, 31 March. Stepping from the date before would stay on the 28th for ever.

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};
use metering::period::PeriodError;
use serde::de::{self, Deserialize, Deserializer, Visitor};
use std::fmt;

/// How long the periods of a fee are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Every {
    /// Seven days.
    Week,
    /// A month.
    #[default]
    Month,
    /// Three months.
    Quarter,
    /// Twelve months.
    Year,
}

impl Every {
    /// Months per period; `None` for weeks.
    fn months(self) -> Option<u32> {
        match self {
            Self::Week => None,
            Self::Month => Some(1),
            Self::Quarter => Some(3),
            Self::Year => Some(12),
        }
    }

    /// What one period is called.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }
}

/// From which day the periods of a fee are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anchor {
    /// The calendar's own: Mondays, the first of a month, of January, April, July and October, of January.
    #[default]
    Calendar,
    /// The day on which the subscription began.
    Subscription,
    /// This day of each month, or the month's last where it has no such day; for months only.
    DayOfMonth(u32),
    /// This day.
    Date(NaiveDate),
}

impl<'de> Deserialize<'de> for Anchor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnchorVisitor)
    }
}

struct AnchorVisitor;

impl Visitor<'_> for AnchorVisitor {
    type Value = Anchor;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("`calendar`, `subscription`, a day of the month from 1 to 31, or a date such as 2026-01-31")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Anchor, E> {
        match text {
            "calendar" => Ok(Anchor::Calendar),
            "subscription" => Ok(Anchor::Subscription),
            date if date.len() == 10 => date.parse().map(Anchor::Date).map_err(|_| unknown(date)),
            other => Err(unknown(other)),
        }
    }

    fn visit_u64<E: de::Error>(self, day: u64) -> Result<Anchor, E> {
        let day = u32::try_from(day).ok().filter(|day| (1..=31).contains(day));
        day.map(Anchor::DayOfMonth).ok_or_else(|| E::custom("a month has the days 1 to 31"))
    }
}

fn unknown<E: de::Error>(text: &str) -> E {
    E::invalid_value(de::Unexpected::Str(text), &AnchorVisitor)
}

/// The periods of a fee.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cycle {
    /// How long they are.
    pub every: Every,
    /// From where they are counted.
    pub anchor: Anchor,
}

impl Cycle {
    /// Whether its periods are the calendar's months, which need no further word on an invoice.
    pub(crate) fn is_calendar_month(self) -> bool {
        self == Self::default()
    }

    /// The periods `[start, end)` that have a day in `[from, until)`, in order, for a subscription that began on
    /// `begun`.
    ///
    /// # Errors
    /// [`PeriodError::OutOfRange`] at the ends of the calendar.
    pub fn periods(
        self,
        begun: NaiveDate,
        from: NaiveDate,
        until: NaiveDate,
    ) -> Result<Vec<(NaiveDate, NaiveDate)>, PeriodError> {
        let anchor = self.anchored(begun)?;
        let mut index = self.index(anchor, from)?;
        let mut periods = Vec::new();
        let mut start = self.start(anchor, index)?;
        while start < until {
            index = index.saturating_add(1);
            let end = self.start(anchor, index)?;
            periods.push((start, end));
            start = end;
        }
        Ok(periods)
    }

    /// The day from which the periods are counted.
    fn anchored(self, begun: NaiveDate) -> Result<NaiveDate, PeriodError> {
        let day = match self.anchor {
            Anchor::Subscription => Some(begun),
            Anchor::Date(date) => Some(date),
            // January has every day that a month can have, and its first begins a quarter and a year.
            Anchor::DayOfMonth(day) => NaiveDate::from_ymd_opt(2000, 1, day),
            Anchor::Calendar if self.every == Every::Week => NaiveDate::from_isoywd_opt(2000, 1, Weekday::Mon),
            Anchor::Calendar => NaiveDate::from_ymd_opt(2000, 1, 1),
        };
        day.ok_or_else(|| PeriodError::OutOfRange(format!("{:?}", self.anchor)))
    }

    /// Where period `index` begins; a day that its month does not have is the month's last.
    fn start(self, anchor: NaiveDate, index: i64) -> Result<NaiveDate, PeriodError> {
        let steps = index.unsigned_abs();
        let start = match self.every.months() {
            Some(months) => {
                let months = u32::try_from(steps).ok().and_then(|steps| steps.checked_mul(months)).map(Months::new);
                months.and_then(|months| {
                    if index < 0 { anchor.checked_sub_months(months) } else { anchor.checked_add_months(months) }
                })
            }
            None => {
                let days = steps.checked_mul(7).map(Days::new);
                days.and_then(
                    |days| {
                        if index < 0 { anchor.checked_sub_days(days) } else { anchor.checked_add_days(days) }
                    },
                )
            }
        };
        start.ok_or_else(|| PeriodError::OutOfRange(format!("period {index} from {anchor}")))
    }

    /// The period in which a day lies.
    fn index(self, anchor: NaiveDate, day: NaiveDate) -> Result<i64, PeriodError> {
        let index = match self.every.months() {
            None => day.signed_duration_since(anchor).num_days().div_euclid(7),
            Some(months) => month_number(day).saturating_sub(month_number(anchor)).div_euclid(i64::from(months)),
        };
        let begins_later = self.start(anchor, index)? > day;
        Ok(if begins_later { index.saturating_sub(1) } else { index })
    }
}

fn month_number(day: NaiveDate) -> i64 {
    i64::from(day.year()).saturating_mul(12).saturating_add(i64::from(day.month0()))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use jiff::{Span, civil};
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn starts(every: Every, anchor: Anchor, from: &str, until: &str) -> Vec<String> {
        let periods = Cycle { every, anchor }.periods(day("2026-01-31"), day(from), day(until)).unwrap();
        periods.iter().map(|(start, _)| start.to_string()).collect()
    }

    #[test]
    fn an_anchor_on_the_31st_comes_back_to_the_31st() {
        let expected = ["2025-12-31", "2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"];
        for anchor in [Anchor::Subscription, Anchor::DayOfMonth(31), Anchor::Date(day("2023-08-31"))] {
            assert_eq!(starts(Every::Month, anchor, "2026-01-01", "2026-05-01"), expected, "{anchor:?}");
        }
        assert_eq!(
            starts(Every::Month, Anchor::DayOfMonth(30), "2024-02-10", "2024-03-31"),
            ["2024-01-30", "2024-02-29", "2024-03-30"]
        );
        let leap = Anchor::Date(day("2024-02-29"));
        assert_eq!(
            starts(Every::Year, leap, "2025-03-01", "2029-01-01"),
            ["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]
        );
    }

    #[test]
    fn the_calendar_has_its_own_weeks_quarters_and_years() {
        assert_eq!(
            starts(Every::Week, Anchor::Calendar, "2026-02-01", "2026-02-10"),
            ["2026-01-26", "2026-02-02", "2026-02-09"]
        );
        assert_eq!(starts(Every::Quarter, Anchor::Calendar, "2026-02-01", "2026-04-02"), ["2026-01-01", "2026-04-01"]);
        assert_eq!(starts(Every::Year, Anchor::Calendar, "2026-02-01", "2026-03-01"), ["2026-01-01"]);
        assert_eq!(starts(Every::Month, Anchor::Calendar, "1999-12-31", "2000-01-01"), ["1999-12-01"]);
    }

    /// The same with another library: the first `k` with its start after the day is one too far.
    fn oracle(every: Every, anchor: civil::Date, from: civil::Date) -> (civil::Date, civil::Date) {
        let start = |k: i64| {
            let span = match every {
                Every::Week => Span::new().weeks(k),
                Every::Month => Span::new().months(k),
                Every::Quarter => Span::new().months(3 * k),
                Every::Year => Span::new().years(k),
            };
            anchor.checked_add(span).unwrap()
        };
        let k = (-4000..4000).find(|k| start(k + 1) > from).unwrap();
        (start(k), start(k + 1))
    }

    fn every() -> impl Strategy<Value = Every> {
        prop_oneof![Just(Every::Week), Just(Every::Month), Just(Every::Quarter), Just(Every::Year)]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
        #[test]
        fn another_date_library_cuts_the_same_periods(every in every(), anchor in 0_u64..9000, from in 0_u64..9000) {
            let date = |offset: u64| day("2010-01-01").checked_add_days(Days::new(offset)).unwrap();
            let civil = |date: NaiveDate| date.to_string().parse::<civil::Date>().unwrap();
            let (anchor, from) = (date(anchor), date(from));
            let cycle = Cycle { every, anchor: Anchor::Date(anchor) };
            let (start, end) = cycle.periods(from, from, from.succ_opt().unwrap()).unwrap()[0];
            prop_assert_eq!((civil(start), civil(end)), oracle(every, civil(anchor), civil(from)));
        }

        #[test]
        fn periods_follow_each_other_without_a_gap(every in every(), anchor in 1_u32..=31, offset in 0_u64..9000, days in 1_u64..800) {
            let from = day("2010-01-01").checked_add_days(Days::new(offset)).unwrap();
            let until = from.checked_add_days(Days::new(days)).unwrap();
            let anchor = NaiveDate::from_ymd_opt(2012, 3, anchor).unwrap();
            let periods = Cycle { every, anchor: Anchor::Date(anchor) }.periods(from, from, until).unwrap();
            prop_assert!(periods[0].0 <= from && from < periods[0].1);
            prop_assert!(periods.windows(2).all(|pair| pair[0].1 == pair[1].0));
            let last = periods[periods.len() - 1];
            prop_assert!(last.0 < until && until <= last.1);
        }
    }
}
