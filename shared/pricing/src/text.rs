//! Numbers as text: exact where they end, in prose with thousands apart.

use metering::exact::{Exact, Rounding, decimal_text};

/// Digits after the point that an exact number is written with at most; streams have no more.
const EXACT_DIGITS: u32 = 18;
/// Digits after the point of a number that does not end.
const CUT_DIGITS: u32 = 12;

/// The number as plain text with at least `digits` after the point, no thousands: exact where it
/// ends within 18 digits, otherwise rounded to 12.
#[must_use]
pub fn plain(value: &Exact, digits: u32) -> String {
    let mut out = String::with_capacity(ROOM);
    let (text, _) = shortest(value);
    write(&text, digits, false, &mut out);
    out
}

/// The same for a sentence: thousands apart, and a mark where digits are left out.
pub(crate) fn prose(value: &Exact, digits: u32) -> String {
    let mut out = String::with_capacity(ROOM);
    let (text, ends) = shortest(value);
    write(&text, digits, true, &mut out);
    if !ends {
        out.push('…');
    }
    out
}

/// `1234567.5` as `1,234,567.5`.
#[must_use]
pub fn grouped(text: &str) -> String {
    let mut out = String::with_capacity(ROOM);
    write(text, 0, true, &mut out);
    out
}

/// What most numbers need; longer ones grow.
const ROOM: usize = 32;

/// The decimal without trailing noughts, and whether that is all of it.
fn shortest(value: &Exact) -> (String, bool) {
    let ends = value.decimal_digits().filter(|digits| *digits <= EXACT_DIGITS);
    // As many digits as it has: nothing is left to be trimmed.
    let exact = ends.and_then(|digits| Some(decimal_text(value.to_scaled(digits).ok()?, digits)));
    match (exact, ends) {
        (Some(text), _) => (text, true),
        (None, Some(_)) => (value.display(EXACT_DIGITS), true),
        (None, None) => (value.display(CUT_DIGITS), false),
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

/// Writes a plain decimal: with thousands apart, filled up to `digits` after the point.
fn write(text: &str, digits: u32, apart: bool, out: &mut String) {
    let (sign, unsigned) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    out.push_str(sign);
    if apart {
        thousands(whole, out)
    } else {
        out.push_str(whole)
    }
    let wanted = usize::try_from(digits).unwrap_or(0);
    if wanted > 0 || !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
        out.extend(std::iter::repeat_n('0', wanted.saturating_sub(fraction.len())));
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
            assert_eq!(prose(&value, 2), in_prose);
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
