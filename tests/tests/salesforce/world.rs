//! An organisation, a store in memory, and a client between them that can be cut off at every await.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use catalog::Catalogue;
use catalog::directory::{Directory, Owner};
use ledger::memory::Memory;
use ledger::ports::Clock;
use ledger::snapshot::present;
use metering::time::Instant;
use salesforce::correlate::{Options, Report, Told, correlate};
use salesforce::reading::Changed;
use salesforce::transport::{Body, Method, Pace, Pieces, Request, Response, Transport};
use salesforce::{Id, Secrets};
use salesforce_peer::{Asked, CLIENT, Org, Peer};

pub const HOUR: i64 = 3_600_000;
pub const DAY: i64 = 24 * HOUR;
/// 2026-02-01T00:00:00Z.
pub const FEBRUARY: i64 = 1_769_904_000_000;

pub const CATALOGUE: &str = "
seller: {name: Quill, currency: USD, zone: UTC}
streams: [{name: calls, title: Calls, unit: call, scale: 0, kind: delta, day: sum, month: sum}]
sources:
  - {name: app, objects: 'usage/{site}/*.jsonl', format: json-lines, deployment: {tag: site}, time: {field: t, format: epoch-ms}, usage: [{stream: calls, quantity: calls}]}
components: [{name: per-call, title: Calls, stream: calls, price: {per-unit: 0.50}}]
plans: [{name: standard, title: Standard, currency: USD, components: [per-call]}]
";

pub const DEPLOYMENTS: &str = "
salesforce:
  - name: crm
    host: https://peer.my.salesforce.com
    organisation: ORG
    preset: account-deployment
    plan: standard
    accounts:
      attributes: {tier: Tier__c}
      bill-to: Bill_To_Account__c
      excluded: {Type: [Internal]}
";

pub const ASSETS: &str = "
salesforce:
  - name: crm
    host: https://peer.my.salesforce.com
    organisation: ORG
    preset: account-asset
    plan: standard
";

/// A future that gives way once.
pub struct Yield(pub bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            return Poll::Ready(());
        }
        self.0 = true;
        Poll::Pending
    }
}

/// The client's world: the peer without a network, the store's clock, chance that is always half.
pub struct Direct<'a> {
    pub peer: &'a Peer,
    pub memory: &'a Memory,
}

impl Transport for Direct<'_> {
    type Body = Broken;

    async fn open(&self, request: Request) -> Result<(Response, Broken), String> {
        Yield(false).await;
        let method = match request.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        };
        let url = request.url.split_once("://").unwrap().1;
        let header = request.headers.iter().find(|(name, _)| *name == "authorization");
        let asked = Asked {
            method: method.to_owned(),
            url: url[url.find('/').unwrap()..].to_owned(),
            authorization: header.map(|(_, value)| value.clone()).unwrap_or_default(),
            body: request.body.map(|(_, body)| body).unwrap_or_default(),
        };
        let answer = self.peer.answer(&asked);
        Yield(false).await;
        let headers = answer.headers.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect();
        let head = Response { status: answer.status, headers, body: Vec::new() };
        let cut = answer.cut.then_some(answer.body.len() / 2);
        Ok((head, Broken { pieces: Pieces::new(answer.body, PIECE), left: cut }))
    }
}

/// Bytes to a piece: no row of the tests' tables fits into one.
const PIECE: usize = 97;

/// A body that may break off.
pub struct Broken {
    pieces: Pieces,
    left: Option<usize>,
}

impl Body for Broken {
    async fn piece(&mut self) -> Result<Option<Vec<u8>>, String> {
        Yield(false).await;
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(PIECE).ok_or("connection reset")?;
        }
        self.pieces.piece().await
    }
}

impl Pace for Direct<'_> {
    fn now(&self) -> Instant {
        self.memory.now()
    }

    async fn sleep(&self, _: u64) {
        Yield(false).await;
    }

    fn chance(&self) -> u64 {
        500
    }
}

impl Secrets for Direct<'_> {
    async fn secret(&self, _: bool) -> Result<String, String> {
        Ok(secret())
    }

    async fn sign(&self, key: &str, _: [u8; 32]) -> Result<Vec<u8>, String> {
        Err(format!("{key} is not here"))
    }
}

pub fn secret() -> String {
    format!(r#"{{"client_id":"{}","client_secret":"{}"}}"#, CLIENT.0, CLIENT.1)
}

pub struct World {
    pub peer: Peer,
    pub memory: Memory,
    pub catalogue: Arc<Catalogue>,
}

/// A day before February: everything that a world begins with was written then.
pub const BEGAN: i64 = FEBRUARY - 40 * DAY;

pub fn load(mapping: &str, org: &Org) -> Arc<Catalogue> {
    let text = format!("{CATALOGUE}{}", mapping.replace("ORG", &org.id));
    catalog::load([("a.yaml".to_owned(), text)]).unwrap_or_else(|problems| panic!("{problems}")).catalogue
}

impl World {
    pub fn new(mapping: &str) -> Self {
        let mut org = Org::new(7).with_deployments();
        for (number, name) in [(1, "Acme Émile & Co \"Paris\""), (2, "Globex, Inc."), (3, "Initech")] {
            let values = [("Name", name), ("Type", "Customer"), ("Tier__c", "gold"), ("BillingCity", "Lyon")];
            org.put("Account", number, Instant(BEGAN), &values);
        }
        let catalogue = load(mapping, &org);
        let world = Self { peer: Peer::new(org, Instant(FEBRUARY)), memory: Memory::new(Instant(FEBRUARY)), catalogue };
        world.at(FEBRUARY);
        world
    }

    pub fn at(&self, now: i64) {
        self.peer.set_now(Instant(now));
        self.memory.set_now(Instant(now));
    }

    pub fn put(&self, object: &str, number: u64, values: &[(&str, &str)]) {
        self.peer.change(|org, now| org.put(object, number, now, values));
    }

    /// A deployment of `account` from the beginning.
    pub fn deploy(&self, number: u64, key: &str, account: u64) {
        let account = salesforce_peer::id("001", account);
        let from = BEGAN.to_string();
        let values = [
            ("Deployment_Key__c", key),
            ("Account__c", &account),
            ("Effective_From__c", &from),
            ("Status__c", "Active"),
        ];
        self.put("Deployment__c", number, &values);
    }

    pub fn edges(&self) -> BTreeMap<String, Direct<'_>> {
        BTreeMap::from([("crm".to_owned(), Direct { peer: &self.peer, memory: &self.memory })])
    }

    /// What a hint comes to.
    pub fn hinted(&self, object: &str, ids: &[String]) -> Report {
        let organisation = self.catalogue.salesforce["crm"].organisation.clone();
        let ids = ids.iter().map(|id| Id::parse(id).unwrap()).collect();
        let changed = Some(Changed { organisation, object: object.to_owned(), ids });
        let options = Options { deadline: Instant(i64::MAX), accept: None, changed };
        finish(correlate(&self.memory, &self.catalogue, &self.edges(), &options)).unwrap()
    }

    pub fn run_until(&self, deadline: i64, accept: Option<&str>) -> Report {
        let options = Options { deadline: Instant(deadline), accept: accept.map(str::to_owned), changed: None };
        let edges = self.edges();
        finish(correlate(&self.memory, &self.catalogue, &edges, &options)).unwrap()
    }

    pub fn run(&self) -> Report {
        self.run_until(i64::MAX, None)
    }

    /// A run that reads everything it wants to.
    pub fn read(&self) -> Report {
        let report = self.run();
        assert!(matches!(report.organisations["crm"], Told::Read { .. }), "{report:?}");
        report
    }

    /// Why a run kept what was there.
    pub fn refused(&self) -> (String, bool) {
        let before = self.directory().version().to_owned();
        let report = self.run();
        assert_eq!(self.directory().version(), before, "what was refused is not in force");
        match &report.organisations["crm"] {
            Told::Kept(reason, passes) => (reason.clone(), *passes),
            other => panic!("it was not refused: {other:?}"),
        }
    }

    pub fn directory(&self) -> Directory {
        finish(present(&self.memory)).unwrap().directory
    }

    /// Who owned a deployment so long after the beginning of February.
    pub fn owner(&self, deployment: &str, after: i64) -> String {
        match self.directory().owner(deployment, Instant(FEBRUARY + after)) {
            Owner::Matched(account) => account.to_owned(),
            other => format!("{other:?}"),
        }
    }
}

pub fn account(number: u64) -> String {
    format!("crm-{}", salesforce_peer::id("001", number))
}

/// Runs a future to its end.
pub fn finish<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    for _ in 0..10_000_000 {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
    panic!("it never ends");
}
