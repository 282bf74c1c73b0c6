use std::collections::BTreeMap;

use catalog::Catalogue;
use chrono::{Days, NaiveDate};
use metering::exact::Exact;
use metering::measure::SeriesUsage;
use metering::period::{Period, start_of_day};
use metering::tally::{Cells, SeriesKey};
use metering::time::{Instant, Span};
use pricing::{Metered, RatedLine, RatingInput, StreamUsage, Term, fees_in_advance, rate};
use serde_json::{Value, json};

/// Digits after the point of every quantity.
const SCALE: u32 = 12;
const HOUR: i64 = 3_600_000;
const ALWAYS: [Span; 1] = [Span { from: Instant(i64::MIN), until: Instant(i64::MAX) }];

/// A catalogue with one plan, and what its customer used.
pub struct World {
    streams: Vec<Value>,
    components: Vec<Value>,
    /// The plan's other fields.
    pub plan: Value,
    pub period: Period,
    pub term: Term,
    pub cells: Cells,
    customer: String,
    /// Sections besides.
    pub others: Value,
}

/// What a quantity belongs to.
#[derive(Default)]
pub struct At<'a> {
    pub series: String,
    pub dimensions: &'a [(&'a str, &'a str)],
}

pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

impl World {
    pub fn new(currency: &str) -> Self {
        let period = Period::parse_month("2026-01", "UTC".parse().unwrap()).unwrap();
        let plan = json!({"name": "plan", "title": "Plan", "currency": currency});
        let term = Term { from: day("2000-01-01"), until: None };
        let (streams, components) = (Vec::new(), Vec::new());
        Self {
            streams,
            components,
            plan,
            period,
            term,
            cells: Cells::default(),
            customer: "c".to_owned(),
            others: json!({}),
        }
    }

    /// A period of so many days, from its first one.
    pub fn days(mut self, first: NaiveDate, count: u64) -> Self {
        (self.period.start, self.period.end) = (first, first + Days::new(count));
        self
    }

    /// The plan is held for the first `count` days of the period.
    pub fn held_for(mut self, count: u64) -> Self {
        self.term = Term { from: self.period.start, until: Some(self.period.start + Days::new(count)) };
        self
    }

    /// Amounts that are added, and what they are amounts of.
    pub fn counted(self, stream: &str, unit: &str) -> Self {
        self.stream(stream, unit, json!({"kind": "delta", "day": "sum", "month": "sum"}))
    }

    pub fn stream(mut self, name: &str, unit: &str, rules: Value) -> Self {
        let mut stream = rules;
        for (field, value) in [("name", name), ("title", name), ("unit", unit)] {
            stream[field] = value.into();
        }
        stream["scale"] = SCALE.into();
        if stream["kind"] != "cumulative" {
            stream["negative"] = "allow".into();
        }
        self.streams.push(stream);
        self
    }

    pub fn component(mut self, name: &str, stream: &str, price: Value) -> Self {
        self.components.push(json!({"name": name, "title": name, "stream": stream, "price": price}));
        self
    }

    /// A quantity on the first day of the period, after `hours` hours.
    pub fn used(self, stream: &str, hours: i64, quantity: Exact) -> Self {
        let at = start_of_day(self.period.zone, self.period.start).unwrap().plus_hours(hours).unwrap();
        self.used_at(stream, at, quantity, &At::default())
    }

    pub fn used_at(mut self, stream: &str, at: Instant, quantity: Exact, of: &At<'_>) -> Self {
        let rules = self.streams.iter().find(|known| known["name"] == stream).unwrap();
        let kind = serde_json::from_value(rules["kind"].clone()).unwrap();
        let dimensions = of.dimensions.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let key = SeriesKey {
            deployment: "d".to_owned(),
            stream: stream.to_owned(),
            series: of.series.clone(),
            dimensions: dimensions.collect(),
            scale: SCALE,
        };
        self.cells.record(&key, kind, at, quantity.to_scaled(SCALE).unwrap()).unwrap();
        self
    }

    /// Each event under a series of its own, an hour after the one before.
    pub fn events(self, stream: &str, quantities: &[Exact]) -> Self {
        let first = start_of_day(self.period.zone, self.period.start).unwrap();
        quantities.iter().zip(0_i64..).fold(self, |world, (quantity, index)| {
            let of = At { series: format!("event-{index}"), dimensions: &[] };
            world.used_at(stream, first.plus_hours(index % 700).unwrap(), *quantity, &of)
        })
    }

    /// The level of each hour, one after the other.
    pub fn levels(self, stream: &str, levels: impl IntoIterator<Item = (i64, Exact)>) -> Self {
        let start = start_of_day(self.period.zone, self.period.start).unwrap();
        let hours = levels.into_iter().flat_map(|(hours, level)| (0..hours).map(move |_| level));
        hours.zip(0_i64..).fold(self, |world, (level, hour)| {
            world.used_at(stream, Instant(start.0 + hour * HOUR), level, &At::default())
        })
    }

    /// The catalogue as a user writes it, loaded and checked.
    pub fn catalogue(&self) -> Catalogue {
        let names: Vec<Value> = self.components.iter().map(|component| component["name"].clone()).collect();
        let mut plan = self.plan.clone();
        plan["components"] = names.into();
        let seller = json!({"name": "S", "address": ["A"], "currency": plan["currency"], "zone": "UTC"});
        // JSON is YAML.
        let mut text =
            json!({"seller": seller, "streams": self.streams, "components": self.components, "plans": [plan]});
        text.as_object_mut().unwrap().extend(self.others.as_object().unwrap().clone());
        let read = catalog::load([("case.yaml".to_owned(), text.to_string())]);
        read.map_err(|problems| format!("{problems:?}\n{text:#}")).unwrap().catalogue.as_ref().clone()
    }

    pub fn rate(&self) -> Vec<RatedLine> {
        let catalogue = self.catalogue();
        let plan = catalogue.plan("plan").unwrap();
        let attributes = BTreeMap::new();
        let usage = self.metered(&catalogue);
        let (period, term) = (&self.period, self.term);
        let input = RatingInput::alone(&self.customer, period, term, &attributes, &usage);
        rate(plan, &input).unwrap()
    }

    /// The fees that the invoice before `period` charges for it.
    pub fn fees_in_advance(&self, period: &Period) -> Vec<RatedLine> {
        let (attributes, usage) = (BTreeMap::new(), BTreeMap::<String, StreamUsage>::new());
        let (customer, term) = (self.customer.as_str(), self.term);
        let input = RatingInput::alone(customer, period, term, &attributes, &usage);
        fees_in_advance(self.catalogue().plan("plan").unwrap(), &input).unwrap()
    }

    fn metered<'a>(&'a self, catalogue: &'a Catalogue) -> Metered<'a> {
        let mut series: BTreeMap<&str, Vec<SeriesUsage<'_>>> = BTreeMap::new();
        for (key, quarters) in &self.cells.0 {
            series.entry(&key.stream).or_default().push(SeriesUsage { key, quarters, owned: &ALWAYS });
        }
        let end = self.term.until.map_or(self.period.end, |until| until.min(self.period.end));
        let at = |date: NaiveDate| start_of_day(self.period.zone, date).unwrap();
        let window = Span { from: at(self.term.from.max(self.period.start)), until: at(end) };
        Metered { period: &self.period, window, streams: &catalogue.streams, series, deployments: vec!["d"] }
    }
}
