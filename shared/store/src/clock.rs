//! The system's time and randomness: the only place that asks for either.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use ledger::ports::Clock;
use metering::time::Instant;

/// The operating system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random numbers: {0}")]
pub struct NoRandomness(getrandom::Error);

/// The wall clock, and tokens from a random start.
///
/// Randomness is drawn once, where a failure can still be reported; each token is the next number
/// after those 128 bits, so tokens differ within a process by counting and between processes by
/// chance. A clone counts on with its original.
#[derive(Clone, Debug)]
pub struct SystemClock {
    start: u128,
    issued: Arc<AtomicU64>,
}

impl SystemClock {
    /// A clock with a start of its own.
    ///
    /// # Errors
    /// When the operating system has no random bytes to give.
    pub fn new() -> Result<Self, NoRandomness> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(NoRandomness)?;
        Ok(Self { start: u128::from_be_bytes(bytes), issued: Arc::new(AtomicU64::new(0)) })
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the `Clock` port")]
    fn now(&self) -> Instant {
        instant_of(SystemTime::now())
    }

    fn token(&self) -> String {
        let count = self.issued.fetch_add(1, Ordering::Relaxed);
        format!("{:032x}", self.start.wrapping_add(u128::from(count)))
    }
}

/// Milliseconds since the epoch, rounded down. Times that 64 bits cannot hold become the nearest
/// that they can.
pub(crate) fn instant_of(time: SystemTime) -> Instant {
    let ms = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => {
            let ms = before.duration().as_nanos().div_ceil(1_000_000);
            i64::try_from(ms).map_or(i64::MIN, |ms| -ms)
        }
    };
    Instant(ms)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;

    #[test]
    fn tokens_are_32_hex_digits_and_never_repeat() {
        let (one, two) = (SystemClock::new().unwrap(), SystemClock::new().unwrap());
        let tokens: BTreeSet<String> =
            (0..1000).flat_map(|_| [one.token(), one.clone().token(), two.token()]).collect();
        assert_eq!(tokens.len(), 3000);
        assert!(tokens.iter().all(|t| t.len() == 32 && t.bytes().all(|b| b.is_ascii_hexdigit())));
    }

    #[test]
    fn times_are_rounded_down_on_both_sides_of_the_epoch() {
        let microsecond = Duration::from_micros(1);
        assert_eq!(instant_of(UNIX_EPOCH + microsecond), Instant(0));
        assert_eq!(instant_of(UNIX_EPOCH - microsecond), Instant(-1));
        assert_eq!(instant_of(UNIX_EPOCH - Duration::from_millis(1)), Instant(-1));
    }
}
