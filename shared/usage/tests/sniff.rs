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
