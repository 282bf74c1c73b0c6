//! What each command does.

use std::path::Path;

use catalog::Problems;
use ledger::write_off::Part;

use crate::bill::{bill, preview};
use crate::cli::{Command, Look, Place};
use crate::failure::{Failure, tell_problems};
use crate::folder::read_catalogue;
use crate::open::{engine, places};
use crate::report::say;
use crate::{
    books, compare, crm, demo, directory, dry, explain, price, redrive, serve, status, unbilled, verify, write_back,
};

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
        Command::Status(place) => runtime.block_on(status::status(&place)),
        Command::Redrive { place, list } => runtime.block_on(redrive::redrive(&place, list)),
        Command::Waive { place, key, by, reason } => runtime.block_on(books::waive(&place, &key, &by, &reason)),
        Command::Unbilled { place, month, json } => runtime.block_on(unbilled::list(&place, &month, json)),
        Command::WriteOff { place, deployment, month, by, reason, undo: true, .. } => {
            runtime.block_on(unbilled::undo(&place, (&deployment, &month), (&by, &reason)))
        }
        Command::WriteOff { place, deployment, month, by, reason, from, until, .. } => {
            let part = Part { deployment: &deployment, month: &month, from, until };
            runtime.block_on(unbilled::write_off(&place, part, (&by, &reason)))
        }
        Command::WriteBack { place, refused: true, .. } => runtime.block_on(write_back::refused(&place)),
        Command::WriteBack { place, credentials, month, redrive, .. } => {
            let credentials = credentials.unwrap_or_default();
            runtime.block_on(write_back::run(&place, &credentials, &month, redrive))
        }
        Command::Restate { place, source, from, until } => {
            runtime.block_on(books::restate(&place, &source, (from, until)))
        }
        Command::Explain(arguments) => runtime.block_on(explain::explain(&arguments)),
        Command::Verify(arguments) => runtime.block_on(verify::verify(&arguments)),
        Command::Evidence { place, number, to } => runtime.block_on(verify::evidence(&place, &number, &to)),
        Command::Invoice { run, preview: _ } => runtime.block_on(preview(&run)),
        Command::Correlate { place, explain, accept } => {
            runtime.block_on(correlate(&place, explain.as_deref(), accept))
        }
        Command::Directory { place, look } => runtime.block_on(look_at(&place, &look)),
        Command::Serve { place, port } => runtime.block_on(serve::serve(&places(&place), port)),
        Command::Demo { folder } => runtime.block_on(demo::run(&folder)),
    }
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
    if !configuration.unlike.is_empty() {
        return Err(Failure::Catalogue(Problems(configuration.unlike)));
    }
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
