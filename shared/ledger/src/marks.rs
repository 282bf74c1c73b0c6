//! Events that carry ids, across files: an event that stands in several files counts once.
//!
//! ```text
//! file ─ translate ─► its marks ─ aggregate ─► the slot's, by day ─ close ─► the day's usage
//! ```
//!
//! Every file's marks lie sorted beside its tally. A slot's rollup has those of its files merged, day by
//! day; a day's usage is told from the merged marks of all slots. Of equal ids the mark of the file with
//! the smallest identity counts: whatever arrived first, and however often and in whichever order all
//! this is done, it is the same. Nothing is ever taken out of a sum: what counts is added up.
//!
//! All merging is of sorted objects, a piece of each in memory at a time, [`FAN_IN`] at once; of more than
//! that, parts are merged first.

mod cursor;
mod merge;

use std::collections::BTreeMap;

use metering::mark::{BadMarks, Mark, Writer};
use metering::rollup::Run;
use metering::tally::{Cells, TallyError};
use serde::{Deserialize, Serialize};

use crate::ahead;
use crate::error::LedgerError;
use crate::file::read_text;
use crate::names;
use crate::ports::{Bucket, Ports};
use merge::Merge;

/// So many objects are merged at once.
const FAN_IN: usize = 32;

/// Bytes asked for at a time.
const READ_BYTES: u64 = 256 << 10;

/// An object of merged marks has about so many bytes: it is held in memory until it is put.
const OBJECT_BYTES: usize = 8 << 20;

fn unwritable(error: BadMarks) -> LedgerError {
    LedgerError::billing("events with ids", error)
}

/// The marks of one file as they are kept, and the object that keeps them; none of none.
///
/// # Errors
/// [`LedgerError`].
pub(crate) fn of_file(marks: &[Mark]) -> Result<Option<(String, Vec<u8>)>, LedgerError> {
    let mut writer = Writer::default();
    marks.iter().try_for_each(|mark| writer.push(mark)).map_err(unwritable)?;
    let bytes = writer.take().map_err(unwritable)?;
    Ok((!bytes.is_empty()).then(|| (object(&bytes), bytes)))
}

fn object(bytes: &[u8]) -> String {
    named(&names::sha256(bytes))
}

fn named(hash: &str) -> String {
    format!("marks/{hash}")
}

/// Keeps marks under the name that [`of_file`] gave them.
///
/// # Errors
/// [`LedgerError`].
pub(crate) async fn keep<P: Ports>(ports: &P, object: &str, bytes: Vec<u8>) -> Result<(), LedgerError> {
    ports.put_once(Bucket::Work, object, bytes, "application/octet-stream").await?;
    Ok(())
}

/// Merged marks by day on their way into objects.
#[derive(Default)]
struct Runs {
    writer: Writer,
    runs: BTreeMap<i64, Run>,
    day: Option<i64>,
}

impl Runs {
    async fn push<P: Ports>(&mut self, ports: &P, mark: &Mark) -> Result<(), LedgerError> {
        if self.day != Some(mark.day) || self.writer.len() >= OBJECT_BYTES {
            self.end_object(ports).await?;
        }
        self.day = Some(mark.day);
        self.writer.push(mark).map_err(unwritable)?;
        let (from, to) = mark.extent();
        let run = self.runs.entry(mark.day).or_insert(Run { objects: Vec::new(), events: 0, repeats: 0, from, to });
        run.events = run.events.saturating_add(1);
        (run.from, run.to) = (run.from.min(from), run.to.max(to));
        Ok(())
    }

    fn repeated(&mut self, day: i64, times: u64) {
        if let Some(run) = self.runs.get_mut(&day) {
            run.repeats = run.repeats.saturating_add(times);
        }
    }

    async fn end_object<P: Ports>(&mut self, ports: &P) -> Result<(), LedgerError> {
        let bytes = self.writer.take().map_err(unwritable)?;
        if bytes.is_empty() {
            return Ok(());
        }
        let name = object(&bytes);
        keep(ports, &name, bytes).await?;
        if let Some(run) = self.day.and_then(|day| self.runs.get_mut(&day)) {
            run.objects.push(name);
        }
        Ok(())
    }
}

/// Merges inputs, each a list of objects in order, into one run a day.
async fn merged<P: Ports>(ports: &P, inputs: Vec<Vec<String>>) -> Result<BTreeMap<i64, Run>, LedgerError> {
    let (inputs, before) = narrowed(ports, inputs).await?;
    let mut runs = merged_at_once(ports, inputs).await?;
    before.into_iter().for_each(|(day, times)| runs.repeated(day, times));
    Ok(runs.runs)
}

async fn merged_at_once<P: Ports>(ports: &P, inputs: Vec<Vec<String>>) -> Result<Runs, LedgerError> {
    let mut runs = Runs::default();
    let mut merge = Merge::of(ports, inputs).await?;
    while let Some((mark, repeats)) = merge.next_mark().await? {
        if repeats { runs.repeated(mark.day, 1) } else { runs.push(ports, &mark).await? }
    }
    runs.end_object(ports).await?;
    Ok(runs)
}

/// Merges parts of many inputs until few enough are left; and the repeats that were met on the way, by day.
async fn narrowed<P: Ports>(
    ports: &P,
    mut inputs: Vec<Vec<String>>,
) -> Result<(Vec<Vec<String>>, BTreeMap<i64, u64>), LedgerError> {
    let mut repeats = BTreeMap::new();
    while inputs.len() > FAN_IN {
        let mut fewer = Vec::new();
        for part in inputs.chunks(FAN_IN) {
            let runs = merged_at_once(ports, part.to_vec()).await?.runs;
            for (day, run) in &runs {
                let sum: &mut u64 = repeats.entry(*day).or_default();
                *sum = sum.saturating_add(run.repeats);
            }
            fewer.push(runs.into_values().flat_map(|run| run.objects).collect());
        }
        inputs = fewer;
    }
    Ok((inputs, repeats))
}

/// The runs of a slot, from the marks of its files.
///
/// # Errors
/// [`LedgerError`].
pub(crate) async fn roll_up<P: Ports>(ports: &P, files: Vec<String>) -> Result<BTreeMap<i64, Run>, LedgerError> {
    merged(ports, files.into_iter().map(|object| vec![object]).collect()).await
}

/// What the events of one day come to, each counted once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayUsage {
    /// The usage.
    pub cells: Cells,
    /// How many events count.
    pub events: u64,
    /// How many repeat one of them in another file.
    pub repeats: u64,
}

/// The usage of a day, from the runs that all slots have of it. What was told once is kept under the
/// hash of what it was told from, so that a day is merged again only when something of it changed.
///
/// # Errors
/// [`LedgerError`].
pub(crate) async fn usage<P: Ports>(ports: &P, runs: &[Run]) -> Result<DayUsage, LedgerError> {
    let kept = day_object(runs);
    if ports.head(Bucket::Work, &kept).await?.is_some() {
        let text = read_text(ports, Bucket::Work, &kept).await?;
        return serde_json::from_str(&text).map_err(|error| LedgerError::malformed("day", error));
    }
    let usage = added_up(ports, runs).await?;
    let text = serde_json::to_vec(&usage).map_err(|error| LedgerError::malformed("day", error))?;
    ports.put_once(Bucket::Work, &kept, text, "application/json").await?;
    Ok(usage)
}

/// The same, whatever was told before, from events that are what their hashes say.
///
/// # Errors
/// [`LedgerError`]; [`LedgerError::Missing`] for an object that is another one by now.
pub(crate) async fn usage_anew<P: Ports>(ports: &P, runs: &[Run]) -> Result<DayUsage, LedgerError> {
    for object in runs.iter().flat_map(|run| &run.objects) {
        if !is_sound(ports, object).await? {
            return Err(LedgerError::Missing(object.clone()));
        }
    }
    added_up(ports, runs).await
}

async fn added_up<P: Ports>(ports: &P, runs: &[Run]) -> Result<DayUsage, LedgerError> {
    let (inputs, before) = narrowed(ports, runs.iter().map(|run| run.objects.clone()).collect()).await?;
    let met = runs.iter().map(|run| run.repeats).chain(before.into_values());
    let mut usage = DayUsage { repeats: met.fold(0, u64::saturating_add), ..DayUsage::default() };
    let mut merge = Merge::of(ports, inputs).await?;
    while let Some((mark, repeats)) = merge.next_mark().await? {
        if repeats {
            usage.repeats = usage.repeats.saturating_add(1);
        } else {
            usage.events = usage.events.saturating_add(1);
            mark.add_to(&mut usage.cells).map_err(TallyError::from)?;
        }
    }
    Ok(usage)
}

/// Each file's part of some days' usage, where it counts.
///
/// # Errors
/// [`LedgerError`].
pub(crate) async fn by_file<P: Ports>(
    ports: &P,
    runs: &[Run],
    wanted: impl Fn(&Mark) -> bool + Send + Sync,
) -> Result<BTreeMap<String, Cells>, LedgerError> {
    let mut files: BTreeMap<String, Cells> = BTreeMap::new();
    let take = |mark: &Mark| {
        if wanted(mark) {
            mark.add_to(files.entry(mark.file.to_string()).or_default()).map_err(TallyError::from)?;
        }
        Ok(())
    };
    each_counting(ports, runs, take).await?;
    Ok(files)
}

/// Visits the events of some days that count: of those that stand in several files one each.
///
/// # Errors
/// [`LedgerError`], also that of `visit`.
pub(crate) async fn each_counting<P: Ports>(
    ports: &P,
    runs: &[Run],
    mut visit: impl FnMut(&Mark) -> Result<(), LedgerError> + Send,
) -> Result<(), LedgerError> {
    let (inputs, _) = narrowed(ports, runs.iter().map(|run| run.objects.clone()).collect()).await?;
    let mut merge = Merge::of(ports, inputs).await?;
    while let Some((mark, repeats)) = merge.next_mark().await? {
        if !repeats {
            visit(&mark)?;
        }
    }
    Ok(())
}

/// Whether an object of marks is what its name says.
///
/// # Errors
/// [`LedgerError`].
pub(crate) async fn is_sound<P: Ports>(ports: &P, object: &str) -> Result<bool, LedgerError> {
    let Some(meta) = ports.head(Bucket::Work, object).await? else { return Ok(false) };
    Ok(ahead::hash(ports, Bucket::Work, &meta).await?.is_some_and(|hash| object == named(&hash)))
}

/// Named by all that it depends on, whatever the order.
fn day_object(runs: &[Run]) -> String {
    let mut lines: Vec<String> =
        runs.iter().map(|run| format!("{} {}\n", run.objects.join(" "), run.repeats)).collect();
    lines.sort_unstable();
    format!("days/{}.json", names::sha256(lines.concat().as_bytes()))
}
