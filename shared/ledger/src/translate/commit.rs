//! The conditional put of a tally: what it means for a tally that is there already.

use metering::rollup::{Slot, Standing};
use usage::Source;

use super::draft::Draft;
use super::{ATTEMPTS, Outcome, arrival, is_restated};
use crate::attention;
use crate::error::LedgerError;
use crate::file::FileRecord;
use crate::names;
use crate::ports::{Bucket, Item, ObjectMeta, Ports, Write, Written};

/// Commits the tally; `None` when the object is no longer the one that was read.
pub(super) async fn commit<P: Ports>(
    ports: &P,
    slot: &Slot,
    file: &str,
    source: &Source,
    meta: &ObjectMeta,
    draft: Draft,
) -> Result<Option<Outcome>, LedgerError> {
    let (table, key) = names::tally(slot, file);
    let mut outcome = outcome_of(&draft.record);
    let ours = draft.record.clone();
    let body = draft.store(ports).await?;
    let mut write = Write::create(table, key.clone(), body.clone());
    let mut replaces = false;
    for _ in 0..ATTEMPTS {
        let present = match ports.write(write).await? {
            Written::Done => {
                // What there was to say of the content before is no longer true.
                if replaces {
                    attention::clear(ports, file).await?;
                }
                return Ok(Some(outcome));
            }
            Written::Refused(Some(present)) => present,
            Written::Refused(None) => return Ok(None),
        };
        // The object may have been overwritten, and that version tallied, since we read ours:
        // only who holds the present version may say what the tally should be.
        let now = ports.head(Bucket::Usage, &meta.key).await?;
        if now.is_none_or(|now| now.etag != meta.etag) {
            return Ok(None);
        }
        let record = FileRecord::read(&present)?;
        let restated = is_restated(ports, slot, &record, &ours.mapping).await?;
        let next;
        (next, outcome, replaces) = match decide(&record, &ours, source, restated) {
            Decision::Keep => return Ok(Some(Outcome::Repeated)),
            Decision::Conflict => return Ok(Some(Outcome::Conflict)),
            Decision::KnowEtag => {
                keep_superseded(ports, file, &present).await?;
                (with_etag(record, meta).text()?, Outcome::Repeated, false)
            }
            Decision::Replace => {
                keep_superseded(ports, file, &present).await?;
                (with_waived(&body, record)?, outcome_of(&ours), true)
            }
        };
        write = Write::replace(table, key.clone(), present.revision, next);
    }
    Ok(None)
}

pub(super) fn outcome_of(record: &FileRecord) -> Outcome {
    match &record.standing {
        Standing::Quarantined(reason) | Standing::Waived(reason) => Outcome::Quarantined(reason.clone()),
        Standing::Counted => Outcome::Tallied(record.counts),
    }
}

/// What a tally that is there already means for the one that was just read.
#[derive(Debug, PartialEq, Eq)]
enum Decision {
    /// It says the same.
    Keep,
    /// The same content under another etag, as after an upload in parts, or once more.
    KnowEtag,
    /// Ours takes its place.
    Replace,
    /// The file must not have changed.
    Conflict,
}

fn decide(present: &FileRecord, ours: &FileRecord, source: &Source, restated: bool) -> Decision {
    let same = present.content == ours.content;
    // What is in quarantine or waived never counted: the upload that mends it changes nothing that did.
    let never_counted = present.standing != Standing::Counted;
    let quarantined = matches!(present.standing, Standing::Quarantined(_));
    let mended = restated || (quarantined && present.mapping != ours.mapping);
    let known = ours.etags.is_subset(&present.etags) && arrival(ours) <= arrival(present);
    match (same, mended, known) {
        // It was waived while we read it.
        (false, ..) if ours.etags.iter().all(|etag| present.waived.contains_key(etag)) => Decision::Keep,
        (true, true, _) => Decision::Replace,
        (true, false, true) => Decision::Keep,
        (true, false, false) => Decision::KnowEtag,
        (false, ..) if never_counted || source.supersedes() => Decision::Replace,
        (false, ..) => Decision::Conflict,
    }
}

/// The text of a tally that takes the place of another one: what was waived stays so.
fn with_waived(body: &str, before: FileRecord) -> Result<String, LedgerError> {
    if before.waived.is_empty() {
        return Ok(body.to_owned());
    }
    let mut record: FileRecord = serde_json::from_str(body).map_err(|error| LedgerError::malformed("tally", error))?;
    record.waived = before.waived;
    record.text()
}

fn with_etag(mut record: FileRecord, meta: &ObjectMeta) -> FileRecord {
    record.etags.insert(meta.etag.clone());
    if let Some(whole) = &mut record.whole {
        whole.arrived = whole.arrived.map(|arrived| arrived.max(meta.modified));
    }
    record
}

/// What a revision replaces is kept for ever.
pub(crate) async fn keep_superseded<P: Ports>(ports: &P, file: &str, present: &Item) -> Result<(), LedgerError> {
    let key = names::superseded(file, present.revision);
    ports.put_once(Bucket::Work, &key, present.body.clone().into_bytes(), "application/json").await?;
    Ok(())
}
