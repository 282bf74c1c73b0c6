//! All that is counted: the rollups with their inputs, read once and priced from.

use std::collections::{BTreeMap, BTreeSet};

use metering::rollup::{Input, Rollup, Run, Slot, Standing};
use metering::tally::{Cells, Counts, TallyError};
use metering::time::{Quarter, Span};

use crate::aggregate::{load, read_head};
pub use crate::audit::{Audit, audit};
use crate::error::LedgerError;
use crate::file::pages;
use crate::manifest::Manifest;
use crate::marks::{self, DayUsage};
use crate::names;
use crate::ports::{Ports, Table};
use crate::replaced::{Latest, without};
pub use crate::sweep::sweep;

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
    /// The files that later ones took the place of.
    pub replaced: BTreeSet<String>,
    /// Events within the window that repeat one of another file, and count nothing.
    pub repeats: u64,
}

/// The runs of each source and day.
#[derive(Default)]
pub(crate) struct Days(BTreeMap<(String, i64), Vec<Run>>);

impl Days {
    pub(crate) fn add(&mut self, source: &str, runs: BTreeMap<i64, Run>) {
        for (day, run) in runs {
            self.0.entry((source.to_owned(), day)).or_default().push(run);
        }
    }

    /// The runs of each day with usage in the window: all of them, since any may hold repeats.
    pub(crate) fn within(self, window: Option<Span>) -> impl Iterator<Item = Vec<Run>> {
        let within = move |runs: &Vec<Run>| runs.iter().any(|run| overlaps(window, Some((run.from, run.to))));
        self.0.into_values().filter(within)
    }
}

impl Counted {
    /// Reads every rollup; cells only of those with usage in `window`.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn read<P: Ports>(ports: &P, window: Option<Span>) -> Result<Self, LedgerError> {
        let mut counted = Self::default();
        let (mut latest, mut wholes, mut days) = (Latest::default(), Vec::new(), Days::default());
        for (source, _) in pages(ports, Table::Rollup, names::SOURCES).await? {
            for (hour, item) in pages(ports, Table::Rollup, &names::rollups(&source)).await? {
                let head = read_head(&item)?;
                let rollup = load(ports, &head.body).await?;
                counted.manifest.add(&source, &hour, &head.body);
                counted.list(&rollup.inputs)?;
                rollup.inputs.iter().for_each(|(file, input)| latest.meet(&source, file, input));
                if rollup.inputs.values().any(|input| input.whole.is_some()) {
                    wholes.push((source.clone(), hour, head.body));
                } else {
                    counted.take(&source, rollup, window, &mut days)?;
                }
            }
        }
        counted.replaced = latest.into_replaced();
        for (source, hour, body) in wholes {
            let slot = read_slot(&source, &hour)?;
            let rollup = load(ports, &body).await?;
            let rollup = without(ports, &slot, (&body, rollup), &counted.replaced).await?;
            counted.take(&source, rollup, window, &mut days)?;
        }
        for runs in days.within(window) {
            counted.take_day(marks::usage(ports, &runs).await?)?;
        }
        Ok(counted)
    }

    /// Takes note of a rollup's files.
    fn list(&mut self, inputs: &BTreeMap<String, Input>) -> Result<(), LedgerError> {
        for (file, input) in inputs {
            // A file has one slot for ever: in two of them its usage would count twice.
            if let Some(other) = self.inputs.insert(file.clone(), input.clone()) {
                return Err(LedgerError::billing(
                    other.key,
                    "the file is in two rollups; nothing is priced until one of them is removed",
                ));
            }
        }
        Ok(())
    }

    /// Takes the usage of a rollup in; that of events with ids when all of them are known.
    pub(crate) fn take(
        &mut self,
        source: &str,
        rollup: Rollup,
        window: Option<Span>,
        days: &mut Days,
    ) -> Result<(), LedgerError> {
        self.counts = self.counts.add(&rollup.counts)?;
        if overlaps(window, rollup.cells.extent()) {
            self.cells.merge(&rollup.cells).map_err(TallyError::from)?;
        }
        days.add(source, rollup.runs);
        Ok(())
    }

    pub(crate) fn take_day(&mut self, day: DayUsage) -> Result<(), LedgerError> {
        self.repeats = self.repeats.saturating_add(day.repeats);
        Ok(self.cells.merge(&day.cells).map_err(TallyError::from)?)
    }

    /// How many files count.
    pub fn files(&self) -> usize {
        let counted = self.inputs.values().filter(|input| input.standing == Standing::Counted).count();
        counted.saturating_sub(self.replaced.len())
    }
}

fn read_slot(source: &str, hour: &str) -> Result<Slot, LedgerError> {
    let hour = hour.parse().map_err(|_| LedgerError::Missing(format!("{source}#{hour}")))?;
    Ok(Slot { source: source.to_owned(), hour })
}

fn overlaps(window: Option<Span>, extent: Option<(Quarter, Quarter)>) -> bool {
    match (window, extent) {
        (Some(window), Some((from, to))) => from.start() < window.until && to.start() >= window.from,
        (Some(_), None) | (None, _) => false,
    }
}
