//! The cells of one object while they fill.

use std::collections::BTreeMap;

use metering::state::{State, StateError};
use metering::stream::Kind;
use metering::tally::{Cells, Quarters, SeriesKey};
use metering::time::{Instant, Quarter};

use super::events::Event;
use crate::error::Unreadable;

/// Series by number, so that a record names one without copying a text.
pub(super) struct SeriesTable {
    /// By the texts of a record, written one after the other with their lengths.
    by_texts: BTreeMap<Vec<u8>, usize>,
    by_key: BTreeMap<SeriesKey, usize>,
    series: Vec<(SeriesKey, Quarters)>,
    /// The latest of `by_texts`: records come in runs.
    last: (Vec<u8>, usize),
    filled: usize,
    limit: usize,
}

impl SeriesTable {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            by_texts: BTreeMap::new(),
            by_key: BTreeMap::new(),
            series: Vec::new(),
            last: (Vec::new(), usize::MAX),
            filled: 0,
            limit,
        }
    }

    /// The number of a series; `key` makes its key when the texts are new.
    pub(super) fn number(&mut self, texts: &[u8], key: impl FnOnce() -> SeriesKey) -> usize {
        if self.last.1 != usize::MAX && self.last.0 == texts {
            return self.last.1;
        }
        let number = match self.by_texts.get(texts) {
            Some(number) => *number,
            None => self.insert(texts, key()),
        };
        self.last.0.clear();
        self.last.0.extend_from_slice(texts);
        self.last.1 = number;
        number
    }

    /// Two usages of a mapping may name the same series in different texts.
    fn insert(&mut self, texts: &[u8], key: SeriesKey) -> usize {
        let number = match self.by_key.get(&key) {
            Some(number) => *number,
            None => {
                self.series.push((key.clone(), Quarters::new()));
                self.by_key.insert(key, self.series.len() - 1);
                self.series.len() - 1
            }
        };
        self.by_texts.insert(texts.to_owned(), number);
        number
    }

    /// Adds an event.
    ///
    /// # Errors
    /// [`Unreadable`] when the object fills more cells than are held, or a cell overflows.
    pub(super) fn add(&mut self, event: &Event) -> Result<(), Unreadable> {
        let Event { series, kind, at, value, .. } = *event;
        let Some(until) = event.until else { return self.put(series, kind, at, value) };
        // Each quarter-hour gets what has come up to its end, rounded down, less what came before: all
        // of them add up to the value, to the last digit.
        let span = i128::from(until.0.saturating_sub(at.0));
        let (mut from, mut before) = (at, 0);
        while from < until {
            let next = Quarter(Quarter::of(from).0.saturating_add(1)).start().min(until);
            let elapsed = i128::from(next.0.saturating_sub(at.0));
            let upto = value.saturating_mul(elapsed).checked_div_euclid(span).unwrap_or(value);
            self.put(series, kind, from, upto.saturating_sub(before))?;
            (from, before) = (next, upto);
        }
        Ok(())
    }

    fn put(&mut self, number: usize, kind: Kind, at: Instant, value: i128) -> Result<(), Unreadable> {
        let Some((key, quarters)) = self.series.get_mut(number) else { return Ok(()) };
        match quarters.get_mut(&Quarter::of(at)) {
            Some(state) => {
                self.filled += usize::from(kind == Kind::Cumulative);
                state.push(at, value).map_err(|error| overflow(key, &error))?;
            }
            None => {
                self.filled += 1;
                quarters.insert(Quarter::of(at), State::sample(kind, at, value));
            }
        }
        if self.filled <= self.limit {
            return Ok(());
        }
        Err(Unreadable::new(format!(
            "the object fills more than {} cells (deployment, stream, series, dimensions, quarter-hour); a series or a dimension is probably a value that never repeats, such as an id of a request",
            self.limit
        )))
    }

    /// All cells that something was added to.
    pub(super) fn into_cells(self) -> Cells {
        Cells(self.series.into_iter().filter(|(_, quarters)| !quarters.is_empty()).collect())
    }
}

fn overflow(key: &SeriesKey, error: &StateError) -> Unreadable {
    Unreadable::new(format!(
        "the usage of stream `{}` in deployment `{}` cannot be added up: {error}",
        key.stream, key.deployment
    ))
}
