//! What was used in a period: from cells to a day's and a month's quantity.
//!
//! Gauges combine twice: first within each series, then across the series of one interval, and
//! only then over time. The peak of the sum is not the sum of the peaks.

mod change;
mod flow;
mod level;
mod part;

use std::collections::BTreeMap;

use chrono::NaiveDate;

use self::change::changed_levels;
pub use self::flow::increases;
use self::flow::{sum_deltas, sum_increases};
use self::level::levels;
use self::part::Part;
use crate::exact::{Exact, ExactError};
use crate::period::{Day, Period, PeriodError};
use crate::state::StateError;
use crate::stream::{Aggregation, Kind, Stream};
use crate::tally::{Quarters, SeriesKey};
use crate::time::{Quarter, Span};

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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests;
