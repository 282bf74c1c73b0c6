//! Amounts and currencies: integers of the currency's smallest unit, added and never silently bent.
//!
//! Owns the only text form of an amount. Never rounds: that happens once per line, in [`crate::rate()`].

use std::cmp::Ordering;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _};
use thiserror::Error;

/// Money as an integer of the currency's minor unit: `Amount(1230)` is 12.30 in USD, 1230 in JPY.
///
/// The currency is not part of the value; one invoice has one currency. Only checked arithmetic is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(pub i128);

/// Why money could not be read or added.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MoneyError {
    /// A sum or difference does not fit into 128 bits.
    #[error("the amount is too large to be added exactly")]
    Overflow,
    /// The text is not a plain decimal number.
    #[error("“{0}” is not an amount: write a plain decimal number such as 12.30")]
    NotANumber(String),
    /// The text has more digits than the currency has; nothing is rounded here.
    #[error("“{text}” has more than {digits} digits after the point, which the currency does not have")]
    TooManyDigits {
        /// The text as given.
        text: String,
        /// Digits of the currency's minor unit.
        digits: u32,
    },
    /// The code is not in ISO 4217, or not money that can be billed (gold, test codes).
    #[error("“{code}” is not a currency that can be billed (ISO 4217)")]
    UnknownCurrency {
        /// The code as given.
        code: String,
        /// A code that was probably meant.
        near: Option<String>,
    },
}

#[expect(clippy::should_implement_trait, reason = "checked: the operators of these names must not exist")]
impl Amount {
    /// Nothing owed.
    pub const ZERO: Self = Self(0);

    /// The sum.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn add(self, other: Self) -> Result<Self, MoneyError> {
        self.0.checked_add(other.0).map(Self).ok_or(MoneyError::Overflow)
    }

    /// The difference.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn sub(self, other: Self) -> Result<Self, MoneyError> {
        self.0.checked_sub(other.0).map(Self).ok_or(MoneyError::Overflow)
    }

    /// The same amount the other way round.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn neg(self) -> Result<Self, MoneyError> {
        self.0.checked_neg().map(Self).ok_or(MoneyError::Overflow)
    }

    /// The sum of all, zero for none.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Result<Self, MoneyError> {
        amounts.into_iter().try_fold(Self::ZERO, Self::add)
    }

    /// Reads `"-12.30"` given the currency's `digits`. Exact: zeros beyond the digits are fine, any
    /// other digit there is an error, and so is everything that [`Amount::format`] could not mean
    /// (a plus sign, an exponent, thousands separators).
    ///
    /// # Errors
    /// [`MoneyError::NotANumber`], [`MoneyError::TooManyDigits`], [`MoneyError::Overflow`].
    pub fn parse(text: &str, digits: u32) -> Result<Self, MoneyError> {
        let bad = || MoneyError::NotANumber(text.to_owned());
        let (sign, unsigned) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
        let (whole, fraction) = split_decimal(unsigned).ok_or_else(bad)?;
        let kept = usize::try_from(digits).map_err(|_| bad())?;
        let (minor, beyond) = fraction.split_at(fraction.len().min(kept));
        if beyond.bytes().any(|digit| digit != b'0') {
            return Err(MoneyError::TooManyDigits { text: text.to_owned(), digits });
        }
        format!("{sign}{whole}{minor:0<kept$}").parse().map(Self).map_err(|_| MoneyError::Overflow)
    }

    /// Writes the amount with all digits of the currency, ungrouped: `"-12.30"`, or `"1230"` for none.
    #[must_use]
    pub fn format(self, digits: u32) -> String {
        let kept = usize::try_from(digits).unwrap_or(usize::MAX);
        let sign = if self.0 < 0 { "-" } else { "" };
        let all = format!("{:0>width$}", self.0.unsigned_abs(), width = kept.saturating_add(1));
        let (whole, minor) = all.split_at(all.len().saturating_sub(kept));
        if kept == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{minor}") }
    }
}

/// `"12.30"` as `("12", "30")`; `None` unless both sides are digits and the whole part is present.
fn split_decimal(text: &str) -> Option<(&str, &str)> {
    let (whole, fraction) = match text.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (text, ""),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    (!whole.is_empty() && digits(whole) && digits(fraction)).then_some((whole, fraction))
}

/// A currency of ISO 4217 that has a minor unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Currency {
    iso: iso_currency::Currency,
    digits: u32,
}

impl Currency {
    /// Reads a code in capitals, `"USD"`.
    ///
    /// # Errors
    /// [`MoneyError::UnknownCurrency`] for anything else, with the code that was probably meant,
    /// and for codes without a minor unit (`XAU`), in which no line could be rounded.
    pub fn parse(code: &str) -> Result<Self, MoneyError> {
        Self::lookup(code)
            .ok_or_else(|| MoneyError::UnknownCurrency { code: code.to_owned(), near: near_currency(code) })
    }

    fn lookup(code: &str) -> Option<Self> {
        let iso = iso_currency::Currency::from_code(code).filter(|iso| iso.code() == code)?;
        Some(Self { iso, digits: u32::from(iso.exponent()?) })
    }

    /// The three letters.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.iso.code()
    }

    /// Digits after the point: JPY 0, USD 2, KWD 3, CLF 4.
    #[must_use]
    pub fn digits(self) -> u32 {
        self.digits
    }
}

impl Ord for Currency {
    fn cmp(&self, other: &Self) -> Ordering {
        self.code().cmp(other.code())
    }
}

impl PartialOrd for Currency {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::parse(&code).map_err(|error| {
            let near = near_currency(&code).map_or_else(String::new, |near| format!("; did you mean “{near}”?"));
            D::Error::custom(format!("{error}{near}"))
        })
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

/// The currencies most software is sold in: a hint prefers them to their rarer neighbours.
const COMMON: [&str; 12] = ["USD", "EUR", "GBP", "JPY", "CHF", "CAD", "AUD", "CNY", "INR", "SEK", "BRL", "KRW"];

/// The code that was probably meant: other case, letters swapped, one letter wrong, missing or too many.
fn near_currency(code: &str) -> Option<String> {
    let upper = code.trim().to_uppercase();
    if Currency::lookup(&upper).is_some() {
        return Some(upper);
    }
    let near = |known: &&&str| strsim::damerau_levenshtein(&upper, known) <= 1;
    COMMON.iter().find(near).map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_carry_every_digit_of_their_currency() {
        let cases = [(1230, 2, "12.30"), (-5, 2, "-0.05"), (0, 2, "0.00"), (1230, 0, "1230")];
        let more = [(-1, 0, "-1"), (7, 4, "0.0007"), (123_456, 3, "123.456")];
        for (minor, digits, text) in cases.into_iter().chain(more) {
            assert_eq!(Amount(minor).format(digits), text);
            assert_eq!(Amount::parse(text, digits), Ok(Amount(minor)), "{text}");
        }
    }

    #[test]
    fn an_amount_is_read_exactly_or_not_at_all() {
        assert_eq!(Amount::parse("12", 2), Ok(Amount(1200)));
        assert_eq!(Amount::parse("12.3000", 2), Ok(Amount(1230)));
        assert!(matches!(Amount::parse("12.345", 2), Err(MoneyError::TooManyDigits { digits: 2, .. })));
        for text in ["", "-", "+1", "1e3", "1,000", ".5", "5.", "1.2.3", "--1", "NaN", "١"] {
            assert!(matches!(Amount::parse(text, 2), Err(MoneyError::NotANumber(_))), "{text}");
        }
        assert_eq!(Amount::parse(&"9".repeat(40), 2), Err(MoneyError::Overflow));
    }

    #[test]
    fn nothing_overflows_silently() {
        let (top, bottom) = (Amount(i128::MAX), Amount(i128::MIN));
        assert_eq!(top.add(Amount(1)), Err(MoneyError::Overflow));
        assert_eq!(bottom.sub(Amount(1)), Err(MoneyError::Overflow));
        assert_eq!(bottom.neg(), Err(MoneyError::Overflow));
        assert_eq!(Amount::sum([top, Amount(1)]), Err(MoneyError::Overflow));
    }

    #[test]
    fn currencies_have_the_digits_of_iso_4217() {
        let cases = [("USD", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("ISK", 0), ("VND", 0), ("IQD", 3)];
        for (code, digits) in cases {
            assert_eq!(Currency::parse(code).unwrap().digits(), digits, "{code}");
        }
    }

    #[test]
    fn an_unknown_currency_is_an_error_with_the_one_that_was_meant() {
        let cases = [
            ("usd", Some("USD")),
            ("UDS", Some("USD")),
            ("EURO", Some("EUR")),
            ("US$", Some("USD")),
            ("Bitcoin", None),
            ("XAU", None),
        ];
        for (code, expected) in cases {
            let Err(MoneyError::UnknownCurrency { near, .. }) = Currency::parse(code) else {
                unreachable!("{code} must be refused");
            };
            assert_eq!(near.as_deref(), expected, "{code}");
        }
    }

    proptest! {
        #[test]
        fn every_amount_survives_its_text(minor: i128, digits in 0u32..=4) {
            prop_assert_eq!(Amount::parse(&Amount(minor).format(digits), digits), Ok(Amount(minor)));
        }
    }
}
