//! Times read and refused.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use common::{compile, translate};
use metering::exact::Exact;
use proptest::prelude::*;

/// Reads a record with these fields by this `time`: when its usage was, or why it is rejected.
fn read_record(time: &str, record: &serde_json::Value) -> Result<String, String> {
    let mapping = format!(
        "name: t\nobjects: '**'\nformat: json-lines\ndeployment: {{value: c}}\ntime: {{{time}}}\nusage: [{{stream: calls, quantity: 1}}]"
    );
    let source = compile(&mapping).map_err(|problems| format!("{}", problems[0]))?;
    let translation = translate(&source, record.to_string().as_bytes()).unwrap();
    match translation.rejects.first() {
        Some(reject) => Err(reject.reason.clone()),
        None => {
            let state = translation.tally.cells.0.values().next().unwrap().values().next().unwrap();
            Ok(state.summary().unwrap().unwrap().peak.at.to_string())
        }
    }
}

fn read_in(time: &str, text: &str) -> Result<String, String> {
    read_record(&format!("field: at, {time}"), &serde_json::json!({ "at": text }))
}

fn read(format: &str, zone: Option<&str>, text: &str) -> Result<String, String> {
    let zone = zone.map_or(String::new(), |zone| format!(", zone: '{zone}'"));
    read_in(&format!("format: '{format}'{zone}"), text)
}

#[test]
fn rfc_3339_and_its_neighbours_are_read() {
    for (text, expected) in [
        ("2026-02-01T07:00:00Z", "2026-02-01T07:00:00Z"),
        ("2026-02-01t07:00:00z", "2026-02-01T07:00:00Z"),
        ("2026-02-01 07:00:00+00:00", "2026-02-01T07:00:00Z"),
        ("2026-02-01T07:00:00.5+0100", "2026-02-01T06:00:00.500Z"),
        ("2026-02-01T07:00:00,123999-05", "2026-02-01T12:00:00.123Z"),
        ("2026-02-01 07:00:00 +0530", "2026-02-01T01:30:00Z"),
        ("2026-02-01T07:00:00+0000", "2026-02-01T07:00:00Z"),
        ("2026-02-01T07:30Z", "2026-02-01T07:30:00Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999Z"),
    ] {
        assert_eq!(read("rfc3339", None, text).unwrap(), expected, "{text}");
    }
    for text in [
        "2026-02-01",
        "2026-02-30T07:00:00Z",
        "2026-02-01T24:00:00Z",
        "2026-02-01T07:00:00.Z",
        "2026-02-01T07Z",
        "2026-02-01T07:00:00+1",
        "2026-02-01T07:00:00Zx",
        "2026-02-01T07:00:00+24:00",
        "२026-02-01T07:00:00Z",
        "2026-02-01T07:00:00",
    ] {
        assert!(read("rfc3339", None, text).is_err(), "{text}");
    }
    assert_eq!(read("rfc2822", None, "Sun, 01 Feb 2026 08:00:00 +0100").unwrap(), "2026-02-01T07:00:00Z");
    assert_eq!(read("rfc2822", None, "Sun, 01 Feb 2026 07:00:00 GMT").unwrap(), "2026-02-01T07:00:00Z");
}

#[test]
fn a_time_without_an_offset_is_in_the_sources_zone() {
    let berlin = Some("Europe/Berlin");
    assert_eq!(read("rfc3339", berlin, "2026-07-01T12:00:00").unwrap(), "2026-07-01T10:00:00Z");
    assert_eq!(read("rfc3339", berlin, "2026-07-01T12:00:00Z").unwrap(), "2026-07-01T12:00:00Z");
    assert_eq!(read("%d.%m.%Y %H:%M", berlin, "01.02.2026 12:30").unwrap(), "2026-02-01T11:30:00Z");
    assert_eq!(read("%Y%m%d", berlin, "20260201").unwrap(), "2026-01-31T23:00:00Z");
    assert_eq!(read("%Y%m%d", Some("+10:00"), "20260701").unwrap(), "2026-06-30T14:00:00Z");
    assert_eq!(read("%Y%m%d", Some("-0330"), "20260701").unwrap(), "2026-07-01T03:30:00Z");
    assert!(read("rfc3339", berlin, "2026-10-25T02:30:00").unwrap_err().contains("twice"));
    assert!(read("%Y-%m-%d %H:%M", berlin, "2026-03-29 02:30").unwrap_err().contains("never"));
    assert!(read("rfc3339", None, "2026-10-25T02:30:00").unwrap_err().contains("names no zone"));
}

#[test]
fn an_ambiguous_time_is_what_the_source_says() {
    for (which, expected) in [("earlier", "2026-10-25T00:30:00Z"), ("later", "2026-10-25T01:30:00Z")] {
        let time = format!("format: rfc3339, zone: Europe/Berlin, ambiguous: {which}");
        assert_eq!(read_in(&time, "2026-10-25 02:30:00").unwrap(), expected);
        assert!(read_in(&time, "2026-03-29 02:30:00").unwrap_err().contains("never"));
    }
}

#[test]
fn epochs_are_read_in_their_unit() {
    for (format, text, expected) in [
        ("epoch-s", "1769929200", "2026-02-01T07:00:00Z"),
        ("epoch-s", "1769929200.1239", "2026-02-01T07:00:00.123Z"),
        ("epoch-s", "1.7699292e9", "2026-02-01T07:00:00Z"),
        ("epoch-ms", "1769929200123", "2026-02-01T07:00:00.123Z"),
        ("epoch-us", "1769929200123999", "2026-02-01T07:00:00.123Z"),
        ("epoch-ns", "1769929200123999999", "2026-02-01T07:00:00.123Z"),
        ("epoch-ns", "1.769929200123999999e18", "2026-02-01T07:00:00.123Z"),
        ("epoch-ms", "1769929200123.9", "2026-02-01T07:00:00.123Z"),
    ] {
        assert_eq!(read(format, None, text).unwrap(), expected, "{format} {text}");
    }
    for (format, text, reason) in [
        ("epoch-s", "1769929200123", "is its `format` right?"),
        ("epoch-ms", "1769929200", "is its `format` right?"),
        ("epoch-s", "-1", "is its `format` right?"),
        ("epoch-s", "now", "not a number"),
        ("epoch-s", "99999999999999999999999999999999999999", "too large"),
    ] {
        let error = read(format, None, text).unwrap_err();
        assert!(error.contains(reason), "{format} {text}: {error}");
    }
}

#[test]
fn patterns_are_read_whole() {
    let clf = "%d/%b/%Y:%H:%M:%S %z";
    let utc = Some("UTC");
    for (format, zone, text, expected) in [
        (clf, None, "17/May/2015:10:05:03 +0200", "2015-05-17T08:05:03Z"),
        ("%Y-%m-%d %H:%M:%S +0000 UTC", utc, "2021-07-20 15:00:00 +0000 UTC", "2021-07-20T15:00:00Z"),
        ("%b %d, %Y %I:%M %p", utc, "Feb 1, 2026 1:05 PM", "2026-02-01T13:05:00Z"),
        ("%m/%d/%y %I:%M:%S%P", utc, "2/1/26 12:05:09am", "2026-02-01T00:05:09Z"),
        ("%A, %e. %B %Y", utc, "Sunday, 1. February 2026", "2026-02-01T00:00:00Z"),
        ("%Y.%j", utc, "2026.032", "2026-02-01T00:00:00Z"),
        ("%G-W%V-%u", utc, "2026-W05-7", "2026-02-01T00:00:00Z"),
        ("%Y-%m-%d %H", utc, "2026-02-01 07", "2026-02-01T07:00:00Z"),
        ("%Y-%m", utc, "2026-02", "2026-02-01T00:00:00Z"),
        ("%Y%m%dT%H%M%SZ", utc, "20260201T070000Z", "2026-02-01T07:00:00Z"),
        ("%Y-%m-%dT%H:%M:%S%.f%#z", None, "2026-02-01T07:00:00.25Z", "2026-02-01T07:00:00.250Z"),
    ] {
        assert_eq!(read(format, zone, text).unwrap(), expected, "{format} {text}");
    }
    for text in ["17/May/2015:10:05:03", "17/May/2015:10:05:03 +0200 x", "31/Feb/2015:10:05:03 +0200"] {
        assert!(read(clf, None, text).is_err(), "{text}");
    }
    assert!(read("%A %Y-%m-%d", utc, "Monday 2026-02-01").is_err(), "it was a Sunday");
}

#[test]
fn of_several_formats_the_first_that_fits_is_taken() {
    let time = "format: [epoch-s, epoch-ms, '%d.%m.%Y', rfc3339], zone: Europe/Berlin";
    for (text, expected) in [
        ("1769929200", "2026-02-01T07:00:00Z"),
        ("1769929200000", "2026-02-01T07:00:00Z"),
        ("01.02.2026", "2026-01-31T23:00:00Z"),
        ("2026-02-01T08:00:00", "2026-02-01T07:00:00Z"),
    ] {
        assert_eq!(read_in(time, text).unwrap(), expected, "{text}");
    }
    assert!(read_in(time, "soon").unwrap_err().contains("none of the 4 formats fits"));
    assert!(read_in(time, "2026-03-29T02:30:00").unwrap_err().contains("never happened"));
}

#[test]
fn the_end_of_an_interval_belongs_to_what_ends() {
    for (time, text, expected) in [
        ("format: rfc3339, at: end", "2026-02-01T00:00:00Z", "2026-01-31T23:59:59.999Z"),
        ("format: rfc3339, at: end", "2026-01-31T24:00:00Z", "2026-01-31T23:59:59.999Z"),
        ("format: rfc3339, at: end, length: 30m", "2026-02-01T00:00Z", "2026-01-31T23:30:00Z"),
        ("format: '%Y/%m/%d %H:%M', zone: '+10:00', at: end", "2026/01/31 24:00", "2026-01-31T13:59:59.999Z"),
        ("format: '%Y/%m/%d %H:%M', zone: '+10:00', at: start", "2026/01/31 23:55", "2026-01-31T13:55:00Z"),
    ] {
        assert_eq!(read_in(time, text).unwrap(), expected, "{time} {text}");
    }
    assert!(read_in("format: rfc3339, at: end", "2026-01-31T24:01:00Z").is_err());
}

#[test]
fn numbered_intervals_count_from_midnight_in_the_zone() {
    let read = |zone: &str, rest: &str, day: &str, number: &str| {
        let record = serde_json::json!({"day": day, "n": number, "minutes": 5, "tz": "CET", "length": "00:15:00"});
        read_record(&format!("field: day, format: '%Y%m%d', zone: {zone}, {rest}"), &record)
    };
    for (zone, rest, day, n, expected) in [
        ("'+10:00'", "interval: n, length: 30m", "20260201", "1", "2026-01-31T14:00:00Z"),
        ("'+10:00'", "interval: n, length: {field: minutes, unit: min}", "20260201", "288", "2026-02-01T13:55:00Z"),
        ("UTC", "interval: {field: n, first: 0}, length: 1h", "20260201", "23", "2026-02-01T23:00:00Z"),
        ("UTC", "interval: n, length: {field: length}", "20260201", "2", "2026-02-01T00:15:00Z"),
        ("{field: tz, map: {CET: Europe/Berlin}}", "interval: n, length: 1h", "20260201", "1", "2026-01-31T23:00:00Z"),
        // The clocks go back: the day has 25 hours, of which the third and fourth are two in the night.
        ("Europe/Berlin", "interval: n, length: 1h", "20261025", "4", "2026-10-25T01:00:00Z"),
        ("Europe/Berlin", "interval: n, length: 1h", "20261025", "25", "2026-10-25T22:00:00Z"),
        ("Europe/Berlin", "interval: n, length: 1h", "20260329", "23", "2026-03-29T21:00:00Z"),
        // Midnight itself never was in Beirut.
        ("Asia/Beirut", "interval: n, length: 1h", "20260328", "24", "2026-03-28T21:00:00Z"),
    ] {
        assert_eq!(read(zone, rest, day, n), Ok(expected.to_owned()), "{zone} {rest} {day} {n}");
    }
    for (zone, day, n, reason) in [
        ("Europe/Berlin", "20261025", "26", "after the end of its day"),
        ("Europe/Berlin", "20260329", "24", "after the end of its day"),
        ("UTC", "20260201", "25", "after the end of its day"),
        ("UTC", "20260201", "0", "numbered from 1"),
        ("UTC", "20260201", "1.5", "not a whole number"),
        ("UTC", "20260201", "99999999999999999999999999999999", "after the end of its day"),
    ] {
        let error = read(zone, "interval: n, length: 1h", day, n).unwrap_err();
        assert!(error.contains(reason), "{zone} {day} {n}: {error}");
    }
}

#[test]
fn dates_and_times_of_day_are_joined_and_zones_looked_up() {
    let record = serde_json::json!({"date": "2026-07-01", "time": "09:30", "tz": "America/New_York", "off": "+02:00", "no": "Nowhere"});
    let read = |zone: &str| {
        read_record(&format!("field: [date, time], format: '%Y-%m-%d %H:%M', zone: {{field: {zone}}}"), &record)
    };
    assert_eq!(read("tz").unwrap(), "2026-07-01T13:30:00Z");
    assert_eq!(read("off").unwrap(), "2026-07-01T07:30:00Z");
    assert!(read("no").unwrap_err().contains("neither an IANA name nor an offset"));
    assert!(read("other").unwrap_err().contains("neither does `other`"));
}

#[test]
fn formats_that_cannot_work_are_refused() {
    for (time, place) in [
        ("format: iso", "time.format"),
        ("format: '%Q'", "time.format"),
        ("format: '%Y-%m-%d %Z', zone: UTC", "time.format"),
        ("format: '%s', zone: UTC", "time.format"),
        ("format: []", "time.format"),
        ("format: '%Y-%m-%d'", "time.zone"),
        ("format: [rfc3339, '%Y-%m-%d']", "time.zone"),
        ("format: rfc3339, zone: Berlin", "time.zone"),
        ("format: rfc3339, zone: {field: tz, map: {CET: Berlin}}", "time.zone.map.CET"),
        ("format: rfc3339, zone: {}", "time.zone"),
        ("format: rfc3339, ambiguous: later", "time.ambiguous"),
        ("format: rfc3339, interval: n", "time.interval"),
        ("format: rfc3339, interval: n, length: 1h, at: end", "time.at"),
        ("format: rfc3339, length: 1h", "time.length"),
        ("format: rfc3339, length: x, at: end", "time.length"),
        ("format: rfc3339, length: 25h, at: end", "time.length"),
        ("format: rfc3339, length: {field: n, unit: GB}, at: end", "time.length.unit"),
        ("format: rfc3339, until: end, at: end", "time.until"),
    ] {
        let error = read_in(time, "x").unwrap_err();
        assert!(error.starts_with(&format!("{place}: ")), "{time}: {error}");
    }
}

/// A span as records have it, and the cells that it fills: first milliseconds and amounts.
fn spread(from: i64, until: i64, n: i64) -> Result<Vec<(i64, i128)>, String> {
    let mapping = "name: t\nobjects: '**'\nformat: json-lines\ndeployment: {value: c}\n\
        time: {field: from, until: until, format: epoch-ms}\nusage: [{stream: credits, quantity: n}]";
    let record = serde_json::json!({"from": from, "until": until, "n": n});
    let translation = translate(&compile(mapping).unwrap(), record.to_string().as_bytes()).unwrap();
    assert_eq!(translation.tally.counts.events, translation.tally.counts.tallied);
    if let Some(reject) = translation.rejects.first() {
        return Err(reject.reason.clone());
    }
    let cells = translation.tally.cells.0.values().flat_map(|quarters| quarters.iter());
    Ok(cells.map(|(quarter, state)| (quarter.start().0, state.summary().unwrap().unwrap().sum)).collect())
}

const QUARTER: i64 = 900_000;
const BEGIN: i64 = 1_769_929_200_000;

#[test]
fn usage_of_a_span_is_spread_over_its_quarter_hours() {
    assert_eq!(spread(BEGIN, BEGIN + 2 * QUARTER, 100).unwrap(), [(BEGIN, 50), (BEGIN + QUARTER, 50)]);
    assert_eq!(spread(BEGIN + QUARTER / 2, BEGIN + 2 * QUARTER, 9).unwrap(), [(BEGIN, 3), (BEGIN + QUARTER, 6)]);
    assert_eq!(
        spread(BEGIN, BEGIN + 3 * QUARTER, 100).unwrap().iter().map(|(_, n)| n).collect::<Vec<_>>(),
        [&33, &33, &34]
    );
    assert_eq!(spread(BEGIN, BEGIN, 7).unwrap(), [(BEGIN, 7)]);
    assert!(spread(BEGIN, BEGIN - 1, 7).unwrap_err().contains("ends before it begins"));
    assert!(spread(BEGIN, BEGIN + 367 * 96 * QUARTER, 7).unwrap_err().contains("at most 366 days"));
    for stream in ["storage", "sent"] {
        let mapping = format!(
            "name: t\nobjects: '**'\nformat: json-lines\ndeployment: {{value: c}}\n\
             time: {{field: from, until: until, format: epoch-ms}}\nusage: [{{stream: {stream}, quantity: n}}]"
        );
        assert_eq!(compile(&mapping).unwrap_err()[0].path, "time.until");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_parts_of_a_span_add_up_and_each_is_its_share(from in 0..3 * QUARTER, length in 1..100 * QUARTER, n in -1_000_000_i64..1_000_000) {
        let (from, until) = (BEGIN + from, BEGIN + from + length);
        let parts = spread(from, until, n).unwrap();
        prop_assert_eq!(parts.iter().map(|(_, n)| n).sum::<i128>(), i128::from(n));
        for (quarter, part) in parts {
            let inside = until.min(quarter + QUARTER) - from.max(quarter);
            prop_assert!(inside > 0);
            let share = Exact::ratio(i128::from(n) * i128::from(inside), i128::from(length)).unwrap();
            let off = share.sub(&Exact::integer(part)).unwrap();
            let one = Exact::ONE;
            prop_assert!(off.sub(&one).unwrap().is_negative() && !off.add(&one).unwrap().is_negative());
        }
    }
}
