//! Where the elements of a JSON array end, without reading what they say.

use memchr::memchr2;

use super::Scan;
use crate::error::Unreadable;

/// Finds the commas and the bracket that end elements.
#[derive(Default)]
pub(super) struct Elements {
    place: Place,
    depth: u64,
    in_string: bool,
    /// The next byte of the string stands for itself.
    escaped: bool,
    /// Whether the present element has a byte that is no blank.
    begun: bool,
    /// Whether a comma has promised an element.
    promised: bool,
}

#[derive(Default, PartialEq, Eq)]
enum Place {
    #[default]
    Before,
    Inside,
    After,
}

impl Elements {
    pub(super) fn scan(&mut self, bytes: &[u8]) -> Result<Scan, Unreadable> {
        match self.place {
            Place::Before => self.open(bytes),
            Place::Inside => Ok(self.element(bytes)),
            Place::After if bytes.trim_ascii().is_empty() => Ok(Scan::Skip { next: bytes.len() }),
            Place::After => Err(Unreadable::new("there is text after the bracket that closes the JSON array")),
        }
    }

    fn open(&mut self, bytes: &[u8]) -> Result<Scan, Unreadable> {
        let blank = bytes.len() - bytes.trim_ascii_start().len();
        match bytes.get(blank) {
            None => Ok(Scan::Skip { next: blank }),
            Some(b'[') => {
                self.place = Place::Inside;
                Ok(Scan::Skip { next: blank + 1 })
            }
            Some(_) => Err(Unreadable::new(
                "the text does not begin with `[`: it is no JSON array; for one JSON value a line write `format: json-lines`",
            )),
        }
    }

    fn element(&mut self, bytes: &[u8]) -> Scan {
        let mut at = 0;
        while let Some(byte) = bytes.get(at).copied() {
            if self.in_string {
                at = self.string(bytes, at);
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'[' | b'{' => self.depth += 1,
                b'}' => self.depth = self.depth.saturating_sub(1),
                b']' if self.depth == 0 => return self.close(at),
                b']' => self.depth -= 1,
                b',' if self.depth == 0 => return self.end(at),
                _ => {}
            }
            self.begun |= !byte.is_ascii_whitespace();
            at += 1;
        }
        Scan::Partial
    }

    /// Moves through a string; returns where to go on.
    fn string(&mut self, bytes: &[u8], at: usize) -> usize {
        if std::mem::take(&mut self.escaped) {
            return at + 1;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(found) = memchr2(b'"', b'\\', rest) else { return bytes.len() };
        match rest.get(found) {
            Some(b'"') => self.in_string = false,
            _ => self.escaped = true,
        }
        at + found + 1
    }

    fn end(&mut self, at: usize) -> Scan {
        (self.begun, self.promised) = (false, true);
        Scan::Record { end: at, next: at + 1 }
    }

    fn close(&mut self, at: usize) -> Scan {
        self.place = Place::After;
        if self.begun || self.promised { Scan::Record { end: at, next: at + 1 } } else { Scan::Skip { next: at + 1 } }
    }

    pub(super) fn finish(&self, empty: bool) -> Result<(), Unreadable> {
        match self.place {
            Place::After => Ok(()),
            Place::Before if empty => Ok(()),
            Place::Before => Err(Unreadable::new("there is no JSON array in the object, only blanks")),
            Place::Inside => Err(Unreadable::new(
                "the JSON array is not closed: the object is truncated, or a bracket or quote in one of its elements is broken",
            )),
        }
    }
}
