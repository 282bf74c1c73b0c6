//! Where certain bytes of a text stand, sixty-four bytes at a time.

use wide::u8x16;

/// So many bytes are looked at at once.
const WORD: usize = 64;

/// Finds the bytes of a text that `marks` says, of sixteen at a time, by filling them with ones.
pub(crate) struct Stops<'t, M> {
    text: &'t [u8],
    marks: M,
    /// Where the bytes begin that were looked at last, and which of them are stops: the first one lowest.
    base: usize,
    found: u64,
}

impl<'t, M: Fn(u8x16) -> u8x16> Stops<'t, M> {
    #[inline]
    pub(crate) fn new(text: &'t [u8], marks: M) -> Self {
        let mut stops = Self { text, marks, base: 0, found: 0 };
        stops.look();
        stops
    }

    /// The first stop at `start` or behind it: `None` where the text ends, or a place behind its end.
    /// Quick where places are asked for in order.
    #[inline]
    pub(crate) fn next(&mut self, mut start: usize) -> Option<usize> {
        loop {
            let passed = start.wrapping_sub(self.base);
            if passed < WORD {
                let left = self.found >> passed;
                if left != 0 {
                    return Some(start + usize::try_from(left.trailing_zeros()).ok()?);
                }
                start = self.base + WORD;
            }
            if start >= self.text.len() {
                return None;
            }
            self.base = start;
            self.look();
        }
    }

    #[inline]
    fn look(&mut self) {
        let rest = self.text.get(self.base..).unwrap_or_default();
        self.found = match rest.first_chunk() {
            Some(bytes) => self.among(bytes),
            None => self.among(&filled_up(rest)),
        };
    }

    #[inline]
    fn among(&self, bytes: &[u8; WORD]) -> u64 {
        let (blocks, _) = bytes.as_chunks::<16>();
        let mark = |block: &[u8; 16]| u64::from((self.marks)(u8x16::new(*block)).to_bitmask());
        blocks.iter().rev().fold(0, |found, block| (found << 16) | mark(block))
    }
}

/// With noughts behind them.
#[cold]
fn filled_up(rest: &[u8]) -> [u8; WORD] {
    let mut bytes = [0; WORD];
    bytes.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn stops_are_found_as_byte_by_byte(text in "[a-c]{0,90}b?[a-c]{0,60}|a{0,300}b?a{0,40}", starts in prop::collection::vec(0_usize..300, 1..20)) {
            let mut stops = Stops::new(text.as_bytes(), |bytes: u8x16| bytes.simd_eq(u8x16::splat(b'b')));
            for start in starts {
                let plain = text.bytes().skip(start).position(|byte| byte == b'b').map(|at| at + start);
                prop_assert_eq!(stops.next(start), plain);
            }
        }
    }
}
