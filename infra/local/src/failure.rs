//! How a command ends when it does not end well.

use std::io::{self, Write};
use std::path::PathBuf;

use catalog::{Problem, Problems, Severity};
use ledger::error::LedgerError;
use store::embedded::OpenError;

/// Why a command could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A file or folder cannot be used.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A folder has no catalogue in it.
    #[error("{}: there is no .yaml file in this folder; a catalogue has at least a seller, streams, sources, components, plans and customers (docs/catalogue.md)", .0.display())]
    NoCatalogue(PathBuf),
    /// The catalogue is wrong.
    #[error("the catalogue is not right")]
    Catalogue(Problems),
    /// No source reads a file, or not the one that was named.
    #[error("{0}")]
    NoSource(String),
    /// What is asked for a price cannot be read.
    #[error("{0}")]
    NotGiven(String),
    /// A price cannot be told for what is given.
    #[error("{0}")]
    NoPrice(String),
    /// The store cannot be opened.
    #[error("{0}")]
    Open(#[from] OpenError),
    /// The protocol could not go on.
    #[error("{0}")]
    Ledger(#[from] LedgerError),
    /// Salesforce cannot be reached as things are.
    #[error("{0}")]
    Salesforce(String),
    /// A worker ended before its work.
    #[error("a worker ended before its work: {0}")]
    Worker(#[from] tokio::task::JoinError),
    /// Something waits for a person, as was told.
    #[error("something waits for a person")]
    Waiting,
}

impl Failure {
    /// Of a file or folder.
    pub fn file(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::File { path: path.into(), source }
    }

    /// The exit code, as `--help` lists them.
    pub fn code(&self) -> u8 {
        match self {
            Self::File { .. } | Self::Open(_) | Self::Ledger(_) | Self::Salesforce(_) | Self::Worker(_) => 1,
            Self::NoSource(_) | Self::NotGiven(_) => 2,
            Self::NoCatalogue(_) | Self::Catalogue(_) => 3,
            Self::Waiting | Self::NoPrice(_) => 4,
        }
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
