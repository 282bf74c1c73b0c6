//! What plans cost: each money rule with a case that fails when the rule is broken.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use pricing::{Plan, RateError, RatedKind, fees_in_advance};
use serde_json::{Value, json};
use support::{Given, amount, compile, key, plan_of, texts};

fn storage(price: Value) -> Plan {
    plan_of(json!([{"name": "storage-tb", "title": "Storage", "stream": "storage", "price": price}]))
}

fn calls(price: Value) -> Plan {
    plan_of(json!([{"name": "calls", "title": "Calls", "stream": "calls", "price": price}]))
}

fn fee(recurring: Value) -> Plan {
    let plan = json!({"name": "standard", "title": "Standard", "currency": "USD", "recurring": [recurring]});
    compile(&json!([]), &plan).unwrap()
}

fn only(given: &Given, plan: &Plan) -> pricing::RatedLine {
    let mut lines = given.rate(plan).unwrap();
    assert_eq!(lines.len(), 1);
    lines.remove(0)
}

#[test]
fn a_price_per_unit_is_quantity_times_price_and_says_so() {
    let line = only(&Given::month("2026-02").used("storage", "812.25"), &storage(json!({"per-unit": 50})));
    assert_eq!(amount(&line), "40612.50");
    assert_eq!(texts(&line), ["812.25 TB measured on average", "812.25 TB × 50.00 = 40,612.50"]);
    assert_eq!((&*line.group, line.detail.as_deref()), ("Storage", Some("average of the month")));
}

#[test]
fn the_included_quantity_is_free_and_the_rest_is_charged() {
    let plan = storage(json!({"per-unit": "50.00", "included": "100"}));
    for (used, expected) in
        [("0", "0.00"), ("99.999999", "0.00"), ("100", "0.00"), ("100.5", "25.00"), ("812.25", "35612.50")]
    {
        assert_eq!(amount(&only(&Given::month("2026-02").used("storage", used), &plan)), expected, "{used}");
    }
    let line = only(&Given::month("2026-02").used("storage", "812.25"), &plan);
    assert_eq!(texts(&line)[0], "812.25 TB measured on average − 100 TB included = 712.25 TB");
}

#[test]
fn a_price_can_be_for_a_million() {
    let line = only(
        &Given::month("2026-02").used("calls", "29574110"),
        &calls(json!({"per-unit": "0.20", "unit-size": 1_000_000, "included": 1_000_000})),
    );
    assert_eq!(amount(&line), "5.71");
    assert_eq!(
        texts(&line),
        [
            "29,574,110 calls measured − 1,000,000 calls included = 28,574,110 calls",
            "28,574,110 calls × 0.20 ÷ 1,000,000 calls = 5.714822",
            "rounded half away from zero to 5.71",
        ]
    );
}

#[test]
fn a_price_keeps_twelve_digits() {
    let plan = calls(json!({"per-unit": "0.000000000001"}));
    assert_eq!(amount(&only(&Given::month("2026-02").used("calls", "10000000000"), &plan)), "0.01");
}

#[test]
fn a_line_is_rounded_by_the_named_rule_and_half_away_from_zero_by_default() {
    // 0.125 and 0.375: the second tells half-even from half-down.
    for (rule, expected) in [
        (None, ["0.13", "0.38"]),
        (Some("half-away-from-zero"), ["0.13", "0.38"]),
        (Some("half-even"), ["0.12", "0.38"]),
        (Some("up"), ["0.13", "0.38"]),
        (Some("down"), ["0.12", "0.37"]),
    ] {
        let component = json!([{"name": "c", "title": "C", "stream": "calls", "price": {"per-unit": "0.125"}}]);
        let mut plan = json!({"name": "p", "title": "P", "currency": "USD", "components": ["c"]});
        if let Some(rule) = rule {
            plan["rounding"] = rule.into();
        }
        let plan = compile(&component, &plan).unwrap();
        let of = |used: &str| amount(&only(&Given::month("2026-02").used("calls", used), &plan));
        assert_eq!([of("1"), of("3")], expected, "{rule:?}");
    }
}

#[test]
fn nothing_is_rounded_before_the_line() {
    // Rounded per step this would be (0.33 → 0.33) × 3 or 0.01 × 15 / …: 10 ÷ 3 × 0.3 is 1 exactly.
    let plan = calls(json!({"per-unit": "0.3", "unit-size": "3"}));
    assert_eq!(amount(&only(&Given::month("2026-02").used("calls", "10"), &plan)), "1.00");
    // 0.004 each: a rounding per unit would charge nothing.
    let plan = calls(json!({"per-unit": "0.004"}));
    assert_eq!(amount(&only(&Given::month("2026-02").used("calls", "1000"), &plan)), "4.00");
}

#[test]
fn a_credit_is_the_charge_the_other_way_round() {
    let plan = storage(json!({"per-unit": "0.125", "included": 5}));
    assert_eq!(amount(&only(&Given::month("2026-02").used("storage", "-1"), &plan)), "-0.13");
    assert_eq!(amount(&only(&Given::month("2026-02").used("storage", "6"), &plan)), "0.13");
}

#[test]
fn amounts_have_the_digits_of_their_currency() {
    for (currency, expected) in [("JPY", "12"), ("USD", "12.35"), ("KWD", "12.346"), ("CLF", "12.3457")] {
        let component = json!([{"name": "c", "title": "C", "stream": "storage", "price": {"per-unit": "12.34567"}}]);
        let plan = json!({"name": "p", "title": "P", "currency": currency, "components": ["c"]});
        let plan = compile(&component, &plan).unwrap();
        assert_eq!(amount(&only(&Given::month("2026-02").used("storage", "1"), &plan)), expected);
    }
}

#[test]
fn a_fee_is_prorated_by_calendar_days_of_its_own_month() {
    let plan = fee(json!({"title": "Platform fee", "amount": "310.00"}));
    for (month, from, until, expected) in [
        ("2026-01", "2025-01-01", None, "310.00"),
        ("2026-01", "2026-01-17", None, "150.00"), // the first day counts: 15 of 31
        ("2026-01", "2025-01-01", Some("2026-01-17"), "160.00"), // the last does not: 16 of 31
        ("2026-01", "2026-01-10", Some("2026-01-11"), "10.00"),
        ("2026-02", "2026-02-10", None, "210.36"), // 19 of 28
        ("2024-02", "2024-02-10", None, "213.79"), // 20 of 29
        ("2026-03", "2026-03-29", None, "30.00"),  // three days, one of 23 hours: days, not hours
    ] {
        assert_eq!(amount(&only(&Given::month(month).held(from, until), &plan)), expected, "{month} {from} {until:?}");
    }
}

#[test]
fn proration_multiplies_first_and_divides_last() {
    // 10.00 ÷ 31 is 0.32 when rounded early, and 15 of those make 4.80.
    let line = only(&Given::month("2026-01").held("2026-01-17", None), &fee(json!({"title": "Fee", "amount": 10})));
    assert_eq!(amount(&line), "4.84");
    let expected = ["10.00 × 15 ÷ 31 days = 4.838709677419…", "rounded half away from zero to 4.84"];
    assert_eq!(texts(&line), expected);
    assert_eq!(line.detail.as_deref(), Some("15 of 31 days, from 2026-01-17"));
}

#[test]
fn a_fee_that_is_not_prorated_is_charged_in_full() {
    let plan = fee(json!({"title": "Fee", "amount": 10, "prorate": "none"}));
    let line = only(&Given::month("2026-01").held("2026-01-31", None), &plan);
    assert_eq!((amount(&line).as_str(), line.detail), ("10.00", None));
}

#[test]
fn nothing_is_charged_for_a_period_that_is_not_held() {
    let plan = fee(json!({"title": "Fee", "amount": 10}));
    for (from, until) in [("2026-02-01", None), ("2025-01-01", Some("2026-01-01")), ("2026-01-05", Some("2026-01-05"))]
    {
        assert_eq!(Given::month("2026-01").held(from, until).amounts(&plan), [], "{from} {until:?}");
    }
}

#[test]
fn a_fee_in_advance_is_part_of_its_period_and_known_before() {
    let plan = json!({"name": "standard", "title": "Standard", "currency": "USD", "recurring": [
        {"title": "Platform fee", "amount": 500}, {"title": "Premium support", "amount": 250, "billed": "advance"}]});
    let plan = compile(&json!([]), &plan).unwrap();
    let march = Given::month("2026-03");
    let early = fees_in_advance(&plan, &march.input()).unwrap();
    assert_eq!(early.iter().map(key).collect::<Vec<_>>(), ["standard/premium-support"]);
    assert_eq!(early[0], march.rate(&plan).unwrap()[1]);
    assert_eq!(&*early[0].period, "2026-03");
}

#[test]
fn an_attribute_decides_an_amount_per_month() {
    let gold = json!([{"name": "client", "title": "Client", "price":
        {"by-attribute": "tier", "amounts": {"gold": "100.00", "silver": 40}}}]);
    let plan = plan_of(gold);
    let of = |given: Given| only(&given, &plan);
    assert_eq!(amount(&of(Given::month("2026-02").attribute("tier", "gold"))), "100.00");
    assert_eq!(amount(&of(Given::month("2026-02").attribute("tier", "silver"))), "40.00");
    let half = of(Given::month("2026-02").attribute("tier", "gold").held("2026-02-15", None));
    assert_eq!(amount(&half), "50.00");
    assert_eq!(half.kind, RatedKind::Attribute);
    assert_eq!(half.detail.as_deref(), Some("tier: gold, 14 of 28 days, from 2026-02-15"));
    assert_eq!(texts(&half), ["tier is gold", "100.00 × 14 ÷ 28 days = 50.00"]);
}

#[test]
fn an_attribute_without_a_price_is_an_error_that_says_who_what_and_where() {
    let price = json!({"by-attribute": "tier", "amounts": {"gold": 100, "silver": 40}});
    let plan = plan_of(json!([{"name": "client", "title": "Client", "price": price}]));
    let missing = Given::month("2026-02").rate(&plan).unwrap_err().to_string();
    assert_eq!(
        missing,
        "the price of “client” in the plan “standard” depends on the attribute “tier”, and the customer “aurora” has \
         none; amounts are given for gold, silver. Set the attribute, add an amount, or set `otherwise: none`"
    );
    let other = Given::month("2026-02").attribute("tier", "Gold").rate(&plan).unwrap_err().to_string();
    assert!(other.contains("has “Gold”; amounts are given for gold, silver"), "{other}");
}

#[test]
fn an_attribute_without_a_price_costs_nothing_where_the_price_says_so() {
    let price = json!({"by-attribute": "tier", "amounts": {"gold": 100}, "otherwise": "none"});
    let plan = plan_of(json!([{"name": "gold", "title": "Gold client", "price": price}]));
    assert_eq!(Given::month("2026-02").amounts(&plan), []);
    assert_eq!(Given::month("2026-02").attribute("tier", "silver").amounts(&plan), []);
}

#[test]
fn each_deployment_has_its_own_included_quantity_where_priced_so() {
    let given = || Given::month("2026-02").used_at("b", "storage", "12").used_at("a", "storage", "8");
    let apart = storage(json!({"per-unit": 1, "included": 10, "per": "deployment"}));
    let pairs = |plan: &Plan| {
        given().amounts(plan).into_iter().map(|(key, amount)| format!("{key} {amount}")).collect::<Vec<_>>()
    };
    assert_eq!(pairs(&apart), ["storage-tb@a 0.00", "storage-tb@b 2.00"]);
    assert_eq!(pairs(&storage(json!({"per-unit": 1, "included": 10}))), ["storage-tb 10.00"]);
}

#[test]
fn a_stream_that_nothing_was_used_of_is_still_a_line() {
    let line = only(&Given::month("2026-02"), &storage(json!({"per-unit": 50})));
    assert_eq!((amount(&line).as_str(), line.quantity), ("0.00", Some(support::exact("0"))));
}

#[test]
fn what_cannot_be_calculated_exactly_is_an_error() {
    let plan = storage(json!({"per-unit": "999999999999999.999999999999"}));
    let error = Given::month("2026-02").used("storage", "99999999999999999999.999999").rate(&plan).unwrap_err();
    assert!(matches!(error, RateError::Number { component, .. } if component == "storage-tb"));
}

#[test]
fn lines_stand_in_the_order_of_the_plan() {
    let component = |name: &str| json!({"name": name, "title": name, "stream": "calls", "price": {"per-unit": 1}});
    let plan = json!({"name": "p", "title": "P", "currency": "USD", "components": ["z", "a"],
        "recurring": [{"title": "Second", "amount": 1}, {"title": "First", "amount": 1}]});
    let plan = compile(&json!([component("a"), component("z")]), &plan).unwrap();
    let keys: Vec<String> = Given::month("2026-02").rate(&plan).unwrap().iter().map(key).collect();
    assert_eq!(keys, ["p/second", "p/first", "z", "a"]);
}

#[test]
fn a_customer_can_have_its_own_price() {
    let standard = storage(json!({"per-unit": 50, "included": 10}));
    let prices = serde_json::from_value(json!({"storage-tb": {"per-unit": 45}})).unwrap();
    let agreed = standard.with_prices(&prices).unwrap();
    let given = Given::month("2026-02").used("storage", "20");
    assert_eq!(amount(&only(&given, &standard)), "500.00");
    assert_eq!(amount(&only(&given, &agreed)), "900.00"); // replaced as a whole: nothing included
}
