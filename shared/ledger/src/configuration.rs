//! The catalogue with the texts it was made from, so that a period is priced again later as it was
//! priced then.

use std::sync::Arc;

use catalog::{Catalogue, Problem, Problems};

use crate::error::LedgerError;
use crate::file::read_text;
use crate::ports::{Bucket, Ports};

/// A checked catalogue and its files.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The catalogue.
    pub catalogue: Arc<Catalogue>,
    /// What may not have been meant so.
    pub warnings: Vec<Problem>,
    /// Examples that come out otherwise than they say. Usage is read and counted all the same; no invoice is issued.
    pub unlike: Vec<Problem>,
    files: Vec<(String, String)>,
}

impl Configuration {
    /// Reads and checks the files of a catalogue, given as names and texts in any order.
    ///
    /// # Errors
    /// [`Problems`]: everything that is wrong at once.
    pub fn load(files: Vec<(String, String)>) -> Result<Self, Problems> {
        let checked = catalog::load(files.iter().cloned())?;
        let catalog::Checked { catalogue, warnings, unlike } = checked;
        Ok(Self { catalogue, warnings, unlike, files })
    }

    /// Keeps the texts in the work bucket under the catalogue's hash.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn keep<P: Ports>(&self, ports: &P) -> Result<(), LedgerError> {
        let text = serde_json::to_vec(&self.files).map_err(|error| LedgerError::malformed("catalogue", error))?;
        ports.put_once(Bucket::Work, &object(&self.catalogue.hash), text, "application/json").await?;
        Ok(())
    }

    /// The catalogue that was kept under a hash.
    ///
    /// # Errors
    /// [`LedgerError`]; also where it is another one, or this version of Farthing no longer reads it.
    pub async fn recall<P: Ports>(ports: &P, hash: &str) -> Result<Self, LedgerError> {
        let text = read_text(ports, Bucket::Work, &object(hash)).await?;
        let files = serde_json::from_str(&text).map_err(|error| LedgerError::malformed("catalogue", error))?;
        let recalled =
            Self::load(files).map_err(|problems| LedgerError::billing(format!("catalogue {hash}"), problems))?;
        if recalled.catalogue.hash == hash { Ok(recalled) } else { Err(LedgerError::Missing(object(hash))) }
    }
}

fn object(hash: &str) -> String {
    format!("catalogues/{hash}.json")
}
