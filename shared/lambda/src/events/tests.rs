use serde_json::{Value, json};

use super::*;

/// The events that people send by hand and that the functions' tests deliver: the same files.
macro_rules! sample {
    ($name:literal) => {
        serde_json::from_str::<Value>(include_str!(concat!("../../../../events/", $name, ".json"))).unwrap()
    };
}

const BUCKET: &str = "farthing-usage-111122223333-eu-central-1";

fn object(key: &str) -> ObjectRef {
    ObjectRef { bucket: BUCKET.to_owned(), key: key.to_owned() }
}

fn keys(message: &Message) -> Vec<&str> {
    message.outcome.as_ref().unwrap().objects.iter().map(|object| object.key.as_str()).collect()
}

#[test]
fn each_wrapping_gives_the_key_as_it_is_stored() {
    for (payload, stored) in [
        (sample!("s3-put"), "usage/rotterdam/2026-02-03/04.jsonl"),
        (sample!("s3-put-odd-key"), "usage/Köln Süd+Nord 100%/2026-02-03/05.jsonl"),
        (sample!("eventbridge-object-created"), "usage/rotterdam+delta 50%/2026-02-03/06.jsonl"),
        (sample!("sns-in-sqs"), "usage/rotterdam/2026-02-03/12.jsonl"),
        (sample!("sns-direct"), "usage/rotterdam/2026-02-03/13.jsonl"),
    ] {
        let messages = decode(payload).unwrap();
        assert_eq!(messages.len(), 1, "{stored}");
        let notice = messages[0].outcome.as_ref().unwrap();
        assert_eq!(notice.objects, [object(stored)]);
        assert!(notice.ignored.is_empty());
    }
}

#[test]
fn only_messages_from_a_queue_have_an_id() {
    assert!(decode(sample!("sns-in-sqs")).unwrap()[0].id.is_some());
    assert!(decode(sample!("sns-direct")).unwrap()[0].id.is_none());
    assert!(decode(sample!("s3-put")).unwrap()[0].id.is_none());
}

#[test]
fn a_batch_keeps_its_messages_apart() {
    let messages = decode(sample!("sqs-batch")).unwrap();
    assert_eq!(messages.len(), 3);
    let first = ["usage/rotterdam/2026-02-03/07.jsonl", "usage/rotterdam/2026-02-03/08.jsonl"].as_slice();
    assert_eq!(keys(&messages[0]), first);
    assert_eq!(keys(&messages[1]), [""; 0]);
    assert_eq!(keys(&messages[2]), ["usage/rotterdam+delta 50%/2026-02-03/06.jsonl"]);
}

#[test]
fn a_bad_message_does_not_fail_its_neighbours() {
    let messages = decode(sample!("sqs-batch-one-bad")).unwrap();
    let failed: Vec<bool> = messages.iter().map(|message| message.outcome.is_err()).collect();
    assert_eq!(failed, [false, true, false]);
    let error = messages[1].outcome.as_ref().unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "the object key 'usage/rotterdam%2/2026-02-03/10.jsonl' of bucket '{BUCKET}' \
             has a '%' at byte 15 without two hexadecimal digits after it"
        )
    );
}

#[test]
fn what_creates_nothing_is_ignored_by_name() {
    let glacier = json!({"version": "0", "detail-type": "Object Restore Completed",
        "source": "aws.s3", "detail": {"bucket": {"name": BUCKET}, "object": {"key": "k"}}});
    for (payload, name) in [
        (sample!("s3-test-event"), "s3:TestEvent"),
        (sample!("s3-object-removed"), "ObjectRemoved:DeleteMarkerCreated"),
        (glacier, "Object Restore Completed"),
    ] {
        let messages = decode(payload).unwrap();
        let notice = messages[0].outcome.as_ref().unwrap();
        assert_eq!(notice.ignored, [name]);
        assert!(notice.objects.is_empty());
    }
}

#[test]
fn prefixed_event_names_are_created_too() {
    let mut payload = sample!("s3-put");
    payload["Records"][0]["eventName"] = json!("s3:ObjectCreated:CompleteMultipartUpload");
    assert_eq!(keys(&decode(payload).unwrap()[0]), ["usage/rotterdam/2026-02-03/04.jsonl"]);
}

/// A batch of one message with this body.
fn queued(body: &str) -> Value {
    json!({"Records": [{"messageId": "m-1", "body": body, "eventSource": "aws:sqs"}]})
}

#[test]
fn a_message_of_no_known_kind_fails_alone_with_the_reason() {
    for (body, said) in [
        ("", "is not JSON"),
        ("{\"Records\":", "is not JSON"),
        ("[]", "an array"),
        ("{}", "an empty object"),
        (r#"{"hello":"world"}"#, "fields hello"),
        (r#"{"Service":"Amazon S3","Event":"s3:Other"}"#, "Event: s3:Other"),
        (r#"{"detail-type":"Object Created","source":"aws.ec2","detail":{}}"#, "source: 'aws.ec2'"),
        (r#"{"detail-type":"Object Created","source":"aws.s3","detail":{}}"#, "missing field"),
        (r#"{"Type":"SubscriptionConfirmation","Message":"m"}"#, "SNS SubscriptionConfirmation"),
        (r#"{"Records":[{"eventSource":"aws:dynamodb"}]}"#, "eventSource: 'aws:dynamodb'"),
        (r#"{"Records":[{"eventSource":"aws:s3"}]}"#, "missing field"),
        (r#"{"Records":{}}"#, "S3 notification cannot be read"),
    ] {
        let messages = decode(queued(body)).unwrap();
        assert_eq!(messages[0].id.as_deref(), Some("m-1"));
        let error = messages[0].outcome.as_ref().unwrap_err().to_string();
        assert!(error.contains(said), "{body} gave: {error}");
    }
}

#[test]
fn an_unknown_payload_is_described_by_its_fields_not_its_values() {
    let messages = decode(queued(r#"{"password":"hunter2"}"#)).unwrap();
    let error = messages[0].outcome.as_ref().unwrap_err().to_string();
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn envelopes_nest_only_so_deep() {
    let wrap = |inner: String| json!({"Type": "Notification", "Message": inner}).to_string();
    let mut body = sample!("s3-test-event").to_string();
    for _ in 0..4 {
        body = wrap(body);
    }
    assert!(decode(queued(&body)).unwrap()[0].outcome.is_ok());
    let deeper = decode(queued(&wrap(body))).unwrap();
    assert_eq!(deeper[0].outcome, Err(EventError::TooDeep { limit: 4 }));
}

#[test]
fn an_invocation_of_no_known_kind_fails_as_a_whole() {
    for payload in [json!(null), json!({}), json!({"period": "2026-02"}), json!([1])] {
        assert!(matches!(decode(payload), Err(EventError::UnknownKind { .. })));
    }
    let without_id = json!({"Records": [{"eventSource": "aws:sqs", "body": "{}"}]});
    assert!(matches!(decode(without_id), Err(EventError::Malformed { .. })));
}
