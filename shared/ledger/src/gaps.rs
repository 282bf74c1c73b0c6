//! Silent deployments: those of which files came steadily, and come no more.
//!
//! How often files of a deployment come is declared by their source, or else learnt from the last thirty days, by hours
//! of arrival. A file that never came is not in the bucket's listing: this is the only place where its absence is seen.

use std::collections::{BTreeMap, BTreeSet};

use catalog::Catalogue;
use catalog::directory::{Directory, Owner};
use metering::mark::Mark;
use metering::rollup::Rollup;
use metering::time::Instant;

use crate::aggregate::{load, read_head};
use crate::error::LedgerError;
use crate::file::pages;
use crate::marks;
use crate::names;
use crate::ports::{Ports, Table};
use crate::snapshot;

/// How far back is learnt from.
const DAYS: i64 = 30;
/// How far back the last file of a source is looked for that declares how often they come.
const DECLARED_DAYS: i64 = 400;
/// Fewer intervals than this say nothing.
const INTERVALS: usize = 4;

/// How often files of each deployment come, in hours, by source: for those that declare it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected(pub BTreeMap<String, i64>);

impl Expected {
    /// What a catalogue declares.
    pub fn of(catalogue: &Catalogue) -> Self {
        let declared =
            catalogue.sources.iter().filter_map(|(name, source)| Some((name.clone(), source.expected_hours()?)));
        Self(declared.collect())
    }
}

/// What is known of how often files should come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cadence {
    /// Nine in ten came within the interval.
    Learnt,
    /// The source says so.
    Declared,
    /// The source says so, and none has ever come since somebody owns the deployment.
    Never,
}

/// A deployment of which files are overdue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    /// Which.
    pub deployment: String,
    /// The source of its files; of a deployment that never sent one, all that declare how often they come.
    pub source: String,
    /// The hour in which the last one came, since the epoch; where none ever did, since when somebody owns it.
    pub last: i64,
    /// Files should come within so many hours of the one before.
    pub usual: i64,
    /// Hours since the last one.
    pub silent: i64,
    /// Who says how often.
    pub cadence: Cadence,
}

/// By deployment and source, the hours in which files came.
type Arrivals = BTreeMap<(String, String), BTreeSet<i64>>;

/// The deployments of which no file came for more than twice the interval in which they should.
///
/// # Errors
/// [`LedgerError`].
pub async fn gaps<P: Ports>(ports: &P, expected: &Expected, now: Instant) -> Result<Vec<Gap>, LedgerError> {
    let directory = snapshot::present(ports).await?.directory;
    let arrivals = arrivals(ports, expected, now.hour()).await?;
    let mut gaps: Vec<Gap> =
        arrivals.iter().filter_map(|(of, hours)| gap(expected, &directory, of, hours, now)).collect();
    gaps.extend(never(&directory, expected, &arrivals, now));
    gaps.sort();
    Ok(gaps)
}

async fn arrivals<P: Ports>(ports: &P, expected: &Expected, now: i64) -> Result<Arrivals, LedgerError> {
    let mut arrivals = Arrivals::new();
    for (source, _) in pages(ports, Table::Rollup, names::SOURCES).await? {
        let days = if expected.0.contains_key(&source) { DECLARED_DAYS } else { DAYS };
        for (hour, item) in pages(ports, Table::Rollup, &names::rollups(&source)).await? {
            let within = |hour: &i64| now.saturating_sub(*hour) <= days.saturating_mul(24);
            let Some(hour) = hour.parse::<i64>().ok().filter(within) else { continue };
            let rollup = load(ports, &read_head(&item)?.body).await?;
            for deployment in deployments(ports, rollup).await? {
                arrivals.entry((deployment, source.clone())).or_default().insert(hour);
            }
        }
    }
    Ok(arrivals)
}

/// The deployments that the files of a rollup are about.
async fn deployments<P: Ports>(ports: &P, rollup: Rollup) -> Result<BTreeSet<String>, LedgerError> {
    let mut found: BTreeSet<String> = rollup.cells.0.into_keys().map(|key| key.deployment).collect();
    let take = |mark: &Mark| {
        if !found.contains(&mark.about.key.deployment) {
            found.insert(mark.about.key.deployment.clone());
        }
        Ok(())
    };
    let runs: Vec<_> = rollup.runs.into_values().collect();
    marks::each_counting(ports, &runs, take).await?;
    Ok(found)
}

/// What is silent of one source of one deployment.
fn gap(
    expected: &Expected,
    directory: &Directory,
    (deployment, source): &(String, String),
    hours: &BTreeSet<i64>,
    now: Instant,
) -> Option<Gap> {
    let last = *hours.last()?;
    let silent = now.hour().saturating_sub(last);
    let (usual, cadence) = match expected.0.get(source) {
        Some(hours) => (*hours, Cadence::Declared),
        None => (usual(hours)?, Cadence::Learnt),
    };
    // What is nobody's any more is not asked for for ever.
    let known = silent <= DAYS.saturating_mul(24) || is_owned(directory, deployment, now);
    let (deployment, source) = (deployment.clone(), source.clone());
    let overdue = silent > usual.saturating_mul(2) && known;
    overdue.then_some(Gap { deployment, source, last, usual, silent, cadence })
}

fn is_owned(directory: &Directory, deployment: &str, at: Instant) -> bool {
    matches!(directory.owner(deployment, at), Owner::Matched(_))
}

/// The deployments that somebody owns and of which no file has ever come, where sources declare how often they do.
fn never(directory: &Directory, expected: &Expected, arrivals: &Arrivals, now: Instant) -> Vec<Gap> {
    let Some(usual) = expected.0.values().max().copied() else { return Vec::new() };
    let source = expected.0.keys().cloned().collect::<Vec<_>>().join(", ");
    let heard: BTreeSet<&str> = arrivals.keys().map(|(deployment, _)| deployment.as_str()).collect();
    let silent = directory.deployments().filter(|one| !heard.contains(one.as_str()) && is_owned(directory, one, now));
    let gap = |deployment: String| {
        let since = directory.claims(&deployment).map(|claim| claim.from.hour());
        let last = since.filter(|from| *from <= now.hour()).max()?;
        let silent = now.hour().saturating_sub(last);
        let (source, cadence) = (source.clone(), Cadence::Never);
        (silent > usual.saturating_mul(2)).then_some(Gap { deployment, source, last, usual, silent, cadence })
    };
    silent.filter_map(gap).collect()
}

/// The interval that nine in ten intervals do not exceed.
fn usual(hours: &BTreeSet<i64>) -> Option<i64> {
    let mut intervals: Vec<i64> = hours.iter().zip(hours.iter().skip(1)).map(|(a, b)| b.saturating_sub(*a)).collect();
    if intervals.len() < INTERVALS {
        return None;
    }
    intervals.sort_unstable();
    intervals.get(intervals.len().saturating_mul(9).div_ceil(10).saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_interval_is_that_of_nine_in_ten() {
        let hours = |hours: &[i64]| usual(&hours.iter().copied().collect());
        assert_eq!(hours(&[0, 1, 2, 3]), None, "three intervals say nothing");
        assert_eq!(hours(&[0, 1, 2, 3, 4]), Some(1));
        // Nine of an hour and one of ten.
        assert_eq!(hours(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 19]), Some(1));
        // Every day but at weekends: four of a day, one of three.
        assert_eq!(hours(&[0, 24, 48, 72, 96, 168]), Some(72));
    }
}
