//! A file as it was read: from an object's bytes to what its tally would say.

use std::collections::BTreeMap;

use metering::rollup::{Standing, Whole};
use metering::tally::{Counts, Tally};
use sha2::{Digest, Sha256};
use usage::{Limits, ObjectContext, Source, Tags, Translation, Translator, Unreadable, Watch, WholeOf};

use crate::ahead::{self, Ahead, Parts};
use crate::error::LedgerError;
use crate::file::FileRecord;
use crate::marks;
use crate::names;
use crate::ports::{Bucket, ObjectMeta, Ports};

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
    pub(crate) async fn store<P: Ports>(mut self, ports: &P) -> Result<String, LedgerError> {
        self.keep_marks(ports).await?;
        self.record.store(ports, self.tally).await
    }

    /// Its tally, and the object of its events with ids, which is put first.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub(crate) async fn with_marks<P: Ports>(mut self, ports: &P) -> Result<(Tally, Option<String>), LedgerError> {
        self.keep_marks(ports).await?;
        Ok((self.tally, self.record.marks))
    }

    async fn keep_marks<P: Ports>(&mut self, ports: &P) -> Result<(), LedgerError> {
        match (&self.record.marks, self.marks.take()) {
            (Some(object), Some(bytes)) => marks::keep(ports, object, bytes).await,
            _ => Ok(()),
        }
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
