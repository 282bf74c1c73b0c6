//! What somebody supposes is used becomes the quantity that the words say, whatever kind the stream is of.
//! The expected quantities are worked out by hand; each costs 1 per unit, so that the amount is the quantity.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use catalog::{Catalogue, Checked, Problems};
use pricing::{ExampleSpec, Scenario, SpecError};

/// February 2026 in Berlin has 28 days, no change of clocks; March has one on the 29th.
const CATALOGUE: &str = "
seller: {name: Nimbus, address: [Berlin], currency: USD, zone: Europe/Berlin}
streams:
  - {name: stored, title: S, unit: TB, scale: 6, kind: gauge, day: average, month: average, interval: 1h, gap: zero}
  - {name: nodes, title: N, unit: node, scale: 0, kind: gauge, day: peak, month: peak}
  - {name: calls, title: C, unit: call, scale: 0, kind: delta, day: sum, month: sum}
  - {name: runs, title: R, unit: run, scale: 0, kind: delta, day: count, month: count}
  - {name: counter, title: C, unit: GB, scale: 3, kind: cumulative, day: sum, month: sum}
  - {name: seats, title: S, unit: seat, scale: 0, kind: change, day: average, month: average, negative: allow}
components:
  - {name: stored, title: S, stream: stored, price: {per-unit: 1}}
  - {name: nodes, title: N, stream: nodes, price: {per-unit: 1}}
  - {name: calls, title: C, stream: calls, price: {per-unit: 1}}
  - {name: daily, title: C, stream: calls, price: {per-unit: 1, included: 10, bucket: day}}
  - {name: eu, title: C, stream: calls, where: {region: eu}, price: {per-unit: 1}}
  - {name: events, title: C, stream: calls, price: {per-unit: 1, round-quantity: {to: 10, rule: up, each: event}}}
  - {name: runs, title: R, stream: runs, price: {per-unit: 1}}
  - {name: counter, title: C, stream: counter, price: {per-unit: 1}}
  - {name: seats, title: S, stream: seats, price: {per-unit: 1}}
";

fn catalogue(examples: &[(&str, String)]) -> Result<Catalogue, String> {
    let mut text = CATALOGUE.to_owned();
    for (component, example) in examples {
        let name = format!("{{name: {component},");
        text = text.replace(&name, &format!("{{name: {component}, examples: [{example}],"));
        // Streams have the same names as some components.
        let (streams, components) = text.split_once("components:").unwrap();
        let streams = streams.replace(&format!(" examples: [{example}],"), "");
        text = format!("{streams}components:{components}");
    }
    load(text).map(|checked| checked.catalogue.as_ref().clone()).map_err(|problems| problems.to_string())
}

/// As `farthing check` does: an example that comes out otherwise is an error.
fn load(text: String) -> Result<Checked, Problems> {
    let checked = catalog::load([("prices.yaml".to_owned(), text)])?;
    if checked.unlike.is_empty() { Ok(checked) } else { Err(Problems(checked.unlike)) }
}

#[test]
fn a_supposed_usage_is_the_quantity_that_it_says() {
    for (component, month, usage, amount) in [
        // A level is held the whole month, whatever the length of its hours.
        ("stored", "2026-02", "{stored: 12.5 TB}", "12.50"),
        ("stored", "2026-03", "{stored: 12.5 TB}", "12.50"),
        ("stored", "2026-02", "{stored: 500 GB}", "0.50"),
        // 10 for 14 of 28 days, 20 for the others.
        (
            "stored",
            "2026-02",
            "{stored: [{quantity: 10, until: 2026-02-15}, {quantity: 20, from: 2026-02-15}]}",
            "15.00",
        ),
        // One of 28 days, the others nought; one hour of 672.
        ("stored", "2026-02", "{stored: {quantity: 28, on: 2026-02-03}}", "1.00"),
        ("stored", "2026-02", "{stored: {quantity: 672, on: 2026-02-03T14}}", "1.00"),
        // Two deployments at the same time add up.
        ("stored", "2026-02", "{stored: [{quantity: 1, deployment: a}, {quantity: 2, deployment: b}]}", "3.00"),
        ("nodes", "2026-02", "{nodes: [{quantity: 3, until: 2026-02-15}, {quantity: 5, from: 2026-02-15}]}", "5.00"),
        ("calls", "2026-02", "{calls: 1000}", "1000.00"),
        ("calls", "2026-02", "{calls: [3, 4 calls]}", "7.00"),
        ("calls", "2026-02", "{calls: {quantity: 2, each: day}}", "56.00"),
        ("calls", "2026-02", "{calls: {quantity: 2, each: hour, on: 2026-02-05}}", "48.00"),
        // The day on which the clocks go forward has 23 hours.
        ("calls", "2026-03", "{calls: {quantity: 1, each: hour, on: 2026-03-29}}", "23.00"),
        ("calls", "2026-02", "{calls: {quantity: 1, each: quarter-hour, on: 2026-02-05T06}}", "4.00"),
        // Ten are free on each day: 28 × 2, and nothing of the 5.
        ("daily", "2026-02", "{calls: {quantity: 12, each: day}}", "56.00"),
        ("daily", "2026-02", "{calls: {quantity: 5, each: day}}", "0.00"),
        ("daily", "2026-02", "{calls: [{quantity: 30, on: 2026-02-03}, {quantity: 9, on: 2026-02-04}]}", "20.00"),
        (
            "eu",
            "2026-02",
            "{calls: [{quantity: 5, dimensions: {region: eu}}, {quantity: 7, dimensions: {region: us}}]}",
            "5.00",
        ),
        // Each event by itself: 10 + 20.
        ("events", "2026-02", "{calls: [3, 14]}", "30.00"),
        ("runs", "2026-02", "{runs: 3}", "3.00"),
        ("runs", "2026-02", "{runs: {quantity: 2, each: day}}", "56.00"),
        ("counter", "2026-02", "{counter: 1 TB}", "1000.00"),
        ("counter", "2026-02", "{counter: [{quantity: 2, each: day}, {quantity: 5, on: 2026-02-07}]}", "61.00"),
        ("seats", "2026-02", "{seats: 7}", "7.00"),
        // 7 from half of the month on.
        ("seats", "2026-02", "{seats: {quantity: 7, from: 2026-02-15}}", "3.50"),
        ("seats", "2026-02", "{seats: {quantity: 7, until: 2026-02-15}}", "3.50"),
    ] {
        let example = format!("{{period: {month}, usage: {usage}, total: {amount}}}");
        assert_eq!(catalogue(&[(component, example)]).err(), None, "{component} {usage}");
        let other = format!("{{period: {month}, usage: {usage}, total: 0.99}}");
        assert!(catalogue(&[(component, other)]).unwrap_err().contains("the example expects 0.99 USD"), "{component}");
    }
}

#[test]
fn what_cannot_be_supposed_is_refused_with_what_to_do() {
    for (component, usage, path, message) in [
        ("stored", "{stored: 12.5 hours}", "usage.stored", "counts TB, which is no hours (write it in one of B, kB"),
        ("stored", "{stored: 12.5 Tb}", "usage.stored", "“Tb” is no unit that can be converted (did you mean"),
        ("stored", "{stored: 1 GiB}", "usage.stored", "is 0.001073741824 TB, with more than 6 digits"),
        ("stored", "{stored: ten}", "usage.stored", "“ten” is no quantity (write a number with or without a unit"),
        ("stored", "{stored: {quantity: 1, each: day}}", "usage.stored", "a level, which is held: `each` says nothing"),
        ("stored", "{stored: [1, 2]}", "usage.stored[1]", "there is a quantity of “stored” at that time already"),
        ("calls", "{calls: {quantity: 1, on: 2026-03-01}}", "usage.calls", "not within the month"),
        ("calls", "{calls: {quantity: 1, from: 2026-02-03, until: 2026-02-03}}", "usage.calls", "not within the month"),
        ("calls", "{calls: {quantity: 1, on: 2026-02-03, from: 2026-02-03}}", "usage.calls.on", "in place of"),
        ("runs", "{runs: 100001}", "usage.runs", "a whole number is meant, and at most 100000"),
        ("runs", "{runs: {quantity: 100000, each: day}}", "usage.runs", "at most 100000"),
        ("calls", "{cals: 1}", "usage.cals", "there is no stream “cals” (did you mean “calls”?)"),
    ] {
        let example = format!("{{period: 2026-02, usage: {usage}, total: 1}}");
        let found = catalogue(&[(component, example)]).unwrap_err();
        assert!(found.contains(message), "{usage}: {found}");
        let wrong = given(usage).unwrap_err();
        assert_eq!(wrong.iter().map(|problem| problem.path.as_str()).collect::<Vec<_>>(), [path], "{usage}");
    }
}

/// The page's examples are run when its catalogue is read; each of them can fail.
#[test]
fn the_examples_of_the_page_come_out_as_it_says() {
    let page = include_str!("../../../docs/examples.md");
    let yaml = page.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let seller = "seller: {name: Nimbus, address: [Boston], currency: USD, zone: America/New_York}\n";
    let load = |yaml: &str| load(format!("{seller}{yaml}"));
    assert_eq!(load(yaml).map(|checked| checked.catalogue.plans.len()).map_err(|wrong| wrong.to_string()), Ok(1));
    // What is held: seats, coupons, add-ons, other numbers, taxes.
    let held = page.split("```yaml\n").nth(2).unwrap().split("```").next().unwrap();
    assert_eq!(load(held).map(|checked| checked.catalogue.plans.len()).map_err(|wrong| wrong.to_string()), Ok(1));
    for (right, wrong, told) in [
        ("{seats: 14}", "{seats: 15}", "expects 105.00, 49.00 for “seats”, and it is 105.00 USD, 52.50 USD"),
        ("coupons: [{name: SPRING", "coupons: [{name: SPRIN", "there is no coupon `SPRIN` (did you mean `SPRING`?)"),
        ("components.calls.price.included: 0", "components.calls.price.included: 4", "and it is 3.00 USD"),
        ("component: guides", "component: guide", "there is no component `guide`"),
        ("taxes: 3.68", "taxes: 3.80", "the example expects 3.80 USD of taxes, and it is 3.68 USD"),
        ("tax: {jurisdiction: DE}", "tax: {jurisdiction: FR}", "FR"),
        ("        tax: {jurisdiction: DE}\n", "", "does not say where they are due"),
        ("period: 2026-02\n        quantities: {seats: 1}", "period: 2026-02", "nothing says how many there are"),
    ] {
        assert!(held.contains(right), "{right}");
        let found = load(&held.replace(right, wrong)).unwrap_err().to_string();
        assert!(found.contains(told), "{wrong}: {found}");
    }
    let total = load(&yaml.replace("total: 1225.00", "total: 1225.01")).unwrap_err().to_string();
    assert!(total.contains("the example expects 1,225.01 USD, and it is 1,225.00 USD"), "{total}");
    let line = load(&yaml.replace("egress: 5.00", "egress: [5.00, 1.00]")).unwrap_err().to_string();
    assert!(line.contains("the example expects 5.00, 1.00 for “egress”, and it is 5.00 USD"), "{line}");
    let alone = load(&yaml.replace("total: 100.00", "total: 99.00")).unwrap_err().to_string();
    assert!(
        alone.contains("expects 99.00 USD, and it is 100.00 USD (egress 100.00 USD: 3,000 GB measured;"),
        "{alone}"
    );
}

/// The phases of a plan belong to a young subscription: seven days of trial, then half off for two months.
#[test]
fn a_young_subscription_has_its_phases() {
    let plans = "plans:
  - name: phased
    title: P
    currency: USD
    recurring: [{title: Fee, amount: 280.00}]
    components: [calls]
    phases:
      - {title: Trial, days: 7, trial: usage-free}
      - {title: Start, months: 2, percent: 50}
    examples: [EXAMPLE]
";
    let load = |example: &str| {
        let text = format!("{CATALOGUE}{}", plans.replace("EXAMPLE", example));
        self::load(text).map(|_| ()).map_err(|problems| problems.to_string())
    };
    for example in [
        // Long after: the whole fee and all calls.
        "{period: 2026-02, usage: {calls: 10}, total: 290.00}",
        // 21 of 28 days of the fee, and the 10 calls that are after the trial; half of it off.
        "{period: 2026-02, from: 2026-02-01, usage: {calls: [{quantity: 5, on: 2026-02-03}, {quantity: 10, on: 2026-02-20}]}, total: 110.00}",
    ] {
        assert_eq!(load(example), Ok(()), "{example}");
    }
}

/// An hour that the clocks jump over is no time.
#[test]
fn an_hour_that_never_was_is_refused() {
    let example = "{period: 2026-03, usage: {calls: {quantity: 1, on: 2026-03-29T02}}, total: 1}".to_owned();
    assert!(catalogue(&[("calls", example)]).unwrap_err().contains("2026-03-29T02:00 never was in Europe/Berlin"));
}

fn given(usage: &str) -> Result<Scenario, Vec<SpecError>> {
    let plain = catalogue(&[]).unwrap();
    let text = usage.replace(": {quantity", ": {\"quantity\"");
    let json = json(&text);
    let example: ExampleSpec = serde_json::from_str(&format!("{{\"period\":\"2026-02\",\"usage\":{json}}}")).unwrap();
    Scenario::build(&example.given(), &plain.streams, plain.seller.zone)
}

/// Flow YAML of plain words as JSON.
fn json(flow: &str) -> String {
    let mut out = String::new();
    for part in flow.split_inclusive(['{', '}', '[', ']', ',', ':']) {
        let (word, mark) = part.split_at(part.len() - 1);
        let word = word.trim().trim_matches('"');
        if !word.is_empty() {
            out.push_str(&format!("\"{word}\""));
        }
        out.push_str(mark);
    }
    out
}
