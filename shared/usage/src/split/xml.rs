//! Where the records of an XML document begin and end, without reading what they say.

use super::{Said, Scan};
use crate::error::Unreadable;

/// A tag around the records, and a text that is carried, have at most so many bytes.
const MAX_TAG: usize = 65_536;

/// The way to the records, and what is carried from around them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Way {
    /// The names from the outermost element to the record.
    pub(crate) names: Vec<String>,
    /// Slots, and the names that lead to their elements or, with an `@` before the last, attributes.
    pub(crate) carry: Vec<(usize, Vec<String>)>,
}

/// Finds the elements that are records.
pub(super) struct Elements {
    way: Way,
    /// The names of the elements around the present place.
    open: Vec<String>,
    /// How many elements are open within the record, itself included; none outside.
    depth: u64,
    state: State,
    /// The text of the present tag outside of records.
    tag: Vec<u8>,
    /// The text of the present element where it is carried.
    text: Option<(usize, Vec<u8>)>,
    said: Vec<Said>,
    /// Whether the outermost element has been closed.
    closed: bool,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Text,
    /// Behind `<`.
    Opened,
    Tag {
        quote: Option<u8>,
        last: u8,
        closing: bool,
    },
    /// Behind `<!`, with the latest bytes.
    Declared(u32),
    Comment(u16),
    Data(u16),
    Instruction(u8),
}

/// What a byte brings.
enum Found {
    Nothing,
    /// A tag, a comment or the like ends behind it.
    End {
        is_tag: bool,
        closing: bool,
        empty: bool,
    },
}

impl Elements {
    pub(super) fn new(way: Way) -> Self {
        Self {
            way,
            open: Vec::new(),
            depth: 0,
            state: State::Text,
            tag: Vec::new(),
            text: None,
            said: Vec::new(),
            closed: false,
        }
    }

    /// What was carried since the last time.
    pub(super) fn said(&mut self) -> std::vec::Drain<'_, Said> {
        self.said.drain(..)
    }

    pub(super) fn scan(&mut self, bytes: &[u8]) -> Result<Scan, Unreadable> {
        for (at, byte) in bytes.iter().enumerate() {
            let outside = self.depth == 0;
            // The bytes of a tag are kept together with it, in case it begins a record.
            if outside && self.state == State::Text && *byte == b'<' && at > 0 {
                return Ok(Scan::Skip { next: at });
            }
            let was_text = self.state == State::Text && *byte != b'<';
            if was_text && self.open.is_empty() && outside && !byte.is_ascii_whitespace() {
                return Err(Unreadable::new(
                    "there is text outside of the outermost element: it is no XML, or more than that",
                ));
            }
            let found = self.step(*byte)?;
            if outside {
                self.keep(*byte, was_text)?;
            }
            if let Found::End { is_tag, closing, empty } = found {
                let ends =
                    if is_tag && outside { self.around(closing, empty)? } else { self.within(is_tag, closing, empty) };
                match ends {
                    Ends::Record => return Ok(Scan::Record { end: at + 1, next: at + 1 }),
                    Ends::Nothing if self.depth == 0 => return Ok(Scan::Skip { next: at + 1 }),
                    Ends::Nothing => {}
                }
            }
        }
        let in_text = self.depth == 0 && self.state == State::Text;
        Ok(if in_text { Scan::Skip { next: bytes.len() } } else { Scan::Partial })
    }

    fn keep(&mut self, byte: u8, is_text: bool) -> Result<(), Unreadable> {
        match &mut self.text {
            Some((_, text)) if is_text && text.len() <= MAX_TAG => text.push(byte),
            _ if is_text => {}
            _ => self.tag.push(byte),
        }
        let is_tag = matches!(self.state, State::Opened | State::Tag { .. });
        if is_tag && self.tag.len() > MAX_TAG {
            return Err(Unreadable::new(format!("a tag of the XML is longer than {MAX_TAG} bytes")));
        }
        // What is no tag need not be kept.
        self.tag.truncate(MAX_TAG);
        Ok(())
    }

    fn step(&mut self, byte: u8) -> Result<Found, Unreadable> {
        let end = Found::End { is_tag: false, closing: false, empty: false };
        let (state, found) = match self.state {
            State::Text if byte == b'<' => (State::Opened, Found::Nothing),
            State::Text => (State::Text, Found::Nothing),
            State::Opened => match byte {
                b'!' => (State::Declared(0), Found::Nothing),
                b'?' => (State::Instruction(0), Found::Nothing),
                _ => (State::Tag { quote: None, last: byte, closing: byte == b'/' }, Found::Nothing),
            },
            State::Tag { quote: Some(quote), closing, .. } => {
                (State::Tag { quote: (byte != quote).then_some(quote), last: byte, closing }, Found::Nothing)
            }
            State::Tag { quote: None, last, closing } => match byte {
                b'>' => (State::Text, Found::End { is_tag: true, closing, empty: last == b'/' && !closing }),
                b'"' | b'\'' => (State::Tag { quote: Some(byte), last: byte, closing }, Found::Nothing),
                _ => (State::Tag { quote: None, last: byte, closing }, Found::Nothing),
            },
            State::Declared(last) => {
                (self.declared((last << 8) | u32::from(byte), byte)?, if byte == b'>' { end } else { Found::Nothing })
            }
            State::Comment(last) if last == u16::from_be_bytes(*b"--") && byte == b'>' => (State::Text, end),
            State::Comment(last) => (State::Comment((last << 8) | u16::from(byte)), Found::Nothing),
            State::Data(last) if last == u16::from_be_bytes(*b"]]") && byte == b'>' => (State::Text, end),
            State::Data(last) => (State::Data((last << 8) | u16::from(byte)), Found::Nothing),
            State::Instruction(b'?') if byte == b'>' => (State::Text, end),
            State::Instruction(_) => (State::Instruction(byte), Found::Nothing),
        };
        self.state = state;
        Ok(found)
    }

    /// A declaration that holds others could define entities that grow without bound.
    fn declared(&self, last: u32, byte: u8) -> Result<State, Unreadable> {
        Ok(match byte {
            b'-' if last == u32::from_be_bytes([0, 0, b'-', b'-']) => State::Comment(0),
            b'[' if last == u32::from_be_bytes(*b"ATA[") => State::Data(0),
            b'[' if last != u32::from(b'[') => {
                return Err(Unreadable::new("the XML declares entities or types of its own, which is not read"));
            }
            b'>' => State::Text,
            _ => State::Declared(last),
        })
    }

    /// A tag outside of records has ended.
    fn around(&mut self, closing: bool, empty: bool) -> Result<Ends, Unreadable> {
        let tag = std::mem::take(&mut self.tag);
        if closing {
            self.say_text();
            if self.open.pop().is_none() {
                return Err(Unreadable::new("the XML closes an element that it has not opened"));
            }
            self.closed = self.open.is_empty();
            return Ok(Ends::Nothing);
        }
        if self.closed && self.open.is_empty() {
            return Err(Unreadable::new("there is another element behind the outermost one of the XML"));
        }
        let name = local(name(&tag));
        let lies_on_way = self.open.len() < self.way.names.len()
            && self.open.iter().map(String::as_str).chain([name.as_str()]).eq(self
                .way
                .names
                .iter()
                .take(self.open.len() + 1)
                .map(String::as_str));
        if self.open.is_empty() && !lies_on_way {
            let expected = self.way.names.join("/");
            return Err(Unreadable::new(format!(
                "the outermost element is `{name}`, but the records are `{expected}`"
            )));
        }
        if lies_on_way && self.open.len() + 1 == self.way.names.len() {
            if empty {
                return Ok(Ends::Record);
            }
            self.depth = 1;
            return Ok(Ends::Nothing);
        }
        self.open.push(name);
        self.enter(&tag)?;
        if empty {
            self.open.pop();
            self.text = None;
        }
        Ok(Ends::Nothing)
    }

    /// What the element that was just opened says, and what no longer holds.
    fn enter(&mut self, tag: &[u8]) -> Result<(), Unreadable> {
        self.text = None;
        for (slot, way) in &self.way.carry {
            let Some(rest) = way.strip_prefix(self.open.as_slice()) else { continue };
            let text = match rest {
                [name] => match name.strip_prefix('@') {
                    Some(name) => attribute(tag, name)?,
                    None => None,
                },
                [] => {
                    self.text = Some((*slot, Vec::new()));
                    None
                }
                _ => None,
            };
            self.said.push(Said { slot: *slot, text });
        }
        Ok(())
    }

    fn say_text(&mut self) {
        let Some((slot, text)) = self.text.take() else { return };
        let text = String::from_utf8(text).ok();
        let text = text.and_then(|text| quick_xml::escape::unescape(text.trim()).ok().map(|text| text.into_owned()));
        self.said.push(Said { slot, text });
    }

    /// A tag within a record, or something else that is no tag, has ended.
    fn within(&mut self, is_tag: bool, closing: bool, empty: bool) -> Ends {
        self.tag.clear();
        match (is_tag, closing, empty) {
            (true, true, _) => self.depth = self.depth.saturating_sub(1),
            (true, false, false) => self.depth += 1,
            _ => {}
        }
        if is_tag && self.depth == 0 { Ends::Record } else { Ends::Nothing }
    }

    /// The text ends here.
    pub(super) fn finish(&self) -> Result<(), Unreadable> {
        let begun = !self.open.is_empty() || self.depth > 0 || self.state != State::Text;
        if begun {
            return Err(Unreadable::new("the XML is not closed: the object is truncated, or a tag in it is broken"));
        }
        Ok(())
    }
}

enum Ends {
    Record,
    Nothing,
}

/// The name in a tag `<name …>`.
fn name(tag: &[u8]) -> &[u8] {
    let inside = tag.get(1..).unwrap_or_default();
    let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/');
    inside.get(..inside.iter().position(ends).unwrap_or(inside.len())).unwrap_or_default()
}

/// A name without the prefix of its namespace.
pub(crate) fn local(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name);
    name.rsplit(':').next().unwrap_or_default().to_owned()
}

fn attribute(tag: &[u8], name: &str) -> Result<Option<String>, Unreadable> {
    let text = std::str::from_utf8(tag).map_err(|_| Unreadable::new("a tag of the XML is not UTF-8 text"))?;
    let inside = text.trim_start_matches('<').trim_end_matches('>').trim_end_matches('/');
    let length = inside.find(char::is_whitespace).unwrap_or(inside.len());
    let element = quick_xml::events::BytesStart::from_content(inside, length);
    for attribute in element.attributes() {
        let broken = |error: &dyn std::fmt::Display| Unreadable::new(format!("a tag of the XML is broken: {error}"));
        let attribute = attribute.map_err(|error| broken(&error))?;
        if attribute.key.local_name().into_inner() == name {
            let value =
                attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).map_err(|error| broken(&error))?;
            return Ok(Some(value.into_owned()));
        }
    }
    Ok(None)
}
