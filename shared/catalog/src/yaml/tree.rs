//! The marked tree: what a YAML document says, and where.

use std::rc::Rc;

use super::fault::Step;

/// A place in a file's text, in bytes, half-open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// A value with its place. Aliased values are shared, never copied.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) value: Value,
    /// How many values this is when every alias inside is written out; at least 1.
    pub(crate) weight: usize,
}

/// What a value is.
#[derive(Debug)]
pub(crate) enum Value {
    Null,
    Scalar(Scalar),
    List(Vec<Rc<Node>>),
    /// In the order written, without duplicates.
    Map(Vec<(Key, Rc<Node>)>),
}

/// A piece of text.
#[derive(Debug)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    /// Written without quotes, so that it may be a number or a truth value.
    pub(crate) plain: bool,
}

/// The name of a field with its place.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) span: Span,
}

impl Node {
    /// The value of the field `name`, if this is a mapping that has it.
    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(key, _)| key.text == name).map(|(_, node)| &**node),
            _ => None,
        }
    }

    /// The text, if this is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    /// The items, if this is a list; none otherwise.
    pub(crate) fn items(&self) -> &[Rc<Node>] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The place of the value at `path` (as in `usage[1].stream`), or of the innermost value on the way that exists.
    pub(crate) fn place(&self, path: &str) -> Span {
        let mut node = self;
        for step in steps(path) {
            let next = match step.parse::<usize>() {
                Ok(index) => node.items().get(index).map(|item| &**item).or_else(|| node.get(step)),
                Err(_) => node.get(step),
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node.span
    }
}

/// The same without the field that `way` leads to; nothing where it leads to none.
pub(crate) fn without(node: &Node, way: &[&Step]) -> Option<Rc<Node>> {
    let (step, rest) = way.split_first()?;
    let value = match (step, &node.value) {
        (Step::Field(name), Value::Map(entries)) => {
            let place = entries.iter().position(|(key, _)| key.text == *name)?;
            let mut entries = entries.clone();
            let (key, inner) = entries.remove(place);
            if !rest.is_empty() {
                entries.insert(place, (key, without(&inner, rest)?));
            }
            Value::Map(entries)
        }
        (Step::Item(index), Value::List(items)) => {
            let mut items = items.clone();
            let item = items.get_mut(*index)?;
            *item = without(item, rest)?;
            Value::List(items)
        }
        _ => return None,
    };
    Some(Rc::new(Node { span: node.span, value, weight: node.weight }))
}

/// The steps of a path: `a.b[2].c` gives `a`, `b`, `2`, `c`.
fn steps(path: &str) -> impl Iterator<Item = &str> {
    path.split(['.', '[', ']']).filter(|step| !step.is_empty())
}

/// The path of the field `name` inside `path`.
pub(crate) fn field(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The path of item `index` inside `path`.
pub(crate) fn item(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}
