//! The ports on one machine: tables in one file, objects in folders, a queue in memory.
//!
//! Nothing is served and nothing is started: a laptop's disk is asked directly, because DynamoDB
//! over HTTP on SQLite commits fewer durable writes a second than a month of usage has files, and
//! the directory server tried gives no etags in its listings (the decision record has the numbers).
//! What was acknowledged is on the disk and survives the loss of the process or of power.
//! [`serve`] lets `aws --endpoint-url` look at the folders.

mod directory;
mod etags;
mod forget;
mod queue;
pub mod serve;
mod tables;
mod walk;
mod writer;

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub use directory::DirectoryBlobs;
pub use queue::LocalQueue;
pub use tables::FileTables;

use crate::{Assembled, NoRandomness, SystemClock};

/// The most keys that may wait in the queue. Beyond it, `enqueue` asks to come back later.
const QUEUE_CAPACITY: usize = 1_000_000;

/// All the ports on one machine.
pub type Embedded = Assembled<FileTables, DirectoryBlobs, LocalQueue>;

/// Where everything is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The file of the tables.
    pub tables: PathBuf,
    /// The folder of usage files. It is read and never written.
    pub usage: PathBuf,
    /// The folder of Farthing's own objects.
    pub work: PathBuf,
    /// The folder of invoices.
    pub invoices: PathBuf,
    /// Where objects are written before they get their name: on the same file system as
    /// `work` and `invoices`.
    pub scratch: PathBuf,
}

impl Places {
    /// The usual places within a data directory, with usage files in `usage`.
    pub fn within(data: &Path) -> Self {
        Self {
            tables: data.join("tables.redb"),
            usage: data.join("usage"),
            work: data.join("work"),
            invoices: data.join("invoices"),
            scratch: data.join("scratch"),
        }
    }
}

/// Why the embedded store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A folder could not be made or read.
    #[error("{}: {source}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process has the tables open.
    #[error("{}: another process has it open; end that one first, or use another data directory", path.display())]
    InUse {
        /// The file of the tables.
        path: PathBuf,
    },
    /// The file of the tables cannot be used.
    #[error("{}: {source}", path.display())]
    Tables {
        /// The file of the tables.
        path: PathBuf,
        /// Why.
        source: Box<redb::Error>,
    },
    /// The operating system has no random bytes to give.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

/// Opens what is in `places`, or makes it.
///
/// Two processes cannot have the same tables open. After a kill the file is checked and brought
/// to its last commit, which takes a moment when it is large.
///
/// # Errors
/// When a folder or the file of the tables cannot be made, read or locked.
pub fn open(places: &Places) -> Result<Embedded, OpenError> {
    // The tables first: their lock keeps others out of the folders too.
    let tables = FileTables::open(&places.tables)?;
    #[expect(
        clippy::disallowed_methods,
        reason = "the age of files is told by the clock of the machine that wrote them"
    )]
    let now = SystemTime::now();
    forget::forget(&places.work, now).map_err(|source| OpenError::Folder { path: places.work.clone(), source })?;
    Ok(Assembled {
        tables,
        blobs: DirectoryBlobs::open(places)?,
        queue: LocalQueue::new(QUEUE_CAPACITY),
        clock: SystemClock::new()?,
    })
}
