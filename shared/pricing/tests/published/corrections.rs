use chrono::Days;
use invoicing::{Header, Invoice, Party, Provenance, TrueUp, assemble, settle, true_up};
use metering::exact::Exact;
use pricing::{Amount, Currency, RatedLine};
use serde_json::{Value, json};

use crate::case::{Case, Outcome, number};
use crate::usage_models::{package, price};
use crate::world::World;

/// Cases of what is charged after an invoice: the price of the quantity that is known now, less
/// what was charged for the quantity that was known then.
pub fn outcome(case: &Case) -> Option<Outcome> {
    let (config, usage) = (case.config(), case.usage());
    let is = |name: &str| number(&usage[name]);
    Some(match case.model() {
        "correction_unit" | "correction_package" | "correction_volume" | "correction_graduated" => {
            let model = case.model().trim_start_matches("correction_");
            difference(case, price(model, config), is("billed_quantity"), now(usage))
        }
        "correction_block" => block(case),
        "package_incremental" => {
            let before = is("pre_line_quantity");
            difference(case, package(config).into(), before, before.add(&is("line_quantity")).unwrap())
        }
        "progressive_billing" => progressive(case),
        "correction_period_preserving" => period_preserving(case),
        _ => return None,
    })
}

fn now(usage: &Value) -> Exact {
    let known = ["recomputed_cumulative", "recomputed_quantity"];
    number(known.iter().map(|name| &usage[*name]).find(|value| !value.is_null()).unwrap())
}

fn priced(case: &Case, price: &Value, quantity: Exact) -> Vec<RatedLine> {
    let world = World::new(case.currency()).counted("usage", "unit").component("c", "usage", price.clone());
    world.used("usage", 1, quantity).rate()
}

fn difference(case: &Case, price: Value, was: Exact, is: Exact) -> Outcome {
    let before = invoice(&priced(case, &price, was));
    total(&priced(case, &price, is), &before)
}

/// What was charged is given as an amount.
fn block(case: &Case) -> Outcome {
    let price = json!({"per-unit": case.config()["price"], "unit-size": case.config()["block_size"], "packages": "up"});
    let lines = priced(case, &price, now(case.usage()));
    let currency = lines[0].currency;
    let charged = Amount::parse(case.usage()["already_invoiced"].as_str().unwrap(), currency.digits()).unwrap();
    total(&lines, &invoice(&[RatedLine { amount: charged, ..lines[0].clone() }]))
}

/// A part of the month's usage has been charged before its end: the month's own invoice charges the rest.
fn progressive(case: &Case) -> Outcome {
    let price = json!({"per-unit": 1});
    let mut world = World::new(case.currency()).counted("usage", "unit").component("c", "usage", price);
    world.plan["recurring"] = json!([{"title": "Fee", "amount": case.config()["recurring"]}]);
    let lines = world.used("usage", 1, number(&case.usage()["usage_amount"])).rate();
    let (currency, usage) = (lines[0].currency, lines.iter().find(|line| &*line.component == "c").unwrap());
    let charged = case.usage()["already_progressively_billed"].as_str().unwrap();
    let charged = Amount::parse(charged, currency.digits()).unwrap();
    let before = invoice(&[RatedLine { amount: charged, ..usage.clone() }]);
    let period = usage.period.clone();
    let settled = settle(&period, currency, lines, [&before]).unwrap();
    let new = Amount::sum(settled.lines.iter().map(|line| line.amount)).unwrap();
    Outcome::Amount(new.add(sum(&settled.true_ups)).unwrap(), currency)
}

/// The first period is corrected as such; what the second one adds to it is charged besides.
fn period_preserving(case: &Case) -> Outcome {
    let (config, usage) = (case.config(), case.usage());
    let price = json!({"per-unit": config["unit"]});
    let first = number(&usage["period1_recomputed"]);
    let Outcome::Amount(corrected, currency) = difference(case, price.clone(), number(&usage["period1_billed"]), first)
    else {
        unreachable!("a difference is an amount");
    };
    let added = number(&usage["cumulative_period2"]).sub(&first).unwrap();
    let second = Amount::sum(priced(case, &price, added).iter().map(|line| line.amount)).unwrap();
    Outcome::Amount(corrected.add(second).unwrap(), currency)
}

fn total(now: &[RatedLine], before: &Invoice) -> Outcome {
    let (currency, period) = (now[0].currency, now[0].period.clone());
    let corrections = true_up(&period, currency, now, [before]).unwrap();
    Outcome::Amount(sum(&corrections), currency)
}

fn sum(corrections: &[TrueUp]) -> Amount {
    Amount::sum(corrections.iter().map(|correction| correction.difference)).unwrap()
}

fn invoice(lines: &[RatedLine]) -> Invoice {
    assemble(header(lines), lines, &[]).unwrap()
}

pub fn header(lines: &[RatedLine]) -> Header {
    let period = World::new("USD").period;
    let party = |name: &str| Party { name: name.to_owned(), lines: Vec::new(), ids: Vec::new() };
    let currency: Currency = lines[0].currency;
    Header {
        id: "c-1".to_owned(),
        number: Some("INV-1".to_owned()),
        account: "c".to_owned(),
        issued: period.end,
        due: period.end + Days::new(30),
        seller: party("S"),
        customer: party("C"),
        currency,
        plan: "Plan".to_owned(),
        period,
        history: Vec::new(),
        payment: Vec::new(),
        notes: Vec::new(),
        provenance: Provenance { catalogue: String::new(), directory: String::new(), inputs: String::new() },
    }
}
