//! How the directory bears a million deployments and 100,000 accounts: `make bench-directory`.
//!
//! The organisation is invented line by line as it is asked for, so that the memory measured is that of the reading.
//! Everything is kept in the embedded store on disk, as `farthing` does.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement that cannot be made says so and ends")]
#![expect(clippy::disallowed_methods, reason = "a stopwatch")]
#![expect(clippy::float_arithmetic, clippy::as_conversions, reason = "for the eye only")]

use std::hint::black_box;
use std::time::Instant as Stopwatch;

use catalog::directory::{Owner, Shard};
use ledger::ports::{Blobs, Bucket, Clock};
use ledger::snapshot::{manifest, present, read_addressed};
use metering::time::Instant;
use salesforce::Secrets;
use salesforce::correlate::{Options, Told, correlate};
use salesforce::transport::{Method, Pace, Request, Response, Transport};
use store::SystemClock;
use store::embedded::{Places, open};

const ACCOUNTS: u64 = 100_000;
const DEPLOYMENTS: u64 = 1_000_000;

const CATALOGUE: &str = "
seller: {name: Quill, currency: USD, zone: UTC}
plans: [{name: standard, title: Standard, currency: USD, recurring: [{title: Fee, amount: 1.00}]}]
salesforce:
  - {name: crm, host: 'https://peer.my.salesforce.com', organisation: ORG, preset: account-deployment, plan: standard}
";

/// An organisation of numbers.
struct Invented(SystemClock);

fn id(prefix: &str, number: u64) -> String {
    salesforce_peer::id(prefix, number)
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

impl Transport for Invented {
    async fn send(&self, request: Request) -> Result<Response, String> {
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
        Ok(match url.as_str() {
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
        })
    }
}

impl Pace for Invented {
    fn now(&self) -> Instant {
        self.0.now()
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
    let ports = open(&Places::within(folder.path())).unwrap();
    let text = CATALOGUE.replace("ORG", &id("00D", 1));
    let catalogue = catalog::load([("a.yaml".to_owned(), text)]).unwrap().catalogue;
    let edges = [("crm".to_owned(), Invented(SystemClock::new().unwrap()))].into();
    let options = Options { deadline: Instant(i64::MAX), accept: None };
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
    println!(
        "opened: {} lines in {:.1} ms",
        shards.iter().map(Shard::len).sum::<usize>(),
        watch.elapsed().as_secs_f64() * 1e3
    );
    drop(shards);
    let directory = present(&ports).await.unwrap().directory;
    for (kind, step) in [("the same thousand names", 1_000_u64), ("names from everywhere", DEPLOYMENTS)] {
        let names: Vec<String> =
            (0..200_000_u64).map(|n| format!("deployment-{:07}", n.wrapping_mul(7_919) % step)).collect();
        let at = Instant(1_770_000_000_000);
        let look = || names.iter().filter(|name| matches!(directory.owner(name, at), Owner::Matched(_))).count();
        assert_eq!(black_box(look()), names.len());
        let watch = Stopwatch::now();
        black_box(look());
        println!("lookup of {kind}: {:.0} ns", watch.elapsed().as_secs_f64() * 1e9 / names.len() as f64);
    }
    let listed = ports.list(Bucket::Work, "staging/", None, 1).await.unwrap();
    println!("pieces were staged on disk: {}", !listed.objects.is_empty());
}
