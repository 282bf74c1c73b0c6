//! From tallies to rollups: the second commit point.

use metering::rollup::{Input, Rollup, Slot, Standing};
use metering::tally::{Counts, Tally};
use metering::time::Quarter;
use serde::{Deserialize, Serialize};

use crate::error::LedgerError;
use crate::file::{FileRecord, pages, read_text};
use crate::marks;
use crate::names;
use crate::ports::{Bucket, Item, Key, Ports, Table, Write, Written};

/// How often a rollup is built anew when another builder was faster.
const ATTEMPTS: usize = 8;

/// What a rollup item says; the rollup itself lies in the work bucket under its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollupHead {
    /// The object that holds the rollup.
    pub body: String,
    /// How many files went in.
    pub inputs: usize,
    /// The first quarter-hour with usage.
    pub from: Option<Quarter>,
    /// The last quarter-hour with usage.
    pub to: Option<Quarter>,
    /// How many files count.
    pub files: usize,
    /// Their records.
    pub counts: Counts,
    /// Whether files of it may take the place of others, or others theirs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole: bool,
}

/// What a refresh did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refreshed {
    /// Slots that were read again.
    pub slots: usize,
    /// Tallies that were read for it.
    pub tallies: usize,
}

/// Reads every dirty slot again and writes its rollup.
///
/// # Errors
/// [`LedgerError::Slot`] for the first slot that cannot be rolled up, once all others are; any
/// other [`LedgerError`] at once. Slots not reached keep their hint.
pub async fn refresh<P: Ports>(ports: &P) -> Result<Refreshed, LedgerError> {
    let mut done = Refreshed::default();
    let mut broken = None;
    for shard in 0..names::HINT_SHARDS {
        match refresh_shard(ports, shard).await {
            Ok(part) => {
                done.slots = done.slots.saturating_add(part.slots);
                done.tallies = done.tallies.saturating_add(part.tallies);
            }
            Err(error @ LedgerError::Slot { .. }) => broken = broken.or(Some(error)),
            Err(error) => return Err(error),
        }
    }
    broken.map_or(Ok(done), Err)
}

/// The part of [`refresh`] that one shard of hints asks for. Shards may run at once.
///
/// # Errors
/// [`LedgerError`].
pub async fn refresh_shard<P: Ports>(ports: &P, shard: u8) -> Result<Refreshed, LedgerError> {
    let partition = names::hints(shard);
    let mut done = Refreshed::default();
    let mut broken = None;
    for (name, hint) in pages(ports, Table::Rollup, &partition).await? {
        let slot: Slot = name.parse().map_err(|error| LedgerError::billing(&name, error))?;
        let inputs = match roll_up(ports, &slot).await {
            Ok(inputs) => inputs,
            Err(error @ LedgerError::Store(_)) => return Err(error),
            Err(error) => {
                broken = broken.or(Some(LedgerError::Slot { slot: name, source: Box::new(error) }));
                continue;
            }
        };
        // A tally that came after our query left another token.
        ports.write(Write::delete_unchanged(Table::Rollup, Key::new(&partition, &name), hint.body)).await?;
        done.slots = done.slots.saturating_add(1);
        done.tallies = done.tallies.saturating_add(inputs);
    }
    broken.map_or(Ok(done), Err)
}

/// Builds a slot's rollup from its tallies and commits it; how many went in.
async fn roll_up<P: Ports>(ports: &P, slot: &Slot) -> Result<usize, LedgerError> {
    let (table, key) = names::rollup(slot);
    for _ in 0..ATTEMPTS {
        // The generation first: a rollup written after our query must make our write fail.
        let present = ports.get(table, &key).await?;
        let rollup = build(ports, slot).await?;
        let head = store(ports, &rollup).await?;
        if let Some(before) = present.as_ref().map(read_head).transpose()?
            && before.inputs > head.inputs
        {
            return Err(LedgerError::Shrunk { slot: slot.to_string(), before: before.inputs, after: head.inputs });
        }
        let body = serde_json::to_string(&head).map_err(|error| LedgerError::malformed("rollup", error))?;
        let write = match present {
            Some(item) if item.body == body => return Ok(head.inputs),
            Some(item) => Write::replace(table, key.clone(), item.revision, body),
            None => {
                register(ports, &slot.source).await?;
                Write::create(table, key.clone(), body)
            }
        };
        if ports.write(write).await? == Written::Done {
            return Ok(head.inputs);
        }
    }
    Err(LedgerError::Contended(slot.to_string()))
}

/// Makes the source known before its first rollup, so that a rollup is found also when the
/// catalogue no longer names its source.
async fn register<P: Ports>(ports: &P, source: &str) -> Result<(), LedgerError> {
    ports.write(Write::create(Table::Rollup, Key::new(names::SOURCES, source), "{}")).await?;
    Ok(())
}

/// The rollup of all tallies that the slot has now.
async fn build<P: Ports>(ports: &P, slot: &Slot) -> Result<Rollup, LedgerError> {
    let mut building = Building::default();
    for (file, item) in pages(ports, Table::Ledger, &names::tallies(slot)).await? {
        let record = FileRecord::read(&item)?;
        building.add_record(ports, file, record.input(item.revision), record).await?;
    }
    building.end(ports).await
}

/// A rollup while files go in.
#[derive(Default)]
pub(crate) struct Building {
    rollup: Rollup,
    marks: Vec<String>,
}

impl Building {
    /// Takes a file in as its record says.
    pub(crate) async fn add_record<P: Ports>(
        &mut self,
        ports: &P,
        file: String,
        input: Input,
        record: FileRecord,
    ) -> Result<(), LedgerError> {
        let tally = match input.standing {
            Standing::Counted => record.load(ports).await?,
            Standing::Quarantined(_) | Standing::Waived(_) => Tally::default(),
        };
        self.add(file, input, tally, record.marks)
    }

    /// Takes a file in: its tally, and what its marks say besides.
    pub(crate) fn add(
        &mut self,
        file: String,
        input: Input,
        tally: Tally,
        marks: Option<String>,
    ) -> Result<(), LedgerError> {
        if let (Some(marks), Standing::Counted) = (marks, &input.standing) {
            self.marks.push(marks);
        }
        Ok(self.rollup.add(file, input, &tally)?)
    }

    /// The rollup of all of them.
    pub(crate) async fn end<P: Ports>(mut self, ports: &P) -> Result<Rollup, LedgerError> {
        self.rollup.runs = marks::roll_up(ports, self.marks).await?;
        Ok(self.rollup)
    }
}

async fn store<P: Ports>(ports: &P, rollup: &Rollup) -> Result<RollupHead, LedgerError> {
    let text = rollup.encode()?;
    let body = format!("rollups/{}.json", names::sha256(text.as_bytes()));
    ports.put_once(Bucket::Work, &body, text.into_bytes(), "application/json").await?;
    let extent = rollup.extent();
    let (from, to) = (extent.map(|(from, _)| from), extent.map(|(_, to)| to));
    let files = rollup.inputs.values().filter(|input| input.standing == Standing::Counted).count();
    let whole = rollup.inputs.values().any(|input| input.whole.is_some());
    Ok(RollupHead { body, inputs: rollup.inputs.len(), from, to, files, counts: rollup.counts, whole })
}

/// Reads a rollup item.
///
/// # Errors
/// [`LedgerError::Malformed`].
pub fn read_head(item: &Item) -> Result<RollupHead, LedgerError> {
    serde_json::from_str(&item.body).map_err(|error| LedgerError::malformed("rollup", error))
}

/// The rollup that lies under `body`.
///
/// # Errors
/// [`LedgerError`].
pub async fn load<P: Ports>(ports: &P, body: &str) -> Result<Rollup, LedgerError> {
    Ok(Rollup::decode(&read_text(ports, Bucket::Work, body).await?)?)
}
