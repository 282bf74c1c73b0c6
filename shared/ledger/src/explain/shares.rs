//! What each file of a manifest brought to a line.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use catalog::directory::Directory;
use invoicing::Invoice;
use metering::mark::Mark;
use metering::rollup::{Input, Slot, Standing};
use metering::tally::{Cells, TallyError};

use super::asked::{Asked, Brought, Owned};
use crate::counted::Days;
use crate::error::LedgerError;
use crate::file::record_at;
use crate::manifest::{Manifest, rollup};
use crate::marks;
use crate::ports::Ports;
use crate::replaced::without;
use crate::snapshot;
use crate::verify::replaced;

/// What a file brought to a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// What it is told by.
    pub file: String,
    /// Its object, as it went into the rollup.
    pub input: Input,
    /// The rollup that it went into, by slot and object.
    pub rollup: (Slot, String),
    /// Whether its events count by their ids, each in one file only.
    pub by_id: bool,
    /// What it brought.
    pub brought: Brought,
}

/// What all files brought.
#[derive(Clone, Debug, Default)]
pub(super) struct Shares {
    /// By file; those that brought nothing are left out.
    pub(super) files: BTreeMap<String, Share>,
    /// All that the line is priced from.
    pub(super) cells: Cells,
}

impl Shares {
    pub(super) fn total(&self) -> Result<Brought, LedgerError> {
        self.files.values().try_fold(Brought::default(), |sum, share| sum.add(&share.brought))
    }

    fn add(&mut self, file: &str, share: Share, cells: &Cells) -> Result<(), LedgerError> {
        self.cells.merge(cells).map_err(TallyError::from)?;
        if share.brought.samples == 0 {
            return Ok(());
        }
        match self.files.entry(file.to_owned()) {
            Entry::Vacant(place) => drop(place.insert(share)),
            // A file may bring usage of several days.
            Entry::Occupied(mut place) => {
                place.get_mut().brought = place.get().brought.add(&share.brought)?;
            }
        }
        Ok(())
    }
}

/// What an invoice was made from: its manifest, and who owned which deployment when.
#[derive(Clone, Debug)]
pub(super) struct Made {
    root: String,
    pub(super) directory: Directory,
}

impl Made {
    pub(super) async fn of<P: Ports>(ports: &P, invoice: &Invoice) -> Result<Self, LedgerError> {
        let provenance = &invoice.provenance;
        let directory = snapshot::recall(ports, &provenance.directory).await?;
        Ok(Self { root: provenance.inputs.clone(), directory })
    }

    /// What each file brought to what is asked for.
    pub(super) async fn shares<P: Ports>(&self, ports: &P, asked: &Asked) -> Result<Shares, LedgerError> {
        let mut shares = Shares::default();
        let owned = asked.owned(&self.directory);
        let manifest = Manifest::recall(ports, &self.root).await?;
        let replaced = replaced(ports, &manifest).await?;
        let (mut days, mut marked) = (Days::default(), BTreeMap::new());
        for (slot, body) in manifest.rollups()? {
            let stored = rollup(ports, &body).await?;
            let rollup = without(ports, &slot, (&body, stored), &replaced).await?;
            let adds = !asked.priced_from(&rollup.cells, &owned).0.is_empty();
            let counted = |(_, input): &(String, Input)| input.standing == Standing::Counted;
            for (file, input) in rollup.inputs.into_iter().filter(counted) {
                if !rollup.runs.is_empty() {
                    marked.insert(file.clone(), (input.clone(), slot.clone(), body.clone()));
                }
                if !adds {
                    continue;
                }
                let record = record_at(ports, &slot, &file, input.revision).await?;
                // What its marks say is told by them, below.
                let by_id = record.marks.is_some();
                let cells = asked.priced_from(&record.load(ports).await?.cells, &owned);
                let share = share(&file, &input, (&slot, &body), asked.part(&cells, &owned)?);
                shares.add(&file, Share { by_id, ..share }, &cells)?;
            }
            days.add(rollup.runs);
        }
        self.shares_of_marks(ports, (asked, &owned), days, &marked, &mut shares).await?;
        Ok(shares)
    }

    async fn shares_of_marks<P: Ports>(
        &self,
        ports: &P,
        (asked, owned): (&Asked, &Owned),
        days: Days,
        marked: &BTreeMap<String, (Input, Slot, String)>,
        shares: &mut Shares,
    ) -> Result<(), LedgerError> {
        let asked_for = |mark: &Mark| asked.streams.contains(&mark.about.key.stream);
        for runs in days.within(Some(asked.reach())) {
            for (file, cells) in marks::by_file(ports, &runs, asked_for).await? {
                let Some((input, slot, body)) = marked.get(&file) else { continue };
                let cells = asked.priced_from(&cells, owned);
                let share = share(&file, input, (slot, body), asked.part(&cells, owned)?);
                shares.add(&file, Share { by_id: true, ..share }, &cells)?;
            }
        }
        Ok(())
    }

    /// The ids of the events of one file that count: those that no other file has before it.
    pub(super) async fn counting_ids<P: Ports>(
        &self,
        ports: &P,
        asked: &Asked,
        file: &str,
    ) -> Result<BTreeSet<u128>, LedgerError> {
        let manifest = Manifest::recall(ports, &self.root).await?;
        let replaced = replaced(ports, &manifest).await?;
        let mut days = Days::default();
        for (slot, body) in manifest.rollups()? {
            let stored = rollup(ports, &body).await?;
            days.add(without(ports, &slot, (&body, stored), &replaced).await?.runs);
        }
        let mut ids = BTreeSet::new();
        for runs in days.within(Some(asked.span)) {
            let mine = |mark: &Mark| *mark.file == *file && mark.about.key.stream == asked.stream;
            let take = |mark: &Mark| {
                if mine(mark) {
                    ids.insert(mark.id);
                }
                Ok(())
            };
            marks::each_counting(ports, &runs, take).await?;
        }
        Ok(ids)
    }
}

fn share(file: &str, input: &Input, (slot, body): (&Slot, &str), brought: Brought) -> Share {
    let rollup = (slot.clone(), body.to_owned());
    Share { file: file.to_owned(), input: input.clone(), rollup, by_id: false, brought }
}
