//! A Parquet file of any size, one group of rows after the other.
//!
//! The bytes pass once, in their order, as they must for the hash of the file. What the end said of
//! the places of the columns in use is enough to keep those alone, and those of one group at a time
//! where groups lie one behind the other, as every known writer puts them.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use bytes::buf::{Buf, Reader};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use super::{File, MAGIC, Rows, guarded, metadata, no_parquet};
use crate::error::Unreadable;
use crate::limits::Limits;
use crate::split::RecordSink;

/// A file of which the end is known.
pub(super) struct Groups {
    file: File,
    size: u64,
    /// What it was said to end with.
    end: Vec<u8>,
    /// How many bytes have passed.
    at: u64,
    /// The columns in use of all groups, in the order of their places.
    chunks: Vec<Chunk>,
    /// The first of them that has not passed.
    next: usize,
    groups: Vec<Group>,
    /// The first of them that was not read.
    group: usize,
    /// Bytes that are held, and how many may be.
    held: usize,
    most: usize,
    rows: Rows,
}

/// A group of rows.
#[derive(Clone, Default)]
struct Group {
    /// Which of the chunks are its own.
    chunks: Vec<usize>,
    /// How many of them have not passed.
    missing: usize,
}

/// What a group has of a column.
struct Chunk {
    from: u64,
    to: u64,
    group: usize,
    bytes: Vec<u8>,
}

impl Groups {
    pub(super) fn new(end: &[u8], size: u64, roots: &[String], limits: Limits) -> Result<Self, Unreadable> {
        let file = File::new(metadata(&Bytes::from(end.to_owned()))?, roots)?;
        file.check_size(limits)?;
        let chunks = guarded(|| Ok(chunks(&file)))?;
        let mut groups = vec![Group::default(); file.metadata.num_row_groups()];
        for (at, chunk) in chunks.iter().enumerate() {
            if let Some(group) = groups.get_mut(chunk.group) {
                group.chunks.push(at);
                group.missing += 1;
            }
        }
        let most = limits.parquet_bytes;
        let (at, next, group, held, rows) = (0, 0, 0, 0, Rows::default());
        let groups = Self { file, size, end: end.to_owned(), at, chunks, next, groups, group, held, most, rows };
        groups.check_places()?;
        Ok(groups)
    }

    /// Columns lie within the file, each in a place of its own, and no group takes more than is held.
    fn check_places(&self) -> Result<(), Unreadable> {
        let mut last = 0;
        let mut sizes = vec![0_u64; self.groups.len()];
        for Chunk { from, to, group, .. } in &self.chunks {
            if *from < last || to < from || *to > self.size {
                return Err(Unreadable::new("the Parquet file is damaged: it says that columns lie where they cannot"));
            }
            last = *to;
            if let Some(size) = sizes.get_mut(*group) {
                *size = size.saturating_add(to - from);
            }
        }
        let most = u64::try_from(self.most).unwrap_or(u64::MAX);
        match sizes.iter().position(|size| *size > most) {
            None => Ok(()),
            Some(group) => Err(Unreadable::new(format!(
                "group {} of the rows of the Parquet file has {} bytes in the columns in use, where at most {most} are held at a time; write smaller row groups",
                group + 1,
                sizes.get(group).copied().unwrap_or(0),
            ))),
        }
    }

    /// Takes the next bytes of the file.
    pub(super) fn push(&mut self, bytes: &[u8], sink: &mut impl RecordSink) -> Result<(), Unreadable> {
        self.check_frame(bytes)?;
        let mut rest = bytes;
        while !rest.is_empty() {
            self.read_ready(sink)?;
            let Some(chunk) = self.chunks.get_mut(self.next) else {
                self.at = self.at.saturating_add(length(rest));
                break;
            };
            let step = |to: u64| usize::try_from(to).unwrap_or(usize::MAX).min(rest.len());
            let skipped = step(chunk.from.saturating_sub(self.at));
            let taken = step(chunk.to.saturating_sub(self.at));
            let kept = rest.get(skipped..taken).unwrap_or_default();
            self.held = self.held.saturating_add(kept.len());
            if self.held > self.most {
                return Err(self.scattered());
            }
            chunk.keep(kept);
            rest = rest.get(taken..).unwrap_or_default();
            self.at = self.at.saturating_add(u64::try_from(taken).unwrap_or(u64::MAX));
            if self.at >= chunk.to {
                self.next += 1;
                if let Some(group) = self.groups.get_mut(chunk.group) {
                    group.missing = group.missing.saturating_sub(1);
                }
            }
        }
        self.read_ready(sink)
    }

    fn scattered(&self) -> Unreadable {
        Unreadable::new(format!(
            "the groups of rows of the Parquet file lie in another order than they are listed in, and more than {} bytes would be held of them",
            self.most
        ))
    }

    /// What passes begins as Parquet does, and ends as it was said to end.
    fn check_frame(&self, bytes: &[u8]) -> Result<(), Unreadable> {
        if !overlaps(MAGIC, 0, bytes, self.at) {
            return Err(no_parquet());
        }
        let end = self.size.saturating_sub(length(&self.end));
        if self.at.saturating_add(length(bytes)) > self.size || !overlaps(&self.end, end, bytes, self.at) {
            return Err(otherwise());
        }
        Ok(())
    }

    /// Reads the groups of which all has passed, in the order in which they are listed.
    fn read_ready(&mut self, sink: &mut impl RecordSink) -> Result<(), Unreadable> {
        while let Some(group) = self.groups.get(self.group).filter(|group| group.missing == 0) {
            let mut chunks = Vec::with_capacity(group.chunks.len());
            for at in &group.chunks {
                if let Some(chunk) = self.chunks.get_mut(*at) {
                    chunks.push((chunk.from, Bytes::from(std::mem::take(&mut chunk.bytes))));
                }
            }
            let held: usize = chunks.iter().map(|(_, bytes)| bytes.len()).sum();
            let places = Arc::new(Places { chunks, size: self.size });
            self.rows.read(&self.file, self.group, &places, sink)?;
            self.held = self.held.saturating_sub(held);
            self.group += 1;
        }
        Ok(())
    }

    /// The file ends here.
    pub(super) fn finish(&mut self, sink: &mut impl RecordSink) -> Result<(), Unreadable> {
        if self.at != self.size {
            return Err(otherwise());
        }
        self.read_ready(sink)
    }
}

impl Chunk {
    /// The place of a chunk is known, and so how much of it comes: nothing is moved as it grows.
    fn keep(&mut self, bytes: &[u8]) {
        if self.bytes.capacity() == 0 && !bytes.is_empty() {
            self.bytes.reserve_exact(usize::try_from(self.to.saturating_sub(self.from)).unwrap_or(0));
        }
        self.bytes.extend_from_slice(bytes);
    }
}

fn otherwise() -> Unreadable {
    Unreadable::new("the Parquet file does not end as it was said to end")
}

/// The columns in use of all groups, in the order of their places. Panics where the file says impossible places.
fn chunks(file: &File) -> Vec<Chunk> {
    let groups = file.metadata.row_groups().iter().enumerate();
    let columns = groups.flat_map(|(group, described)| described.columns().iter().map(move |column| (group, column)));
    let used = columns.filter(|(_, column)| file.uses(column));
    let placed = used.map(|(group, column)| {
        let (from, length) = column.byte_range();
        Chunk { from, to: from.saturating_add(length), group, bytes: Vec::new() }
    });
    let mut chunks: Vec<_> = placed.filter(|chunk| chunk.to > chunk.from).collect();
    chunks.sort_by_key(|chunk| chunk.from);
    chunks
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// Whether `bytes` at their place say what `said` says at its own, where the two meet.
fn overlaps(said: &[u8], from: u64, bytes: &[u8], at: u64) -> bool {
    let start = from.max(at);
    let end = from.saturating_add(length(said)).min(at.saturating_add(length(bytes)));
    start >= end || part(said, from, start..end) == part(bytes, at, start..end)
}

/// The part of some bytes of which the first lies at `first`.
fn part(bytes: &[u8], first: u64, places: Range<u64>) -> Option<&[u8]> {
    let within = |place: u64| usize::try_from(place.checked_sub(first)?).ok();
    bytes.get(within(places.start)?..within(places.end)?)
}

/// The columns of one group, where they lie in the file.
struct Places {
    chunks: Vec<(u64, Bytes)>,
    size: u64,
}

impl Places {
    /// What is held from `start` on.
    fn from(&self, start: u64) -> Result<Bytes, ParquetError> {
        let inside = self.chunks.iter().find_map(|(from, bytes)| {
            let skipped = usize::try_from(start.checked_sub(*from)?).ok()?;
            (skipped < bytes.len()).then(|| bytes.slice(skipped..))
        });
        inside.ok_or_else(|| ParquetError::EOF(format!("it goes on at byte {start}, where no column in use lies")))
    }
}

impl Length for Places {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for Places {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        if length == 0 {
            return Ok(Bytes::new());
        }
        let held = self.from(start)?;
        if length > held.len() {
            return Err(ParquetError::EOF(format!("a page at byte {start} is longer than its column")));
        }
        Ok(held.slice(..length))
    }
}
