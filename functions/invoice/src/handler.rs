//! One month, every account: close what can be closed, publish what is issued, say what waits.

use std::sync::Arc;

use invoicing::Invoice;
use lambda::events::schedule::{self, Month};
use lambda::{Context, Failure};
use ledger::error::LedgerError;
use ledger::invoice::{Closed, Options, Outcome, close, publish};
use ledger::ports::Clock;
use serde_json::{Value, json};

/// This long after its end a month that still waits is no longer routine: the run fails, an alarm rings.
const OVERDUE_MS: i64 = 4 * 86_400_000;

/// What the run came to, by account.
#[derive(Default)]
struct Summary {
    issued: Vec<String>,
    repeated: Vec<String>,
    waiting: Vec<String>,
    failed: Vec<String>,
}

/// Closes the month; the answer lists the accounts by what came of them. Repeating it changes nothing.
pub async fn handle(context: Arc<Context>, payload: Value) -> Result<Value, Failure> {
    let month = schedule::invoice(payload)?;
    let configuration = context.configuration().await?;
    let options = Options { month: month.to_string(), settle_minutes: context.settle_minutes, preview: false };
    let closed = close(&context.ports, &configuration, &options).await?;
    report(&closed);
    let mut summary = Summary::default();
    let late = closed.late.into_iter().map(|((month, account), outcome)| (format!("{account} for {month}"), outcome));
    for (account, outcome) in late.chain(closed.accounts) {
        account_closed(&context, account, outcome, &mut summary).await?;
    }
    answer(&context, month, &summary)
}

/// What concerns the month as a whole.
fn report(closed: &Closed) {
    let (files, records) = (closed.files, closed.records);
    let (objects, unread) = (closed.audit.objects, closed.audit.unread.len());
    tracing::info!(files, records, objects, unread, "audited");
    for held in &closed.held {
        tracing::warn!(deployment = held.deployment, stream = held.stream, "usage that nobody is billed for");
    }
    for beyond in &closed.beyond {
        tracing::warn!(%beyond, "usage that came too late");
    }
}

async fn account_closed(
    context: &Context,
    account: String,
    outcome: Outcome,
    summary: &mut Summary,
) -> Result<(), Failure> {
    match outcome {
        Outcome::Issued(invoice, new) => {
            let (number, total) = (&invoice.number, &invoice.total);
            tracing::info!(account, number, total, currency = invoice.currency, new, "issued");
            match publish(&context.ports, &invoice, typeset).await {
                Ok(_) if new => summary.issued.push(account),
                Ok(_) => summary.repeated.push(account),
                Err(LedgerError::Billing { reason, .. }) => {
                    tracing::error!(account, reason, "issued, but cannot be typeset; it is tried again with each run");
                    summary.failed.push(account);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Outcome::Waiting(reasons) => {
            for reason in reasons {
                tracing::warn!(account, reason, "cannot be closed yet");
            }
            summary.waiting.push(account);
        }
        Outcome::Failed(reason) => {
            tracing::error!(account, reason, "cannot be priced");
            summary.failed.push(account);
        }
        // Only a preview makes drafts, and this is none.
        Outcome::Draft(_) => {}
    }
    Ok(())
}

fn typeset(invoice: &Invoice) -> Result<Vec<u8>, String> {
    render::pdf(invoice).map_err(|error| error.to_string())
}

fn answer(context: &Context, month: Month, summary: &Summary) -> Result<Value, Failure> {
    let Summary { issued, repeated, waiting, failed } = summary;
    let end = month.end().map_or(i64::MAX, |end| end.timestamp_millis());
    let overdue = context.ports.now().0 > end.saturating_add(OVERDUE_MS);
    if !failed.is_empty() || (overdue && !waiting.is_empty()) {
        let stuck = [failed.as_slice(), waiting.as_slice()].concat().join(", ");
        return Err(Failure::Unclosed(format!(
            "{month} is not closed for {stuck}; the log says why for each; the other accounts are done"
        )));
    }
    Ok(json!({ "month": month.to_string(), "issued": issued, "repeated": repeated, "waiting": waiting }))
}
