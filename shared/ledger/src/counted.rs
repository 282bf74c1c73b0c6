//! All that is counted: the rollups of a time, read once and priced from. Memory does not grow with the files.

use std::collections::{BTreeMap, BTreeSet};

use metering::rollup::{Rollup, Run, Slot};
use metering::tally::Counts;
use metering::time::{Instant, Quarter, Span};

use crate::aggregate::{RollupHead, load, read_head};
pub use crate::audit::{Audit, audit};
use crate::by_deployment::{ByDeployment, overlaps};
use crate::error::LedgerError;
use crate::file::pages;
use crate::manifest::Manifest;
use crate::marks::{self, DayUsage};
use crate::names;
use crate::once::{self, Identities};
use crate::ports::{Ports, Table};
use crate::replaced::{Latest, without};
pub use crate::sweep::sweep;

/// What the rollups of all slots say at one time.
#[derive(Debug, Default)]
pub struct Counted {
    /// The usage within the window that was asked for.
    pub usage: ByDeployment,
    /// The records of all files; with a window also of those from before it that later ones took the place of.
    pub counts: Counts,
    /// The manifest: which rollups there were.
    pub manifest: Manifest,
    /// The files that later ones took the place of.
    pub replaced: BTreeSet<String>,
    /// Events within the window that repeat one of another file, and count nothing.
    pub repeats: u64,
    /// When the usage of each rollup begins.
    pub(crate) begins: Vec<Begins>,
    /// Files that count, with those that were replaced.
    files: usize,
}

/// When the usage of a rollup begins.
#[derive(Debug)]
pub(crate) struct Begins {
    pub(crate) slot: Slot,
    pub(crate) from: Quarter,
    /// The object that holds it.
    pub(crate) body: String,
}

/// The runs of each day, whatever slots they are of: an id tells its source, and a file may be read by another source
/// than the one that claimed it first.
#[derive(Default)]
pub(crate) struct Days(BTreeMap<i64, Vec<Run>>);

impl Days {
    pub(crate) fn add(&mut self, runs: BTreeMap<i64, Run>) {
        for (day, run) in runs {
            self.0.entry(day).or_default().push(run);
        }
    }

    /// The runs of each day with usage in the window: all of them, since any may hold repeats.
    pub(crate) fn within(self, window: Option<Span>) -> impl Iterator<Item = Vec<Run>> {
        let within = move |runs: &Vec<Run>| runs.iter().any(|run| any(window, Some((run.from, run.to))));
        self.0.into_values().filter(within)
    }
}

/// A rollup that is read, by source and hour, and the object that holds it.
struct Place {
    slot: Slot,
    head: RollupHead,
}

impl Counted {
    /// What there is, with the usage in `window`. Only rollups that say something of it are read.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn read<P: Ports>(ports: &P, window: Option<Span>) -> Result<Self, LedgerError> {
        Self::read_holding(ports, window, ByDeployment::default()).await
    }

    /// The same with another limit to what is held in memory.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn read_holding<P: Ports>(
        ports: &P,
        window: Option<Span>,
        usage: ByDeployment,
    ) -> Result<Self, LedgerError> {
        let mut counted = Self { usage, ..Self::default() };
        let places = counted.places(ports, window).await?;
        let files = places.iter().fold(0_usize, |sum, place| sum.saturating_add(place.head.inputs));
        let (mut identities, mut days) = (Identities::of(files, once::FILES), Days::default());
        let (mut latest, mut wholes) = (Latest::default(), Vec::new());
        for place in &places {
            let rollup = load(ports, &place.head.body).await?;
            identities.meet(rollup.inputs.keys())?;
            rollup.inputs.iter().for_each(|(file, input)| latest.meet(file, input));
            if rollup.inputs.values().any(|input| input.whole.is_some()) {
                wholes.push(place);
            } else {
                counted.take(ports, rollup, window, &mut days).await?;
            }
        }
        counted.replaced = latest.into_replaced();
        for Place { slot, head } in wholes {
            // What is old says nothing of the window, and its tallies may be gone.
            if window.is_some() && !reaches(head, window) {
                counted.counts = counted.counts.add(&head.counts)?;
                continue;
            }
            let rollup = load(ports, &head.body).await?;
            let rollup = without(ports, slot, (&head.body, rollup), &counted.replaced).await?;
            counted.take(ports, rollup, window, &mut days).await?;
        }
        for runs in days.within(window) {
            counted.take_day(ports, marks::usage(ports, &runs).await?).await?;
        }
        let bodies: Vec<String> = places.into_iter().map(|place| place.head.body).collect();
        identities.check(ports, &bodies).await?;
        Ok(counted)
    }

    /// The rollups that are to be read; of the others only what their heads say.
    async fn places<P: Ports>(&mut self, ports: &P, window: Option<Span>) -> Result<Vec<Place>, LedgerError> {
        let mut places = Vec::new();
        for (source, _) in pages(ports, Table::Rollup, names::SOURCES).await? {
            for (hour, item) in pages(ports, Table::Rollup, &names::rollups(&source)).await? {
                let head = read_head(&item)?;
                self.manifest.add(&source, &hour, &head.body);
                self.files = self.files.saturating_add(head.files);
                let slot = read_slot(&source, &hour)?;
                if let Some(from) = head.from {
                    self.begins.push(Begins { slot: slot.clone(), from, body: head.body.clone() });
                }
                if head.whole || reaches(&head, window) {
                    places.push(Place { slot, head });
                } else {
                    self.counts = self.counts.add(&head.counts)?;
                }
            }
        }
        Ok(places)
    }

    /// Takes the usage of a rollup in; that of events with ids when all of them are known.
    pub(crate) async fn take<P: Ports>(
        &mut self,
        ports: &P,
        rollup: Rollup,
        window: Option<Span>,
        days: &mut Days,
    ) -> Result<(), LedgerError> {
        self.counts = self.counts.add(&rollup.counts)?;
        if any(window, rollup.cells.extent()) {
            self.usage.add(ports, &rollup.cells).await?;
        }
        days.add(rollup.runs);
        Ok(())
    }

    pub(crate) async fn take_day<P: Ports>(&mut self, ports: &P, day: DayUsage) -> Result<(), LedgerError> {
        self.repeats = self.repeats.saturating_add(day.repeats);
        self.usage.add(ports, &day.cells).await
    }

    /// How many files count.
    pub fn files(&self) -> usize {
        self.files.saturating_sub(self.replaced.len())
    }
}

/// Whether a rollup may say something of a window: it has usage in it, or events of a day of which others have.
fn reaches(head: &RollupHead, window: Option<Span>) -> bool {
    const DAY_MS: i64 = 86_400_000;
    let around = |window: Span| Span {
        from: Instant(window.from.0.saturating_sub(DAY_MS)),
        until: Instant(window.until.0.saturating_add(DAY_MS)),
    };
    any(window.map(around), head.from.zip(head.to))
}

fn read_slot(source: &str, hour: &str) -> Result<Slot, LedgerError> {
    let hour = hour.parse().map_err(|_| LedgerError::Missing(format!("{source}#{hour}")))?;
    Ok(Slot { source: source.to_owned(), hour })
}

fn any(window: Option<Span>, extent: Option<(Quarter, Quarter)>) -> bool {
    window.zip(extent).is_some_and(|(window, extent)| overlaps(window, extent))
}
