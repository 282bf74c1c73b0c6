//! A look at an unknown file: a source to begin with.
//!
//! What is proposed is read by the very formats that will read the file, and says in comments what
//! was guessed. Nothing is ever read by a guess: a person puts the proposal into the catalogue.

mod fields;
mod layout;
mod propose;

use crate::decode::{Decoder, Member, TextSink};

use crate::error::Unreadable;
use crate::limits::Limits;
use crate::packing::Packing;

/// So much text is looked at.
const SAMPLE: usize = 1 << 20;

/// A source that reads the file, as YAML, with the streams that it feeds. `bytes` are the first of the
/// file, of which a few million are plenty; `name` is the file's.
///
/// # Errors
/// [`Unreadable`] where the packing is broken, or nothing is found that looks like records.
pub fn propose(name: &str, bytes: &[u8]) -> Result<String, Unreadable> {
    let sample = sample(bytes)?;
    let text = sample.text();
    let layout = layout::find(text).ok_or_else(|| {
        Unreadable::new(
            "no layout is recognised in it: neither JSON, nor columns, nor the lines of an access log; begin with `format: text` and a `pattern` (docs/sources.md)",
        )
    })?;
    Ok(propose::write(name, &layout, &fields::judge(&layout.records)))
}

/// The first text of the file.
#[derive(Default)]
struct Sample {
    bytes: Vec<u8>,
    full: bool,
}

impl Sample {
    /// Up to the last whole line, and the last whole character.
    fn text(&self) -> &str {
        let end = match self.bytes.iter().rposition(|byte| *byte == b'\n') {
            Some(end) if self.full => end + 1,
            _ => self.bytes.len(),
        };
        let bytes = self.bytes.get(..end).unwrap_or_default();
        match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                bytes.get(..error.valid_up_to()).and_then(|b| std::str::from_utf8(b).ok()).unwrap_or_default()
            }
        }
    }
}

impl TextSink for Sample {
    fn begin(&mut self, _: Member<'_>) -> Result<(), Unreadable> {
        self.full = self.full || !self.bytes.is_empty();
        Ok(())
    }

    fn text(&mut self, piece: &[u8]) -> Result<(), Unreadable> {
        let room = SAMPLE.saturating_sub(self.bytes.len());
        if !self.full {
            self.bytes.extend_from_slice(piece.get(..room).unwrap_or(piece));
        }
        self.full = self.full || piece.len() >= room;
        Ok(())
    }

    fn end(&mut self) -> Result<(), Unreadable> {
        Ok(())
    }
}

/// The bytes may end anywhere: only what is wrong before the sample is full makes it unreadable.
fn sample(bytes: &[u8]) -> Result<Sample, Unreadable> {
    let packing = Packing::default();
    let mut decoder = Decoder::new(&packing, Limits::default());
    let mut sample = Sample::default();
    for piece in bytes.chunks(16 << 10) {
        if sample.full {
            return Ok(sample);
        }
        decoder.push(piece, &mut sample)?;
    }
    if let (Err(error), true) = (decoder.finish(&mut sample), sample.bytes.is_empty()) {
        return Err(error);
    }
    Ok(sample)
}
