//! Events that are sent again count once, whichever way the file came.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use std::collections::BTreeMap;
use std::fmt::Write;

use common::{source, translate};
use metering::mark::Mark;
use metering::tally::Cells;
use metering::time::Instant;
use proptest::prelude::*;
use usage::{Limits, ObjectContext, Source, Translation, Translator, WholeOf};

const MAPPING: &str = r#"
name: ids
objects: "{site}/{run}"
format: json-lines
deployment: {field: site}
time: {field: at, format: epoch-s}
event-id: id
reject-limit: 0.9
usage:
- {stream: calls, quantity: n}
- {stream: credits, quantity: c, optional: true}
- {stream: calls, quantity: m, series: "'second'", optional: true}
"#;

fn of_file(source: &Source, bytes: &[u8], file: &str) -> Translation {
    let context = ObjectContext { file: file.into(), ..ObjectContext::default() };
    let mut translator = Translator::new(source, context);
    translator.push(bytes).unwrap();
    let translation = translator.finish().unwrap();
    assert!(translation.tally.counts.balance());
    translation
}

/// What some marks add up to.
fn marked(marks: &[Mark]) -> Cells {
    let mut cells = Cells::default();
    marks.iter().for_each(|mark| mark.add_to(&mut cells).unwrap());
    cells
}

/// All that a translation counts of a stream.
fn total(translation: &Translation, stream: &str) -> i128 {
    let series = translation.tally.cells.0.iter().filter(|(series, _)| series.stream == stream);
    series.flat_map(|(_, quarters)| quarters.values()).map(|state| state.summary().unwrap().unwrap().sum).sum()
}

#[test]
fn what_is_rejected_or_filtered_takes_no_id() {
    let text = concat!(
        r#"{"site": "a", "at": 1769929200, "id": "x", "n": "bad"}"#,
        "\n",
        r#"{"site": "a", "at": 1769929200, "id": "x", "n": 2}"#,
        "\n",
        r#"{"site": "a", "at": 1769932800, "id": "x", "n": 3}"#,
        "\n",
        r#"{"site": "a", "at": 1769932800, "n": 3}"#,
        "\n",
    );
    let translation = translate(&source(MAPPING), text.as_bytes()).unwrap();
    let counts = translation.tally.counts;
    assert_eq!((counts.tallied, counts.repeated, counts.rejected), (1, 1, 2));
    assert_eq!(total(&translation, "calls"), 2_000);
    assert_eq!(translation.marks.len(), 1);
    let mark = &translation.marks[0];
    assert_eq!((mark.value, mark.at, mark.day), (2_000, Instant(1_769_929_200_000), 1_769_929_200 / 86_400));
}

#[test]
fn a_record_that_feeds_a_stream_twice_is_no_repetition_of_itself() {
    let text = r#"{"site": "a", "at": 1769929200, "id": "x", "n": 1, "c": 1, "m": 1}"#;
    let translation = translate(&source(MAPPING), text.as_bytes()).unwrap();
    assert_eq!((translation.tally.counts.events, translation.marks.len()), (3, 3));
}

#[test]
fn the_same_id_on_another_day_is_another_event() {
    let text = concat!(
        r#"{"site": "a", "at": 1769990399, "id": "x", "n": 1}"#,
        "\n",
        r#"{"site": "a", "at": 1769990400, "id": "x", "n": 2}"#,
        "\n",
    );
    let translation = translate(&source(MAPPING), text.as_bytes()).unwrap();
    assert_eq!((total(&translation, "calls"), translation.marks.len()), (3_000, 2));
}

#[test]
fn what_is_spread_over_a_time_is_told_by_its_marks_alone() {
    let spread =
        MAPPING.replace("time: {field: at, format: epoch-s}", "time: {field: at, until: end, format: epoch-s}");
    let text = r#"{"site": "a", "at": 1769990000, "end": 1769992777, "id": "x", "n": 7}"#;
    let translation = translate(&source(&spread), text.as_bytes()).unwrap();
    assert_eq!(translation.tally.cells.len(), 4);
    assert_eq!(marked(&translation.marks), translation.tally.cells);
}

#[test]
fn parts_need_ids_of_their_own() {
    let parts = MAPPING.replace("deployment: {field: site}", "each: parts.*\ndeployment: {field: ^site}");
    let parts = parts.replace("{field: at,", "{field: ^at,");
    let text = r#"{"site": "a", "at": 1769929200, "id": "x", "parts": {"p": {"n": 1}, "q": {"n": 2}}}"#;
    let same = translate(&source(&parts.replace("event-id: id", "event-id: ^id")), text.as_bytes()).unwrap();
    assert!(same.rejects[0].reason.contains("the same `event-id`"), "{:?}", same.rejects);
    let own = translate(&source(&parts.replace("event-id: id", "event-id: [^id, $key]")), text.as_bytes()).unwrap();
    assert_eq!(total(&own, "calls"), 3_000);
}

#[test]
fn an_object_with_more_ids_than_are_held_is_unreadable() {
    let source = source(MAPPING);
    let limits = Limits { ids: 2, ..Limits::default() };
    let mut translator = Translator::with_limits(&source, ObjectContext::default(), limits);
    let line = |id: u8| format!("{{\"site\": \"a\", \"at\": 1769929200, \"id\": {id}, \"n\": 1}}\n");
    translator.push([line(1), line(2), line(1), line(2)].concat().as_bytes()).unwrap();
    let outcome = translator.push(line(3).as_bytes()).and_then(|()| translator.finish());
    let error = outcome.unwrap_err().to_string();
    assert!(error.contains("more than 2 events with ids"), "{error}");
}

#[test]
fn a_file_says_what_it_is_the_whole_of() {
    let replacing = MAPPING.replace("event-id: id", "delivery: replace\nreplaces: {same: site, latest: run}");
    let tags = source(&replacing).matches("a/7").unwrap();
    assert_eq!(source(&replacing).whole_of(&tags), Some(WholeOf { group: vec!["a".into()], order: "7".into() }));
    assert_eq!(source(MAPPING).whole_of(&tags), None);
    assert!(source(MAPPING).has_event_ids() && !source(&replacing).has_event_ids());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// Against counting by hand; and the marks alone tell the usage. Two files that are merged by
    /// their marks are what one file with all events is, if nothing differs between repeats.
    #[test]
    fn each_id_counts_once(events in prop::collection::vec((0_u8..12, 0_u8..2, 1_u32..9), 0..30), cut in any::<prop::sample::Index>()) {
        let source = source(MAPPING);
        let write = |events: &[(u8, u8, u32)]| events.iter().fold(String::new(), |mut text, (id, site, n)| {
            writeln!(text, r#"{{"site": "s{site}", "at": 1769929200, "id": "{id}", "n": {n}}}"#).unwrap();
            text
        });
        let mut first = BTreeMap::new();
        events.iter().for_each(|(id, site, n)| { first.entry((id, site)).or_insert(*n); });
        let whole = of_file(&source, write(&events).as_bytes(), "");
        prop_assert_eq!(total(&whole, "calls"), first.values().map(|n| i128::from(*n) * 1_000).sum::<i128>());
        prop_assert_eq!(whole.marks.len(), first.len());
        prop_assert_eq!(&marked(&whole.marks), &whole.tally.cells);
        let (left, right) = events.split_at(cut.index(events.len() + 1));
        let left = of_file(&source, write(left).as_bytes(), "1");
        let mut both = of_file(&source, write(right).as_bytes(), "2").marks;
        both.extend(left.marks);
        both.sort_by(|a, b| a.rank().cmp(&b.rank()));
        both.dedup_by(|later, earlier| later.repeats(earlier));
        prop_assert_eq!(marked(&both), whole.tally.cells);
    }
}
