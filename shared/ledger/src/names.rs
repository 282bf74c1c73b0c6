//! Where things lie: the keys of all items and objects that Farthing writes, in one place.

use metering::rollup::Slot;
use sha2::{Digest, Sha256};

use crate::ports::{Key, Table};

/// Dirty hints are spread over this many partitions.
pub const HINT_SHARDS: u8 = 8;

/// SHA-256 as lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len().saturating_mul(2)), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The identity of a file: its key, hashed so that hot prefixes spread. No version, etag or time,
/// so that whatever happens to the object it stays the same file.
pub fn file_id(key: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(b"usage\0");
    hasher.update(key.as_bytes());
    hasher.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The claim that fixes a file's slot for ever.
pub fn claim(file: &str) -> (Table, Key) {
    (Table::Ledger, Key::new(format!("F#{file}"), "claim"))
}

/// The partition of a slot's tallies; the sort key is the file.
pub fn tallies(slot: &Slot) -> String {
    format!("U#{slot}")
}

/// A file's tally.
pub fn tally(slot: &Slot, file: &str) -> (Table, Key) {
    (Table::Ledger, Key::new(tallies(slot), file))
}

/// The object that keeps a revision of a file's tally which another one replaced.
pub fn superseded(file: &str, revision: u64) -> String {
    format!("superseded/{file}/{revision:06}.json")
}

/// The partition of a shard of hints; the sort key is the slot.
pub fn hints(shard: u8) -> String {
    format!("H#{shard}")
}

/// The hint that a slot's tallies changed.
pub fn hint(slot: &Slot) -> (Table, Key) {
    let name = slot.to_string();
    let shard = Sha256::digest(name.as_bytes()).first().map_or(0, |byte| byte % HINT_SHARDS);
    (Table::Rollup, Key::new(hints(shard), name))
}

/// The partition of a source's rollups; the sort key is the hour.
pub fn rollups(source: &str) -> String {
    format!("R#{source}")
}

/// The sort key of a slot's rollup: hours sort as they follow each other.
pub fn rollup(slot: &Slot) -> (Table, Key) {
    (Table::Rollup, Key::new(rollups(&slot.source), format!("{:010}", slot.hour)))
}

/// The sources that have rollups; the sort key is the source.
pub const SOURCES: &str = "sources";

/// What was restated; the sort key counts.
pub const RESTATEMENTS: &str = "restatements";

/// Seals of hours of the listing; the sort key is the hour.
pub const SEALS: &str = "seals";

/// A deployment's counters; the sort key is month and stream.
pub fn counters(deployment: &str) -> String {
    format!("C#{deployment}")
}

/// What waits for a person; the sort key is the file.
pub const ATTENTION: &str = "attention";

/// What was written off; the sort key is month, deployment and count.
pub const WRITE_OFFS: &str = "write-offs";

/// What is known to stand in an organisation of what was written back to it for an account; the sort key is the object
/// and the external id.
pub fn written_back(organisation: &str, account: &str) -> String {
    format!("B#{organisation}#{account}")
}

/// What an organisation refuses to be written back; the sort key is the object and the external id.
pub fn refused(organisation: &str) -> String {
    format!("D#{organisation}")
}

/// The directory's head and versions.
pub const DIRECTORY: &str = "directory";

/// An account's head and invoices.
pub fn account(account: &str) -> String {
    format!("A#{account}")
}

/// The sort key of a period's invoice within its account.
pub fn invoice(period: &str) -> String {
    format!("invoice#{period}")
}

/// A series of invoice numbers.
pub fn series(prefix: &str) -> String {
    format!("N#{prefix}")
}

/// The sort key of a number within its series.
pub fn number(n: u64) -> String {
    format!("{n:010}")
}

/// The sort key of the one item that counts the others of its partition.
pub const HEAD: &str = "head";
