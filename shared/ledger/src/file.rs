//! What the ledger keeps of a file: its tally with all that is needed to trust it later.

use std::collections::{BTreeMap, BTreeSet};

use metering::rollup::{Input, Slot, Standing, Whole};
use metering::tally::{Counts, Tally};
use metering::time::Instant;
use serde::{Deserialize, Serialize};

use crate::error::LedgerError;
use crate::names;
use crate::packed;
use crate::ports::{Blobs, Bucket, Item, Ports, Read, Table};

/// Tallies up to this many bytes, packed, stand in the table; longer ones in the work bucket. A write unit
/// pays for one kilobyte: at eight of them an object costs no more (docs/cost.md).
const INLINE_BYTES: usize = 8 * 1024;

/// Bodies larger than this are refused when read back: nothing that was written is.
const MAX_BODY_BYTES: u64 = 1 << 30;

/// A claim: where a file's tally lies, for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The object's key, for people.
    pub key: String,
    /// Its slot.
    pub slot: Slot,
}

/// The contents of a tally item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// The object's key.
    pub key: String,
    /// The etags under which this content was seen.
    pub etags: BTreeSet<String>,
    /// SHA-256 of the object's bytes.
    pub content: String,
    /// Hash of the mapping that translated it.
    pub mapping: String,
    /// When the object was written.
    pub arrived: Instant,
    /// Whether it counts.
    pub standing: Standing,
    /// The records, also where the tally lies elsewhere.
    pub counts: Counts,
    /// The object in the work bucket that lists the rejected records, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejects: Option<String>,
    /// What it is the whole of, where files of its source take each other's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole: Option<Whole>,
    /// Other contents that were written over it and shall not count, by etag; who answers for each, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub waived: BTreeMap<String, String>,
    /// The object in the work bucket that holds its events one by one, where they have ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marks: Option<String>,
    /// The tally, where it is small. The usage of events with ids is told by their marks, and not in it.
    #[serde(default, with = "packed", skip_serializing_if = "Option::is_none")]
    pub tally: Option<Tally>,
    /// The object in the work bucket that holds the tally, where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

impl FileRecord {
    /// Reads an item.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`].
    pub fn read(item: &Item) -> Result<Self, LedgerError> {
        serde_json::from_str(&item.body).map_err(|source| LedgerError::malformed("tally", source))
    }

    /// The item's text; the tally moves to the work bucket first if it is large.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn store<P: Ports>(mut self, ports: &P, tally: Tally) -> Result<String, LedgerError> {
        let encoded = tally.encode()?;
        let packed = packed::pack(&encoded).map_err(|error| LedgerError::malformed("tally", error))?;
        if packed.len() > INLINE_BYTES {
            let key = format!("tallies/{}.json", names::sha256(encoded.as_bytes()));
            ports.put_once(Bucket::Work, &key, encoded.into_bytes(), "application/json").await?;
            self.body = Some(key);
        } else {
            self.tally = Some(tally);
        }
        self.text()
    }

    /// The item's text as it is.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`].
    pub fn text(&self) -> Result<String, LedgerError> {
        serde_json::to_string(self).map_err(|source| LedgerError::malformed("tally", source))
    }

    /// The tally, from wherever it lies.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn load<P: Ports>(&self, ports: &P) -> Result<Tally, LedgerError> {
        match (&self.tally, &self.body) {
            (Some(tally), _) => Ok(tally.clone()),
            (None, Some(key)) => Ok(Tally::decode(&read_hashed(ports, key).await?)?),
            (None, None) => Ok(Tally::default()),
        }
    }

    /// How a rollup lists it.
    pub fn input(&self, revision: u64) -> Input {
        Input {
            key: self.key.clone(),
            etags: self.etags.clone(),
            content: self.content.clone(),
            revision,
            mapping: self.mapping.clone(),
            standing: self.standing.clone(),
            whole: self.whole.clone(),
            waived: self.waived.clone(),
        }
    }
}

/// The slot that a file's claim fixed, if the file was ever claimed.
///
/// # Errors
/// [`LedgerError`].
pub async fn claimed_slot<P: Ports>(ports: &P, file: &str) -> Result<Option<Slot>, LedgerError> {
    let (table, key) = names::claim(file);
    ports.get(table, &key).await?.map(|item| read_claim(&item)).transpose()
}

/// The slot that a claim states.
///
/// # Errors
/// [`LedgerError::Malformed`].
pub fn read_claim(item: &Item) -> Result<Slot, LedgerError> {
    let claim: Claim = serde_json::from_str(&item.body).map_err(|source| LedgerError::malformed("claim", source))?;
    Ok(claim.slot)
}

/// A whole object of ours as text.
///
/// # Errors
/// [`LedgerError::Missing`] where there is none.
pub async fn read_text<B: Blobs>(ports: &B, bucket: Bucket, key: &str) -> Result<String, LedgerError> {
    let missing = || LedgerError::Missing(key.to_owned());
    let meta = ports.head(bucket, key).await?.filter(|meta| meta.size <= MAX_BODY_BYTES).ok_or_else(missing)?;
    match ports.read(bucket, key, &meta.etag, 0, meta.size).await? {
        Read::Bytes(bytes) => String::from_utf8(bytes).map_err(|_| LedgerError::Missing(key.to_owned())),
        Read::Changed => Err(missing()),
    }
}

/// A whole object of the work bucket whose name ends in the hash of its contents, `FOLDER/HASH.json`.
///
/// # Errors
/// [`LedgerError::Missing`] where there is none, or where it is not what its name says.
pub async fn read_hashed<B: Blobs>(ports: &B, key: &str) -> Result<String, LedgerError> {
    let text = read_text(ports, Bucket::Work, key).await?;
    let hash = names::sha256(text.as_bytes());
    if key.ends_with(&format!("/{hash}.json")) { Ok(text) } else { Err(LedgerError::Missing(key.to_owned())) }
}

/// The record of a file at a revision of its tally: the present one, or one that was kept.
///
/// # Errors
/// [`LedgerError::Missing`] where that revision is nowhere.
pub async fn record_at<P: Ports>(ports: &P, slot: &Slot, file: &str, revision: u64) -> Result<FileRecord, LedgerError> {
    let (table, key) = names::tally(slot, file);
    match ports.get(table, &key).await? {
        Some(item) if item.revision == revision => FileRecord::read(&item),
        Some(_) | None => {
            let body = read_text(ports, Bucket::Work, &names::superseded(file, revision)).await?;
            FileRecord::read(&Item { revision, body })
        }
    }
}

/// Every item of a partition, in order.
///
/// # Errors
/// [`LedgerError`].
pub async fn pages<P: Ports>(ports: &P, table: Table, partition: &str) -> Result<Vec<(String, Item)>, LedgerError> {
    const PAGE: usize = 1000;
    let mut all: Vec<(String, Item)> = Vec::new();
    loop {
        let after = all.last().map(|(sort, _)| sort.clone());
        let page = ports.query(table, partition, after.as_deref(), PAGE).await?;
        let done = !page.more || page.items.is_empty();
        all.extend(page.items);
        if done {
            return Ok(all);
        }
    }
}
