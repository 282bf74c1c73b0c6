//! Bad input gives an answer that says what is wrong, where, and what to do; never wrong usage.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use common::{gzip, source, translate, translate_error};
use usage::Translation;

const LINES: &str = r#"
name: api
objects: "usage/**"
format: json-lines
deployment: {field: cluster}
time: {field: ts, format: rfc3339}
usage: [{stream: calls, quantity: n}]
"#;

fn record(n: &str) -> String {
    format!("{{\"cluster\":\"a\",\"ts\":\"2026-02-01T00:00:00Z\",\"n\":{n}}}\n")
}

/// A hundred good records around one: what it does is told apart from what the file does.
fn among_good(line: &str) -> Translation {
    let good = record("1").repeat(50);
    translate(&source(LINES), format!("{good}{line}\n{good}").as_bytes()).unwrap()
}

fn assert_single_reject(line: &str, reason: &str) {
    let translation = among_good(line);
    let counts = translation.tally.counts;
    assert_eq!((counts.records, counts.tallied, counts.rejected, counts.filtered), (101, 100, 1, 0), "{line}");
    assert_eq!(translation.quarantine, None, "{line}");
    let reject = &translation.rejects[0];
    assert!(reject.reason.contains(reason), "{line}: {}", reject.reason);
    assert_eq!((reject.record, reject.line, reject.bytes.as_slice()), (51, 51, line.trim_end().as_bytes()));
    assert_eq!(usize::try_from(reject.offset).unwrap(), record("1").len() * 50);
}

#[test]
fn a_truncated_gzip_is_unreadable() {
    let packed = gzip(record("1").repeat(1000).as_bytes());
    for cut in [2, 5, 9, 10, packed.len() / 2, packed.len() - 9, packed.len() - 1] {
        let error = translate_error(&source(LINES), &packed[..cut]);
        assert!(error.contains("truncated"), "cut at {cut}: {error}");
    }
}

#[test]
fn a_gzip_with_a_bad_checksum_is_unreadable() {
    let mut packed = gzip(record("1").repeat(1000).as_bytes());
    let crc = packed.len() - 8;
    packed[crc] ^= 1;
    let error = translate_error(&source(LINES), &packed);
    assert!(error.contains("does not match its checksum"), "{error}");
}

#[test]
fn a_gzip_of_several_members_cut_within_a_line_is_whole() {
    let text = record("1").repeat(1000);
    let (first, rest) = text.as_bytes().split_at(10_007);
    let (second, third) = rest.split_at(20_011);
    let packed = [gzip(first), gzip(second), gzip(third)].concat();
    assert_eq!(translate(&source(LINES), &packed).unwrap(), translate(&source(LINES), text.as_bytes()).unwrap());
}

#[test]
fn zero_bytes_after_gzip_are_padding_and_anything_else_is_not() {
    let packed = gzip(record("1").as_bytes());
    let padded = [packed.clone(), vec![0; 1000]].concat();
    assert_eq!(translate(&source(LINES), &padded).unwrap().tally.counts.tallied, 1);
    for garbage in [&b"x"[..], b"\x1f", b"\x1fx", b"\0\0x"] {
        let error = translate_error(&source(LINES), &[packed.as_slice(), garbage].concat());
        assert!(error.contains("follows") || error.contains("truncated"), "{garbage:?}: {error}");
    }
}

#[test]
fn a_truncated_or_damaged_zstd_is_unreadable() {
    let text = record("1").repeat(1000);
    let packed = zstd::encode_all(text.as_bytes(), 3).unwrap();
    for cut in [5, packed.len() / 2, packed.len() - 1] {
        let error = translate_error(&source(LINES), &packed[..cut]);
        assert!(error.contains("truncated"), "cut at {cut}: {error}");
    }
    let error = translate_error(&source(LINES), &[packed.as_slice(), b"garbage"].concat());
    assert!(error.contains("zstd data is damaged"), "{error}");
    let two = [packed.clone(), packed].concat();
    assert_eq!(translate(&source(LINES), &two).unwrap().tally.counts.tallied, 2000);
}

#[test]
fn a_missing_quantity_rejects_its_record() {
    let line = r#"{"cluster":"a","ts":"2026-02-01T00:00:00Z","m":1}"#;
    assert_single_reject(line, "the quantity is missing: there is no `n`; there is `m`");
}

#[test]
fn nan_rejects_its_record() {
    assert_single_reject(record("NaN").trim_end(), "NaN is no number");
    assert_single_reject(record("\"NaN\"").trim_end(), "`n` is `NaN`: it is not a decimal number");
    assert_single_reject(record("Infinity").trim_end(), "Infinity is no number");
    assert_single_reject(record("\"-inf\"").trim_end(), "not a decimal number");
}

#[test]
fn more_digits_than_the_scale_reject_their_record() {
    assert_single_reject(
        record("1.0001").trim_end(),
        "`n` is `1.0001`: it has more than 3 digits after the decimal point",
    );
    assert_eq!(among_good(record("1.00000").trim_end()).tally.counts.rejected, 0);
}

#[test]
fn a_number_too_large_for_128_bits_rejects_its_record() {
    assert_single_reject(record(&"9".repeat(40)).trim_end(), "more than 38 digits");
    assert_single_reject(record("1e999999999999").trim_end(), "more than 38 digits");
}

#[test]
fn a_negative_quantity_rejects_its_record_where_the_stream_does_not_allow_it() {
    assert_single_reject(
        record("-1").trim_end(),
        "the quantity `n` is below zero, which stream `calls` does not allow",
    );
    let credits = source(&LINES.replace("calls", "credits"));
    let translation = translate(&credits, record("-1").as_bytes()).unwrap();
    assert_eq!(translation.tally.counts.tallied, 1);
}

#[test]
fn a_zero_byte_object_has_zero_records() {
    for format in ["json-lines", "json-array", "csv"] {
        let translation = translate(&source(&LINES.replace("json-lines", format)), b"").unwrap();
        assert_eq!(translation, Translation::default(), "{format}");
    }
}

#[test]
fn a_key_that_the_pattern_does_not_match_is_no_object_of_the_source() {
    let source = source(LINES);
    for (key, matched) in [
        ("usage/a", true),
        ("usage/a/ü/b", true),
        ("usage", false),
        ("usage/", false),
        ("usage/folder/", false),
        ("other/usage/a", false),
    ] {
        assert_eq!(source.matches(key).is_some(), matched, "{key}");
    }
}

#[test]
fn a_broken_json_line_rejects_its_record() {
    assert_single_reject(
        r#"{"cluster":"a","ts":"2026-0"#,
        "it is not valid JSON at byte 27: the text ends within a string",
    );
    assert_single_reject(r#"{"cluster":"a" "n":1}"#, "at byte 15: `,` or `}` is expected after the value");
    assert_single_reject("garbage", "a value is expected");
    assert_single_reject(r#"{"n":1,"n":2}"#, "the key `n` stands twice in one object");
    assert_single_reject("5", "the quantity is missing");
}

#[test]
fn a_record_that_is_not_utf8_is_rejected() {
    let mut text = record("1").repeat(2000).into_bytes();
    text[13] = 0xff;
    let translation = translate(&source(LINES), &text).unwrap();
    assert_eq!(translation.tally.counts.rejected, 1);
    let reason = &translation.rejects[0].reason;
    assert!(reason.contains("not UTF-8 text at its byte 13"), "{reason}");
}

#[test]
fn a_record_is_all_or_nothing() {
    let both = LINES.replace("usage: [", "usage: [{stream: hours, quantity: h}, ");
    let good = r#"{"cluster":"a","ts":"2026-02-01T00:00:00Z","h":1,"n":1}"#;
    let half = r#"{"cluster":"a","ts":"2026-02-01T00:00:00Z","h":1,"n":"?"}"#;
    let translation = translate(&source(&both), format!("{good}\n{half}\n{good}").as_bytes()).unwrap();
    let counts = translation.tally.counts;
    assert_eq!((counts.records, counts.tallied, counts.rejected, counts.events), (3, 2, 1, 4));
}

#[test]
fn too_many_rejects_hold_the_file_back() {
    let file = |good: usize, bad: usize| record("1").repeat(good) + &record("?").repeat(bad);
    for (good, bad, limit, held) in [
        (99, 1, "0.001", false),
        (98, 2, "0.001", true),
        (1998, 2, "0.001", false),
        (1997, 3, "0.001", true),
        (0, 1, "0.001", true),
        (99, 1, "0", true),
        (60, 40, "0.4", false),
        (0, 4, "1", true),
    ] {
        let source = source(&format!("{LINES}reject-limit: {limit}"));
        let translation = translate(&source, file(good, bad).as_bytes()).unwrap();
        let quarantine = &translation.quarantine;
        // 2000 records tolerate 2.
        assert_eq!(quarantine.is_some(), held, "{good} good, {bad} bad, {limit}: {quarantine:?}");
    }
}

#[test]
fn a_first_record_that_is_rejected_holds_the_file_back_where_it_may_be_a_header() {
    let csv = LINES.replace("json-lines", "csv\ncsv: {columns: [cluster, ts, n]}");
    let text = LINES.replace("json-lines", "text\ntext: {pattern: '^(?<cluster>[a-z]+),(?<ts>[^,]+),(?<n>.+)$'}");
    let rows = "a,2026-02-01T00:00:00Z,1\n".repeat(2000);
    for yaml in [&csv, &text] {
        let header = format!("cluster,ts,n\n{rows}");
        let translation = translate(&source(yaml), header.as_bytes()).unwrap();
        let reason = translation.quarantine.unwrap();
        assert!(reason.starts_with("the first record, on line 1, was rejected: "), "{reason}");
        assert!(reason.contains("declare it"), "{reason}");
        // Anywhere else it is one of the two that 2001 records tolerate.
        let later = format!("{rows}cluster,ts,n\n");
        assert_eq!(translate(&source(yaml), later.as_bytes()).unwrap().quarantine, None);
        let raised = format!("{yaml}reject-limit: 0.002");
        assert_eq!(translate(&source(&raised), header.as_bytes()).unwrap().quarantine, None);
    }
    // JSON has no header.
    let lines = format!("broken\n{}", record("1").repeat(10));
    assert_eq!(translate(&source(LINES), lines.as_bytes()).unwrap().quarantine, None);
}

#[test]
fn what_is_not_read_is_named() {
    for (bytes, what) in [
        (&b"PAR1...."[..], "Parquet"),
        (b"ORC\x08", "ORC"),
        (b"Obj\x01\x04", "Avro"),
        (b"7z\xbc\xaf\x27\x1c\0", "7z"),
        (b"\xff\xfe\0\0{\0\0\0", "UTF-32"),
        (&gzip(b"PAR1...."), "Parquet"),
    ] {
        let error = translate_error(&source(LINES), bytes);
        assert!(error.contains(what), "{what}: {error}");
    }
}
