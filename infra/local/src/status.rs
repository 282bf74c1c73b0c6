//! `farthing status`: what is counted, why the last month is open, what waits for a person, who fell silent.

use chrono::Months;
use ledger::aggregate::refresh;
use ledger::attention;
use ledger::counted::{Counted, audit};
use ledger::error::LedgerError;
use ledger::gaps::{Expected, gaps};
use ledger::ports::Clock;
use ledger::reason::{Reason, not_over, of_all, of_examples};
use ledger::snapshot;
use metering::period::Period;
use metering::time::Instant;

use crate::cli::Place;
use crate::engine::Engine;
use crate::failure::Failure;
use crate::open::engine;
use crate::report::{self, say};

/// Carries out `farthing status`.
pub async fn status(place: &Place) -> Result<(), Failure> {
    let engine = engine(place)?;
    let broken = match refresh(&*engine.ports).await {
        Err(error @ LedgerError::Slot { .. }) => Some(error.to_string()),
        refreshed => {
            refreshed?;
            None
        }
    };
    let (ports, catalogue) = (&*engine.ports, &*engine.configuration.catalogue);
    let counted = Counted::read(ports, None).await?;
    let records = counted.counts;
    say(&format!(
        "{} files are counted with {} records: {} tallied, {} filtered, {} rejected",
        counted.files(),
        records.records,
        records.tallied,
        records.filtered,
        records.rejected
    ));
    let audit = audit(ports, catalogue, &counted, Instant(i64::MAX)).await?;
    say(&format!("{} files are in the usage folder", audit.objects));
    let published = is_published(&engine).await?;
    let reasons = of_all(catalogue, &audit, published, broken.clone());
    for reason in reasons.into_iter().chain(of_examples(&engine.configuration)) {
        say(&format!("keeps every month open: {}", told(&reason)));
    }
    if let Some(reason) = last_month(&engine)? {
        say(&format!("open: {reason}"));
    }
    for notice in attention::list(ports).await? {
        say(&format!("notice: {}", report::noticed(&notice)));
    }
    for gap in gaps(ports, &Expected::of(catalogue), ports.now()).await? {
        say(&report::silent(&gap));
    }
    if audit.held.is_empty() && broken.is_none() { Ok(()) } else { Err(Failure::Waiting) }
}

/// The sentence, with what to do here where nobody waits for a schedule.
fn told(reason: &Reason) -> String {
    match reason {
        Reason::Uncounted { .. } | Reason::Unpublished => format!("{reason} (here `farthing run` does it)"),
        other => other.to_string(),
    }
}

async fn is_published(engine: &Engine) -> Result<bool, Failure> {
    let own = engine.configuration.catalogue.directory(engine.ports.now()).map_err(LedgerError::from)?;
    let present = snapshot::present(&*engine.ports).await?;
    Ok(present.head.is_some_and(|(head, _)| head.catalogue == own.version()))
}

/// Why the month that ended last waits by itself, if it does.
fn last_month(engine: &Engine) -> Result<Option<Reason>, Failure> {
    let (now, catalogue) = (engine.ports.now(), &engine.configuration.catalogue);
    let today = now.to_utc().map(|at| at.with_timezone(&catalogue.seller.zone).date_naive());
    let Some(before) = today.and_then(|today| today.checked_sub_months(Months::new(1))) else { return Ok(None) };
    let month =
        Period::parse_month(&before.format("%Y-%m").to_string(), catalogue.seller.zone).map_err(LedgerError::from)?;
    Ok(not_over(catalogue, &month, now).map_err(LedgerError::from)?)
}
