//! Every implementation of the ports behaves as the ports say: in memory, embedded, and the AWS
//! adapters on a server that is not ours.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "../conformance/mod.rs"]
mod conformance;

use std::path::PathBuf;
use std::sync::Arc;

use aws_sdk_s3::primitives::ByteStream;
use conformance::ministack::Ministack;
use conformance::{Subject, Upload, conform};
use ledger::memory::Memory;
use ledger::ports::{Blobs, Bucket, Clock, Queue};
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
    let client = runtime.block_on(s3(&server.endpoint));
    let upload: Upload = Box::new(move |bucket, key, bytes| {
        let put = client.put_object().bucket(name(&config.buckets, bucket)).key(key).body(ByteStream::from(bytes));
        Box::pin(async move { drop(put.send().await.unwrap()) })
    });
    conform(&runtime, &Subject::new(Arc::new(ports), upload, 30));
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
            assert_eq!(there, ports.list(Bucket::Invoices, "2026/", None, limit).await.unwrap());
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
