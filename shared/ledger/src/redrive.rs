//! Files that the present mapping may read otherwise than the one by which they were read: those in quarantine,
//! those with rejected records, and those that no source read.
//!
//! What is in quarantine is read as at any other time. A tally that counts and has rejects is replaced by
//! compare-and-swap, in one transaction with the hint, and what it said before is kept. Files without rejects stay as
//! they are, whatever the mapping: to read them anew is another matter.

use catalog::Catalogue;
use metering::rollup::{Slot, Standing};
use metering::tally::Counts;
use usage::{Source, Tags};

use crate::attention::{self, Kind, Notice};
use crate::error::LedgerError;
use crate::file::{FileRecord, claimed_slot};
use crate::names;
use crate::ports::{Bucket, Item, ObjectMeta, Ports, Transacted, Write};
use crate::translate::{Outcome, keep_superseded, new_hint, read_object, rejected, translate};

/// The files that wait, or have rejects, and were read by another mapping than the present one; by key.
///
/// # Errors
/// [`LedgerError`].
pub async fn affected<P: Ports>(ports: &P, catalogue: &Catalogue) -> Result<Vec<Notice>, LedgerError> {
    let mut affected = Vec::new();
    for notice in attention::list(ports).await? {
        let Ok(Some((source, _))) = catalogue.source_for(&notice.key) else { continue };
        let is_affected = match notice.kind {
            Kind::NoSource | Kind::TwoSources => true,
            Kind::Quarantined | Kind::Rejects => read_by_another(ports, source, &notice.key).await?,
            Kind::Conflict => false,
        };
        if is_affected {
            affected.push(notice);
        }
    }
    affected.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(affected)
}

/// Whether the file stands as another mapping read it.
async fn read_by_another<P: Ports>(ports: &P, source: &Source, key: &str) -> Result<bool, LedgerError> {
    let Some((_, item)) = present(ports, &names::file_id(key)).await? else { return Ok(true) };
    let record = FileRecord::read(&item)?;
    Ok(!matches!(record.standing, Standing::Waived(_)) && record.mapping != source.hash())
}

async fn present<P: Ports>(ports: &P, file: &str) -> Result<Option<(Slot, Item)>, LedgerError> {
    let Some(slot) = claimed_slot(ports, file).await? else { return Ok(None) };
    let (table, address) = names::tally(&slot, file);
    Ok(ports.get(table, &address).await?.map(|item| (slot, item)))
}

/// Reads the file under `key` by the present mapping. Done again it changes nothing.
///
/// A file that counts and that this mapping would hold back stays as it is; the answer is the quarantine that
/// it would be in.
///
/// # Errors
/// [`LedgerError`]; [`LedgerError::Contended`] when the file was read anew meanwhile.
pub async fn redrive<P: Ports>(ports: &P, catalogue: &Catalogue, key: &str) -> Result<Outcome, LedgerError> {
    let (Ok(Some((source, tags))), Some((slot, item))) =
        (catalogue.source_for(key), present(ports, &names::file_id(key)).await?)
    else {
        return usual(ports, catalogue, key).await;
    };
    let record = FileRecord::read(&item)?;
    let meta = ports.head(Bucket::Usage, key).await?.filter(|meta| record.etags.contains(&meta.etag));
    let counts_less = record.standing == Standing::Counted && record.counts.rejected > 0;
    match meta {
        Some(meta) if counts_less && record.mapping != source.hash() => {
            replace(ports, (source, tags), &slot, (&item, &record), &meta).await
        }
        _ => usual(ports, catalogue, key).await,
    }
}

/// Reads the file as at any other time. Who reads one for the first time leaves what was said while no source did.
async fn usual<P: Ports>(ports: &P, catalogue: &Catalogue, key: &str) -> Result<Outcome, LedgerError> {
    let outcome = translate(ports, catalogue, key).await?;
    if matches!(&outcome, Outcome::Tallied(counts) if counts.rejected == 0) {
        attention::clear(ports, &names::file_id(key)).await?;
    }
    Ok(outcome)
}

/// Puts what the present mapping says of the same bytes in the place of the tally.
async fn replace<P: Ports>(
    ports: &P,
    (source, tags): (&Source, Tags),
    slot: &Slot,
    (item, before): (&Item, &FileRecord),
    meta: &ObjectMeta,
) -> Result<Outcome, LedgerError> {
    let file = names::file_id(&meta.key);
    let contended = || LedgerError::Contended(meta.key.clone());
    let mut draft = read_object(ports, source, tags, meta).await?.ok_or_else(contended)?;
    let record = &mut draft.record;
    if record.content != before.content {
        return Err(contended());
    }
    if let Standing::Quarantined(reason) | Standing::Waived(reason) = &record.standing {
        return Ok(Outcome::Quarantined(reason.clone()));
    }
    record.etags.extend(before.etags.iter().cloned());
    record.arrived = before.arrived;
    record.waived = before.waived.clone();
    let counts = record.counts;
    keep_superseded(ports, &file, item).await?;
    let (table, address) = names::tally(slot, &file);
    let body = draft.store(ports).await?;
    match ports.transact(vec![Write::replace(table, address, item.revision, body), new_hint(ports, slot)]).await? {
        Transacted::Done => {
            tell(ports, &file, meta, counts).await?;
            Ok(Outcome::Tallied(counts))
        }
        Transacted::Refused => Err(contended()),
    }
}

/// What there was to say of the rejects before is no longer true.
async fn tell<P: Ports>(ports: &P, file: &str, meta: &ObjectMeta, counts: Counts) -> Result<(), LedgerError> {
    if counts.rejected == 0 {
        return attention::clear(ports, file).await;
    }
    let reason = rejected(&counts);
    let (key, etag) = (meta.key.clone(), meta.etag.clone());
    attention::note(ports, file, &Notice { key, kind: Kind::Rejects, reason, etag, arrived: meta.modified }).await
}
