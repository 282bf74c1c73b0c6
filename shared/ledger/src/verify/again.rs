//! The usage of a manifest, read from the files once more.

use std::collections::BTreeSet;

use catalog::Catalogue;
use catalog::directory::Directory;
use metering::rollup::{Input, Rollup, Slot, Standing};
use metering::tally::{Cells, Tally};
use metering::time::{Instant, Span};

use super::{Behind, Verification};
use crate::aggregate::Building;
use crate::counted::{Counted, Days};
use crate::error::LedgerError;
use crate::file::record_at;
use crate::manifest::{Manifest, rollup};
use crate::marks;
use crate::ownership::deployments;
use crate::ports::{Bucket, ObjectMeta, Ports};
use crate::replaced::Latest;
use crate::translate::read_object;

/// All time.
const ALWAYS: Span = Span { from: Instant(i64::MIN), until: Instant(i64::MAX) };

/// So many missing files are named.
const NAMED: usize = 5;

/// The files that a manifest names, on their way through the same reading as then.
pub(super) struct Reading<'a, P> {
    ports: &'a P,
    catalogue: &'a Catalogue,
    /// The deployments that the account ever owned.
    mine: BTreeSet<String>,
    behind: Behind,
    pub(super) found: Verification,
}

/// What a file comes to, with the object of its events; none of a file that is not at hand.
type OfFile = Option<(Tally, Option<String>)>;

/// Why a file's usage is not read from its object.
enum Again {
    /// It cannot be.
    Unread(&'static str),
    /// It would say something else.
    Wrong(String),
}

impl<'a, P: Ports> Reading<'a, P> {
    pub(super) fn new(
        ports: &'a P,
        catalogue: &'a Catalogue,
        directory: &Directory,
        account: &str,
        behind: Behind,
    ) -> Self {
        let mine = deployments(directory, account).into_iter().map(str::to_owned).collect();
        Self { ports, catalogue, mine, behind, found: Verification::default() }
    }

    /// The usage of a manifest's files, read again.
    pub(super) async fn read_again(&mut self, root: &str) -> Result<Counted, LedgerError> {
        let manifest = Manifest::recall(self.ports, root).await?;
        let replaced = replaced(self.ports, &manifest).await?;
        let (mut counted, mut days) = (Counted::default(), Days::default());
        for (slot, body) in manifest.rollups()? {
            let stored = rollup(self.ports, &body).await?;
            let counting = self.slot_again(&slot, (&body, &stored), &replaced).await?;
            counted.take(self.ports, counting, Some(ALWAYS), &mut days).await?;
        }
        for runs in days.within(Some(ALWAYS)) {
            counted.take_day(self.ports, marks::usage_anew(self.ports, &runs).await?).await?;
        }
        counted.manifest = manifest;
        Ok(counted)
    }

    /// What a slot's files come to, but for those that later ones took the place of; all of them are held against the
    /// slot's rollup.
    async fn slot_again(
        &mut self,
        slot: &Slot,
        (body, stored): (&str, &Rollup),
        replaced: &BTreeSet<String>,
    ) -> Result<Rollup, LedgerError> {
        let (mut all, mut counting, mut absent) = (Building::default(), Building::default(), Vec::new());
        let before = self.found.wrong.len();
        for (file, input) in &stored.inputs {
            let Some((tally, marks)) = self.file_again(slot, (file, input)).await? else {
                absent.push(input.key.as_str());
                continue;
            };
            if !replaced.contains(file) {
                counting.add(file.clone(), input.clone(), tally.clone(), marks.clone())?;
            }
            all.add(file.clone(), input.clone(), tally, marks)?;
        }
        let (all, mut counting) = (all.end(self.ports).await?, counting.end(self.ports).await?);
        if absent.is_empty() {
            if all.encode()? != stored.encode()? {
                self.wrong(body, "its files do not add up to it");
            }
            return Ok(counting);
        }
        // A file that was found to be another one is named already.
        if self.found.wrong.len() == before {
            self.part_of_slot((body, stored), &all, &absent);
        }
        counting.cells = self.mine(&counting.cells);
        Ok(counting)
    }

    /// Files that are not at hand are nobody's concern where all usage of the account comes out of those that are.
    fn part_of_slot(&mut self, (body, stored): (&str, &Rollup), all: &Rollup, absent: &[&str]) {
        if stored.runs.is_empty() && self.mine(&all.cells) == self.mine(&stored.cells) {
            self.found.absent = self.found.absent.saturating_add(absent.len());
            return;
        }
        let named = absent.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
        let more = absent.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        self.wrong(
            body,
            &format!("the account's usage in it does not come out of the files at hand: {named}{more} are missing"),
        );
    }

    fn wrong(&mut self, what: &str, why: &str) {
        self.found.wrong.push((what.to_owned(), why.to_owned()));
    }

    /// The usage of the account's deployments.
    fn mine(&self, cells: &Cells) -> Cells {
        let mine = cells.0.iter().filter(|(key, _)| self.mine.contains(&key.deployment));
        Cells(mine.map(|(key, quarters)| (key.clone(), quarters.clone())).collect())
    }

    /// What one file comes to; the object itself is read where it still is what it was.
    async fn file_again(&mut self, slot: &Slot, (file, input): (&str, &Input)) -> Result<OfFile, LedgerError> {
        if input.standing != Standing::Counted {
            return Ok(Some((Tally::default(), None)));
        }
        let again = self.object_again(input).await?;
        match again {
            Ok(found) => {
                self.found.files = self.found.files.saturating_add(1);
                return Ok(Some(found));
            }
            Err(Again::Wrong(why)) => self.wrong(&input.key, &why),
            Err(Again::Unread(_)) if self.behind == Behind::Nothing => return Ok(None),
            Err(Again::Unread(why)) => self.found.unread.push((input.key.clone(), why.to_owned())),
        }
        if self.behind == Behind::Nothing {
            return Ok(None);
        }
        let record = record_at(self.ports, slot, file, input.revision).await?;
        match &record.marks {
            Some(object) if !marks::is_sound(self.ports, object).await? => Err(LedgerError::Missing(object.clone())),
            marks => Ok(Some((record.load(self.ports).await?, marks.clone()))),
        }
    }

    async fn object_again(&self, input: &Input) -> Result<Result<(Tally, Option<String>), Again>, LedgerError> {
        let Some(meta) = self.ports.head(Bucket::Usage, &input.key).await? else {
            return Ok(Err(Again::Unread("the object is gone")));
        };
        let (source, tags) = match self.catalogue.source_for(&input.key) {
            Ok(Some((source, tags))) if source.hash() == input.mapping => (source, tags),
            Ok(_) | Err(_) if self.behind == Behind::Nothing => {
                return Ok(Err(Again::Wrong(
                    "the catalogue of the invoice has not the mapping that read it".to_owned(),
                )));
            }
            Ok(_) | Err(_) => {
                return Ok(Err(Again::Unread("it was read by a mapping that the catalogue no longer had")));
            }
        };
        let Some(draft) = read_object(self.ports, source, tags, &meta).await? else {
            return Ok(Err(Again::Unread("the object is being written anew")));
        };
        if draft.record.content != input.content {
            return Ok(Err(self.another(input, &meta, &draft.record.content)));
        }
        let (tally, marks) = draft.with_marks(self.ports).await?;
        Ok(Ok((tally, marks)))
    }

    /// What it means that an object has other bytes.
    fn another(&self, input: &Input, meta: &ObjectMeta, found: &str) -> Again {
        match self.behind {
            Behind::Tables if input.etags.contains(&meta.etag) => {
                Again::Wrong("the object has the same etag and other bytes".to_owned())
            }
            Behind::Tables => Again::Unread("the object was written anew since"),
            Behind::Nothing => Again::Wrong(format!(
                "its bytes are not those that were counted: their SHA-256 is {found}, and was {}",
                input.content
            )),
        }
    }
}

/// The files of a manifest that later ones took the place of.
///
/// # Errors
/// [`LedgerError`].
pub(crate) async fn replaced<P: Ports>(ports: &P, manifest: &Manifest) -> Result<BTreeSet<String>, LedgerError> {
    let mut latest = Latest::default();
    for (_, body) in manifest.rollups()? {
        let stored = rollup(ports, &body).await?;
        stored.inputs.iter().for_each(|(file, input)| latest.meet(file, input));
    }
    Ok(latest.into_replaced())
}
