//! Every implementation of the ports behaves as the ports say: in memory, embedded, and the AWS
//! adapters on a server that is not ours.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "../conformance/mod.rs"]
mod conformance;

use std::path::PathBuf;
use std::sync::Arc;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use aws_sdk_s3::primitives::ByteStream;
use conformance::ministack::Ministack;
use conformance::{Subject, Upload, conform};
use farthing_tests::counting::item_bytes;
use ledger::memory::Memory;
use ledger::ports::{Blobs, Bucket, Clock, Item, Key, Queue, Table, Tables, Write, Written};
use metering::time::Instant;
use store::aws::{self, AwsConfig, BucketNames, TableNames};
use store::embedded::{self, Places, serve};
use tokio::runtime::Runtime;

#[test]
fn memory_conforms() {
    let runtime = Runtime::new().unwrap();
    let memory = Arc::new(Memory::new(Instant(0)));
    let uploaded = Arc::clone(&memory);
    let upload: Upload = Box::new(move |bucket, key, bytes| {
        uploaded.upload(bucket, &key, bytes);
        Box::pin(std::future::ready(()))
    });
    conform(&runtime, &Subject::new(memory, upload, 200));
}

#[test]
fn embedded_conforms() {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let places = Places::within(folder.path());
    let ports = embedded::open(&places).unwrap();
    let upload: Upload = Box::new(move |bucket, key, bytes| {
        let path = root(&places, bucket).join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        Box::pin(std::future::ready(()))
    });
    conform(&runtime, &Subject::new(Arc::new(ports), upload, 40));
}

fn root(places: &Places, bucket: Bucket) -> PathBuf {
    match bucket {
        Bucket::Usage => places.usage.clone(),
        Bucket::Work => places.work.clone(),
        Bucket::Invoices => places.invoices.clone(),
    }
}

#[test]
fn aws_conforms_on_an_independent_server() {
    let runtime = Runtime::new().unwrap();
    let server = Ministack::start();
    let config = local(&server.endpoint);
    runtime.block_on(async {
        aws::provision(&config).await.unwrap();
        // Again: what is there stays.
        aws::provision(&config).await.unwrap();
    });
    let ports = runtime.block_on(aws::connect(config.clone())).unwrap();
    let upload = || uploader(runtime.block_on(s3(&server.endpoint)), config.buckets.clone());
    conform(&runtime, &Subject::new(Arc::new(ports), upload(), 30));
    let upload = upload();
    runtime.block_on(async {
        conformance::large::parts_that_break_off_are_asked_for_again(&server.endpoint, local, &upload).await;
        conformance::large::an_object_replaced_while_it_is_read_is_read_anew(&server.endpoint, local, upload).await;
        conformance::faults::each_call_with_each_fault(&server.endpoint, local).await;
        conformance::faults::many_at_once_on_a_bad_network(&server.endpoint, local).await;
        tallies_expire_and_claims_and_invoices_do_not(&server.endpoint).await;
        units_are_those_that_the_server_counts(&server.endpoint).await;
        what_is_enqueued_is_a_notification_that_s3_could_have_sent(&server.endpoint).await;
        errors_name_the_code_and_whether_to_try_again(&server.endpoint).await;
    });
}

fn uploader(client: aws_sdk_s3::Client, buckets: BucketNames) -> Upload {
    Box::new(move |bucket, key, bytes| {
        let put = client.put_object().bucket(name(&buckets, bucket)).key(key).body(ByteStream::from(bytes));
        Box::pin(async move { drop(put.send().await.unwrap()) })
    })
}

async fn tallies_expire_and_claims_and_invoices_do_not(endpoint: &str) {
    let ports = aws::connect(local(endpoint)).await.unwrap();
    let client = aws_sdk_dynamodb::Client::new(&aws::sdk_config(Some(endpoint)).await);
    for (table, name, partition, expires) in [
        (Table::Ledger, "ledger", "U#x", true),
        (Table::Ledger, "ledger", "F#x", false),
        (Table::Billing, "billing", "U#x", false),
    ] {
        ports.write(Write::create(table, Key::new(partition, "x"), "{}")).await.unwrap();
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let get = client.get_item().table_name(name).key("pk", text(partition)).key("sk", text("x")).send().await;
        let item = get.unwrap().item.unwrap();
        let seconds = item.get("ttl").map(|value| value.as_n().unwrap().parse::<i64>().unwrap());
        let horizon = ports.now().0 / 1000 + 400 * 86_400;
        assert_eq!(seconds.map(|seconds| (horizon - 60..=horizon).contains(&seconds)), expires.then_some(true));
    }
}

/// The server says what a removal consumed: as many units as writing the item took. Of reads it says 1 whatever their
/// size, so those are not compared.
async fn units_are_those_that_the_server_counts(endpoint: &str) {
    let ports = aws::connect(local(endpoint)).await.unwrap();
    let client = aws_sdk_dynamodb::Client::new(&aws::sdk_config(Some(endpoint)).await);
    for (table, name, partition) in [(Table::Ledger, "ledger", "U#s#1"), (Table::Rollup, "rollup", "R#s")] {
        let key = Key::new(partition, "0123456789abcdef");
        let empty = item_bytes(table, &key, &Item { revision: 1, body: String::new() });
        for bytes in [200, 1023, 1024, 1025, 2048, 2049, 8192, 8193, 300_000] {
            let write = Write::create(table, key.clone(), "x".repeat(usize::try_from(bytes - empty).unwrap()));
            assert_eq!(ports.write(write).await.unwrap(), Written::Done);
            let text = |text: &str| AttributeValue::S(text.to_owned());
            let delete = client.delete_item().table_name(name).key("pk", text(partition)).key("sk", text(&key.sort));
            let answer = delete.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await.unwrap();
            let units = answer.consumed_capacity.unwrap().capacity_units.unwrap();
            assert_eq!(units.to_string(), bytes.div_ceil(1024).to_string(), "{bytes} bytes");
        }
    }
}

async fn what_is_enqueued_is_a_notification_that_s3_could_have_sent(endpoint: &str) {
    let client = aws_sdk_sqs::Client::new(&aws::sdk_config(Some(endpoint)).await);
    let url = client.create_queue().queue_name("translate").send().await.unwrap().queue_url.unwrap();
    let ports = aws::connect(AwsConfig { queue_url: Some(url.clone()), ..local(endpoint) }).await.unwrap();
    ports.enqueue("eu/a b+c%/日本.jsonl").await.unwrap();
    let received = client.receive_message().queue_url(url).send().await.unwrap();
    let event: aws_lambda_events::event::s3::S3Event =
        serde_json::from_str(received.messages()[0].body().unwrap()).unwrap();
    let s3 = &event.records[0].s3;
    assert_eq!(s3.bucket.name.as_deref(), Some("usage"));
    assert_eq!(s3.object.key.as_deref(), Some("eu/a%20b%2Bc%25/%E6%97%A5%E6%9C%AC.jsonl"));
}

#[test]
fn no_call_to_aws_can_be_done_by_half() {
    // A batch is answered with 200 and what of it was not done. Where none is made, none is overlooked.
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/store/src/aws");
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for call in ["batch_", "delete_objects(", "execute_statement"] {
            assert!(
                !text.contains(call),
                "{} calls {call}: what it leaves undone has to be asked for again",
                path.display()
            );
        }
    }
}

async fn errors_name_the_code_and_whether_to_try_again(endpoint: &str) {
    let mut config = local(endpoint);
    config.tables.billing = "missing".to_owned();
    config.buckets.work = "missing".to_owned();
    let ports = aws::connect(config).await.unwrap();
    let key = Key::new("a", "b");
    let error = ports.write(Write::create(Table::Billing, key.clone(), "secret")).await.unwrap_err();
    assert!(error.reason.contains("ResourceNotFoundException") && !error.retryable, "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
    let error = ports.read(Bucket::Work, "a", "etag", 0, 1).await.unwrap_err();
    assert!(error.reason.contains("NoSuchBucket") && !error.retryable, "{error}");
    let error = ports.enqueue("a").await.unwrap_err();
    assert!(!error.retryable, "{error}");
    let nobody = aws::connect(local("http://127.0.0.1:9")).await.unwrap();
    let error = nobody.get(Table::Billing, &key).await.unwrap_err();
    assert!(error.retryable && error.reason.contains("refused"), "{error}");
}

fn local(endpoint: &str) -> AwsConfig {
    let name = str::to_owned;
    AwsConfig {
        tables: TableNames { ledger: name("ledger"), rollup: name("rollup"), billing: name("billing") },
        buckets: BucketNames { usage: name("usage"), work: name("work"), invoices: name("invoices") },
        queue_url: None,
        ledger_days: 400,
        endpoint: Some(name(endpoint)),
    }
}

fn name(names: &BucketNames, bucket: Bucket) -> String {
    match bucket {
        Bucket::Usage => names.usage.clone(),
        Bucket::Work => names.work.clone(),
        Bucket::Invoices => names.invoices.clone(),
    }
}

async fn s3(endpoint: &str) -> aws_sdk_s3::Client {
    let sdk = aws::sdk_config(Some(endpoint)).await;
    aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(&sdk).force_path_style(true).build())
}

#[test]
fn the_embedded_store_loses_nothing_acknowledged_when_killed() {
    conformance::kill::nothing_acknowledged_is_lost(&Runtime::new().unwrap(), "the_child_that_is_killed");
}

#[test]
#[ignore = "started, and killed, by the test before this one"]
fn the_child_that_is_killed() {
    conformance::kill::write_for_ever(&Runtime::new().unwrap());
}

#[test]
fn a_second_process_is_told_that_the_first_has_the_tables() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let places = Places::within(folder.path());
    let first = embedded::open(&places).unwrap();
    let error = embedded::open(&places).unwrap_err().to_string();
    assert!(error.contains("another process has it open"), "{error}");
    drop(first);
    embedded::open(&places).unwrap();
}

#[test]
fn the_embedded_queue_and_clock_serve() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let ports = embedded::open(&Places::within(folder.path())).unwrap();
    Runtime::new().unwrap().block_on(async {
        ports.enqueue("a").await.unwrap();
        ports.clone().enqueue("b").await.unwrap();
    });
    assert_eq!(ports.queue.receive(10), ["a", "b"]);
    assert!(ports.now() > Instant(1_700_000_000_000));
    assert_ne!(ports.token(), ports.token());
}

#[test]
fn the_served_folders_read_as_they_are() {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let ports = embedded::open(&Places::within(folder.path())).unwrap();
    runtime.block_on(async {
        for key in ["2026/02/INV 1+ü.json", "2026/02/INV-2.json", "2026/01/INV-0.json", "index.json"] {
            ports.put_once(Bucket::Invoices, key, key.into(), "application/json").await.unwrap();
        }
        let served = serve::serve(ports.blobs.clone(), ([127, 0, 0, 1], 0).into()).await.unwrap();
        let endpoint = format!("http://{}", served.address);
        let seen = aws::connect(local(&endpoint)).await.unwrap();
        for limit in [2, 100] {
            let there = seen.list(Bucket::Invoices, "2026/", None, limit).await.unwrap();
            let mut here = ports.list(Bucket::Invoices, "2026/", None, limit).await.unwrap();
            // Over the protocol an object's time has whole seconds, in a listing as in a header.
            here.objects.iter_mut().for_each(|object| object.modified.0 -= object.modified.0 % 1000);
            assert_eq!(there, here);
            for object in there.objects {
                let theirs = seen.read(Bucket::Invoices, &object.key, &object.etag, 3, 5).await.unwrap();
                assert_eq!(theirs, ports.read(Bucket::Invoices, &object.key, &object.etag, 3, 5).await.unwrap());
            }
        }
        let folders = s3(&endpoint).await.list_objects_v2().bucket("invoices").delimiter("/").send().await.unwrap();
        assert_eq!(folders.common_prefixes().iter().filter_map(|p| p.prefix()).collect::<Vec<_>>(), ["2026/"]);
        assert_eq!(folders.contents().iter().filter_map(|o| o.key()).collect::<Vec<_>>(), ["index.json"]);
        let refused = seen.put_once(Bucket::Invoices, "new", Vec::new(), "text/plain").await.unwrap_err();
        assert!(refused.reason.contains("NotImplemented"), "{refused}");
    });
}
