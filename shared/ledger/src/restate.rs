//! Restatement: the files of a source that arrived within a range of time are to be read by the mapping that the
//! catalogue has now.
//!
//! A restatement is only said, here, and kept for ever; the sweep does the rest. It finds every file of the range that
//! was read by another mapping, as it finds those that were never read, and asks for it again; while there is one, no
//! period closes. Going back is the same: the old mapping is put into the catalogue again, and the range is restated.

use catalog::Catalogue;
use metering::rollup::Slot;
use metering::time::Instant;
use serde::{Deserialize, Serialize};

use crate::error::LedgerError;
use crate::file::pages;
use crate::names;
use crate::ports::{Item, Key, Ports, Table, Write, Written};

/// How often a restatement is said anew when others are said meanwhile.
const ATTEMPTS: usize = 8;

/// What was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restatement {
    /// The source.
    pub source: String,
    /// The first hour of arrival, since the epoch.
    pub from: i64,
    /// The first hour of arrival that is not meant.
    pub until: i64,
    /// The hash of the mapping by which these files are read.
    pub mapping: String,
    /// When it was said.
    pub at: Instant,
}

impl Restatement {
    fn covers(&self, slot: &Slot) -> bool {
        self.source == slot.source && (self.from..self.until).contains(&slot.hour)
    }
}

/// All that was said, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restatements(Vec<Restatement>);

impl Restatements {
    /// What was said until now.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn read<P: Ports>(ports: &P) -> Result<Self, LedgerError> {
        let items = pages(ports, Table::Billing, names::RESTATEMENTS).await?;
        items.iter().map(|(_, item)| read(item)).collect::<Result<_, _>>().map(Self)
    }

    /// The mapping by which the files of a slot are read, where that was said: the last word counts.
    pub fn mapping(&self, slot: &Slot) -> Option<&str> {
        self.0.iter().rev().find(|said| said.covers(slot)).map(|said| said.mapping.as_str())
    }

    /// All that was said, in order.
    pub fn said(&self) -> &[Restatement] {
        &self.0
    }
}

fn read(item: &Item) -> Result<Restatement, LedgerError> {
    serde_json::from_str(&item.body).map_err(|error| LedgerError::malformed("restatement", error))
}

/// Says that the files of `source` that arrived from `from` until `until` are to be read by the catalogue's present
/// mapping. Said again, while nothing else was said since, it changes nothing.
///
/// # Errors
/// [`LedgerError::Billing`] for a source that the catalogue does not have, or a range that is none or does not begin and
/// end with an hour.
pub async fn restate<P: Ports>(
    ports: &P,
    catalogue: &Catalogue,
    source: &str,
    (from, until): (Instant, Instant),
) -> Result<Restatement, LedgerError> {
    let Some(mapping) = catalogue.sources.get(source).map(|source| source.hash().to_owned()) else {
        let names: Vec<&str> = catalogue.sources.keys().map(String::as_str).collect();
        return Err(LedgerError::billing(source, format!("no such source; the catalogue has {}", names.join(", "))));
    };
    let whole = |at: Instant| Instant(0).plus_hours(at.hour()) == Some(at);
    if from >= until || !whole(from) || !whole(until) {
        return Err(LedgerError::billing(source, "a range begins and ends with an hour, and ends after it begins"));
    }
    let said =
        Restatement { source: source.to_owned(), from: from.hour(), until: until.hour(), mapping, at: ports.now() };
    for _ in 0..ATTEMPTS {
        let before = Restatements::read(ports).await?;
        let same = |last: &&Restatement| Restatement { at: said.at, ..(*last).clone() } == said;
        if let Some(last) = before.0.last().filter(same) {
            return Ok(last.clone());
        }
        let key = Key::new(names::RESTATEMENTS, names::number(u64::try_from(before.0.len()).unwrap_or(u64::MAX)));
        let body = serde_json::to_string(&said).map_err(|error| LedgerError::malformed("restatement", error))?;
        if ports.write(Write::create(Table::Billing, key, body)).await? == Written::Done {
            return Ok(said);
        }
    }
    Err(LedgerError::Contended(names::RESTATEMENTS.to_owned()))
}
