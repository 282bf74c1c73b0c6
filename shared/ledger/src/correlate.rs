//! Who owned what when: publishes the directory, and writes the counters that carry customer ids.

use std::collections::BTreeMap;

use catalog::directory::{Directory, stated};
use catalog::{Catalogue, Customer};
use chrono::NaiveDate;
use metering::exact::Exact;
use metering::measure::Measurement;
use metering::period::Period;
use metering::stream::Stream;
use metering::time::{Instant, Span};
use serde::{Deserialize, Serialize};

use crate::counted::Counted;
use crate::error::LedgerError;
use crate::names;
use crate::ownership::{self, Held};
use crate::ports::{Key, Ports, Table, Transacted, Write};
use crate::snapshot::{self, DirectoryHead, Manifest, Present, keep_parties, keep_shard, put_in_force};
use crate::write_off;

/// How often a publication is tried anew when another one was faster.
const ATTEMPTS: usize = 8;

/// What a publication did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The present version.
    pub version: String,
    /// Whether it is new.
    pub changed: bool,
    /// How many facts it has.
    pub facts: usize,
}

/// Publishes the directory that the catalogue's own customers make, unless it is in force already. Where customers
/// are known elsewhere too, that source publishes. Versions are only ever added.
///
/// # Errors
/// [`LedgerError`].
pub async fn publish<P: Ports>(ports: &P, catalogue: &Catalogue) -> Result<Published, LedgerError> {
    for _ in 0..ATTEMPTS {
        let present = snapshot::present(ports).await?;
        let now = ports.now();
        let mut claims = stated(&catalogue.customers, now)?;
        claims.extend(write_off::claims(ports).await?);
        let own = catalogue.directory(now)?.version().to_owned();
        let (part, _) = keep_shard(ports, &present.directory, claims).await?;
        let parties = keep_parties(ports, &[]).await?;
        let manifest = Manifest { parties, recorded_at: now, shards: vec![part] };
        let (version, facts) = (manifest.version(), manifest.claims());
        if present.directory.version() == version && present.head.is_some() {
            return Ok(Published { version, changed: false, facts });
        }
        let head = next_head(&present, version.clone(), now, own);
        if put_in_force(ports, &present, &manifest, head, Vec::new()).await? == Transacted::Done {
            return Ok(Published { version, changed: true, facts });
        }
    }
    Err(LedgerError::Contended(names::DIRECTORY.to_owned()))
}

/// The head that follows the one in force.
pub fn next_head(present: &Present, version: String, recorded_at: Instant, catalogue: String) -> DirectoryHead {
    let before = present.head.as_ref().map(|(head, _)| head);
    let count = before.map_or(0, |head| head.count).saturating_add(1);
    let organisations = before.map(|head| head.organisations.clone()).unwrap_or_default();
    DirectoryHead { count, version, recorded_at, catalogue, accepted: None, organisations }
}

/// The present directory; an empty one before the first publication.
///
/// # Errors
/// [`LedgerError`].
pub async fn current<P: Ports>(ports: &P) -> Result<Directory, LedgerError> {
    Ok(snapshot::present(ports).await?.directory)
}

/// A month of one stream of one deployment, with the customer's id: for dashboards and for the
/// customer's record. A cache; nothing is priced from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// The customer, where the directory knows one.
    pub account: String,
    /// The deployment.
    pub deployment: String,
    /// The stream.
    pub stream: String,
    /// Its unit.
    pub unit: String,
    /// The month in the customer's billing zone.
    pub month: String,
    /// By the stream's rule for a month.
    pub total: Exact,
    /// By the stream's rule for a day; days without usage are left out.
    pub days: BTreeMap<NaiveDate, Exact>,
    /// The version of the directory that named the customer.
    pub directory: String,
}

/// What an enrichment found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enriched {
    /// Counters of the month.
    pub counters: usize,
    /// Those that changed.
    pub written: usize,
    /// Usage of the month that nobody owns.
    pub held: Vec<Held>,
}

/// Derives a month's counters from the rollups and the present directory and writes those that
/// changed.
///
/// # Errors
/// [`LedgerError`].
pub async fn enrich<P: Ports>(ports: &P, catalogue: &Catalogue, month: &str) -> Result<Enriched, LedgerError> {
    let counters = Counters::read(ports, catalogue, month).await?;
    let mut enriched = Enriched::default();
    for customer in counters.catalogue.customers.values() {
        for counter in counters.of(ports, customer).await? {
            enriched.counters = enriched.counters.saturating_add(1);
            enriched.written = enriched.written.saturating_add(usize::from(keep(ports, &counter).await?));
        }
    }
    enriched.held = counters.held(ports).await?;
    Ok(enriched)
}

/// A month's usage with the directory that says whose it is: what counters are derived from.
pub struct Counters {
    /// With the directory's accounts among its customers.
    pub catalogue: Catalogue,
    directory: Directory,
    counted: Counted,
    month: String,
    window: Span,
}

impl Counters {
    /// Reads a month, `YYYY-MM`.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn read<P: Ports>(ports: &P, catalogue: &Catalogue, month: &str) -> Result<Self, LedgerError> {
        let directory = current(ports).await?;
        let (catalogue, _) = catalogue.joined(directory.parties());
        let window = window(&catalogue, month)?;
        let counted = Counted::read(ports, Some(window)).await?;
        Ok(Self { catalogue, directory, counted, month: month.to_owned(), window })
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The counters of one customer.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn of<P: Ports>(&self, ports: &P, customer: &Customer) -> Result<Vec<Counter>, LedgerError> {
        let period = Period::parse_month(&self.month, customer.zone)?;
        let mut counters = Vec::new();
        for deployment in ownership::deployments(&self.directory, &customer.id) {
            let spans = ownership::owned_by(&self.directory, deployment, &customer.id, period.span()?);
            let cells = self.counted.usage.of(ports, [deployment], self.window).await?;
            for stream in self.catalogue.streams.values() {
                let owned = BTreeMap::from([(deployment, spans.clone())]);
                let measured = ownership::measured(&cells, stream, &period, &owned)?;
                if measured.samples > 0 {
                    counters.push(counter(&customer.id, deployment, stream, &period, &measured, &self.directory));
                }
            }
        }
        Ok(counters)
    }

    /// The usage that nobody owns.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn held<P: Ports>(&self, ports: &P) -> Result<Vec<Held>, LedgerError> {
        held(ports, &self.counted, &self.catalogue, &self.directory, &self.month).await
    }
}

/// The usage of a month that nobody owns, a deployment in memory at a time.
///
/// # Errors
/// [`LedgerError`].
pub(crate) async fn held<P: Ports>(
    ports: &P,
    counted: &Counted,
    catalogue: &Catalogue,
    directory: &Directory,
    month: &str,
) -> Result<Vec<Held>, LedgerError> {
    let (period, window) = (Period::parse_month(month, catalogue.seller.zone)?, window(catalogue, month)?);
    let mut found = Vec::new();
    for deployment in counted.usage.deployments(window) {
        let cells = counted.usage.of(ports, [deployment], window).await?;
        found.extend(ownership::held(&cells, catalogue, directory, &period)?);
    }
    Ok(found)
}

fn counter(
    account: &str,
    deployment: &str,
    stream: &Stream,
    period: &Period,
    measured: &Measurement,
    directory: &Directory,
) -> Counter {
    Counter {
        account: account.to_owned(),
        deployment: deployment.to_owned(),
        stream: stream.name.clone(),
        unit: stream.unit.clone(),
        month: period.label(),
        total: measured.total,
        days: measured.days.iter().filter(|(_, quantity)| !quantity.is_zero()).copied().collect(),
        directory: directory.version().to_owned(),
    }
}

/// Writes a counter unless it says already the same; whether it was written.
async fn keep<P: Ports>(ports: &P, counter: &Counter) -> Result<bool, LedgerError> {
    let sort = format!("{}#{}#{}", counter.month, counter.stream, counter.account);
    let key = Key::new(names::counters(&counter.deployment), sort);
    let body = serde_json::to_string(counter).map_err(|error| LedgerError::malformed("counter", error))?;
    if ports.get(Table::Rollup, &key).await?.is_some_and(|item| item.body == body) {
        return Ok(false);
    }
    ports.write(Write::put(Table::Rollup, key, body)).await?;
    Ok(true)
}

/// All instants that may matter for a month in any customer's zone, with what streams look back.
///
/// # Errors
/// [`LedgerError::Period`].
pub fn window(catalogue: &Catalogue, month: &str) -> Result<Span, LedgerError> {
    /// Zones differ from UTC by less than a day.
    const ZONE_QUARTERS: i64 = 96;
    const QUARTER_MS: i64 = 900_000;
    let span = Period::parse_month(month, chrono_tz::Tz::UTC)?.span()?;
    let lookback = catalogue.streams.values().map(Stream::lookback_quarters).max().unwrap_or(0);
    let before = lookback.saturating_add(ZONE_QUARTERS).saturating_mul(QUARTER_MS);
    let after = ZONE_QUARTERS.saturating_mul(QUARTER_MS);
    Ok(Span { from: Instant(span.from.0.saturating_sub(before)), until: Instant(span.until.0.saturating_add(after)) })
}
