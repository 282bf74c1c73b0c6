//! Prices by rules: exact, by the clock of the customer, nothing lost and nothing doubled, and no text that a person
//! may write confuses them.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeMap;

use catalog::Catalogue;
use pricing::{Amount, ComponentSpec, Given, GivenUsage, Moment, RatedLine, Scenario};
use proptest::prelude::*;
use serde_json::json;

const STREAMS: &str = "
seller: {name: Nimbus, address: [Berlin], currency: USD, zone: Europe/Berlin}
streams:
  - {name: stored, title: S, unit: TB, scale: 6, kind: gauge, day: average, month: average}
  - {name: calls, title: C, unit: call, scale: 0, kind: delta, day: sum, month: sum}
  - {name: counter, title: C, unit: GB, scale: 0, kind: cumulative, day: sum, month: sum}
";

fn catalogue(stream: &str, price: &str) -> Catalogue {
    let component = format!("  - {{name: c, title: C, stream: {stream}, price: {price}}}");
    let plan = "  - {name: p, title: P, currency: USD, components: [c]}";
    let customer = "  - {id: a, name: A, attributes: {tier: gold, seats: '7'}}";
    let text = format!("{STREAMS}components:\n{component}\nplans:\n{plan}\ncustomers:\n{customer}\n");
    let loaded = catalog::load([("rules.yaml".to_owned(), text)]);
    loaded.map_err(|wrong| wrong.to_string()).unwrap().catalogue.as_ref().clone()
}

fn used(stream: &str, quantity: &str, at: Option<&str>, region: Option<&str>) -> (String, String, GivenUsage) {
    let dimensions = region.map(|region| ("region".to_owned(), region.to_owned())).into_iter().collect();
    let on: Option<Moment> = at.map(|at| at.parse().unwrap());
    ("usage".to_owned(), stream.to_owned(), GivenUsage { dimensions, on, ..GivenUsage::of(quantity) })
}

fn rated(
    catalogue: &Catalogue,
    month: &str,
    usage: Vec<(String, String, GivenUsage)>,
) -> Result<Vec<RatedLine>, String> {
    let attributes = BTreeMap::from([("tier".to_owned(), "gold".to_owned())]);
    let given = Given { period: month.to_owned(), attributes, usage, ..Given::default() };
    let scenario = Scenario::build(&given, &catalogue.streams, catalogue.seller.zone).unwrap();
    scenario.rate(&catalogue.plans["p"], &catalogue.streams).map_err(|error| error.to_string())
}

fn total(lines: &[RatedLine]) -> String {
    Amount::sum(lines.iter().map(|line| line.amount)).unwrap().format(2)
}

/// Whether a condition holds for 5 calls, by what they cost.
fn holds(when: &str, usage: Vec<(String, String, GivenUsage)>) -> bool {
    let price = format!("{{rules: [{{when: '{when}', price: {{per-unit: 1}}}}, {{price: {{per-unit: 2}}}}]}}");
    let mut usage = usage;
    usage.push(used("calls", "5", None, Some("eu")));
    total(&rated(&catalogue("calls", &price), "2026-02", usage).unwrap()) == "5.00"
}

#[test]
fn conditions_say_what_they_say() {
    let stored = |quantity: &str| vec![used("stored", quantity, None, None)];
    for (when, usage, expected) in [
        // With binary fractions 0.1 × 3 is not 0.3, and these two whole numbers are one.
        ("stream.stored == 0.1 * 3", stored("0.3"), true),
        ("stream.stored * 1.1 == 0.33", stored("0.3"), true),
        ("stream.stored > 900719925474099.5", stored("1"), false),
        ("stream.stored * 9007199254740993 == 9007199254740992", stored("1"), false),
        ("stream.stored + 0.000000000001 > 0.3", stored("0.3"), true),
        ("stream.stored - 0.000000000001 >= 0.3", stored("0.3"), false),
        ("stream.stored < -1", stored("1"), false),
        ("-stream.stored == -1.0", stored("1"), true),
        ("stream[\"stored\"] in [1, 2.0]", stored("2"), true),
        ("stream.stored != 2u", stored("2"), false),
        ("customer.tier == \"gold\"", vec![], true),
        ("customer.tier != \"gold\"", vec![], false),
        ("customer[\"tier\"].startsWith(\"go\") && customer.tier.endsWith(\"ld\")", vec![], true),
        ("customer.tier.contains(\"x\")", vec![], false),
        ("!(customer.tier in [\"silver\", \"bronze\"])", vec![], true),
        // What is missing decides nothing where the other side does.
        ("has(customer.seats)", vec![], false),
        ("has(customer.seats) && customer.seats == \"7\"", vec![], false),
        ("customer.tier == \"gold\" || customer.seats == \"7\"", vec![], true),
        ("customer.seats == \"7\" || customer.tier == \"gold\"", vec![], true),
        ("has(dimension.region) && dimension.region == \"eu\"", vec![], true),
        ("has(dimension.zone)", vec![], false),
        ("true", vec![], true),
    ] {
        assert_eq!(holds(when, usage), expected, "{when}");
    }
}

#[test]
fn what_is_missing_is_an_error_and_not_false() {
    let price = "{rules: [{when: 'customer.seats == \"7\"', price: {per-unit: 1}}, {price: {per-unit: 2}}]}";
    let error = rated(&catalogue("calls", price), "2026-02", vec![used("calls", "1", None, None)]).unwrap_err();
    assert!(
        error.contains("“customer.seats” is missing; where it may be, ask `has(customer.seats) && …` first"),
        "{error}"
    );
    // Beyond 128 bits.
    let wide = "stream.stored * 900000000000000000 * 900000000000000000 * 900000000000000000 > 1";
    let price = format!("{{rules: [{{when: '{wide}', price: {{per-unit: 1}}}}, {{price: {{per-unit: 2}}}}]}}");
    let error = rated(&catalogue("calls", &price), "2026-02", vec![used("stored", "3", None, None)]).unwrap_err();
    assert!(error.contains("cannot be told for the customer"), "{error}");
}

/// Whoever uses nothing has a line of nothing, as with any other price; `otherwise: none` has none.
#[test]
fn nothing_used_is_nothing_charged() {
    let gold = "{rules: [{when: 'customer.tier == \"gold\"', price: {per-unit: 1}}]}";
    let lines = rated(&catalogue("calls", gold), "2026-02", vec![]).unwrap();
    assert_eq!((lines.len(), total(&lines)), (1, "0.00".to_owned()));
    for price in [
        "{rules: [{when: 'customer.tier == \"iron\"', price: {per-unit: 1}}], otherwise: none}",
        "{rules: [{when: 'dimension.region == \"us\"', price: {per-unit: 1}}], otherwise: none}",
    ] {
        let usage = vec![used("calls", "5", None, Some("eu"))];
        assert_eq!(rated(&catalogue("calls", price), "2026-02", usage).unwrap(), []);
    }
}

/// On 29 March 2026 the hour from 2 to 3 is not there in Berlin, on 25 October it is there twice.
#[test]
fn hours_are_those_of_the_customers_clock() {
    let price = "{rules: [{when: 'time.hour == 2', price: {per-unit: 1}}, {price: {per-unit: 0}}]}";
    for (stream, month, day, expected) in [
        ("calls", "2026-03", "2026-03-28", "1.00"),
        ("calls", "2026-03", "2026-03-29", "0.00"),
        ("calls", "2026-10", "2026-10-25", "2.00"),
        ("counter", "2026-10", "2026-10-25", "2.00"),
    ] {
        let (path, name, hourly) = used(stream, "1", Some(day), None);
        let hourly = GivenUsage { each: Some(metering::select::Bucket::Hour), ..hourly };
        let lines = rated(&catalogue(stream, price), month, vec![(path, name, hourly)]).unwrap();
        assert_eq!(total(&lines), expected, "{stream} {day}");
    }
}

#[test]
fn tiers_minimums_and_buckets_are_those_of_the_rule() {
    let usage = || {
        vec![
            used("calls", "70", Some("2026-02-03"), Some("eu")),
            used("calls", "60", Some("2026-02-03"), Some("ch")),
            used("calls", "50", Some("2026-02-04"), Some("us")),
        ]
    };
    for (price, expected) in [
        // 130 together: 100 × 1 + 30 × 2; and 50 × 3.
        (
            "{rules: [{when: 'dimension.region in [\"eu\", \"ch\"]', price: {graduated: [{up-to: 100, per-unit: 1}, {per-unit: 2}]}}, {price: {per-unit: 3}}]}",
            "310.00",
        ),
        // 100 are free on each day: 30 × 1; the 50 are within them.
        (
            "{rules: [{when: 'dimension.region in [\"eu\", \"ch\"]', price: {per-unit: 1, included: 100}}, {price: {per-unit: 3, included: 100}}], bucket: day}",
            "30.00",
        ),
        ("{rules: [{price: {per-unit: 1}}], minimum: 500, prorate: none}", "500.00"),
        ("{rules: [{price: {per-unit: 1, line-maximum: 100}}]}", "100.00"),
    ] {
        assert_eq!(total(&rated(&catalogue("calls", price), "2026-02", usage()).unwrap()), expected, "{price}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever the hour and the region: each call falls under one rule. All cost 1, so that the amount is the number.
    #[test]
    fn nothing_is_lost_and_nothing_doubled(events in prop::collection::vec((1_u32..=28, 0_u32..24, 0_usize..3, 1_u32..50), 0..12)) {
        let price = "{rules: [{when: 'time.hour < 6 && dimension.region == \"eu\"', price: {per-unit: 1}}, {when: 'time.weekday >= 6 || dimension.region == \"us\"', price: {per-unit: 1}}, {price: {per-unit: 1}}]}";
        let usage = events.iter().map(|(day, hour, region, quantity)| {
            let at = format!("2026-02-{day:02}T{hour:02}");
            used("calls", &quantity.to_string(), Some(&at), Some(["eu", "us", "ch"][*region]))
        });
        let lines = rated(&catalogue("calls", price), "2026-02", usage.collect()).unwrap();
        let number: u32 = events.iter().map(|(.., quantity)| quantity).sum();
        prop_assert_eq!(total(&lines), format!("{number}.00"));
    }

    /// Any text is a condition or is refused with a reason.
    #[test]
    fn no_text_confuses_the_reader(words in prop::collection::vec(prop::sample::select(vec![
        "customer", "stream", ".", "tier", "stored", "&&", "||", "!", "(", ")", "[", "]", "{", "}", "\"gold\"", "'", "\"", "1",
        "0.5", "1e9", "99999999999999999999", "0x1F", "==", "<", "in", "+", "-", "*", "/", "?", ":", ",", "has", "time.hour", "\\",
        "exists", "x", "true", "null", "b\"a\"", "r\"", "\u{1f600}", "\n", " ", "//", "`a`", "_", "9223372036854775808", "5u",
    ]), 0..12)) {
        let streams = catalogue("calls", "{per-unit: 1}").streams;
        let rules = json!([{"when": words.concat(), "price": {"per-unit": 1}}]);
        let component = json!({"name": "c", "title": "C", "stream": "calls", "price": {"rules": rules}});
        let component: ComponentSpec = serde_json::from_value(component).unwrap();
        let problems = component.check(&streams);
        prop_assert!(problems.iter().all(|problem| !problem.message.is_empty()));
    }
}

#[test]
fn brackets_without_end_are_refused() {
    let streams = catalogue("calls", "{per-unit: 1}").streams;
    for (when, said) in [
        (format!("{}true{}", "(".repeat(200), ")".repeat(200)), "cannot be read"),
        (format!("{}true", "!".repeat(900)), ""),
        (format!("customer.tier == \"{}\"", "x".repeat(1_000)), "more than 1000 characters"),
        (["true"; 100].join(" && "), ""),
        (format!("{} > 1", ["1"; 490].join("+")), "nested too deeply"),
    ] {
        let component = json!({"name": "c", "title": "C", "stream": "calls",
            "price": {"rules": [{"when": when, "price": {"per-unit": 1}}]}});
        let component: ComponentSpec = serde_json::from_value(component).unwrap();
        let problems = component.check(&streams);
        assert!(said.is_empty() || problems[0].message.contains(said), "{when}: {problems:?}");
    }
}
