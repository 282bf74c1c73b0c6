//! A refresh every minute, a sweep every hour, a restatement when somebody asks for one.

use std::sync::Arc;

use chrono_tz::Tz;
use lambda::events::schedule::{self, Aggregate, Restate};
use lambda::{Context, Failure};
use ledger::aggregate::refresh;
use ledger::counted::sweep;
use ledger::error::LedgerError;
use ledger::ports::Clock;
use ledger::restate::restate;
use metering::period::start_of_day;
use metering::time::Instant;
use serde_json::{Value, json};

/// Does what the schedule or a person asked for; the answer says what was done.
pub async fn handle(context: Arc<Context>, payload: Value) -> Result<Value, Failure> {
    match schedule::aggregate(payload)? {
        Aggregate::Refresh => refreshed(&context).await,
        Aggregate::Sweep => swept(&context).await,
        Aggregate::Restate(range) => restated(&context, &range).await,
    }
}

/// Says that a range is to be read again, and asks for its files. The hourly sweep goes on with those that are not
/// found now, and no month closes before all are read.
async fn restated(context: &Context, range: &Restate) -> Result<Value, Failure> {
    let configuration = context.configuration().await?;
    let midnight = |day| start_of_day(Tz::UTC, day).map_err(LedgerError::from);
    let (from, until) = (midnight(range.from)?, midnight(range.until)?);
    let said = restate(&context.ports, &configuration.catalogue, &range.source, (from, until)).await?;
    tracing::info!(source = said.source, mapping = said.mapping, %from, %until, "restated");
    let mut answer = swept(context).await?;
    answer["mapping"] = said.mapping.into();
    Ok(answer)
}

async fn refreshed(context: &Context) -> Result<Value, Failure> {
    let done = refresh(&context.ports).await?;
    if done.slots > 0 {
        tracing::info!(slots = done.slots, tallies = done.tallies, "refreshed");
    }
    Ok(json!({ "slots": done.slots, "tallies": done.tallies }))
}

async fn swept(context: &Context) -> Result<Value, Failure> {
    let configuration = context.configuration().await?;
    // What has a hint is on its way into a rollup already; refreshed first, it is not asked for again.
    refresh(&context.ports).await?;
    // A younger file has a notification under way: asking for it as well would only be work.
    let settle_ms = context.settle_minutes.saturating_mul(60_000);
    let before = Instant(context.ports.now().0.saturating_sub(settle_ms));
    let audit = sweep(&context.ports, &configuration.catalogue, before).await?;
    let (objects, compared, asked_for) = (audit.objects, audit.compared, audit.missing.len());
    let (held, unread) = (audit.held.len(), audit.unread.len());
    tracing::info!(objects, compared, asked_for, held, unread, "swept");
    for (key, reason) in &audit.held {
        tracing::warn!(key, reason, "counts nothing until somebody has looked");
    }
    Ok(json!({ "objects": objects, "askedFor": asked_for, "held": held, "unread": unread }))
}
