//! Every example in `docs/sources.md` and the pages behind it gives what the page says.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use std::fmt::Write;

use common::{streams, translate_pieces};
use metering::exact::Exact;
use metering::state::State;
use metering::tally::SeriesKey;
use usage::{SourceSpec, Translation};

/// The first page describes the streams of all.
const PAGES: [&str; 3] = [
    include_str!("../../../docs/sources.md"),
    include_str!("../../../docs/sources/csv.md"),
    include_str!("../../../docs/sources/parts.md"),
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
        writeln!(shown, "line {}: {}", reject.line, reject.reason).unwrap();
    }
    shown
}

#[test]
fn every_example_gives_what_the_page_says() {
    let first = blocks(PAGES[0]);
    let known = streams(first.iter().find(|(info, _)| *info == "yaml streams").unwrap().1);
    for page in PAGES {
        let blocks = blocks(page);
        let mut examples = 0;
        for window in blocks.windows(3) {
            let [("yaml source", mapping), (file, text), ("result", expected)] = window else { continue };
            let spec: SourceSpec = serde_yaml_ng::from_str(mapping).unwrap();
            let source = spec.compile(&known).unwrap();
            let key = file.strip_prefix("file ").unwrap();
            assert!(source.matches(key).is_some(), "{} does not match {key}", spec.name);
            let translation = translate_pieces(&source, key, std::iter::once(text.as_bytes())).unwrap();
            assert_eq!(show(&translation, |stream| known[stream].scale), **expected, "{}", spec.name);
            assert_eq!(translation.quarantine, None, "{}", spec.name);
            examples += 1;
        }
        let sources = blocks.iter().filter(|(info, _)| *info == "yaml source").count();
        assert!(examples > 0);
        assert_eq!(examples, sources, "each source on the page has a file and a result behind it");
    }
}
