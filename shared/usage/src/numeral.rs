//! How a source writes numbers: the sign before decimals, and what stands between thousands.

use std::borrow::Cow;

use crate::spec::NumberSpec;

/// How numbers are written in texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Numerals {
    decimal: char,
    group: Option<char>,
}

impl Numerals {
    /// `1234.5`: what JSON and most files have.
    pub(crate) const PLAIN: Self = Self { decimal: '.', group: None };

    /// Compiles a declaration.
    ///
    /// # Errors
    /// The field at fault, and in words.
    pub(crate) fn compile(spec: &NumberSpec) -> Result<Self, (&'static str, String)> {
        let decimal = match spec.decimal.as_ref().map_or(".", |text| text.0.as_str()) {
            "." => '.',
            "," => ',',
            other => {
                return Err(("decimal", format!("`{other}` does not stand before decimals; write \".\" or \",\"")));
            }
        };
        let group = match spec.group.as_ref().map(|text| text.0.as_str()) {
            None => None,
            Some(",") => Some(','),
            Some(".") => Some('.'),
            Some("'") => Some('\''),
            Some("_") => Some('_'),
            Some(" ") => Some(' '),
            Some(other) => {
                let message =
                    format!("`{other}` does not stand between thousands; write one of \",\" \".\" \"'\" \"_\" \" \"");
                return Err(("group", message));
            }
        };
        if group == Some(decimal) {
            return Err(("group", "the same sign cannot stand before decimals and between thousands".to_owned()));
        }
        Ok(Self { decimal, group })
    }

    /// The number as `1234.5`, without blanks around it.
    ///
    /// # Errors
    /// In words, where thousands are not grouped by three. Whether the rest is a number is not looked at.
    pub(crate) fn plain<'t>(&self, text: &'t str) -> Result<Cow<'t, str>, String> {
        let text = text.trim();
        if *self == Self::PLAIN {
            return Ok(Cow::Borrowed(text));
        }
        let end = text.find(['e', 'E']).unwrap_or(text.len());
        let (number, exponent) = text.split_at_checked(end).unwrap_or((text, ""));
        let (whole, fraction) = number.split_once(self.decimal).map_or((number, None), |(w, f)| (w, Some(f)));
        let mut plain = self.ungrouped(whole)?;
        if let Some(fraction) = fraction {
            plain.push('.');
            plain.push_str(&digits_only(fraction)?);
        }
        plain.push_str(exponent);
        Ok(Cow::Owned(plain))
    }

    fn ungrouped(&self, whole: &str) -> Result<String, String> {
        let sign = if whole.starts_with(['-', '+']) { 1 } else { 0 };
        let (sign, digits) = whole.split_at_checked(sign).unwrap_or(("", whole));
        let groups: Vec<&str> = digits.split(|c| self.is_group(c)).collect();
        let last = groups.len() - 1;
        let sound =
            |(i, group): (usize, &&str)| group.len() == 3 || (i == 0 && (last == 0 || (1..=3).contains(&group.len())));
        if !groups.iter().enumerate().all(sound) {
            return Err("its thousands are not grouped by three digits".to_owned());
        }
        Ok(format!("{sign}{}", digits_only(&groups.concat())?))
    }

    /// Whether the sign stands between thousands: narrow and hard blanks and the typographic
    /// apostrophe are written for the plain ones.
    fn is_group(&self, c: char) -> bool {
        match self.group {
            Some(' ') => matches!(c, ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}'),
            Some('\'') => matches!(c, '\'' | '\u{2019}'),
            group => group == Some(c),
        }
    }

    /// The number at the beginning of a text, and what follows it.
    pub(crate) fn split<'t>(&self, text: &'t str) -> (&'t str, &'t str) {
        let text = text.trim();
        let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        let mut chars = text.char_indices().peekable();
        let mut end = 0;
        while let Some((at, c)) = chars.next() {
            let next = chars.peek().map(|(_, next)| *next);
            let exponent = matches!(c, 'e' | 'E') && at > 0 && starts_exponent(text.get(at + 1..).unwrap_or_default());
            let part = c.is_ascii_digit()
                || c == self.decimal
                || (matches!(c, '+' | '-')
                    && (at == 0 || text.get(..at).is_some_and(|before| before.ends_with(['e', 'E']))))
                || (self.is_group(c) && is_digit(next))
                || exponent;
            if !part {
                break;
            }
            end = at + c.len_utf8();
        }
        let (number, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        (number, rest.trim())
    }
}

fn starts_exponent(text: &str) -> bool {
    text.strip_prefix(['+', '-']).unwrap_or(text).starts_with(|c: char| c.is_ascii_digit())
}

fn digits_only(text: &str) -> Result<String, String> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err("it is not a decimal number".to_owned())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;
    use crate::spec::Scalar;

    fn numerals(decimal: &str, group: &str) -> Numerals {
        let scalar = |text: &str| (!text.is_empty()).then(|| Scalar(text.to_owned()));
        Numerals::compile(&NumberSpec { decimal: scalar(decimal), group: scalar(group) }).unwrap()
    }

    #[test]
    fn numbers_are_read_as_declared_and_not_otherwise() {
        for (decimal, group, text, expected) in [
            (",", ".", "1.234.567,89", Some("1234567.89")),
            (",", ".", "-1.234", Some("-1234")),
            (",", ".", "12,5e3", Some("12.5e3")),
            (",", ".", "1234,5", Some("1234.5")),
            (",", ".", "1.5", None),
            (",", ".", "1.23.456", None),
            (",", ".", "1,234.5", None),
            (",", "", "1.5", None),
            (",", "", ",5", Some(".5")),
            (".", ",", "1,234.5", Some("1234.5")),
            (".", ",", "1,2345", None),
            (".", ",", ",234", None),
            (".", ",", "1.234,567", None),
            (".", " ", "1\u{202f}234 567.5", Some("1234567.5")),
            (".", "'", "1\u{2019}234'567", Some("1234567")),
            (".", "", "1 234", Some("1 234")),
        ] {
            let read = numerals(decimal, group).plain(text).ok();
            assert_eq!(read.as_deref(), expected, "{decimal} {group} {text}");
        }
    }

    #[test]
    fn a_number_ends_where_its_unit_begins() {
        for (group, text, number, unit) in [
            ("", "12.5 GiB", "12.5", "GiB"),
            ("", "10K", "10", "K"),
            ("", "-3e-2 s", "-3e-2", "s"),
            ("", "5E", "5", "E"),
            ("", "5EB", "5", "EB"),
            ("", "100\u{a0}Hours", "100", "Hours"),
            (",", "1,234 MB", "1,234", "MB"),
            (" ", "1 234 MB", "1 234", "MB"),
            ("", "n/a", "", "n/a"),
            ("", "", "", ""),
        ] {
            assert_eq!(numerals(".", group).split(text), (number, unit), "{text}");
        }
    }
}
