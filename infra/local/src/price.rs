//! `farthing price`: what a plan or a component costs for some usage, step by step. Changes nothing.

use std::collections::BTreeMap;

use catalog::{Catalogue, Of, Supposed};
use comfy_table::Cell;
use invoicing::Line;
use pricing::text::{grouped, plain};
use pricing::{
    AddOnSpec, Amount, Day, Decimal, ExampleSpec, Given, GivenUsage, MoneyError, RatedLine, RedeemedSpec, SpecError,
    TaxCode, TaxpayerSpec, Texts, Treatment,
};
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
    /// Net where there are taxes.
    total: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    taxes: Option<Taxes>,
}

#[derive(Serialize)]
struct Taxes {
    rows: Vec<TaxRow>,
    gross: String,
}

#[derive(Serialize)]
struct TaxRow {
    jurisdiction: String,
    title: String,
    code: TaxCode,
    percent: Option<String>,
    note: Option<String>,
    base: String,
    amount: String,
}

/// Carries out `farthing price`.
pub fn price(arguments: &PriceArgs) -> Result<(), Failure> {
    let catalogue = read_catalogue(&arguments.catalogue)?.catalogue;
    let of = find(&catalogue, &arguments.name)?;
    let (example, given) = (example(arguments, &catalogue)?, given(arguments)?);
    let supposed = catalogue.suppose(of, &example, &given);
    let Supposed { plan, lines: rated, taxes } = supposed.map_err(|found| wrong(&found))?;
    let refuse = |error: &dyn std::fmt::Display| Failure::NoPrice(error.to_string());
    let net = Amount::sum(rated.iter().map(|line: &RatedLine| line.amount)).map_err(|error| refuse(&error))?;
    let lines = invoicing::lines(&rated).map_err(|error| refuse(&error))?;
    let (currency, digits) = (plan.currency.code(), plan.currency.digits());
    let taxes = taxes.map(|taxes| told(taxes, net, digits)).transpose().map_err(|error| refuse(&error))?;
    let total = net.format(digits);
    let priced = Priced { plan: &plan.name, period: &given.period, currency, lines: &lines, total: &total, taxes };
    say(&if arguments.json { serde_json::to_string_pretty(&priced).unwrap_or_default() } else { shown(&priced) });
    Ok(())
}

fn told(taxes: Vec<(Treatment, Amount, Amount)>, net: Amount, digits: u32) -> Result<Taxes, MoneyError> {
    let gross = Amount::sum(taxes.iter().map(|(.., tax)| *tax).chain([net]))?.format(digits);
    let row = |(treatment, base, amount): (Treatment, Amount, Amount)| TaxRow {
        jurisdiction: treatment.jurisdiction,
        title: treatment.title,
        code: treatment.code,
        percent: treatment.percent.map(|percent| plain(&percent, 0)),
        note: treatment.note,
        base: base.format(digits),
        amount: amount.format(digits),
    };
    Ok(Taxes { rows: taxes.into_iter().map(row).collect(), gross })
}

/// The plan or the component that is meant.
fn find<'a>(catalogue: &Catalogue, named: &'a str) -> Result<Of<'a>, Failure> {
    let (kind, name) = match named.split_once(':') {
        Some((kind @ ("plan" | "component"), name)) => (Some(kind), name),
        _ => (None, named),
    };
    let plan = catalogue.plan(name).filter(|_| kind != Some("component"));
    let component = catalogue.components.get(name).filter(|_| kind != Some("plan"));
    match (plan, component) {
        (Some(_), Some(_)) => Err(Failure::NotGiven(format!(
            "there is a plan and a component “{name}”: write `plan:{name}` or `component:{name}`"
        ))),
        (Some(_), None) => Ok(Of::Plan(name)),
        (None, Some(_)) => Ok(Of::Component(name)),
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

/// What the supposed customer holds.
fn example(arguments: &PriceArgs, catalogue: &Catalogue) -> Result<ExampleSpec, Failure> {
    let mut example = ExampleSpec {
        period: arguments.period.clone(),
        currency: arguments.currency.clone(),
        quantities: numbers(&arguments.quantity, "--quantity", "seats=10")?,
        set: numbers(&arguments.set, "--set", "recurring.platform-fee.amount=80")?,
        ..ExampleSpec::default()
    };
    for name in &arguments.add_on {
        let is_component = catalogue.components.contains_key(name);
        let named = |is_it: bool| is_it.then(|| name.clone());
        let (component, plan) = (named(is_component), named(!is_component));
        example.add_ons.push(AddOnSpec { component, plan, from: None, until: None });
    }
    for text in &arguments.coupon {
        let first = format!("{}-01", arguments.period);
        let held = arguments.from.as_deref().filter(|from| **from > *first).unwrap_or(&first);
        let (name, day) = text.split_once('=').unwrap_or((text.as_str(), held));
        let on = read::<Day>(day, &format!("--coupon {text}"))?;
        example.coupons.push(RedeemedSpec { name: name.to_owned(), on });
    }
    if !arguments.tax.is_empty() {
        let jurisdiction = Texts(arguments.tax.clone());
        example.tax = Some(TaxpayerSpec { jurisdiction, exempt: None, reverse_charge: None, outside: None });
    }
    Ok(example)
}

fn numbers(texts: &[String], option: &str, such: &str) -> Result<BTreeMap<String, Decimal>, Failure> {
    let one = |text: &String| -> Result<(String, Decimal), Failure> {
        let (name, number) = pair(text, option, such)?;
        Ok((name.to_owned(), read::<Decimal>(number, &format!("{option} {text}"))?))
    };
    texts.iter().map(one).collect()
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
    let mut sum = |name: &str, amount: &str| {
        table.add_row(vec![Cell::new(name), "".into(), right(format!("{} {}", grouped(amount), priced.currency))]);
    };
    if let Some(taxes) = &priced.taxes {
        sum("net", priced.total);
        for row in &taxes.rows {
            let percent = row.percent.as_ref().map_or_else(String::new, |percent| format!(" {percent} %"));
            let note = row.note.as_ref().map_or_else(String::new, |note| format!(" ({note})"));
            sum(&format!("{}{percent} on {}{note}", row.title, grouped(&row.base)), &row.amount);
        }
    }
    sum("total", priced.taxes.as_ref().map_or(priced.total, |taxes| &taxes.gross));
    format!("{} in {}\n{table}", priced.plan, priced.period)
}
