//! Other numbers in a plan as it is written, found by their paths: `recurring.platform-fee.amount`.
//!
//! A path goes through fields; an item of a list goes by its name, by the slug of its title, or by its place as in
//! `graduated[1]`. Only a number that is written can be replaced.

use std::collections::BTreeMap;
use std::sync::Arc;

use metering::stream::Stream;
use pricing::{ComponentSpec, Currency, Decimal, Plan, PlanSpec, SpecError, slug};
use serde_json::Value;

use crate::life::Version;
use crate::near;

/// A version of a plan, in the currency of `plan`, with other numbers.
///
/// # Errors
/// Every path that leads to no number, and what makes no plan; under `set`.
pub(crate) fn renumbered(
    version: &Version,
    plan: &Plan,
    numbers: &BTreeMap<String, Decimal>,
    components: &BTreeMap<String, ComponentSpec>,
    streams: &BTreeMap<String, Stream>,
) -> Result<Arc<Plan>, Vec<SpecError>> {
    let changed = with_numbers(in_currency(version, plan.currency), numbers)?;
    let whole = |message: String| vec![SpecError { path: "set".to_owned(), message, hint: None }];
    let spec: PlanSpec = serde_json::from_value(changed).map_err(|error| whole(error.to_string()))?;
    let sold = |compiled| Arc::new(Plan { currencies: plan.currencies.clone(), ..compiled });
    Plan::compile(&spec, components, streams).map(sold).map_err(|problems| {
        let of_plan =
            |problem: SpecError| SpecError { path: "set".to_owned(), message: format!("{problem}"), ..problem };
        problems.into_iter().map(of_plan).collect()
    })
}

/// The paths of all numbers that a version may be given otherwise.
pub(crate) fn all(version: &Version) -> Vec<String> {
    let mut known = Vec::new();
    for plan in &version.plans {
        paths(&in_currency(version, plan.currency), "", &mut known);
    }
    known
}

/// What is written of a plan, with other numbers.
///
/// # Errors
/// Every path that leads to no number, with the nearest that does; under `set.`
fn with_numbers(mut plan: Value, numbers: &BTreeMap<String, Decimal>) -> Result<Value, Vec<SpecError>> {
    let mut known = Vec::new();
    paths(&plan, "", &mut known);
    let mut problems = Vec::new();
    for (path, number) in numbers {
        match known.contains(path).then(|| find(&mut plan, path)).flatten() {
            Some(place) => *place = Value::from(number.to_string()),
            None => {
                let hint = near::hint(path, "numbers", known.iter().map(String::as_str));
                let message = format!("the plan has no number at `{path}`");
                problems.push(SpecError { path: format!("set.{path}"), message, hint });
            }
        }
    }
    if problems.is_empty() { Ok(plan) } else { Err(problems) }
}

/// What is written of a version that holds in one of its currencies.
fn in_currency(version: &Version, currency: Currency) -> Value {
    let mut plan = (*version.written).clone();
    if let Some(written) = plan.get_mut("currency") {
        *written = Value::from(currency.code());
    }
    let components = plan.get_mut("components").and_then(Value::as_array_mut);
    for component in components.into_iter().flatten().filter_map(Value::as_object_mut) {
        if let Some(price) =
            component.remove("prices").and_then(|mut prices| Some(prices.get_mut(currency.code())?.take()))
        {
            component.insert("price".to_owned(), price);
        }
    }
    amounts(&mut plan, currency);
    plan
}

/// Every `amount` by currency becomes the one in the currency.
fn amounts(value: &mut Value, currency: Currency) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.get_mut(currency.code()).filter(|_| name == "amount") {
                    Some(amount) => *value = amount.take(),
                    None => amounts(value, currency),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| amounts(item, currency)),
        _ => {}
    }
}

/// Gives every component of the plan its price, or its prices by currency, which `price` tells with the field's name.
pub(crate) fn expand(plan: &mut Value, price: impl Fn(&str) -> Option<(&'static str, Value)>) {
    let components = plan.get_mut("components").and_then(Value::as_array_mut);
    for component in components.into_iter().flatten() {
        let Some(name) = component.as_str().or_else(|| component.get("name")?.as_str()).map(str::to_owned) else {
            continue;
        };
        if component.get("price").or_else(|| component.get("prices")).is_none()
            && let Some((field, price)) = price(&name)
        {
            *component = Value::from(serde_json::Map::from_iter([
                ("name".to_owned(), Value::from(name)),
                (field.to_owned(), price),
            ]));
        }
    }
}

/// How an item of a list is called.
fn called(item: &Value) -> Option<String> {
    let text = |field: &str| item.get(field).and_then(Value::as_str);
    text("name").map(str::to_owned).or_else(|| text("title").map(slug))
}

fn is_number(value: &Value) -> bool {
    value.is_u64() || value.as_str().is_some_and(|text| text.parse::<Decimal>().is_ok())
}

/// The paths of all numbers.
fn paths(value: &Value, at: &str, found: &mut Vec<String>) {
    let inner = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| paths(value, &inner(name), found)),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let name = called(item).map_or_else(|| format!("{at}[{index}]"), |name| inner(&name));
                paths(item, &name, found);
            }
        }
        number if is_number(number) && !at.ends_with(".name") => found.push(at.to_owned()),
        _ => {}
    }
}

/// The value at a path that [`paths`] has named.
fn find<'a>(value: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    if path.is_empty() {
        return Some(value);
    }
    match value {
        Value::Object(fields) => {
            let mut named = fields.iter_mut().filter_map(|(name, value)| Some((value, rest(path, name)?)));
            let (value, rest) = named.next()?;
            find(value, rest)
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                let name = called(item).unwrap_or_else(|| format!("[{index}]"));
                if let Some(rest) = rest(path, &name) {
                    return find(item, rest);
                }
            }
            None
        }
        _ => None,
    }
}

/// What follows a name at the beginning of a path.
fn rest<'a>(path: &'a str, name: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(name)?;
    match rest.strip_prefix('.') {
        Some(rest) => Some(rest),
        None => (rest.is_empty() || rest.starts_with('[')).then_some(rest),
    }
}
