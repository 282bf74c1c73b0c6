//! What is agreed with customers, over several invoices: currencies, a trial, an offer, add-ons, a coupon, other
//! numbers. Every amount is worked out by hand, in the comments.

use std::collections::BTreeMap;

use invoicing::Invoice;
use ledger::invoice::{Closed, Outcome};
use ledger::verify::verify;

use crate::world::{FEBRUARY_2, MARCH_2, World, at_once, used};

const SELLER: &str = r#"
seller: {name: Seller, address: [Street 1], currency: USD, zone: UTC, terms-days: 30, number: "R-"}
streams:
  - {name: calls, title: Calls, unit: call, scale: 2, kind: delta, day: sum, month: sum}
sources:
  - name: fixed
    objects: "fixed/{deployment}/{name}.jsonl*"
    format: json-lines
    deployment: {tag: deployment}
    time: {field: t, format: rfc3339}
    usage: [{stream: calls, quantity: n}]
"#;

fn issued<'a>(closed: &'a Closed, id: &str) -> &'a Invoice {
    match &closed.accounts[id] {
        Outcome::Issued(invoice, _) => invoice,
        other => panic!("{id}: {other:?}"),
    }
}

/// What is charged for each component and month, in hundredths.
fn cents(invoice: &Invoice) -> BTreeMap<(&str, &str), i64> {
    let mut sums = BTreeMap::new();
    for line in &invoice.lines {
        let amount: i64 = line.amount.replace('.', "").parse().unwrap();
        *sums.entry((line.component.as_str(), line.period.as_str())).or_default() += amount;
    }
    sums
}

/// A line of usage at noon of a day.
fn on(day: &str, n: &str) -> String {
    format!("{{\"t\":\"{day}T12:00:00Z\",\"n\":{n}}}\n")
}

#[test]
fn customers_of_one_plan_pay_each_in_their_own_currency() {
    let catalogue = format!(
        "{SELLER}
components:
  - name: calls
    title: Calls
    stream: calls
    prices:
      USD: {{per-unit: 0.50, included: 100}}
      EUR: {{per-unit: 0.45, included: 100}}
      JPY: {{per-unit: 70, included: 100}}
plans:
  - name: plan
    title: Plan
    currency: [USD, EUR, JPY]
    recurring: [{{title: Fee, amount: {{USD: 10.00, EUR: 9.00, JPY: 1500}}}}]
    components: [calls]
customers:
  - {{id: ann, name: Ann, deployments: [{{id: one, from: 2026-01-01}}], subscriptions: [{{plan: plan, from: 2026-01-01}}]}}
  - id: bea
    name: Bea
    currency: EUR
    deployments: [{{id: two, from: 2026-01-01}}]
    subscriptions: [{{plan: plan, from: 2026-01-01}}]
  - id: chie
    name: Chie
    currency: JPY
    deployments: [{{id: three, from: 2026-01-01}}]
    subscriptions: [{{plan: plan, from: 2026-01-01}}]
"
    );
    let world = World::of(&[&catalogue]);
    for deployment in ["one", "two", "three"] {
        world.arrive(&format!("fixed/{deployment}/a.jsonl"), used(3, "110.5"));
    }
    world.at(FEBRUARY_2);
    let january = world.close("2026-01");
    let paid = |closed: &Closed, id: &str| {
        let invoice = issued(closed, id);
        (invoice.currency.clone(), invoice.total.clone())
    };
    // 10.5 calls beyond the 100. USD: 10.00 + 5.25.
    assert_eq!(paid(&january, "ann"), ("USD".to_owned(), "15.25".to_owned()));
    // EUR: 9.00 + 4.725, rounded to 4.73.
    assert_eq!(paid(&january, "bea"), ("EUR".to_owned(), "13.73".to_owned()));
    // JPY has no minor unit: 1500 + 735.
    assert_eq!(paid(&january, "chie"), ("JPY".to_owned(), "2235".to_owned()));

    // One call more of January comes late.
    for deployment in ["one", "two", "three"] {
        world.arrive(&format!("fixed/{deployment}/b.jsonl"), used(4, "1"));
    }
    world.at(MARCH_2);
    let february = world.close("2026-02");
    assert_eq!(paid(&february, "ann").1, "10.50");
    // 11.5 × 0.45 = 5.175, rounded to 5.18, less the 4.73 charged.
    assert_eq!(paid(&february, "bea").1, "9.45");
    assert_eq!(paid(&february, "chie").1, "1570");
    for number in 1..=6 {
        assert!(at_once(verify(&world.memory, &format!("R-{number:06}"))).unwrap().holds(), "{number}");
    }
}

#[test]
fn a_trial_an_offer_add_ons_a_coupon_and_other_numbers_over_three_invoices() {
    let catalogue = format!(
        "{SELLER}
components:
  - {{name: calls, title: Calls, stream: calls, price: {{per-unit: 0.50, included: 10}}}}
  - {{name: audit, title: Audit, stream: calls, price: {{per-unit: 0.10}}}}
plans:
  - name: basic
    title: Basic
    currency: USD
    recurring: [{{title: Platform, amount: 62.00}}]
    one-time: [{{title: Setup, amount: 50.00}}]
    components: [calls]
    phases:
      - {{title: Trial, days: 10, trial: usage-free}}
      - {{title: Start, months: 2, percent: 50, components: [platform]}}
  - {{name: support, title: Support, currency: USD, recurring: [{{title: Support, amount: 28.00}}]}}
coupons:
  - {{name: FIVE, title: Five, amount: {{USD: 5.00, EUR: 4.50}}, months: once}}
customers:
  - id: ann
    name: Ann
    deployments: [{{id: one, from: 2026-01-01}}]
    subscriptions:
      - plan: basic
        from: 2026-01-01
        coupons: [{{name: FIVE, on: 2026-02-10}}]
        add-ons:
          - {{component: audit, from: 2026-02-15}}
          - {{plan: support, from: 2026-02-08, until: 2026-02-22}}
        changes:
          - from: 2026-03-01
            set: {{recurring.platform.amount: 31.00, components.calls.price.included: 20}}
"
    );
    let world = World::of(&[&catalogue]);
    world.arrive("fixed/one/a.jsonl", on("2026-01-03", "40") + &on("2026-01-20", "30"));
    world.at(FEBRUARY_2);
    let january = world.close("2026-01");
    let january = issued(&january, "ann");
    let expected = [
        // The trial lasts until the 10th; 62.00 × 21 ÷ 31 days.
        (("basic/platform", "2026-01"), 4200),
        // (40 − 10) × 0.50 = 15.00 in the trial, and (30 − 10) × 0.50 = 10.00 after it.
        (("calls", "2026-01"), 2500),
        (("basic/trial", "2026-01"), -1500),
        (("basic/setup", "2026-01"), 5000),
        // Half of 42.00.
        (("basic/start", "2026-01"), -2100),
    ];
    assert_eq!(cents(january), expected.into());
    assert_eq!(january.total, "81.00");

    // Six calls of the trial and two of the days after it come late, and the usage of February.
    world.arrive("fixed/one/b.jsonl", on("2026-01-04", "6") + &on("2026-01-21", "2"));
    world.arrive("fixed/one/c.jsonl", on("2026-02-03", "20") + &on("2026-02-20", "50"));
    world.at(MARCH_2);
    let february = world.close("2026-02");
    let february = issued(&february, "ann");
    let expected = [
        // (46 − 10) × 0.50 is 3.00 more, free in the trial; (32 − 10) × 0.50 is 1.00 more.
        (("calls", "2026-01"), 400),
        (("basic/trial", "2026-01"), -300),
        (("basic/platform", "2026-02"), 6200),
        // (20 + 50 − 10) × 0.50: what is included is not given twice when the add-on begins.
        (("calls", "2026-02"), 3000),
        // From the 15th: 50 × 0.10.
        (("audit", "2026-02"), 500),
        (("basic/start", "2026-02"), -3100),
        (("coupon/FIVE", "2026-02"), -500),
        // 28.00 × 14 ÷ 28 days.
        (("support/support", "2026-02"), 1400),
    ];
    assert_eq!(cents(february), expected.into());
    assert_eq!(february.total, "76.00");

    world.arrive("fixed/one/d.jsonl", on("2026-03-05", "44"));
    world.at("2026-04-02T06:00:00Z");
    let march = world.close("2026-03");
    let march = issued(&march, "ann");
    let expected = [
        (("basic/platform", "2026-03"), 3100),
        // (44 − 20) × 0.50, 44 × 0.10; the offer and the coupon are over.
        (("calls", "2026-03"), 1200),
        (("audit", "2026-03"), 440),
    ];
    assert_eq!(cents(march), expected.into());
    assert_eq!(march.total, "47.40");
    for number in 1..=3 {
        assert!(at_once(verify(&world.memory, &format!("R-{number:06}"))).unwrap().holds(), "{number}");
    }
}

/// Files are counted; invoices wait until somebody has decided which of the two is wrong.
#[test]
fn under_prices_whose_example_comes_out_otherwise_usage_is_counted_and_nothing_is_charged() {
    let catalogue = |total: &str| {
        format!(
            "{SELLER}
components:
  - {{name: calls, title: Calls, stream: calls, price: {{per-unit: 0.50}}}}
plans:
  - name: plan
    title: Plan
    currency: USD
    components: [calls]
    examples: [{{period: 2026-01, usage: {{calls: 10}}, total: {total}}}]
customers:
  - {{id: ann, name: Ann, deployments: [{{id: one, from: 2026-01-01}}], subscriptions: [{{plan: plan, from: 2026-01-01}}]}}
"
        )
    };
    let mut world = World::of(&[&catalogue("6.00")]);
    world.arrive("fixed/one/a.jsonl", used(3, "4"));
    world.at(FEBRUARY_2);
    let waits = world.waits("2026-01");
    assert!(waits.iter().any(|reason| reason.contains("expects 6.00 USD, and it is 5.00 USD")), "{waits:?}");
    world.configure(&catalogue("5.00"));
    assert_eq!(world.invoice("2026-01").total, "2.00");
}
