//! One seed, all chances.

use std::collections::BTreeSet;
use std::sync::Mutex;

/// A small reproducible generator (splitmix64): good enough to choose who runs next.
///
/// Whatever harms a run (a fault, a cut, a lost or a repeated event) is a misfortune and is
/// numbered, so that a failing run can be told again with fewer of them.
pub struct Dice {
    state: Mutex<u64>,
    struck: Mutex<usize>,
    spared: BTreeSet<usize>,
}

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self::sparing(seed, BTreeSet::new())
    }

    /// The same chances, but these misfortunes do not happen.
    pub fn sparing(seed: u64, spared: BTreeSet<usize>) -> Self {
        Self { state: Mutex::new(seed), struck: Mutex::new(0), spared }
    }

    fn next(&self) -> u64 {
        let mut state = self.state.lock().unwrap();
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    pub fn below(&self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }

    /// True `percent` times in a hundred.
    pub fn chance(&self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Something goes wrong `percent` times in a hundred, unless it is spared.
    pub fn misfortune(&self, percent: usize) -> bool {
        if !self.chance(percent) {
            return false;
        }
        let mut struck = self.struck.lock().unwrap();
        *struck += 1;
        !self.spared.contains(&(*struck - 1))
    }

    /// How many misfortunes there have been, spared ones among them.
    pub fn struck(&self) -> usize {
        *self.struck.lock().unwrap()
    }
}
