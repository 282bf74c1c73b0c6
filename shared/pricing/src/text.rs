//! Numbers as text: exact where they end, in prose with thousands apart.

use metering::exact::{Exact, Rounding};

/// Digits after the point that an exact number is written with at most; streams have no more.
const EXACT_DIGITS: u32 = 18;
/// Digits after the point of a number that does not end.
const CUT_DIGITS: u32 = 12;

/// The number as plain text with at least `digits` after the point, no thousands: exact where it
/// ends within 18 digits, otherwise rounded to 12.
#[must_use]
pub fn plain(value: &Exact, digits: u32) -> String {
    let limit = if ends(value) { EXACT_DIGITS } else { CUT_DIGITS };
    pad(value.display(limit), digits)
}

/// The same for a sentence: thousands apart, and a mark where digits are left out.
pub(crate) fn prose(value: &Exact, digits: u32) -> String {
    let mark = if ends(value) { "" } else { "…" };
    format!("{}{mark}", grouped(&plain(value, digits)))
}

/// `1234567.5` as `1,234,567.5`.
#[must_use]
pub fn grouped(text: &str) -> String {
    let (sign, unsigned) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = unsigned.split_once('.').map_or((unsigned, None), |(whole, rest)| (whole, Some(rest)));
    let mut out = String::from(sign);
    for (left, digit) in (1..=whole.len()).rev().zip(whole.chars()) {
        out.push(digit);
        if left > 1 && left % 3 == 1 {
            out.push(',');
        }
    }
    fraction.iter().for_each(|fraction| out.extend([".", fraction]));
    out
}

fn ends(value: &Exact) -> bool {
    value.decimal_digits().is_some_and(|digits| digits <= EXACT_DIGITS)
}

fn pad(text: String, digits: u32) -> String {
    let wanted = usize::try_from(digits).unwrap_or(0);
    match text.split_once('.') {
        Some((whole, fraction)) => format!("{whole}.{fraction:0<wanted$}"),
        None if wanted > 0 => format!("{text}.{:0<wanted$}", ""),
        None => text,
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
