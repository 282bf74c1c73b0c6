//! The translation is a pure function of bytes and mapping: how the bytes come in pieces, and how
//! they are packed, changes nothing.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use std::sync::LazyLock;

use common::pages::{Example, examples};
use common::{gzip, source, translate, translate_pieces};
use proptest::prelude::*;
use usage::{Source, Translation, Unreadable};

const MAPPING: &str = r#"
name: any
objects: "usage/**"
format: FORMAT
deployment: {field: cluster}
time: {field: ts, format: epoch-s}
absent: ["-"]
reject-limit: 0.5
usage:
- {stream: calls, quantity: n, series: host, where: {field: kind, not: [x]}}
"#;

fn sources() -> [(&'static str, Source); 4] {
    let with = |format: &str, extra: &str| source(&format!("{}{extra}", MAPPING.replace("FORMAT", format)));
    let pattern = r#"text: {pattern: '^(?<cluster>\w+),(?<ts>\d+),(?<n>[^,]*),(?<host>[^,]*)(,(?<kind>.*))?$'}"#;
    [
        ("json-lines", with("json-lines", "")),
        ("json-array", with("json-array", "")),
        ("csv", with("csv", "")),
        ("text", with("text", pattern)),
    ]
}

fn in_pieces(source: &Source, bytes: &[u8], cuts: &[prop::sample::Index]) -> Result<Translation, Unreadable> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    translate_pieces(source, "usage/a", places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]))
}

/// Cells that mean something to one of the formats, good and bad, with all signs that could confuse a splitter.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9]{1,3}(\\.[0-9]{1,4})?",
        Just("-".to_owned()),
        Just("x".to_owned()),
        Just("é\u{1F600}".to_owned()),
        Just("\"a\"\"b\nc,\"".to_owned()),
        Just("\\\"]},{[".to_owned()),
        "[ -~]{0,5}",
    ]
}

fn row() -> impl Strategy<Value = [String; 5]> {
    ("[ab]", 1_700_000_000_u64..1_700_010_000, cell(), cell(), cell())
        .prop_map(|(cluster, ts, n, host, kind)| [cluster, ts.to_string(), n, host, kind])
}

fn write(format: &str, rows: &[[String; 5]]) -> String {
    let json = |[cluster, ts, n, host, kind]: &[String; 5]| {
        serde_json::json!({"cluster": cluster, "ts": ts, "n": n, "host": host, "kind": kind}).to_string()
    };
    let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
    match format {
        "json-lines" => rows.iter().map(|row| json(row) + "\n").collect(),
        "json-array" => format!("[ {} ]", rows.iter().map(json).collect::<Vec<_>>().join(" ,\n")),
        "csv" => {
            let rows = rows.iter().map(|row| row.iter().map(quoted).collect::<Vec<_>>().join(",") + "\r\n");
            format!("cluster,ts,n,host,kind\n{}", rows.collect::<String>())
        }
        _ => rows.iter().map(|row| row.join(",").replace('\n', " ") + "\n").collect(),
    }
}

static EXAMPLES: LazyLock<Vec<Example>> = LazyLock::new(examples);

/// What befalls a file.
#[derive(Clone, Debug)]
enum Fault {
    Put(u8),
    Insert(u8),
    Remove(usize),
    Repeat(usize),
}

impl Fault {
    fn at(&self, at: usize, bytes: &mut Vec<u8>) {
        let end = |length: &usize| bytes.len().min(at + length);
        match self {
            Self::Put(byte) => bytes.splice(at..end(&1), [*byte]).for_each(drop),
            Self::Insert(byte) => bytes.insert(at, *byte),
            Self::Remove(length) => bytes.drain(at..end(length)).for_each(drop),
            Self::Repeat(length) => {
                let again = bytes[at..end(length)].to_vec();
                bytes.splice(at..at, again).for_each(drop);
            }
        }
    }
}

fn fault() -> impl Strategy<Value = Fault> {
    let byte = || prop_oneof![prop::sample::select(b"[]{},:;|<>/&=\"'\\\n\r\t #0-.\xff\x00".to_vec()), any::<u8>()];
    prop_oneof![
        byte().prop_map(Fault::Put),
        byte().prop_map(Fault::Insert),
        (1_usize..40).prop_map(Fault::Remove),
        (1_usize..40).prop_map(Fault::Repeat),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pieces_change_nothing(
        rows in prop::collection::vec(row(), 0..12),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        for (format, source) in sources() {
            let text = write(format, &rows);
            let whole = translate(&source, text.as_bytes());
            if format != "text" {
                prop_assert_eq!(whole.as_ref().unwrap().tally.counts.records, u64::try_from(rows.len()).unwrap(), "{}", text);
            }
            prop_assert_eq!(&in_pieces(&source, text.as_bytes(), &cuts), &whole, "{}", text);
            for packed in [gzip(text.as_bytes()), zstd::encode_all(text.as_bytes(), 1).unwrap()] {
                prop_assert_eq!(&in_pieces(&source, &packed, &cuts), &whole, "{}", text);
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused_alike_in_any_pieces(
        bytes in prop::collection::vec(prop_oneof![prop::sample::select(b"[]{},:\"\\\n\r 0a-.\xff\x1f\x8b".to_vec()), any::<u8>()], 0..80),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
    ) {
        for (_, source) in sources() {
            let whole = translate(&source, &bytes);
            prop_assert_eq!(in_pieces(&source, &bytes, &cuts), whole);
        }
    }

    /// The examples of the pages are of every format and packing.
    #[test]
    fn an_example_of_any_format_that_was_tampered_with_is_read_or_refused_alike_in_any_pieces(
        example in any::<prop::sample::Index>(),
        faults in prop::collection::vec((any::<prop::sample::Index>(), fault()), 0..4),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
    ) {
        let Example { source, key, bytes, .. } = example.get(&EXAMPLES);
        let mut bytes = bytes.clone();
        faults.iter().for_each(|(at, fault)| fault.at(at.index(bytes.len() + 1), &mut bytes));
        // In both ways records are found to be tallied, filtered, rejected or repeated.
        let whole = translate_pieces(source, key, std::iter::once(bytes.as_slice()));
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        places.extend([0, bytes.len()]);
        places.sort_unstable();
        let pieces = translate_pieces(source, key, places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]));
        prop_assert_eq!(&pieces, &whole, "{}", source.name());
        if let Ok(translation) = whole {
            let counts = translation.tally.counts;
            prop_assert_eq!(u64::try_from(translation.rejects.len()).unwrap(), counts.rejected);
            prop_assert!(counts.tallied <= counts.events);
            for reject in &translation.rejects {
                prop_assert!(!reject.reason.is_empty() && reject.line > 0 && reject.record <= counts.records);
            }
        }
    }

    #[test]
    fn damaged_packing_is_refused_or_gives_the_same(
        rows in prop::collection::vec(row(), 1..40),
        place in any::<prop::sample::Index>(),
        flip in 1_u8..=255,
        cut in any::<bool>(),
    ) {
        let [(format, source), ..] = sources();
        let text = write(format, &rows);
        let whole = translate(&source, text.as_bytes()).unwrap();
        let mut packed = gzip(text.as_bytes());
        let place = place.index(packed.len());
        if cut {
            packed.truncate(place.max(2));
        } else {
            packed[place] ^= flip;
        }
        // Bytes that say nothing about the text (time, system) may change; the first two decide that it is gzip.
        if let (Ok(read), true) = (translate(&source, &packed), place > 1) {
            prop_assert_eq!(read, whole);
        }
    }
}
