//! What waits for a person: files that nobody can read, match or believe. Nothing is lost
//! silently: each stands here with its reason until it is mended.

use metering::time::Instant;
use serde::{Deserialize, Serialize};

use crate::error::LedgerError;
use crate::file::pages;
use crate::names;
use crate::ports::{Condition, Effect, Key, Ports, Table, Write};

/// Why a file waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// No source of the catalogue reads it.
    NoSource,
    /// Two sources read it: whose is it?
    TwoSources,
    /// It was overwritten with other content though its source says that files never change.
    Conflict,
    /// It cannot be read, or too many of its records cannot.
    Quarantined,
    /// Some of its records could not be translated; the rest counts.
    Rejects,
}

impl Kind {
    /// Whether no period closes until somebody has looked.
    pub fn blocks(self) -> bool {
        match self {
            Self::TwoSources | Self::Conflict | Self::Quarantined => true,
            Self::NoSource | Self::Rejects => false,
        }
    }
}

/// A file that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The object's key.
    pub key: String,
    /// Why.
    pub kind: Kind,
    /// What is wrong, where, and what to do.
    pub reason: String,
    /// The version of the object that it is about.
    pub etag: String,
    /// When the object was written.
    pub arrived: Instant,
}

/// Puts a file on the list; a repeat changes nothing.
///
/// # Errors
/// [`LedgerError`].
pub async fn note<P: Ports>(ports: &P, file: &str, notice: &Notice) -> Result<(), LedgerError> {
    let body = serde_json::to_string(notice).map_err(|source| LedgerError::malformed("notice", source))?;
    ports.write(Write::put(Table::Billing, Key::new(names::ATTENTION, file), body)).await?;
    Ok(())
}

/// Takes a file off the list.
///
/// # Errors
/// [`LedgerError`].
pub async fn clear<P: Ports>(ports: &P, file: &str) -> Result<(), LedgerError> {
    let key = Key::new(names::ATTENTION, file);
    ports.write(Write { table: Table::Billing, key, condition: Condition::Always, effect: Effect::Delete }).await?;
    Ok(())
}

/// The whole list, by key.
///
/// # Errors
/// [`LedgerError`].
pub async fn list<P: Ports>(ports: &P) -> Result<Vec<Notice>, LedgerError> {
    let items = pages(ports, Table::Billing, names::ATTENTION).await?;
    let read = |(_, item): (String, crate::ports::Item)| {
        serde_json::from_str(&item.body).map_err(|source| LedgerError::malformed("notice", source))
    };
    let mut notices = items.into_iter().map(read).collect::<Result<Vec<Notice>, _>>()?;
    notices.sort_by(|a, b| (&a.key, a.kind).cmp(&(&b.key, b.kind)));
    Ok(notices)
}

/// The notice of a file, if it is on the list.
///
/// # Errors
/// [`LedgerError`].
pub async fn of<P: Ports>(ports: &P, file: &str) -> Result<Option<Notice>, LedgerError> {
    let item = ports.get(Table::Billing, &Key::new(names::ATTENTION, file)).await?;
    let read = |item: crate::ports::Item| {
        serde_json::from_str(&item.body).map_err(|source| LedgerError::malformed("notice", source))
    };
    item.map(read).transpose()
}
