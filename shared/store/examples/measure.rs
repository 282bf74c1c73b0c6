//! How fast are the stores? The numbers behind the decision record on the embedded store.
//!
//! `cargo run -p store --features peers --example measure [tables|objects] [seconds]`: durable conditional puts a
//! second, at 1, 16 and 64 at once, of the embedded tables and of the AWS SDK talking to DynamoDB
//! on SQLite in this process; then listings, gets and puts of the embedded folders and of the AWS
//! SDK talking to S3 on a folder in this process. Everything is written to a temporary folder
//! under the present one, because `/tmp` may be memory.
#![expect(clippy::unwrap_used, reason = "a measurement that fails should say where, and stop")]
#![expect(clippy::print_stdout, reason = "the numbers are for whoever asked")]
#![expect(clippy::disallowed_methods, reason = "what is measured is time")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use ledger::ports::{Blobs, Bucket, Key, ObjectMeta, PutOnce, Table, Tables, Write, Written};
use s3s::service::{S3Service, S3ServiceBuilder};
use store::aws::{self, AwsConfig, BucketNames, TableNames};
use store::embedded::{self, Embedded, Places};
use tokio::net::TcpListener;

const AT_ONCE: [u64; 3] = [1, 16, 64];
const OBJECTS: usize = 10_000;
const OBJECT_BYTES: usize = 11_000;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().unwrap_or_else(|| "all".to_owned());
    let seconds = Duration::from_secs(arguments.next().map_or(3, |text| text.parse().unwrap()));
    let folder = tempfile::tempdir_in(".").unwrap();
    if what != "objects" {
        tables("embedded tables", seconds, open(&folder.path().join("a"))).await;
        let config = local(&serve_dynamo(folder.path()).await);
        // The buckets are not there to make, the tables are.
        aws::provision(&config).await.unwrap_err();
        tables("SDK, DynamoDB on SQLite", seconds, aws::connect(config).await.unwrap()).await;
    }
    if what != "tables" {
        let root = folder.path().join("b");
        let embedded = open(&root);
        make_objects(&root.join("usage"));
        objects("embedded folders", seconds, embedded).await;
        for nodelay in [false, true] {
            let config = local(&serve_s3(&root, nodelay).await);
            let name = format!("SDK, S3 on a folder, nodelay {nodelay}");
            objects(&name, seconds, aws::connect(config).await.unwrap()).await;
        }
    }
}

/// Does `work` with ever new numbers, so many at once, for so long; gives how often a second.
async fn rate<F, W>(at_once: u64, time: Duration, work: F) -> u128
where
    F: Fn(u64) -> W + Send + Sync + 'static,
    W: Future<Output = ()> + Send,
{
    let (work, next, start) = (Arc::new(work), Arc::new(AtomicU64::new(0)), Instant::now());
    let workers: Vec<_> = (0..at_once)
        .map(|_| {
            let (work, next) = (Arc::clone(&work), Arc::clone(&next));
            tokio::spawn(async move {
                while start.elapsed() < time {
                    work(next.fetch_add(1, Ordering::Relaxed)).await;
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    u128::from(next.load(Ordering::Relaxed)) * 1000 / start.elapsed().as_millis()
}

async fn tables<T: Tables + Clone + Send + Sync + 'static>(name: &str, time: Duration, tables: T) {
    for at_once in AT_ONCE {
        let tables = tables.clone();
        let rate = rate(at_once, time, move |number| {
            let (tables, key) =
                (tables.clone(), Key::new(format!("p{}", number % 7), format!("{at_once}-{number:08}")));
            async move {
                let write = Write::create(Table::Ledger, key, "x".repeat(500));
                assert_eq!(tables.write(write).await.unwrap(), Written::Done);
            }
        });
        println!("{name}: {at_once} at once: {} conditional puts/s", rate.await);
    }
}

async fn objects<B: Blobs + Clone + Send + Sync + 'static>(name: &str, time: Duration, blobs: B) {
    let mut found: Vec<ObjectMeta> = Vec::new();
    for round in ["first", "second"] {
        let start = Instant::now();
        match list_all(&blobs).await {
            Ok(all) => found = all,
            Err(why) => println!("{name}: listing: {why}"),
        }
        println!("{name}: {round} listing of {OBJECTS}: {} ms", start.elapsed().as_millis());
    }
    let found = Arc::new(found);
    for at_once in AT_ONCE {
        let (reader, found) = (blobs.clone(), Arc::clone(&found));
        let gets = rate(at_once, time, move |number| {
            let (blobs, found) = (reader.clone(), Arc::clone(&found));
            async move {
                let place = usize::try_from(number).unwrap() % OBJECTS;
                let key = found.get(place).map_or_else(|| object_key(place), |meta| meta.key.clone());
                let meta = blobs.head(Bucket::Usage, &key).await.unwrap().unwrap();
                blobs.read(Bucket::Usage, &key, &meta.etag, 0, 1 << 20).await.unwrap();
            }
        });
        println!("{name}: {at_once} at once: {} heads and gets/s", gets.await);
        let (writer, label) = (blobs.clone(), name.replace([' ', ','], "-"));
        let puts = rate(at_once, time, move |number| {
            let (blobs, key) = (writer.clone(), format!("{label}/{at_once}/{number}"));
            async move {
                let put = blobs.put_once(Bucket::Work, &key, vec![b'x'; OBJECT_BYTES], "application/json").await;
                assert_eq!(put.unwrap(), PutOnce::Written);
            }
        });
        println!("{name}: {at_once} at once: {} puts/s", puts.await);
    }
}

async fn list_all<B: Blobs>(blobs: &B) -> Result<Vec<ObjectMeta>, String> {
    let mut found: Vec<ObjectMeta> = Vec::new();
    loop {
        let after = found.last().map(|meta| meta.key.clone());
        let page = blobs.list(Bucket::Usage, "", after.as_deref(), 1000).await.map_err(|error| error.to_string())?;
        found.extend(page.objects);
        if !page.more {
            return Ok(found);
        }
    }
}

fn open(root: &Path) -> Embedded {
    fs::create_dir_all(root).unwrap();
    embedded::open(&Places::within(root)).unwrap()
}

fn object_key(number: usize) -> String {
    format!("eu/2026-02-01/{number:05}.jsonl.gz")
}

fn make_objects(usage: &Path) {
    fs::create_dir_all(usage.join("eu/2026-02-01")).unwrap();
    for number in 0..OBJECTS {
        fs::write(usage.join(object_key(number)), vec![b'x'; OBJECT_BYTES]).unwrap();
    }
}

fn local(endpoint: &str) -> AwsConfig {
    let name = str::to_owned;
    AwsConfig {
        tables: TableNames { ledger: name("ledger"), rollup: name("rollup"), billing: name("billing") },
        buckets: BucketNames { usage: name("usage"), work: name("work"), invoices: name("invoices") },
        queue_url: None,
        ledger_days: 400,
        endpoint: Some(endpoint.to_owned()),
    }
}

async fn serve_dynamo(folder: &Path) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let database = dynoxide::Database::new(folder.join("tables.sqlite").to_str().unwrap()).unwrap();
    tokio::spawn(dynoxide::server::serve_on(listener, database));
    endpoint
}

async fn serve_s3(root: &Path, nodelay: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(root).unwrap());
    builder.set_auth(s3s::auth::SimpleAuth::from_single("local", "local"));
    tokio::spawn(accept(listener, builder.build(), nodelay));
    endpoint
}

async fn accept(listener: TcpListener, service: S3Service, nodelay: bool) {
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        socket.set_nodelay(nodelay).unwrap();
        let service = service.clone();
        tokio::spawn(async move {
            let server = Builder::new(TokioExecutor::new());
            // A client that goes away ends its connection, which is no news here.
            let _ended = server.serve_connection(TokioIo::new(socket), service).await;
        });
    }
}
