//! Strings and their escapes.

use super::parse::Reader;
use super::{JsonError, Origin, Span};

impl Reader<'_> {
    /// Reads a string; `at` stands on its opening quote. Only one with escapes is copied.
    pub(super) fn string(&mut self) -> Result<Span, JsonError> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Span { start, end: self.at - 1, origin: Origin::Record });
                }
                Some(b'\\') => return self.unescape(start),
                Some(0..=0x1f) => return Err(self.error("a control character in a string must be escaped")),
                Some(_) => self.at += 1,
                None => return Err(self.error("the text ends within a string")),
            }
        }
    }

    fn unescape(&mut self, start: usize) -> Result<Span, JsonError> {
        let begin = self.tree.unescaped.len();
        let mut plain = start;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.keep(plain);
                    self.at += 1;
                    return Ok(Span { start: begin, end: self.tree.unescaped.len(), origin: Origin::Unescaped });
                }
                Some(b'\\') => {
                    self.keep(plain);
                    self.at += 1;
                    let character = self.escape()?;
                    self.tree.unescaped.push(character);
                    plain = self.at;
                }
                Some(0..=0x1f) => return Err(self.error("a control character in a string must be escaped")),
                Some(_) => self.at += 1,
                None => return Err(self.error("the text ends within a string")),
            }
        }
    }

    fn keep(&mut self, from: usize) {
        let plain = self.text.get(from..self.at).unwrap_or_default();
        self.tree.unescaped.push_str(plain);
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let character = match self.peek() {
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'u') => {
                self.at += 1;
                return self.code_point();
            }
            _ => return Err(self.error("there is no such escape")),
        };
        self.at += 1;
        Ok(character)
    }

    /// A character written as one or two groups of four hexadecimal digits.
    fn code_point(&mut self) -> Result<char, JsonError> {
        let high = self.four_digits()?;
        let code = match high {
            0xd800..=0xdbff => {
                let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
                if !rest.starts_with(b"\\u") {
                    return Err(self.error("half of a surrogate pair is no character"));
                }
                self.at += 2;
                match self.four_digits()? {
                    low @ 0xdc00..=0xdfff => 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00),
                    _ => return Err(self.error("half of a surrogate pair is no character")),
                }
            }
            code => code,
        };
        char::from_u32(code).ok_or_else(|| self.error("half of a surrogate pair is no character"))
    }

    fn four_digits(&mut self) -> Result<u32, JsonError> {
        let digits = self.text.get(self.at..self.at + 4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let code = code.ok_or_else(|| self.error("four hexadecimal digits are expected"))?;
        self.at += 4;
        Ok(code)
    }
}
