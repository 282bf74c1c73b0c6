//! What each command does.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use catalog::{Problem, Severity};
use ledger::attention;
use ledger::invoice::Closed;
use ledger::ports::Clock;
use store::embedded::{Places, open};

use crate::cli::{Command, Look, Place, RunArgs};
use crate::engine::{Engine, Translated};
use crate::failure::Failure;
use crate::folder::read_catalogue;
use crate::report::{self, say};
use crate::{books, compare, crm, demo, directory, dry, price, redrive, serve, unbilled, write_back};

/// Files that are translated at once. Most of them wait for the disk, which commits what waits
/// together; each holds a megabyte of its file.
const WORKERS: usize = 32;

/// Carries out a command.
pub fn run(command: Command) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::file("the runtime", error))?;
    match command {
        Command::Check { catalogue } => check(&catalogue),
        Command::Schema => {
            say(catalog::schema().trim_end());
            Ok(())
        }
        Command::Run(arguments) => runtime.block_on(bill(&arguments)),
        Command::Plan(arguments) => runtime.block_on(compare::plan(&arguments)),
        Command::Price(arguments) => price::price(&arguments),
        Command::Translate(arguments) => dry::translate(&arguments),
        Command::Status(place) => runtime.block_on(status(&place)),
        Command::Redrive { place, list } => runtime.block_on(redrive::redrive(&place, list)),
        Command::Waive { place, key, by, reason } => runtime.block_on(books::waive(&place, &key, &by, &reason)),
        Command::Unbilled { place, month, json } => runtime.block_on(unbilled::list(&place, &month, json)),
        Command::WriteOff { place, deployment, month, by, reason } => {
            runtime.block_on(unbilled::write_off(&place, (&deployment, &month), (&by, &reason)))
        }
        Command::WriteBack { place, refused: true, .. } => runtime.block_on(write_back::refused(&place)),
        Command::WriteBack { place, credentials, month, redrive, .. } => {
            let credentials = credentials.unwrap_or_default();
            runtime.block_on(write_back::run(&place, &credentials, &month, redrive))
        }
        Command::Restate { place, source, from, until } => {
            runtime.block_on(books::restate(&place, &source, (from, until)))
        }
        Command::Explain { place, number, line } => runtime.block_on(books::explain(&place, &number, line)),
        Command::Verify { place, number } => runtime.block_on(books::verify(&place, &number)),
        Command::Invoice { run, preview: _ } => runtime.block_on(preview(&run)),
        Command::Correlate { place, explain, accept } => {
            runtime.block_on(correlate(&place, explain.as_deref(), accept))
        }
        Command::Directory { place, look } => runtime.block_on(look_at(&place, &look)),
        Command::Serve { place, port } => runtime.block_on(serve::serve(&places(&place), port)),
        Command::Demo { folder } => runtime.block_on(demo::run(&folder)),
    }
}

/// Where the embedded store keeps things, with the usage files where they are.
pub fn places(place: &Place) -> Places {
    Places { usage: place.usage.clone(), ..Places::within(&place.data) }
}

/// Opens the store over a catalogue.
pub fn engine(place: &Place) -> Result<Engine, Failure> {
    if !place.usage.is_dir() {
        let missing =
            io::Error::new(io::ErrorKind::NotFound, "there is no such folder of usage files; name it with --usage");
        return Err(Failure::file(&place.usage, missing));
    }
    let configuration = read_catalogue(&place.catalogue)?;
    fs::create_dir_all(&place.data).map_err(|error| Failure::file(&place.data, error))?;
    let ports = Arc::new(open(&places(place))?);
    let reached = crm::reach(&configuration.catalogue, place.salesforce_credentials.as_deref())?;
    Ok(Engine { ports, configuration: Arc::new(configuration), reached, workers: WORKERS, quiet: false })
}

async fn correlate(place: &Place, explain: Option<&str>, accept: Option<String>) -> Result<(), Failure> {
    let engine = engine(place)?;
    if let Some(asked) = explain {
        return directory::explain(&engine.ports, asked).await;
    }
    let published = crm::published(&*engine.ports, &engine.configuration.catalogue, &engine.reached, accept).await?;
    let (facts, version) = (published.facts, published.version.get(..12).unwrap_or(&published.version));
    let kind = if published.changed { "a new version" } else { "as before" };
    say(&format!("{facts} facts of who owns what; directory {version}, {kind}"));
    Ok(())
}

async fn look_at(place: &Place, look: &Look) -> Result<(), Failure> {
    let engine = engine(place)?;
    match look {
        Look::Versions => directory::versions(&engine.ports).await,
        Look::Diff { older, newer } => directory::diff(&engine.ports, older, newer).await,
    }
}

fn check(catalogue: &Path) -> Result<(), Failure> {
    let configuration = read_catalogue(catalogue)?;
    tell_problems(&configuration.warnings);
    let catalogue = &configuration.catalogue;
    say(&format!(
        "the catalogue is right: {} sources, {} streams, {} plans, {} customers (version {})",
        catalogue.sources.len(),
        catalogue.streams.len(),
        catalogue.plans.len(),
        catalogue.customers.len(),
        catalogue.hash.get(..12).unwrap_or(&catalogue.hash),
    ));
    Ok(())
}

async fn bill(arguments: &RunArgs) -> Result<(), Failure> {
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

async fn status(place: &Place) -> Result<(), Failure> {
    let engine = engine(place)?;
    let counted = ledger::counted::Counted::read(&*engine.ports, None).await?;
    let records = counted.counts;
    say(&format!(
        "{} files are counted with {} records: {} tallied, {} filtered, {} rejected",
        counted.files(),
        records.records,
        records.tallied,
        records.filtered,
        records.rejected
    ));
    let before = metering::time::Instant(i64::MAX);
    let audit = ledger::counted::audit(&*engine.ports, &engine.configuration.catalogue, &counted, before).await?;
    say(&format!("{} files are in the usage folder", audit.objects));
    if !audit.missing.is_empty() {
        say(&format!(
            "keeps every month open: {} of them are not counted yet, or are to be read again: `farthing run` does that",
            audit.missing.len()
        ));
    }
    audit.held.iter().for_each(|(key, reason)| say(&format!("keeps every month open: {key}: {reason}")));
    for notice in attention::list(&*engine.ports).await? {
        say(&format!("notice: {}: {}", notice.key, notice.reason));
    }
    for gap in ledger::gaps::gaps(&*engine.ports, engine.ports.now()).await? {
        say(&report::silent(&gap));
    }
    if audit.held.is_empty() { Ok(()) } else { Err(Failure::Waiting) }
}

async fn preview(arguments: &RunArgs) -> Result<(), Failure> {
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

/// Problems of a catalogue with their place in the text.
pub fn tell_problems(problems: &[Problem]) {
    for problem in problems {
        let report = miette::Report::new(problem.clone());
        complain(&format!("{report:?}"));
    }
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    if errors > 0 {
        complain(&format!("errors: {errors}, warnings: {}", problems.len().saturating_sub(errors)));
    }
}

/// Writes to the standard error.
pub fn complain(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
