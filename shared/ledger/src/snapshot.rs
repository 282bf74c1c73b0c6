//! Snapshots of the directory in the work bucket, and the head that says which is in force.
//!
//! Each part of a snapshot lies under the hash of its bytes, the list of parts under the snapshot's version: whatever
//! is written again is the same. The head moves by one transaction, together with what it was read from.

use std::collections::BTreeMap;

use catalog::directory::{Claim, Directory, Party, Shard, shard_of, version_of};
use metering::time::Instant;
use serde::{Deserialize, Serialize};

use crate::error::LedgerError;
use crate::file::{pages, read_text};
use crate::names;
use crate::ports::{Blobs, Bucket, Item, Key, Ports, Table, Transacted, Write};

/// The directory's head: which version is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryHead {
    /// How many versions there have been.
    pub count: u64,
    /// The version: the hash of its facts.
    pub version: String,
    /// When it was recorded.
    pub recorded_at: Instant,
    /// The version that the catalogue's own customers alone would have.
    pub catalogue: String,
    /// Who accepted what a guard refused, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
    /// Since when each organisation has been in the directory, by its name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub organisations: BTreeMap<String, Instant>,
}

/// A part of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The object's key in the work bucket; named by the hash of its bytes.
    pub body: String,
    /// The hash of what it says, apart from when it was recorded.
    pub facts: String,
    /// How many lines it has.
    pub lines: usize,
}

/// The list of a snapshot's parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Accounts, one to a line.
    pub parties: Part,
    /// When it was recorded.
    pub recorded_at: Instant,
    /// Claims, in shards by the deployment's name.
    pub shards: Vec<Part>,
}

impl Manifest {
    /// The version of the snapshot.
    #[must_use]
    pub fn version(&self) -> String {
        let facts: Vec<String> = self.shards.iter().map(|part| part.facts.clone()).collect();
        version_of(&facts, &self.parties.facts)
    }

    /// How many claims it has.
    #[must_use]
    pub fn claims(&self) -> usize {
        self.shards.iter().map(|part| part.lines).sum()
    }
}

/// What is in force.
#[derive(Clone, Debug)]
pub struct Present {
    /// The head with its item, for compare-and-swap; none before the first publication.
    pub head: Option<(DirectoryHead, Item)>,
    /// The snapshot; an empty one before the first publication.
    pub directory: Directory,
}

fn head_key() -> Key {
    Key::new(names::DIRECTORY, names::HEAD)
}

fn manifest_key(version: &str) -> String {
    format!("directory/{version}.json")
}

/// What is in force.
///
/// # Errors
/// [`LedgerError`].
pub async fn present<P: Ports>(ports: &P) -> Result<Present, LedgerError> {
    let Some(item) = ports.get(Table::Billing, &head_key()).await? else {
        return Ok(Present { head: None, directory: Directory::new(Vec::new(), Instant(0)) });
    };
    let head = read_head(&item)?;
    let directory = recall(ports, &head.version).await?;
    Ok(Present { head: Some((head, item)), directory })
}

fn read_head(item: &Item) -> Result<DirectoryHead, LedgerError> {
    serde_json::from_str(&item.body).map_err(|error| LedgerError::malformed("directory", error))
}

/// All heads that there have been, oldest first.
///
/// # Errors
/// [`LedgerError`].
pub async fn history<P: Ports>(ports: &P) -> Result<Vec<DirectoryHead>, LedgerError> {
    let items = pages(ports, Table::Billing, names::DIRECTORY).await?;
    let versions = items.iter().filter(|(sort, _)| sort.bytes().all(|byte| byte.is_ascii_digit()));
    versions.map(|(_, item)| read_head(item)).collect()
}

/// The list of parts of a version.
///
/// # Errors
/// [`LedgerError`].
pub async fn manifest<P: Ports>(ports: &P, version: &str) -> Result<Manifest, LedgerError> {
    let text = read_text(ports, Bucket::Work, &manifest_key(version)).await?;
    serde_json::from_str(&text).map_err(|error| LedgerError::malformed("directory", error))
}

/// The snapshot of a version. Every part is held against its name.
///
/// # Errors
/// [`LedgerError`].
pub async fn recall<P: Ports>(ports: &P, version: &str) -> Result<Directory, LedgerError> {
    let manifest = manifest(ports, version).await?;
    let mut shards = Vec::with_capacity(manifest.shards.len());
    for part in &manifest.shards {
        let text = read_addressed(ports, &part.body).await?;
        shards.push(Shard::open(text).map_err(|error| LedgerError::billing(&part.body, error))?);
    }
    let parties = read_parties(ports, &manifest).await?;
    Directory::open(shards, parties, manifest.recorded_at, version.to_owned())
        .map_err(|error| LedgerError::billing(version, error))
}

/// The snapshot of a version, where every part of it says what the version is a hash of.
///
/// # Errors
/// [`LedgerError::Missing`] for a part that says something else.
pub async fn proved<P: Ports>(ports: &P, version: &str) -> Result<Directory, LedgerError> {
    let manifest = manifest(ports, version).await?;
    let named = |body: &str| body.contains(&manifest.parties.facts);
    if manifest.version() != version || !named(&manifest.parties.body) {
        return Err(LedgerError::Missing(manifest_key(version)));
    }
    for part in &manifest.shards {
        let text = read_addressed(ports, &part.body).await?;
        let shard = Shard::open(text).map_err(|error| LedgerError::billing(&part.body, error))?;
        if Shard::build(shard.entries().collect()).1 != part.facts {
            return Err(LedgerError::Missing(part.body.clone()));
        }
    }
    recall(ports, version).await
}

/// The objects of a snapshot: the list of its parts, and the parts.
///
/// # Errors
/// [`LedgerError`].
pub async fn objects<P: Ports>(ports: &P, version: &str) -> Result<Vec<String>, LedgerError> {
    let manifest = manifest(ports, version).await?;
    let parts = manifest.shards.into_iter().chain([manifest.parties]).map(|part| part.body);
    Ok(parts.chain([manifest_key(version)]).collect())
}

/// What is in force, with what it says of one deployment alone and no accounts: only that part is read.
///
/// # Errors
/// [`LedgerError`].
pub async fn about<P: Ports>(ports: &P, deployment: &str) -> Result<Option<(DirectoryHead, Directory)>, LedgerError> {
    let Some(item) = ports.get(Table::Billing, &head_key()).await? else { return Ok(None) };
    let head = read_head(&item)?;
    let manifest = manifest(ports, &head.version).await?;
    let mut shards = vec![Shard::default(); manifest.shards.len()];
    let count = u32::try_from(shards.len()).unwrap_or(u32::MAX);
    let place = usize::try_from(shard_of(deployment, count)).unwrap_or(0);
    if let (Some(shard), Some(part)) = (shards.get_mut(place), manifest.shards.get(place)) {
        let text = read_addressed(ports, &part.body).await?;
        *shard = Shard::open(text).map_err(|error| LedgerError::billing(&part.body, error))?;
    }
    let directory = Directory::open(shards, Vec::new(), manifest.recorded_at, head.version.clone())
        .map_err(|error| LedgerError::billing(&head.version, error))?;
    Ok(Some((head, directory)))
}

/// The accounts of a version.
///
/// # Errors
/// [`LedgerError`].
pub async fn parties<P: Ports>(ports: &P, version: &str) -> Result<Vec<Party>, LedgerError> {
    read_parties(ports, &manifest(ports, version).await?).await
}

async fn read_parties<P: Ports>(ports: &P, manifest: &Manifest) -> Result<Vec<Party>, LedgerError> {
    let text = read_addressed(ports, &manifest.parties.body).await?;
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().map_err(|error| LedgerError::malformed("account", error))
}

/// Writes an object under the hash of its bytes.
///
/// # Errors
/// [`LedgerError`].
pub async fn put_addressed<B: Blobs>(ports: &B, prefix: &str, text: String) -> Result<String, LedgerError> {
    let key = format!("{prefix}{}.txt", names::sha256(text.as_bytes()));
    ports.put_once(Bucket::Work, &key, text.into_bytes(), "text/plain; charset=utf-8").await?;
    Ok(key)
}

/// Reads an object that [`put_addressed`] wrote.
///
/// # Errors
/// [`LedgerError::Missing`] also where it is not what its name says.
pub async fn read_addressed<B: Blobs>(ports: &B, key: &str) -> Result<String, LedgerError> {
    let text = read_text(ports, Bucket::Work, key).await?;
    let named = key.rsplit('/').next().and_then(|name| name.strip_suffix(".txt"));
    if named == Some(names::sha256(text.as_bytes()).as_str()) {
        Ok(text)
    } else {
        Err(LedgerError::Missing(key.to_owned()))
    }
}

/// Stores a shard of claims; those that `previous` has keep the instant of their first recording.
///
/// # Errors
/// [`LedgerError`].
pub async fn keep_shard<P: Ports>(
    ports: &P,
    previous: &Directory,
    mut claims: Vec<Claim>,
) -> Result<(Part, Shard), LedgerError> {
    for claim in &mut claims {
        if let Some(recorded) = previous.recorded(claim) {
            claim.recorded_at = recorded.min(claim.recorded_at);
        }
    }
    let (shard, facts) = Shard::build(claims);
    let body = put_addressed(ports, "directory/", shard.text().to_owned()).await?;
    Ok((Part { body, facts, lines: shard.len() }, shard))
}

/// Stores the accounts, in the order of their ids.
///
/// # Errors
/// [`LedgerError`].
pub async fn keep_parties<P: Ports>(ports: &P, parties: &[Party]) -> Result<Part, LedgerError> {
    let mut text = String::new();
    for party in parties {
        text.push_str(&serde_json::to_string(party).map_err(|error| LedgerError::malformed("account", error))?);
        text.push('\n');
    }
    let facts = names::sha256(text.as_bytes());
    let body = put_addressed(ports, "directory/", text).await?;
    Ok(Part { body, facts, lines: parties.len() })
}

/// Makes a snapshot the one in force, if the head is still the one that was read; `with` moves in the same
/// transaction. Writes nothing but `with` if it is in force already.
///
/// # Errors
/// [`LedgerError`].
pub async fn put_in_force<P: Ports>(
    ports: &P,
    present: &Present,
    manifest: &Manifest,
    head: DirectoryHead,
    mut with: Vec<Write>,
) -> Result<Transacted, LedgerError> {
    let text = serde_json::to_string(manifest).map_err(|error| LedgerError::malformed("directory", error))?;
    let json = "application/json";
    ports.put_once(Bucket::Work, &manifest_key(&head.version), text.into_bytes(), json).await?;
    let text = serde_json::to_string(&head).map_err(|error| LedgerError::malformed("directory", error))?;
    with.push(Write::create(Table::Billing, Key::new(names::DIRECTORY, names::number(head.count)), text.clone()));
    with.push(match &present.head {
        Some((_, item)) => Write::replace(Table::Billing, head_key(), item.revision, text),
        None => Write::create(Table::Billing, head_key(), text),
    });
    Ok(ports.transact(with).await?)
}
