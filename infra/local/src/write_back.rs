//! `farthing write-back`: summaries of usage and invoices into Salesforce, and what it refuses.

use std::path::Path;

use catalog::salesforce::Organisation;
use comfy_table::Cell;
use ledger::ports::Clock;
use metering::time::Instant;
use salesforce::Edge;
use salesforce::written::{self, Options, Refused};

use crate::cli::Place;
use crate::crm::reach;
use crate::engine::Engine;
use crate::failure::Failure;
use crate::open::engine;
use crate::report::{say, table};

/// How long an organisation may be written to.
const WRITING_MS: i64 = 30 * 60_000;

/// Writes what is new of some months to every organisation whose `write-back` the catalogue names.
pub async fn run(place: &Place, credentials: &Path, months: &[String], redrive: bool) -> Result<(), Failure> {
    let engine = engine(place)?;
    let reached = reach(&engine.configuration.catalogue, Some(credentials))?;
    let mut refused: usize = 0;
    for (name, organisation) in &engine.configuration.catalogue.salesforce {
        let Some(edge) = reached.get(name) else { continue };
        refused = refused.saturating_add(one(&engine, organisation, edge, months, redrive).await?);
    }
    if refused == 0 { Ok(()) } else { Err(Failure::Waiting) }
}

/// Writes to one organisation; how many records it refuses.
pub async fn one<E: Edge>(
    engine: &Engine,
    organisation: &Organisation,
    edge: &E,
    months: &[String],
    redrive: bool,
) -> Result<usize, Failure> {
    let name = &organisation.name;
    if organisation.write_back.is_none() {
        say(&format!("Salesforce {name}: nothing is written back (`write-back:` in the catalogue)"));
        return Ok(0);
    }
    let deadline = Instant(engine.ports.now().0.saturating_add(WRITING_MS));
    let options = Options { deadline, months: months.to_vec(), redrive };
    let catalogue = &engine.configuration.catalogue;
    let report = written::write_back(&*engine.ports, catalogue, organisation, edge, &options).await;
    let report = report.map_err(|error| Failure::Salesforce(format!("{name}: {error}")))?;
    say(&format!("Salesforce {name}: {} records written, {} stood there", report.written, report.unchanged));
    tell(&report.refused);
    Ok(report.refused.len())
}

/// Lists what the organisations refuse.
pub async fn refused(place: &Place) -> Result<(), Failure> {
    let engine = engine(place)?;
    for name in engine.configuration.catalogue.salesforce.keys() {
        let refused = written::refused(&*engine.ports, name).await?;
        say(&format!("Salesforce {name}: {} records are refused", refused.len()));
        tell(&refused);
    }
    Ok(())
}

fn tell(refused: &[Refused]) {
    if refused.is_empty() {
        return;
    }
    let mut table = table(&["object", "external id", "why", "when"]);
    for one in refused {
        table.add_row(vec![Cell::new(&one.object), Cell::new(&one.key), Cell::new(&one.reason), Cell::new(one.at)]);
    }
    say(&table.to_string());
    say("mend them in Salesforce, then `farthing write-back --redrive`");
}
