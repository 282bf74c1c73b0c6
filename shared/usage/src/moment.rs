//! Times as records write them.

use chrono::format::{Fixed, Item, Numeric, Parsed, StrftimeItems};
use chrono::{LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};
use chrono_tz::Tz;
use metering::exact::{Exact, Rounding};
use metering::time::Instant;

use crate::number;

/// 1990-01-01 and 2200-01-01: what lies outside is a misread unit (milliseconds as seconds), not usage.
const EARLIEST: Instant = Instant(631_152_000_000);
const LATEST: Instant = Instant(7_258_118_400_000);

/// How a source writes times.
#[derive(Clone, Debug)]
pub(crate) struct TimeFormat {
    form: Form,
    /// For times that do not name one themselves.
    zone: Option<Tz>,
}

#[derive(Clone, Debug)]
enum Form {
    Rfc3339,
    /// Since 1970; so many digits of the number are below one second.
    Epoch(u32),
    Pattern {
        items: Vec<Item<'static>>,
        written: String,
        offset: bool,
    },
}

impl TimeFormat {
    /// Compiles a format and a zone.
    ///
    /// # Errors
    /// The field at fault (`format` or `zone`), in words, and a hint.
    pub(crate) fn compile(format: &str, zone: Option<&str>) -> Result<Self, (&'static str, String, String)> {
        let zone = match zone {
            None => None,
            Some(name) => Some(name.parse::<Tz>().map_err(|_| {
                (
                    "zone",
                    format!("there is no time zone `{name}`"),
                    "write an IANA name such as UTC or Europe/Berlin".to_owned(),
                )
            })?),
        };
        let form = match format {
            "rfc3339" => Form::Rfc3339,
            "epoch-s" => Form::Epoch(0),
            "epoch-ms" => Form::Epoch(3),
            "epoch-us" => Form::Epoch(6),
            "epoch-ns" => Form::Epoch(9),
            pattern if pattern.contains('%') => compile_pattern(pattern)?,
            other => {
                let hint = "write rfc3339, epoch-s, epoch-ms, epoch-us, epoch-ns or a pattern such as \"%d/%b/%Y:%H:%M:%S %z\"";
                return Err(("format", format!("there is no time format `{other}`"), hint.to_owned()));
            }
        };
        if let (Form::Pattern { offset: false, written, .. }, None) = (&form, zone) {
            let hint = "write the zone that the times are in, such as `zone: UTC`".to_owned();
            return Err(("zone", format!("times like `{written}` name no zone"), hint));
        }
        Ok(Self { form, zone })
    }

    /// Reads a time; what lies below a millisecond is cut off.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn read(&self, text: &str) -> Result<Instant, String> {
        let text = text.trim();
        let at = match &self.form {
            Form::Epoch(digits) => epoch(text, *digits)?,
            Form::Rfc3339 => match rfc3339(text).ok_or("it is not a time like 2026-02-01T13:45:00Z")? {
                (local, Some(offset)) => instant(local, offset)?,
                (local, None) => self.local(local)?,
            },
            Form::Pattern { items, written, offset } => self.pattern(text, items, written, *offset)?,
        };
        if at < EARLIEST || at >= LATEST {
            return Err(format!("it would be {at}, and usage lies between 1990 and 2200; is its `format` right?"));
        }
        Ok(at)
    }

    fn pattern(&self, text: &str, items: &[Item<'static>], written: &str, offset: bool) -> Result<Instant, String> {
        let wrong = |error: chrono::ParseError| format!("it is not a time like `{written}` ({error})");
        let mut parsed = Parsed::new();
        chrono::format::parse(&mut parsed, text, items.iter()).map_err(wrong)?;
        if offset {
            return parsed.to_datetime().map(|at| Instant(at.timestamp_millis())).map_err(wrong);
        }
        match parsed.to_naive_time() {
            Ok(time) => self.local(parsed.to_naive_date().map_err(wrong)?.and_time(time)),
            // A date alone is its first moment.
            Err(_) if parsed.hour_mod_12().is_none() && parsed.minute().is_none() => {
                self.local(parsed.to_naive_date().map_err(wrong)?.and_time(NaiveTime::MIN))
            }
            Err(error) => Err(wrong(error)),
        }
    }

    fn local(&self, local: NaiveDateTime) -> Result<Instant, String> {
        let zone = self.zone.ok_or("it names no zone; declare the source's with `zone:` beside `format`")?;
        match zone.from_local_datetime(&local) {
            LocalResult::Single(at) => Ok(Instant(at.timestamp_millis())),
            LocalResult::Ambiguous(..) => Err(format!("in {zone} this time happened twice, when the clocks went back")),
            LocalResult::None => Err(format!("in {zone} this time never happened: the clocks went forward over it")),
        }
    }
}

fn compile_pattern(pattern: &str) -> Result<Form, (&'static str, String, String)> {
    let items = StrftimeItems::new(pattern).parse_to_owned().map_err(|_| {
        let hint = "the letters after % are those of strftime, as in \"%Y-%m-%d %H:%M:%S\"".to_owned();
        ("format", format!("`{pattern}` is no time pattern"), hint)
    })?;
    if items.contains(&Item::Fixed(Fixed::TimezoneName)) {
        let hint =
            "write the abbreviation itself into the pattern and declare its zone, such as `zone: UTC`".to_owned();
        return Err((
            "format",
            "%Z stands for any abbreviation of a zone, which does not say what time it is".to_owned(),
            hint,
        ));
    }
    let offset = items.iter().any(|item| {
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
        return Err(("format", "%s is a number of seconds".to_owned(), "write `format: epoch-s`".to_owned()));
    }
    Ok(Form::Pattern { items, written: pattern.to_owned(), offset })
}

/// Reads a number of seconds, milliseconds, … since 1970.
fn epoch(text: &str, digits: u32) -> Result<Instant, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("it is not a number of time units since 1970: {error}");
    let ms = match number::scaled(text, 0) {
        Ok(whole) if digits <= 3 => (0..3 - digits).try_fold(whole, |ms, _| ms.checked_mul(10)),
        Ok(whole) => Some((3..digits).fold(whole, |ms, _| ms.div_euclid(10))),
        Err(_) => {
            let value = Exact::parse(text).map_err(|error| wrong(&error))?;
            let unit = (0..digits).try_fold(1_i128, |unit, _| unit.checked_mul(10)).unwrap_or(1);
            let seconds = value.div(&Exact::integer(unit)).map_err(|error| wrong(&error))?;
            Some(seconds.round(3, Rounding::Down).map_err(|error| wrong(&error))?)
        }
    };
    let ms = ms.and_then(|ms| i64::try_from(ms).ok()).ok_or_else(|| wrong(&"it is too large"))?;
    Ok(Instant(ms))
}

fn instant(local: NaiveDateTime, offset_seconds: i64) -> Result<Instant, String> {
    let ms = local.and_utc().timestamp_millis();
    offset_seconds
        .checked_mul(1000)
        .and_then(|offset| ms.checked_sub(offset))
        .map(Instant)
        .ok_or("it is out of range".to_owned())
}

/// `2026-02-01T13:45:00.123+01:00` and its neighbours: a blank or `t` for the T, a comma for the
/// point, `+0100`, `+01`, or no offset. A leap second is the last millisecond of its minute.
fn rfc3339(text: &str) -> Option<(NaiveDateTime, Option<i64>)> {
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
    scan.one_of(b":")?;
    let second = scan.digits(2)?;
    let fraction = if scan.one_of(b".,").is_some() { scan.milliseconds()? } else { 0 };
    let (second, milli) = if second == 60 { (59, 999) } else { (second, fraction) };
    let time = NaiveTime::from_hms_milli_opt(hour, minute, second, milli)?;
    let local = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?.and_time(time);
    Some((local, scan.offset()?))
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

    fn milliseconds(&mut self) -> Option<u32> {
        let length = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.rest.split_at(length);
        self.rest = rest;
        let kept = digits.iter().chain(b"00").take(3);
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

#[cfg(test)]
mod tests;
