//! Where CSV rows end: at line ends outside of quotes.

use memchr::{memchr, memchr2, memchr3};

use super::Scan;
use crate::error::Unreadable;
use crate::row::Dialect;

/// Finds the ends of rows. A quote opens a quoted column only where a column begins.
pub(super) struct Rows {
    delimiter: u8,
    quote: Option<u8>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The next byte is the first of a column.
    ColumnStart,
    Bare,
    Quoted,
}

impl Rows {
    pub(super) fn new(Dialect { delimiter, quote, .. }: Dialect) -> Self {
        Self { delimiter, quote, state: State::ColumnStart }
    }

    pub(super) fn scan(&mut self, bytes: &[u8]) -> Scan {
        let Some(quote) = self.quote else {
            return memchr(b'\n', bytes).map_or(Scan::Partial, |end| Scan::Record { end, next: end + 1 });
        };
        let mut at = 0;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let found = match self.state {
                State::ColumnStart => memchr3(b'\n', self.delimiter, quote, rest),
                State::Bare => memchr2(b'\n', self.delimiter, rest),
                State::Quoted => memchr(quote, rest),
            };
            let Some(skipped) = found else {
                if self.state == State::ColumnStart && !rest.is_empty() {
                    self.state = State::Bare;
                }
                return Scan::Partial;
            };
            let byte = rest.get(skipped).copied().unwrap_or_default();
            at += skipped + 1;
            if byte == b'\n' && self.state != State::Quoted {
                self.state = State::ColumnStart;
                return Scan::Record { end: at - 1, next: at };
            }
            self.state = self.after(byte, skipped, quote);
        }
    }

    /// The state after `byte`, which stands `skipped` bytes after the last one of interest.
    fn after(&self, byte: u8, skipped: usize, quote: u8) -> State {
        match self.state {
            // A doubled quote closes the column and opens it again at once: from bare text, where
            // only another quote directly behind is one of these.
            State::Quoted => State::ColumnStart,
            _ if byte == self.delimiter => State::ColumnStart,
            State::ColumnStart if byte == quote && skipped == 0 => State::Quoted,
            _ => State::Bare,
        }
    }

    pub(super) fn finish(&self, line: u64) -> Result<(), Unreadable> {
        if self.state == State::Quoted {
            return Err(never_closed(line));
        }
        Ok(())
    }
}

pub(super) fn never_closed(line: u64) -> Unreadable {
    Unreadable::new(format!(
        "a quote in the row that begins on line {line} is never closed: the object is truncated, or its columns are not quoted (then write `quote: none`)"
    ))
}
