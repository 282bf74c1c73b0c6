//! The four functions one after the other, on the embedded parts: what events and schedules do on
//! AWS, a loop does here.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::crm::{self, Reached};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use invoicing::Invoice;
use ledger::aggregate::refresh_shard;
use ledger::configuration::Configuration;
use ledger::correlate::{self, Enriched, Published};
use ledger::counted::sweep;
use ledger::error::LedgerError;
use ledger::invoice::{Closed, Options, Outcome, close, publish};
use ledger::names::HINT_SHARDS;
use ledger::ports::{Clock, Queue};
use ledger::translate::{self, translate};
use store::embedded::Embedded;

use crate::failure::Failure;
use crate::report::outcomes;

/// How often lost files are looked for before it is said that some cannot be counted.
const SWEEPS: usize = 3;

/// How often a file is tried when the store fails.
const TRIES: usize = 5;

/// Keys that a worker takes at a time.
const BATCH: usize = 8;

/// What became of the files that were asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Translated {
    /// Counted now.
    pub counted: usize,
    /// Counted before.
    pub repeated: usize,
    /// Waiting for a person.
    pub waiting: usize,
    /// Folder markers and objects that are gone.
    pub ignored: usize,
    /// Records in the files that are counted now.
    pub records: u64,
}

impl Translated {
    fn add(self, other: Self) -> Self {
        Self {
            counted: self.counted.saturating_add(other.counted),
            repeated: self.repeated.saturating_add(other.repeated),
            waiting: self.waiting.saturating_add(other.waiting),
            ignored: self.ignored.saturating_add(other.ignored),
            records: self.records.saturating_add(other.records),
        }
    }

    fn of(outcome: &translate::Outcome) -> Self {
        let mut one = Self::default();
        match outcome {
            translate::Outcome::Tallied(counts) => {
                one.counted = 1;
                one.records = counts.records;
            }
            translate::Outcome::Repeated => one.repeated = 1,
            translate::Outcome::Quarantined(_) | translate::Outcome::Conflict | translate::Outcome::Unclaimed(_) => {
                one.waiting = 1;
            }
            translate::Outcome::Ignored(_) => one.ignored = 1,
        }
        one
    }
}

/// The embedded store, a catalogue, and how many files are translated at once.
pub struct Engine {
    /// The store.
    pub ports: Arc<Embedded>,
    /// The catalogue.
    pub configuration: Arc<Configuration>,
    /// The organisations that can be reached, by the catalogue's names.
    pub reached: BTreeMap<String, Reached>,
    /// Files at once.
    pub workers: usize,
    /// Whether progress is shown.
    pub quiet: bool,
}

impl Engine {
    /// A progress bar, hidden where nobody looks.
    pub fn progress(&self, name: &str, length: usize) -> ProgressBar {
        let target = if self.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(u64::try_from(length).ok(), target);
        if let Ok(style) = ProgressStyle::with_template("{prefix:>10} [{bar:30}] {pos}/{len} {per_sec} {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(name.to_owned());
        bar
    }

    /// Translates everything in the queue.
    pub async fn translate_queue(&self) -> Result<Translated, Failure> {
        let progress = self.progress("translate", self.ports.queue.len());
        let mut workers = Vec::new();
        for _ in 0..self.workers {
            let (ports, configuration) = (Arc::clone(&self.ports), Arc::clone(&self.configuration));
            workers.push(tokio::spawn(work(ports, configuration, progress.clone())));
        }
        let mut total = Translated::default();
        for worker in workers {
            total = total.add(worker.await??);
        }
        progress.finish_and_clear();
        Ok(total)
    }

    /// Reads every dirty slot again, the shards at once; how many slots.
    pub async fn aggregate(&self) -> Result<usize, Failure> {
        let progress = self.progress("aggregate", usize::from(HINT_SHARDS));
        let shards: Vec<_> = (0..HINT_SHARDS)
            .map(|shard| {
                let (ports, progress) = (Arc::clone(&self.ports), progress.clone());
                tokio::spawn(async move {
                    let refreshed = refresh_shard(&*ports, shard).await;
                    progress.inc(1);
                    refreshed
                })
            })
            .collect();
        let mut slots: usize = 0;
        for shard in shards {
            slots = slots.saturating_add(shard.await??.slots);
        }
        progress.finish_and_clear();
        Ok(slots)
    }

    /// Translates what no event told, until the bucket's listing has nothing more.
    pub async fn catch_up(&self) -> Result<Translated, Failure> {
        let mut total = Translated::default();
        for _ in 0..SWEEPS {
            let now = self.ports.now();
            let audit = sweep(&*self.ports, &self.configuration.catalogue, after(now)).await?;
            if audit.missing.is_empty() {
                return Ok(total);
            }
            total = total.add(self.translate_queue().await?);
            self.aggregate().await?;
        }
        Ok(total)
    }

    /// Publishes the directory and derives the month's counters.
    pub async fn correlate(&self, month: &str) -> Result<(Published, Enriched), Failure> {
        let published = crm::published(&*self.ports, &self.configuration.catalogue, &self.reached, None).await?;
        let enriched = correlate::enrich(&*self.ports, &self.configuration.catalogue, month).await?;
        Ok((published, enriched))
    }

    /// Closes the month, or shows what it would come to.
    pub async fn close(&self, month: &str, preview: bool) -> Result<Closed, Failure> {
        // Everything here has settled: there is no function still under way.
        let options = Options { month: month.to_owned(), settle_minutes: -1, preview };
        Ok(close(&*self.ports, &self.configuration, &options).await?)
    }

    /// Writes the pages of every issued invoice that has none yet.
    pub async fn publish(&self, closed: &Closed) -> Result<(), Failure> {
        let issued: Vec<&Invoice> = outcomes(closed).filter_map(issued).collect();
        let progress = self.progress("invoices", issued.len());
        for invoice in issued {
            publish(&*self.ports, invoice, |invoice| render::pdf(invoice).map_err(|error| error.to_string())).await?;
            progress.inc(1);
        }
        progress.finish_and_clear();
        Ok(())
    }
}

/// The issued invoice of an outcome.
pub fn issued(outcome: &Outcome) -> Option<&Invoice> {
    match outcome {
        Outcome::Issued(invoice, _) => Some(invoice),
        Outcome::Draft(_) | Outcome::Waiting(_) | Outcome::Failed(_) => None,
    }
}

/// An instant that everything written so far lies before.
fn after(now: metering::time::Instant) -> metering::time::Instant {
    metering::time::Instant(now.0.saturating_add(60_000))
}

/// One worker: takes keys until there are none.
async fn work(
    ports: Arc<Embedded>,
    configuration: Arc<Configuration>,
    progress: ProgressBar,
) -> Result<Translated, LedgerError> {
    let mut total = Translated::default();
    let mut tries: BTreeMap<String, usize> = BTreeMap::new();
    loop {
        let keys = ports.queue.receive(BATCH);
        if keys.is_empty() {
            return Ok(total);
        }
        for key in keys {
            match translate(&*ports, &configuration.catalogue, &key).await {
                Ok(outcome) => {
                    total = total.add(Translated::of(&outcome));
                    progress.inc(1);
                }
                Err(error) => {
                    let tried = tries.entry(key.clone()).or_default();
                    *tried = tried.saturating_add(1);
                    if !error.is_retryable() || *tried >= TRIES {
                        return Err(error);
                    }
                    ports.enqueue(&key).await?;
                }
            }
        }
    }
}
