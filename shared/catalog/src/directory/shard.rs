//! A part of a snapshot: the lines of the deployments whose names hash to it, sorted.

use std::borrow::Cow;
use std::sync::OnceLock;

use super::DirectoryError;
use super::claim::{Claim, Seen, escaped, read, unescaped};
use crate::hash;

/// Deployments to a shard, about: small enough to build one at a time, large enough to be few.
const CLAIMS: u64 = 16_384;

/// How many shards a snapshot has for so many records.
#[must_use]
pub fn shards_for(records: u64) -> u32 {
    u32::try_from(records.div_ceil(CLAIMS).max(1).next_power_of_two()).unwrap_or(u32::MAX)
}

/// The shard of a deployment among `count`.
#[must_use]
pub fn shard_of(deployment: &str, count: u32) -> u32 {
    shard_at(hashed(deployment), count)
}

fn shard_at(hash: u64, count: u32) -> u32 {
    let spread = hash ^ (hash >> 32);
    u32::try_from(spread.checked_rem(u64::from(count)).unwrap_or(0)).unwrap_or(0)
}

/// A deployment's name that is looked for.
pub(super) struct Wanted<'a> {
    /// As it stands in lines.
    written: Cow<'a, str>,
    /// Of the name itself.
    hash: u64,
    /// Of the name as it is written.
    written_hash: u64,
}

impl<'a> Wanted<'a> {
    pub(super) fn new(deployment: &'a str) -> Self {
        let (written, hash) = (escaped(deployment), hashed(deployment));
        let written_hash = if matches!(written, Cow::Borrowed(_)) { hash } else { hashed(&written) };
        Self { written, hash, written_hash }
    }

    /// Its shard among `count`.
    pub(super) fn shard(&self, count: u32) -> u32 {
        shard_at(self.hash, count)
    }
}

/// Sorted lines. What finds a name in them is made when the first one is looked for, so that opening costs nothing.
#[derive(Debug, Clone, Default)]
pub struct Shard {
    text: String,
    index: OnceLock<Index>,
}

impl Shard {
    /// A shard of claims in any order, sorted by their names as written; a fact that is stated twice counts once, as
    /// first recorded. With the hash of its facts, which does not depend on when they were recorded.
    #[must_use]
    pub fn build(mut claims: Vec<Claim>) -> (Self, String) {
        claims.sort_by(|a, b| {
            let name = |claim: &Claim| escaped(&claim.deployment).into_owned();
            let order = || (a.facts(), a.recorded_at).cmp(&(b.facts(), b.recorded_at));
            if a.deployment == b.deployment { order() } else { name(a).cmp(&name(b)) }
        });
        claims.dedup_by(|later, earlier| later.facts() == earlier.facts());
        let (mut text, mut facts) = (String::new(), String::new());
        for claim in &claims {
            let line = claim.line();
            text.push_str(&line);
            text.push_str(&claim.recorded_at.0.to_string());
            text.push('\n');
            facts.push_str(&line);
            facts.push('\n');
        }
        (Self { text, index: OnceLock::new() }, hash::of_text(&facts))
    }

    /// A shard of lines that [`Shard::text`] gave.
    ///
    /// # Errors
    /// [`DirectoryError::Line`] where its last line has no end, or where it is larger than 4 GB.
    pub fn open(text: String) -> Result<Self, DirectoryError> {
        let ended = text.is_empty() || text.ends_with('\n');
        let fits = u32::try_from(text.len()).is_ok_and(|length| length < u32::MAX);
        if ended && fits { Ok(Self { text, index: OnceLock::new() }) } else { Err(DirectoryError::Line) }
    }

    /// The lines, to be stored.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many claims there are.
    #[must_use]
    pub fn len(&self) -> usize {
        memchr::memchr_iter(b'\n', self.text.as_bytes()).count()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The claims about one deployment, by rule and time. Names are compared as they are written.
    pub fn claims(&self, deployment: &str) -> impl Iterator<Item = Seen<'_>> + use<'_> {
        self.claims_of(&Wanted::new(deployment))
    }

    pub(super) fn claims_of(&self, wanted: &Wanted<'_>) -> impl Iterator<Item = Seen<'_>> + use<'_> {
        let index = self.index.get_or_init(|| Index::of(&self.text));
        let start = index.find(&self.text, wanted).unwrap_or(self.text.len());
        let length = wanted.written.len();
        let mut name = None;
        let lines = lines(self.text.get(start..).unwrap_or_default());
        // Lines about one name follow each other.
        let about = lines.take_while(move |line| {
            let found = line.as_bytes().get(length) == Some(&b'\t');
            let this = line.get(..length).filter(|_| found);
            this.is_some() && *name.get_or_insert(this) == this
        });
        about.filter_map(|line| read(line).map(|(_, seen)| seen))
    }

    /// Everything, in the order of the lines: the deployment still escaped, and its claim.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, Seen<'_>)> {
        lines(&self.text).filter_map(read)
    }

    /// All claims by themselves.
    pub fn entries(&self) -> impl Iterator<Item = Claim> {
        self.all().map(|(deployment, seen)| seen.owned(&unescaped(deployment)))
    }

    /// The names of all deployments, each once.
    pub fn deployments(&self) -> impl Iterator<Item = String> {
        let mut last: Option<&str> = None;
        lines(&self.text).map(name_of).filter_map(move |name| {
            let new = last.replace(name) != Some(name);
            new.then(|| unescaped(name))
        })
    }
}

/// The lines of a text whose last line is ended.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = memchr::memchr(b'\n', rest.as_bytes())?;
        let line = rest.get(..end)?;
        rest = rest.get(end.saturating_add(1)..)?;
        Some(line)
    })
}

fn name_of(line: &str) -> &str {
    let end = memchr::memchr(b'\t', line.as_bytes()).unwrap_or(line.len());
    line.get(..end).unwrap_or_default()
}

/// Where the lines about each name begin, by a hash of the name: at most half of the entries are taken.
///
/// Looking at the text costs more than anything else of a lookup. So what an entry does not need for the place holds
/// bits of the name's hash, and the lines of another name are hardly ever looked at.
#[derive(Debug, Clone, Default)]
struct Index {
    /// A place in the text and one, below bits of the hash; 0 where there is none.
    entries: Vec<u32>,
    /// How many bits the place has.
    bits: u32,
}

impl Index {
    fn of(text: &str) -> Self {
        let count = memchr::memchr_iter(b'\n', text.as_bytes()).count();
        let entries = vec![0; count.saturating_mul(2).next_power_of_two().max(2)];
        // A place is below the length, so that a place and one is none above it.
        let bits = usize::BITS.saturating_sub(text.len().leading_zeros());
        let mut index = Self { entries, bits };
        let (mut start, mut last) = (0_usize, None);
        for line in lines(text) {
            let name = name_of(line);
            if last.replace(name) != Some(name) {
                index.add(name, start);
            }
            start = start.saturating_add(line.len()).saturating_add(1);
        }
        index
    }

    fn add(&mut self, name: &str, start: usize) {
        let hash = hashed(name);
        let mut at = self.first(hash);
        while self.entries.get(at).is_some_and(|entry| *entry != 0) {
            at = self.next(at);
        }
        let mark = self.mark(hash);
        if let (Some(entry), Ok(start)) = (self.entries.get_mut(at), u32::try_from(start)) {
            *entry = mark | start.saturating_add(1);
        }
    }

    /// Where the lines about a name begin.
    fn find(&self, text: &str, wanted: &Wanted<'_>) -> Option<usize> {
        let (name, mark) = (wanted.written.as_bytes(), self.mark(wanted.written_hash));
        let mut at = self.first(wanted.written_hash);
        loop {
            let entry = self.entries.get(at).filter(|entry| **entry != 0)?;
            let place = entry ^ mark;
            // Of another name where bits are left above the place.
            if place.checked_shr(self.bits).unwrap_or(0) == 0 {
                let start = usize::try_from(place.checked_sub(1)?).ok()?;
                let rest = text.as_bytes().get(start..)?;
                if rest.starts_with(name) && rest.get(name.len()) == Some(&b'\t') {
                    return Some(start);
                }
            }
            at = self.next(at);
        }
    }

    /// Bits of a hash above those of a place: others than those that choose the shard and the entry.
    fn mark(&self, hash: u64) -> u32 {
        let bits = u32::try_from((hash >> 8) & u64::from(u32::MAX)).unwrap_or(0);
        bits.checked_shr(self.bits).and_then(|high| high.checked_shl(self.bits)).unwrap_or(0)
    }

    fn first(&self, hash: u64) -> usize {
        // Of the bits that did not choose the shard.
        usize::try_from(hash >> 40).unwrap_or(0) & self.entries.len().saturating_sub(1)
    }

    fn next(&self, at: usize) -> usize {
        at.saturating_add(1) & self.entries.len().saturating_sub(1)
    }
}

/// FNV-1a, which no release will change.
fn hashed(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}
