//! Levels of which the changes are told.

use std::collections::BTreeMap;

use super::part::Part;
use super::{MeasureError, SeriesUsage};
use crate::exact::ExactError;
use crate::period::Day;
use crate::state::{State, StateError};
use crate::stream::Stream;
use crate::time::{Instant, Span};

/// Changes: the level stands from each to the next. A part's count is its milliseconds and its sum
/// the level × those, so that an average is by time.
pub(super) fn changed_levels(
    stream: &Stream,
    days: &[Day],
    window: Span,
    series: &[SeriesUsage<'_>],
) -> Result<Vec<Part>, MeasureError> {
    let changes = changes(days, window, series)?;
    if changes.is_empty() {
        return Ok(vec![Part::default(); days.len()]);
    }
    let mut level = 0_i128;
    let mut parts = Vec::with_capacity(days.len());
    for day in days {
        let (from, until) = (day.span.from.max(window.from), day.span.until.min(window.until));
        let mut part = Part::default();
        let mut at = from;
        if from < until {
            for (change, by) in changes.range(from..until) {
                part.stand(level, at, *change, stream.scale)?;
                level = level.checked_add(*by).ok_or(ExactError::TooLarge)?;
                at = *change;
            }
            part.stand(level, at, until, stream.scale)?;
        }
        parts.push(part);
    }
    Ok(parts)
}

/// By how much all series together changed at each instant.
fn changes(days: &[Day], window: Span, series: &[SeriesUsage<'_>]) -> Result<BTreeMap<Instant, i128>, MeasureError> {
    let within = |at: Instant| window.contains(at) && days.first().is_some_and(|first| at >= first.span.from);
    let mut found: BTreeMap<Instant, i128> = BTreeMap::new();
    for usage in series {
        for (_, state) in usage.quarters.iter().filter(|(quarter, _)| usage.is_owned(**quarter)) {
            let State::Change(samples) = state else { return Err(StateError::MixedKinds.into()) };
            for sample in samples.iter().filter(|sample| within(sample.at)) {
                let sum = found.entry(sample.at).or_insert(0);
                *sum = sum.checked_add(sample.value).ok_or(ExactError::TooLarge)?;
            }
        }
    }
    Ok(found)
}
