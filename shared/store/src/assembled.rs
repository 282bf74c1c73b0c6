//! One value that has all the ports, made of one adapter for each.

use ledger::ports::{
    Blobs, Bucket, Clock, Item, Key, Listing, ObjectMeta, Page, PutOnce, Queue, Read, StoreError, Table, Tables,
    Transacted, Write, Written,
};
use metering::time::Instant;

use crate::SystemClock;

/// Tables, objects and a queue from different adapters, with the system's clock.
#[derive(Clone, Debug)]
pub struct Assembled<T, B, Q> {
    /// Where items are.
    pub tables: T,
    /// Where objects are.
    pub blobs: B,
    /// Where keys wait for translation.
    pub queue: Q,
    /// Time and tokens.
    pub clock: SystemClock,
}

impl<T: Tables + Sync, B: Sync, Q: Sync> Tables for Assembled<T, B, Q> {
    async fn get(&self, table: Table, key: &Key) -> Result<Option<Item>, StoreError> {
        self.tables.get(table, key).await
    }

    async fn write(&self, write: Write) -> Result<Written, StoreError> {
        self.tables.write(write).await
    }

    async fn query(
        &self,
        table: Table,
        partition: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.tables.query(table, partition, after, limit).await
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Transacted, StoreError> {
        self.tables.transact(writes).await
    }
}

impl<T: Sync, B: Blobs + Sync, Q: Sync> Blobs for Assembled<T, B, Q> {
    async fn head(&self, bucket: Bucket, key: &str) -> Result<Option<ObjectMeta>, StoreError> {
        self.blobs.head(bucket, key).await
    }

    async fn read(&self, bucket: Bucket, key: &str, etag: &str, offset: u64, length: u64) -> Result<Read, StoreError> {
        self.blobs.read(bucket, key, etag, offset, length).await
    }

    async fn put_once(
        &self,
        bucket: Bucket,
        key: &str,
        bytes: Vec<u8>,
        content_type: &'static str,
    ) -> Result<PutOnce, StoreError> {
        self.blobs.put_once(bucket, key, bytes, content_type).await
    }

    async fn list(
        &self,
        bucket: Bucket,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Listing, StoreError> {
        self.blobs.list(bucket, prefix, after, limit).await
    }
}

impl<T: Sync, B: Sync, Q: Queue + Sync> Queue for Assembled<T, B, Q> {
    async fn enqueue(&self, key: &str) -> Result<(), StoreError> {
        self.queue.enqueue(key).await
    }
}

impl<T, B, Q> Clock for Assembled<T, B, Q> {
    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn token(&self) -> String {
        self.clock.token()
    }
}
