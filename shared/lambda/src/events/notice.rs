//! One message, unwrapped down to the objects it names.

use aws_lambda_events::eventbridge::EventBridgeEvent;
use aws_lambda_events::s3::S3EventRecord;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{EventError, Notice, ObjectRef, key, malformed, parse};

/// EventBridge in SNS in SQS is two; anything deeper is a mistake or malice.
const NESTING_LIMIT: u8 = 4;

/// Reads a message that is JSON in a text.
pub fn read_text(place: &'static str, text: &str, depth: u8) -> Result<Notice, EventError> {
    let value = serde_json::from_str(text).map_err(|error| EventError::NotJson { place, reason: error.to_string() })?;
    read(value, depth)
}

/// Reads an S3 notification, an EventBridge event, a test event, or an SNS envelope around one.
pub fn read(value: Value, depth: u8) -> Result<Notice, EventError> {
    if depth > NESTING_LIMIT {
        return Err(EventError::TooDeep { limit: NESTING_LIMIT });
    }
    let has = |field: &str| value.get(field).is_some_and(|value| !value.is_null());
    if has("Records") {
        s3_notification(value)
    } else if has("Event") && has("Service") {
        service_event(&value)
    } else if has("detail-type") {
        eventbridge(value)
    } else if has("Type") && has("Message") {
        sns_envelope(value, depth)
    } else {
        Err(EventError::UnknownKind { found: describe(&value) })
    }
}

/// `{"Service":"Amazon S3","Event":"s3:TestEvent",…}`: S3 sends one when a notification is set up.
fn service_event(value: &Value) -> Result<Notice, EventError> {
    match value.get("Event").and_then(Value::as_str) {
        Some("s3:TestEvent") => Ok(ignored("s3:TestEvent")),
        other => Err(EventError::UnknownKind { found: format!("Event: {}", other.unwrap_or("?")) }),
    }
}

#[derive(Deserialize)]
struct Records {
    #[serde(rename = "Records")]
    records: Vec<Value>,
}

fn s3_notification(value: Value) -> Result<Notice, EventError> {
    let mut notice = Notice::default();
    for record in parse::<Records>("S3 notification", value)?.records {
        s3_record(record, &mut notice)?;
    }
    Ok(notice)
}

fn s3_record(record: Value, notice: &mut Notice) -> Result<(), EventError> {
    let source = record.get("eventSource").and_then(Value::as_str).unwrap_or_default();
    if source != "aws:s3" {
        return Err(EventError::UnknownKind { found: format!("eventSource: '{source}'") });
    }
    let record: S3EventRecord = parse("S3 record", record)?;
    let name = record.event_name.unwrap_or_default();
    // Replication and lifecycle events bear the prefix, ordinary ones do not.
    if !name.trim_start_matches("s3:").starts_with("ObjectCreated:") {
        notice.ignored.push(name);
        return Ok(());
    }
    let bucket = required(record.s3.bucket.name, "S3 record", "s3.bucket.name")?;
    let encoded = required(record.s3.object.key, "S3 record", "s3.object.key")?;
    notice.objects.push(object(bucket, encoded, |encoded| key::decode(&encoded))?);
    Ok(())
}

/// The part of an event's detail that is read. The etag (in lower case here, `eTag` in
/// notifications) and the version are not: whatever the key holds when it is read is what counts.
#[derive(Deserialize, Serialize)]
struct Detail {
    bucket: DetailBucket,
    object: DetailObject,
}

#[derive(Deserialize, Serialize)]
struct DetailBucket {
    name: String,
}

#[derive(Deserialize, Serialize)]
struct DetailObject {
    key: String,
}

/// An event of `aws.s3` from EventBridge.
///
/// Its key is **not** encoded, unlike that of a notification: AWS documents the encoding for
/// notifications only, and AWS's own Media Lake guidance removed decoding from its EventBridge path
/// after trying keys like `%2B++ %20.mp3` and `test+b.png`:
/// <https://github.com/aws-solutions-library-samples/guidance-for-medialake-on-aws/pull/21>.
/// (Powertools for Python does decode it, and so cannot find an object with a plus in its key.)
fn eventbridge(value: Value) -> Result<Notice, EventError> {
    let event: EventBridgeEvent<Value> = parse("EventBridge event", value)?;
    if event.source != "aws.s3" {
        return Err(EventError::UnknownKind { found: format!("source: '{}'", event.source) });
    }
    if event.detail_type != "Object Created" {
        return Ok(ignored(event.detail_type));
    }
    let detail: Detail = parse("detail of the EventBridge event", event.detail)?;
    let object = object(detail.bucket.name, detail.object.key, key::plain)?;
    Ok(Notice { objects: vec![object], ignored: Vec::new() })
}

/// An SNS message as SQS delivers it, when raw delivery is off.
///
/// Not `aws_lambda_events::sns::SnsMessage`: that one demands the signature, which raw producers
/// and local servers leave out, and nothing here verifies it; who may send is the queue's policy.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope {
    r#type: String,
    message: String,
}

fn sns_envelope(value: Value, depth: u8) -> Result<Notice, EventError> {
    let envelope: Envelope = parse("SNS envelope", value)?;
    if envelope.r#type != "Notification" {
        return Err(EventError::UnknownKind { found: format!("SNS {}", envelope.r#type) });
    }
    read_text("SNS message", &envelope.message, depth.saturating_add(1))
}

fn object(
    bucket: String,
    received: String,
    decode: impl Fn(String) -> Result<String, key::KeyError>,
) -> Result<ObjectRef, EventError> {
    match decode(received.clone()) {
        Ok(key) => Ok(ObjectRef { bucket, key }),
        Err(reason) => Err(EventError::Key { bucket, key: received, reason }),
    }
}

fn required(value: Option<String>, kind: &'static str, field: &'static str) -> Result<String, EventError> {
    value.ok_or_else(|| malformed(kind, format!("{field} is missing")))
}

fn ignored(name: impl Into<String>) -> Notice {
    Notice { objects: Vec::new(), ignored: vec![name.into()] }
}

/// The names of the fields, never their values: a payload does not belong in a log.
fn describe(value: &Value) -> String {
    match value {
        Value::Object(fields) if fields.is_empty() => "an empty object".to_owned(),
        Value::Object(fields) => {
            let names: Vec<&str> = fields.keys().take(8).map(String::as_str).collect();
            format!("an object with the fields {}", names.join(", "))
        }
        Value::Array(_) => "an array".to_owned(),
        _ => "not an object".to_owned(),
    }
}
