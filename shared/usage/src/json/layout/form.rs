//! The form of records: what stands between the values that differ in length.
//!
//! From one such value to the next all bytes are compared in one go: keys and signs have to be the
//! same, and the strings among them, which were as long in all records so far, have to be plain.

use wide::u8x16;

use crate::scan::{Extent, end_of_number, end_of_string, ends_of_strings};

/// So many records are looked at before strings are taken to be always as long.
const PATIENCE: u32 = 16;

/// A string or number of a record.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) extent: Extent,
    pub(super) string: bool,
}

/// All of a record, in its order.
pub(super) struct Form {
    runs: Vec<Run>,
    /// How many strings and numbers there are.
    values: usize,
    /// Whether there is nothing but ASCII between them.
    ascii: bool,
}

/// What stands before a value.
struct Run {
    blocks: Box<[Block]>,
    length: usize,
    /// The strings in it, from its beginning on.
    strings: Box<[Extent]>,
    /// The value behind it; none at the end of the record.
    value: Option<Value>,
}

#[derive(Clone, Copy)]
enum Value {
    String,
    Number,
}

/// Sixteen bytes of a run.
struct Block {
    bytes: u8x16,
    /// Which of them are always the same, and which are those of strings; neither beyond the run.
    same: u8x16,
    strings: u8x16,
}

impl Form {
    /// The form of records like this one, in which strings are as long as here where `steady`.
    pub(super) fn new(text: &[u8], places: &[Place], steady: &[bool]) -> Self {
        let (mut runs, mut start, mut strings) = (Vec::new(), 0, Vec::new());
        let (mut ascii, mut behind) = (true, 0);
        let between = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
        for (Place { extent, string }, steady) in places.iter().zip(steady) {
            ascii &= between(behind, extent.start).is_ascii();
            behind = extent.end;
            if *string && *steady {
                strings.push(Extent { start: extent.start - start, end: extent.end - start });
                continue;
            }
            let value = if *string { Value::String } else { Value::Number };
            runs.push(Run::new(between(start, extent.start), std::mem::take(&mut strings), Some(value)));
            start = extent.end;
        }
        ascii &= between(behind, text.len()).is_ascii();
        runs.push(Run::new(between(start, text.len()), strings, None));
        Self { runs, values: places.len(), ascii }
    }

    /// How long the record of this form is that `text` begins with, if it does, and whether it is
    /// ASCII. Where its values lie is then in `extents`.
    pub(super) fn measure(&self, text: &[u8], extents: &mut Vec<Extent>) -> Option<(usize, bool)> {
        if extents.len() != self.values {
            extents.resize(self.values, Extent::default());
        }
        let (mut at, mut ascii, mut places) = (0, self.ascii, extents.iter_mut());
        for run in &self.runs {
            let start = run.after(text, at)?;
            for Extent { start, end } in &run.strings {
                *places.next()? = Extent { start: at + start, end: at + end };
            }
            at = match run.value {
                Some(Value::String) => end_of_string(text, start, &mut ascii)?,
                Some(Value::Number) => end_of_number(text, start)?,
                None => return Some((start, ascii)),
            };
            *places.next()? = Extent { start, end: at };
        }
        None
    }
}

impl Run {
    fn new(text: &[u8], strings: Vec<Extent>, value: Option<Value>) -> Self {
        let mut is_string = vec![false; text.len()];
        for Extent { start, end } in &strings {
            is_string.iter_mut().take(*end).skip(*start).for_each(|is_string| *is_string = true);
        }
        let blocks = text.chunks(16).zip(is_string.chunks(16)).map(|(bytes, strings)| Block::new(bytes, strings));
        Self { blocks: blocks.collect(), length: text.len(), strings: strings.into(), value }
    }

    /// Where it ends, if that is what `text` has at `at`.
    #[inline]
    fn after(&self, text: &[u8], at: usize) -> Option<usize> {
        let (blocks, _) = match text.get(at..at + 16 * self.blocks.len()) {
            Some(found) => found.as_chunks(),
            None => return self.at_the_end_of(text, at),
        };
        let differs = |(found, block): (&[u8; 16], &Block)| block.differs(found);
        let different = blocks.iter().zip(&self.blocks).map(differs).fold(u8x16::splat(0), |all, one| all | one);
        is_none(different).then_some(at + self.length)
    }

    /// The same near the end of the text.
    #[cold]
    fn at_the_end_of(&self, text: &[u8], at: usize) -> Option<usize> {
        let rest = text.get(at..).filter(|rest| rest.len() >= self.length)?;
        let same = rest.chunks(16).zip(&self.blocks).all(|(found, block)| {
            let mut filled_up = [0; 16];
            filled_up.iter_mut().zip(found).for_each(|(to, from)| *to = *from);
            is_none(block.differs(&filled_up))
        });
        same.then_some(at + self.length)
    }
}

impl Block {
    fn new(bytes: &[u8], is_string: &[bool]) -> Self {
        let (mut all, mut same, mut strings) = ([0; 16], [0; 16], [0; 16]);
        all.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        same.iter_mut().zip(is_string).for_each(|(to, is_string)| *to = if *is_string { 0 } else { 0xff });
        strings.iter_mut().zip(is_string).for_each(|(to, is_string)| *to = if *is_string { 0xff } else { 0 });
        Self { bytes: u8x16::new(all), same: u8x16::new(same), strings: u8x16::new(strings) }
    }

    /// Something other than nought where the bytes are others, or are in a string and not plain.
    #[inline]
    fn differs(&self, found: &[u8; 16]) -> u8x16 {
        let found = u8x16::new(*found);
        ((found ^ self.bytes) & self.same) | (ends_of_strings(found) & self.strings)
    }
}

/// Whether all bytes are nought.
#[inline]
fn is_none(bytes: u8x16) -> bool {
    bytes.simd_eq(u8x16::splat(0)).to_bitmask() == 0xffff
}

/// Which strings have been as long in all records so far.
pub(super) struct Habits {
    lengths: Vec<usize>,
    steady: Vec<bool>,
    /// How many records were noted since somebody last was told.
    noted: u32,
}

impl Habits {
    /// Those of the first record.
    pub(super) fn new(places: &[Place]) -> Self {
        let lengths = places.iter().map(|place| place.extent.end - place.extent.start).collect();
        Self { lengths, steady: vec![true; places.len()], noted: 0 }
    }

    /// Notes where the values of another record lie; now and then says which strings are steady.
    pub(super) fn note(&mut self, text: &[u8], extents: &[Extent]) -> Option<&[bool]> {
        for ((steady, length), extent) in self.steady.iter_mut().zip(&self.lengths).zip(extents) {
            *steady &= extent.end - extent.start == *length && extent.of(text).is_ascii();
        }
        self.noted += 1;
        if self.noted < PATIENCE {
            return None;
        }
        self.noted = 0;
        Some(&self.steady)
    }
}
