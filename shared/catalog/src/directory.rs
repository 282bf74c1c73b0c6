//! Which customer owned a deployment at an instant.
//!
//! A directory is a snapshot of effective-dated facts ([`Claim`]) and of the accounts they name ([`Party`]). Snapshots
//! are only ever added, each under the version that its facts hash to; a billing run pins one. Every fact also keeps
//! the instant at which it was first recorded, so that "what did we believe then" can be answered (bitemporal). A
//! snapshot is lines in shards by a hash of the deployment's name: it opens without being parsed, and a lookup looks at
//! an index of hashes and at one line. Never stores anything itself.

mod claim;
mod difference;
mod party;
mod shard;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use metering::period::PeriodError;
use metering::time::Instant;

use crate::hash;
use crate::party::{Customer, instants};

pub use claim::{Claim, Seen, Standing};
pub use difference::{Moved, difference, is_billed, lost};
pub use party::{Holding, Party, Unbillable};
use shard::Wanted;
pub use shard::{Shard, shard_of, shards_for};

/// The format of snapshots.
const FORMAT: &str = "farthing.directory/2";

/// Where the catalogue's own facts say they are written.
pub const CATALOGUE: &str = "catalogue";

/// The answer to "whose usage is this?".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner<'a> {
    /// This account's.
    Matched(&'a str),
    /// This account's, though its record says that the deployment is not in use: billed, and reported.
    Inactive(&'a str),
    /// Held, because its record says that the deployment is not in use.
    Suspended(&'a str),
    /// Never billed: a trial, a test, our own.
    Excluded,
    /// Never billed: nobody owned it, and somebody has answered for writing it off.
    WrittenOff,
    /// A record knows the deployment and names no account.
    NoAccount,
    /// No fact names the deployment.
    Unknown,
    /// The deployment belongs to somebody, but not at this instant.
    NotEffective,
    /// More than one account claims it.
    Ambiguous,
    /// The usage names no deployment at all.
    MissingTag,
}

/// A snapshot of all facts, with its version.
#[derive(Debug, Clone)]
pub struct Directory {
    shards: Vec<Shard>,
    parties: Vec<Party>,
    /// The deployments of each account, put together when first asked for.
    owned: OnceLock<BTreeMap<String, BTreeSet<String>>>,
    recorded_at: Instant,
    version: String,
}

/// Why a snapshot cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// A line is cut.
    #[error("a part of the directory ends within a line")]
    Line,
    /// It has no parts.
    #[error("the directory has no parts")]
    Empty,
}

/// The version of a snapshot: a hash over the hashes of its parts' facts and of its accounts.
#[must_use]
pub fn version_of(shards: &[String], parties: &str) -> String {
    hash::of_text(&format!("{FORMAT}\n{}\n{parties}\n", shards.join("\n")))
}

/// The facts that `customers` of a catalogue state, recorded at an instant.
///
/// # Errors
/// [`PeriodError::OutOfRange`] for days at the ends of the calendar.
pub fn stated(customers: &BTreeMap<String, Customer>, recorded_at: Instant) -> Result<Vec<Claim>, PeriodError> {
    let mut claims = Vec::new();
    for customer in customers.values() {
        for deployment in &customer.deployments {
            let (from, until) = instants(&deployment.term, customer.zone)?;
            claims.push(Claim {
                deployment: deployment.id.clone(),
                rule: 0,
                from,
                until,
                account: Some(customer.id.clone()),
                standing: Standing::Active,
                inferred: (false, false),
                source: CATALOGUE.to_owned(),
                recorded_at,
            });
        }
    }
    Ok(claims)
}

impl Directory {
    /// The facts that `customers` state, all recorded now.
    ///
    /// # Errors
    /// [`PeriodError::OutOfRange`] for days at the ends of the calendar.
    pub fn of(customers: &BTreeMap<String, Customer>, recorded_at: Instant) -> Result<Self, PeriodError> {
        Ok(Self::new(stated(customers, recorded_at)?, recorded_at))
    }

    /// A snapshot of the given facts, in any order; facts stated twice count once, as first recorded.
    #[must_use]
    pub fn new(claims: Vec<Claim>, recorded_at: Instant) -> Self {
        let (shard, facts) = Shard::build(claims);
        let version = version_of(&[facts], &hash::of_text(""));
        Self { shards: vec![shard], parties: Vec::new(), owned: OnceLock::new(), recorded_at, version }
    }

    /// A snapshot of stored parts.
    ///
    /// # Errors
    /// [`DirectoryError::Empty`].
    pub fn open(
        shards: Vec<Shard>,
        parties: Vec<Party>,
        recorded_at: Instant,
        version: String,
    ) -> Result<Self, DirectoryError> {
        if shards.is_empty() {
            return Err(DirectoryError::Empty);
        }
        Ok(Self { shards, parties, owned: OnceLock::new(), recorded_at, version })
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

    /// How many facts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(Shard::len).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The accounts, by id; those of the catalogue are not among them.
    #[must_use]
    pub fn parties(&self) -> &[Party] {
        &self.parties
    }

    /// The parts.
    #[must_use]
    pub fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// All facts, part by part.
    pub fn entries(&self) -> impl Iterator<Item = Claim> {
        self.shards.iter().flat_map(Shard::entries)
    }

    /// The names of all deployments.
    pub fn deployments(&self) -> impl Iterator<Item = String> {
        self.shards.iter().flat_map(Shard::deployments)
    }

    /// The deployments that an account ever owned.
    pub fn deployments_of(&self, account: &str) -> impl Iterator<Item = &str> {
        self.owned.get_or_init(|| self.by_account()).get(account).into_iter().flatten().map(String::as_str)
    }

    fn by_account(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut accounts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (deployment, seen) in self.shards.iter().flat_map(Shard::all) {
            if let Some(account) = seen.account {
                accounts.entry(account.to_owned()).or_default().insert(claim::unescaped(deployment));
            }
        }
        accounts
    }

    /// The facts about one deployment, by rule and time.
    pub fn claims(&self, deployment: &str) -> impl Iterator<Item = Seen<'_>> + use<'_> {
        let count = u32::try_from(self.shards.len()).unwrap_or(u32::MAX);
        let wanted = Wanted::new(deployment);
        let place = usize::try_from(wanted.shard(count)).unwrap_or(0);
        let shard = self.shards.get(place);
        let claims = shard.map(|shard| shard.claims_of(&wanted));
        claims.into_iter().flatten()
    }

    /// When a fact was first recorded, if it was.
    #[must_use]
    pub fn recorded(&self, claim: &Claim) -> Option<Instant> {
        let known = self.claims(&claim.deployment).map(|seen| seen.owned(&claim.deployment));
        known.filter(|known| known.facts() == claim.facts()).map(|known| known.recorded_at).min()
    }

    /// Whose usage `deployment` was at `at`: the first rule by which any record answers to the name decides. What was
    /// written off stays so, whatever a record says later.
    #[must_use]
    pub fn owner(&self, deployment: &str, at: Instant) -> Owner<'_> {
        let mut decision = Decision::default();
        let mut rule = None;
        for seen in self.claims(deployment) {
            // They are of the lowest rule, and so come before any that would end this.
            if seen.standing == Standing::WrittenOff {
                if seen.covers(at) {
                    return Owner::WrittenOff;
                }
                continue;
            }
            if seen.rule != *rule.get_or_insert(seen.rule) {
                break;
            }
            if seen.covers(at) {
                decision.hear(&seen);
            }
        }
        match rule {
            None if deployment.is_empty() => Owner::MissingTag,
            None => Owner::Unknown,
            Some(_) => decision.owner(),
        }
    }

    /// Facts by later rules that name another account than the one that decided: never billed by, worth a look.
    #[must_use]
    pub fn conflicts(&self, deployment: &str, at: Instant) -> Vec<Seen<'_>> {
        let mut claims = self.claims(deployment).filter(|seen| seen.standing != Standing::WrittenOff);
        let Some(first) = claims.next().map(|seen| seen.rule) else { return Vec::new() };
        let (Owner::Matched(account) | Owner::Inactive(account) | Owner::Suspended(account)) =
            self.owner(deployment, at)
        else {
            return Vec::new();
        };
        claims.filter(|seen| seen.rule != first && seen.covers(at) && seen.account != Some(account)).collect()
    }
}

/// What the records of one rule say of an instant.
#[derive(Default)]
struct Decision<'a> {
    account: Option<(&'a str, Standing)>,
    ambiguous: bool,
    orphan: bool,
}

impl<'a> Decision<'a> {
    fn hear(&mut self, seen: &Seen<'a>) {
        match (seen.account, self.account) {
            (None, _) => self.orphan = true,
            (Some(account), None) => self.account = Some((account, seen.standing)),
            (Some(account), Some((known, standing))) if account == known => {
                // Two records of one account: what is in use by one of them is in use.
                self.account = Some((known, standing.min(seen.standing)));
            }
            (Some(_), Some(_)) => self.ambiguous = true,
        }
    }

    fn owner(self) -> Owner<'a> {
        match self.account {
            _ if self.ambiguous => Owner::Ambiguous,
            Some((account, Standing::Active)) => Owner::Matched(account),
            Some((account, Standing::Inactive)) => Owner::Inactive(account),
            Some((account, Standing::Suspended)) => Owner::Suspended(account),
            Some((_, Standing::Excluded)) => Owner::Excluded,
            Some((_, Standing::WrittenOff)) => Owner::WrittenOff,
            None if self.orphan => Owner::NoAccount,
            None => Owner::NotEffective,
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests;
