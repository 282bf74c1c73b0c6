//! Checks of single values on the way from the catalogue to a plan. Nothing is clamped or guessed:
//! what makes no sense is refused where it stands.

use std::collections::BTreeMap;

use metering::exact::Exact;

use crate::decimal::Decimal;
use crate::money::{Amount, Currency, MoneyError};
use crate::plan::{ByAttribute, Meter, PerUnit, Price};
use crate::spec::{PriceSpec, SpecError};

/// A name becomes part of keys: letters, digits, `-`, `_` and `.`.
pub(crate) fn name(name: &str) -> Vec<SpecError> {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !name.is_empty() && name.chars().all(allowed) {
        return Vec::new();
    }
    let problem = SpecError::new("name", format!("“{name}” is not a name"));
    vec![problem.hint("use letters, digits, “-”, “_” and “.”, at least one")]
}

/// The name that a title suggests: “Platform fee” is `platform-fee`.
pub(crate) fn slug(title: &str) -> String {
    let words = title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

/// Adds “did you mean” where a known name is close.
pub(crate) fn hint_near<'a>(problem: SpecError, name: &str, known: impl IntoIterator<Item = &'a String>) -> SpecError {
    let ranked = known.into_iter().map(|known| (strsim::damerau_levenshtein(name, known), known));
    let limit = name.chars().count().div_ceil(3);
    match ranked.min().filter(|(distance, _)| *distance <= limit) {
        Some((_, near)) => problem.hint(format!("did you mean “{near}”?")),
        None => problem,
    }
}

pub(crate) fn currency(code: &str) -> Result<Currency, SpecError> {
    Currency::parse(code).map_err(|error| {
        let problem = SpecError::new("currency", error.to_string());
        match error {
            MoneyError::UnknownCurrency { near: Some(near), .. } => problem.hint(format!("did you mean “{near}”?")),
            _ => problem,
        }
    })
}

/// An amount of the currency: not negative, with no more digits than it has.
pub(crate) fn amount(path: &str, decimal: Decimal, currency: Currency) -> Result<Amount, SpecError> {
    not_negative(path, decimal)?;
    let digits = currency.digits();
    decimal.value().to_scaled(digits).map(Amount).map_err(|_| {
        SpecError::new(path, format!("{decimal} has more than the {digits} digits after the point that {currency} has"))
    })
}

fn not_negative(path: &str, decimal: Decimal) -> Result<Exact, SpecError> {
    if decimal.value().is_negative() {
        return Err(SpecError::new(path, format!("{decimal} is negative: prices and quantities start at 0")));
    }
    Ok(decimal.value())
}

fn positive(path: &str, decimal: Decimal) -> Result<Exact, SpecError> {
    if decimal.value() <= Exact::ZERO {
        return Err(SpecError::new(path, format!("{decimal} is not above 0")));
    }
    Ok(decimal.value())
}

/// Everything that is wrong with a price whatever the currency.
pub(crate) fn check_price(spec: &PriceSpec, meter: Option<&Meter>) -> Vec<SpecError> {
    match (spec.per_unit, &spec.by_attribute) {
        (Some(price), None) => per_unit(spec, price, meter).err().unwrap_or_default(),
        (None, Some(attribute)) => check_by_attribute(spec, attribute, meter),
        (None, None) => vec![SpecError::new("per-unit", "a price needs `per-unit` or `by-attribute`")],
        (Some(_), Some(_)) => {
            let problem = SpecError::new("by-attribute", "a price is either `per-unit` or `by-attribute`, not both");
            vec![problem.hint("make two components of it")]
        }
    }
}

/// A price in a currency.
pub(crate) fn price(spec: &PriceSpec, meter: Option<&Meter>, currency: Currency) -> Result<Price, Vec<SpecError>> {
    let problems = check_price(spec, meter);
    if !problems.is_empty() {
        return Err(problems);
    }
    match (spec.per_unit, &spec.by_attribute) {
        (Some(price), _) => per_unit(spec, price, meter).map(Price::PerUnit),
        (None, attribute) => by_attribute(spec, attribute.as_deref().unwrap_or_default(), currency),
    }
}

fn per_unit(spec: &PriceSpec, price: Decimal, meter: Option<&Meter>) -> Result<PerUnit, Vec<SpecError>> {
    let mut problems = Vec::new();
    let foreign = [spec.amounts.is_some(), spec.otherwise.is_some(), spec.prorate.is_some()];
    problems.extend(misplaced(["amounts", "otherwise", "prorate"], foreign, "per-unit"));
    if meter.is_none() {
        let problem = SpecError::new("per-unit", "a price per unit counts a stream, and the component names none");
        problems.push(problem.hint("add `stream: NAME` to the component"));
    }
    let mut keep = |value: Result<Exact, SpecError>| value.map_err(|problem| problems.push(problem)).ok();
    let price = keep(not_negative("per-unit", price));
    let unit_size = keep(spec.unit_size.map_or(Ok(Exact::ONE), |size| positive("unit-size", size)));
    let included = keep(spec.included.map_or(Ok(Exact::ZERO), |quantity| not_negative("included", quantity)));
    match (meter, price, unit_size, included) {
        (Some(meter), Some(price), Some(unit_size), Some(included)) if problems.is_empty() => {
            Ok(PerUnit { meter: meter.clone(), price, unit_size, included, per: spec.per.unwrap_or_default() })
        }
        _ => Err(problems),
    }
}

fn check_by_attribute(spec: &PriceSpec, attribute: &str, meter: Option<&Meter>) -> Vec<SpecError> {
    let foreign = [spec.unit_size.is_some(), spec.included.is_some(), spec.per.is_some()];
    let mut problems = misplaced(["unit-size", "included", "per"], foreign, "by-attribute");
    if attribute.is_empty() {
        problems.push(SpecError::new("by-attribute", "the attribute has no name"));
    }
    if let Some(meter) = meter {
        let message = format!("a price by attribute counts no stream, but the component names “{}”", meter.stream);
        problems.push(SpecError::new("by-attribute", message).hint("remove `stream` from the component"));
    }
    let amounts = spec.amounts.iter().flatten();
    problems.extend(amounts.filter_map(|(value, amount)| not_negative(&amount_path(value), *amount).err()));
    if spec.amounts.as_ref().is_none_or(|amounts| amounts.is_empty()) {
        let problem = SpecError::new("amounts", "no value of the attribute has an amount");
        problems.push(problem.hint("write one per value, such as `amounts: {gold: 100.00}`"));
    }
    problems
}

fn by_attribute(spec: &PriceSpec, attribute: &str, currency: Currency) -> Result<Price, Vec<SpecError>> {
    let (mut amounts, mut problems) = (BTreeMap::new(), Vec::new());
    for (value, decimal) in spec.amounts.iter().flatten() {
        match amount(&amount_path(value), *decimal, currency) {
            Ok(amount) => drop(amounts.insert(value.clone(), amount)),
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let (otherwise, prorate) = (spec.otherwise.unwrap_or_default(), spec.prorate.unwrap_or_default());
    Ok(Price::ByAttribute(ByAttribute { attribute: attribute.to_owned(), amounts, otherwise, prorate }))
}

fn amount_path(value: &str) -> String {
    format!("amounts.{value}")
}

fn misplaced(fields: [&str; 3], present: [bool; 3], model: &str) -> Vec<SpecError> {
    let wrong = fields.iter().zip(present).filter(|(_, present)| *present);
    wrong.map(|(field, _)| SpecError::new(*field, format!("`{field}` has no meaning in a price `{model}`"))).collect()
}
