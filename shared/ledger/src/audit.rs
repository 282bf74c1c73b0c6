//! The comparison of the bucket's listing with the inputs of rollups: the listing is the truth, events only make it
//! fast. Hours that are sealed are compared by their sum alone ([`crate::seal`]).

use std::collections::BTreeMap;

use catalog::Catalogue;
use metering::rollup::{Input, Standing};
use metering::time::Instant;
use usage::Source;

use crate::attention::{self, Kind};
use crate::counted::Counted;
use crate::error::LedgerError;
use crate::file::{FileRecord, claimed_slot};
use crate::inputs::Inputs;
use crate::names;
use crate::ports::{Bucket, ObjectMeta, Ports};
use crate::restate::Restatements;
use crate::seal::{Seals, Sum, hour, rules};
use crate::translate::CONFLICT;

/// Objects asked for at a time.
const LIST_PAGE: usize = 1000;

/// Objects of hours that are not sealed are held for comparison, about so many at a time; where there are more, the
/// bucket is listed again for the later hours.
const HELD_OBJECTS: usize = 200_000;

/// What a comparison of the listing with the inputs found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Objects in the bucket, without folder markers.
    pub objects: usize,
    /// How many of them were compared one by one; the others lie in sealed hours.
    pub compared: usize,
    /// Those whose present version is in no rollup though it should be: worth asking for again.
    pub missing: Vec<String>,
    /// Those that count nothing until a person has looked, with the reason.
    pub held: Vec<(String, String)>,
    /// Those that no source reads, as far as they were compared.
    pub unread: Vec<String>,
}

/// What the inputs say of one object.
enum Verdict {
    Counted,
    Missing,
    Held(String),
    Unread,
}

/// Compares every object that was written before `before` with what is counted, whatever is sealed.
///
/// # Errors
/// [`LedgerError`].
pub async fn audit<P: Ports>(
    ports: &P,
    catalogue: &Catalogue,
    counted: &Counted,
    before: Instant,
) -> Result<Audit, LedgerError> {
    audit_unsealed(ports, catalogue, counted, (&Seals::none(), ""), before).await
}

/// Compares every object that was written before `before` with what is counted, but for those of hours that were
/// sealed, under these rules, before the rollups were read.
///
/// # Errors
/// [`LedgerError`].
pub async fn audit_unsealed<P: Ports>(
    ports: &P,
    catalogue: &Catalogue,
    counted: &Counted,
    (seals, under): (&Seals, &str),
    before: Instant,
) -> Result<Audit, LedgerError> {
    let mut inputs = Inputs::of(&counted.manifest)?;
    // After the rollups: who restates says so first, so that rollups with half of it are never taken for whole.
    let restated = &Restatements::read(ports).await?;
    let none = Seals::none();
    let seals = if rules(catalogue, restated) == under { seals } else { &none };
    Ok(compare(ports, &Rules { catalogue, restated }, &mut inputs, seals, before).await?.0)
}

/// What says whether an object counts as it should.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) restated: &'a Restatements,
}

/// The comparison, and the hours of which every object is settled, with their sums.
pub(crate) async fn compare<P: Ports>(
    ports: &P,
    rules: &Rules<'_>,
    inputs: &mut Inputs,
    seals: &Seals,
    before: Instant,
) -> Result<(Audit, BTreeMap<i64, Sum>), LedgerError> {
    let (mut audit, mut settled) = (Audit::default(), BTreeMap::new());
    let mut next = Some(i64::MIN);
    while let Some(from) = next {
        let listed = list(ports, seals, before, from).await?;
        audit.objects = listed.sums.values().map(|sum| usize::try_from(sum.objects()).unwrap_or(0)).sum();
        for (hour, objects) in listed.open {
            let before = (audit.missing.len(), audit.held.len());
            for object in objects {
                audit.compared = audit.compared.saturating_add(1);
                match verdict(ports, rules, inputs, &object).await? {
                    Verdict::Counted => {}
                    Verdict::Missing => audit.missing.push(object.key),
                    Verdict::Held(reason) => audit.held.push((object.key, reason)),
                    Verdict::Unread => audit.unread.push(object.key),
                }
            }
            if before == (audit.missing.len(), audit.held.len()) {
                settled.extend(listed.sums.get(&hour).map(|sum| (hour, *sum)));
            }
        }
        next = listed.put_off;
    }
    audit.missing.sort_unstable();
    audit.held.sort_unstable();
    audit.unread.sort_unstable();
    Ok((audit, settled))
}

/// One listing of the bucket.
#[derive(Default)]
struct Listed {
    /// Of all hours.
    sums: BTreeMap<i64, Sum>,
    /// The objects of hours that are to be compared.
    open: BTreeMap<i64, Vec<ObjectMeta>>,
    held: usize,
    /// The first hour for which another listing is needed.
    put_off: Option<i64>,
}

/// Lists the bucket until no seal is broken that was believed.
async fn list<P: Ports>(ports: &P, seals: &Seals, before: Instant, from: i64) -> Result<Listed, LedgerError> {
    let mut seals = seals.clone();
    loop {
        let listed = list_once(ports, &seals, before, from).await?;
        let broken = seals.broken(&listed.sums);
        if broken.is_empty() {
            return Ok(listed);
        }
        seals = seals.without(&broken);
    }
}

async fn list_once<P: Ports>(ports: &P, seals: &Seals, before: Instant, from: i64) -> Result<Listed, LedgerError> {
    let mut listed = Listed::default();
    let mut after: Option<String> = None;
    loop {
        let page = ports.list(Bucket::Usage, "", after.as_deref(), LIST_PAGE).await?;
        after = page.objects.last().map(|object| object.key.clone());
        for object in page.objects.into_iter().filter(|object| !object.key.ends_with('/') && object.modified < before) {
            let hour = hour(&object);
            listed.sums.entry(hour).or_default().add(&object);
            if hour >= from && !seals.holds(hour) {
                listed.hold(hour, object);
            }
        }
        if !page.more || after.is_none() {
            return Ok(listed);
        }
    }
}

impl Listed {
    fn hold(&mut self, hour: i64, object: ObjectMeta) {
        if self.put_off.is_some_and(|first| hour >= first) {
            return;
        }
        self.open.entry(hour).or_default().push(object);
        self.held = self.held.saturating_add(1);
        // The earliest hour is never put off, so that each listing gets on.
        if self.held > HELD_OBJECTS
            && self.open.len() > 1
            && let Some((last, objects)) = self.open.pop_last()
        {
            self.held = self.held.saturating_sub(objects.len());
            self.put_off = Some(last);
        }
    }
}

async fn verdict<P: Ports>(
    ports: &P,
    rules: &Rules<'_>,
    inputs: &mut Inputs,
    object: &ObjectMeta,
) -> Result<Verdict, LedgerError> {
    let file = names::file_id(&object.key);
    let source = match rules.catalogue.source_for(&object.key) {
        Ok(Some((source, _))) => source,
        Ok(None) if attention::of(ports, &file).await?.is_some() => return Ok(Verdict::Unread),
        Ok(None) => return Ok(Verdict::Missing),
        Err(two) => return Ok(Verdict::Held(two.to_string())),
    };
    match inputs.get(ports, &file, hour(object)).await? {
        Some((_, input)) if input.etags.contains(&object.etag) && came_again(&input, object) => Ok(Verdict::Missing),
        Some((slot, input)) if input.etags.contains(&object.etag) => match &input.standing {
            Standing::Counted => Ok(restated(rules.restated.mapping(&slot), source, &input)),
            Standing::Waived(_) => Ok(Verdict::Counted),
            Standing::Quarantined(reason) => quarantined(ports, source.hash(), &file, reason).await,
        },
        Some((slot, input)) if input.standing == Standing::Counted && input.waived.contains_key(&object.etag) => {
            Ok(waived(rules.restated.mapping(&slot), &input))
        }
        // Another content in the place of one that never counted.
        Some((_, input)) if input.standing != Standing::Counted => Ok(Verdict::Missing),
        Some(_) if !source.supersedes() && is_conflict(ports, &file, object).await? => {
            Ok(Verdict::Held(CONFLICT.to_owned()))
        }
        Some(_) | None => Ok(Verdict::Missing),
    }
}

/// Whether the same bytes were written once more, where the time of arrival decides what counts.
fn came_again(input: &Input, object: &ObjectMeta) -> bool {
    let arrived = input.whole.as_ref().and_then(|whole| whole.arrived);
    input.standing == Standing::Counted && arrived.is_some_and(|arrived| arrived < object.modified)
}

/// A file that counts is to be read by the mapping that was said, where one was.
fn restated(said: Option<&str>, source: &Source, input: &Input) -> Verdict {
    match said {
        Some(mapping) if mapping == input.mapping => Verdict::Counted,
        None => Verdict::Counted,
        Some(mapping) if mapping == source.hash() => Verdict::Missing,
        Some(_) => Verdict::Held(RESTATED.to_owned()),
    }
}

/// Somebody answers for it that this content does not count; the one that does cannot be read any more.
fn waived(said: Option<&str>, input: &Input) -> Verdict {
    match said {
        Some(mapping) if mapping != input.mapping => Verdict::Held(OVERWRITTEN.to_owned()),
        Some(_) | None => Verdict::Counted,
    }
}

/// What is told of a file that is to be read by another mapping and is not there.
pub(crate) const OVERWRITTEN: &str = "it is to be read once more by the mapping of a restatement, and its content that counts was overwritten; \
     put that content back";

/// What is told of a file that is to be read by a mapping that is gone.
pub(crate) const RESTATED: &str = "it is to be read by the mapping of a restatement, which the catalogue no longer has; put that mapping \
     back, or restate the range once more with the present one";

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
