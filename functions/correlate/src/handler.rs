//! The directory first, then the counters of this month and the one before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_secretsmanager::Client;
use catalog::Catalogue;
use catalog::salesforce::Id;
use lambda::events::schedule::{self, Correlate, Month};
use lambda::{Context, Failure};
use ledger::correlate::{Published, enrich, publish};
use ledger::ports::Clock;
use ledger::write_off::{self, Part, waits};
use metering::time::Instant;
use salesforce::correlate::{Options, Told, correlate};
use salesforce::http::Http;
use salesforce::reading::Changed;
use serde_json::{Value, json};
use store::SystemClock;

use crate::back;
use crate::secrets::Secret;

/// How long Salesforce may be read; the counters come after, within the function's fifteen minutes.
const READING_MS: i64 = 10 * 60_000;

/// Publishes the directory and derives the counters; the answer says what changed. Or one of the things that a person
/// asks for.
pub async fn handle(context: Arc<Context>, payload: Value) -> Result<Value, Failure> {
    let configuration = context.configuration().await?;
    let catalogue = &configuration.catalogue;
    match schedule::correlate(payload)? {
        Correlate::Read { accept } => publish_and_count(&context, catalogue, accept, None).await,
        Correlate::Changed { organisation, object, ids } => {
            let changed = hint(&organisation, object, &ids);
            publish_and_count(&context, catalogue, None, changed).await
        }
        Correlate::WriteOff(asked) => {
            let done = write_off(&context, catalogue, &asked).await?;
            publish_and_count(&context, catalogue, None, None).await?;
            Ok(done)
        }
        Correlate::WriteBack { redrive } => back::write(&context, catalogue, &months(&context), redrive).await,
    }
}

/// Writes off what nobody is billed for, or takes that back.
async fn write_off(context: &Context, catalogue: &Catalogue, asked: &schedule::WriteOff) -> Result<Value, Failure> {
    let schedule::WriteOff { deployment, month, by, reason, from, until, undo } = asked;
    let said = (by.as_str(), reason.as_str());
    if *undo {
        let done = write_off::undo(&context.ports, catalogue, (deployment, month), said).await?;
        tracing::warn!(deployment, month, by, reason, "no longer written off");
        return Ok(json!({ "taken-back": done }));
    }
    let part = Part { deployment, month, from: *from, until: *until };
    let done = write_off::write_off(&context.ports, catalogue, part, said).await?;
    tracing::warn!(done.deployment, done.month, done.by, done.reason, "written off");
    Ok(json!({ "written-off": done }))
}

/// What to read again. An id that is none, or an organisation's, means to look at everything that is new.
fn hint(organisation: &str, object: String, ids: &[String]) -> Option<Changed> {
    let ids: Result<Vec<Id>, _> = ids.iter().map(|id| Id::parse(id)).collect();
    let organisation = Id::parse(organisation).ok()?;
    Some(Changed { organisation, object, ids: ids.unwrap_or_default() }).filter(|changed| !changed.object.is_empty())
}

async fn publish_and_count(
    context: &Context,
    catalogue: &Catalogue,
    accept: Option<String>,
    changed: Option<Changed>,
) -> Result<Value, Failure> {
    let hinted = changed.is_some();
    let (published, kept) = if catalogue.has_organisations() {
        read(context, catalogue, accept, changed).await?
    } else {
        (publish(&context.ports, catalogue).await?, Vec::new())
    };
    tracing::info!(version = published.version, changed = published.changed, facts = published.facts, "directory");
    let (mut counters, mut unowned) = (0_usize, BTreeSet::new());
    // Where a hint changed nothing, the schedule's next run is soon enough.
    for month in months(context).into_iter().filter(|_| published.changed || !hinted) {
        let enriched = enrich(&context.ports, catalogue, &month.to_string()).await?;
        tracing::info!(%month, counters = enriched.counters, written = enriched.written, "counters");
        counters = counters.saturating_add(enriched.written);
        let waiting = enriched.held.into_iter().filter(|held| waits(held.reason));
        unowned.extend(waiting.map(|held| held.deployment));
    }
    for deployment in &unowned {
        tracing::warn!(deployment, "reports usage but belongs to no customer; it is billed once it does");
    }
    // After all that can be done without it: an alarm rings, and the directory stays as it was.
    if !kept.is_empty() {
        return Err(Failure::Organisations(kept.join("; ")));
    }
    let (version, changed) = (published.version, published.changed);
    Ok(json!({ "directory": version, "changed": changed, "counters": counters, "unowned": unowned }))
}

/// Reads the organisations and publishes; with what keeps which of them as it was and does not pass by itself.
async fn read(
    context: &Context,
    catalogue: &Catalogue,
    accept: Option<String>,
    changed: Option<Changed>,
) -> Result<(Published, Vec<String>), Failure> {
    let edges = edges(catalogue, context.salesforce_secret.as_deref()).await?;
    let deadline = Instant(context.ports.now().0.saturating_add(READING_MS));
    let report = correlate(&context.ports, catalogue, &edges, &Options { deadline, accept, changed }).await?;
    let mut kept = Vec::new();
    for (name, told) in report.organisations {
        match told {
            Told::Read { rows, calls } => tracing::info!(name, rows, calls, "read"),
            Told::Waiting(objects) => tracing::info!(name, ?objects, "Salesforce is still at it; the next run goes on"),
            Told::Kept(reason, passes) => {
                tracing::warn!(name, passes, reason, "not read; the directory stays as it was");
                if !passes {
                    kept.push(format!("{name}: {reason}"));
                }
            }
        }
    }
    Ok((report.published, kept))
}

/// The organisations with the credentials of a secret; none without one.
pub async fn edges(
    catalogue: &Catalogue,
    secret: Option<&str>,
) -> Result<BTreeMap<String, Http<SystemClock, Secret>>, Failure> {
    let mut edges = BTreeMap::new();
    let Some(arn) = secret else { return Ok(edges) };
    let sdk = store::aws::sdk_config(None).await;
    let (secrets, kms) = (Client::new(&sdk), aws_sdk_kms::Client::new(&sdk));
    for name in catalogue.salesforce.keys() {
        let clock = SystemClock::new().map_err(|error| Failure::Organisations(error.to_string()))?;
        let edge =
            Http::new(clock, Secret::new(secrets.clone(), kms.clone(), arn, name)).map_err(Failure::Organisations)?;
        edges.insert(name.clone(), edge);
    }
    Ok(edges)
}

/// Late files still change last month.
fn months(context: &Context) -> Vec<Month> {
    let Some(now) = context.ports.now().to_utc() else { return Vec::new() };
    Month::before(now).into_iter().chain([Month::of(now)]).collect()
}
