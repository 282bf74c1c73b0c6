//! From a supposed usage to the cells that files would have made of it.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use chrono_tz::Tz;
use metering::period::{Period, start_of_day};
use metering::state::State;
use metering::stream::{Aggregation, Kind, Stream};
use metering::tally::{Cells, SeriesKey};
use metering::time::{Instant, Quarter, Span};

use crate::compile::hint_near;
use crate::example::spec::{Given, GivenUsage};
use crate::example::{Scenario, quantity};
use crate::rate::Term;
use crate::spec::SpecError;

/// The deployment of usage that names none.
pub(super) const DEPLOYMENT: &str = "example";

/// What a month of single events may have at most.
const MOST_EVENTS: i128 = 100_000;

/// Quantities of one example, at most.
const MOST_USAGES: usize = 1_000;

pub(super) fn build(given: &Given, streams: &BTreeMap<String, Stream>, zone: Tz) -> Result<Scenario, Vec<SpecError>> {
    let (period, term, window) = held(given, zone).map_err(|problem| vec![problem])?;
    let mut making = Making { zone, period: &period, window, cells: Cells::default() };
    let mut problems = Vec::new();
    if given.usage.len() > MOST_USAGES {
        problems.push(SpecError::new("usage", format!("more than {MOST_USAGES} quantities")));
    }
    for (path, stream, used) in given.usage.iter().take(MOST_USAGES) {
        let made = match streams.get(stream) {
            Some(stream) => making.used(stream, used, path),
            None => Err(unknown(path, stream, streams)),
        };
        problems.extend(made.err());
    }
    let cells = making.cells;
    if problems.is_empty() {
        Ok(Scenario { period, term, attributes: given.attributes.clone(), cells })
    } else {
        Err(problems)
    }
}

fn unknown(path: &str, stream: &str, streams: &BTreeMap<String, Stream>) -> SpecError {
    let known: Vec<&str> = streams.keys().map(String::as_str).collect();
    let problem = SpecError::new(path, format!("there is no stream “{stream}”"));
    let problem = if known.is_empty() { problem } else { problem.hint(format!("streams: {}", known.join(", "))) };
    hint_near(problem, stream, streams.keys())
}

/// The month, and when the plan is held in it.
fn held(given: &Given, zone: Tz) -> Result<(Period, Term, Span), SpecError> {
    let period = Period::parse_month(&given.period, zone)
        .map_err(|error| SpecError::new("period", error.to_string()).hint("a month is written as 2026-02"))?;
    let from = given.from.map_or(NaiveDate::from_ymd_opt(2000, 1, 1).unwrap_or_default(), |day| day.0);
    let term = Term { from, until: given.until.map(|day| day.0) };
    let at = |path: &str, date| start_of_day(zone, date).map_err(|error| SpecError::new(path, error.to_string()));
    let whole = period.span().map_err(|error| SpecError::new("period", error.to_string()))?;
    let until = term.until.map_or(Ok(whole.until), |until| at("until", until))?;
    let window = whole.intersection(&Span { from: at("from", from)?, until }).ok_or_else(|| {
        let problem = SpecError::new("from", format!("the plan is not held in {}", given.period));
        problem.hint("`from` is the first day, `until` the first one that does not count any more")
    })?;
    Ok((period, term, window))
}

struct Making<'a> {
    zone: Tz,
    period: &'a Period,
    window: Span,
    cells: Cells,
}

impl Making<'_> {
    fn used(&mut self, stream: &Stream, used: &GivenUsage, path: &str) -> Result<(), SpecError> {
        let value = quantity::read(&used.quantity.0, stream, path)?;
        let span = self.span(used, path)?;
        let failed = |error: &dyn std::fmt::Display| SpecError::new(path, error.to_string());
        let mut key = SeriesKey {
            deployment: used.deployment.clone().unwrap_or_else(|| DEPLOYMENT.to_owned()),
            stream: stream.name.clone(),
            series: used.series.clone().unwrap_or_default(),
            dimensions: used.dimensions.clone(),
            scale: stream.scale,
        };
        let is_level = is_level(stream);
        if is_level && used.each.is_some() {
            let problem =
                SpecError::new(path, format!("“{}” is a level, which is held: `each` says nothing", stream.name));
            return Err(problem.hint("give the level with `from` and `until`, or `on`"));
        }
        let times = if is_level && stream.kind == Kind::Gauge {
            steps(span, stream.interval.quarters())
        } else {
            self.times(span, used).map_err(|error| failed(&error))?
        };
        self.free_series(&mut key, stream, &times, used, path)?;
        match stream.kind {
            Kind::Delta if stream.month == Aggregation::Count => self.events(&key, stream, &times, value, path),
            Kind::Delta | Kind::Gauge => self.record(&key, stream, times.iter().map(|at| (*at, value)), path),
            Kind::Cumulative => self.record(&key, stream, readings(&times, value, path)?.into_iter(), path),
            Kind::Change => {
                let end = (span.until < self.window.until).then(|| Some((span.until, value.checked_neg()?))).flatten();
                self.record(&key, stream, std::iter::once((span.from, value)).chain(end), path)
            }
        }
    }

    /// When a quantity is used.
    fn span(&self, used: &GivenUsage, path: &str) -> Result<Span, SpecError> {
        let read = |field: &str, moment: crate::example::Moment| {
            moment.span(self.zone).map_err(|message| SpecError::new(format!("{path}.{field}"), message))
        };
        let asked = match (used.on, used.from, used.until) {
            (Some(on), None, None) => read("on", on)?,
            (Some(_), ..) => {
                return Err(SpecError::new(format!("{path}.on"), "`on` stands in place of `from` and `until`"));
            }
            (None, from, until) => Span {
                from: from.map_or(Ok(self.window.from), |from| read("from", from).map(|span| span.from))?,
                until: until.map_or(Ok(self.window.until), |until| read("until", until).map(|span| span.from))?,
            },
        };
        self.window.intersection(&asked).filter(|within| *within == asked).ok_or_else(|| {
            let problem = SpecError::new(path, "this usage is not within the month, or not within the days held");
            problem.hint(format!("it has to begin and end in {}, and begin before it ends", self.period.label()))
        })
    }

    /// Once, or once in each bucket of the span.
    fn times(&self, span: Span, used: &GivenUsage) -> Result<Vec<Instant>, metering::period::PeriodError> {
        use metering::select::Bucket;
        Ok(match used.each {
            None => vec![span.from],
            Some(Bucket::QuarterHour) => steps(span, 1),
            Some(Bucket::Hour) => steps(span, 4),
            Some(Bucket::Day) => {
                let days = self.period.days()?;
                days.iter().filter_map(|day| Some(day.span.intersection(&span)?.from)).collect()
            }
        })
    }

    /// Events of one quarter-hour are of several series, so that a price can tell them apart; levels of
    /// one series must not overlap.
    fn free_series(
        &self,
        key: &mut SeriesKey,
        stream: &Stream,
        times: &[Instant],
        used: &GivenUsage,
        path: &str,
    ) -> Result<(), SpecError> {
        let named = key.series.clone();
        for number in 2..=MOST_USAGES.saturating_add(2) {
            let taken = self.cells.0.get(key);
            let free = taken.is_none_or(|taken| {
                stream.kind != Kind::Cumulative && times.iter().all(|at| !taken.contains_key(&Quarter::of(*at)))
            });
            if free {
                return Ok(());
            }
            if used.series.is_some() || stream.kind == Kind::Gauge {
                let whose = if named.is_empty() { "there is" } else { "the series has" };
                let problem =
                    SpecError::new(path, format!("{whose} a quantity of “{}” at that time already", stream.name));
                return Err(problem.hint("give each its own `series`, `deployment` or dimensions"));
            }
            key.series = number.to_string();
        }
        Err(SpecError::new(path, "too many quantities"))
    }

    fn record(
        &mut self,
        key: &SeriesKey,
        stream: &Stream,
        samples: impl Iterator<Item = (Instant, i128)>,
        path: &str,
    ) -> Result<(), SpecError> {
        for (at, value) in samples {
            let recorded = self.cells.record(key, stream.kind, at, value);
            recorded.map_err(|error| SpecError::new(path, error.to_string()))?;
        }
        Ok(())
    }

    /// As many events as the quantity says, of one unit each.
    fn events(
        &mut self,
        key: &SeriesKey,
        stream: &Stream,
        times: &[Instant],
        value: i128,
        path: &str,
    ) -> Result<(), SpecError> {
        let one = metering::exact::power_of_ten(stream.scale).unwrap_or(1);
        let count = value.checked_div(one).filter(|_| value.checked_rem(one) == Some(0));
        let most = MOST_EVENTS.checked_div(i128::try_from(times.len()).unwrap_or(1).max(1)).unwrap_or(0);
        let Some(count) = count.filter(|count| (0..=most).contains(count)) else {
            let message =
                format!("“{}” counts events: a whole number is meant, and at most {MOST_EVENTS} in all", stream.name);
            return Err(SpecError::new(path, message));
        };
        let quarters = self.cells.0.entry(key.clone()).or_default();
        for at in times.iter().filter(|_| count > 0) {
            let state = quarters.entry(Quarter::of(*at)).or_insert_with(|| State::sample(stream.kind, *at, one));
            for _ in 1..count {
                state.push(*at, one).map_err(|error| SpecError::new(path, error.to_string()))?;
            }
        }
        Ok(())
    }
}

fn is_level(stream: &Stream) -> bool {
    let held = matches!(stream.month, Aggregation::Average | Aggregation::Peak);
    stream.kind == Kind::Change || (stream.kind == Kind::Gauge && held)
}

/// The start of the span and every so many quarter-hours after it.
fn steps(span: Span, quarters: i64) -> Vec<Instant> {
    let (mut at, mut times) = (Quarter::from(span.from), Vec::new());
    // A month has 3,000 quarter-hours at most.
    while at.start() < span.until {
        times.push(at.start());
        at = Quarter(at.0.saturating_add(quarters.max(1)));
    }
    times
}

/// A counter that stands at nought before the first of the times, and grows at each of them.
fn readings(times: &[Instant], value: i128, path: &str) -> Result<Vec<(Instant, i128)>, SpecError> {
    let before = times.first().map(|first| (Quarter(Quarter::of(*first).0.saturating_sub(1)).start(), 0));
    let mut readings: Vec<(Instant, i128)> = before.into_iter().collect();
    let mut counter = 0_i128;
    for at in times {
        counter = counter.checked_add(value).ok_or_else(|| SpecError::new(path, "the counter overflows"))?;
        readings.push((*at, counter));
    }
    Ok(readings)
}
