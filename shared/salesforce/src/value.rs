//! Values as REST and Bulk write them, made one: the same record gives the same text whichever way it came.
//!
//! REST ends times in `+0000`, Bulk in `Z`; a number may come as `50000.00`, `1.2345E10` or `12345000000`; nothing is
//! `null` here and an empty string there. Numbers never pass through floating point.

use chrono::{DateTime, NaiveDate, SecondsFormat};
use metering::time::Instant;

/// How a field's values are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As it is.
    Text,
    /// A decimal number.
    Number,
    /// A date and time.
    Moment,
    /// A day without a zone.
    Day,
}

impl Kind {
    /// What a type of `describe` is read as.
    #[must_use]
    pub fn of(described: &str) -> Self {
        match described {
            "double" | "currency" | "percent" | "int" | "long" => Self::Number,
            "datetime" => Self::Moment,
            "date" => Self::Day,
            _ => Self::Text,
        }
    }

    /// The one form of a value; nothing for an empty one, and where it is not what its type says.
    #[must_use]
    pub fn canonical(self, text: &str) -> Option<String> {
        match self {
            Self::Text => (!text.is_empty()).then(|| text.to_owned()),
            Self::Number => decimal(text),
            Self::Moment => moment(text).map(literal),
            Self::Day => day(text).map(|day| day.to_string()),
        }
    }
}

/// The instant of a date and time in any of the forms that Salesforce writes.
#[must_use]
pub fn moment(text: &str) -> Option<Instant> {
    let zoned = text.strip_suffix('Z').map(|local| format!("{local}+0000"));
    let parsed = DateTime::parse_from_str(zoned.as_deref().unwrap_or(text), "%Y-%m-%dT%H:%M:%S%.f%z").ok()?;
    Some(parsed.to_utc().into())
}

/// The day of a date.
#[must_use]
pub fn day(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10)
}

/// An instant as it stands in a query: with milliseconds, which a comparison would otherwise lose, and `Z`.
#[must_use]
pub fn literal(at: Instant) -> String {
    at.to_utc().map_or_else(String::new, |at| at.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// More digits than this are no quantity or price.
const MOST_DIGITS: usize = 60;

/// The shortest decimal form of a number, digit by digit.
#[must_use]
pub fn decimal(text: &str) -> Option<String> {
    let (sign, text) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if whole.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) || digits.len() > MOST_DIGITS {
        return None;
    }
    let point = i32::try_from(whole.len()).ok()?.checked_add(exponent)?;
    let most = i32::try_from(MOST_DIGITS).ok()?;
    if point.abs() > most {
        return None;
    }
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    let digits = format!("{}{digits}{}", zeros(1 - point), zeros(point - i32::try_from(digits.len()).ok()?));
    let split = usize::try_from(point.max(1)).ok()?;
    let (whole, fraction) = digits.split_at_checked(split)?;
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let whole = if whole.is_empty() { "0" } else { whole };
    Some(match (whole, fraction) {
        ("0", "") => "0".to_owned(),
        (whole, "") => format!("{sign}{whole}"),
        (whole, fraction) => format!("{sign}{whole}.{fraction}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_the_same_in_every_form() {
        for text in [
            "2026-11-22T21:10:08.007+0000",
            "2026-11-22T21:10:08.007Z",
            "2026-11-22T21:10:08.007+00:00",
            "2026-11-22T22:10:08.007+0100",
        ] {
            assert_eq!(Kind::Moment.canonical(text).as_deref(), Some("2026-11-22T21:10:08.007Z"), "{text}");
        }
        for text in ["", "2026-11-22", "2026-11-22T21:10:08", "1795381808000"] {
            assert_eq!(Kind::Moment.canonical(text), None, "{text}");
        }
    }

    #[test]
    fn a_number_keeps_every_digit() {
        for (text, exact) in [
            ("1234567890123456.78", "1234567890123456.78"),
            ("50000.00", "50000"),
            ("1.2345E10", "12345000000"),
            ("12345000000.0", "12345000000"),
            ("1.0E-3", "0.001"),
            ("-0.50", "-0.5"),
            ("-0.0", "0"),
            ("0", "0"),
            ("007", "7"),
        ] {
            assert_eq!(decimal(text).as_deref(), Some(exact), "{text}");
        }
        for text in ["", "-", ".5", "1,000", "NaN", "1e999", "0x1"] {
            assert_eq!(decimal(text), None, "{text}");
        }
    }
}
