//! Why an invocation or a message failed, as Lambda and an operator are told.

use lambda_runtime::Diagnostic;
use ledger::error::LedgerError;

use crate::context::CatalogueError;
use crate::events::EventError;

/// Why an invocation or one of its messages failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// What came in is not understood.
    #[error("{0}")]
    Event(#[from] EventError),
    /// The object lies where this function does not read.
    #[error("the event names an object of bucket '{named}', but usage is read from '{usage}'")]
    OtherBucket {
        /// The event's.
        named: String,
        /// Ours.
        usage: String,
    },
    /// There is no catalogue.
    #[error("{0}")]
    Catalogue(#[from] CatalogueError),
    /// A step of the protocol.
    #[error("{0}")]
    Ledger(#[from] LedgerError),
    /// Some accounts of a month could not be closed; the others were.
    #[error("{0}")]
    Unclosed(String),
    /// A Salesforce organisation cannot be read until somebody mends something; the rest was done.
    #[error("{0}")]
    Organisations(String),
    /// Something could not be written back to Salesforce; the rest was.
    #[error("{0}")]
    NotWrittenBack(String),
    /// A defect of ours, kept from its neighbours.
    #[error("a panic: {0}")]
    Panic(String),
}

impl Failure {
    /// A name that does not change with the message: dashboards and alarms go by it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Event(_) => "BadEvent",
            Self::OtherBucket { .. } => "OtherBucket",
            Self::Catalogue(CatalogueError::Store(_)) => "StoreUnavailable",
            Self::Catalogue(_) => "BadCatalogue",
            Self::Ledger(LedgerError::Store(_)) => "StoreUnavailable",
            Self::Ledger(LedgerError::Contended(_)) => "Contended",
            Self::Ledger(_) => "LedgerInconsistent",
            Self::Unclosed(_) => "PeriodNotClosed",
            Self::Organisations(_) => "SalesforceNotRead",
            Self::NotWrittenBack(_) => "SalesforceNotWritten",
            Self::Panic(_) => "Panic",
        }
    }

    /// Whether the same event may succeed later with nobody doing anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Catalogue(CatalogueError::Store(error)) => error.retryable,
            Self::Catalogue(CatalogueError::Unsettled { .. }) => true,
            Self::Ledger(error) => error.is_retryable(),
            Self::Event(_)
            | Self::OtherBucket { .. }
            | Self::Catalogue(_)
            | Self::Unclosed(_)
            | Self::Organisations(_)
            | Self::NotWrittenBack(_)
            | Self::Panic(_) => false,
        }
    }
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self { error_type: failure.kind().to_owned(), error_message: failure.to_string() }
    }
}
