//! YAML as read here: traps, bounds, and complaints with their places.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::{decode, parse};
use crate::problem::{File, Text};

fn text(yaml: &str) -> Text {
    File::new("a.yaml".to_owned(), yaml.to_owned())
}

fn lines(yaml: &str) -> Vec<String> {
    parse(&text(yaml)).1.iter().map(crate::Problem::line).collect()
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Thing {
    name: String,
    #[serde(default)]
    scale: u32,
    #[serde(default)]
    ready: bool,
    note: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    parts: Vec<Thing>,
    shape: Option<Shape>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Shape {
    Round,
    Square(u64),
    Box { width: i64 },
}

fn thing(yaml: &str) -> Result<Thing, String> {
    let text = text(yaml);
    let (documents, problems) = parse(&text);
    assert_eq!(problems.len(), 0, "{problems:?}");
    decode(&documents[0]).map_err(|fault| {
        let span = fault.span.map(|span| &text.text()[span.start..span.end]);
        let hint = fault.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{}: {}{hint} [{}]", fault.path(""), fault.message, span.unwrap_or("nowhere").trim_end())
    })
}

#[test]
fn words_and_numbers_that_other_yaml_readers_change_stay_as_written() {
    for word in [
        "NO",
        "on",
        "yes",
        "012",
        "0x10",
        "0o7",
        "1_000",
        "1e3",
        ".5",
        "50.00",
        "2026-01-31",
        "+1",
        ".inf",
        ".nan",
        "12:30:45",
        "1.0",
        "true",
    ] {
        assert_eq!(thing(&format!("name: {word}")).unwrap().name, word);
        let any: serde_json::Value = decode(&parse(&text(&format!("[{word}]"))).0[0]).unwrap();
        let expected = if word == "true" { serde_json::json!([true]) } else { serde_json::json!([word]) };
        assert_eq!(any, expected);
    }
}

#[test]
fn whole_numbers_truth_and_nothing_are_recognised_only_in_plain_form() {
    let yaml = "[0, 7, -7, 18446744073709551615, 18446744073709551616, true, false, null, ~, , '7', \"true\", !!str 7]";
    let any: serde_json::Value = decode(&parse(&text(yaml.replace(" ,", "").as_str())).0[0]).unwrap();
    let expected = serde_json::json!([
        0,
        7,
        -7,
        18_446_744_073_709_551_615_u64,
        "18446744073709551616",
        true,
        false,
        null,
        null,
        "7",
        "true",
        "7"
    ]);
    assert_eq!(any, expected);
}

#[test]
fn values_of_every_form_are_read() {
    let yaml = "name: a\nscale: 6\nready: true\nnote: ~\ntags: {tier: gold, level: 3, old: true}\nparts: [{name: b, shape: round}, {name: c, shape: {square: 4}}, {name: d, shape: {box: {width: -1}}}]";
    let thing = thing(yaml).unwrap();
    let tags = [("level", "3"), ("old", "true"), ("tier", "gold")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    assert_eq!(thing.tags, BTreeMap::from(tags));
    let shapes: Vec<_> = thing.parts.iter().map(|part| part.shape.as_ref().unwrap()).collect();
    assert_eq!(shapes, [&Shape::Round, &Shape::Square(4), &Shape::Box { width: -1 }]);
    assert_eq!((thing.scale, thing.ready, thing.note), (6, true, None));
}

#[test]
fn a_complaint_names_the_field_the_fault_and_the_remedy() {
    let cases = [
        ("name: a\nscal: 3", "scal: there is no field `scal` here (did you mean `scale`?) [scal]"),
        (
            "name: a\n<<: {}",
            "<<: there is no field `<<` here (merge keys are not part of YAML 1.2; write the fields out) [<<]",
        ),
        ("scale: 3", ": the field `name` is missing (add `name: …`) [scale: 3]"),
        ("name: a\nscale: many", "scale: expected a whole number, zero or more, found `many` [many]"),
        (
            "name: a\nscale: 012",
            "scale: expected a whole number, zero or more, found `012` (write it without the leading zero: `12`) [012]",
        ),
        ("name: a\nscale: -1", "scale: expected a whole number, zero or more, found `-1` [-1]"),
        ("name: a\nready: yes", "ready: expected `true` or `false`, found `yes` (write `true` or `false`) [yes]"),
        ("name: [a]", "name: expected text, found a list [[a]]"),
        ("name: a\nparts: {}", "parts: expected a list, found fields (`key: value`) [{}]"),
        (
            "name: a\nparts: [{name: b}, {name: c, scale: x}]",
            "parts[1].scale: expected a whole number, zero or more, found `x` [x]",
        ),
        ("name: a\nparts: [b]", "parts[0]: expected fields (`key: value`), found `b` [b]"),
        ("name: a\nshape: rond", "shape: `rond` is not possible here (did you mean `round`?) [rond]"),
        ("name: a\nshape: {square: x}", "shape.square: expected a whole number, zero or more, found `x` [x]"),
        ("name: a\nshape: square", "shape: `square` needs a value: `square: …` [square]"),
        ("name: a\nshape: {round: 1}", "shape.round: expected no value, found a value [1]"),
        ("name: a\nshape: {}", "shape: expected exactly one field here [{}]"),
        ("name: a\nshape: {box: [1]}", "shape.box: expected fields (`key: value`), found a list [[1]]"),
        ("- a", ": expected fields (`key: value`), found a list [- a]"),
    ];
    for (yaml, expected) in cases {
        assert_eq!(thing(yaml).unwrap_err(), expected, "{yaml}");
    }
}

#[test]
fn bad_yaml_is_answered_with_its_place() {
    let cases = [
        ("a: 1\nb: 2\na: 3\n", "a.yaml:3:1: the field `a` is given twice (keep one of them)"),
        ("? [x]\n: 1\n", "a.yaml:1:3: the name of a field must be a text"),
        ("a: !price 5\n", "a.yaml:1:4: the tag `!price` has no meaning in a catalogue (leave the tag away)"),
        (
            "é: &x [1, *x]\n",
            "a.yaml:1:11: this alias stands inside what it repeats (an alias may only repeat what was finished above it)",
        ),
    ];
    for (yaml, expected) in cases {
        assert_eq!(lines(yaml), [expected], "{yaml}");
    }
    for (yaml, place) in [
        ("a: [1, 2\nb: 3\n", "a.yaml:2:"),
        ("a: 'open\n", "a.yaml:"),
        ("a: *nowhere\n", "a.yaml:1:4"),
        ("a:\n\tb: 1\n", "a.yaml:2:2"),
    ] {
        let lines = lines(yaml);
        assert!(lines.len() == 1 && lines[0].starts_with(place) && lines[0].contains("this is not YAML"), "{lines:?}");
    }
}

#[test]
fn places_are_counted_in_characters_and_spans_in_bytes() {
    let text = text("ä: ü\nöß: {é: 1, é: 2}\n");
    let (_, problems) = parse(&text);
    assert_eq!((problems[0].line, problems[0].column), (2, 12));
    assert_eq!(&text.text()[problems[0].span.clone()], "é");
}

#[test]
fn depth_and_aliases_are_bounded() {
    for (depth, complaint) in [(65, "nested more than 64 deep"), (200_000, "recursion limit exceeded")] {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(lines(&deep)[0].contains(complaint), "{:?}", lines(&deep));
    }
    let laughs: String = std::iter::once("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned())
        .chain((1..12).map(|n| {
            let aliases = vec![format!("*a{}", n - 1); 10].join(", ");
            format!("a{n}: &a{n} [{aliases}]\n")
        }))
        .collect();
    assert!(lines(&laughs)[0].contains("repeat more than 100000 values"), "{:?}", lines(&laughs));
    assert_eq!(lines("a: &a {x: 1}\nb: [*a, *a]\n"), [""; 0]);
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(yaml in "\\PC*") {
        let _ = parse(&text(&yaml));
    }

    #[test]
    fn any_soup_of_yaml_signs_is_read_without_panic(yaml in "[-:?,\\[\\]{}#&*!|>'\"%@` \n\tae1é]{0,60}") {
        let text = text(&yaml);
        for problem in parse(&text).1 {
            prop_assert!(text.text().get(problem.span.clone()).is_some());
        }
        for document in parse(&text).0 {
            let _ = decode::<Thing>(&document);
        }
    }
}
