//! What a plan or a component costs for a usage that somebody supposes: the examples that stand beside
//! the prices, and what `farthing price` is asked.
//!
//! The usage is turned into cells as if files had reported it, then measured and rated as an invoice
//! is: there is no other way to a price.

mod given;
mod moment;
mod quantity;
mod spec;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono_tz::Tz;
use metering::measure::{MeasureError, SeriesUsage};
use metering::period::{Period, start_of_day};
use metering::select::{Condition, Query, Selected};
use metering::stream::Stream;
use metering::tally::Cells;
use metering::time::Span;

use crate::agreement::{Agreement, Stretch, UsageWithin, rate_agreement};
use crate::decimal::Decimal;
use crate::history::History;
use crate::line::RatedLine;
use crate::money::{Amount, Currency, MoneyError};
use crate::plan::Plan;
use crate::price_spec::Texts;
use crate::rate::{RateError, Term};
use crate::spec::{ComponentSpec, PlanComponentSpec, PlanSpec, SpecError};
use crate::text;
use crate::usage::{Metered, Usage, UsageError};

pub use moment::Moment;
pub use spec::{Amounts, ExampleSpec, Given, GivenUsage, GivenUsages, Written};

/// The customer that errors name.
const CUSTOMER: &str = "example";

/// A supposed month of a supposed customer, ready to be rated.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The month.
    pub period: Period,
    term: Term,
    attributes: BTreeMap<String, String>,
    cells: Cells,
}

impl Scenario {
    /// Turns what is given into cells.
    ///
    /// # Errors
    /// Everything that is wrong at once, with paths such as `usage.storage[1].quantity`.
    pub fn build(given: &Given, streams: &BTreeMap<String, Stream>, zone: Tz) -> Result<Self, Vec<SpecError>> {
        given::build(given, streams, zone)
    }

    /// The days on which the plan is held.
    #[must_use]
    pub fn term(&self) -> Term {
        self.term
    }

    /// The lines of a plan by itself.
    ///
    /// # Errors
    /// [`RateError`].
    pub fn rate(&self, plan: &Plan, streams: &BTreeMap<String, Stream>) -> Result<Vec<RatedLine>, RateError> {
        self.agreement(&[Stretch { plan, term: self.term, ended: None }], streams)
    }

    /// The lines of all that is held, as an invoice would have them: of each agreement by itself, its plans in the order
    /// of their days.
    ///
    /// # Errors
    /// [`RateError`].
    pub fn rate_held(
        &self,
        held: &[Vec<(Term, Arc<Plan>)>],
        streams: &BTreeMap<String, Stream>,
    ) -> Result<Vec<RatedLine>, RateError> {
        let mut lines = Vec::new();
        for agreement in held {
            let stretches: Vec<Stretch<'_>> =
                agreement.iter().map(|(term, plan)| Stretch { plan, term: *term, ended: None }).collect();
            lines.extend(self.agreement(&stretches, streams)?);
        }
        Ok(lines)
    }

    fn agreement(
        &self,
        stretches: &[Stretch<'_>],
        streams: &BTreeMap<String, Stream>,
    ) -> Result<Vec<RatedLine>, RateError> {
        rate_agreement(&Agreement {
            customer: CUSTOMER,
            period: &self.period,
            stretches,
            attributes: &self.attributes,
            usage: &Supposed { scenario: self, streams },
            history: &History::default(),
        })
    }
}

/// What is supposed to be used.
#[derive(Debug)]
struct Supposed<'a> {
    scenario: &'a Scenario,
    streams: &'a BTreeMap<String, Stream>,
}

impl UsageWithin for Supposed<'_> {
    fn within<'a>(&'a self, term: Term) -> Result<Box<dyn Usage + 'a>, UsageError> {
        let period = &self.scenario.period;
        let at = |date| start_of_day(period.zone, date).map_err(MeasureError::from);
        let whole = period.span().map_err(MeasureError::from)?;
        let (from, until) = (at(term.from)?, term.until.map_or(Ok(whole.until), at)?);
        let window = whole.intersection(&Span { from, until }).unwrap_or(Span { from, until: from });
        Ok(Box::new(Cut { scenario: self.scenario, streams: self.streams, window, owned: [window] }))
    }
}

/// The same, cut to some days.
#[derive(Debug)]
struct Cut<'a> {
    scenario: &'a Scenario,
    streams: &'a BTreeMap<String, Stream>,
    window: Span,
    owned: [Span; 1],
}

impl Cut<'_> {
    fn metered(&self) -> Metered<'_> {
        let cells = &self.scenario.cells.0;
        let mut series: BTreeMap<&str, Vec<SeriesUsage<'_>>> = BTreeMap::new();
        for (key, quarters) in cells {
            series.entry(&key.stream).or_default().push(SeriesUsage { key, quarters, owned: &self.owned });
        }
        let mut deployments: BTreeSet<&str> = cells.keys().map(|key| key.deployment.as_str()).collect();
        if deployments.is_empty() {
            deployments.insert(given::DEPLOYMENT);
        }
        let (period, window, streams) = (&self.scenario.period, self.window, self.streams);
        Metered { period, window, streams, series, deployments: deployments.into_iter().collect() }
    }
}

impl Usage for Cut<'_> {
    fn select(&self, stream: &str, query: &Query) -> Result<Vec<Selected>, UsageError> {
        self.metered().select(stream, query)
    }

    fn combinations(
        &self,
        stream: &str,
        only: &Condition,
        names: &BTreeSet<String>,
    ) -> Result<BTreeSet<BTreeMap<String, String>>, UsageError> {
        self.metered().combinations(stream, only, names)
    }
}

impl PlanSpec {
    /// A plan of nothing but one component, by whose name it goes.
    #[must_use]
    pub fn of_component(component: &ComponentSpec, currency: Currency) -> Self {
        Self {
            name: component.name.clone(),
            title: component.title.clone(),
            currency: Texts(vec![currency.code().to_owned()]),
            components: vec![PlanComponentSpec { name: component.name.clone(), price: None, prices: BTreeMap::new() }],
            ..Self::default()
        }
    }
}

impl ExampleSpec {
    /// What is wrong with an example that could not come out otherwise, whatever the prices.
    #[must_use]
    pub fn check(&self) -> Option<SpecError> {
        if self.taxes.is_some() && self.tax.is_none() {
            let problem = SpecError::new("taxes", "the example expects taxes, and does not say where they are due");
            return Some(problem.hint("add `tax: {jurisdiction: …}`"));
        }
        if self.lines.is_none() && self.total.is_none() && self.taxes.is_none() {
            let problem = SpecError::new("total", "the example expects nothing");
            return Some(problem.hint("say what comes out: `total: 725.00`, or `lines: {storage-tb: 625.00}`"));
        }
        None
    }

    /// Compares what comes out, with paths relative to the example; nothing where it is as the example says.
    #[must_use]
    pub fn compare(&self, plan: &Plan, lines: &[RatedLine], taxes: Amount) -> Vec<SpecError> {
        let mut problems = self.lines.as_ref().map_or_else(Vec::new, |expected| unlike(plan, expected, lines));
        problems.extend(match Amount::sum(lines.iter().map(|line| line.amount)) {
            Ok(total) => differs("total", self.total, total, plan.currency).map(|problem| problem.hint(told(lines))),
            Err(error) => Some(SpecError::new("total", error.to_string())),
        });
        problems.extend(differs("taxes", self.taxes, taxes, plan.currency));
        problems
    }
}

fn differs(path: &str, expected: Option<Decimal>, found: Amount, currency: Currency) -> Option<SpecError> {
    let expected = expected.map(|expected| expected.value())?;
    if exact(found, currency).as_ref() == Ok(&expected) {
        return None;
    }
    let (expected, found) = (text::prose(&expected, currency.digits()), money(found, currency));
    let of = if path == "total" { String::new() } else { format!(" of {path}") };
    Some(SpecError::new(path, format!("the example expects {expected} {currency}{of}, and it is {found}")))
}

/// The lines that differ from what is expected, those that are missing, and those nobody expects.
fn unlike(plan: &Plan, expected: &BTreeMap<String, Amounts>, lines: &[RatedLine]) -> Vec<SpecError> {
    let mut found: BTreeMap<&str, Vec<&RatedLine>> = BTreeMap::new();
    for line in lines {
        found.entry(key(plan, expected, line)).or_default().push(line);
    }
    let mut problems = Vec::new();
    for (name, amounts) in expected {
        let path = format!("lines.{name}");
        match found.remove(name.as_str()) {
            None => {
                let known: Vec<&str> = lines.iter().map(|line| &*line.component).collect();
                let hint = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
                let problem =
                    SpecError::new(path, format!("the example expects a line of “{name}”, and there is none"));
                problems.push(problem.hint(format!("there are lines of: {hint}")));
            }
            Some(lines) if amounts.fit(&lines) => {}
            Some(lines) => {
                let is: Vec<String> = lines.iter().map(|line| money(line.amount, line.currency)).collect();
                let expected = amounts.told(plan.currency.digits());
                let message = format!("the example expects {expected} for “{name}”, and it is {}", is.join(", "));
                problems.push(SpecError::new(path, message).hint(told(lines)));
            }
        }
    }
    for (name, lines) in found {
        let message = format!("there is a line of “{name}” that the example does not expect");
        problems.push(SpecError::new("lines", message).hint(told(lines)));
    }
    problems
}

/// What the example calls a line: its component, or a fee's name without the plan's.
fn key<'a>(plan: &Plan, expected: &BTreeMap<String, Amounts>, line: &'a RatedLine) -> &'a str {
    let short = line.component.strip_prefix(plan.name.as_str()).and_then(|rest| rest.strip_prefix('/'));
    short.filter(|name| expected.contains_key(*name)).unwrap_or(&line.component)
}

/// The lines with their steps, in a sentence.
fn told<'a>(lines: impl IntoIterator<Item = &'a RatedLine>) -> String {
    let one = |line: &RatedLine| {
        let steps: Vec<String> = line.steps.iter().map(|step| step.text.to_string()).collect();
        let detail = line.detail.as_ref().map_or_else(String::new, |detail| format!(" ({detail})"));
        format!("{}{detail} {}: {}", line.component, money(line.amount, line.currency), steps.join("; "))
    };
    let told: Vec<String> = lines.into_iter().map(one).collect();
    if told.is_empty() { "there is no line".to_owned() } else { told.join("\n") }
}

fn money(amount: Amount, currency: Currency) -> String {
    format!("{} {currency}", text::grouped(&amount.format(currency.digits())))
}

fn exact(amount: Amount, currency: Currency) -> Result<metering::exact::Exact, MoneyError> {
    metering::exact::Exact::decimal(amount.0, currency.digits()).map_err(|_| MoneyError::Overflow)
}
