//! What the functions are invoked with, decoded. Pure: a JSON value in, plain values out.
//!
//! `translate` hears of objects in many wrappings: an S3 notification or an EventBridge event,
//! bare, in an SNS message, in an SQS message, or in an SNS message in an SQS message. [`decode`]
//! unwraps them all and keeps apart what each SQS message asked for, so that only what failed is
//! delivered again. The other functions are invoked by schedules and by people: see [`schedule`].
//!
//! Nothing here says whether an object exists, is the latest, or was seen before: events are hints,
//! repeated, reordered and lost by those who send them. The listing of the bucket is the truth.

mod key;
mod notice;
pub mod schedule;

use aws_lambda_events::sns::SnsRecord;
use aws_lambda_events::sqs::SqsMessage;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use key::KeyError;

/// An object that an event names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectRef {
    /// The bucket's name.
    pub bucket: String,
    /// The key as S3 stores it: no encoding is left on it.
    pub key: String,
}

/// What one message said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notice {
    /// Objects that were created, in the order of the message; may repeat.
    pub objects: Vec<ObjectRef>,
    /// Names of events that are knowingly passed over (`s3:TestEvent`, `ObjectRemoved:Delete`, …),
    /// because a tally never disappears when its file does.
    pub ignored: Vec<String>,
}

/// One unit of retry.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    /// The SQS message id, by which a failure is reported. `None` when the event came without a
    /// queue: then a failure can only fail the whole invocation.
    pub id: Option<String>,
    /// What it said, or why it cannot be understood.
    pub outcome: Result<Notice, EventError>,
}

/// Why an event cannot be understood. Says where and what to look at; an unknown
/// payload is described by the names of its fields, never by their values.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// The text of a message is not JSON.
    #[error("the {place} is not JSON ({reason}); it should hold an S3 notification or an EventBridge event")]
    NotJson {
        /// Which text.
        place: &'static str,
        /// What the JSON reader says.
        reason: String,
    },
    /// The JSON is of no kind that is known here.
    #[error(
        "the event is of no known kind ({found}); known are S3 notifications, s3:TestEvent, \
         EventBridge events of aws.s3, and these inside SNS or SQS messages"
    )]
    UnknownKind {
        /// What distinguishes it: its source, or the names of its fields.
        found: String,
    },
    /// The JSON is of a known kind, but a field is missing or of the wrong type.
    #[error("the {kind} cannot be read: {reason}")]
    Malformed {
        /// Which kind.
        kind: &'static str,
        /// The field and what is wrong with it.
        reason: String,
    },
    /// The object's key is not encoded as S3 encodes keys.
    #[error("the object key '{key}' of bucket '{bucket}' {reason}")]
    Key {
        /// The bucket.
        bucket: String,
        /// The key as received.
        key: String,
        /// What is wrong with it.
        reason: KeyError,
    },
    /// Messages inside messages, deeper than any AWS service makes them.
    #[error("messages are nested more than {limit} deep")]
    TooDeep {
        /// The limit.
        limit: u8,
    },
    /// What a person or a schedule asked for is not a known request.
    #[error("the request cannot be read: {reason}; {expected}")]
    Request {
        /// The field and what is wrong with it.
        reason: String,
        /// What the function understands.
        expected: &'static str,
    },
}

/// Splits an invocation into its messages and decodes each on its own.
///
/// # Errors
///
/// When the event as a whole is of no known kind. A single message that cannot be understood does
/// not fail its neighbours: its error is in [`Message::outcome`].
pub fn decode(payload: Value) -> Result<Vec<Message>, EventError> {
    match source_of_records(&payload).as_deref() {
        Some("aws:sqs") => records(payload)?.into_iter().map(from_sqs).collect(),
        Some("aws:sns") => records(payload)?.into_iter().map(from_sns).collect(),
        _ => Ok(vec![Message { id: None, outcome: Ok(notice::read(payload, 0)?) }]),
    }
}

/// The source that the first of `Records` names: S3 and SQS write `eventSource`, SNS `EventSource`.
fn source_of_records(payload: &Value) -> Option<String> {
    let first = payload.get("Records")?.get(0)?;
    let source = first.get("eventSource").or_else(|| first.get("EventSource"))?;
    source.as_str().map(str::to_owned)
}

/// The elements of `Records`.
fn records(mut payload: Value) -> Result<Vec<Value>, EventError> {
    let records = payload.get_mut("Records").map(Value::take);
    parse("event", records.unwrap_or_default())
}

/// An SQS message. Only one without an id is an error of the whole batch: it could not be reported.
fn from_sqs(record: Value) -> Result<Message, EventError> {
    let message: SqsMessage = parse("SQS record", record)?;
    let Some(id) = message.message_id else {
        return Err(malformed("SQS record", "messageId is missing"));
    };
    let body = message.body.unwrap_or_default();
    Ok(Message { id: Some(id), outcome: notice::read_text("body of the SQS message", &body, 0) })
}

/// A record of SNS invoking the function itself.
fn from_sns(record: Value) -> Result<Message, EventError> {
    let record: SnsRecord = parse("SNS record", record)?;
    let outcome = notice::read_text("SNS message", &record.sns.message, 0);
    Ok(Message { id: None, outcome })
}

fn parse<T: DeserializeOwned>(kind: &'static str, value: Value) -> Result<T, EventError> {
    serde_json::from_value(value).map_err(|error| malformed(kind, error.to_string()))
}

fn malformed(kind: &'static str, reason: impl Into<String>) -> EventError {
    EventError::Malformed { kind, reason: reason.into() }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests;
