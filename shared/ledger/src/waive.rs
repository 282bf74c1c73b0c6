//! A file in quarantine that shall not count: somebody answers for that with name and reason.
//!
//! Waiving changes the tally by compare-and-swap, in one transaction with the hint, keeps what it
//! said before, and is itself kept for ever. It is about one content: when the object is written anew, that is read and counts.

use metering::rollup::Standing;
use metering::time::Instant;
use serde::{Deserialize, Serialize};

use crate::attention;
use crate::error::LedgerError;
use crate::file::{FileRecord, claimed_slot};
use crate::names;
use crate::ports::{Bucket, Item, Ports, Transacted, Write};
use crate::translate::{hint, keep_superseded, new_hint};

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
    /// Why the file was in quarantine.
    pub was: String,
    /// When.
    pub at: Instant,
}

/// Waives the file under `key` as it was read last. Said again it changes nothing.
///
/// # Errors
/// [`LedgerError::Billing`] for a file that is not in quarantine, or without a name or a reason;
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
    let mut record = FileRecord::read(&item)?;
    let was = match &record.standing {
        Standing::Quarantined(was) => was.clone(),
        Standing::Counted => return refuse("the file counts; only a file in quarantine can be waived"),
        Standing::Waived(_) => {
            hint(ports, &slot).await?;
            return kept(ports, &file, item.revision.saturating_sub(1)).await;
        }
    };
    let (by, reason) = (by.trim().to_owned(), reason.trim().to_owned());
    let waiver = Waiver { key: key.to_owned(), content: record.content.clone(), by, reason, was, at: ports.now() };
    let waiver = keep(ports, &file, &item, waiver).await?;
    record.standing = Standing::Waived(format!("{}: {}", waiver.by, waiver.reason));
    // With its hint or not at all: no event comes again for who is cut off in between.
    let waived = Write::replace(table, address, item.revision, record.text()?);
    match ports.transact(vec![waived, new_hint(ports, &slot)]).await? {
        Transacted::Done => {
            attention::clear(ports, &file).await?;
            Ok(waiver)
        }
        Transacted::Refused => Err(LedgerError::Contended(key.to_owned())),
    }
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
    let text = crate::file::read_text(ports, Bucket::Work, &object(file, revision)).await?;
    serde_json::from_str(&text).map_err(|error| LedgerError::malformed("waiver", error))
}
