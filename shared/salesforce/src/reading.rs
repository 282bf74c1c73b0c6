//! Reading an organisation: everything at first and once a day, what changed in between. Nothing that was read is in
//! force, and no cursor moves, before the snapshot that it makes is published.

use std::collections::BTreeMap;

use catalog::salesforce::{Id, Organisation};
use ledger::error::LedgerError;
use ledger::ports::{Condition, Effect, Item, Key, Ports, Table, Write};
use metering::time::Instant;
use serde::{Deserialize, Serialize};

use crate::bulk::{self, Job, Progress};
use crate::client::{Client, Edge};
use crate::complaint::Action;
use crate::describe::{Descriptions, Unfit};
use crate::fault::Fault;
use crate::query::Walk;
use crate::records::{Merging, Records, SHARDS, SYSTEM, Staging, reordered, stage};
use crate::row::Columns;
use crate::soql::Which;

/// Changes may surface later than their stamp says: each reading begins so much before the last one's end.
const OVERLAP_MS: i64 = 15 * 60_000;
/// Everything is compared again after so long: what was deleted for good leaves no other trace.
const COMPARE_MS: i64 = 24 * 3_600_000;
/// Results of a job that is older are no longer used.
const JOB_MS: i64 = 24 * 3_600_000;
/// Records to a page, and to a part of a job's results.
const PAGE: u32 = 2000;
const PART: u32 = 50_000;
/// Between two looks at a job: at first and at most.
const FIRST_LOOK_MS: u64 = 2_000;
const LONGEST_LOOK_MS: u64 = 30_000;
/// Ids to a query.
const IDS: usize = 100;
/// A part that breaks off is fetched again this often.
const PARTS: u32 = 5;
/// A job that came to nothing is begun anew this often.
const JOBS: u32 = 2;

/// Why an organisation could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Salesforce.
    #[error("{0}")]
    Fault(#[from] Fault),
    /// The mapping.
    #[error("{0}")]
    Unfit(#[from] Unfit),
    /// Our own store.
    #[error("{0}")]
    Ledger(#[from] LedgerError),
}

/// What is known of an organisation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// By object.
    pub objects: BTreeMap<String, Records>,
}

/// A job under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Begun {
    job: Job,
    at: Instant,
    fields: Vec<String>,
}

/// What a reading came to.
#[derive(Debug, Default)]
pub struct Reading {
    /// What is known now.
    pub state: State,
    /// Objects whose job is not done: the next run goes on with it, and nothing of the organisation changes until then.
    pub waiting: Vec<String>,
    /// Rows that were read.
    pub rows: u64,
    /// Jobs whose results are in the state, to be removed once it is published.
    pub jobs: Vec<(Columns, Job)>,
}

fn partition(organisation: &str) -> String {
    format!("salesforce#{organisation}")
}

fn state_key(organisation: &str) -> Key {
    Key::new(partition(organisation), "state")
}

fn job_key(organisation: &str, object: &str) -> Key {
    Key::new(partition(organisation), format!("job#{object}"))
}

/// What was known of an organisation when its snapshot was published last, with its item.
///
/// # Errors
/// [`LedgerError`].
pub async fn known<P: Ports>(ports: &P, organisation: &str) -> Result<(State, Option<Item>), LedgerError> {
    let item = ports.get(Table::Billing, &state_key(organisation)).await?;
    let state = item.as_ref().map(|item| serde_json::from_str(&item.body));
    Ok((state.transpose().map_err(|error| LedgerError::malformed("state", error))?.unwrap_or_default(), item))
}

/// The writes that make a reading what is known.
///
/// # Errors
/// [`LedgerError`].
pub fn settle(organisation: &str, reading: &Reading, seen: Option<&Item>) -> Result<Vec<Write>, LedgerError> {
    let body = serde_json::to_string(&reading.state).map_err(|error| LedgerError::malformed("state", error))?;
    let key = state_key(organisation);
    let mut writes = vec![match seen {
        Some(item) => Write::replace(Table::Billing, key, item.revision, body),
        None => Write::create(Table::Billing, key, body),
    }];
    for (columns, _) in &reading.jobs {
        let key = job_key(organisation, columns.select.object());
        writes.push(Write { table: Table::Billing, key, condition: Condition::Always, effect: Effect::Delete });
    }
    Ok(writes)
}

/// One object and which of its fields matter.
struct Block {
    object: String,
    fields: Vec<String>,
    watched: Vec<String>,
}

fn blocks(organisation: &Organisation) -> Vec<Block> {
    let Organisation { accounts, deployments, subscriptions, .. } = organisation;
    let with_system = |fields: Vec<String>, more: &[&str]| {
        let mut all: Vec<String> = Vec::new();
        for field in SYSTEM.iter().chain(more).map(|name| (*name).to_owned()).chain(fields) {
            if !all.contains(&field) {
                all.push(field);
            }
        }
        all
    };
    // Only the standard object is merged.
    let master: &[&str] = if accounts.object == "Account" { &["MasterRecordId"] } else { &[] };
    let watched = std::iter::once(&deployments.account).chain(&deployments.keys).cloned().collect();
    let mut blocks = vec![
        Block { object: accounts.object.clone(), fields: with_system(accounts.fields(), master), watched: Vec::new() },
        Block { object: deployments.object.clone(), fields: with_system(deployments.fields(), &[]), watched },
    ];
    if let Some(subscriptions) = subscriptions {
        let fields = with_system(subscriptions.fields(), &[]);
        blocks.push(Block { object: subscriptions.object.clone(), fields, watched: Vec::new() });
    }
    blocks
}

/// Reads what is new since `known`, or everything.
///
/// # Errors
/// [`ReadError`]. Nothing is lost by it: the next run begins where this one did, and jobs go on.
pub async fn read<E: Edge, P: Ports>(
    client: &Client<'_, E>,
    ports: &P,
    organisation: &Organisation,
    known: &State,
) -> Result<Reading, ReadError> {
    let mut descriptions = Descriptions::default();
    let mut columns = Vec::new();
    for block in blocks(organisation) {
        // All objects are held against the mapping before any is read.
        columns.push((descriptions.columns(client, &block.object, &block.fields).await?, block.watched));
    }
    let mut reading = Reading { state: known.clone(), ..Reading::default() };
    for (columns, watched) in columns {
        Object { client, ports, organisation, columns: &columns, watched: &watched }.read(&mut reading).await?;
    }
    if !reading.waiting.is_empty() {
        // Half of an organisation would name accounts that are not there yet.
        reading.state = known.clone();
        reading.jobs.clear();
    }
    Ok(reading)
}

/// What somebody says has changed: a hint to look, and no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The organisation.
    pub organisation: Id,
    /// The object.
    pub object: String,
    /// The records; none where only the object is known.
    pub ids: Vec<Id>,
}

/// Reads only records that are said to have changed, where the rest is known already; otherwise what [`read`] reads.
/// No cursor moves: whoever says that something changed does not say that nothing else did.
///
/// # Errors
/// [`ReadError`].
pub async fn read_again<E: Edge, P: Ports>(
    client: &Client<'_, E>,
    ports: &P,
    organisation: &Organisation,
    known: &State,
    changed: &Changed,
) -> Result<Reading, ReadError> {
    let Some(block) = blocks(organisation).into_iter().find(|block| block.object == changed.object) else {
        return Ok(Reading { state: known.clone(), ..Reading::default() });
    };
    let before = known.objects.get(&block.object).filter(|before| before.fields == block.fields);
    let (Some(before), false) = (before, changed.ids.is_empty()) else {
        return read(client, ports, organisation, known).await;
    };
    let columns = Descriptions::default().columns(client, &block.object, &block.fields).await?;
    let object = Object { client, ports, organisation, columns: &columns, watched: &block.watched };
    let mut staging = Staging::new(SHARDS);
    for ids in changed.ids.chunks(IDS) {
        object.walk(Which::Ids(ids.to_vec()), &mut staging).await?;
    }
    let mut reading = Reading { state: known.clone(), rows: staging.count, ..Reading::default() };
    let merged = object.merged(before, &mut staging, None).await?;
    reading.state.objects.insert(block.object, merged);
    Ok(reading)
}

struct Object<'a, 'e, E, P> {
    client: &'a Client<'e, E>,
    ports: &'a P,
    organisation: &'a Organisation,
    columns: &'a Columns,
    watched: &'a [String],
}

impl<E: Edge, P: Ports> Object<'_, '_, E, P> {
    fn name(&self) -> &str {
        self.columns.select.object()
    }

    async fn read(&self, reading: &mut Reading) -> Result<(), ReadError> {
        let now = self.client.now();
        let known = reading.state.objects.get(self.name()).cloned().unwrap_or_default();
        let fields = self.columns.select.fields();
        let same = known.fields == fields;
        let known = if same { known } else { reordered(self.ports, &known, fields).await? };
        let compare = !same || now.0.saturating_sub(known.compared.0) >= COMPARE_MS;
        let mut staging = Staging::new(SHARDS);
        let mut begun = None;
        if compare {
            match self.whole(&mut staging, reading).await? {
                Some(at) => begun = Some(at),
                None => return Ok(()),
            }
        } else {
            let from = Instant(known.cursor.0.saturating_sub(OVERLAP_MS));
            // Their clock may be ahead of ours.
            let until = Instant(now.0.saturating_add(OVERLAP_MS));
            self.walk(Which::Changed(from, until), &mut staging).await?;
        }
        reading.rows = reading.rows.saturating_add(staging.count);
        let mut merged = self.merged(&known, &mut staging, begun).await?;
        // What changed while a job ran is read with the next increment.
        merged.cursor = begun.unwrap_or(now);
        merged.compared = begun.unwrap_or(known.compared);
        reading.state.objects.insert(self.name().to_owned(), merged);
        Ok(())
    }

    /// The records with the staged rows among them. `whole` is when the rows were all that there was.
    async fn merged(
        &self,
        known: &Records,
        staging: &mut Staging,
        whole: Option<Instant>,
    ) -> Result<Records, LedgerError> {
        let fields = self.columns.select.fields();
        let place = |field: &String| fields.iter().position(|known| known == field).map(|place| (field.clone(), place));
        let watched: Vec<(String, usize)> = self.watched.iter().filter_map(place).collect();
        Merging { watched: &watched, whole, now: self.client.now() }.merge(self.ports, known, staging).await
    }

    async fn walk(&self, which: Which, staging: &mut Staging) -> Result<(), ReadError> {
        let mut walk = Walk::new(self.client, self.columns, which, PAGE);
        while let Some(rows) = walk.page().await? {
            stage(self.ports, staging, rows).await?;
        }
        Ok(())
    }

    /// Every record, as at some instant; nothing while a job is under way.
    async fn whole(&self, staging: &mut Staging, reading: &mut Reading) -> Result<Option<Instant>, ReadError> {
        let waited = match self.job(false).await {
            Ok(begun) => self.wait(begun).await,
            Err(error) => Err(error),
        };
        let (begun, records) = match waited {
            Ok(Some(done)) => done,
            Ok(None) => {
                reading.waiting.push(self.name().to_owned());
                return Ok(None);
            }
            Err(ReadError::Fault(fault)) if fault.action() == Action::UseRest => {
                let now = self.client.now();
                self.walk(Which::All, staging).await?;
                return Ok(Some(now));
            }
            Err(error) => return Err(error),
        };
        self.results(&begun.job, records, staging).await?;
        reading.jobs.push((self.columns.clone(), begun.job));
        Ok(Some(begun.at))
    }

    /// The job under way, or a new one.
    async fn job(&self, anew: bool) -> Result<Begun, ReadError> {
        let key = job_key(&self.organisation.name, self.name());
        let now = self.client.now();
        if let Some(item) = self.ports.get(Table::Billing, &key).await.map_err(LedgerError::from)?.filter(|_| !anew) {
            let begun: Begun =
                serde_json::from_str(&item.body).map_err(|error| LedgerError::malformed("job", error))?;
            let fits = begun.fields == self.columns.select.fields() && now.0.saturating_sub(begun.at.0) < JOB_MS;
            if fits {
                return Ok(begun);
            }
        }
        let job = bulk::begin(self.client, self.columns).await?;
        let begun = Begun { job, at: now, fields: self.columns.select.fields().to_vec() };
        let body = serde_json::to_string(&begun).map_err(|error| LedgerError::malformed("job", error))?;
        self.ports.write(Write::put(Table::Billing, key, body)).await.map_err(LedgerError::from)?;
        Ok(begun)
    }

    /// Looks at the job until it is done; nothing if that takes longer than this run.
    async fn wait(&self, mut begun: Begun) -> Result<Option<(Begun, u64)>, ReadError> {
        let (mut look, mut jobs) = (FIRST_LOOK_MS, 1_u32);
        loop {
            let lost = match bulk::progress(self.client, self.columns, &begun.job).await {
                Ok(Progress::Done(records)) => return Ok(Some((begun, records))),
                Ok(Progress::Lost(reason)) => reason,
                Ok(Progress::Running) => {
                    if !self.client.pause(look).await {
                        return Ok(None);
                    }
                    look = look.saturating_mul(2).min(LONGEST_LOOK_MS);
                    continue;
                }
                // Results are kept for a week; the job of an earlier run may be gone.
                Err(Fault::Refused { complaint, .. }) if complaint.status == 404 => "it is gone".to_owned(),
                Err(fault) => return Err(fault.into()),
            };
            if jobs >= JOBS {
                return Err(Fault::broken(
                    format!("the bulk query of {}", self.name()),
                    format!("the job failed: {lost}"),
                )
                .into());
            }
            jobs = jobs.saturating_add(1);
            begun = self.job(true).await?;
        }
    }

    async fn results(&self, job: &Job, records: u64, staging: &mut Staging) -> Result<(), ReadError> {
        let mut locator: Option<String> = None;
        let mut read: u64 = 0;
        let most = records.saturating_add(1);
        // Each part but the last holds a record at least.
        for _ in 0..=most {
            let (rows, next) = self.part(job, locator.as_deref(), staging).await?;
            read = read.saturating_add(rows);
            if next.is_none() {
                if read == records {
                    return Ok(());
                }
                let reason = format!("it has {read} rows, and the job processed {records}");
                return Err(Fault::broken(format!("the bulk query of {}", self.name()), reason).into());
            }
            if next == locator {
                break;
            }
            locator = next;
        }
        Err(Fault::broken(format!("the bulk query of {}", self.name()), "its parts go round in a circle").into())
    }

    /// One part, fetched anew where it breaks off: rows that are staged twice count once. How many rows it has, and
    /// where the next begins.
    async fn part(
        &self,
        job: &Job,
        locator: Option<&str>,
        staging: &mut Staging,
    ) -> Result<(u64, Option<String>), ReadError> {
        let mut attempt = 0;
        loop {
            match self.fetch(job, locator, staging).await {
                Err(ReadError::Fault(cut @ Fault::Cut { .. })) if attempt < PARTS => {
                    self.client.wait(attempt, &cut).await?;
                    attempt = attempt.saturating_add(1);
                }
                fetched => return fetched,
            }
        }
    }

    async fn fetch(
        &self,
        job: &Job,
        locator: Option<&str>,
        staging: &mut Staging,
    ) -> Result<(u64, Option<String>), ReadError> {
        let mut part = bulk::part(self.client, self.columns, job, locator, PART).await?;
        while let Some(rows) = part.rows().await? {
            stage(self.ports, staging, rows).await?;
        }
        Ok((part.count(), part.next().map(str::to_owned)))
    }
}
