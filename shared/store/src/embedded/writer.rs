//! The one writer of the tables: a thread that commits everything that waits, in one flush.
//!
//! A flush of the disk takes milliseconds, a write in memory takes microseconds. While one commit
//! flushes, others gather; the next commit takes them all. Each is still judged by its own
//! conditions, after those before it, and is answered only once it is on the disk.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::{io, mem};

use ledger::ports::{Condition, Effect, Item, StoreError, Table, Write};
use redb::{Database, ReadableTable};
use tokio::sync::oneshot;

use super::tables::{definition, failed, item};

/// At most so many writers are answered by one commit, to bound what a failed one takes along.
const BATCH: usize = 1024;

/// How the writes of one caller ended: all of them, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// They happened.
    Done,
    /// A condition did not hold for this item; none happened.
    Refused(Option<Item>),
}

/// What one caller asks for.
struct Job {
    writes: Vec<Write>,
    answer: oneshot::Sender<Result<Outcome, Arc<redb::Error>>>,
}

/// The thread and the way to it. Dropped, it finishes what it was asked and ends.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(database: Arc<Database>) -> io::Result<Self> {
        let (jobs, waiting) = channel();
        let work = move || serve(&database, &waiting);
        let thread = Builder::new().name("farthing-tables".to_owned()).spawn(work)?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Has the writes done, all or none, and waits until they are on the disk.
    pub(super) async fn submit(
        &self,
        operation: &'static str,
        subject: String,
        writes: Vec<Write>,
    ) -> Result<Outcome, StoreError> {
        let (answer, answered) = oneshot::channel();
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(Job { writes, answer }).is_ok());
        let outcome = if sent { answered.await.ok() } else { None };
        match outcome {
            Some(Ok(outcome)) => Ok(outcome),
            Some(Err(error)) => Err(failed(operation, subject, &error)),
            None => {
                let reason = "the writer of the tables has ended".to_owned();
                Err(StoreError { operation, subject, reason, retryable: false })
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // It ends by itself once nobody can ask any more; a panic there has been reported.
            let _ended = thread.join();
        }
    }
}

fn serve(database: &Database, waiting: &Receiver<Job>) {
    while let Ok(first) = waiting.recv() {
        let mut batch = vec![first];
        batch.extend(waiting.try_iter().take(BATCH - 1));
        let outcomes = commit(database, &mut batch).map_err(Arc::new);
        match outcomes {
            Ok(outcomes) => batch.into_iter().zip(outcomes).for_each(|(job, outcome)| answer(job, Ok(outcome))),
            Err(error) => batch.into_iter().for_each(|job| answer(job, Err(Arc::clone(&error)))),
        }
    }
}

/// A caller that no longer waits has been dropped; its writes stand.
fn answer(job: Job, outcome: Result<Outcome, Arc<redb::Error>>) {
    let _unheard = job.answer.send(outcome);
}

fn commit(database: &Database, batch: &mut [Job]) -> Result<Vec<Outcome>, redb::Error> {
    let writing = database.begin_write()?;
    let outcomes: Vec<Outcome> = {
        let mut open = Open {
            ledger: writing.open_table(definition(Table::Ledger))?,
            rollup: writing.open_table(definition(Table::Rollup))?,
            billing: writing.open_table(definition(Table::Billing))?,
        };
        let run = |job: &mut Job| open.run(&mem::take(&mut job.writes));
        batch.iter_mut().map(run).collect::<Result<_, _>>()?
    };
    if outcomes.contains(&Outcome::Done) {
        writing.commit()?;
    } else {
        writing.abort()?;
    }
    Ok(outcomes)
}

type Items<'a> = redb::Table<'a, (&'static str, &'static str), (u64, &'static str)>;

/// The tables within one commit.
struct Open<'a> {
    ledger: Items<'a>,
    rollup: Items<'a>,
    billing: Items<'a>,
}

impl<'a> Open<'a> {
    fn table(&mut self, table: Table) -> &mut Items<'a> {
        match table {
            Table::Ledger => &mut self.ledger,
            Table::Rollup => &mut self.rollup,
            Table::Billing => &mut self.billing,
        }
    }

    /// Judges all conditions before anything is changed.
    fn run(&mut self, writes: &[Write]) -> Result<Outcome, redb::Error> {
        for write in writes {
            let present = self.present(write)?;
            if !holds(&write.condition, present.as_ref()) {
                return Ok(Outcome::Refused(present));
            }
        }
        for write in writes {
            self.apply(write)?;
        }
        Ok(Outcome::Done)
    }

    fn present(&mut self, write: &Write) -> Result<Option<Item>, redb::Error> {
        let key = (write.key.partition.as_str(), write.key.sort.as_str());
        Ok(self.table(write.table).get(key)?.map(|guard| item(guard.value())))
    }

    fn apply(&mut self, write: &Write) -> Result<(), redb::Error> {
        let key = (write.key.partition.as_str(), write.key.sort.as_str());
        let items = self.table(write.table);
        match &write.effect {
            Effect::Put(item) => drop(items.insert(key, (item.revision, item.body.as_str()))?),
            Effect::Delete => drop(items.remove(key)?),
        }
        Ok(())
    }
}

fn holds(condition: &Condition, present: Option<&Item>) -> bool {
    match condition {
        Condition::Always => true,
        Condition::Absent => present.is_none(),
        Condition::Revision(revision) => present.is_some_and(|item| item.revision == *revision),
        Condition::Body(body) => present.is_some_and(|item| item.body == *body),
    }
}
