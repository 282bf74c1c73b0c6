//! The events of records that look alike.
//!
//! Where its values lie is known of such a record, and so where the fields of the mapping stand.
//! What names say, conditions included, is asked once for the same names; the quantity and the time
//! are read where they stand. Whatever is not as usual is left to who reads records in full, and
//! nothing here says what he would not.

use super::memo::MAX_NAMES;
use super::{Event, Events, Reading, SeriesTable, spreads};
use crate::expression::Outcome;
use crate::field::{Shape, Stands, View};
use crate::moment::{LastTime, Moment};
use crate::number;
use crate::scan::Extent;
use crate::source::{Fan, Format, Mapping, Usage};
use metering::stream::Negative;

/// A mapping with more usages reads every record in full.
const MAX_USAGES: u64 = 1 << 12;

/// Where the fields of a mapping stand in records that look alike.
pub(in crate::translate) struct Plan {
    usages: Vec<Places>,
}

struct Places {
    /// The numbers of the fan and, in it, of the usage.
    of: (usize, usize),
    time: Place,
    quantity: Place,
    /// All that conditions and names depend on.
    names: Vec<usize>,
    /// Tells the usage and the looks from all others.
    asker: u64,
}

/// Where a quantity or a time is read.
#[derive(Clone, Copy)]
enum Place {
    At {
        place: usize,
        /// Whether it is a text, which may be one that is declared as absent.
        text: bool,
    },
    /// It is looked up, or calculated.
    Anywhere,
}

/// A record that looks like others.
#[derive(Clone, Copy)]
pub(in crate::translate) struct Alike<'r> {
    /// Begins with the record.
    pub(in crate::translate) text: &'r [u8],
    /// Where its values lie.
    pub(in crate::translate) values: &'r [Extent],
    /// The record as fields see it, if that was made.
    pub(in crate::translate) view: Option<View<'r>>,
}

impl Alike<'_> {
    fn value(&self, place: usize) -> Extent {
        self.values.get(place).copied().unwrap_or_default()
    }
}

/// Whether events were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::translate) enum Done {
    Yes,
    /// It takes a view of the record.
    Blind,
    /// It must be read in full.
    No,
}

/// Whether a mapping may be carried out on looks: its records stand on lines, and say all about
/// themselves.
pub(in crate::translate) fn is_plain(mapping: &Mapping) -> bool {
    let lines = match &mapping.format {
        Format::JsonLines => true,
        Format::Csv(csv) => csv.dialect.is_usual(),
        _ => false,
    };
    let whole = mapping.fans.iter().all(|fan| fan.each.is_none());
    let named = mapping.fans.iter().flat_map(|fan| &fan.usages).all(|usage| usage.id.is_empty());
    lines && whole && named && mapping.carried == 0 && mapping.carry.is_empty()
}

impl Plan {
    /// The plan for records that look like this one; none where looks do not say enough.
    pub(in crate::translate) fn new(mapping: &Mapping, shape: Shape<'_>, id: u64) -> Option<Self> {
        let asker = |number: u64| id.checked_mul(MAX_USAGES)?.checked_add(Some(number).filter(|n| *n < MAX_USAGES)?);
        let fans = mapping.fans.iter().enumerate();
        let usages =
            fans.flat_map(|(of, fan)| fan.usages.iter().enumerate().map(move |(n, usage)| (fan, usage, (of, n))));
        let places = |((fan, usage, of), number)| Places::new(fan, usage, of, shape, asker(number)?);
        Some(Self { usages: usages.zip(0..).map(places).collect::<Option<_>>()? })
    }
}

impl Places {
    fn new(fan: &Fan, usage: &Usage, of: (usize, usize), shape: Shape<'_>, asker: u64) -> Option<Self> {
        let mut names = Vec::new();
        usage.conditions.iter().try_for_each(|condition| condition.depends(shape, &mut names))?;
        fan.deployment.depends(shape, &mut names)?;
        usage.series.iter().try_for_each(|field| field.depends(shape, &mut names))?;
        usage.dimensions.iter().try_for_each(|(_, field)| field.depends(shape, &mut names))?;
        names.sort_unstable();
        names.dedup();
        let time = Place::of(fan.when.plain().and_then(|field| field.stands(shape)));
        let quantity = Place::of(usage.quantity.plain().and_then(|field| field.stands(shape)));
        (names.len() <= MAX_NAMES).then_some(Self { of, time, quantity, names, asker })
    }
}

impl Place {
    fn of(stands: Option<Stands>) -> Self {
        match stands {
            Some(Stands::At(place, number)) => Self::At { place, text: !number },
            Some(Stands::Nothing | Stands::Same) | None => Self::Anywhere,
        }
    }

    /// The value there, unless it is a text that is declared as absent.
    #[inline]
    fn read(self, record: Alike<'_>, absent: &[String]) -> Option<Extent> {
        let Self::At { place, text } = self else { return None };
        let extent = record.value(place);
        let is_absent = text && absent.iter().any(|none| none.as_bytes() == extent.of(record.text));
        (!is_absent).then_some(extent)
    }
}

impl Events {
    /// Reads all events of a record that looks like others. What is read of one that is not done must
    /// be forgotten.
    #[inline]
    pub(in crate::translate) fn read_alike(
        &mut self,
        mapping: &Mapping,
        plan: &Plan,
        record: Alike<'_>,
        series: &mut SeriesTable,
    ) -> Done {
        for places in &plan.usages {
            let Some(fan) = mapping.fans.get(places.of.0) else { return Done::No };
            let Some(usage) = fan.usages.get(places.of.1) else { return Done::No };
            let wanted = Wanted { mapping, fan, usage, places };
            let read = match self.names_alike(wanted, record, series) {
                Ok(None) => Ok(()),
                Ok(Some(series)) => self.event_alike(wanted, record, series),
                Err(done) => Err(done),
            };
            if let Err(done) = read {
                return done;
            }
        }
        Done::Yes
    }

    /// For which series the record counts, if it does.
    #[inline]
    fn names_alike(
        &mut self,
        wanted: Wanted<'_>,
        record: Alike<'_>,
        series: &mut SeriesTable,
    ) -> Result<Option<usize>, Done> {
        let Wanted { mapping, fan, usage, places } = wanted;
        let names = places.names.iter().map(|place| record.value(*place));
        if !self.memo.ask(places.asker, record.text, names) {
            return Err(Done::No);
        }
        if let Some(known) = self.memo.answer() {
            return Ok(known);
        }
        let view = record.view.ok_or(Done::Blind)?;
        let answer = self.names(usage, &mut Reading { mapping, fan, view, series }).map_err(|_| Done::No)?;
        self.memo.learn(answer);
        Ok(answer)
    }

    fn names(&mut self, usage: &Usage, reading: &mut Reading<'_, '_>) -> Result<Option<usize>, String> {
        for condition in &usage.conditions {
            if !condition.holds(reading.view, &usage.absent)? {
                return Ok(None);
            }
        }
        self.series(usage, reading).map(Some)
    }

    /// Reads the event of a record that counts, unless its quantity is absent.
    #[inline]
    fn event_alike(&mut self, wanted: Wanted<'_>, record: Alike<'_>, series: usize) -> Result<(), Done> {
        let Some(value) = wanted.value(record)? else { return Ok(()) };
        let Wanted { usage, .. } = wanted;
        let Moment { at, until } = wanted.moment(record, &mut self.last_time)?;
        let refused = value < 0 && usage.negative == Negative::Reject;
        if refused || spreads(value, at, until).is_err() {
            return Err(Done::No);
        }
        self.list.push(Event { series, kind: usage.kind, at, until, value, id: None });
        Ok(())
    }
}

/// What is wanted of a record.
#[derive(Clone, Copy)]
struct Wanted<'m> {
    mapping: &'m Mapping,
    fan: &'m Fan,
    usage: &'m Usage,
    places: &'m Places,
}

impl Wanted<'_> {
    /// The quantity, unless it is absent.
    #[inline]
    fn value(&self, record: Alike<'_>) -> Result<Option<i128>, Done> {
        let Usage { quantity, absent, scale, optional, .. } = self.usage;
        let usual = self.places.quantity.read(record, absent);
        if let Some(value) = usual.and_then(|extent| number::usual(record.text, extent, *scale)) {
            return Ok(Some(value));
        }
        match quantity.find(record.view.ok_or(Done::Blind)?, absent, *scale) {
            Ok(Outcome::Present(value)) => Ok(Some(value)),
            Ok(Outcome::Absent(_)) => Ok(None),
            Ok(Outcome::Missing(_)) if *optional => Ok(None),
            Ok(Outcome::Missing(_)) | Err(_) => Err(Done::No),
        }
    }

    #[inline]
    fn moment(&self, record: Alike<'_>, last: &mut LastTime) -> Result<Moment, Done> {
        let absent = &self.mapping.absent;
        let known = self.places.time.read(record, absent);
        if let Some(at) = known.and_then(|extent| last.known(extent.of(record.text))) {
            return Ok(Moment { at, until: None });
        }
        self.fan.when.find(record.view.ok_or(Done::Blind)?, absent, last).map_err(|_| Done::No)
    }
}
