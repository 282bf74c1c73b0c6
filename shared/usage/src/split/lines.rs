//! Which lines, or rows of CSV, are records: what is passed over, and what several lines make up.

use std::collections::VecDeque;

use regex::bytes::Regex;

use super::{Raw, RecordSink};
use crate::error::Unreadable;

/// The source's word on lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    /// So many at the top are no records.
    pub(crate) skip: u64,
    /// So many at the end are none.
    pub(crate) skip_last: usize,
    /// Lines that this matches are none.
    pub(crate) ignore: Option<Regex>,
    /// But lines that begin with this are handed on.
    pub(crate) keep: Option<String>,
    /// A line that this matches begins a record.
    pub(crate) start: Option<Regex>,
    /// A line that this matches ends one.
    pub(crate) end: Option<Regex>,
}

impl Lines {
    /// Whether every line is a record of its own.
    pub(crate) fn are_records(&self) -> bool {
        self.skip == 0 && self.skip_last == 0 && self.ignore.is_none() && !self.are_joined()
    }

    fn are_joined(&self) -> bool {
        self.start.is_some() || self.end.is_some()
    }

    fn ignores(&self, line: &[u8]) -> bool {
        let kept = self.keep.as_ref().is_some_and(|keep| line.starts_with(keep.as_bytes()));
        !kept && self.ignore.as_ref().is_some_and(|ignore| ignore.is_match(line))
    }
}

/// Lines on their way to becoming records.
pub(super) struct Selection {
    lines: Lines,
    /// The lines of a record that has not ended.
    open: Option<Held>,
    /// The latest records, which are none if the text ends behind them.
    latest: VecDeque<Held>,
    limit: usize,
}

struct Held {
    bytes: Vec<u8>,
    line: u64,
    offset: u64,
}

impl Held {
    fn new(raw: Raw<'_>) -> Self {
        Self { bytes: raw.bytes.to_owned(), line: raw.line, offset: raw.offset }
    }

    fn raw(&self) -> Raw<'_> {
        Raw { bytes: &self.bytes, line: self.line, offset: self.offset }
    }
}

impl Selection {
    /// `None` where every line is a record of its own.
    pub(super) fn new(lines: &Lines, limit: usize) -> Option<Self> {
        (!lines.are_records()).then(|| Self { lines: lines.clone(), open: None, latest: VecDeque::new(), limit })
    }

    /// Takes the next line.
    pub(super) fn line(&mut self, raw: Raw<'_>, blank: bool, sink: &mut impl RecordSink) -> Result<(), Unreadable> {
        if self.lines.skip > 0 {
            self.lines.skip -= 1;
            return Ok(());
        }
        if self.lines.ignores(raw.bytes) {
            return Ok(());
        }
        if self.lines.are_joined() {
            return self.join(raw, blank, sink);
        }
        if blank { Ok(()) } else { self.record(raw, sink) }
    }

    /// The text ends here.
    pub(super) fn finish(&mut self, sink: &mut impl RecordSink) -> Result<(), Unreadable> {
        self.close(sink)
    }

    fn join(&mut self, raw: Raw<'_>, blank: bool, sink: &mut impl RecordSink) -> Result<(), Unreadable> {
        let is = |pattern: &Option<Regex>| pattern.as_ref().is_some_and(|pattern| pattern.is_match(raw.bytes));
        let (starts, ends) = (is(&self.lines.start), is(&self.lines.end));
        if starts {
            self.close(sink)?;
        }
        match &mut self.open {
            // A blank line that ends nothing begins nothing.
            None if blank => return Ok(()),
            None => self.open = Some(Held::new(raw)),
            Some(open) => {
                open.bytes.push(b'\n');
                open.bytes.extend_from_slice(raw.bytes);
                if open.bytes.len() > self.limit {
                    return Err(Unreadable::new(format!(
                        "the record that begins on line {} is longer than {} bytes; are `start` and `end` of `lines` right?",
                        open.line, self.limit
                    )));
                }
            }
        }
        if ends { self.close(sink) } else { Ok(()) }
    }

    fn close(&mut self, sink: &mut impl RecordSink) -> Result<(), Unreadable> {
        match self.open.take() {
            Some(open) => self.record(open.raw(), sink),
            None => Ok(()),
        }
    }

    fn record(&mut self, raw: Raw<'_>, sink: &mut impl RecordSink) -> Result<(), Unreadable> {
        if self.lines.skip_last == 0 {
            return sink.record(raw);
        }
        self.latest.push_back(Held::new(raw));
        match self.latest.len() > self.lines.skip_last {
            true => self.latest.pop_front().map_or(Ok(()), |held| sink.record(held.raw())),
            false => Ok(()),
        }
    }
}
