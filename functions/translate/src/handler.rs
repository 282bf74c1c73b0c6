//! From an event to the objects it names, and each of those to its tally.

use std::sync::Arc;

use aws_lambda_events::sqs::SqsBatchResponse;
use lambda::events::{self, Notice, ObjectRef};
use lambda::{Context, Failure, batch};
use ledger::configuration::Configuration;
use ledger::translate::{Outcome, translate};
use serde_json::Value;

/// Translates every object that the event names; the answer lists the messages to deliver again.
pub async fn handle(context: Arc<Context>, payload: Value) -> Result<SqsBatchResponse, Failure> {
    let messages = events::decode(payload)?;
    let configuration = context.configuration().await?;
    let work = |notice| work(Arc::clone(&context), Arc::clone(&configuration), notice);
    batch::each(messages, work).await
}

async fn work(context: Arc<Context>, configuration: Arc<Configuration>, notice: Notice) -> Result<(), Failure> {
    for event in notice.ignored {
        tracing::info!(event, "not about a new object; passed over");
    }
    for object in notice.objects {
        translate_object(&context, &configuration, object).await?;
    }
    Ok(())
}

async fn translate_object(context: &Context, configuration: &Configuration, object: ObjectRef) -> Result<(), Failure> {
    if object.bucket != context.usage_bucket {
        return Err(Failure::OtherBucket { named: object.bucket, usage: context.usage_bucket.clone() });
    }
    let outcome = translate(&context.ports, &configuration.catalogue, &object.key).await?;
    log(&object.key, &outcome);
    Ok(())
}

/// One line per object. What needs a person is a warning here and stands on the attention list.
fn log(key: &str, outcome: &Outcome) {
    match outcome {
        Outcome::Tallied(counts) => tracing::info!(
            key,
            records = counts.records,
            tallied = counts.tallied,
            filtered = counts.filtered,
            rejected = counts.rejected,
            "tallied"
        ),
        Outcome::Repeated => tracing::info!(key, "tallied before"),
        Outcome::Ignored(reason) => tracing::info!(key, reason, "ignored"),
        Outcome::Quarantined(reason) => tracing::warn!(key, reason, "in quarantine: nothing of it counts"),
        Outcome::Conflict => tracing::warn!(key, "overwritten with other content: the first content counts"),
        Outcome::Unclaimed(reason) => tracing::warn!(key, reason, "not read"),
    }
}
