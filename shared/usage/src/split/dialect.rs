//! Where the rows of a CSV file end that is not written as most are: other line ends, separators
//! of several characters, escapes, blanks around columns.

use super::Scan;
use crate::row::{Dialect, Separator};

/// Finds the ends of rows byte by byte.
pub(super) struct OddRows {
    dialect: Dialect,
    state: State,
    /// The latest bytes of the column, the last one lowest.
    latest: u64,
    /// How many of them there are.
    length: u8,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    ColumnStart,
    Bare,
    Quoted,
    /// The byte stands for itself; within quotes or not.
    Escaped(bool),
    /// Behind a quote that may close the column or be the first of two.
    Closed,
}

impl OddRows {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self { dialect, state: State::ColumnStart, latest: 0, length: 0 }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Quoted | State::Escaped(true))
    }

    /// Whether a row holds nothing; one of blanks may hold empty columns.
    pub(super) fn is_blank(&self, row: &[u8]) -> bool {
        row.is_empty() || (self.dialect.separator == Separator::Blanks && row.trim_ascii().is_empty())
    }

    pub(super) fn scan(&mut self, bytes: &[u8]) -> Scan {
        for (at, byte) in bytes.iter().enumerate() {
            if self.step(*byte) {
                self.state = State::ColumnStart;
                (self.latest, self.length) = (0, 0);
                return Scan::Record { end: at, next: at + 1 };
            }
        }
        Scan::Partial
    }

    /// Whether the byte ends the row.
    fn step(&mut self, byte: u8) -> bool {
        let quote = Some(byte) == self.dialect.quote;
        self.state = match self.state {
            State::Escaped(quoted) => {
                if quoted {
                    State::Quoted
                } else {
                    State::Bare
                }
            }
            State::Quoted if Some(byte) == self.dialect.escape => State::Escaped(true),
            State::Quoted => {
                if quote {
                    State::Closed
                } else {
                    State::Quoted
                }
            }
            State::Closed if quote => State::Quoted,
            _ if byte == self.dialect.line_end => return true,
            _ if Some(byte) == self.dialect.escape => State::Escaped(false),
            State::ColumnStart if quote => State::Quoted,
            State::ColumnStart if self.dialect.is_blank(byte) => State::ColumnStart,
            _ => return self.bare(byte),
        };
        (self.latest, self.length) = (0, 0);
        false
    }

    /// Moves on outside of quotes: the byte may be the last one of a separator.
    fn bare(&mut self, byte: u8) -> bool {
        self.latest = (self.latest << 8) | u64::from(byte);
        self.length = self.length.saturating_add(1);
        let separates = match self.dialect.separator {
            Separator::Byte => byte == self.dialect.delimiter,
            Separator::Blanks => byte.is_ascii_whitespace(),
            Separator::Text { bytes, length } => {
                let mask = u64::MAX >> (64 - 8 * u32::from(length.clamp(1, 8)));
                self.length >= length && self.latest & mask == bytes
            }
        };
        self.state = if separates { State::ColumnStart } else { State::Bare };
        if separates {
            (self.latest, self.length) = (0, 0);
        }
        false
    }
}
