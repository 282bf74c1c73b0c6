//! What was said of the same names before.

use crate::scan::Extent;

/// So many answers are remembered at the most, and so many at first.
const MOST: usize = 1 << 15;
const FIRST: usize = 1 << 8;
/// So many places are looked at for one.
const PROBES: usize = 8;
/// The most words that are asked about at once, and the most names.
const MAX_WORDS: usize = 48;
pub(super) const MAX_NAMES: usize = 12;
/// With the number of bytes before it, the highest byte of a name's last word. It stands nowhere in
/// UTF-8, so that no other words end a name.
const LAST: u64 = 0xf8;

/// Answers by the bytes of names: whether a record counts, and for which series.
#[derive(Default)]
pub(super) struct Memo {
    places: Vec<Option<Known>>,
    known: usize,
    asked: Asked,
}

/// The names that are asked about: who asks, and all names in words of eight bytes, the last one of
/// each with fewer. No two lists of names are written alike.
struct Asked {
    words: [u64; MAX_WORDS],
    length: usize,
}

impl Default for Asked {
    fn default() -> Self {
        Self { words: [0; MAX_WORDS], length: 0 }
    }
}

impl Asked {
    #[inline]
    fn push(&mut self, word: u64) -> Option<()> {
        *self.words.get_mut(self.length)? = word;
        self.length += 1;
        Some(())
    }

    #[inline]
    fn words(&self) -> &[u64] {
        self.words.get(..self.length).unwrap_or_default()
    }

    /// `None` where such names are not remembered.
    #[inline]
    fn take(&mut self, asker: u64, text: &[u8], names: impl Iterator<Item = Extent>) -> Option<()> {
        self.length = 0;
        self.push(asker)?;
        for Extent { start, end } in names {
            let mut at = start;
            while end - at >= 8 {
                self.push(word(text, at)?)?;
                at += 8;
            }
            let rest = u64::try_from(end - at).ok()?;
            let last = word(text, at)? & !(u64::MAX << (8 * rest));
            self.push(last | ((LAST | rest) << 56))?;
        }
        Some(())
    }
}

#[inline]
fn word(text: &[u8], at: usize) -> Option<u64> {
    text.get(at..).and_then(|rest| rest.first_chunk()).map(|bytes| u64::from_le_bytes(*bytes))
}

struct Known {
    words: Box<[u64]>,
    answer: Answer,
}

/// The number of the series for which a record counts, if it does.
pub(super) type Answer = Option<usize>;

impl Memo {
    /// Takes the names that are asked about next; whether such names are remembered at all.
    #[inline]
    pub(super) fn ask(&mut self, asker: u64, text: &[u8], names: impl Iterator<Item = Extent>) -> bool {
        self.asked.take(asker, text, names).is_some()
    }

    /// The answer, if it is known.
    #[inline]
    pub(super) fn answer(&self) -> Option<Answer> {
        let asked = self.asked.words();
        let first = hash(asked);
        for probe in 0..PROBES {
            let known = self.places.get(self.place(first, probe))?.as_ref()?;
            if known.words.len() == asked.len() && known.words.iter().zip(asked).all(|(a, b)| a == b) {
                return Some(known.answer);
            }
        }
        None
    }

    /// Remembers the answer.
    pub(super) fn learn(&mut self, answer: Answer) {
        if self.known * 2 >= self.places.len() && self.places.len() < MOST {
            self.grow();
        }
        let known = Known { words: self.asked.words().into(), answer };
        self.put(known);
    }

    fn put(&mut self, known: Known) {
        let first = hash(&known.words);
        let free = |probe: &usize| self.places.get(self.place(first, *probe)).is_some_and(Option::is_none);
        let probe = (0..PROBES).find(free);
        let place = self.place(first, probe.unwrap_or(0));
        if let Some(place) = self.places.get_mut(place) {
            self.known += usize::from(place.is_none());
            *place = Some(known);
        }
    }

    fn grow(&mut self) {
        let size = (self.places.len() * 4).clamp(FIRST, MOST);
        let all = std::mem::take(&mut self.places);
        self.places.resize_with(size, || None);
        self.known = 0;
        all.into_iter().flatten().for_each(|known| self.put(known));
    }

    /// The size is a power of two.
    fn place(&self, first: usize, probe: usize) -> usize {
        first.wrapping_add(probe) & self.places.len().wrapping_sub(1)
    }
}

/// Any names have some place; which one decides only how long it takes to find them.
#[inline]
fn hash(words: &[u64]) -> usize {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let folded = words.iter().fold(ODD, |hash, word| {
        let product = u128::from(*word ^ hash) * u128::from(ODD);
        let (low, high) = (product & u128::from(u64::MAX), product >> 64);
        u64::try_from(low ^ high).unwrap_or_default()
    });
    usize::try_from(folded >> 32).unwrap_or_default()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Whether the names could be asked about.
    fn ask(memo: &mut Memo, names: &[String]) -> bool {
        let text = format!("{}{}", names.concat(), "x".repeat(16));
        let mut start = 0;
        let extents: Vec<Extent> = names
            .iter()
            .map(|name| {
                let extent = Extent { start, end: start + name.len() };
                start = extent.end;
                extent
            })
            .collect();
        memo.ask(u64::try_from(names.len()).unwrap(), text.as_bytes(), extents.into_iter())
    }

    proptest! {
        #[test]
        fn an_answer_is_that_of_the_same_names(asked in prop::collection::vec(prop::collection::vec("[ab\0]{0,2}|[a]{14,18}", 0..4), 1..60)) {
            let mut memo = Memo::default();
            let mut all: Vec<&Vec<String>> = Vec::new();
            for names in &asked {
                let known = all.iter().position(|earlier| *earlier == names);
                let number = known.unwrap_or(all.len());
                prop_assert!(ask(&mut memo, names));
                // It may have forgotten; it never mistakes names for others.
                match memo.answer() {
                    Some(answer) => prop_assert_eq!(answer, known),
                    None => memo.learn(Some(number)),
                }
                prop_assert_eq!(memo.answer(), Some(Some(number)));
                if known.is_none() {
                    all.push(names);
                }
            }
        }
    }

    #[test]
    fn it_forgets_rather_than_grow_without_end() {
        let mut memo = Memo::default();
        for number in 0..MOST * 2 {
            assert!(ask(&mut memo, &[number.to_string()]));
            assert_eq!(memo.answer(), None);
            memo.learn(Some(number));
            assert_eq!(memo.answer(), Some(Some(number)));
        }
        assert_eq!(memo.places.len(), MOST);
    }

    #[test]
    fn names_that_are_too_long_are_not_remembered() {
        let mut memo = Memo::default();
        assert!(!ask(&mut memo, &["a".repeat(MAX_WORDS * 8)]));
        assert!(ask(&mut memo, &["a".repeat(300)]));
        assert!(!ask(&mut memo, &["a".repeat(300), "b".repeat(300)]));
    }
}
