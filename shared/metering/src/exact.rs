//! Exact numbers: quantities as rationals that are rounded once, where money is made of them.
//!
//! An average of thirds has no decimal form and a product of decimals can need more digits than
//! any decimal type keeps; a rational of two 128-bit integers has both. Every operation is
//! checked: what does not fit is an error, never a nearby number.

mod divisor;
mod order;
mod round;
mod serial;
mod text;

use self::divisor::greatest_common_divisor;
pub use self::round::Rounding;
pub use self::text::decimal_text;

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

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::as_conversions, reason = "tests fail by panicking; small test numbers")]
mod tests;
