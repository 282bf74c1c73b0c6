//! Records of a file look alike, and much is kept from one to the next so that most take a short way.
//! It changes nothing: a file is what its records are one by one, each read by who has seen none.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use common::{source, translate};
use metering::tally::Tally;
use proptest::prelude::*;
use usage::Source;

const JSON: &str = r#"
name: readings
objects: "usage/**"
format: json-lines
deployment: {field: cluster}
time: {field: ts, format: rfc3339, zone: Europe/Berlin}
absent: ["-"]
reject-limit: 1
usage:
- {stream: calls, quantity: n, series: host, dimensions: {tier: "labels.tier ?? 'none'"}, where: {field: kind, not: [x]}}
- {stream: credits, quantity: n * m, optional: true, dimensions: {tier: labels.tier}}
"#;

const CSV: &str = r#"
name: readings
objects: "usage/**"
format: csv
csv: {header: false, columns: [cluster, ts, n, host, kind]}
deployment: {field: cluster}
time: {field: ts, format: rfc3339}
absent: ["-"]
reject-limit: 1
usage:
- {stream: calls, quantity: n, series: host, dimensions: {kind: kind}}
"#;

/// What the records come to, each on its own: the tally, and the reasons of the rejects.
fn one_by_one(source: &Source, records: &[Vec<u8>]) -> (Tally, Vec<String>) {
    let mut tally = Tally::default();
    let mut reasons = Vec::new();
    for record in records {
        let alone = translate(source, record).unwrap();
        tally.cells.merge(&alone.tally.cells).unwrap();
        tally.counts = tally.counts.add(&alone.tally.counts).unwrap();
        reasons.extend(alone.rejects.into_iter().map(|reject| reject.reason));
    }
    (tally, reasons)
}

fn assert_alike(source: &Source, records: &[Vec<u8>]) {
    let whole = translate(source, &records.join(&b'\n')).unwrap();
    let reasons: Vec<String> = whole.rejects.iter().map(|reject| reject.reason.clone()).collect();
    assert_eq!(
        (whole.tally, reasons),
        one_by_one(source, records),
        "{}",
        String::from_utf8_lossy(&records.join(&b'\n'))
    );
    let mut at = 0;
    let mut rejects = whole.rejects.iter();
    let mut next = rejects.next();
    for (line, record) in (1_u64..).zip(records) {
        if let Some(reject) = next.filter(|reject| reject.line == line) {
            let written = record.strip_suffix(b"\r").unwrap_or(record);
            assert_eq!((usize::try_from(reject.offset).unwrap(), reject.bytes.as_slice()), (at, written));
            next = rejects.next();
        }
        at += record.len() + 1;
    }
    assert_eq!(next, None);
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[0-9]{1,3}(\\.[0-9]{1,3})?",
        1 => "-?[0-9]{1,30}(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?",
        1 => prop::sample::select(vec!["null", "NaN", "\"-\"", "\" 12 \"", "\"1e2\"", "[1]", "{}", "\"\"", "01", "1.", ".5", "true"]).prop_map(str::to_owned),
    ]
}

fn time() -> impl Strategy<Value = String> {
    "2026-(03-29|10-25)[T ]0[0-3]:[0-5][0-9]:[0-6][0-9](\\.[0-9]{1,6})?(Z|\\+01:00|-0730|)"
}

fn json() -> impl Strategy<Value = String> {
    let names = ("[ab]{1,2}", "[a-c]|é|\\\\u0061|\\\\\"", prop::sample::select(vec!["x", "y", ""]));
    let shape = prop::sample::select(vec![
        r#"{"ts":"TIME","cluster":"CLUSTER","host":"HOST","n":N,"kind":"KIND","labels":{"tier":"HOST","zone":null}}"#,
        r#"{"ts":"TIME","cluster":"CLUSTER","host":"HOST","n":N,"m":N,"kind":"KIND","labels":{"tier":"KIND"}}"#,
        r#"{"cluster": "CLUSTER", "ts": "TIME", "n": N, "host": "HOST", "list": [N, "HOST", {"a": true}]}"#,
        r#"{"ts":"TIME","n":N,"n":N,"cluster":"CLUSTER","host":"HOST"}"#,
        r#"{"ts":"TIME","n":N,"cluster":"CLUSTER"}"#,
    ]);
    (shape, time(), names, number()).prop_map(|(shape, time, (cluster, host, kind), n)| {
        let filled = shape.replace("TIME", &time).replace("CLUSTER", &cluster).replace("HOST", &host);
        filled.replace("KIND", kind).replace('N', &n)
    })
}

/// Records of one shape whose strings are nearly always as long, so that all of it is learnt.
fn steady() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let shape = prop::sample::select(vec![
        r#"{"id":"ID","ts":"TIME","cluster":"CLUSTER","host":"HOST","n":N,"labels":{"tier":"KIND","zone":null}}"#,
        r#"{"é":"ID","n":N,"labels":{"tier":"KIND","more":["HOST","ID",N]},"ts":"TIME","cluster":"CLUSTER","host":"HOST"}"#,
        "{\"n\" : N,\t\"id\":\"ID\", \"host\":\"HOST\",\"cluster\":\"CLUSTER\",\"ts\":\"TIME\"  }",
        r#"{"cluster":"CLUSTER","host":"HOST","ts":"TIME","n":N,"id":"ID"}"#,
    ]);
    let usual = |regex: &'static str, odd: &'static str| prop_oneof![30 => regex, 1 => odd];
    let id = usual("[0-9a-f]{8}-[0-9a-f]{12}", "[0-9a-f]{0,40}|[ -~é]{21}|[0-9a-f]{10}\u{0}[0-9a-f]{10}|\\\\u00e9{15}");
    let host = usual("node-[0-9]{2}", "node-[0-9]{3}|node-é|node-\"1|nöde-12");
    let time = usual("2026-03-29T0[0-3]:[0-5][0-9]:[0-5][0-9]\\.[0-9]{3}Z", "2026-03-29T0[0-3]:[0-6][0-9]:[0-6][0-9]Z");
    let text = (id, host, time, usual("[ab]", "-|x|"), number(), damage());
    let fill = |shape: &'static str| {
        move |(id, host, time, kind, n, damage): (String, String, String, String, String, _)| {
            let filled = shape.replace("ID", &id).replace("HOST", &host).replace("TIME", &time);
            damaged(filled.replace("CLUSTER", &kind).replace("KIND", &kind).replace('N', &n), damage)
        }
    };
    (shape, prop::collection::vec(text, 20..60))
        .prop_map(move |(shape, texts)| texts.into_iter().map(fill(shape)).collect())
}

fn row() -> impl Strategy<Value = String> {
    let cell = || prop_oneof![3 => "[a-c]{1,9}", 1 => "[ -~é]{0,6}", 1 => "\"[a-c,é]{0,4}(\"\")?\""];
    ("[ab]{1,2}", time(), number(), cell(), cell()).prop_map(|(cluster, time, n, host, kind)| {
        let n = n.replace('"', "");
        format!("{cluster},{time},{n},{host},{kind}")
    })
}

type Damage = Option<(prop::sample::Index, u8)>;

/// A byte that stands where it does not belong.
fn damage() -> impl Strategy<Value = Damage> {
    let bytes = b"\"\\{}[],:0 .e-\x00\x01\t\x7f\x80\xc3\xff\r".to_vec();
    prop::option::weighted(0.1, (any::<prop::sample::Index>(), prop::sample::select(bytes)))
}

fn damaged(record: String, damage: Damage) -> Vec<u8> {
    let mut record = record.into_bytes();
    if let Some((place, byte)) = damage {
        let place = place.index(record.len());
        record[place] = byte;
    }
    record
}

/// Records of which some are broken by a byte that is not theirs.
fn records(record: impl Strategy<Value = String>) -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec((record, damage()).prop_map(|(record, damage)| damaged(record, damage)), 1..30)
}

/// Whether every quote that opens a cell is closed in its row: else the rows are others than the records.
fn rows_stand_alone(source: &Source, records: &[Vec<u8>]) -> bool {
    records.iter().all(|record| translate(source, record).is_ok())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_of_json_is_what_its_records_are_one_by_one(records in records(json())) {
        assert_alike(&source(JSON), &records);
    }

    #[test]
    fn a_file_of_json_is_what_its_records_are_where_all_is_steady(records in steady()) {
        assert_alike(&source(JSON), &records);
    }

    #[test]
    fn a_file_of_rows_is_what_its_rows_are_one_by_one(records in records(row())) {
        let source = source(CSV);
        if rows_stand_alone(&source, &records) {
            assert_alike(&source, &records);
        }
    }
}
