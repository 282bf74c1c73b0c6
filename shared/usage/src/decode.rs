//! From an object's bytes to text: what the bytes are is decided by their first ones, never by a
//! name or a content type.
//!
//! Plain text, gzip (every member) and zstd (every frame), pushed in pieces of any size. Owns the
//! caps on the decoded size; knows nothing of records.

mod gzip;
mod magic;
mod zstandard;

use crate::error::Unreadable;
use crate::limits::Limits;
use gzip::Gzip;
pub(crate) use magic::BYTE_ORDER_MARK;
use magic::{LONGEST_MAGIC, Packing};
use zstandard::Zstandard;

/// Decoded output is handed on in pieces of this size.
const PIECE: usize = 64 << 10;
/// Below this size no ratio is suspicious.
const RATIO_FREE: u64 = 64 << 20;

/// Takes decoded text.
pub(crate) trait TextSink {
    /// The next piece of text.
    fn text(&mut self, piece: &[u8]) -> Result<(), Unreadable>;
}

/// A push decoder.
pub(crate) struct Decoder {
    stage: Stage,
    guard: Guard,
}

enum Stage {
    /// Too few bytes so far to tell what they are.
    Sniffing(Vec<u8>),
    Plain,
    Gzip(Box<Gzip>),
    Zstd(Box<Zstandard>),
}

impl Decoder {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { stage: Stage::Sniffing(Vec::new()), guard: Guard::new(limits) }
    }

    /// Decodes the next bytes of the object.
    pub(crate) fn push(&mut self, bytes: &[u8], sink: &mut impl TextSink) -> Result<(), Unreadable> {
        self.guard.taken = self.guard.taken.saturating_add(length(bytes));
        if let Stage::Sniffing(held) = &mut self.stage {
            held.extend_from_slice(bytes);
            if held.len() < LONGEST_MAGIC {
                return Ok(());
            }
            return self.start(sink);
        }
        self.run(bytes, sink)
    }

    /// The object ends here.
    pub(crate) fn finish(&mut self, sink: &mut impl TextSink) -> Result<(), Unreadable> {
        if matches!(self.stage, Stage::Sniffing(_)) {
            self.start(sink)?;
        }
        match &self.stage {
            Stage::Gzip(gzip) => gzip.finish()?,
            Stage::Zstd(zstd) => zstd.finish()?,
            Stage::Plain | Stage::Sniffing(_) => {}
        }
        self.guard.check_ratio()?;
        self.guard.judge(sink)
    }

    fn start(&mut self, sink: &mut impl TextSink) -> Result<(), Unreadable> {
        let Stage::Sniffing(held) = &mut self.stage else { return Ok(()) };
        let held = std::mem::take(held);
        self.stage = match magic::packing(&held) {
            Packing::Gzip => Stage::Gzip(Box::default()),
            Packing::Zstd => Stage::Zstd(Box::new(Zstandard::new()?)),
            Packing::None => Stage::Plain,
        };
        self.run(&held, sink)
    }

    fn run(&mut self, bytes: &[u8], sink: &mut impl TextSink) -> Result<(), Unreadable> {
        let guard = &mut self.guard;
        match &mut self.stage {
            Stage::Plain | Stage::Sniffing(_) => guard.pass(bytes, sink),
            Stage::Gzip(gzip) => gzip.push(bytes, &mut |piece| guard.pass(piece, sink)),
            Stage::Zstd(zstd) => zstd.push(bytes, &mut |piece| guard.pass(piece, sink)),
        }
    }
}

/// Stands between decompression and the reader: counts, caps, and looks at the first bytes.
struct Guard {
    limits: Limits,
    taken: u64,
    given: u64,
    /// The first bytes of the text until there are enough to judge; `None` afterwards.
    first: Option<Vec<u8>>,
}

impl Guard {
    fn new(limits: Limits) -> Self {
        Self { limits, taken: 0, given: 0, first: Some(Vec::new()) }
    }

    fn pass(&mut self, piece: &[u8], sink: &mut impl TextSink) -> Result<(), Unreadable> {
        self.given = self.given.saturating_add(length(piece));
        if self.given > self.limits.decoded_bytes {
            return Err(Unreadable::new(format!(
                "the object holds more than {} bytes of text, which is as much as is read from one object; split it",
                self.limits.decoded_bytes
            )));
        }
        match &mut self.first {
            None => sink.text(piece),
            Some(first) => {
                first.extend_from_slice(piece);
                if first.len() < LONGEST_MAGIC { Ok(()) } else { self.judge(sink) }
            }
        }
    }

    /// Judges the first bytes, if that is still to be done, and hands them on.
    fn judge(&mut self, sink: &mut impl TextSink) -> Result<(), Unreadable> {
        match self.first.take() {
            Some(first) => {
                magic::refuse_binary(&first)?;
                sink.text(&first)
            }
            None => Ok(()),
        }
    }

    /// At the end, over the whole object: in the middle the outcome would depend on how the pieces
    /// were cut.
    fn check_ratio(&self) -> Result<(), Unreadable> {
        if self.given > RATIO_FREE && self.given.checked_div(self.taken.max(1)) > Some(self.limits.ratio) {
            return Err(Unreadable::new(format!(
                "the object grows to more than {} times its size when decompressed, as no usage file does",
                self.limits.ratio
            )));
        }
        Ok(())
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
