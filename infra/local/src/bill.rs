//! A month, from files to invoices or drafts of them.

use std::fs;
use std::path::Path;

use ledger::attention;
use ledger::invoice::Closed;

use crate::cli::RunArgs;
use crate::engine::Translated;
use crate::failure::Failure;
use crate::open::engine;
use crate::report::{self, say};

/// Counts what is new, and closes the month.
pub async fn bill(arguments: &RunArgs) -> Result<(), Failure> {
    let engine = engine(&arguments.place)?;
    let translated = engine.catch_up().await?;
    say(&counted(&translated));
    engine.correlate(&arguments.month).await?;
    let closed = engine.close(&arguments.month, false).await?;
    engine.publish(&closed).await?;
    let invoices = arguments.place.data.join("invoices");
    let notices = attention::list(&*engine.ports).await?;
    tell_closed(&closed, &notices, &invoices);
    if report::all_done(&closed) { Ok(()) } else { Err(Failure::Waiting) }
}

/// Counts what is new, and shows the month's invoices without issuing them.
pub async fn preview(arguments: &RunArgs) -> Result<(), Failure> {
    let engine = engine(&arguments.place)?;
    let translated = engine.catch_up().await?;
    say(&counted(&translated));
    engine.correlate(&arguments.month).await?;
    let closed = engine.close(&arguments.month, true).await?;
    let folder = arguments.place.data.join("drafts");
    for invoice in report::outcomes(&closed).filter_map(draft) {
        let path = folder.join(format!("{}-{}.pdf", invoice.account, invoice.period.label));
        let pages = render::pdf(invoice)
            .map_err(|error| ledger::error::LedgerError::billing(&invoice.account, error.to_string()))?;
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(&path, pages))
            .map_err(|error| Failure::file(&path, error))?;
    }
    let notices = attention::list(&*engine.ports).await?;
    tell_closed(&closed, &notices, &arguments.place.data.join("invoices"));
    say(&format!("drafts as PDF: {}", folder.display()));
    if report::all_done(&closed) { Ok(()) } else { Err(Failure::Waiting) }
}

fn draft(outcome: &ledger::invoice::Outcome) -> Option<&invoicing::Invoice> {
    match outcome {
        ledger::invoice::Outcome::Draft(invoice) => Some(invoice),
        _ => None,
    }
}

/// What became of the files, in a sentence.
pub fn counted(translated: &Translated) -> String {
    if *translated == Translated::default() {
        return "no new files: everything in the usage folder was counted before".to_owned();
    }
    let Translated { counted, repeated, waiting, ignored: _, records } = translated;
    format!(
        "{counted} files counted now with {records} records, {repeated} counted before, {waiting} wait for a person"
    )
}

/// The table, what needs a person, and where the invoices are.
pub fn tell_closed(closed: &Closed, notices: &[attention::Notice], invoices: &Path) {
    say(&report::accounts(closed, invoices));
    let open = report::needs_a_person(closed, notices);
    if !open.is_empty() {
        say("\nNeeds a person:");
        open.iter().for_each(|line| say(&format!("  - {line}")));
    }
    let paths = report::paths(closed, invoices);
    if !paths.is_empty() {
        say("\nInvoices:");
        paths.iter().for_each(|path| say(&format!("  {path}")));
    }
}
