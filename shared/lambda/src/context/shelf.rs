//! The catalogue as it lies in the work bucket, read when it changed and not otherwise.

use std::sync::Arc;

use catalog::Problems;
use ledger::configuration::Configuration;
use ledger::ports::{Blobs, Bucket, Clock, ObjectMeta, Read, StoreError};
use tokio::sync::Mutex;

/// The most files of a catalogue.
const FILES: usize = 500;
/// The largest file, in bytes.
const FILE_BYTES: u64 = 8 << 20;
/// How often a catalogue that changes while it is read is read anew.
const ATTEMPTS: usize = 4;

/// Why there is no catalogue to work with.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The work bucket did not answer.
    #[error("the catalogue could not be read: {0}")]
    Store(#[from] StoreError),
    /// There are no files.
    #[error(
        "there is no catalogue: no object under '{prefix}' of the work bucket ends in .yaml; upload the catalogue's \
         files there"
    )]
    Empty {
        /// Where it should be.
        prefix: String,
    },
    /// More than could be meant.
    #[error("the catalogue under '{prefix}' is too large: {reason}")]
    TooLarge {
        /// Where it lies.
        prefix: String,
        /// In which respect.
        reason: String,
    },
    /// A file is not text.
    #[error("the catalogue file '{file}' is not UTF-8")]
    NotText {
        /// Its key.
        file: String,
    },
    /// The files do not make a catalogue. `farthing check` says the same before they are uploaded.
    #[error("the catalogue is not valid: {0}")]
    Invalid(Problems),
    /// Somebody keeps uploading.
    #[error("the catalogue under '{prefix}' kept changing while it was read")]
    Unsettled {
        /// Where it lies.
        prefix: String,
    },
}

/// What was read last, and from which versions of which files.
struct Held {
    files: Vec<(String, String)>,
    listed_at: i64,
    configuration: Arc<Configuration>,
}

/// Holds the catalogue between invocations. A listing, one request, says whether it is still the one.
pub struct Shelf {
    prefix: String,
    fresh_ms: i64,
    held: Mutex<Option<Held>>,
}

impl Shelf {
    /// The catalogue under `prefix` of the work bucket, looked for again when the last look is more
    /// than `fresh_ms` milliseconds old.
    pub fn new(prefix: String, fresh_ms: i64) -> Self {
        Self { prefix, fresh_ms, held: Mutex::new(None) }
    }

    /// The catalogue as it is now.
    ///
    /// # Errors
    ///
    /// [`CatalogueError`]. A catalogue that became invalid is an error even where an older one is
    /// held: two copies of a function must not bill by two catalogues.
    pub async fn configuration<P>(&self, ports: &P) -> Result<Arc<Configuration>, CatalogueError>
    where
        P: Blobs + Clock + Sync,
    {
        let mut held = self.held.lock().await;
        let now = ports.now().0;
        if let Some(held) = held.as_ref().filter(|held| now.saturating_sub(held.listed_at) < self.fresh_ms) {
            return Ok(Arc::clone(&held.configuration));
        }
        for _ in 0..ATTEMPTS {
            let listed = self.list(ports).await?;
            let files: Vec<_> = listed.iter().map(|file| (file.key.clone(), file.etag.clone())).collect();
            if let Some(held) = held.as_mut().filter(|held| held.files == files) {
                held.listed_at = now;
                return Ok(Arc::clone(&held.configuration));
            }
            *held = None;
            let Some(texts) = self.read(ports, &listed).await? else { continue };
            let configuration = Arc::new(Configuration::load(texts).map_err(CatalogueError::Invalid)?);
            *held = Some(Held { files, listed_at: now, configuration: Arc::clone(&configuration) });
            return Ok(configuration);
        }
        Err(CatalogueError::Unsettled { prefix: self.prefix.clone() })
    }

    async fn list<P: Blobs + Sync>(&self, ports: &P) -> Result<Vec<ObjectMeta>, CatalogueError> {
        let listing = ports.list(Bucket::Work, &self.prefix, None, FILES).await?;
        if listing.more {
            return Err(self.too_large(format!("more than {FILES} objects")));
        }
        let is_yaml = |file: &ObjectMeta| file.key.ends_with(".yaml") || file.key.ends_with(".yml");
        let files: Vec<_> = listing.objects.into_iter().filter(is_yaml).collect();
        match files.iter().find(|file| file.size > FILE_BYTES) {
            Some(file) => Err(self.too_large(format!("{} has {} bytes", file.key, file.size))),
            None if files.is_empty() => Err(CatalogueError::Empty { prefix: self.prefix.clone() }),
            None => Ok(files),
        }
    }

    /// The texts by their names below the prefix; `None` if one is no longer what was listed.
    async fn read<P: Blobs + Sync>(
        &self,
        ports: &P,
        files: &[ObjectMeta],
    ) -> Result<Option<Vec<(String, String)>>, CatalogueError> {
        let mut texts = Vec::with_capacity(files.len());
        for file in files {
            let read = ports.read(Bucket::Work, &file.key, &file.etag, 0, file.size).await?;
            let Read::Bytes(bytes) = read else { return Ok(None) };
            let text = String::from_utf8(bytes).map_err(|_| CatalogueError::NotText { file: file.key.clone() })?;
            let name = file.key.strip_prefix(&self.prefix).unwrap_or(&file.key);
            texts.push((name.to_owned(), text));
        }
        Ok(Some(texts))
    }

    fn too_large(&self, reason: String) -> CatalogueError {
        CatalogueError::TooLarge { prefix: self.prefix.clone(), reason }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use ledger::memory::Memory;
    use metering::time::Instant;

    use super::*;

    const SELLER: &str = "seller: {name: Quill Software, address: [1 Inkwell Row], currency: USD, zone: UTC}\n";
    const STREAMS: &str =
        "streams:\n- {name: storage, title: Storage, unit: TB, scale: 6, kind: delta, day: sum, month: sum}\n";

    fn upload(ports: &Memory, name: &str, text: &str) {
        ports.upload(Bucket::Work, &format!("catalogue/{name}"), text.as_bytes().to_vec());
    }

    fn world() -> (Memory, Shelf) {
        let ports = Memory::new(Instant(0));
        upload(&ports, "seller.yaml", SELLER);
        upload(&ports, "README.md", "not part of it: {");
        ports.upload(Bucket::Work, "catalogues/kept.json", b"not part of it either".to_vec());
        (ports, Shelf::new("catalogue/".to_owned(), 1000))
    }

    #[tokio::test]
    async fn it_is_read_again_only_when_a_file_changed() {
        let (ports, shelf) = world();
        let first = shelf.configuration(&ports).await.unwrap();
        ports.set_now(Instant(5000));
        assert!(Arc::ptr_eq(&first, &shelf.configuration(&ports).await.unwrap()));
        upload(&ports, "streams.yaml", STREAMS);
        ports.set_now(Instant(5999));
        assert!(Arc::ptr_eq(&first, &shelf.configuration(&ports).await.unwrap()), "looked at a second ago");
        ports.set_now(Instant(6000));
        let second = shelf.configuration(&ports).await.unwrap();
        assert!(second.catalogue.streams.contains_key("storage"));
    }

    #[tokio::test]
    async fn a_catalogue_that_became_invalid_is_not_replaced_by_an_older_one() {
        let (ports, shelf) = world();
        shelf.configuration(&ports).await.unwrap();
        upload(&ports, "streams.yaml", "streams: [{name: storage");
        ports.set_now(Instant(9999));
        let error = shelf.configuration(&ports).await.unwrap_err().to_string();
        assert!(error.contains("streams.yaml:"), "{error}");
        upload(&ports, "streams.yaml", STREAMS);
        assert!(shelf.configuration(&ports).await.is_ok());
    }

    #[tokio::test]
    async fn no_files_and_bad_files_are_told_apart() {
        let ports = Memory::new(Instant(0));
        let shelf = Shelf::new("catalogue/".to_owned(), 0);
        assert!(matches!(shelf.configuration(&ports).await, Err(CatalogueError::Empty { .. })));
        ports.upload(Bucket::Work, "catalogue/a.yml", vec![0xff]);
        assert!(matches!(shelf.configuration(&ports).await, Err(CatalogueError::NotText { .. })));
    }
}
