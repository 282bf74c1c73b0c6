//! Looking at bytes a register at a time: what the short ways through records are made of.

mod stops;

use wide::{i8x16, u8x16};

pub(crate) use stops::Stops;

/// Where a value lies in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Extent {
    /// Its bytes.
    pub(crate) fn of(self, text: &[u8]) -> &[u8] {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

/// A record that a text begins with, and that looks like an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Glance {
    /// Tells what it looks like: records with the same `id` have as many values in the same places.
    pub(crate) id: u64,
    /// Its bytes, without the line end.
    pub(crate) length: usize,
    /// Whether it is known to hold nothing but ASCII.
    pub(crate) ascii: bool,
}

/// The sixteen bytes from a place on, if there are so many.
#[inline]
pub(crate) fn block(text: &[u8], at: usize) -> Option<&[u8; 16]> {
    text.get(at..).and_then(|rest| rest.first_chunk())
}

/// Whether two texts of the same length are the same, a register at a time: most are too short for
/// a call to be worth it.
#[inline]
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    let (blocks, _) = a.as_chunks::<16>();
    let (others, _) = b.as_chunks::<16>();
    if blocks.iter().zip(others).any(|(a, b)| u128::from_le_bytes(*a) != u128::from_le_bytes(*b)) {
        return false;
    }
    // What is left over, together with what was compared already.
    match a.len() {
        16.. => a.last_chunk::<16>() == b.last_chunk::<16>(),
        8.. => a.first_chunk::<8>() == b.first_chunk::<8>() && a.last_chunk::<8>() == b.last_chunk::<8>(),
        4.. => a.first_chunk::<4>() == b.first_chunk::<4>() && a.last_chunk::<4>() == b.last_chunk::<4>(),
        _ => a.iter().zip(b).all(|(a, b)| a == b),
    }
}

/// Where strings of JSON end, or take a closer look: quotes, backslashes, control characters and all
/// that is not ASCII. As signed numbers the last two lie below a blank.
#[inline]
pub(crate) fn ends_of_strings(bytes: u8x16) -> u8x16 {
    let odd = bytes.cast_signed().simd_lt(i8x16::splat(0x20)).cast_unsigned();
    bytes.simd_eq(u8x16::splat(b'"')) | bytes.simd_eq(u8x16::splat(b'\\')) | odd
}

/// Where the string of JSON that begins at `start` has its closing quote, if nothing in it is
/// escaped; `ascii` becomes false where it holds more than ASCII.
#[inline]
pub(crate) fn end_of_string(text: &[u8], start: usize, ascii: &mut bool) -> Option<usize> {
    let mut at = start;
    while let Some(bytes) = block(text, at) {
        let ends = ends_of_strings(u8x16::new(*bytes)).to_bitmask();
        if ends != 0 {
            at += usize::try_from(ends.trailing_zeros()).ok()?;
            if text.get(at) == Some(&b'"') {
                return Some(at);
            }
            break;
        }
        at += 16;
    }
    end_of_any_string(text, at, ascii)
}

/// The same from a place on where it has not ended, byte by byte.
#[cold]
fn end_of_any_string(text: &[u8], start: usize, ascii: &mut bool) -> Option<usize> {
    let rest = text.get(start..)?;
    let length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))?;
    *ascii &= rest.get(..length)?.is_ascii();
    (rest.get(length) == Some(&b'"')).then_some(start + length)
}

/// Which of sixteen bytes are decimal digits, the first one lowest.
#[inline]
fn digits_of(bytes: [u8; 16]) -> u32 {
    let values = u8x16::new(bytes) - u8x16::splat(b'0');
    values.min(u8x16::splat(9)).simd_eq(values).to_bitmask()
}

/// Where the number of JSON that begins at `start` ends, if one does (RFC 8259, section 6).
#[inline]
pub(crate) fn end_of_number(text: &[u8], start: usize) -> Option<usize> {
    match block(text, start).and_then(|bytes| end_of_short_number(*bytes)) {
        Some(length) => Some(start + length),
        None => end_of_any_number(text, start),
    }
}

/// How long the number is that the bytes begin with, if it is a usual one that ends among them.
#[inline]
fn end_of_short_number(bytes: [u8; 16]) -> Option<usize> {
    let digits = digits_of(bytes);
    let minus = u32::from(bytes[0] == b'-');
    let whole = (digits >> minus).trailing_ones();
    let nought = bytes.get(usize::try_from(minus).ok()?) == Some(&b'0');
    let mut end = minus + whole;
    if whole == 0 || (nought && whole > 1) {
        return None;
    }
    if bytes.get(usize::try_from(end).ok()?) == Some(&b'.') {
        let decimals = (digits >> (end + 1)).trailing_ones();
        end += 1 + decimals;
        if decimals == 0 {
            return None;
        }
    }
    let end = usize::try_from(end).ok()?;
    bytes.get(end).is_some_and(|byte| !matches!(byte, b'e' | b'E')).then_some(end)
}

fn end_of_any_number(text: &[u8], start: usize) -> Option<usize> {
    let whole = start + usize::from(text.get(start) == Some(&b'-'));
    let mut end = digits(text, whole)?;
    if text.get(whole) == Some(&b'0') && end > whole + 1 {
        return None;
    }
    if text.get(end) == Some(&b'.') {
        end = digits(text, end + 1)?;
    }
    if let Some(b'e' | b'E') = text.get(end) {
        let sign = matches!(text.get(end + 1), Some(b'+' | b'-'));
        end = digits(text, end + 1 + usize::from(sign))?;
    }
    Some(end)
}

/// Where the digits that begin at `start` end; there is at least one.
fn digits(text: &[u8], start: usize) -> Option<usize> {
    let length = text.get(start..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (length > 0).then_some(start + length)
}

/// The parts of a decimal: what stands before the point and behind it, each of at most eight
/// digits, and how many stand behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    pub(crate) negative: bool,
    pub(crate) whole: u32,
    pub(crate) fraction: u32,
    pub(crate) decimals: usize,
}

/// The decimal that makes up all of an extent: digits, perhaps a sign before and a point among them.
#[inline]
pub(crate) fn decimal(text: &[u8], extent: Extent) -> Option<Decimal> {
    let bytes = block(text, extent.start)?;
    let negative = bytes[0] == b'-';
    let minus = usize::from(negative);
    let length = extent.end - extent.start;
    let digits = digits_of(*bytes) >> minus;
    let whole = usize::try_from(digits.trailing_ones()).ok()?.min(length.checked_sub(minus)?);
    let first = extent.start + minus;
    let value = eight_digits(text, first, whole)?;
    if minus + whole == length {
        return Some(Decimal { negative, whole: value, fraction: 0, decimals: 0 });
    }
    let decimals = length - minus - whole - 1;
    let all_digits = length <= 16 && usize::try_from((digits >> (whole + 1)).trailing_ones()).ok()? >= decimals;
    if !all_digits || bytes.get(minus + whole) != Some(&b'.') {
        return None;
    }
    let fraction = eight_digits(text, first + whole + 1, decimals)?;
    Some(Decimal { negative, whole: value, fraction, decimals })
}

/// The digits of a decimal without sign that is at most eight bytes long, and how many of them stand
/// behind the point.
#[inline]
pub(crate) fn short_decimal(text: &[u8], Extent { start, end }: Extent) -> Option<(u32, usize)> {
    let digits = digits_at_the_end(text, start, end - start)?;
    // Of what is no digit the highest bit.
    let others = (digits | digits.wrapping_add(0x7676_7676_7676_7676)) & 0x8080_8080_8080_8080;
    if others == 0 {
        return Some((value_of_digits(digits)?, 0));
    }
    let point = others.trailing_zeros() / 8;
    let (before, behind) = (!(u64::MAX << (8 * point)), (u64::MAX << (8 * point)) << 8);
    let is_point = (digits >> (8 * point)) & 0xff == u64::from(b'.' ^ b'0');
    let (place, unused) = (usize::try_from(point).ok()?, 8_usize.checked_sub(end - start)?);
    if !is_point || others & (others - 1) != 0 || place == unused || point == 7 {
        return None;
    }
    Some((value_of_digits((digits & behind) | ((digits & before) << 8))?, 7 - place))
}

/// The value of one to eight digits, all at once.
#[inline]
fn eight_digits(text: &[u8], at: usize, count: usize) -> Option<u32> {
    value_of_digits(digits_at_the_end(text, at, count)?)
}

/// One to eight bytes, each less the digit nought, the last one highest; noughts before them.
#[inline]
fn digits_at_the_end(text: &[u8], at: usize, count: usize) -> Option<u64> {
    let unused = 8_u32.checked_sub(u32::try_from(count).ok()?).filter(|unused| *unused < 8)?;
    let bytes: &[u8; 8] = text.get(at..).and_then(|rest| rest.first_chunk())?;
    Some((u64::from_le_bytes(*bytes) ^ 0x3030_3030_3030_3030) << (8 * unused))
}

/// Of eight digits, the first one lowest.
#[inline]
fn value_of_digits(ones: u64) -> Option<u32> {
    let tens = ones.wrapping_mul(10).wrapping_add(ones >> 8);
    let pairs = 0x0000_00ff_0000_00ff;
    let first = (tens & pairs).wrapping_mul(100 + (1_000_000 << 32));
    let second = ((tens >> 16) & pairs).wrapping_mul(1 + (10_000 << 32));
    u32::try_from(first.wrapping_add(second) >> 32).ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain_string(text: &[u8], start: usize) -> Option<usize> {
        let end = text.iter().skip(start).position(|byte| *byte < 0x20 || b"\"\\".contains(byte))? + start;
        (text[end] == b'"').then_some(end)
    }

    proptest! {
        #[test]
        fn strings_end_where_a_quote_is(text in "[a-z]{0,40}[\"\\\\é\u{1}]?[a-z]{0,20}\"?[ -~]{0,20}", start in 0_usize..30) {
            let mut ascii = true;
            let end = end_of_string(text.as_bytes(), start, &mut ascii);
            prop_assert_eq!(end, plain_string(text.as_bytes(), start));
            if let Some(end) = end {
                prop_assert_eq!(ascii, text.as_bytes()[start..end].is_ascii());
            }
        }

        #[test]
        fn numbers_end_where_they_end_byte_by_byte(text in "-?[0-9]{0,18}(\\.[0-9]{0,6})?([eE][+-]?[0-9]{0,2})?[ -~]{0,20}") {
            prop_assert_eq!(end_of_number(text.as_bytes(), 0), end_of_any_number(text.as_bytes(), 0));
        }

        #[test]
        fn digits_all_at_once_are_digits_one_by_one(text in "-?[0-9]{0,10}(\\.[0-9]{0,10})?", behind in "[ -~]{0,3}") {
            let padded = format!("{text}{behind}{}", " ".repeat(16));
            let found = decimal(padded.as_bytes(), Extent { start: 0, end: text.len() });
            let plain = text.strip_prefix('-').unwrap_or(&text);
            let (whole, fraction) = plain.split_once('.').unwrap_or((plain, "0"));
            let short = |digits: &str| (1..=8).contains(&digits.len());
            if short(whole) && short(fraction) {
                let decimals = plain.split_once('.').map_or(0, |(_, fraction)| fraction.len());
                let (whole, fraction) = (whole.parse().unwrap(), fraction.parse().unwrap());
                let negative = text.starts_with('-');
                let fits = text.len() <= 16;
                prop_assert_eq!(found, fits.then_some(Decimal { negative, whole, fraction, decimals }));
            } else {
                prop_assert_eq!(found, None);
            }
        }
    }

    proptest! {
        #[test]
        fn short_decimals_are_their_digits(text in "[-0-9.]{1,9}|[0-9]{1,4}\\.[0-9]{1,4}|[0-9]{1,9}|[ -~\u{80}-\u{ff}]{1,8}", behind in "[ -~]{8,9}") {
            let found = short_decimal(format!("{text}{behind}").as_bytes(), Extent { start: 0, end: text.len() });
            let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
            let digits = format!("{whole}{fraction}");
            let is_plain = !whole.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            let fits = text.len() <= 8 && is_plain && !text.ends_with('.');
            let expected = fits.then(|| (digits.parse().unwrap(), fraction.len()));
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn other_texts_are_no_short_decimals() {
        for text in ["", "-", ".", "1.", ".5", "+1", "1e2", "1,5", " 1", "1 ", "--1", "1.2.3", "1-2", "123456789"] {
            let padded = format!("{text}{}", "7".repeat(24));
            assert_eq!(decimal(padded.as_bytes(), Extent { start: 0, end: text.len() }), None, "{text}");
        }
    }
}
