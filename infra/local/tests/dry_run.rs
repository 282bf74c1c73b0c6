//! A mapping tried on a file, and a source begun by a look at one.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Only what says how files are read: no seller, no prices.
const CATALOGUE: &str = r#"
streams: [{name: calls, title: Calls, unit: call, scale: 2, kind: delta, day: sum, month: sum}]
sources:
  - name: calls
    objects: "usage/{site}/{name}.jsonl*"
    format: json-lines
    deployment: {tag: site}
    time: {field: t, format: rfc3339}
    reject-limit: 0.5
    usage: [{stream: calls, quantity: n, series: host}]
"#;

const FILE: &str = "{\"t\": \"2026-02-01T07:03:10Z\", \"host\": \"n1\", \"n\": 3.25}\n\
    {\"t\": \"2026-02-01T09:00:00Z\", \"host\": \"n2\", \"n\": 1}\n\
    {\"t\": \"never\", \"host\": \"n2\", \"n\": 1}\n";

struct Place(PathBuf);

impl Place {
    fn new(test: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("farthing-dry-run").join(test);
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// How the command exits, and what it says and complains.
    fn farthing(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_farthing"));
        let output = command.args(arguments).current_dir(&self.0).env("NO_COLOR", "1").output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_file_is_tried_and_nothing_is_written() {
    let place = Place::new("tried");
    place.write("catalogue/all.yaml", CATALOGUE.as_bytes());
    place.write("usage/berlin/a.jsonl", FILE.as_bytes());
    place.write("usage/berlin/b.jsonl.gz", &gzip(FILE.as_bytes()));
    for file in ["usage/berlin/a.jsonl", "./usage/berlin/b.jsonl.gz"] {
        let (code, out, err) = place.farthing(&["translate", file]);
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        for said in ["read by source `calls`", "2026-02-01T07:03:10Z", "berlin", "n1", "3.25 call", "4.25", "never"] {
            assert!(out.contains(said), "{said} is not in\n{out}");
        }
        assert!(out.contains("3 records: 2 tallied with 2 events, 0 filtered, 1 rejected"), "{out}");
        assert!(out.contains("line 3: the time `t` is `never`"), "{out}");
    }
    assert_eq!(fs::read_dir(&place.0).unwrap().count(), 2, "no folder of the store is made");
}

#[test]
fn programs_are_told_the_same() {
    let place = Place::new("json");
    place.write("catalogue/all.yaml", CATALOGUE.as_bytes());
    place.write("file", FILE.as_bytes());
    let arguments = ["translate", "file", "--json", "--source", "calls", "--key", "usage/köln/x.jsonl", "--show", "1"];
    let (code, out, _) = place.farthing(&arguments);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &told["counts"]["tallied"], &told["counts"]["rejected"]), (0, &2.into(), &1.into()));
    assert_eq!(told["events"].as_array().unwrap().len(), 1);
    assert_eq!((&told["events"][0]["deployment"], &told["events"][0]["quantity"]), (&"köln".into(), &"3.25".into()));
    let calls = &told["streams"]["calls"];
    assert_eq!((&calls["sum"], &calls["series"], &calls["unit"]), (&"4.25".into(), &2.into(), &"call".into()));
    assert_eq!((&told["rejects"][0]["line"], &told["quarantine"]), (&3.into(), &Value::Null));
}

#[test]
fn what_would_not_count_is_said_so() {
    let place = Place::new("held");
    place.write("catalogue/all.yaml", CATALOGUE.replace("0.5", "0").as_bytes());
    place.write("usage/berlin/a.jsonl", FILE.as_bytes());
    place.write("usage/berlin/b.jsonl", &gzip(FILE.as_bytes())[..40]);
    place.write("else/where.txt", FILE.as_bytes());
    let (code, out, _) = place.farthing(&["translate", "usage/berlin/a.jsonl"]);
    assert!(code == 4 && out.contains("would be held back") && out.contains("0 are tolerated"), "{out}");
    let (code, out, _) = place.farthing(&["translate", "usage/berlin/b.jsonl"]);
    assert!(code == 4 && out.contains("it cannot be read"), "{out}");
    let (code, _, err) = place.farthing(&["translate", "else/where.txt"]);
    assert!(code == 2 && err.contains("no source reads"), "{err}");
    let (code, _, err) = place.farthing(&["translate", "else/where.txt", "--source", "cals"]);
    assert!(code == 2 && err.contains("there are: calls"), "{err}");
}

#[test]
fn a_proposal_is_a_right_catalogue_that_reads_its_file() {
    let place = Place::new("sniffed");
    place.write("bought.csv.gz", &gzip(b"Cluster;Usage Start;Hours\nc1;2026-02-01 07:00;1.5\nc2;2026-02-01 08:00;2\n"));
    let (code, proposal, _) = place.farthing(&["translate", "bought.csv.gz", "--sniff"]);
    assert_eq!(code, 0);
    place.write("catalogue/proposed.yaml", proposal.as_bytes());
    place.write("catalogue/seller.yaml", b"seller: {name: Seller, currency: USD, zone: UTC}\n");
    let (code, _, err) = place.farthing(&["check", "catalogue"]);
    assert_eq!(code, 0, "{err}\n{proposal}");
    let (code, out, _) = place.farthing(&["translate", "bought.csv.gz", "--key", "bought/a"]);
    assert!(code == 0 && out.contains("2 records: 2 tallied with 4 events"), "{out}\n{proposal}");
}
