//! The ports: what the protocol needs of the world, and nothing more.
//!
//! Three tables with conditional writes, three buckets with put-once objects, a queue, a clock.
//! Owned here so that the protocol names no vendor; implemented by `store` (AWS, and the servers
//! inside `farthing`) and by [`crate::memory`]. One conformance suite holds them all to the
//! behaviour that these comments state.

use std::future::Future;

use metering::time::Instant;

/// One of the three tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Claims and tallies: hot, expires after the horizon.
    Ledger,
    /// Dirty hints, rollups, counters: a cache that can be rebuilt from the ledger.
    Rollup,
    /// Directory, account heads, invoices, numbers: kept for ever.
    Billing,
}

/// One of the three buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bucket {
    /// Where deployments put their usage files. Read, never written.
    Usage,
    /// Farthing's own: tally and rollup bodies, rejects, directory snapshots.
    Work,
    /// Invoices as JSON and PDF.
    Invoices,
}

/// The address of an item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Partition key.
    pub partition: String,
    /// Sort key, ordered by UTF-8 bytes within the partition. Never empty.
    pub sort: String,
}

impl Key {
    /// The key of `sort` within `partition`.
    pub fn new(partition: impl Into<String>, sort: impl Into<String>) -> Self {
        Self { partition: partition.into(), sort: sort.into() }
    }
}

/// A stored item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Counts the writes of this item for compare-and-swap: 1 when created, one more on each
    /// replacement; 0 on an item put unconditionally.
    pub revision: u64,
    /// JSON text, at most 300 KB.
    pub body: String,
}

/// What must be true of the present item for a write to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    Always,
    /// There is no item.
    Absent,
    /// There is an item and it has this revision.
    Revision(u64),
    /// There is an item and it has exactly this body.
    Body(String),
}

/// What a write does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The whole item becomes this one.
    Put(Item),
    /// The item is removed.
    Delete,
}

/// A write of one item under a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// In which table.
    pub table: Table,
    /// Which item.
    pub key: Key,
    /// When.
    pub condition: Condition,
    /// What.
    pub effect: Effect,
}

impl Write {
    /// Creates an item that must not exist; its revision is 1.
    pub fn create(table: Table, key: Key, body: impl Into<String>) -> Self {
        let item = Item { revision: 1, body: body.into() };
        Self { table, key, condition: Condition::Absent, effect: Effect::Put(item) }
    }

    /// Compare-and-swap: replaces the item whose revision is `seen`.
    pub fn replace(table: Table, key: Key, seen: u64, body: impl Into<String>) -> Self {
        let item = Item { revision: seen.saturating_add(1), body: body.into() };
        Self { table, key, condition: Condition::Revision(seen), effect: Effect::Put(item) }
    }

    /// Creates or replaces without looking. Only for hints.
    pub fn put(table: Table, key: Key, body: impl Into<String>) -> Self {
        let item = Item { revision: 0, body: body.into() };
        Self { table, key, condition: Condition::Always, effect: Effect::Put(item) }
    }

    /// Removes the item if its body is still `seen`.
    pub fn delete_unchanged(table: Table, key: Key, seen: impl Into<String>) -> Self {
        Self { table, key, condition: Condition::Body(seen.into()), effect: Effect::Delete }
    }
}

/// How a conditional write ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// It happened.
    Done,
    /// The condition did not hold; the item as it was then.
    Refused(Option<Item>),
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transacted {
    /// All writes happened.
    Done,
    /// Some condition did not hold, or another writer was at the same items: none happened.
    Refused,
}

/// One page of a query.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Page {
    /// Sort keys and items in ascending order of the sort key's bytes.
    pub items: Vec<(String, Item)>,
    /// Whether more may follow after the last one.
    pub more: bool,
}

/// What a listing or a HEAD says of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectMeta {
    /// The key, decoded.
    pub key: String,
    /// Without quotes.
    pub etag: String,
    /// Bytes.
    pub size: u64,
    /// When it was last written: the hour of arrival comes from here.
    pub modified: Instant,
}

/// The answer to a ranged read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// The bytes of the range.
    Bytes(Vec<u8>),
    /// The object is no longer the one with that etag, or is gone.
    Changed,
}

/// How a put-once ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutOnce {
    /// The object is new.
    Written,
    /// There was one already; it is untouched.
    Exists,
}

/// A page of a listing.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Listing {
    /// In ascending order of the key's bytes.
    pub objects: Vec<ObjectMeta>,
    /// Whether more may follow after the last one.
    pub more: bool,
}

/// Why a port did not do what it was asked. The operation may or may not have happened.
#[derive(Debug, thiserror::Error)]
#[error("{operation} {subject}: {reason}")]
pub struct StoreError {
    /// The operation, as the service names it.
    pub operation: &'static str,
    /// The table and key or bucket and key, never a payload.
    pub subject: String,
    /// The service's code and message.
    pub reason: String,
    /// Whether the same call may succeed later (throttling, a time-out, a lost connection).
    pub retryable: bool,
}

/// The tables. All reads are strongly consistent.
pub trait Tables {
    /// The item, if there is one.
    fn get(&self, table: Table, key: &Key) -> impl Future<Output = Result<Option<Item>, StoreError>> + Send;
    /// Writes one item if its condition holds.
    fn write(&self, write: Write) -> impl Future<Output = Result<Written, StoreError>> + Send;
    /// At most `limit` items of a partition whose sort key is greater than `after`.
    fn query(
        &self,
        table: Table,
        partition: &str,
        after: Option<&str>,
        limit: usize,
    ) -> impl Future<Output = Result<Page, StoreError>> + Send;
    /// All of the writes, or none. At most 100, on distinct items.
    fn transact(&self, writes: Vec<Write>) -> impl Future<Output = Result<Transacted, StoreError>> + Send;
}

/// The buckets.
pub trait Blobs {
    /// What is there under `key`.
    fn head(&self, bucket: Bucket, key: &str) -> impl Future<Output = Result<Option<ObjectMeta>, StoreError>> + Send;
    /// At most `length` bytes from `offset` of the object that has this etag. A range that begins
    /// at or beyond the end gives no bytes.
    fn read(
        &self,
        bucket: Bucket,
        key: &str,
        etag: &str,
        offset: u64,
        length: u64,
    ) -> impl Future<Output = Result<Read, StoreError>> + Send;
    /// Writes an object unless there is one (`If-None-Match: *`).
    fn put_once(
        &self,
        bucket: Bucket,
        key: &str,
        bytes: Vec<u8>,
        content_type: &'static str,
    ) -> impl Future<Output = Result<PutOnce, StoreError>> + Send;
    /// At most `limit` objects under `prefix` whose key is greater than `after`.
    fn list(
        &self,
        bucket: Bucket,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> impl Future<Output = Result<Listing, StoreError>> + Send;
}

/// The queue in front of `translate`.
pub trait Queue {
    /// Asks for the object under `key` of the usage bucket to be translated. Delivered at least once.
    fn enqueue(&self, key: &str) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// The only source of time and of uniqueness.
pub trait Clock {
    /// Now.
    fn now(&self) -> Instant;
    /// A text that no other call has ever returned: for the tokens of hints.
    fn token(&self) -> String;
}

/// All of them: what the protocol is generic over.
pub trait Ports: Tables + Blobs + Queue + Clock + Sync {}

impl<T: Tables + Blobs + Queue + Clock + Sync> Ports for T {}
