//! What the catalogue may not say about prices, and what it is told then.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use pricing::{PlanSpec, SpecError};
use serde_json::{Value, json};
use support::{compile, components, streams};

fn check(component: Value) -> Vec<SpecError> {
    components(&json!([component])).values().flat_map(|spec| spec.check(&streams())).collect()
}

fn priced(price: Value) -> Vec<SpecError> {
    check(json!({"name": "c", "title": "C", "stream": "storage", "price": price}))
}

fn shown(problems: &[SpecError]) -> Vec<String> {
    let hint = |problem: &SpecError| problem.hint.as_ref().map_or_else(String::new, |hint| format!(" ({hint})"));
    problems.iter().map(|problem| format!("{problem}{}", hint(problem))).collect()
}

#[test]
fn a_sound_component_has_no_problems() {
    assert_eq!(priced(json!({"per-unit": "0.000000000001", "unit-size": 1000, "included": 0})), []);
    assert_eq!(
        check(json!({"name": "gold", "title": "G", "price": {"by-attribute": "tier", "amounts": {"gold": 1}}})),
        []
    );
}

#[test]
fn every_problem_has_its_place_and_says_what_to_do() {
    for (price, expected) in [
        (
            json!({}),
            "price.per-unit: a price needs one of `per-unit`, `graduated`, `volume`, `percent`, `markup`, `matrix`, `rules`, `by-attribute`",
        ),
        (json!({"per-unit": -1}), "price.per-unit: -1 is negative: prices and quantities start at 0"),
        (json!({"per-unit": 1, "included": -5}), "price.included: -5 is negative: prices and quantities start at 0"),
        (json!({"per-unit": 1, "unit-size": 0}), "price.unit-size: 0 is not above 0"),
        (json!({"per-unit": 1, "amounts": {"a": 1}}), "price.amounts: `amounts` has no meaning in a price `per-unit`"),
        (
            json!({"per-unit": 1, "prorate": "day"}),
            "price.prorate: `prorate` has no meaning in a price `per-unit` without limits (it says what a `minimum` or `maximum` is in a part of a period)",
        ),
        (
            json!({"per-unit": 1, "by-attribute": "tier"}),
            "price.by-attribute: a price is either `per-unit` or `by-attribute`, not both (make two components of it)",
        ),
    ] {
        assert_eq!(shown(&priced(price)), [expected]);
    }
}

#[test]
fn a_price_by_attribute_is_checked_too() {
    let of = |price: Value| shown(&check(json!({"name": "c", "title": "C", "price": price})));
    assert_eq!(
        of(json!({"by-attribute": "tier"})),
        [
            "price.amounts: no value of the attribute has an amount (write one per value, such as `amounts: {gold: 100.00}`)"
        ]
    );
    assert_eq!(
        of(json!({"by-attribute": "tier", "amounts": {"gold": -1}, "included": 3})),
        [
            "price.included: `included` has no meaning in a price `by-attribute`",
            "price.amounts.gold: -1 is negative: prices and quantities start at 0"
        ]
    );
    assert_eq!(
        of(json!({"per-unit": 1})),
        [
            "price.per-unit: a price per unit counts a stream, and the component names none (add `stream: NAME` to the component)"
        ]
    );
    assert_eq!(
        shown(&priced(json!({"by-attribute": "tier", "amounts": {"gold": 1}}))),
        [
            "price.by-attribute: a price by attribute counts no stream, but the component names “storage” (remove `stream` from the component)"
        ]
    );
}

#[test]
fn a_misspelt_stream_or_component_suggests_the_near_one() {
    let problems = check(json!({"name": "c", "title": "C", "stream": "storrage", "price": {"per-unit": 1}}));
    assert_eq!(shown(&problems), ["stream: there is no stream “storrage” (did you mean “storage”?)"]);
    let plan = json!({"name": "p", "title": "P", "currency": "USD", "components": ["sttorage"]});
    let component = json!([{"name": "storage", "title": "S", "stream": "storage", "price": {"per-unit": 1}}]);
    let problems = compile(&component, &plan).unwrap_err();
    assert_eq!(shown(&problems), ["components[0]: there is no component “sttorage” (did you mean “storage”?)"]);
}

#[test]
fn everything_wrong_with_a_plan_is_said_at_once() {
    let plan = json!({"name": "my plan", "title": "P", "currency": "USD",
        "recurring": [{"title": "Fee", "amount": "1.005"}, {"title": "!", "amount": 1}, {"title": "Fine", "amount": 1}, {"title": "fine", "amount": 2}],
        "components": ["gold", "nothing", {"name": "gold", "price": {"by-attribute": "tier", "amounts": {"gold": "0.001"}}}]});
    let gold =
        json!([{"name": "gold", "title": "G", "price": {"by-attribute": "tier", "amounts": {"gold": "100.001"}}}]);
    assert_eq!(
        shown(&compile(&gold, &plan).unwrap_err()),
        [
            "name: “my plan” is not a name (use letters, digits, “-”, “_” and “.”, at least one)",
            "recurring[0].amount: 1.005 has more than the 2 digits after the point that USD has",
            "recurring[1].name: “” is not a name (use letters, digits, “-”, “_” and “.”, at least one)",
            "components[0]: in the component “gold”, amounts.gold: 100.001 has more than the 2 digits after the point that USD has",
            "components[1]: there is no component “nothing”",
            "components[2].price.amounts.gold: 0.001 has more than the 2 digits after the point that USD has",
            "recurring[3]: “fine” stands in the plan twice (give each its own name: corrections of earlier invoices are found by it)",
            "components[2]: “gold” stands in the plan twice (give each its own name: corrections of earlier invoices are found by it)",
        ]
    );
}

#[test]
fn an_unknown_currency_is_refused_with_the_one_that_was_meant() {
    let plan = json!({"name": "p", "title": "P", "currency": "EURO", "recurring": [{"title": "Fee", "amount": 1}]});
    let expected = "currency: “EURO” is not a currency that can be billed (ISO 4217) (did you mean “EUR”?)";
    assert_eq!(shown(&compile(&json!([]), &plan).unwrap_err()), [expected]);
}

#[test]
fn a_customers_own_prices_are_checked_against_the_plan() {
    let component = json!([{"name": "storage", "title": "S", "stream": "storage", "price": {"per-unit": 1}}]);
    let plan = json!({"name": "p", "title": "P", "currency": "USD", "components": ["storage"]});
    let plan = compile(&component, &plan).unwrap();
    let prices = json!({"storage": {"per-unit": -1}, "storag": {"per-unit": 1}});
    let problems = plan.with_prices(&serde_json::from_value(prices).unwrap()).unwrap_err();
    assert_eq!(
        shown(&problems),
        [
            "prices.storag: the plan “p” has no component “storag” (did you mean “storage”?)",
            "prices.storage.per-unit: -1 is negative: prices and quantities start at 0",
        ]
    );
}

#[test]
fn an_unknown_field_is_an_error_that_names_the_known_ones() {
    for (plan, expected) in [
        (
            json!({"name": "p", "title": "P", "currency": "USD", "recuring": []}),
            "unknown field `recuring`, expected one of",
        ),
        (
            json!({"name": "p", "title": "P", "currency": "USD", "components": [{"name": "c", "pricee": {}}]}),
            "unknown field `pricee`, expected one of `name`, `price`, `prices`",
        ),
        (
            json!({"name": "p", "title": "P", "currency": "USD", "components": [5]}),
            "expected the name of a component, or {name: …, price: …}",
        ),
        (json!({"name": "p", "title": "P", "currency": "USD", "rounding": "half-up"}), "unknown variant `half-up`"),
    ] {
        let error = serde_json::from_value::<PlanSpec>(plan).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
