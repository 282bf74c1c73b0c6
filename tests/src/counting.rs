//! Ports that count what AWS would charge for, by the rules of DynamoDB, S3 and SQS.
//!
//! DynamoDB charges an item by its bytes: names and values of all attributes in UTF-8, a number by its digits. A write
//! takes a unit for each kilobyte begun of the larger of the item before and after, twice as many in a transaction, and
//! as many where its condition does not hold. A strongly consistent read takes a unit for each four kilobytes begun; a
//! query for all it read together. The rules are those that DynamoDB publishes; the write units of items are compared with
//! those that an independent server counts (`tests/tests/conformance.rs`), which does not count what is read.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ledger::ports::{
    Blobs, Bucket, Clock, Effect, Item, Key, Listing, ObjectMeta, Page, PutOnce, Queue, Read, StoreError, Table,
    Tables, Transacted, Write, Written,
};
use metering::time::Instant;

/// What was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Write units of DynamoDB.
    pub write_units: u64,
    /// Read units of DynamoDB.
    pub read_units: u64,
    /// Calls of DynamoDB.
    pub table_calls: u64,
    /// PUTs of S3.
    pub puts: u64,
    /// LISTs of S3, of a thousand objects each.
    pub lists: u64,
    /// GETs and HEADs of S3.
    pub gets: u64,
    /// Messages sent.
    pub sends: u64,
}

/// What was touched: the call as AWS names it, and the table, or the bucket with the folder.
pub type Touched = BTreeSet<(&'static str, String)>;

/// Counts what is asked of other ports.
pub struct Counting<P> {
    /// The ports that do it.
    pub ports: P,
    spent: Mutex<Spent>,
    touched: Mutex<Touched>,
}

const WRITE_BYTES: u64 = 1024;
const READ_BYTES: u64 = 4096;
const LIST_PAGE: u64 = 1000;

impl<P> Counting<P> {
    /// Nothing is spent yet.
    pub fn new(ports: P) -> Self {
        Self { ports, spent: Mutex::default(), touched: Mutex::default() }
    }

    /// What was spent since the last time this was asked.
    pub fn take(&self) -> Spent {
        std::mem::take(&mut self.lock())
    }

    /// What was touched since the last time this was asked.
    pub fn touched(&self) -> Touched {
        std::mem::take(&mut self.touched.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn touch(&self, call: &'static str, what: String) {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner).insert((call, what));
    }

    fn touch_object(&self, call: &'static str, bucket: Bucket, key: &str) {
        let folder = key.split('/').next().unwrap_or_default();
        self.touch(call, if bucket == Bucket::Work { format!("Work/{folder}") } else { format!("{bucket:?}") });
    }

    fn touch_write(&self, write: &Write) {
        let call = match write.effect {
            Effect::Put(_) => "dynamodb:PutItem",
            Effect::Delete => "dynamodb:DeleteItem",
        };
        self.touch(call, format!("{:?}", write.table));
    }

    fn lock(&self) -> MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bytes of an item as DynamoDB counts them.
pub fn item_bytes(table: Table, key: &Key, item: &Item) -> u64 {
    let names = "pk".len() + "sk".len() + "rev".len() + "body".len();
    let values = key.partition.len() + key.sort.len() + number_bytes(item.revision) + item.body.len();
    let expires = table == Table::Ledger && !key.partition.starts_with("F#");
    // Seconds since the epoch have ten digits.
    let expires = if expires { "ttl".len() + number_bytes(1_800_000_001) } else { 0 };
    u64::try_from(names + values + expires).unwrap_or(u64::MAX)
}

/// A byte for every two digits, but for zeros at the end, and one more.
fn number_bytes(number: u64) -> usize {
    number.to_string().trim_end_matches('0').len().div_ceil(2) + 1
}

fn units(bytes: u64, each: u64) -> u64 {
    bytes.div_ceil(each).max(1)
}

impl<P: Tables + Sync> Counting<P> {
    async fn write_units(&self, write: &Write) -> Result<u64, StoreError> {
        let size = |item: &Item| item_bytes(write.table, &write.key, item);
        let before = self.ports.get(write.table, &write.key).await?.as_ref().map_or(0, size);
        let after = match &write.effect {
            Effect::Put(item) => size(item),
            Effect::Delete => 0,
        };
        Ok(units(before.max(after), WRITE_BYTES))
    }
}

impl<P: Tables + Sync> Tables for Counting<P> {
    async fn get(&self, table: Table, key: &Key) -> Result<Option<Item>, StoreError> {
        self.touch("dynamodb:GetItem", format!("{table:?}"));
        let item = self.ports.get(table, key).await?;
        let mut spent = self.lock();
        spent.read_units += units(item.as_ref().map_or(0, |item| item_bytes(table, key, item)), READ_BYTES);
        spent.table_calls += 1;
        Ok(item)
    }

    async fn write(&self, write: Write) -> Result<Written, StoreError> {
        self.touch_write(&write);
        let units = self.write_units(&write).await?;
        {
            let mut spent = self.lock();
            spent.write_units += units;
            spent.table_calls += 1;
        }
        self.ports.write(write).await
    }

    async fn query(
        &self,
        table: Table,
        partition: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.touch("dynamodb:Query", format!("{table:?}"));
        let page = self.ports.query(table, partition, after, limit).await?;
        let size = |(sort, item): &(String, Item)| item_bytes(table, &Key::new(partition, sort), item);
        let bytes: u64 = page.items.iter().map(size).sum();
        let mut spent = self.lock();
        spent.read_units += units(bytes, READ_BYTES);
        // An answer holds a megabyte.
        spent.table_calls += units(bytes, 1 << 20);
        Ok(page)
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Transacted, StoreError> {
        for write in &writes {
            self.touch_write(write);
            let units = self.write_units(write).await?;
            self.lock().write_units += 2 * units;
        }
        self.lock().table_calls += 1;
        self.ports.transact(writes).await
    }
}

impl<P: Blobs + Sync> Blobs for Counting<P> {
    async fn head(&self, bucket: Bucket, key: &str) -> Result<Option<ObjectMeta>, StoreError> {
        self.touch_object("s3:GetObject", bucket, key);
        self.lock().gets += 1;
        self.ports.head(bucket, key).await
    }

    async fn read(&self, bucket: Bucket, key: &str, etag: &str, offset: u64, length: u64) -> Result<Read, StoreError> {
        self.touch_object("s3:GetObject", bucket, key);
        self.lock().gets += 1;
        self.ports.read(bucket, key, etag, offset, length).await
    }

    async fn put_once(
        &self,
        bucket: Bucket,
        key: &str,
        bytes: Vec<u8>,
        content_type: &'static str,
    ) -> Result<PutOnce, StoreError> {
        self.touch_object("s3:PutObject", bucket, key);
        self.lock().puts += 1;
        self.ports.put_once(bucket, key, bytes, content_type).await
    }

    async fn list(
        &self,
        bucket: Bucket,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Listing, StoreError> {
        self.touch("s3:ListBucket", format!("{bucket:?}"));
        let listing = self.ports.list(bucket, prefix, after, limit).await?;
        self.lock().lists += units(u64::try_from(listing.objects.len()).unwrap_or(u64::MAX), LIST_PAGE);
        Ok(listing)
    }
}

impl<P: Queue + Sync> Queue for Counting<P> {
    async fn enqueue(&self, key: &str) -> Result<(), StoreError> {
        self.touch("sqs:SendMessage", "Usage".to_owned());
        self.lock().sends += 1;
        self.ports.enqueue(key).await
    }
}

impl<P: Clock> Clock for Counting<P> {
    fn now(&self) -> Instant {
        self.ports.now()
    }

    fn token(&self) -> String {
        self.ports.token()
    }
}
