//! Tallies: what one file contributed, and the cells that tallies add up to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::state::{State, StateError};
use crate::stream::Kind;
use crate::time::{Instant, Quarter};

/// What a cell is about, but for its quarter-hour.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SeriesKey {
    /// The installation that used it.
    #[serde(rename = "d")]
    pub deployment: String,
    /// What was used.
    #[serde(rename = "s")]
    pub stream: String,
    /// The reporter within the deployment: a node, a volume. Empty where the source names none.
    #[serde(rename = "r", default, skip_serializing_if = "String::is_empty")]
    pub series: String,
    /// Further properties that a price may depend on.
    #[serde(rename = "x", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dimensions: BTreeMap<String, String>,
    /// Digits after the decimal point of its values: the stream's scale when they were counted,
    /// which may not be the scale of now.
    #[serde(rename = "p", default)]
    pub scale: u32,
}

/// The quarter-hours of one series.
pub type Quarters = BTreeMap<Quarter, State>;

/// Cells by series and quarter-hour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cells(pub BTreeMap<SeriesKey, Quarters>);

/// What became of the records of a file: `records = tallied + filtered + rejected + repeated`, always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Records read.
    pub records: u64,
    /// Those that gave at least one event.
    pub tallied: u64,
    /// Those that the mapping says do not count.
    pub filtered: u64,
    /// Those that could not be translated.
    pub rejected: u64,
    /// Those whose events all counted before, by the ids that their source declares.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repeated: u64,
    /// Usage events; a record may give several.
    pub events: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Counts {
    /// Whether no record is lost and none counted twice.
    pub fn balance(&self) -> bool {
        let kinds = [self.tallied, self.filtered, self.rejected, self.repeated];
        kinds.iter().try_fold(0_u64, |sum, kind| sum.checked_add(*kind)) == Some(self.records)
    }

    /// Both.
    ///
    /// # Errors
    /// [`TallyError::State`] on overflow.
    pub fn add(&self, other: &Self) -> Result<Self, TallyError> {
        let sum = |a: u64, b: u64| a.checked_add(b).ok_or(TallyError::State(StateError::Overflow));
        Ok(Self {
            records: sum(self.records, other.records)?,
            tallied: sum(self.tallied, other.tallied)?,
            filtered: sum(self.filtered, other.filtered)?,
            rejected: sum(self.rejected, other.rejected)?,
            repeated: sum(self.repeated, other.repeated)?,
            events: sum(self.events, other.events)?,
        })
    }
}

/// What one file contributed: a pure function of its bytes and the mapping.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// The usage.
    pub cells: Cells,
    /// The records.
    pub counts: Counts,
}

/// Why a tally cannot be merged or read.
#[derive(Debug, thiserror::Error)]
pub enum TallyError {
    /// Two states of one cell do not merge.
    #[error("{0}")]
    State(#[from] StateError),
    /// The text is no tally.
    #[error("a stored tally cannot be read: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The same series stands twice in a text.
    #[error("a stored tally names the same cell twice")]
    Repeated,
}

impl Cells {
    /// Adds one event.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn record(&mut self, key: &SeriesKey, kind: Kind, at: Instant, value: i128) -> Result<(), StateError> {
        let quarters = match self.0.get_mut(key) {
            Some(quarters) => quarters,
            None => self.0.entry(key.clone()).or_default(),
        };
        match quarters.get_mut(&Quarter::of(at)) {
            Some(state) => state.push(at, value),
            None => {
                quarters.insert(Quarter::of(at), State::sample(kind, at, value));
                Ok(())
            }
        }
    }

    /// Takes the other's cells in. Commutative and associative.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn merge(&mut self, other: &Self) -> Result<(), StateError> {
        for (key, theirs) in &other.0 {
            let Some(mine) = self.0.get_mut(key) else {
                self.0.insert(key.clone(), theirs.clone());
                continue;
            };
            for (quarter, state) in theirs {
                match mine.get_mut(quarter) {
                    Some(present) => present.merge(state)?,
                    None => {
                        mine.insert(*quarter, state.clone());
                    }
                }
            }
        }
        Ok(())
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.0.values().map(BTreeMap::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first and the last quarter-hour.
    pub fn extent(&self) -> Option<(Quarter, Quarter)> {
        let first = self.0.values().filter_map(|q| q.keys().next()).min()?;
        let last = self.0.values().filter_map(|q| q.keys().next_back()).max()?;
        Some((*first, *last))
    }
}

/// One series as it is written: quarter and state, in order.
#[derive(Serialize, Deserialize)]
struct WireSeries {
    #[serde(flatten)]
    key: SeriesKey,
    q: Vec<(i64, String)>,
}

impl Serialize for Cells {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(key, quarters)| WireSeries {
            key: key.clone(),
            q: quarters.iter().map(|(quarter, state)| (quarter.0, state.to_string())).collect(),
        }))
    }
}

impl<'de> Deserialize<'de> for Cells {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let mut cells = Self::default();
        for WireSeries { key, q } in Vec::<WireSeries>::deserialize(deserializer)? {
            let mut quarters = Quarters::new();
            for (quarter, state) in q {
                let state = state.parse().map_err(D::Error::custom)?;
                if quarters.insert(Quarter(quarter), state).is_some() {
                    return Err(D::Error::custom(TallyError::Repeated));
                }
            }
            if cells.0.insert(key, quarters).is_some() {
                return Err(D::Error::custom(TallyError::Repeated));
            }
        }
        Ok(cells)
    }
}

impl Tally {
    /// Adds one usage event to its cell.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn record(&mut self, key: &SeriesKey, kind: Kind, at: Instant, value: i128) -> Result<(), StateError> {
        self.cells.record(key, kind, at, value)
    }

    /// Takes the other's usage and counts in.
    ///
    /// # Errors
    /// [`TallyError`].
    pub fn merge(&mut self, other: &Self) -> Result<(), TallyError> {
        self.counts = self.counts.add(&other.counts)?;
        Ok(self.cells.merge(&other.cells)?)
    }

    /// The canonical text: equal tallies give equal bytes.
    ///
    /// # Errors
    /// [`TallyError::Malformed`] where JSON cannot be written.
    pub fn encode(&self) -> Result<String, TallyError> {
        Ok(serde_json::to_string(self)?)
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`TallyError`].
    pub fn decode(text: &str) -> Result<Self, TallyError> {
        Ok(serde_json::from_str(text)?)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    fn key(deployment: &str, series: &str) -> SeriesKey {
        SeriesKey {
            deployment: deployment.into(),
            stream: "storage".into(),
            series: series.into(),
            ..SeriesKey::default()
        }
    }

    #[test]
    fn equal_usage_gives_equal_bytes_in_any_order() {
        let events = [("a", "n1", 5, 10), ("b", "n1", 900_000, 3), ("a", "n2", 7, 1), ("a", "n1", 6, 20)];
        let fold = |order: &[usize]| {
            let mut tally = Tally::default();
            for i in order {
                let (deployment, series, at, value) = events[*i];
                tally.record(&key(deployment, series), Kind::Gauge, Instant(at), value).unwrap();
            }
            tally.encode().unwrap()
        };
        assert_eq!(fold(&[0, 1, 2, 3]), fold(&[3, 2, 1, 0]));
        assert_eq!(Tally::decode(&fold(&[0, 1, 2, 3])).unwrap().encode().unwrap(), fold(&[2, 0, 3, 1]));
    }

    #[test]
    fn merging_adds_cells_and_counts() {
        let mut left =
            Tally { counts: Counts { records: 2, tallied: 1, rejected: 1, ..Counts::default() }, ..Tally::default() };
        left.record(&key("a", ""), Kind::Delta, Instant(0), 2).unwrap();
        let mut right = Tally { counts: Counts { records: 1, filtered: 1, ..Counts::default() }, ..Tally::default() };
        right.record(&key("a", ""), Kind::Delta, Instant(1), 3).unwrap();
        left.merge(&right).unwrap();
        assert!(left.counts.balance());
        assert_eq!(left.counts.records, 3);
        let State::Delta(summary) = &left.cells.0[&key("a", "")][&Quarter(0)] else { unreachable!("a delta") };
        assert_eq!((summary.count, summary.sum), (2, 5));
    }

    #[test]
    fn a_repeated_cell_in_a_text_is_refused() {
        let text = r#"{"counts":{"records":0,"tallied":0,"filtered":0,"rejected":0,"events":0},"cells":[{"d":"a","s":"x","q":[[0,"d1,0"]]},{"d":"a","s":"x","q":[]}]}"#;
        assert!(Tally::decode(text).is_err());
    }
}
