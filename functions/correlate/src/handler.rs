//! The directory first, then the counters of this month and the one before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_secretsmanager::Client;
use catalog::Catalogue;
use lambda::events::schedule::{self, Month};
use lambda::{Context, Failure};
use ledger::correlate::{Published, enrich, publish};
use ledger::ports::Clock;
use metering::time::Instant;
use salesforce::correlate::{Options, Told, correlate};
use salesforce::http::Http;
use serde_json::{Value, json};
use store::SystemClock;

use crate::secrets::Secret;

/// How long Salesforce may be read; the counters come after, within the function's fifteen minutes.
const READING_MS: i64 = 10 * 60_000;

/// Publishes the directory and derives the counters; the answer says what changed.
pub async fn handle(context: Arc<Context>, payload: Value) -> Result<Value, Failure> {
    let asked = schedule::correlate(payload)?;
    let configuration = context.configuration().await?;
    let catalogue = &configuration.catalogue;
    let (published, kept) = if catalogue.has_organisations() {
        read(&context, catalogue, asked.accept).await?
    } else {
        (publish(&context.ports, catalogue).await?, Vec::new())
    };
    tracing::info!(version = published.version, changed = published.changed, facts = published.facts, "directory");
    let (mut counters, mut unowned) = (0_usize, BTreeSet::new());
    for month in months(&context) {
        let enriched = enrich(&context.ports, catalogue, &month.to_string()).await?;
        tracing::info!(%month, counters = enriched.counters, written = enriched.written, "counters");
        counters = counters.saturating_add(enriched.written);
        unowned.extend(enriched.held.into_iter().map(|held| held.deployment));
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
) -> Result<(Published, Vec<String>), Failure> {
    let mut edges = BTreeMap::new();
    if let Some(arn) = &context.salesforce_secret {
        let sdk = store::aws::sdk_config(None).await;
        let secrets = Client::new(&sdk);
        for name in catalogue.salesforce.keys() {
            let clock = SystemClock::new().map_err(|error| Failure::Organisations(error.to_string()))?;
            let edge = Http::new(clock, Secret::new(secrets.clone(), arn, name)).map_err(Failure::Organisations)?;
            edges.insert(name.clone(), edge);
        }
    }
    let deadline = Instant(context.ports.now().0.saturating_add(READING_MS));
    let report = correlate(&context.ports, catalogue, &edges, &Options { deadline, accept }).await?;
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

/// Late files still change last month.
fn months(context: &Context) -> Vec<Month> {
    let Some(now) = context.ports.now().to_utc() else { return Vec::new() };
    Month::before(now).into_iter().chain([Month::of(now)]).collect()
}
