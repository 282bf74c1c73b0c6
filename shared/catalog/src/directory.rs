//! Which customer owned a deployment at an instant.
//!
//! A directory is a snapshot of effective-dated facts. Snapshots are only ever added, each under the version that
//! its facts hash to; a billing run pins one. Every fact also keeps the instant at which it was first recorded, so
//! that "what did we believe then" can be answered (bitemporal). Never stores anything itself.

use std::collections::{BTreeMap, BTreeSet};

use metering::period::PeriodError;
use metering::time::Instant;
use serde::{Deserialize, Serialize};

use crate::hash;
use crate::party::{Customer, instants};

/// The format written by [`Directory::encode`].
const FORMAT: &str = "farthing.directory/1";

/// One fact: `account` owned `deployment` during `[from, until)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ownership {
    /// The customer's id.
    pub account: String,
    /// The deployment as usage files call it.
    pub deployment: String,
    /// The first instant.
    pub from: Instant,
    /// When this fact was first recorded.
    pub recorded_at: Instant,
    /// The first instant after; none while it lasts.
    pub until: Option<Instant>,
}

impl Ownership {
    /// What the fact says, apart from when it was recorded; also the order of facts.
    fn claim(&self) -> (&str, Instant, Option<Instant>, &str) {
        (&self.deployment, self.from, self.until, &self.account)
    }

    fn covers(&self, at: Instant) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }
}

/// The answer to "whose usage is this?".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner<'a> {
    /// This account's.
    Matched(&'a str),
    /// No fact names the deployment.
    Unknown,
    /// The deployment belongs to somebody, but not at this instant.
    NotEffective,
    /// More than one account claims it.
    Ambiguous,
}

/// A snapshot of all facts, with its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    // Alphabetical, so that the encoded form is canonical.
    entries: Vec<Ownership>,
    format: String,
    recorded_at: Instant,
    version: String,
}

/// Why a text is no directory.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// It is not JSON of the right shape.
    #[error("this is no directory: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It was written by a later or another program.
    #[error("this is a `{0}`, where a `{FORMAT}` was expected")]
    Format(String),
    /// Its facts are not those that its version stands for.
    #[error("the directory says version {stated}, but its entries are version {actual}")]
    Version {
        /// The version it states.
        stated: String,
        /// The version that its facts hash to.
        actual: String,
    },
}

impl Directory {
    /// The facts that `customers` state, all recorded now.
    ///
    /// # Errors
    /// [`PeriodError::OutOfRange`] for days at the ends of the calendar.
    pub fn of(customers: &BTreeMap<String, Customer>, recorded_at: Instant) -> Result<Self, PeriodError> {
        let mut entries = Vec::new();
        for customer in customers.values() {
            for deployment in &customer.deployments {
                let (from, until) = instants(&deployment.term, customer.zone)?;
                let (account, deployment) = (customer.id.clone(), deployment.id.clone());
                entries.push(Ownership { account, deployment, from, recorded_at, until });
            }
        }
        Ok(Self::new(entries, recorded_at))
    }

    /// A snapshot of the given facts, in any order; facts stated twice count once, as first recorded.
    #[must_use]
    pub fn new(mut entries: Vec<Ownership>, recorded_at: Instant) -> Self {
        entries.sort_by(|a, b| (a.claim(), a.recorded_at).cmp(&(b.claim(), b.recorded_at)));
        entries.dedup_by(|later, earlier| later.claim() == earlier.claim());
        let version = version(&entries);
        Self { entries, format: FORMAT.to_owned(), recorded_at, version }
    }

    /// The same facts as a successor of `previous`: those it already had keep the instant of their first recording.
    #[must_use]
    pub fn after(mut self, previous: &Self) -> Self {
        for entry in &mut self.entries {
            let found = previous.entries.binary_search_by(|known| known.claim().cmp(&entry.claim()));
            if let Some(known) = found.ok().and_then(|index| previous.entries.get(index)) {
                entry.recorded_at = known.recorded_at.min(entry.recorded_at);
            }
        }
        self
    }

    /// What the facts hash to: equal for equal facts, whenever they were recorded.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// When this snapshot was taken.
    #[must_use]
    pub fn recorded_at(&self) -> Instant {
        self.recorded_at
    }

    /// All facts, by deployment and time.
    #[must_use]
    pub fn entries(&self) -> &[Ownership] {
        &self.entries
    }

    /// Whose usage `deployment` was at `at`.
    #[must_use]
    pub fn owner(&self, deployment: &str, at: Instant) -> Owner<'_> {
        let claims = self.claims(deployment);
        let accounts: BTreeSet<&str> =
            claims.iter().filter(|entry| entry.covers(at)).map(|entry| entry.account.as_str()).collect();
        let mut accounts = accounts.into_iter();
        match (accounts.next(), accounts.next()) {
            (Some(account), None) => Owner::Matched(account),
            (Some(_), Some(_)) => Owner::Ambiguous,
            (None, _) if claims.is_empty() => Owner::Unknown,
            (None, _) => Owner::NotEffective,
        }
    }

    /// The facts about one deployment, by time.
    #[must_use]
    pub fn claims(&self, deployment: &str) -> &[Ownership] {
        let start = self.entries.partition_point(|entry| entry.deployment.as_str() < deployment);
        let end = self.entries.partition_point(|entry| entry.deployment.as_str() <= deployment);
        self.entries.get(start..end).unwrap_or_default()
    }

    /// The directory as canonical JSON: the same bytes for the same snapshot.
    ///
    /// # Errors
    /// [`DirectoryError::Malformed`]; none is known to occur.
    pub fn encode(&self) -> Result<String, DirectoryError> {
        Ok(serde_json::to_string(self)?)
    }

    /// Reads what [`Directory::encode`] wrote.
    ///
    /// # Errors
    /// [`DirectoryError`], also when the facts are not those the version stands for.
    pub fn decode(text: &str) -> Result<Self, DirectoryError> {
        let stated: Self = serde_json::from_str(text)?;
        if stated.format != FORMAT {
            return Err(DirectoryError::Format(stated.format));
        }
        let actual = Self::new(stated.entries, stated.recorded_at);
        if actual.version != stated.version {
            return Err(DirectoryError::Version { stated: stated.version, actual: actual.version });
        }
        Ok(actual)
    }
}

fn version(entries: &[Ownership]) -> String {
    let claims = entries.iter().map(|entry| {
        let until = entry.until.map_or(serde_json::Value::Null, |until| until.0.into());
        let claim = [entry.deployment.as_str().into(), entry.from.0.into(), until, entry.account.as_str().into()];
        serde_json::Value::from(claim.to_vec()).to_string()
    });
    let lines: Vec<String> = claims.collect();
    hash::of_text(&format!("{FORMAT}\n{}\n", lines.join("\n")))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests;
