//! What changed between two snapshots.

use std::collections::BTreeSet;

use metering::time::Instant;

use super::{Claim, Directory, Owner};

/// A deployment whose facts differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The deployment.
    pub deployment: String,
    /// Facts that only the older snapshot has.
    pub gone: Vec<Claim>,
    /// Facts that only the newer one has.
    pub new: Vec<Claim>,
}

/// The deployments whose facts differ, by name.
#[must_use]
pub fn difference(older: &Directory, newer: &Directory) -> Vec<Moved> {
    let mut moved = Vec::new();
    let names: BTreeSet<String> = older.deployments().chain(newer.deployments()).collect();
    for deployment in names {
        let facts = |directory: &Directory| -> Vec<Claim> {
            directory.claims(&deployment).map(|seen| seen.owned(&deployment)).collect()
        };
        let (before, after) = (facts(older), facts(newer));
        let only = |some: &[Claim], others: &[Claim]| -> Vec<Claim> {
            some.iter().filter(|claim| !others.iter().any(|other| other.facts() == claim.facts())).cloned().collect()
        };
        let (gone, new) = (only(&before, &after), only(&after, &before));
        if !gone.is_empty() || !new.is_empty() {
            moved.push(Moved { deployment, gone, new });
        }
    }
    moved
}

/// How many deployments somebody is billed for at `at`.
#[must_use]
pub fn is_billed(owner: Owner<'_>) -> bool {
    matches!(owner, Owner::Matched(_) | Owner::Inactive(_))
}

/// The deployments of some names that were billed to somebody and no longer are.
pub fn lost<'a>(
    older: &'a Directory,
    newer: &'a Directory,
    names: impl Iterator<Item = String> + 'a,
    at: Instant,
) -> impl Iterator<Item = String> + 'a {
    names.filter(move |name| is_billed(older.owner(name, at)) && !is_billed(newer.owner(name, at)))
}
