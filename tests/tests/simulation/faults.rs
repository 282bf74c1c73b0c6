//! Ports that fail as networks and services do: an operation may fail before it is applied, be
//! applied and then fail, or be applied long after the caller was told that it failed. Every
//! operation can be cut off before and after its effect: each is an await of its own.

use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use ledger::memory::Memory;
use ledger::ports::{
    Blobs, Bucket, Clock, Item, Key, Listing, ObjectMeta, Page, PutOnce, Queue, Read, StoreError, Table, Tables,
    Transacted, Write, Written,
};
use metering::time::Instant;

use crate::dice::Dice;

/// A write whose caller was told that it failed.
pub enum Late {
    Write(Write),
    Transact(Vec<Write>),
    PutOnce(Bucket, String, Vec<u8>),
}

/// The world as tasks see it.
pub struct Faulty<'a> {
    pub memory: &'a Memory,
    pub dice: &'a Dice,
    /// How often in a hundred an operation fails.
    pub percent: Mutex<usize>,
    pub late: Mutex<Vec<Late>>,
}

/// What happens to an operation.
enum Fate {
    Works,
    FailsBefore,
    FailsAfter,
    AppliesLate,
}

/// Gives way once: a place where a task can be cut off.
struct Yield(bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            return Poll::Ready(());
        }
        self.0 = true;
        Poll::Pending
    }
}

/// The value of a future that never waits.
pub fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("the in-memory ports never wait"),
    }
}

fn failure(operation: &'static str) -> StoreError {
    StoreError { operation, subject: "simulated".into(), reason: "lost".into(), retryable: true }
}

impl<'a> Faulty<'a> {
    pub fn new(memory: &'a Memory, dice: &'a Dice, percent: usize) -> Self {
        Self { memory, dice, percent: Mutex::new(percent), late: Mutex::default() }
    }

    fn fate(&self) -> Fate {
        if !self.dice.chance(*self.percent.lock().unwrap()) {
            return Fate::Works;
        }
        match self.dice.below(3) {
            0 => Fate::FailsBefore,
            1 => Fate::FailsAfter,
            _ => Fate::AppliesLate,
        }
    }

    /// Runs an operation as fate has it; `late` keeps it for later where it can be.
    async fn operate<T>(
        &self,
        name: &'static str,
        late: Option<Late>,
        operation: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        Yield(false).await;
        let fate = self.fate();
        match (fate, late) {
            (Fate::FailsBefore, _) | (Fate::AppliesLate, None) => return Err(failure(name)),
            (Fate::AppliesLate, Some(late)) => {
                self.late.lock().unwrap().push(late);
                return Err(failure(name));
            }
            (Fate::FailsAfter, _) => {
                operation.await?;
                Yield(false).await;
                return Err(failure(name));
            }
            (Fate::Works, _) => {}
        }
        let value = operation.await?;
        Yield(false).await;
        Ok(value)
    }

    /// Lets one of the late writes land.
    pub fn land_one(&self) {
        let mut late = self.late.lock().unwrap();
        if late.is_empty() {
            return;
        }
        let place = self.dice.below(late.len());
        match late.swap_remove(place) {
            Late::Write(write) => drop(at_once(self.memory.write(write))),
            Late::Transact(writes) => drop(at_once(self.memory.transact(writes))),
            Late::PutOnce(bucket, key, bytes) => drop(at_once(self.memory.put_once(bucket, &key, bytes, ""))),
        }
    }

    pub fn has_late(&self) -> bool {
        !self.late.lock().unwrap().is_empty()
    }
}

impl Tables for Faulty<'_> {
    async fn get(&self, table: Table, key: &Key) -> Result<Option<Item>, StoreError> {
        self.operate("get", None, self.memory.get(table, key)).await
    }

    async fn write(&self, write: Write) -> Result<Written, StoreError> {
        self.operate("write", Some(Late::Write(write.clone())), self.memory.write(write)).await
    }

    async fn query(
        &self,
        table: Table,
        partition: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        // Small pages, so that paging and what happens between two pages is always exercised.
        self.operate("query", None, self.memory.query(table, partition, after, limit.min(2))).await
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Transacted, StoreError> {
        self.operate("transact", Some(Late::Transact(writes.clone())), self.memory.transact(writes)).await
    }
}

impl Blobs for Faulty<'_> {
    async fn head(&self, bucket: Bucket, key: &str) -> Result<Option<ObjectMeta>, StoreError> {
        self.operate("head", None, self.memory.head(bucket, key)).await
    }

    async fn read(&self, bucket: Bucket, key: &str, etag: &str, offset: u64, length: u64) -> Result<Read, StoreError> {
        self.operate("read", None, self.memory.read(bucket, key, etag, offset, length)).await
    }

    async fn put_once(
        &self,
        bucket: Bucket,
        key: &str,
        bytes: Vec<u8>,
        kind: &'static str,
    ) -> Result<PutOnce, StoreError> {
        let late = Late::PutOnce(bucket, key.to_owned(), bytes.clone());
        self.operate("put once", Some(late), self.memory.put_once(bucket, key, bytes, kind)).await
    }

    async fn list(
        &self,
        bucket: Bucket,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Listing, StoreError> {
        self.operate("list", None, self.memory.list(bucket, prefix, after, limit.min(3))).await
    }
}

impl Queue for Faulty<'_> {
    async fn enqueue(&self, key: &str) -> Result<(), StoreError> {
        self.operate("enqueue", None, self.memory.enqueue(key)).await
    }
}

impl Clock for Faulty<'_> {
    fn now(&self) -> Instant {
        self.memory.now()
    }

    fn token(&self) -> String {
        self.memory.token()
    }
}
