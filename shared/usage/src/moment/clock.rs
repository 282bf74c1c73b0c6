//! The texts of times.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, TimeZone};
use metering::time::Instant;

use super::format::{Misread, Reading, TimeFormat};
use super::zone::Zone;
use crate::expression::{Outcome, TextExpression};
use crate::field::View;
use crate::spec::Ambiguous;

/// Nanoseconds of a second.
pub(super) const SECOND: i128 = 1_000_000_000;

/// 1990-01-01 and 2200-01-01: what lies outside is a misread unit (milliseconds as seconds), not usage.
const EARLIEST: Instant = Instant(631_152_000_000);
const LATEST: Instant = Instant(7_258_118_400_000);

/// Nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Nanos(pub(crate) i128);

impl Nanos {
    pub(super) fn of<Z: TimeZone>(at: &DateTime<Z>) -> Self {
        Self(i128::from(at.timestamp()) * SECOND + i128::from(at.timestamp_subsec_nanos()))
    }

    /// What lies below a millisecond is cut off.
    ///
    /// # Errors
    /// In words, for times that are no usage's.
    pub(crate) fn instant(self) -> Result<Instant, String> {
        let at =
            i64::try_from(self.0.div_euclid(1_000_000)).map(Instant).map_err(|_| "it is out of range".to_owned())?;
        if at < EARLIEST || at >= LATEST {
            return Err(format!("it would be {at}, and usage lies between 1990 and 2200; is its `format` right?"));
        }
        Ok(at)
    }
}

/// How a source writes times.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    /// Tried in this order.
    pub(super) formats: Vec<TimeFormat>,
    /// For times that do not name one themselves.
    pub(super) zone: Option<ZoneOf>,
    pub(super) ambiguous: Option<Ambiguous>,
}

/// Which zone it is.
#[derive(Clone, Debug)]
pub(super) enum ZoneOf {
    Always(Zone),
    /// The one that the record or the key names, perhaps in names of its own.
    Record(TextExpression, BTreeMap<String, Zone>),
}

impl Clock {
    /// Whether a text is the same time in every record.
    pub(super) fn is_fixed(&self) -> bool {
        !matches!(self.zone, Some(ZoneOf::Record(..)))
    }

    /// Whether times are written in this one form.
    pub(super) fn is_rfc3339(&self) -> bool {
        matches!(self.formats.as_slice(), [format] if format.is_rfc3339())
    }

    /// The same, for texts of another format.
    pub(crate) fn with_format(&self, format: TimeFormat) -> Self {
        Self { formats: vec![format], ..self.clone() }
    }

    /// Whether it has a zone for times that name none.
    pub(crate) fn has_zone(&self) -> bool {
        self.zone.is_some()
    }

    /// Reads a time.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn read(&self, text: &str, view: View<'_>, absent: &[String]) -> Result<Nanos, String> {
        match self.parse(text)? {
            Reading::At(at) => Ok(at),
            Reading::Local(local) => self.zone(view, absent)?.instant(local, self.ambiguous),
        }
    }

    /// The end of the local day on which the time lies; `None` where it names its own offset.
    pub(super) fn day_ends(&self, text: &str, view: View<'_>, absent: &[String]) -> Result<Option<Nanos>, String> {
        let Reading::Local(local) = self.parse(text)? else { return Ok(None) };
        let next = local.date().succ_opt().ok_or("it is out of range")?;
        Ok(self.zone(view, absent)?.midnight(next))
    }

    /// The first format that fits says what the text means. One that fits may still not be a time that
    /// ever was: that is then said, and no further format tried.
    fn parse(&self, text: &str) -> Result<Reading, String> {
        let text = text.trim();
        let mut first = None;
        for format in &self.formats {
            match format.read(text) {
                Ok(reading) if self.formats.len() > 1 && !reading.is_plausible() => {
                    first.get_or_insert(Cow::Borrowed("it lies before 1990 or after 2200"));
                }
                Ok(reading) => return Ok(reading),
                Err(Misread(why)) => {
                    first.get_or_insert(Cow::Owned(why));
                }
            }
        }
        let why = first.unwrap_or_default();
        match self.formats.len() {
            1 => Err(why.into_owned()),
            several => Err(format!("none of the {several} formats fits; the first: {why}")),
        }
    }

    fn zone(&self, view: View<'_>, absent: &[String]) -> Result<Zone, String> {
        match &self.zone {
            None => Err("it names no zone; declare the source's with `zone:` beside `format`".to_owned()),
            Some(ZoneOf::Always(zone)) => Ok(*zone),
            Some(ZoneOf::Record(field, names)) => match field.find(view, absent)? {
                Outcome::Present(found) => {
                    let name = found.text.trim();
                    names.get(name).copied().or_else(|| Zone::parse(name)).ok_or_else(|| {
                        let written = field.written();
                        format!("its zone `{written}` is `{name}`, which is neither an IANA name nor an offset such as +10:00")
                    })
                }
                Outcome::Absent(_) | Outcome::Missing(_) => {
                    Err(format!("it names no zone, and neither does `{}`", field.written()))
                }
            },
        }
    }
}

impl Reading {
    fn is_plausible(&self) -> bool {
        match self {
            Self::At(at) => at.instant().is_ok(),
            Self::Local(local) => Nanos::of(&local_as_utc(*local)).instant().is_ok(),
        }
    }
}

fn local_as_utc(local: NaiveDateTime) -> DateTime<chrono::Utc> {
    local.and_utc()
}
