//! A month of many files on the embedded store, from the bucket to its invoices: how long each step takes, how much memory,
//! and what is asked of the services. `make bench-month`.
//!
//! Each step of which memory is measured is a process of its own, so that it is its own memory that is told.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement that cannot be made says so and ends")]
#![expect(clippy::disallowed_methods, reason = "a stopwatch")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant as Stopwatch, SystemTime};

use farthing_tests::counting::{Counting, Spent};
use ledger::aggregate::refresh;
use ledger::configuration::Configuration;
use ledger::correlate::publish;
use ledger::counted::sweep;
use ledger::invoice::{Closed, Options, Outcome, close};
use ledger::translate::{Outcome as Translated, translate};
use metering::time::Instant;
use store::embedded::{Embedded, Places, open};

/// Deployments, each of its own customer.
const DEPLOYMENTS: u64 = 100;
/// Events of a file, each of another counter.
const EVENTS: u64 = 20;
/// Files of one slot.
const SLOT: u64 = 10_000;
/// Files of the months, where none are said.
const MONTHS: [u64; 2] = [25_000, 100_000];
/// Translations at once.
const WORKERS: usize = 32;
/// The first of February 2026, and the quarter-hours of that month.
const BEGIN: u64 = 1_769_904_000;
const QUARTERS: u64 = 28 * 96;

/// What the events of a month look like.
#[derive(Clone, Copy)]
struct Month {
    files: u64,
    /// Whether each event has an id.
    ids: bool,
    /// Whether all files arrive in one hour.
    at_once: bool,
}

fn configuration(ids: bool) -> Configuration {
    let id = if ids { "event-id: id\n    " } else { "" };
    let mut text = format!(
        "seller: {{name: Quill, currency: USD, zone: UTC}}
streams: [{{name: calls, title: Calls, unit: call, scale: 0, kind: delta, day: sum, month: sum}}]
sources:
  - name: api
    objects: '{{deployment}}/{{file}}.jsonl'
    format: json-lines
    {id}deployment: {{tag: deployment}}
    time: {{field: at, format: rfc3339}}
    usage: [{{stream: calls, quantity: n, series: node}}]
components: [{{name: calls, title: Calls, stream: calls, price: {{per-unit: 0.01}}}}]
plans: [{{name: plan, title: Plan, currency: USD, components: [calls]}}]
customers:
"
    );
    for n in 0..DEPLOYMENTS {
        text.push_str(&format!(
            "  - {{id: c{n}, name: C{n}, address: [Lane {n}], deployments: [{{id: eu-{n}, from: 2026-01-01}}], \
             subscriptions: [{{plan: plan, from: 2026-01-01}}]}}\n"
        ));
    }
    Configuration::load(vec![("catalogue.yaml".into(), text)]).unwrap()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [step, folder, ids] => one(step, Path::new(folder), ids == "ids"),
        [files] => [false, true].into_iter().for_each(|ids| month(files.parse().unwrap(), ids)),
        _ => {
            slot();
            for ids in [false, true] {
                MONTHS.into_iter().for_each(|files| month(files, ids));
            }
        }
    }
}

/// One step in this process.
fn one(step: &str, folder: &Path, ids: bool) {
    let (ports, configuration) = (Counting::new(opened(folder)), configuration(ids));
    match step {
        "roll-up" => drop(timed("rolled up, one thread", &ports, || alone(refresh(&ports)).unwrap())),
        "sweep" => {
            let audit = timed("a sweep when all is counted", &ports, || {
                alone(sweep(&ports, &configuration.catalogue, Instant(i64::MAX))).unwrap()
            });
            assert_eq!(audit.missing, Vec::<String>::new());
        }
        month => {
            alone(publish(&ports, &configuration.catalogue)).unwrap();
            ports.take();
            let options = Options { month: month.to_owned(), settle_minutes: 0, preview: false };
            let closed =
                timed(&format!("{month} closed"), &ports, || alone(close(&ports, &configuration, &options)).unwrap());
            told(&closed);
        }
    }
}

fn told(closed: &Closed) {
    let issued = closed.accounts.values().filter(|outcome| matches!(outcome, Outcome::Issued(_, true)));
    println!("  {} invoices of {} files", issued.count(), closed.files);
}

/// A month of so many files: everything is counted and rolled up, swept twice, closed; then the next month.
fn month(files: u64, ids: bool) {
    let folder = tempfile::tempdir_in("target").unwrap();
    usage(folder.path(), Month { files, ids, at_once: false });
    println!("\na month of {files} files of {EVENTS} events {}", if ids { "with ids" } else { "without ids" });
    commit_all(folder.path(), ids, files);
    for step in ["roll-up", "sweep", "sweep", "2026-02", "2026-02", "2026-03"] {
        let ids = if ids { "ids" } else { "none" };
        let done = Command::new(std::env::current_exe().unwrap()).arg(step).arg(folder.path()).arg(ids).status();
        assert!(done.unwrap().success());
    }
}

/// One slot: its tallies are committed, then re-read and written as its rollup.
fn slot() {
    let folder = tempfile::tempdir_in("target").unwrap();
    usage(folder.path(), Month { files: SLOT, ids: false, at_once: true });
    println!("\none slot of {SLOT} files of {EVENTS} events");
    commit_all(folder.path(), false, SLOT);
    let ports = Counting::new(opened(folder.path()));
    let refreshed = timed("re-read and rolled up, one thread", &ports, || alone(refresh(&ports)).unwrap());
    assert_eq!(u64::try_from(refreshed.tallies).unwrap(), SLOT);
}

/// The folder of usage files; in a month each file's events are of a quarter-hour of its own.
fn usage(folder: &Path, month: Month) {
    let each = month.files / DEPLOYMENTS;
    for file in 0..month.files {
        let (deployment, nth) = (file % DEPLOYMENTS, file / DEPLOYMENTS);
        let path = folder.join(format!("usage/eu-{deployment}/{nth:07}.jsonl"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let seconds = if month.at_once { 0 } else { nth * QUARTERS / each * 900 };
        fs::write(&path, text(month, file, seconds)).unwrap();
        let arrived = SystemTime::UNIX_EPOCH + Duration::from_secs(BEGIN + seconds + 600);
        fs::File::open(&path).unwrap().set_modified(arrived).unwrap();
    }
}

fn text(month: Month, file: u64, seconds: u64) -> String {
    let (day, hour, minute) = (1 + seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let id = |n: u64| {
        if month.ids { format!("\"id\":\"{:032x}\",", u128::from(file) << 64 | u128::from(n)) } else { String::new() }
    };
    let line = |n: u64| {
        let at = format!("2026-02-{day:02}T{hour:02}:{minute:02}:{:02}Z", n % 60);
        format!("{{{}\"at\":\"{at}\",\"node\":\"node-{n:03}\",\"n\":{}}}\n", id(n), n + file % 1000)
    };
    (0..EVENTS).map(line).collect()
}

fn opened(folder: &Path) -> Embedded {
    let data: PathBuf = folder.join("data");
    fs::create_dir_all(&data).unwrap();
    open(&Places { usage: folder.join("usage"), ..Places::within(&data) }).unwrap()
}

/// Commits every file of the listing.
fn commit_all(folder: &Path, ids: bool, files: u64) {
    let (ports, configuration) = (Arc::new(opened(folder)), Arc::new(configuration(ids)));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (clock, before) = (Stopwatch::now(), processor());
    let work = |ports: Arc<Embedded>, configuration: Arc<Configuration>| async move {
        let mut done = 0;
        while let [key] = ports.queue.receive(1).as_slice() {
            let outcome = translate(&*ports, &configuration.catalogue, key).await.unwrap();
            assert!(matches!(outcome, Translated::Tallied(_)), "{outcome:?}");
            done += 1;
        }
        done
    };
    let done: u64 = runtime.block_on(async {
        sweep(&*ports, &configuration.catalogue, Instant(i64::MAX)).await.unwrap();
        let start = || tokio::spawn(work(Arc::clone(&ports), Arc::clone(&configuration)));
        let workers: Vec<_> = (0..WORKERS).map(|_| start()).collect();
        let mut done = 0;
        for worker in workers {
            done += worker.await.unwrap();
        }
        done
    });
    assert_eq!(done, files);
    tell("sweep, and every tally committed", clock.elapsed(), processor() - before);
    println!();
}

/// On one thread, as a function has it.
fn alone<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn timed<T>(what: &str, ports: &Counting<Embedded>, work: impl FnOnce() -> T) -> T {
    let (clock, before) = (Stopwatch::now(), processor());
    let done = work();
    tell(what, clock.elapsed(), processor() - before);
    let Spent { write_units, read_units, puts, lists, gets, .. } = ports.take();
    println!(
        ", peak {} MB; {write_units} write and {read_units} read units, {puts} PUT, {gets} GET and HEAD, {lists} LIST",
        peak()
    );
    done
}

fn tell(what: &str, wall: Duration, processor: Duration) {
    print!("{what}: {} ms, {} ms of processor time", wall.as_millis(), processor.as_millis());
}

/// Processor time of this process so far, in ticks of ten milliseconds.
fn processor() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let after = stat.rsplit_once(") ").unwrap().1;
    let ticks: u64 = after.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

/// The most memory of this process so far, in megabytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes / 1024
}
