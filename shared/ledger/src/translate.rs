//! From an object to its tally: the first commit point.
//!
//! Claim, then one conditional put. Delivered twice, cut off anywhere, or woken after its time,
//! it leaves the same state as delivered once.

use std::collections::BTreeMap;

use catalog::Catalogue;
use metering::rollup::{Slot, Standing, Whole};
use metering::tally::{Counts, Tally};
use metering::time::Instant;
use sha2::{Digest, Sha256};
use usage::{Limits, ObjectContext, Source, Tags, Translation, Translator, Unreadable, Watch, WholeOf};

use crate::ahead::{self, Ahead, Parts};
use crate::attention::{self, Kind, Notice};
use crate::error::LedgerError;
use crate::file::{Claim, FileRecord, claimed_slot, read_claim};
use crate::marks;
use crate::names;
use crate::ports::{Bucket, Item, ObjectMeta, Ports, Write, Written};
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

fn may_be_mended(record: &FileRecord, source: &Source) -> bool {
    matches!(record.standing, Standing::Quarantined(_)) && record.mapping != source.hash()
}

/// A file as it was read: what its tally would say.
pub(crate) struct Draft {
    pub(crate) record: FileRecord,
    pub(crate) tally: Tally,
    /// The object that its record names for its events with ids.
    marks: Option<Vec<u8>>,
}

impl Draft {
    /// The text of its tally's item; what does not stand in it is put first.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub(crate) async fn store<P: Ports>(self, ports: &P) -> Result<String, LedgerError> {
        if let (Some(object), Some(bytes)) = (&self.record.marks, self.marks) {
            marks::keep(ports, object, bytes).await?;
        }
        self.record.store(ports, self.tally).await
    }

    /// Its tally, and the object of its events with ids, which is put first.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub(crate) async fn with_marks<P: Ports>(self, ports: &P) -> Result<(Tally, Option<String>), LedgerError> {
        if let (Some(object), Some(bytes)) = (&self.record.marks, self.marks) {
            marks::keep(ports, object, bytes).await?;
        }
        Ok((self.tally, self.record.marks))
    }
}

/// Reads and translates the object in bounded pieces; `None` if it changed meanwhile.
pub(crate) async fn read_object<P: Ports>(
    ports: &P,
    source: &Source,
    tags: Tags,
    meta: &ObjectMeta,
) -> Result<Option<Draft>, LedgerError> {
    read_watched(ports, source, tags, meta, None).await
}

/// The same with somebody who looks on.
pub(crate) async fn read_watched<'s, P: Ports>(
    ports: &P,
    source: &'s Source,
    tags: Tags,
    meta: &ObjectMeta,
    watch: Option<Watch<'s>>,
) -> Result<Option<Draft>, LedgerError> {
    let whole = whole(source, &tags, meta);
    let file = names::file_id(&meta.key).into();
    let context = ObjectContext { key: meta.key.clone(), tags, file };
    let Some((content, translated)) = read_parts(ports, source, context, meta, watch, Parts::USUAL).await? else {
        return Ok(None);
    };
    let mut draft = match translated {
        Ok(translation) => draft_of(ports, source, meta, content, translation).await?,
        Err(error) => quarantine(source, meta, content, error.to_string(), None),
    };
    draft.record.whole = whole;
    Ok(Some(draft))
}

/// The hash of the object's bytes, and what they are translated into.
type Content = (String, Result<Translation, Unreadable>);

/// One pass over the bytes, in their order: the hash needs all of them.
async fn read_parts<'s, P: Ports>(
    ports: &P,
    source: &'s Source,
    context: ObjectContext,
    meta: &ObjectMeta,
    watch: Option<Watch<'s>>,
    parts: Parts,
) -> Result<Option<Content>, LedgerError> {
    let Some(mut translator) = translator(ports, source, context, meta, watch, parts).await? else { return Ok(None) };
    let mut hasher = Sha256::new();
    let mut unreadable = None;
    let mut ahead = Ahead::new(ports, Bucket::Usage, meta, parts);
    loop {
        let Some(bytes) = ahead.next().await? else { return Ok(None) };
        if bytes.is_empty() {
            break;
        }
        hasher.update(&bytes);
        // The hash needs all bytes, also of a file that turns out unreadable in the middle.
        if unreadable.is_none() {
            unreadable = translator.push(&bytes).err();
        }
    }
    let translated = match unreadable {
        Some(error) => Err(error),
        None => translator.finish(),
    };
    Ok(Some((names::hex(&hasher.finalize()), translated)))
}

/// What translates the object; `None` if it changed meanwhile. An object of one part is not worth a
/// thread, nor a request for its end; who looks on does so on this thread.
async fn translator<'s, P: Ports>(
    ports: &P,
    source: &'s Source,
    context: ObjectContext,
    meta: &ObjectMeta,
    watch: Option<Watch<'s>>,
    parts: Parts,
) -> Result<Option<Translator<'s>>, LedgerError> {
    let is_large = meta.size > parts.bytes;
    let mut translator = match watch {
        Some(watch) => Translator::new(source, context).watched(watch),
        None if is_large => Translator::on_two_threads(source, context, Limits::default()),
        None => Translator::new(source, context),
    };
    let mut wanted = source.asks_for_end().filter(|_| is_large);
    while let Some(length) = wanted {
        let Some(end) = ahead::last(ports, Bucket::Usage, meta, length).await? else { return Ok(None) };
        wanted = translator.foresee(&end, meta.size);
    }
    Ok(Some(translator))
}

/// What a file is the whole of, and when it came where that decides.
fn whole(source: &Source, tags: &Tags, meta: &ObjectMeta) -> Option<Whole> {
    let WholeOf { group, order } = source.whole_of(tags)?;
    let arrived = order.is_empty().then_some(meta.modified);
    Some(Whole { source: source.name().to_owned(), group, order, arrived })
}

async fn draft_of<P: Ports>(
    ports: &P,
    source: &Source,
    meta: &ObjectMeta,
    content: String,
    translation: Translation,
) -> Result<Draft, LedgerError> {
    let rejects = keep_rejects(ports, source, meta, &content, &translation).await?;
    if let Some(reason) = translation.quarantine {
        return Ok(quarantine(source, meta, content, reason, rejects));
    }
    let counts = translation.tally.counts;
    let mut record = record(source, meta, content, Standing::Counted, counts, rejects);
    let (object, marks) = marks::of_file(&translation.marks)?.unzip();
    let mut tally = translation.tally;
    if object.is_some() {
        // What the marks say is told by them alone, wherever it stands as well.
        tally.cells = translation.unmarked;
    }
    record.marks = object;
    Ok(Draft { record, tally, marks })
}

fn quarantine(source: &Source, meta: &ObjectMeta, content: String, reason: String, rejects: Option<String>) -> Draft {
    let standing = Standing::Quarantined(reason);
    let record = record(source, meta, content, standing, Counts::default(), rejects);
    Draft { record, tally: Tally::default(), marks: None }
}

fn record(
    source: &Source,
    meta: &ObjectMeta,
    content: String,
    standing: Standing,
    counts: Counts,
    rejects: Option<String>,
) -> FileRecord {
    FileRecord {
        key: meta.key.clone(),
        etags: [meta.etag.clone()].into(),
        content,
        mapping: source.hash().to_owned(),
        arrived: meta.modified,
        standing,
        counts,
        rejects,
        whole: None,
        waived: BTreeMap::new(),
        marks: None,
        tally: None,
        body: None,
    }
}

/// Keeps the rejected records before the tally that counts them is committed.
async fn keep_rejects<P: Ports>(
    ports: &P,
    source: &Source,
    meta: &ObjectMeta,
    content: &str,
    translation: &Translation,
) -> Result<Option<String>, LedgerError> {
    if translation.rejects.is_empty() {
        return Ok(None);
    }
    let mut text = String::new();
    for reject in &translation.rejects {
        let line = serde_json::to_string(&reject.describe(&meta.key, &meta.etag));
        text.push_str(&line.map_err(|error| LedgerError::malformed("reject", error))?);
        text.push('\n');
    }
    let name = names::sha256(text.as_bytes());
    let (file, content) = (names::file_id(&meta.key), content.get(..16).unwrap_or(content));
    let key = format!("rejects/{}/{file}-{content}-{}.ndjson", source.name(), name.get(..16).unwrap_or(&name));
    ports.put_once(Bucket::Work, &key, text.into_bytes(), "application/x-ndjson").await?;
    Ok(Some(key))
}

/// Commits the tally; `None` when the object is no longer the one that was read.
async fn commit<P: Ports>(
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

fn outcome_of(record: &FileRecord) -> Outcome {
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

/// When a file came, where that decides whether it counts.
fn arrival(record: &FileRecord) -> Option<Instant> {
    record.whole.as_ref().and_then(|whole| whole.arrived)
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

fn rejected(counts: &Counts) -> String {
    format!("{} of {} records were rejected; the rest counts", counts.rejected, counts.records)
}
