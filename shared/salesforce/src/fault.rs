//! Why Salesforce could not be read or written. Sentences for an administrator; never a token, a secret or a record.

use crate::complaint::{Action, Complaint};
use crate::soql::SoqlError;

/// Why a call came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No answer.
    #[error("{host} does not answer: {reason}")]
    Unreachable {
        /// The host.
        host: String,
        /// Why, without the address's query.
        reason: String,
    },
    /// An answer that is a complaint.
    #[error("Salesforce refuses {what}: {} {}: {}{}", .complaint.status, .complaint.code, .complaint.message, told(.complaint.hint()))]
    Refused {
        /// What was asked.
        what: String,
        /// How it complained.
        complaint: Complaint,
        /// What could be done.
        action: Action,
    },
    /// The login complains.
    #[error("Salesforce refuses the login at {host}: {}: {}{}", .complaint.code, .complaint.message, told(.complaint.hint()))]
    Login {
        /// The host.
        host: String,
        /// How it complained.
        complaint: Complaint,
    },
    /// The credential cannot be used.
    #[error("the Salesforce credential cannot be used: {0}")]
    Credential(String),
    /// The answer would send us elsewhere.
    #[error("Salesforce says to call {0}, which is not under an allowed name; nothing was sent there")]
    Elsewhere(String),
    /// Not the organisation that the catalogue names.
    #[error(
        "this is organisation {found}, but the catalogue says {expected}: is it a sandbox, or the wrong credential? \
         Nothing was read"
    )]
    Organisation {
        /// The catalogue's.
        expected: String,
        /// The answer's.
        found: String,
    },
    /// The day's calls are used up.
    #[error(
        "the organisation has used up its calls of the day; the directory stays as it was published last and is read \
         again with the next run"
    )]
    DailyLimit,
    /// Our share of the day's calls is used up.
    #[error(
        "this run has made {calls} calls, and everybody together {used} of the day's {most}: the rest is left to others; \
         the next run goes on (`budget-percent`)"
    )]
    Budget {
        /// Calls of this run.
        calls: u64,
        /// Calls of everybody.
        used: u64,
        /// Calls allowed to the organisation in a day.
        most: u64,
    },
    /// The time of this run is over.
    #[error("the time of this run ended while {0}; the next run goes on")]
    Deadline(String),
    /// An answer that cannot be right.
    #[error("the answer to {what} cannot be right: {reason}; nothing of it was used")]
    Broken {
        /// What was asked.
        what: String,
        /// What is wrong.
        reason: String,
    },
    /// An answer that breaks off.
    #[error("the answer to {what} breaks off: {reason}; it is fetched again")]
    Cut {
        /// What was asked.
        what: String,
        /// Why.
        reason: String,
    },
    /// A query that cannot be asked.
    #[error("{0}")]
    Query(#[from] SoqlError),
}

fn told(hint: &str) -> String {
    if hint.is_empty() { String::new() } else { format!("; {hint}") }
}

impl Fault {
    /// An answer that cannot be right.
    pub fn broken(what: impl Into<String>, reason: impl ToString) -> Self {
        Self::Broken { what: what.into(), reason: reason.to_string() }
    }

    /// What could be done about it.
    #[must_use]
    pub fn action(&self) -> Action {
        match self {
            Self::Refused { action, .. } => *action,
            Self::DailyLimit | Self::Budget { .. } => Action::StopForToday,
            _ => Action::Fatal,
        }
    }

    /// Whether the next run may get on with nobody doing anything.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::DailyLimit | Self::Budget { .. } | Self::Deadline(_) => true,
            Self::Broken { .. } | Self::Cut { .. } => true,
            Self::Refused { action, .. } => !matches!(action, Action::Configuration | Action::Fatal),
            // A refused assertion is tried once more for the clocks' sake; then the key is not the app's.
            Self::Login { complaint, .. } => {
                complaint.status != 400 && matches!(complaint.login_action(), Action::Retry(_))
            }
            Self::Credential(_) | Self::Elsewhere(_) | Self::Organisation { .. } | Self::Query(_) => false,
        }
    }
}
