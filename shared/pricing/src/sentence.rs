//! Sentences that are kept as their numbers and names, and written when they are read.
//!
//! Rating says of every amount how it came about, and few of these sentences are ever read again:
//! keeping a number costs less than writing it.

use std::fmt;
use std::sync::Arc;

use chrono::NaiveDate;
use metering::exact::Exact;

use crate::text::{Number, prose};

/// A sentence with its numbers and names apart.
#[derive(Clone, PartialEq, Eq)]
pub struct Sentence {
    /// The words; each part stands where `{}` is.
    pattern: &'static str,
    parts: Vec<Part>,
}

/// What a sentence is made of besides its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// With at least so many digits after the point. Not a [`Number`]: these are many, and so it takes less room.
    Number(Exact, u32),
    Count(usize),
    Integer(i64),
    Date(NaiveDate),
    Word(&'static str),
    Name(Arc<str>),
    Sentence(Sentence),
}

/// A sentence: `said!("{} of {}", part, whole)`. A part too few or too many does not compile.
macro_rules! said {
    ($pattern:literal $(, $part:expr)* $(,)?) => {{
        const { assert!($crate::sentence::holes($pattern) == 0 $(+ $crate::sentence::one(stringify!($part)))*) };
        $crate::sentence::Sentence::new($pattern, vec![$($crate::sentence::Part::from($part)),*])
    }};
}
pub(crate) use said;

/// How many parts a pattern has.
pub(crate) const fn holes(pattern: &str) -> usize {
    let (mut rest, mut count) = (pattern.as_bytes(), 0_usize);
    while let [first, after @ ..] = rest {
        if matches!((first, after), (b'{', [b'}', ..])) {
            count = count.saturating_add(1);
        }
        rest = after;
    }
    count
}

/// Counts a part.
pub(crate) const fn one(_: &str) -> usize {
    1
}

impl Sentence {
    pub(crate) fn new(pattern: &'static str, parts: Vec<Part>) -> Self {
        Self { pattern, parts }
    }

    /// Writes it at the end of a text.
    pub fn write(&self, out: &mut String) {
        let (mut rest, mut parts) = (self.pattern, self.parts.iter());
        while let Some((words, after)) = rest.split_once("{}") {
            out.push_str(words);
            if let Some(part) = parts.next() {
                part.write(out);
            }
            rest = after;
        }
        out.push_str(rest);
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.write(&mut text);
        out.write_str(&text)
    }
}

impl fmt::Debug for Sentence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", self.to_string())
    }
}

impl Part {
    fn write(&self, out: &mut String) {
        match self {
            Self::Number(value, digits) => prose(value, *digits).write(out),
            Self::Count(count) => out.push_str(itoa::Buffer::new().format(*count)),
            Self::Integer(integer) => out.push_str(itoa::Buffer::new().format(*integer)),
            Self::Date(date) => out.push_str(&date.to_string()),
            Self::Word(word) => out.push_str(word),
            Self::Name(name) => out.push_str(name),
            Self::Sentence(sentence) => sentence.write(out),
        }
    }
}

/// Words that have no parts.
impl From<&'static str> for Sentence {
    fn from(words: &'static str) -> Self {
        Self::new("{}", vec![Part::Word(words)])
    }
}

/// A sentence that is written already.
impl From<String> for Sentence {
    fn from(text: String) -> Self {
        Self::new("{}", vec![Part::from(text)])
    }
}

impl From<Number> for Part {
    fn from(number: Number) -> Self {
        Self::Number(number.value, number.digits)
    }
}

impl From<usize> for Part {
    fn from(count: usize) -> Self {
        Self::Count(count)
    }
}

impl From<i64> for Part {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

impl From<NaiveDate> for Part {
    fn from(date: NaiveDate) -> Self {
        Self::Date(date)
    }
}

impl From<&'static str> for Part {
    fn from(word: &'static str) -> Self {
        Self::Word(word)
    }
}

impl From<&Arc<str>> for Part {
    fn from(name: &Arc<str>) -> Self {
        Self::Name(Arc::clone(name))
    }
}

impl From<String> for Part {
    fn from(name: String) -> Self {
        Self::Name(name.into())
    }
}

impl From<Sentence> for Part {
    fn from(sentence: Sentence) -> Self {
        Self::Sentence(sentence)
    }
}

/// Nothing is said where there is none.
impl From<Option<Sentence>> for Part {
    fn from(sentence: Option<Sentence>) -> Self {
        sentence.map_or(Self::Word(""), Self::Sentence)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn each_part_stands_in_its_place() {
        let number = |text: &str, digits| prose(&Exact::parse(text).unwrap(), digits);
        let (unit, day) = (Arc::from("GB"), NaiveDate::from_ymd_opt(2026, 2, 1).unwrap());
        let inner = said!("{} {}", number("1200", 0), &unit);
        let whole = said!("{}: {} × {} {} in {} of {}", day, inner, number("0.5", 2), "flat", 3_usize, -4_i64);
        assert_eq!(whole.to_string(), "2026-02-01: 1,200 GB × 0.50 flat in 3 of -4");
    }

    #[test]
    fn what_is_written_already_stays_as_it_is() {
        for text in ["", "all of it", "{} of {}"] {
            assert_eq!(Sentence::from(text).to_string(), text);
            assert_eq!(Sentence::from(text.to_owned()).to_string(), text);
        }
    }
}
