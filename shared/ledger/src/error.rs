//! Why a step of the protocol could not be finished. Nothing is lost by any of these: the event,
//! the hint or the schedule that caused the step comes again.

use metering::measure::MeasureError;
use metering::period::PeriodError;
use metering::tally::TallyError;

use crate::ports::StoreError;

/// Why a step could not be finished.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A port failed.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// What was stored cannot be read back.
    #[error("a stored {what} cannot be read: {source}")]
    Malformed {
        /// What it should be.
        what: &'static str,
        /// Why it is none.
        source: serde_json::Error,
    },
    /// Tallies do not merge.
    #[error("{0}")]
    Tally(#[from] TallyError),
    /// An object of ours is not where an item says.
    #[error("the object `{0}` of the work bucket is missing or damaged")]
    Missing(String),
    /// Others wrote the same item again and again.
    #[error("`{0}` kept changing while it was worked on; it is tried again with the next event")]
    Contended(String),
    /// A rollup would lose an input: something removed a tally.
    #[error("slot {slot} had {before} files and now has {after}: tallies were removed from the ledger")]
    Shrunk {
        /// The slot.
        slot: String,
        /// Inputs before.
        before: usize,
        /// Inputs now.
        after: usize,
    },
    /// A slot cannot be rolled up; the others were. Its files count as missing until it can.
    #[error("the files that arrived in {slot} cannot be added up: {source}")]
    Slot {
        /// The slot: source and hour.
        slot: String,
        /// Why.
        source: Box<LedgerError>,
    },
    /// A period beyond the calendar, or none.
    #[error("{0}")]
    Period(#[from] PeriodError),
    /// A quantity that does not fit.
    #[error("{0}")]
    Measure(#[from] MeasureError),
    /// The catalogue, a price or an invoice does not work out.
    #[error("{subject}: {reason}")]
    Billing {
        /// The account, plan or catalogue.
        subject: String,
        /// What is wrong.
        reason: String,
    },
}

impl LedgerError {
    /// Something stored is not what it should be.
    pub fn malformed(what: &'static str, source: serde_json::Error) -> Self {
        Self::Malformed { what, source }
    }

    /// Something of an account or the catalogue does not work out.
    pub fn billing(subject: impl Into<String>, reason: impl ToString) -> Self {
        Self::Billing { subject: subject.into(), reason: reason.to_string() }
    }

    /// Whether the same step may succeed later without anybody doing anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.retryable,
            Self::Contended(_) => true,
            Self::Malformed { .. }
            | Self::Tally(_)
            | Self::Missing(_)
            | Self::Shrunk { .. }
            | Self::Slot { .. }
            | Self::Period(_)
            | Self::Measure(_)
            | Self::Billing { .. } => false,
        }
    }
}
