//! `farthing plan`: what a new catalogue would have charged for the months that are closed.

use std::io;

use ledger::charges::Basis;
use ledger::compare::{Comparison, closed_months, compare, span};
use ledger::correlate::current;
use ledger::counted::Counted;
use metering::tally::Cells;
use store::embedded::{Places, open};

use crate::cli::PlanArgs;
use crate::failure::Failure;
use crate::folder::read_catalogue;
use crate::report::{self, say};

/// Prices the closed months under both catalogues and tells who would pay more or less. Writes nothing.
pub async fn plan(arguments: &PlanArgs) -> Result<(), Failure> {
    let (old, new) = (read_catalogue(&arguments.old)?, read_catalogue(&arguments.new)?);
    if !arguments.data.is_dir() {
        let what = "there is no such folder; name with --data where `farthing run` keeps what it knows";
        return Err(Failure::file(&arguments.data, io::Error::new(io::ErrorKind::NotFound, what)));
    }
    if !arguments.usage.is_dir() {
        let what = "there is no such folder of usage files; name with --usage the one that `farthing run` reads";
        return Err(Failure::file(&arguments.usage, io::Error::new(io::ErrorKind::NotFound, what)));
    }
    let ports = open(&Places { usage: arguments.usage.clone(), ..Places::within(&arguments.data) })?;
    let directory = current(&ports).await?;
    let ((old, _), (new, unbillable)) =
        (old.catalogue.joined(directory.parties()), new.catalogue.joined(directory.parties()));
    let months = closed_months(&ports, &old, &new).await?;
    let cells = match span(&old, &new, &months)? {
        Some(window) => Counted::read(&ports, Some(window)).await?.usage.all(&ports, window).await?,
        None => Cells::default(),
    };
    let basis = Basis { cells: &cells, directory: &directory };
    let mut found = compare(&basis, &old, &new, &months)?;
    found.failed.extend(unbillable.into_iter().map(|party| (party.account, party.reason)));
    tell(&found, arguments);
    if found.failed.is_empty() { Ok(()) } else { Err(Failure::Waiting) }
}

fn tell(found: &Comparison, arguments: &PlanArgs) {
    if arguments.json {
        say(&serde_json::json!(found).to_string());
    } else if arguments.markdown {
        say(found.markdown().trim_end());
    } else {
        say(&report::comparison(found));
        say(&format!("{}: {} customers would pay the same", found.span(), found.unchanged));
        for (account, reason) in &found.failed {
            say(&format!("{account} cannot be compared: {reason}"));
        }
    }
}
