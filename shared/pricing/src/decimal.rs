//! Decimals as people write them in the catalogue: exact, of bounded size, never through a float.

use std::fmt;
use std::str::FromStr;

use metering::exact::Exact;
use serde::de::{self, Deserialize, Deserializer, Visitor};
use thiserror::Error;

/// Digits a number in the catalogue may have before the point.
pub const WHOLE_DIGITS: usize = 15;
/// Digits a number in the catalogue may have after the point: prices below a millionth of a cent.
pub const FRACTION_DIGITS: u32 = 12;

/// A number of the catalogue: a price, an amount, a quantity.
///
/// Read from text or from a whole number. Other YAML numbers have to be handed over as text: what
/// has been a float is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal(Exact);

/// Why a number of the catalogue is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecimalError {
    /// Anything but digits with a sign and a point.
    #[error("“{0}” is not a number: write digits with a decimal point, such as 50 or 0.0004")]
    NotANumber(String),
    /// More digits than can be calculated with safely.
    #[error("“{0}” has too many digits: at most 15 before the point and 12 after it")]
    TooManyDigits(String),
}

impl Decimal {
    /// The exact value.
    #[must_use]
    pub fn value(&self) -> Exact {
        self.0
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) {
            return Err(DecimalError::NotANumber(text.to_owned()));
        }
        let too_many = || DecimalError::TooManyDigits(text.to_owned());
        // What `rust_decimal` would have to round is an error here, and so is what later
        // multiplications could not hold.
        let written = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
        let number = rust_decimal::Decimal::from_str_exact(written).map_err(|_| too_many())?;
        if whole.trim_start_matches('0').len() > WHOLE_DIGITS || number.scale() > FRACTION_DIGITS {
            return Err(too_many());
        }
        Exact::decimal(number.mantissa(), number.scale()).map(Self).map_err(|_| too_many())
    }
}

impl From<i64> for Decimal {
    fn from(whole: i64) -> Self {
        Self(Exact::integer(i128::from(whole)))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DecimalVisitor)
    }
}

struct DecimalVisitor;

impl Visitor<'_> for DecimalVisitor {
    type Value = Decimal;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a number such as 50 or 0.0004")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Decimal, E> {
        value.to_string().parse().map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Decimal, E> {
        value.to_string().parse().map_err(E::custom)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn text_and_whole_numbers_are_read_exactly() {
        for (json, expected) in [
            ("50", Exact::integer(50)),
            ("\"50.00\"", Exact::integer(50)),
            ("\"0.000000000001\"", Exact::decimal(1, 12).unwrap()),
            ("\"-3.5\"", Exact::decimal(-35, 1).unwrap()),
            ("\"999999999999999.5000000000000000\"", Exact::decimal(9_999_999_999_999_995, 1).unwrap()),
        ] {
            assert_eq!(serde_json::from_str::<Decimal>(json).unwrap().value(), expected, "{json}");
        }
    }

    #[test]
    fn a_number_that_was_a_float_is_refused() {
        let error = serde_json::from_str::<Decimal>("0.1").unwrap_err().to_string();
        assert!(error.contains("floating point") && error.contains("a number such as"), "{error}");
    }

    #[test]
    fn other_texts_are_refused_with_what_to_write() {
        for text in ["", "$50", "50 USD", "1e3", "1,000", ".5", "5.", "+5", "NaN", "1_000"] {
            assert!(matches!(text.parse::<Decimal>(), Err(DecimalError::NotANumber(_))), "{text}");
        }
        for text in ["0.0000000000001", "1000000000000000"] {
            assert!(matches!(text.parse::<Decimal>(), Err(DecimalError::TooManyDigits(_))), "{text}");
        }
    }
}
