//! Every example in `docs/sources.md` and the pages behind it gives what the page says.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use std::fmt::Write;

use common::pages::{Example, examples};
use common::translate_pieces;
use metering::exact::Exact;
use metering::state::State;
use metering::tally::SeriesKey;
use usage::Translation;

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
    for example in examples() {
        let Example { source, streams, key, bytes, expected } = &example;
        let name = source.name();
        assert!(source.matches(key).is_some(), "{name} does not match {key}");
        let translation = translate_pieces(source, key, std::iter::once(bytes.as_slice())).unwrap();
        assert_eq!(show(&translation, |stream| streams[stream].scale), *expected, "{name}");
        assert_eq!(translation.quarantine, None, "{name}");
        for size in [1, 2, 7] {
            let pieces = translate_pieces(source, key, bytes.chunks(size));
            assert_eq!(pieces.as_ref(), Ok(&translation), "{name} in pieces of {size} bytes");
        }
    }
}
