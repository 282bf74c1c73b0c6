//! What is proposed for an unknown file compiles, and reads the file.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
#![expect(clippy::print_stderr, reason = "a skipped test must say so")]

mod common;

use std::path::PathBuf;

use common::{gzip, streams};
use metering::stream::Stream;
use serde::Deserialize;
use usage::{ObjectContext, SourceSpec, Translation, Translator, propose};

#[derive(Deserialize)]
struct Proposal {
    streams: Vec<Stream>,
    sources: Vec<SourceSpec>,
}

/// The proposal for a file, and what it makes of the file.
fn sniffed(name: &str, bytes: &[u8]) -> (String, Translation) {
    let yaml = propose(name, &bytes[..bytes.len().min(1 << 20)]).unwrap();
    let proposal: Proposal = serde_yaml_ng::from_str(&yaml).unwrap_or_else(|error| unreachable!("{error}\n{yaml}"));
    assert!(proposal.streams.iter().all(|stream| stream.problems().is_empty()), "{yaml}");
    let known = streams(&serde_yaml_ng::to_string(&proposal.streams).unwrap());
    assert_eq!(known.len(), proposal.streams.len(), "{yaml}");
    let source = proposal.sources[0].compile(&known);
    let source = source.unwrap_or_else(|problems| unreachable!("{problems:?}\n{yaml}"));
    let mut translator = Translator::new(&source, ObjectContext::default());
    translator.push(bytes).unwrap();
    let translation = translator.finish().unwrap_or_else(|error| unreachable!("{error}\n{yaml}"));
    assert!(translation.tally.counts.balance());
    (yaml, translation)
}

#[test]
fn every_family_is_recognised_and_read() {
    let log = r#"10.0.0.1 - - [01/Feb/2026:08:00:00 +0100] "GET / HTTP/1.1" 200 512 "-" "curl""#;
    for (name, text, said) in [
        (
            "calls.jsonl",
            "{\"timestamp\": \"2026-02-01T07:00:00Z\", \"cluster\": \"c1\", \"host\": \"n1\", \"n\": 1.25, \"labels\": {\"app.io/x\": 3}}\n\
             {\"timestamp\": \"2026-02-01T07:05:00Z\", \"cluster\": \"c1\", \"host\": \"n2\", \"n\": -2}\n",
            &[
                "format: json-lines",
                "field: \"cluster\"",
                "format: \"rfc3339\"",
                "negative: allow",
                "optional: true",
                r#"series: "host""#,
            ][..],
        ),
        (
            "array.json",
            "[\n {\"ts\": 1769929200123, \"site\": \"a\", \"used_bytes\": 7},\n {\"ts\": 1769929260123, \"site\": \"b\", \"used_bytes\": null}\n]",
            &["format: json-array", "format: \"epoch-ms\"", "field: \"site\""],
        ),
        (
            "Export 2026.csv",
            "Account,Usage Date,Machine Hours,Note\r\na,2026-02-01,12.125,\"x, y\"\r\nb,2026-02-02,-,z\r\n",
            &["format: csv", "field: \"Account\"", "zone: UTC", "absent: [\"-\"]", "scale: 3"],
        ),
        (
            "semicolons",
            "01.02.2026;7;c1\n02.02.2026;8;c2\n",
            &["delimiter: \";\"", "columns: [column_1, column_2, column_3]", "format: \"%d.%m.%Y\""],
        ),
        ("tabs.tsv", "end\tnode\tcpu\n1769929200\tn1\t0.5\n1769929260\tn2\t1\n", &["delimiter: tab", "epoch-s"]),
        ("access.log", &format!("{log}\n{log}\n"), &["format: text", "%d/%b/%Y:%H:%M:%S %z", "access-bytes"]),
    ] {
        let (yaml, translation) = sniffed(name, text.as_bytes());
        said.iter().for_each(|said| assert!(yaml.contains(said), "{name}: {said} is not in\n{yaml}"));
        let counts = translation.tally.counts;
        assert_eq!((counts.records, counts.tallied), (2, 2), "{name}: {:?}\n{yaml}", translation.rejects);
        assert_eq!(sniffed(name, &gzip(text.as_bytes())).0, yaml, "packed or not");
    }
}

#[test]
fn documents_pairs_metrics_and_bundles_are_recognised_and_read() {
    let document = r#"{"cluster": "x", "apps": {"app": [{"user": "a", "finishedTime": 1769929200000, "seconds": 5}, {"user": "b", "finishedTime": 1769929260000, "seconds": 7}]}}"#;
    let pretty = "{\n \"at\": \"2026-02-01T07:00:00Z\", \"site\": \"a\",\n \"n\": 1\n}\n{\n \"at\": \"2026-02-01T07:00:00Z\", \"site\": \"b\",\n \"n\": 2\n}\n";
    let logfmt =
        "time=2026-02-01T07:00:00Z site=a n=7 msg=\"a \\\"b\\\" = c\"\ntime=2026-02-01T07:00:01Z site=a n=8 msg=x\n";
    let metrics = "# TYPE sent counter\nsent{site=\"a\",dev=\"e0\"} 7 1769929200000\nsent{site=\"b\",dev=\"e0\"} 8.5 1769929200000\n";
    let xml = "<?xml version=\"1.0\"?>\n<report made=\"now\"><info>x</info><u:entry xmlns:u=\"y\" site=\"a\"><u:start>2026-02-01T07:00:00Z</u:start><u:kwh>1.5</u:kwh></u:entry><entry site=\"b\"><start>2026-02-01T07:00:00Z</start><kwh>2</kwh></entry></report>";
    let rows = "site,start,hours\na,2026-02-01T07:00:00Z,1\nb,2026-02-01T08:00:00Z,2\n";
    for (name, bytes, said) in [
        (
            "apps.json",
            document.as_bytes().to_vec(),
            &["json: {records: \"apps.app[*]\"}", "epoch-ms", "apps-seconds"][..],
        ),
        ("pretty.json", pretty.as_bytes().to_vec(), &["format: json\n", "field: \"site\"", "rfc3339"]),
        ("app.log", logfmt.as_bytes().to_vec(), &["format: logfmt", "field: \"site\"", "app-n"]),
        ("x.prom", metrics.as_bytes().to_vec(), &["format: prometheus", "epoch-ms", "labels.site", "x-value"]),
        ("report.xml", xml.as_bytes().to_vec(), &["format: xml", "records: \"report/entry\"", "rfc3339", "report-kwh"]),
        (
            "all.tar",
            common::tar(&[("b/manifest.json", "{}"), ("b/use.csv", rows)]),
            &["members: \"use.csv\"", "format: csv"],
        ),
    ] {
        let (yaml, translation) = sniffed(name, &bytes);
        said.iter().for_each(|said| assert!(yaml.contains(said), "{name}: {said} is not in\n{yaml}"));
        let counts = translation.tally.counts;
        assert_eq!((counts.records, counts.tallied), (2, 2), "{name}: {:?}\n{yaml}", translation.rejects);
    }
}

#[test]
fn a_document_that_is_cut_off_is_recognised() {
    let record = r#"{"at": "2026-02-01T07:00:00Z", "site": "a, [b]", "n": 1}"#;
    let text = format!("{{\"made\": \"now\", \"data\": [{record}, {record}, {}", &record[..20]);
    let yaml = propose("x.json", text.as_bytes()).unwrap();
    assert!(yaml.contains("json: {records: \"data[*]\"}") && yaml.contains("rfc3339"), "{yaml}");
}

/// Whatever the pages show is recognised as something, or said not to be; what is proposed is a right source.
#[test]
fn what_is_proposed_for_any_example_compiles() {
    let mut proposed = 0;
    for example in common::pages::examples() {
        let Ok(yaml) = propose(&example.key, &example.bytes) else { continue };
        let proposal: Proposal = serde_yaml_ng::from_str(&yaml).unwrap_or_else(|error| unreachable!("{error}\n{yaml}"));
        let known = streams(&serde_yaml_ng::to_string(&proposal.streams).unwrap());
        let source = proposal.sources[0].compile(&known);
        assert!(source.is_ok(), "{}: {:?}\n{yaml}", example.key, source.err());
        assert!(proposal.streams.iter().all(|stream| stream.problems().is_empty()), "{yaml}");
        proposed += 1;
    }
    assert!(proposed > 50, "{proposed}");
}

#[test]
fn what_is_not_recognised_is_said_so() {
    for text in ["", "hello\nworld\n", "{broken"] {
        let error = propose("x", text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("no layout is recognised"), "{text}: {error}");
    }
}

#[test]
fn real_files_are_recognised_and_read() {
    let samples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples/usage");
    if !samples.is_dir() {
        eprintln!("SKIPPED: no real usage files at {}", samples.display());
        return;
    }
    for (file, tallied, records) in [
        ("d06_k8s_metering/pod-usage-cpu-cores.json", None, None),
        ("d10_slurm_sacct/phillips.log", None, None),
        ("d14_nginxplus_counters/nginxplus_json_logs", None, None),
        ("d15_apache_clf/apache_logs", Some(10_000), Some(10_000)),
        ("d18_focus/focus_sample.csv", Some(1_000), Some(1_000)),
    ] {
        let (yaml, translation) =
            sniffed(file.rsplit('/').next().unwrap(), &std::fs::read(samples.join(file)).unwrap());
        let counts = translation.tally.counts;
        let wanted = (records.unwrap_or(counts.records), tallied.unwrap_or(counts.records));
        assert_eq!((counts.records, counts.tallied), wanted, "{file}: {:?}\n{yaml}", translation.rejects.first());
        assert!(counts.records > 0);
    }
}
