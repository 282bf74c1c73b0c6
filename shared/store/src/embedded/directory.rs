//! The buckets as folders: the key of an object is the path of its file.
//!
//! A key that no path can spell (an empty part, `.` or `..`, more than 255 bytes between slashes)
//! names no object and cannot be put.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ledger::ports::{Blobs, Bucket, Listing, ObjectMeta, PutOnce, Read, StoreError};

use super::etags::{Etags, Stamp};
use super::walk::{Wanted, named, walk};
use super::{OpenError, Places};
use crate::clock::instant_of;
use crate::limits::{check_object_key, object_subject};

/// The buckets as folders. Clones share what they know of the files.
#[derive(Clone, Debug)]
pub struct DirectoryBlobs {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    places: Places,
    etags: Etags,
    scratched: AtomicU64,
}

impl DirectoryBlobs {
    /// Makes the folders that are missing and clears the scratch folder, so that only one may be
    /// open for the same places. A folder of usage files that lies apart from the tables is
    /// somebody else's: it must be there.
    ///
    /// # Errors
    /// When a folder cannot be made or read.
    pub fn open(places: &Places) -> Result<Self, OpenError> {
        let in_folder = |path: &Path, result: io::Result<()>| {
            result.map_err(|source| OpenError::Folder { path: path.to_owned(), source })
        };
        in_folder(&places.scratch, remove_scratch(&places.scratch))?;
        for folder in [&places.work, &places.invoices, &places.scratch] {
            in_folder(folder, fs::create_dir_all(folder))?;
        }
        if places.usage.parent() == places.tables.parent() {
            in_folder(&places.usage, fs::create_dir_all(&places.usage))?;
        }
        in_folder(&places.usage, fs::read_dir(&places.usage).map(drop))?;
        let (etags, scratched) = (Etags::default(), AtomicU64::new(0));
        Ok(Self { shared: Arc::new(Shared { places: places.clone(), etags, scratched }) })
    }

    /// Runs what waits for the disk where waiting is allowed.
    async fn blocking<T, F>(&self, operation: &'static str, subject: String, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Shared) -> io::Result<T> + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        let (reason, retryable) = match tokio::task::spawn_blocking(move || work(&shared)).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => (error.to_string(), error.kind() == io::ErrorKind::ResourceBusy),
            Err(stopped) => (stopped.to_string(), false),
        };
        Err(StoreError { operation, subject, reason, retryable })
    }
}

fn remove_scratch(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

impl Blobs for DirectoryBlobs {
    async fn head(&self, bucket: Bucket, key: &str) -> Result<Option<ObjectMeta>, StoreError> {
        check_object_key("head", bucket, key)?;
        let (subject, key) = (object_subject(bucket, key), key.to_owned());
        self.blocking("head", subject, move |shared| shared.head(bucket, key)).await
    }

    async fn read(&self, bucket: Bucket, key: &str, etag: &str, offset: u64, length: u64) -> Result<Read, StoreError> {
        check_object_key("read", bucket, key)?;
        let (subject, key, etag) = (object_subject(bucket, key), key.to_owned(), etag.to_owned());
        self.blocking("read", subject, move |shared| shared.read(bucket, &key, &etag, offset, length)).await
    }

    async fn put_once(
        &self,
        bucket: Bucket,
        key: &str,
        bytes: Vec<u8>,
        _content_type: &'static str,
    ) -> Result<PutOnce, StoreError> {
        check_object_key("put_once", bucket, key)?;
        let (subject, key) = (object_subject(bucket, key), key.to_owned());
        self.blocking("put_once", subject, move |shared| shared.put_once(bucket, &key, &bytes)).await
    }

    async fn list(
        &self,
        bucket: Bucket,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Listing, StoreError> {
        let subject = object_subject(bucket, prefix);
        let (prefix, after) = (prefix.to_owned(), after.unwrap_or_default().to_owned());
        self.blocking("list", subject, move |shared| shared.list(bucket, &prefix, &after, limit)).await
    }
}

impl Shared {
    fn root(&self, bucket: Bucket) -> &Path {
        match bucket {
            Bucket::Usage => &self.places.usage,
            Bucket::Work => &self.places.work,
            Bucket::Invoices => &self.places.invoices,
        }
    }

    /// The path of a key, if a path can spell it.
    fn path(&self, bucket: Bucket, key: &str) -> Option<PathBuf> {
        let spells = |part: &str| !matches!(part, "" | "." | "..") && part.len() <= 255 && !part.contains('\0');
        key.split('/').all(spells).then(|| self.root(bucket).join(key))
    }

    /// The file of a key, if there is one.
    fn open(&self, bucket: Bucket, key: &str) -> io::Result<Option<(PathBuf, File)>> {
        match self.path(bucket, key) {
            Some(path) => Ok(open_file(&path)?.map(|file| (path, file))),
            None => Ok(None),
        }
    }

    fn head(&self, bucket: Bucket, key: String) -> io::Result<Option<ObjectMeta>> {
        match self.open(bucket, &key)? {
            Some((path, mut file)) => self.meta(key, &path, &mut file).map(Some),
            None => Ok(None),
        }
    }

    fn meta(&self, key: String, path: &Path, file: &mut File) -> io::Result<ObjectMeta> {
        let (facts, etag) = self.etags.of(path, file)?;
        Ok(ObjectMeta { key, etag, size: facts.len(), modified: instant_of(facts.modified()?) })
    }

    fn read(&self, bucket: Bucket, key: &str, etag: &str, offset: u64, length: u64) -> io::Result<Read> {
        let Some((path, mut file)) = self.open(bucket, key)? else { return Ok(Read::Changed) };
        let (facts, present) = self.etags.of(&path, &mut file)?;
        if present != etag {
            return Ok(Read::Changed);
        }
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(offset))?;
        (&file).take(length).read_to_end(&mut bytes)?;
        // A file written over in place, while it was read, has neither the old bytes nor the new.
        let same = Stamp::of(&file.metadata()?) == Stamp::of(&facts);
        Ok(if same { Read::Bytes(bytes) } else { Read::Changed })
    }

    fn list(&self, bucket: Bucket, prefix: &str, after: &str, limit: usize) -> io::Result<Listing> {
        let (found, more) = walk(self.root(bucket), Wanted { prefix, after, limit })?;
        let mut objects = Vec::with_capacity(found.len());
        for (key, path) in found {
            if let Some(mut file) = open_file(&path)? {
                objects.push(self.meta(key, &path, &mut file)?);
            }
        }
        Ok(Listing { objects, more })
    }

    /// The bytes are on the disk before they get their name, and the name before it is told. A
    /// hard link gives the name: it fails if there is one, whoever else is trying.
    fn put_once(&self, bucket: Bucket, key: &str, bytes: &[u8]) -> io::Result<PutOnce> {
        let Some((path, folder)) = self.path(bucket, key).and_then(with_parent) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no path can spell this key"));
        };
        let put = if path.try_exists()? { PutOnce::Exists } else { self.link(bytes, &path, &folder)? };
        let mut upwards = Some(folder.as_path());
        while let Some(folder) = upwards.filter(|folder| folder.starts_with(self.root(bucket))) {
            File::open(folder)?.sync_all()?;
            upwards = folder.parent();
        }
        Ok(put)
    }

    fn link(&self, bytes: &[u8], path: &Path, folder: &Path) -> io::Result<PutOnce> {
        let number = self.scratched.fetch_add(1, Ordering::Relaxed);
        let scratch = self.places.scratch.join(number.to_string());
        let mut file = File::create_new(&scratch).map_err(|error| named(&scratch, &error))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::create_dir_all(folder).map_err(|error| named(folder, &error))?;
        let linked = fs::hard_link(&scratch, path);
        fs::remove_file(&scratch)?;
        match linked {
            Ok(()) => Ok(PutOnce::Written),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(PutOnce::Exists),
            Err(error) => Err(named(path, &error)),
        }
    }
}

fn with_parent(path: PathBuf) -> Option<(PathBuf, PathBuf)> {
    let folder = path.parent()?.to_owned();
    Some((path, folder))
}

/// The file at a path; `None` if there is none or it is not a plain file.
fn open_file(path: &Path) -> io::Result<Option<File>> {
    use io::ErrorKind::{InvalidFilename, NotADirectory, NotFound};
    // A pipe would wait for its other end when opened, so the kind is asked for first.
    let opened = match fs::metadata(path) {
        Ok(meta) if meta.is_file() => File::open(path).map(Some),
        Ok(_) => Ok(None),
        Err(error) => Err(error),
    };
    match opened {
        Err(error) if matches!(error.kind(), NotFound | NotADirectory | InvalidFilename) => Ok(None),
        Err(error) => Err(named(path, &error)),
        opened => opened,
    }
}
