//! A world in memory, and the steps of the protocol in it.

use std::collections::BTreeMap;
use std::future::Future;
use std::task::{Context, Poll, Waker};

use catalog::Catalogue;
use invoicing::{Invoice, Line};
use ledger::attention::{self, Kind, Notice};
use ledger::by_deployment::ByDeployment;
use ledger::configuration::Configuration;
use ledger::counted::{self, Audit, Counted};
use ledger::file::{FileRecord, claimed_slot};
use ledger::invoice::{self, Closed, Options};
use ledger::memory::Memory;
use ledger::ports::{Blobs, Bucket, Item, Key, Table, Tables};
use ledger::translate::{self, Outcome};
use ledger::{aggregate, correlate, names};
use metering::rollup::Input;
use metering::tally::{Cells, Counts};
use metering::time::{Instant, Span};
use serde_json::Value;

/// One source whose files never change, one whose files may be replaced; a fee of 10.00 and 0.50 a
/// call. `ann` has the deployment `one`.
pub const CATALOGUE: &str = r#"
seller: {name: Seller, address: [Street 1], currency: USD, zone: UTC, terms-days: 30, number: "R-"}
billing: {grace-hours: 24}
streams:
  - {name: calls, title: Calls, unit: call, scale: 2, kind: delta, day: sum, month: sum}
sources:
  - name: fixed
    objects: "fixed/{deployment}/{name}.jsonl*"
    format: json-lines
    deployment: {tag: deployment}
    time: {field: t, format: rfc3339}
    usage: [{stream: calls, quantity: n}]
  - name: replaced
    objects: "replaced/{deployment}/{name}.jsonl"
    format: json-lines
    on-change: supersede
    deployment: {tag: deployment}
    time: {field: t, format: rfc3339}
    usage: [{stream: calls, quantity: n}]
components:
  - {name: calls, title: Calls, stream: calls, price: {per-unit: 0.50}}
plans:
  - {name: plan, title: Plan, currency: USD, recurring: [{title: Fee, amount: 10.00}], components: [calls]}
customers:
  - id: ann
    name: Ann
    address: [Lane 2]
    deployments: [{id: one, from: 2026-01-01}]
    subscriptions: [{plan: plan, from: 2026-01-01}]
"#;

/// Past the end of January and its grace.
pub const FEBRUARY_2: &str = "2026-02-02T06:00:00Z";
/// Past the end of February and its grace.
pub const MARCH_2: &str = "2026-03-02T06:00:00Z";

/// All time.
pub const ALWAYS: Span = Span { from: Instant(i64::MIN), until: Instant(i64::MAX) };

/// Everything that is stored, but for the tokens of hints: items, and objects with their etags.
#[derive(Debug, PartialEq)]
pub struct State {
    items: Vec<(Table, Key, Item)>,
    objects: Vec<(Bucket, String, String)>,
}

pub struct World {
    pub memory: Memory,
    configuration: Configuration,
}

impl World {
    /// In the middle of January.
    pub fn new() -> Self {
        Self::of(&[CATALOGUE])
    }

    pub fn of(texts: &[&str]) -> Self {
        let world = Self { memory: Memory::default(), configuration: configuration(texts) };
        world.at("2026-01-15T12:00:00Z");
        world
    }

    /// Publishes another catalogue.
    pub fn configure(&mut self, text: &str) {
        self.configuration = configuration(&[text]);
    }

    pub fn catalogue(&self) -> &Catalogue {
        &self.configuration.catalogue
    }

    /// Sets the clock.
    pub fn at(&self, time: &str) {
        self.memory.set_now(instant(time));
    }

    pub fn state(&self) -> State {
        let mut items = self.memory.items();
        let hints = items.iter_mut().filter(|(_, key, _)| key.partition.starts_with("H#"));
        hints.for_each(|(_, _, item)| item.body.clear());
        let mut objects = Vec::new();
        for bucket in [Bucket::Usage, Bucket::Work, Bucket::Invoices] {
            let listed = at_once(self.memory.list(bucket, "", None, usize::MAX)).unwrap().objects;
            objects.extend(listed.into_iter().map(|object| (bucket, object.key, object.etag)));
        }
        State { items, objects }
    }

    /// Takes a step, and once more: the second time changes nothing. The first answer and the second.
    pub fn twice<T>(&self, step: impl Fn() -> T) -> (T, T) {
        let first = step();
        let once = self.state();
        let second = step();
        assert_eq!(self.state(), once, "the second time changed something");
        (first, second)
    }

    /// An object is uploaded and its event delivered, twice.
    pub fn arrive(&self, key: &str, bytes: impl Into<Vec<u8>>) -> Outcome {
        self.memory.upload(Bucket::Usage, key, bytes.into());
        self.deliver(key)
    }

    /// An event, twice.
    pub fn deliver(&self, key: &str) -> Outcome {
        let (first, second) =
            self.twice(|| at_once(translate::translate(&self.memory, self.catalogue(), key)).unwrap());
        match &first {
            Outcome::Tallied(_) | Outcome::Quarantined(_) => assert_eq!(second, Outcome::Repeated, "{key}"),
            Outcome::Repeated | Outcome::Conflict | Outcome::Unclaimed(_) | Outcome::Ignored(_) => {
                assert_eq!(second, first, "{key}");
            }
        }
        first
    }

    pub fn refresh(&self) {
        self.twice(|| at_once(aggregate::refresh(&self.memory)).unwrap());
    }

    /// The sweep, and all that it asks for; the keys.
    pub fn sweep(&self) -> Vec<String> {
        let before = Instant(i64::MAX);
        let (audit, again) = self.twice(|| at_once(counted::sweep(&self.memory, self.catalogue(), before)).unwrap());
        assert_eq!(again.missing, audit.missing);
        let mut asked = Vec::new();
        while let Some(key) = self.memory.dequeue() {
            self.deliver(&key);
            asked.push(key);
        }
        self.refresh();
        asked.sort();
        asked.dedup();
        asked
    }

    /// Everything that is counted, whenever it was used.
    pub fn counted(&self) -> Counted {
        at_once(Counted::read(&self.memory, Some(ALWAYS))).unwrap()
    }

    /// The files of all rollups.
    pub fn inputs(&self) -> Vec<Input> {
        let rollups = self.counted().manifest.rollups().unwrap();
        let files = |body: &str| at_once(aggregate::load(&self.memory, body)).unwrap().inputs.into_values();
        rollups.iter().flat_map(|(_, body)| files(body)).collect()
    }

    /// All usage; the same however little of it is held in memory.
    pub fn cells(&self) -> Cells {
        let of = |usage| {
            let counted = at_once(Counted::read_holding(&self.memory, Some(ALWAYS), usage)).unwrap();
            at_once(counted.usage.all(&self.memory, ALWAYS)).unwrap()
        };
        let cells = of(ByDeployment::default());
        assert_eq!(of(ByDeployment::holding(1)), cells);
        cells
    }

    pub fn audit(&self) -> Audit {
        let counted = self.counted();
        at_once(counted::audit(&self.memory, self.catalogue(), &counted, Instant(i64::MAX))).unwrap()
    }

    /// The schedules: aggregate, correlate, invoice, each twice.
    pub fn close(&self, month: &str) -> Closed {
        self.refresh();
        self.twice(|| at_once(correlate::publish(&self.memory, self.catalogue())).unwrap());
        self.twice(|| at_once(correlate::enrich(&self.memory, self.catalogue(), month)).unwrap());
        let options = Options { month: month.to_owned(), settle_minutes: 0, preview: false };
        let close = || at_once(invoice::close(&self.memory, &self.configuration, &options)).unwrap();
        let (closed, again) = self.twice(close);
        for (account, outcome) in &closed.accounts {
            match (outcome, &again.accounts[account]) {
                (invoice::Outcome::Issued(first, _), invoice::Outcome::Issued(second, fresh)) => {
                    assert_eq!(first, second);
                    assert!(!fresh, "{account} is invoiced once");
                }
                (first, second) => assert_eq!(format!("{first:?}"), format!("{second:?}")),
            }
        }
        closed
    }

    /// The invoice of `ann`.
    pub fn invoice(&self, month: &str) -> Invoice {
        match self.close(month).accounts.remove("ann") {
            Some(invoice::Outcome::Issued(invoice, _)) => *invoice,
            other => panic!("no invoice for {month}: {other:?}"),
        }
    }

    /// Why `ann` has no invoice yet.
    pub fn waits(&self, month: &str) -> Vec<String> {
        match self.close(month).accounts.remove("ann") {
            Some(invoice::Outcome::Waiting(reasons)) => reasons,
            other => panic!("{month} should wait: {other:?}"),
        }
    }

    pub fn notices(&self) -> Vec<Notice> {
        at_once(attention::list(&self.memory)).unwrap()
    }

    /// The one notice there is, which has to be about `key`.
    pub fn notice(&self, key: &str) -> (Kind, String) {
        let [notice] = self.notices().try_into().unwrap();
        assert_eq!(notice.key, key);
        (notice.kind, notice.reason)
    }

    /// What the ledger says of a file.
    pub fn record(&self, key: &str) -> FileRecord {
        let file = names::file_id(key);
        let slot = at_once(claimed_slot(&self.memory, &file)).unwrap().unwrap();
        let (table, key) = names::tally(&slot, &file);
        FileRecord::read(&at_once(self.memory.get(table, &key)).unwrap().unwrap()).unwrap()
    }

    /// The entries of a file's reject object in the work bucket.
    pub fn rejects(&self, key: &str) -> Vec<Value> {
        let object = self.record(key).rejects.unwrap();
        let text = String::from_utf8(self.memory.object(Bucket::Work, &object).unwrap()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// How many reject objects there are in all.
    pub fn reject_objects(&self) -> usize {
        at_once(self.memory.list(Bucket::Work, "rejects/", None, usize::MAX)).unwrap().objects.len()
    }
}

fn configuration(texts: &[&str]) -> Configuration {
    let name = |place: usize| if place == 0 { "catalogue.yaml".to_owned() } else { format!("more-{place}.yaml") };
    let files = texts.iter().enumerate().map(|(place, text)| (name(place), (*text).to_owned())).collect();
    Configuration::load(files).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The value of a future that never waits.
pub fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("the in-memory ports never wait"),
    }
}

pub fn instant(time: &str) -> Instant {
    Instant(time.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

/// A line of usage on a day of January.
pub fn used(day: u8, n: &str) -> String {
    format!("{{\"t\":\"2026-01-{day:02}T09:30:00Z\",\"n\":{n}}}\n")
}

/// `records` records of one event each, none filtered.
pub fn counts(records: u64, rejected: u64) -> Counts {
    let tallied = records - rejected;
    Counts { records, tallied, rejected, events: tallied, ..Counts::default() }
}

/// What an invoice charges, by component and period.
pub fn charged(invoice: &Invoice) -> BTreeMap<(&str, &str), &str> {
    invoice.lines.iter().map(|line| ((line.component.as_str(), line.period.as_str()), line.amount.as_str())).collect()
}

/// The one line for a component and a period.
pub fn line<'a>(invoice: &'a Invoice, component: &str, period: &str) -> &'a Line {
    let mut found = invoice.lines.iter().filter(|line| line.component == component && line.period == period);
    let line = found.next().unwrap();
    assert!(found.next().is_none(), "two lines for {component} in {period}");
    line
}

/// A gzip member that stores its text as it is (RFC 1952 around RFC 1951, 3.2.4).
pub fn gzip(text: &[u8]) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap();
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    bytes.extend(length.to_le_bytes());
    bytes.extend((!length).to_le_bytes());
    bytes.extend(text);
    bytes.extend(crc32(text).to_le_bytes());
    bytes.extend(u32::from(length).to_le_bytes());
    bytes
}

/// A tar with these files.
pub fn tar(files: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, text) in files {
        let mut header = vec![0; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", text.len()).as_bytes());
        header[148..156].fill(b' ');
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        bytes.extend(header);
        bytes.extend(text.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}
