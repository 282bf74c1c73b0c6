//! What is added up: amounts, and what counters grew by.

use std::ops::Range;

use super::part::{ByDay, Part};
use super::{MeasureError, SeriesUsage};
use crate::period::Day;
use crate::state::{Sample, State, Summary};
use crate::stream::{COUNTER_LOOKBACK, Stream};
use crate::tally::Quarters;
use crate::time::Quarter;

/// The quarters of some days, and so many before: a year may be at hand where a month is measured.
fn quarters_of(days: &[Day], before: i64) -> Range<Quarter> {
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return Quarter(0)..Quarter(0) };
    Quarter(Quarter::of(first.span.from).0.saturating_sub(before))..Quarter::from(last.span.until)
}

pub(super) fn sum_deltas(stream: &Stream, days: &[Day], series: &[SeriesUsage<'_>]) -> Result<Vec<Part>, MeasureError> {
    let mut by_day = ByDay::new(days);
    for usage in series {
        for (quarter, state) in usage.quarters.range(quarters_of(days, 0)) {
            if usage.is_owned(*quarter)
                && let Some(summary) = state.summary()?
            {
                by_day.add(*quarter, &summary)?;
            }
        }
    }
    by_day.parts(stream.scale)
}

pub(super) fn sum_increases(
    stream: &Stream,
    days: &[Day],
    series: &[SeriesUsage<'_>],
) -> Result<Vec<Part>, MeasureError> {
    let mut by_day = ByDay::new(days);
    for usage in series {
        for increase in increases_of(usage.quarters.range(quarters_of(days, COUNTER_LOOKBACK)).map(|(_, state)| state))
        {
            let quarter = Quarter::of(increase.at);
            if usage.is_owned(quarter) {
                by_day.add(quarter, &Summary::of(increase))?;
            }
        }
    }
    by_day.parts(stream.scale)
}

/// What a counter grew by from each reading to the next, at the time of the later one. The first
/// reading says nothing about usage, nor does the first after a silence of more than
/// [`COUNTER_LOOKBACK`]; after a fall the counter began anew from zero.
pub fn increases(quarters: &Quarters) -> impl Iterator<Item = Sample> + '_ {
    increases_of(quarters.values())
}

fn increases_of<'a>(states: impl Iterator<Item = &'a State>) -> impl Iterator<Item = Sample> {
    let readings = states.flat_map(|state| match state {
        State::Counter(samples) => samples.as_slice(),
        State::Delta(_) | State::Gauge(..) | State::Change(_) => &[],
    });
    let mut before: Option<Sample> = None;
    readings.filter_map(move |reading| {
        let previous = before.replace(*reading).filter(|previous| !silent(previous, reading))?;
        let grown = reading.value.checked_sub(previous.value).filter(|grown| *grown >= 0);
        Some(Sample { at: reading.at, value: grown.unwrap_or(reading.value) })
    })
}

/// Whether so much time passed between two readings that the later one is a first one: what a month comes to must
/// not depend on how much of the time before it was read.
fn silent(previous: &Sample, reading: &Sample) -> bool {
    let lookback = Quarter(COUNTER_LOOKBACK).start().0;
    reading.at.0.saturating_sub(previous.at.0) > lookback
}
