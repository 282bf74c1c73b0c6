//! Commands about what is in the books already: waivers and restatements.

use chrono::NaiveDate;
use chrono_tz::Tz;
use ledger::error::LedgerError;
use ledger::{restate, waive};
use metering::period::start_of_day;

use crate::cli::Place;
use crate::failure::Failure;
use crate::open::engine;
use crate::report::say;

/// Waives a file in quarantine.
pub async fn waive(place: &Place, key: &str, by: &str, reason: &str) -> Result<(), Failure> {
    let engine = engine(place)?;
    let waiver = waive::waive(&*engine.ports, key, by, reason).await?;
    engine.aggregate().await?;
    say(&format!("{key} does not count: {} answers for that: {}", waiver.by, waiver.reason));
    Ok(())
}

/// Has the files of a range read again by the present mapping.
pub async fn restate(place: &Place, source: &str, (from, until): (NaiveDate, NaiveDate)) -> Result<(), Failure> {
    let engine = engine(place)?;
    let midnight = |day| start_of_day(Tz::UTC, day).map_err(LedgerError::from);
    let range = (midnight(from)?, midnight(until)?);
    restate::restate(&*engine.ports, &engine.configuration.catalogue, source, range).await?;
    let read = engine.catch_up().await?;
    say(&format!(
        "{} files were read, {} of them wait for a person; what arrived of {source} from {from} until {until} counts by \
         the present mapping. Issued invoices stay: what changed comes out with the next ones",
        read.counted.saturating_add(read.waiting),
        read.waiting
    ));
    Ok(())
}
