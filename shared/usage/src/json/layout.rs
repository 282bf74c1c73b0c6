//! Records of a file look alike: the same keys in the same order with the same signs between them.
//!
//! A layout is what one record that was read in full holds besides its strings and numbers. A text
//! that has the same bytes in all those stretches, and exactly one string or number in each of the
//! gaps between them, is JSON with the same keys and the same nesting: its tree is that of the first
//! record with other texts. Whatever differs in any other way is read in full, so that a layout
//! never decides what is JSON and what is not.

mod form;

use std::cell::Cell;

use super::{Kind, Node, Origin, Span};
use crate::scan::{Extent, Glance, same};
use form::{Form, Habits, Place};

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
    /// How many were learnt.
    learnt: u64,
    /// Where the values of the record lie that was located last.
    extents: Vec<Extent>,
}

/// What a record holds besides its strings and numbers, and the tree of the latest that held it.
pub(super) struct Layout {
    /// The record that it was learnt from: spans of keys and words lie in it.
    pub(super) learnt: String,
    pub(super) nodes: Vec<Node>,
    /// The nodes that are strings and numbers, and where these lie in `learnt`.
    gaps: Vec<usize>,
    places: Vec<Place>,
    /// What all records of the layout have.
    form: Form,
    /// What most have: some strings are always as long.
    usual: Option<Form>,
    habits: Habits,
    /// Tells it from every other layout of the tree.
    id: u64,
    /// Objects and their members that were looked up: which is which depends on the layout alone.
    members: [Cell<(usize, usize)>; MEMBERS],
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
        let (place, length, _) = self.begins(text)?;
        let layout = self.known.get_mut(place).filter(|_| length == text.len())?;
        layout.place(&self.extents);
        Some(place)
    }

    /// The layout of the record that `text` begins with, how long the record is, and whether it is
    /// ASCII. No record begins with another one, so that one layout at most is found.
    fn begins(&mut self, text: &[u8]) -> Option<(usize, usize, bool)> {
        let Self { known, extents, latest, .. } = self;
        if let Some((length, ascii)) = known.get_mut(*latest).and_then(|layout| layout.measure(text, extents)) {
            return Some((*latest, length, ascii));
        }
        for (place, layout) in known.iter_mut().enumerate() {
            if let Some((length, ascii)) = layout.measure(text, extents) {
                *latest = place;
                return Some((place, length, ascii));
            }
        }
        None
    }

    /// The record that `text` begins with, if it has a known layout and holds some value.
    pub(super) fn glance(&mut self, text: &[u8]) -> Option<Glance> {
        let (place, length, ascii) = self.begins(text)?;
        let id = self.known.get(place)?.id;
        Some(Glance { id, length, ascii })
    }

    /// The place of the layout of the record that was glanced at, the spans of which are now known.
    pub(super) fn fill(&mut self) -> Option<usize> {
        self.known.get_mut(self.latest)?.place(&self.extents);
        Some(self.latest)
    }

    /// Where the values lie of the record that was located last.
    pub(super) fn extents(&self) -> &[Extent] {
        &self.extents
    }

    pub(super) fn get(&self, place: usize) -> Option<&Layout> {
        self.known.get(place)
    }

    /// Learns the layout of a record that was read in full.
    pub(super) fn learn(&mut self, text: &str, nodes: &[Node]) {
        if !self.looked {
            return;
        }
        let Some(layout) = Layout::of(text, nodes, self.learnt) else { return };
        self.learnt += 1;
        match self.known.get_mut(self.next) {
            Some(oldest) => *oldest = layout,
            None => self.known.push(layout),
        }
        self.latest = self.next;
        self.next = (self.next + 1) % LAYOUTS;
    }
}

impl Layout {
    fn of(text: &str, nodes: &[Node], id: u64) -> Option<Self> {
        let escaped = |node: &Node| node.key.origin == Origin::Unescaped || node.text.origin == Origin::Unescaped;
        if text.len() > MAX_BYTES || nodes.len() > MAX_VALUES || nodes.iter().any(escaped) {
            return None;
        }
        let mut nodes = nodes.to_vec();
        let (mut gaps, mut places) = (Vec::new(), Vec::new());
        for (number, node) in nodes.iter_mut().enumerate() {
            let string = node.kind == Kind::String;
            if string || node.kind == Kind::Number {
                gaps.push(number);
                places.push(Place { extent: Extent { start: node.text.start, end: node.text.end }, string });
            } else {
                node.text.origin = Origin::Learnt;
            }
            node.key.origin = Origin::Learnt;
        }
        Some(Self {
            learnt: text.to_owned(),
            form: Form::new(text.as_bytes(), &places, &vec![false; places.len()]),
            usual: None,
            habits: Habits::new(&places),
            nodes,
            gaps,
            places,
            id,
            members: [const { Cell::new((0, 0)) }; MEMBERS],
        })
    }

    /// The number of the gap that a node's text fills.
    pub(super) fn gap(&self, node: usize) -> Option<usize> {
        self.gaps.binary_search(&node).ok()
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

    /// How long the record of this layout is that `text` begins with, if it does, and whether it is
    /// ASCII. Where its values lie is then in `extents`.
    #[inline]
    fn measure(&mut self, text: &[u8], extents: &mut Vec<Extent>) -> Option<(usize, bool)> {
        let usual = self.usual.as_ref().and_then(|form| form.measure(text, extents));
        usual.or_else(|| self.measure_any(text, extents))
    }

    /// The same of one that is not as most are; learns from it what most are like.
    fn measure_any(&mut self, text: &[u8], extents: &mut Vec<Extent>) -> Option<(usize, bool)> {
        let found = self.form.measure(text, extents)?;
        if let Some(steady) = self.habits.note(text, extents) {
            self.usual = Some(Form::new(self.learnt.as_bytes(), &self.places, steady));
        }
        Some(found)
    }

    /// Says in the nodes where the values lie.
    fn place(&mut self, extents: &[Extent]) {
        for (gap, Extent { start, end }) in self.gaps.iter().zip(extents) {
            if let Some(node) = self.nodes.get_mut(*gap) {
                node.text = Span { start: *start, end: *end, origin: Origin::Record };
            }
        }
    }
}

/// Where a member is remembered, if it is.
fn slot(object: usize, key: &str) -> usize {
    let first = key.as_bytes().first().copied().map_or(0, usize::from);
    let last = key.as_bytes().last().copied().map_or(0, usize::from);
    (object + key.len() * 7 + first * 3 + last) % MEMBERS
}

#[cfg(test)]
mod tests;
