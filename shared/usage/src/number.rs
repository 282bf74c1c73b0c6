//! Decimals and durations as records write them, exact.

use metering::exact::{Exact, ExactError};

/// So many digits always fit 64 bits.
const FAST_DIGITS: usize = 18;

/// Reads a decimal text as a whole number at `scale`.
///
/// Says exactly what `Exact::parse(text)?.to_scaled(scale)` says; numbers of the usual length and
/// form take a shorter way.
pub(crate) fn scaled(text: &str, scale: u32) -> Result<i128, ExactError> {
    match short(text, scale) {
        Some(value) => Ok(value),
        None => Exact::parse(text)?.to_scaled(scale),
    }
}

/// The short way: at most 18 digits, no exponent, no more decimals than the scale.
fn short(text: &str, scale: u32) -> Option<i128> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let places = usize::try_from(scale).ok()?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() || fraction.len() > places || whole.len() + places > FAST_DIGITS {
        return None;
    }
    let mut value: i64 = 0;
    for byte in whole.bytes().chain(fraction.bytes()) {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(byte - b'0');
    }
    for _ in fraction.len()..places {
        value *= 10;
    }
    Some(i128::from(if negative { -value } else { value }))
}

/// Reads `[D-]HH:MM:SS[.fff]`, also `MM:SS`, as seconds.
///
/// # Errors
/// In words.
pub(crate) fn duration(text: &str) -> Result<Exact, String> {
    let wrong = || "it is not a duration; [days-]hours:minutes:seconds is expected".to_owned();
    let (days, clock) = text.split_once('-').map_or((None, text), |(days, clock)| (Some(days), clock));
    let parts: Vec<&str> = clock.split(':').collect();
    let (hours, minutes, seconds) = match (parts.as_slice(), days) {
        ([hours, minutes, seconds], _) => (*hours, *minutes, *seconds),
        ([minutes, seconds], None) => ("0", *minutes, *seconds),
        _ => return Err(wrong()),
    };
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let whole = |text: &str, below: u32| {
        let digits = !text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<u32>().ok()).flatten().filter(|value| *value < below).ok_or_else(wrong)
    };
    // With days before them hours end at 24; minutes without hours are Slurm's short form.
    let hours = whole(hours, if days.is_some() { 24 } else { u32::MAX })?;
    let (minutes, seconds) = (whole(minutes, 60)?, whole(seconds, 60)?);
    let days = days.map_or(Ok(0), |days| whole(days, u32::MAX))?;
    if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    let total = i128::from(days) * 86_400 + i128::from(hours) * 3_600 + i128::from(minutes) * 60 + i128::from(seconds);
    let fraction = Exact::parse(&format!("0.{fraction}")).map_err(|error| error.to_string())?;
    Exact::integer(total).add(&fraction).map_err(|error| error.to_string())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_seconds() {
        for (text, seconds) in [
            ("00:00:26", "26"),
            ("10-13:27:06", "912426"),
            ("5-00:00:26", "432026"),
            ("100:00:00", "360000"),
            ("01:30", "90"),
            ("00:00:01.250", "1.25"),
        ] {
            assert_eq!(duration(text).unwrap(), Exact::parse(seconds).unwrap(), "{text}");
        }
        for text in [
            "",
            "26",
            "1:2:3:4",
            "00:60:00",
            "00:00:60",
            "1-24:00:00",
            "-00:00:01",
            "1-01:00",
            "a:b:c",
            "00:00:1.",
            "UNLIMITED",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn more_digits_than_the_scale_are_an_error_and_zeros_are_not_digits() {
        for (text, scale, expected) in [
            ("1.5", 1, Ok(15)),
            ("1.50000", 1, Ok(15)),
            ("-0.0", 0, Ok(0)),
            ("1.55", 1, Err(ExactError::TooManyDigits(1))),
            ("1e-1", 1, Ok(1)),
            ("1e-2", 1, Err(ExactError::TooManyDigits(1))),
            ("NaN", 1, Err(ExactError::NotANumber)),
            ("Infinity", 1, Err(ExactError::NotANumber)),
            ("1,5", 1, Err(ExactError::NotANumber)),
            ("0x10", 1, Err(ExactError::NotANumber)),
            ("", 1, Err(ExactError::NotANumber)),
            ("-", 1, Err(ExactError::NotANumber)),
            (".", 1, Err(ExactError::NotANumber)),
            ("١", 1, Err(ExactError::NotANumber)),
        ] {
            assert_eq!(scaled(text, scale), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_short_way_says_what_the_long_way_says(text in "[-+]?[0-9]{0,12}(\\.[0-9]{0,12})?([eE]-?[0-9])?[ -~]?", scale in 0_u32..=18) {
            let long = Exact::parse(&text).and_then(|value| value.to_scaled(scale));
            prop_assert_eq!(scaled(&text, scale), long);
        }
    }
}
