//! `farthing`: the four functions behind one binary, for a person's own files.

mod bill;
mod books;
mod cli;
mod commands;
mod compare;
mod crm;
mod demo;
mod directory;
mod dry;
mod engine;
mod explain;
mod failure;
mod folder;
mod open;
mod price;
mod redrive;
mod report;
mod serve;
mod status;
mod unbilled;
mod verify;
mod write_back;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::failure::Failure;

fn main() -> ExitCode {
    match commands::run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            tell(&failure);
            ExitCode::from(failure.code())
        }
    }
}

/// Everything that is wrong, on the standard error.
fn tell(failure: &Failure) {
    match failure {
        Failure::Catalogue(problems) => failure::tell_problems(&problems.0),
        Failure::Waiting => {}
        other => failure::complain(&format!("farthing: {other}")),
    }
}
