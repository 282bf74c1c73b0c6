//! Silent deployments: those of which files came steadily, and come no more.
//!
//! How often files of a deployment come is learnt from the last thirty days, by hours of arrival. A file that never came
//! is not in the bucket's listing: this is the only place where its absence is seen.

use std::collections::{BTreeMap, BTreeSet};

use metering::time::Instant;

use crate::aggregate::{load, read_head};
use crate::error::LedgerError;
use crate::file::pages;
use crate::names;
use crate::ports::{Ports, Table};

/// How far back is learnt from.
const DAYS: i64 = 30;
/// Fewer intervals than this say nothing.
const INTERVALS: usize = 4;

/// A deployment of which files are overdue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    /// Which.
    pub deployment: String,
    /// The source of its files.
    pub source: String,
    /// The hour in which the last one came, since the epoch.
    pub last: i64,
    /// Nine in ten came within so many hours of the one before.
    pub usual: i64,
    /// Hours since the last one.
    pub silent: i64,
}

/// The deployments of which no file came for more than twice their usual interval.
///
/// # Errors
/// [`LedgerError`].
pub async fn gaps<P: Ports>(ports: &P, now: Instant) -> Result<Vec<Gap>, LedgerError> {
    let now = now.hour();
    let mut arrivals: BTreeMap<(String, String), BTreeSet<i64>> = BTreeMap::new();
    for (source, _) in pages(ports, Table::Rollup, names::SOURCES).await? {
        for (hour, item) in pages(ports, Table::Rollup, &names::rollups(&source)).await? {
            let Some(hour) = hour.parse::<i64>().ok().filter(|hour| now.saturating_sub(*hour) <= DAYS * 24) else {
                continue;
            };
            for key in load(ports, &read_head(&item)?.body).await?.cells.0.into_keys() {
                arrivals.entry((key.deployment, source.clone())).or_default().insert(hour);
            }
        }
    }
    let gap = |((deployment, source), hours): ((String, String), BTreeSet<i64>)| {
        let (last, usual) = (*hours.last()?, usual(&hours)?);
        let silent = now.saturating_sub(last);
        (silent > usual.saturating_mul(2)).then_some(Gap { deployment, source, last, usual, silent })
    };
    Ok(arrivals.into_iter().filter_map(gap).collect())
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
