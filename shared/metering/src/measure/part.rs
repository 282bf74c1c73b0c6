//! What samples amount to: of any time, and day by day.

use super::MeasureError;
use crate::exact::{Exact, ExactError};
use crate::period::Day;
use crate::state::{StateError, Summary};
use crate::stream::Aggregation;
use crate::time::{Instant, Quarter};

/// What some samples amount to, as exact numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    pub(super) count: u64,
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

    pub(super) fn push(&mut self, value: Exact) -> Result<(), MeasureError> {
        self.merge(&Self { count: 1, sum: Some(value), peak: Some(value) })
    }

    pub(super) fn merge(&mut self, other: &Self) -> Result<(), MeasureError> {
        self.count = self.count.checked_add(other.count).ok_or(ExactError::TooLarge)?;
        self.sum = match (self.sum, other.sum) {
            (Some(a), Some(b)) => Some(a.add(&b)?),
            (a, b) => a.or(b),
        };
        self.peak = self.peak.max(other.peak);
        Ok(())
    }

    /// A level that stood for some time.
    pub(super) fn stand(&mut self, level: i128, from: Instant, until: Instant, scale: u32) -> Result<(), MeasureError> {
        let Ok(length @ 1..) = u64::try_from(until.0.saturating_sub(from.0)) else { return Ok(()) };
        let stood = level.checked_mul(i128::from(length)).ok_or(ExactError::TooLarge)?;
        let (sum, peak) = (Exact::decimal(stood, scale)?, Exact::decimal(level, scale)?);
        self.merge(&Self { count: length, sum: Some(sum), peak: Some(peak) })
    }

    pub(super) fn quantity(&self, rule: Aggregation) -> Result<Exact, ExactError> {
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
pub(super) struct ByDay<'a> {
    days: &'a [Day],
    sums: Vec<Option<Summary>>,
}

impl<'a> ByDay<'a> {
    pub(super) fn new(days: &'a [Day]) -> Self {
        Self { days, sums: vec![None; days.len()] }
    }

    /// Days follow each other, so the day of a quarter is the last that begins before it ends.
    pub(super) fn add(&mut self, quarter: Quarter, summary: &Summary) -> Result<(), StateError> {
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

    pub(super) fn parts(&self, scale: u32) -> Result<Vec<Part>, MeasureError> {
        let part = |sum: &Option<Summary>| sum.as_ref().map_or(Ok(Part::default()), |sum| Part::of(sum, scale));
        Ok(self.sums.iter().map(part).collect::<Result<_, _>>()?)
    }
}
