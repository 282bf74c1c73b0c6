//! Which of two numbers is larger.

use std::cmp::Ordering;

use super::Exact;

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
