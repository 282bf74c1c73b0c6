//! The records of an object as they were read last, in the work bucket: what increments are merged into, and what a
//! snapshot is made from without asking again. In shards by id, so that memory does not grow with their number.

use std::collections::BTreeMap;

use catalog::directory::shard_of;
use ledger::error::LedgerError;
use ledger::ports::Blobs;
use ledger::snapshot::{put_addressed, read_addressed};
use metering::time::Instant;
use serde::{Deserialize, Serialize};

use crate::row::Row;
use crate::value::moment;

/// Shards of each object's records.
pub const SHARDS: u32 = 64;

/// Text that is held before it is written to the shards.
const HELD_BYTES: usize = 16 << 20;

/// Fields that are asked for of every object, before the mapped ones.
pub const SYSTEM: [&str; 4] = ["Id", "IsDeleted", "SystemModstamp", "CreatedDate"];

/// Who a record belonged to before that was changed in place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Was {
    /// The fields that say whose it was and how it was found, with their values.
    pub values: BTreeMap<String, String>,
    /// When another value was first seen.
    pub until: Instant,
}

/// A record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// The values of the fields that were asked for.
    pub values: Row,
    /// What it was before, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub was: Vec<Was>,
    /// Comparisons in a row that did not find it.
    #[serde(default, skip_serializing_if = "none")]
    pub missed: u32,
    /// When it was first not found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed_at: Option<Instant>,
}

fn none(count: &u32) -> bool {
    *count == 0
}

/// Comparisons that a record has to miss before it counts as gone: a page may hide one for a moment.
pub const MISSES: u32 = 2;

impl Stored {
    pub(crate) fn new(values: Row) -> Self {
        Self { values, was: Vec::new(), missed: 0, missed_at: None }
    }

    /// The value of a field by its place.
    #[must_use]
    pub fn value(&self, place: usize) -> Option<&str> {
        self.values.get(place).and_then(Option::as_deref)
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.value(0).unwrap_or_default()
    }

    /// When it was last changed.
    #[must_use]
    pub fn stamp(&self) -> Instant {
        self.value(2).and_then(moment).unwrap_or_default()
    }

    /// When it was created.
    #[must_use]
    pub fn created(&self) -> Instant {
        self.value(3).and_then(moment).unwrap_or_default()
    }

    /// When it ceased to be, if it did: deleted, or not found any more.
    #[must_use]
    pub fn gone(&self) -> Option<Instant> {
        if self.value(1) == Some("true") {
            return Some(self.stamp());
        }
        self.missed_at.filter(|_| self.missed >= MISSES)
    }

    /// The record as it is now, remembering whose it was if that changed. `watched` are the fields that say so, with
    /// their places.
    fn become_newer(&mut self, newer: Row, watched: &[(String, usize)]) {
        let pick = |values: &Row| -> BTreeMap<String, String> {
            let found = watched.iter().filter_map(|(field, place)| Some((field.clone(), values.get(*place)?.clone()?)));
            found.collect()
        };
        let (before, after) = (pick(&self.values), pick(&newer));
        self.values = newer;
        (self.missed, self.missed_at) = (0, None);
        if before != after {
            let until = self.stamp();
            self.was.push(Was { values: before, until });
        }
    }
}

/// All records of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Records {
    /// The fields in the order of the values.
    pub fields: Vec<String>,
    /// The object of each shard; none where it is empty.
    pub shards: Vec<Option<String>>,
    /// Records that are not gone.
    pub live: u64,
    /// Everything changed before this instant has been read.
    pub cursor: Instant,
    /// When all were last compared.
    pub compared: Instant,
}

/// The records of one shard.
///
/// # Errors
/// [`LedgerError`].
pub async fn shard<B: Blobs>(ports: &B, key: Option<&String>) -> Result<BTreeMap<String, Stored>, LedgerError> {
    let Some(key) = key else { return Ok(BTreeMap::new()) };
    let text = read_addressed(ports, key).await?;
    let mut records = BTreeMap::new();
    for line in text.lines() {
        let record: Stored = serde_json::from_str(line).map_err(|error| LedgerError::malformed("record", error))?;
        records.insert(record.id().to_owned(), record);
    }
    Ok(records)
}

/// Lines on their way to shards. What does not fit into memory is written to pieces.
pub struct Staging {
    lines: Vec<String>,
    held: usize,
    pieces: Vec<Vec<String>>,
    /// How many lines there were.
    pub count: u64,
}

impl Staging {
    /// An empty one for so many shards.
    #[must_use]
    pub fn new(shards: u32) -> Self {
        let shards = usize::try_from(shards).unwrap_or(1);
        Self { lines: vec![String::new(); shards], held: 0, pieces: vec![Vec::new(); shards], count: 0 }
    }

    /// Takes a line for the shard that `name` hashes to.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn add<B: Blobs>(&mut self, ports: &B, name: &str, line: &str) -> Result<(), LedgerError> {
        let count = u32::try_from(self.lines.len()).unwrap_or(u32::MAX);
        let place = usize::try_from(shard_of(name, count)).unwrap_or(0);
        if let Some(lines) = self.lines.get_mut(place) {
            lines.push_str(line);
            lines.push('\n');
            self.held = self.held.saturating_add(line.len()).saturating_add(1);
            self.count = self.count.saturating_add(1);
        }
        if self.held >= HELD_BYTES { self.flush(ports).await } else { Ok(()) }
    }

    async fn flush<B: Blobs>(&mut self, ports: &B) -> Result<(), LedgerError> {
        for (lines, pieces) in self.lines.iter_mut().zip(&mut self.pieces) {
            if !lines.is_empty() {
                pieces.push(put_addressed(ports, "staging/", std::mem::take(lines)).await?);
            }
        }
        self.held = 0;
        Ok(())
    }

    /// The lines of a shard, in the order in which they came.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn take<B: Blobs>(&mut self, ports: &B, place: usize) -> Result<Vec<String>, LedgerError> {
        let mut texts = Vec::new();
        for piece in self.pieces.get_mut(place).map(std::mem::take).unwrap_or_default() {
            texts.push(read_addressed(ports, &piece).await?);
        }
        texts.extend(self.lines.get_mut(place).map(std::mem::take));
        Ok(texts.iter().flat_map(|text| text.lines()).map(str::to_owned).collect())
    }
}

/// Takes rows that were read.
///
/// # Errors
/// [`LedgerError`].
pub async fn stage<B: Blobs>(ports: &B, staging: &mut Staging, rows: Vec<Row>) -> Result<(), LedgerError> {
    for row in rows {
        let line = serde_json::to_string(&row).map_err(|error| LedgerError::malformed("record", error))?;
        let id = row.first().and_then(Option::as_deref).unwrap_or_default().to_owned();
        staging.add(ports, &id, &line).await?;
    }
    Ok(())
}

/// The records with the fields in another order, with fields that were not asked for before empty: they are read anew.
///
/// # Errors
/// [`LedgerError`].
pub async fn reordered<B: Blobs>(ports: &B, known: &Records, fields: &[String]) -> Result<Records, LedgerError> {
    let places: Vec<Option<usize>> =
        fields.iter().map(|field| known.fields.iter().position(|known| known == field)).collect();
    let mut reordered = Records { fields: fields.to_vec(), shards: Vec::new(), ..known.clone() };
    for key in &known.shards {
        let mut records = shard(ports, key.as_ref()).await?;
        for record in records.values_mut() {
            record.values = places
                .iter()
                .map(|place| place.and_then(|place| record.values.get(place).cloned().flatten()))
                .collect();
        }
        reordered.shards.push(keep(ports, &records).await?);
    }
    Ok(reordered)
}

async fn keep<B: Blobs>(ports: &B, records: &BTreeMap<String, Stored>) -> Result<Option<String>, LedgerError> {
    let mut text = String::new();
    for record in records.values() {
        text.push_str(&serde_json::to_string(record).map_err(|error| LedgerError::malformed("record", error))?);
        text.push('\n');
    }
    if text.is_empty() { Ok(None) } else { put_addressed(ports, "records/", text).await.map(Some) }
}

/// How rows are merged into the records that are known.
pub struct Merging<'a> {
    /// The fields that say whose a record is, with their places.
    pub watched: &'a [(String, usize)],
    /// Where the rows are all that there was at an instant: what is older and not among them is missed.
    pub whole: Option<Instant>,
    /// Now.
    pub now: Instant,
}

impl Merging<'_> {
    /// The records with the staged rows among them; a shard that does not change keeps its object.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn merge<B: Blobs>(
        &self,
        ports: &B,
        known: &Records,
        staging: &mut Staging,
    ) -> Result<Records, LedgerError> {
        let mut merged = Records { live: 0, shards: Vec::new(), ..known.clone() };
        for place in 0..usize::try_from(SHARDS).unwrap_or(0) {
            let before = known.shards.get(place).cloned().flatten();
            let mut records = shard(ports, before.as_ref()).await?;
            let rows = staging.take(ports, place).await?;
            if self.apply(&mut records, &rows)? {
                merged.shards.push(keep(ports, &records).await?);
            } else {
                merged.shards.push(before);
            }
            let live = records.values().filter(|record| record.gone().is_none()).count();
            merged.live = merged.live.saturating_add(u64::try_from(live).unwrap_or(u64::MAX));
        }
        Ok(merged)
    }

    /// Whether anything changed. A row that was read twice counts as it was last changed.
    fn apply(&self, records: &mut BTreeMap<String, Stored>, rows: &[String]) -> Result<bool, LedgerError> {
        let mut newest: BTreeMap<String, Stored> = BTreeMap::new();
        for line in rows {
            let values: Row = serde_json::from_str(line).map_err(|error| LedgerError::malformed("record", error))?;
            let record = Stored::new(values);
            let newer = newest.get(record.id()).is_none_or(|known| known.stamp() <= record.stamp());
            if newer {
                newest.insert(record.id().to_owned(), record);
            }
        }
        let mut changed = false;
        if let Some(begun) = self.whole {
            for (id, record) in records.iter_mut() {
                let expected = record.created() < begun && record.missed < MISSES && record.value(1) != Some("true");
                if expected && !newest.contains_key(id) {
                    record.missed = record.missed.saturating_add(1);
                    record.missed_at = record.missed_at.or(Some(self.now));
                    changed = true;
                }
            }
        }
        for (id, row) in newest {
            match records.get_mut(&id) {
                Some(known) if known.values == row.values && known.missed == 0 => {}
                // Results of a job that was begun before a later change was read.
                Some(known) if known.stamp() > row.stamp() => {}
                Some(known) => {
                    known.become_newer(row.values, self.watched);
                    changed = true;
                }
                None => {
                    records.insert(id, row);
                    changed = true;
                }
            }
        }
        Ok(changed)
    }
}
