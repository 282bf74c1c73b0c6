//! A content that shall not count: of a file in quarantine, or written over a file whose source says that files never
//! change. Somebody answers for that with name and reason.
//!
//! Waiving changes the tally by compare-and-swap, in one transaction with the hint, keeps what it
//! said before, and is itself kept for ever. It is about one content: when the object is written anew, that is looked at
//! like any other. What counted before an overwriting goes on to count.

use metering::rollup::{Slot, Standing};
use metering::time::Instant;
use serde::{Deserialize, Serialize};

use crate::ahead;
use crate::attention::{self, Kind};
use crate::error::LedgerError;
use crate::file::{FileRecord, claimed_slot, read_text};
use crate::names;
use crate::ports::{Bucket, Item, Ports, Transacted, Write};
use crate::translate::{CONFLICT, hint, keep_superseded, new_hint};

/// A file is waived so often at most: beyond it the first waivers are not found again.
const WAIVERS: usize = 1_000;

/// Who answers for what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    /// The object's key.
    pub key: String,
    /// SHA-256 of the bytes that shall not count.
    pub content: String,
    /// Who says so.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Why the file waited.
    pub was: String,
    /// When.
    pub at: Instant,
}

/// Waives what lies under `key` as it was read last. Said again it changes nothing.
///
/// # Errors
/// [`LedgerError::Billing`] for a file that is neither in quarantine nor overwritten, or without a name or a reason;
/// [`LedgerError::Contended`] when the file was read anew meanwhile.
pub async fn waive<P: Ports>(ports: &P, key: &str, by: &str, reason: &str) -> Result<Waiver, LedgerError> {
    let refuse = |why: &str| Err(LedgerError::billing(key, why));
    if by.trim().is_empty() || reason.trim().is_empty() {
        return refuse("a waiver needs the name of who answers for it and a reason");
    }
    let file = names::file_id(key);
    let Some(slot) = claimed_slot(ports, &file).await? else {
        return refuse("no such file was ever read; `farthing status` lists the files that wait");
    };
    let (table, address) = names::tally(&slot, &file);
    let Some(item) = ports.get(table, &address).await? else {
        return refuse("the file is still to be read; wait until `farthing status` lists it");
    };
    let record = FileRecord::read(&item)?;
    let (by, reason, at) = (by.trim().to_owned(), reason.trim().to_owned(), ports.now());
    let waiver = |content: String, was: String| Waiver { key: key.to_owned(), content, by, reason, was, at };
    match &record.standing {
        Standing::Quarantined(was) => {
            let waiver = waiver(record.content.clone(), was.clone());
            let standing = |waiver: &Waiver| Standing::Waived(answered(waiver));
            let change = |record: &mut FileRecord, waiver: &Waiver| record.standing = standing(waiver);
            commit(ports, (&file, &slot), (item, record), waiver, change).await
        }
        Standing::Waived(_) => {
            hint(ports, &slot).await?;
            kept(ports, &file, item.revision.saturating_sub(1)).await
        }
        Standing::Counted => {
            let Some(meta) = ports.head(Bucket::Usage, key).await? else { return refuse(NOTHING_TO_WAIVE) };
            let hash = ahead::hash(ports, Bucket::Usage, &meta).await?;
            let content = hash.ok_or_else(|| LedgerError::Contended(meta.key.clone()))?;
            if record.waived.contains_key(&meta.etag) {
                hint(ports, &slot).await?;
                return said_of(ports, &file, &content).await;
            }
            let notice = attention::of(ports, &file).await?;
            if !notice.is_some_and(|notice| notice.kind == Kind::Conflict && notice.etag == meta.etag) {
                return refuse(NOTHING_TO_WAIVE);
            }
            let waiver = waiver(content, CONFLICT.to_owned());
            let change = |record: &mut FileRecord, waiver: &Waiver| {
                record.waived.insert(meta.etag.clone(), answered(waiver));
            };
            commit(ports, (&file, &slot), (item, record), waiver, change).await
        }
    }
}

const NOTHING_TO_WAIVE: &str = "the file counts; only a file in quarantine can be waived, or a content that was written over one and was found to \
     be another (`farthing status` lists them)";

fn answered(waiver: &Waiver) -> String {
    format!("{}: {}", waiver.by, waiver.reason)
}

/// Keeps the waiver, and changes the tally as it says.
async fn commit<P: Ports>(
    ports: &P,
    (file, slot): (&str, &Slot),
    (item, mut record): (Item, FileRecord),
    waiver: Waiver,
    change: impl FnOnce(&mut FileRecord, &Waiver),
) -> Result<Waiver, LedgerError> {
    let waiver = keep(ports, file, &item, waiver).await?;
    change(&mut record, &waiver);
    let (table, address) = names::tally(slot, file);
    // With its hint or not at all: no event comes again for who is cut off in between.
    let waived = Write::replace(table, address, item.revision, record.text()?);
    match ports.transact(vec![waived, new_hint(ports, slot)]).await? {
        Transacted::Done => {
            attention::clear(ports, file).await?;
            Ok(waiver)
        }
        Transacted::Refused => Err(LedgerError::Contended(waiver.key)),
    }
}

/// The waiver of a content, among all that were kept of a file.
async fn said_of<P: Ports>(ports: &P, file: &str, content: &str) -> Result<Waiver, LedgerError> {
    let folder = format!("waivers/{file}/");
    for object in ports.list(Bucket::Work, &folder, None, WAIVERS).await?.objects {
        let text = read_text(ports, Bucket::Work, &object.key).await?;
        let waiver: Waiver = serde_json::from_str(&text).map_err(|error| LedgerError::malformed("waiver", error))?;
        if waiver.content == content {
            return Ok(waiver);
        }
    }
    Err(LedgerError::Missing(folder))
}

fn object(file: &str, revision: u64) -> String {
    format!("waivers/{file}/{revision:06}.json")
}

/// Keeps the waiver and the tally that it changes before it changes it. The first waiver of a
/// revision stands: who comes second is told what the first one said.
async fn keep<P: Ports>(ports: &P, file: &str, item: &Item, waiver: Waiver) -> Result<Waiver, LedgerError> {
    keep_superseded(ports, file, item).await?;
    let text = serde_json::to_vec(&waiver).map_err(|error| LedgerError::malformed("waiver", error))?;
    ports.put_once(Bucket::Work, &object(file, item.revision), text, "application/json").await?;
    kept(ports, file, item.revision).await
}

async fn kept<P: Ports>(ports: &P, file: &str, revision: u64) -> Result<Waiver, LedgerError> {
    let text = read_text(ports, Bucket::Work, &object(file, revision)).await?;
    serde_json::from_str(&text).map_err(|error| LedgerError::malformed("waiver", error))
}
