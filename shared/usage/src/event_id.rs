//! Ids of events, so that an event that is sent again counts once.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use metering::mark::{About, Mark, day_of};
use metering::stream::Kind;
use metering::time::Instant;
use sha2::{Digest, Sha256};

use crate::error::Unreadable;
use crate::translate::SeriesTable;

/// An event's id: 128 bits of SHA-256 over the names of its source and stream, its deployment, its
/// day in UTC and the fields that the source's `event-id` names. Two files that hold the same event
/// hold the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub u128);

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl EventId {
    /// Of some texts: no two different lists of them make the same input of the hash.
    pub(crate) fn of<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut hasher = Sha256::new();
        for text in texts {
            hasher.update(text.len().to_le_bytes());
            hasher.update(text);
        }
        let digest = hasher.finalize();
        Self(digest.iter().take(16).fold(0, |id, byte| (id << 8) | u128::from(*byte)))
    }
}

/// What an event adds.
pub(crate) struct Noted {
    pub(crate) series: usize,
    pub(crate) kind: Kind,
    pub(crate) at: Instant,
    pub(crate) until: Option<Instant>,
    pub(crate) value: i128,
}

/// The events of one object while they are met, by their ids.
pub(crate) struct Ids {
    met: BTreeMap<EventId, Noted>,
    limit: usize,
}

impl Ids {
    pub(crate) fn new(limit: usize) -> Self {
        Self { met: BTreeMap::new(), limit }
    }

    /// Whether the event is the first of its id; it is then remembered.
    ///
    /// # Errors
    /// [`Unreadable`] when there are more than are held.
    pub(crate) fn is_first(&mut self, id: EventId, noted: Noted) -> Result<bool, Unreadable> {
        if self.met.contains_key(&id) {
            return Ok(false);
        }
        if self.met.len() >= self.limit {
            return Err(Unreadable::new(format!(
                "the object holds more than {} events with ids; write smaller files, or leave `event-id` out if no event is ever sent twice",
                self.limit
            )));
        }
        self.met.insert(id, noted);
        Ok(true)
    }

    /// The events, in the order in which marks are written.
    pub(crate) fn into_marks(self, file: &Arc<str>, series: &SeriesTable) -> Vec<Mark> {
        let mut known: BTreeMap<(usize, Kind), Arc<About>> = BTreeMap::new();
        let mut mark = |(EventId(id), noted): (EventId, Noted)| {
            let Noted { series: number, kind, at, until, value } = noted;
            let about = known.entry((number, kind)).or_insert_with(|| Arc::new(series.about(number, kind)));
            let (file, about) = (Arc::clone(file), Arc::clone(about));
            Mark { day: day_of(at), id, file, about, at, until, value }
        };
        let mut marks: Vec<Mark> = self.met.into_iter().map(&mut mark).collect();
        marks.sort_by(|a, b| a.rank().cmp(&b.rank()));
        marks
    }
}
