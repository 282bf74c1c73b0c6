//! What bounds the work on one object.

/// Caps that keep memory and time bounded whatever the object holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of an object, and bytes unpacked from it over all layers. More makes it unreadable.
    pub decoded_bytes: u64,
    /// How many times its compressed size an object may grow beyond the first 64 MiB. More makes
    /// it unreadable.
    pub ratio: u64,
    /// How many layers of packing an object may have: csv.gz inside tar.gz has three. More makes it
    /// unreadable.
    pub depth: usize,
    /// How many files a bundle may hold. More makes it unreadable.
    pub members: usize,
    /// Bytes of a bundle that are held until its manifest comes, where that says something of all
    /// files. More makes the object unreadable.
    pub held_bytes: usize,
    /// Bytes of a manifest. More makes the object unreadable.
    pub manifest_bytes: usize,
    /// Bytes that are held of a Parquet file: of one group of rows those of the columns in use, or,
    /// where its end is not known beforehand, all of the file. More makes the object unreadable.
    pub parquet_bytes: usize,
    /// Bytes at the end of a Parquet file that describe it. More makes the object unreadable.
    pub parquet_end_bytes: usize,
    /// Bytes of one record. A longer one makes the object unreadable: where it ends is not known.
    pub record_bytes: usize,
    /// Cells (deployment, stream, series, dimensions, quarter-hour) and readings of counters that
    /// one object may fill. More makes it unreadable.
    pub cells: usize,
    /// Events with ids that one object may hold: each takes some two hundred bytes. More makes it unreadable.
    pub ids: usize,
    /// How many events are handed back one by one, for people to look at. Each counts all the same.
    pub shown: usize,
    /// How many rejects are handed back. All are counted.
    pub rejects: usize,
    /// How many bytes of a rejected record are handed back.
    pub reject_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            decoded_bytes: 16 << 30,
            ratio: 500,
            depth: 4,
            members: 10_000,
            held_bytes: 24 << 20,
            manifest_bytes: 1 << 20,
            parquet_bytes: 64 << 20,
            parquet_end_bytes: 16 << 20,
            record_bytes: 8 << 20,
            cells: 200_000,
            ids: 1_000_000,
            shown: 0,
            rejects: 4_096,
            reject_bytes: 2_048,
        }
    }
}
