//! Commands about what is in the books already: waivers, and where invoices come from.

use chrono::NaiveDate;
use chrono_tz::Tz;
use invoicing::{Invoice, Line, TaxRow};
use ledger::error::LedgerError;
use ledger::explain::{self, Change, Explained, Share};
use ledger::{restate, verify, waive};
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

/// Tells where an invoice, or a line of it, comes from.
pub async fn explain(place: &Place, number: &str, line: Option<u32>) -> Result<(), Failure> {
    let engine = engine(place)?;
    let explanation = explain::explain(&*engine.ports, number, line).await?;
    let (issued, provenance) = (&explanation.found.issued, &explanation.found.invoice.provenance);
    say(&format!(
        "invoice {number} of {} for {}: {} {}",
        explanation.found.account, issued.period, issued.total, issued.currency
    ));
    taxes(&explanation.found.invoice).iter().for_each(|row| say(&format!("  {row}")));
    say(&format!("  document   {}", issued.document));
    say(&format!("  catalogue  {}", provenance.catalogue));
    say(&format!("  directory  {}", provenance.directory));
    say(&format!("  manifest   {}", provenance.inputs));
    let invoice = &explanation.found.invoice;
    explanation.lines.iter().for_each(|line| explain_line(invoice, line));
    Ok(())
}

/// How the total comes about, where there are taxes.
fn taxes(invoice: &Invoice) -> Vec<String> {
    let Some(taxes) = &invoice.taxes else { return Vec::new() };
    let row = |row: &TaxRow| {
        let note = row.note.as_ref().map_or_else(String::new, |note| format!(": {note}"));
        format!("{} on {} = {}{note}", taxed(row), row.base, row.amount)
    };
    let mut told = vec![format!("net {}, tax {}", taxes.net, taxes.tax)];
    told.extend(taxes.rows.iter().map(row));
    told
}

/// `VAT DE 19 %`; what has no rate has none here.
fn taxed(row: &TaxRow) -> String {
    let rate = row.percent.as_ref().map_or_else(String::new, |percent| format!(" {percent} %"));
    format!("{} {}{rate}", row.title, row.jurisdiction)
}

/// How a line is taxed.
fn tax_of(invoice: &Invoice, line: &Line) -> String {
    let rows = invoice.taxes.iter().flat_map(|taxes| &taxes.rows).filter(|row| line.taxes.contains(&row.number));
    let told: Vec<String> = rows.map(taxed).collect();
    if told.is_empty() { String::new() } else { format!(", taxed at {}", told.join(" and ")) }
}

fn explain_line(invoice: &Invoice, explained: &Explained) {
    let line = &explained.line;
    let tax = tax_of(invoice, line);
    say(&format!("\nline {}: {}, {}: {}{tax}", line.number, line.title, line.period, line.amount));
    for step in &line.steps {
        let numbers = [&step.quantity, &step.unit_price, &step.amount];
        let told: Vec<&str> = numbers.into_iter().flatten().map(String::as_str).collect();
        say(&format!("  {}: {}", step.text, told.join(" | ")));
    }
    if let Some((invoice, changes)) = &explained.corrects {
        say(&format!("  files that count otherwise than on {invoice}:"));
        changes.iter().for_each(|change| say(&format!("    {}", changed(change))));
        return;
    }
    let Some(stream) = &explained.stream else { return };
    say(&format!("  files with {stream}: samples, sum, sha256, rollup"));
    explained.files.iter().for_each(|share| say(&format!("    {}", brought(share))));
}

fn brought(share: &Share) -> String {
    let (slot, body) = &share.rollup;
    let (key, content, sum) = (&share.key, &share.content, share.sum.display(12));
    let etags: Vec<&str> = share.etags.iter().map(String::as_str).collect();
    format!("{key} ({}): {} samples, {sum}, {content}, {slot} {body}", etags.join(" "), share.samples)
}

fn changed(change: &Change) -> String {
    let told = |share: &Option<Share>| share.as_ref().map_or("nothing".to_owned(), |share| share.sum.display(12));
    format!("{}: was {}, is {}", change.key, told(&change.was), told(&change.is))
}

/// Derives an invoice once more and compares.
pub async fn verify(place: &Place, number: &str) -> Result<(), Failure> {
    let engine = engine(place)?;
    let verified = verify::verify(&*engine.ports, number).await?;
    for (key, why) in &verified.unread {
        say(&format!("{key}: {why}; its usage is taken from the tally that was stored then"));
    }
    verified.wrong.iter().for_each(|(key, why)| say(&format!("{key}: {why}")));
    if !verified.holds() {
        say(&format!("{number} is NOT what its files say: issued {}, derived {}", verified.issued, verified.derived));
        return Err(Failure::Waiting);
    }
    say(&format!("{number} comes out of {} files byte by byte: {}", verified.files, verified.derived));
    Ok(())
}
