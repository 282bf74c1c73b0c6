//! JSON values that hold a text in one of their fields, as subscriptions of log services write them.
//!
//! The values stand one a line, one after the other, or in an array. Each of them is opened on its
//! own: what it holds is a text with lines, a header and packing of its own.

use super::base64::Base64;
use super::layer::{Layer, Way, Within};
use super::manifest::walk;
use super::{Member, Unpack};
use crate::error::Unreadable;
use crate::json::{Kind, Tree, Value};
use crate::packing::Way as Path;

/// Opens envelopes, pushed in pieces of any size.
pub(super) struct JsonEnvelope {
    field: Path,
    base64: bool,
    within: Within,
    scan: Scan,
    /// The beginning of a value whose end has not come yet.
    held: Vec<u8>,
    tree: Tree,
    opened: u64,
}

/// Where a JSON object ends, without reading what it says.
#[derive(Clone, Copy, Debug, Default)]
struct Scan {
    depth: u64,
    in_string: bool,
    escaped: bool,
}

impl Scan {
    /// Takes a byte; whether it ends an object.
    fn ends(&mut self, byte: u8) -> bool {
        if self.in_string {
            let ends = byte == b'"' && !self.escaped;
            self.escaped = byte == b'\\' && !self.escaped;
            self.in_string = !ends;
            return false;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' => self.depth = self.depth.saturating_add(1),
            b'}' => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}

impl JsonEnvelope {
    pub(super) fn new(field: Path, base64: bool, within: Within) -> Self {
        let (scan, held, tree) = (Scan::default(), Vec::new(), Tree::default());
        Self { field, base64, within, scan, held, tree, opened: 0 }
    }

    pub(super) fn push(&mut self, mut bytes: &[u8], way: &mut Way<'_>) -> Result<(), Unreadable> {
        loop {
            if self.held.is_empty() {
                bytes = between(bytes, self.opened)?;
            }
            let end = bytes.iter().position(|byte| self.scan.ends(*byte));
            let (own, rest) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
            self.held.extend_from_slice(own);
            if self.held.len() > way.spent.limits.record_bytes {
                let limit = way.spent.limits.record_bytes;
                return Err(Unreadable::new(format!("envelope {} is longer than {limit} bytes", self.opened + 1)));
            }
            if end.is_none() {
                return Ok(());
            }
            self.opened += 1;
            let held = std::mem::take(&mut self.held);
            let outcome = self.open(&held, way);
            outcome.map_err(|error| Unreadable::new(format!("envelope {}: {}", self.opened, error.reason)))?;
            bytes = rest;
        }
    }

    pub(super) fn finish(&self, _: &mut Way<'_>) -> Result<(), Unreadable> {
        if self.held.is_empty() {
            return Ok(());
        }
        Err(Unreadable::new(format!("envelope {} is not closed: the object is truncated", self.opened + 1)))
    }

    fn open(&mut self, held: &[u8], way: &mut Way<'_>) -> Result<(), Unreadable> {
        let text = std::str::from_utf8(held).map_err(|_| Unreadable::new("it is not UTF-8 text"))?;
        let mut tree = std::mem::take(&mut self.tree);
        let root = tree.read(text).map_err(|error| Unreadable::new(error.to_string()))?;
        let mut found = Vec::new();
        let missing = || Unreadable::new(format!("there is no text `{}`", self.field.written));
        walk(root, &self.field.steps, &mut |value| found.push(value)).ok_or_else(missing)?;
        for (i, value) in found.iter().enumerate() {
            if value.kind() != Kind::String {
                return Err(missing());
            }
            let part = if found.len() > 1 { format!(", part {}", i + 1) } else { String::new() };
            self.read(*value, &format!("envelope {}{part}", self.opened), way)?;
        }
        self.tree = tree;
        Ok(())
    }

    fn read(&self, value: Value<'_>, name: &str, way: &mut Way<'_>) -> Result<(), Unreadable> {
        way.sink.begin(Member { name, chosen: None })?;
        let mut layer = Layer::new(self.within);
        if self.base64 {
            let mut base64 = Base64::default();
            let mut give = |piece: &[u8]| {
                way.spent.give(piece)?;
                layer.push(piece, way)
            };
            base64.push(value.text().as_bytes(), &mut give)?;
            base64.finish(&mut give)?;
        } else {
            layer.push(value.text().as_bytes(), way)?;
        }
        layer.finish(way)?;
        way.sink.end()
    }
}

/// What follows the blanks, commas and brackets between values.
fn between(bytes: &[u8], opened: u64) -> Result<&[u8], Unreadable> {
    let is_between = |byte: &u8| byte.is_ascii_whitespace() || b",[]\x1e\xef\xbb\xbf".contains(byte);
    let start = bytes.iter().position(|byte| !is_between(byte)).unwrap_or(bytes.len());
    let rest = bytes.get(start..).unwrap_or_default();
    match rest.first() {
        Some(byte) if *byte != b'{' => Err(Unreadable::new(format!(
            "there is no JSON object after {opened} envelope(s); is `envelope` the right one for this file?"
        ))),
        _ => Ok(rest),
    }
}
