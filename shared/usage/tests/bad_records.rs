//! A record that cannot be read is a reject with its line, its place and the reason, in every format; what
//! stands around it counts.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use common::{source, translate, translate_error};

/// A mapping, what stands before and behind the records, and a good record.
struct Format {
    mapping: &'static str,
    head: &'static str,
    good: &'static str,
    tail: &'static str,
}

const REST: &str = "reject-limit: 0.5\n";

/// Puts `bad` between good records: it alone is rejected, at its place, with all of its bytes.
fn assert_reject(format: &Format, bad: &str, reason: &str) {
    let Format { mapping, head, good, tail } = format;
    let source = source(&format!("name: x\nobjects: \"**\"\n{mapping}{REST}"));
    let before = format!("{head}{good}{good}");
    let translation = translate(&source, format!("{before}{bad}{good}{tail}").as_bytes()).unwrap();
    let counts = translation.tally.counts;
    assert_eq!((counts.records, counts.tallied, counts.filtered, counts.rejected), (4, 3, 0, 1), "{bad}");
    let sum: i128 = translation
        .tally
        .cells
        .0
        .values()
        .flat_map(|quarters| quarters.values())
        .map(|state| state.summary().unwrap().unwrap().sum)
        .sum();
    assert_eq!(sum, 21_000, "{bad}");
    let reject = &translation.rejects[0];
    assert!(reject.reason.contains(reason), "{bad}: {}", reject.reason);
    let line = before.matches('\n').count() + 1;
    assert_eq!(
        (reject.record, reject.line, reject.offset),
        (3, u64::try_from(line).unwrap(), u64::try_from(before.len()).unwrap()),
        "{bad}"
    );
    assert_eq!(String::from_utf8_lossy(&reject.bytes), bad.trim_end(), "{bad}");
}

const XML: Format = Format {
    mapping: "format: xml\nxml: {records: all/r}\ndeployment: {field: \"@site\"}\ntime: {field: at, format: epoch-s}\nusage: [{stream: calls, quantity: n}]\n",
    head: "<?xml version=\"1.0\"?>\n<all>",
    good: "<r site=\"a\"><at>1769929200</at><n>7</n></r>\n",
    tail: "</all>",
};

#[test]
fn a_bad_element_of_xml_is_a_reject() {
    for (bad, reason) in [
        ("<r site=\"a\"><at>1769929200</at><n>7,5</n></r>\n", "`n` is `7,5`: it is not a decimal number"),
        ("<r site=\"a\"><at>1769929200</at></r>\n", "the quantity is missing: there is no `n`"),
        ("<r site=\"a\"><n>7</n></r>\n", "the time is missing: there is no `at`"),
        ("<r><at>1769929200</at><n>7</n></r>\n", "the deployment is missing: there is no `@site`"),
        ("<r site=\"a\"><at>1769929200</at><n>7</n><n>8</n></r>\n", "`n` is an object or an array"),
        ("<r site=\"a\"><at>1769929200</at><n>&seven;</n></r>\n", "there is no entity `&seven;`"),
        ("<r site=\"a\"><at>1769929200</at><n>7</m></r>\n", "it is not valid XML at byte"),
        ("<r site=\"a\" site=\"b\"><at>1769929200</at><n>7</n></r>\n", "it is not valid XML at byte"),
        ("<r site=a><at>1769929200</at><n>7</n></r>\n", "it is not valid XML at byte"),
        ("<r site=\"a\"><at>now</at><n>7</n></r>\n", "the time `at` is `now`"),
        ("<r/>\n", "the quantity is missing"),
    ] {
        assert_reject(&XML, bad, reason);
    }
}

#[test]
fn xml_of_which_the_records_cannot_be_told_is_unreadable() {
    let source = source(&format!("name: x\nobjects: \"**\"\n{}{REST}", XML.mapping));
    for (text, reason) in [
        ("<all><r>", "the XML is not closed"),
        ("<all><r><at>1</at></all>", "not closed"),
        ("<other></other>", "`other`"),
        ("<all></all><all></all>", "another element behind the outermost"),
        ("<!DOCTYPE a [<!ENTITY n \"7\">]><all></all>", "entities or types of its own"),
        ("</all>", "closes an element"),
        ("hello", "it is no XML"),
        ("<all></all> and more", "text outside of the outermost element"),
    ] {
        let error = translate_error(&source, text.as_bytes());
        assert!(error.contains(reason), "{text}: {error}");
    }
}

const PAIRS: Format = Format {
    mapping: "format: logfmt\ndeployment: {field: site}\ntime: {field: at, format: epoch-s}\nusage: [{stream: calls, quantity: n}]\n",
    head: "",
    good: "at=1769929200 site=a n=7\n",
    tail: "",
};

#[test]
fn a_bad_line_of_pairs_is_a_reject() {
    for (bad, reason) in [
        ("at=1769929200 site=a n=seven\n", "`n` is `seven`: it is not a decimal number"),
        ("at=1769929200 site=a n=\n", "`n` is ``: "),
        ("at=1769929200 site=a n\n", "`n` is `true`: it is not a decimal number"),
        ("at=1769929200 site=a m=7\n", "the quantity is missing: there is no `n`; there is `m`"),
        ("at=1769929200 site=\"a n=7\n", "the quote at its byte 19 is not closed"),
        ("at=1769929200 site=\"a\"b n=7\n", "a value goes on after its closing quote at its byte 22"),
        ("at=1769929200 site=a n=7 n=8\n", "the key `n` stands twice"),
        ("at=1769929200 site=a n=7 =8\n", "there is no key before `=` at its byte 25"),
        ("at=1769929200 site=\"\" n=7\n", "the deployment `site` is empty"),
        ("site=a n=7\n", "the time is missing: there is no `at`"),
        ("hello world\n", "the quantity is missing"),
    ] {
        assert_reject(&PAIRS, bad, reason);
    }
}

const SAMPLES: Format = Format {
    mapping: "format: prometheus\ndeployment: {field: labels.site}\ntime: {field: timestamp, format: epoch-ms}\nusage: [{stream: calls, quantity: value}]\n",
    head: "# HELP n Number.\n# TYPE n counter\n",
    good: "n{site=\"a\"} 7 1769929200000\n",
    tail: "# EOF\n",
};

#[test]
fn a_bad_sample_of_prometheus_is_a_reject() {
    for (bad, reason) in [
        ("n{site=\"a\"} seven 1769929200000\n", "`value` is `seven`: it is not a decimal number"),
        ("n{site=\"a\"} NaN 1769929200000\n", "`value` is `NaN`"),
        ("n{site=\"a\"} +Inf 1769929200000\n", "`value` is `+Inf`"),
        ("n{site=\"a\"} 7\n", "the time is missing: there is no `timestamp`"),
        ("n{site=\"a\"}\n", "there is no value behind the metric"),
        ("n 7 1769929200000\n", "the deployment is missing"),
        ("n{site=\"a} 7 1769929200000\n", "is not closed"),
        ("n{site=a} 7 1769929200000\n", "a text in quotes is expected at its byte 7"),
        ("n{site=\"a\" x=\"b\"} 7 1769929200000\n", "is expected behind a label"),
        ("n{=\"a\"} 7 1769929200000\n", "a label is expected at its byte 2"),
        ("n{site=\"a\"} 7 1769929200000 more\n", "there is more text behind the value and the time"),
        ("{site=\"a\"} 7 1769929200000\n", "it does not begin with the name of a metric"),
        ("7\n", "there is no value behind the metric"),
    ] {
        assert_reject(&SAMPLES, bad, reason);
    }
}
