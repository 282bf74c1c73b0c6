//! Dates as a reader writes them.

use chrono::{Datelike, Days, NaiveDate, Weekday};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// `1 Mar 2026`.
pub fn day(date: NaiveDate) -> String {
    format!("{} {}", day_month(date), date.year())
}

/// `1 Mar`.
pub fn day_month(date: NaiveDate) -> String {
    format!("{} {}", date.day(), short(month_name(date)))
}

/// `1 – 28 Feb 2026` for the half-open `[start, end)`, with as much of the first day as differs.
pub fn range(start: NaiveDate, end: NaiveDate) -> String {
    let last = last_day(start, end);
    let first = if start.year() != last.year() {
        day(start)
    } else if start.month() != last.month() {
        day_month(start)
    } else {
        start.day().to_string()
    };
    if start == last { day(last) } else { format!("{first} – {}", day(last)) }
}

/// [`range`] without the year.
pub fn short_range(start: NaiveDate, end: NaiveDate) -> String {
    let last = last_day(start, end);
    let first = if start.month() == last.month() { start.day().to_string() } else { day_month(start) };
    if start == last { day_month(last) } else { format!("{first} – {}", day_month(last)) }
}

/// `February 2026` for the label `2026-02`; any other label as it is.
pub fn period(label: &str) -> String {
    split_label(label).map_or_else(|| label.to_owned(), |(year, month)| format!("{month} {year}"))
}

/// `Feb` for the label `2026-02`; any other label as it is.
pub fn short_period(label: &str) -> String {
    split_label(label).map_or_else(|| label.to_owned(), |(_, month)| short(month).to_owned())
}

/// The days of the half-open `[start, end)`.
pub fn days(start: NaiveDate, end: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    start.iter_days().take_while(move |date| *date < end)
}

/// Saturday or Sunday.
pub fn is_weekend(date: NaiveDate) -> bool {
    matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}

fn last_day(start: NaiveDate, end: NaiveDate) -> NaiveDate {
    end.checked_sub_days(Days::new(1)).map_or(start, |last| last.max(start))
}

fn month_name(date: NaiveDate) -> &'static str {
    usize::try_from(date.month0()).ok().and_then(|month| MONTHS.get(month)).copied().unwrap_or_default()
}

fn short(month: &str) -> &str {
    month.get(..3).unwrap_or(month)
}

fn split_label(label: &str) -> Option<(&str, &'static str)> {
    let (year, month) = label.split_once('-')?;
    let month: usize = month.parse().ok()?;
    Some((year, MONTHS.get(month.checked_sub(1)?)?))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_range_repeats_no_more_than_it_must() {
        let cases = [
            ("2026-02-01", "2026-03-01", "1 – 28 Feb 2026", "1 – 28 Feb"),
            ("2026-01-15", "2026-02-15", "15 Jan – 14 Feb 2026", "15 Jan – 14 Feb"),
            ("2025-12-15", "2026-01-15", "15 Dec 2025 – 14 Jan 2026", "15 Dec – 14 Jan"),
            ("2026-02-01", "2026-02-02", "1 Feb 2026", "1 Feb"),
        ];
        for (start, end, long, short) in cases {
            assert_eq!(range(date(start), date(end)), long);
            assert_eq!(short_range(date(start), date(end)), short);
        }
    }

    #[test]
    fn a_label_that_is_no_month_stays_as_it_is() {
        assert_eq!(period("2026-02"), "February 2026");
        assert_eq!(short_period("2026-12"), "Dec");
        for label in ["2026-13", "2026-00", "first quarter", ""] {
            assert_eq!(period(label), label);
        }
    }
}
