//! What files of many makers brought to light: texts within texts, units in a field, parts of several kinds.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use common::{source, translate};
use metering::tally::SeriesKey;
use usage::Translation;

fn sums(translation: &Translation) -> Vec<(String, String, i128)> {
    let cells = &translation.tally.cells.0;
    let sum = |key: &SeriesKey| {
        let quarters = cells[key].values();
        quarters.map(|state| state.summary().unwrap().map_or(0, |summary| summary.sum)).sum()
    };
    cells.keys().map(|key| (key.deployment.clone(), key.stream.clone(), sum(key))).collect()
}

fn sum(deployment: &str, stream: &str, sum: i128) -> (String, String, i128) {
    (deployment.to_owned(), stream.to_owned(), sum)
}

fn reasons(translation: &Translation) -> Vec<&str> {
    translation.rejects.iter().map(|reject| reject.reason.as_str()).collect()
}

#[test]
fn a_cut_is_a_field_like_any_other() {
    let source = source(
        r#"
name: cut
objects: "**"
format: json-lines
cut:
  n: {field: text ?? other, match: 'n=(\d+)'}
  at: {field: text ?? other, match: 'at=(\S+)'}
  who: {field: text ?? other, match: '^\w+'}
deployment: {field: $cut.who}
time: {field: $cut.at, format: rfc3339}
where: {field: $cut.n, at-least: 2}
absent: ["-"]
reject-limit: 1
usage:
- {stream: calls, quantity: $cut.n * 2, series: "$cut.who"}
- {stream: calls, quantity: "$cut.n ?? 0", where: {field: $cut.n, present: false}}
"#,
    );
    let lines = [
        r#"{"text": "a at=2026-02-01T07:00:00Z n=3"}"#,
        r#"{"text": "-", "other": "b at=2026-02-01T07:00:00Z n=4"}"#,
        r#"{"text": "c at=2026-02-01T07:00:00Z n=1"}"#,
        r#"{"text": null, "other": null}"#,
        r#"{"text": "d n=5"}"#,
        r#"{"text": {"n": 5}}"#,
    ];
    let translation = translate(&source, lines.join("\n").as_bytes()).unwrap();
    assert_eq!(sums(&translation), [sum("a", "calls", 6_000), sum("b", "calls", 8_000)]);
    assert_eq!(translation.tally.counts.filtered, 2);
    assert_eq!(
        reasons(&translation),
        [
            "the time is missing: there is nothing to be cut out for `$cut.at`",
            "`$cut.n` is not known: it is cut out of what is no single text",
        ]
    );
}

#[test]
fn a_cut_out_of_a_column_is_looked_for_in_the_header() {
    let yaml = r#"
name: cut
objects: "**"
format: csv
cut: {n: {field: Note ?? Remark, match: '\d+'}}
deployment: {value: a}
time: {field: at, format: epoch-s}
usage: [{stream: calls, quantity: $cut.n, optional: true}]
"#;
    let source = source(yaml);
    let translation = translate(&source, b"at,Remark\n1769929200,x 7\n1769929200,none\n").unwrap();
    assert_eq!(sums(&translation), [sum("a", "calls", 7_000)]);
    let missing = translate(&source, b"at,Other\n1769929200,x 7\n").unwrap_err();
    assert!(missing.reason.contains("`Note`"), "{missing}");
}

#[test]
fn a_unit_in_a_field_converts_or_rejects() {
    let source = source(
        r#"
name: units
objects: "**"
format: json-lines
units: {GiBy: GiB, "": B}
deployment: {value: a}
time: {field: at, format: epoch-s}
reject-limit: 1
usage: [{stream: storage, quantity: n, unit: {field: u ?? v}}]
"#,
    );
    let line = |unit: &str| format!("{{\"at\": 1769929200, \"n\": 2, {unit}}}");
    for (unit, expected) in [
        (r#""u": "GB""#, Ok(2_000_000_000)),
        (r#""u": "GiBy""#, Ok(2_147_483_648)),
        (r#""u": null, "v": " MB ""#, Ok(2_000_000)),
        (r#""u": """#, Ok(2)),
        (r#""u": "hours""#, Err("its unit `hours` is not one of byte")),
        (r#""u": null"#, Err("the unit `u ?? v` has no value")),
        (r#""x": 1"#, Err("the unit is missing: there is no `v`")),
    ] {
        let translation = translate(&source, line(unit).as_bytes()).unwrap();
        match expected {
            Ok(bytes) => assert_eq!(sums(&translation), [sum("a", "storage", bytes)], "{unit}"),
            Err(why) => assert!(reasons(&translation)[0].contains(why), "{unit}: {:?}", reasons(&translation)),
        }
    }
}

#[test]
fn usages_with_parts_of_their_own_find_whose_they_are_around_them() {
    let source = source(
        r#"
name: each
objects: "**"
format: json-lines
deployment: {field: "^hosts[*].name"}
time: {field: "^hosts[*].at", format: epoch-s}
reject-limit: 1
usage:
- {stream: calls, quantity: n, each: "hosts[*].calls[*]"}
- {stream: storage, quantity: gb, each: "hosts[*].disks?[*]"}
"#,
    );
    let record = r#"{"hosts": [{"name": "a", "at": 1769929200, "calls": [{"n": 1}, {"n": 2}], "disks": [{"gb": 7}]}, {"name": "b", "at": 1769929200, "calls": [{"n": 4}]}]}"#;
    let translation = translate(&source, record.as_bytes()).unwrap();
    let expected = [sum("a", "calls", 3_000), sum("a", "storage", 7_000_000_000), sum("b", "calls", 4_000)];
    assert_eq!(sums(&translation), expected);
}

#[test]
fn a_field_of_the_whole_record_is_told_where_a_part_lacks_it() {
    let source = source(
        r#"
name: each
objects: "**"
format: json-lines
each: "disks[*]"
deployment: {field: host}
time: {field: ^at, format: epoch-s}
usage: [{stream: storage, quantity: gb}]
"#,
    );
    let translation = translate(&source, br#"{"host": "a", "at": 1769929200, "disks": [{"gb": 1}]}"#).unwrap();
    assert_eq!(
        reasons(&translation),
        ["the deployment is missing: there is no `host` in the part; that of the whole record is `^host`"]
    );
}

#[test]
fn pairs_end_where_what_is_behind_them_begins() {
    let source = source(
        r#"
name: syslog
objects: "**"
format: key-value
key-value: {before: '^<\d+>1 (?<at>\S+) \[usage ', behind: '\]'}
deployment: {field: site}
time: {field: at, format: rfc3339}
reject-limit: 1
usage: [{stream: calls, quantity: n}]
"#,
    );
    let lines = [
        r#"<1>1 2026-02-01T07:00:00Z [usage site="a" n="1"] text with n=9"#,
        r#"<1>1 2026-02-01T07:00:00Z [usage n="2" site="]" ] and more"#,
        r#"<1>1 2026-02-01T07:00:00Z [usage n="3" site="a"x] and more"#,
        r#"<1>1 2026-02-01T07:00:00Z [usage n="4" site="b""#,
    ];
    let translation = translate(&source, lines.join("\n").as_bytes()).unwrap();
    assert_eq!(sums(&translation), [sum("]", "calls", 2_000), sum("a", "calls", 1_000), sum("b", "calls", 4_000)]);
    assert_eq!(reasons(&translation), ["a value goes on after its closing quote at its byte 47"]);
}

#[test]
fn names_behind_a_mark_may_be_separated_by_blanks() {
    let source = source(
        r##"
name: marked
objects: "**"
format: csv
csv: {delimiter: tab, quote: none, header: "#Fields:"}
lines: {ignore: '^#'}
deployment: {field: site}
time: {field: [date, time], format: "%Y-%m-%d %H:%M:%S", zone: UTC}
usage: [{stream: calls, quantity: n}]
"##,
    );
    let text = "#Version: 1\n#Fields: date time site n\n2026-02-01\t07:00:00\tmy site\t3\n#Fields: n\tsite\tdate\ttime\n4\tb\t2026-02-01\t07:00:00\n";
    let translation = translate(&source, text.as_bytes()).unwrap();
    assert_eq!(sums(&translation), [sum("b", "calls", 4_000), sum("my site", "calls", 3_000)]);
}
