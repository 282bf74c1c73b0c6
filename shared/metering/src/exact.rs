//! Exact numbers: quantities as rationals that are rounded once, where money is made of them.
//!
//! An average of thirds has no decimal form and a product of decimals can need more digits than
//! any decimal type keeps; a rational of two 128-bit integers has both. Every operation is
//! checked: what does not fit is an error, never a nearby number.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Powers of ten are computed up to this exponent: the largest below 2^127.
const MAX_POWER: u32 = 38;

/// A rational number in lowest terms with a positive denominator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Exact {
    numerator: i128,
    denominator: i128,
}

/// Why a number could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExactError {
    /// The text is no decimal number.
    #[error("it is not a decimal number")]
    NotANumber,
    /// More than 38 digits would be needed.
    #[error("it needs more than 38 digits")]
    TooLarge,
    /// A denominator of nought.
    #[error("it divides by zero")]
    DivisionByZero,
    /// It has more digits after the point than are allowed.
    #[error("it has more than {0} digits after the decimal point")]
    TooManyDigits(u32),
}

/// What happens to the part that a rounding cuts off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rounding {
    /// To the nearest, a half away from zero: what official invoices prove (EN 16931 examples).
    #[default]
    HalfAwayFromZero,
    /// To the nearest, a half to the even neighbour.
    HalfEven,
    /// Away from zero.
    Up,
    /// Towards zero.
    Down,
}

/// 10 to the power of `exponent`.
///
/// # Errors
/// [`ExactError::TooLarge`] above 38.
pub fn power_of_ten(exponent: u32) -> Result<i128, ExactError> {
    if exponent > MAX_POWER {
        return Err(ExactError::TooLarge);
    }
    10_i128.checked_pow(exponent).ok_or(ExactError::TooLarge)
}

/// Whole numbers and prices with few digits are common, and divisions of 128 bits are slow.
fn greatest_common_divisor(a: i128, b: i128) -> i128 {
    if a == 1 || b == 1 {
        return 1;
    }
    if let (Ok(a), Ok(b)) = (u64::try_from(a.unsigned_abs()), u64::try_from(b.unsigned_abs())) {
        return i128::from(short_divisor(a, b));
    }
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a.checked_rem(b).unwrap_or(0));
    }
    a.checked_abs().unwrap_or(1)
}

/// One division makes both as small as the smaller; the rest is halving and subtracting.
fn short_divisor(a: u64, b: u64) -> u64 {
    let (large, small) = (a.max(b), a.min(b));
    let Some(rest) = large.checked_rem(small).filter(|rest| *rest > 0) else {
        return if small == 0 { large } else { small };
    };
    let shared = (small | rest).trailing_zeros();
    let (mut a, mut b) = (small >> small.trailing_zeros(), rest >> rest.trailing_zeros());
    while a != b {
        (a, b) = (a.min(b), a.abs_diff(b));
        b >>= b.trailing_zeros();
    }
    a << shared
}

impl Exact {
    /// Nought.
    pub const ZERO: Self = Self { numerator: 0, denominator: 1 };
    /// One.
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// A whole number.
    pub fn integer(value: i128) -> Self {
        Self { numerator: value, denominator: 1 }
    }

    /// `mantissa` × 10^−`scale`.
    ///
    /// # Errors
    /// [`ExactError::TooLarge`] for a scale above 38.
    pub fn decimal(mantissa: i128, scale: u32) -> Result<Self, ExactError> {
        Self::ratio(mantissa, power_of_ten(scale)?)
    }

    /// `numerator` ÷ `denominator`.
    ///
    /// # Errors
    /// [`ExactError::DivisionByZero`]; [`ExactError::TooLarge`] for −2^127.
    pub fn ratio(numerator: i128, denominator: i128) -> Result<Self, ExactError> {
        if denominator == 0 {
            return Err(ExactError::DivisionByZero);
        }
        if denominator == 1 {
            return Ok(Self { numerator, denominator });
        }
        let (mut numerator, mut denominator) = (numerator, denominator);
        if denominator < 0 {
            numerator = numerator.checked_neg().ok_or(ExactError::TooLarge)?;
            denominator = denominator.checked_neg().ok_or(ExactError::TooLarge)?;
        }
        let divisor = greatest_common_divisor(numerator, denominator).max(1);
        Ok(Self { numerator: exact_quotient(numerator, divisor)?, denominator: exact_quotient(denominator, divisor)? })
    }

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

    /// The sum.
    ///
    /// # Errors
    /// [`ExactError::TooLarge`], as for all operations below.
    pub fn add(&self, other: &Self) -> Result<Self, ExactError> {
        if self.denominator == other.denominator {
            let numerator = self.numerator.checked_add(other.numerator).ok_or(ExactError::TooLarge)?;
            return Self::ratio(numerator, self.denominator);
        }
        let divisor = greatest_common_divisor(self.denominator, other.denominator).max(1);
        let left = exact_quotient(other.denominator, divisor)?;
        let right = exact_quotient(self.denominator, divisor)?;
        let numerator =
            product(self.numerator, left)?.checked_add(product(other.numerator, right)?).ok_or(ExactError::TooLarge)?;
        Self::ratio(numerator, product(self.denominator, left)?)
    }

    /// The difference.
    ///
    /// # Errors
    /// [`ExactError::TooLarge`].
    pub fn sub(&self, other: &Self) -> Result<Self, ExactError> {
        self.add(&other.neg()?)
    }

    /// The product.
    ///
    /// # Errors
    /// [`ExactError::TooLarge`].
    pub fn mul(&self, other: &Self) -> Result<Self, ExactError> {
        // Reduced crosswise first, so that a product that fits is never refused.
        let left = Self::ratio(self.numerator, other.denominator)?;
        let right = Self::ratio(other.numerator, self.denominator)?;
        Ok(Self {
            numerator: product(left.numerator, right.numerator)?,
            denominator: product(left.denominator, right.denominator)?,
        })
    }

    /// The quotient.
    ///
    /// # Errors
    /// [`ExactError::DivisionByZero`], [`ExactError::TooLarge`].
    pub fn div(&self, other: &Self) -> Result<Self, ExactError> {
        self.mul(&Self::ratio(other.denominator, other.numerator)?)
    }

    /// The opposite.
    ///
    /// # Errors
    /// [`ExactError::TooLarge`] for −2^127.
    pub fn neg(&self) -> Result<Self, ExactError> {
        let numerator = self.numerator.checked_neg().ok_or(ExactError::TooLarge)?;
        Ok(Self { numerator, denominator: self.denominator })
    }

    /// The sum of all.
    ///
    /// # Errors
    /// [`ExactError::TooLarge`].
    pub fn sum<'a>(values: impl IntoIterator<Item = &'a Self>) -> Result<Self, ExactError> {
        values.into_iter().try_fold(Self::ZERO, |sum, value| sum.add(value))
    }

    /// Whether it is below nought.
    pub fn is_negative(&self) -> bool {
        self.numerator < 0
    }

    /// Whether it is nought.
    pub fn is_zero(&self) -> bool {
        self.numerator == 0
    }

    /// The value × 10^`digits`, rounded to a whole number by `rule`: the one place where a
    /// fraction is cut off.
    ///
    /// # Errors
    /// [`ExactError::TooLarge`].
    pub fn round(&self, digits: u32, rule: Rounding) -> Result<i128, ExactError> {
        let (scaled, rest) = self.scaled(digits)?;
        if rest == 0 {
            return Ok(scaled);
        }
        let away = if self.numerator < 0 { -1 } else { 1 };
        let rest = rest.checked_abs().ok_or(ExactError::TooLarge)?;
        let opposite = self.denominator.checked_sub(rest).ok_or(ExactError::TooLarge)?;
        let step = match (rule, rest.cmp(&opposite)) {
            (Rounding::Down, _) => 0,
            (Rounding::Up, _) => away,
            (_, Ordering::Less) => 0,
            (_, Ordering::Greater) | (Rounding::HalfAwayFromZero, Ordering::Equal) => away,
            (Rounding::HalfEven, Ordering::Equal) if scaled.checked_rem(2) == Some(0) => 0,
            (Rounding::HalfEven, Ordering::Equal) => away,
        };
        scaled.checked_add(step).ok_or(ExactError::TooLarge)
    }

    /// The value × 10^`scale` where that is a whole number.
    ///
    /// # Errors
    /// [`ExactError::TooManyDigits`] where it is none; [`ExactError::TooLarge`].
    pub fn to_scaled(&self, scale: u32) -> Result<i128, ExactError> {
        match self.scaled(scale)? {
            (whole, 0) => Ok(whole),
            _ => Err(ExactError::TooManyDigits(scale)),
        }
    }

    /// The whole part of the value × 10^`digits`, towards zero, and the rest as a numerator over
    /// this denominator.
    fn scaled(&self, digits: u32) -> Result<(i128, i128), ExactError> {
        let power = power_of_ten(digits)?;
        if let Some(value) = self.numerator.checked_mul(power) {
            let whole = exact_quotient(value, self.denominator)?;
            return Ok((whole, value.checked_sub(product(whole, self.denominator)?).ok_or(ExactError::TooLarge)?));
        }
        // Too large before common factors of the power and the denominator have gone.
        let value = self.mul(&Self::integer(power)).map(|v| (v.numerator, v.denominator))?;
        let whole = exact_division(value.0, value.1)?;
        let rest = value.0.checked_sub(product(whole, value.1)?).ok_or(ExactError::TooLarge)?;
        let factor = exact_quotient(self.denominator, value.1)?;
        Ok((whole, product(rest, factor)?))
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

fn product(a: i128, b: i128) -> Result<i128, ExactError> {
    a.checked_mul(b).ok_or(ExactError::TooLarge)
}

fn exact_division(a: i128, b: i128) -> Result<i128, ExactError> {
    a.checked_div(b).ok_or(ExactError::DivisionByZero)
}

fn exact_quotient(a: i128, divisor: i128) -> Result<i128, ExactError> {
    if divisor == 1 { Ok(a) } else { exact_division(a, divisor) }
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

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Exact {
    /// Crosswise where that fits; otherwise compares whole parts, then the reciprocals of what
    /// remains, as Euclid would: no product that could overflow.
    fn cmp(&self, other: &Self) -> Ordering {
        if self.denominator == other.denominator {
            return self.numerator.cmp(&other.numerator);
        }
        let (left, right) =
            (self.numerator.checked_mul(other.denominator), other.numerator.checked_mul(self.denominator));
        if let (Some(left), Some(right)) = (left, right) {
            return left.cmp(&right);
        }
        let (mut a, mut b) = ((self.numerator, self.denominator), (other.numerator, other.denominator));
        loop {
            let (whole_a, whole_b) = (a.0.div_euclid(a.1), b.0.div_euclid(b.1));
            if whole_a != whole_b {
                return whole_a.cmp(&whole_b);
            }
            let (rest_a, rest_b) = (a.0.rem_euclid(a.1), b.0.rem_euclid(b.1));
            match (rest_a, rest_b) {
                (0, 0) => return Ordering::Equal,
                (0, _) => return Ordering::Less,
                (_, 0) => return Ordering::Greater,
                // a/b < c/d exactly when d/c < b/a, hence the swap.
                _ => (a, b) = ((b.1, rest_b), (a.1, rest_a)),
            }
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

/// As text `numerator/denominator`, or just the numerator of a whole number: exact both ways.
impl Serialize for Exact {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.denominator == 1 {
            serializer.collect_str(&self.numerator)
        } else {
            serializer.collect_str(&format_args!("{}/{}", self.numerator, self.denominator))
        }
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let value = match text.split_once('/') {
            Some((numerator, denominator)) => match (numerator.parse(), denominator.parse()) {
                (Ok(numerator), Ok(denominator)) => Self::ratio(numerator, denominator),
                _ => Err(ExactError::NotANumber),
            },
            None => Self::parse(&text),
        };
        value.map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::as_conversions, reason = "tests fail by panicking; small test numbers")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exact(text: &str) -> Exact {
        text.parse().unwrap()
    }

    #[test]
    fn decimal_texts_are_read_exactly() {
        for (text, mantissa, scale) in [
            ("0", 0, 0),
            ("-12.50", -125, 1),
            ("+7", 7, 0),
            (".5", 5, 1),
            ("5.", 5, 0),
            ("1e3", 1000, 0),
            ("1.25E-4", 125, 6),
            ("0.000000000000000000000000000000000001", 1, 36),
            ("2.000000000000000000000000000000000000000000000", 2, 0),
        ] {
            assert_eq!(exact(text), Exact::decimal(mantissa, scale).unwrap(), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "-", ".", "NaN", "inf", "1,5", "1 ", "0x10", "1e", "1e+", "--1", "1.2.3", "1.2x", "٣"] {
            assert_eq!(Exact::parse(text), Err(ExactError::NotANumber), "{text}");
        }
        assert_eq!(Exact::parse(&"9".repeat(40)), Err(ExactError::TooLarge));
        assert_eq!(Exact::parse("1e999"), Err(ExactError::TooLarge));
    }

    #[test]
    fn rounding_follows_the_named_rule() {
        // (value, half away, half even, up, down); the first four are figures of official invoices.
        for (text, away, even, up, down) in [
            ("365.125", 36513, 36512, 36513, 36512),
            ("79.665", 7967, 7966, 7967, 7966),
            ("1253.105", 125_311, 125_310, 125_311, 125_310),
            ("-156435.885", -15_643_589, -15_643_588, -15_643_589, -15_643_588),
            ("0.015", 2, 2, 2, 1),
            ("0.014", 1, 1, 2, 1),
            ("-0.011", -1, -1, -2, -1),
            ("3.10", 310, 310, 310, 310),
        ] {
            let value = exact(text);
            let rounded = |rule| value.round(2, rule).unwrap();
            assert_eq!(rounded(Rounding::HalfAwayFromZero), away, "{text}");
            assert_eq!(rounded(Rounding::HalfEven), even, "{text}");
            assert_eq!(rounded(Rounding::Up), up, "{text}");
            assert_eq!(rounded(Rounding::Down), down, "{text}");
        }
    }

    #[test]
    fn thirds_are_kept_and_shown_rounded() {
        let third = Exact::ratio(1, 3).unwrap();
        assert_eq!(third.mul(&Exact::integer(3)).unwrap(), Exact::ONE);
        assert_eq!(third.display(4), "0.3333");
        assert_eq!(exact("1912.4400").display(6), "1912.44");
        assert_eq!(Exact::ratio(1_000_001, 2_000_001).unwrap().display(7), "0.5000002");
        assert_eq!(Exact::ratio(30_000_001, 100_000_003).unwrap().display(3), "0.3");
        assert_eq!(exact("1200").display(2), "1200");
        assert_eq!(exact("-0.05").display(2), "-0.05");
    }

    #[test]
    fn more_digits_than_the_scale_are_no_scaled_number() {
        assert_eq!(exact("1.234").to_scaled(2), Err(ExactError::TooManyDigits(2)));
        assert_eq!(exact("1.230").to_scaled(2), Ok(123));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let large = Exact::integer(i128::MAX);
        assert_eq!(large.add(&Exact::ONE), Err(ExactError::TooLarge));
        assert_eq!(large.mul(&Exact::integer(2)), Err(ExactError::TooLarge));
        assert_eq!(Exact::ONE.div(&Exact::ZERO), Err(ExactError::DivisionByZero));
    }

    proptest! {
        #[test]
        fn the_short_divisor_is_the_greatest(a: u64, b: u64, shift in 0_u32..60) {
            let (mut x, mut y) = (a >> shift, b);
            while y != 0 {
                (x, y) = (y, x % y);
            }
            prop_assert_eq!(short_divisor(a >> shift, b), x);
        }

        #[test]
        fn the_digits_of_a_decimal_are_as_many_as_it_needs(n in -1_000_000_i64..1_000_000, twos in 0_u32..20, fives in 0_u32..20, other in prop_oneof![Just(1_i128), Just(3), Just(7)]) {
            let value = Exact::ratio(i128::from(n), 2_i128.pow(twos) * 5_i128.pow(fives) * other).unwrap();
            let needed = (0..=20).find(|digits| value.to_scaled(*digits).is_ok());
            prop_assert_eq!(value.decimal_digits(), needed);
        }

        #[test]
        fn order_agrees_with_cross_multiplication(a in -10_000_i64..10_000, b in 1_i64..500, c in -10_000_i64..10_000, d in 1_i64..500) {
            let left = Exact::ratio(i128::from(a), i128::from(b)).unwrap();
            let right = Exact::ratio(i128::from(c), i128::from(d)).unwrap();
            prop_assert_eq!(left.cmp(&right), (a * d).cmp(&(c * b)));
        }

        #[test]
        fn addition_is_associative(values in proptest::collection::vec((-1_000_000_i64..1_000_000, 1_i64..60), 3)) {
            let [a, b, c] = [0, 1, 2].map(|i: usize| Exact::ratio(i128::from(values[i].0), i128::from(values[i].1)).unwrap());
            prop_assert_eq!(a.add(&b).unwrap().add(&c).unwrap(), a.add(&b.add(&c).unwrap()).unwrap());
        }

        #[test]
        fn rounding_errs_by_half_a_unit_at_most(n in -1_000_000_i64..1_000_000, d in 1_i64..10_000) {
            let value = Exact::ratio(i128::from(n), i128::from(d)).unwrap();
            let rounded = value.round(2, Rounding::HalfAwayFromZero).unwrap();
            let error = (rounded * i128::from(d) - i128::from(n) * 100).abs() * 2;
            prop_assert!(error <= d as i128);
        }

        #[test]
        fn text_and_back_is_the_same(n in any::<i64>(), scale in 0_u32..18) {
            let value = Exact::decimal(i128::from(n), scale).unwrap();
            prop_assert_eq!(exact(&value.display(18)), value);
            let json = serde_json::to_string(&value).unwrap();
            prop_assert_eq!(serde_json::from_str::<Exact>(&json).unwrap(), value);
        }
    }
}
