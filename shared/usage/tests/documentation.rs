//! Every example in `docs/sources.md` and the pages behind it gives what the page says.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use std::collections::BTreeMap;
use std::fmt::Write;

use common::{gzip, streams, tar, translate_pieces};
use metering::exact::Exact;
use metering::state::State;
use metering::tally::SeriesKey;
use usage::{SourceSpec, Translation};

/// The first page describes the streams of all.
const PAGES: [&str; 7] = [
    include_str!("../../../docs/sources.md"),
    include_str!("../../../docs/sources/csv.md"),
    include_str!("../../../docs/sources/json.md"),
    include_str!("../../../docs/sources/parts.md"),
    include_str!("../../../docs/sources/text.md"),
    include_str!("../../../docs/sources/xml.md"),
    include_str!("../../../docs/sources/families.md"),
];

/// The fenced blocks of a page: what is written behind the fence, and what is between.
fn blocks(page: &'static str) -> Vec<(&'static str, &'static str)> {
    let mut blocks = Vec::new();
    for (i, part) in page.split("```").enumerate() {
        if i % 2 == 1 {
            blocks.push(part.split_once('\n').unwrap());
        }
    }
    blocks
}

/// The bytes of an example's file: the text as it is, or packed as is said behind the name.
fn packed(text: &str, packing: &str) -> Vec<u8> {
    packing.split_whitespace().fold(text.as_bytes().to_vec(), |bytes, packing| match packing {
        "gzip" => gzip(&bytes),
        // Several files, each below a line with its name.
        "tar" => {
            let files = text.split("=== ").skip(1).map(|file| file.split_once('\n').unwrap());
            tar(&files.collect::<Vec<_>>())
        }
        "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        other => unreachable!("no packing {other}"),
    })
}

fn show_series(key: &SeriesKey) -> String {
    let mut shown = format!("{} {}", key.deployment, key.stream);
    if !key.series.is_empty() {
        write!(shown, " series={}", key.series).unwrap();
    }
    for (name, value) in &key.dimensions {
        write!(shown, " {name}={value}").unwrap();
    }
    shown
}

fn show_state(state: &State, scale: u32) -> String {
    let number = |value: i128| Exact::decimal(value, scale).unwrap().display(scale);
    match state {
        State::Counter(readings) => {
            readings.iter().fold("readings".to_owned(), |text, r| format!("{text} {}", number(r.value)))
        }
        state => {
            let summary = state.summary().unwrap().unwrap();
            let events = if summary.count > 1 { format!(" ({} events)", summary.count) } else { String::new() };
            format!("{}{events}", number(summary.sum))
        }
    }
}

fn show(translation: &Translation, scale: impl Fn(&str) -> u32) -> String {
    let mut shown = String::new();
    for (key, quarters) in &translation.tally.cells.0 {
        for (quarter, state) in quarters {
            let at = quarter.start().to_utc().unwrap().format("%Y-%m-%dT%H:%MZ");
            writeln!(shown, "{} {at} {}", show_series(key), show_state(state, scale(&key.stream))).unwrap();
        }
    }
    let counts = translation.tally.counts;
    let parts = (counts.tallied, counts.filtered, counts.rejected);
    write!(shown, "{} records: {} tallied, {} filtered, {} rejected", counts.records, parts.0, parts.1, parts.2)
        .unwrap();
    let repeated = if counts.repeated > 0 { format!(", {} repeated", counts.repeated) } else { String::new() };
    writeln!(shown, "{repeated}").unwrap();
    for reject in &translation.rejects {
        let member = reject.member.as_ref().map_or(String::new(), |member| format!("{member}, "));
        writeln!(shown, "{member}line {}: {}", reject.line, reject.reason).unwrap();
    }
    shown
}

#[test]
fn every_example_gives_what_the_page_says() {
    let mut known = BTreeMap::new();
    for page in PAGES {
        let blocks = blocks(page);
        // Those of the first page, unless a page has its own.
        if let Some((_, yaml)) = blocks.iter().find(|(info, _)| *info == "yaml streams") {
            known = streams(yaml);
        }
        let mut examples = 0;
        for window in blocks.windows(3) {
            let [("yaml source", mapping), (file, text), ("result", expected)] = window else { continue };
            let spec: SourceSpec = serde_yaml_ng::from_str(mapping).unwrap();
            let source = spec.compile(&known).unwrap();
            let file = file.strip_prefix("file ").unwrap();
            let (key, packing) = file.split_once(" packed: ").unwrap_or((file, ""));
            let bytes = packed(text, packing);
            assert!(source.matches(key).is_some(), "{} does not match {key}", spec.name);
            let translation = translate_pieces(&source, key, std::iter::once(bytes.as_slice())).unwrap();
            assert_eq!(show(&translation, |stream| known[stream].scale), **expected, "{}", spec.name);
            assert_eq!(translation.quarantine, None, "{}", spec.name);
            for size in [1, 2, 7] {
                let pieces = translate_pieces(&source, key, bytes.chunks(size));
                assert_eq!(pieces.as_ref(), Ok(&translation), "{} in pieces of {size} bytes", spec.name);
            }
            examples += 1;
        }
        let sources = blocks.iter().filter(|(info, _)| *info == "yaml source").count();
        assert!(examples > 0);
        assert_eq!(examples, sources, "each source on the page has a file and a result behind it");
    }
}
