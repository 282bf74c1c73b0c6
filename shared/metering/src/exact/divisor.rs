//! Lowest terms.

/// Whole numbers and prices with few digits are common, and divisions of 128 bits are slow.
pub(super) fn greatest_common_divisor(a: i128, b: i128) -> i128 {
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
pub(super) fn short_divisor(a: u64, b: u64) -> u64 {
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
