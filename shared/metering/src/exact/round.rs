//! Cutting off what lies below a digit: by a named rule, or not at all.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::{Exact, ExactError, exact_division, exact_quotient, power_of_ten, product};

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

impl Exact {
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
}
