//! Times read and refused.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use super::*;

fn read(format: &str, zone: Option<&str>, text: &str) -> Result<String, String> {
    TimeFormat::compile(format, zone).unwrap().read(text).map(|at| at.to_string())
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
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999Z"),
    ] {
        assert_eq!(read("rfc3339", None, text).unwrap(), expected, "{text}");
    }
    for text in [
        "",
        "2026-02-01",
        "2026-02-30T07:00:00Z",
        "2026-02-01T24:00:00Z",
        "2026-02-01T07:00:00.Z",
        "2026-02-01T07:00:00+1",
        "2026-02-01T07:00:00Zx",
        "2026-02-01T07:00:00+24:00",
        "२026-02-01T07:00:00Z",
        "2026-02-01T07:00:00",
    ] {
        assert!(read("rfc3339", None, text).is_err(), "{text}");
    }
}

#[test]
fn a_time_without_an_offset_is_in_the_sources_zone() {
    let berlin = Some("Europe/Berlin");
    assert_eq!(read("rfc3339", berlin, "2026-07-01T12:00:00").unwrap(), "2026-07-01T10:00:00Z");
    assert_eq!(read("rfc3339", berlin, "2026-07-01T12:00:00Z").unwrap(), "2026-07-01T12:00:00Z");
    assert_eq!(read("%d.%m.%Y %H:%M", berlin, "01.02.2026 12:30").unwrap(), "2026-02-01T11:30:00Z");
    assert_eq!(read("%Y%m%d", berlin, "20260201").unwrap(), "2026-01-31T23:00:00Z");
    assert!(read("rfc3339", berlin, "2026-10-25T02:30:00").unwrap_err().contains("twice"));
    assert!(read("%Y-%m-%d %H:%M", berlin, "2026-03-29 02:30").unwrap_err().contains("never"));
    assert!(read("rfc3339", None, "2026-10-25T02:30:00").unwrap_err().contains("names no zone"));
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
    assert_eq!(read(clf, None, "17/May/2015:10:05:03 +0200").unwrap(), "2015-05-17T08:05:03Z");
    assert_eq!(
        read("%Y-%m-%d %H:%M:%S +0000 UTC", Some("UTC"), "2021-07-20 15:00:00 +0000 UTC").unwrap(),
        "2021-07-20T15:00:00Z"
    );
    for text in ["17/May/2015:10:05:03", "17/May/2015:10:05:03 +0200 x", "31/Feb/2015:10:05:03 +0200"] {
        assert!(read(clf, None, text).is_err(), "{text}");
    }
    assert!(read("%Y-%m-%d %H", Some("UTC"), "2026-02-01 07").is_err(), "an hour without minutes is no time");
}

#[test]
fn formats_that_cannot_work_are_refused() {
    for (format, zone, field) in [
        ("iso", None, "format"),
        ("%Q", None, "format"),
        ("%Y-%m-%d %Z", Some("UTC"), "format"),
        ("%s", Some("UTC"), "format"),
        ("%Y-%m-%d", None, "zone"),
        ("rfc3339", Some("Berlin"), "zone"),
    ] {
        assert_eq!(TimeFormat::compile(format, zone).unwrap_err().0, field, "{format}");
    }
}
