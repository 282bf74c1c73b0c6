//! What stands around the lines of a plan, as written.

use std::collections::{BTreeMap, BTreeSet};

use metering::exact::Exact;
use serde::Deserialize;

use super::{Around, Bound, Commitment, Counts, Discount, Off};
use crate::compile;
use crate::day::Day;
use crate::decimal::Decimal;
use crate::money::Amount;
use crate::price_list::{Money, Sold};
use crate::price_spec::Unspent;
use crate::prorate_spec::Prorate;
use crate::recurrence::Every;
use crate::spec::{PlanSpec, SpecError};

/// `minimum:` or `maximum:` of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BoundSpec {
    /// For a whole month.
    pub amount: Money,
    /// How the invoice calls it.
    pub title: Option<String>,
    /// What is counted; everything where absent.
    #[serde(default)]
    pub counts: Counts,
    /// For a part of a month.
    #[serde(default)]
    pub prorate: Prorate,
}

/// `commitment:` of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CommitmentSpec {
    /// For a whole window.
    pub amount: Money,
    /// The window: a month, quarter or year.
    #[serde(default)]
    pub every: Every,
    /// What spending beyond the commitment is multiplied by; 1 where absent.
    pub overage: Option<Decimal>,
    /// How the invoice calls it.
    pub title: Option<String>,
    /// What is counted; usage where absent.
    pub counts: Option<Counts>,
    /// For a part of a window; by the day for months, not at all for longer ones.
    pub prorate: Option<Prorate>,
    /// What becomes of what is not spent; it is charged where absent.
    #[serde(default)]
    pub unspent: Unspent,
}

/// An item of `discounts:`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DiscountSpec {
    /// The key by which a later correction finds it; made from the title where absent.
    pub name: Option<String>,
    /// How the invoice calls it.
    pub title: String,
    /// Of what it applies to.
    pub percent: Option<Decimal>,
    /// Off what it applies to, at most all of it.
    pub amount: Option<Money>,
    /// Off the quantity of the one component that it names.
    pub units: Option<Decimal>,
    /// Components and fees of the plan; all where absent.
    pub components: Option<Vec<String>>,
    /// The first day on which it holds.
    pub from: Option<Day>,
    /// The first day on which it no longer holds.
    pub until: Option<Day>,
}

impl DiscountSpec {
    pub(crate) fn name_or_slug(&self) -> String {
        self.name.clone().unwrap_or_else(|| compile::slug(&self.title))
    }
}

/// What a discount can apply to: the names of the plan's components and fees, with the keys of their lines.
pub(crate) type Known = BTreeMap<String, String>;

/// Checks what stands around the lines of a plan.
pub(crate) fn around(spec: &PlanSpec, known: &Known, sold: Option<Sold<'_>>) -> Result<Around, Vec<SpecError>> {
    let mut problems = Vec::new();
    let Some(sold) = sold else { return Ok(Around::default()) };
    let mut keep = |bound: Option<&BoundSpec>, path: &'static str, title: &str| {
        let bound = bound?;
        let key = format!("{}/{path}", spec.name);
        compile_bound(bound, key, path, title, sold).map_err(|problem| problems.push(problem)).ok()
    };
    let minimum = keep(spec.minimum.as_ref(), "minimum", "Minimum charge");
    let maximum = keep(spec.maximum.as_ref(), "maximum", "Maximum charge");
    if minimum.as_ref().zip(maximum.as_ref()).is_some_and(|(low, high)| low.amount > high.amount) {
        problems.push(SpecError::new("maximum", "the maximum is below the minimum"));
    }
    let commitment = spec
        .commitment
        .as_ref()
        .and_then(|written| commitment(written, &spec.name, sold).map_err(|found| problems.extend(found)).ok());
    let mut discounts = Vec::new();
    for (index, written) in spec.discounts.iter().enumerate() {
        match compile_discount(written, &spec.name, known, sold) {
            Ok(discount) => discounts.push(discount),
            Err(found) => {
                problems.extend(found.into_iter().map(|problem| problem.within(&format!("discounts[{index}]"))));
            }
        }
    }
    if problems.is_empty() { Ok(Around { discounts, commitment, minimum, maximum }) } else { Err(problems) }
}

fn compile_bound(spec: &BoundSpec, key: String, path: &str, title: &str, sold: Sold<'_>) -> Result<Bound, SpecError> {
    let amount = sold.amount(&format!("{path}.amount"), &spec.amount)?;
    let title = spec.title.clone().unwrap_or_else(|| title.to_owned());
    Ok(Bound { key, title, amount, counts: spec.counts, prorate: spec.prorate })
}

fn commitment(spec: &CommitmentSpec, plan: &str, sold: Sold<'_>) -> Result<Commitment, Vec<SpecError>> {
    let mut problems = Vec::new();
    let amount = sold.amount("commitment.amount", &spec.amount);
    let amount = amount.map_err(|problem| problems.push(problem)).unwrap_or_default();
    if spec.every == Every::Week {
        let problem = SpecError::new("commitment.every", "a commitment is drawn by whole months");
        problems.push(problem.hint("write `month`, `quarter` or `year`"));
    }
    let overage = spec.overage.map_or(Exact::ONE, |factor| factor.value());
    if overage < Exact::ONE {
        let problem = SpecError::new("commitment.overage", "spending beyond the commitment is multiplied by this");
        problems.push(problem.hint("write 1 for the same price, 1.5 for half as much again"));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let by_default = if spec.every == Every::Month { Prorate::Day } else { Prorate::None };
    Ok(Commitment {
        key: format!("{plan}/commitment"),
        title: spec.title.clone().unwrap_or_else(|| "Commitment".to_owned()),
        amount,
        every: spec.every,
        overage,
        counts: spec.counts.unwrap_or(Counts::Usage),
        prorate: spec.prorate.unwrap_or(by_default),
        unspent: spec.unspent,
    })
}

/// Checks one discount; `known` are the components and fees that it can apply to.
pub(crate) fn compile_discount(
    spec: &DiscountSpec,
    plan: &str,
    known: &Known,
    sold: Sold<'_>,
) -> Result<Discount, Vec<SpecError>> {
    let name = spec.name_or_slug();
    let mut problems = compile::name(&name);
    let off = off(spec, sold).map_err(|problem| problems.push(problem)).ok();
    let components = scope(spec, known, &mut problems);
    if spec.from.zip(spec.until).is_some_and(|(from, until)| until <= from) {
        problems.push(SpecError::new("until", "the discount ends before it begins"));
    }
    match off {
        Some(off) if problems.is_empty() => Ok(Discount {
            key: format!("{plan}/{name}"),
            title: spec.title.clone(),
            off,
            components,
            from: spec.from.map(|day| day.0),
            until: spec.until.map(|day| day.0),
        }),
        _ => Err(problems),
    }
}

fn off(spec: &DiscountSpec, sold: Sold<'_>) -> Result<Off, SpecError> {
    match (spec.percent, &spec.amount, spec.units) {
        (Some(percent), None, None) => {
            let value = percent.value();
            if value <= Exact::ZERO || value > Exact::integer(100) {
                return Err(SpecError::new("percent", format!("{percent} is not above 0 and at most 100")));
            }
            Ok(Off::Percent(value))
        }
        (None, Some(amount), None) => sold.amount("amount", amount).and_then(positive).map(Off::Amount),
        (None, None, Some(units)) => {
            if spec.components.as_ref().is_none_or(|components| components.len() != 1) {
                let problem = SpecError::new("units", "units are taken off the quantity of one component");
                return Err(problem.hint("name it, such as `components: [storage-tb]`"));
            }
            compile::positive("units", units).map(Off::Units)
        }
        _ => Err(SpecError::new("percent", "a discount has one of `percent`, `amount` and `units`")),
    }
}

fn positive(amount: Amount) -> Result<Amount, SpecError> {
    if amount > Amount::ZERO { Ok(amount) } else { Err(SpecError::new("amount", "a discount takes off more than 0")) }
}

/// The keys of the lines that a discount applies to.
fn scope(spec: &DiscountSpec, known: &Known, problems: &mut Vec<SpecError>) -> Option<BTreeSet<String>> {
    let names = spec.components.as_ref()?;
    let mut keys = BTreeSet::new();
    for (index, name) in names.iter().enumerate() {
        match known.get(name) {
            Some(key) => drop(keys.insert(key.clone())),
            None => {
                let message = format!("the plan has no component and no fee “{name}”");
                let problem = SpecError::new(format!("components[{index}]"), message);
                problems.push(compile::hint_near(problem, name, known.keys()));
            }
        }
    }
    Some(keys)
}
