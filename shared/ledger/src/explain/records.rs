//! From a file to its records: the object is read once more, and each record told that brought something to a line.

use std::collections::BTreeSet;

use catalog::Catalogue;
use metering::exact::Exact;
use metering::mark::spread;
use metering::state::StateError;
use metering::tally::{Cells, TallyError};
use metering::time::{Instant, Quarter};
use usage::Seen;

use super::asked::{Asked, Brought, Owned};
use super::shares::{Made, Share};
use crate::error::LedgerError;
use crate::ports::{Bucket, Ports};
use crate::translate::read_watched;

/// So many bytes of a record are handed back.
const RECORD_BYTES: usize = 2_048;

/// A record that brought something to a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The member of the bundle in which it stands, if the object is one.
    pub member: Option<String>,
    /// The line on which it begins, from 1.
    pub line: u64,
    /// The offset of its first byte in the unpacked text, from 0.
    pub offset: u64,
    /// Its text, of a long one the beginning; bytes that are no text are replaced.
    pub text: String,
    /// Its length in bytes.
    pub length: usize,
    /// When its event was.
    pub at: Instant,
    /// What it brought: of an event that is spread over a time, what falls into the line's.
    pub brought: Brought,
}

/// The records of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// The first ones.
    pub shown: Vec<Record>,
    /// How many more there are.
    pub more: u64,
    /// What those brought.
    pub of_more: Brought,
    /// What all of them come to together, as the file's tally adds them up.
    pub total: Brought,
}

/// What is collected while a file is read.
struct Collected<'a> {
    asked: &'a Asked,
    owned: &'a Owned,
    /// The events that count, where they have ids.
    ids: Option<BTreeSet<u128>>,
    show: usize,
    records: Records,
    cells: Cells,
    failed: Option<LedgerError>,
}

impl Collected<'_> {
    fn see(&mut self, seen: &Seen<'_>) {
        if self.failed.is_none()
            && let Err(error) = self.take(seen)
        {
            self.failed = Some(error);
        }
    }

    fn take(&mut self, seen: &Seen<'_>) -> Result<(), LedgerError> {
        let repeats = |ids: &BTreeSet<u128>| seen.id.is_some_and(|id| !ids.contains(&id.0));
        if seen.key.stream != self.asked.stream || self.ids.as_ref().is_some_and(repeats) {
            return Ok(());
        }
        let (mut samples, mut value) = (0_u64, 0_i128);
        let put = |at: Instant, part: i128| {
            if self.asked.counts(&seen.key, Quarter::of(at).start(), self.owned) {
                samples = samples.saturating_add(1);
                value = value.checked_add(part).ok_or(StateError::Overflow)?;
                self.cells.record(&seen.key, seen.kind, at, part)?;
            }
            Ok::<_, StateError>(())
        };
        spread(seen.at, seen.until, seen.value, put).map_err(TallyError::from)?;
        if samples > 0 {
            let sum = Exact::decimal(value, seen.key.scale);
            let sum = sum.map_err(|error| LedgerError::billing(&self.asked.stream, error))?;
            self.keep(seen, Brought { samples, sum })?;
        }
        Ok(())
    }

    fn keep(&mut self, seen: &Seen<'_>, brought: Brought) -> Result<(), LedgerError> {
        let Records { shown, more, of_more, .. } = &mut self.records;
        if shown.len() >= self.show {
            *more = more.saturating_add(1);
            *of_more = of_more.add(&brought)?;
            return Ok(());
        }
        let text = seen.record.get(..RECORD_BYTES).unwrap_or(seen.record);
        shown.push(Record {
            member: seen.member.map(str::to_owned),
            line: seen.line,
            offset: seen.offset,
            text: String::from_utf8_lossy(text).into_owned(),
            length: seen.record.len(),
            at: seen.at,
            brought,
        });
        Ok(())
    }
}

/// The records of a file that brought something to a line, the first `show` of them one by one; or why they cannot be
/// told.
pub(super) async fn records<P: Ports>(
    ports: &P,
    catalogue: &Catalogue,
    made: &Made,
    asked: &Asked,
    share: &Share,
    show: usize,
) -> Result<Result<Records, &'static str>, LedgerError> {
    let input = &share.input;
    let Some(meta) = ports.head(Bucket::Usage, &input.key).await? else { return Ok(Err("the object is gone")) };
    let (source, tags) = match catalogue.source_for(&input.key) {
        Ok(Some((source, tags))) if source.hash() == input.mapping => (source, tags),
        Ok(_) | Err(_) => return Ok(Err("it was read by a mapping that the catalogue of the invoice does not have")),
    };
    let ids = match share.by_id {
        true => Some(made.counting_ids(ports, asked, &share.file).await?),
        false => None,
    };
    let owned = asked.owned(&made.directory);
    let (records, cells) = (Records::default(), Cells::default());
    let mut collected = Collected { asked, owned: &owned, ids, show, records, cells, failed: None };
    let mut watch = |seen: Seen<'_>| collected.see(&seen);
    let Some(draft) = read_watched(ports, source, tags, &meta, Some(&mut watch)).await? else {
        return Ok(Err("the object is being written anew"));
    };
    if draft.record.content != input.content {
        return Ok(Err("the object was written anew since"));
    }
    let Collected { mut records, cells, failed, .. } = collected;
    if let Some(error) = failed {
        return Err(error);
    }
    records.total = asked.part(&cells, &owned)?;
    Ok(Ok(records))
}
