//! Summaries and invoices into Salesforce, with a credential of their own.

use catalog::Catalogue;
use lambda::events::schedule::Month;
use lambda::{Context, Failure};
use ledger::ports::Clock;
use metering::time::Instant;
use salesforce::reading::ReadError;
use salesforce::written::{Options, write_back};
use serde_json::{Value, json};

use crate::handler::edges;

/// How long Salesforce may be written to.
const WRITING_MS: i64 = 14 * 60_000;

/// Writes what is new to every organisation for which the catalogue names objects. Fails while anything is refused, so
/// that an alarm rings; everything else is written by then.
pub async fn write(
    context: &Context,
    catalogue: &Catalogue,
    months: &[Month],
    redrive: bool,
) -> Result<Value, Failure> {
    let edges = edges(catalogue, context.salesforce_write_secret.as_deref()).await?;
    let deadline = Instant(context.ports.now().0.saturating_add(WRITING_MS));
    let months: Vec<String> = months.iter().map(ToString::to_string).collect();
    let (mut written, mut unchanged, mut failed) = (0_usize, 0_usize, Vec::new());
    for (name, organisation) in &catalogue.salesforce {
        if organisation.write_back.is_none() {
            continue;
        }
        let Some(edge) = edges.get(name) else {
            failed.push(format!("{name}: there is no credential for writing back"));
            continue;
        };
        let options = Options { deadline, months: months.clone(), redrive };
        match Box::pin(write_back(&context.ports, catalogue, organisation, edge, &options)).await {
            Ok(report) => {
                written = written.saturating_add(report.written);
                unchanged = unchanged.saturating_add(report.unchanged);
                for refused in &report.refused {
                    tracing::warn!(name, refused.object, refused.key, refused.reason, "Salesforce refuses a record");
                }
                if let Some(first) = report.refused.first() {
                    let count = report.refused.len();
                    failed.push(format!("{name}: {count} records are refused, the first is {}", first.key));
                }
            }
            Err(ReadError::Ledger(error)) => return Err(error.into()),
            Err(error) => failed.push(format!("{name}: {error}")),
        }
    }
    tracing::info!(written, unchanged, "written back");
    if failed.is_empty() {
        Ok(json!({ "written": written, "unchanged": unchanged }))
    } else {
        Err(Failure::NotWrittenBack(failed.join("; ")))
    }
}
