//! zip, in pieces, from the front.
//!
//! Own reading of the records: the well-kept library for it needs to seek. Each member is checked
//! against what its header, its descriptor and the directory at the end say of it, and each record
//! of the directory against the members: what was deleted, added or cut off is noticed.

use std::collections::BTreeMap;

use super::bundle::{Archive, MAX_NAME, Members};
use super::inflate::{Body, Passed};
use super::length;
use crate::error::Unreadable;

const MEMBER: u32 = 0x0403_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;
const DIRECTORY: u32 = 0x0201_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;
const END: u32 = 0x0605_4b50;
const SIGNATURE: u32 = 0x0505_4b50;
/// A size that is written elsewhere because it needs 64 bits.
const ELSEWHERE: u32 = u32::MAX;
/// How many members, folders among them, are held against the directory.
const MAX_MEMBERS: usize = 100_000;

/// A push reader for zip.
#[derive(Default)]
pub(super) struct Zip {
    part: Part,
    /// The bytes of the record that is being collected.
    held: Vec<u8>,
    /// Where the next byte stands in the archive.
    at: u64,
    member: Member,
    body: Option<Body>,
    /// What passed, by where the member begins; the directory takes them out again.
    found: BTreeMap<u64, Found>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    /// Between records: four bytes say which one comes.
    #[default]
    Signature,
    /// The fixed part of a record, this long with its signature.
    Fixed(u32, usize),
    /// The whole record, whose length is now known.
    Whole(u32, usize),
    Body,
    Descriptor,
    Done,
}

/// A member that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Found {
    passed: Passed,
    /// The checksum of its name.
    name: u32,
}

/// The member that is being read.
#[derive(Clone, Copy, Debug, Default)]
struct Member {
    start: u64,
    /// The checksum of its name.
    name: u32,
    crc: u32,
    packed: u64,
    unpacked: u64,
    /// Its sizes and checksum come behind it.
    described: bool,
    /// The descriptor's sizes have 64 bits.
    wide: bool,
    wanted: bool,
}

impl Archive for Zip {
    fn push(&mut self, mut bytes: &[u8], members: &mut dyn Members) -> Result<(), Unreadable> {
        while !bytes.is_empty() {
            let before = bytes.len();
            bytes = match self.part {
                Part::Body => self.body(bytes, members)?,
                Part::Descriptor => self.descriptor(bytes, members)?,
                Part::Done => {
                    return Err(Unreadable::new("something follows after the end of the zip archive: it was damaged"));
                }
                Part::Signature => self.collect(bytes, 4, members)?,
                Part::Fixed(_, size) | Part::Whole(_, size) => self.collect(bytes, size, members)?,
            };
            self.at = self.at.saturating_add(u64::try_from(before - bytes.len()).unwrap_or(0));
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), Unreadable> {
        if self.part != Part::Done {
            return Err(Unreadable::new(
                "the zip archive ends before its directory does: it is truncated; upload it again",
            ));
        }
        if self.found.is_empty() { Ok(()) } else { Err(unlisted()) }
    }
}

impl Zip {
    /// Collects a record up to `size` bytes, and takes it when they are there.
    fn collect<'b>(&mut self, bytes: &'b [u8], size: usize, members: &mut dyn Members) -> Result<&'b [u8], Unreadable> {
        let (first, rest) = bytes.split_at(bytes.len().min(size.saturating_sub(self.held.len())));
        self.held.extend_from_slice(first);
        if self.held.len() < size {
            return Ok(rest);
        }
        match self.part {
            Part::Signature => self.part = self.signature()?,
            Part::Fixed(kind, fixed) => self.part = Part::Whole(kind, self.whole(kind, fixed)),
            Part::Whole(kind, _) => self.record(kind, self.at.saturating_add(length(first)), members)?,
            Part::Body | Part::Descriptor | Part::Done => {}
        }
        // A record without a variable part is whole already.
        match self.part {
            Part::Whole(kind, whole) if self.held.len() == whole => {
                self.record(kind, self.at.saturating_add(length(first)), members)?;
            }
            _ => {}
        }
        Ok(rest)
    }

    fn signature(&self) -> Result<Part, Unreadable> {
        let kind = u32_at(&self.held, 0);
        let fixed = match kind {
            MEMBER => 30,
            DIRECTORY => 46,
            END_64 => 12,
            LOCATOR_64 => 20,
            END => 22,
            SIGNATURE => 6,
            // Of a folder, which has nothing to describe.
            DESCRIPTOR => 16,
            _ => {
                return Err(Unreadable::new(format!(
                    "there is no zip record at byte {} of the zip archive: it was damaged; upload it again",
                    self.at
                )));
            }
        };
        Ok(Part::Fixed(kind, fixed))
    }

    /// How long a record is as a whole.
    fn whole(&self, kind: u32, fixed: usize) -> usize {
        let held = &self.held;
        let of = |at| usize::from(u16_at(held, at));
        let variable = match kind {
            MEMBER => of(26) + of(28),
            DIRECTORY => of(28) + of(30) + of(32),
            END => of(20),
            SIGNATURE => of(4),
            // Its own length is the only one of 64 bits; there is nothing of use in what is longer.
            END_64 => usize::try_from(u64_at(held, 4)).unwrap_or(usize::MAX).min(1 << 16),
            _ => 0,
        };
        fixed + variable
    }

    fn record(&mut self, kind: u32, end: u64, members: &mut dyn Members) -> Result<(), Unreadable> {
        let held = std::mem::take(&mut self.held);
        self.part = Part::Signature;
        match kind {
            MEMBER => self.begin(&held, end, members),
            DIRECTORY => self.listed(&held),
            END => {
                self.part = Part::Done;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, held: &[u8], end: u64, members: &mut dyn Members) -> Result<(), Unreadable> {
        let (flags, method) = (u16_at(held, 6), u16_at(held, 8));
        let name_end = 30 + usize::from(u16_at(held, 26));
        let name = String::from_utf8_lossy(held.get(30..name_end).unwrap_or_default());
        let wide = extra_64(held.get(name_end..).unwrap_or_default());
        let (packed, unpacked) = sizes(held, 18, 22, wide);
        self.member = Member {
            start: end.saturating_sub(length(held)),
            name: checksum(held.get(30..name_end).unwrap_or_default()),
            crc: u32_at(held, 14),
            packed,
            unpacked,
            described: flags & 8 != 0,
            wide: wide.is_some(),
            wanted: false,
        };
        let is_folder = name.ends_with('/');
        if !is_folder {
            if name.len() > MAX_NAME {
                return Err(Unreadable::new(format!(
                    "a name in the zip archive is longer than {MAX_NAME} bytes; shorten it"
                )));
            }
            self.member.wanted = members.begin(&name)?;
        }
        if self.member.wanted && flags & 0x41 != 0 {
            return Err(Unreadable::new("it is encrypted; pack it without a password"));
        }
        self.start_body(method, flags & 0x41 != 0, is_folder, members)
    }

    fn start_body(
        &mut self,
        method: u16,
        encrypted: bool,
        is_folder: bool,
        members: &mut dyn Members,
    ) -> Result<(), Unreadable> {
        let Member { described, packed, wanted, .. } = self.member;
        self.body = Some(match method {
            // What is not wanted is passed over, if it is known how long it is.
            _ if !wanted && !described => Body::stored(),
            8 if !encrypted => Body::deflated(),
            0 if !described || packed > 0 || is_folder => Body::stored(),
            0 | 8 => {
                return Err(Unreadable::new(
                    "a member of the zip archive does not say how long it is; pack it again with deflate",
                ));
            }
            method => {
                return Err(Unreadable::new(format!(
                    "it is packed with method {method} of zip, which is not read; pack it with deflate"
                )));
            }
        });
        self.part = Part::Body;
        if self.is_stored_whole() { self.end_body(members) } else { Ok(()) }
    }

    /// Whether a stored body has all of its bytes.
    fn is_stored_whole(&self) -> bool {
        self.body.as_ref().is_some_and(|body| body.is_stored() && body.passed().packed == self.member.packed)
    }

    fn body<'b>(&mut self, bytes: &'b [u8], members: &mut dyn Members) -> Result<&'b [u8], Unreadable> {
        let packed = self.member.packed;
        let Some(body) = &mut self.body else { return Ok(bytes) };
        let mut own = bytes;
        if body.is_stored() {
            let left = packed.saturating_sub(body.passed().packed);
            own = bytes.get(..usize::try_from(left).unwrap_or(usize::MAX)).unwrap_or(bytes);
        }
        let used = body.push(own, &mut |piece| members.data(piece))?;
        let ended = body.has_ended();
        if ended || self.is_stored_whole() {
            self.end_body(members)?;
        }
        Ok(bytes.get(used..).unwrap_or_default())
    }

    fn end_body(&mut self, members: &mut dyn Members) -> Result<(), Unreadable> {
        if self.member.described && !(self.is_stored_whole() && self.member.packed == 0 && !self.member.wanted) {
            self.part = Part::Descriptor;
            return Ok(());
        }
        self.end_member(members)
    }

    /// The sizes and the checksum behind a member: with or without a signature, of 32 or 64 bits.
    /// What they have to be is known, and so is which of the four it is.
    fn descriptor<'b>(&mut self, bytes: &'b [u8], members: &mut dyn Members) -> Result<&'b [u8], Unreadable> {
        let passed = self.body.as_ref().map(Body::passed).unwrap_or_default();
        let expected = descriptors(passed, self.member.wide);
        let Some((byte, rest)) = bytes.split_first() else { return Ok(bytes) };
        self.held.push(*byte);
        if expected.contains(&self.held) {
            self.held.clear();
            (self.member.crc, self.member.packed, self.member.unpacked) = (passed.crc, passed.packed, passed.unpacked);
            self.end_member(members)?;
        } else if !expected.iter().any(|one| one.starts_with(&self.held)) {
            return Err(mismatch());
        }
        Ok(rest)
    }

    fn end_member(&mut self, members: &mut dyn Members) -> Result<(), Unreadable> {
        let Some(body) = self.body.take() else { return Ok(()) };
        let Member { start, name, crc, packed, unpacked, wanted, .. } = self.member;
        let passed = body.passed();
        // What was passed over without being unpacked has a checksum that is not known.
        if wanted && passed != (Passed { packed, unpacked, crc }) {
            return Err(mismatch());
        }
        self.found.insert(start, Found { passed: Passed { packed, unpacked, crc }, name });
        if self.found.len() > MAX_MEMBERS {
            return Err(Unreadable::new(format!("the zip archive has more than {MAX_MEMBERS} members; split it")));
        }
        self.part = Part::Signature;
        if wanted { members.end() } else { Ok(()) }
    }

    /// A record of the directory: it must be of a member that was there.
    fn listed(&mut self, held: &[u8]) -> Result<(), Unreadable> {
        let name_end = 46 + usize::from(u16_at(held, 28));
        let wide = extra_64(held.get(name_end..).unwrap_or_default());
        let (packed, unpacked) = sizes(held, 20, 24, wide);
        let start = match u32_at(held, 42) {
            ELSEWHERE => wide.map_or(0, |extra| {
                let before = [20, 24].iter().filter(|at| u32_at(held, **at) == ELSEWHERE).count();
                u64_at(extra, 8 * before)
            }),
            start => u64::from(start),
        };
        let listed = Found {
            passed: Passed { packed, unpacked, crc: u32_at(held, 16) },
            name: checksum(held.get(46..name_end).unwrap_or_default()),
        };
        match self.found.remove(&start) {
            Some(found) if found == listed => Ok(()),
            Some(_) => Err(mismatch()),
            None => Err(unlisted()),
        }
    }
}

fn checksum(name: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(name);
    crc.sum()
}

fn mismatch() -> Unreadable {
    Unreadable::new(
        "a member of the zip archive does not match its name, checksum or sizes as they are written elsewhere in it: it was damaged; upload it again",
    )
}

fn unlisted() -> Unreadable {
    Unreadable::new(
        "the zip archive and its directory do not list the same members: it was changed in place or damaged; pack it again",
    )
}

/// All that a descriptor of this member can be.
fn descriptors(passed: Passed, wide: bool) -> Vec<Vec<u8>> {
    let crc = passed.crc.to_le_bytes();
    let long = [crc.as_slice(), &passed.packed.to_le_bytes(), &passed.unpacked.to_le_bytes()].concat();
    let low = |size: u64| size.to_le_bytes().get(..4).unwrap_or_default().to_vec();
    let short = [crc.as_slice(), &low(passed.packed), &low(passed.unpacked)].concat();
    let is_long = wide || passed.packed.max(passed.unpacked) > u64::from(u32::MAX);
    let bare = if is_long { vec![long] } else { vec![short, long] };
    let signed = bare.iter().map(|bare| [&DESCRIPTOR.to_le_bytes(), bare.as_slice()].concat());
    let mut all: Vec<_> = signed.collect();
    all.extend(bare);
    all
}

/// The extra field that holds sizes of 64 bits.
fn extra_64(mut extra: &[u8]) -> Option<&[u8]> {
    while extra.len() >= 4 {
        let end = 4 + usize::from(u16_at(extra, 2));
        if u16_at(extra, 0) == 1 {
            return extra.get(4..end);
        }
        extra = extra.get(end..)?;
    }
    None
}

/// The packed and the unpacked size, which stand in the extra field in the other order, each only
/// if it is not in its own place.
fn sizes(held: &[u8], packed: usize, unpacked: usize, wide: Option<&[u8]>) -> (u64, u64) {
    let extra = wide.unwrap_or_default();
    let mut at = 0;
    let mut size = |place: usize| match u32_at(held, place) {
        ELSEWHERE if !extra.is_empty() => {
            at += 8;
            u64_at(extra, at - 8)
        }
        size => u64::from(size),
    };
    let unpacked = size(unpacked);
    (size(packed), unpacked)
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..at + N).and_then(|bytes| bytes.try_into().ok()).unwrap_or([0; N])
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array(bytes, at))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}
