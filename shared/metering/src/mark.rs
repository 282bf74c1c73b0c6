//! Events that carry an id, written down one by one: what is compared with other files, so that an
//! event that stands in two of them counts once.
//!
//! A mark says all that its event adds to the usage. So the usage of some files is told from their
//! marks alone, whichever of the repeats is left out, and no file has to be read again for it.
//! Marks are written in blocks of one day each; about 24 bytes an event.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::state::StateError;
use crate::stream::Kind;
use crate::tally::{Cells, SeriesKey};
use crate::time::{Instant, Quarter};

const DAY_MS: i64 = 86_400_000;

/// A mark takes at most so many bytes: its id, and six numbers of which one has 128 bits.
const MARK_BYTES: usize = 16 + 5 + 5 + 10 + 10 + 19;

/// A block that has so many bytes is full: memory is bounded by it.
const BLOCK_BYTES: usize = 1 << 20;

/// A longer header or body is none that was ever written.
const MAX_BLOCK_BYTES: usize = 64 << 20;

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct About {
    /// Its series.
    #[serde(flatten)]
    pub key: SeriesKey,
    /// What one sample of its stream says.
    #[serde(rename = "k")]
    pub kind: Kind,
}

/// An event by its id, with all that it adds to the usage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The day of the event, UTC, counted from the epoch.
    pub day: i64,
    /// Its id.
    pub id: u128,
    /// The file that holds it.
    pub file: Arc<str>,
    /// What it is about.
    pub about: Arc<About>,
    /// When it was.
    pub at: Instant,
    /// Where it ends, if it is spread evenly over a time.
    pub until: Option<Instant>,
    /// How much, at the scale of its series.
    pub value: i128,
}

/// The UTC day of an instant, counted from the epoch.
pub fn day_of(at: Instant) -> i64 {
    at.0.div_euclid(DAY_MS)
}

impl Mark {
    /// The order in which marks are written and merged. Of equal day and id the first one counts:
    /// that of the file with the smallest identity, whichever came first.
    pub fn rank(&self) -> (i64, u128, &str) {
        (self.day, self.id, &self.file)
    }

    /// Whether both are the same event.
    pub fn repeats(&self, other: &Self) -> bool {
        (self.day, self.id) == (other.day, other.id)
    }

    /// Adds the event to some cells.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn add_to(&self, cells: &mut Cells) -> Result<(), StateError> {
        let About { key, kind } = &*self.about;
        spread(self.at, self.until, self.value, |at, value| cells.record(key, *kind, at, value))
    }

    /// The first and the last quarter-hour that it adds to.
    pub fn extent(&self) -> (Quarter, Quarter) {
        let first = Quarter::of(self.at);
        let last = self.until.map_or(first, |until| Quarter::of(Instant(until.0.saturating_sub(1))));
        (first, last.max(first))
    }
}

/// The parts of an event that fall into each quarter-hour. Each gets what has come up to its end,
/// rounded down, less what came before: all of them add up to the value, to the last digit.
///
/// # Errors
/// That of `put`.
pub fn spread<E>(
    at: Instant,
    until: Option<Instant>,
    value: i128,
    mut put: impl FnMut(Instant, i128) -> Result<(), E>,
) -> Result<(), E> {
    let Some(until) = until else { return put(at, value) };
    let span = i128::from(until.0.saturating_sub(at.0));
    let (mut from, mut before) = (at, 0);
    while from < until {
        let next = Quarter(Quarter::of(from).0.saturating_add(1)).start().min(until);
        let elapsed = i128::from(next.0.saturating_sub(at.0));
        let upto = value.saturating_mul(elapsed).checked_div_euclid(span).unwrap_or(value);
        put(from, upto.saturating_sub(before))?;
        (from, before) = (next, upto);
    }
    Ok(())
}

/// Bytes that are no marks.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("stored events cannot be read: {0}")]
pub struct BadMarks(String);

fn bad(what: impl ToString) -> BadMarks {
    BadMarks(what.to_string())
}

/// What the marks of a block name by number.
#[derive(Serialize, Deserialize)]
struct Header {
    day: i64,
    files: Vec<Arc<str>>,
    series: Vec<Arc<About>>,
}

/// Numbers for things as they are met.
#[derive(Debug)]
struct Numbers<T: ?Sized> {
    known: BTreeMap<Arc<T>, u32>,
    listed: Vec<Arc<T>>,
}

impl<T: Ord + ?Sized> Numbers<T> {
    fn new() -> Self {
        Self { known: BTreeMap::new(), listed: Vec::new() }
    }

    /// The number of a thing, and whether it is new.
    fn of(&mut self, thing: &Arc<T>) -> (u32, bool) {
        if let Some(number) = self.known.get(thing) {
            return (*number, false);
        }
        let number = u32::try_from(self.listed.len()).unwrap_or(u32::MAX);
        self.known.insert(Arc::clone(thing), number);
        self.listed.push(Arc::clone(thing));
        (number, true)
    }
}

/// Writes marks, which have to come in the order of their [`Mark::rank`], as blocks.
#[derive(Debug)]
pub struct Writer {
    day: i64,
    files: Numbers<str>,
    series: Numbers<About>,
    body: Vec<u8>,
    /// About how long the header is.
    named: usize,
    done: Vec<u8>,
}

impl Default for Writer {
    fn default() -> Self {
        Self { day: 0, files: Numbers::new(), series: Numbers::new(), body: Vec::new(), named: 0, done: Vec::new() }
    }
}

impl Writer {
    /// Takes the next mark.
    ///
    /// # Errors
    /// [`BadMarks`] where a series cannot be written.
    pub fn push(&mut self, mark: &Mark) -> Result<(), BadMarks> {
        if mark.day != self.day || self.body.len().saturating_add(self.named) >= BLOCK_BYTES {
            self.end_block()?;
            self.day = mark.day;
        }
        let (file, new) = self.files.of(&mark.file);
        self.named = self.named.saturating_add(if new { mark.file.len().saturating_add(3) } else { 0 });
        let (series, new) = self.series.of(&mark.about);
        self.named = self.named.saturating_add(if new { size_of_series(&mark.about) } else { 0 });
        self.body.extend(mark.id.to_be_bytes());
        put_number(&mut self.body, u128::from(file));
        put_number(&mut self.body, u128::from(series));
        let begun = self.day.saturating_mul(DAY_MS);
        put_signed(&mut self.body, i128::from(mark.at.0) - i128::from(begun));
        let length = mark.until.map_or(0, |until| i128::from(until.0) - i128::from(mark.at.0) + 1);
        put_number(&mut self.body, length.unsigned_abs());
        put_signed(&mut self.body, mark.value);
        Ok(())
    }

    /// How many bytes are written.
    pub fn len(&self) -> usize {
        self.done.len().saturating_add(self.body.len()).saturating_add(self.named)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All that was written; the writer is then as new.
    ///
    /// # Errors
    /// [`BadMarks`] where a series cannot be written.
    pub fn take(&mut self) -> Result<Vec<u8>, BadMarks> {
        self.end_block()?;
        Ok(std::mem::take(&mut self.done))
    }

    fn end_block(&mut self) -> Result<(), BadMarks> {
        let Self { day, files, series, body, done, .. } = std::mem::take(self);
        self.done = done;
        if body.is_empty() {
            return Ok(());
        }
        let header = serde_json::to_vec(&Header { day, files: files.listed, series: series.listed }).map_err(bad)?;
        for length in [header.len(), body.len()] {
            let length = u32::try_from(length).map_err(bad)?;
            self.done.extend(length.to_be_bytes());
        }
        self.done.extend(header);
        self.done.extend(body);
        Ok(())
    }
}

fn size_of_series(about: &About) -> usize {
    let SeriesKey { deployment, stream, series, dimensions, .. } = &about.key;
    let dimensions: usize = dimensions.iter().map(|(name, value)| name.len().saturating_add(value.len())).sum();
    [deployment.len(), stream.len(), series.len(), dimensions, 64].iter().sum()
}

/// Seven bits a byte, the lowest first; the high bit says that more follow.
fn put_number(out: &mut Vec<u8>, mut number: u128) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Small numbers below zero stay small.
fn put_signed(out: &mut Vec<u8>, number: i128) {
    put_number(out, ((number << 1) ^ (number >> 127)).cast_unsigned());
}

/// Bytes that are read from the front.
struct Front<'b>(&'b [u8]);

impl Front<'_> {
    fn number(&mut self) -> Option<u128> {
        let mut number = 0_u128;
        for shift in (0..128).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u128::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i128> {
        let number = self.number()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    fn id(&mut self) -> Option<u128> {
        let (id, rest) = self.0.split_first_chunk::<16>()?;
        self.0 = rest;
        Some(u128::from_be_bytes(*id))
    }

    fn mark(&mut self, header: &Header) -> Option<Mark> {
        let id = self.id()?;
        let file = header.files.get(usize::try_from(self.number()?).ok()?)?;
        let about = header.series.get(usize::try_from(self.number()?).ok()?)?;
        let at = i64::try_from(self.signed()?).ok()?.checked_add(header.day.checked_mul(DAY_MS)?)?;
        let until = match i64::try_from(self.number()?).ok()? {
            0 => None,
            length => Some(Instant(at.checked_add(length)?.checked_sub(1)?)),
        };
        let (file, about) = (Arc::clone(file), Arc::clone(about));
        Some(Mark { day: header.day, id, file, about, at: Instant(at), until, value: self.signed()? })
    }
}

/// Reads marks from bytes that come in pieces of any size.
#[derive(Default)]
pub struct Reader {
    bytes: Vec<u8>,
    from: usize,
    /// The block that is being read, and how many bytes of its marks are left.
    block: Option<(Header, usize)>,
}

impl Reader {
    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.from);
        self.from = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next mark; none where more bytes are needed for it, or there are no more.
    ///
    /// # Errors
    /// [`BadMarks`].
    pub fn next_mark(&mut self) -> Result<Option<Mark>, BadMarks> {
        if self.block.is_none() && !self.begin()? {
            return Ok(None);
        }
        let Some((header, left)) = &mut self.block else { return Ok(None) };
        let bytes = self.bytes.get(self.from..).unwrap_or_default();
        if bytes.len() < MARK_BYTES.min(*left) {
            return Ok(None);
        }
        let mut front = Front(bytes.get(..MARK_BYTES.min(*left)).unwrap_or(bytes));
        let before = front.0.len();
        let mark = front.mark(header).ok_or_else(|| bad("a mark is none"))?;
        let read = before.saturating_sub(front.0.len());
        self.from = self.from.saturating_add(read);
        *left = left.saturating_sub(read);
        if *left == 0 {
            self.block = None;
        }
        Ok(Some(mark))
    }

    /// Whether all bytes are read, and nothing is cut off.
    pub fn is_done(&self) -> bool {
        self.block.is_none() && self.from == self.bytes.len()
    }

    /// Reads the header of the next block; false where more bytes are needed.
    fn begin(&mut self) -> Result<bool, BadMarks> {
        let bytes = self.bytes.get(self.from..).unwrap_or_default();
        let Some(([header, body], rest)) = lengths(bytes) else { return Ok(false) };
        if header > MAX_BLOCK_BYTES || body > MAX_BLOCK_BYTES || body == 0 {
            return Err(bad("a block has a length that none has"));
        }
        let Some(text) = rest.get(..header) else { return Ok(false) };
        self.block = Some((serde_json::from_slice(text).map_err(bad)?, body));
        self.from = self.from.saturating_add(8).saturating_add(header);
        Ok(true)
    }
}

fn lengths(bytes: &[u8]) -> Option<([usize; 2], &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<4>()?;
    let (body, rest) = rest.split_first_chunk::<4>()?;
    let length = |bytes: &[u8; 4]| usize::try_from(u32::from_be_bytes(*bytes)).ok();
    Some(([length(header)?, length(body)?], rest))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn about(series: u8) -> Arc<About> {
        let key = SeriesKey {
            deployment: "one".into(),
            stream: "calls".into(),
            series: format!("n{series}"),
            ..SeriesKey::default()
        };
        Arc::new(About { key, kind: Kind::Delta })
    }

    fn marks() -> impl Strategy<Value = Vec<Mark>> {
        let value = prop_oneof![-300_i128..300, any::<i128>()];
        let mark =
            (-2_i64..3, any::<u128>(), 0_u8..3, 0_u8..3, 0_i64..DAY_MS, proptest::option::of(0_i64..1_000_000), value);
        let mark = mark.prop_map(|(day, id, file, series, at, length, value)| {
            let at = Instant(day * DAY_MS + at);
            let until = length.map(|length| Instant(at.0 + length));
            Mark { day, id, file: format!("f{file}").into(), about: about(series), at, until, value }
        });
        proptest::collection::vec(mark, 0..40).prop_map(|mut marks| {
            marks.sort_by(|a, b| a.rank().cmp(&b.rank()));
            marks
        })
    }

    fn read(bytes: &[u8], piece: usize) -> Vec<Mark> {
        let mut reader = Reader::default();
        let mut found = Vec::new();
        for piece in bytes.chunks(piece) {
            reader.push(piece);
            while let Some(mark) = reader.next_mark().unwrap() {
                found.push(mark);
            }
        }
        assert!(reader.is_done());
        found
    }

    proptest! {
        #[test]
        fn bytes_and_back_is_the_same_in_pieces_of_any_size(marks in marks(), piece in 1_usize..200) {
            let mut writer = Writer::default();
            marks.iter().for_each(|mark| writer.push(mark).unwrap());
            prop_assert_eq!(read(&writer.take().unwrap(), piece), marks);
            prop_assert!(writer.is_empty());
        }

        #[test]
        fn what_is_spread_adds_up_to_the_last_digit(at in -5_000_000_i64..5_000_000, length in 1_i64..9_000_000, value in -999_999_i128..999_999) {
            let (mut sum, mut quarters) = (0, Vec::new());
            let put = |at: Instant, part: i128| { sum += part; quarters.push(Quarter::of(at)); Ok::<_, ()>(()) };
            spread(Instant(at), Some(Instant(at + length)), value, put).unwrap();
            prop_assert_eq!(sum, value);
            let mark = Mark { day: 0, id: 0, file: "".into(), about: about(0), at: Instant(at), until: Some(Instant(at + length)), value };
            prop_assert_eq!(mark.extent(), (quarters[0], quarters[quarters.len() - 1]));
        }
    }

    #[test]
    fn a_mark_takes_about_24_bytes_of_many() {
        let mut writer = Writer::default();
        let (file, about) = (Arc::from("0123456789abcdef0123456789abcdef"), about(0));
        for n in 0..1_000_i64 {
            let (file, about) = (Arc::clone(&file), Arc::clone(&about));
            let mark =
                Mark { day: 0, id: 0, file, about, at: Instant(n * 80_000), until: None, value: i128::from(n * 10) };
            writer.push(&mark).unwrap();
        }
        let bytes = writer.take().unwrap().len();
        assert!((23_000..26_000).contains(&bytes), "{bytes} bytes");
    }

    #[test]
    fn bytes_that_are_cut_off_or_no_marks_are_told() {
        let mut writer = Writer::default();
        let mark =
            Mark { day: 1, id: 7, file: "f".into(), about: about(0), at: Instant(DAY_MS), until: None, value: 5 };
        writer.push(&mark).unwrap();
        let bytes = writer.take().unwrap();
        for cut in 1..bytes.len() {
            let mut reader = Reader::default();
            reader.push(&bytes[..cut]);
            assert_eq!(reader.next_mark(), Ok(None), "{cut}");
            assert!(!reader.is_done(), "{cut}");
        }
        let mut reader = Reader::default();
        reader.push(&[0xff; 64]);
        assert!(reader.next_mark().is_err());
    }
}
