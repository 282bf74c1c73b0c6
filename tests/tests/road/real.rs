//! Real usage files of six origins, from the bucket to the totals that an independent program found,
//! to the last digit. All six catalogues are loaded as one.
//!
//! The files lie outside of the project, because their licences differ; without them the tests say
//! so and pass.
#![expect(clippy::print_stderr, reason = "a skipped test must say so")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use ledger::translate::Outcome;
use metering::exact::Exact;
use metering::measure::increases;
use metering::state::{State, Summary};
use metering::tally::{Cells, Quarters, SeriesKey};
use serde_json::Value;

use crate::world::{World, line};

const CATALOGUES: [&str; 7] = [
    SELLER,
    include_str!("../../catalogues/real/apache.yaml"),
    include_str!("../../catalogues/real/focus.yaml"),
    include_str!("../../catalogues/real/kubernetes.yaml"),
    include_str!("../../catalogues/real/mapr.yaml"),
    include_str!("../../catalogues/real/nginx.yaml"),
    include_str!("../../catalogues/real/slurm.yaml"),
];

/// Who sells, and a customer who pays a dollar for each megabyte that the web server sent.
const SELLER: &str = r#"
seller: {name: Seller, address: [Street 1], currency: USD, zone: UTC, terms-days: 30, number: "R-"}
components:
  - {name: traffic, title: Traffic, stream: sent, price: {per-unit: 1.00, unit-size: 1000000}}
plans:
  - {name: plan, title: Plan, currency: USD, components: [traffic]}
customers:
  - id: ann
    name: Ann
    deployments: [{id: web, from: 2015-01-01}]
    subscriptions: [{plan: plan, from: 2015-01-01}]
"#;

/// A total of an expectation, and the cells that it is the total of.
struct Meter {
    /// Where the expectation has it.
    name: &'static str,
    stream: &'static str,
    /// The dimension `metric`, where the stream has one.
    metric: Option<&'static str>,
    /// How the expectation calls a series.
    key: fn(&SeriesKey) -> String,
}

impl Meter {
    const fn new(name: &'static str, stream: &'static str, key: fn(&SeriesKey) -> String) -> Self {
        Self { name, stream, metric: None, key }
    }
}

fn samples() -> Option<PathBuf> {
    let shared = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let samples = shared.join("samples/usage");
    if !samples.is_dir() {
        eprintln!("SKIPPED: ../shared is absent (no real usage files at {})", samples.display());
        return None;
    }
    Some(samples)
}

/// Uploads the files (a sample's path and the object's key), each event twice, and rolls them up.
fn counted(samples: &std::path::Path, files: &[(&str, &str)]) -> World {
    let world = World::of(&CATALOGUES);
    for (path, key) in files {
        let outcome = world.arrive(key, fs::read(samples.join(path)).unwrap());
        assert!(matches!(outcome, Outcome::Tallied(_)), "{path}: {outcome:?}");
    }
    world.refresh();
    let counted = world.counted();
    assert_eq!(counted.files(), files.len());
    assert!(counted.counts.balance(), "{:?}", counted.counts);
    world
}

fn expectation(samples: &std::path::Path, name: &str) -> Value {
    serde_json::from_slice(&fs::read(samples.join(format!("{name}.expected.json"))).unwrap()).unwrap()
}

/// What a series amounts to: the growth of a counter, the sum of everything else.
fn summary(quarters: &Quarters) -> Option<Summary> {
    let parts: Vec<Summary> = match quarters.values().next() {
        Some(State::Counter(_)) => increases(quarters).map(Summary::of).collect(),
        _ => quarters.values().filter_map(|state| state.summary().unwrap()).collect(),
    };
    parts.into_iter().reduce(merged)
}

fn merged(mut one: Summary, other: Summary) -> Summary {
    one.merge(&other).unwrap();
    one
}

fn by_key(cells: &Cells, meter: &Meter) -> BTreeMap<String, Summary> {
    let mut found: BTreeMap<String, Summary> = BTreeMap::new();
    for (series, quarters) in &cells.0 {
        if series.stream == meter.stream && series.dimensions.get("metric").map(String::as_str) == meter.metric {
            let Some(summary) = summary(quarters) else { continue };
            found.entry((meter.key)(series)).and_modify(|sum| *sum = merged(*sum, summary)).or_insert(summary);
        }
    }
    found
}

fn assert_exact(what: &str, summary: &Summary, expected: &Value, scale: u32) {
    let is = |value: i128| Exact::decimal(value, scale).unwrap();
    let expect = |field: &str| Exact::parse(expected[field].as_str().unwrap()).unwrap();
    assert_eq!(summary.count, expected["count"].as_u64().unwrap(), "{what}: count");
    assert_eq!(is(summary.sum), expect("sum"), "{what}: sum");
    assert_eq!(is(summary.peak.value), expect("peak"), "{what}: peak");
    assert_eq!(is(summary.least), expect("min"), "{what}: min");
}

/// The total of a meter and each of its series; how many events that is.
fn assert_meter(world: &World, meter: &Meter, expected: &Value) -> u64 {
    let scale = world.catalogue().stream(meter.stream).unwrap().scale;
    let found = by_key(&world.cells(), meter);
    let total = found.values().copied().reduce(merged).unwrap();
    assert_exact(meter.name, &total, &expected["total"], scale);
    let keys = expected["per_key"].as_object().unwrap();
    assert!(found.keys().eq(keys.keys()), "{}: {:?}", meter.name, found.keys());
    for (key, summary) in &found {
        assert_exact(&format!("{} of {key}", meter.name), summary, &keys[key], scale);
    }
    total.count
}

fn assert_meters(world: &World, meters: &[Meter], expected: &Value) {
    let result = |meter: &Meter| assert_meter(world, meter, &expected["meters"][meter.name]["result"]);
    let events: u64 = meters.iter().map(result).sum();
    assert_eq!(world.counted().counts.events, events, "every event is in some meter");
}

const FOCUS: [Meter; 2] = [
    Meter::new("billed_cost", "billed-cost", |series| series.deployment.clone()),
    Meter::new("consumed", "consumed", |series| format!("{}|{}", series.deployment, series.dimensions["unit"])),
];

#[test]
fn a_focus_billing_export_costs_and_consumes_exactly_what_it_says() {
    let Some(samples) = samples() else { return };
    let world = counted(&samples, &[("d18_focus/focus_sample.csv", "usage/focus/a.csv")]);
    assert_meters(&world, &FOCUS, &expectation(&samples, "d18_focus"));
    assert_eq!(world.notices(), []);
}

#[test]
fn a_focus_billing_export_in_gzip_members_cut_mid_line_is_the_same() {
    let Some(samples) = samples() else { return };
    let world = counted(&samples, &[("derived/focus_multimember_midline.csv.gz", "usage/focus/a.csv.gz")]);
    assert_meters(&world, &FOCUS, &expectation(&samples, "d18_focus"));
}

#[test]
fn a_slurm_accounting_log_has_its_job_time_and_core_time() {
    let Some(samples) = samples() else { return };
    let world = counted(&samples, &[("d10_slurm_sacct/phillips.log", "usage/slurm/phillips.log")]);
    let expected = expectation(&samples, "d10_slurm_sacct.phillips.dev");
    for (name, stream) in [("phillips:job_seconds", "job-seconds"), ("phillips:cpu_seconds", "cpu-seconds")] {
        let meter = Meter::new(name, stream, |series| series.deployment.clone());
        assert_meter(&world, &meter, &expected["meters"][name]["results_by_zone"]["parse=UTC, bucket=UTC"]);
    }
    assert_eq!(world.counted().counts.records, 4285);
}

#[test]
fn nginx_counters_grow_by_what_was_sent_and_that_is_what_is_charged() {
    let Some(samples) = samples() else { return };
    let world = counted(&samples, &[("d14_nginxplus_counters/nginxplus_json_logs", "usage/nginx/web")]);
    let expected = expectation(&samples, "d14_nginxplus_counters");
    for (name, stream) in [("sent", "sent"), ("received", "received"), ("requests", "requests")] {
        let meter = Meter::new(name, stream, |series| series.series.clone());
        assert_meter(&world, &meter, &expected["meters"][name]["result"]);
    }
    let sent = &expected["meters"]["sent"]["result"]["total"]["sum"];
    assert_eq!(sent, "37533842", "not the terabytes that the raw counters add up to");
    // All of it was in one month: 37.533842 million bytes at a dollar a million.
    let october = world.invoice("2015-10");
    let traffic = line(&october, "traffic", "2015-10");
    assert_eq!((traffic.quantity.as_deref(), traffic.amount.as_str()), (sent.as_str(), "37.53"));
}

#[test]
fn kubernetes_metering_arrays_have_their_levels_and_integrals() {
    const METRICS: [(&str, &str, &str); 4] = [
        ("pod-usage-cpu-cores", "pod-usage-cpu-cores:integral", "pod-usage-cpu-cores:gauge"),
        ("pod-usage-memory-bytes", "pod-usage-memory-bytes:integral", "pod-usage-memory-bytes:gauge"),
        (
            "persistentvolumeclaim-usage-bytes",
            "persistentvolumeclaim-usage-bytes:integral",
            "persistentvolumeclaim-usage-bytes:gauge",
        ),
        (
            "persistentvolumeclaim-capacity-bytes",
            "persistentvolumeclaim-capacity-bytes:integral",
            "persistentvolumeclaim-capacity-bytes:gauge",
        ),
    ];
    let Some(samples) = samples() else { return };
    let name = |metric: &str| (format!("d06_k8s_metering/{metric}.json"), format!("usage/kubernetes/{metric}.json"));
    let files: Vec<(String, String)> = METRICS.iter().map(|(metric, ..)| name(metric)).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, key)| (path.as_str(), key.as_str())).collect();
    let world = counted(&samples, &files);
    let meters: Vec<Meter> = METRICS
        .into_iter()
        .flat_map(|(metric, integral, level)| {
            let integral = Meter::new(integral, "integral", |series| series.deployment.clone());
            let level = Meter::new(level, "level", |series| format!("{}/{}", series.deployment, series.series));
            [integral, level].map(|meter| Meter { metric: Some(metric), ..meter })
        })
        .collect();
    assert_meters(&world, &meters, &expectation(&samples, "d06_k8s_metering"));
}

#[test]
fn an_apache_log_counts_every_line_but_the_broken_one_which_is_kept() {
    let Some(samples) = samples() else { return };
    let world = counted(&samples, &[("d15_apache_clf/apache_logs", "usage/apache/web")]);
    let expected = expectation(&samples, "d15_apache_clf");
    let meter = Meter::new("bytes_sent", "bytes-sent", |series| series.series.clone());
    assert_meters(&world, &[meter], &expected);
    let records = &expected["meters"]["bytes_sent"]["records"];
    let counts = world.counted().counts;
    assert_eq!(Value::from(counts.records), records["lines"]);
    assert_eq!(Value::from(counts.filtered), records["null_quantity"]);
    assert_eq!(Value::from(counts.rejected), records["malformed"]);
    let [reject] = world.rejects("usage/apache/web").try_into().unwrap();
    assert_eq!(reject["line"], expected["meters"]["bytes_sent"]["malformed_lines"][0]["line"]);
}

#[test]
fn a_mapr_metering_text_has_its_stored_data() {
    let Some(samples) = samples() else { return };
    let world = counted(&samples, &[("d01_mapr_metering/getmeteringusage.txt", "usage/mapr/cluster.txt")]);
    let meter = Meter::new("userdata", "userdata", |series| series.deployment.clone());
    assert_meters(&world, &[meter], &expectation(&samples, "d01_mapr_metering"));
}
