//! Manifests: which rollups a period was priced from. An invoice carries the hash of one, the
//! manifest the hashes of the rollups, a rollup the hashes of its files: whoever has the files can
//! walk the whole way.

use metering::rollup::{Rollup, Slot};

use crate::error::LedgerError;
use crate::file::{read_hashed, read_text};
use crate::names;
use crate::ports::{Bucket, Ports};

/// The rollups that were priced, by source and hour: a line each, with slot and object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest(String);

impl Manifest {
    /// Takes a rollup in. Slots have to come in the order of their names.
    pub(crate) fn add(&mut self, source: &str, hour: &str, body: &str) {
        for part in [source, "#", hour, " ", body, "\n"] {
            self.0.push_str(part);
        }
    }

    /// Its hash, as an invoice carries it.
    pub fn root(&self) -> String {
        names::sha256(self.0.as_bytes())
    }

    /// The slots with the objects that hold their rollups.
    ///
    /// # Errors
    /// [`LedgerError::Missing`] where a line is none.
    pub fn rollups(&self) -> Result<Vec<(Slot, String)>, LedgerError> {
        let read = |line: &str| {
            let (slot, body) = line.rsplit_once(' ')?;
            Some((slot.parse().ok()?, body.to_owned()))
        };
        let lines = self.0.lines().map(|line| read(line).ok_or_else(|| LedgerError::Missing(line.to_owned())));
        lines.collect()
    }

    /// The object that keeps the manifest of a root.
    pub fn object(root: &str) -> String {
        format!("manifests/{root}.txt")
    }

    /// Keeps it in the work bucket under its hash.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn keep<P: Ports>(&self, ports: &P) -> Result<(), LedgerError> {
        let bytes = self.0.clone().into_bytes();
        ports.put_once(Bucket::Work, &Self::object(&self.root()), bytes, "text/plain").await?;
        Ok(())
    }

    /// The manifest that was kept under a root.
    ///
    /// # Errors
    /// [`LedgerError::Missing`] where it is not there or is not what its name says.
    pub async fn recall<P: Ports>(ports: &P, root: &str) -> Result<Self, LedgerError> {
        let manifest = Self(read_text(ports, Bucket::Work, &Self::object(root)).await?);
        if manifest.root() == root { Ok(manifest) } else { Err(LedgerError::Missing(Self::object(root))) }
    }
}

/// The rollup that lies under `body`, if it is what its name says.
///
/// # Errors
/// [`LedgerError`].
pub async fn rollup<P: Ports>(ports: &P, body: &str) -> Result<Rollup, LedgerError> {
    Ok(Rollup::decode(&read_hashed(ports, body).await?)?)
}
