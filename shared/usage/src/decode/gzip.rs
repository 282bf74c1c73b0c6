//! gzip (RFC 1952), every member, in pieces.
//!
//! Own framing around the raw inflater: a member may be cut anywhere by the pieces, a lost end is
//! noticed, and what follows the last member is handled on purpose: zero bytes are padding (tape
//! blocks, preallocated files), anything else is not ignored.

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::{Give, PIECE, Unpack, difference};
use crate::error::Unreadable;

const HEADER: usize = 10;
const TRAILER: usize = 8;

const HEADER_CRC: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
const RESERVED: u8 = 0xe0;

/// A push decoder for gzip.
pub(super) struct Gzip {
    part: Part,
    /// Bytes of the fixed-size part that is being collected.
    held: Vec<u8>,
    flags: u8,
    inflate: Decompress,
    crc: Crc,
    out: Vec<u8>,
    members: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Header,
    ExtraLength,
    Extra(usize),
    Name,
    Comment,
    HeaderCrc,
    Body,
    Trailer,
    Padding,
}

impl Default for Gzip {
    fn default() -> Self {
        Self {
            part: Part::Header,
            held: Vec::with_capacity(HEADER),
            flags: 0,
            inflate: Decompress::new(false),
            crc: Crc::new(),
            out: vec![0; PIECE],
            members: 0,
        }
    }
}

impl Unpack for Gzip {
    fn push(&mut self, mut bytes: &[u8], give: &mut Give<'_>) -> Result<(), Unreadable> {
        while let Some((byte, rest)) = bytes.split_first() {
            if self.part == Part::Body {
                let used = self.body(bytes, give)?;
                bytes = bytes.get(used..).unwrap_or_default();
            } else {
                self.frame(*byte)?;
                bytes = rest;
            }
        }
        // An empty stored block can end the body without another byte of input.
        Ok(())
    }

    fn finish(&mut self, _: &mut Give<'_>) -> Result<(), Unreadable> {
        let between = self.part == Part::Header && self.held.is_empty() && self.members > 0;
        if between || self.part == Part::Padding {
            return Ok(());
        }
        Err(Unreadable::new(format!(
            "the gzip data ends in the middle of member {}: it is truncated; upload it again",
            self.members.saturating_add(1)
        )))
    }
}

impl Gzip {
    /// Inflates; returns how many bytes were used.
    fn body(&mut self, bytes: &[u8], give: &mut Give<'_>) -> Result<usize, Unreadable> {
        let (taken, given) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self
            .inflate
            .decompress(bytes, &mut self.out, FlushDecompress::None)
            .map_err(|error| Unreadable::new(format!("the gzip data is damaged ({error}); upload it again")))?;
        let used = difference(self.inflate.total_in(), taken);
        let made = self.out.get(..difference(self.inflate.total_out(), given)).unwrap_or_default();
        self.crc.update(made);
        give(made)?;
        if status == Status::StreamEnd {
            self.part = Part::Trailer;
        } else if used == 0 && made.is_empty() {
            return Err(Unreadable::new("the gzip data is damaged; upload it again"));
        }
        Ok(used)
    }

    /// Takes one byte of what surrounds the bodies.
    fn frame(&mut self, byte: u8) -> Result<(), Unreadable> {
        match self.part {
            Part::Header => return self.header(byte),
            Part::ExtraLength => {
                self.held.push(byte);
                if let [low, high] = *self.held {
                    self.enter(Part::Extra(usize::from(u16::from_le_bytes([low, high]))));
                }
            }
            Part::Extra(left) => self.enter(Part::Extra(left.saturating_sub(1))),
            Part::Name if byte == 0 => self.enter(Part::Comment),
            Part::Comment if byte == 0 => self.enter(Part::HeaderCrc),
            Part::HeaderCrc => {
                self.held.push(byte);
                if self.held.len() == 2 {
                    self.enter(Part::Body);
                }
            }
            Part::Trailer => return self.trailer(byte),
            Part::Padding if byte != 0 => return Err(self.garbage()),
            Part::Name | Part::Comment | Part::Padding | Part::Body => {}
        }
        Ok(())
    }

    /// Goes to `part`, or on to the next one that this member has.
    fn enter(&mut self, part: Part) {
        self.held.clear();
        let flags = self.flags;
        self.part = match part {
            Part::ExtraLength if flags & EXTRA == 0 => return self.enter(Part::Name),
            Part::Extra(0) => return self.enter(Part::Name),
            Part::Name if flags & NAME == 0 => return self.enter(Part::Comment),
            Part::Comment if flags & COMMENT == 0 => return self.enter(Part::HeaderCrc),
            Part::HeaderCrc if flags & HEADER_CRC == 0 => return self.enter(Part::Body),
            part => part,
        };
    }

    fn header(&mut self, byte: u8) -> Result<(), Unreadable> {
        if self.held.is_empty() && byte == 0 && self.members > 0 {
            self.part = Part::Padding;
            return Ok(());
        }
        self.held.push(byte);
        match *self.held {
            [first] if first != 0x1f => Err(self.garbage()),
            [_, second] if second != 0x8b => Err(self.garbage()),
            [_, _, method, flags, _, _, _, _, _, _] => {
                if method != 8 || flags & RESERVED != 0 {
                    return Err(Unreadable::new("the gzip data uses a method or a flag that does not exist"));
                }
                self.flags = flags;
                self.inflate.reset(false);
                self.crc.reset();
                self.enter(Part::ExtraLength);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn trailer(&mut self, byte: u8) -> Result<(), Unreadable> {
        self.held.push(byte);
        if self.held.len() < TRAILER {
            return Ok(());
        }
        let expected = [self.crc.sum().to_le_bytes(), self.crc.amount().to_le_bytes()].concat();
        if self.held != expected {
            return Err(Unreadable::new(format!(
                "the gzip data of member {} does not match its checksum: it was damaged; upload it again",
                self.members.saturating_add(1)
            )));
        }
        self.members = self.members.saturating_add(1);
        self.enter(Part::Header);
        Ok(())
    }

    fn garbage(&self) -> Unreadable {
        Unreadable::new(format!(
            "something that is not gzip follows after {} gzip member(s): it was damaged or is two files in one",
            self.members
        ))
    }
}
