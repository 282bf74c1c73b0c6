//! What the ledger costs, counted at its ports: `make bench-ledger`.
//!
//! The counts do not depend on the machine or on the adapter: every design runs over the same ports, which count by the
//! rules of DynamoDB, S3 and SQS ([`farthing_tests::counting`]).

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement that cannot be made says so and ends")]

use std::collections::BTreeMap;

use farthing_tests::counting::{Counting, Spent};
use ledger::aggregate::refresh;
use ledger::configuration::Configuration;
use ledger::counted::Counted;
use ledger::memory::Memory;
use ledger::ports::{Bucket, Key, Table, Tables, Transacted, Write};
use ledger::translate::translate;
use metering::time::{Instant, Span};

/// Files of each kind whose costs are counted.
const FILES: u64 = 100;
/// Events of a file, about two hundred bytes each.
const EVENTS: u64 = 1000;
/// Counters of a file.
const COUNTERS: [u64; 4] = [1, 20, 100, 500];

const CATALOGUE: &str = "
seller: {name: Quill, currency: USD, zone: UTC}
streams: [{name: calls, title: Calls, unit: call, scale: 0, kind: delta, day: sum, month: sum}]
sources:
  - name: api
    objects: '{deployment}/{file}.jsonl'
    format: json-lines
    deployment: {tag: deployment}
    time: {field: at, format: rfc3339}
    usage: [{stream: calls, quantity: n, series: node}]
plans: [{name: standard, title: Standard, currency: USD, recurring: [{title: Fee, amount: 1.00}]}]
";

/// Prices of us-east-1 in millionths of a dollar for a million: docs/cost.md says of when.
const WRITE_UNIT: u64 = 625_000;
const READ_UNIT: u64 = 125_000;
const PUT: u64 = 5_000_000;
const GET: u64 = 400_000;
const MESSAGE: u64 = 400_000;

fn configuration() -> Configuration {
    Configuration::load(vec![("catalogue.yaml".into(), CATALOGUE.into())]).unwrap()
}

/// Which counter and how much, event by event.
fn events(file: u64, counters: u64) -> impl Iterator<Item = (u64, u64)> {
    (0..EVENTS).map(move |event| ((event * 7 + file) % counters, (event * event + file) % 97))
}

fn text(file: u64, counters: u64) -> String {
    let line = |(counter, n): (u64, u64)| {
        let (second, request) = (n % 60, n * 7_919_000_003 + counter);
        format!(
            "{{\"at\":\"2026-02-01T07:03:{second:02}.250Z\",\"node\":\"node-{counter:03}\",\"n\":{n},\"status\":200,\
             \"method\":\"GET\",\"path\":\"/v1/items/{request}\",\"agent\":\"client/4.2\",\"request\":\"{request:032x}\"}}\n"
        )
    };
    events(file, counters).map(line).collect()
}

fn main() {
    println!("per file: counted, {FILES} files of {EVENTS} events each\n");
    println!(
        "| counters | design | write units | read units | PUT | GET | queue | $ per million files | $ per TB of 10 MB files |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for counters in COUNTERS {
        alone(count(counters));
    }
}

/// The costs of one kind of file under each design.
async fn count(counters: u64) {
    let bytes = u64::try_from(text(0, counters).len()).unwrap();
    let (first, again, rolled) = farthing(counters).await;
    told(counters, "Farthing: first delivery", &first, bytes);
    told(counters, "Farthing: each further delivery", &again, bytes);
    told(counters, "Farthing: its part of one rollup", &rolled, bytes);
    told(counters, "marker and counters in transactions", &usual(counters).await, bytes);
    told(counters, "one write an event", &naive(counters).await, bytes);
}

fn told(counters: u64, design: &str, spent: &Spent, bytes: u64) {
    let of_file = |many: u64| format!("{}.{:02}", many / FILES, many * 100 / FILES % 100);
    let millions = price(spent) / FILES;
    // Ten megabytes of a design that writes by the event are so many of these files.
    let by_event = if design.starts_with("one write") { 10_000_000 / bytes } else { 1 };
    let ranges = if design.contains("first") { 9 * GET } else { 0 };
    let terabyte = (millions * by_event + ranges) / 10;
    let dollars = |millionths: u64| format!("{}.{:02}", millionths / 1_000_000, millionths / 10_000 % 100);
    println!(
        "| {counters} | {design} | {} | {} | {} | {} | {} | {} | {} |",
        of_file(spent.write_units),
        of_file(spent.read_units),
        of_file(spent.puts + spent.lists),
        of_file(spent.gets),
        of_file(spent.sends),
        dollars(millions),
        dollars(terabyte),
    );
}

/// In millionths of a dollar, a million times all this.
fn price(spent: &Spent) -> u64 {
    let Spent { write_units, read_units, puts, lists, gets, sends, table_calls: _ } = *spent;
    write_units * WRITE_UNIT + read_units * READ_UNIT + (puts + lists) * PUT + gets * GET + sends * MESSAGE
}

/// First deliveries, second ones, and the rollup of them all.
async fn farthing(counters: u64) -> (Spent, Spent, Spent) {
    let (ports, configuration) = (Counting::new(Memory::new(Instant(1_770_000_000_000))), configuration());
    let key = |file: u64| format!("eu-{}/2026-02-01-{file:06}.jsonl", file % 10);
    for file in 0..FILES {
        ports.ports.upload(Bucket::Usage, &key(file), text(file, counters).into_bytes());
    }
    let deliver = async || {
        for file in 0..FILES {
            translate(&ports, &configuration.catalogue, &key(file)).await.unwrap();
        }
        ports.take()
    };
    let (first, again) = (deliver().await, deliver().await);
    refresh(&ports).await.unwrap();
    let rolled = ports.take();
    let whole = Counted::read(&ports.ports, Some(Span { from: Instant(i64::MIN), until: Instant(i64::MAX) }));
    assert_eq!(whole.await.unwrap().counts.events, FILES * EVENTS);
    (first, again, rolled)
}

/// Each file is folded, then added to the counters in transactions, each with a marker. A transaction holds a hundred
/// items: a file of more counters is not added at once.
async fn usual(counters: u64) -> Spent {
    let ports = Counting::new(Memory::default());
    let mut totals: BTreeMap<u64, u64> = BTreeMap::new();
    for file in 0..FILES {
        events(file, counters).for_each(|(counter, n)| *totals.entry(counter).or_default() += n);
        let touched: Vec<u64> = events(file, counters).map(|(counter, _)| counter).collect();
        let touched: Vec<u64> = std::collections::BTreeSet::from_iter(touched).into_iter().collect();
        for (part, some) in touched.chunks(99).enumerate() {
            let marker = Write::create(Table::Ledger, Key::new(format!("M#{file}"), part.to_string()), "{}");
            let adds = some.iter().map(|counter| add(*counter, totals[counter]));
            let done = ports.transact([marker].into_iter().chain(adds).collect()).await.unwrap();
            assert_eq!(done, Transacted::Done);
        }
    }
    ports.take()
}

/// Each event is added to its counter at once.
async fn naive(counters: u64) -> Spent {
    let ports = Counting::new(Memory::default());
    let mut totals: BTreeMap<u64, u64> = BTreeMap::new();
    for file in 0..FILES {
        for (counter, n) in events(file, counters) {
            let total = totals.entry(counter).or_default();
            *total += n;
            ports.write(add(counter, *total)).await.unwrap();
        }
    }
    ports.take()
}

/// What `ADD` would leave, for what it would cost.
fn add(counter: u64, total: u64) -> Write {
    Write::put(Table::Rollup, Key::new(format!("C#eu-1#calls#node-{counter:03}"), "2026-02-01T07"), total.to_string())
}

fn alone<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
