//! Numbers as a reader writes them: grouped, signed, with the currency; and whole numbers out of 1000 for bars.
//!
//! Spells figures that are settled elsewhere. What it does compute (sums of groups, shares, heights) is
//! exact integer or rational arithmetic and is never billed.

use metering::exact::{Exact, Rounding, decimal_text, power_of_ten};
use pricing::Amount;
use serde::Serialize;

use crate::text::Text;

/// The longest figure that is never broken.
const LONGEST_FIGURE: usize = 16;

/// More digits after the point than this are left out of the alignment.
const ALIGNED_DIGITS: usize = 6;

/// A figure and the invisible zeros after it that bring decimal points below each other.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Figure {
    /// What is seen.
    pub text: Text,
    /// What takes room only.
    pub pad: String,
}

/// `-1234567.5` as `−1,234,567.5`; what is not a plain decimal stays as it is.
pub fn grouped(decimal: &str) -> Text {
    Text::within(&grouped_text(decimal), LONGEST_FIGURE)
}

/// Figures of one column with their points below each other.
pub fn aligned<'a>(decimals: impl IntoIterator<Item = Option<&'a str>>) -> Vec<Figure> {
    let decimals: Vec<&str> = decimals.into_iter().map(Option::unwrap_or_default).collect();
    let digits = |decimal: &str| decimal.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let most = decimals.iter().map(|d| digits(d)).filter(|d| *d <= ALIGNED_DIGITS).max().unwrap_or(0);
    decimals
        .iter()
        .map(|decimal| Figure { text: grouped(decimal), pad: padding(decimal, digits(decimal), most) })
        .collect()
}

fn padding(decimal: &str, digits: usize, most: usize) -> String {
    let zeros = "0".repeat(most.saturating_sub(digits));
    if decimal.is_empty() || zeros.is_empty() {
        return String::new();
    }
    if digits == 0 { format!(".{zeros}") } else { zeros }
}

fn grouped_text(decimal: &str) -> String {
    let (sign, digits) = match decimal.strip_prefix('-') {
        Some(rest) => ("−", rest),
        None => ("", decimal),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = !whole.is_empty() && [whole, fraction].iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()));
    if !plain {
        return decimal.to_owned();
    }
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{}{point}{fraction}", thousands(whole))
}

fn thousands(whole: &str) -> String {
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// How amounts of one currency are spelled.
#[derive(Debug, Clone)]
pub struct Money {
    code: String,
    digits: u32,
}

impl Money {
    /// The currency of an invoice and its digits after the point.
    pub fn new(code: &str, digits: u32) -> Self {
        Self { code: code.to_owned(), digits }
    }

    /// Digits after the point.
    pub fn digits(&self) -> u32 {
        self.digits
    }

    /// `€1,234.50`, `−€3.00`, or `CHF 12.00` where no symbol is everybody's.
    pub fn spell(&self, amount: Amount) -> Text {
        self.spell_decimal(&amount.format(self.digits))
    }

    /// An amount in whole units where it is at least 100 of them, for statements with “about”.
    pub fn roughly(&self, amount: Amount) -> Text {
        let unit = power_of_ten(self.digits).unwrap_or(1);
        let whole = (amount.0.abs() >= unit.saturating_mul(100)).then(|| rounded(amount.0, unit, 0)).flatten();
        whole.map_or_else(|| self.spell(amount), |whole| self.spell_decimal(&whole.to_string()))
    }

    /// `€6.1k`, `€12M`: three digits or so, for the labels of small bars.
    pub fn compact(&self, amount: Amount) -> Text {
        let unit = power_of_ten(self.digits).unwrap_or(1);
        let scales = [(1_000_000_000, "bn"), (1_000_000, "M"), (1_000, "k"), (1, "")];
        for (factor, suffix) in scales {
            let size = unit.saturating_mul(factor);
            if amount.0.abs() >= size || factor == 1 {
                return self.shortened(amount.0, size, suffix);
            }
        }
        self.spell(amount)
    }

    fn shortened(&self, minor: i128, size: i128, suffix: &str) -> Text {
        let digits = u32::from(minor.abs() < size.saturating_mul(100) && !suffix.is_empty());
        let value = rounded(minor, size, digits).unwrap_or(0);
        let decimal = grouped_text(&decimal_text(value, digits));
        let decimal = decimal.strip_suffix(".0").unwrap_or(&decimal);
        let symbol = if self.symbol().is_some() { self.prefix() } else { String::new() };
        Text::new(&signed(decimal, &symbol, suffix))
    }

    /// The tick of an axis: short from ten thousand on, else whole units if it is a whole number of them.
    pub fn tick(&self, amount: Amount) -> Text {
        let unit = power_of_ten(self.digits).unwrap_or(1);
        if amount.0 >= unit.saturating_mul(10_000) {
            return self.compact(amount);
        }
        if amount.0 % unit == 0 { self.spell_decimal(&(amount.0 / unit).to_string()) } else { self.spell(amount) }
    }

    fn spell_decimal(&self, decimal: &str) -> Text {
        Text::within(&signed(&grouped_text(decimal), &self.prefix(), ""), LONGEST_FIGURE)
    }

    fn prefix(&self) -> String {
        self.symbol().map_or_else(|| format!("{}\u{A0}", self.code), str::to_owned)
    }

    /// Only symbols that a reader anywhere takes for this currency.
    fn symbol(&self) -> Option<&'static str> {
        match self.code.as_str() {
            "USD" => Some("$"),
            "EUR" => Some("€"),
            "GBP" => Some("£"),
            "JPY" => Some("¥"),
            "INR" => Some("₹"),
            "KRW" => Some("₩"),
            _ => None,
        }
    }
}

fn signed(decimal: &str, prefix: &str, suffix: &str) -> String {
    match decimal.strip_prefix('−') {
        Some(rest) => format!("−{prefix}{rest}{suffix}"),
        None => format!("{prefix}{decimal}{suffix}"),
    }
}

fn rounded(value: i128, unit: i128, digits: u32) -> Option<i128> {
    Exact::ratio(value, unit).and_then(|exact| exact.round(digits, Rounding::HalfAwayFromZero)).ok()
}

/// `part` of `whole` in thousandths, within 0 and 1000; nought where there is no whole.
pub fn mille(part: i128, whole: i128) -> u16 {
    if part <= 0 || whole <= 0 {
        return 0;
    }
    let exact = rounded(part.min(whole), whole, 3).unwrap_or(0);
    u16::try_from(exact.clamp(0, 1000)).unwrap_or(0)
}

/// Each of `parts` in thousandths of the largest; negative ones are nought. `None` beyond exact arithmetic.
pub fn heights(parts: &[Exact]) -> Option<Vec<u16>> {
    let heights = parts_of_largest(parts, 3)?;
    heights.into_iter().map(|height| u16::try_from(height).ok()).collect()
}

/// Each of `parts` in billionths of the largest: small numbers in the same proportions.
pub fn weights(parts: &[Exact]) -> Option<Vec<i128>> {
    parts_of_largest(parts, 9)
}

fn parts_of_largest(parts: &[Exact], digits: u32) -> Option<Vec<i128>> {
    let largest = parts.iter().max().filter(|largest| !largest.is_zero() && !largest.is_negative());
    let Some(largest) = largest else {
        return Some(vec![0; parts.len()]);
    };
    let share = |part: &Exact| part.div(largest)?.round(digits, Rounding::HalfAwayFromZero);
    parts.iter().map(|part| share(part).ok().map(|share| share.max(0))).collect()
}

/// Thousandths as `9.3 %`.
pub fn percent(mille: i128) -> String {
    format!("{} %", grouped_text(&decimal_text(mille, 1)))
}

/// `part` of `whole` in thousandths without an upper end; nothing where there is no whole.
pub fn ratio(part: i128, whole: i128) -> Option<i128> {
    if whole <= 0 { None } else { rounded(part, whole, 3) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_grouped_and_signed() {
        let cases = [
            ("0", "0"),
            ("999", "999"),
            ("1000", "1,000"),
            ("-1234567.891", "−1,234,567.891"),
            ("12.30", "12.30"),
            ("1e6", "1e6"),
            ("", ""),
            ("tiered", "tiered"),
        ];
        for (decimal, grouped_as) in cases {
            assert_eq!(grouped(decimal).as_str(), grouped_as);
        }
    }

    #[test]
    fn points_stand_below_each_other() {
        let column = aligned([Some("1"), Some("2.5"), Some("3.125"), None, Some("0.1234567890")]);
        let pads: Vec<&str> = column.iter().map(|figure| figure.pad.as_str()).collect();
        assert_eq!(pads, [".000", "00", "", "", ""]);
    }

    #[test]
    fn amounts_are_spelled_with_their_currency() {
        let cases = [
            ("EUR", 2, 1_221_320, "€12,213.20", "€12,213", "€12.2k"),
            ("USD", 2, -300, "−$3.00", "−$3.00", "−$3"),
            ("CHF", 2, 99, "CHF\u{A0}0.99", "CHF\u{A0}0.99", "1"),
            ("JPY", 0, 1_234_567, "¥1,234,567", "¥1,234,567", "¥1.2M"),
            ("KWD", 3, 123_456_789, "KWD\u{A0}123,456.789", "KWD\u{A0}123,457", "123k"),
        ];
        for (code, digits, minor, full, rough, short) in cases {
            let money = Money::new(code, digits);
            assert_eq!(money.spell(Amount(minor)).as_str(), full);
            assert_eq!(money.roughly(Amount(minor)).as_str(), rough);
            assert_eq!(money.compact(Amount(minor)).as_str(), short);
        }
    }

    #[test]
    fn thousandths_stay_within_the_bar() {
        let cases =
            [(1, 3, 333), (2, 3, 667), (5, 5, 1000), (7, 5, 1000), (-1, 5, 0), (1, 0, 0), (i128::MAX, i128::MAX, 1000)];
        for (part, whole, expected) in cases {
            assert_eq!(mille(part, whole), expected);
        }
    }

    #[test]
    fn heights_are_shares_of_the_largest() {
        let parts = [Exact::integer(2), Exact::integer(-1), Exact::integer(8)];
        assert_eq!(heights(&parts), Some(vec![250, 0, 1000]));
        assert_eq!(heights(&[Exact::ZERO, Exact::ZERO]), Some(vec![0, 0]));
        assert_eq!(heights(&[]), Some(vec![]));
    }
}
