//! The forms in which times are written.

use chrono::format::{Fixed, Item, Numeric, Parsed, StrftimeItems};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use metering::exact::{Exact, Rounding};

use super::clock::{Nanos, SECOND};
use crate::number;

/// A form.
#[derive(Clone, Debug)]
pub(crate) struct TimeFormat {
    form: Form,
    written: String,
    /// Whether 24:00 is the end of a day.
    is_end: bool,
}

#[derive(Clone, Debug)]
enum Form {
    Rfc3339,
    Rfc2822,
    /// Since 1970; so many digits of the number are below one second.
    Epoch(u32),
    Pattern {
        items: Vec<Item<'static>>,
        offset: bool,
    },
}

/// What a text says.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reading {
    At(Nanos),
    /// A local time of a zone that it does not name.
    Local(NaiveDateTime),
}

/// The text has not this form; why.
#[derive(Debug)]
pub(super) struct Misread(pub(super) String);

impl TimeFormat {
    /// Compiles a format.
    ///
    /// # Errors
    /// In words, and a hint.
    pub(crate) fn compile(format: &str, is_end: bool) -> Result<Self, (String, String)> {
        let form = match format {
            "rfc3339" => Form::Rfc3339,
            "rfc2822" => Form::Rfc2822,
            "epoch-s" => Form::Epoch(0),
            "epoch-ms" => Form::Epoch(3),
            "epoch-us" => Form::Epoch(6),
            "epoch-ns" => Form::Epoch(9),
            pattern if pattern.contains('%') => compile_pattern(pattern)?,
            other => {
                let hint = "write rfc3339, rfc2822, epoch-s, epoch-ms, epoch-us, epoch-ns or a pattern such as \"%d/%b/%Y:%H:%M:%S %z\"";
                return Err((format!("there is no time format `{other}`"), hint.to_owned()));
            }
        };
        Ok(Self { form, written: format.to_owned(), is_end })
    }

    /// Whether no text of this form names an offset.
    pub(crate) fn needs_zone(&self) -> bool {
        matches!(self.form, Form::Pattern { offset: false, .. })
    }

    pub(super) fn is_rfc3339(&self) -> bool {
        matches!(self.form, Form::Rfc3339)
    }

    /// As written.
    pub(crate) fn written(&self) -> &str {
        &self.written
    }

    /// Reads a text without blanks around it.
    pub(super) fn read(&self, text: &str) -> Result<Reading, Misread> {
        match &self.form {
            Form::Epoch(digits) => epoch(text, *digits).map(Reading::At).map_err(Misread),
            Form::Rfc2822 => match DateTime::parse_from_rfc2822(text) {
                Ok(at) => Ok(Reading::At(Nanos::of(&at))),
                Err(error) => Err(Misread(format!("it is not a time like Sun, 01 Feb 2026 13:45:00 GMT ({error})"))),
            },
            Form::Rfc3339 => match rfc3339(text, self.is_end) {
                Some((local, Some(offset))) => {
                    Ok(Reading::At(Nanos(Nanos::of(&local.and_utc()).0 - i128::from(offset) * SECOND)))
                }
                Some((local, None)) => Ok(Reading::Local(local)),
                None => Err(Misread("it is not a time like 2026-02-01T13:45:00Z".to_owned())),
            },
            Form::Pattern { items, offset } => {
                let wrong =
                    |error: chrono::ParseError| Misread(format!("it is not a time like `{}` ({error})", self.written));
                match pattern(text, items, *offset) {
                    Err(_) if self.is_end && text.contains("24:00") => {
                        let next = pattern(&text.replacen("24:00", "00:00", 1), items, *offset).map_err(wrong)?;
                        Ok(next.a_day_later())
                    }
                    read => read.map_err(wrong),
                }
            }
        }
    }
}

impl Reading {
    fn a_day_later(self) -> Self {
        match self {
            Self::At(at) => Self::At(Nanos(at.0 + 86_400 * SECOND)),
            Self::Local(local) => Self::Local(local.checked_add_days(chrono::Days::new(1)).unwrap_or(local)),
        }
    }
}

/// What is not written is the first: a date alone its first moment, an hour its first minute, a month
/// its first day.
fn pattern(text: &str, items: &[Item<'static>], offset: bool) -> Result<Reading, chrono::ParseError> {
    let mut parsed = Parsed::new();
    chrono::format::parse(&mut parsed, text, items.iter())?;
    let has_day =
        parsed.day().or(parsed.ordinal()).or(parsed.isoweek()).or(parsed.week_from_sun()).or(parsed.week_from_mon());
    if has_day.is_none() && parsed.month().is_some() {
        parsed.set_day(1)?;
    }
    if parsed.hour_mod_12().is_some() && parsed.minute().is_none() {
        parsed.set_minute(0)?;
    }
    let time = match parsed.to_naive_time() {
        Err(_) if parsed.hour_mod_12().is_none() && parsed.minute().is_none() => NaiveTime::MIN,
        time => time?,
    };
    let local = parsed.to_naive_date()?.and_time(time);
    if !offset {
        return Ok(Reading::Local(local));
    }
    let east = i128::from(parsed.to_fixed_offset()?.local_minus_utc());
    Ok(Reading::At(Nanos(Nanos::of(&local.and_utc()).0 - east * SECOND)))
}

fn compile_pattern(pattern: &str) -> Result<Form, (String, String)> {
    let items = StrftimeItems::new(pattern).parse_to_owned().map_err(|_| {
        let hint = "the letters after % are those of strftime, as in \"%Y-%m-%d %H:%M:%S\"".to_owned();
        (format!("`{pattern}` is no time pattern"), hint)
    })?;
    if items.contains(&Item::Fixed(Fixed::TimezoneName)) {
        let hint =
            "write the abbreviation itself into the pattern and declare its zone, such as `zone: UTC`".to_owned();
        return Err(("%Z stands for any abbreviation of a zone, which does not say what time it is".to_owned(), hint));
    }
    let offset = pattern.contains("%#z")
        || items.iter().any(|item| {
            matches!(
                item,
                Item::Fixed(
                    Fixed::TimezoneOffset
                        | Fixed::TimezoneOffsetColon
                        | Fixed::TimezoneOffsetDoubleColon
                        | Fixed::TimezoneOffsetTripleColon
                        | Fixed::TimezoneOffsetColonZ
                        | Fixed::TimezoneOffsetZ
                        | Fixed::RFC2822
                        | Fixed::RFC3339
                )
            )
        });
    if items.iter().any(|item| matches!(item, Item::Numeric(Numeric::Timestamp, _))) {
        return Err(("%s is a number of seconds".to_owned(), "write `format: epoch-s`".to_owned()));
    }
    Ok(Form::Pattern { items, offset })
}

/// Reads a number of seconds, milliseconds, … since 1970; what lies below a nanosecond is cut off.
fn epoch(text: &str, digits: u32) -> Result<Nanos, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("it is not a number of time units since 1970: {error}");
    let unit = 10_i128.pow(9_u32.saturating_sub(digits));
    if let Ok(whole) = number::scaled(text, 0) {
        return whole.checked_mul(unit).map(Nanos).ok_or_else(|| wrong(&"it is too large"));
    }
    let value = Exact::parse(text).and_then(|value| value.mul(&Exact::integer(unit)));
    value.and_then(|value| value.round(0, Rounding::Down)).map(Nanos).map_err(|error| wrong(&error))
}

/// `2026-02-01T13:45:00.123+01:00` and its neighbours: a blank or `t` for the T, a comma for the
/// point, no seconds, `+0100`, `+01`, or no offset. A leap second is the last millisecond of its
/// minute. The end of a day may be written as its hour 24 where ends are meant.
fn rfc3339(text: &str, is_end: bool) -> Option<(NaiveDateTime, Option<i64>)> {
    let mut scan = Digits { rest: text.as_bytes() };
    let year = scan.digits(4)?;
    scan.one_of(b"-")?;
    let month = scan.digits(2)?;
    scan.one_of(b"-")?;
    let day = scan.digits(2)?;
    scan.one_of(b"Tt ")?;
    let hour = scan.digits(2)?;
    scan.one_of(b":")?;
    let minute = scan.digits(2)?;
    let second = if scan.one_of(b":").is_some() { Some(scan.digits(2)?) } else { None };
    let fraction = if second.is_some() && scan.one_of(b".,").is_some() { scan.nanoseconds()? } else { 0 };
    let (second, nano) = if second == Some(60) { (59, 999_000_000) } else { (second.unwrap_or(0), fraction) };
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    let local = match (hour, minute, second, nano) {
        (24, 0, 0, 0) if is_end => date.succ_opt()?.and_time(NaiveTime::MIN),
        _ => date.and_time(NaiveTime::from_hms_nano_opt(hour, minute, second, nano)?),
    };
    Some((local, scan.offset()?))
}

/// Seconds east of Greenwich, of a text that is an offset and nothing else.
pub(super) fn whole_offset(text: &str) -> Option<i64> {
    Digits { rest: text.as_bytes() }.offset()?
}

struct Digits<'t> {
    rest: &'t [u8],
}

impl Digits<'_> {
    fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        bytes.contains(first).then(|| {
            self.rest = rest;
            *first
        })
    }

    fn digits(&mut self, count: usize) -> Option<u32> {
        let (digits, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        digits.iter().try_fold(0_u32, |value, byte| byte.is_ascii_digit().then(|| value * 10 + u32::from(byte - b'0')))
    }

    /// At most nine digits; what lies below is cut off.
    fn nanoseconds(&mut self) -> Option<u32> {
        let length = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.rest.split_at(length);
        self.rest = rest;
        let kept = digits.iter().chain(b"00000000").take(9);
        (length > 0).then(|| kept.fold(0, |value, byte| value * 10 + u32::from(byte - b'0')))
    }

    /// Seconds east of Greenwich; an inner `None` where no offset is written.
    fn offset(mut self) -> Option<Option<i64>> {
        if self.rest.is_empty() {
            return Some(None);
        }
        self.one_of(b" ");
        if self.one_of(b"Zz").is_some() {
            return self.rest.is_empty().then_some(Some(0));
        }
        let east = self.one_of(b"+-")? == b'+';
        let hours = self.digits(2)?;
        self.one_of(b":");
        let minutes = if self.rest.is_empty() { 0 } else { self.digits(2)? };
        let seconds = i64::from(hours * 3_600 + minutes * 60);
        let plausible = self.rest.is_empty() && hours < 24 && minutes < 60;
        plausible.then_some(Some(if east { seconds } else { -seconds }))
    }
}
