//! `usage` and `each`.

use std::collections::BTreeMap;
use std::sync::Arc;

use metering::stream::{Aggregation, Kind, Stream};

use super::{Problems, conditions, deployment, keep, label};
use crate::column::{Bound, Slots, Stretch};
use crate::error::SpecError;
use crate::field::Scope;
use crate::label::Label;
use crate::lex::{Grammar, Segment, Token, tokens};
use crate::moment::When;
use crate::numeral::Numerals;
use crate::quantity::{Quantity, Reads};
use crate::source::{Each, Fan, Leads, Usage};
use crate::spec::{SourceSpec, UnitSpec, UsageSpec};
use crate::unit::Spellings;

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
        scope.each = keep(each(spec, Some((i, usage)), scope), problems).flatten();
        let parts = keep(parts(spec, i, usage, scope), problems).flatten();
        let mut found = Problems::new();
        let deployment = keep(deployment(&spec.deployment, scope), &mut found);
        let when = keep(When::compile(&spec.time, scope), &mut found);
        // What is wrong for all of them is said once.
        found.retain(|problem| !problems.contains(problem));
        problems.extend(found);
        let compiled = keep(self::usage(i, usage, spec, streams, when.as_ref(), scope), problems);
        let (Some(deployment), Some(when), Some(compiled)) = (deployment, when, compiled) else { continue };
        let written = (scope.each.as_ref().map(|each| &each.written), parts.as_ref().map(Quantity::written));
        let same = |fan: &&mut Fan| {
            (fan.each.as_ref().map(|each| &each.written), fan.parts.as_ref().map(Quantity::written)) == written
        };
        match fans.iter_mut().find(same) {
            Some(fan) => fan.usages.push(compiled),
            None => fans.push(Fan { each: scope.each.clone(), parts, deployment, when, usages: vec![compiled] }),
        }
    }
    fans
}

/// Compiles the `each` of a usage, which may be the source's.
pub(super) fn each(
    spec: &SourceSpec,
    usage: Option<(usize, &UsageSpec)>,
    scope: &mut Scope<'_>,
) -> Result<Option<Each>, SpecError> {
    let own = usage.and_then(|(i, usage)| usage.each.as_ref().map(|each| (format!("usage[{i}].each"), each)));
    let Some((path, written)) = own.or_else(|| spec.each.as_ref().map(|each| ("each".to_owned(), each))) else {
        return Ok(None);
    };
    let way = match &mut scope.slots {
        Some(slots) if scope.numbered => columns(spec, written, slots),
        Some(_) => Err("lines of text have no parts".to_owned()),
        None if scope.dotted => Err("pairs of keys and values have no parts".to_owned()),
        None => steps(written).map(|steps| {
            scope.begins(&steps);
            Leads::Steps(steps)
        }),
    };
    let way = way.map_err(|message| {
        SpecError::new(path, message)
            .hint("write for example `zones.*` for a map's values, `items[*]` for a list, `$3..$50` for columns of CSV")
    })?;
    Ok(Some(Each { written: written.clone(), way }))
}

fn steps(written: &str) -> Result<Vec<Segment>, String> {
    match tokens(written, Grammar::Each)?.as_slice() {
        [Token::Field(reference)] if reference.segments.iter().any(is_wild) && !reference.from_root => {
            Ok(reference.segments.clone())
        }
        _ => Err(format!("`{written}` does not name parts of a record")),
    }
}

fn is_wild(segment: &Segment) -> bool {
    matches!(segment, Segment::EveryValue | Segment::EveryElement)
}

/// A stretch of columns: `$3..$50`, `$3..`, `Jan..Dec`, `usage_*`.
fn columns(spec: &SourceSpec, written: &str, slots: &mut Slots) -> Result<Leads, String> {
    let stretch = match written.split_once("..") {
        Some((from, "")) => Stretch::Between(bound(from)?, None),
        Some((from, to)) => Stretch::Between(bound(from)?, Some(bound(to)?)),
        None => match written.trim().split_once('*') {
            Some((begin, end)) if !end.contains('*') => Stretch::Named(begin.to_owned(), end.to_owned()),
            _ => return Err(format!("`{written}` does not name columns")),
        },
    };
    if let Stretch::Between(Bound::Number(from), Some(Bound::Number(to))) = &stretch {
        slots.highest = slots.highest.max(*to);
        if from > to {
            return Err(format!("`{written}` ends before it begins"));
        }
    }
    let csv = spec.csv.clone().unwrap_or_default();
    let named = !csv.columns.is_empty() || csv.header.is_none_or(|header| header.0 != "false");
    slots.stretches.push(stretch);
    Ok(Leads::Columns { stretch: slots.stretches.len() - 1, named })
}

fn bound(written: &str) -> Result<Bound, String> {
    let written = written.trim();
    let wrong = || format!("`{written}` is no column");
    match written.strip_prefix('$') {
        Some(number) => {
            number.parse().ok().filter(|number| *number > 0 && *number < 100_000).map(Bound::Number).ok_or_else(wrong)
        }
        None => match written.trim_matches('"') {
            "" => Err(wrong()),
            name => Ok(Bound::Name(name.to_owned())),
        },
    }
}

/// How many parts there have to be: that of the usage if it has an `each`, else the source's.
fn parts(spec: &SourceSpec, i: usize, usage: &UsageSpec, scope: &mut Scope<'_>) -> Result<Option<Quantity>, SpecError> {
    let own = (format!("usage[{i}].parts"), usage.parts.as_ref());
    let (path, written) =
        if usage.each.is_some() || own.1.is_some() { own } else { ("parts".to_owned(), spec.parts.as_ref()) };
    let Some(written) = written else { return Ok(None) };
    if scope.each.is_none() {
        return Err(SpecError::new(path, "`parts` counts what `each` leads to, and there is none"));
    }
    // It is counted before there is a part to look at.
    let each = scope.each.take();
    let compiled =
        Quantity::compile(&written.0, scope, reads(spec, None)?).map_err(|message| SpecError::new(path, message));
    scope.each = each;
    compiled.map(Some)
}

fn usage(
    i: usize,
    spec: &UsageSpec,
    source: &SourceSpec,
    streams: &BTreeMap<String, Stream>,
    when: Option<&When>,
    scope: &mut Scope<'_>,
) -> Result<Usage, SpecError> {
    let at = |field: &str| format!("usage[{i}].{field}");
    let stream = streams.get(&spec.stream).ok_or_else(|| {
        let problem = SpecError::new(at("stream"), format!("there is no stream `{}`", spec.stream));
        problem.hint_near(&spec.stream, streams.keys().map(String::as_str))
    })?;
    if when.is_some_and(When::is_span) {
        spreads(stream).map_err(|message| SpecError::new("time.until", message))?;
    }
    let reads = reads(source, when)?;
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

/// Whether usage of the stream may be spread over a time: parts of it must add up to the whole, and
/// how many parts there are must not matter.
fn spreads(stream: &Stream) -> Result<(), String> {
    let Stream { name, kind, day, month, .. } = stream;
    let adds = |rule: &Aggregation| matches!(rule, Aggregation::Sum | Aggregation::Peak);
    if *kind == Kind::Delta && adds(day) && adds(month) {
        return Ok(());
    }
    Err(format!(
        "usage is spread over a time only for streams of `kind: delta` that are added (`sum`) or whose largest quarter-hour counts (`peak`), which `{name}` is not"
    ))
}

/// How numbers, units and times are written.
pub(super) fn reads(source: &SourceSpec, when: Option<&When>) -> Result<Reads, SpecError> {
    let numerals = source.number.as_ref().map_or(Ok(Numerals::PLAIN), Numerals::compile);
    let numerals = numerals.map_err(|(field, message)| SpecError::new(format!("number.{field}"), message))?;
    let spellings = Spellings::compile(source.units.iter()).map_err(|(written, message)| {
        SpecError::new(format!("units.{written}"), message)
            .hint("write what it is in units such as KiB, s or `0.001 core`")
    })?;
    Ok(Reads { numerals, spellings, clock: when.map(|when| Arc::clone(when.clock())) })
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
        quantity = in_unit(quantity, &unit.0, &at("unit"), stream, scope)?;
    }
    if let Some(round) = &spec.round {
        quantity = quantity.rounded(&round.0, stream.scale).map_err(|message| SpecError::new(at("round"), message))?;
    }
    Ok(quantity)
}

fn in_unit(
    quantity: Quantity,
    unit: &UnitSpec,
    path: &str,
    stream: &Stream,
    scope: &mut Scope<'_>,
) -> Result<Quantity, SpecError> {
    let converted = match (&unit.name, &unit.field) {
        (Some(name), None) => quantity.in_unit(name, &stream.unit),
        (None, Some(field)) => quantity.in_unit_of(super::text(&format!("{path}.field"), field, scope)?, &stream.unit),
        _ => {
            let hint = "write `unit: GiB`, or `unit: {field: unit}`";
            Err(("a unit is a name, or a `field` that names it".to_owned(), hint.to_owned()))
        }
    };
    converted.map_err(|(message, hint)| SpecError::new(path, message).hint(hint))
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
