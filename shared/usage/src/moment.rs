//! When a record's usage was.
//!
//! [`Clock`] reads the texts of times: in one of several formats, in the zone that they name or
//! that the source declares. [`When`] finds them in a record: in one field or several, with the
//! number of an interval, at its beginning or its end, or from one time until another.

mod clock;
mod compile;
mod format;
mod guess;
mod recent;
mod zone;

use std::borrow::Cow;
use std::sync::Arc;

use metering::exact::Exact;
use metering::time::Instant;

pub(crate) use clock::{Clock, Nanos};
pub(crate) use format::TimeFormat;
pub(crate) use guess::Guess;
pub(crate) use recent::LastTime;

use crate::duration::duration;
use crate::expression::{Outcome, TextExpression, shorten};
use crate::field::View;

/// A day with an hour more, when clocks go back: no interval of a day begins later.
const LONGEST_DAY: i128 = 25 * 3_600 * clock::SECOND;

/// Usage is spread over at most so many days.
const LONGEST_SPAN_MS: i64 = 366 * 86_400_000;

/// When usage was: at a time, or evenly from one until another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) at: Instant,
    /// The first instant behind it, where it is a span.
    pub(crate) until: Option<Instant>,
}

/// How the time of a record is found.
#[derive(Clone, Debug)]
pub(crate) struct When {
    /// Joined by blanks.
    fields: Vec<TextExpression>,
    until: Option<TextExpression>,
    clock: Arc<Clock>,
    /// Whether the time is the end of an interval, and so just behind the usage.
    is_end: bool,
    interval: Option<Numbered>,
    length: Option<Length>,
}

/// The number of an interval, and that of a day's first.
#[derive(Clone, Debug)]
struct Numbered {
    field: TextExpression,
    first: i128,
}

/// How long an interval is.
#[derive(Clone, Debug)]
enum Length {
    Always(Exact),
    /// A field; the seconds of one where it is a plain number, else it is a duration.
    Field(TextExpression, Option<Exact>),
}

/// Why there is no time.
pub(crate) enum NoTime<'r> {
    /// The record has no such field.
    Missing(&'r crate::field::Field),
    /// In words.
    Wrong(String),
}

impl From<String> for NoTime<'_> {
    fn from(words: String) -> Self {
        Self::Wrong(words)
    }
}

impl When {
    /// What texts of times are read with.
    pub(crate) fn clock(&self) -> &Arc<Clock> {
        &self.clock
    }

    /// Whether usage is spread from one time until another.
    pub(crate) fn is_span(&self) -> bool {
        self.until.is_some()
    }

    /// When the record's usage was.
    pub(crate) fn find<'r>(
        &'r self,
        view: View<'r>,
        absent: &[String],
        last: &mut LastTime,
    ) -> Result<Moment, NoTime<'r>> {
        let text = self.text(view, absent)?;
        if self.is_plain() {
            let read = |text: &str| self.clock.read(text, view, absent).and_then(|at| self.placed(at));
            let at = last.read(&text, self.clock.is_rfc3339(), read);
            return Ok(Moment { at: at.map_err(|why| self.wrong(&text, &why))?, until: None });
        }
        let begin = self.clock.read(&text, view, absent).map_err(|why| self.wrong(&text, &why))?;
        let begin = self.begin(begin, &text, view, absent)?;
        let at = self.placed(begin).map_err(|why| self.wrong(&text, &why))?;
        let until = self.until.as_ref().map(|until| self.until(until, at, view, absent)).transpose()?;
        Ok(Moment { at, until: until.filter(|until| *until > at) })
    }

    /// The one text that says it all by itself, where one does.
    pub(crate) fn plain(&self) -> Option<&TextExpression> {
        match self.fields.as_slice() {
            [field] if self.is_plain() => Some(field),
            _ => None,
        }
    }

    /// Whether the text alone says it.
    fn is_plain(&self) -> bool {
        self.until.is_none() && self.interval.is_none() && self.length.is_none() && self.clock.is_fixed()
    }

    fn wrong(&self, text: &str, why: &str) -> String {
        let written: Vec<&str> = self.fields.iter().map(TextExpression::written).collect();
        format!("the time `{}` is `{}`: {why}", written.join(" "), shorten(text))
    }

    fn text<'r>(&'r self, view: View<'r>, absent: &[String]) -> Result<Cow<'r, str>, NoTime<'r>> {
        let mut joined = Cow::Borrowed("");
        for field in &self.fields {
            let text = required("time", field, view, absent)?;
            if joined.is_empty() {
                joined = Cow::Borrowed(text);
            } else {
                joined.to_mut().push(' ');
                joined.to_mut().push_str(text);
            }
        }
        Ok(joined)
    }

    /// The first instant of usage, but for what lies below a millisecond.
    fn placed(&self, at: Nanos) -> Result<Instant, String> {
        // The last millisecond before the end lies in the quarter-hour, the day and the month that end there.
        let ends = self.is_end && self.length.is_none();
        at.instant().map(|at| if ends { Instant(at.0.saturating_sub(1)) } else { at })
    }

    /// Where the interval begins that the time names by its number or its end.
    fn begin<'r>(&'r self, at: Nanos, text: &str, view: View<'r>, absent: &[String]) -> Result<Nanos, NoTime<'r>> {
        let Some(length) = &self.length else { return Ok(at) };
        let length = length.find(view, absent)?;
        let Some(numbered) = &self.interval else { return Ok(Nanos(at.0 - length)) };
        let written = required("interval", &numbered.field, view, absent)?;
        let wrong = |why: &str| format!("the interval `{}` is `{}`: {why}", numbered.field.written(), shorten(written));
        let number = written.trim().parse::<i128>().map_err(|_| wrong("it is not a whole number"))?;
        let before = number.checked_sub(numbered.first).filter(|before| *before >= 0);
        let before = before.ok_or_else(|| wrong(&format!("intervals are numbered from {}", numbered.first)))?;
        let after = before.checked_mul(length).filter(|after| *after < LONGEST_DAY);
        let after = after.ok_or_else(|| wrong("it begins after the end of its day"))?;
        let begin = Nanos(at.0 + after);
        match self.clock.day_ends(text, view, absent)? {
            Some(end) if begin >= end => Err(NoTime::Wrong(wrong("it begins after the end of its day"))),
            _ => Ok(begin),
        }
    }

    fn until<'r>(
        &'r self,
        field: &'r TextExpression,
        from: Instant,
        view: View<'r>,
        absent: &[String],
    ) -> Result<Instant, NoTime<'r>> {
        let text = required("time", field, view, absent)?;
        let wrong = |why: &str| format!("the time `{}` is `{}`: {why}", field.written(), shorten(text));
        let until = self.clock.read(text, view, absent).and_then(Nanos::instant).map_err(|why| wrong(&why))?;
        match until.0.checked_sub(from.0) {
            Some(0..=LONGEST_SPAN_MS) => Ok(until),
            Some(..0) => Err(NoTime::Wrong(wrong("the usage ends before it begins"))),
            _ => Err(NoTime::Wrong(wrong("usage is spread over at most 366 days"))),
        }
    }
}

impl Length {
    /// In nanoseconds.
    fn find<'r>(&'r self, view: View<'r>, absent: &[String]) -> Result<i128, NoTime<'r>> {
        match self {
            Self::Always(seconds) => Ok(nanoseconds(seconds)?),
            Self::Field(field, unit) => {
                let text = required("length", field, view, absent)?;
                let seconds = match unit {
                    Some(unit) => {
                        Exact::parse(text.trim()).and_then(|n| n.mul(unit)).map_err(|error| error.to_string())
                    }
                    None => duration(text.trim()),
                };
                let length = seconds.and_then(|seconds| nanoseconds(&seconds));
                Ok(length.map_err(|why| format!("the length `{}` is `{}`: {why}", field.written(), shorten(text)))?)
            }
        }
    }
}

/// The length of an interval: above nought, and a day at most.
fn nanoseconds(seconds: &Exact) -> Result<i128, String> {
    let nanoseconds = seconds.to_scaled(9).map_err(|error| error.to_string())?;
    let day = 86_400 * clock::SECOND;
    if (1..=day).contains(&nanoseconds) { Ok(nanoseconds) } else { Err("an interval is at most a day long".to_owned()) }
}

/// The text of a field without which there is no time.
fn required<'r>(
    what: &str,
    field: &'r TextExpression,
    view: View<'r>,
    absent: &[String],
) -> Result<&'r str, NoTime<'r>> {
    match field.find(view, absent)? {
        Outcome::Present(found) if !found.text.is_empty() => Ok(found.text),
        Outcome::Present(_) => Err(NoTime::Wrong(format!("the {what} `{}` is empty", field.written()))),
        Outcome::Absent(_) => Err(NoTime::Wrong(format!("the {what} `{}` has no value", field.written()))),
        Outcome::Missing(missed) => Err(NoTime::Missing(missed)),
    }
}
