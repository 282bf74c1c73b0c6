//! From an object to its tally: the first commit point.
//!
//! Claim, then one conditional put. Delivered twice, cut off anywhere, or woken after its time,
//! it leaves the same state as delivered once.

mod commit;
mod draft;

use catalog::Catalogue;
use metering::rollup::{Slot, Standing};
use metering::tally::Counts;
use metering::time::Instant;
use usage::Source;

pub(crate) use self::commit::keep_superseded;
use self::commit::{commit, outcome_of};
pub(crate) use self::draft::{read_object, read_watched};
use crate::attention::{self, Kind, Notice};
use crate::error::LedgerError;
use crate::file::{Claim, FileRecord, claimed_slot, read_claim};
use crate::names;
use crate::ports::{Bucket, ObjectMeta, Ports, Write, Written};
use crate::restate::Restatements;

/// How often a step is taken anew when others write in between.
const ATTEMPTS: usize = 8;

/// What became of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is tallied for the first time, or anew after its quarantine or its replacement.
    Tallied(Counts),
    /// It was tallied before; nothing changed.
    Repeated,
    /// It cannot be read, or too many of its records cannot: it counts nothing and waits.
    Quarantined(String),
    /// It was overwritten with other content and its source forbids that: the first content stays
    /// and no period closes until somebody has looked.
    Conflict,
    /// No source, or more than one, reads it.
    Unclaimed(String),
    /// It says nothing about usage; why.
    Ignored(&'static str),
}

/// Translates the object under `key` of the usage bucket and commits its tally.
///
/// # Errors
/// [`LedgerError`]; the event must then be delivered again.
pub async fn translate<P: Ports>(ports: &P, catalogue: &Catalogue, key: &str) -> Result<Outcome, LedgerError> {
    if key.ends_with('/') {
        return Ok(Outcome::Ignored("a folder marker"));
    }
    for _ in 0..ATTEMPTS {
        let Some(meta) = ports.head(Bucket::Usage, key).await? else {
            return Ok(Outcome::Ignored("there is no such object"));
        };
        if let Some(outcome) = translate_version(ports, catalogue, &meta).await? {
            return Ok(outcome);
        }
    }
    Err(LedgerError::Contended(key.to_owned()))
}

/// One attempt at the object as it is now; `None` when it or its tally changed under our hands.
async fn translate_version<P: Ports>(
    ports: &P,
    catalogue: &Catalogue,
    meta: &ObjectMeta,
) -> Result<Option<Outcome>, LedgerError> {
    let file = names::file_id(&meta.key);
    let (source, tags) = match catalogue.source_for(&meta.key) {
        Ok(Some(found)) => found,
        Ok(None) => return unclaimed(ports, &file, meta, Kind::NoSource, NO_SOURCE.to_owned()).await.map(Some),
        Err(two) => return unclaimed(ports, &file, meta, Kind::TwoSources, two.to_string()).await.map(Some),
    };
    let slot = claim(ports, &file, meta, source).await?;
    if let Some(record) = known(ports, &slot, &file, meta, source).await? {
        // Also here: the one who wrote the tally may have died before its hint and its notice.
        hint(ports, &slot).await?;
        notify_again(ports, &file, meta, &record).await?;
        return Ok(Some(Outcome::Repeated));
    }
    let Some(draft) = read_object(ports, source, tags, meta).await? else { return Ok(None) };
    let committed = commit(ports, &slot, &file, source, meta, draft).await?;
    if let Some(outcome) = &committed {
        hint(ports, &slot).await?;
        notify(ports, &file, meta, outcome).await?;
    }
    Ok(committed)
}

const NO_SOURCE: &str =
    "no source of the catalogue reads this key; add a source whose `objects` pattern matches it, or move the file away";

async fn unclaimed<P: Ports>(
    ports: &P,
    file: &str,
    meta: &ObjectMeta,
    kind: Kind,
    reason: String,
) -> Result<Outcome, LedgerError> {
    let notice = notice(meta, kind, reason.clone());
    attention::note(ports, file, &notice).await?;
    Ok(Outcome::Unclaimed(reason))
}

fn notice(meta: &ObjectMeta, kind: Kind, reason: String) -> Notice {
    Notice { key: meta.key.clone(), kind, reason, etag: meta.etag.clone(), arrived: meta.modified }
}

/// The file's slot: that of its claim, which the first to come writes.
async fn claim<P: Ports>(ports: &P, file: &str, meta: &ObjectMeta, source: &Source) -> Result<Slot, LedgerError> {
    if let Some(slot) = claimed_slot(ports, file).await? {
        return Ok(slot);
    }
    let slot = Slot { source: source.name().to_owned(), hour: meta.modified.hour() };
    let claim = Claim { key: meta.key.clone(), slot: slot.clone() };
    let body = serde_json::to_string(&claim).map_err(|error| LedgerError::malformed("claim", error))?;
    let (table, key) = names::claim(file);
    match ports.write(Write::create(table, key, body)).await? {
        Written::Done => Ok(slot),
        Written::Refused(Some(item)) => read_claim(&item),
        Written::Refused(None) => Err(LedgerError::Contended(meta.key.clone())),
    }
}

/// The tally of this very version, if there is one and nothing would come of reading the object
/// again: a file in quarantine is read again when its mapping has changed.
async fn known<P: Ports>(
    ports: &P,
    slot: &Slot,
    file: &str,
    meta: &ObjectMeta,
    source: &Source,
) -> Result<Option<FileRecord>, LedgerError> {
    let (table, key) = names::tally(slot, file);
    let record = ports.get(table, &key).await?.as_ref().map(FileRecord::read).transpose()?;
    let says_all = |record: &FileRecord| {
        record.waived.contains_key(&meta.etag)
            || record.etags.contains(&meta.etag) && !may_be_mended(record, source) && !came_again(record, meta)
    };
    let Some(record) = record.filter(says_all) else { return Ok(None) };
    if record.waived.contains_key(&meta.etag) {
        return Ok(Some(record));
    }
    Ok((!is_restated(ports, slot, &record, source.hash()).await?).then_some(record))
}

/// Whether the same bytes were written once more, and when they were decides whether they count.
fn came_again(record: &FileRecord, meta: &ObjectMeta) -> bool {
    arrival(record).is_some_and(|arrived| arrived < meta.modified)
}

/// Whether a file that counts was read by another mapping than the one by which it is to be read, which is this one.
async fn is_restated<P: Ports>(
    ports: &P,
    slot: &Slot,
    record: &FileRecord,
    mapping: &str,
) -> Result<bool, LedgerError> {
    if record.standing != Standing::Counted || record.mapping == mapping {
        return Ok(false);
    }
    Ok(Restatements::read(ports).await?.mapping(slot) == Some(mapping))
}

/// When a file came, where that decides whether it counts.
fn arrival(record: &FileRecord) -> Option<Instant> {
    record.whole.as_ref().and_then(|whole| whole.arrived)
}

fn may_be_mended(record: &FileRecord, source: &Source) -> bool {
    matches!(record.standing, Standing::Quarantined(_)) && record.mapping != source.hash()
}

/// Tells `aggregate` that the slot changed. The token is new each time, so that a hint that was
/// written after the tallies were read is never taken for the one before.
pub(crate) async fn hint<P: Ports>(ports: &P, slot: &Slot) -> Result<(), LedgerError> {
    ports.write(new_hint(ports, slot)).await?;
    Ok(())
}

/// The write of a hint.
pub(crate) fn new_hint<P: Ports>(ports: &P, slot: &Slot) -> Write {
    let (table, key) = names::hint(slot);
    Write::put(table, key, ports.token())
}

/// Puts on the list what a person has to see.
async fn notify<P: Ports>(ports: &P, file: &str, meta: &ObjectMeta, outcome: &Outcome) -> Result<(), LedgerError> {
    let (kind, reason) = match outcome {
        Outcome::Quarantined(reason) => (Kind::Quarantined, reason.clone()),
        Outcome::Conflict => (Kind::Conflict, CONFLICT.to_owned()),
        Outcome::Tallied(counts) if counts.rejected > 0 => (Kind::Rejects, rejected(counts)),
        Outcome::Tallied(_) | Outcome::Repeated | Outcome::Unclaimed(_) | Outcome::Ignored(_) => return Ok(()),
    };
    attention::note(ports, file, &notice(meta, kind, reason)).await
}

/// Says of a file that was tallied before what there was to say then, and no more.
async fn notify_again<P: Ports>(
    ports: &P,
    file: &str,
    meta: &ObjectMeta,
    record: &FileRecord,
) -> Result<(), LedgerError> {
    match record.standing {
        Standing::Counted if record.counts.rejected == 0 => {}
        Standing::Counted | Standing::Quarantined(_) => return notify(ports, file, meta, &outcome_of(record)).await,
        Standing::Waived(_) => {}
    }
    if attention::of(ports, file).await?.is_some() {
        attention::clear(ports, file).await?;
    }
    Ok(())
}

/// What is told of a file that was overwritten though its source says that files never change.
pub const CONFLICT: &str = "the object was overwritten with other content, but its source says that files never change; \
     put the first content back, waive the other one (`farthing waive`), or say `on-change: supersede` in the source";

/// What is told of a file some of whose records were rejected.
pub(crate) fn rejected(counts: &Counts) -> String {
    format!("{} of {} records were rejected; the rest counts", counts.rejected, counts.records)
}
