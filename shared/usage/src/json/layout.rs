//! Records of a file look alike: the same keys in the same order with the same signs between them.
//!
//! A layout is what one record that was read in full holds besides its strings and numbers. A text
//! that has the same bytes in all those stretches, and exactly one string or number in each of the
//! gaps between them, is JSON with the same keys and the same nesting: its tree is that of the first
//! record with other texts. Whatever differs in any other way is read in full, so that a layout
//! never decides what is JSON and what is not.

use std::cell::Cell;

use wide::u8x16;

use super::{Kind, Node, Origin, Span};

/// So many layouts are known at a time.
const LAYOUTS: usize = 8;
/// The most bytes and values of a record whose layout is worth learning.
const MAX_BYTES: usize = 16 << 10;
const MAX_VALUES: usize = 1_024;
/// So many places are remembered of members that were looked up.
const MEMBERS: usize = 64;
/// After so many records in a row that look like none before, only one in so many is looked at.
const PATIENCE: u32 = 16;

/// The layouts that records have had.
#[derive(Default)]
pub(super) struct Layouts {
    known: Vec<Layout>,
    /// The one of the latest record that had any.
    latest: usize,
    /// Where the next one is kept.
    next: usize,
    /// How many records in a row had none.
    strangers: u32,
    /// Whether the present record was looked at.
    looked: bool,
}

/// What a record holds besides its strings and numbers, and the tree of the latest that held it.
pub(super) struct Layout {
    /// The record that it was learnt from: spans of keys and words lie in it.
    pub(super) learnt: String,
    pub(super) nodes: Vec<Node>,
    gaps: Vec<Gap>,
    /// Where in `learnt` the stretch after the last gap begins.
    tail: usize,
    /// Objects and their members that were looked up: which is which depends on the layout alone.
    members: [Cell<(usize, usize)>; MEMBERS],
}

/// A string or number, and the stretch of signs and keys before it.
struct Gap {
    /// Where in `learnt` the stretch lies.
    start: usize,
    end: usize,
    /// The value's node.
    node: usize,
    string: bool,
}

impl Layouts {
    /// The tree of `text`, if it has a known layout.
    pub(super) fn locate(&mut self, text: &str) -> Option<usize> {
        self.looked = self.strangers < PATIENCE || self.strangers.is_multiple_of(PATIENCE);
        let found = if self.looked { self.find(text.as_bytes()) } else { None };
        self.strangers = found.map_or(self.strangers.saturating_add(1), |_| 0);
        found
    }

    fn find(&mut self, text: &[u8]) -> Option<usize> {
        let has = |layout: &mut Layout| layout.locate(text);
        if !self.known.get_mut(self.latest).is_some_and(has) {
            self.latest = self.known.iter_mut().position(has)?;
        }
        Some(self.latest)
    }

    pub(super) fn get(&self, place: usize) -> Option<&Layout> {
        self.known.get(place)
    }

    /// Learns the layout of a record that was read in full.
    pub(super) fn learn(&mut self, text: &str, nodes: &[Node]) {
        if !self.looked {
            return;
        }
        let Some(layout) = Layout::of(text, nodes) else { return };
        match self.known.get_mut(self.next) {
            Some(oldest) => *oldest = layout,
            None => self.known.push(layout),
        }
        self.latest = self.next;
        self.next = (self.next + 1) % LAYOUTS;
    }
}

impl Layout {
    fn of(text: &str, nodes: &[Node]) -> Option<Self> {
        let escaped = |node: &Node| node.key.origin == Origin::Unescaped || node.text.origin == Origin::Unescaped;
        if text.len() > MAX_BYTES || nodes.len() > MAX_VALUES || nodes.iter().any(escaped) {
            return None;
        }
        let mut layout = Self {
            learnt: text.to_owned(),
            nodes: nodes.to_vec(),
            gaps: Vec::new(),
            tail: 0,
            members: [const { Cell::new((0, 0)) }; MEMBERS],
        };
        for (number, node) in layout.nodes.iter_mut().enumerate() {
            let string = node.kind == Kind::String;
            if string || node.kind == Kind::Number {
                layout.gaps.push(Gap { start: layout.tail, end: node.text.start, node: number, string });
                layout.tail = node.text.end;
            } else {
                node.text.origin = Origin::Learnt;
            }
            node.key.origin = Origin::Learnt;
        }
        Some(layout)
    }

    /// The member of the object under a key, if it was looked up before.
    pub(super) fn known_member(&self, object: usize, key: &str) -> Option<usize> {
        let (parent, member) = self.members.get(slot(object, key))?.get();
        let node = self.nodes.get(member).filter(|_| parent == object && member > object)?;
        let known = self.learnt.as_bytes().get(node.key.start..node.key.end)?;
        (known.len() == key.len() && same(known, key.as_bytes())).then_some(member)
    }

    pub(super) fn know_member(&self, object: usize, key: &str, member: usize) {
        self.members.get(slot(object, key)).inspect(|place| place.set((object, member)));
    }

    /// Whether `text` has this layout; its strings and numbers are then where the nodes say.
    fn locate(&mut self, text: &[u8]) -> bool {
        let mut at = 0;
        for gap in &self.gaps {
            let Some(stretch) = self.learnt.as_bytes().get(gap.start..gap.end) else { return false };
            let Some(start) = after(text, at, stretch) else { return false };
            let end = if gap.string { end_of_string(text, start) } else { end_of_number(text, start) };
            let (Some(end), Some(node)) = (end, self.nodes.get_mut(gap.node)) else { return false };
            node.text = Span { start, end, origin: Origin::Record };
            at = end;
        }
        let tail = self.learnt.as_bytes().get(self.tail..).unwrap_or_default();
        after(text, at, tail) == Some(text.len())
    }
}

/// Where a member is remembered, if it is.
fn slot(object: usize, key: &str) -> usize {
    let first = key.as_bytes().first().copied().map_or(0, usize::from);
    let last = key.as_bytes().last().copied().map_or(0, usize::from);
    (object + key.len() * 7 + first * 3 + last) % MEMBERS
}

/// Where `stretch` ends, if that is what `text` has at `at`.
#[inline]
fn after(text: &[u8], at: usize, stretch: &[u8]) -> Option<usize> {
    let end = at + stretch.len();
    text.get(at..end).is_some_and(|found| same(found, stretch)).then_some(end)
}

/// Whether two texts of the same length are the same, a register at a time: most are too short for
/// a call to be worth it.
#[inline]
fn same(a: &[u8], b: &[u8]) -> bool {
    let (blocks, _) = a.as_chunks::<16>();
    let (others, _) = b.as_chunks::<16>();
    if blocks.iter().zip(others).any(|(a, b)| u128::from_le_bytes(*a) != u128::from_le_bytes(*b)) {
        return false;
    }
    // What is left over, together with what was compared already.
    match a.len() {
        16.. => a.last_chunk::<16>() == b.last_chunk::<16>(),
        8.. => a.first_chunk::<8>() == b.first_chunk::<8>() && a.last_chunk::<8>() == b.last_chunk::<8>(),
        4.. => a.first_chunk::<4>() == b.first_chunk::<4>() && a.last_chunk::<4>() == b.last_chunk::<4>(),
        _ => a.iter().zip(b).all(|(a, b)| a == b),
    }
}

/// Where the string that begins at `start` has its closing quote, if nothing in it is escaped.
#[inline]
pub(super) fn end_of_string(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    while let Some(block) = text.get(at..).and_then(|rest| rest.first_chunk::<16>()) {
        let block = u8x16::new(*block);
        let control = block.min(u8x16::splat(0x1f)).simd_eq(block);
        let found = block.simd_eq(u8x16::splat(b'"')) | block.simd_eq(u8x16::splat(b'\\')) | control;
        let found = found.to_bitmask();
        if found != 0 {
            let end = at + usize::try_from(found.trailing_zeros()).ok()?;
            return (text.get(end) == Some(&b'"')).then_some(end);
        }
        at += 16;
    }
    let rest = text.get(at..)?;
    let end = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))?;
    (rest.get(end) == Some(&b'"')).then_some(at + end)
}

/// Where the number that begins at `start` ends, if one does (RFC 8259, section 6).
#[inline]
fn end_of_number(text: &[u8], start: usize) -> Option<usize> {
    let whole = start + usize::from(text.get(start) == Some(&b'-'));
    let mut end = digits(text, whole)?;
    if text.get(whole) == Some(&b'0') && end > whole + 1 {
        return None;
    }
    if text.get(end) == Some(&b'.') {
        end = digits(text, end + 1)?;
    }
    if let Some(b'e' | b'E') = text.get(end) {
        let sign = matches!(text.get(end + 1), Some(b'+' | b'-'));
        end = digits(text, end + 1 + usize::from(sign))?;
    }
    Some(end)
}

/// Where the digits that begin at `start` end; there is at least one.
#[inline]
fn digits(text: &[u8], start: usize) -> Option<usize> {
    let mut end = start;
    while text.get(end).is_some_and(u8::is_ascii_digit) {
        end += 1;
    }
    (end > start).then_some(end)
}

#[cfg(test)]
mod tests;
