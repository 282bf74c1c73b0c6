//! Builds plans from their written form and rates them on given quantities.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;

use chrono::NaiveDate;
use metering::exact::Exact;
use metering::measure::Measurement;
use metering::period::Period;
use metering::stream::Stream;
use pricing::{
    ComponentSpec, History, Plan, PlanSpec, RateError, RatedLine, RatingInput, SpecError, StreamUsage, Term,
};
use serde_json::{Value, json};

pub fn exact(text: &str) -> Exact {
    Exact::parse(text).unwrap()
}

pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// `storage` in TB, averaged; `calls`, counted up; `money`, added.
pub fn streams() -> BTreeMap<String, Stream> {
    let storage = json!({"name": "storage", "title": "Storage", "unit": "TB", "scale": 6, "kind": "gauge",
        "day": "average", "month": "average"});
    let calls = json!({"name": "calls", "title": "Requests", "unit": "calls", "scale": 0, "kind": "delta",
        "day": "sum", "month": "sum"});
    let money = json!({"name": "money", "title": "Payments", "unit": "USD", "scale": 6, "kind": "delta",
        "day": "sum", "month": "sum"});
    let all = [storage, calls, money].map(|stream| serde_json::from_value::<Stream>(stream).unwrap());
    all.into_iter().map(|stream| (stream.name.clone(), stream)).collect()
}

pub fn components(specs: &Value) -> BTreeMap<String, ComponentSpec> {
    let specs: Vec<ComponentSpec> = serde_json::from_value(specs.clone()).unwrap();
    specs.into_iter().map(|spec| (spec.name.clone(), spec)).collect()
}

pub fn compile(components_spec: &Value, plan: &Value) -> Result<Plan, Vec<SpecError>> {
    let plan: PlanSpec = serde_json::from_value(plan.clone()).unwrap();
    Plan::compile(&plan, &components(components_spec), &streams())
}

/// A plan in US dollars of the given components, in order.
pub fn plan_of(components_spec: Value) -> Plan {
    let names: Vec<Value> = components_spec.as_array().unwrap().iter().map(|c| c["name"].clone()).collect();
    let plan = json!({"name": "standard", "title": "Standard", "currency": "USD", "components": names});
    compile(&components_spec, &plan).unwrap()
}

/// What a customer brings to a rating.
pub struct Given {
    pub period: Period,
    pub term: Term,
    pub attributes: BTreeMap<String, String>,
    pub usage: BTreeMap<String, StreamUsage>,
    pub history: History,
}

impl Given {
    pub fn month(label: &str) -> Self {
        let period = Period::parse_month(label, "Europe/Berlin".parse().unwrap()).unwrap();
        let term = Term { from: day("2000-01-01"), until: None };
        Self { period, term, attributes: BTreeMap::new(), usage: BTreeMap::new(), history: History::default() }
    }

    pub fn used(mut self, stream: &str, quantity: &str) -> Self {
        let total = measurement(exact(quantity));
        self.usage.insert(stream.to_owned(), StreamUsage { total, deployments: BTreeMap::new() });
        self
    }

    pub fn used_at(mut self, deployment: &str, stream: &str, quantity: &str) -> Self {
        let none = || StreamUsage { total: measurement(Exact::ZERO), deployments: BTreeMap::new() };
        let usage = self.usage.entry(stream.to_owned()).or_insert_with(none);
        usage.total.total = usage.total.total.add(&exact(quantity)).unwrap();
        usage.deployments.insert(deployment.to_owned(), measurement(exact(quantity)));
        self
    }

    pub fn attribute(mut self, name: &str, value: &str) -> Self {
        self.attributes.insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn held(mut self, from: &str, until: Option<&str>) -> Self {
        self.term = Term { from: day(from), until: until.map(day) };
        self
    }

    pub fn input(&self) -> RatingInput<'_> {
        RatingInput {
            customer: "aurora",
            period: &self.period,
            term: self.term,
            begun: self.term.from,
            ends: self.term.until,
            ended: None,
            before: &[],
            history: &self.history,
            attributes: &self.attributes,
            usage: &self.usage,
        }
    }

    pub fn rate(&self, plan: &Plan) -> Result<Vec<RatedLine>, RateError> {
        pricing::rate(plan, &self.input())
    }

    /// Component, deployment and amount of each line.
    pub fn amounts(&self, plan: &Plan) -> Vec<(String, String)> {
        self.rate(plan).unwrap().iter().map(|line| (key(line), amount(line))).collect()
    }
}

pub fn measurement(total: Exact) -> Measurement {
    Measurement { total, days: Vec::new(), samples: 1 }
}

pub fn amount(line: &RatedLine) -> String {
    line.amount.format(line.currency.digits())
}

pub fn key(line: &RatedLine) -> String {
    let at = line.deployment.iter().map(|deployment| format!("@{deployment}"));
    std::iter::once(line.component.to_string()).chain(at).collect()
}

pub fn texts(line: &RatedLine) -> Vec<String> {
    line.steps.iter().map(|step| step.text.to_string()).collect()
}
