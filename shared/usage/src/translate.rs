//! The translation of one object: bytes in, a tally and rejects out.

mod alike;
mod apart;
mod events;
mod reader;
mod series;
mod watch;

use std::sync::Arc;

use metering::mark::Mark;
use metering::tally::{Cells, Counts, SeriesKey, Tally};
use metering::time::Instant;

use crate::carry::Carried;
use crate::decode::{Decoder, Member, TextSink};
use crate::error::Unreadable;
use crate::event_id::Ids;
use crate::field::View;
use crate::limits::Limits;
use crate::parquet::Parquet;
use crate::pattern::Tags;
use crate::reject::Reject;
use crate::source::{Format, Mapping, Source};
use crate::split::{Layout, Raw, RecordSink, Said, Splitter, Taken};
use alike::Plans;
use apart::Apart;
use events::{Event, Events};
use reader::Reader;
pub(crate) use series::SeriesTable;
pub use watch::{Seen, Watch};

/// What is known of an object besides its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectContext {
    /// Its key.
    pub key: String,
    /// What the source's pattern captured from the key.
    pub tags: Tags,
    /// What its events are known to come from, where they have ids.
    pub file: Arc<str>,
}

/// What an object comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Translation {
    /// What it contributes, and its counts.
    pub tally: Tally,
    /// The records that could not be translated, up to [`Limits::rejects`] of them; the tally
    /// counts all.
    pub rejects: Vec<Reject>,
    /// The events that counted, where the source declares ids: by day and id, each once.
    pub marks: Vec<Mark>,
    /// What the other events add up to, where the source declares ids: those of files of a bundle that have none.
    pub unmarked: Cells,
    /// The first events, up to [`Limits::shown`] of them.
    pub shown: Vec<Shown>,
    /// Why the object must be looked at by a person before it may count, if it must.
    pub quarantine: Option<String>,
}

/// An event as a person looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The member of the bundle in which its record stands, if the object is one.
    pub member: Option<Arc<str>>,
    /// The line on which its record begins, from 1.
    pub line: u64,
    /// What it is about.
    pub key: SeriesKey,
    /// When it was.
    pub at: Instant,
    /// Where it ends, if it is spread over a time.
    pub until: Option<Instant>,
    /// How much, at the scale of its key.
    pub value: i128,
}

/// Translates one object, pushed in pieces of any size.
///
/// A pure function of bytes, mapping and context: the pieces' sizes change nothing, nor does the
/// number of threads. Memory is bounded by [`Limits`] whatever the object's size. After an error it
/// is of no further use.
pub struct Translator<'s> {
    decoder: Decoder<'s>,
    text: Place<'s>,
}

/// Where text is translated.
enum Place<'s> {
    Here(Box<Text<'s>>),
    Apart(Apart),
}

impl<'s> Translator<'s> {
    /// A translator for one object of the source.
    pub fn new(source: &'s Source, context: ObjectContext) -> Self {
        Self::with_limits(source, context, Limits::default())
    }

    /// The same with other limits.
    pub fn with_limits(source: &'s Source, context: ObjectContext, limits: Limits) -> Self {
        let mapping = &*source.inner;
        let text = Place::Here(Box::new(Text::new(mapping, context, limits)));
        Self { decoder: Decoder::new(&mapping.packing, limits), text }
    }

    /// The same on two threads: what is pushed is unpacked on this one, and its records are translated
    /// on another. For large objects: a thread costs more than a small one.
    pub fn on_two_threads(source: &'s Source, context: ObjectContext, limits: Limits) -> Self {
        let mapping = &*source.inner;
        // Parquet is unpacked column by column, where its records are read.
        let apart = match mapping.format {
            Format::Parquet(_) => None,
            _ => Apart::start(source, &context, limits),
        };
        let Some(apart) = apart else { return Self::with_limits(source, context, limits) };
        Self { decoder: Decoder::new(&mapping.packing, limits), text: Place::Apart(apart) }
    }

    /// Says, before anything is pushed, how large the object is and what its last bytes are, where
    /// its source [asks for them](Source::asks_for_end): then it may be of any size. What comes back
    /// is how many of the last bytes it takes, where these are too few; saying nothing more is
    /// allowed, and so is not asking at all.
    pub fn foresee(&mut self, end: &[u8], size: u64) -> Option<u64> {
        match &mut self.text {
            Place::Here(text) => text.foresee(end, size),
            Place::Apart(_) => None,
        }
    }

    /// Takes the next bytes of the object.
    ///
    /// # Errors
    /// [`Unreadable`]: nothing of the object may count.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Unreadable> {
        match &mut self.text {
            Place::Here(text) => self.decoder.push(bytes, &mut **text),
            Place::Apart(apart) => self.decoder.push(bytes, apart).map_err(|unreadable| apart.first(unreadable)),
        }
    }

    /// Ends the object.
    ///
    /// # Errors
    /// [`Unreadable`] if it is truncated, or ends within a record of which the end cannot be told.
    pub fn finish(mut self) -> Result<Translation, Unreadable> {
        match self.text {
            Place::Here(mut text) => {
                self.decoder.finish(&mut *text)?;
                text.close()
            }
            Place::Apart(mut apart) => match self.decoder.finish(&mut apart) {
                Ok(()) => apart.close(),
                Err(unreadable) => Err(apart.first(unreadable)),
            },
        }
    }
}

/// What finds the records of a text.
enum Cutter {
    Text(Box<Splitter>),
    Parquet(Box<Parquet>),
}

impl Cutter {
    fn new(mapping: &Mapping, limits: Limits) -> Self {
        let layout = match &mapping.format {
            Format::JsonLines | Format::Text(_) | Format::KeyValue(_) | Format::FixedWidth(_) | Format::Prometheus => {
                Layout::Lines
            }
            Format::JsonArray => Layout::Elements,
            Format::Json(way) => Layout::Documents(way.clone()),
            Format::Xml(way) => Layout::Xml(way.clone()),
            Format::Csv(csv) => Layout::Rows(csv.dialect),
            Format::Parquet(roots) => return Self::Parquet(Box::new(Parquet::new(roots, limits))),
        };
        Self::Text(Box::new(Splitter::new(layout, &mapping.lines, limits.record_bytes)))
    }
}

/// Text on its way to records.
struct Text<'s> {
    source: &'s Mapping,
    /// What the object's key says.
    of_key: Tags,
    cutter: Cutter,
    records: Records<'s>,
}

impl<'s> Text<'s> {
    fn new(mapping: &'s Mapping, context: ObjectContext, limits: Limits) -> Self {
        let of_key = context.tags.clone();
        let records = Records {
            mapping,
            tags: context.tags,
            limits,
            reader: Reader::new(&mapping.format),
            events: Events::default(),
            plans: Plans::new(mapping),
            carried: Carried::new(mapping.carried),
            series: SeriesTable::new(limits.cells),
            ids: Ids::new(limits.ids),
            file: context.file,
            unmarked: mapping.identified.then(Cells::default),
            counts: Counts::default(),
            member: None,
            at_first: true,
            suspicion: None,
            rejects: Vec::new(),
            shown: Vec::new(),
            watch: None,
        };
        Self { source: mapping, of_key, cutter: Cutter::new(mapping, limits), records }
    }

    fn foresee(&mut self, end: &[u8], size: u64) -> Option<u64> {
        match &mut self.cutter {
            Cutter::Text(_) => None,
            Cutter::Parquet(parquet) => parquet.foresee(end, size),
        }
    }

    /// The object ends here, and all of its text was taken.
    fn close(mut self) -> Result<Translation, Unreadable> {
        if self.records.member.is_none() {
            self.end()?;
        }
        Ok(self.records.finish())
    }

    /// Keeps nothing of what was read: the next record is the first of another text.
    fn fresh(&mut self) {
        let Records { mapping, limits, reader, events, plans, carried, at_first, .. } = &mut self.records;
        *at_first = true;
        self.cutter = Cutter::new(mapping, *limits);
        *reader = Reader::new(&mapping.format);
        *events = Events::default();
        *plans = Plans::new(mapping);
        *carried = Carried::new(mapping.carried);
    }
}

impl TextSink for Text<'_> {
    /// Each member has lines, a header and rows of its own, and perhaps a mapping.
    fn begin(&mut self, member: Member<'_>) -> Result<(), Unreadable> {
        if let Some((choice, tags)) = member.chosen {
            self.records.mapping = self.source.of_choice(choice);
            self.records.tags.clone_from(&self.of_key);
            self.records.tags.extend(tags);
        }
        self.records.member = Some(member.name.into());
        self.fresh();
        Ok(())
    }

    fn end(&mut self) -> Result<(), Unreadable> {
        match &mut self.cutter {
            Cutter::Text(splitter) => splitter.finish(&mut self.records)?,
            Cutter::Parquet(parquet) => parquet.finish(&mut self.records)?,
        }
        self.records.reader.finish()?;
        self.fresh();
        Ok(())
    }

    fn text(&mut self, piece: &[u8]) -> Result<(), Unreadable> {
        match &mut self.cutter {
            Cutter::Text(splitter) => splitter.push(piece, &mut self.records),
            Cutter::Parquet(parquet) => parquet.push(piece, &mut self.records),
        }
    }
}

/// Records on their way to the tally.
struct Records<'s> {
    mapping: &'s Mapping,
    tags: Tags,
    limits: Limits,
    reader: Reader<'s>,
    events: Events,
    plans: Plans,
    carried: Carried,
    series: SeriesTable,
    ids: Ids,
    file: Arc<str>,
    /// What events without ids add up to, where others may carry one.
    unmarked: Option<Cells>,
    counts: Counts,
    /// The member of the bundle that is being read.
    member: Option<Arc<str>>,
    /// Whether the next record is the first of its text.
    at_first: bool,
    /// What is suspicious about a first record that was rejected.
    suspicion: Option<String>,
    rejects: Vec<Reject>,
    shown: Vec<Shown>,
    watch: Option<Watch<'s>>,
}

impl RecordSink for Records<'_> {
    fn record(&mut self, raw: Raw<'_>) -> Result<(), Unreadable> {
        if self.reader.takes_as_header(raw)? {
            return Ok(());
        }
        self.counts.records += 1;
        self.events.clear();
        match self.translate(raw) {
            Err(reason) => {
                self.suspect(raw, &reason);
                self.reject(raw, reason);
            }
            Ok(()) if self.events.list.is_empty() => self.counts.filtered += 1,
            Ok(()) => self.commit(raw)?,
        }
        self.at_first = false;
        Ok(())
    }

    fn alike(&mut self, text: &[u8], line: u64) -> Result<Taken, Unreadable> {
        self.take_alike(text, line)
    }

    fn around(&mut self, said: Said) -> Result<(), Unreadable> {
        self.carried.set(said.slot, said.text).map_err(Unreadable::new)
    }
}

impl Records<'_> {
    /// Reads the record's events; nothing counts before all of them could be read.
    fn translate(&mut self, raw: Raw<'_>) -> Result<(), String> {
        let Self { mapping, tags, reader, events, carried, series, .. } = self;
        let text = std::str::from_utf8(raw.bytes)
            .map_err(|error| format!("it is not UTF-8 text at its byte {}", error.valid_up_to()));
        let shape = match text.and_then(|text| reader.read(text)) {
            Ok(shape) => shape,
            Err(why) => {
                carried.lose(&mapping.carry, raw.line);
                return Err(why);
            }
        };
        carried.keep(&mapping.carry, shape, tags, &mapping.absent, raw.line)?;
        events.read(mapping, View { shape, tags, carried }, series)
    }

    fn commit(&mut self, raw: Raw<'_>) -> Result<(), Unreadable> {
        let before = self.counts.events;
        for place in 0..self.events.list.len() {
            let Some(event) = self.events.list.get(place) else { break };
            let counts = match event.id {
                Some(id) => self.ids.is_first(id, event.noted())?,
                None => true,
            };
            if counts {
                self.series.add(event)?;
                if let (None, Some(unmarked)) = (event.id, &mut self.unmarked) {
                    self.series.add_to(unmarked, event)?;
                }
                if self.shown.len() < self.limits.shown {
                    let Event { series, at, until, value, .. } = *event;
                    let (line, member, key) = (raw.line, self.member.clone(), self.series.key(series));
                    self.shown.push(Shown { member, line, key, at, until, value });
                }
                self.counts.events += 1;
                if self.watch.is_some() {
                    self.tell(raw, place);
                }
            }
        }
        let counted = self.counts.events > before;
        self.counts.tallied += u64::from(counted);
        self.counts.repeated += u64::from(!counted);
        Ok(())
    }

    /// The first record of a text is where a header stands that nobody declared.
    fn suspect(&mut self, raw: Raw<'_>, reason: &str) {
        let may_have_header = matches!(self.mapping.format, Format::Csv(_) | Format::Text(_) | Format::FixedWidth(_));
        if !self.at_first || !may_have_header || self.suspicion.is_some() || self.mapping.reject_limit.is_raised() {
            return;
        }
        let member = self.member.as_ref().map_or(String::new(), |member| format!(" of `{member}`"));
        self.suspicion = Some(format!(
            "the first record{member}, on line {}, was rejected: {reason}; that is where a header stands: declare it, or write a higher `reject-limit` if it is none",
            raw.line
        ));
    }

    fn reject(&mut self, raw: Raw<'_>, reason: String) {
        self.counts.rejected += 1;
        if self.rejects.len() >= self.limits.rejects {
            return;
        }
        let kept = raw.bytes.get(..self.limits.reject_bytes).unwrap_or(raw.bytes);
        self.rejects.push(Reject {
            record: self.counts.records,
            member: self.member.clone(),
            line: raw.line,
            offset: raw.offset,
            reason,
            bytes: kept.to_owned(),
            length: u64::try_from(raw.bytes.len()).unwrap_or(u64::MAX),
        });
    }

    fn finish(self) -> Translation {
        let quarantine = self.quarantine();
        let marks = self.ids.into_marks(&self.file, &self.series);
        let tally = Tally { cells: self.series.into_cells(), counts: self.counts };
        let unmarked = self.unmarked.unwrap_or_default();
        Translation { tally, rejects: self.rejects, marks, unmarked, shown: self.shown, quarantine }
    }

    /// Too many rejects: a share above the limit, or all that there is; or one that is suspicious.
    fn quarantine(&self) -> Option<String> {
        let Counts { records, rejected, .. } = self.counts;
        let tolerated = self.mapping.reject_limit.tolerated(records);
        let all = rejected > 0 && rejected == records;
        if rejected <= tolerated && !all {
            return self.suspicion.clone();
        }
        let first = self
            .rejects
            .first()
            .map_or(String::new(), |reject| format!("; the first, on line {}: {}", reject.line, reject.reason));
        let limit = if all { "none could be translated".to_owned() } else { format!("{tolerated} are tolerated") };
        Some(format!("{rejected} of {records} records were rejected, {limit}{first}"))
    }
}
