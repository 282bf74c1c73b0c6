//! `farthing price`: what a plan or a component costs for some usage, step by step. Changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use catalog::Catalogue;
use comfy_table::Cell;
use invoicing::Line;
use pricing::text::grouped;
use pricing::{Amount, Currency, Day, Given, GivenUsage, Plan, PlanSpec, RatedLine, Scenario, SpecError};
use serde::de::IntoDeserializer;
use serde::de::value::{Error as Unread, StrDeserializer};
use serde::{Deserialize, Serialize};

use crate::cli::PriceArgs;
use crate::failure::Failure;
use crate::folder::read_catalogue;
use crate::report::{right, say, table};

/// What is priced, for programs. Lines are as in an invoice.
#[derive(Serialize)]
struct Priced<'a> {
    plan: &'a str,
    period: &'a str,
    currency: &'a str,
    lines: &'a [Line],
    total: &'a str,
}

/// Carries out `farthing price`.
pub fn price(arguments: &PriceArgs) -> Result<(), Failure> {
    let configuration = read_catalogue(&arguments.catalogue)?;
    let catalogue = &configuration.catalogue;
    let plan = find(catalogue, arguments)?;
    let given = given(arguments)?;
    let scenario = Scenario::build(&given, &catalogue.streams, catalogue.seller.zone).map_err(|found| wrong(&found))?;
    let rated = scenario.rate(&plan, &catalogue.streams).map_err(|error| Failure::NoPrice(error.to_string()))?;
    let refuse = |error: &dyn std::fmt::Display| Failure::NoPrice(error.to_string());
    let total = Amount::sum(rated.iter().map(|line: &RatedLine| line.amount)).map_err(|error| refuse(&error))?;
    let lines = invoicing::lines(&rated).map_err(|error| refuse(&error))?;
    let (currency, total) = (plan.currency.code(), total.format(plan.currency.digits()));
    let priced = Priced { plan: &plan.name, period: &given.period, currency, lines: &lines, total: &total };
    say(&if arguments.json { serde_json::to_string_pretty(&priced).unwrap_or_default() } else { shown(&priced) });
    Ok(())
}

/// The plan, or a plan of nothing but the component.
fn find(catalogue: &Catalogue, arguments: &PriceArgs) -> Result<Arc<Plan>, Failure> {
    let (kind, name) = match arguments.name.split_once(':') {
        Some((kind @ ("plan" | "component"), name)) => (Some(kind), name),
        _ => (None, arguments.name.as_str()),
    };
    let plan = catalogue.plan(name).filter(|_| kind != Some("component"));
    let component = catalogue.components.get(name).filter(|_| kind != Some("plan"));
    match (plan, component) {
        (Some(_), Some(_)) => Err(Failure::NotGiven(format!(
            "there is a plan and a component “{name}”: write `plan:{name}` or `component:{name}`"
        ))),
        (Some(plan), None) => match &arguments.currency {
            Some(_) => {
                Err(Failure::NotGiven(format!("the plan “{name}” is in {}: leave --currency out", plan.currency)))
            }
            None => Ok(Arc::clone(plan)),
        },
        (None, Some(component)) => {
            let currency = arguments.currency.as_deref().map_or(Ok(catalogue.seller.currency), Currency::parse);
            let currency = currency.map_err(|error| Failure::NotGiven(error.to_string()))?;
            let plan = PlanSpec::of_component(component, currency);
            let plan = Plan::compile(&plan, &catalogue.components, &catalogue.streams);
            plan.map(Arc::new).map_err(|found| wrong(&found))
        }
        (None, None) => {
            let known = |names: Vec<&String>| names.into_iter().cloned().collect::<Vec<_>>().join(", ");
            let (plans, components) =
                (known(catalogue.plans.keys().collect()), known(catalogue.components.keys().collect()));
            Err(Failure::NotGiven(format!(
                "there is no plan or component “{name}”; plans: {plans}; components: {components}"
            )))
        }
    }
}

fn wrong(found: &[SpecError]) -> Failure {
    let one = |problem: &SpecError| {
        let hint = problem.hint.as_ref().map_or_else(String::new, |hint| format!(" ({hint})"));
        format!("{}: {}{hint}", problem.path, problem.message)
    };
    Failure::NotGiven(found.iter().map(one).collect::<Vec<_>>().join("\n"))
}

fn given(arguments: &PriceArgs) -> Result<Given, Failure> {
    let mut attributes = BTreeMap::new();
    for text in &arguments.attribute {
        let (name, value) = pair(text, "--attribute", "tier=gold")?;
        attributes.insert(name.to_owned(), value.to_owned());
    }
    let mut usage = Vec::new();
    for text in &arguments.usage {
        let (stream, used) = used(text)?;
        usage.push((format!("--usage {text}"), stream, used));
    }
    Ok(Given {
        period: arguments.period.clone(),
        from: arguments.from.as_deref().map(|text| read::<Day>(text, "--from")).transpose()?,
        until: arguments.until.as_deref().map(|text| read::<Day>(text, "--until")).transpose()?,
        attributes,
        usage,
    })
}

fn pair<'t>(text: &'t str, option: &str, example: &str) -> Result<(&'t str, &'t str), Failure> {
    let found = text.split_once('=').map(|(name, value)| (name.trim(), value.trim()));
    found.filter(|(name, value)| !name.is_empty() && !value.is_empty()).ok_or_else(|| {
        Failure::NotGiven(format!("{option} {text}: `{text}` is no pair; write a name and a value, such as {example}"))
    })
}

/// `egress=5TB,region=eu,on=2026-02-03`
fn used(text: &str) -> Result<(String, GivenUsage), Failure> {
    let option = format!("--usage {text}");
    let mut parts = text.split(',');
    let (stream, quantity) = pair(parts.next().unwrap_or_default(), "--usage", "storage=12.5TB")?;
    let mut used = GivenUsage::of(quantity);
    for part in parts {
        let (name, value) = pair(part, &option, "region=eu")?;
        match name {
            "deployment" => used.deployment = Some(value.to_owned()),
            "series" => used.series = Some(value.to_owned()),
            "on" => used.on = Some(read(value, &option)?),
            "from" => used.from = Some(read(value, &option)?),
            "until" => used.until = Some(read(value, &option)?),
            "each" => used.each = Some(read(value, &option)?),
            dimension => drop(used.dimensions.insert(dimension.to_owned(), value.to_owned())),
        }
    }
    Ok((stream.to_owned(), used))
}

/// Reads a text as the catalogue would.
fn read<'t, T: Deserialize<'t>>(text: &'t str, option: &str) -> Result<T, Failure> {
    let deserializer: StrDeserializer<'_, Unread> = text.into_deserializer();
    T::deserialize(deserializer).map_err(|error| Failure::NotGiven(format!("{option}: {error}")))
}

/// A table: each line, and below it how it came about.
fn shown(priced: &Priced<'_>) -> String {
    let mut table = table(&["line", "quantity", "amount"]);
    for line in priced.lines {
        let detail = line.detail.as_ref().map_or_else(String::new, |detail| format!(" ({detail})"));
        let quantity = line.quantity.as_deref().map(grouped);
        let unit = line.unit.as_deref().unwrap_or_default();
        let steps = line.steps.iter().map(|step| format!("\n  {}", step.text));
        let name = std::iter::once(format!("{}{detail}", line.title)).chain(steps).collect::<String>();
        table.add_row(vec![
            Cell::new(name),
            right(quantity.map_or_else(String::new, |quantity| format!("{quantity} {unit}"))),
            right(grouped(&line.amount)),
        ]);
    }
    table.add_row(vec![Cell::new("total"), "".into(), right(format!("{} {}", grouped(priced.total), priced.currency))]);
    format!("{} in {}\n{table}", priced.plan, priced.period)
}
