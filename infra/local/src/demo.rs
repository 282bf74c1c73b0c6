//! `farthing demo`: a month of invented usage, billed by the four functions on embedded parts.

mod crm;
mod generate;
mod month;

use std::fs;
use std::path::Path;

use ledger::attention;
use ledger::error::LedgerError;
use ledger::ports::{Clock, Queue};

use crate::bill::{counted, tell_closed};
use crate::cli::Place;
use crate::engine::{Engine, Translated};
use crate::failure::Failure;
use crate::open::engine;
use crate::report::{self, say};
use crate::unbilled;

/// The catalogue of the demo: the same files that `infra/local/demo/catalogue` shows.
const CATALOGUE: [(&str, &str); 6] = [
    ("customers-america.yaml", include_str!("../demo/catalogue/customers-america.yaml")),
    ("customers-europe.yaml", include_str!("../demo/catalogue/customers-europe.yaml")),
    ("metering.yaml", include_str!("../demo/catalogue/metering.yaml")),
    ("prices.yaml", include_str!("../demo/catalogue/prices.yaml")),
    ("salesforce.yaml", include_str!("../demo/catalogue/salesforce.yaml")),
    ("seller.yaml", include_str!("../demo/catalogue/seller.yaml")),
];

/// Generates what is not there yet, delivers the events, and bills the month.
pub async fn run(folder: &Path) -> Result<(), Failure> {
    let place = Place {
        catalogue: folder.join("catalogue"),
        usage: folder.join("usage"),
        data: folder.join("data"),
        salesforce_credentials: None,
    };
    write_catalogue(&place.catalogue)?;
    fs::create_dir_all(&place.usage).map_err(|error| Failure::file(&place.usage, error))?;
    let mut engine = engine(&place)?;
    let crm = crm::start(&engine.configuration.catalogue, engine.ports.now()).await?;
    engine.reached = crm.reached;
    let files = generate::generate(&engine, &place.usage)?;
    say(&format!(
        "{} usage files of {} MB in {}",
        files.events.len(),
        files.bytes.div_euclid(1_000_000),
        place.usage.display()
    ));
    let translated = deliver(&engine, &files.events).await?;
    say(&counted(&translated));
    let lost = engine.catch_up().await?;
    if lost != Translated::default() {
        say(&format!(
            "the sweep of the bucket found {} files whose event was lost",
            lost.counted.saturating_add(lost.waiting)
        ));
    }
    let (published, enriched) = engine.correlate(month::MONTH).await?;
    say(&format!("{} facts of who owns what; {} counters carry a customer id", published.facts, enriched.counters));
    let closed = engine.close(month::MONTH, false).await?;
    engine.publish(&closed).await?;
    if !closed.held.is_empty() {
        say("\nUsage that nobody is billed for, and what it is worth:");
        say(&unbilled::report(&closed.held));
    }
    tell_closed(&closed, &attention::list(&*engine.ports).await?, &place.data.join("invoices"));
    let fresh = report::outcomes(&closed).any(|outcome| matches!(outcome, ledger::invoice::Outcome::Issued(_, true)));
    let counted_now = translated.counted.saturating_add(lost.counted);
    if counted_now == 0 && enriched.written == 0 && !published.changed && !fresh {
        say("\nNothing changed: every file was counted before and every invoice was issued before.");
    }
    if report::all_done(&closed) { Ok(()) } else { Err(Failure::Waiting) }
}

/// The events as S3 would send them, some twice, some never; then the schedule's `aggregate`.
async fn deliver(engine: &Engine, events: &[String]) -> Result<Translated, Failure> {
    for key in month::deliveries(events) {
        engine.ports.enqueue(key).await.map_err(LedgerError::from)?;
    }
    let translated = engine.translate_queue().await?;
    engine.aggregate().await?;
    Ok(translated)
}

fn write_catalogue(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| Failure::file(folder, error))?;
    for (name, text) in CATALOGUE {
        let path = folder.join(name);
        // A catalogue that somebody has edited is what they want to try.
        if !path.exists() {
            fs::write(&path, text).map_err(|error| Failure::file(&path, error))?;
        }
    }
    Ok(())
}
