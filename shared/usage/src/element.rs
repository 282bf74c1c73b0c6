//! An element of XML as an object: attributes are `@name`, child elements are members, several of
//! one name are a list. Names are without their namespaces; a comment says nothing; of entities only
//! the five of XML itself are known.

use std::collections::BTreeMap;

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;

use crate::json::{Builder, Kind, MAX_DEPTH, MAX_NODES, Span};

/// Elements and attributes in the order in which they begin.
#[derive(Default)]
struct Element {
    name: String,
    text: String,
    is_attribute: bool,
    children: Vec<usize>,
}

/// Reads the one element of `text`.
///
/// # Errors
/// In words.
pub(crate) fn read(text: &str, builder: &mut Builder<'_>) -> Result<(), String> {
    let elements = elements(text)?;
    builder.single_is_list();
    put(&elements, 0, Span::default(), builder)
}

fn elements(text: &str) -> Result<Vec<Element>, String> {
    let mut reader = Reader::from_str(text);
    let mut elements = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    loop {
        let place = reader.buffer_position();
        let wrong = |error: &dyn std::fmt::Display| format!("it is not valid XML at byte {place}: {error}");
        match reader.read_event().map_err(|error| wrong(&error))? {
            Event::Start(tag) => {
                let index = begin(&tag, &open, &mut elements).map_err(|error| wrong(&error))?;
                open.push(index);
            }
            Event::Empty(tag) => {
                begin(&tag, &open, &mut elements).map_err(|error| wrong(&error))?;
            }
            Event::End(_) => {
                open.pop();
            }
            Event::Text(part) => say(&open, &mut elements, &part.xml10_content()),
            Event::CData(part) => say(&open, &mut elements, &part.xml10_content()),
            Event::GeneralRef(entity) => {
                let sign = resolve(&entity).map_err(|error| wrong(&error))?;
                say(&open, &mut elements, &sign);
            }
            Event::Eof if open.is_empty() => return Ok(elements),
            Event::Eof => return Err(wrong(&"the text ends within an element")),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

/// Adds an element and its attributes.
fn begin(tag: &BytesStart<'_>, open: &[usize], elements: &mut Vec<Element>) -> Result<usize, String> {
    if open.len() >= MAX_DEPTH {
        return Err(format!("it is nested more than {MAX_DEPTH} deep"));
    }
    let name = tag.local_name().into_inner().to_owned();
    let index = add(Element { name, ..Element::default() }, open.last().copied(), elements)?;
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let key = attribute.key.into_inner();
        if key == "xmlns" || key.starts_with("xmlns:") {
            continue;
        }
        let name = format!("@{}", attribute.key.local_name().into_inner());
        let text = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| error.to_string())?;
        let attribute = Element { name, text: text.into_owned(), is_attribute: true, children: Vec::new() };
        add(attribute, Some(index), elements)?;
    }
    Ok(index)
}

fn add(element: Element, parent: Option<usize>, elements: &mut Vec<Element>) -> Result<usize, String> {
    let index = elements.len();
    if index >= MAX_NODES {
        return Err(format!("it holds more than {MAX_NODES} values"));
    }
    if let Some(parent) = parent.and_then(|parent| elements.get_mut(parent)) {
        parent.children.push(index);
    }
    elements.push(element);
    Ok(index)
}

fn say(open: &[usize], elements: &mut [Element], text: &str) {
    if let Some(element) = open.last().and_then(|index| elements.get_mut(*index)) {
        element.text.push_str(text);
    }
}

fn resolve(entity: &BytesRef<'_>) -> Result<String, String> {
    if let Some(sign) = entity.resolve_char_ref().map_err(|error| error.to_string())? {
        return Ok(sign.to_string());
    }
    let name = entity.xml10_content();
    resolve_predefined_entity(&name).map(str::to_owned).ok_or_else(|| format!("there is no entity `&{name};`"))
}

/// Adds an element to the tree. One that holds no others is its text, which may have attributes.
fn put(elements: &[Element], index: usize, key: Span, builder: &mut Builder<'_>) -> Result<(), String> {
    let Some(element) = elements.get(index) else { return Err("there is no element".to_owned()) };
    let children = || element.children.iter().filter_map(|child| elements.get(*child).map(|element| (*child, element)));
    let is_text = children().all(|(_, child)| child.is_attribute);
    let text = builder.keep(element.text.trim());
    builder.open(if is_text { Kind::String } else { Kind::Object }, key, text)?;
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (child, element) in children() {
        groups.entry(&element.name).or_default().push(child);
    }
    for (name, same) in groups {
        let key = builder.keep(name);
        if let [only] = same.as_slice() {
            put(elements, *only, key, builder)?;
            continue;
        }
        builder.open(Kind::Array, key, Span::default())?;
        for child in same {
            put(elements, child, Span::default(), builder)?;
        }
        builder.close();
    }
    builder.close();
    Ok(())
}
