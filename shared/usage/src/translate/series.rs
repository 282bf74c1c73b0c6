//! The cells of one object while they fill.

use std::collections::BTreeMap;

use metering::mark::{About, spread};
use metering::state::{State, StateError};
use metering::stream::Kind;
use metering::tally::{Cells, Quarters, SeriesKey};
use metering::time::{Instant, Quarter};

use super::events::Event;
use crate::error::Unreadable;

/// So many of the latest series are found without a search.
const RECENT: usize = 4_096;

/// Series by number, so that a record names one without copying a text.
pub(crate) struct SeriesTable {
    /// By the texts of a record, written one after the other with their lengths.
    by_texts: BTreeMap<Vec<u8>, usize>,
    by_key: BTreeMap<SeriesKey, usize>,
    /// Some of `by_texts`, by a hash of the texts.
    recent: Vec<(Vec<u8>, usize)>,
    series: Vec<Series>,
    states: Vec<State>,
    filled: usize,
    limit: usize,
}

/// A series, and which states are those of its quarter-hours.
struct Series {
    key: SeriesKey,
    quarters: BTreeMap<Quarter, usize>,
    /// The latest of them: events come in runs.
    last: Option<(Quarter, usize)>,
}

impl SeriesTable {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            by_texts: BTreeMap::new(),
            by_key: BTreeMap::new(),
            recent: Vec::new(),
            series: Vec::new(),
            states: Vec::new(),
            filled: 0,
            limit,
        }
    }

    /// The number of a series; `key` makes its key when the texts are new.
    pub(super) fn number(&mut self, texts: &[u8], key: impl FnOnce() -> SeriesKey) -> usize {
        let place = hash(texts) % RECENT;
        if let Some((known, number)) = self.recent.get(place)
            && known == texts
        {
            return *number;
        }
        let number = match self.by_texts.get(texts) {
            Some(number) => *number,
            None => self.insert(texts, key()),
        };
        if self.recent.is_empty() {
            self.recent.resize(RECENT, (Vec::new(), 0));
        }
        if let Some((known, of)) = self.recent.get_mut(place) {
            known.clear();
            known.extend_from_slice(texts);
            *of = number;
        }
        number
    }

    /// Two usages of a mapping may name the same series in different texts.
    fn insert(&mut self, texts: &[u8], key: SeriesKey) -> usize {
        let number = match self.by_key.get(&key) {
            Some(number) => *number,
            None => {
                self.series.push(Series { key: key.clone(), quarters: BTreeMap::new(), last: None });
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
    #[inline]
    pub(super) fn add(&mut self, event: &Event) -> Result<(), Unreadable> {
        let Event { series, kind, at, until, value, .. } = *event;
        match until {
            None => self.put(series, kind, at, value),
            Some(_) => spread(at, until, value, |at, value| self.put(series, kind, at, value)),
        }
    }

    /// Adds an event to other cells than those of the table.
    ///
    /// # Errors
    /// [`Unreadable`] when a cell overflows.
    pub(super) fn add_to(&self, cells: &mut Cells, event: &Event) -> Result<(), Unreadable> {
        let Some(Series { key, .. }) = self.series.get(event.series) else { return Ok(()) };
        spread(event.at, event.until, event.value, |at, value| cells.record(key, event.kind, at, value))
            .map_err(|error| overflow(key, &error))
    }

    #[inline]
    fn put(&mut self, number: usize, kind: Kind, at: Instant, value: i128) -> Result<(), Unreadable> {
        let Some(series) = self.series.get_mut(number) else { return Ok(()) };
        let quarter = Quarter::of(at);
        let known = series.last.filter(|(last, _)| *last == quarter).and_then(|(_, state)| self.states.get_mut(state));
        let Some(state) = known else { return self.put_elsewhere(number, kind, at, value) };
        state.push(at, value).map_err(|error| overflow(&series.key, &error))?;
        if grows(kind) { self.fill() } else { Ok(()) }
    }

    /// Adds to another cell than the latest of its series.
    fn put_elsewhere(&mut self, number: usize, kind: Kind, at: Instant, value: i128) -> Result<(), Unreadable> {
        let Some(series) = self.series.get_mut(number) else { return Ok(()) };
        let quarter = Quarter::of(at);
        let state = *series.quarters.entry(quarter).or_insert(self.states.len());
        series.last = Some((quarter, state));
        let Some(state) = self.states.get_mut(state) else {
            self.states.push(State::sample(kind, at, value));
            return self.fill();
        };
        state.push(at, value).map_err(|error| overflow(&series.key, &error))?;
        if grows(kind) { self.fill() } else { Ok(()) }
    }

    /// There is one cell more, or one sample of a cell that holds all of them.
    fn fill(&mut self) -> Result<(), Unreadable> {
        self.filled += 1;
        if self.filled <= self.limit {
            return Ok(());
        }
        Err(Unreadable::new(format!(
            "the object fills more than {} cells (deployment, stream, series, dimensions, quarter-hour); a series or a dimension is probably a value that never repeats, such as an id of a request",
            self.limit
        )))
    }

    /// What a series is about.
    pub(super) fn key(&self, number: usize) -> SeriesKey {
        self.series.get(number).map_or_else(SeriesKey::default, |series| series.key.clone())
    }

    /// What the events of a series are about.
    pub(crate) fn about(&self, number: usize, kind: Kind) -> About {
        About { key: self.key(number), kind }
    }

    /// All cells that something was added to.
    pub(super) fn into_cells(self) -> Cells {
        let mut states: Vec<Option<State>> = self.states.into_iter().map(Some).collect();
        let mut quarters = |quarters: BTreeMap<Quarter, usize>| {
            let take = |(quarter, state): (Quarter, usize)| Some((quarter, states.get_mut(state)?.take()?));
            quarters.into_iter().filter_map(take).collect::<Quarters>()
        };
        let filled = self.series.into_iter().filter(|series| !series.quarters.is_empty());
        Cells(filled.map(|series| (series.key, quarters(series.quarters))).collect())
    }
}

/// Any texts have some place; which one decides only how long it takes to find them.
fn hash(texts: &[u8]) -> usize {
    const ODD: u64 = 0x517c_c1b7_2722_0a95;
    let (words, rest) = texts.as_chunks::<8>();
    let last = rest.iter().fold(0, |word, byte| (word << 8) | u64::from(*byte));
    let hash =
        words.iter().fold(last, |hash, word| (hash.rotate_left(5) ^ u64::from_le_bytes(*word)).wrapping_mul(ODD));
    usize::try_from(hash >> 40).unwrap_or(0)
}

/// Whether a cell holds all samples.
fn grows(kind: Kind) -> bool {
    matches!(kind, Kind::Cumulative | Kind::Change)
}

#[cold]
fn overflow(key: &SeriesKey, error: &StateError) -> Unreadable {
    Unreadable::new(format!(
        "the usage of stream `{}` in deployment `{}` cannot be added up: {error}",
        key.stream, key.deployment
    ))
}
