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
mod gzip;
mod inflate;
mod layer;
mod lz4;
mod magic;
mod tar;
mod text;
mod xz;
mod zip;
mod zstandard;

use crate::error::Unreadable;
use crate::limits::Limits;
use layer::{Layer, Spent, Way};
pub(crate) use magic::BYTE_ORDER_MARK;

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

/// Takes decoded text.
pub(crate) trait TextSink {
    /// The text of a bundle's member begins. An object that is no bundle is one text that begins
    /// and ends without these calls.
    fn begin(&mut self, member: &str) -> Result<(), Unreadable>;
    /// The next piece of text.
    fn text(&mut self, piece: &[u8]) -> Result<(), Unreadable>;
    /// The text of the member ends.
    fn end(&mut self) -> Result<(), Unreadable>;
}

/// A push decoder.
pub(crate) struct Decoder {
    layer: Layer,
    spent: Spent,
}

impl Decoder {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { layer: Layer::default(), spent: Spent::new(limits) }
    }

    /// Decodes the next bytes of the object.
    pub(crate) fn push(&mut self, bytes: &[u8], sink: &mut impl TextSink) -> Result<(), Unreadable> {
        self.spent.take(bytes)?;
        self.layer.push(bytes, &mut Way { spent: &mut self.spent, sink })
    }

    /// The object ends here.
    pub(crate) fn finish(&mut self, sink: &mut impl TextSink) -> Result<(), Unreadable> {
        self.layer.finish(&mut Way { spent: &mut self.spent, sink })?;
        self.spent.check_ratio()
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn difference(after: u64, before: u64) -> usize {
    usize::try_from(after.saturating_sub(before)).unwrap_or(usize::MAX)
}
