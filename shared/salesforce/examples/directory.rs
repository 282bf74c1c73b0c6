//! How the directory bears a million deployments and 100,000 accounts: `make bench-directory`.
//!
//! The organisation is invented line by line as it is asked for, so that the memory measured is that of the reading.
//! Objects are files in a folder, items are in memory.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement that cannot be made says so and ends")]
#![expect(clippy::disallowed_methods, reason = "a stopwatch")]
#![expect(clippy::float_arithmetic, clippy::as_conversions, reason = "for the eye only")]

use std::fs;
use std::hint::black_box;
use std::io::{Read as _, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::Instant as Stopwatch;

use catalog::directory::{Owner, Shard};
use ledger::memory::Memory;
use ledger::ports::{
    Blobs, Bucket, Clock, Item, Key, Listing, ObjectMeta, Page, PutOnce, Queue, Read, StoreError, Table, Tables,
    Transacted, Write, Written,
};
use ledger::snapshot::{about, manifest, present, read_addressed};
use metering::time::Instant;
use salesforce::correlate::{Options, Told, correlate};
use salesforce::transport::{Method, Pace, Pieces, Request, Response, Transport};
use salesforce::{Id, Secrets};

const ACCOUNTS: u64 = 100_000;
const DEPLOYMENTS: u64 = 1_000_000;

const CATALOGUE: &str = "
seller: {name: Quill, currency: USD, zone: UTC}
plans: [{name: standard, title: Standard, currency: USD, recurring: [{title: Fee, amount: 1.00}]}]
salesforce:
  - {name: crm, host: 'https://peer.my.salesforce.com', organisation: ORG, preset: account-deployment, plan: standard}
";

/// When everything happens.
const NOW: Instant = Instant(1_770_000_000_000);

/// Bytes to a piece of an answer, as the network gives them.
const PIECE: usize = 32 << 10;

/// An organisation of numbers.
struct Invented;

fn id(prefix: &str, number: u64) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let digits = (0..7).rev().map(|place| char::from(DIGITS[(number / 62_u64.pow(place) % 62) as usize]));
    let short = format!("{prefix}xx000{}", digits.collect::<String>());
    Id::parse(&short).unwrap().to_string()
}

/// Values in the order of the fields.
fn row(object: &str, number: u64) -> String {
    let stamp = "2026-01-05T10:00:00.000Z";
    if object == "Account" {
        let (id, name) = (id("001", number), format!("Customer {number}, Inc."));
        return format!(
            "\"{id}\",\"false\",\"{stamp}\",\"{stamp}\",\"\",\"{name}\",\"1 Main Street\",\"02110\",\"Boston\",\"MA\",\"United States\",\"\"\n"
        );
    }
    let (own, owner) = (id("a0B", number), id("001", number % ACCOUNTS));
    format!(
        "\"{own}\",\"false\",\"{stamp}\",\"{stamp}\",\"deployment-{number:07}\",\"LIC-{number:07}\",\"\",\"{owner}\",\"{stamp}\",\"\",\"Active\"\n"
    )
}

const ACCOUNT: [&str; 12] = [
    "Id",
    "IsDeleted",
    "SystemModstamp",
    "CreatedDate",
    "MasterRecordId",
    "Name",
    "BillingStreet",
    "BillingPostalCode",
    "BillingCity",
    "BillingState",
    "BillingCountry",
    "ParentId",
];
const DEPLOYMENT: [&str; 11] = [
    "Id",
    "IsDeleted",
    "SystemModstamp",
    "CreatedDate",
    "Deployment_Key__c",
    "License_Key__c",
    "Cluster_Id__c",
    "Account__c",
    "Effective_From__c",
    "Effective_To__c",
    "Status__c",
];

fn json(body: String) -> Response {
    let headers = [("content-type".to_owned(), "application/json".to_owned())].into();
    Response { status: 200, headers, body: body.into_bytes() }
}

fn results(url: &str, object: &str, fields: &[&str], all: u64) -> Response {
    let number = |name: &str| {
        let found = url.split(['?', '&']).find_map(|pair| pair.strip_prefix(name));
        found.and_then(|text| text.parse::<u64>().ok())
    };
    let start = number("locator=").unwrap_or(0);
    let end = all.min(start + number("maxRecords=").unwrap());
    let mut body = fields.iter().map(|field| format!("\"{field}\"")).collect::<Vec<_>>().join(",") + "\n";
    (start..end).for_each(|number| body.push_str(&row(object, number)));
    let locator = if end < all { end.to_string() } else { "null".to_owned() };
    let headers = [
        ("content-type".to_owned(), "text/csv".to_owned()),
        ("sforce-locator".to_owned(), locator),
        ("sforce-numberofrecords".to_owned(), (end - start).to_string()),
    ];
    Response { status: 200, headers: headers.into(), body: body.into_bytes() }
}

/// Objects as files of a folder, the rest in memory.
struct Folder {
    memory: Memory,
    folder: PathBuf,
}

impl Folder {
    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(key.replace('/', "+"))
    }
}

impl Tables for Folder {
    async fn get(&self, table: Table, key: &Key) -> Result<Option<Item>, StoreError> {
        self.memory.get(table, key).await
    }

    async fn write(&self, write: Write) -> Result<Written, StoreError> {
        self.memory.write(write).await
    }

    async fn query(
        &self,
        table: Table,
        partition: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.memory.query(table, partition, after, limit).await
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Transacted, StoreError> {
        self.memory.transact(writes).await
    }
}

impl Blobs for Folder {
    async fn head(&self, _: Bucket, key: &str) -> Result<Option<ObjectMeta>, StoreError> {
        let found = fs::metadata(self.path(key)).ok();
        Ok(found.map(|found| ObjectMeta {
            key: key.to_owned(),
            etag: "the only one".to_owned(),
            size: found.len(),
            modified: NOW,
        }))
    }

    async fn read(&self, _: Bucket, key: &str, _: &str, offset: u64, length: u64) -> Result<Read, StoreError> {
        let mut file = fs::File::open(self.path(key)).unwrap();
        file.seek(SeekFrom::Start(offset)).unwrap();
        let mut bytes = Vec::new();
        file.take(length).read_to_end(&mut bytes).unwrap();
        Ok(Read::Bytes(bytes))
    }

    async fn put_once(&self, _: Bucket, key: &str, bytes: Vec<u8>, _: &'static str) -> Result<PutOnce, StoreError> {
        fs::write(self.path(key), bytes).unwrap();
        Ok(PutOnce::Written)
    }

    async fn list(&self, _: Bucket, _: &str, _: Option<&str>, _: usize) -> Result<Listing, StoreError> {
        Ok(Listing::default())
    }
}

impl Queue for Folder {
    async fn enqueue(&self, _: &str) -> Result<(), StoreError> {
        Ok(())
    }
}

impl Clock for Folder {
    fn now(&self) -> Instant {
        self.memory.now()
    }

    fn token(&self) -> String {
        self.memory.token()
    }
}

impl Transport for Invented {
    type Body = Pieces;

    async fn open(&self, request: Request) -> Result<(Response, Pieces), String> {
        let mut answer = answer(request);
        let body = std::mem::take(&mut answer.body);
        Ok((answer, Pieces::new(body, PIECE)))
    }
}

fn answer(request: Request) -> Response {
    let url = request.url;
    let describe = |fields: &[&str]| {
        let fields = fields.iter().map(|name| {
            let moment = name.ends_with("stamp") || name.ends_with("Date") || name.starts_with("Effective");
            format!("{{\"name\":\"{name}\",\"type\":\"{}\"}}", if moment { "datetime" } else { "string" })
        });
        json(format!("{{\"fields\":[{}]}}", fields.collect::<Vec<_>>().join(",")))
    };
    let job = |number, state: &str, all| {
        json(format!("{{\"id\":\"{}\",\"state\":\"{state}\",\"numberRecordsProcessed\":{all}}}", id("750", number)))
    };
    let (accounts, deployments) = (id("750", 1), id("750", 2));
    match url.as_str() {
        url if url.ends_with("/token") => json(format!(
            "{{\"access_token\":\"t\",\"instance_url\":\"https://peer.my.salesforce.com\",\"id\":\"https://login.salesforce.com/id/{}/x\"}}",
            id("00D", 1)
        )),
        url if url.ends_with("Account/describe") => describe(&ACCOUNT),
        url if url.ends_with("describe") => describe(&DEPLOYMENT),
        _ if request.method == Method::Post => {
            let first = request.body.unwrap().1.contains("FROM Account\"");
            job(if first { 1 } else { 2 }, "UploadComplete", 0)
        }
        _ if request.method == Method::Delete => Response { status: 204, ..Response::default() },
        url if url.contains("/results") && url.contains(&accounts) => results(url, "Account", &ACCOUNT, ACCOUNTS),
        url if url.contains("/results") => results(url, "Deployment__c", &DEPLOYMENT, DEPLOYMENTS),
        url if url.contains(&deployments) => job(2, "JobComplete", DEPLOYMENTS),
        _ => job(1, "JobComplete", ACCOUNTS),
    }
}

impl Pace for Invented {
    fn now(&self) -> Instant {
        NOW
    }

    async fn sleep(&self, _: u64) {}

    fn chance(&self) -> u64 {
        0
    }
}

impl Secrets for Invented {
    async fn secret(&self, _: bool) -> Result<String, String> {
        Ok(r#"{"client_id":"a","client_secret":"b"}"#.to_owned())
    }

    async fn sign(&self, key: &str, _: [u8; 32]) -> Result<Vec<u8>, String> {
        Err(format!("{key} is not here"))
    }
}

/// The most memory that this process has had, in MB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() / 1000
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let ports = Folder { memory: Memory::new(NOW), folder: folder.path().to_owned() };
    let text = CATALOGUE.replace("ORG", &id("00D", 1));
    let catalogue = catalog::load([("a.yaml".to_owned(), text)]).unwrap().catalogue;
    let edges = [("crm".to_owned(), Invented)].into();
    let options = Options { deadline: Instant(i64::MAX), accept: None, changed: None };
    let before = peak();
    let watch = Stopwatch::now();
    let report = correlate(&ports, &catalogue, &edges, &options).await.unwrap();
    assert!(matches!(report.organisations["crm"], Told::Read { .. }), "{report:?}");
    println!(
        "first load: {} facts in {:.1} s; peak memory {} MB (before: {before} MB)",
        report.published.facts,
        watch.elapsed().as_secs_f64(),
        peak()
    );
    let parts = manifest(&ports, &report.published.version).await.unwrap();
    let mut texts = Vec::new();
    let watch = Stopwatch::now();
    for part in &parts.shards {
        texts.push(read_addressed(&ports, &part.body).await.unwrap());
    }
    let bytes: usize = texts.iter().map(String::len).sum();
    println!(
        "fetched and held against its hashes: {} MB in {} shards in {:.0} ms",
        bytes / 1_000_000,
        texts.len(),
        watch.elapsed().as_secs_f64() * 1e3
    );
    let watch = Stopwatch::now();
    let shards: Vec<Shard> = texts.into_iter().map(|text| Shard::open(text).unwrap()).collect();
    println!("opened: {:.3} ms", watch.elapsed().as_secs_f64() * 1e3);
    let watch = Stopwatch::now();
    shards.iter().for_each(|shard| {
        let _found = black_box(shard.claims("x").count());
    });
    println!(
        "what finds a name, made with the first look at each shard: {:.0} ms",
        watch.elapsed().as_secs_f64() * 1e3
    );
    drop(shards);
    let watch = Stopwatch::now();
    let (_, one) = about(&ports, "deployment-0471101").await.unwrap().unwrap();
    assert!(matches!(one.owner("deployment-0471101", NOW), Owner::Matched(_)));
    println!("asked about one deployment, from the files: {:.1} ms", watch.elapsed().as_secs_f64() * 1e3);
    drop(one);
    let watch = Stopwatch::now();
    let directory = present(&ports).await.unwrap().directory;
    println!("read whole, with its accounts: {:.0} ms", watch.elapsed().as_secs_f64() * 1e3);
    for (kind, step) in [("the same thousand names", 1_000_u64), ("names from everywhere", DEPLOYMENTS)] {
        let names: Vec<String> =
            (0..200_000_u64).map(|n| format!("deployment-{:07}", n.wrapping_mul(7_919) % step)).collect();
        let at = NOW;
        let look = || names.iter().filter(|name| matches!(directory.owner(name, at), Owner::Matched(_))).count();
        assert_eq!(black_box(look()), names.len());
        let watch = Stopwatch::now();
        black_box(look());
        println!("lookup of {kind}: {:.0} ns", watch.elapsed().as_secs_f64() * 1e9 / names.len() as f64);
    }
}
