//! Corrections of earlier invoices, and assembling the next one.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![expect(clippy::print_stderr, reason = "a skipped test has to say so")]

use std::collections::BTreeMap;

use chrono::NaiveDate;
use invoicing::{
    AssembleError, Header, Invoice, LineKind, Party, Provenance, SettleError, Settled, assemble, settle, true_up,
};
use metering::exact::Exact;
use metering::period::Period;
use pricing::{Amount, Currency, Plan, RatedKind, RatedLine, RatingInput, Term, rate};
use proptest::collection::vec;
use proptest::prelude::*;

fn usd() -> Currency {
    Currency::parse("USD").unwrap()
}

fn line(component: &str, deployment: Option<&str>, period: &str, minor: i128) -> RatedLine {
    RatedLine {
        kind: RatedKind::Usage,
        tax: None,
        position: component.len(),
        group: component.to_uppercase().into(),
        component: component.into(),
        deployment: deployment.map(str::to_owned),
        title: format!("The {component}").into(),
        detail: None,
        period: period.into(),
        quantity: Some(Exact::integer(minor)),
        unit: Some("TB".into()),
        unit_price: Some(Exact::decimal(1, 2).unwrap()),
        unit_size: None,
        currency: usd(),
        amount: Amount(minor),
        days: Vec::new(),
        steps: Vec::new(),
    }
}

fn party(name: &str) -> Party {
    Party { name: name.to_owned(), lines: Vec::new(), ids: Vec::new() }
}

fn header(number: u32) -> Header {
    let issued = NaiveDate::from_ymd_opt(2026, 3, 2).unwrap() + chrono::Days::new(u64::from(number));
    Header {
        id: format!("aurora-{number}"),
        number: Some(format!("INV-{number}")),
        account: "aurora".to_owned(),
        issued,
        due: issued,
        seller: party("Nimbus"),
        customer: party("Aurora"),
        currency: usd(),
        plan: "Standard".to_owned(),
        period: Period::parse_month("2026-02", "Europe/Berlin".parse().unwrap()).unwrap(),
        history: Vec::new(),
        payment: Vec::new(),
        notes: Vec::new(),
        provenance: Provenance { catalogue: String::new(), directory: String::new(), inputs: String::new() },
    }
}

fn invoice(number: u32, settled: &Settled) -> Invoice {
    assemble(header(number), &settled.lines, &settled.true_ups).unwrap()
}

fn charged(number: u32, lines: &[RatedLine]) -> Invoice {
    assemble(header(number), lines, &[]).unwrap()
}

fn shown(invoice: &Invoice) -> Vec<String> {
    let one = |line: &invoicing::Line| format!("{} {} {} {}", line.number, line.group, line.title, line.amount);
    invoice.lines.iter().map(one).collect()
}

#[test]
fn a_difference_names_the_invoice_and_says_what_was_and_is() {
    let earlier = [charged(1, &[line("storage", Some("a"), "2026-01", 3_987_500)])];
    let now = [line("storage", Some("a"), "2026-01", 3_966_250)];
    let corrections = true_up("2026-01", usd(), &now, &earlier).unwrap();
    assert_eq!(corrections.len(), 1);
    assert_eq!(corrections[0].difference, Amount(-21_250));
    assert_eq!(corrections[0].detail(), "a, 2026-01 on INV-1: was 39,875.00, is 39,662.50");
    let steps: Vec<String> = corrections[0].steps.iter().map(|step| step.text.to_string()).collect();
    assert_eq!(steps, ["charged for 2026-01 on INV-1", "the price of 2026-01 now", "the difference"]);
}

#[test]
fn a_correction_of_a_correction_counts_both_invoices() {
    let first = charged(1, &[line("storage", None, "2026-01", 500)]);
    let raised = true_up("2026-01", usd(), &[line("storage", None, "2026-01", 700)], [&first]).unwrap();
    let second = assemble(header(2), &[], &raised).unwrap();
    let now = [line("storage", None, "2026-01", 600)];
    let lowered = true_up("2026-01", usd(), &now, [&second, &first]).unwrap();
    assert_eq!((lowered[0].was, lowered[0].is, lowered[0].difference), (Amount(700), Amount(600), Amount(-100)));
    assert_eq!(lowered[0].detail(), "2026-01 on INV-1 and INV-2: was 7.00, is 6.00");
}

#[test]
fn what_did_not_change_is_not_mentioned() {
    let now = [line("storage", None, "2026-01", 500), line("calls", None, "2026-01", 0)];
    assert_eq!(true_up("2026-01", usd(), &now, &[charged(1, &now)]).unwrap(), []);
}

#[test]
fn what_was_charged_for_another_period_does_not_count() {
    let both = charged(1, &[line("storage", None, "2025-12", 900), line("storage", None, "2026-01", 500)]);
    let corrections = true_up("2026-01", usd(), &[line("storage", None, "2026-01", 600)], [&both]).unwrap();
    assert_eq!((corrections[0].was, corrections[0].difference), (Amount(500), Amount(100)));
}

#[test]
fn what_is_new_or_gone_is_charged_or_given_back_in_full() {
    let earlier = [charged(1, &[line("storage", Some("old"), "2026-01", 500)])];
    let now = [line("storage", Some("new"), "2026-01", 700)];
    let details: Vec<String> = true_up("2026-01", usd(), &now, &earlier).unwrap().iter().map(|t| t.detail()).collect();
    assert_eq!(details, ["new, 2026-01, not charged before: is 7.00", "old, 2026-01 on INV-1: was 5.00, is 0.00"]);
}

#[test]
fn a_fee_charged_in_advance_is_charged_once() {
    let january = charged(1, &[line("fee", None, "2026-02", 500)]);
    let now = vec![line("fee", None, "2026-02", 500), line("storage", None, "2026-02", 900)];
    let february = settle("2026-02", usd(), now, [&january]).unwrap();
    assert_eq!(february.lines, [line("storage", None, "2026-02", 900)]);
    assert_eq!(february.true_ups, []);
    let ended = settle("2026-02", usd(), vec![line("fee", None, "2026-02", 200)], [&january]).unwrap();
    assert_eq!((ended.lines.len(), ended.true_ups[0].difference), (0, Amount(-300)));
}

#[test]
fn only_issued_invoices_of_the_same_currency_and_period_can_be_settled() {
    let mut draft = charged(1, &[]);
    draft.number = None;
    assert!(matches!(true_up("2026-01", usd(), &[], [&draft]), Err(SettleError::Draft(_))));
    let mut yen = charged(1, &[line("storage", None, "2026-01", 500)]);
    yen.currency = "JPY".to_owned();
    assert!(matches!(true_up("2026-01", usd(), &[], [&yen]), Err(SettleError::Currency { .. })));
    let other = [line("storage", None, "2026-02", 500)];
    assert!(matches!(true_up("2026-01", usd(), &other, &[]), Err(SettleError::Period { .. })));
}

#[test]
fn the_document_groups_orders_numbers_and_adds_up_whatever_the_order_given() {
    let first = charged(1, &[line("storage", None, "2026-01", 500)]);
    let corrections = true_up("2026-01", usd(), &[line("storage", None, "2026-01", 450)], [&first]).unwrap();
    let mut lines = vec![
        line("storage", Some("b"), "2026-02", 3),
        line("fee", None, "2026-02", 1),
        line("storage", Some("a"), "2026-02", 2),
    ];
    let expected = [
        "1 FEE The fee 0.01",
        "2 STORAGE The storage 0.02",
        "3 STORAGE The storage 0.03",
        "4 STORAGE The storage -0.50",
    ];
    let invoice = assemble(header(2), &lines, &corrections).unwrap();
    assert_eq!(shown(&invoice), expected);
    assert_eq!((invoice.total.as_str(), invoice.lines[3].kind), ("-0.44", LineKind::TrueUp));
    lines.reverse();
    assert_eq!(
        assemble(header(2), &lines, &corrections).unwrap().canonical_json().unwrap(),
        invoice.canonical_json().unwrap()
    );
}

#[test]
fn an_invoice_has_one_currency_and_no_silent_overflow() {
    let mut yen = line("storage", None, "2026-02", 5);
    yen.currency = Currency::parse("JPY").unwrap();
    assert!(matches!(assemble(header(1), &[yen], &[]), Err(AssembleError::Currency { .. })));
    let huge = [line("a", None, "2026-02", i128::MAX), line("b", None, "2026-02", 1)];
    assert!(matches!(assemble(header(1), &huge, &[]), Err(AssembleError::Total(_))));
}

#[test]
fn an_assembled_invoice_survives_its_bytes() {
    let invoice = charged(1, &[line("storage", Some("a"), "2026-02", 123_456)]);
    let text = invoice.canonical_json().unwrap();
    assert_eq!(Invoice::from_json(&text).unwrap(), invoice);
    assert_eq!(invoice.lines[0].quantity.as_deref(), Some("123456"));
    assert_eq!(invoice.lines[0].unit_price.as_deref(), Some("0.01"));
}

const KEYS: [(&str, Option<&str>); 4] =
    [("fee", None), ("storage", Some("a")), ("storage", Some("b")), ("calls", None)];

/// Prices of a period as seen at one time: some keys may be missing.
fn prices() -> impl Strategy<Value = Vec<RatedLine>> {
    vec((0_usize..KEYS.len(), -10_000_i128..10_000), 0..6).prop_map(|prices| {
        prices.into_iter().map(|(key, minor)| line(KEYS[key].0, KEYS[key].1, "2026-01", minor)).collect()
    })
}

type Sums = BTreeMap<(String, Option<String>), Amount>;

fn sums(amounts: impl Iterator<Item = (String, Option<String>, Amount)>) -> Sums {
    let mut sums = Sums::new();
    for (component, deployment, amount) in amounts {
        let sum = sums.entry((component, deployment)).or_default();
        *sum = sum.add(amount).unwrap();
    }
    sums.retain(|_, sum| *sum != Amount::ZERO);
    sums
}

proptest! {
    #[test]
    fn all_that_was_charged_is_the_price_now_by_key(history in vec(prices(), 1..6), shuffle: bool) {
        let mut invoices: Vec<Invoice> = Vec::new();
        for (number, now) in (1_u32..).zip(&history) {
            let settled = match number {
                1 => settle("2026-01", usd(), now.clone(), &invoices).unwrap(),
                _ => Settled { lines: Vec::new(), true_ups: true_up("2026-01", usd(), now, &invoices).unwrap() },
            };
            prop_assert!(settled.true_ups.iter().all(|correction| correction.difference != Amount::ZERO));
            invoices.push(invoice(number, &settled));
            if shuffle { invoices.reverse(); }
        }
        let lines = invoices.iter().flat_map(|invoice| &invoice.lines);
        let charged = sums(lines.map(|line| (line.component.clone(), line.deployment.clone(), Amount::parse(&line.amount, 2).unwrap())));
        let now = history.last().unwrap();
        prop_assert_eq!(charged, sums(now.iter().map(|line| (line.component.to_string(), line.deployment.clone(), line.amount))));
    }

    #[test]
    fn settling_twice_charges_nothing_more(now in prices()) {
        let first = invoice(1, &settle("2026-01", usd(), now.clone(), &[]).unwrap());
        let again = settle("2026-01", usd(), now, [&first]).unwrap();
        prop_assert_eq!(again, Settled::default());
    }
}

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/samples/money/pricing_cases.json");

/// A monthly fee held for days `from` to `until` of March 2024, counted from 0, in minor units.
fn fee(amount: u32, from: u64, until: u64) -> i128 {
    let plan = serde_json::json!({"name": "p", "title": "P", "currency": "USD",
        "recurring": [{"title": "Fee", "amount": amount}]});
    let plan = Plan::compile(&serde_json::from_value(plan).unwrap(), &BTreeMap::new(), &BTreeMap::new()).unwrap();
    let period = Period::parse_month("2024-03", "UTC".parse().unwrap()).unwrap();
    let day = |offset| period.start + chrono::Days::new(offset);
    let term = Term { from: day(from), until: Some(day(until)) };
    let (attributes, usage) = (BTreeMap::new(), BTreeMap::new());
    let history = pricing::History::default();
    let input = RatingInput {
        customer: "aurora",
        period: &period,
        term,
        begun: term.from,
        ends: term.until,
        ended: None,
        before: &[],
        attributes: &attributes,
        usage: &usage,
        history: &history,
    };
    rate(&plan, &input).unwrap()[0].amount.0
}

/// Published corrections: (id, charged before, priced now) in minor units per period.
#[test]
fn published_corrections_come_out_to_the_cent() {
    let Ok(text) = std::fs::read_to_string(FILE) else {
        eprintln!("SKIPPED: {FILE} is not there");
        return;
    };
    let cases: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let mut run = 0;
    for (id, was, is) in [
        ("om-late-delta", vec![5000], vec![8000]), // 5 and 8 units at 10
        ("om-late-period-preserving", vec![5000, 0], vec![7000, 3000]), // 7 in the first period, 3 in the second
        ("fp-prorate-upgrade", vec![1000, 0], vec![fee(10, 0, 14), fee(20, 14, 31)]), // changed for the last 17 days
        ("fp-prorate-add", vec![0], vec![fee(25, 14, 31)]),
    ] {
        let priced = |amounts: &[i128]| -> Vec<RatedLine> {
            amounts.iter().enumerate().map(|(i, minor)| line(&format!("c{i}"), None, "2026-01", *minor)).collect()
        };
        let corrections = true_up("2026-01", usd(), &priced(&is), [&charged(1, &priced(&was))]).unwrap();
        let total = assemble(header(2), &[], &corrections).unwrap().total;
        let case = cases.iter().find(|case| case["id"] == id).unwrap();
        let expected = Amount::parse(case["expected_amount"].as_str().unwrap(), 2).unwrap();
        assert_eq!(total, expected.format(2), "{id}");
        run += 1;
    }
    assert_eq!((run, cases.len()), (4, 76));
}
