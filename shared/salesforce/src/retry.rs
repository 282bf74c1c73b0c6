//! When to send again. Pure: time and chance come in as numbers.

use metering::time::Instant;

/// The first wait is at most this long; each further one twice as long.
const FIRST_MS: u64 = 1_000;
/// No wait is longer than this.
const LONGEST_MS: u64 = 60_000;

/// The wait before the attempt after the `attempt`-th (counted from 0), by `chance`: anything up to a bound that
/// doubles, so that those who failed together do not come back together. Nothing if it would end after the deadline.
#[must_use]
pub fn wait_ms(attempt: u32, chance: u64, now: Instant, deadline: Instant) -> Option<u64> {
    let bound = FIRST_MS.checked_shl(attempt.min(10)).unwrap_or(LONGEST_MS).min(LONGEST_MS);
    let wait = chance.checked_rem(bound.saturating_add(1)).unwrap_or(0);
    let ends = now.0.saturating_add(i64::try_from(wait).unwrap_or(i64::MAX));
    (ends < deadline.0).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_are_spread_and_end_before_the_deadline() {
        let far = Instant(i64::MAX);
        assert_eq!(wait_ms(0, 1_000, Instant(0), far), Some(1_000));
        assert_eq!(wait_ms(0, 1_001, Instant(0), far), Some(0));
        assert_eq!(wait_ms(3, 8_000, Instant(0), far), Some(8_000));
        assert_eq!(wait_ms(60, 60_000, Instant(0), far), Some(60_000));
        assert_eq!(wait_ms(0, 500, Instant(0), Instant(500)), None);
        assert_eq!(wait_ms(0, 499, Instant(0), Instant(500)), Some(499));
    }
}
