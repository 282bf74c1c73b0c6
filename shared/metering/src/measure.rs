//! What was used in a period: from cells to a day's and a month's quantity.
//!
//! Gauges combine twice: first within each series, then across the series of one interval, and
//! only then over time. The peak of the sum is not the sum of the peaks.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::exact::{Exact, ExactError};
use crate::period::{Day, Period, PeriodError};
use crate::state::{Sample, State, StateError, Summary};
use crate::stream::{Across, Aggregation, COUNTER_LOOKBACK, Gap, Kind, Stream, Within};
use crate::tally::{Quarters, SeriesKey};
use crate::time::{Instant, Quarter, Span};

/// One series and when it belonged to the account that is measured.
#[derive(Clone, Copy, Debug)]
pub struct SeriesUsage<'a> {
    /// Which series.
    pub key: &'a SeriesKey,
    /// Its cells, also those of [`Stream::lookback_quarters`] before the period.
    pub quarters: &'a Quarters,
    /// When it counts for this account.
    pub owned: &'a [Span],
}

impl SeriesUsage<'_> {
    pub(crate) fn is_owned(&self, quarter: Quarter) -> bool {
        self.owned.iter().any(|span| span.contains(quarter.start()))
    }
}

/// The quantity of a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measurement {
    /// By the stream's rule for a month, over the whole period.
    pub total: Exact,
    /// By the stream's rule for a day, every day of the period in order.
    pub days: Vec<(NaiveDate, Exact)>,
    /// How many samples (gauges: intervals with a value) it rests on. Without any, the total is
    /// nought whatever the rule.
    pub samples: u64,
}

/// Why a period cannot be measured.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MeasureError {
    /// A quantity that does not fit.
    #[error("{0}")]
    Exact(#[from] ExactError),
    /// Cells that do not merge.
    #[error("{0}")]
    State(#[from] StateError),
    /// A period beyond the calendar.
    #[error("{0}")]
    Period(#[from] PeriodError),
    /// Events of a stream that has none.
    #[error("the stream “{0}” has no single events: only `kind: delta` counts them")]
    NoEvents(String),
    /// Events that were added before they could be told apart.
    #[error(
        "the stream “{stream}” has several events within one quarter-hour under the series “{series}”, and a price \
         needs each by itself: name the field that identifies an event in the source's `series`"
    )]
    Merged {
        /// The stream.
        stream: String,
        /// The series.
        series: String,
    },
}

/// Measures one stream over some series in a period. The order of the series does not matter.
///
/// # Errors
/// [`MeasureError`].
pub fn measure(stream: &Stream, period: &Period, series: &[SeriesUsage<'_>]) -> Result<Measurement, MeasureError> {
    measure_within(stream, period, period.span()?, series).map(|(measured, _)| measured)
}

/// The same where only a part of the period is looked at: outside of the window there are no gaps.
/// Also gives the largest quantity of any sample (gauges: of any interval).
pub(crate) fn measure_within(
    stream: &Stream,
    period: &Period,
    window: Span,
    series: &[SeriesUsage<'_>],
) -> Result<(Measurement, Exact), MeasureError> {
    let days = period.days()?;
    let parts = parts(stream, &days, window, series)?;
    let mut total = Part::default();
    parts.iter().try_for_each(|part| total.merge(part))?;
    let daily = days.iter().zip(&parts).map(|(day, part)| Ok((day.date, part.quantity(stream.day)?)));
    let days = daily.collect::<Result<_, MeasureError>>()?;
    Ok((
        Measurement { total: total.quantity(stream.month)?, days, samples: total.count },
        total.quantity(Aggregation::Peak)?,
    ))
}

/// The quantity of each of some spans that follow each other, by the stream's rule for a day.
pub(crate) fn measure_buckets(
    stream: &Stream,
    spans: &[Day],
    window: Span,
    series: &[SeriesUsage<'_>],
) -> Result<Vec<Exact>, MeasureError> {
    let parts = parts(stream, spans, window, series)?;
    Ok(parts.iter().map(|part| part.quantity(stream.day)).collect::<Result<_, _>>()?)
}

/// What the samples of each span amount to.
fn parts(stream: &Stream, days: &[Day], window: Span, series: &[SeriesUsage<'_>]) -> Result<Vec<Part>, MeasureError> {
    if series.iter().all(|usage| usage.key.scale == stream.scale) {
        return aligned_parts(stream, days, window, series);
    }
    // The stream's scale was changed since some of this was counted: the finest one holds all.
    let scale = series.iter().map(|usage| usage.key.scale).chain([stream.scale]).max().unwrap_or(stream.scale);
    let aligned = align(series, scale)?;
    let series: Vec<_> = aligned.iter().map(|(key, (quarters, owned))| SeriesUsage { key, quarters, owned }).collect();
    aligned_parts(&Stream { scale, ..stream.clone() }, days, window, &series)
}

/// Series by their key at one scale, with when they count.
type Aligned<'a> = BTreeMap<SeriesKey, (Quarters, &'a [Span])>;

/// The same usage with all values at one scale; what differed in its scale only is one series again.
fn align<'a>(series: &[SeriesUsage<'a>], scale: u32) -> Result<Aligned<'a>, MeasureError> {
    let mut aligned = Aligned::new();
    for usage in series {
        let digits = scale.saturating_sub(usage.key.scale);
        let key = SeriesKey { scale, ..usage.key.clone() };
        let (quarters, _) = aligned.entry(key).or_insert_with(|| (Quarters::new(), usage.owned));
        for (quarter, state) in usage.quarters {
            let state = state.with_digits(digits)?;
            match quarters.get_mut(quarter) {
                Some(present) => present.merge(&state)?,
                None => {
                    quarters.insert(*quarter, state);
                }
            }
        }
    }
    Ok(aligned)
}

fn aligned_parts(
    stream: &Stream,
    days: &[Day],
    window: Span,
    series: &[SeriesUsage<'_>],
) -> Result<Vec<Part>, MeasureError> {
    match stream.kind {
        Kind::Delta => sum_deltas(stream, days, series),
        Kind::Cumulative => sum_increases(stream, days, series),
        Kind::Gauge => levels(stream, days, window, series),
        Kind::Change => changed_levels(stream, days, window, series),
    }
}

/// What some samples amount to, as exact numbers.
#[derive(Clone, Debug, Default)]
struct Part {
    count: u64,
    sum: Option<Exact>,
    peak: Option<Exact>,
}

impl Part {
    fn of(summary: &Summary, scale: u32) -> Result<Self, ExactError> {
        Ok(Self {
            count: summary.count,
            sum: Some(Exact::decimal(summary.sum, scale)?),
            peak: Some(Exact::decimal(summary.peak.value, scale)?),
        })
    }

    fn push(&mut self, value: Exact) -> Result<(), MeasureError> {
        self.merge(&Self { count: 1, sum: Some(value), peak: Some(value) })
    }

    fn merge(&mut self, other: &Self) -> Result<(), MeasureError> {
        self.count = self.count.checked_add(other.count).ok_or(ExactError::TooLarge)?;
        self.sum = match (self.sum, other.sum) {
            (Some(a), Some(b)) => Some(a.add(&b)?),
            (a, b) => a.or(b),
        };
        self.peak = self.peak.max(other.peak);
        Ok(())
    }

    /// A level that stood for some time.
    fn stand(&mut self, level: i128, from: Instant, until: Instant, scale: u32) -> Result<(), MeasureError> {
        let Ok(length @ 1..) = u64::try_from(until.0.saturating_sub(from.0)) else { return Ok(()) };
        let stood = level.checked_mul(i128::from(length)).ok_or(ExactError::TooLarge)?;
        let (sum, peak) = (Exact::decimal(stood, scale)?, Exact::decimal(level, scale)?);
        self.merge(&Self { count: length, sum: Some(sum), peak: Some(peak) })
    }

    fn quantity(&self, rule: Aggregation) -> Result<Exact, ExactError> {
        let sum = self.sum.unwrap_or(Exact::ZERO);
        match rule {
            Aggregation::Sum => Ok(sum),
            Aggregation::Peak => Ok(self.peak.unwrap_or(Exact::ZERO)),
            Aggregation::Count => Ok(Exact::integer(i128::from(self.count))),
            Aggregation::Average if self.count == 0 => Ok(Exact::ZERO),
            Aggregation::Average => sum.div(&Exact::integer(i128::from(self.count))),
        }
    }
}

/// Adds samples day by day.
struct ByDay<'a> {
    days: &'a [Day],
    sums: Vec<Option<Summary>>,
}

impl<'a> ByDay<'a> {
    fn new(days: &'a [Day]) -> Self {
        Self { days, sums: vec![None; days.len()] }
    }

    /// Days follow each other, so the day of a quarter is the last that begins before it ends.
    fn add(&mut self, quarter: Quarter, summary: &Summary) -> Result<(), StateError> {
        let at = quarter.start();
        let place = self.days.partition_point(|day| day.span.until <= at);
        match (self.days.get(place), self.sums.get_mut(place)) {
            (Some(day), Some(sum)) if day.span.contains(at) => match sum {
                Some(sum) => sum.merge(summary),
                None => {
                    *sum = Some(*summary);
                    Ok(())
                }
            },
            _ => Ok(()),
        }
    }

    fn parts(&self, scale: u32) -> Result<Vec<Part>, MeasureError> {
        let part = |sum: &Option<Summary>| sum.as_ref().map_or(Ok(Part::default()), |sum| Part::of(sum, scale));
        Ok(self.sums.iter().map(part).collect::<Result<_, _>>()?)
    }
}

fn sum_deltas(stream: &Stream, days: &[Day], series: &[SeriesUsage<'_>]) -> Result<Vec<Part>, MeasureError> {
    let mut by_day = ByDay::new(days);
    for usage in series {
        for (quarter, state) in usage.quarters {
            if usage.is_owned(*quarter)
                && let Some(summary) = state.summary()?
            {
                by_day.add(*quarter, &summary)?;
            }
        }
    }
    by_day.parts(stream.scale)
}

fn sum_increases(stream: &Stream, days: &[Day], series: &[SeriesUsage<'_>]) -> Result<Vec<Part>, MeasureError> {
    let mut by_day = ByDay::new(days);
    for usage in series {
        for increase in increases(usage.quarters) {
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
    let readings = quarters.values().flat_map(|state| match state {
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

/// Changes: the level stands from each to the next. A part's count is its milliseconds and its sum
/// the level × those, so that an average is by time.
fn changed_levels(
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

/// Gauges: the value of every interval of every day.
fn levels(stream: &Stream, days: &[Day], window: Span, series: &[SeriesUsage<'_>]) -> Result<Vec<Part>, MeasureError> {
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;
    use crate::tally::Cells;
    use chrono_tz::Tz;

    const HOUR: i64 = 3_600_000;

    fn stream(rules: &str) -> Stream {
        serde_json::from_str(&format!(r#"{{"name":"s","title":"S","unit":"TB","scale":2,{rules}}}"#)).unwrap()
    }

    /// Two days of 1970-01 in UTC are enough.
    fn two_days() -> Period {
        Period { start: "1970-01-01".parse().unwrap(), end: "1970-01-03".parse().unwrap(), zone: Tz::UTC }
    }

    /// Samples `(series, at, value × 100)`; everything is owned.
    fn quantity(stream: &Stream, samples: &[(&str, i64, i128)]) -> (String, Vec<String>, u64) {
        let all = Span { from: Instant(i64::MIN), until: Instant(i64::MAX) };
        quantity_owned(stream, samples, &[all])
    }

    fn key(series: &str, scale: u32) -> SeriesKey {
        let (deployment, stream) = ("d".to_owned(), "s".to_owned());
        SeriesKey { deployment, stream, series: series.to_owned(), scale, ..SeriesKey::default() }
    }

    #[test]
    fn usage_counted_at_another_scale_keeps_its_value() {
        let all = [Span { from: Instant(i64::MIN), until: Instant(i64::MAX) }];
        let total = |kind: &str, rule: &str, early: (i64, i128), late: (i64, i128)| {
            let stream = stream(&format!(r#""kind":"{kind}","day":"{rule}","month":"{rule}""#));
            let mut cells = Cells::default();
            cells.record(&key("a", 2), stream.kind, Instant(early.0), early.1).unwrap();
            cells.record(&key("a", 3), stream.kind, Instant(late.0), late.1).unwrap();
            let usage: Vec<_> =
                cells.0.iter().map(|(key, quarters)| SeriesUsage { key, quarters, owned: &all }).collect();
            measure(&stream, &two_days(), &usage).unwrap().total.to_string()
        };
        // 4.00 at two digits and 4.000 at three.
        assert_eq!(total("delta", "sum", (0, 400), (1, 4000)), "8");
        assert_eq!(total("gauge", "peak", (0, 400), (1, 5000)), "5", "one series, not two nodes");
        assert_eq!(total("cumulative", "sum", (0, 400), (HOUR, 5500)), "1.5");
    }

    fn quantity_owned(stream: &Stream, samples: &[(&str, i64, i128)], owned: &[Span]) -> (String, Vec<String>, u64) {
        let mut cells = Cells::default();
        for (series, at, value) in samples {
            let key = key(series, stream.scale);
            cells.record(&key, stream.kind, Instant(*at), *value).unwrap();
        }
        let usage: Vec<_> = cells.0.iter().map(|(key, quarters)| SeriesUsage { key, quarters, owned }).collect();
        let measured = measure(stream, &two_days(), &usage).unwrap();
        let days = measured.days.iter().map(|(_, quantity)| quantity.to_string()).collect();
        (measured.total.to_string(), days, measured.samples)
    }

    #[test]
    fn deltas_are_added_averaged_counted_and_compared() {
        let samples = [("", 0, 100), ("", HOUR, 300), ("b", 25 * HOUR, 50), ("", -1, 9999), ("", 48 * HOUR, 9999)];
        for (rule, total, days) in [
            ("sum", "4.5", ["4", "0.5"]),
            ("average", "1.5", ["2", "0.5"]),
            ("peak", "3", ["3", "0.5"]),
            ("count", "3", ["2", "1"]),
        ] {
            let stream = stream(&format!(r#""kind":"delta","day":"{rule}","month":"{rule}""#));
            assert_eq!(quantity(&stream, &samples), (total.into(), days.map(String::from).to_vec(), 3), "{rule}");
        }
    }

    #[test]
    fn the_peak_of_the_sum_is_not_the_sum_of_the_peaks() {
        let samples = [("a", 0, 100), ("b", 0, 500), ("a", HOUR, 500), ("b", HOUR, 200)];
        let peak = stream(r#""kind":"gauge","day":"peak","month":"peak","interval":"1h""#);
        assert_eq!(quantity(&peak, &samples).0, "7");
        let largest = stream(r#""kind":"gauge","day":"peak","month":"peak","interval":"1h","across":"max""#);
        assert_eq!(quantity(&largest, &samples).0, "5");
    }

    #[test]
    fn samples_of_one_interval_combine_within_the_series_first() {
        // Node a reports twice in the hour, node b once: they are not three nodes.
        let samples = [("a", 0, 100), ("a", HOUR / 2, 300), ("b", HOUR / 4, 500)];
        for (within, expected) in [("last", "8"), ("average", "7"), ("max", "8")] {
            let stream = stream(&format!(
                r#""kind":"gauge","day":"average","month":"average","interval":"1h","within":"{within}""#
            ));
            assert_eq!(quantity(&stream, &samples).0, expected, "{within}");
        }
    }

    #[test]
    fn a_gap_is_ignored_zero_or_held_as_the_stream_says() {
        let samples = [("a", -HOUR, 100), ("a", HOUR, 400)]; // hour 0 has no sample, nor has any after hour 1
        let averaged = |gap: &str| {
            quantity(
                &stream(&format!(r#""kind":"gauge","day":"average","month":"average","interval":"1h",{gap}"#)),
                &samples,
            )
        };
        assert_eq!(averaged(r#""gap":"ignore""#), ("4".into(), vec!["4".into(), "0".into()], 1));
        assert_eq!(
            averaged(r#""gap":"zero""#),
            ("0.083333333333".into(), vec!["0.166666666667".into(), "0".into()], 48)
        );
        // 1 held at hour 0, 4 at hour 1, held at 2 and 3: 13 ÷ 4.
        assert_eq!(averaged(r#""gap":"hold","hold":"2h""#), ("3.25".into(), vec!["3.25".into(), "0".into()], 4));
    }

    #[test]
    fn a_counter_is_billed_by_its_increases_and_restarts_from_zero() {
        // 10 before the period, then 14 (+4), a restart at 3 (+3), 5 on the next day (+2).
        let samples = [("a", -HOUR, 1000), ("a", 2 * HOUR, 300), ("a", HOUR, 1400), ("a", 30 * HOUR, 500)];
        let stream = stream(r#""kind":"cumulative","day":"sum","month":"sum""#);
        assert_eq!(quantity(&stream, &samples), ("9".into(), vec!["7".into(), "2".into()], 3));
        assert_eq!(quantity(&stream, &samples[1..2]).2, 0, "one reading says nothing");
    }

    #[test]
    fn only_owned_quarters_count_and_an_increase_belongs_to_who_owns_its_end() {
        let owned = [Span { from: Instant(2 * HOUR), until: Instant(26 * HOUR) }];
        let samples = [("a", HOUR, 100), ("a", 2 * HOUR, 300), ("a", 25 * HOUR, 700), ("a", 26 * HOUR, 900)];
        let sum = stream(r#""kind":"delta","day":"sum","month":"sum""#);
        assert_eq!(quantity_owned(&sum, &samples, &owned).0, "10");
        let counter = stream(r#""kind":"cumulative","day":"sum","month":"sum""#);
        assert_eq!(quantity_owned(&counter, &samples, &owned).0, "6");
    }

    #[test]
    fn a_level_that_changes_is_averaged_by_time_over_the_whole_period() {
        // 2.00 after 6 hours, 3.00 after 12 by another reporter, none after 24; both at one instant count.
        let samples = [("a", 6 * HOUR, 150), ("a", 6 * HOUR, 50), ("b", 12 * HOUR, 100), ("a", 24 * HOUR, -300)];
        let of = |rule: &str| {
            quantity(
                &stream(&format!(r#""kind":"change","negative":"allow","day":"{rule}","month":"{rule}""#)),
                &samples,
            )
        };
        // 2 × 6 h and 3 × 12 h in a day of 24, and nothing in the other.
        assert_eq!(of("average").0, "1");
        assert_eq!(of("average").1, ["2", "0"]);
        assert_eq!((of("peak").0.as_str(), of("peak").1), ("3", vec!["3".to_owned(), "0".to_owned()]));
        assert_ne!(stream(r#""kind":"change","day":"sum","month":"sum""#).problems(), []);
    }

    #[test]
    fn nothing_measured_is_nought_by_every_rule() {
        for kind in ["delta", "gauge", "cumulative"] {
            for rule in ["sum", "average", "peak", "count"] {
                let stream = stream(&format!(r#""kind":"{kind}","day":"{rule}","month":"{rule}""#));
                assert_eq!(quantity(&stream, &[]), ("0".into(), vec!["0".into(), "0".into()], 0));
            }
        }
    }
}
