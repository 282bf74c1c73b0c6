//! `farthing redrive`: what waits, or has rejects, is read by the mapping that the catalogue has now.

use ledger::attention::Notice;
use ledger::redrive::{affected, redrive as read_again};
use ledger::translate::Outcome;

use crate::cli::Place;
use crate::failure::Failure;
use crate::open::engine;
use crate::report::say;

/// Carries it out, or only tells which files are affected.
pub async fn redrive(place: &Place, list: bool) -> Result<(), Failure> {
    let engine = engine(place)?;
    let files = affected(&*engine.ports, &engine.configuration.catalogue).await?;
    if files.is_empty() {
        say("no file waits or has rejects that another mapping than the present one has read");
        return Ok(());
    }
    if list {
        files.iter().for_each(|notice| say(&format!("{}: {}", notice.key, notice.reason)));
        return Ok(());
    }
    let progress = engine.progress("redrive", files.len());
    let mut told = Vec::new();
    for file in &files {
        let outcome = read_again(&*engine.ports, &engine.configuration.catalogue, &file.key).await?;
        told.push((file, outcome));
        progress.inc(1);
    }
    progress.finish_and_clear();
    engine.aggregate().await?;
    told.iter().for_each(|(file, outcome)| say(&format!("{}: {}", file.key, said(file, outcome))));
    let waits = told.iter().any(|(_, outcome)| !matches!(outcome, Outcome::Tallied(_) | Outcome::Repeated));
    if waits { Err(Failure::Waiting) } else { Ok(()) }
}

fn said(file: &Notice, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Tallied(counts) => format!(
            "{} records: {} tallied, {} filtered, {} rejected; before: {}",
            counts.records, counts.tallied, counts.filtered, counts.rejected, file.reason
        ),
        Outcome::Repeated => "it is counted already".to_owned(),
        Outcome::Quarantined(reason) | Outcome::Unclaimed(reason) => format!("nothing is changed: {reason}"),
        Outcome::Conflict => "it was overwritten meanwhile, which its source forbids".to_owned(),
        Outcome::Ignored(why) => format!("it is not read: {why}"),
    }
}
