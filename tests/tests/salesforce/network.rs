//! The same over HTTP: our client on the network, and an independent one that reads what ours reads.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use catalog::directory::Owner;
use ledger::memory::Memory;
use ledger::ports::Clock;
use ledger::snapshot::present;
use metering::time::Instant;
use salesforce::correlate::{Options, Told, correlate};
use salesforce::http::{Given, Http};
use salesforce_peer::{CLIENT, Org, Peer, serve};
use store::SystemClock;

use crate::world::{DEPLOYMENTS, account, load, secret};

/// Names that are hard to carry: quotes, line ends, commas, letters beyond ASCII.
pub const NAMES: [&str; 5] =
    ["Acme Émile & Co \"Paris\"", "Globex, Inc.", "Line one\nline two", "Größe", "Person, Pat"];

pub fn peer(now: Instant) -> Arc<Peer> {
    let mut org = Org::new(7).with_deployments();
    for (number, name) in (1..).zip(NAMES) {
        org.put("Account", number, now, &[("Name", name), ("AnnualRevenue", "1234567890123456.78")]);
        let owner = salesforce_peer::id("001", number);
        let key = format!("dep-{number}");
        let values = [("Deployment_Key__c", key.as_str()), ("Account__c", owner.as_str()), ("Status__c", "Active")];
        org.put("Deployment__c", number, now, &values);
    }
    org.put("Account", 6, now, &[("Name", "Gone"), ("IsDeleted", "true")]);
    let peer = Peer::new(org, now);
    peer.set_pages(2, 2);
    Arc::new(peer)
}

#[tokio::test]
async fn the_client_reads_an_organisation_over_the_network() {
    let clock = SystemClock::new().unwrap();
    let now = clock.now();
    let peer = peer(now);
    let served = serve(Arc::clone(&peer)).await.unwrap();
    let mapping = DEPLOYMENTS.replace("https://peer.my.salesforce.com", &served.host());
    let catalogue = peer.change(|org, _| load(&mapping, org));
    let edge = Http::new(clock, Given::new(secret())).unwrap();
    let edges = [("crm".to_owned(), edge)].into();
    let memory = Memory::new(now);
    let deadline = Instant(now.0 + 60_000);
    let report =
        correlate(&memory, &catalogue, &edges, &Options { deadline, accept: None, changed: None }).await.unwrap();
    assert!(matches!(report.organisations["crm"], Told::Read { .. }), "{report:?}");
    let directory = present(&memory).await.unwrap().directory;
    for number in 1..=5 {
        let owner = directory.owner(&format!("dep-{number}"), now);
        assert_eq!(owner, Owner::Matched(&account(number)));
    }
    let mut names: Vec<&str> = directory.parties().iter().map(|party| party.name.as_str()).collect();
    let mut expected = NAMES;
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected);
}

#[tokio::test]
async fn a_table_that_breaks_off_on_the_network_is_fetched_again() {
    let clock = SystemClock::new().unwrap();
    let now = clock.now();
    let peer = peer(now);
    peer.break_off("/results", 0, 1);
    let served = serve(Arc::clone(&peer)).await.unwrap();
    let mapping = DEPLOYMENTS.replace("https://peer.my.salesforce.com", &served.host());
    let catalogue = peer.change(|org, _| load(&mapping, org));
    let edges = [("crm".to_owned(), Http::new(clock, Given::new(secret())).unwrap())].into();
    let options = Options { deadline: Instant(now.0 + 60_000), accept: None, changed: None };
    let report = correlate(&Memory::new(now), &catalogue, &edges, &options).await.unwrap();
    assert!(matches!(report.organisations["crm"], Told::Read { .. }), "{report:?}");
    let fetched = peer.log().iter().filter(|line| line.ends_with("/results")).count();
    // Six accounts and five deployments, two to a part, and the one again.
    assert_eq!(fetched, 3 + 3 + 1);
}

#[tokio::test]
async fn whoever_has_the_key_of_the_certificate_logs_in_and_nobody_else() {
    let clock = SystemClock::new().unwrap();
    let now = clock.now();
    let peer = peer(now);
    let served = serve(Arc::clone(&peer)).await.unwrap();
    let mapping = DEPLOYMENTS.replace("https://peer.my.salesforce.com", &served.host());
    let catalogue = peer.change(|org, _| load(&mapping, org));
    let other = peer.certify().unwrap();
    let key = peer.certify().unwrap();
    let secret = |key: &str, user: &str, audience: &str| {
        serde_json::json!({"client_id": CLIENT.0, "username": user, "private_key": key, "audience": audience})
            .to_string()
    };
    let (user, audience) = (salesforce_peer::USER, "https://login.salesforce.com");
    let elsewhere = serde_json::json!({"client_id": CLIENT.0, "username": user, "kms_key": "arn:aws:kms:x:1:key/2"});
    for (secret, words) in [
        (elsewhere.to_string(), Some("only the function on AWS signs with arn:aws:kms:x:1:key/2")),
        (secret(&key, user, audience), None),
        (secret(&other, user, audience), Some("invalid assertion")),
        (secret(&key, "somebody@peer.example", audience), Some("pre-authorise")),
        (secret(&key, user, "https://test.salesforce.com"), Some("sandbox")),
    ] {
        let edges = [("crm".to_owned(), Http::new(SystemClock::new().unwrap(), Given::new(secret)).unwrap())].into();
        let options = Options { deadline: Instant(now.0 + 60_000), accept: None, changed: None };
        let report = correlate(&Memory::new(now), &catalogue, &edges, &options).await.unwrap();
        match (&report.organisations["crm"], words) {
            (Told::Read { .. }, None) => {}
            (Told::Kept(reason, _), Some(words)) => assert!(reason.contains(words), "{reason}"),
            other => panic!("{other:?}"),
        }
    }
}

/// Reads both ways, and prints what it read as JSON.
const INDEPENDENT: &str = r#"
import csv, io, json, sys
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceMalformedRequest, SalesforceExpiredSession
host, key, secret = sys.argv[1:4]
import requests
token = requests.post(host + "/services/oauth2/token", data={
    "grant_type": "client_credentials", "client_id": key, "client_secret": secret}).json()
assert token["instance_url"] == host and token["issued_at"].isdigit()
class Plain(requests.adapters.HTTPAdapter):
    """The client speaks only https; the peer on this machine has no certificate."""
    def send(self, request, **options):
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, **options)
session = requests.Session()
session.mount("https://127.0.0.1", Plain())
sf = Salesforce(session_id=token["access_token"], instance_url=host, version="67.0", session=session)
found = sf.query_all("SELECT Id, Name, SystemModstamp FROM Account")
everything = sf.query_all("SELECT Id, Name FROM Account", include_deleted=True)
bulk = "".join(sf.bulk2.Account.query("SELECT Id, Name, SystemModstamp FROM Account"))
described = sf.Account.describe()
try:
    sf.query("SELECT Id, Nonsense__c FROM Account")
    raise SystemExit("a field that is not there was read")
except SalesforceMalformedRequest as error:
    code = error.content[0]["errorCode"]
try:
    Salesforce(session_id="expired", instance_url=host, version="67.0", session=session).query("SELECT Id FROM Account")
    raise SystemExit("an expired token was taken")
except SalesforceExpiredSession:
    pass
print(json.dumps({
    "rest": sorted(r["Name"] for r in found["records"]), "size": found["totalSize"],
    "all": len(everything["records"]), "bulk": bulk, "code": code,
    "stamps": sorted({r["SystemModstamp"][-5:] for r in found["records"]}),
    "fields": sorted(f["name"] for f in described["fields"])}))
"#;

#[tokio::test(flavor = "multi_thread")]
async fn an_independent_client_reads_the_same_pages_and_results() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.venv/bin/python");
    let here = Command::new(&python).args(["-c", "import simple_salesforce"]).output();
    if !here.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: simple-salesforce is not installed; `make tools` installs it");
        return;
    }
    let peer = peer(Instant(crate::world::FEBRUARY));
    let served = serve(Arc::clone(&peer)).await.unwrap();
    let host = served.host();
    let run = move || Command::new(python).args(["-c", INDEPENDENT, &host, CLIENT.0, CLIENT.1]).output();
    let output = tokio::task::spawn_blocking(run).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut expected = NAMES;
    expected.sort_unstable();
    assert_eq!(read["rest"], serde_json::json!(expected));
    assert_eq!((read["size"].as_u64(), read["all"].as_u64()), (Some(5), Some(6)));
    assert_eq!((read["code"].as_str(), read["stamps"][0].as_str()), (Some("INVALID_FIELD"), Some("+0000")));
    let bulk = read["bulk"].as_str().unwrap();
    for name in NAMES {
        assert!(bulk.contains(&format!("\"{}\"", name.replace('"', "\"\""))), "{name}: {bulk}");
    }
    assert!(bulk.contains("2026-02-01T00:00:00.000Z"), "{bulk}");
    assert!(read["fields"].as_array().unwrap().iter().any(|field| field == "Tier__c"));
}
