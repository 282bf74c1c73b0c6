//! Rollups: what the tallies of a slot add up to, with the list of exactly what went in.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::tally::{Cells, Counts, Tally, TallyError};
use crate::time::{Instant, Quarter};

/// How tallies are grouped in the ledger: the literal prefix of a source and the hour in which
/// the object arrived. Fixed once per file; no statement about what is complete.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slot {
    /// The source's name.
    pub source: String,
    /// Hours since the epoch.
    pub hour: i64,
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.source, self.hour)
    }
}

/// Text that names no slot.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` names no slot")]
pub struct NoSlot(String);

impl std::str::FromStr for Slot {
    type Err = NoSlot;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.rsplit_once('#').and_then(|(source, hour)| Some((source, hour.parse().ok()?)));
        parts.map(|(source, hour)| Self { source: source.to_owned(), hour }).ok_or_else(|| NoSlot(text.to_owned()))
    }
}

/// Whether a file's usage counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It counts.
    Counted,
    /// It contributes nothing and blocks the close until it is mended or waived; the reason.
    Quarantined(String),
    /// It contributes nothing, and somebody answers for that; who and why.
    Waived(String),
}

/// A file that went into a rollup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The object's key.
    pub key: String,
    /// The etags under which this content has been seen.
    pub etags: BTreeSet<String>,
    /// SHA-256 of the object's bytes, hexadecimal.
    pub content: String,
    /// Which revision of the tally.
    pub revision: u64,
    /// Hash of the mapping that translated it.
    pub mapping: String,
    /// Whether it counts.
    pub standing: Standing,
    /// What it is the whole of, where files of its source take each other's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole: Option<Whole>,
    /// Other contents that were written over it and shall not count, by etag; who answers for each, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub waived: BTreeMap<String, String>,
}

/// What a file is the whole of: of all files of a source that are of the same group one counts, the latest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Whole {
    /// The source that read it, which may not be the one that claimed it first.
    pub source: String,
    /// What these files have in common.
    pub group: Vec<String>,
    /// What makes one later than another: greater texts come later. Empty where the time of
    /// arrival decides.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub order: String,
    /// When it arrived, where that decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrived: Option<Instant>,
}

impl Input {
    /// What makes a file of a group the latest one: what its key says, or when it arrived, and then its key.
    pub fn lateness(&self) -> Option<(&str, Option<Instant>, &str)> {
        self.whole.as_ref().map(|whole| (whole.order.as_str(), whole.arrived, self.key.as_str()))
    }
}

/// The events of one day that carry ids, each once, in objects of the work bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The objects, each with a part of the events, in their order.
    pub objects: Vec<String>,
    /// How many events there are.
    pub events: u64,
    /// How many more there were that repeat one of these.
    pub repeats: u64,
    /// The first quarter-hour that they add to.
    pub from: Quarter,
    /// The last one.
    pub to: Quarter,
}

/// A slot's merged tallies. A cache: it can be rebuilt from the ledger at any time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollup {
    /// What went in, by file id.
    pub inputs: BTreeMap<String, Input>,
    /// The records of all files.
    pub counts: Counts,
    /// The usage, but for that of events with ids.
    pub cells: Cells,
    /// The events with ids, by day: they may stand in files of other slots as well.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub runs: BTreeMap<i64, Run>,
}

impl Rollup {
    /// Takes one file in. The tally of a file that does not count is not looked at.
    ///
    /// # Errors
    /// [`TallyError`]; [`TallyError::Repeated`] for a file that is in already.
    pub fn add(&mut self, file: String, input: Input, tally: &Tally) -> Result<(), TallyError> {
        if self.inputs.contains_key(&file) {
            return Err(TallyError::Repeated);
        }
        if input.standing == Standing::Counted {
            self.counts = self.counts.add(&tally.counts)?;
            self.cells.merge(&tally.cells)?;
        }
        self.inputs.insert(file, input);
        Ok(())
    }

    /// The first and the last quarter-hour with usage.
    pub fn extent(&self) -> Option<(Quarter, Quarter)> {
        let runs = self.runs.values().map(|run| (run.from, run.to));
        runs.chain(self.cells.extent()).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    /// The canonical text.
    ///
    /// # Errors
    /// [`TallyError::Malformed`].
    pub fn encode(&self) -> Result<String, TallyError> {
        Ok(serde_json::to_string(self)?)
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`TallyError::Malformed`].
    pub fn decode(text: &str) -> Result<Self, TallyError> {
        Ok(serde_json::from_str(text)?)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;
    use crate::stream::Kind;
    use crate::tally::SeriesKey;

    fn tally(value: i128) -> Tally {
        let mut tally =
            Tally { counts: Counts { records: 1, tallied: 1, events: 1, ..Counts::default() }, ..Tally::default() };
        tally
            .record(
                &SeriesKey { deployment: "a".into(), stream: "s".into(), ..SeriesKey::default() },
                Kind::Delta,
                Instant(0),
                value,
            )
            .unwrap();
        tally
    }

    fn input(standing: Standing) -> Input {
        Input {
            key: "k".into(),
            etags: BTreeSet::new(),
            content: "c".into(),
            revision: 1,
            mapping: "m".into(),
            standing,
            whole: None,
            waived: BTreeMap::new(),
        }
    }

    #[test]
    fn a_file_in_quarantine_is_listed_and_counts_nothing() {
        let mut rollup = Rollup::default();
        rollup.add("1".into(), input(Standing::Counted), &tally(5)).unwrap();
        let before = rollup.cells.clone();
        rollup.add("2".into(), input(Standing::Quarantined("cut".into())), &tally(7)).unwrap();
        assert_eq!(rollup.cells, before);
        assert_eq!((rollup.inputs.len(), rollup.counts.records), (2, 1));
    }

    #[test]
    fn a_file_goes_in_once() {
        let mut rollup = Rollup::default();
        rollup.add("1".into(), input(Standing::Counted), &tally(5)).unwrap();
        assert!(rollup.add("1".into(), input(Standing::Counted), &tally(5)).is_err());
    }

    #[test]
    fn text_and_back_is_the_same() {
        let mut rollup = Rollup::default();
        rollup.add("1".into(), input(Standing::Waived("Ann: test data".into())), &tally(5)).unwrap();
        rollup.add("2".into(), input(Standing::Counted), &tally(5)).unwrap();
        assert_eq!(Rollup::decode(&rollup.encode().unwrap()).unwrap(), rollup);
        let slot = Slot { source: "a#b".into(), hour: -3 };
        assert_eq!(slot.to_string().parse(), Ok(slot));
    }
}
