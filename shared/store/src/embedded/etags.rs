//! The etag of a file: the MD5 of its bytes, as S3 has it for a plain upload.
//!
//! An etag that depends on nothing but the bytes makes a copied folder, a repeated demo and an
//! upload to S3 agree. A file is read for it once and then again only when its size, times or
//! inode are others. Times set by hand do not deceive it: the kernel's own time of change counts.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use md5::{Digest, Md5};

/// A file changed less long ago than this may change again without its times showing it: their
/// clock ticks every 1 to 10 ms.
const SETTLED: Duration = Duration::from_millis(100);
/// How often a file that changes while it is read is read again.
const ATTEMPTS: usize = 4;
/// At most so many etags are remembered; then all are forgotten.
const REMEMBERED: usize = 1_000_000;

/// What is another when the bytes are others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    pub(super) fn of(meta: &Metadata) -> Self {
        Self {
            device: meta.dev(),
            inode: meta.ino(),
            size: meta.len(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        }
    }

    /// Whether a change after `now` would give another stamp.
    fn settled(&self, now: SystemTime) -> bool {
        let seconds = u64::try_from(self.changed.0).unwrap_or(0);
        let nanos = u64::try_from(self.changed.1).unwrap_or(0);
        let changed = UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_nanos(nanos);
        now.duration_since(changed).is_ok_and(|age| age > SETTLED)
    }
}

/// Etags by path, each good for one stamp.
#[derive(Debug, Default)]
pub(super) struct Etags {
    known: Mutex<BTreeMap<PathBuf, (Stamp, String)>>,
}

impl Etags {
    /// The etag of the open file at `path` and the facts that it belongs to. Leaves the file's
    /// position anywhere.
    pub(super) fn of(&self, path: &Path, file: &mut File) -> io::Result<(Metadata, String)> {
        for _ in 0..ATTEMPTS {
            #[expect(
                clippy::disallowed_methods,
                reason = "compared with the kernel's times of change, and with nothing else"
            )]
            let now = SystemTime::now();
            let meta = file.metadata()?;
            let stamp = Stamp::of(&meta);
            if let Some(etag) = self.recall(path, &stamp) {
                return Ok((meta, etag));
            }
            let etag = hash(file)?;
            if Stamp::of(&file.metadata()?) != stamp {
                continue;
            }
            if stamp.settled(now) {
                self.remember(path, stamp, &etag);
            }
            return Ok((meta, etag));
        }
        Err(io::Error::new(io::ErrorKind::ResourceBusy, "the file changes while it is read"))
    }

    fn recall(&self, path: &Path, stamp: &Stamp) -> Option<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(path).filter(|(seen, _)| seen == stamp).map(|(_, etag)| etag.clone())
    }

    fn remember(&self, path: &Path, stamp: Stamp, etag: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(path.to_owned(), (stamp, etag.to_owned()));
    }
}

fn hash(file: &mut File) -> io::Result<String> {
    file.rewind()?;
    let mut md5 = Md5::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => md5.update(buffer.get(..read).unwrap_or_default()),
        }
    }
    Ok(md5.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::fs;

    use super::*;

    fn etag(etags: &Etags, path: &Path) -> String {
        etags.of(path, &mut File::open(path).unwrap()).unwrap().1
    }

    #[test]
    fn an_etag_is_the_md5_of_the_bytes_and_follows_them_though_size_and_time_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        let etags = Etags::default();
        let time = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let write = |text: &str| {
            fs::write(&path, text).unwrap();
            File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        };
        write("abc");
        assert_eq!(etag(&etags, &path), "900150983cd24fb0d6963f7d28e17f72");
        write("abd");
        assert_eq!(etag(&etags, &path), "4911e516e5aa21d327512e0c8b197616");
        #[expect(clippy::disallowed_methods, reason = "a time of change has to pass")]
        std::thread::sleep(SETTLED * 2);
        assert_eq!(etag(&etags, &path), "4911e516e5aa21d327512e0c8b197616");
        assert_eq!(etags.known.lock().unwrap().len(), 1);
        write("abc");
        assert_eq!(etag(&etags, &path), "900150983cd24fb0d6963f7d28e17f72");
    }
}
