//! The usage events of one record.

mod alike;
mod memo;

use std::borrow::Cow;
use std::collections::BTreeMap;

use metering::mark::day_of;
use metering::stream::{Kind, Negative};
use metering::tally::SeriesKey;
use metering::time::Instant;

use super::series::SeriesTable;
use crate::column::{Column, Run};
use crate::error::listed;
use crate::event_id::{EventId, Noted};
use crate::expression::{Outcome, shorten};
use crate::field::{Field, Found, Shape, View, neighbours};
use crate::label::Label;
use crate::moment::{LastTime, Moment, NoTime};
use crate::near::nearest;
use crate::part::{Ordinal, walk};
use crate::quantity::Quantity;
use crate::source::{Each, Fan, Leads, Mapping, Usage};
pub(super) use alike::{Alike, Done, Plan, is_plain};
use memo::Memo;

/// A text that names a deployment, a series or a dimension has at most so many bytes.
const MAX_NAME: usize = 512;

/// A usage event.
pub(super) struct Event {
    pub(super) series: usize,
    pub(super) kind: Kind,
    pub(super) at: Instant,
    /// Where it ends, if it is spread evenly over a time.
    pub(super) until: Option<Instant>,
    pub(super) value: i128,
    /// What tells it from every other event, where the source says so.
    pub(super) id: Option<EventId>,
}

impl Event {
    /// What is kept of it under its id.
    pub(super) fn noted(&self) -> Noted {
        Noted { series: self.series, kind: self.kind, at: self.at, until: self.until, value: self.value }
    }
}

/// The events of the present record, and what is worth keeping from the last one.
#[derive(Default)]
pub(super) struct Events {
    pub(super) list: Vec<Event>,
    last_time: LastTime,
    texts: Vec<u8>,
    memo: Memo,
}

/// What events are read with.
struct Reading<'r, 's> {
    mapping: &'r Mapping,
    fan: &'r Fan,
    view: View<'r>,
    series: &'s mut SeriesTable,
}

impl Events {
    pub(super) fn clear(&mut self) {
        self.list.clear();
    }

    /// Reads all events of a record.
    ///
    /// # Errors
    /// In words; the events read so far must then be forgotten.
    pub(super) fn read(&mut self, mapping: &Mapping, view: View<'_>, series: &mut SeriesTable) -> Result<(), String> {
        for fan in &mapping.fans {
            match &fan.each {
                None => self.part(Reading { mapping, fan, view, series })?,
                Some(_) if fan.parts.is_some() && !may_count(fan, view)? => {}
                Some(each) => {
                    let (tags, carried) = (view.tags, view.carried);
                    let mut visit = |shape: Shape<'_>| {
                        self.part(Reading { mapping, fan, view: View { shape, tags, carried }, series })
                    };
                    parts(each, fan.parts.as_ref(), view, &mapping.absent, &mut visit)?;
                }
            }
        }
        self.distinct()
    }

    /// Two events of one record under one id are two events, and the id is not theirs alone.
    fn distinct(&self) -> Result<(), String> {
        if self.list.len() < 2 {
            return Ok(());
        }
        let mut ids: Vec<EventId> = self.list.iter().filter_map(|event| event.id).collect();
        ids.sort_unstable();
        if ids.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err("two parts of the record have the same `event-id`; add to it what tells the parts apart, such as `$key`".to_owned());
        }
        Ok(())
    }

    fn part(&mut self, mut reading: Reading<'_, '_>) -> Result<(), String> {
        for usage in &reading.fan.usages {
            self.usage(usage, &mut reading)?;
        }
        Ok(())
    }

    /// The event that a record gives for one stream, if it gives one.
    fn usage(&mut self, usage: &Usage, reading: &mut Reading<'_, '_>) -> Result<(), String> {
        let view = reading.view;
        for condition in &usage.conditions {
            if !condition.holds(view, &usage.absent)? {
                return Ok(());
            }
        }
        let value = match usage.quantity.find(view, &usage.absent, usage.scale)? {
            Outcome::Present(value) => value,
            Outcome::Absent(_) => return Ok(()),
            Outcome::Missing(_) if usage.optional => return Ok(()),
            Outcome::Missing(field) => return Err(missing("quantity", field, view)),
        };
        if value < 0 && usage.negative == Negative::Reject {
            return Err(format!(
                "the quantity `{}` is below zero, which stream `{}` does not allow",
                usage.quantity.written(),
                usage.stream
            ));
        }
        let Moment { at, until } = self.moment(reading)?;
        spreads(value, at, until)?;
        let series = self.series(usage, reading)?;
        let id = event_id(usage, reading, at)?;
        self.list.push(Event { series, kind: usage.kind, at, until, value, id });
        Ok(())
    }

    fn moment(&mut self, reading: &Reading<'_, '_>) -> Result<Moment, String> {
        let (mapping, view) = (reading.mapping, reading.view);
        reading.fan.when.find(view, &mapping.absent, &mut self.last_time).map_err(|none| match none {
            NoTime::Missing(field) => missing("time", field, view),
            NoTime::Wrong(words) => words,
        })
    }

    fn series(&mut self, usage: &Usage, reading: &mut Reading<'_, '_>) -> Result<usize, String> {
        let (view, absent) = (reading.view, &reading.mapping.absent);
        let deployment = required("deployment", &reading.fan.deployment, view, absent)?;
        self.texts.clear();
        put(&mut self.texts, &usage.stream)?;
        put(&mut self.texts, &deployment)?;
        for field in &usage.series {
            put(&mut self.texts, &required("series", field, view, &usage.absent)?)?;
        }
        for (name, field) in &usage.dimensions {
            put(&mut self.texts, name)?;
            put(&mut self.texts, &required("dimension", field, view, &usage.absent)?)?;
        }
        Ok(reading.series.number(&self.texts, || key(usage, &deployment, view)))
    }
}

/// Whether the value times the milliseconds of its span can be calculated.
#[inline]
fn spreads(value: i128, at: Instant, until: Option<Instant>) -> Result<(), String> {
    let Some(until) = until else { return Ok(()) };
    let span = i128::from(until.0.saturating_sub(at.0));
    value.checked_mul(span).map(|_| ()).ok_or_else(|| "the quantity is too large to be spread over its time".to_owned())
}

fn event_id(usage: &Usage, reading: &Reading<'_, '_>, at: Instant) -> Result<Option<EventId>, String> {
    if usage.id.is_empty() {
        return Ok(None);
    }
    let (mapping, view) = (reading.mapping, reading.view);
    let (nth, day) = (usage.nth.to_string(), day_of(at).to_string());
    let deployment = required("deployment", &reading.fan.deployment, view, &mapping.absent)?;
    let mut texts =
        vec![Cow::from(&mapping.name), Cow::from(&usage.stream), Cow::from(&nth), Cow::from(&day), deployment];
    for field in &usage.id {
        texts.push(required("event id", field, view, &mapping.absent)?);
    }
    Ok(Some(EventId::of(texts.iter().map(|text| &**text))))
}

/// The key of a series whose texts have all been found.
fn key(usage: &Usage, deployment: &str, view: View<'_>) -> SeriesKey {
    let text = |field: &Label| match field.find(view, &usage.absent) {
        Ok(Outcome::Present(found)) => found.into_owned(),
        _ => String::new(),
    };
    let dimensions: BTreeMap<_, _> = usage.dimensions.iter().map(|(name, field)| (name.clone(), text(field))).collect();
    SeriesKey {
        deployment: deployment.to_owned(),
        stream: usage.stream.clone(),
        series: usage.series.iter().map(text).collect::<Vec<_>>().join("/"),
        dimensions,
        scale: usage.scale,
    }
}

/// Writes a text with its length, so that no two lists of texts are written alike.
fn put(texts: &mut Vec<u8>, text: &str) -> Result<(), String> {
    if text.len() > MAX_NAME {
        return Err(format!("`{}` is longer than {MAX_NAME} bytes: too long for a name", shorten(text)));
    }
    texts.extend_from_slice(&text.len().to_le_bytes());
    texts.extend_from_slice(text.as_bytes());
    Ok(())
}

/// The text of a field without which there is no event.
fn required<'r>(what: &str, field: &'r Label, view: View<'r>, absent: &[String]) -> Result<Cow<'r, str>, String> {
    match field.find(view, absent)? {
        Outcome::Present(found) if !found.is_empty() => Ok(found),
        Outcome::Present(_) => Err(format!("the {what} `{}` is empty", field.written())),
        Outcome::Absent(_) => Err(format!("the {what} `{}` has no value", field.written())),
        Outcome::Missing(missed) => Err(missing(what, missed, view)),
    }
}

fn missing(what: &str, field: &Field, view: View<'_>) -> String {
    if field.is_cut() {
        return format!("the {what} is missing: there is nothing to be cut out for `{}`", field.written);
    }
    let names = neighbours(view);
    if field.at_root().is_some_and(|whole| !matches!(whole.find(view), Found::Missing)) {
        return format!(
            "the {what} is missing: there is no `{0}` in the part; that of the whole record is `^{0}`",
            field.written
        );
    }
    let hint = match nearest(&field.written, names.iter().copied()) {
        Some(near) => format!("; there is `{near}`"),
        None => listed(names.iter().copied()).map_or(String::new(), |list| format!("; there are {list}")),
    };
    format!("the {what} is missing: there is no `{}`{hint}", field.written)
}

/// Whether a part could count, as far as conditions on the whole record say.
fn may_count(fan: &Fan, view: View<'_>) -> Result<bool, String> {
    for usage in &fan.usages {
        let mut of_record = usage.conditions.iter().filter(|condition| !condition.looks_at_parts());
        if of_record.try_fold(true, |all, condition| Ok::<_, String>(all && condition.holds(view, &usage.absent)?))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Calls `visit` for every part of the record, of which there have to be so many.
fn parts(
    each: &Each,
    count: Option<&Quantity>,
    view: View<'_>,
    absent: &[String],
    visit: &mut dyn FnMut(Shape<'_>) -> Result<(), String>,
) -> Result<(), String> {
    let expected = count.map(|count| expected(count, view, absent)).transpose()?;
    let seen = match (&each.way, view.shape) {
        (Leads::Steps(steps), Shape::Tree { root, .. }) => {
            let mut seen = 0_usize;
            walk(root, steps, &each.written, &mut |element, level| {
                seen += 1;
                visit(Shape::Tree { root, element, level: Some(level) })
            })?;
            seen
        }
        (Leads::Columns { stretch, .. }, Shape::Flat { row, text, header, .. }) => {
            cells(header.runs.get(*stretch), row.width(), expected, &mut |column| {
                visit(Shape::Flat { row, text, header, column: Some(column) })
            })?
        }
        _ => 0,
    };
    match expected {
        Some(expected) if expected != seen => {
            Err(format!("it has {seen} parts `{}` instead of {expected}", each.written))
        }
        _ => Ok(()),
    }
}

fn expected(count: &Quantity, view: View<'_>, absent: &[String]) -> Result<usize, String> {
    match count.find(view, absent, 0)? {
        Outcome::Present(count) => usize::try_from(count).map_err(|_| format!("it cannot have {count} parts")),
        Outcome::Absent(field) | Outcome::Missing(field) => {
            Err(format!("how many parts there are is not known: there is no `{}`", field.written))
        }
    }
}

/// Calls `visit` for the columns of a stretch; one that is open ends after as many as there have to
/// be.
fn cells(
    run: Option<&Run>,
    width: usize,
    expected: Option<usize>,
    visit: &mut dyn FnMut(&Column) -> Result<(), String>,
) -> Result<usize, String> {
    let mut seen = 0;
    let mut next = |number: usize| {
        let column = Column { number, ordinal: Ordinal::new(seen) };
        seen += 1;
        visit(&column)
    };
    match run {
        None => {}
        Some(Run::Cells(cells)) => cells.iter().filter(|cell| **cell < width).try_for_each(|cell| next(*cell))?,
        Some(Run::From(from)) => {
            (*from..width).take(expected.unwrap_or(usize::MAX)).try_for_each(&mut next)?;
        }
    }
    Ok(seen)
}
