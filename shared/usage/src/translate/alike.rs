//! Records that look like earlier ones, taken without being cut out and read in full.

use super::Records;
use super::events::{Alike, Done, Plan, is_plain};
use crate::error::Unreadable;
use crate::field::View;
use crate::scan::Glance;
use crate::source::Mapping;
use crate::split::{Raw, Taken};

/// So many plans are kept.
const PLANS: usize = 8;
/// After so many records in a row that could not be taken, only one in so many is looked at.
const PATIENCE: u32 = 16;

/// The plans for records that look alike.
#[derive(Default)]
pub(super) struct Plans {
    /// Whether the mapping can be carried out so.
    plain: bool,
    known: Vec<Known>,
    /// The one that was used last.
    latest: usize,
    /// Where the next one is kept.
    next: usize,
    /// How many records in a row could not be taken.
    strangers: u32,
}

/// The plan for records with these looks; none where there cannot be one.
struct Known {
    id: u64,
    plan: Option<Plan>,
}

impl Plans {
    pub(super) fn new(mapping: &Mapping) -> Self {
        Self { plain: is_plain(mapping), ..Self::default() }
    }

    /// Whether it is worth a look.
    fn is_worth(&self) -> bool {
        self.plain && (self.strangers < PATIENCE || self.strangers.is_multiple_of(PATIENCE))
    }

    #[inline]
    fn find(&mut self, id: u64) -> Option<usize> {
        if self.known.get(self.latest).is_none_or(|known| known.id != id) {
            self.latest = self.known.iter().position(|known| known.id == id)?;
        }
        Some(self.latest)
    }

    fn keep(&mut self, known: Known) {
        match self.known.get_mut(self.next) {
            Some(oldest) => *oldest = known,
            None => self.known.push(known),
        }
        self.latest = self.next;
        self.next = (self.next + 1) % PLANS;
    }
}

impl Records<'_> {
    /// Takes the records that `text` begins with and that look like earlier ones.
    pub(super) fn take_alike(&mut self, text: &[u8], line: u64) -> Result<Taken, Unreadable> {
        let mut taken = Taken::default();
        // Who looks on wants to know where each record stands.
        if self.watch.is_some() {
            return Ok(taken);
        }
        if !self.plans.is_worth() {
            self.plans.strangers = self.plans.strangers.saturating_add(1);
            return Ok(taken);
        }
        while let Some(bytes) = self.take_one(text.get(taken.bytes..).unwrap_or_default(), line + taken.records)? {
            taken.bytes += bytes;
            taken.records += 1;
        }
        self.plans.strangers = if taken.records > 0 { 0 } else { self.plans.strangers.saturating_add(1) };
        Ok(taken)
    }

    /// Takes the record that `text` begins with, if it can; says how long it is, its line end included.
    #[inline]
    fn take_one(&mut self, text: &[u8], line: u64) -> Result<Option<usize>, Unreadable> {
        let Some(glance) = self.reader.glance(text) else { return Ok(None) };
        let ending = match text.get(glance.length..) {
            Some([b'\n', ..]) => 1,
            Some([b'\r', b'\n', ..]) => 2,
            _ => return Ok(None),
        };
        let record = text.get(..glance.length).unwrap_or_default();
        let readable = glance.ascii || std::str::from_utf8(record).is_ok();
        if glance.length > self.limits.record_bytes || !readable || !self.read_alike(text, glance) {
            return Ok(None);
        }
        self.at_first = false;
        self.counts.records += 1;
        match self.events.list.is_empty() {
            true => self.counts.filtered += 1,
            false => self.commit(Raw { bytes: record, line, offset: 0 })?,
        }
        Ok(Some(glance.length + ending))
    }

    /// Reads the events of the record that was glanced at, if it can.
    #[inline]
    fn read_alike(&mut self, text: &[u8], glance: Glance) -> bool {
        let place = match self.plans.find(glance.id) {
            Some(place) => place,
            None => self.plan(text, glance),
        };
        let Self { mapping, reader, events, plans, series, .. } = self;
        let Some(plan) = plans.known.get(place).and_then(|known| known.plan.as_ref()) else { return false };
        events.clear();
        let alike = Alike { text, values: reader.extents(), view: None };
        match events.read_alike(mapping, plan, alike, series) {
            Done::Yes => true,
            Done::No => false,
            Done::Blind => self.read_seen(text, glance, place),
        }
    }

    /// The same with a view of the record.
    #[cold]
    fn read_seen(&mut self, text: &[u8], glance: Glance, place: usize) -> bool {
        let Self { mapping, reader, events, plans, series, tags, carried, .. } = self;
        let Some(plan) = plans.known.get(place).and_then(|known| known.plan.as_ref()) else { return false };
        let record = text.get(..glance.length).and_then(|record| std::str::from_utf8(record).ok()).unwrap_or_default();
        reader.fill();
        events.clear();
        let view = Some(View { shape: reader.shape(record), tags, carried });
        events.read_alike(mapping, plan, Alike { text, values: reader.extents(), view }, series) == Done::Yes
    }

    /// Makes the plan for records that look like the one that was glanced at; says where it is kept.
    #[cold]
    fn plan(&mut self, text: &[u8], glance: Glance) -> usize {
        let Self { mapping, reader, plans, .. } = self;
        let record = text.get(..glance.length).and_then(|record| std::str::from_utf8(record).ok()).unwrap_or_default();
        reader.fill();
        let plan = Plan::new(mapping, reader.shape(record), glance.id);
        plans.keep(Known { id: glance.id, plan });
        plans.latest
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use std::collections::BTreeMap;

    use crate::{ObjectContext, Source, SourceSpec, Translator};

    const JSON: &str = "format: json-lines";
    const CSV: &str = "format: csv, csv: {header: false, columns: [c, t, n, k]}";

    fn source(format: &str) -> Source {
        let source = format!(
            "{{name: s, objects: '**', {format}, deployment: {{field: c}}, time: {{field: t, format: rfc3339}}, absent: ['-'],
              usage: [{{stream: n, quantity: n, dimensions: {{k: k}}, where: {{field: k, not: [x]}}}}]}}"
        );
        let stream = "{name: n, title: N, unit: unit, scale: 3, kind: delta, day: sum, month: sum}";
        let streams = BTreeMap::from([("n".to_owned(), serde_yaml_ng::from_str(stream).unwrap())]);
        serde_yaml_ng::from_str::<SourceSpec>(&source).unwrap().compile(&streams).unwrap()
    }

    fn json((c, minute, n, k): (&str, u32, &str, &str)) -> String {
        format!("{{\"c\":\"{c}\",\"t\":\"2026-02-01T10:{minute:02}:00Z\",\"n\":{n},\"k\":\"{k}\"}}\n")
    }

    fn csv((c, minute, n, k): (&str, u32, &str, &str)) -> String {
        format!("{c},2026-02-01T10:{minute:02}:00Z,{n},{k}\r\n")
    }

    type Record = (&'static str, u32, &'static str, &'static str);

    /// How many of the records are taken on looks, after enough were read to tell what the object is.
    fn taken(format: &str, write: fn(Record) -> String, records: &[Record]) -> u64 {
        let source = source(format);
        let mut translator = Translator::new(&source, ObjectContext::default());
        let usual = write(("a", 1, "1.5", "k"));
        translator.push(usual.repeat(50).as_bytes()).unwrap();
        let text = records.iter().map(|record| write(*record)).collect::<String>();
        let crate::translate::Place::Here(translated) = &mut translator.text else { unreachable!("one thread") };
        let before = translated.records.counts.records;
        let taken = translated.records.take_alike(format!("{text}{usual}").as_bytes(), 3).unwrap();
        assert_eq!(translated.records.counts.records - before, taken.records);
        taken.records
    }

    #[test]
    fn records_that_look_alike_are_taken_whatever_they_say() {
        let usual = [
            ("a", 1, "1.5", "k"),
            ("b", 59, "0", "another"),
            ("b", 59, "123456789012.123", "k"),
            ("a", 2, "123456789012.123", "x"),
            ("é", 2, "0.001", "longer than a register is wide"),
        ];
        assert_eq!(taken(JSON, json, &usual), 5);
        assert_eq!(taken(CSV, csv, &usual), 5);
    }

    #[test]
    fn what_is_to_be_rejected_is_left_to_be_read_in_full() {
        for wrong in [("a", 61, "1", "k"), ("a", 1, "1.2345", "k"), ("-", 1, "1", "k"), ("a", 1, "-1", "k")] {
            let records = [("a", 1, "2", "k"), wrong, ("a", 1, "2", "k")];
            assert_eq!(taken(JSON, json, &records), 1, "{wrong:?}");
            assert_eq!(taken(CSV, csv, &records), 1, "{wrong:?}");
        }
    }
}
