//! Units and what one of them is in another, exactly.
//!
//! A unit is a factor times base units: a gigabyte-hour is 10⁹ × 3,600 byte-seconds. Words that are
//! not known (`core`, `call`) are base units of their own. Two units convert into each other if
//! they are made of the same base units.

use std::collections::BTreeMap;

use metering::exact::Exact;

use crate::near::nearest;
use crate::spec::Scalar;

/// A unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    factor: Exact,
    /// The base units, in order; one that is a square stands twice.
    bases: Vec<String>,
}

/// Units as a source writes them, besides the usual ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spellings(BTreeMap<String, Unit>);

/// Symbols, in which the case of a letter says what is meant.
const SYMBOLS: [(&str, &str, i128, i128); 48] = [
    ("B", "byte", 1, 1),
    ("kB", "byte", 1_000, 1),
    ("KB", "byte", 1_000, 1),
    ("MB", "byte", 1_000_000, 1),
    ("GB", "byte", 1_000_000_000, 1),
    ("TB", "byte", 1_000_000_000_000, 1),
    ("PB", "byte", 1_000_000_000_000_000, 1),
    ("EB", "byte", 1_000_000_000_000_000_000, 1),
    ("KiB", "byte", 1 << 10, 1),
    ("MiB", "byte", 1 << 20, 1),
    ("GiB", "byte", 1 << 30, 1),
    ("TiB", "byte", 1 << 40, 1),
    ("PiB", "byte", 1 << 50, 1),
    ("EiB", "byte", 1 << 60, 1),
    ("Ki", "byte", 1 << 10, 1),
    ("Mi", "byte", 1 << 20, 1),
    ("Gi", "byte", 1 << 30, 1),
    ("Ti", "byte", 1 << 40, 1),
    ("Pi", "byte", 1 << 50, 1),
    ("Ei", "byte", 1 << 60, 1),
    ("b", "byte", 1, 8),
    ("kb", "byte", 1_000, 8),
    ("Mb", "byte", 1_000_000, 8),
    ("Gb", "byte", 1_000_000_000, 8),
    ("Tb", "byte", 1_000_000_000_000, 8),
    ("kbit", "byte", 1_000, 8),
    ("Mbit", "byte", 1_000_000, 8),
    ("Gbit", "byte", 1_000_000_000, 8),
    ("Tbit", "byte", 1_000_000_000_000, 8),
    ("Kibit", "byte", 1 << 10, 8),
    ("Mibit", "byte", 1 << 20, 8),
    ("Gibit", "byte", 1 << 30, 8),
    ("Tibit", "byte", 1 << 40, 8),
    ("ns", "second", 1, 1_000_000_000),
    ("us", "second", 1, 1_000_000),
    ("\u{b5}s", "second", 1, 1_000_000),
    ("\u{3bc}s", "second", 1, 1_000_000),
    ("ms", "second", 1, 1_000),
    ("s", "second", 1, 1),
    ("min", "second", 60, 1),
    ("h", "second", 3_600, 1),
    ("H", "second", 3_600, 1),
    ("d", "second", 86_400, 1),
    ("Wh", "watt-hour", 1, 1),
    ("kWh", "watt-hour", 1_000, 1),
    ("MWh", "watt-hour", 1_000_000, 1),
    ("GWh", "watt-hour", 1_000_000_000, 1),
    ("TWh", "watt-hour", 1_000_000_000_000, 1),
];

/// Words, in any case and also in the plural.
const WORDS: [(&str, &str, i128, i128); 25] = [
    ("byte", "byte", 1, 1),
    ("kilobyte", "byte", 1_000, 1),
    ("megabyte", "byte", 1_000_000, 1),
    ("gigabyte", "byte", 1_000_000_000, 1),
    ("terabyte", "byte", 1_000_000_000_000, 1),
    ("petabyte", "byte", 1_000_000_000_000_000, 1),
    ("kibibyte", "byte", 1 << 10, 1),
    ("mebibyte", "byte", 1 << 20, 1),
    ("gibibyte", "byte", 1 << 30, 1),
    ("tebibyte", "byte", 1 << 40, 1),
    ("pebibyte", "byte", 1 << 50, 1),
    ("bit", "byte", 1, 8),
    ("nanosecond", "second", 1, 1_000_000_000),
    ("microsecond", "second", 1, 1_000_000),
    ("millisecond", "second", 1, 1_000),
    ("second", "second", 1, 1),
    ("sec", "second", 1, 1),
    ("minute", "second", 60, 1),
    ("min", "second", 60, 1),
    ("hour", "second", 3_600, 1),
    ("hr", "second", 3_600, 1),
    ("day", "second", 86_400, 1),
    ("week", "second", 604_800, 1),
    ("millicore", "core", 1, 1_000),
    ("core", "core", 1, 1),
];

impl Unit {
    /// Reads `GiB`, `core-hours`, `GB hour`, `0.001 core`. Parts are joined by `-`, `*` or a blank.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (number, words) = match text.split_once(char::is_whitespace) {
            Some((number, words)) if number.starts_with(|c: char| c.is_ascii_digit()) => (Some(number), words),
            _ => (None, text),
        };
        let factor =
            number.map_or(Ok(Exact::ONE), Exact::parse).map_err(|error| format!("`{text}` is no unit: {error}"))?;
        let mut unit = Self { factor, bases: Vec::new() };
        for word in words.split(['-', '*', '\u{b7}', ' ']).filter(|word| !word.is_empty()) {
            let (base, factor) = base(word).ok_or_else(|| format!("`{text}` is no unit"))?;
            unit.factor = unit.factor.mul(&factor).map_err(|error| format!("`{text}` cannot be used: {error}"))?;
            unit.bases.push(base);
        }
        unit.bases.sort();
        if unit.bases.is_empty() { Err(format!("`{text}` is no unit")) } else { Ok(unit) }
    }

    /// How many of `target` one of these is; `None` where they measure different things.
    pub(crate) fn in_terms_of(&self, target: &Self) -> Option<Exact> {
        if self.bases != target.bases { None } else { self.factor.div(&target.factor).ok() }
    }

    /// What it measures, in base units.
    pub(crate) fn measures(&self) -> String {
        self.bases.join("-")
    }
}

/// The base unit of a word and how much of it the word is.
fn base(word: &str) -> Option<(String, Exact)> {
    let lower = word.to_lowercase();
    let singular = lower.strip_suffix('s').filter(|stem| stem.len() > 1 && !stem.ends_with('s')).unwrap_or(&lower);
    let known = SYMBOLS.iter().find(|(symbol, ..)| *symbol == word);
    let known = known.or_else(|| WORDS.iter().find(|(name, ..)| *name == singular));
    match known {
        Some((_, base, numerator, denominator)) => {
            Exact::ratio(*numerator, *denominator).ok().map(|factor| ((*base).to_owned(), factor))
        }
        None => word.starts_with(char::is_alphabetic).then(|| (singular.to_owned(), Exact::ONE)),
    }
}

/// The known unit that a misspelt one is probably meant to be.
pub(crate) fn near(text: &str) -> Option<&'static str> {
    let known = || SYMBOLS.iter().map(|(name, ..)| *name).chain(WORDS.iter().map(|(name, ..)| *name));
    known().find(|name| name.eq_ignore_ascii_case(text)).or_else(|| nearest(text, known()))
}

impl Spellings {
    /// Compiles `units`.
    ///
    /// # Errors
    /// The spelling at fault, and in words.
    pub(crate) fn compile<'s>(specs: impl Iterator<Item = (&'s String, &'s Scalar)>) -> Result<Self, (String, String)> {
        let unit = |(written, unit): (&String, &Scalar)| match Unit::parse(&unit.0) {
            Ok(unit) => Ok((written.trim().to_owned(), unit)),
            Err(message) => Err((written.clone(), message)),
        };
        specs.map(unit).collect::<Result<_, _>>().map(Self)
    }

    /// What a record's unit is of `target`.
    ///
    /// # Errors
    /// In words, where it is not known or measures something else.
    pub(crate) fn factor(&self, written: &str, target: &Unit) -> Result<Exact, String> {
        let declared = self.0.get(written);
        if written.is_empty() && declared.is_none() {
            return Err("it names no unit; say what a number alone means with `units: {\"\": …}`".to_owned());
        }
        let unknown = || {
            format!(
                "its unit `{written}` is not one of {}; if it is another spelling of one, say so with `units: {{{written}: …}}`",
                target.measures()
            )
        };
        let unit = declared.cloned().map_or_else(|| Unit::parse(written), Ok).map_err(|_| unknown())?;
        unit.in_terms_of(target).ok_or_else(unknown)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn units_convert_exactly_or_not_at_all() {
        for (from, to, expected) in [
            ("GiB", "GB", Some("1.073741824")),
            ("GB", "GiB", Some("1000000000/1073741824")),
            ("byte", "bit", Some("8")),
            ("Mb", "MB", Some("0.125")),
            ("Hours", "hour", Some("1")),
            ("core-seconds", "core-hour", Some("1/3600")),
            ("GB-Hrs", "TB-hours", Some("0.001")),
            ("byte-seconds", "GB hour", Some("1/3600000000000")),
            ("millicores", "core", Some("0.001")),
            ("0.5 core", "core", Some("0.5")),
            ("calls", "call", Some("1")),
            ("Wh", "kWh", Some("0.001")),
            ("week", "d", Some("7")),
            ("GB", "hour", None),
            ("GB-hour", "GB", None),
            ("GB-GB", "GB", None),
            ("call", "request", None),
        ] {
            let fraction = |text: &str| match text.split_once('/') {
                Some((n, d)) => Exact::parse(n).unwrap().div(&Exact::parse(d).unwrap()).unwrap(),
                None => Exact::parse(text).unwrap(),
            };
            let factor = Unit::parse(from).unwrap().in_terms_of(&Unit::parse(to).unwrap());
            assert_eq!(factor, expected.map(fraction), "{from} in {to}");
        }
        for text in ["", "5", "1,5 GB", "%", "-"] {
            assert!(Unit::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_capital_letter_makes_a_difference_where_it_does() {
        assert_ne!(Unit::parse("Gb").unwrap(), Unit::parse("GB").unwrap());
        assert_eq!(near("gib"), Some("GiB"));
        assert_eq!(near("Gigabite"), Some("gigabyte"));
    }
}
