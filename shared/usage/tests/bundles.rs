//! Bundles: which files are read, what the manifest has to say, and what is held against it.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use common::{compile, gzip, source, tar, translate, translate_error, translate_pieces};

const CHOOSING: &str = r#"
name: bundles
objects: "usage/{site}"
members: "{node}.cpu.csv"
manifest: {file: manifest.json, lists: files, tags: {started: period.start}}
format: csv
deployment: {tag: site}
time: {field: $tag.started, format: rfc3339}
usage: [{stream: calls, quantity: n, series: $tag.node}]
"#;

const MANIFEST: &str = r#"{"files": ["n1.cpu.csv", "n2.cpu.csv"], "period": {"start": "2026-02-01T00:00:00Z"}}"#;
const N1: (&str, &str) = ("n1.cpu.csv", "n,x\n1,a\n2,b\n");
const N2: (&str, &str) = ("n2.cpu.csv", "x,n\na,4\n");
const OTHER: (&str, &str) = ("n1.disk.csv", "no,columns,of,ours\n1,2,3,4\n");

fn refused(files: &[(&str, &str)], reason: &str) {
    let error = translate_error(&source(CHOOSING), &tar(files));
    assert!(error.contains(reason), "{error}");
}

#[test]
fn chosen_files_are_read_each_with_its_header_and_its_tags() {
    let source = source(CHOOSING);
    let orders: [&[(&str, &str)]; 3] = [
        &[("manifest.json", MANIFEST), N1, N2, OTHER],
        &[N1, OTHER, N2, ("manifest.json", MANIFEST)],
        &[("x/n1.cpu.csv", N1.1), ("x/manifest.json", MANIFEST), ("x/n2.cpu.csv", N2.1)],
    ];
    for files in orders {
        for bytes in [tar(files), gzip(&tar(files))] {
            let whole = translate(&source, &bytes).unwrap();
            let counts = whole.tally.counts;
            assert_eq!((counts.records, counts.tallied, counts.rejected), (3, 3, 0));
            let series: Vec<_> =
                whole.tally.cells.0.iter().map(|(key, quarters)| (key.series.as_str(), quarters.len())).collect();
            assert_eq!(series, [("n1", 1), ("n2", 1)]);
            assert_eq!(translate_pieces(&source, "usage/a", bytes.chunks(1)).unwrap(), whole);
        }
    }
}

#[test]
fn a_file_that_the_manifest_lists_and_the_bundle_lacks_makes_the_object_unreadable() {
    refused(
        &[N1, ("manifest.json", MANIFEST)],
        "the manifest `manifest.json` lists `n2.cpu.csv`, which the bundle lacks (1 of 2 files): it is incomplete",
    );
}

#[test]
fn a_bundle_without_its_manifest_is_unreadable() {
    refused(&[N1, N2], "the bundle lacks its manifest `manifest.json`; it holds `n1.cpu.csv`, `n2.cpu.csv`");
    let no_time = r#"{"files": []}"#;
    refused(&[N1, ("manifest.json", no_time)], "the bundle's file `manifest.json`: the manifest has no `period.start`");
    refused(&[N1, ("manifest.json", "[")], "the bundle's file `manifest.json`: the manifest: it is not valid JSON");
}

#[test]
fn a_bundle_in_which_nothing_is_chosen_is_unreadable() {
    let manifest = r#"{"files": [], "period": {"start": "2026-02-01T00:00:00Z"}}"#;
    refused(
        &[OTHER, ("manifest.json", manifest)],
        "no file of the bundle is called `{node}.cpu.csv`, as `members` says; it holds `n1.disk.csv`, `manifest.json`",
    );
    let optional = CHOOSING.replace("\"{node}.cpu.csv\"", "{files: '{node}.cpu.csv', optional: true}");
    let translation = translate(&source(&optional), &tar(&[OTHER, ("manifest.json", manifest)])).unwrap();
    assert_eq!(translation.tally.counts.records, 0);
}

#[test]
fn one_bad_file_makes_the_object_unreadable_and_is_named() {
    refused(
        &[N1, ("n2.cpu.csv", "x\n1\n"), ("manifest.json", MANIFEST)],
        "the bundle's file `n2.cpu.csv`: the header has no column `n`",
    );
    let damaged = gzip(N2.1.as_bytes());
    let mut bytes = tar(&[N1, ("manifest.json", MANIFEST), ("n2.cpu.csv", "placeholder that is long enough")]);
    let at = bytes.windows(11).position(|window| window == b"placeholder").unwrap();
    bytes[at..at + 20].copy_from_slice(&damaged[..20]);
    let error = translate_error(&source(CHOOSING), &bytes);
    assert!(error.starts_with("the bundle's file `n2.cpu.csv`: "), "{error}");
}

#[test]
fn what_is_no_bundle_is_unreadable_where_files_are_chosen() {
    for bytes in [&b""[..], b"n\n1\n", &gzip(b"n\n1\n")] {
        let error = translate_error(&source(CHOOSING), bytes);
        assert!(error.contains("the object is neither tar nor zip"), "{error}");
    }
}

#[test]
fn a_reject_names_its_file() {
    let text = format!("n,x\n{}", "1,a\n".repeat(999));
    let files = [("manifest.json", MANIFEST), ("n1.cpu.csv", text.as_str()), ("n2.cpu.csv", "n,x\n2,a\n?,b\n")];
    let translation = translate(&source(CHOOSING), &tar(&files)).unwrap();
    let reject = &translation.rejects[0];
    assert_eq!((reject.member.as_deref(), reject.line, reject.offset), (Some("n2.cpu.csv"), 3, 8));
    let entry = serde_json::to_value(reject.describe("usage/k", "etag")).unwrap();
    assert_eq!(entry["member"], "n2.cpu.csv");
    assert_eq!(translation.quarantine, None);
}

#[test]
fn files_of_several_kinds_have_mappings_of_their_own() {
    let yaml = r#"
name: kinds
objects: "usage/{site}"
members:
- {files: "cpu.csv"}
- files: "disk.jsonl"
  format: json-lines
  time: {field: t, format: epoch-s}
  usage: [{stream: hours, quantity: h}]
format: csv
deployment: {tag: site}
time: {field: day, format: "%Y-%m-%d", zone: Europe/Berlin}
usage: [{stream: calls, quantity: n}]
"#;
    let files = [("cpu.csv", "n,day\n1,2026-02-01\n"), ("disk.jsonl", "{\"t\": 1769929200, \"h\": 2}\n")];
    let translation = translate(&source(yaml), &tar(&files)).unwrap();
    let cells: Vec<_> = translation
        .tally
        .cells
        .0
        .iter()
        .map(|(key, cells)| {
            let (quarter, _) = cells.iter().next().unwrap();
            (key.stream.clone(), quarter.start().to_utc().unwrap().to_rfc3339())
        })
        .collect();
    assert_eq!(
        cells,
        [
            ("calls".to_owned(), "2026-01-31T23:00:00+00:00".to_owned()),
            ("hours".to_owned(), "2026-02-01T07:00:00+00:00".to_owned()),
        ]
    );
    let other = yaml.replace("quantity: h", "quantity: g");
    assert_ne!(source(yaml).hash(), source(&other).hash(), "what a file's mapping says is part of the hash");
}

#[test]
fn mistakes_in_what_is_declared_are_placed() {
    for (from, to, path, message) in [
        ("manifest.json, lists: files,", "manifest.json, lists: 'files[',", "manifest.lists", "brackets"),
        ("$tag.node", "$tag.host", "usage[0].series", "no capture `{host}`"),
        ("{node}", "{site}", "members", "`$tag.site` would come from two places"),
        ("\"{node}.cpu.csv\"", "[{files: '{node}.cpu.csv', name: x}]", "members[0].name", "the same for all files"),
        (
            "\"{node}.cpu.csv\"",
            "[{files: '{node}.cpu.csv', usage: [{stream: calls, quantity: '*'}]}]",
            "members[0].usage[0].quantity",
            "",
        ),
        ("format: csv", "format: csv\nencoding: klingon", "encoding", "no encoding that is known"),
        ("format: csv", "format: csv\nenvelope: {holds: text}", "envelope", "in no field"),
    ] {
        let problems = compile(&CHOOSING.replace(from, to)).unwrap_err();
        let found = problems.iter().any(|problem| problem.path.starts_with(path) && problem.message.contains(message));
        assert!(found, "{to}: {problems:?}");
    }
}

#[test]
fn the_first_record_of_any_file_is_suspicious_when_it_is_rejected() {
    let text = format!("n,x\n{}", "1,a\n".repeat(999));
    let files = [("manifest.json", MANIFEST), ("n1.cpu.csv", text.as_str()), ("n2.cpu.csv", "n,x\nunits,b\n2,a\n")];
    let reason = translate(&source(CHOOSING), &tar(&files)).unwrap().quarantine.unwrap();
    assert!(reason.starts_with("the first record of `n2.cpu.csv`, on line 2, was rejected: "), "{reason}");
}
