//! A store in memory that gives way before and after each operation, so that a run can be cut off there.

use ledger::memory::Memory;
use ledger::ports::{
    Blobs, Bucket, Clock, Item, Key, Listing, ObjectMeta, Page, PutOnce, Queue, Read, StoreError, Table, Tables,
    Transacted, Write, Written,
};
use metering::time::Instant;

use crate::world::Yield;

pub struct Slow<'a>(pub &'a Memory);

async fn around<T>(operation: impl Future<Output = T>) -> T {
    Yield(false).await;
    let done = operation.await;
    Yield(false).await;
    done
}

impl Tables for Slow<'_> {
    async fn get(&self, table: Table, key: &Key) -> Result<Option<Item>, StoreError> {
        around(self.0.get(table, key)).await
    }

    async fn write(&self, write: Write) -> Result<Written, StoreError> {
        around(self.0.write(write)).await
    }

    async fn query(&self, table: Table, part: &str, after: Option<&str>, limit: usize) -> Result<Page, StoreError> {
        around(self.0.query(table, part, after, limit)).await
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Transacted, StoreError> {
        around(self.0.transact(writes)).await
    }
}

impl Blobs for Slow<'_> {
    async fn head(&self, bucket: Bucket, key: &str) -> Result<Option<ObjectMeta>, StoreError> {
        self.0.head(bucket, key).await
    }

    async fn read(&self, bucket: Bucket, key: &str, etag: &str, from: u64, length: u64) -> Result<Read, StoreError> {
        self.0.read(bucket, key, etag, from, length).await
    }

    async fn put_once(
        &self,
        bucket: Bucket,
        key: &str,
        bytes: Vec<u8>,
        kind: &'static str,
    ) -> Result<PutOnce, StoreError> {
        around(self.0.put_once(bucket, key, bytes, kind)).await
    }

    async fn list(
        &self,
        bucket: Bucket,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Listing, StoreError> {
        self.0.list(bucket, prefix, after, limit).await
    }
}

impl Queue for Slow<'_> {
    async fn enqueue(&self, key: &str) -> Result<(), StoreError> {
        self.0.enqueue(key).await
    }
}

impl Clock for Slow<'_> {
    fn now(&self) -> Instant {
        self.0.now()
    }

    fn token(&self) -> String {
        self.0.token()
    }
}
