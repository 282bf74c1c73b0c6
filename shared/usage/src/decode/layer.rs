//! One layer of packing: bytes that become what their first ones say.

use super::bundle::Bundle;
use super::envelope::JsonEnvelope;
use super::magic::{self, Kind, Packing, SNIFFED};
use super::manifest::Lookup;
use super::text::Text;
use super::{TextSink, Unpack, length};
use crate::error::Unreadable;
use crate::limits::Limits;
use crate::packing::{Envelope, Packing as Declared};

/// Below this size no ratio is suspicious.
const RATIO_FREE: u64 = 64 << 20;

/// What all layers of an object have taken and given.
pub(super) struct Spent {
    pub(super) limits: Limits,
    taken: u64,
    given: u64,
    /// The members of bundles so far.
    pub(super) members: usize,
}

impl Spent {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, taken: 0, given: 0, members: 0 }
    }

    /// Begins again with the same object.
    pub(super) fn restart(&mut self) {
        (self.given, self.members) = (0, 0);
    }

    /// Counts bytes of the object itself.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), Unreadable> {
        self.taken = self.taken.saturating_add(length(bytes));
        self.check(self.taken)
    }

    /// Counts bytes that were unpacked.
    pub(super) fn give(&mut self, bytes: &[u8]) -> Result<(), Unreadable> {
        self.given = self.given.saturating_add(length(bytes));
        self.check(self.given)
    }

    fn check(&self, bytes: u64) -> Result<(), Unreadable> {
        if bytes <= self.limits.decoded_bytes {
            return Ok(());
        }
        Err(Unreadable::new(format!(
            "the object holds more than {} bytes, which is as much as is read from one object; split it",
            self.limits.decoded_bytes
        )))
    }

    /// At the end, over the whole object: in the middle the outcome would depend on how the pieces
    /// were cut.
    pub(super) fn check_ratio(&self) -> Result<(), Unreadable> {
        if self.given > RATIO_FREE && self.given.checked_div(self.taken.max(1)) > Some(self.limits.ratio) {
            return Err(Unreadable::new(format!(
                "the object grows to more than {} times its size when unpacked, as no usage file does",
                self.limits.ratio
            )));
        }
        Ok(())
    }
}

/// What goes along with the bytes from layer to layer.
pub(super) struct Way<'w> {
    pub(super) spent: &'w mut Spent,
    pub(super) lookup: &'w mut Lookup,
    pub(super) packing: &'w Declared,
    pub(super) sink: &'w mut dyn TextSink,
}

/// A layer, and the ones below it.
#[derive(Default)]
pub(super) struct Layer {
    stage: Stage,
    within: Within,
}

/// Where a layer lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Within {
    /// How many layers are above it.
    pub(super) depth: usize,
    /// Whether it is in a bundle.
    pub(super) bundle: bool,
    /// Whether it is in the envelope that the source declares.
    pub(super) envelope: bool,
}

impl Within {
    fn deeper(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }
}

enum Stage {
    /// Too few bytes so far to tell what they are.
    Sniffing(Vec<u8>),
    Text(Text),
    Packed(Box<dyn Unpack>, Box<Layer>),
    Bundle(Box<Bundle>),
    Envelope(Box<JsonEnvelope>),
}

impl Default for Stage {
    fn default() -> Self {
        Self::Sniffing(Vec::new())
    }
}

impl Layer {
    pub(super) fn new(within: Within) -> Self {
        Self { stage: Stage::default(), within }
    }

    /// Takes the next bytes.
    pub(super) fn push(&mut self, bytes: &[u8], way: &mut Way<'_>) -> Result<(), Unreadable> {
        let Stage::Sniffing(held) = &mut self.stage else { return self.run(bytes, way) };
        if held.is_empty() && bytes.len() >= SNIFFED {
            self.start(bytes, way)?;
            return self.run(bytes, way);
        }
        let (first, rest) = bytes.split_at(bytes.len().min(SNIFFED.saturating_sub(held.len())));
        held.extend_from_slice(first);
        if held.len() < SNIFFED {
            return Ok(());
        }
        self.start_held(way)?;
        if rest.is_empty() { Ok(()) } else { self.run(rest, way) }
    }

    /// The bytes end here.
    pub(super) fn finish(&mut self, way: &mut Way<'_>) -> Result<(), Unreadable> {
        if matches!(self.stage, Stage::Sniffing(_)) {
            self.start_held(way)?;
        }
        match &mut self.stage {
            Stage::Sniffing(_) => Ok(()),
            Stage::Text(text) => text.finish(way.sink),
            Stage::Bundle(bundle) => bundle.finish(way),
            Stage::Envelope(envelope) => envelope.finish(way),
            Stage::Packed(unpack, below) => {
                unpack.finish(&mut |piece| {
                    way.spent.give(piece)?;
                    below.push(piece, way)
                })?;
                below.finish(way)
            }
        }
    }

    fn start_held(&mut self, way: &mut Way<'_>) -> Result<(), Unreadable> {
        let Stage::Sniffing(held) = &mut self.stage else { return Ok(()) };
        let held = std::mem::take(held);
        self.start(&held, way)?;
        self.run(&held, way)
    }

    /// Becomes what the first bytes say.
    fn start(&mut self, first: &[u8], way: &mut Way<'_>) -> Result<(), Unreadable> {
        let packing = magic::packing(first);
        let below = self.within.deeper();
        if packing != Packing::None && below.depth > way.spent.limits.depth {
            return Err(Unreadable::new(format!(
                "the object is packed more than {} times over; pack it once",
                way.spent.limits.depth
            )));
        }
        self.stage = match packing {
            Packing::None => self.text(first, way)?,
            Packing::Bundle(_) if self.within.bundle => {
                return Err(Unreadable::new("it is a bundle within a bundle, which is not read; unpack the inner one"));
            }
            Packing::Bundle(kind) => Stage::Bundle(Box::new(Bundle::new(kind, Within { bundle: true, ..below }))),
            Packing::Once(kind) => packed(kind, below)?,
        };
        Ok(())
    }

    /// What is packed no more: text, or the envelope that the source declares.
    fn text(&self, first: &[u8], way: &Way<'_>) -> Result<Stage, Unreadable> {
        let chosen = !way.packing.members.is_empty() || way.packing.manifest.is_some();
        if chosen && !self.within.bundle {
            return Err(Unreadable::new(
                "the source chooses files of a bundle, but the object is neither tar nor zip; has it been cut, or unpacked?",
            ));
        }
        match &way.packing.envelope {
            Some(Envelope::Base64) if !self.within.envelope && !first.is_empty() => {
                packed(Kind::Base64, Within { envelope: true, ..self.within.deeper() })
            }
            Some(Envelope::Json { field, base64 }) if !self.within.envelope => {
                magic::refuse_binary(first)?;
                let within = Within { envelope: true, ..self.within.deeper() };
                Ok(Stage::Envelope(Box::new(JsonEnvelope::new(field.clone(), *base64, within))))
            }
            _ => Ok(Stage::Text(Text::new(first, way.packing.encoding)?)),
        }
    }

    fn run(&mut self, bytes: &[u8], way: &mut Way<'_>) -> Result<(), Unreadable> {
        match &mut self.stage {
            Stage::Sniffing(_) => Ok(()),
            Stage::Text(text) => text.push(bytes, way.sink),
            Stage::Bundle(bundle) => bundle.push(bytes, way),
            Stage::Envelope(envelope) => envelope.push(bytes, way),
            Stage::Packed(unpack, below) => unpack.push(bytes, &mut |piece| {
                way.spent.give(piece)?;
                below.push(piece, way)
            }),
        }
    }
}

fn packed(kind: Kind, within: Within) -> Result<Stage, Unreadable> {
    Ok(Stage::Packed(kind.unpacker()?, Box::new(Layer::new(within))))
}
