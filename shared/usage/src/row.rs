//! The columns of a CSV row and the groups of a matched line.

use crate::error::Unreadable;

/// The cells of one record. Reused from record to record.
#[derive(Default)]
pub(crate) struct Row {
    cells: Vec<Option<Cell>>,
    /// Cells whose doubled quotes were undone.
    unquoted: String,
}

#[derive(Clone, Copy)]
struct Cell {
    start: usize,
    end: usize,
    unquoted: bool,
}

/// How a CSV row is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    pub(crate) quote: Option<u8>,
}

impl Row {
    pub(crate) fn clear(&mut self) {
        self.cells.clear();
        self.unquoted.clear();
    }

    /// How many cells there are.
    pub(crate) fn width(&self) -> usize {
        self.cells.len()
    }

    /// The text of a cell; `None` where the line's pattern did not use that group.
    pub(crate) fn cell<'r>(&'r self, text: &'r str, index: usize) -> Option<&'r str> {
        let cell = (*self.cells.get(index)?)?;
        let from = if cell.unquoted { self.unquoted.as_str() } else { text };
        from.get(cell.start..cell.end)
    }

    /// Adds a cell that is a stretch of the record's text.
    pub(crate) fn push(&mut self, range: Option<(usize, usize)>) {
        self.cells.push(range.map(|(start, end)| Cell { start, end, unquoted: false }));
    }

    /// Reads the cells of a CSV row.
    ///
    /// # Errors
    /// In words, where quotes are out of place.
    pub(crate) fn read(&mut self, text: &str, dialect: Dialect) -> Result<(), String> {
        self.clear();
        let bytes = text.as_bytes();
        let mut at = 0;
        loop {
            let quoted = dialect.quote.is_some_and(|quote| bytes.get(at) == Some(&quote));
            at = match dialect.quote {
                Some(quote) if quoted => self.quoted(text, at + 1, quote)?,
                _ => self.bare(bytes, at, dialect.delimiter),
            };
            match bytes.get(at) {
                None => return Ok(()),
                Some(byte) if *byte == dialect.delimiter => at += 1,
                Some(_) => return Err(format!("column {} goes on after its closing quote", self.width())),
            }
        }
    }

    fn bare(&mut self, bytes: &[u8], at: usize, delimiter: u8) -> usize {
        let rest = bytes.get(at..).unwrap_or_default();
        let end = at + memchr::memchr(delimiter, rest).unwrap_or(rest.len());
        self.push(Some((at, end)));
        end
    }

    /// Reads a quoted cell from behind its opening quote; returns the place behind its closing one.
    fn quoted(&mut self, text: &str, start: usize, quote: u8) -> Result<usize, String> {
        let bytes = text.as_bytes();
        let (mut from, begin, mut doubled) = (start, self.unquoted.len(), false);
        loop {
            let rest = bytes.get(from..).unwrap_or_default();
            let found = memchr::memchr(quote, rest);
            let end = from + found.ok_or_else(|| format!("the quote of column {} is not closed", self.width() + 1))?;
            let is_doubled = bytes.get(end + 1) == Some(&quote);
            if doubled || is_doubled {
                let upto = if is_doubled { end + 1 } else { end };
                self.unquoted.push_str(text.get(from..upto).unwrap_or_default());
            }
            if !is_doubled {
                let plain = Cell { start, end, unquoted: false };
                let copied = Cell { start: begin, end: self.unquoted.len(), unquoted: true };
                self.cells.push(Some(if doubled { copied } else { plain }));
                return Ok(end + 1);
            }
            doubled = true;
            from = end + 2;
        }
    }
}

/// The names in a header row.
pub(crate) fn header(bytes: &[u8], dialect: Dialect) -> Result<Vec<String>, Unreadable> {
    let text = std::str::from_utf8(bytes).map_err(|_| Unreadable::new("the header row is not UTF-8 text"))?;
    let mut row = Row::default();
    row.read(text, dialect).map_err(|reason| Unreadable::new(format!("the header row cannot be read: {reason}")))?;
    Ok((0..row.width()).map(|column| row.cell(text, column).unwrap_or_default().trim().to_owned()).collect())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    const CSV: Dialect = Dialect { delimiter: b',', quote: Some(b'"') };

    fn cells(text: &str, dialect: Dialect) -> Result<Vec<String>, String> {
        let mut row = Row::default();
        row.read(text, dialect)?;
        Ok((0..row.width()).map(|i| row.cell(text, i).unwrap().to_owned()).collect())
    }

    #[test]
    fn cells_are_what_rfc_4180_says() {
        let cases: &[(&str, &[&str])] = &[
            ("a,b", &["a", "b"]),
            ("", &[""]),
            (",", &["", ""]),
            (r#""a,b","c""#, &["a,b", "c"]),
            (r#""a ""b"" c",d"#, &[r#"a "b" c"#, "d"]),
            (r#""""""#, &[r#"""#]),
            ("\"\",", &["", ""]),
            ("\"a\nb\",c", &["a\nb", "c"]),
            (r#"a"b,c"#, &[r#"a"b"#, "c"]),
            (r#""{""k"": ""v""}",é"#, &[r#"{"k": "v"}"#, "é"]),
        ];
        for (text, expected) in cases {
            assert_eq!(cells(text, CSV).unwrap(), *expected, "{text}");
        }
        assert!(cells(r#""a"b,c"#, CSV).unwrap_err().contains("column 1 goes on after its closing quote"));
        assert!(cells(r#"a,"b"#, CSV).unwrap_err().contains("column 2 is not closed"));
    }

    #[test]
    fn a_quote_is_a_character_where_nothing_is_quoted() {
        let pipes = Dialect { delimiter: b'|', quote: None };
        assert_eq!(cells(r#""a|b"c"#, pipes).unwrap(), [r#""a"#, r#"b"c"#]);
    }
}
