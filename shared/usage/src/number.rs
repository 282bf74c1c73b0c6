//! Decimals as records write them, exact.

use metering::exact::{Exact, ExactError};

use crate::scan::{Decimal, Extent, decimal, short_decimal};

/// So many digits always fit 64 bits. One more may not.
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

/// The same of an extent of a text, if it is a usual number.
#[inline]
pub(crate) fn usual(text: &[u8], extent: Extent, scale: u32) -> Option<i128> {
    let places = usize::try_from(scale).ok().filter(|places| *places <= FAST_DIGITS - 8)?;
    if let Some((digits, decimals)) = short_decimal(text, extent) {
        return Some(i128::from(i64::from(digits) * POWERS.get(places.checked_sub(decimals)?)?));
    }
    let Decimal { negative, whole, fraction, decimals } = decimal(text, extent)?;
    let behind = POWERS.get(places.checked_sub(decimals)?)?;
    let value = i64::from(whole) * POWERS.get(places)? + i64::from(fraction) * behind;
    Some(i128::from(if negative { -value } else { value }))
}

/// The short way: at most 18 digits, no exponent, no more decimals than the scale.
fn short(text: &str, scale: u32) -> Option<i128> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    // A point counts as a digit here: what it leaves out of the short way is rare.
    if digits.len() > FAST_DIGITS {
        return None;
    }
    let mut value: i64 = 0;
    let mut whole = None;
    for (place, byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => value = value * 10 + i64::from(byte - b'0'),
            b'.' if whole.is_none() => whole = Some(place),
            _ => return None,
        }
    }
    let (whole, decimals) = whole.map_or((digits.len(), 0), |whole| (whole, digits.len() - whole - 1));
    let places = usize::try_from(scale).ok()?;
    if whole == 0 || decimals > places || whole + places > FAST_DIGITS {
        return None;
    }
    let value = value * POWERS.get(places - decimals)?;
    Some(i128::from(if negative { -value } else { value }))
}

/// Of ten.
const POWERS: [i64; FAST_DIGITS + 1] = {
    let mut powers = [1; FAST_DIGITS + 1];
    let mut place = 1;
    while place < powers.len() {
        powers[place] = powers[place - 1] * 10;
        place += 1;
    }
    powers
};

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
            ("9999999999999999999", 0, Ok(9_999_999_999_999_999_999)),
            ("-999999999999999999.9", 1, Ok(-9_999_999_999_999_999_999)),
            (".", 1, Err(ExactError::NotANumber)),
            ("١", 1, Err(ExactError::NotANumber)),
        ] {
            assert_eq!(scaled(text, scale), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_short_way_says_what_the_long_way_says(text in "[-+]?[0-9]{0,24}(\\.[0-9]{0,12})?([eE]-?[0-9])?[ -~]?", scale in 0_u32..=18) {
            let long = Exact::parse(&text).and_then(|value| value.to_scaled(scale));
            prop_assert_eq!(scaled(&text, scale), long);
        }

        #[test]
        fn a_usual_number_is_what_the_long_way_says(text in "[-+]?[0-9]{0,10}(\\.[0-9]{0,9})?[ -~]?", behind in "[ -~]{16,20}", scale in 0_u32..=18) {
            let extent = Extent { start: 0, end: text.len() };
            if let Some(value) = usual(format!("{text}{behind}").as_bytes(), extent, scale) {
                prop_assert_eq!(scaled(&text, scale), Ok(value));
            }
        }
    }
}
