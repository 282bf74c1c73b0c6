//! tar, as POSIX (ustar, pax), GNU and old programs write it, in pieces.
//!
//! Own reading of the headers: the well-kept library for it pulls from a reader and this has to be
//! pushed. A tar that lacks its closing block is truncated.

use std::borrow::Cow;

use super::bundle::{Archive, MAX_NAME, Members};
use super::length;
use crate::error::Unreadable;

/// All of a tar comes in blocks of this size.
pub(super) const BLOCK: usize = 512;
/// The most that a header which names the next member may hold.
const MAX_EXTENSION: u64 = 64 << 10;

/// A push reader for tar.
#[derive(Default)]
pub(super) struct Tar {
    part: Part,
    /// The bytes of the header or extension that is being collected.
    held: Vec<u8>,
    /// What an extension said of the next member.
    next: Next,
    files: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Header,
    /// A member's bytes, then what fills its last block.
    Data { left: u64, fill: u64, what: What },
    /// Zero blocks after the last member.
    End,
}

/// What the bytes after a header are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Wanted,
    Unwanted,
    /// Properties of the next member, after POSIX.
    Pax,
    /// The name of the next member, after GNU.
    LongName,
}

#[derive(Default)]
struct Next {
    name: Option<String>,
    size: Option<u64>,
}

impl Archive for Tar {
    fn push(&mut self, mut bytes: &[u8], members: &mut dyn Members) -> Result<(), Unreadable> {
        while !bytes.is_empty() {
            bytes = match self.part {
                Part::Header => self.header(bytes, members)?,
                Part::Data { left, fill, what } => self.data(bytes, left, fill, what, members)?,
                Part::End if bytes.iter().all(|byte| *byte == 0) => return Ok(()),
                Part::End => {
                    return Err(Unreadable::new(
                        "something follows after the end of the tar archive: it was damaged or is two archives in one",
                    ));
                }
            };
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), Unreadable> {
        if self.part == Part::End {
            return Ok(());
        }
        Err(Unreadable::new(format!(
            "the tar archive ends without its closing block, after {} file(s): it is truncated; upload it again",
            self.files
        )))
    }
}

impl Tar {
    fn header<'b>(&mut self, bytes: &'b [u8], members: &mut dyn Members) -> Result<&'b [u8], Unreadable> {
        let (first, rest) = bytes.split_at(bytes.len().min(BLOCK - self.held.len()));
        self.held.extend_from_slice(first);
        if self.held.len() == BLOCK {
            let block = std::mem::take(&mut self.held);
            if block.iter().all(|byte| *byte == 0) {
                self.part = Part::End;
            } else if is_header(&block) {
                self.enter(&block, members)?;
            } else {
                return Err(Unreadable::new(format!(
                    "a header of the tar archive does not match its checksum, after {} file(s): it was damaged; upload it again",
                    self.files
                )));
            }
        }
        Ok(rest)
    }

    /// Begins what the header announces.
    fn enter(&mut self, block: &[u8], members: &mut dyn Members) -> Result<(), Unreadable> {
        let kind = block.get(156).copied().unwrap_or(0);
        let written = number(field(block, 124, 12)).ok_or_else(|| {
            Unreadable::new("a header of the tar archive has a size that is no number: it was damaged; upload it again")
        })?;
        let (left, what) = match kind {
            b'x' | b'L' if written > MAX_EXTENSION => {
                return Err(Unreadable::new("a name in the tar archive is longer than any file system allows"));
            }
            b'x' => (written, What::Pax),
            b'L' => (written, What::LongName),
            // What holds for all members, and the target of a link: neither says what is in a file.
            b'g' | b'K' => (written, What::Unwanted),
            kind => {
                let Next { name, size } = std::mem::take(&mut self.next);
                let name = name.unwrap_or_else(|| ustar_name(block));
                let size = size.unwrap_or(written);
                self.member(kind, &name, size, members)?
            }
        };
        let fill = (length(&[0; BLOCK]) - left % length(&[0; BLOCK])) % length(&[0; BLOCK]);
        self.part = Part::Data { left, fill, what };
        if left == 0 { self.complete(what, members) } else { Ok(()) }
    }

    fn member(
        &mut self,
        kind: u8,
        name: &str,
        size: u64,
        members: &mut dyn Members,
    ) -> Result<(u64, What), Unreadable> {
        let is_folder = name.ends_with('/') && kind != b'S';
        match kind {
            0 | b'0' | b'7' if !is_folder => {
                check_name(name)?;
                self.files = self.files.saturating_add(1);
                let wanted = members.begin(name)?;
                Ok((size, if wanted { What::Wanted } else { What::Unwanted }))
            }
            0 | b'0' | b'7' => Ok((size, What::Unwanted)),
            b'S' => Err(Unreadable::new(format!(
                "`{name}` in the tar archive is stored sparsely; write it without `--sparse`"
            ))),
            b'1' | b'2' => {
                // A link stands for a file that may hold usage.
                check_name(name)?;
                if members.begin(name)? {
                    return Err(Unreadable::new("it is a link in the tar archive; write it with `--dereference`"));
                }
                Ok((0, What::Unwanted))
            }
            // Folders and devices hold nothing; of a kind that is not known the size is honoured.
            b'3'..=b'6' => Ok((0, What::Unwanted)),
            _ => Ok((size, What::Unwanted)),
        }
    }

    fn data<'b>(
        &mut self,
        bytes: &'b [u8],
        left: u64,
        fill: u64,
        what: What,
        members: &mut dyn Members,
    ) -> Result<&'b [u8], Unreadable> {
        let of_data = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let (data, rest) = bytes.split_at(of_data);
        let left = left.saturating_sub(length(data));
        match what {
            What::Wanted if !data.is_empty() => members.data(data)?,
            What::Pax | What::LongName => self.held.extend_from_slice(data),
            What::Wanted | What::Unwanted => {}
        }
        let of_fill = usize::try_from(fill).unwrap_or(usize::MAX).min(rest.len());
        let (filling, rest) = rest.split_at(of_fill);
        let fill = fill.saturating_sub(length(filling));
        self.part = if left == 0 && fill == 0 { Part::Header } else { Part::Data { left, fill, what } };
        if left == 0 && !data.is_empty() {
            self.complete(what, members)?;
        }
        Ok(rest)
    }

    /// What the header announced has come whole.
    fn complete(&mut self, what: What, members: &mut dyn Members) -> Result<(), Unreadable> {
        if let Part::Data { left: 0, fill: 0, .. } = self.part {
            self.part = Part::Header;
        }
        let held = std::mem::take(&mut self.held);
        match what {
            What::Wanted => return members.end(),
            What::Unwanted => {}
            What::LongName => self.next.name = Some(text(&held).into_owned()),
            What::Pax => self.properties(&held)?,
        }
        Ok(())
    }

    /// Reads lines of the form `length key=value`.
    fn properties(&mut self, mut held: &[u8]) -> Result<(), Unreadable> {
        let broken =
            || Unreadable::new("an extended header of the tar archive is broken: it was damaged; upload it again");
        while !held.is_empty() {
            let blank = memchr::memchr(b' ', held).ok_or_else(broken)?;
            let length = std::str::from_utf8(held.get(..blank).unwrap_or_default()).ok();
            let length = length.and_then(|length| length.parse::<usize>().ok()).ok_or_else(broken)?;
            let line = held.get(blank + 1..length).and_then(|line| line.strip_suffix(b"\n")).ok_or_else(broken)?;
            let equals = memchr::memchr(b'=', line).ok_or_else(broken)?;
            let (key, value) = (line.get(..equals).unwrap_or_default(), line.get(equals + 1..).unwrap_or_default());
            match key {
                b"path" => self.next.name = Some(text(value).into_owned()),
                b"size" => self.next.size = Some(text(value).parse().map_err(|_| broken())?),
                _ if key.starts_with(b"GNU.sparse.") => {
                    return Err(Unreadable::new(
                        "a file in the tar archive is stored sparsely; write it without `--sparse`",
                    ));
                }
                _ => {}
            }
            held = held.get(length..).unwrap_or_default();
        }
        Ok(())
    }
}

fn check_name(name: &str) -> Result<(), Unreadable> {
    if name.len() > MAX_NAME {
        return Err(Unreadable::new(format!("a name in the tar archive is longer than {MAX_NAME} bytes; shorten it")));
    }
    Ok(())
}

/// Whether a block is the header of a member: its checksum says so, which no text does by chance.
pub(super) fn is_header(block: &[u8]) -> bool {
    let Some(block) = block.get(..BLOCK) else { return false };
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>();
    let blank = 8 * u64::from(b' ');
    let computed = sum(block.get(..148).unwrap_or_default()) + blank + sum(block.get(156..).unwrap_or_default());
    // Summed over all of it, so that a block of zeros is none.
    number(field(block, 148, 8)).is_some_and(|written| written == computed) && sum(block) > 0
}

fn field(block: &[u8], from: usize, length: usize) -> &[u8] {
    block.get(from..from + length).unwrap_or_default()
}

/// Text up to the first zero byte.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default())
}

fn ustar_name(block: &[u8]) -> String {
    let name = text(field(block, 0, 100));
    let prefix = text(field(block, 345, 155));
    // GNU keeps other things where POSIX keeps the prefix.
    let is_posix = field(block, 257, 6) == b"ustar\0";
    if is_posix && !prefix.is_empty() { format!("{prefix}/{name}") } else { name.into_owned() }
}

/// A number in octal digits, or, where the first bit is set, in base 256.
fn number(field: &[u8]) -> Option<u64> {
    match field.split_first() {
        Some((0x80, rest)) => {
            let (high, low) = rest.split_at(rest.len().checked_sub(8)?);
            let low = u64::from_be_bytes(low.try_into().ok()?);
            high.iter().all(|byte| *byte == 0).then_some(low)
        }
        _ => {
            let digits = text(field);
            let digits = digits.trim_matches(' ');
            if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
        }
    }
}
