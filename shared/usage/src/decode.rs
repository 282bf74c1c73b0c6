//! From an object's bytes to text: what the bytes are is decided by their first ones, never by a
//! name or a content type.
//!
//! ```text
//! bytes ─ layer: gzip ─► layer: tar ─► member ─ layer: zstd ─► layer: text ─► sink
//! ```
//!
//! A *layer* sees the first bytes of what it is pushed, becomes what they say, and pushes what it
//! unpacks into the layer below. Everything takes pieces of any size and holds a bounded part of
//! them. Owns the caps on what is unpacked; knows nothing of records.

mod base64;
mod bundle;
mod bzip2;
mod envelope;
mod gzip;
mod inflate;
mod layer;
mod lz4;
mod magic;
mod manifest;
mod tar;
mod text;
mod xz;
mod zip;
mod zstandard;

use crate::error::Unreadable;
use crate::limits::Limits;
use crate::packing::Packing;
use crate::pattern::Tags;
use layer::{Layer, Spent, Way};
pub(crate) use magic::BYTE_ORDER_MARK;
use manifest::Lookup;

/// Decoded output is handed on in pieces of this size.
const PIECE: usize = 64 << 10;

/// Where an unpacker puts what it has unpacked.
type Give<'g> = dyn FnMut(&[u8]) -> Result<(), Unreadable> + 'g;

/// Undoes one way of packing, pushed in pieces of any size.
trait Unpack: Send {
    /// Unpacks the next bytes.
    fn push(&mut self, bytes: &[u8], give: &mut Give<'_>) -> Result<(), Unreadable>;
    /// The packed bytes end here.
    fn finish(&mut self, give: &mut Give<'_>) -> Result<(), Unreadable>;
}

/// A text within an object: a file of a bundle, or what an envelope holds.
#[derive(Clone, Debug)]
pub(crate) struct Member<'m> {
    /// What it is called in messages.
    pub(crate) name: &'m str,
    /// Of a file of a bundle: which entry of `members` chose it, and what its name and the manifest
    /// say.
    pub(crate) chosen: Option<(usize, Tags)>,
}

/// Takes decoded text.
pub(crate) trait TextSink {
    /// The text of a member begins. An object that is plain, or packed once, is one text that
    /// begins and ends without these calls.
    fn begin(&mut self, member: Member<'_>) -> Result<(), Unreadable>;
    /// The next piece of text.
    fn text(&mut self, piece: &[u8]) -> Result<(), Unreadable>;
    /// The text of the member ends.
    fn end(&mut self) -> Result<(), Unreadable>;
}

/// A push decoder.
pub(crate) struct Decoder<'s> {
    packing: &'s Packing,
    layer: Layer,
    spent: Spent,
    lookup: Lookup,
    /// The object's bytes so far, while the manifest is looked for that says what holds for all
    /// files of the bundle: it may be the last of them.
    held: Option<Vec<u8>>,
}

impl<'s> Decoder<'s> {
    pub(crate) fn new(packing: &'s Packing, limits: Limits) -> Self {
        let first = packing.manifest.as_ref().is_some_and(|manifest| !manifest.tags.is_empty());
        Self {
            packing,
            layer: Layer::default(),
            spent: Spent::new(limits),
            lookup: Lookup::new(first),
            held: first.then(Vec::new),
        }
    }

    /// Decodes the next bytes of the object.
    pub(crate) fn push(&mut self, bytes: &[u8], sink: &mut impl TextSink) -> Result<(), Unreadable> {
        self.spent.take(bytes)?;
        let Some(held) = &mut self.held else { return self.run(bytes, sink) };
        let room = self.spent.limits.held_bytes.saturating_sub(held.len());
        let (first, rest) = bytes.split_at(room.min(bytes.len()));
        held.extend_from_slice(first);
        self.run(first, sink)?;
        if self.lookup.found.is_some() {
            return self.again(rest, sink);
        }
        if rest.is_empty() {
            return Ok(());
        }
        Err(Unreadable::new(format!(
            "the bundle's manifest does not come within its first {} bytes, which is as much as is held until it does; put it first",
            self.spent.limits.held_bytes
        )))
    }

    /// The manifest is known: reads from the beginning what was held, and then the rest.
    fn again(&mut self, rest: &[u8], sink: &mut impl TextSink) -> Result<(), Unreadable> {
        let held = self.held.take().unwrap_or_default();
        self.layer = Layer::default();
        self.spent.restart();
        self.lookup.is_first = false;
        self.run(&held, sink)?;
        self.run(rest, sink)
    }

    /// The object ends here.
    pub(crate) fn finish(&mut self, sink: &mut impl TextSink) -> Result<(), Unreadable> {
        self.end(sink)?;
        if self.held.is_some() {
            self.again(&[], sink)?;
            self.end(sink)?;
        }
        self.spent.check_ratio()
    }

    fn end(&mut self, sink: &mut impl TextSink) -> Result<(), Unreadable> {
        let (spent, lookup) = (&mut self.spent, &mut self.lookup);
        self.layer.finish(&mut Way { spent, lookup, packing: self.packing, sink })
    }

    fn run(&mut self, bytes: &[u8], sink: &mut impl TextSink) -> Result<(), Unreadable> {
        let (spent, lookup) = (&mut self.spent, &mut self.lookup);
        self.layer.push(bytes, &mut Way { spent, lookup, packing: self.packing, sink })
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn difference(after: u64, before: u64) -> usize {
    usize::try_from(after.saturating_sub(before)).unwrap_or(usize::MAX)
}
