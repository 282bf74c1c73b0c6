//! Prices that others publish, in this catalogue's language. The file lies outside the repository;
//! without it the test says so and passes.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![expect(clippy::print_stderr, reason = "a skipped test has to say so")]

mod support;

use std::path::Path;

use pricing::{Amount, RatedLine, fees_in_advance};
use serde_json::{Value, json};
use support::{Given, compile, plan_of};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/samples/money/pricing_cases.json");

/// Those that need fees, prices per unit and rounding only; corrections of earlier invoices are
/// run in `invoicing`, the other models have none of their own yet.
const RUN: [&str; 11] = [
    "aws-s3-express-example1",
    "fp-round-3x",
    "fp-round-EUR-99.996",
    "fp-round-USD-10.275",
    "fp-round-USD-999999.999",
    "fp-round-subcent",
    "fp-usage-round-123.456",
    "lago-docs-standard",
    "lago-upgrade-proration",
    "me-usage-invoice",
    "om-docs-unit",
];

#[test]
fn published_cases_come_out_to_the_cent() {
    let Ok(text) = std::fs::read_to_string(Path::new(FILE)) else {
        eprintln!("SKIPPED: {FILE} is not there");
        return;
    };
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    let mut run = Vec::new();
    for id in RUN {
        let case = cases.iter().find(|case| case["id"] == id).unwrap();
        let lines = lines_of(case);
        let (digits, total) = (lines[0].currency.digits(), Amount::sum(lines.iter().map(|line| line.amount)).unwrap());
        let expected = Amount::parse(text_of(&case["expected_amount"]), digits).unwrap();
        assert_eq!(total.format(digits), expected.format(digits), "{id}");
        run.push(id);
    }
    eprintln!("{} of {} published cases run: {}", run.len(), cases.len(), run.join(", "));
    assert_eq!((run.len(), cases.len()), (11, 76));
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn lines_of(case: &Value) -> Vec<RatedLine> {
    let (config, usage) = (&case["config"], &case["usage"]);
    match text_of(&case["model"]) {
        "unit" | "unit_rounded" => per_unit(&[text_of(&usage["quantity"])], &config["unit"]),
        "round_currency" => per_unit(&[text_of(&usage["amount"])], &json!("1")),
        "round_each_line_then_sum" => {
            let amounts: Vec<&str> = usage["line_amounts"].as_array().unwrap().iter().map(text_of).collect();
            per_unit(&amounts, &json!("1"))
        }
        "recurring_prorated" => quarter(case),
        "invoice_total" => fee_in_advance_and_usage(case),
        other => unreachable!("no case of the model {other} is run"),
    }
}

/// A line for each quantity, rounded by itself.
fn per_unit(quantities: &[&str], price: &Value) -> Vec<RatedLine> {
    let component = json!([{"name": "c", "title": "C", "stream": "storage", "price": {"per-unit": price}}]);
    let plan = plan_of(component);
    let rate = |quantity: &&str| Given::month("2026-06").used("storage", quantity).rate(&plan).unwrap();
    quantities.iter().flat_map(rate).collect()
}

/// 91 days from mid-April; held from 20 May to 20 June, both counted.
fn quarter(case: &Value) -> Vec<RatedLine> {
    let plan = json!({"name": "p", "title": "P", "currency": "USD",
        "recurring": [{"title": "Fee", "amount": case["config"]["recurring"]}]});
    let mut given = Given::month("2024-04").held("2024-05-20", Some("2024-06-21"));
    (given.period.start, given.period.end) = (support::day("2024-04-15"), support::day("2024-07-15"));
    given.rate(&compile(&json!([]), &plan).unwrap()).unwrap()
}

/// January's usage in arrears with February's fee in advance.
fn fee_in_advance_and_usage(case: &Value) -> Vec<RatedLine> {
    let plan = json!({"name": "p", "title": "P", "currency": "EUR", "components": ["c"],
        "recurring": [{"title": "Fee", "amount": case["config"]["recurring"], "billed": "advance"}]});
    let price = json!({"per-unit": case["config"]["unit"]});
    let component = json!([{"name": "c", "title": "C", "stream": "storage", "price": price}]);
    let plan = compile(&component, &plan).unwrap();
    let january = Given::month("2024-01").used("storage", text_of(&case["usage"]["quantity"])).rate(&plan).unwrap();
    let february = fees_in_advance(&plan, &Given::month("2024-02").input()).unwrap();
    let usage = january.into_iter().filter(|line| line.component == "c");
    usage.chain(february).collect()
}
