//! From text to marked trees.
//!
//! Built on the parser's events, so that depth and the expansion of aliases are bounded here, before anything
//! recursive sees the tree.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Tag};

use super::tree::{Key, Node, Scalar, Span, Value};
use crate::problem::{Problem, Text};

/// Deeper than any catalogue, shallow enough for every recursive walk.
const MAX_DEPTH: usize = 64;

/// How many values the aliases of one file may stand for altogether.
const MAX_ALIASED: usize = 100_000;

/// The documents of a file, in order, and what is wrong with its YAML.
///
/// After a syntax error the documents before it are still given. Of duplicate keys the first is kept.
pub(crate) fn parse(text: &Text) -> (Vec<Rc<Node>>, Vec<Problem>) {
    let mut builder = Builder::new(text);
    for event in Parser::new_from_str(text.text()) {
        let outcome = match event {
            Ok((event, span)) => {
                let span = builder.offsets.span(span);
                builder.take(event, span)
            }
            Err(error) => Err(Box::new(builder.syntax(&error))),
        };
        if let Err(problem) = outcome {
            builder.problems.push(*problem);
            break;
        }
    }
    (builder.documents, builder.problems)
}

/// Translates the parser's character positions into bytes.
struct Offsets {
    /// Byte offset of each character and of the end; empty for ASCII, where both are the same.
    bytes: Vec<usize>,
    length: usize,
}

impl Offsets {
    fn new(text: &str) -> Self {
        let bytes = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices().map(|(offset, _)| offset).chain([text.len()]).collect()
        };
        Self { bytes, length: text.len() }
    }

    fn byte(&self, character: usize) -> usize {
        if self.bytes.is_empty() {
            return character.min(self.length);
        }
        self.bytes.get(character).copied().unwrap_or(self.length)
    }

    fn span(&self, span: saphyr_parser::Span) -> Span {
        Span { start: self.byte(span.start.index()), end: self.byte(span.end.index()) }
    }
}

/// A collection that is still open.
struct Frame {
    start: Span,
    anchor: usize,
    weight: usize,
    open: Open,
}

enum Open {
    List(Vec<Rc<Node>>),
    Map { entries: Vec<(Key, Rc<Node>)>, seen: BTreeSet<String>, key: Option<Option<Key>> },
}

struct Builder<'a> {
    text: &'a Text,
    offsets: Offsets,
    frames: Vec<Frame>,
    anchors: BTreeMap<usize, Rc<Node>>,
    aliased: usize,
    documents: Vec<Rc<Node>>,
    problems: Vec<Problem>,
}

impl<'a> Builder<'a> {
    fn new(text: &'a Text) -> Self {
        Self {
            text,
            offsets: Offsets::new(text.text()),
            frames: Vec::new(),
            anchors: BTreeMap::new(),
            aliased: 0,
            documents: Vec::new(),
            problems: Vec::new(),
        }
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Box<Problem>> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let quoted = self.tag(tag.as_deref(), span);
                let value = scalar(text.into_owned(), style == ScalarStyle::Plain && !quoted);
                self.complete(Rc::new(Node { span, value, weight: 1 }), anchor);
                Ok(())
            }
            Event::SequenceStart(anchor, tag) => {
                self.tag(tag.as_deref(), span);
                self.open(span, anchor, Open::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.tag(tag.as_deref(), span);
                self.open(span, anchor, Open::Map { entries: Vec::new(), seen: BTreeSet::new(), key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.close(span);
                Ok(())
            }
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
        }
    }

    fn open(&mut self, start: Span, anchor: usize, open: Open) -> Result<(), Box<Problem>> {
        if self.frames.len() >= MAX_DEPTH {
            let message = format!("lists and fields are nested more than {MAX_DEPTH} deep");
            return Err(Box::new(self.problem(start, message, None)));
        }
        self.frames.push(Frame { start, anchor, weight: 1, open });
        Ok(())
    }

    fn close(&mut self, end: Span) {
        let Some(frame) = self.frames.pop() else { return };
        let value = match frame.open {
            Open::List(items) => Value::List(items),
            Open::Map { entries, .. } => Value::Map(entries),
        };
        let span = Span { start: frame.start.start, end: end.end.max(frame.start.end) };
        self.complete(Rc::new(Node { span, value, weight: frame.weight }), frame.anchor);
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Box<Problem>> {
        let Some(node) = self.anchors.get(&anchor).map(Rc::clone) else {
            let hint = Some("an alias may only repeat what was finished above it".to_owned());
            return Err(Box::new(self.problem(span, "this alias stands inside what it repeats".to_owned(), hint)));
        };
        self.aliased = self.aliased.saturating_add(node.weight);
        if self.aliased > MAX_ALIASED {
            let message = format!("the aliases of this file repeat more than {MAX_ALIASED} values");
            let hint = Some("write the values out, or use fewer aliases".to_owned());
            return Err(Box::new(self.problem(span, message, hint)));
        }
        self.complete(node, 0);
        Ok(())
    }

    /// Hands a finished value to whatever it stands in.
    fn complete(&mut self, node: Rc<Node>, anchor: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        let Some(frame) = self.frames.last_mut() else {
            self.documents.push(node);
            return;
        };
        frame.weight = frame.weight.saturating_add(node.weight);
        match &mut frame.open {
            Open::List(items) => items.push(node),
            Open::Map { entries, seen, key } => match key.take() {
                None => match name(&node) {
                    Some(name) if !seen.insert(name.text.clone()) => {
                        *key = Some(None);
                        self.duplicate(&name);
                    }
                    Some(name) => *key = Some(Some(name)),
                    None => {
                        *key = Some(None);
                        self.complain(node.span, "the name of a field must be a text", None);
                    }
                },
                Some(Some(name)) => entries.push((name, node)),
                Some(None) => {}
            },
        }
    }

    fn duplicate(&mut self, name: &Key) {
        let message = format!("the field `{}` is given twice", name.text);
        self.complain(name.span, &message, Some("keep one of them"));
    }

    /// Complains about tags that change meaning; true if the tag says that a scalar is text.
    fn tag(&mut self, tag: Option<&Tag>, span: Span) -> bool {
        let Some(tag) = tag else { return false };
        if tag.is_yaml_core_schema() {
            return tag.suffix == "str";
        }
        let message = format!("the tag `{tag}` has no meaning in a catalogue");
        self.complain(span, &message, Some("leave the tag away"));
        true
    }

    fn syntax(&self, error: &ScanError) -> Problem {
        // What is missing at the end is shown where the text ends, not on the empty line after it.
        let written = self.text.text().trim_end();
        let last = written.char_indices().next_back().map_or(0, |(offset, _)| offset);
        let start = self.offsets.byte(error.marker().index()).min(last);
        let hint = if error.info().contains("tab") {
            "indent with blanks, not with tabs"
        } else {
            "look at the indentation and the quotes of this line and the one above"
        };
        let message = format!("this is not YAML: {}", error.info());
        self.problem(Span { start, end: start + 1 }, message, Some(hint.to_owned()))
    }

    fn complain(&mut self, span: Span, message: &str, hint: Option<&str>) {
        let problem = self.problem(span, message.to_owned(), hint.map(str::to_owned));
        self.problems.push(problem);
    }

    fn problem(&self, span: Span, message: String, hint: Option<String>) -> Problem {
        Problem::error(self.text, span.start..span.end, String::new(), message, hint)
    }
}

fn scalar(text: String, plain: bool) -> Value {
    if plain && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL") {
        return Value::Null;
    }
    Value::Scalar(Scalar { text, plain })
}

fn name(node: &Node) -> Option<Key> {
    match &node.value {
        Value::Scalar(scalar) => Some(Key { text: scalar.text.clone(), span: node.span }),
        _ => None,
    }
}
