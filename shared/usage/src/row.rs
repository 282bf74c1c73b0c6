//! The columns of a CSV row and the groups of a matched line.

mod glance;

pub(crate) use glance::glance;

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
    /// What separates columns, where that is a single byte.
    pub(crate) delimiter: u8,
    pub(crate) quote: Option<u8>,
    pub(crate) separator: Separator,
    /// The character behind it stands for itself.
    pub(crate) escape: Option<u8>,
    /// Whether blanks around columns are no part of them.
    pub(crate) trim: bool,
    pub(crate) line_end: u8,
}

/// What separates columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Separator {
    /// The delimiter.
    Byte,
    /// Any run of blanks.
    Blanks,
    /// A text of up to eight bytes, the last one lowest.
    Text { bytes: u64, length: u8 },
}

impl Dialect {
    /// The dialect of most files: a single byte separates, a quote may enclose.
    pub(crate) fn usual(delimiter: u8, quote: Option<u8>) -> Self {
        Self { delimiter, quote, separator: Separator::Byte, escape: None, trim: false, line_end: b'\n' }
    }

    /// Whether it is written as most are.
    pub(crate) fn is_usual(self) -> bool {
        self == Self::usual(self.delimiter, self.quote)
    }

    /// Whether the byte is passed over where a column begins.
    pub(crate) fn is_blank(self, byte: u8) -> bool {
        let blank = byte.is_ascii_whitespace() && byte != self.line_end;
        blank && (self.separator == Separator::Blanks || (self.trim && byte != self.delimiter))
    }

    /// How many bytes of a separator stand at the beginning.
    fn separates(self, bytes: &[u8]) -> Option<usize> {
        match self.separator {
            Separator::Byte => (bytes.first() == Some(&self.delimiter)).then_some(1),
            Separator::Blanks => {
                let blanks = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
                (blanks > 0).then_some(blanks)
            }
            Separator::Text { bytes: text, length } => {
                let length = usize::from(length);
                let found = bytes.get(..length)?.iter().fold(0, |all, byte| (all << 8) | u64::from(*byte));
                (found == text).then_some(length)
            }
        }
    }
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
        if !dialect.is_usual() {
            return self.read_odd(text, dialect);
        }
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

    /// The same for a dialect that is not written as most are.
    fn read_odd(&mut self, text: &str, dialect: Dialect) -> Result<(), String> {
        let bytes = text.as_bytes();
        let mut at = 0;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            at += rest.iter().take_while(|byte| dialect.is_blank(**byte)).count();
            if dialect.separator == Separator::Blanks && at >= bytes.len() {
                return Ok(());
            }
            at = self.odd_cell(text, at, dialect)?;
            match bytes.get(at..).filter(|rest| !rest.is_empty()) {
                None => return Ok(()),
                Some(rest) => match dialect.separates(rest) {
                    Some(length) => at += length,
                    None => return Err(format!("column {} goes on after its closing quote", self.width())),
                },
            }
        }
    }

    /// Reads the cell that begins at `at`; returns the place behind it.
    fn odd_cell(&mut self, text: &str, at: usize, dialect: Dialect) -> Result<usize, String> {
        let bytes = text.as_bytes();
        let quoted = dialect.quote.is_some_and(|quote| bytes.get(at) == Some(&quote));
        let begin = self.unquoted.len();
        let mut at = at + usize::from(quoted);
        // From here on the text is copied; what stands before it has been.
        let (start, mut from) = (at, at);
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let byte = rest.first().copied();
            let quote = quoted && byte.is_some() && byte == dialect.quote;
            if byte.is_some() && byte == dialect.escape && rest.len() > 1
                || (quote && rest.get(1) == dialect.quote.as_ref())
            {
                self.unquoted.push_str(text.get(from..at).unwrap_or_default());
                from = at + 1;
                at += 1 + text.get(at + 1..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
            } else if quoted && byte.is_none() {
                return Err(format!("the quote of column {} is not closed", self.width() + 1));
            } else if quote || (!quoted && (byte.is_none() || dialect.separates(rest).is_some())) {
                break;
            } else {
                at += 1;
            }
        }
        self.unquoted.push_str(text.get(from..at).unwrap_or_default());
        self.close_odd(text.get(start..at).unwrap_or_default(), begin, quoted, dialect);
        let behind = bytes.get(at + usize::from(quoted)..).unwrap_or_default();
        let blanks =
            if quoted && dialect.trim { behind.iter().take_while(|b| dialect.is_blank(**b)).count() } else { 0 };
        Ok(at + usize::from(quoted) + blanks)
    }

    /// Adds the cell whose text was copied from `begin` on.
    fn close_odd(&mut self, written: &str, begin: usize, quoted: bool, dialect: Dialect) {
        // What databases write for a value that is not there.
        let null = !quoted && dialect.escape.is_some_and(|escape| written.as_bytes() == [escape, b'N']);
        let copied = self.unquoted.get(begin..).unwrap_or_default();
        let (mut start, mut end) = (begin, self.unquoted.len());
        if dialect.trim && !quoted {
            start += copied.len() - copied.trim_start().len();
            end = start + copied.trim().len();
        }
        self.cells.push((!null).then_some(Cell { start, end, unquoted: true }));
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

    fn csv() -> Dialect {
        Dialect::usual(b',', Some(b'"'))
    }

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
            assert_eq!(cells(text, csv()).unwrap(), *expected, "{text}");
        }
        assert!(cells(r#""a"b,c"#, csv()).unwrap_err().contains("column 1 goes on after its closing quote"));
        assert!(cells(r#"a,"b"#, csv()).unwrap_err().contains("column 2 is not closed"));
    }

    #[test]
    fn cells_of_other_dialects() {
        let text = |text: &str| {
            let bytes = text.bytes().fold(0, |all, byte| (all << 8) | u64::from(byte));
            Separator::Text { bytes, length: u8::try_from(text.len()).unwrap() }
        };
        let wide = Dialect { separator: text("||"), ..csv() };
        let blanks = Dialect { separator: Separator::Blanks, ..csv() };
        let escaped = Dialect { escape: Some(b'\\'), ..csv() };
        let trimmed = Dialect { trim: true, ..csv() };
        let cases: &[(Dialect, &str, &[&str])] = &[
            (wide, r#"a|b||"c||d"||"#, &["a|b", "c||d", ""]),
            (blanks, "  a \t b  \"c d\" ", &["a", "b", "c d"]),
            (escaped, r#"a\,b,"c\"d",e\\"#, &["a,b", r#"c"d"#, r"e\"]),
            (escaped, r#""x""y",z"#, &[r#"x"y"#, "z"]),
            (trimmed, r#" a , "b " ,c d, "#, &["a", "b ", "c d", ""]),
        ];
        for (dialect, text, expected) in cases {
            assert_eq!(cells(text, *dialect).unwrap(), *expected, "{text}");
        }
        let mut row = Row::default();
        row.read(r"a,\N,b", escaped).unwrap();
        assert_eq!(row.cell(r"a,\N,b", 1), None);
        assert!(cells(r#""a"b,c"#, trimmed).unwrap_err().contains("goes on after its closing quote"));
        assert!(cells(r#"a||"b"#, wide).unwrap_err().contains("column 2 is not closed"));
    }

    #[test]
    fn a_quote_is_a_character_where_nothing_is_quoted() {
        let pipes = Dialect::usual(b'|', None);
        assert_eq!(cells(r#""a|b"c"#, pipes).unwrap(), [r#""a"#, r#"b"c"#]);
    }
}
