//! A look at an unknown file: a source to begin with.
//!
//! What is proposed is read by the very formats that will read the file, and says in comments what
//! was guessed. Nothing is ever read by a guess: a person puts the proposal into the catalogue.

mod document;
mod fields;
mod layout;
mod markup;
mod pairs;
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
    if bytes.starts_with(b"PAR1") {
        let values = crate::parquet::first_rows(bytes, layout::RECORDS)?;
        let layout = layout::of_json("format: parquet\n", &values);
        let layout = layout.ok_or_else(|| Unreadable::new("the Parquet file has no rows to look at"))?;
        return Ok(propose::write(name, &layout, &fields::judge(&layout.records)));
    }
    let sample = sample(bytes)?;
    let text = sample.text();
    let mut layout = layout::find(text).ok_or_else(|| {
        Unreadable::new(
            "no layout is recognised in it: neither JSON, nor XML, nor pairs, nor metrics, nor columns, nor the lines of an access log; begin with `format: text` and a `pattern` (docs/sources.md)",
        )
    })?;
    layout.yaml.insert_str(0, &sample.members());
    Ok(propose::write(name, &layout, &fields::judge(&layout.records)))
}

/// The first text of the file, or of the largest file of a bundle that was looked at.
#[derive(Default)]
struct Sample {
    bytes: Vec<u8>,
    full: bool,
    /// The name of the file in the bundle.
    member: Option<String>,
    /// How many files the bundle has, as far as it was looked at.
    files: usize,
    /// The file before, where it was larger.
    before: Option<(Option<String>, Vec<u8>)>,
}

impl Sample {
    /// Which files of a bundle of several are read.
    fn members(&self) -> String {
        match &self.member {
            Some(name) if self.files > 1 => {
                let last = name.rsplit('/').next().unwrap_or(name);
                let plain = !last.contains(['{', '}', '*', '"', '\\']);
                let pattern = if plain { last.to_owned() } else { "*".to_owned() };
                format!("# look: which files of the bundle are read\nmembers: \"{pattern}\"\n")
            }
            _ => String::new(),
        }
    }

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
    fn begin(&mut self, member: Member<'_>) -> Result<(), Unreadable> {
        self.files += 1;
        let bytes = std::mem::take(&mut self.bytes);
        if self.before.as_ref().is_none_or(|(_, larger)| bytes.len() > larger.len()) {
            self.before = Some((self.member.take(), bytes));
        }
        self.member = Some(member.name.to_owned());
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
            break;
        }
        decoder.push(piece, &mut sample)?;
    }
    let ended = if sample.full { Ok(()) } else { decoder.finish(&mut sample) };
    if let Some((member, bytes)) = sample.before.take().filter(|(_, bytes)| bytes.len() > sample.bytes.len()) {
        (sample.member, sample.bytes, sample.full) = (member, bytes, false);
    }
    if sample.bytes.is_empty() { ended.map(|()| sample) } else { Ok(sample) }
}
