//! A part of a snapshot: the lines of the deployments whose names hash to it, sorted.

use std::ops::Range;

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

/// The shard of a deployment among `count`: by a hash (FNV-1a) that no release will change.
#[must_use]
pub fn shard_of(deployment: &str, count: u32) -> u32 {
    let hash = deployment
        .bytes()
        .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
    let spread = hash ^ (hash >> 32);
    u32::try_from(spread.checked_rem(u64::from(count)).unwrap_or(0)).unwrap_or(0)
}

/// Sorted lines with an index.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shard {
    text: String,
    /// Where each line begins, and the end.
    starts: Vec<u32>,
}

impl Shard {
    /// A shard of claims in any order, sorted by their names as written; a fact that is stated twice counts once, as first recorded. With the hash of
    /// its facts, which does not depend on when they were recorded.
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
        let starts = index(&text).unwrap_or_default();
        (Self { text, starts }, hash::of_text(&facts))
    }

    /// A shard of lines that [`Shard::text`] gave.
    ///
    /// # Errors
    /// [`DirectoryError::Line`] where its last line has no end.
    pub fn open(text: String) -> Result<Self, DirectoryError> {
        let starts = index(&text).ok_or(DirectoryError::Line)?;
        Ok(Self { text, starts })
    }

    /// The lines, to be stored.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many claims there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn line(&self, index: usize) -> &str {
        let bound = |index: usize| self.starts.get(index).and_then(|start| usize::try_from(*start).ok());
        let (Some(start), Some(end)) = (bound(index), bound(index.saturating_add(1))) else { return "" };
        self.text.get(start..end.saturating_sub(1)).unwrap_or_default()
    }

    fn name(&self, index: usize) -> &str {
        self.line(index).split('\t').next().unwrap_or_default()
    }

    /// The lines about one deployment; names are compared as they are written.
    fn range(&self, deployment: &str) -> Range<usize> {
        let wanted = escaped(deployment);
        let wanted = wanted.as_bytes();
        let first = partition(self.len(), |index| self.name(index).as_bytes() < wanted);
        let mut end = first;
        while end < self.len() && self.name(end).as_bytes() == wanted {
            end = end.saturating_add(1);
        }
        first..end
    }

    /// The claims about one deployment, by rule and time.
    pub fn claims(&self, deployment: &str) -> impl Iterator<Item = Seen<'_>> + use<'_> {
        self.range(deployment).filter_map(|index| read(self.line(index)).map(|(_, seen)| seen))
    }

    /// Everything, in the order of the lines: the deployment still escaped, and its claim.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, Seen<'_>)> {
        (0..self.len()).filter_map(|index| read(self.line(index)))
    }

    /// All claims by themselves.
    pub fn entries(&self) -> impl Iterator<Item = Claim> {
        self.all().map(|(deployment, seen)| seen.owned(&unescaped(deployment)))
    }

    /// The names of all deployments, each once.
    pub fn deployments(&self) -> impl Iterator<Item = String> {
        let mut last: Option<&str> = None;
        (0..self.len()).filter_map(move |index| {
            let name = self.name(index);
            (last.replace(name) != Some(name)).then(|| unescaped(name))
        })
    }
}

/// Where each line begins; nothing if the last has no end, or if there is too much.
fn index(text: &str) -> Option<Vec<u32>> {
    if !text.is_empty() && !text.ends_with('\n') {
        return None;
    }
    let mut starts = Vec::with_capacity(text.len().div_euclid(64).saturating_add(1));
    starts.push(0);
    for end in memchr::memchr_iter(b'\n', text.as_bytes()) {
        starts.push(u32::try_from(end.saturating_add(1)).ok()?);
    }
    Some(starts)
}

/// The first index for which `before` does not hold.
fn partition(length: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, length);
    while low < high {
        let middle = low.midpoint(high);
        if before(middle) { low = middle.saturating_add(1) } else { high = middle }
    }
    low
}
