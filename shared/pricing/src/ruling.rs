//! Which rule a line is priced by. Rules are asked once for each combination of what they look at (dimensions, hours),
//! never for a record; usage that falls under the same rule is measured and priced together.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Timelike};
use metering::exact::Exact;
use metering::measure::MeasureError;
use metering::select::{Assigned, Query, Row, Selected};
use metering::time::{Quarter, Span};

use crate::line::RatedStep;
use crate::price::{Rules, UsagePrice};
use crate::price_spec::Otherwise;
use crate::rate::{NoRule, Place, RateError, RuleFailure};
use crate::rule::{Clock, Condition, Known, Name, Untold, Values};
use crate::text::prose;
use crate::usage::UsageError;

/// Combinations that rules are asked for, at most.
const MOST: usize = 100_000;
/// Values of one name that a step tells.
const SHOWN: usize = 24;

/// What rules have decided.
pub(crate) struct Ruled {
    /// The usage, told apart by rule.
    pub(crate) selected: Vec<Selected>,
    /// What is said of each row's rule.
    pub(crate) steps: BTreeMap<usize, RatedStep>,
}

type Seen = BTreeMap<Option<usize>, BTreeMap<Name, BTreeSet<Option<Known>>>>;

impl Place<'_> {
    /// The usage of a price, told apart by its rules.
    pub(crate) fn ruled(&self, price: &UsagePrice, rules: &Rules) -> Result<Ruled, RateError> {
        let streams = self.quantities(rules)?;
        let mut seen = Seen::new();
        let by_usage = rules.names.iter().any(|name| matches!(name, Name::Dimension(_) | Name::Hour | Name::Weekday));
        let selected = if by_usage {
            let assigned = self.assigned(price, rules, &streams, &mut seen)?;
            self.select(price, &Query { assigned: Some(assigned), ..price.query.clone() })?
        } else {
            let row = self.row(rules, &streams, &BTreeMap::new(), None, &mut seen)?;
            let mut selected = self.told_apart(price)?;
            for part in &mut selected {
                part.part.row = row.map_or_else(|| Row::None(BTreeMap::new()), Row::At);
            }
            selected
        };
        self.nobody(price, rules, &selected, &seen)?;
        let steps = seen.iter().filter_map(|(row, values)| Some(((*row)?, rules.step((*row)?, values))));
        Ok(Ruled { steps: steps.filter(|_| self.explain).collect(), selected })
    }

    pub(crate) fn select(&self, price: &UsagePrice, query: &Query) -> Result<Vec<Selected>, RateError> {
        self.input.usage.select(&price.meter.stream, query).map_err(|error| self.usage_error(error))
    }

    /// The quantities of the streams that the rules ask for, over the whole customer.
    fn quantities(&self, rules: &Rules) -> Result<BTreeMap<String, Exact>, RateError> {
        let mut found = BTreeMap::new();
        for stream in rules.units.keys() {
            let selected = self.input.usage.select(stream, &Query::default());
            let selected = selected.map_err(|error| self.usage_error(error))?;
            found.insert(stream.clone(), selected.first().map_or(Exact::ZERO, |whole| whole.measured.total));
        }
        Ok(found)
    }

    /// The rule of each combination of dimensions and hours that there is.
    fn assigned(
        &self,
        price: &UsagePrice,
        rules: &Rules,
        streams: &BTreeMap<String, Exact>,
        seen: &mut Seen,
    ) -> Result<Assigned, RateError> {
        let names: BTreeSet<String> = rules.names.iter().filter_map(Name::dimension).map(str::to_owned).collect();
        let found = self.input.usage.combinations(&price.meter.stream, &price.query.only, &names);
        let combinations = found.map_err(|error| self.usage_error(error))?;
        let times = self.times(rules)?;
        if combinations.len().saturating_mul(times.len()) > MOST {
            return Err(self.untold(rules, 0, Untold::Failed(format!("there are more than {MOST} combinations"))));
        }
        let mut assigned = Assigned { names, rows: BTreeMap::new() };
        for dimensions in combinations {
            let mut rows: BTreeMap<Option<usize>, Option<Vec<Span>>> = BTreeMap::new();
            for (clock, spans) in &times {
                let row = self.row(rules, streams, &dimensions, *clock, seen)?;
                match clock {
                    None => drop(rows.insert(row, None)),
                    Some(_) => rows.entry(row).or_default().get_or_insert_default().extend(spans),
                }
            }
            assigned.rows.insert(dimensions, rows.into_iter().collect());
        }
        Ok(assigned)
    }

    /// The hours that rules tell apart, and when they are; one that is always where they tell none apart.
    fn times(&self, rules: &Rules) -> Result<BTreeMap<Option<Clock>, Vec<Span>>, RateError> {
        let (hour, weekday) = (rules.names.contains(&Name::Hour), rules.names.contains(&Name::Weekday));
        let mut times: BTreeMap<Option<Clock>, Vec<Span>> = BTreeMap::new();
        if !hour && !weekday {
            return Ok(BTreeMap::from([(None, Vec::new())]));
        }
        let span = self.input.period.span();
        let span = span.map_err(|error| self.usage_error(UsageError::Measure(MeasureError::Period(error))))?;
        let mut quarter = Quarter::of(span.from);
        // A month has 3,000 quarter-hours at most.
        while quarter.start() < span.until {
            let next = Quarter(quarter.0.saturating_add(1));
            if let Some(at) = quarter.start().to_utc() {
                let local = at.with_timezone(&self.input.period.zone);
                let day = if weekday { local.weekday().number_from_monday() } else { 0 };
                let clock = Clock { weekday: day, hour: if hour { local.hour() } else { 0 } };
                let spans = times.entry(Some(clock)).or_default();
                match spans.last_mut().filter(|last| last.until == quarter.start()) {
                    Some(last) => last.until = next.start(),
                    None => spans.push(Span { from: quarter.start(), until: next.start() }),
                }
            }
            quarter = next;
        }
        Ok(times)
    }

    /// The first rule that holds.
    fn row(
        &self,
        rules: &Rules,
        streams: &BTreeMap<String, Exact>,
        dimensions: &BTreeMap<String, String>,
        clock: Option<Clock>,
        seen: &mut Seen,
    ) -> Result<Option<usize>, RateError> {
        let values = Values { customer: self.input.attributes, streams, dimensions, clock };
        let mut found = None;
        for (index, condition) in rules.conditions.iter().enumerate() {
            let holds = condition.as_ref().map_or(Ok(true), |condition| condition.holds(&values));
            if holds.map_err(|why| self.untold(rules, index, why))? {
                found = Some(index);
                break;
            }
        }
        let known = seen.entry(found).or_default();
        for name in &rules.names {
            known.entry(name.clone()).or_default().insert(values.get(name));
        }
        Ok(found)
    }

    /// Usage under no rule cannot be billed, unless it is said to cost nothing.
    fn nobody(&self, price: &UsagePrice, rules: &Rules, selected: &[Selected], seen: &Seen) -> Result<(), RateError> {
        let left = |part: &&Selected| matches!(part.part.row, Row::None(_)) && part.measured.samples > 0;
        if price.otherwise == Otherwise::None || !selected.iter().any(|part| left(&part)) {
            return Ok(());
        }
        Err(RateError::NoRule(Box::new(NoRule {
            customer: self.input.customer.to_owned(),
            plan: self.plan.name.clone(),
            component: self.component.name.to_string(),
            values: seen.get(&None).map_or_else(String::new, |values| rules.told(values)),
        })))
    }

    fn untold(&self, rules: &Rules, index: usize, source: Untold) -> RateError {
        RateError::Rule(Box::new(RuleFailure {
            customer: self.input.customer.to_owned(),
            component: self.component.name.to_string(),
            rule: rules.text(index).to_owned(),
            source,
        }))
    }
}

impl Rules {
    fn text(&self, index: usize) -> &str {
        self.conditions.get(index).and_then(Option::as_ref).map_or("", |condition: &Condition| condition.text.as_str())
    }

    fn step(&self, row: usize, values: &BTreeMap<Name, BTreeSet<Option<Known>>>) -> RatedStep {
        let told = self.told(values);
        let because = if told.is_empty() { String::new() } else { format!(": {told}") };
        let text = match self.text(row) {
            "" if row == 0 => "the only rule".to_owned(),
            "" => format!("no rule above holds{because}"),
            text => format!("rule “{}” holds{because}", text.trim()),
        };
        RatedStep::new(text)
    }

    /// What the conditions were told.
    fn told(&self, values: &BTreeMap<Name, BTreeSet<Option<Known>>>) -> String {
        let one = |(name, values): (&Name, &BTreeSet<Option<Known>>)| {
            let mut shown: Vec<String> = values.iter().take(SHOWN).map(|value| self.shown(name, value)).collect();
            if values.len() > SHOWN {
                shown.push("…".to_owned());
            }
            format!("{} is {}", name.written(), shown.join(" or "))
        };
        values.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    fn shown(&self, name: &Name, value: &Option<Known>) -> String {
        match (name, value) {
            (_, None) => "missing".to_owned(),
            (_, Some(Known::Text(text))) => text.clone(),
            (Name::Stream(stream), Some(Known::Number(number))) => {
                let unit = self.units.get(stream).map_or("", String::as_str);
                format!("{} {unit}", prose(number, 0))
            }
            (_, Some(Known::Number(number))) => prose(number, 0).to_string(),
        }
    }
}
