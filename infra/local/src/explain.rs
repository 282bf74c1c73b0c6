//! `farthing explain`: from a line of an invoice back to the records.

mod text;
mod told;

use invoicing::{Invoice, Line, TaxRow};
use ledger::explain::{Explanation, Share, Sources, explain as explained};
use store::embedded::Embedded;

use self::told::{RecordsOfFile, Told, ToldLine, Usage};
use crate::cli::ExplainArgs;
use crate::failure::Failure;
use crate::open::engine;
use crate::report::say;

/// So many files are read for their records where none is named.
const FILES: usize = 8;

/// Carries out `farthing explain`.
pub async fn explain(arguments: &ExplainArgs) -> Result<(), Failure> {
    let engine = engine(&arguments.place)?;
    let explanation = explained(&*engine.ports, &arguments.number, arguments.line).await?;
    let invoice = &explanation.found.invoice;
    let mut lines = Vec::new();
    for one in &explanation.lines {
        let usage = match &one.metered {
            Some(sources) => {
                let records = records(&engine.ports, &explanation, sources, arguments).await?;
                Some(Usage::new(sources, arguments.show, records))
            }
            None => None,
        };
        lines.push(ToldLine::new(&one.line, taxes_of(invoice, &one.line), usage));
    }
    let told = Told::new(&explanation, taxes(invoice), lines);
    say(&if arguments.json { serde_json::to_string_pretty(&told).unwrap_or_default() } else { text::text(&told) });
    let sound = |usage: &Usage| usage.adds_up && usage.records.iter().all(|one| one.adds_up || one.untold.is_some());
    if told.lines.iter().flat_map(|line| &line.usage).all(sound) { Ok(()) } else { Err(Failure::Waiting) }
}

/// The records of the file that was named; or of the first files of the line that was, until enough are shown.
async fn records(
    ports: &Embedded,
    explanation: &Explanation,
    sources: &Sources,
    arguments: &ExplainArgs,
) -> Result<Vec<RecordsOfFile>, Failure> {
    let mut found = Vec::new();
    let mut left = arguments.show;
    for share in looked_into(sources, arguments)? {
        if left == 0 {
            break;
        }
        let records = explanation.records(ports, sources, share, left).await?;
        left = left.saturating_sub(records.as_ref().map_or(0, |records| records.shown.len()));
        found.push(RecordsOfFile::new(share, records));
    }
    Ok(found)
}

/// The files whose records are told.
fn looked_into<'a>(sources: &'a Sources, arguments: &ExplainArgs) -> Result<Vec<&'a Share>, Failure> {
    if let Some(key) = &arguments.file {
        let named: Vec<&Share> = sources.files.iter().filter(|share| share.input.key == *key).collect();
        let missing = || {
            let reason =
                format!("no usage of the line comes from it; `farthing explain {}` lists the files", arguments.number);
            Failure::from(ledger::error::LedgerError::billing(key, reason))
        };
        return if named.is_empty() { Err(missing()) } else { Ok(named) };
    }
    if arguments.line.is_none() {
        return Ok(Vec::new());
    }
    let changed = sources.corrects.iter().flat_map(|correction| &correction.changes);
    let shares: Vec<&Share> = match sources.corrects {
        Some(_) => changed.filter_map(|change| change.is.as_ref()).collect(),
        None => sources.files.iter().collect(),
    };
    Ok(shares.into_iter().take(FILES).collect())
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
fn taxes_of(invoice: &Invoice, line: &Line) -> Vec<String> {
    let rows = invoice.taxes.iter().flat_map(|taxes| &taxes.rows).filter(|row| line.taxes.contains(&row.number));
    rows.map(taxed).collect()
}
