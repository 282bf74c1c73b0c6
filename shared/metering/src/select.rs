//! A part of a stream's usage, told apart as a price asks for it: by deployment, by reporter, by
//! dimensions, by hour or day, event by event.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::exact::Exact;
use crate::measure::{MeasureError, Measurement, SeriesUsage, measure_buckets, measure_within};
use crate::period::{Day, Period};
use crate::stream::{Kind, Stream};
use crate::tally::SeriesKey;
use crate::time::{Quarter, Span};

/// What usage has to be to be meant: for each dimension one of these values. Usage without the
/// dimension is not meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Condition(pub BTreeMap<String, BTreeSet<String>>);

impl Condition {
    /// Whether usage with these dimensions is meant.
    pub fn holds(&self, dimensions: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|(name, values)| dimensions.get(name).is_some_and(|value| values.contains(value)))
    }
}

/// Over what a quantity is measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// Everything together.
    #[default]
    Whole,
    /// Each deployment by itself.
    Deployment,
    /// Each reporter of each deployment by itself.
    Series,
    /// Each value of a dimension by itself; usage without it together.
    Dimension(String),
}

/// A part of a period that is measured by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Bucket {
    /// 15 minutes.
    QuarterHour,
    /// An hour, counted from the start of the local day.
    Hour,
    /// A local day.
    Day,
}

impl Bucket {
    fn quarters(self) -> Option<i64> {
        match self {
            Self::QuarterHour => Some(1),
            Self::Hour => Some(4),
            Self::Day => None,
        }
    }
}

/// What is asked of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Query {
    /// What counts at all.
    pub only: Condition,
    /// Usage is told apart by the first of these that holds; without any it is one.
    pub rows: Vec<Condition>,
    /// Instead of by `rows`: usage is told apart as somebody has decided.
    pub assigned: Option<Assigned>,
    /// Within each row.
    pub by: By,
    /// Whether each bucket's quantity is wanted, and of which length.
    pub bucket: Option<Bucket>,
    /// Whether each event's quantity is wanted.
    pub events: bool,
}

/// Which row usage falls into, by some of its dimensions and by when it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Assigned {
    /// The dimensions that decide.
    pub names: BTreeSet<String>,
    /// For each of their values that there is.
    pub rows: BTreeMap<BTreeMap<String, String>, Vec<Then>>,
}

/// A row, `None` where none is meant, and when it is; whatever the time where that is absent. Times of one entry do not
/// overlap.
pub type Then = (Option<usize>, Option<Vec<Span>>);

/// Those of the dimensions that have one of the names.
fn among(names: &BTreeSet<String>, dimensions: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let known = names.iter().filter_map(|name| dimensions.get_key_value(name));
    known.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The different values that the usage which counts has in some dimensions.
pub fn combinations(
    series: &[SeriesUsage<'_>],
    only: &Condition,
    names: &BTreeSet<String>,
) -> BTreeSet<BTreeMap<String, String>> {
    let counted = series.iter().filter(|usage| only.holds(&usage.key.dimensions));
    counted.map(|usage| among(names, &usage.key.dimensions)).collect()
}

/// What a selection is of.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// The row of the query.
    pub row: Row,
    /// By deployment and by series.
    pub deployment: Option<String>,
    /// The reporter, or the value of the dimension.
    pub name: Option<String>,
}

/// The row of a query that usage falls into.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Row {
    /// Its index; 0 for a query without rows.
    At(usize),
    /// None: the dimensions that the rows look at, as they are.
    None(BTreeMap<String, String>),
}

impl Default for Row {
    fn default() -> Self {
        Self::At(0)
    }
}

/// What was used of one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// Of what.
    pub part: Part,
    /// How much, by the stream's rules.
    pub measured: Measurement,
    /// The largest quantity of any sample (gauges: of any interval).
    pub peak: Exact,
    /// By the stream's rule for a day, each bucket of the period in order; none where not asked for.
    pub buckets: Vec<Exact>,
    /// How many buckets a day has, in order.
    pub buckets_of_days: Vec<usize>,
    /// Each event, the earliest first; none where not asked for.
    pub events: Vec<Exact>,
}

impl Selected {
    /// Nothing used.
    pub fn nothing(part: Part) -> Self {
        let measured = Measurement { total: Exact::ZERO, days: Vec::new(), samples: 0 };
        Self { part, measured, peak: Exact::ZERO, buckets: Vec::new(), buckets_of_days: Vec::new(), events: Vec::new() }
    }
}

/// Measures the parts of one stream that a query tells apart, in the order of their names.
///
/// Only what lies in `window` counts, which is a part of the period: where a plan is held for some
/// days, the others are no gap. Parts without any series are not among the answers, but for the whole.
///
/// # Errors
/// [`MeasureError`].
pub fn select(
    stream: &Stream,
    period: &Period,
    window: Span,
    series: &[SeriesUsage<'_>],
    query: &Query,
) -> Result<Vec<Selected>, MeasureError> {
    let mut parts: BTreeMap<Part, Vec<SeriesUsage<'_>>> = BTreeMap::new();
    let counted: Vec<&SeriesUsage<'_>> =
        series.iter().filter(|usage| query.only.holds(&usage.key.dimensions)).collect();
    let cut: Vec<(Part, &SeriesUsage<'_>, Vec<Span>)> = match &query.assigned {
        Some(assigned) => counted.iter().flat_map(|usage| query.cut(assigned, usage)).collect(),
        None => Vec::new(),
    };
    for (part, usage, owned) in &cut {
        parts.entry(part.clone()).or_default().push(SeriesUsage { owned, ..**usage });
    }
    for usage in counted.iter().filter(|_| query.assigned.is_none()) {
        parts.entry(query.part(usage.key)).or_default().push(**usage);
    }
    if query.is_whole() {
        parts.entry(Part::default()).or_default();
    }
    parts.into_iter().map(|(part, series)| selected(stream, period, window, part, &series, query)).collect()
}

impl Query {
    /// A query that asks for nothing but totals of everything.
    pub fn is_plain(&self) -> bool {
        self.only.0.is_empty() && self.rows.is_empty() && self.assigned.is_none() && !self.events
    }

    /// Whether there is one answer, also where nothing was used.
    pub fn is_whole(&self) -> bool {
        self.rows.is_empty() && self.assigned.is_none() && self.by == By::Whole
    }

    /// The rows into which the usage of a series falls, and when.
    fn cut<'u, 's>(
        &self,
        assigned: &Assigned,
        usage: &'u SeriesUsage<'s>,
    ) -> Vec<(Part, &'u SeriesUsage<'s>, Vec<Span>)> {
        let values = among(&assigned.names, &usage.key.dimensions);
        let row = |row: Option<usize>| row.map_or_else(|| Row::None(values.clone()), Row::At);
        let Some(rows) = assigned.rows.get(&values) else {
            return vec![(self.part_of(row(None), usage.key), usage, usage.owned.to_vec())];
        };
        let within = |spans: &Option<Vec<Span>>| match spans {
            None => usage.owned.to_vec(),
            Some(spans) => common(usage.owned, spans),
        };
        rows.iter().map(|(at, spans)| (self.part_of(row(*at), usage.key), usage, within(spans))).collect()
    }

    fn part(&self, key: &SeriesKey) -> Part {
        self.part_of(self.row(key), key)
    }

    fn part_of(&self, row: Row, key: &SeriesKey) -> Part {
        match &self.by {
            By::Whole => Part { row, deployment: None, name: None },
            By::Deployment => Part { row, deployment: Some(key.deployment.clone()), name: None },
            By::Series => Part { row, deployment: Some(key.deployment.clone()), name: Some(key.series.clone()) },
            By::Dimension(name) => {
                let value = key.dimensions.get(name).cloned().unwrap_or_default();
                Part { row, deployment: None, name: Some(value) }
            }
        }
    }

    fn row(&self, key: &SeriesKey) -> Row {
        if self.rows.is_empty() {
            return Row::At(0);
        }
        let found = self.rows.iter().position(|row| row.holds(&key.dimensions));
        found.map_or_else(|| Row::None(self.looked_at(key)), Row::At)
    }

    fn looked_at(&self, key: &SeriesKey) -> BTreeMap<String, String> {
        among(&self.rows.iter().flat_map(|row| row.0.keys().cloned()).collect(), &key.dimensions)
    }
}

/// What two lists of spans have in common.
fn common(owned: &[Span], spans: &[Span]) -> Vec<Span> {
    owned.iter().flat_map(|span| spans.iter().filter_map(|other| span.intersection(other))).collect()
}

fn selected(
    stream: &Stream,
    period: &Period,
    window: Span,
    part: Part,
    series: &[SeriesUsage<'_>],
    query: &Query,
) -> Result<Selected, MeasureError> {
    let (measured, peak) = measure_within(stream, period, window, series)?;
    let (spans, buckets_of_days) = buckets(period, query.bucket)?;
    let buckets = if spans.is_empty() { Vec::new() } else { measure_buckets(stream, &spans, window, series)? };
    let events = if query.events { events(stream, window, series)? } else { Vec::new() };
    Ok(Selected { part, measured, peak, buckets, buckets_of_days, events })
}

/// The buckets of a period in order, and how many each day has.
fn buckets(period: &Period, bucket: Option<Bucket>) -> Result<(Vec<Day>, Vec<usize>), MeasureError> {
    let Some(bucket) = bucket else { return Ok((Vec::new(), Vec::new())) };
    let (mut spans, mut of_days) = (Vec::new(), Vec::new());
    for day in period.days()? {
        let before = spans.len();
        spans.extend(cut(&day, bucket));
        of_days.push(spans.len().saturating_sub(before));
    }
    Ok((spans, of_days))
}

fn cut(day: &Day, bucket: Bucket) -> Vec<Day> {
    let Some(length) = bucket.quarters() else { return vec![*day] };
    let mut spans = Vec::new();
    let mut from = day.span.from;
    // A day has 100 quarters at most.
    while from < day.span.until {
        let next = Quarter::from(from).0.saturating_add(length);
        let until = Quarter(next).start().min(day.span.until);
        spans.push(Day { date: day.date, span: Span { from, until } });
        from = until;
    }
    spans
}

/// Every event by itself, by time and then by reporter.
fn events(stream: &Stream, window: Span, series: &[SeriesUsage<'_>]) -> Result<Vec<Exact>, MeasureError> {
    if stream.kind != Kind::Delta {
        return Err(MeasureError::NoEvents(stream.name.clone()));
    }
    let mut found = Vec::new();
    for usage in series {
        for (quarter, state) in usage.quarters {
            if !usage.is_owned(*quarter) || !window.contains(quarter.start()) {
                continue;
            }
            let Some(summary) = state.summary()? else { continue };
            if summary.count > 1 {
                let (stream, series) = (stream.name.clone(), usage.key.series.clone());
                return Err(MeasureError::Merged { stream, series });
            }
            found.push((summary.peak.at, usage.key, Exact::decimal(summary.sum, usage.key.scale)?));
        }
    }
    found.sort_by_key(|(at, key, _)| (*at, *key));
    Ok(found.into_iter().map(|(.., quantity)| quantity).collect())
}
