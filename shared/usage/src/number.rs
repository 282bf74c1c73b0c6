//! Decimals as records write them, exact.

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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
