//! What was used, as rating asks for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use metering::exact::Exact;
use metering::measure::{MeasureError, Measurement, SeriesUsage};
use metering::period::Period;
use metering::select::{Bucket, By, Condition, Part, Query, Row, Selected, combinations, select};
use metering::stream::Stream;
use metering::time::Span;
use thiserror::Error;

/// The usage of one customer in one period, already cut to when the plan is held.
pub trait Usage: Debug {
    /// The parts of a stream that the query tells apart, in the order of their names.
    ///
    /// # Errors
    /// [`UsageError`].
    fn select(&self, stream: &str, query: &Query) -> Result<Vec<Selected>, UsageError>;

    /// The different values that the usage of a stream has in some dimensions.
    ///
    /// # Errors
    /// [`UsageError`].
    fn combinations(
        &self,
        stream: &str,
        only: &Condition,
        names: &BTreeSet<String>,
    ) -> Result<BTreeSet<BTreeMap<String, String>>, UsageError>;
}

/// Why usage cannot be told.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum UsageError {
    /// It cannot be measured.
    #[error(transparent)]
    Measure(#[from] MeasureError),
    /// The catalogue has no such stream.
    #[error("there is no stream “{0}”")]
    NoStream(String),
    /// Only totals are known, and the price needs more.
    #[error("only totals are known of the stream “{0}”, and the price needs its dimensions, hours or events")]
    TotalsOnly(String),
}

/// What was used of one stream in the period, in totals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamUsage {
    /// By the customer as a whole.
    pub total: Measurement,
    /// By each deployment that the customer had in the period, also those that used nothing.
    pub deployments: BTreeMap<String, Measurement>,
}

/// Totals by the name of the stream; one that is missing was not used.
impl Usage for BTreeMap<String, StreamUsage> {
    fn select(&self, stream: &str, query: &Query) -> Result<Vec<Selected>, UsageError> {
        let Some(used) = self.get(stream) else { return Ok(Vec::new()) };
        let told_apart = !matches!(query.by, By::Whole | By::Deployment);
        let finer = query.bucket.is_some_and(|bucket| bucket != Bucket::Day);
        if !query.is_plain() || told_apart || finer {
            return Err(UsageError::TotalsOnly(stream.to_owned()));
        }
        if query.by == By::Whole {
            return Ok(vec![totals(None, &used.total, query)]);
        }
        let each = used.deployments.iter();
        Ok(each.map(|(name, measured)| totals(Some(name.clone()), measured, query)).collect())
    }

    fn combinations(
        &self,
        stream: &str,
        only: &Condition,
        names: &BTreeSet<String>,
    ) -> Result<BTreeSet<BTreeMap<String, String>>, UsageError> {
        if only.0.is_empty() && names.is_empty() {
            Ok(BTreeSet::from([BTreeMap::new()]))
        } else {
            Err(UsageError::TotalsOnly(stream.to_owned()))
        }
    }
}

fn totals(deployment: Option<String>, measured: &Measurement, query: &Query) -> Selected {
    let (days, measured) = (&measured.days, measured.clone());
    let buckets: Vec<Exact> = days.iter().filter(|_| query.bucket.is_some()).map(|(_, quantity)| *quantity).collect();
    let peak = days.iter().map(|(_, quantity)| *quantity).max().unwrap_or(measured.total);
    let buckets_of_days = vec![1; buckets.len()];
    let part = Part { row: Row::At(0), deployment, name: None };
    Selected { part, peak, buckets, buckets_of_days, events: Vec::new(), measured }
}

/// Usage as it was counted.
#[derive(Debug)]
pub struct Metered<'a> {
    /// The period.
    pub period: &'a Period,
    /// When the plan is held in it.
    pub window: Span,
    /// The streams of the catalogue.
    pub streams: &'a BTreeMap<String, Stream>,
    /// The series of each stream, with when they belong to the customer.
    pub series: BTreeMap<&'a str, Vec<SeriesUsage<'a>>>,
    /// All that the customer has in the window, also those that used nothing.
    pub deployments: Vec<&'a str>,
}

impl Usage for Metered<'_> {
    fn select(&self, stream: &str, query: &Query) -> Result<Vec<Selected>, UsageError> {
        let rules = self.streams.get(stream).ok_or_else(|| UsageError::NoStream(stream.to_owned()))?;
        let series = self.series.get(stream).map_or(&[][..], Vec::as_slice);
        let mut selected = select(rules, self.period, self.window, series, query)?;
        if query.by == By::Deployment && query.rows.is_empty() && query.assigned.is_none() {
            self.add_unused(&mut selected)?;
        }
        Ok(selected)
    }

    fn combinations(
        &self,
        stream: &str,
        only: &Condition,
        names: &BTreeSet<String>,
    ) -> Result<BTreeSet<BTreeMap<String, String>>, UsageError> {
        Ok(combinations(self.series.get(stream).map_or(&[][..], Vec::as_slice), only, names))
    }
}

impl Metered<'_> {
    fn add_unused(&self, selected: &mut Vec<Selected>) -> Result<(), UsageError> {
        for deployment in &self.deployments {
            if !selected.iter().any(|part| part.part.deployment.as_deref() == Some(*deployment)) {
                let part = Part { row: Row::At(0), deployment: Some((*deployment).to_owned()), name: None };
                selected.push(self.unused(part)?);
            }
        }
        selected.sort_by(|a, b| a.part.cmp(&b.part));
        Ok(())
    }

    /// Nothing on each day.
    fn unused(&self, part: Part) -> Result<Selected, UsageError> {
        let days = self.period.days().map_err(MeasureError::from)?;
        let mut nothing = Selected::nothing(part);
        nothing.measured.days = days.iter().map(|day| (day.date, Exact::ZERO)).collect();
        Ok(nothing)
    }
}
