//! From organisations to the directory in force: read, resolve, hold against the one before, publish by one
//! transaction that also moves the cursors. Cut off anywhere and run again, it comes to the same bytes.

use std::collections::BTreeMap;

use catalog::Catalogue;
use catalog::directory::{Claim, Directory, Party, Shard, is_billed, lost, shard_of, shards_for, stated};
use catalog::salesforce::{Guards, Organisation};
use ledger::correlate::{Published, next_head};
use ledger::error::LedgerError;
use ledger::names;
use ledger::ports::{Item, Ports, Transacted};
use ledger::snapshot::{Manifest, Part, Present, keep_parties, keep_shard, present, put_in_force};
use ledger::write_off;
use metering::time::Instant;

use crate::bulk;
use crate::client::{Client, Edge, Settings};
use crate::describe::Unfit;
use crate::limits::Budget;
use crate::reading::{Changed, ReadError, Reading, State, known, read, read_again, settle};
use crate::records::{Records, Staging, shard};
use crate::resolve::{Places, Resolver};

/// What became of an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It was read.
    Read {
        /// Rows that were read.
        rows: u64,
        /// Calls that were made.
        calls: u64,
    },
    /// A job is under way; the next run goes on with it.
    Waiting(Vec<String>),
    /// It was not read, or what was read is not used; the directory stays as it was. Why, and whether the next run may
    /// get on with nobody doing anything.
    Kept(String, bool),
}

/// What a run came to.
#[derive(Debug)]
pub struct Report {
    /// The directory in force.
    pub published: Published,
    /// By organisation.
    pub organisations: BTreeMap<String, Told>,
}

/// How a run is done.
#[derive(Clone, Debug)]
pub struct Options {
    /// When it gives up.
    pub deadline: Instant,
    /// Who accepts what the guards refuse, and why: kept with the version.
    pub accept: Option<String>,
    /// What alone is read, where somebody has said that it changed. Otherwise everything that is due.
    pub changed: Option<Changed>,
}

/// The settings of a client for an organisation.
#[must_use]
pub fn settings(organisation: &Organisation) -> Settings {
    Settings {
        host: organisation.host.clone(),
        organisation: organisation.organisation.clone(),
        version: organisation.version.clone(),
        budget: Budget { percent: organisation.budget_percent },
    }
}

/// One organisation in a run.
struct Source<'a> {
    organisation: &'a Organisation,
    known: State,
    item: Option<Item>,
    reading: Option<Reading>,
}

impl Source<'_> {
    fn state(&self) -> &State {
        self.reading.as_ref().map_or(&self.known, |reading| &reading.state)
    }
}

/// Reads every organisation of the catalogue by its edge, and publishes what they and the catalogue's own customers
/// make. An organisation that cannot be read stays as it was published last.
///
/// # Errors
/// [`LedgerError`]; what concerns one organisation is told in the [`Report`].
pub async fn correlate<E: Edge, P: Ports>(
    ports: &P,
    catalogue: &Catalogue,
    edges: &BTreeMap<String, E>,
    options: &Options,
) -> Result<Report, LedgerError> {
    let (mut sources, mut told) = (Vec::new(), BTreeMap::new());
    let mut clients = Vec::new();
    for (name, organisation) in &catalogue.salesforce {
        let (known, item) = known(ports, name).await?;
        let mut source = Source { organisation, known, item, reading: None };
        let outcome = match edges.get(name) {
            None => Told::Kept("there is no credential for it".to_owned(), false),
            Some(edge) => {
                let client = Client::new(edge, settings(organisation), options.deadline);
                let outcome = take(ports, &client, &mut source, options).await?;
                clients.push((name.clone(), client));
                outcome
            }
        };
        told.insert(name.clone(), outcome);
        sources.push(source);
    }
    let published = publish(ports, catalogue, &mut sources, &mut told, options).await?;
    remove_jobs(&clients, &sources).await;
    Ok(Report { published, organisations: told })
}

async fn take<E: Edge, P: Ports>(
    ports: &P,
    client: &Client<'_, E>,
    source: &mut Source<'_>,
    options: &Options,
) -> Result<Told, LedgerError> {
    let read = match &options.changed {
        Some(changed) if changed.organisation != source.organisation.organisation => {
            return Ok(Told::Read { rows: 0, calls: 0 });
        }
        Some(changed) => read_again(client, ports, source.organisation, &source.known, changed).await,
        None => read(client, ports, source.organisation, &source.known).await,
    };
    let reading = match read {
        Ok(reading) => reading,
        Err(ReadError::Ledger(error)) => return Err(error),
        Err(ReadError::Fault(fault) | ReadError::Unfit(Unfit::Fault(fault))) => {
            return Ok(Told::Kept(fault.to_string(), fault.passes()));
        }
        Err(ReadError::Unfit(unfit)) => return Ok(Told::Kept(unfit.to_string(), false)),
    };
    if !reading.waiting.is_empty() {
        return Ok(Told::Waiting(reading.waiting));
    }
    let told = Told::Read { rows: reading.rows, calls: client.calls() };
    source.reading = Some(reading);
    Ok(told)
}

async fn publish<P: Ports>(
    ports: &P,
    catalogue: &Catalogue,
    sources: &mut [Source<'_>],
    told: &mut BTreeMap<String, Told>,
    options: &Options,
) -> Result<Published, LedgerError> {
    let present = present(ports).await?;
    let mut draft = assemble(ports, catalogue, sources, &present).await?;
    if !draft.refusals.is_empty() && options.accept.is_none() {
        let reason = draft.refusals.join("; ");
        for source in sources.iter_mut() {
            if source.reading.take().is_none() {
                continue;
            }
            told.insert(source.organisation.name.clone(), Told::Kept(reason.clone(), false));
        }
        draft = assemble(ports, catalogue, sources, &present).await?;
    }
    let mut writes = Vec::new();
    for source in sources.iter() {
        if let Some(reading) = &source.reading {
            writes.extend(settle(&source.organisation.name, reading, source.item.as_ref())?);
        }
    }
    let now = draft.manifest.recorded_at;
    let own = catalogue.directory(now)?.version().to_owned();
    let (version, facts) = (draft.manifest.version(), draft.manifest.claims());
    let same = present.head.as_ref().is_some_and(|(head, _)| head.version == version && head.catalogue == own);
    let done = if same {
        if writes.is_empty() { Transacted::Done } else { ports.transact(writes).await? }
    } else {
        let mut head = next_head(&present, version.clone(), now, own);
        head.accepted = options.accept.clone().filter(|_| !draft.refusals.is_empty());
        for source in sources.iter().filter(|source| !source.state().objects.is_empty()) {
            head.organisations.entry(source.organisation.name.clone()).or_insert(now);
        }
        put_in_force(ports, &present, &draft.manifest, head, writes).await?
    };
    match done {
        Transacted::Done => Ok(Published { version, changed: !same, facts }),
        Transacted::Refused => Err(LedgerError::Contended(names::DIRECTORY.to_owned())),
    }
}

/// Results that are in force are no longer needed. What fails here is removed by Salesforce within a week.
async fn remove_jobs<E: Edge>(clients: &[(String, Client<'_, E>)], sources: &[Source<'_>]) {
    for source in sources {
        let client = clients.iter().find(|(name, _)| *name == source.organisation.name);
        let (Some((_, client)), Some(reading)) = (client, &source.reading) else { continue };
        for (columns, job) in &reading.jobs {
            if let Err(fault) = bulk::remove(client, columns, job).await {
                tracing::info!(%fault, "a job stays until Salesforce removes it");
            }
        }
    }
}

/// A snapshot that is not in force.
struct Draft {
    manifest: Manifest,
    /// Why it should not be.
    refusals: Vec<String>,
}

async fn assemble<P: Ports>(
    ports: &P,
    catalogue: &Catalogue,
    sources: &[Source<'_>],
    present: &Present,
) -> Result<Draft, LedgerError> {
    let now = ports.now();
    let mut own = stated(&catalogue.customers, now)?;
    own.extend(write_off::claims(ports).await?);
    let deployments = |source: &Source<'_>| {
        let records = source.state().objects.get(&source.organisation.deployments.object);
        records.map_or(0, |records| records.live)
    };
    let records = sources.iter().map(deployments).fold(u64::try_from(own.len()).unwrap_or(0), u64::saturating_add);
    let count = shards_for(records);
    let mut staging = Staging::new(count);
    let (mut parties, mut refusals) = (Vec::new(), Vec::new());
    for claim in own {
        stage_claim(ports, &mut staging, &claim).await?;
    }
    for source in sources {
        refusals.extend(fewer(source));
        parties.extend(resolve(ports, source, &mut staging, (present.directory.parties(), now)).await?);
    }
    parties.sort_by(|a: &Party, b| a.account.cmp(&b.account));
    let (mut shards, mut balance) = (Vec::new(), Balance::default());
    for place in 0..count {
        let lines = staging.take(ports, usize::try_from(place).unwrap_or(0)).await?;
        let claims = lines.iter().filter_map(|line| Claim::read(line)).collect();
        let (part, shard) = keep_shard(ports, &present.directory, claims).await?;
        balance.weigh(&present.directory, shard, (place, count), now)?;
        shards.push(part);
    }
    refusals.extend(balance.refusal(sources));
    let parties: Part = keep_parties(ports, &parties).await?;
    Ok(Draft { manifest: Manifest { parties, recorded_at: now, shards }, refusals })
}

async fn stage_claim<P: Ports>(ports: &P, staging: &mut Staging, claim: &Claim) -> Result<(), LedgerError> {
    let line = format!("{}{}", claim.line(), claim.recorded_at.0);
    staging.add(ports, &claim.deployment, &line).await
}

/// The facts of one organisation on their way to the shards, and its accounts.
async fn resolve<P: Ports>(
    ports: &P,
    source: &Source<'_>,
    staging: &mut Staging,
    (before, now): (&[Party], Instant),
) -> Result<Vec<Party>, LedgerError> {
    let (organisation, objects) = (source.organisation, &source.state().objects);
    let nothing = Records::default();
    let records = |object: &str| objects.get(object).unwrap_or(&nothing);
    let accounts = records(&organisation.accounts.object);
    let mut resolver = Resolver::new(organisation, &accounts.fields);
    for key in &accounts.shards {
        for record in shard(ports, key.as_ref()).await?.into_values() {
            resolver.account(&record).map_err(|error| LedgerError::malformed("account", error))?;
        }
    }
    let deployments = records(&organisation.deployments.object);
    let places = Places::new(&deployments.fields);
    for key in &deployments.shards {
        for record in shard(ports, key.as_ref()).await?.into_values() {
            for claim in resolver.deployment(&places, &record, now) {
                stage_claim(ports, staging, &claim).await?;
            }
        }
    }
    if let Some(mapping) = &organisation.subscriptions {
        let subscriptions = records(&mapping.object);
        let places = Places::new(&subscriptions.fields);
        for key in &subscriptions.shards {
            for record in shard(ports, key.as_ref()).await?.into_values() {
                resolver.subscription(&places, &record);
            }
        }
    }
    Ok(resolver.parties(before))
}

/// Objects that lost too many of their records.
fn fewer(source: &Source<'_>) -> Vec<String> {
    let guards = source.organisation.guards;
    let mut refusals = Vec::new();
    for (object, before) in &source.known.objects {
        let after = source.state().objects.get(object).map_or(0, |records| records.live);
        let gone = before.live.saturating_sub(after);
        let share = gone.saturating_mul(100) > before.live.saturating_mul(guards.fewer_percent);
        if gone > 0 && (after == 0 || share && gone > guards.tolerated) {
            refusals.push(format!(
                "{object} of {} has {after} records, and had {}: has a permission changed? If they are really gone, \
                 run it once with `--accept` and the reason",
                source.organisation.name, before.live
            ));
        }
    }
    refusals
}

/// Deployments that are billed before and after.
#[derive(Default)]
struct Balance {
    before: u64,
    lost: u64,
    first: Option<String>,
}

impl Balance {
    fn weigh(
        &mut self,
        previous: &Directory,
        shard: Shard,
        (place, count): (u32, u32),
        now: Instant,
    ) -> Result<(), LedgerError> {
        let same = previous.shards().len() == usize::try_from(count).unwrap_or(0);
        let aligned = previous.shards().get(usize::try_from(place).unwrap_or(0)).filter(|_| same);
        let newer = Directory::open(vec![shard], Vec::new(), now, String::new())
            .map_err(|error| LedgerError::billing("directory", error))?;
        let names: Vec<String> = match aligned {
            Some(shard) => shard.deployments().collect(),
            None => previous.deployments().filter(|name| shard_of(name, count) == place).collect(),
        };
        let billed = names.iter().filter(|name| is_billed(previous.owner(name, now))).count();
        self.before = self.before.saturating_add(u64::try_from(billed).unwrap_or(0));
        for name in lost(previous, &newer, names.into_iter(), now) {
            self.lost = self.lost.saturating_add(1);
            self.first.get_or_insert(name);
        }
        Ok(())
    }

    /// By the strictest of the organisations' guards. Without organisations, the catalogue is somebody's word.
    fn refusal(&self, sources: &[Source<'_>]) -> Option<String> {
        let guards: Vec<Guards> = sources.iter().map(|source| source.organisation.guards).collect();
        let percent = guards.iter().map(|guards| guards.unmatched_percent).min()?;
        let tolerated = guards.iter().map(|guards| guards.tolerated).min()?;
        let share = self.lost.saturating_mul(100) > self.before.saturating_mul(percent);
        let first = self.first.as_ref()?;
        (share && self.lost > tolerated).then(|| {
            format!(
                "{} of {} deployments that are billed would be billed to nobody, the first is {first}: if that is \
                 right, run it once with `--accept` and the reason",
                self.lost, self.before
            )
        })
    }
}
