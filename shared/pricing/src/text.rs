//! Numbers as text: exact where they end, in prose with thousands apart.

use std::fmt;

use metering::exact::{Exact, Rounding};

/// Digits after the point that an exact number is written with at most; streams have no more.
const EXACT_DIGITS: u32 = 18;
/// Digits after the point of a number that does not end.
const CUT_DIGITS: u32 = 12;
/// What most numbers need; longer ones grow.
const ROOM: usize = 32;

/// The number as plain text with at least `digits` after the point, no thousands: exact where it
/// ends within 18 digits, otherwise rounded to 12.
#[must_use]
pub fn plain(value: &Exact, digits: u32) -> String {
    let mut out = String::with_capacity(ROOM);
    write_number(value, digits, false, &mut out);
    out
}

/// `1234567.5` as `1,234,567.5`.
#[must_use]
pub fn grouped(text: &str) -> String {
    let mut out = String::with_capacity(ROOM);
    Decimal::read(text).write(0, true, &mut out);
    out
}

/// A number for a sentence: thousands apart, at least so many digits after the point, and a mark
/// where digits are left out. Written when it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    pub(crate) value: Exact,
    pub(crate) digits: u32,
}

/// The number for a sentence, with at least `digits` after the point.
pub(crate) fn prose(value: &Exact, digits: u32) -> Number {
    Number { value: *value, digits }
}

impl Number {
    pub(crate) fn write(&self, out: &mut String) {
        if !write_number(&self.value, self.digits, true, out) {
            out.push('…');
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(ROOM);
        self.write(&mut text);
        out.write_str(&text)
    }
}

/// Writes the number without trailing noughts, filled up to `least` digits after the point, and
/// tells whether that is all of it.
fn write_number(value: &Exact, least: u32, apart: bool, out: &mut String) -> bool {
    let ends = value.decimal_digits().filter(|digits| *digits <= EXACT_DIGITS);
    match ends.and_then(|digits| Some((value.to_scaled(digits).ok()?, digits))) {
        Some((mantissa, digits)) => {
            let mut buffer = itoa::Buffer::new();
            Decimal::of(mantissa < 0, buffer.format(mantissa.unsigned_abs()), digits).write(least, apart, out);
        }
        // Too large for its digits, or without an end.
        None => {
            let shown = value.display(if ends.is_some() { EXACT_DIGITS } else { CUT_DIGITS });
            Decimal::read(&shown).write(least, apart, out);
        }
    }
    ends.is_some()
}

/// The digits of a decimal.
struct Decimal<'a> {
    negative: bool,
    whole: &'a str,
    /// Right after the point, before the fraction.
    noughts: usize,
    fraction: &'a str,
}

impl<'a> Decimal<'a> {
    /// `digits` of which so many stand after the point.
    fn of(negative: bool, digits: &'a str, after: u32) -> Self {
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        let (whole, fraction) = digits.split_at(digits.len().saturating_sub(after));
        let whole = if whole.is_empty() { "0" } else { whole };
        Self { negative, whole, noughts: after.saturating_sub(fraction.len()), fraction }
    }

    /// Plain text.
    fn read(text: &'a str) -> Self {
        let unsigned = text.strip_prefix('-');
        let (negative, unsigned) = (unsigned.is_some(), unsigned.unwrap_or(text));
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        Self { negative, whole, noughts: 0, fraction }
    }

    /// With thousands apart, filled up to `least` digits after the point.
    fn write(&self, least: u32, apart: bool, out: &mut String) {
        out.push_str(if self.negative { "-" } else { "" });
        if apart {
            thousands(self.whole, out);
        } else {
            out.push_str(self.whole);
        }
        let (least, places) = (usize::try_from(least).unwrap_or(0), self.noughts.saturating_add(self.fraction.len()));
        if least > 0 || places > 0 {
            out.push('.');
            out.extend(std::iter::repeat_n('0', self.noughts));
            out.push_str(self.fraction);
            out.extend(std::iter::repeat_n('0', least.saturating_sub(places)));
        }
    }
}

fn thousands(whole: &str, out: &mut String) {
    let mut rest = whole;
    let mut next = whole.len().checked_rem(3).filter(|first| *first > 0).unwrap_or(3);
    while let Some((group, after)) = rest.split_at_checked(next.min(rest.len())).filter(|(group, _)| !group.is_empty())
    {
        out.push_str(group);
        if !after.is_empty() {
            out.push(',');
        }
        (rest, next) = (after, 3);
    }
}

/// What a rule of rounding is called in a sentence.
pub(crate) fn rounding(rule: Rounding) -> &'static str {
    match rule {
        Rounding::HalfAwayFromZero => "half away from zero",
        Rounding::HalfEven => "half to even",
        Rounding::Up => "up, away from zero",
        Rounding::Down => "down, towards zero",
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn exact_numbers_are_written_in_full_and_others_marked() {
        let exact = |text: &str| Exact::parse(text).unwrap();
        for (value, plainly, in_prose) in [
            (exact("40612.5"), "40612.50", "40,612.50"),
            (exact("-1234567"), "-1234567.00", "-1,234,567.00"),
            (exact("0.000000000000000001"), "0.000000000000000001", "0.000000000000000001"),
            (Exact::ratio(1, 3).unwrap(), "0.333333333333", "0.333333333333…"),
        ] {
            assert_eq!(plain(&value, 2), plainly);
            assert_eq!(prose(&value, 2).to_string(), in_prose);
        }
    }

    #[test]
    fn thousands_stand_apart() {
        for (text, expected) in
            [("1", "1"), ("123", "123"), ("1234", "1,234"), ("-123456", "-123,456"), ("1000.5", "1,000.5")]
        {
            assert_eq!(grouped(text), expected);
        }
    }
}
