//! Zones: what instant a local time is.

use chrono::{FixedOffset, LocalResult, NaiveDateTime, TimeZone};
use chrono_tz::Tz;

use super::clock::Nanos;
use crate::spec::Ambiguous;

/// A zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Zone {
    /// Of the IANA database, with its changes of clocks.
    Named(Tz),
    /// Always so far from Greenwich.
    Fixed(FixedOffset),
}

impl Zone {
    /// Reads `Europe/Berlin`, `+10:00`, `Z`; `None` if it is neither.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Ok(zone) = text.parse::<Tz>() {
            return Some(Self::Named(zone));
        }
        let seconds = super::format::whole_offset(text)?;
        FixedOffset::east_opt(i32::try_from(seconds).ok()?).map(Self::Fixed)
    }

    /// The instant of a local time.
    ///
    /// # Errors
    /// In words, where the local time never happened, or happened twice and it is not said which is meant.
    pub(crate) fn instant(&self, local: NaiveDateTime, ambiguous: Option<Ambiguous>) -> Result<Nanos, String> {
        match (self, ambiguous) {
            (Self::Fixed(zone), _) => resolve(zone, local, zone, ambiguous),
            (Self::Named(zone), _) => resolve(zone, local, zone, ambiguous),
        }
    }

    /// The first instant of a date, also where clocks go forward over its midnight, or back to it.
    pub(crate) fn midnight(&self, date: chrono::NaiveDate) -> Option<Nanos> {
        let midnight = date.and_hms_opt(0, 0, 0)?;
        // Clocks go forward by at most some hours: the day begins with the first local time there is.
        (0..=96).find_map(|quarters| {
            let local = midnight.checked_add_signed(chrono::TimeDelta::minutes(15 * quarters))?;
            self.instant(local, Some(Ambiguous::Earlier)).ok()
        })
    }
}

fn resolve<Z: TimeZone>(
    zone: &Z,
    local: NaiveDateTime,
    name: &impl std::fmt::Display,
    ambiguous: Option<Ambiguous>,
) -> Result<Nanos, String> {
    match (zone.from_local_datetime(&local), ambiguous) {
        (LocalResult::Single(at), _) => Ok(Nanos::of(&at)),
        (LocalResult::Ambiguous(earlier, _), Some(Ambiguous::Earlier)) => Ok(Nanos::of(&earlier)),
        (LocalResult::Ambiguous(_, later), Some(Ambiguous::Later)) => Ok(Nanos::of(&later)),
        (LocalResult::Ambiguous(..), None) => {
            Err(format!("in {name} this time happened twice, when the clocks went back"))
        }
        (LocalResult::None, _) => Err(format!("in {name} this time never happened: the clocks went forward over it")),
    }
}
