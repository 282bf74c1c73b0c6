//! An amount in parts that add up to it.

use std::cmp::Reverse;

use crate::money::{Amount, MoneyError};

/// Splits `total` in proportion to `weights` by largest remainder: every part is cut to the minor unit, and what is
/// left over goes, a unit each, to the parts that were cut most; of equal ones to the first. The parts add up to the
/// total, and those of −x are those of x with the other sign.
///
/// # Errors
/// [`MoneyError::Overflow`], also where the weights do not add up to more than nought.
pub fn allocate(total: Amount, weights: &[Amount]) -> Result<Vec<Amount>, MoneyError> {
    if total < Amount::ZERO {
        return allocate(total.neg()?, weights)?.into_iter().map(Amount::neg).collect();
    }
    let sum = Amount::sum(weights.iter().copied())?.0;
    if sum <= 0 {
        return Err(MoneyError::Overflow);
    }
    let (mut parts, mut cut) = (Vec::new(), Vec::new());
    for (index, weight) in weights.iter().enumerate() {
        let product = total.0.checked_mul(weight.0).ok_or(MoneyError::Overflow)?;
        parts.push(Amount(product.div_euclid(sum)));
        cut.push((Reverse(product.rem_euclid(sum)), index));
    }
    cut.sort_unstable();
    let left = total.sub(Amount::sum(parts.iter().copied())?)?;
    for (_, index) in cut.into_iter().take(usize::try_from(left.0).map_err(|_| MoneyError::Overflow)?) {
        if let Some(part) = parts.get_mut(index) {
            *part = part.add(Amount(1))?;
        }
    }
    Ok(parts)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn split(total: i128, weights: &[i128]) -> Vec<i128> {
        let weights: Vec<_> = weights.iter().copied().map(Amount).collect();
        allocate(Amount(total), &weights).unwrap().into_iter().map(|part| part.0).collect()
    }

    #[test]
    fn what_is_left_over_goes_to_those_cut_most_and_to_the_first_of_equals() {
        assert_eq!(split(100, &[1, 1, 1]), [34, 33, 33]);
        assert_eq!(split(-100, &[1, 1, 1]), [-34, -33, -33]);
        assert_eq!(split(10, &[1, 5, 3]), [1, 6, 3]);
        assert_eq!(split(9999, &[10_000]), [9999]);
        assert_eq!(split(5, &[0, 2, 0]), [0, 5, 0]);
        assert_eq!(allocate(Amount(1), &[Amount(0)]), Err(MoneyError::Overflow));
    }

    proptest! {
        #[test]
        fn parts_add_up_and_none_is_a_unit_off(total in -1_000_000_i128..1_000_000, weights in vec(0_i128..1_000_000, 1..90)) {
            let sum: i128 = weights.iter().sum();
            prop_assume!(sum > 0);
            let parts = split(total, &weights);
            prop_assert_eq!(parts.iter().sum::<i128>(), total);
            for (part, weight) in parts.iter().zip(&weights) {
                prop_assert!((part * sum - total * weight).abs() < sum);
            }
        }
    }
}
