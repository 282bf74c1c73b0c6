//! From `time` in YAML to when.

use std::sync::Arc;

use super::clock::{Clock, ZoneOf};
use super::format::TimeFormat;
use super::zone::Zone;
use super::{Length, Numbered, When};
use crate::duration::duration;
use crate::error::SpecError;
use crate::expression::TextExpression;
use crate::field::Scope;
use crate::spec::{At, LengthSpec, Scalar, TimeSpec, ZoneSpec};
use crate::unit::Unit;

const ZONE_HINT: &str = "write an IANA name such as UTC or Europe/Berlin, or an offset such as +10:00";

impl When {
    /// Compiles `time`.
    ///
    /// # Errors
    /// The first mistake.
    pub(crate) fn compile(spec: &TimeSpec, scope: &mut Scope<'_>) -> Result<Self, SpecError> {
        let text = |path: &str, written: &str, scope: &mut Scope<'_>| {
            TextExpression::compile(written, scope).map_err(|message| SpecError::new(format!("time.{path}"), message))
        };
        let fields: Vec<_> = spec.field.0.iter().map(|field| text("field", field, scope)).collect::<Result<_, _>>()?;
        if fields.is_empty() {
            return Err(SpecError::new("time.field", "no field says when it was").hint("name it: `field: timestamp`"));
        }
        let clock = Arc::new(clock(spec, scope)?);
        let until = spec.until.as_ref().map(|field| text("until", field, scope)).transpose()?;
        let interval = match &spec.interval {
            None => None,
            Some(interval) => Some(Numbered {
                field: text("interval", &interval.0.field, scope)?,
                first: i128::from(interval.0.first),
            }),
        };
        let length = spec.length.as_ref().map(|length| self::length(&length.0, scope)).transpose()?;
        check(spec)?;
        Ok(Self { fields, until, clock, is_end: spec.at == Some(At::End), interval, length })
    }
}

/// What does not go together.
fn check(spec: &TimeSpec) -> Result<(), SpecError> {
    let (interval, length, end) = (spec.interval.is_some(), spec.length.is_some(), spec.at == Some(At::End));
    let problem = match (interval, length) {
        _ if spec.until.is_some() && (interval || length || spec.at.is_some()) => {
            ("until", "a time that is spread until another has no `interval`, `length` or `at`")
        }
        (true, false) => ("interval", "a numbered interval needs a `length`, such as `length: 30m`"),
        (true, true) if spec.at.is_some() => ("at", "a numbered interval lies where its number says: it has no `at`"),
        (false, true) if !end => ("length", "`length` belongs to a numbered `interval` or to `at: end`"),
        _ => return Ok(()),
    };
    Err(SpecError::new(format!("time.{}", problem.0), problem.1).hint("remove one of them"))
}

fn clock(spec: &TimeSpec, scope: &mut Scope<'_>) -> Result<Clock, SpecError> {
    let mut formats = Vec::new();
    for format in &spec.format.0 {
        let compiled = TimeFormat::compile(format, spec.at == Some(At::End));
        formats.push(compiled.map_err(|(message, hint)| SpecError::new("time.format", message).hint(hint))?);
    }
    if formats.is_empty() {
        return Err(SpecError::new("time.format", "no format says how times are written")
            .hint("write for example `format: rfc3339`"));
    }
    let zone = spec.zone.as_ref().map(|zone| self::zone(&zone.0, scope)).transpose()?;
    if let (Some(format), None) = (formats.iter().find(|format| format.needs_zone()), &zone) {
        return Err(SpecError::new("time.zone", format!("times like `{}` name no zone", format.written()))
            .hint("write the zone that the times are in, such as `zone: UTC`"));
    }
    if let (Some(_), None) = (spec.ambiguous, &zone) {
        return Err(SpecError::new("time.ambiguous", "only times of a zone are ambiguous")
            .hint("write the `zone`, or remove `ambiguous`"));
    }
    Ok(Clock { formats, zone, ambiguous: spec.ambiguous })
}

fn zone(spec: &ZoneSpec, scope: &mut Scope<'_>) -> Result<ZoneOf, SpecError> {
    match (&spec.name, &spec.field) {
        (Some(name), None) => Zone::parse(name)
            .map(ZoneOf::Always)
            .ok_or_else(|| SpecError::new("time.zone", format!("there is no time zone `{name}`")).hint(ZONE_HINT)),
        (None, Some(field)) => {
            let field = TextExpression::compile(field, scope);
            let field = field.map_err(|message| SpecError::new("time.zone.field", message))?;
            let named = |(from, to): (&String, &Scalar)| {
                let zone = Zone::parse(&to.0).ok_or_else(|| {
                    SpecError::new(format!("time.zone.map.{from}"), format!("there is no time zone `{}`", to.0))
                        .hint(ZONE_HINT)
                })?;
                Ok((from.clone(), zone))
            };
            Ok(ZoneOf::Record(field, spec.map.iter().map(named).collect::<Result<_, SpecError>>()?))
        }
        _ => Err(SpecError::new("time.zone", "a zone is a name, or a `field` that names it").hint(ZONE_HINT)),
    }
}

fn length(spec: &LengthSpec, scope: &mut Scope<'_>) -> Result<Length, SpecError> {
    let wrong = |field: &str, message: String| {
        SpecError::new(format!("time.length{field}"), message)
            .hint("write for example `length: 30m`, or `length: {field: minutes, unit: min}`")
    };
    match (&spec.always, &spec.field) {
        (Some(text), None) => {
            let seconds = duration(text).map_err(|message| wrong("", message))?;
            super::nanoseconds(&seconds).map_err(|message| wrong("", message))?;
            Ok(Length::Always(seconds))
        }
        (None, Some(field)) => {
            let field = TextExpression::compile(field, scope).map_err(|message| wrong(".field", message))?;
            let unit = spec.unit.as_ref().map(|unit| seconds(unit).map_err(|message| wrong(".unit", message)));
            Ok(Length::Field(field, unit.transpose()?))
        }
        _ => Err(wrong("", "a length is a duration, or a `field` with its `unit`".to_owned())),
    }
}

/// The seconds of a unit of time.
fn seconds(unit: &str) -> Result<metering::exact::Exact, String> {
    let second = Unit::parse("s")?;
    Unit::parse(unit)?.in_terms_of(&second).ok_or_else(|| format!("`{unit}` is no unit of time"))
}
