//! The ports in memory: for simulation, previews and tests. Single process, no durability.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use metering::time::Instant;
use sha2::{Digest, Sha256};

use crate::ports::{
    Blobs, Bucket, Clock, Condition, Effect, Item, Key, Listing, ObjectMeta, Page, PutOnce, Queue, Read, StoreError,
    Table, Tables, Transacted, Write, Written,
};

#[derive(Clone)]
struct Object {
    bytes: Vec<u8>,
    etag: String,
    modified: Instant,
}

#[derive(Default)]
struct Contents {
    items: BTreeMap<(Table, Key), Item>,
    objects: BTreeMap<(Bucket, String), Object>,
    queue: VecDeque<String>,
    now: Instant,
    tokens: u64,
}

/// Tables, buckets, a queue and a clock that stands until it is set.
#[derive(Default)]
pub struct Memory {
    contents: Mutex<Contents>,
}

impl Memory {
    /// An empty world at `now`.
    pub fn new(now: Instant) -> Self {
        let memory = Self::default();
        memory.set_now(now);
        memory
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        // A panic elsewhere cannot leave the maps half-written: every write is one insertion.
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the clock.
    pub fn set_now(&self, now: Instant) {
        self.lock().now = now;
    }

    /// Writes an object as an uploader would, over what is there.
    pub fn upload(&self, bucket: Bucket, key: &str, bytes: Vec<u8>) {
        let mut contents = self.lock();
        let object = Object { etag: etag_of(&bytes), bytes, modified: contents.now };
        contents.objects.insert((bucket, key.to_owned()), object);
    }

    /// Writes an object as an uploader would who sends it in so many parts: the same bytes have
    /// another etag then.
    pub fn upload_in_parts(&self, bucket: Bucket, key: &str, bytes: Vec<u8>, parts: usize) {
        let mut contents = self.lock();
        let object = Object { etag: format!("{}-{parts}", etag_of(&bytes)), bytes, modified: contents.now };
        contents.objects.insert((bucket, key.to_owned()), object);
    }

    /// Takes the oldest request off the queue.
    pub fn dequeue(&self) -> Option<String> {
        self.lock().queue.pop_front()
    }

    /// The bytes of an object.
    pub fn object(&self, bucket: Bucket, key: &str) -> Option<Vec<u8>> {
        self.lock().objects.get(&(bucket, key.to_owned())).map(|object| object.bytes.clone())
    }

    /// All items, for comparison of whole states.
    pub fn items(&self) -> Vec<(Table, Key, Item)> {
        self.lock().items.iter().map(|((table, key), item)| (*table, key.clone(), item.clone())).collect()
    }
}

fn etag_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn holds(condition: &Condition, present: Option<&Item>) -> bool {
    match condition {
        Condition::Always => true,
        Condition::Absent => present.is_none(),
        Condition::Revision(revision) => present.is_some_and(|item| item.revision == *revision),
        Condition::Body(body) => present.is_some_and(|item| item.body == *body),
    }
}

impl Contents {
    fn check(&self, write: &Write) -> bool {
        holds(&write.condition, self.items.get(&(write.table, write.key.clone())))
    }

    fn apply(&mut self, write: Write) {
        let address = (write.table, write.key);
        match write.effect {
            Effect::Put(item) => self.items.insert(address, item),
            Effect::Delete => self.items.remove(&address),
        };
    }
}

impl Tables for Memory {
    async fn get(&self, table: Table, key: &Key) -> Result<Option<Item>, StoreError> {
        Ok(self.lock().items.get(&(table, key.clone())).cloned())
    }

    async fn write(&self, write: Write) -> Result<Written, StoreError> {
        let mut contents = self.lock();
        if !contents.check(&write) {
            return Ok(Written::Refused(contents.items.get(&(write.table, write.key)).cloned()));
        }
        contents.apply(write);
        Ok(Written::Done)
    }

    async fn query(
        &self,
        table: Table,
        partition: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let contents = self.lock();
        let from = (table, Key::new(partition, after.unwrap_or_default()));
        let mut found = contents
            .items
            .range(from..)
            .take_while(|((t, key), _)| *t == table && key.partition == partition)
            .filter(|((_, key), _)| after.is_none_or(|after| key.sort.as_str() > after))
            .map(|((_, key), item)| (key.sort.clone(), item.clone()));
        let items = found.by_ref().take(limit).collect();
        Ok(Page { items, more: found.next().is_some() })
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Transacted, StoreError> {
        let mut contents = self.lock();
        if !writes.iter().all(|write| contents.check(write)) {
            return Ok(Transacted::Refused);
        }
        writes.into_iter().for_each(|write| contents.apply(write));
        Ok(Transacted::Done)
    }
}

impl Blobs for Memory {
    async fn head(&self, bucket: Bucket, key: &str) -> Result<Option<ObjectMeta>, StoreError> {
        Ok(self.lock().objects.get(&(bucket, key.to_owned())).map(|object| meta(key, object)))
    }

    async fn read(&self, bucket: Bucket, key: &str, etag: &str, offset: u64, length: u64) -> Result<Read, StoreError> {
        let contents = self.lock();
        let Some(object) = contents.objects.get(&(bucket, key.to_owned())).filter(|object| object.etag == etag) else {
            return Ok(Read::Changed);
        };
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let rest = object.bytes.get(from..).unwrap_or_default();
        Ok(Read::Bytes(rest.get(..length).unwrap_or(rest).to_vec()))
    }

    async fn put_once(
        &self,
        bucket: Bucket,
        key: &str,
        bytes: Vec<u8>,
        _: &'static str,
    ) -> Result<PutOnce, StoreError> {
        let mut contents = self.lock();
        let address = (bucket, key.to_owned());
        if contents.objects.contains_key(&address) {
            return Ok(PutOnce::Exists);
        }
        let object = Object { etag: etag_of(&bytes), bytes, modified: contents.now };
        contents.objects.insert(address, object);
        Ok(PutOnce::Written)
    }

    async fn list(
        &self,
        bucket: Bucket,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Listing, StoreError> {
        let contents = self.lock();
        let from = (bucket, after.unwrap_or_default().max(prefix).to_owned());
        let mut found = contents
            .objects
            .range(from..)
            .take_while(|((b, key), _)| *b == bucket && key.starts_with(prefix))
            .filter(|((_, key), _)| after.is_none_or(|after| key.as_str() > after))
            .map(|((_, key), object)| meta(key, object));
        let objects = found.by_ref().take(limit).collect();
        Ok(Listing { objects, more: found.next().is_some() })
    }
}

fn meta(key: &str, object: &Object) -> ObjectMeta {
    let size = u64::try_from(object.bytes.len()).unwrap_or(u64::MAX);
    ObjectMeta { key: key.to_owned(), etag: object.etag.clone(), size, modified: object.modified }
}

impl Queue for Memory {
    async fn enqueue(&self, key: &str) -> Result<(), StoreError> {
        self.lock().queue.push_back(key.to_owned());
        Ok(())
    }
}

impl Clock for Memory {
    fn now(&self) -> Instant {
        self.lock().now
    }

    fn token(&self) -> String {
        let mut contents = self.lock();
        contents.tokens = contents.tokens.saturating_add(1);
        format!("t{}", contents.tokens)
    }
}
