//! XML with elements that come again.

use std::collections::BTreeMap;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use serde_json::{Map, Value};

use super::layout::{Layout, RECORDS, of_json};

/// Elements lie in one another so deep.
const DEPTH: usize = 12;

/// An element that is being read.
#[derive(Default)]
struct Element {
    members: Map<String, Value>,
    text: String,
}

/// The records are the elements of the way that comes again nearest to the outermost element.
pub(super) fn find(text: &str) -> Option<Layout> {
    let mut ways: BTreeMap<(usize, String), Vec<Value>> = BTreeMap::new();
    let mut open: Vec<(String, Element)> = Vec::new();
    let mut reader = Reader::from_str(text);
    // The sample may end anywhere.
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(tag) if open.len() < DEPTH => open.push(begin(&tag)),
            Event::Start(_) | Event::Eof => break,
            Event::Empty(tag) => {
                open.push(begin(&tag));
                end(&mut open, &mut ways);
            }
            Event::End(_) => end(&mut open, &mut ways),
            Event::Text(part) => {
                if let Some((_, element)) = open.last_mut() {
                    element.text.push_str(&part.xml10_content());
                }
            }
            _ => {}
        }
    }
    let again =
        ways.iter().find(|((depth, _), values)| *depth > 1 && values.len() > 1 && values.iter().any(Value::is_object));
    let ((_, way), values) = again.or_else(|| ways.iter().find(|((depth, _), _)| *depth > 1))?;
    of_json(&format!("format: xml\nxml: {{records: {}}}\n", serde_json::to_string(way).ok()?), values)
}

fn begin(tag: &BytesStart<'_>) -> (String, Element) {
    let mut element = Element::default();
    for attribute in tag.attributes().flatten() {
        let key = attribute.key.into_inner();
        if key != "xmlns" && !key.starts_with("xmlns:") {
            let name = format!("@{}", attribute.key.local_name().into_inner());
            let text = attribute.normalized_value(XmlVersion::Implicit1_0).unwrap_or_default();
            element.members.insert(name, Value::String(text.into_owned()));
        }
    }
    (tag.local_name().into_inner().to_owned(), element)
}

/// The innermost element ends: it is a value of its way, and a member of the one around it.
fn end(open: &mut Vec<(String, Element)>, ways: &mut BTreeMap<(usize, String), Vec<Value>>) {
    let way = open.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join("/");
    let depth = open.len();
    let Some((name, element)) = open.pop() else { return };
    let leaf = element.members.is_empty();
    let value = if leaf { Value::String(element.text.trim().to_owned()) } else { Value::Object(element.members) };
    let values = ways.entry((depth, way)).or_default();
    if values.len() < RECORDS {
        values.push(value.clone());
    }
    if let Some((_, around)) = open.last_mut() {
        match around.members.get_mut(&name) {
            Some(Value::Array(several)) => several.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
            None => drop(around.members.insert(name, value)),
        }
    }
}
