//! From text to the bytes of single records, wherever the pieces are cut.
//!
//! Lines, CSV rows (whose quotes may hold line ends) and the elements of a JSON array. Owns line
//! numbers, offsets and the cap on a record's length; knows nothing of what a record says.

mod array;
mod dialect;
mod document;
mod lines;
mod rows;
mod xml;

use memchr::{memchr, memchr_iter};

use crate::decode::BYTE_ORDER_MARK;
use crate::error::Unreadable;
use crate::row::Dialect;
use array::Elements;
use dialect::OddRows;
use document::Documents;
pub(crate) use document::{Step, Way};
pub(crate) use lines::Lines;
use lines::Selection;
use rows::Rows;
use xml::Elements as XmlElements;
pub(crate) use xml::Way as XmlWay;

/// What Parquet begins with.
const PARQUET: &[u8] = b"PAR1";

/// The bytes of a record and where they stand in the decoded text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raw<'r> {
    pub(crate) bytes: &'r [u8],
    /// The line of the first byte, from 1.
    pub(crate) line: u64,
    /// The offset of the first byte, from 0.
    pub(crate) offset: u64,
}

/// Takes records.
pub(crate) trait RecordSink {
    /// The next record.
    fn record(&mut self, raw: Raw<'_>) -> Result<(), Unreadable>;

    /// Takes lines or rows in a short way, as many as it can that a text begins with. The first is
    /// on `line`, and the next one begins behind what was taken.
    fn alike(&mut self, text: &[u8], line: u64) -> Result<Taken, Unreadable>;

    /// What stands around the records behind it.
    fn around(&mut self, said: Said) -> Result<(), Unreadable>;
}

/// Records that were taken, each on a line of its own, and their bytes with the line ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) records: u64,
    pub(crate) bytes: usize,
}

/// A value that stands around records; none where nothing stands there any longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) slot: usize,
    pub(crate) text: Option<String>,
}

/// How records are told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// One a line.
    Lines,
    /// One a row of columns.
    Rows(Dialect),
    /// One an element of a JSON array.
    Elements,
    /// Values of JSON one after another, or what lies within them.
    Documents(Way),
    /// Elements of an XML document.
    Xml(XmlWay),
}

/// What a framing found in the bytes it was shown.
enum Scan {
    /// No end of a record: more bytes are needed. All of them belong to the present record.
    Partial,
    /// A record's bytes end before `end`; the next begins at `next`.
    Record { end: usize, next: usize },
    /// What lies before `next` belongs to no record.
    Skip { next: usize },
}

enum Framing {
    Lines,
    Rows(Rows),
    OddRows(OddRows),
    Elements(Elements),
    Documents(Box<Documents>),
    Xml(Box<XmlElements>),
}

impl Framing {
    fn scan(&mut self, bytes: &[u8]) -> Result<Scan, Unreadable> {
        match self {
            Self::Lines => Ok(match memchr(b'\n', bytes) {
                Some(end) => Scan::Record { end, next: end + 1 },
                None => Scan::Partial,
            }),
            Self::Rows(rows) => Ok(rows.scan(bytes)),
            Self::OddRows(rows) => Ok(rows.scan(bytes)),
            Self::Elements(elements) => elements.scan(bytes),
            Self::Documents(documents) => documents.scan(bytes),
            Self::Xml(elements) => elements.scan(bytes),
        }
    }

    /// What was found around the records since the last time.
    fn said(&mut self) -> Option<std::vec::Drain<'_, Said>> {
        match self {
            Self::Documents(documents) => Some(documents.said()),
            Self::Xml(elements) => Some(elements.said()),
            _ => None,
        }
    }

    /// Whether blanks around a record are no part of it.
    fn is_loose(&self) -> bool {
        matches!(self, Self::Elements(_) | Self::Documents(_) | Self::Xml(_))
    }
}

/// Cuts text into records.
pub(crate) struct Splitter {
    framing: Framing,
    /// The beginning of a record whose end has not come yet.
    held: Vec<u8>,
    line: u64,
    offset: u64,
    /// Which lines are records, where not all are.
    selection: Option<Selection>,
    /// The first bytes of the text until there are enough to tell a byte order mark.
    first: Option<Vec<u8>>,
    limit: usize,
}

impl Splitter {
    pub(crate) fn new(layout: Layout, lines: &Lines, limit: usize) -> Self {
        let framing = match layout {
            Layout::Lines => Framing::Lines,
            Layout::Rows(dialect) if dialect.is_usual() => Framing::Rows(Rows::new(dialect)),
            Layout::Rows(dialect) => Framing::OddRows(OddRows::new(dialect)),
            Layout::Elements => Framing::Elements(Elements::default()),
            Layout::Documents(way) => Framing::Documents(Box::new(Documents::new(way))),
            Layout::Xml(way) => Framing::Xml(Box::new(XmlElements::new(way))),
        };
        let selection = Selection::new(lines, limit);
        Self { framing, held: Vec::new(), line: 1, offset: 0, selection, first: Some(Vec::new()), limit }
    }

    /// Cuts the next piece of text.
    pub(crate) fn push(&mut self, text: &[u8], sink: &mut impl RecordSink) -> Result<(), Unreadable> {
        match &mut self.first {
            None => self.cut(text, sink),
            Some(first) => {
                first.extend_from_slice(text);
                if first.len() < PARQUET.len() { Ok(()) } else { self.begin(sink) }
            }
        }
    }

    /// The text ends here.
    pub(crate) fn finish(&mut self, sink: &mut impl RecordSink) -> Result<(), Unreadable> {
        self.begin(sink)?;
        let held = std::mem::take(&mut self.held);
        match &mut self.framing {
            Framing::Lines => {}
            Framing::Rows(rows) => rows.finish(self.line)?,
            Framing::OddRows(rows) if rows.is_open() => return Err(rows::never_closed(self.line)),
            Framing::OddRows(_) => {}
            Framing::Elements(elements) => return elements.finish(self.offset == 0),
            Framing::Documents(documents) => documents.finish()?,
            Framing::Xml(elements) => elements.finish()?,
        }
        if !held.is_empty() {
            self.emit(&held, 0, sink)?;
        }
        self.selection.as_mut().map_or(Ok(()), |selection| selection.finish(sink))
    }

    /// Passes over a byte order mark, if there is one.
    fn begin(&mut self, sink: &mut impl RecordSink) -> Result<(), Unreadable> {
        let Some(first) = self.first.take() else { return Ok(()) };
        if first.starts_with(PARQUET) {
            return Err(Unreadable::new("it is Parquet, not text; write `format: parquet`"));
        }
        let rest = first.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&first);
        self.offset = count(first.len() - rest.len());
        self.cut(rest, sink)
    }

    fn cut(&mut self, mut text: &[u8], sink: &mut impl RecordSink) -> Result<(), Unreadable> {
        loop {
            let taken = self.take_alike(text, sink)?;
            text = text.get(taken..).unwrap_or_default();
            if text.is_empty() {
                return Ok(());
            }
            let scan = self.framing.scan(text)?;
            if let Some(said) = self.framing.said() {
                for said in said {
                    sink.around(said)?;
                }
            }
            match scan {
                Scan::Skip { next } => {
                    let (skipped, rest) = text.split_at(next.min(text.len()));
                    self.held.extend_from_slice(skipped);
                    let skipped = std::mem::take(&mut self.held);
                    self.advance(&skipped);
                    text = rest;
                }
                Scan::Record { end, next } => {
                    let (record, rest) = text.split_at(next.min(text.len()));
                    self.complete(record, next - end, sink)?;
                    text = rest;
                }
                Scan::Partial => {
                    self.held.extend_from_slice(text);
                    return self.check_length(self.held.len());
                }
            }
        }
    }

    /// Hands on, without cutting them first, the records that can be taken so.
    fn take_alike(&mut self, text: &[u8], sink: &mut impl RecordSink) -> Result<usize, Unreadable> {
        let between = self.held.is_empty() && self.selection.is_none();
        if !between || !matches!(self.framing, Framing::Lines | Framing::Rows(_)) {
            return Ok(0);
        }
        let taken = sink.alike(text, self.line)?;
        self.line = self.line.saturating_add(taken.records);
        self.offset = self.offset.saturating_add(count(taken.bytes));
        Ok(taken.bytes)
    }

    /// The present record ends `ending` bytes before the end of `tail`.
    fn complete(&mut self, tail: &[u8], ending: usize, sink: &mut impl RecordSink) -> Result<(), Unreadable> {
        if self.held.is_empty() {
            return self.emit(tail, ending, sink);
        }
        let mut whole = std::mem::take(&mut self.held);
        whole.extend_from_slice(tail);
        let outcome = self.emit(&whole, ending, sink);
        whole.clear();
        self.held = whole;
        outcome
    }

    /// Hands a record on, unless it is blank or to be skipped, and moves past it.
    fn emit(&mut self, bytes: &[u8], ending: usize, sink: &mut impl RecordSink) -> Result<(), Unreadable> {
        let record = bytes.get(..bytes.len().saturating_sub(ending)).unwrap_or_default();
        self.check_length(record.len())?;
        let trimmed = self.trim(record);
        let lead = record.get(..self.lead_of(record)).unwrap_or_default();
        let line = self.line.saturating_add(newlines(lead));
        let offset = self.offset.saturating_add(count(lead.len()));
        let (raw, blank) = (Raw { bytes: trimmed, line, offset }, self.is_blank(trimmed));
        self.pass(bytes, ending);
        match &mut self.selection {
            Some(selection) => selection.line(raw, blank, sink),
            None if blank => Ok(()),
            None => sink.record(raw),
        }
    }

    /// How many bytes stand before the record proper.
    fn lead_of(&self, record: &[u8]) -> usize {
        if self.framing.is_loose() { record.len() - record.trim_ascii_start().len() } else { 0 }
    }

    fn is_blank(&self, record: &[u8]) -> bool {
        match &self.framing {
            Framing::Lines => record.trim_ascii().is_empty(),
            // A row of blanks may be a row of empty columns.
            Framing::Rows(_) => record.is_empty(),
            Framing::OddRows(rows) => rows.is_blank(record),
            // Nothing between two commas is a mistake.
            Framing::Elements(_) | Framing::Documents(_) | Framing::Xml(_) => false,
        }
    }

    fn trim<'r>(&self, record: &'r [u8]) -> &'r [u8] {
        match self.framing {
            Framing::Elements(_) | Framing::Documents(_) | Framing::Xml(_) => record.trim_ascii(),
            Framing::Lines | Framing::Rows(_) => record.strip_suffix(b"\r").unwrap_or(record),
            // With other line ends a line feed behind one is no part of the next row.
            Framing::OddRows(_) => {
                let record = record.strip_prefix(b"\n").unwrap_or(record);
                record.strip_suffix(b"\r").unwrap_or(record)
            }
        }
    }

    /// Moves past a record and what ends it.
    fn pass(&mut self, bytes: &[u8], ending: usize) {
        match self.framing {
            // A line holds one line end, or none at the end of the text.
            Framing::Lines => {
                self.line = self.line.saturating_add(u64::from(ending > 0));
                self.offset = self.offset.saturating_add(count(bytes.len()));
            }
            _ => self.advance(bytes),
        }
    }

    fn advance(&mut self, bytes: &[u8]) {
        self.line = self.line.saturating_add(newlines(bytes));
        self.offset = self.offset.saturating_add(count(bytes.len()));
    }

    fn check_length(&self, length: usize) -> Result<(), Unreadable> {
        if length <= self.limit {
            return Ok(());
        }
        Err(Unreadable::new(format!(
            "the record that begins on line {} is longer than {} bytes; is `format` the right one for this file?",
            self.line, self.limit
        )))
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    count(memchr_iter(b'\n', bytes).count())
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
