//! Ports that fail as networks and services do: an operation may fail before it is applied, be
//! applied and then fail, or be applied long after the caller was told that it failed. Every
//! operation can be cut off before and after its effect: each is an await of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use ledger::memory::Memory;
use ledger::names;
use ledger::ports::{Blobs, Bucket, Item, PutOnce, StoreError, Tables, Transacted, Write, Written};

use crate::checks::{Checks, Evidence};
use crate::dice::Dice;

/// A write whose caller was told that it failed.
pub enum Late {
    Write(Write),
    Transact(Vec<Write>, Option<Evidence>),
    PutOnce(Bucket, String, Vec<u8>),
}

/// The world as tasks see it: all that they do goes through here, is told, judged and may fail.
pub struct Wire<'a> {
    pub memory: &'a Memory,
    pub dice: &'a Dice,
    pub checks: Checks,
    /// How often in a hundred an operation fails.
    pub percent: Mutex<usize>,
    late: Mutex<Vec<Late>>,
    /// What happened, if anybody wants to know.
    pub trace: Option<Mutex<Vec<String>>>,
    /// What partitions of tallies held before their last write.
    pub before: Mutex<BTreeMap<String, Vec<(String, Item)>>>,
    /// By which rules files are read now.
    pub rules: Mutex<String>,
    /// What sealed hours held when they were sealed: keys and etags.
    pub sealed: Mutex<BTreeMap<i64, BTreeSet<(String, String)>>>,
}

/// What happens to an operation.
#[derive(Debug)]
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

impl<'a> Wire<'a> {
    pub fn new(memory: &'a Memory, dice: &'a Dice, percent: usize, traced: bool) -> Self {
        Self {
            memory,
            dice,
            checks: Checks::default(),
            percent: Mutex::new(percent),
            late: Mutex::default(),
            trace: traced.then(Mutex::default),
            before: Mutex::default(),
            rules: Mutex::default(),
            sealed: Mutex::default(),
        }
    }

    pub fn tell(&self, line: impl FnOnce() -> String) {
        if let Some(trace) = &self.trace {
            trace.lock().unwrap().push(line());
        }
    }

    fn fate(&self) -> Fate {
        let percent = *self.percent.lock().unwrap();
        if percent == 0 || !self.dice.misfortune(percent) {
            return Fate::Works;
        }
        match self.dice.below(3) {
            0 => Fate::FailsBefore,
            1 => Fate::FailsAfter,
            _ => Fate::AppliesLate,
        }
    }

    /// Runs an operation as fate has it; `late` keeps it for later where it can be.
    pub async fn operate<T>(
        &self,
        who: &str,
        name: &'static str,
        subject: &str,
        late: Option<Late>,
        operation: impl FnOnce() -> T,
    ) -> Result<T, StoreError> {
        Yield(false).await;
        let fate = self.fate();
        self.tell(|| match fate {
            Fate::Works => format!("{who} {name} {subject}"),
            _ => format!("{who} {name} {subject}: {fate:?}"),
        });
        match (fate, late) {
            (Fate::FailsBefore, _) | (Fate::AppliesLate, None) => return Err(failure(name)),
            (Fate::AppliesLate, Some(late)) => {
                self.late.lock().unwrap().push(late);
                return Err(failure(name));
            }
            (Fate::FailsAfter, _) => {
                operation();
                Yield(false).await;
                return Err(failure(name));
            }
            (Fate::Works, _) => {}
        }
        let value = operation();
        Yield(false).await;
        Ok(value)
    }

    /// Applies a write and looks at what it did.
    pub fn write(&self, write: Write) -> Written {
        let before = self.look(&write);
        let written = at_once(self.memory.write(write.clone())).unwrap();
        if written == Written::Done {
            if write.key.partition == names::SEALS {
                let hour = write.key.sort.parse().unwrap();
                self.sealed.lock().unwrap().insert(hour, self.checks.sealed(self.memory, hour));
            }
            self.checks.written(self.memory, &write, before.as_ref());
        }
        written
    }

    pub fn transact(&self, writes: Vec<Write>, evidence: Option<&Evidence>) -> Transacted {
        self.checks.guarded(self.memory, &writes);
        let before: Vec<Option<Item>> = writes.iter().map(|write| self.look(write)).collect();
        let transacted = at_once(self.memory.transact(writes.clone())).unwrap();
        if transacted == Transacted::Done {
            let each = writes.iter().zip(&before);
            each.for_each(|(write, before)| self.checks.written(self.memory, write, before.as_ref()));
            self.checks.transacted(self.memory, &writes, evidence);
        }
        transacted
    }

    /// What there is before a write; of tallies, what their partition holds is remembered.
    fn look(&self, write: &Write) -> Option<Item> {
        let partition = &write.key.partition;
        if partition.starts_with("U#") {
            let page = at_once(self.memory.query(write.table, partition, None, 10_000)).unwrap();
            self.before.lock().unwrap().insert(partition.clone(), page.items);
        }
        at_once(self.memory.get(write.table, &write.key)).unwrap()
    }

    pub fn put_once(&self, bucket: Bucket, key: &str, bytes: Vec<u8>) -> PutOnce {
        at_once(self.memory.put_once(bucket, key, bytes, "")).unwrap()
    }

    /// Lets one of the late writes land.
    pub fn land_one(&self) {
        let chosen = {
            let mut late = self.late.lock().unwrap();
            if late.is_empty() {
                return;
            }
            let place = self.dice.below(late.len());
            late.swap_remove(place)
        };
        match chosen {
            Late::Write(write) => {
                self.tell(|| format!("late write {}/{}", write.key.partition, write.key.sort));
                drop(self.write(write));
            }
            Late::Transact(writes, evidence) => {
                self.tell(|| "late transact".to_owned());
                self.transact(writes, evidence.as_ref());
            }
            Late::PutOnce(bucket, key, bytes) => drop(self.put_once(bucket, &key, bytes)),
        }
    }

    pub fn land_all(&self) {
        while !self.late.lock().unwrap().is_empty() {
            self.land_one();
        }
    }
}
