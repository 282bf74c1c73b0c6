//! `correlate` and `write-back` as Lambda runs them, against an organisation over HTTP, with their credentials in Secrets
//! Manager and keys in KMS, each spoken to by its own protocol.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_kms::types::{KeySpec, KeyUsageType};
use chrono::{Datelike, Months, NaiveDate, NaiveTime};
use lambda::Function;
use ledger::ports::Clock;
use metering::time::Instant;
use salesforce_peer::{CLIENT, Kind, Object, Org, Peer, Served, USER, serve};
use serde_json::{Value, json};
use store::SystemClock;
use store::aws::sdk_config;

use crate::bootstrap::{Failed, Running};
use crate::event;
use crate::world::{USAGE, WORK, World};

const DAY: i64 = 86_400_000;
const TOKENS: &str = "POST /services/oauth2/token";

/// What must never stand in a log.
const PRIVATE: [&str; 4] = ["peer-secret", "rotated-secret", "!peer.", "Globex Unlimited"];

/// An organisation with one account and its deployment, and the AWS that reads it.
struct Site {
    world: World,
    peer: Arc<Peer>,
    _served: Served,
    secrets: aws_sdk_secretsmanager::Client,
    kms: aws_sdk_kms::Client,
    arn: String,
}

fn now() -> Instant {
    SystemClock::new().unwrap().now()
}

fn organisation() -> Org {
    let began = Instant(now().0 - 100 * DAY);
    let mut org = Org::new(7).with_deployments();
    org.put("Account", 1, began, &[("Name", "Globex Unlimited"), ("BillingCity", "Lyon")]);
    let (account, from) = (salesforce_peer::id("001", 1), began.0.to_string());
    let values = [
        ("Deployment_Key__c", "globex-1"),
        ("Account__c", account.as_str()),
        ("Effective_From__c", from.as_str()),
        ("Status__c", "Active"),
    ];
    org.put("Deployment__c", 1, began, &values);
    let usage = ["Key__c", "Account__c", "Deployment__c", "Month__c"].map(|name| (name, Kind::Text));
    let usage = Object::new("a0C", &[&usage[..], &[("Quantity__c", Kind::Number)]].concat());
    let invoice = ["Number__c", "Account__c", "Month__c"].map(|name| (name, Kind::Text));
    let invoice = Object::new("a0D", &[&invoice[..], &[("Total__c", Kind::Number)]].concat());
    org.objects.extend([("Usage__c".to_owned(), usage), ("Invoice__c".to_owned(), invoice)]);
    org
}

impl Site {
    async fn start() -> Self {
        let world = World::start().await;
        let sdk = sdk_config(Some(world.endpoint())).await;
        let secrets = aws_sdk_secretsmanager::Client::new(&sdk);
        let made = secrets.create_secret().name("farthing-salesforce").secret_string("{}").send().await.unwrap();
        let org = organisation();
        let id = org.id.clone();
        let peer = Arc::new(Peer::new(org, now()));
        let served = serve(Arc::clone(&peer)).await.unwrap();
        let mapping = format!(
            "salesforce:
  - name: crm
    host: {}
    organisation: {id}
    preset: account-deployment
    plan: harbour-plan
    write-back:
      usage: {{object: Usage__c, key: Key__c, fields: {{account: Account__c, deployment: Deployment__c, month: Month__c, quantity: Quantity__c}}}}
      invoices: {{object: Invoice__c, key: Number__c, fields: {{account: Account__c, month: Month__c, total: Total__c}}}}
",
            served.host()
        );
        world.put(WORK, "catalogue/salesforce.yaml", &mapping).await;
        let kms = aws_sdk_kms::Client::new(&sdk);
        Self { world, peer, _served: served, secrets, kms, arn: made.arn.unwrap() }
    }

    async fn keep(&self, credential: Value) {
        let secret = json!({ "crm": credential }).to_string();
        self.secrets.put_secret_value().secret_id(&self.arn).secret_string(secret).send().await.unwrap();
    }

    /// A new key for signing: its ARN and its public half.
    async fn key(&self, spec: KeySpec) -> (String, Vec<u8>) {
        let made = self.kms.create_key().key_spec(spec).key_usage(KeyUsageType::SignVerify).send().await.unwrap();
        let arn = made.key_metadata.unwrap().arn.unwrap();
        let public = self.kms.get_public_key().key_id(&arn).send().await.unwrap();
        (arn, public.public_key.unwrap().into_inner())
    }

    async fn correlate(&self) -> Running {
        let more = [("FARTHING_SALESFORCE_SECRET", self.arn.as_str()), ("AWS_LAMBDA_LOG_LEVEL", "TRACE")];
        Running::start_with(&self.world, Function::Correlate, &more).await
    }

    /// Reads everything while `rotate` happens within the reading, at which the tokens end.
    async fn read_while(&self, rotate: impl Future<Output = ()>) {
        // The first table takes two looks, two seconds apart: time enough.
        self.peer.set_looks(2);
        self.peer.set_now(now());
        let (correlate, schedule) = (self.correlate().await, event("schedule"));
        let rotate = async {
            while !self.peer.log().iter().any(|line| line.contains("/jobs/query")) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            rotate.await;
            self.peer.expire_tokens();
        };
        let (answer, ()) = tokio::join!(correlate.invoke(&schedule), rotate);
        assert_eq!(answer.unwrap()["changed"], json!(true));
        // At first, then with what was good before, then with what was read anew.
        assert_eq!(self.logins(), 3);
        assert_discreet(&correlate.log());
    }

    fn logins(&self) -> usize {
        self.peer.log().iter().filter(|line| *line == TOKENS).count()
    }

    fn records(&self, object: &str) -> Vec<BTreeMap<String, String>> {
        self.peer.change(|org, _| org.objects[object].records.values().cloned().collect())
    }
}

fn by_secret(secret: &str) -> Value {
    json!({ "client_id": CLIENT.0, "client_secret": secret })
}

fn by_key(arn: &str) -> Value {
    json!({ "client_id": CLIENT.0, "username": USER, "kms_key": arn })
}

fn assert_discreet(log: &str) {
    assert!(log.contains("directory") && log.len() > 200, "nothing was logged: {log}");
    for word in PRIVATE {
        assert!(!log.contains(word), "{word} is in the log: {log}");
    }
}

fn assert_not_read(answer: Result<Value, Failed>, words: &str) {
    let failed = answer.unwrap_err();
    assert_eq!(failed.kind, "SalesforceNotRead", "{}", failed.message);
    assert!(failed.message.contains(words), "{}", failed.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_kms_signs_in_and_no_other_key_does() {
    let site = Site::start().await;
    let (arn, public) = site.key(KeySpec::Rsa2048).await;
    let (other, _) = site.key(KeySpec::Rsa2048).await;
    let (elliptic, _) = site.key(KeySpec::EccNistP256).await;
    site.peer.trust(&public);
    let correlate = site.correlate().await;
    for (key, words) in [
        (other.as_str(), "invalid assertion"),
        (elliptic.as_str(), "RSA_2048"),
        ("arn:aws:kms:us-east-1:000000000000:key/00000000-0000-0000-0000-000000000000", "in this region"),
    ] {
        site.keep(by_key(key)).await;
        site.peer.set_now(now());
        assert_not_read(correlate.invoke(&event("schedule")).await, words);
    }
    site.keep(by_key(&arn)).await;
    site.peer.set_now(now());
    let answer = correlate.invoke(&event("schedule")).await.unwrap();
    assert_eq!((&answer["changed"], &answer["unowned"]), (&json!(true), &json!([])));
    assert_discreet(&correlate.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_key_in_the_secret_signs_in_and_stays_out_of_the_log() {
    let site = Site::start().await;
    let pem = site.peer.certify().unwrap();
    site.keep(json!({ "client_id": CLIENT.0, "username": USER, "private_key": pem })).await;
    let correlate = site.correlate().await;
    site.peer.set_now(now());
    for changed in [true, false] {
        assert_eq!(correlate.invoke(&event("schedule")).await.unwrap()["changed"], json!(changed));
    }
    let log = correlate.log();
    assert_discreet(&log);
    // The key is one line within the PEM; in JSON its line ends are escaped.
    for line in pem.lines().filter(|line| !line.starts_with("-----")) {
        assert!(!log.contains(&line[..60]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_rotated_within_a_run_is_read_anew_once() {
    let site = Site::start().await;
    site.keep(by_secret(CLIENT.1)).await;
    site.read_while(async {
        site.keep(by_secret("rotated-secret")).await;
        site.peer.set_secret("rotated-secret");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_rotated_within_a_run_is_read_anew_once() {
    let site = Site::start().await;
    let by_pem = |pem: String| json!({ "client_id": CLIENT.0, "username": USER, "private_key": pem });
    site.keep(by_pem(site.peer.certify().unwrap())).await;
    site.read_while(async { site.keep(by_pem(site.peer.certify().unwrap())).await }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_the_relay_means_to_read_its_record_again_and_nothing_else() {
    let site = Site::start().await;
    site.keep(by_secret(CLIENT.1)).await;
    let correlate = site.correlate().await;
    correlate.invoke(&event("schedule")).await.unwrap();
    site.peer.change(|org, now| org.put("Deployment__c", 1, now, &[("Status__c", "Retired")]));
    let before = site.peer.log().len();
    for changed in [true, false] {
        assert_eq!(correlate.invoke(&event("correlate-changed")).await.unwrap()["changed"], json!(changed));
    }
    let asked =
        [TOKENS, "GET /services/data/v67.0/sobjects/Deployment__c/describe", "GET /services/data/v67.0/queryAll"];
    assert_eq!(site.peer.log()[before..], [asked, asked].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_wrong_is_tried_twice_and_told_without_being_shown() {
    let site = Site::start().await;
    site.keep(by_secret("rotated-secret")).await;
    let correlate = site.correlate().await;
    let answer = correlate.invoke(&event("schedule")).await;
    assert_not_read(answer, "the secret's client id or client secret is not the app's");
    assert_eq!(site.logins(), 2, "it may have been rotated a moment ago; no more than that");
    for (secret, words) in [("{}", "no JSON with a field `crm`"), ("rotated-secret", "no JSON with a field `crm`")] {
        site.secrets.put_secret_value().secret_id(&site.arn).secret_string(secret).send().await.unwrap();
        assert_not_read(correlate.invoke(&event("schedule")).await, words);
    }
    site.secrets.delete_secret().secret_id(&site.arn).force_delete_without_recovery(true).send().await.unwrap();
    assert_not_read(correlate.invoke(&event("schedule")).await, "ResourceNotFoundException");
    assert_eq!(site.logins(), 2);
    assert_discreet(&correlate.log());
}

/// The month before this one.
fn last_month() -> NaiveDate {
    let today = now().to_utc().unwrap().date_naive();
    today.with_day(1).unwrap().checked_sub_months(Months::new(1)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_and_invoices_are_written_back_by_the_function_that_may_do_nothing_else() {
    let site = Site::start().await;
    site.keep(by_secret(CLIENT.1)).await;
    let month = last_month();
    let label = month.format("%Y-%m").to_string();
    let at = month.with_day(3).unwrap().and_time(NaiveTime::MIN).and_utc().to_rfc3339();
    let record = json!({ "installation": "globex-1", "at": at, "gb": 7 }).to_string();
    let key = "usage/globex/2026-02-03/04.jsonl";
    site.world.put(USAGE, key, &record).await;

    let translate = Running::start(&site.world, Function::Translate).await;
    for key in crate::world::files().map(|(_, key)| key).chain([key.to_owned()]) {
        let mut created = event("eventbridge-object-created");
        created["detail"]["object"]["key"] = json!(key);
        translate.invoke(&created).await.unwrap();
    }
    Running::start(&site.world, Function::Aggregate).await.invoke(&event("schedule")).await.unwrap();
    site.correlate().await.invoke(&event("schedule")).await.unwrap();
    let invoice = Running::start(&site.world, Function::Invoice).await;
    invoice.invoke(&json!({ "period": label })).await.unwrap();

    let more = [("FARTHING_SALESFORCE_WRITE_SECRET", site.arn.as_str()), ("AWS_LAMBDA_LOG_LEVEL", "TRACE")];
    let write_back = Running::start_with(&site.world, Function::Correlate, &more).await;
    let answer = write_back.invoke_twice(&site.world, &json!({ "write-back": true })).await;
    assert_eq!(answer, json!({ "written": 2, "unchanged": 0 }));
    let account = salesforce_peer::id("001", 1);
    let [usage] = &site.records("Usage__c")[..] else { panic!("{:?}", site.records("Usage__c")) };
    let told = ["Account__c", "Deployment__c", "Month__c", "Quantity__c"].map(|field| usage[field].as_str());
    assert_eq!(told, [account.as_str(), "globex-1", label.as_str(), "7"]);
    let [bill] = &site.records("Invoice__c")[..] else { panic!("{:?}", site.records("Invoice__c")) };
    // 7 GB at 2.00, and 500.00 for the platform.
    assert_eq!([&bill["Account__c"], &bill["Month__c"], &bill["Total__c"]], [&account, &label, "514.00"]);

    site.peer.change(|org, _| org.object("Usage__c").hidden.insert("Quantity__c".to_owned()));
    let failed = write_back.invoke(&event("correlate-write-back")).await.unwrap_err();
    assert_eq!(failed.kind, "SalesforceNotWritten");
    assert!(failed.message.contains("Quantity__c"), "{}", failed.message);
    let log = write_back.log();
    assert!(PRIVATE.iter().all(|word| !log.contains(word)), "{log}");
}
