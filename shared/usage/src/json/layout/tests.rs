//! A tree that has seen other records reads each one as a tree that has seen none.

use proptest::prelude::*;

use super::super::tests::show;
use super::super::{JsonError, Tree};

fn fresh(text: &str) -> Result<String, JsonError> {
    Tree::default().read(text).map(show)
}

/// Reads the texts one after the other with one tree; says how many were read by their layout.
fn assert_alike(texts: &[String]) -> usize {
    let mut tree = Tree::default();
    let mut located = 0;
    for text in texts {
        assert_eq!(tree.read(text).map(show), fresh(text), "{text}");
        located += usize::from(tree.layout.is_some());
    }
    located
}

fn record(id: &str, n: &str) -> String {
    format!(r#"{{"id":"{id}","n":{n}, "ok":true,"in":{{"none":null,"list":["a",1,{{"deep":"{id}"}}]}}}}"#)
}

#[test]
fn records_that_look_alike_are_read_by_their_layout() {
    let numbers = ["0", "-1", "1.5", "10e3", "1E-2", "123456789012345678901234567890", "0.10"];
    let texts: Vec<String> = numbers.iter().map(|n| record(&format!("é {n} 0123456789abcdef"), n)).collect();
    assert_eq!(assert_alike(&texts), texts.len() - 1);
}

#[test]
fn what_is_not_quite_alike_is_read_in_full() {
    for (id, n) in [
        ("a\\n", "1"),
        ("a\\", "1"),
        ("a\u{1}", "1"),
        ("a\"", "1"),
        ("a", "01"),
        ("a", "1."),
        ("a", "-"),
        ("a", "1e"),
        ("a", "+1"),
        ("a", "NaN"),
        ("a", "null"),
        ("a", "\"1\""),
        ("a", "[]"),
        ("a", "1,\"n\":1"),
        ("a", " 1"),
        ("a", "1 "),
        ("a", ""),
    ] {
        let texts = [record("x", "7"), record(id, n), record("y", "8")];
        assert_eq!(assert_alike(&texts), 1, "{id} {n}");
    }
    let good = record("x", "7");
    for end in 0..good.len() {
        assert_alike(&[good.clone(), good.chars().take(end).collect(), good.clone() + "}"]);
    }
}

#[test]
fn many_layouts_are_known_at_once_and_strangers_do_no_harm() {
    let texts: Vec<String> = (0..200).map(|i| format!(r#"{{"k{}":{i},"s":"{i}"}}"#, i % 5)).collect();
    assert_eq!(assert_alike(&texts), 195);
    let strangers: Vec<String> = (0..300).map(|i| format!(r#"{{"k{i}":{i}}}"#)).chain(texts).collect();
    assert!(assert_alike(&strangers) > 90);
}

/// Records of a few layouts, some of them broken somewhere.
fn texts() -> impl Strategy<Value = Vec<String>> {
    let leaf = prop_oneof![
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,9})?([eE][+-]?[0-9]{1,2})?",
        "\"[ -~é]{0,24}\"",
        "\"[a-z]{0,40}\"",
        prop::sample::select(vec!["null", "true", "false", "[]", "{}", "NaN", "\"\\u00e9\"", "\"\\\"\""])
            .prop_map(str::to_owned),
    ];
    let leaves = prop::collection::vec(leaf, 4);
    let shape = prop::sample::select(vec![
        r#"{"a":0,"b":1,"c":{"d":2,"e":[3]}}"#,
        r#"{"a": 0, "b": 1, "c": [2, 3]}"#,
        r#"{"b":0,"a":1,"a2":2,"é":3}"#,
        r#"[0,1,{"a":2,"a":3}]"#,
        r#"{"the key of a value that has a long name":0,"b":1,"x":2,"y":3}  "#,
    ]);
    let damage = prop::option::weighted(
        0.3,
        (any::<prop::sample::Index>(), prop::sample::select(b"\"\\{}[],:0 .e-\x01x".to_vec())),
    );
    let text = (shape, leaves, damage).prop_map(|(shape, leaves, damage)| {
        let mut text = shape.to_owned();
        for (place, leaf) in leaves.iter().enumerate().rev() {
            text = text.replacen(&place.to_string(), leaf, 1);
        }
        if let Some((place, byte)) = damage {
            let mut bytes = text.clone().into_bytes();
            let place = place.index(bytes.len());
            bytes[place] = byte;
            text = String::from_utf8(bytes).unwrap_or(text);
        }
        text
    });
    prop::collection::vec(text, 1..24)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn earlier_records_change_nothing(texts in texts()) {
        assert_alike(&texts);
    }
}
