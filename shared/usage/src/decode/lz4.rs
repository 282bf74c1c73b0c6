//! lz4 frames, every one, in pieces.
//!
//! Own framing around the block decoder, after the frame format 1.6.4: a frame may be cut anywhere
//! by the pieces, a block is at most 4 MiB, and all checksums that are there are checked.

use std::hash::Hasher;

use lz4_flex::block::decompress_into_with_dict;
use twox_hash::XxHash32;

use super::{Give, Unpack};
use crate::error::Unreadable;

const MAGIC: u32 = 0x184d_2204;
const SKIPPABLE: std::ops::RangeInclusive<u32> = 0x184d_2a50..=0x184d_2a5f;
/// How far back a block may refer to the ones before.
const WINDOW: usize = 64 << 10;
const STORED: u32 = 1 << 31;

/// A push decoder for lz4.
pub(super) struct Lz4 {
    part: Part,
    /// The bytes of the part that is being collected.
    held: Vec<u8>,
    frame: Frame,
    /// The end of what was unpacked, then room for the next block.
    out: Vec<u8>,
    frames: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Magic,
    SkipSize,
    Skip(usize),
    Flags,
    Descriptor(usize),
    BlockSize,
    Block { size: usize, stored: bool },
    BlockChecksum,
    ContentChecksum,
}

#[derive(Default)]
struct Frame {
    linked: bool,
    block_checksum: bool,
    content_checksum: bool,
    block: usize,
    size: Option<u64>,
    given: u64,
    content: XxHash32Default,
    /// Of the latest block.
    last_block: u32,
    /// The first two bytes of its descriptor.
    flags: [u8; 2],
}

/// The hash of an empty content.
struct XxHash32Default(XxHash32);

impl Default for XxHash32Default {
    fn default() -> Self {
        Self(XxHash32::with_seed(0))
    }
}

impl Default for Lz4 {
    fn default() -> Self {
        Self { part: Part::Magic, held: Vec::new(), frame: Frame::default(), out: Vec::new(), frames: 0 }
    }
}

impl Part {
    /// How many bytes it takes.
    fn length(self) -> usize {
        match self {
            Self::Magic | Self::SkipSize | Self::BlockSize | Self::BlockChecksum | Self::ContentChecksum => 4,
            Self::Flags => 2,
            Self::Skip(length) | Self::Descriptor(length) | Self::Block { size: length, .. } => length,
        }
    }
}

impl Unpack for Lz4 {
    fn push(&mut self, mut bytes: &[u8], give: &mut Give<'_>) -> Result<(), Unreadable> {
        while !bytes.is_empty() {
            if let Part::Skip(left) = self.part {
                let skipped = left.min(bytes.len());
                bytes = bytes.get(skipped..).unwrap_or_default();
                self.part = if skipped == left { Part::Magic } else { Part::Skip(left - skipped) };
                continue;
            }
            let missing = self.part.length().saturating_sub(self.held.len());
            let (first, rest) = bytes.split_at(missing.min(bytes.len()));
            self.held.extend_from_slice(first);
            bytes = rest;
            if self.held.len() == self.part.length() {
                let mut held = std::mem::take(&mut self.held);
                self.part = self.complete(&held, give)?;
                held.clear();
                self.held = held;
            }
        }
        Ok(())
    }

    fn finish(&mut self, _: &mut Give<'_>) -> Result<(), Unreadable> {
        if self.part == Part::Magic && self.held.is_empty() && self.frames > 0 {
            return Ok(());
        }
        Err(Unreadable::new(format!(
            "the lz4 data ends in the middle of frame {}: it is truncated; upload it again",
            self.frames.saturating_add(1)
        )))
    }
}

impl Lz4 {
    /// Takes a part that is complete; returns the next one.
    fn complete(&mut self, held: &[u8], give: &mut Give<'_>) -> Result<Part, Unreadable> {
        match self.part {
            Part::Magic => match number(held) {
                MAGIC => Ok(Part::Flags),
                skippable if SKIPPABLE.contains(&skippable) => Ok(Part::SkipSize),
                _ => Err(self.garbage()),
            },
            Part::SkipSize => Ok(match size(number(held)) {
                0 => Part::Magic,
                size => Part::Skip(size),
            }),
            Part::Skip(_) => Ok(Part::Magic),
            Part::Flags => self.flags(held),
            Part::Descriptor(_) => self.descriptor(held),
            Part::BlockSize => self.block_size(number(held)),
            Part::Block { stored, .. } => self.block(held, stored, give),
            Part::BlockChecksum if number(held) == self.frame.last_block => Ok(Part::BlockSize),
            Part::ContentChecksum if number(held) == self.frame.content.0.finish_32() => Ok(self.end()),
            Part::BlockChecksum | Part::ContentChecksum => Err(self.damaged("does not match its checksum")),
        }
    }

    fn flags(&mut self, held: &[u8]) -> Result<Part, Unreadable> {
        let [flags, sizes] = *held else { return Err(self.garbage()) };
        if flags >> 6 != 1 || flags & 2 != 0 || sizes & 0x8f != 0 {
            return Err(self.damaged("uses a version or a flag that does not exist"));
        }
        if flags & 1 != 0 {
            return Err(self.damaged("needs a dictionary, which is not in the object; pack it without one"));
        }
        let block = match sizes >> 4 {
            kind @ 4..=7 => 1_usize << (2 * u32::from(kind) + 8),
            _ => return Err(self.damaged("has a size of blocks that does not exist")),
        };
        self.out.clear();
        self.frame = Frame {
            linked: flags & 0x20 == 0,
            block_checksum: flags & 0x10 != 0,
            content_checksum: flags & 4 != 0,
            block,
            size: (flags & 8 != 0).then_some(0),
            flags: [flags, sizes],
            ..Frame::default()
        };
        Ok(Part::Descriptor(if self.frame.size.is_some() { 9 } else { 1 }))
    }

    /// The rest of the frame's descriptor: the size of the content, if it is there, and a checksum.
    fn descriptor(&mut self, held: &[u8]) -> Result<Part, Unreadable> {
        let Some((check, size)) = held.split_last() else { return Err(self.garbage()) };
        let whole = [self.frame.flags.as_slice(), size].concat();
        let [_, second, ..] = XxHash32::oneshot(0, &whole).to_le_bytes();
        if second != *check {
            return Err(self.damaged("does not match the checksum of its header"));
        }
        if let Ok(size) = size.try_into() {
            self.frame.size = Some(u64::from_le_bytes(size));
        }
        Ok(Part::BlockSize)
    }

    fn block_size(&mut self, written: u32) -> Result<Part, Unreadable> {
        if written == 0 {
            if self.frame.size.is_some_and(|size| size != self.frame.given) {
                return Err(self.damaged("does not have the size that its header says"));
            }
            return Ok(if self.frame.content_checksum { Part::ContentChecksum } else { self.end() });
        }
        let stored = written & STORED != 0;
        let size = size(written & !STORED);
        if size == 0 || size > self.frame.block {
            return Err(self.damaged("has a block that is longer than its header allows"));
        }
        Ok(Part::Block { size, stored })
    }

    fn block(&mut self, held: &[u8], stored: bool, give: &mut Give<'_>) -> Result<Part, Unreadable> {
        let window = if self.frame.linked { self.out.len().min(WINDOW) } else { 0 };
        self.out.drain(..self.out.len() - window);
        if stored {
            self.out.extend_from_slice(held);
        } else {
            self.out.resize(window + self.frame.block, 0);
            let (dictionary, room) = self.out.split_at_mut(window);
            let made = decompress_into_with_dict(held, room, dictionary).map_err(|_| self.damaged("is damaged"))?;
            self.out.truncate(window + made);
        }
        let made = self.out.get(window..).unwrap_or_default();
        self.frame.given = self.frame.given.saturating_add(super::length(made));
        if self.frame.content_checksum {
            self.frame.content.0.write(made);
        }
        give(made)?;
        if self.frame.block_checksum {
            self.frame.last_block = XxHash32::oneshot(0, held);
            return Ok(Part::BlockChecksum);
        }
        Ok(Part::BlockSize)
    }

    fn end(&mut self) -> Part {
        self.frames = self.frames.saturating_add(1);
        Part::Magic
    }

    fn damaged(&self, how: &str) -> Unreadable {
        let frame = self.frames.saturating_add(1);
        Unreadable::new(format!("the lz4 data of frame {frame} {how}; upload it again"))
    }

    fn garbage(&self) -> Unreadable {
        Unreadable::new(format!(
            "something that is not lz4 follows after {} lz4 frame(s): it was damaged or is two files in one",
            self.frames
        ))
    }
}

fn number(held: &[u8]) -> u32 {
    held.try_into().map_or(0, u32::from_le_bytes)
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
