//! `farthing unbilled` and `farthing write-off`: usage that we cannot bill, and what it is worth.

use comfy_table::Cell;
use ledger::correlate::Counters;
use ledger::ownership::Held;
use ledger::write_off::{self, Part, WriteOff};
use pricing::text::grouped;

use crate::cli::Place;
use crate::crm;
use crate::failure::Failure;
use crate::open::engine;
use crate::report::{right, say, shortened, table, why};

/// One row for each deployment, stream and reason.
pub fn report(held: &[Held]) -> String {
    let mut table = table(&["deployment", "stream", "quantity", "why it is not billed", "worth at list prices"]);
    for one in held {
        let worth =
            one.worth.iter().map(|worth| format!("{} {} ({})", grouped(&worth.amount), worth.currency, worth.plan));
        table.add_row(vec![
            Cell::new(if one.deployment.is_empty() { "(none named)" } else { &one.deployment }),
            Cell::new(&one.stream),
            right(format!("{} {}", grouped(&shortened(&one.quantity.display(12))), one.unit)),
            Cell::new(why(one.reason)),
            Cell::new(worth.collect::<Vec<_>>().join("\n")),
        ]);
    }
    table.to_string()
}

/// Lists what nobody is billed for in a month, from what is counted and the directory in force.
pub async fn list(place: &Place, month: &str, json: bool) -> Result<(), Failure> {
    let engine = engine(place)?;
    let counters = Counters::read(&*engine.ports, &engine.configuration.catalogue, month).await?;
    let held = counters.held(&*engine.ports).await?;
    let write_offs = write_off::list(&*engine.ports).await?;
    let write_offs: Vec<&WriteOff> = write_offs.iter().filter(|one| one.month == month).collect();
    if json {
        say(&serde_json::json!({"month": month, "unbilled": held, "write-offs": write_offs}).to_string());
        return Ok(());
    }
    if held.is_empty() {
        say(&format!("all usage of {month} is billed"));
    } else {
        say(&report(&held));
    }
    for one in write_offs {
        say(&format!("{} was written off on {} by {}: {}", one.deployment, one.at, one.by, one.reason));
        if let Some(undone) = &one.undone {
            say(&format!("  taken back on {} by {}: {}", undone.at, undone.by, undone.reason));
        }
    }
    Ok(())
}

/// Takes back what is written off of a deployment in a month, and puts that in force.
pub async fn undo(place: &Place, about: (&str, &str), said: (&str, &str)) -> Result<(), Failure> {
    let engine = engine(place)?;
    let catalogue = &engine.configuration.catalogue;
    write_off::undo(&*engine.ports, catalogue, about, said).await?;
    crm::published(&*engine.ports, catalogue, &engine.reached, None).await?;
    let ((deployment, month), (by, reason)) = (about, said);
    say(&format!("{deployment} is no longer written off in {month}: {by} answers for that: {reason}"));
    Ok(())
}

/// Writes off what nobody is billed for of a deployment in a month or some days of it, and puts that in force.
pub async fn write_off(place: &Place, part: Part<'_>, said: (&str, &str)) -> Result<(), Failure> {
    let engine = engine(place)?;
    let catalogue = &engine.configuration.catalogue;
    let done = write_off::write_off(&*engine.ports, catalogue, part, said).await?;
    crm::published(&*engine.ports, catalogue, &engine.reached, None).await?;
    say(&report(&done.usage));
    say(&format!("is never billed to anybody: {} answers for that: {}", done.by, done.reason));
    Ok(())
}
