//! An issued invoice derived once more from the raw files, and compared byte by byte.
//!
//! Nothing is taken on trust that a hash on the invoice does not hold: catalogue, directory,
//! manifest, rollups. The usage is read from the files again.

use std::collections::BTreeSet;

use catalog::Catalogue;
use catalog::directory::Directory;
use metering::rollup::{Input, Slot, Standing};
use metering::tally::Tally;
use metering::time::{Instant, Span};

use crate::aggregate::Building;
use crate::configuration::Configuration;
use crate::counted::{Counted, Days};
use crate::error::LedgerError;
use crate::explain::{Found, find, of_account};
use crate::file::{FileRecord, record_at};
use crate::invoice::rederive;
use crate::manifest::{Manifest, rollup};
use crate::marks;
use crate::names;
use crate::ports::{Bucket, Ports};
use crate::replaced::Latest;
use crate::snapshot;
use crate::translate::read_object;

/// All time.
const ALWAYS: Span = Span { from: Instant(i64::MIN), until: Instant(i64::MAX) };

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Files that were read again and are what they were.
    pub files: usize,
    /// Files whose usage was taken from their stored tally, with the reason.
    pub unread: Vec<(String, String)>,
    /// Files and rollups that are not what the invoice was made from, with what is wrong.
    pub wrong: Vec<(String, String)>,
    /// SHA-256 of the document that was issued.
    pub issued: String,
    /// SHA-256 of the document as it comes out now.
    pub derived: String,
}

impl Verification {
    /// Whether the invoice is exactly what the files say.
    pub fn holds(&self) -> bool {
        self.wrong.is_empty() && self.issued == self.derived
    }
}

/// Derives the invoice of a number from the files that it names.
///
/// # Errors
/// [`LedgerError`] where something on the way is missing or is not what its hash says.
pub async fn verify<P: Ports>(ports: &P, number: &str) -> Result<Verification, LedgerError> {
    let found = find(ports, number).await?;
    let provenance = &found.invoice.provenance;
    let catalogue = Configuration::recall(ports, &provenance.catalogue).await?.catalogue;
    if catalogue.hash != provenance.catalogue {
        return Err(LedgerError::Missing(format!("catalogues/{}.json", provenance.catalogue)));
    }
    let directory = snapshot::recall(ports, &provenance.directory).await?;
    let catalogue = catalogue.joined(directory.parties()).0;
    let (counted, mut verification) = read_again(ports, &catalogue, &provenance.inputs).await?;
    derive(ports, &catalogue, &directory, &counted, &found, &mut verification).await?;
    Ok(verification)
}

async fn derive<P: Ports>(
    ports: &P,
    catalogue: &Catalogue,
    directory: &Directory,
    counted: &Counted,
    found: &Found,
    verification: &mut Verification,
) -> Result<(), LedgerError> {
    let mut earlier = of_account(ports, &found.account).await?;
    let own = earlier.iter().position(|(issued, _)| issued.number == found.issued.number);
    earlier.truncate(own.unwrap_or(0));
    // As they lie in the table.
    earlier.sort_by(|(a, _), (b, _)| a.period.cmp(&b.period));
    let derived = rederive(ports, catalogue, counted, directory, &found.issued, (&found.account, earlier)).await?;
    let hash = |invoice: &invoicing::Invoice| {
        let text = invoice.canonical_json().map_err(|error| LedgerError::billing(&found.account, error))?;
        Ok::<_, LedgerError>(names::sha256(text.as_bytes()))
    };
    verification.issued = hash(&found.invoice)?;
    verification.derived = hash(&derived)?;
    Ok(())
}

/// The usage of a manifest's files, read again.
async fn read_again<P: Ports>(
    ports: &P,
    catalogue: &Catalogue,
    root: &str,
) -> Result<(Counted, Verification), LedgerError> {
    let (files, unread, wrong) = (0, Vec::new(), Vec::new());
    let mut verification = Verification { files, unread, wrong, issued: String::new(), derived: String::new() };
    let manifest = Manifest::recall(ports, root).await?;
    let replaced = replaced(ports, &manifest).await?;
    let (mut counted, mut days) = (Counted::default(), Days::default());
    for (slot, body) in manifest.rollups()? {
        let stored = rollup(ports, &body).await?;
        // All files, and those that no later one took the place of.
        let (mut all, mut counting) = (Building::default(), Building::default());
        for (file, input) in &stored.inputs {
            let (tally, marks) = file_again(ports, catalogue, &slot, (file, input), &mut verification).await?;
            if !replaced.contains(file) {
                counting.add(file.clone(), input.clone(), tally.clone(), marks.clone())?;
            }
            all.add(file.clone(), input.clone(), tally, marks)?;
        }
        if all.end(ports).await?.encode()? != stored.encode()? {
            verification.wrong.push((body, "its files do not add up to it".to_owned()));
        }
        counted.take(&slot.source, counting.end(ports).await?, Some(ALWAYS), &mut days)?;
    }
    for runs in days.within(Some(ALWAYS)) {
        counted.take_day(marks::usage_anew(ports, &runs).await?)?;
    }
    counted.manifest = manifest;
    Ok((counted, verification))
}

/// The files of a manifest that later ones took the place of.
///
/// # Errors
/// [`LedgerError`].
pub(crate) async fn replaced<P: Ports>(ports: &P, manifest: &Manifest) -> Result<BTreeSet<String>, LedgerError> {
    let mut latest = Latest::default();
    for (slot, body) in manifest.rollups()? {
        let stored = rollup(ports, &body).await?;
        stored.inputs.iter().for_each(|(file, input)| latest.meet(&slot.source, file, input));
    }
    Ok(latest.into_replaced())
}

/// What one file comes to; the object itself is read where it still is what it was.
async fn file_again<P: Ports>(
    ports: &P,
    catalogue: &Catalogue,
    slot: &Slot,
    (file, input): (&str, &Input),
    verification: &mut Verification,
) -> Result<(Tally, Option<String>), LedgerError> {
    if input.standing != Standing::Counted {
        return Ok((Tally::default(), None));
    }
    let record = record_at(ports, slot, file, input.revision).await?;
    let marks = record.marks.clone();
    if let Some(object) = &marks
        && !marks::is_sound(ports, object).await?
    {
        return Err(LedgerError::Missing(object.clone()));
    }
    let tally = match object_again(ports, catalogue, &record, input).await? {
        Ok(tally) => {
            verification.files = verification.files.saturating_add(1);
            tally
        }
        Err(Again::Unread(why)) => {
            verification.unread.push((input.key.clone(), why.to_owned()));
            record.load(ports).await?
        }
        Err(Again::Wrong(why)) => {
            verification.wrong.push((input.key.clone(), why.to_owned()));
            record.load(ports).await?
        }
    };
    Ok((tally, marks))
}

/// Why a file's usage is not read from its object.
enum Again {
    /// It cannot be.
    Unread(&'static str),
    /// It would say something else.
    Wrong(&'static str),
}

async fn object_again<P: Ports>(
    ports: &P,
    catalogue: &Catalogue,
    record: &FileRecord,
    input: &Input,
) -> Result<Result<Tally, Again>, LedgerError> {
    let Some(meta) = ports.head(Bucket::Usage, &input.key).await? else {
        return Ok(Err(Again::Unread("the object is gone")));
    };
    if !input.etags.contains(&meta.etag) {
        return Ok(Err(Again::Unread("the object was written anew since")));
    }
    let (source, tags) = match catalogue.source_for(&input.key) {
        Ok(Some((source, tags))) if source.hash() == record.mapping => (source, tags),
        Ok(_) | Err(_) => return Ok(Err(Again::Unread("it was read by a mapping that the catalogue no longer had"))),
    };
    let Some(draft) = read_object(ports, source, tags, &meta).await? else {
        return Ok(Err(Again::Unread("the object is being written anew")));
    };
    if draft.record.content != input.content {
        return Ok(Err(Again::Wrong("the object has the same etag and other bytes")));
    }
    if draft.record.marks != record.marks {
        return Ok(Err(Again::Wrong("its events are others than those that were kept")));
    }
    Ok(Ok(draft.tally))
}
