//! Decimal texts: read exactly, written for people.

use std::fmt;
use std::str::FromStr;

use super::{Exact, ExactError, Rounding, power_of_ten, product};

impl Exact {
    /// Reads `-12.50`, `1e-6`, `.5`: digits with an optional sign, point and exponent.
    ///
    /// # Errors
    /// [`ExactError::NotANumber`] for anything else (also NaN and infinities),
    /// [`ExactError::TooLarge`] beyond 38 digits.
    pub fn parse(text: &str) -> Result<Self, ExactError> {
        let (mantissa, exponent) = decimal_parts(text)?;
        if mantissa == 0 {
            return Ok(Self::ZERO);
        }
        let power = power_of_ten(exponent.unsigned_abs())?;
        if exponent < 0 {
            Self::ratio(mantissa, power)
        } else {
            mantissa.checked_mul(power).map(Self::integer).ok_or(ExactError::TooLarge)
        }
    }

    /// How many digits after the point it has as a decimal; `None` where it never ends.
    pub fn decimal_digits(&self) -> Option<u32> {
        let twos = self.denominator.trailing_zeros();
        let (mut long, mut fives) = (self.denominator.checked_shr(twos)?, 0_u32);
        let mut rest = loop {
            // Divisions of 128 bits are slow.
            if let Ok(short) = u64::try_from(long) {
                break short;
            }
            (long, fives) = (long.checked_div(5).filter(|_| long % 5 == 0)?, fives.checked_add(1)?);
        };
        while rest != 1 {
            (rest, fives) = (rest.checked_div(5).filter(|_| rest % 5 == 0)?, fives.checked_add(1)?);
        }
        Some(twos.max(fives))
    }

    /// Decimal text without trailing zeros: exact if it ends within `max_digits` after the point,
    /// rounded half away from zero otherwise. For people; never read back.
    pub fn display(&self, max_digits: u32) -> String {
        let digits = self.decimal_digits().filter(|digits| *digits <= max_digits);
        let exact = digits.and_then(|digits| Some((self.to_scaled(digits).ok()?, digits)));
        let rounded = || self.round(max_digits, Rounding::HalfAwayFromZero).ok().map(|value| (value, max_digits));
        match exact.or_else(rounded) {
            Some((value, digits)) => trimmed(&decimal_text(value, digits)),
            None => format!("{}/{}", self.numerator, self.denominator),
        }
    }
}

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.display(12))
    }
}

impl FromStr for Exact {
    type Err = ExactError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// `value` × 10^−`scale` with all of its `scale` digits after the point.
pub fn decimal_text(value: i128, scale: u32) -> String {
    let places = usize::try_from(scale).unwrap_or(usize::MAX);
    let digits = value.unsigned_abs().to_string();
    let (whole, fraction) = digits.split_at(digits.len().saturating_sub(places));
    let mut out = String::with_capacity(digits.len().saturating_add(3));
    out.push_str(if value < 0 { "-" } else { "" });
    out.push_str(if whole.is_empty() { "0" } else { whole });
    if places > 0 {
        out.push('.');
        out.extend(std::iter::repeat_n('0', places.saturating_sub(fraction.len())));
        out.push_str(fraction);
    }
    out
}

/// Without the noughts that end a fraction.
fn trimmed(text: &str) -> String {
    let kept = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    kept.to_owned()
}

/// The digits of a decimal text as a mantissa and an exponent of ten.
fn decimal_parts(text: &str) -> Result<(i128, i32), ExactError> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent_of(exponent)?),
        None => (text, 0),
    };
    let (negative, digits) = match number.as_bytes().first() {
        Some(b'-') => (true, number.get(1..)),
        Some(b'+') => (false, number.get(1..)),
        _ => (false, Some(number)),
    };
    let (whole, fraction) = digits.map(|d| d.split_once('.').unwrap_or((d, ""))).ok_or(ExactError::NotANumber)?;
    let fraction_kept = fraction.trim_end_matches('0');
    if whole.is_empty() && fraction.is_empty() {
        return Err(ExactError::NotANumber);
    }
    let mantissa = mantissa_of(whole.bytes().chain(fraction_kept.bytes()))?;
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ExactError::NotANumber);
    }
    let places = i32::try_from(fraction_kept.len()).map_err(|_| ExactError::TooLarge)?;
    let exponent = exponent.checked_sub(places).ok_or(ExactError::TooLarge)?;
    Ok((if negative { mantissa.checked_neg().ok_or(ExactError::TooLarge)? } else { mantissa }, exponent))
}

fn exponent_of(text: &str) -> Result<i32, ExactError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ExactError::NotANumber);
    }
    text.parse().map_err(|_| ExactError::TooLarge)
}

fn mantissa_of(digits: impl Iterator<Item = u8>) -> Result<i128, ExactError> {
    let mut mantissa: i128 = 0;
    for byte in digits {
        let digit = match byte {
            b'0'..=b'9' => i128::from(byte - b'0'),
            _ => return Err(ExactError::NotANumber),
        };
        mantissa = product(mantissa, 10)?.checked_add(digit).ok_or(ExactError::TooLarge)?;
    }
    Ok(mantissa)
}
