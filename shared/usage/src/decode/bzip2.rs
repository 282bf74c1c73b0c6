//! bzip2, every stream, in pieces.

use bzip2::{Decompress, Status};

use super::{Give, PIECE, Unpack, difference};
use crate::error::Unreadable;

const MAGIC: &[u8] = b"BZh";

/// A push decoder for bzip2.
pub(super) struct Bzip2 {
    part: Part,
    out: Vec<u8>,
    streams: u64,
}

enum Part {
    /// So many bytes of the magic have come.
    Between(usize),
    Inside(Decompress),
    /// Zero bytes after the last stream.
    Padding,
}

impl Default for Bzip2 {
    fn default() -> Self {
        Self { part: Part::Between(0), out: vec![0; PIECE], streams: 0 }
    }
}

impl Unpack for Bzip2 {
    fn push(&mut self, mut bytes: &[u8], give: &mut Give<'_>) -> Result<(), Unreadable> {
        while let Some((byte, rest)) = bytes.split_first() {
            match &mut self.part {
                Part::Inside(_) => bytes = self.body(bytes, give)?,
                Part::Padding if *byte == 0 => bytes = rest,
                Part::Between(0) if *byte == 0 && self.streams > 0 => self.part = Part::Padding,
                Part::Between(known) if MAGIC.get(*known) == Some(byte) => {
                    *known += 1;
                    bytes = rest;
                    if *known == MAGIC.len() {
                        self.part = Part::Inside(Decompress::new(false));
                        self.body(MAGIC, give)?;
                    }
                }
                Part::Between(_) | Part::Padding => return Err(self.garbage()),
            }
        }
        Ok(())
    }

    fn finish(&mut self, _: &mut Give<'_>) -> Result<(), Unreadable> {
        match self.part {
            Part::Padding | Part::Between(0) if self.streams > 0 => Ok(()),
            _ => Err(Unreadable::new(format!(
                "the bzip2 data ends in the middle of stream {}: it is truncated; upload it again",
                self.streams.saturating_add(1)
            ))),
        }
    }
}

impl Bzip2 {
    /// Unpacks up to the end of the stream or of the bytes; returns what is left of these.
    fn body<'b>(&mut self, mut bytes: &'b [u8], give: &mut Give<'_>) -> Result<&'b [u8], Unreadable> {
        loop {
            let Part::Inside(raw) = &mut self.part else { return Ok(bytes) };
            let (taken, given) = (raw.total_in(), raw.total_out());
            let status = raw.decompress(bytes, &mut self.out).map_err(|_| self.damaged())?;
            let Part::Inside(raw) = &self.part else { return Ok(bytes) };
            let used = difference(raw.total_in(), taken);
            let made = difference(raw.total_out(), given);
            bytes = bytes.get(used..).unwrap_or_default();
            give(self.out.get(..made).unwrap_or_default())?;
            match status {
                Status::StreamEnd => {
                    self.streams = self.streams.saturating_add(1);
                    self.part = Part::Between(0);
                }
                Status::MemNeeded => return Err(self.damaged()),
                // A full output may hide more.
                _ if bytes.is_empty() && made < self.out.len() => return Ok(bytes),
                _ if used == 0 && made == 0 => return Err(self.damaged()),
                _ => {}
            }
        }
    }

    fn damaged(&self) -> Unreadable {
        Unreadable::new(format!(
            "the bzip2 data of stream {} is damaged or does not match its checksum; upload it again",
            self.streams.saturating_add(1)
        ))
    }

    fn garbage(&self) -> Unreadable {
        Unreadable::new(format!(
            "something that is not bzip2 follows after {} bzip2 stream(s): it was damaged or is two files in one",
            self.streams
        ))
    }
}
