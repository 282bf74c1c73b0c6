//! The directory first, then the counters of this month and the one before.

use std::collections::BTreeSet;
use std::sync::Arc;

use lambda::events::schedule::{self, Month};
use lambda::{Context, Failure};
use ledger::correlate::{enrich, publish};
use ledger::ports::Clock;
use serde_json::{Value, json};

/// Publishes the directory and derives the counters; the answer says what changed.
pub async fn handle(context: Arc<Context>, payload: Value) -> Result<Value, Failure> {
    schedule::correlate(payload)?;
    let configuration = context.configuration().await?;
    let catalogue = &configuration.catalogue;
    let published = publish(&context.ports, catalogue).await?;
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
    let (version, changed) = (published.version, published.changed);
    Ok(json!({ "directory": version, "changed": changed, "counters": counters, "unowned": unowned }))
}

/// Late files still change last month.
fn months(context: &Context) -> Vec<Month> {
    let Some(now) = context.ports.now().to_utc() else { return Vec::new() };
    Month::before(now).into_iter().chain([Month::of(now)]).collect()
}
