//! One spelling for one JSON value: keys sorted by their bytes, no optional white space.
//!
//! The value is written once, with marks where objects and members begin and objects end; then the members of each
//! object are put in order. Marks are control characters: in a text of JSON itself none stands as it is.

use std::io::{Result, Write};

use serde::Serialize;
use serde::ser::Error;
use serde_json::ser::{Formatter, Serializer};

const OBJECT: char = '\u{1}';
const MEMBER: char = '\u{2}';
const END: char = '\u{3}';

/// The canonical text with a line feed at its end. Keys are names of fields: nothing in them is escaped.
///
/// # Errors
/// What JSON cannot say.
pub fn json(value: &impl Serialize) -> serde_json::Result<String> {
    let mut marked = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut marked, Marks))?;
    let marked = String::from_utf8(marked).map_err(serde_json::Error::custom)?;
    let mut out = String::with_capacity(marked.len().saturating_mul(2));
    write_value(&marked, &mut out);
    out.push('\n');
    Ok(out)
}

/// Writes marks instead of braces, and one instead of each comma between members.
struct Marks;

impl Formatter for Marks {
    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> Result<()> {
        write!(writer, "{OBJECT}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, _: bool) -> Result<()> {
        write!(writer, "{MEMBER}")
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> Result<()> {
        write!(writer, "{END}")
    }
}

/// Writes a value, and gives the rest: from the next member of the object that it is in, or from its end.
fn write_value<'a>(marked: &'a str, out: &mut String) -> &'a str {
    let mut rest = marked;
    while let Some((before, from)) = rest.bytes().position(is_mark).and_then(|at| rest.split_at_checked(at)) {
        out.push_str(before);
        match from.strip_prefix(OBJECT) {
            Some(members) => rest = write_object(members, out),
            None => return from,
        }
    }
    out.push_str(rest);
    ""
}

fn is_mark(byte: u8) -> bool {
    matches!(byte, 1..=3)
}

/// Writes an object, its members in order, and gives what follows it.
fn write_object<'a>(members: &'a str, out: &mut String) -> &'a str {
    let (mut rest, start, mut ends) = (members, out.len(), Vec::with_capacity(MEMBERS));
    while let Some(member) = rest.strip_prefix(MEMBER) {
        rest = write_value(member, out);
        ends.push(out.len().saturating_sub(start));
    }
    let text = out.split_off(start);
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let mut members: Vec<&str> = starts.zip(&ends).filter_map(|(start, end)| text.get(start..*end)).collect();
    members.sort_by_key(|member| key(member));
    out.push('{');
    for (index, member) in members.into_iter().enumerate() {
        out.push_str(if index > 0 { "," } else { "" });
        out.push_str(member);
    }
    out.push('}');
    rest.strip_prefix(END).unwrap_or(rest)
}

/// As many as the largest object of an invoice has.
const MEMBERS: usize = 24;

/// A member's key, without its quotation marks.
fn key(member: &str) -> &str {
    member.split('"').nth(1).unwrap_or_default()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json as value};

    use super::*;

    /// The same, one object after the other.
    fn naive(value: &Value) -> String {
        match value {
            Value::Object(members) => {
                let mut sorted: Vec<_> = members.iter().collect();
                sorted.sort_by_key(|(key, _)| *key);
                let one = |(key, value): (&String, &Value)| format!("{}:{}", Value::from(key.as_str()), naive(value));
                format!("{{{}}}", sorted.into_iter().map(one).collect::<Vec<_>>().join(","))
            }
            Value::Array(items) => format!("[{}]", items.iter().map(naive).collect::<Vec<_>>().join(",")),
            scalar => scalar.to_string(),
        }
    }

    /// Members in the order of their declaration, not of their names.
    #[derive(Serialize)]
    struct Unsorted {
        b: Option<Box<Unsorted>>,
        a: Vec<u32>,
        ab: &'static str,
    }

    #[test]
    fn fields_stand_in_the_order_of_their_names_at_every_depth() {
        let inner = Unsorted { b: None, a: vec![1, 2], ab: "{\"z\":1,\u{1}\u{3}}" };
        let text = json(&Unsorted { b: Some(Box::new(inner)), a: Vec::new(), ab: "" }).unwrap();
        let inner = r#"{"a":[1,2],"ab":"{\"z\":1,\u0001\u0003}","b":null}"#;
        assert_eq!(text, format!("{{\"a\":[],\"ab\":\"\",\"b\":{inner}}}\n"));
        assert_eq!(json(&value!({})).unwrap(), "{}\n");
        assert_eq!(json(&value!([{}, [{}], 1])).unwrap(), "[{},[{}],1]\n");
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let text = proptest::collection::vec(any::<char>(), 0..6)
            .prop_map(|chars| Value::from(chars.into_iter().collect::<String>()));
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            text
        ];
        scalar.prop_recursive(4, 32, 6, |inner| {
            let key =
                proptest::collection::vec(prop_oneof![Just('a'), Just('b'), Just('_'), Just('-'), Just('é')], 0..4);
            let key = key.prop_map(|chars| chars.into_iter().collect::<String>());
            let object = proptest::collection::vec((key, inner.clone()), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>()));
            prop_oneof![object, proptest::collection::vec(inner, 0..4).prop_map(Value::Array)]
        })
    }

    proptest! {
        #[test]
        fn any_value_is_spelt_as_the_naive_writer_spells_it(value in any_value()) {
            prop_assert_eq!(json(&value).unwrap(), naive(&value) + "\n");
        }
    }
}
