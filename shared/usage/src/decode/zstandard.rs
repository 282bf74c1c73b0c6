//! Zstandard (RFC 8878), every frame, in pieces.

use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

use super::{Give, PIECE, Unpack};
use crate::error::Unreadable;

/// The window a frame may ask for: 2^25 bytes, what `zstd --ultra -20` uses. It is held in memory.
const WINDOW_LOG: u32 = 25;

/// A push decoder for zstd.
pub(super) struct Zstandard {
    raw: Decoder<'static>,
    out: Vec<u8>,
    between_frames: bool,
}

impl Zstandard {
    pub(super) fn new() -> Result<Self, Unreadable> {
        let mut raw = Decoder::new().map_err(|error| damaged(&error))?;
        raw.set_parameter(DParameter::WindowLogMax(WINDOW_LOG)).map_err(|error| damaged(&error))?;
        Ok(Self { raw, out: vec![0; PIECE], between_frames: false })
    }
}

impl Unpack for Zstandard {
    fn push(&mut self, bytes: &[u8], give: &mut Give<'_>) -> Result<(), Unreadable> {
        if bytes.is_empty() {
            return Ok(());
        }
        let mut input = InBuffer::around(bytes);
        loop {
            let mut output = OutBuffer::around(self.out.as_mut_slice());
            let hint = self.raw.run(&mut input, &mut output).map_err(|error| damaged(&error))?;
            let (made, room) = (output.pos(), output.capacity());
            give(self.out.get(..made).unwrap_or_default())?;
            self.between_frames = hint == 0;
            // A full output may hide more: only a piece with room to spare shows that all is out.
            if input.pos() == bytes.len() && (made < room || self.between_frames) {
                return Ok(());
            }
        }
    }

    fn finish(&mut self, _: &mut Give<'_>) -> Result<(), Unreadable> {
        if self.between_frames {
            return Ok(());
        }
        Err(Unreadable::new("the zstd data ends in the middle of a frame: it is truncated; upload it again"))
    }
}

fn damaged(error: &std::io::Error) -> Unreadable {
    Unreadable::new(format!("the zstd data is damaged or asks for a window above 32 MiB ({error}); upload it again"))
}
