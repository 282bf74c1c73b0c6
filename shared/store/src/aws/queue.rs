//! The queue on SQS.
//!
//! What is sent is an S3 event notification of one record, the same as S3 itself sends, so
//! that the function on the other side has one way to read its messages.

use aws_sdk_sqs::Client;
use ledger::ports::{Clock, Queue, StoreError};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::failure::store_error;
use crate::SystemClock;

/// Everything but what no reader of keys takes for something else.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.');

/// The queue on SQS.
#[derive(Clone, Debug)]
pub struct SqsQueue {
    client: Client,
    url: Option<String>,
    bucket: String,
    clock: SystemClock,
}

impl SqsQueue {
    /// The queue at `url`, which hears of objects in the bucket of this name.
    pub fn new(client: Client, url: Option<String>, bucket: String, clock: SystemClock) -> Self {
        Self { client, url, bucket, clock }
    }
}

impl Queue for SqsQueue {
    async fn enqueue(&self, key: &str) -> Result<(), StoreError> {
        let Some(url) = &self.url else {
            return Err(StoreError {
                operation: "SendMessage",
                subject: key.to_owned(),
                reason: "this function was given no queue".to_owned(),
                retryable: false,
            });
        };
        let body = notification(&self.bucket, key, &self.clock.now().to_string());
        let sent = self.client.send_message().queue_url(url).message_body(body).send().await;
        sent.map(drop).map_err(|error| store_error("SendMessage", key.to_owned(), &error))
    }
}

/// An S3 event notification about one object, with every part that readers insist on.
fn notification(bucket: &str, key: &str, time: &str) -> String {
    let record = json!({
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": time,
        "eventName": "ObjectCreated:Put",
        "userIdentity": { "principalId": "farthing" },
        "requestParameters": { "sourceIPAddress": "127.0.0.1" },
        "responseElements": {},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "farthing-sweep",
            "bucket": {
                "name": bucket,
                "ownerIdentity": { "principalId": "farthing" },
                "arn": format!("arn:aws:s3:::{bucket}"),
            },
            "object": { "key": utf8_percent_encode(key, ENCODED).to_string() },
        },
    });
    json!({ "Records": [record] }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_the_decoding_that_notifications_need() {
        for key in ["usage/eu/2026-02-01/00.jsonl", "a b+c%25/日本#?&.gz"] {
            let body: serde_json::Value = notification("b", key, "2026-02-01T00:00:00Z").parse().unwrap_or_default();
            let encoded = body["Records"][0]["s3"]["object"]["key"].as_str().unwrap_or_default().replace('+', " ");
            let decoded = percent_encoding::percent_decode_str(&encoded).decode_utf8_lossy().into_owned();
            assert_eq!(decoded, key);
        }
    }
}
