//! What is JSON and what is not.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use proptest::prelude::*;

use super::*;

/// The value as JSON again, members in their order.
pub(super) fn show(value: Value<'_>) -> String {
    let children = |f: fn(Value<'_>) -> String| value.children().map(f).collect::<Vec<_>>().join(",");
    match value.kind() {
        Kind::Array => format!("[{}]", children(show)),
        Kind::Object => format!("{{{}}}", children(|child| format!("{}:{}", quote(child.key()), show(child)))),
        Kind::String => quote(value.text()),
        _ => value.text().to_owned(),
    }
}

fn quote(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

#[test]
fn values_are_read_as_they_are_written() {
    for text in [
        "null",
        "true",
        "-0.10e+5",
        r#""é\n\"""#,
        "[]",
        "{}",
        r#"[1,[2,{"a":[]}],"x"]"#,
        r#"{"a":{"b":{"c":1}},"d":[true,false,null],"e":0}"#,
        "123456789012345678901234567890.000000000000000000001",
    ] {
        assert_eq!(show(Tree::default().read(text).unwrap()), text);
    }
}

#[test]
fn escapes_are_undone() {
    for (text, expected) in [(r#""\u00e9\/\t""#, "é/\t"), (r#""\ud83d\ude00!""#, "😀!"), (r#""a\\b""#, "a\\b")] {
        assert_eq!(Tree::default().read(text).unwrap().text(), expected);
    }
    assert_eq!(show(Tree::default().read(r#"{"\u0061":1,"b":2}"#).unwrap().member("a").unwrap()), "1");
}

#[test]
fn what_is_no_json_is_refused_at_its_place() {
    for (text, at, message) in [
        ("", 0, "the text ends where a value should be"),
        ("{", 1, "a key in quotes is expected"),
        (r#"{"a"}"#, 4, "`:` is expected"),
        (r#"{"a":1,}"#, 7, "a key in quotes is expected"),
        ("[1,]", 3, "a value is expected"),
        ("[1 2]", 3, "`,` or `]` is expected"),
        ("01", 2, "does not begin with 0"),
        ("1.", 2, "a digit is expected"),
        (".5", 0, "a value is expected"),
        ("+1", 0, "a value is expected"),
        ("-", 1, "a digit is expected"),
        ("1e", 2, "a digit is expected"),
        ("NaN", 0, "NaN is no number"),
        ("-Infinity", 1, "a digit is expected"),
        ("nul", 0, "a value is expected"),
        ("1 1", 2, "more text after the value"),
        ("\"a\tb\"", 2, "must be escaped"),
        (r#""\x""#, 2, "no such escape"),
        (r#""\u12"#, 3, "four hexadecimal digits"),
        (r#""\u+123""#, 3, "four hexadecimal digits"),
        (r#""\ud800""#, 7, "half of a surrogate pair"),
        (r#""\udc00""#, 7, "half of a surrogate pair"),
        (r#"{"a":1,"\u0061":2}"#, 18, "`a` stands twice"),
    ] {
        let error = Tree::default().read(text).map(show).unwrap_err();
        assert!(error.at == at && error.message.contains(message), "{text}: {error}");
    }
}

#[test]
fn depth_and_size_are_capped() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(Tree::default().read(&nested(MAX_DEPTH)).is_ok());
    assert!(Tree::default().read(&nested(MAX_DEPTH + 1)).is_err());
    assert!(Tree::default().read(&nested(1_000_000)).is_err());
    let wide = |values: usize| format!("[{}0]", "0,".repeat(values - 2));
    assert!(Tree::default().read(&wide(MAX_NODES)).is_ok());
    assert!(Tree::default().read(&wide(MAX_NODES + 1)).is_err());
}

#[test]
fn a_repeated_key_is_found_among_many() {
    let object = |last: &str| {
        let members: Vec<String> = (0..1000).map(|i| format!("\"k{i}\":{i}")).collect();
        format!("{{{},\"{last}\":1}}", members.join(","))
    };
    assert!(Tree::default().read(&object("k1000")).is_ok());
    assert!(Tree::default().read(&object("k500")).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// `serde_json` keeps the last of two equal keys and turns large numbers into floats: these two are left out.
    #[test]
    fn accepts_and_reads_what_serde_json_does(text in "[\\[\\]{},:\"a0-9.eE\\\\un \\-]{0,14}") {
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        let mut tree = Tree::default();
        match tree.read(&text) {
            Ok(value) => {
                let again = show(value);
                let is_number_too_large = theirs.as_ref().is_err_and(|error| error.to_string().contains("out of range"));
                prop_assert!(theirs.is_ok() || is_number_too_large, "{} {:?}", text, theirs);
                if let Ok(theirs) = theirs {
                    prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&again).unwrap(), theirs);
                }
            }
            Err(error) => prop_assert!(theirs.is_err() || error.message.contains("twice"), "{} {}", text, error),
        }
    }
}
