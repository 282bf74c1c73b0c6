//! Seals: hours of the bucket's listing that were compared with what is counted, object by object.
//!
//! S3 lists by key, and keys need not tell a time. But it says of each object when it was written, and that is never an
//! hour of long ago for an object that comes now: what was written in an hour that is over stays what it was. So a
//! seal is about the objects of one hour, wherever their keys lie: how many there are, and a sum over their keys, etags
//! and times that does not depend on their order. While a listing gives the same sum, nothing of that hour is compared
//! again; no rollup is read for it. Whatever changes the sum breaks the seal: an object that is overwritten or removed,
//! or one that comes late with an early time, as an upload in parts does which began long before it ended.
//!
//! A seal says: these objects were inputs of rollups when it was written. Inputs of rollups never shrink, so it holds
//! for rollups that are read after it; whoever prices reads the seals first.

use std::collections::BTreeMap;

use catalog::Catalogue;
use metering::time::Instant;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::LedgerError;
use crate::file::pages;
use crate::names;
use crate::ports::{Item, Key, ObjectMeta, Ports, Table, Write};
use crate::restate::Restatements;

/// What a listing says of the objects that were written in one hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    objects: u64,
    digest: u128,
}

impl Sum {
    /// Takes an object in, in any order.
    pub fn add(&mut self, object: &ObjectMeta) {
        let mut hasher = Sha256::new();
        hasher.update(object.key.as_bytes());
        hasher.update(b"\0");
        hasher.update(object.etag.as_bytes());
        hasher.update(b"\0");
        hasher.update(object.modified.0.to_be_bytes());
        let digest = hasher.finalize().iter().take(16).fold(0_u128, |sum, byte| sum << 8 | u128::from(*byte));
        self.digest = self.digest.wrapping_add(digest);
        self.objects = self.objects.saturating_add(1);
    }

    /// How many objects there are.
    pub fn objects(&self) -> u64 {
        self.objects
    }
}

/// What is stored of a sealed hour.
#[derive(Serialize, Deserialize)]
struct Seal {
    objects: u64,
    digest: String,
    rules: String,
}

/// The hours that are sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seals(BTreeMap<i64, Sum>);

impl Seals {
    /// No hour.
    pub fn none() -> Self {
        Self::default()
    }

    /// The seals that hold under the sources as they are now. Read before the rollups that they vouch for.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn read<P: Ports>(ports: &P, rules: &str) -> Result<Self, LedgerError> {
        let mut seals = BTreeMap::new();
        for (hour, item) in pages(ports, Table::Rollup, names::SEALS).await? {
            let (seal, hour) = (read(&item)?, hour.parse::<i64>().ok());
            let digest = u128::from_str_radix(&seal.digest, 16).ok();
            // One that cannot be read seals nothing.
            if let (Some(hour), Some(digest)) = (hour, digest.filter(|_| seal.rules == rules)) {
                seals.insert(hour, Sum { objects: seal.objects, digest });
            }
        }
        Ok(Self(seals))
    }

    /// What the listing said of an hour when it was sealed.
    pub fn sum(&self, hour: i64) -> Option<Sum> {
        self.0.get(&hour).copied()
    }

    /// Whether an hour is sealed.
    pub fn holds(&self, hour: i64) -> bool {
        self.0.contains_key(&hour)
    }

    /// The sealed hours of which a listing now says something else.
    pub(crate) fn broken(&self, listed: &BTreeMap<i64, Sum>) -> Vec<i64> {
        let now = |hour: &i64| listed.get(hour).copied().unwrap_or_default();
        self.0.iter().filter(|(hour, then)| now(hour) != **then).map(|(hour, _)| *hour).collect()
    }

    /// Without these.
    pub(crate) fn without(&self, broken: &[i64]) -> Self {
        let kept = self.0.iter().filter(|(hour, _)| !broken.contains(hour));
        Self(kept.map(|(hour, sum)| (*hour, *sum)).collect())
    }
}

fn read(item: &Item) -> Result<Seal, LedgerError> {
    serde_json::from_str(&item.body).map_err(|error| LedgerError::malformed("seal", error))
}

/// Seals an hour of which every object is counted. A cache: whoever comes last may write.
///
/// # Errors
/// [`LedgerError`].
pub(crate) async fn seal<P: Ports>(ports: &P, hour: i64, sum: Sum, rules: &str) -> Result<(), LedgerError> {
    let seal = Seal { objects: sum.objects, digest: format!("{:032x}", sum.digest), rules: rules.to_owned() };
    let body = serde_json::to_string(&seal).map_err(|error| LedgerError::malformed("seal", error))?;
    ports.write(Write::put(Table::Rollup, Key::new(names::SEALS, format!("{hour:010}")), body)).await?;
    Ok(())
}

/// What decides whether an object counts besides the object: which sources read what, and how. A source that is added
/// or changed may read what nothing read before, and what is restated is read again: no seal of before holds.
pub fn rules(catalogue: &Catalogue, restated: &Restatements) -> String {
    let mut hasher = Sha256::new();
    for (name, source) in &catalogue.sources {
        hasher.update(name.as_bytes());
        hasher.update(source.hash().as_bytes());
    }
    for said in restated.said() {
        hasher.update(format!("{} {} {} {}\n", said.source, said.from, said.until, said.mapping).as_bytes());
    }
    names::hex(&hasher.finalize())
}

/// The hour in which an object was written.
pub(crate) fn hour(object: &ObjectMeta) -> i64 {
    object.modified.hour()
}

/// Whether an hour was over at an instant.
pub(crate) fn is_over(hour: i64, at: Instant) -> bool {
    hour < at.hour()
}
