//! Ids of events, so that an event that is sent again counts once.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use metering::time::Instant;
use sha2::{Digest, Sha256};

use crate::error::Unreadable;

/// An event's id: 128 bits of SHA-256 over the names of its source and stream, its deployment and
/// the fields that the source's `event-id` names. Two files that hold the same event hold the same id.
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

/// An event that counted, by its id: what is compared with other files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// The hour of the event, from the epoch: [`Instant::hour`].
    pub hour: i64,
    /// Its id.
    pub id: EventId,
    /// The number of its record in the file, from 1.
    pub record: u64,
}

/// The ids of one object while they are met.
pub(crate) struct Ids {
    met: BTreeMap<EventId, (i32, u32)>,
    /// Ids that count elsewhere, sorted.
    elsewhere: Arc<[EventId]>,
    limit: usize,
}

impl Ids {
    pub(crate) fn new(elsewhere: Arc<[EventId]>, limit: usize) -> Self {
        Self { met: BTreeMap::new(), elsewhere, limit }
    }

    /// Whether the event is the first of its id, here and elsewhere; it is then remembered.
    ///
    /// # Errors
    /// [`Unreadable`] when there are more than are held.
    pub(crate) fn is_first(&mut self, id: EventId, at: Instant, record: u64) -> Result<bool, Unreadable> {
        if self.elsewhere.binary_search(&id).is_ok() || self.met.contains_key(&id) {
            return Ok(false);
        }
        match (i32::try_from(at.hour()), u32::try_from(record)) {
            (Ok(hour), Ok(record)) if self.met.len() < self.limit => {
                self.met.insert(id, (hour, record));
                Ok(true)
            }
            _ => Err(Unreadable::new(format!(
                "the object holds more than {} events with ids; write smaller files, or leave `event-id` out if no event is ever sent twice",
                self.limit
            ))),
        }
    }

    /// The events that counted, by hour and id.
    pub(crate) fn into_marks(self) -> Vec<Mark> {
        let mark = |(id, (hour, record))| Mark { hour: i64::from(hour), id, record: u64::from(record) };
        let mut marks: Vec<Mark> = self.met.into_iter().map(mark).collect();
        marks.sort_unstable();
        marks
    }
}
