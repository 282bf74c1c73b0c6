//! All that is counted: the rollups with their inputs, read once and priced from. Also the
//! comparison of the bucket's listing with exactly these inputs.

use std::collections::BTreeMap;

use catalog::Catalogue;
use metering::rollup::{Input, Standing};
use metering::tally::{Cells, Counts};
use metering::time::{Instant, Quarter, Span};

use crate::aggregate::{load, read_head};
use crate::attention::{self, Kind};
use crate::error::LedgerError;
use crate::file::{FileRecord, claimed_slot, pages};
use crate::manifest::Manifest;
use crate::names;
use crate::ports::{Bucket, ObjectMeta, Ports, Table};
use crate::translate::CONFLICT;

/// Objects asked for at a time.
const LIST_PAGE: usize = 1000;

/// The rollups of all slots at one time.
#[derive(Debug, Default)]
pub struct Counted {
    /// Every file that went in, by file id.
    pub inputs: BTreeMap<String, Input>,
    /// The usage within the window that was asked for.
    pub cells: Cells,
    /// The records of all files.
    pub counts: Counts,
    /// The manifest: which rollups were read.
    pub manifest: Manifest,
}

impl Counted {
    /// Reads every rollup; cells only of those with usage in `window`.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn read<P: Ports>(ports: &P, window: Option<Span>) -> Result<Self, LedgerError> {
        let mut counted = Self::default();
        for (source, _) in pages(ports, Table::Rollup, names::SOURCES).await? {
            for (hour, item) in pages(ports, Table::Rollup, &names::rollups(&source)).await? {
                let head = read_head(&item)?;
                let rollup = load(ports, &head.body).await?;
                counted.manifest.add(&source, &hour, &head.body);
                for (file, input) in rollup.inputs {
                    // A file has one slot for ever: in two of them its usage would count twice.
                    if let Some(other) = counted.inputs.insert(file, input) {
                        return Err(LedgerError::billing(
                            other.key,
                            "the file is in two rollups; nothing is priced until one of them is removed",
                        ));
                    }
                }
                counted.counts = counted.counts.add(&rollup.counts)?;
                if overlaps(window, head.from, head.to) {
                    counted.cells.merge(&rollup.cells).map_err(metering::tally::TallyError::from)?;
                }
            }
        }
        Ok(counted)
    }

    /// How many files count.
    pub fn files(&self) -> usize {
        self.inputs.values().filter(|input| input.standing == Standing::Counted).count()
    }
}

fn overlaps(window: Option<Span>, from: Option<Quarter>, to: Option<Quarter>) -> bool {
    match (window, from, to) {
        (Some(window), Some(from), Some(to)) => from.start() < window.until && to.start() >= window.from,
        (Some(_), ..) | (None, ..) => false,
    }
}

/// What a comparison of the listing with the inputs found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Objects in the bucket, without folder markers.
    pub objects: usize,
    /// Those whose present version is in no rollup though it should be: worth asking for again.
    pub missing: Vec<String>,
    /// Those that count nothing until a person has looked, with the reason.
    pub held: Vec<(String, String)>,
    /// Those that no source reads.
    pub unread: Vec<String>,
}

/// What the inputs say of one object.
enum Verdict {
    Counted,
    Missing,
    Held(String),
    Unread,
}

/// Compares every object that was written before `before` with the inputs. The listing is the
/// truth; events only make it fast.
///
/// # Errors
/// [`LedgerError`].
pub async fn audit<P: Ports>(
    ports: &P,
    catalogue: &Catalogue,
    counted: &Counted,
    before: Instant,
) -> Result<Audit, LedgerError> {
    let mut audit = Audit::default();
    let mut after: Option<String> = None;
    loop {
        let page = ports.list(Bucket::Usage, "", after.as_deref(), LIST_PAGE).await?;
        after = page.objects.last().map(|object| object.key.clone());
        for object in page.objects.into_iter().filter(|object| !object.key.ends_with('/') && object.modified < before) {
            audit.objects = audit.objects.saturating_add(1);
            match verdict(ports, catalogue, counted, &object).await? {
                Verdict::Counted => {}
                Verdict::Missing => audit.missing.push(object.key),
                Verdict::Held(reason) => audit.held.push((object.key, reason)),
                Verdict::Unread => audit.unread.push(object.key),
            }
        }
        if !page.more || after.is_none() {
            return Ok(audit);
        }
    }
}

async fn verdict<P: Ports>(
    ports: &P,
    catalogue: &Catalogue,
    counted: &Counted,
    object: &ObjectMeta,
) -> Result<Verdict, LedgerError> {
    let file = names::file_id(&object.key);
    let source = match catalogue.source_for(&object.key) {
        Ok(Some((source, _))) => source,
        Ok(None) if attention::of(ports, &file).await?.is_some() => return Ok(Verdict::Unread),
        Ok(None) => return Ok(Verdict::Missing),
        Err(two) => return Ok(Verdict::Held(two.to_string())),
    };
    match counted.inputs.get(&file) {
        Some(input) if input.etags.contains(&object.etag) => match &input.standing {
            Standing::Counted | Standing::Waived(_) => Ok(Verdict::Counted),
            Standing::Quarantined(reason) => quarantined(ports, source.hash(), &file, reason).await,
        },
        // Another content in the place of one that never counted.
        Some(input) if input.standing != Standing::Counted => Ok(Verdict::Missing),
        Some(_) if !source.supersedes() && is_conflict(ports, &file, object).await? => {
            Ok(Verdict::Held(CONFLICT.to_owned()))
        }
        Some(_) | None => Ok(Verdict::Missing),
    }
}

/// Whether this very version is known to contradict what was counted; any other is worth a look.
async fn is_conflict<P: Ports>(ports: &P, file: &str, object: &ObjectMeta) -> Result<bool, LedgerError> {
    let notice = attention::of(ports, file).await?;
    Ok(notice.is_some_and(|notice| notice.kind == Kind::Conflict && notice.etag == object.etag))
}

/// A file in quarantine is worth another look only under another mapping.
async fn quarantined<P: Ports>(ports: &P, mapping: &str, file: &str, reason: &str) -> Result<Verdict, LedgerError> {
    let Some(slot) = claimed_slot(ports, file).await? else { return Ok(Verdict::Missing) };
    let (table, key) = names::tally(&slot, file);
    let record = ports.get(table, &key).await?.as_ref().map(FileRecord::read).transpose()?;
    match record {
        Some(record) if record.mapping == mapping => Ok(Verdict::Held(reason.to_owned())),
        Some(_) | None => Ok(Verdict::Missing),
    }
}

/// Asks for every object that no rollup counts to be translated (again): those whose event was
/// lost, and those whose event was handled but whose hint was not written.
///
/// # Errors
/// [`LedgerError`].
pub async fn sweep<P: Ports>(ports: &P, catalogue: &Catalogue, before: Instant) -> Result<Audit, LedgerError> {
    let counted = Counted::read(ports, None).await?;
    forget_resolved(ports, catalogue, &counted).await?;
    let audit = audit(ports, catalogue, &counted, before).await?;
    for key in &audit.missing {
        ports.enqueue(key).await?;
    }
    Ok(audit)
}

/// Takes off the list what is mended by now.
async fn forget_resolved<P: Ports>(ports: &P, catalogue: &Catalogue, counted: &Counted) -> Result<(), LedgerError> {
    for notice in attention::list(ports).await? {
        let file = names::file_id(&notice.key);
        let input = counted.inputs.get(&file);
        let now = ports.head(Bucket::Usage, &notice.key).await?;
        let mended = match notice.kind {
            Kind::NoSource | Kind::TwoSources => matches!(catalogue.source_for(&notice.key), Ok(Some(_))),
            Kind::Quarantined => input.is_some_and(|input| !matches!(input.standing, Standing::Quarantined(_))),
            Kind::Conflict => match (&now, input) {
                (Some(now), Some(input)) => input.etags.contains(&now.etag),
                (Some(_) | None, _) => false,
            },
            Kind::Rejects => false,
        };
        // An object that was moved away is nobody's any more.
        if mended || now.is_none() {
            attention::clear(ports, &file).await?;
        }
    }
    Ok(())
}
