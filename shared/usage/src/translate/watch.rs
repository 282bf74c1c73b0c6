//! Looking on while an object is translated: every event that counts, with the record that it stands in.

use metering::stream::Kind;
use metering::tally::SeriesKey;
use metering::time::Instant;

use super::{Place, Records, Translator};
use crate::event_id::EventId;
use crate::split::Raw;

/// An event that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen<'r> {
    /// The member of the bundle in which its record stands, if the object is one.
    pub member: Option<&'r str>,
    /// The line on which its record begins, from 1.
    pub line: u64,
    /// The offset of the record's first byte in the unpacked text, from 0.
    pub offset: u64,
    /// The bytes of the record. Of Parquet, the row as it is read.
    pub record: &'r [u8],
    /// What it is about.
    pub key: SeriesKey,
    /// What one sample of its stream says.
    pub kind: Kind,
    /// When it was.
    pub at: Instant,
    /// Where it ends, if it is spread over a time.
    pub until: Option<Instant>,
    /// How much, at the scale of its key.
    pub value: i128,
    /// What tells it from every other event, where the source says so.
    pub id: Option<EventId>,
}

/// Is told of every event that counts, in the order of the records.
pub type Watch<'s> = &'s mut (dyn FnMut(Seen<'_>) + Send);

impl<'s> Translator<'s> {
    /// The same with somebody who looks on, on the thread that pushes: nothing is told of one that works on two. Records
    /// are then all read in full, which takes longer and says the same.
    #[must_use]
    pub fn watched(mut self, watch: Watch<'s>) -> Self {
        if let Place::Here(text) = &mut self.text {
            text.records.watch = Some(watch);
        }
        self
    }
}

impl Records<'_> {
    /// Tells who looks on of one of the present events.
    pub(super) fn tell(&mut self, raw: Raw<'_>, place: usize) {
        let Self { events, series, member, watch: Some(watch), .. } = self else { return };
        let Some(event) = events.list.get(place) else { return };
        watch(Seen {
            member: member.as_deref(),
            line: raw.line,
            offset: raw.offset,
            record: raw.bytes,
            key: series.key(event.series),
            kind: event.kind,
            at: event.at,
            until: event.until,
            value: event.value,
            id: event.id,
        });
    }
}
