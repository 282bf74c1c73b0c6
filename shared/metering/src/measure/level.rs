//! Gauges: levels as they were seen, interval by interval.

use std::collections::BTreeMap;

use super::part::Part;
use super::{MeasureError, SeriesUsage};
use crate::exact::{Exact, ExactError};
use crate::period::Day;
use crate::state::{Sample, State, StateError, Summary};
use crate::stream::{Across, Gap, Stream, Within};
use crate::time::{Instant, Quarter, Span};

/// Gauges: the value of every interval of every day.
pub(super) fn levels(
    stream: &Stream,
    days: &[Day],
    window: Span,
    series: &[SeriesUsage<'_>],
) -> Result<Vec<Part>, MeasureError> {
    let mut intervals: BTreeMap<IntervalIndex, Exact> = BTreeMap::new();
    for usage in series {
        for (interval, level) in series_levels(stream, days, usage)? {
            let combined = match intervals.get(&interval) {
                Some(present) => across(stream.across, present, &level)?,
                None => level,
            };
            intervals.insert(interval, combined);
        }
    }
    let mut parts = vec![Part::default(); days.len()];
    for (place, day) in days.iter().enumerate() {
        let Some(part) = parts.get_mut(place) else { continue };
        for index in 0..interval_count(stream, day) {
            match (intervals.get(&(place, index)), stream.gap) {
                (Some(level), _) => part.push(*level)?,
                (None, Gap::Zero) if window.contains(interval_start(stream, day, index)) => part.push(Exact::ZERO)?,
                (None, _) => {}
            }
        }
    }
    Ok(parts)
}

fn across(rule: Across, a: &Exact, b: &Exact) -> Result<Exact, ExactError> {
    match rule {
        Across::Sum => a.add(b),
        Across::Max => Ok(*a.max(b)),
    }
}

/// Intervals are counted from the day's start; a short last one counts too.
fn interval_count(stream: &Stream, day: &Day) -> i64 {
    let quarters = Quarter::from(day.span.until).0.saturating_sub(Quarter::from(day.span.from).0);
    let length = stream.interval.quarters();
    quarters.saturating_add(length.saturating_sub(1)).div_euclid(length)
}

fn interval_start(stream: &Stream, day: &Day, index: i64) -> Instant {
    let first = Quarter::from(day.span.from).0;
    Quarter(first.saturating_add(index.saturating_mul(stream.interval.quarters()))).start()
}

/// An interval: the place of its day in the period, and its place in the day.
type IntervalIndex = (usize, i64);

/// The value of one series in each interval: of its samples there, or held from earlier.
fn series_levels(
    stream: &Stream,
    days: &[Day],
    usage: &SeriesUsage<'_>,
) -> Result<Vec<(IntervalIndex, Exact)>, MeasureError> {
    let mut found = Vec::new();
    let mut held = before_first_day(stream, days, usage)?;
    for (place, day) in days.iter().enumerate() {
        let first = Quarter::from(day.span.from);
        let end = Quarter::from(day.span.until);
        for index in 0..interval_count(stream, day) {
            let from = Quarter(first.0.saturating_add(index.saturating_mul(stream.interval.quarters())));
            let until = Quarter(from.0.saturating_add(stream.interval.quarters())).min(end);
            let level = match level_within(stream, usage, from, until)? {
                Some((at, level)) => {
                    held = Some((at, level));
                    Some(level)
                }
                None => held_level(stream, usage, held, from),
            };
            found.extend(level.map(|level| ((place, index), level)));
        }
    }
    Ok(found)
}

fn before_first_day(
    stream: &Stream,
    days: &[Day],
    usage: &SeriesUsage<'_>,
) -> Result<Option<(Quarter, Exact)>, MeasureError> {
    let (Gap::Hold, Some(day)) = (stream.gap, days.first()) else { return Ok(None) };
    let first = Quarter::from(day.span.from);
    let earliest = Quarter(first.0.saturating_sub(stream.lookback_quarters()));
    level_within(stream, usage, earliest, first)
}

fn held_level(
    stream: &Stream,
    usage: &SeriesUsage<'_>,
    held: Option<(Quarter, Exact)>,
    interval: Quarter,
) -> Option<Exact> {
    let (at, level) = held?;
    let age = interval.0.saturating_sub(at.0);
    let stands = stream.gap == Gap::Hold && stream.hold.is_some_and(|hold| age <= hold.quarters());
    (stands && usage.is_owned(interval)).then_some(level)
}

/// The quarter of the last sample in `[from, until)` and the value of all samples there.
fn level_within(
    stream: &Stream,
    usage: &SeriesUsage<'_>,
    from: Quarter,
    until: Quarter,
) -> Result<Option<(Quarter, Exact)>, MeasureError> {
    let mut merged: Option<(Quarter, State)> = None;
    for (quarter, state) in usage.quarters.range(from..until).filter(|(quarter, _)| usage.is_owned(**quarter)) {
        match &mut merged {
            Some((last, merged)) => {
                *last = *quarter;
                merged.merge(state)?;
            }
            None => merged = Some((*quarter, state.clone())),
        }
    }
    match merged {
        Some((quarter, State::Gauge(summary, last))) => Ok(Some((quarter, level_of(stream, &summary, last)?))),
        Some(_) => Err(StateError::MixedKinds.into()),
        None => Ok(None),
    }
}

fn level_of(stream: &Stream, summary: &Summary, last: Sample) -> Result<Exact, ExactError> {
    match stream.within {
        Within::Last => Exact::decimal(last.value, stream.scale),
        Within::Max => Exact::decimal(summary.peak.value, stream.scale),
        Within::Average => Exact::decimal(summary.sum, stream.scale)?.div(&Exact::integer(i128::from(summary.count))),
    }
}
