//! Real usage files of six origins give the totals that an independent program found, to the last
//! digit: in total, by key, by day and by month.
//!
//! The files lie outside of the project, because their licences differ; without them the tests say
//! so and pass.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
#![expect(clippy::print_stderr, reason = "a skipped test must say so")]

mod common;

use std::collections::BTreeMap;
use std::path::PathBuf;

use common::streams;
use metering::exact::{Exact, Rounding, decimal_text};
use metering::state::{Sample, State, Summary};
use metering::stream::Kind;
use metering::tally::{Cells, Counts, SeriesKey};
use metering::time::{Instant, Quarter};
use serde::Deserialize;
use serde_json::Value;
use usage::{ObjectContext, Source, SourceSpec, Translation, Translator};

/// The real files lie beside the checkout, wherever that is.
fn samples() -> Option<PathBuf> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let found = here.ancestors().skip(2).map(|above| above.join("../shared/samples/usage")).find(|path| path.is_dir());
    if found.is_none() {
        eprintln!("SKIPPED: no real usage files at ../shared/samples/usage beside the checkout or above it");
    }
    found
}

#[derive(Deserialize)]
struct Catalogue {
    streams: Vec<metering::stream::Stream>,
    sources: Vec<SourceSpec>,
}

/// The one source of a catalogue, and its streams' scales.
fn catalogue(name: &str) -> (Source, BTreeMap<String, u32>) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../tests/catalogues/real/{name}.yaml"));
    let catalogue: Catalogue = serde_yaml_ng::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let scales = catalogue.streams.iter().map(|stream| (stream.name.clone(), stream.scale)).collect();
    let known = streams(&serde_yaml_ng::to_string(&catalogue.streams).unwrap());
    (catalogue.sources[0].compile(&known).unwrap(), scales)
}

fn read(samples: &std::path::Path, file: &str) -> Vec<u8> {
    std::fs::read(samples.join(file)).unwrap()
}

fn translate(source: &Source, key: &str, bytes: &[u8]) -> Result<Translation, usage::Unreadable> {
    let tags = source.matches(key).unwrap();
    let mut translator =
        Translator::new(source, ObjectContext { key: key.to_owned(), tags, ..ObjectContext::default() });
    for piece in bytes.chunks(64 << 10) {
        translator.push(piece)?;
    }
    translator.finish()
}

/// A meter of an expectation: which stream it is and how a series is named there.
struct Meter<'m> {
    name: &'m str,
    stream: &'m str,
    key: fn(&SeriesKey) -> String,
}

/// Summaries by key and UTC day.
type Rows = BTreeMap<(String, String), Summary>;

fn add(rows: &mut Rows, key: String, at: Instant, summary: &Summary) {
    let day = at.to_utc().unwrap().format("%Y-%m-%d").to_string();
    rows.entry((key, day)).and_modify(|row| row.merge(summary).unwrap()).or_insert(*summary);
}

fn rows(cells: &Cells, meter: &Meter<'_>) -> Rows {
    let mut rows = Rows::new();
    for (series, quarters) in cells.0.iter().filter(|(series, _)| series.stream == meter.stream) {
        let key = (meter.key)(series);
        let mut last: Option<Sample> = None;
        for (quarter, state) in quarters {
            match state {
                State::Counter(readings) => {
                    for reading in readings {
                        if let Some(before) = last.replace(*reading) {
                            let used = State::sample(Kind::Delta, reading.at, reading.value - before.value);
                            add(&mut rows, key.clone(), reading.at, &used.summary().unwrap().unwrap());
                        }
                    }
                }
                state => add(&mut rows, key.clone(), Quarter::start(*quarter), &state.summary().unwrap().unwrap()),
            }
        }
    }
    rows
}

fn merged(rows: &Rows, group: impl Fn(&str, &str) -> String) -> BTreeMap<String, Summary> {
    let mut merged: BTreeMap<String, Summary> = BTreeMap::new();
    for ((key, day), summary) in rows {
        merged.entry(group(key, day)).and_modify(|row| row.merge(summary).unwrap()).or_insert(*summary);
    }
    merged
}

fn assert_row(what: &str, summary: &Summary, expected: &Value, scale: u32) {
    let text = |value: i128| Exact::decimal(value, scale).unwrap().display(scale);
    let average = Exact::decimal(summary.sum, scale).unwrap().div(&Exact::integer(i128::from(summary.count))).unwrap();
    let average = decimal_text(average.round(12, Rounding::HalfEven).unwrap(), 12);
    assert_eq!(summary.count, expected["count"].as_u64().unwrap(), "{what}: count");
    assert_eq!(text(summary.sum), expected["sum"], "{what}: sum");
    assert_eq!(Exact::parse(&average), Exact::parse(expected["avg"].as_str().unwrap()), "{what}: average");
    assert_eq!(text(summary.peak.value), expected["peak"], "{what}: peak");
    assert_eq!(text(summary.least), expected["min"], "{what}: least");
}

fn assert_meter(cells: &Cells, meter: &Meter<'_>, expected: &Value, scale: u32) {
    assert_rows(&rows(cells, meter), meter, expected, scale);
}

fn assert_rows(rows: &Rows, meter: &Meter<'_>, expected: &Value, scale: u32) {
    let expect = |groups: BTreeMap<String, Summary>, expected: BTreeMap<String, &Value>| {
        assert_eq!(groups.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{}", meter.name);
        for (key, summary) in &groups {
            assert_row(&format!("{} {key}", meter.name), summary, expected[key], scale);
        }
    };
    let by_name = |field: &str| expected[field].as_object().unwrap().iter().map(|(k, v)| (k.clone(), v)).collect();
    let listed = |field: &str, date: &str| -> BTreeMap<String, &Value> {
        let list = expected[field].as_array().unwrap().iter();
        list.map(|row| (format!("{} {}", row["key"].as_str().unwrap(), row[date].as_str().unwrap()), row)).collect()
    };
    let total = merged(rows, |_, _| String::new());
    assert_row(&format!("{} in total", meter.name), &total[""], &expected["total"], scale);
    expect(merged(rows, |key, _| key.to_owned()), by_name("per_key"));
    expect(merged(rows, |_, day| day.to_owned()), by_name("all_keys_daily"));
    expect(merged(rows, |key, day| format!("{key} {day}")), listed("daily", "day"));
    expect(merged(rows, |key, day| format!("{key} {}", &day[..7])), listed("monthly", "month"));
    assert_eq!(
        merged(rows, |key, _| key.to_owned()).len(),
        usize::try_from(expected["distinct_keys"].as_u64().unwrap()).unwrap()
    );
}

fn expectation(samples: &std::path::Path, name: &str) -> Value {
    serde_json::from_slice(&read(samples, &format!("{name}.expected.json"))).unwrap()
}

fn counts(records: u64, tallied: u64, filtered: u64, rejected: u64, events: u64) -> Counts {
    Counts { records, tallied, filtered, rejected, events, ..Counts::default() }
}

const FOCUS: [Meter<'_>; 2] = [
    Meter { name: "billed_cost", stream: "billed-cost", key: |series| series.deployment.clone() },
    Meter {
        name: "consumed",
        stream: "consumed",
        key: |series| format!("{}|{}", series.deployment, series.dimensions["unit"]),
    },
];

fn assert_meters(translation: &Translation, meters: &[Meter<'_>], scales: &BTreeMap<String, u32>, expected: &Value) {
    assert_eq!(translation.quarantine, None);
    for meter in meters {
        assert_meter(&translation.tally.cells, meter, &expected["meters"][meter.name]["result"], scales[meter.stream]);
    }
}

#[test]
fn focus_billing_export() {
    let Some(samples) = samples() else { return };
    let (source, scales) = catalogue("focus");
    let expected = expectation(&samples, "d18_focus");
    let translation = translate(&source, "usage/focus/a.csv", &read(&samples, "d18_focus/focus_sample.csv")).unwrap();
    assert_eq!(translation.tally.counts, counts(1000, 1000, 0, 0, 1999));
    assert_meters(&translation, &FOCUS, &scales, &expected);
}

#[test]
fn focus_in_other_wrappings() {
    let Some(samples) = samples() else { return };
    let (source, scales) = catalogue("focus");
    let expected = expectation(&samples, "d18_focus");
    for name in [
        "focus.csv.gz",
        "focus.csv.zst",
        "focus.csv.bz2",
        "focus.csv.xz",
        "focus.csv.lz4",
        "focus_double.csv.gz.gz",
        "focus_macos.zip",
        "focus_multimember.csv.gz",
        "focus_multimember_midline.csv.gz",
        "focus_gz_no_extension",
        "focus_plain_named.csv.gz",
        "focus_bom.csv",
        "focus_utf16le.csv",
        "focus_crlf.csv",
        "focus_columns_reversed.csv",
        "focus_header_twice.csv",
    ] {
        eprintln!("{name}");
        let bytes = read(&samples, &format!("derived/{name}"));
        let translation = translate(&source, &format!("usage/focus/{name}"), &bytes).unwrap();
        assert_eq!(translation.tally.counts, counts(1000, 1000, 0, 0, 1999), "{name}: {:?}", translation.rejects);
        assert_meters(&translation, &FOCUS, &scales, &expected);
    }
}

#[test]
fn focus_that_cannot_be_read_says_why() {
    let Some(samples) = samples() else { return };
    let (source, _) = catalogue("focus");
    for (name, reason) in
        [("focus_truncated.csv.gz", "truncated"), ("focus_badcrc.csv.gz", "does not match its checksum")]
    {
        let error = translate(&source, &format!("usage/focus/{name}"), &read(&samples, &format!("derived/{name}")))
            .unwrap_err();
        assert!(error.reason.contains(reason), "{name}: {error}");
    }
}

#[test]
fn openshift_bundle_with_a_manifest_at_its_end() {
    let Some(samples) = samples() else { return };
    let (source, scales) = catalogue("openshift");
    let expected = expectation(&samples, "d07_openshift_costmgmt_targz");
    let bytes = read(&samples, "d07_openshift_costmgmt_targz/20210720T180121-cost-mgmt.tar.gz");
    let translation = translate(&source, "usage/openshift/a.tar.gz", &bytes).unwrap();
    assert_eq!(translation.tally.counts, counts(608, 608, 0, 0, 455 + 584 + 602 + 6));
    let clusters: Vec<_> = translation.tally.cells.0.keys().map(|series| series.deployment.as_str()).collect();
    assert!(clusters.iter().all(|cluster| *cluster == "30d0669b-4d46-479d-accb-9784e9d129d8"));
    let by_series: fn(&SeriesKey) -> String = |series| series.series.clone();
    let meters = [
        Meter { name: "pod_usage_cpu_core_seconds", stream: "cpu-used", key: by_series },
        Meter { name: "pod_request_memory_byte_seconds", stream: "memory-requested", key: by_series },
        Meter { name: "node_capacity_cpu_core_seconds", stream: "node-capacity", key: by_series },
        Meter { name: "persistentvolumeclaim_usage_byte_seconds", stream: "volume-used", key: by_series },
    ];
    assert_meters(&translation, &meters, &scales, &expected);
}

#[test]
fn slurm_accounting_log() {
    let Some(samples) = samples() else { return };
    let expected = expectation(&samples, "d10_slurm_sacct.phillips.dev");
    let bytes = read(&samples, "d10_slurm_sacct/phillips.log");
    let (_, scales) = catalogue("slurm");
    let text = include_str!("../../../tests/catalogues/real/slurm.yaml");
    for zone in ["UTC", "America/New_York"] {
        let text = text.replace("zone: UTC", &format!("zone: {zone}"));
        let catalogue: Catalogue = serde_yaml_ng::from_str(&text).unwrap();
        let known = streams(&serde_yaml_ng::to_string(&catalogue.streams).unwrap());
        let source = catalogue.sources[0].compile(&known).unwrap();
        let translation = translate(&source, "usage/slurm/phillips.log", &bytes).unwrap();
        assert_eq!(translation.tally.counts, counts(4285, 4285, 0, 0, 8570));
        for (name, stream) in [("phillips:job_seconds", "job-seconds"), ("phillips:cpu_seconds", "cpu-seconds")] {
            let meter = Meter { name, stream, key: |series| series.deployment.clone() };
            let result = &expected["meters"][name]["results_by_zone"][format!("parse={zone}, bucket=UTC")];
            assert_meter(&translation.tally.cells, &meter, result, scales[stream]);
        }
    }
}

const NGINX: [Meter<'_>; 3] = [
    Meter { name: "sent", stream: "sent", key: |series| series.series.clone() },
    Meter { name: "received", stream: "received", key: |series| series.series.clone() },
    Meter { name: "requests", stream: "requests", key: |series| series.series.clone() },
];

#[test]
fn nginx_counters() {
    let Some(samples) = samples() else { return };
    let (source, scales) = catalogue("nginx");
    let expected = expectation(&samples, "d14_nginxplus_counters");
    let bytes = read(&samples, "d14_nginxplus_counters/nginxplus_json_logs");
    let translation = translate(&source, "usage/nginx/a", &bytes).unwrap();
    assert_eq!(translation.tally.counts, counts(500, 500, 0, 0, 4500));
    assert_meters(&translation, &NGINX, &scales, &expected);
    let sent = merged(&rows(&translation.tally.cells, &NGINX[0]), |_, _| String::new());
    assert_eq!(sent[""].sum, 37_533_842);
}

#[test]
fn nginx_counters_shuffled_repeated_and_truncated() {
    let Some(samples) = samples() else { return };
    let (source, scales) = catalogue("nginx");
    let expected = expectation(&samples, "d14_nginxplus_counters");
    let original = read(&samples, "d14_nginxplus_counters/nginxplus_json_logs");
    let mut lines: Vec<&[u8]> = original.split_inclusive(|byte| *byte == b'\n').collect();
    lines.sort_by_key(|line| {
        line.iter().rev().map(|byte| u64::from(*byte)).fold(7, |hash: u64, byte| hash.wrapping_mul(31) ^ byte)
    });
    let shuffled = translate(&source, "usage/nginx/a", &lines.concat()).unwrap();
    assert_meters(&shuffled, &NGINX, &scales, &expected);
    let repeated = translate(&source, "usage/nginx/a", &original.repeat(2)).unwrap();
    for meter in &NGINX {
        let sums = |cells| {
            merged(&rows(cells, meter), |key, day| format!("{key} {day}")).into_iter().map(|(key, row)| (key, row.sum))
        };
        assert!(sums(&repeated.tally.cells).eq(sums(&shuffled.tally.cells)), "{}", meter.name);
    }
    let cut = translate(&source, "usage/nginx/a", &original[..original.len() - 3000]).unwrap();
    assert_eq!(cut.tally.counts, counts(500, 499, 0, 1, 4491));
}

#[test]
fn nginx_counters_as_an_array() {
    let Some(samples) = samples() else { return };
    let text = include_str!("../../../tests/catalogues/real/nginx.yaml").replace("json-lines", "json-array");
    let catalogue: Catalogue = serde_yaml_ng::from_str(&text).unwrap();
    let known = streams(&serde_yaml_ng::to_string(&catalogue.streams).unwrap());
    let source = catalogue.sources[0].compile(&known).unwrap();
    let lines = read(&samples, "d14_nginxplus_counters/nginxplus_json_logs");
    let array = format!("[{}]", std::str::from_utf8(&lines).unwrap().trim().replace('\n', ","));
    let translation = translate(&source, "usage/nginx/a", array.as_bytes()).unwrap();
    let scales = NGINX.iter().map(|meter| (meter.stream.to_owned(), 0)).collect();
    assert_meters(&translation, &NGINX, &scales, &expectation(&samples, "d14_nginxplus_counters"));
}

#[test]
fn kubernetes_metering_arrays() {
    let Some(samples) = samples() else { return };
    let (source, scales) = catalogue("kubernetes");
    let expected = expectation(&samples, "d06_k8s_metering");
    for metric in [
        "pod-usage-cpu-cores",
        "pod-usage-memory-bytes",
        "persistentvolumeclaim-usage-bytes",
        "persistentvolumeclaim-capacity-bytes",
    ] {
        let bytes = read(&samples, &format!("d06_k8s_metering/{metric}.json"));
        let translation = translate(&source, &format!("usage/kubernetes/{metric}.json"), &bytes).unwrap();
        let records = expected["meters"][format!("{metric}:gauge")]["records"]["records"].as_u64().unwrap();
        assert_eq!(translation.tally.counts, counts(records, records, 0, 0, 2 * records));
        assert!(translation.tally.cells.0.keys().all(|series| series.dimensions["metric"] == metric));
        let integral = format!("{metric}:integral");
        let gauge = format!("{metric}:gauge");
        let meters = [
            Meter { name: &integral, stream: "integral", key: |series| series.deployment.clone() },
            Meter { name: &gauge, stream: "level", key: |series| format!("{}/{}", series.deployment, series.series) },
        ];
        assert_meters(&translation, &meters, &scales, &expected);
    }
}

#[test]
fn apache_access_log() {
    let Some(samples) = samples() else { return };
    let (source, scales) = catalogue("apache");
    let expected = expectation(&samples, "d15_apache_clf");
    let translation = translate(&source, "usage/apache/a", &read(&samples, "d15_apache_clf/apache_logs")).unwrap();
    assert_eq!(translation.tally.counts, counts(10_000, 9330, 669, 1, 9330));
    let malformed = &expected["meters"]["bytes_sent"]["malformed_lines"][0];
    let reject = &translation.rejects[0];
    assert_eq!(reject.line, malformed["line"].as_u64().unwrap());
    // The expectation quotes the beginning of the line.
    assert!(String::from_utf8_lossy(&reject.bytes).starts_with(malformed["text"].as_str().unwrap()));
    let meter = Meter { name: "bytes_sent", stream: "bytes-sent", key: |series| series.series.clone() };
    assert_meters(&translation, &[meter], &scales, &expected);
}

#[test]
fn mapr_metering_text() {
    let Some(samples) = samples() else { return };
    let (source, scales) = catalogue("mapr");
    let expected = expectation(&samples, "d01_mapr_metering");
    let bytes = read(&samples, "d01_mapr_metering/getmeteringusage.txt");
    let translation = translate(&source, "usage/mapr/cluster.txt", &bytes).unwrap();
    assert_eq!(translation.tally.counts, counts(13, 13, 0, 0, 13));
    let meter = Meter { name: "userdata", stream: "userdata", key: |series| series.deployment.clone() };
    assert_meters(&translation, &[meter], &scales, &expected);
}

/// The same cells with every quarter-hour so many hours later: days of another zone.
fn later(cells: &Cells, hours: i64) -> Cells {
    let shift = |quarter: &Quarter| Quarter::of(Instant(quarter.start().0 + hours * 3_600_000));
    let quarters = |quarters: &metering::tally::Quarters| quarters.iter().map(|(q, s)| (shift(q), s.clone())).collect();
    Cells(cells.0.iter().map(|(series, own)| (series.clone(), quarters(own))).collect())
}

/// Each row of a meter's readings becomes up to 288 events; the channel stands in a row before it.
#[test]
fn nem12_interval_readings() {
    let Some(samples) = samples() else { return };
    let (source, scales) = catalogue("nem12");
    let expected = expectation(&samples, "d22_nem12.unzipped.dev");
    let meter = Meter {
        name: "nem12_all_valid",
        stream: "energy",
        key: |series| {
            let unit = series.dimensions["unit"].as_str();
            format!("{}|{}|{}", series.deployment, series.series, if unit == "none" { "" } else { unit })
        },
    };
    let (mut all, mut lines, mut events) = (Rows::new(), 0, 0);
    for file in expected["files"].as_array().unwrap() {
        let path = file["path"].as_str().unwrap();
        let translation = translate(&source, &format!("usage/nem12/{path}"), &read(&samples, path)).unwrap();
        assert_eq!(translation.tally.counts.rejected, 0, "{path}: {:?}", translation.rejects);
        assert_eq!(translation.quarantine, None, "{path}");
        lines += translation.tally.counts.records;
        events += translation.tally.counts.events;
        for ((key, day), summary) in rows(&later(&translation.tally.cells, 10), &meter) {
            all.entry((key, day)).and_modify(|row| row.merge(&summary).unwrap()).or_insert(summary);
        }
    }
    let meter_expected = &expected["meters"][meter.name];
    assert_eq!(lines, meter_expected["records"]["lines"].as_u64().unwrap());
    assert_eq!(events, meter_expected["records"]["events"].as_u64().unwrap());
    assert_rows(&all, &meter, &meter_expected["result"], scales["energy"]);
}

/// A day cut short is no day with less usage.
#[test]
fn nem12_rows_that_lack_intervals_or_a_channel_are_rejected() {
    let Some(samples) = samples() else { return };
    let (source, _) = catalogue("nem12");
    let whole = read(&samples, "d22_nem12/unzipped/Example_NEM12_actual_interval.csv");
    let text = String::from_utf8(whole).unwrap();
    let short = text.lines().map(|line| match line.strip_prefix("300,") {
        Some(row) => format!("300,{}\n", row.split(',').take(40).collect::<Vec<_>>().join(",")),
        None => format!("{line}\n"),
    });
    let cut = translate(&source, "usage/nem12/a", short.collect::<String>().as_bytes()).unwrap();
    assert_eq!(cut.rejects[0].reason, "it has 39 parts `$3..` instead of 48");
    assert!(cut.tally.cells.0.is_empty() && cut.quarantine.is_some());
    let headless: String =
        text.lines().filter(|line| !line.starts_with("200")).map(|line| format!("{line}\n")).collect();
    let lost = translate(&source, "usage/nem12/a", headless.as_bytes()).unwrap();
    assert!(lost.rejects.iter().all(|reject| reject.reason.contains("$carried.minutes")), "{:?}", lost.rejects);
    assert!(lost.tally.cells.0.is_empty() && lost.quarantine.is_some());
}

#[test]
fn mapr_values_one_after_another() {
    let Some(samples) = samples() else { return };
    let (source, _) = catalogue("mapr_audit");
    let bytes = read(&samples, "d02_mapr_audit_samples/audit_records.json");
    let translation = translate(&source, "usage/audit/c1.json", &bytes).unwrap();
    assert_eq!(translation.tally.counts, counts(2, 2, 0, 0, 2));
    let names: Vec<_> = translation.tally.cells.0.keys().map(|series| series.dimensions["operation"].clone()).collect();
    assert_eq!(names, ["LOOKUP", "MKDIR"]);
    let (source, _) = catalogue("mapr_metrics");
    let bytes = read(&samples, "d01_mapr_metering/Metrics.log-2017-08-18-001.json");
    let translation = translate(&source, "usage/metrics/a", &bytes).unwrap();
    assert_eq!(translation.tally.counts, counts(1, 1, 0, 0, 2));
    let states = translation.tally.cells.0.values().flat_map(|quarters| quarters.values());
    let sums: Vec<_> = states.map(|state| state.summary().unwrap().unwrap().sum).collect();
    assert_eq!(sums, [21_920, 308_085_800]);
}
