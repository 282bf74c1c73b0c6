//! JSON as the mapping needs it: one value at a time, numbers kept as text so that decimals stay
//! exact, nothing copied but strings with escapes, no allocation once the tree has grown.
//!
//! Strict (RFC 8259), and stricter in one point: an object that holds a key twice is refused,
//! because readers disagree on which of the two counts.

mod build;
mod layout;
mod parse;
mod strings;

pub(crate) use build::Builder;
use layout::{Layout, Layouts};

use crate::scan::{Extent, Glance};

/// The deepest nesting that is read.
pub(crate) const MAX_DEPTH: usize = 64;
/// The most values in one record.
pub(crate) const MAX_NODES: usize = 250_000;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    True,
    False,
    Number,
    String,
    Array,
    Object,
}

/// A stretch of text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: usize,
    end: usize,
    origin: Origin,
}

/// Of which text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Origin {
    /// The record itself.
    #[default]
    Record,
    /// The tree's unescaped strings.
    Unescaped,
    /// An earlier record of the same layout, which has the same there.
    Learnt,
}

/// A value; its children follow it directly.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    key: Span,
    text: Span,
    /// The index after the last of its descendants.
    after: usize,
    /// Whether none of its children has children.
    flat: bool,
}

/// The values of one record in the order of the text. Reused from record to record.
#[derive(Default)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    unescaped: String,
    keys: Vec<Span>,
    layouts: Layouts,
    /// The layout that the present record has, in the place of `nodes`.
    layout: Option<usize>,
    /// Whether a single value stands for a list of one, and none for an empty one, as in XML.
    single_is_list: bool,
}

/// Why a text is no JSON value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not valid JSON at byte {at}: {message}")]
pub(crate) struct JsonError {
    /// The byte of the record, from 0.
    pub(crate) at: usize,
    pub(crate) message: String,
}

/// A value of a tree together with the text that it was read from.
#[derive(Clone, Copy)]
pub(crate) struct Value<'r> {
    tree: &'r Tree,
    text: &'r str,
    index: usize,
}

impl Tree {
    /// Builds values of something that is no JSON, read from `text`.
    pub(crate) fn build<'r>(
        &'r mut self,
        text: &'r str,
        build: impl FnOnce(&mut Builder<'_>) -> Result<(), String>,
    ) -> Result<Value<'r>, String> {
        self.nodes.clear();
        self.unescaped.clear();
        self.layout = None;
        build(&mut Builder::new(self, text))?;
        Ok(Value { tree: self, text, index: 0 })
    }

    /// Reads `text`, which must hold exactly one value.
    pub(crate) fn read<'r>(&'r mut self, text: &'r str) -> Result<Value<'r>, JsonError> {
        self.layout = self.layouts.locate(text);
        if self.layout.is_none() {
            self.nodes.clear();
            self.unescaped.clear();
            parse::value(self, text)?;
            self.layouts.learn(text, &self.nodes);
        }
        Ok(Value { tree: self, text, index: 0 })
    }

    /// The record that `text` begins with, if it looks like an earlier one.
    #[inline]
    pub(crate) fn glance(&mut self, text: &[u8]) -> Option<Glance> {
        self.layouts.glance(text)
    }

    /// Where the values lie of the record that was glanced at, in the order of the text.
    #[inline]
    pub(crate) fn extents(&self) -> &[Extent] {
        self.layouts.extents()
    }

    /// Takes in the record that was glanced at.
    pub(crate) fn fill(&mut self) {
        self.layout = self.layouts.fill();
    }

    /// The value of the record that was read or taken in last.
    pub(crate) fn root<'r>(&'r self, text: &'r str) -> Value<'r> {
        Value { tree: self, text, index: 0 }
    }

    fn layout(&self) -> Option<&Layout> {
        self.layout.and_then(|place| self.layouts.get(place))
    }
}

impl<'r> Value<'r> {
    fn node(&self) -> Option<&'r Node> {
        self.tree.layout().map_or(&self.tree.nodes, |layout| &layout.nodes).get(self.index)
    }

    fn span(&self, span: Span) -> &'r str {
        let text = match span.origin {
            Origin::Record => self.text,
            Origin::Unescaped => &self.tree.unescaped,
            Origin::Learnt => self.tree.layout().map_or("", |layout| &layout.learnt),
        };
        text.get(span.start..span.end).unwrap_or_default()
    }

    /// What it is.
    pub(crate) fn kind(&self) -> Kind {
        self.node().map_or(Kind::Null, |node| node.kind)
    }

    /// The text of a number or string.
    pub(crate) fn text(&self) -> &'r str {
        self.node().map_or("", |node| self.span(node.text))
    }

    /// Its place among the strings and numbers of records that look like this one, if it has any.
    pub(crate) fn place(&self) -> Option<usize> {
        self.tree.layout()?.gap(self.index)
    }

    /// The key it stands under, if its parent is an object.
    pub(crate) fn key(&self) -> &'r str {
        self.node().map_or("", |node| self.span(node.key))
    }

    /// The members of an object or the elements of an array.
    pub(crate) fn children(self) -> impl Iterator<Item = Value<'r>> {
        let (mut next, after) = self.node().map_or((0, 0), |node| (self.index + 1, node.after));
        std::iter::from_fn(move || {
            let child = Value { index: next, ..self };
            let node = (next < after).then(|| child.node()).flatten()?;
            next = node.after;
            Some(child)
        })
    }

    /// The member of an object under a key.
    pub(crate) fn member(self, key: &str) -> Option<Value<'r>> {
        let layout = self.tree.layout();
        let known = layout.and_then(|layout| layout.known_member(self.index, key));
        if let Some(index) = known {
            return Some(Value { index, ..self });
        }
        match self.kind() {
            // A text of XML has its attributes for members.
            Kind::Object | Kind::String => {
                let found = self.children().find(|child| child.key() == key)?;
                layout.inspect(|layout| layout.know_member(self.index, key, found.index));
                Some(found)
            }
            _ => None,
        }
    }

    /// Whether it is a single value that stands for a list.
    pub(crate) fn is_list_of_one(self) -> bool {
        self.tree.single_is_list && !matches!(self.kind(), Kind::Array | Kind::Null)
    }

    /// Whether a member that is not there stands for an empty list.
    pub(crate) fn may_lack_lists(self) -> bool {
        self.tree.single_is_list
    }

    /// The element of an array at an index. Takes no longer for a later one where the elements
    /// hold nothing themselves.
    pub(crate) fn element(self, index: usize) -> Option<Value<'r>> {
        match self.node()? {
            Node { kind: Kind::Array, flat: true, after, .. } => {
                let place = self.index.checked_add(index)?.checked_add(1)?;
                (place < *after).then_some(Value { index: place, ..self })
            }
            Node { kind: Kind::Array, .. } => self.children().nth(index),
            _ if index == 0 && self.is_list_of_one() => Some(self),
            _ => None,
        }
    }

    /// Whether none of what it holds holds anything itself.
    pub(crate) fn is_flat(&self) -> bool {
        self.node().is_some_and(|node| node.flat)
    }

    /// The one element of an array that has this text under this key; `Err(true)` if there are
    /// several.
    pub(crate) fn with(self, key: &str, text: &str) -> Result<Value<'r>, bool> {
        let is_it = |element: &Value<'r>| element.member(key).is_some_and(|member| member.text() == text);
        if self.is_list_of_one() {
            return if is_it(&self) { Ok(self) } else { Err(false) };
        }
        if self.kind() != Kind::Array {
            return Err(false);
        }
        let mut found = self.children().filter(is_it);
        match (found.next(), found.next()) {
            (Some(element), None) => Ok(element),
            (found, _) => Err(found.is_some()),
        }
    }
}

#[cfg(test)]
mod tests;
