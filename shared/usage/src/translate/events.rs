//! The usage events of one record.

use std::borrow::Cow;
use std::collections::BTreeMap;

use metering::stream::{Kind, Negative};
use metering::tally::SeriesKey;
use metering::time::Instant;

use super::series::SeriesTable;
use crate::error::listed;
use crate::event_id::EventId;
use crate::expression::{Outcome, shorten};
use crate::field::{Field, Shape, View, neighbours};
use crate::json::{Kind as Json, Value};
use crate::label::Label;
use crate::lex::Segment;
use crate::near::nearest;
use crate::pattern::Tags;
use crate::source::{Each, Fan, Mapping, Usage};

/// A text that names a deployment, a series or a dimension has at most so many bytes.
const MAX_NAME: usize = 512;

/// A usage event.
pub(super) struct Event {
    pub(super) series: usize,
    pub(super) kind: Kind,
    pub(super) at: Instant,
    pub(super) value: i128,
    /// What tells it from every other event, where the source says so.
    pub(super) id: Option<EventId>,
}

/// The events of the present record, and what is worth keeping from the last one.
#[derive(Default)]
pub(super) struct Events {
    pub(super) list: Vec<Event>,
    /// The latest time and its text: records come in runs.
    last_time: Option<(String, Instant)>,
    texts: Vec<u8>,
}

/// What events are read with.
struct Reading<'r, 's> {
    mapping: &'r Mapping,
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
    pub(super) fn read(
        &mut self,
        mapping: &Mapping,
        shape: Shape<'_>,
        tags: &Tags,
        series: &mut SeriesTable,
    ) -> Result<(), String> {
        for fan in &mapping.fans {
            match (&fan.each, shape) {
                (Some(each), Shape::Tree { root, .. }) => {
                    self.parts(mapping, fan, each, root, tags, series)?;
                }
                _ => self.part(fan, Reading { mapping, view: View { shape, tags }, series })?,
            }
        }
        self.distinct()
    }

    /// Two events of one record under one id are two events, and the id is not theirs alone.
    fn distinct(&self) -> Result<(), String> {
        let mut ids: Vec<EventId> = self.list.iter().filter_map(|event| event.id).collect();
        ids.sort_unstable();
        if ids.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err("two parts of the record have the same `event-id`; add to it what tells the parts apart, such as `$key`".to_owned());
        }
        Ok(())
    }

    fn parts(
        &mut self,
        mapping: &Mapping,
        fan: &Fan,
        each: &Each,
        root: Value<'_>,
        tags: &Tags,
        series: &mut SeriesTable,
    ) -> Result<(), String> {
        walk(root, &each.steps, each, &mut |element| {
            let view = View { shape: Shape::Tree { root, element }, tags };
            self.part(fan, Reading { mapping, view, series })
        })
    }

    fn part(&mut self, fan: &Fan, mut reading: Reading<'_, '_>) -> Result<(), String> {
        for usage in &fan.usages {
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
        let at = self.time(reading)?;
        let series = self.series(usage, reading)?;
        let id = event_id(usage, reading)?;
        self.list.push(Event { series, kind: usage.kind, at, value, id });
        Ok(())
    }

    fn time(&mut self, reading: &Reading<'_, '_>) -> Result<Instant, String> {
        let mapping = reading.mapping;
        let text = match mapping.time_field.find(reading.view, &mapping.absent)? {
            Outcome::Present(found) if !found.text.is_empty() => found.text,
            Outcome::Present(_) => return Err(format!("the time `{}` is empty", mapping.time_field.written())),
            Outcome::Absent(_) => return Err(format!("the time `{}` has no value", mapping.time_field.written())),
            Outcome::Missing(missed) => return Err(missing("time", missed, reading.view)),
        };
        match &self.last_time {
            Some((last, at)) if last == text => Ok(*at),
            _ => {
                let at = mapping.time_format.read(text);
                let at = at.map_err(|why| {
                    format!("the time `{}` is `{}`: {why}", mapping.time_field.written(), shorten(text))
                })?;
                let (last, _) = self.last_time.insert((String::new(), at));
                last.push_str(text);
                Ok(at)
            }
        }
    }

    fn series(&mut self, usage: &Usage, reading: &mut Reading<'_, '_>) -> Result<usize, String> {
        let (view, absent) = (reading.view, &reading.mapping.absent);
        let deployment = required("deployment", &reading.mapping.deployment, view, absent)?;
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

fn event_id(usage: &Usage, reading: &Reading<'_, '_>) -> Result<Option<EventId>, String> {
    if usage.id.is_empty() {
        return Ok(None);
    }
    let (mapping, view) = (reading.mapping, reading.view);
    let nth = usage.nth.to_string();
    let deployment = required("deployment", &mapping.deployment, view, &mapping.absent)?;
    let mut texts = vec![Cow::from(&mapping.name), Cow::from(&usage.stream), Cow::from(&nth), deployment];
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
    let names = neighbours(view);
    let hint = match nearest(&field.written, names.iter().copied()) {
        Some(near) => format!("; there is `{near}`"),
        None => listed(names.iter().copied()).map_or(String::new(), |list| format!("; there are {list}")),
    };
    format!("the {what} is missing: there is no `{}`{hint}", field.written)
}

/// Calls `visit` for every part that the steps lead to.
fn walk<'r>(
    value: Value<'r>,
    steps: &[Segment],
    each: &Each,
    visit: &mut dyn FnMut(Value<'r>) -> Result<(), String>,
) -> Result<(), String> {
    let Some((step, rest)) = steps.split_first() else { return visit(value) };
    // Null holds no parts, as an empty list does.
    if value.kind() == Json::Null {
        return Ok(());
    }
    let next = match step {
        Segment::Name(name, _) => value.member(name),
        Segment::At(index) => value.element(*index),
        Segment::EveryValue if value.kind() == Json::Object => return all(value, rest, each, visit),
        Segment::EveryElement if value.kind() == Json::Array => return all(value, rest, each, visit),
        Segment::EveryValue | Segment::EveryElement => None,
    };
    let next = next.ok_or_else(|| format!("the record has no parts `{}`", each.written))?;
    walk(next, rest, each, visit)
}

fn all<'r>(
    value: Value<'r>,
    rest: &[Segment],
    each: &Each,
    visit: &mut dyn FnMut(Value<'r>) -> Result<(), String>,
) -> Result<(), String> {
    value.children().try_for_each(|child| walk(child, rest, each, visit))
}
