//! Back into Salesforce: summaries of usage and invoices, created or changed by an external id, so that a repeat
//! changes nothing. Off unless the catalogue names the objects, and with a credential of its own.

use std::collections::BTreeMap;

use catalog::salesforce::Target;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::client::{Call, Client, Edge};
use crate::complaint::{Item as Complained, shortened};
use crate::fault::Fault;
use crate::transport::Method;

/// Salesforce takes no more in one call.
pub const BATCH: usize = 200;
/// An item that passes is sent again this often.
const TRIES: u32 = 5;
/// Between two attempts, at first.
const FIRST_MS: u64 = 1_000;

/// Words with which an item may be sent again.
const PASSING: [&str; 4] =
    ["UNABLE_TO_LOCK_ROW", "ALL_OR_NONE_OPERATION_ROLLED_BACK", "SERVER_UNAVAILABLE", "REQUEST_RUNNING_TOO_LONG"];

/// A value to write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// A text, a day, an id.
    Text(String),
    /// A decimal number, digit by digit.
    Number(String),
}

/// One record to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its external id.
    pub key: String,
    /// Whose it is: records of one account go together, so that they do not lock each other out.
    pub account: String,
    /// By the names that the catalogue maps to fields.
    pub values: BTreeMap<String, Value>,
}

/// A record that Salesforce does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dead {
    /// Its external id.
    pub key: String,
    /// Why.
    pub reason: String,
}

/// What a writing came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Records that are there now.
    pub written: usize,
    /// Records that are not, and will not be until somebody mends something.
    pub dead: Vec<Dead>,
}

/// Records in batches: by account, each external id once, the last of each.
#[must_use]
pub fn batches(records: Vec<Record>) -> Vec<Vec<Record>> {
    let unique: BTreeMap<String, Record> = records.into_iter().map(|record| (record.key.clone(), record)).collect();
    let mut all: Vec<Record> = unique.into_values().collect();
    all.sort_by(|a, b| (&a.account, &a.key).cmp(&(&b.account, &b.key)));
    all.chunks(BATCH).map(<[Record]>::to_vec).collect()
}

#[derive(Deserialize)]
struct Answer {
    success: bool,
    #[serde(default)]
    errors: Vec<Complained>,
}

/// Writes records. An item that fails keeps no other from being written.
///
/// # Errors
/// [`Fault`] where a call as a whole comes to nothing; what was written by then stays, and is written again unchanged.
pub async fn write<E: Edge>(client: &Client<'_, E>, target: &Target, records: Vec<Record>) -> Result<Written, Fault> {
    let mut outcome = Written::default();
    for mut batch in batches(records) {
        for attempt in 0..=TRIES {
            let again = send(client, target, &batch, attempt == TRIES, &mut outcome).await?;
            batch = again;
            if batch.is_empty() {
                break;
            }
            if !client.pause(FIRST_MS.checked_shl(attempt).unwrap_or(FIRST_MS)).await {
                return Err(Fault::Deadline(format!("{} records were to be sent again", batch.len())));
            }
        }
    }
    Ok(outcome)
}

/// Sends a batch; the records to send again.
async fn send<E: Edge>(
    client: &Client<'_, E>,
    target: &Target,
    batch: &[Record],
    last: bool,
    outcome: &mut Written,
) -> Result<Vec<Record>, Fault> {
    let what = format!("the writing of {}", target.object);
    let path = client.path(&format!("/composite/sobjects/{}/{}", target.object, target.key));
    let call = Call::send(Method::Patch, path, body(target, batch)?)
        // A rule against duplicates that only warns a person must not keep a record from being written.
        .with("sforce-duplicate-rule-header", "allowSave=true");
    let response = client.call(&what, &call).await?;
    let results: Vec<Answer> =
        serde_json::from_slice(&response.body).map_err(|error| Fault::broken(what.clone(), error))?;
    if results.len() != batch.len() {
        return Err(Fault::broken(what, format!("{} records were sent, {} answers came", batch.len(), results.len())));
    }
    let mut again = Vec::new();
    for (record, result) in batch.iter().zip(results) {
        let passes = result.errors.iter().any(|error| PASSING.contains(&error.code.as_str()));
        if result.success {
            outcome.written = outcome.written.saturating_add(1);
        } else if passes && !last {
            again.push(record.clone());
        } else {
            let reasons = result.errors.iter().map(|error| format!("{}: {}", error.code, shortened(&error.message)));
            outcome.dead.push(Dead { key: record.key.clone(), reason: reasons.collect::<Vec<_>>().join("; ") });
        }
    }
    Ok(again)
}

/// The text of a call: numbers as they are, without passing through floating point.
fn body(target: &Target, batch: &[Record]) -> Result<String, Fault> {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut records = Vec::with_capacity(batch.len());
    for record in batch {
        let mut fields = vec![
            format!(r#""attributes":{{"type":{}}}"#, quoted(&target.object)),
            format!("{}:{}", quoted(&target.key), quoted(&record.key)),
        ];
        for (name, field) in &target.fields {
            let text = match record.values.get(name) {
                None => continue,
                Some(Value::Text(text)) => quoted(text),
                Some(Value::Number(text)) => serde_json::from_str::<Box<RawValue>>(text)
                    .map_err(|_| Fault::broken(format!("the value `{name}`"), "it is no number"))?
                    .get()
                    .to_owned(),
            };
            fields.push(format!("{}:{text}", quoted(field)));
        }
        records.push(format!("{{{}}}", fields.join(",")));
    }
    Ok(format!(r#"{{"allOrNone":false,"records":[{}]}}"#, records.join(",")))
}
