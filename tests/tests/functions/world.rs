//! A stand-in for AWS: buckets, tables and a queue as the template has them, with a catalogue and files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lambda::Function;
use store::aws::{AwsConfig, BucketNames, TableNames, provision, sdk_config};

use crate::ministack::Ministack;

/// The bucket that the samples in `events/` name.
pub const USAGE: &str = "farthing-usage-111122223333-eu-central-1";
pub const WORK: &str = "farthing-work-111122223333-eu-central-1";
const INVOICES: &str = "farthing-invoices-111122223333-eu-central-1";
const TABLES: [&str; 3] = ["farthing-ledger", "farthing-rollup", "farthing-billing"];

/// All of AWS that the functions need; ends with its value.
pub struct World {
    server: Ministack,
    dynamo: aws_sdk_dynamodb::Client,
    s3: aws_sdk_s3::Client,
    sqs: aws_sdk_sqs::Client,
    queue_url: String,
}

impl World {
    /// Starts the server, makes what the template makes, and uploads the catalogue and the files.
    pub async fn start() -> Self {
        let server = Ministack::start();
        let sdk = sdk_config(Some(&server.endpoint)).await;
        provision(&config(&server.endpoint)).await.unwrap();
        let sqs = aws_sdk_sqs::Client::new(&sdk);
        let queue = sqs.create_queue().queue_name("farthing-usage").send().await.unwrap();
        let s3 = aws_sdk_s3::config::Builder::from(&sdk).force_path_style(true).build();
        let world = Self {
            server,
            dynamo: aws_sdk_dynamodb::Client::new(&sdk),
            s3: aws_sdk_s3::Client::from_conf(s3),
            sqs,
            queue_url: queue.queue_url.unwrap(),
        };
        world.fill().await;
        world
    }

    async fn fill(&self) {
        self.put(WORK, "catalogue/catalogue.yaml", include_str!("../../events/catalogue.yaml")).await;
        for (hour, key) in files() {
            let record =
                format!("{{\"installation\":\"harbour-1\",\"at\":\"2026-02-03T{hour:02}:10:00Z\",\"gb\":{hour}}}\n");
            self.put(USAGE, &key, &record).await;
        }
    }

    /// Where this AWS listens.
    pub fn endpoint(&self) -> &str {
        &self.server.endpoint
    }

    /// Writes an object over what is there.
    pub async fn put(&self, bucket: &str, key: &str, text: &str) {
        let body = text.as_bytes().to_vec().into();
        self.s3.put_object().bucket(bucket).key(key).body(body).send().await.unwrap();
    }

    /// The bytes of an invoice object.
    pub async fn invoice(&self, key: &str) -> Vec<u8> {
        let object = self.s3.get_object().bucket(INVOICES).key(key).send().await.unwrap();
        object.body.collect().await.unwrap().to_vec()
    }

    /// What a function finds in its environment; more than any one of them reads.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let [ledger, rollup, billing] = TABLES;
        let ours = [
            ("FARTHING_LEDGER_TABLE", ledger),
            ("FARTHING_ROLLUP_TABLE", rollup),
            ("FARTHING_BILLING_TABLE", billing),
            ("FARTHING_USAGE_BUCKET", USAGE),
            ("FARTHING_WORK_BUCKET", WORK),
            ("FARTHING_INVOICES_BUCKET", INVOICES),
            ("FARTHING_CATALOGUE_PREFIX", "catalogue/"),
            ("FARTHING_LEDGER_DAYS", "480"),
            ("FARTHING_SETTLE_MINUTES", "0"),
            ("FARTHING_QUEUE_URL", &self.queue_url),
            ("AWS_ENDPOINT_URL", &self.server.endpoint),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
        ];
        ours.map(|(name, value)| (name, value.to_owned())).to_vec()
    }

    /// Every item and every object, by place. A hint's body is a token that is new each time and is
    /// left out; everything else must be the same when the same thing happens twice.
    pub async fn state(&self) -> BTreeMap<String, String> {
        let mut state = BTreeMap::new();
        for table in TABLES {
            self.items(table, &mut state).await;
        }
        for bucket in [USAGE, WORK, INVOICES] {
            let listing = self.s3.list_objects_v2().bucket(bucket).send().await.unwrap();
            assert_eq!(listing.is_truncated(), Some(false));
            for object in listing.contents() {
                let place = format!("{bucket} {}", object.key().unwrap());
                state.insert(place, format!("{:?} {:?}", object.e_tag(), object.last_modified()));
            }
        }
        state
    }

    async fn items(&self, table: &str, state: &mut BTreeMap<String, String>) {
        let scan = self.dynamo.scan().table_name(table).consistent_read(true).send().await.unwrap();
        assert!(scan.last_evaluated_key().is_none(), "the tests fit into one page");
        for item in scan.items() {
            let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
            let revision = item.get("rev").and_then(|value| value.as_n().ok()).cloned();
            let body = if text("pk").starts_with("H#") { "a hint".to_owned() } else { text("body") };
            state.insert(format!("{table} {} {}", text("pk"), text("sk")), format!("{revision:?} {body}"));
        }
    }

    /// How many files have a tally.
    pub async fn tallies(&self) -> usize {
        self.state().await.keys().filter(|place| place.starts_with("farthing-ledger U#")).count()
    }

    /// Takes what waits in the queue, as the event that SQS would invoke `translate` with.
    pub async fn take_batch(&self) -> serde_json::Value {
        let received = self.sqs.receive_message().queue_url(&self.queue_url).max_number_of_messages(10);
        let messages = received.send().await.unwrap().messages.unwrap_or_default();
        let record = |message: aws_sdk_sqs::types::Message| serde_json::json!({ "messageId": message.message_id, "body": message.body, "eventSource": "aws:sqs" });
        serde_json::json!({ "Records": messages.into_iter().map(record).collect::<Vec<_>>() })
    }
}

/// The files that the samples in `events/` name, and the hour that each is about.
pub fn files() -> impl Iterator<Item = (u32, String)> {
    (4..=13).map(|hour| {
        let site = match hour {
            5 => "Köln Süd+Nord 100%",
            6 => "rotterdam+delta 50%",
            _ => "rotterdam",
        };
        (hour, format!("usage/{site}/2026-02-03/{hour:02}.jsonl"))
    })
}

/// The binary of a function, beside this test's own.
pub fn binary(function: Function) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let path = profile.join(function.name());
    assert!(path.exists(), "{} is not built; `cargo build --workspace` builds it", path.display());
    path
}

fn config(url: &str) -> AwsConfig {
    let [ledger, rollup, billing] = TABLES.map(str::to_owned);
    let buckets = BucketNames { usage: USAGE.to_owned(), work: WORK.to_owned(), invoices: INVOICES.to_owned() };
    AwsConfig {
        tables: TableNames { ledger, rollup, billing },
        buckets,
        queue_url: None,
        ledger_days: 480,
        endpoint: Some(url.to_owned()),
    }
}
