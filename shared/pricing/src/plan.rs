//! A plan that can be rated: every name resolved, every number checked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use metering::exact::Rounding;
use metering::stream::Stream;

use crate::around::{self, Around, DiscountSpec, Known};
use crate::compile::{self, Source};
use crate::fee::{ChangeRounding, Fee, OneTimeSpec, RecurringSpec};
use crate::money::Currency;
use crate::offer::{self, Phase};
use crate::price::{Meter, Price};
use crate::price_list::{self, Sold};
use crate::price_spec::{PriceSpec, Texts};
use crate::spec::{ComponentSpec, PlanComponentSpec, PlanSpec, SpecError};

/// The heading of charges that belong to no service.
pub(crate) const PLAN_GROUP: &str = "Plan";

/// A bundle of fees and components in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How subscriptions call it.
    pub name: String,
    /// How the invoice calls it.
    pub title: String,
    /// Of every amount.
    pub currency: Currency,
    /// All in which it is sold, at other prices.
    pub currencies: Vec<Currency>,
    /// How each line is rounded, once, to the currency's minor unit.
    pub rounding: Rounding,
    /// The category of tax of everything that names none.
    pub tax: Option<Arc<str>>,
    /// In the order of the catalogue, recurring ones first.
    pub fees: Vec<Fee>,
    /// In the order of the catalogue.
    pub components: Vec<Component>,
    /// What stands around them.
    pub around: Around,
    /// How the parts of a fee's period are rounded that a change cuts it into.
    pub change_rounding: ChangeRounding,
    /// Whether its recurring fees are free and those that are charged once wait.
    pub trial: bool,
    /// What is offered for a time at first.
    pub phases: Vec<Phase>,
}

/// Something that is charged for by usage or attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// The key of its lines.
    pub name: Arc<str>,
    /// How the invoice calls it.
    pub title: Arc<str>,
    /// The heading on the invoice.
    pub group: Arc<str>,
    /// Its category of tax; the plan's where absent.
    pub tax: Option<Arc<str>>,
    /// The stream that it counts, if any.
    pub meter: Option<Meter>,
    /// Which of the stream's usage counts.
    pub only: BTreeMap<String, Texts>,
    /// What it costs.
    pub price: Price,
    /// The units of all streams of the catalogue, by name: what rules may ask for.
    pub streams: Arc<BTreeMap<String, String>>,
}

impl Component {
    /// The streams of which it needs the usage: the one it counts, and those that its rules ask for.
    pub fn needs(&self) -> impl Iterator<Item = &str> {
        let rules = match &self.price {
            Price::Usage(price) => price.rules.as_ref(),
            Price::ByAttribute(_) => None,
        };
        let counted = self.meter.iter().map(|meter| meter.stream.as_str());
        counted.chain(rules.into_iter().flat_map(|rules| rules.units.keys()).map(String::as_str))
    }
}

impl ComponentSpec {
    /// Everything that is wrong with the component by itself, with paths relative to it. Whether
    /// its amounts fit a currency shows when a plan uses it.
    #[must_use]
    pub fn check(&self, streams: &BTreeMap<String, Stream>) -> Vec<SpecError> {
        let mut problems = compile::name(&self.name);
        match self.meter(streams) {
            Ok(meter) => {
                let units = units(streams);
                let source = self.source(meter.as_ref(), &units);
                problems.extend(self.prices().check());
                for (field, currency, price) in self.prices().each() {
                    // Where the currency is known, so are the digits of its amounts.
                    let wrong = match currency {
                        Some(currency) => compile::price(price, &source, currency).err().unwrap_or_default(),
                        None => compile::check(price, &source),
                    };
                    problems.extend(wrong.into_iter().map(|problem| problem.within(&field)));
                }
            }
            Err(problem) => problems.push(problem),
        }
        problems
    }

    fn meter(&self, streams: &BTreeMap<String, Stream>) -> Result<Option<Meter>, SpecError> {
        let Some(name) = &self.stream else { return Ok(None) };
        let stream = streams.get(name).ok_or_else(|| {
            let problem = SpecError::new("stream", format!("there is no stream “{name}”"));
            compile::hint_near(problem, name, streams.keys())
        })?;
        let (unit, kind) = (stream.unit.as_str().into(), stream.kind);
        Ok(Some(Meter { stream: name.clone(), unit, kind, month: stream.month }))
    }

    fn source<'a>(&'a self, meter: Option<&'a Meter>, streams: &'a BTreeMap<String, String>) -> Source<'a> {
        Source { meter, only: &self.only, streams }
    }

    fn heading(&self, streams: &BTreeMap<String, Stream>) -> String {
        let of_stream = || self.stream.as_ref().and_then(|name| streams.get(name)).map(|stream| stream.title.clone());
        self.group.clone().or_else(of_stream).unwrap_or_else(|| PLAN_GROUP.to_owned())
    }

    /// The component at its own price.
    pub(crate) fn sold(&self, streams: &BTreeMap<String, Stream>, sold: Sold<'_>) -> Result<Component, Vec<SpecError>> {
        let (_, price) = sold.price(&self.name, self.prices()).map_err(|problem| vec![problem])?;
        self.compile(price, streams, sold.currency)
    }

    fn compile(
        &self,
        price: &PriceSpec,
        streams: &BTreeMap<String, Stream>,
        currency: Currency,
    ) -> Result<Component, Vec<SpecError>> {
        let meter = self.meter(streams).map_err(|problem| vec![problem])?;
        let units = Arc::new(units(streams));
        let price = compile::price(price, &self.source(meter.as_ref(), &units), currency)?;
        let (name, title, group) =
            (self.name.as_str().into(), self.title.as_str().into(), self.heading(streams).into());
        let (only, tax) = (self.only.clone(), self.tax.as_deref().map(Arc::from));
        Ok(Component { name, title, group, tax, meter, only, price, streams: units })
    }
}

impl Plan {
    /// A plan that is sold in one currency.
    ///
    /// # Errors
    /// As [`Plan::compile_each`]; a plan in several currencies.
    pub fn compile(
        spec: &PlanSpec,
        components: &BTreeMap<String, ComponentSpec>,
        streams: &BTreeMap<String, Stream>,
    ) -> Result<Self, Vec<SpecError>> {
        let mut plans = Self::compile_each(spec, components, streams)?;
        match (plans.pop(), plans.is_empty()) {
            (Some(plan), true) => Ok(plan),
            _ => Err(vec![SpecError::new("currency", "the plan is sold in several currencies: choose one")]),
        }
    }

    /// Resolves and checks a plan against the components and streams of the catalogue: one for each currency in
    /// which it is sold, in the order written.
    ///
    /// # Errors
    /// Everything that is wrong at once, with paths relative to the plan. What [`ComponentSpec::check`]
    /// finds in a component that the plan uses is found again here: check components first.
    pub fn compile_each(
        spec: &PlanSpec,
        components: &BTreeMap<String, ComponentSpec>,
        streams: &BTreeMap<String, Stream>,
    ) -> Result<Vec<Self>, Vec<SpecError>> {
        let (mut plans, mut problems) = (Vec::new(), Vec::new());
        let all = price_list::currencies(&spec.currency, &mut problems);
        // Without a currency the amounts cannot be read: reported with what needs no currency.
        let sold: Vec<Option<Sold<'_>>> = match all.as_slice() {
            [] => vec![None],
            some => some.iter().map(|currency| Some(Sold { currency: *currency, all: &all })).collect(),
        };
        for sold in sold {
            match Self::compile_in(spec, sold, components, streams) {
                Ok(plan) => plans.extend(plan),
                Err(found) => {
                    let new: Vec<_> = found.into_iter().filter(|problem| !problems.contains(problem)).collect();
                    problems.extend(new);
                }
            }
        }
        if problems.is_empty() { Ok(plans) } else { Err(problems) }
    }

    fn compile_in(
        spec: &PlanSpec,
        sold: Option<Sold<'_>>,
        components: &BTreeMap<String, ComponentSpec>,
        streams: &BTreeMap<String, Stream>,
    ) -> Result<Option<Self>, Vec<SpecError>> {
        let mut problems = compile::name(&spec.name);
        let catalogue = Catalogue { components, streams, sold };
        let fees = fees(spec, sold, &mut problems);
        let compiled = collect(&spec.components, &mut problems, |index, used| catalogue.component(index, used));
        let names = spec.recurring.iter().map(RecurringSpec::name_or_slug);
        problems.extend(duplicates("recurring", names.clone()));
        let (count, once) = (spec.recurring.len(), spec.one_time.iter().map(OneTimeSpec::name_or_slug));
        problems.extend(duplicates_from(count, "one-time", names.clone().chain(once.clone())));
        let (count, off) = (count.saturating_add(spec.one_time.len()), spec.discounts.iter());
        let off = off.map(DiscountSpec::name_or_slug);
        problems.extend(duplicates_from(count, "discounts", names.chain(once).chain(off)));
        problems.extend(duplicates("components", spec.components.iter().map(|used| used.name.clone())));
        let around = around::around(spec, &known(spec), sold);
        let around = around.map_err(|found| problems.extend(found)).unwrap_or_default();
        problems.extend(around.check(&compiled));
        let phases = offer::phases(&spec.phases, &spec.name, &known(spec), sold, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(sold.map(|Sold { currency, all }| Self {
            name: spec.name.clone(),
            title: spec.title.clone(),
            currency,
            currencies: all.to_vec(),
            rounding: spec.rounding,
            tax: spec.tax.as_deref().map(Arc::from),
            fees,
            components: compiled,
            around,
            change_rounding: spec.change_rounding,
            trial: false,
            phases,
        }))
    }

    /// The plan with other prices for some components: those agreed with one customer. Each
    /// replaces the component's price as a whole.
    ///
    /// # Errors
    /// Everything that is wrong at once, with paths such as `prices.storage-tb.per-unit`.
    pub fn with_prices(&self, prices: &BTreeMap<String, PriceSpec>) -> Result<Self, Vec<SpecError>> {
        let (mut plan, mut problems) = (self.clone(), Vec::new());
        for (name, price) in prices {
            let path = format!("prices.{name}");
            match plan.components.iter_mut().find(|component| *component.name == **name) {
                None => {
                    let names: Vec<String> = self.components.iter().map(|own| own.name.to_string()).collect();
                    problems.push(compile::hint_near(self.no_component(&path, name), name, &names));
                }
                Some(component) => {
                    let (meter, only, streams) = (component.meter.as_ref(), &component.only, &*component.streams);
                    let source = Source { meter, only, streams };
                    match compile::price(price, &source, self.currency) {
                        Ok(price) => component.price = price,
                        Err(found) => problems.extend(found.into_iter().map(|problem| problem.within(&path))),
                    }
                }
            }
        }
        if problems.is_empty() { Ok(plan) } else { Err(problems) }
    }

    fn no_component(&self, path: &str, name: &str) -> SpecError {
        SpecError::new(path, format!("the plan “{}” has no component “{name}”", self.name))
    }
}

fn units(streams: &BTreeMap<String, Stream>) -> BTreeMap<String, String> {
    streams.iter().map(|(name, stream)| (name.clone(), stream.unit.clone())).collect()
}

/// What a plan refers to.
struct Catalogue<'a> {
    components: &'a BTreeMap<String, ComponentSpec>,
    streams: &'a BTreeMap<String, Stream>,
    sold: Option<Sold<'a>>,
}

impl Catalogue<'_> {
    fn component(&self, index: usize, used: &PlanComponentSpec) -> Result<Option<Component>, Vec<SpecError>> {
        let path = format!("components[{index}]");
        let component = self.components.get(&used.name).ok_or_else(|| {
            let problem = SpecError::new(&path, format!("there is no component “{}”", used.name));
            vec![compile::hint_near(problem, &used.name, self.components.keys())]
        })?;
        let Some(sold) = self.sold else { return Ok(None) };
        let (own, prices) = (used.prices(), component.prices());
        let found = sold.price(&component.name, own.unwrap_or(prices));
        // What the component lacks is reported at the plan that uses it, which sets the currency.
        let at = |problem: SpecError| {
            if own.is_some() { problem.within(&path) } else { SpecError { path: path.clone(), ..problem } }
        };
        let (field, price) = found.map_err(|problem| vec![at(problem)])?;
        let compiled = component.compile(price, self.streams, sold.currency).map_err(|problems| {
            let of_plan = own.is_some().then(|| format!("{path}.{field}"));
            let of_component = |problem| of_component(problem, component, &path);
            let each = problems.into_iter().map(|problem: SpecError| match &of_plan {
                Some(outer) => problem.within(outer),
                None => of_component(problem),
            });
            each.collect::<Vec<_>>()
        })?;
        Ok(Some(compiled))
    }
}

/// A fault of a component's own price is reported at the plan that uses it, which sets the currency.
fn of_component(problem: SpecError, component: &ComponentSpec, path: &str) -> SpecError {
    let message = format!("in the component “{}”, {}: {}", component.name, problem.path, problem.message);
    SpecError { path: path.to_owned(), message, hint: problem.hint }
}

fn collect<S, T>(
    specs: &[S],
    problems: &mut Vec<SpecError>,
    compile: impl Fn(usize, &S) -> Result<Option<T>, Vec<SpecError>>,
) -> Vec<T> {
    let mut compiled = Vec::new();
    for (index, spec) in specs.iter().enumerate() {
        match compile(index, spec) {
            Ok(one) => compiled.extend(one),
            Err(found) => problems.extend(found),
        }
    }
    compiled
}

/// What a discount can name: components, and fees by their names.
fn known(spec: &PlanSpec) -> Known {
    let fees = spec.recurring.iter().map(RecurringSpec::name_or_slug);
    let fees = fees.chain(spec.one_time.iter().map(OneTimeSpec::name_or_slug));
    let keyed = fees.map(|name| (name.clone(), format!("{}/{name}", spec.name)));
    keyed.chain(spec.components.iter().map(|used| (used.name.clone(), used.name.clone()))).collect()
}

/// Recurring fees, then those that are charged once.
fn fees(spec: &PlanSpec, sold: Option<Sold<'_>>, problems: &mut Vec<SpecError>) -> Vec<Fee> {
    let within = |list: &'static str, index: usize| {
        move |found: Vec<SpecError>| -> Vec<SpecError> {
            found.into_iter().map(|problem| problem.within(&format!("{list}[{index}]"))).collect()
        }
    };
    let mut fees = collect(&spec.recurring, problems, |index, fee| {
        fee.compile(&spec.name, sold).map_err(within("recurring", index))
    });
    fees.extend(collect(&spec.one_time, problems, |index, fee| {
        fee.compile(&spec.name, sold).map_err(within("one-time", index))
    }));
    fees
}

fn duplicates(list: &str, names: impl Iterator<Item = String>) -> Vec<SpecError> {
    duplicates_from(0, list, names)
}

/// Names given twice, in a list of which the first `skip` names stand elsewhere.
fn duplicates_from(skip: usize, list: &str, names: impl Iterator<Item = String>) -> Vec<SpecError> {
    let mut seen = BTreeSet::new();
    let repeated = names.enumerate().filter(|(_, name)| !seen.insert(name.clone()));
    let here = repeated.filter_map(|(index, name)| Some((index.checked_sub(skip)?, name)));
    here.map(|(index, name)| {
        let problem = SpecError::new(format!("{list}[{index}]"), format!("“{name}” stands in the plan twice"));
        problem.hint("give each its own name: corrections of earlier invoices are found by it")
    })
    .collect()
}
