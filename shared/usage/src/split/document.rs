//! Where the records of a JSON text begin and end: values one after another, or records within
//! them, however large what stands around them is.

use memchr::memchr2;

use super::{Said, Scan};
use crate::error::Unreadable;

/// A key or a carried value that is longer is none that is looked for.
const MAX_TEXT: usize = 4_096;

/// The way to the records, and what is carried from around them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Way {
    /// As written, for messages.
    pub(crate) written: String,
    pub(crate) steps: Vec<Step>,
    /// Slots, and the names that lead to their values; lists on the way have none.
    pub(crate) carry: Vec<(usize, Vec<String>)>,
}

/// A step on the way to the records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Member(String),
    EveryValue,
    EveryElement,
}

/// Finds the records of values that stand one after another.
pub(super) struct Documents {
    way: Way,
    /// What is open around the present place, outermost first.
    frames: Vec<Frame>,
    expects: Expects,
    /// The value that is being passed through.
    passing: Option<Passing>,
    /// The key that was read last.
    key: String,
    said: Vec<Said>,
}

/// An object or a list that records or carried values are looked for in.
struct Frame {
    is_object: bool,
    /// How many steps of the way led here, if it lies on the way.
    step: Option<usize>,
    /// Whether the next step was found.
    met: bool,
    /// The names that lead here.
    names: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expects {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
}

/// A value that is not looked into.
struct Passing {
    role: Role,
    kind: Kind,
    depth: u64,
    in_string: bool,
    escaped: bool,
    begun: bool,
    text: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Record,
    Key,
    Carried(usize),
    Nothing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Nested,
    String,
    Word,
}

impl Passing {
    fn new(role: Role, first: u8) -> Self {
        let kind = match first {
            b'{' | b'[' => Kind::Nested,
            b'"' => Kind::String,
            _ => Kind::Word,
        };
        Self { role, kind, depth: 0, in_string: false, escaped: false, begun: false, text: Vec::new() }
    }

    /// Passes through the next bytes; says where the value ends, if it does.
    fn pass(&mut self, bytes: &[u8]) -> Option<usize> {
        let end = if self.kind == Kind::Word { self.word(bytes) } else { self.nested(bytes) };
        let keeps = matches!(self.role, Role::Key | Role::Carried(_)) && self.text.len() <= MAX_TEXT;
        if keeps {
            self.text.extend_from_slice(bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default());
        }
        end
    }

    fn word(&mut self, bytes: &[u8]) -> Option<usize> {
        let first = usize::from(!std::mem::replace(&mut self.begun, true));
        let ends = |byte: &u8| byte.is_ascii_whitespace() || b",]}\x1e".contains(byte);
        bytes.iter().skip(first).position(ends).map(|end| end + first)
    }

    fn nested(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(byte) = bytes.get(at).copied() {
            if self.in_string {
                at = self.string(bytes, at);
            } else {
                match byte {
                    b'"' => self.in_string = true,
                    b'[' | b'{' => self.depth += 1,
                    b']' | b'}' => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
                at += 1;
            }
            if self.depth == 0 && !self.in_string {
                return Some(at);
            }
        }
        None
    }

    /// Moves through a string; returns where to go on.
    fn string(&mut self, bytes: &[u8], at: usize) -> usize {
        if std::mem::take(&mut self.escaped) {
            return at + 1;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(found) = memchr2(b'"', b'\\', rest) else { return bytes.len() };
        match rest.get(found) {
            Some(b'"') => self.in_string = false,
            _ => self.escaped = true,
        }
        at + found + 1
    }

    /// The text of a key or a single value; `None` for null, and for what is too long or broken.
    fn read(&self) -> Option<String> {
        match (self.kind, self.text.as_slice()) {
            (Kind::Nested, _) | (_, b"null") => None,
            (_, text) if text.len() > MAX_TEXT => None,
            (Kind::String, text) => serde_json::from_slice(text).ok(),
            (Kind::Word, text) => std::str::from_utf8(text).ok().map(str::to_owned),
        }
    }
}

impl Documents {
    pub(super) fn new(way: Way) -> Self {
        Self { way, frames: Vec::new(), expects: Expects::Value, passing: None, key: String::new(), said: Vec::new() }
    }

    /// What was carried since the last time.
    pub(super) fn said(&mut self) -> std::vec::Drain<'_, Said> {
        self.said.drain(..)
    }

    pub(super) fn scan(&mut self, bytes: &[u8]) -> Result<Scan, Unreadable> {
        let mut at = 0;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(passing) = &mut self.passing else {
                let blank = rest.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == 0x1e).count();
                match rest.get(blank) {
                    None => return Ok(Scan::Skip { next: bytes.len() }),
                    Some(byte) => at += blank + self.byte(*byte)?,
                }
                continue;
            };
            let is_record = passing.role == Role::Record;
            if is_record && at > 0 {
                return Ok(Scan::Skip { next: at });
            }
            let Some(end) = passing.pass(rest) else {
                return Ok(if is_record { Scan::Partial } else { Scan::Skip { next: bytes.len() } });
            };
            self.passed();
            if is_record {
                return Ok(Scan::Record { end, next: end });
            }
            at += end;
        }
    }

    /// The value that was being passed through has ended.
    fn passed(&mut self) {
        let Some(passing) = self.passing.take() else { return };
        match passing.role {
            Role::Key => {
                self.key = passing.read().unwrap_or_default();
                self.expects = Expects::Colon;
            }
            Role::Carried(slot) => {
                self.said.push(Said { slot, text: passing.read() });
                self.behind_value();
            }
            Role::Record | Role::Nothing => self.behind_value(),
        }
    }

    fn behind_value(&mut self) {
        self.expects = if self.frames.is_empty() { Expects::Value } else { Expects::CommaOrEnd };
    }

    /// Takes the byte that something begins or ends with; says how many bytes it has taken.
    fn byte(&mut self, byte: u8) -> Result<usize, Unreadable> {
        let in_object = self.frames.last().is_some_and(|frame| frame.is_object);
        match (self.expects, byte) {
            (Expects::Key | Expects::KeyOrEnd, b'"') => {
                self.passing = Some(Passing::new(Role::Key, byte));
                return Ok(0);
            }
            (Expects::Colon, b':') => self.expects = Expects::Value,
            (Expects::CommaOrEnd, b',') => self.expects = if in_object { Expects::Key } else { Expects::Value },
            (Expects::KeyOrEnd, b'}') => self.close()?,
            (Expects::ValueOrEnd, b']') => self.close()?,
            (Expects::CommaOrEnd, b'}') if in_object => self.close()?,
            (Expects::CommaOrEnd, b']') if !in_object => self.close()?,
            (Expects::Value | Expects::ValueOrEnd, b) if self.frames.is_empty() || !b",:]}".contains(&b) => {
                return self.value(byte);
            }
            _ => {
                return Err(Unreadable::new(
                    "the JSON around the records is broken: a bracket, a comma or a colon is missing or too many",
                ));
            }
        }
        Ok(1)
    }

    /// A value begins here.
    fn value(&mut self, first: u8) -> Result<usize, Unreadable> {
        let step = self.step();
        if step.is_some()
            && let Some(frame) = self.frames.last_mut()
        {
            frame.met = true;
        }
        if step == Some(self.way.steps.len()) {
            self.passing = Some(Passing::new(Role::Record, first));
            return Ok(0);
        }
        let names = self.names();
        let carried = self.way.carry.iter().find(|(_, way)| *way == names).map(|(slot, _)| *slot);
        let leads_on = self.way.carry.iter().any(|(_, way)| way.len() > names.len() && way.starts_with(&names));
        match (first, step) {
            (b'{' | b'[', Some(_)) => self.open(first, step, names),
            (b'{' | b'[', None) if leads_on => self.open(first, step, names),
            (b'n', Some(_)) | (_, None) => {
                self.passing = Some(Passing::new(carried.map_or(Role::Nothing, Role::Carried), first));
                Ok(0)
            }
            (_, Some(_)) => Err(self.astray("a single value")),
        }
    }

    /// How many steps of the way lead to the value that begins here, if it lies on the way.
    fn step(&self) -> Option<usize> {
        let Some(frame) = self.frames.last() else { return Some(0) };
        let step = frame.step?;
        let leads = match self.way.steps.get(step)? {
            Step::Member(name) => frame.is_object && *name == self.key,
            Step::EveryValue => frame.is_object,
            Step::EveryElement => !frame.is_object,
        };
        leads.then_some(step + 1)
    }

    fn names(&self) -> Vec<String> {
        let Some(frame) = self.frames.last() else { return Vec::new() };
        let own = frame.is_object.then(|| self.key.clone());
        frame.names.iter().cloned().chain(own).collect()
    }

    fn open(&mut self, first: u8, step: Option<usize>, names: Vec<String>) -> Result<usize, Unreadable> {
        let is_object = first == b'{';
        match step.and_then(|step| self.way.steps.get(step)) {
            Some(Step::EveryElement) if is_object => return Err(self.astray("an object, where a list should be")),
            Some(Step::Member(_) | Step::EveryValue) if !is_object => {
                return Err(self.astray("a list, where an object should be"));
            }
            _ => {}
        }
        // What was said within the one before holds no longer.
        let within = |way: &&(usize, Vec<String>)| way.1.len() > names.len() && way.1.starts_with(&names);
        self.said.extend(self.way.carry.iter().filter(within).map(|(slot, _)| Said { slot: *slot, text: None }));
        self.frames.push(Frame { is_object, step, met: false, names });
        self.expects = if is_object { Expects::KeyOrEnd } else { Expects::ValueOrEnd };
        Ok(1)
    }

    fn close(&mut self) -> Result<(), Unreadable> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        match frame.step.and_then(|step| self.way.steps.get(step)) {
            Some(Step::Member(name)) if !frame.met => Err(Unreadable::new(format!(
                "there is no `{name}`, which `records: {}` leads through",
                self.way.written
            ))),
            _ => {
                self.behind_value();
                Ok(())
            }
        }
    }

    fn astray(&self, what: &str) -> Unreadable {
        Unreadable::new(format!("`records: {}` leads to {what}", self.way.written))
    }

    /// The text ends here.
    pub(super) fn finish(&self) -> Result<(), Unreadable> {
        let open = self.passing.as_ref().is_some_and(|passing| passing.kind != Kind::Word);
        if open || !self.frames.is_empty() {
            return Err(Unreadable::new(
                "the JSON is not closed: the object is truncated, or a bracket or quote in it is broken",
            ));
        }
        Ok(())
    }
}
