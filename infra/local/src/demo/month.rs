//! What happens in the demo's month, all of it derived from fixed seeds: nothing of it is real,
//! and every run invents the same.

/// The month.
pub const MONTH: &str = "2026-02";

/// 2026-01-31T18:00:00Z and 2026-03-01T06:00:00Z in hours since the epoch: the month as every
/// customer's zone sees it lies within.
pub const HOURS: std::ops::Range<i64> = 491_634..492_318;

/// A small generator of numbers (splitmix64), so that the demo depends on no library's version.
pub struct Dice(u64);

impl Dice {
    /// A generator for one purpose.
    pub fn new(purpose: &str, number: i64) -> Self {
        let seed = purpose
            .bytes()
            .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
        Self(seed ^ number.unsigned_abs().wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// How long after its hour a file arrives, in seconds: most within minutes, some days late.
pub fn delay(key: &str, hour: i64) -> u64 {
    let mut dice = Dice::new(key, hour);
    if dice.once_in(50) { 3_600_u64.saturating_mul(dice.below(20).saturating_add(2)) } else { dice.below(600) }
}

/// The events in the order in which they arrive: shuffled, one in twenty twice, one in two
/// hundred never.
pub fn deliveries(keys: &[String]) -> Vec<&str> {
    let mut dice = Dice::new("deliveries", 0);
    let mut events: Vec<&str> = Vec::new();
    for key in keys {
        if !dice.once_in(200) {
            events.push(key);
        }
        if dice.once_in(20) {
            events.push(key);
        }
    }
    for place in (1..events.len()).rev() {
        let bound = u64::try_from(place).unwrap_or(0).saturating_add(1);
        events.swap(place, usize::try_from(dice.below(bound)).unwrap_or(0));
    }
    events
}
