//! `usage` and `each`.

use std::collections::BTreeMap;

use metering::stream::Stream;

use super::{Problems, conditions, keep, label};
use crate::error::SpecError;
use crate::field::Scope;
use crate::label::Label;
use crate::lex::{Grammar, Segment, Token, tokens};
use crate::numeral::Numerals;
use crate::quantity::{Quantity, Reads};
use crate::source::{Each, Fan, Usage};
use crate::spec::{SourceSpec, UsageSpec};
use crate::unit::Spellings;

/// Whether the parts that `each` names stand under keys.
pub(super) fn is_keyed(each: Option<&str>) -> bool {
    each.is_some_and(|each| each.trim_end().ends_with('*'))
}

/// Compiles all usages, together where they look at the same parts of a record.
pub(super) fn compile(
    spec: &SourceSpec,
    streams: &BTreeMap<String, Stream>,
    scope: &mut Scope<'_>,
    problems: &mut Problems,
) -> Vec<Fan> {
    let mut fans: Vec<Fan> = Vec::new();
    if spec.usage.is_empty() {
        problems.push(
            SpecError::new("usage", "a source without `usage` says nothing")
                .hint("list at least one stream and its quantity"),
        );
    }
    for (i, usage) in spec.usage.iter().enumerate() {
        let path = if usage.each.is_some() { format!("usage[{i}].each") } else { "each".to_owned() };
        let written = usage.each.as_deref().or(spec.each.as_deref());
        let each = keep(written.map(|each| self::each(&path, each, scope)).transpose(), problems).flatten();
        scope.keyed = is_keyed(written);
        let Some(compiled) = keep(self::usage(i, usage, spec, streams, scope), problems) else { continue };
        match fans.iter_mut().find(|fan| fan.each == each) {
            Some(fan) => fan.usages.push(compiled),
            None => fans.push(Fan { each, usages: vec![compiled] }),
        }
    }
    fans
}

fn each(path: &str, written: &str, scope: &Scope<'_>) -> Result<Each, SpecError> {
    let wrong = |message: String| {
        SpecError::new(path, message).hint("write for example `zones.*` for a map's values or `items[*]` for a list")
    };
    if scope.slots.is_some() {
        return Err(wrong("only records of JSON have parts".to_owned()));
    }
    match tokens(written, Grammar::Each).map_err(wrong)?.as_slice() {
        [Token::Field(reference)] if reference.segments.iter().any(is_wild) && !reference.from_root => {
            Ok(Each { written: written.to_owned(), steps: reference.segments.clone() })
        }
        _ => Err(wrong(format!("`{written}` does not name parts of a record"))),
    }
}

fn is_wild(segment: &Segment) -> bool {
    matches!(segment, Segment::EveryValue | Segment::EveryElement)
}

fn usage(
    i: usize,
    spec: &UsageSpec,
    source: &SourceSpec,
    streams: &BTreeMap<String, Stream>,
    scope: &mut Scope<'_>,
) -> Result<Usage, SpecError> {
    let at = |field: &str| format!("usage[{i}].{field}");
    let stream = streams.get(&spec.stream).ok_or_else(|| {
        let problem = SpecError::new(at("stream"), format!("there is no stream `{}`", spec.stream));
        problem.hint_near(&spec.stream, streams.keys().map(String::as_str))
    })?;
    let reads = reads(source)?;
    let numerals = reads.numerals;
    let quantity = self::quantity(i, spec, stream, reads, scope)?;
    let mut checks = conditions::compile("where", &source.conditions.0, numerals, scope)?;
    checks.extend(conditions::compile(&at("where"), &spec.conditions.0, numerals, scope)?);
    let absent = source.absent.iter().chain(&spec.absent).map(|text| text.0.clone()).collect();
    Ok(Usage {
        stream: stream.name.clone(),
        kind: stream.kind,
        scale: stream.scale,
        negative: stream.negative,
        quantity,
        series: series(&at("series"), spec, scope)?,
        dimensions: dimensions(&at("dimensions"), spec, scope)?,
        conditions: checks,
        absent,
        optional: spec.optional,
        id: event_id(source, scope)?,
        nth: source.usage.iter().take(i).filter(|earlier| earlier.stream == spec.stream).count(),
    })
}

/// How numbers and units are written.
fn reads(source: &SourceSpec) -> Result<Reads, SpecError> {
    let numerals = source.number.as_ref().map_or(Ok(Numerals::PLAIN), Numerals::compile);
    let numerals = numerals.map_err(|(field, message)| SpecError::new(format!("number.{field}"), message))?;
    let spellings = Spellings::compile(source.units.iter()).map_err(|(written, message)| {
        SpecError::new(format!("units.{written}"), message)
            .hint("write what it is in units such as KiB, s or `0.001 core`")
    })?;
    Ok(Reads { numerals, spellings })
}

fn quantity(
    i: usize,
    spec: &UsageSpec,
    stream: &Stream,
    reads: Reads,
    scope: &mut Scope<'_>,
) -> Result<Quantity, SpecError> {
    let at = |field: &str| format!("usage[{i}].{field}");
    let mut quantity =
        Quantity::compile(&spec.quantity.0, scope, reads).map_err(|message| SpecError::new(at("quantity"), message))?;
    if let Some(unit) = &spec.unit {
        quantity = quantity
            .in_unit(unit, &stream.unit)
            .map_err(|(message, hint)| SpecError::new(at("unit"), message).hint(hint))?;
    }
    if let Some(round) = &spec.round {
        quantity = quantity.rounded(&round.0, stream.scale).map_err(|message| SpecError::new(at("round"), message))?;
    }
    Ok(quantity)
}

fn event_id(source: &SourceSpec, scope: &mut Scope<'_>) -> Result<Vec<Label>, SpecError> {
    source.event_id.0.iter().map(|field| label("event-id", &field.0, scope)).collect()
}

fn series(path: &str, spec: &UsageSpec, scope: &mut Scope<'_>) -> Result<Vec<Label>, SpecError> {
    spec.series.0.iter().map(|field| label(path, &field.0, scope)).collect()
}

fn dimensions(path: &str, spec: &UsageSpec, scope: &mut Scope<'_>) -> Result<Vec<(String, Label)>, SpecError> {
    let mut compiled = Vec::new();
    for (name, field) in &spec.dimensions {
        compiled.push((name.clone(), label(&format!("{path}.{name}"), &field.0, scope)?));
    }
    Ok(compiled)
}
