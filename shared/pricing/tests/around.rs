//! Fees of other periods, and what stands around the lines of a plan.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use pricing::{Amount, Credit, CreditSpec, Currency, History, Plan, RatedLine, draw, fees_in_advance};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{Given, amount, compile, texts};

/// A plan in US dollars with storage at 1.00 a TB, calls at 2.00, and what else is given.
fn plan(more: Value) -> Plan {
    let components = json!([
        {"name": "tb", "title": "Storage", "stream": "storage", "price": {"per-unit": 1}},
        {"name": "calls", "title": "Calls", "stream": "calls", "price": {"per-unit": 2}, "tax": "reduced"},
    ]);
    let mut plan = json!({"name": "p", "title": "P", "currency": "USD", "components": ["tb", "calls"]});
    plan.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    compile(&components, &plan).unwrap()
}

fn fee(more: Value) -> Plan {
    let mut fee = json!({"title": "Fee", "amount": "365.00"});
    fee.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    compile(&json!([]), &json!({"name": "p", "title": "P", "currency": "USD", "recurring": [fee]})).unwrap()
}

fn lines(lines: &[RatedLine]) -> Vec<(&str, String)> {
    lines.iter().map(|line| (&*line.component, amount(line))).collect()
}

fn charged(plan: &Plan, month: &str, from: &str, until: Option<&str>) -> Vec<(String, Option<String>)> {
    let lines = Given::month(month).held(from, until).rate(plan).unwrap();
    lines.iter().map(|line| (amount(line), line.detail.clone())).collect()
}

#[test]
fn a_yearly_fee_stands_under_the_month_in_which_it_begins_or_ends() {
    let advance = fee(json!({"every": "year", "anchor": "subscription", "billed": "advance"}));
    let whole = Some("2026-01-31 until 2027-01-31".to_owned());
    assert_eq!(charged(&advance, "2026-01", "2026-01-31", None), [("365.00".to_owned(), whole.clone())]);
    assert_eq!(charged(&advance, "2026-02", "2026-01-31", None), []);
    let arrears = fee(json!({"every": "year", "anchor": "subscription"}));
    assert_eq!(charged(&arrears, "2026-01", "2026-01-31", None), []);
    assert_eq!(charged(&arrears, "2027-01", "2026-01-31", None), [("365.00".to_owned(), whole)]);
    // Ended on the way: charged with the month of the end.
    let part = Some("2026-01-31 until 2027-01-31, 59 of 365 days, from 2026-01-31".to_owned());
    assert_eq!(charged(&arrears, "2026-03", "2026-01-31", Some("2026-03-31")), [("59.00".to_owned(), part)]);
    assert_eq!(charged(&arrears, "2027-01", "2026-01-31", Some("2026-03-31")), []);
}

#[test]
fn what_was_charged_in_advance_is_given_back_from_the_end_that_became_known_later() {
    let advance = fee(json!({"every": "year", "anchor": "subscription", "billed": "advance"}));
    let given = Given::month("2026-01").held("2026-01-31", None);
    let mut input = given.input();
    assert_eq!(lines(&pricing::rate(&advance, &input).unwrap()), [("p/fee", "365.00".to_owned())]);
    input.ended = Some(support::day("2026-03-31"));
    assert_eq!(lines(&pricing::rate(&advance, &input).unwrap()), [("p/fee", "59.00".to_owned())]);
}

#[test]
fn weeks_and_anchored_months_are_charged_as_often_as_they_end_in_a_month() {
    let weekly = fee(json!({"every": "week"}));
    // Mondays of March 2026 that end a week: 2, 9, 16, 23, 30.
    assert_eq!(charged(&weekly, "2026-03", "2026-01-01", None).len(), 5);
    let anchored = fee(json!({"anchor": 31}));
    let details: Vec<_> =
        charged(&anchored, "2026-02", "2026-01-01", None).into_iter().map(|(_, d)| d.unwrap()).collect();
    assert_eq!(details, ["2026-01-31 until 2026-02-28"]);
}

#[test]
fn parts_are_cut_by_the_named_denominator() {
    let part = |prorate: Value, until: &str| {
        charged(&fee(json!({"prorate": prorate})), "2026-03", "2026-03-11", Some(until)).remove(0).0
    };
    // 365.00 × 10 ÷ 31, ÷ 30; with the last day too; 864,000 of 2,674,800 seconds less the lost hour of 29 March.
    assert_eq!(part(json!("day"), "2026-03-21"), "117.74");
    assert_eq!(part(json!({"by": "day", "of": 30}), "2026-03-21"), "121.67");
    assert_eq!(part(json!({"by": "day", "count": "both-ends"}), "2026-03-21"), "129.52");
    assert_eq!(part(json!("second"), "2026-03-21"), "117.90");
    assert_eq!(part(json!("none"), "2026-03-21"), "365.00");
    // As many days as the denominator or more: the whole.
    assert_eq!(part(json!({"by": "day", "of": 15}), "2026-03-28"), "365.00");
}

#[test]
fn a_one_time_fee_is_charged_in_the_month_of_the_beginning_only() {
    let plan = plan(json!({"components": [], "one-time": [{"title": "Setup", "amount": "250.00"}]}));
    assert_eq!(charged(&plan, "2026-02", "2026-02-20", None), [("250.00".to_owned(), Some("once".to_owned()))]);
    assert_eq!(charged(&plan, "2026-03", "2026-02-20", None), []);
    assert!(fees_in_advance(&plan, &Given::month("2026-02").held("2026-02-20", None).input()).unwrap().is_empty());
}

#[test]
fn discounts_are_taken_off_in_order_and_apart_for_each_tax() {
    let plan = plan(json!({"discounts": [
        {"title": "Partner", "percent": 10},
        {"title": "Goodwill", "amount": "100.00", "components": ["tb"]},
    ]}));
    let rated = Given::month("2026-02").used("storage", "100").used("calls", "50").rate(&plan).unwrap();
    assert_eq!(
        lines(&rated),
        [
            ("tb", "100.00".to_owned()),
            ("calls", "100.00".to_owned()),
            ("p/partner", "-10.00".to_owned()),
            ("p/partner/reduced", "-10.00".to_owned()),
            // What the partner's discount left of it.
            ("p/goodwill", "-90.00".to_owned()),
        ]
    );
    assert_eq!(texts(&rated[3]), ["10 % of 200.00 = 20.00", "10.00 of it is taxed as reduced"]);
    assert_eq!(texts(&rated[4]), ["100.00 off 90.00, all that there is to take it off"]);
}

#[test]
fn units_are_taken_off_the_quantity() {
    let plan = plan(json!({"discounts": [{"title": "Pilot", "units": 30, "components": ["calls"]}]}));
    let of = |calls: &str| lines(&Given::month("2026-02").used("calls", calls).rate(&plan).unwrap()).pop().unwrap().1;
    assert_eq!((of("50"), of("20")), ("-60.00".to_owned(), "-40.00".to_owned()));
}

#[test]
fn a_minimum_charges_what_is_missing_and_a_maximum_takes_off_what_is_too_much() {
    let bounds = plan(json!({"minimum": {"amount": 56}, "maximum": {"amount": 112}}));
    let of = |used: &str, from: &str| {
        let rated = Given::month("2026-02").used("calls", used).held(from, None).rate(&bounds).unwrap();
        lines(&rated).get(2).map(|(key, amount)| format!("{key} {amount}"))
    };
    assert_eq!(of("14", "2026-02-01"), Some("p/minimum 28.00".to_owned()));
    assert_eq!(of("28", "2026-02-01"), None);
    assert_eq!(of("60", "2026-02-01"), Some("p/maximum -8.00".to_owned()));
    assert_eq!(of("0", "2026-02-15"), Some("p/minimum 28.00".to_owned()));
}

/// Prices months one after the other, each with what the ones before drew.
fn months(plan: &Plan, calls: &[&str]) -> Vec<String> {
    let mut history = History::default();
    let mut charged = Vec::new();
    for (offset, used) in (0..).zip(calls) {
        let mut given = Given::month("2026-01").used("calls", used).held("2026-01-20", None);
        given.period = given.period.month_after(offset).unwrap();
        given.history = history.clone();
        let rated = given.rate(plan).unwrap();
        history.record(&rated).unwrap();
        charged.push(amount(rated.last().unwrap()));
    }
    charged
}

#[test]
fn a_quarter_is_drawn_by_its_months_and_its_rest_charged_at_its_end() {
    let quarter = plan(json!({"commitment": {"amount": 100, "every": "quarter", "overage": "1.5"}}));
    // 40, 20, 30 leave 10; then 80, 60 are 40 beyond, and the last month 10 more.
    assert_eq!(
        months(&quarter, &["20", "10", "15", "40", "30", "5"]),
        ["0.00", "0.00", "10.00", "0.00", "20.00", "5.00"]
    );
}

#[test]
fn a_commitment_of_a_month_is_drawn_by_that_month_alone() {
    let monthly = plan(json!({"commitment": {"amount": 10, "overage": 2}}));
    let given = |month: &str| Given::month(month).held("2026-01-01", None);
    let of = |calls: &str| amount(given("2026-02").used("calls", calls).rate(&monthly).unwrap().last().unwrap());
    assert_eq!((of("2"), of("8")), ("6.00".to_owned(), "6.00".to_owned()));
}

fn credits(specs: &Value) -> Vec<Credit> {
    let usd = Currency::parse("USD").unwrap();
    let specs: Vec<CreditSpec> = serde_json::from_value(specs.clone()).unwrap();
    specs.iter().map(|spec| spec.compile(usd).unwrap()).collect()
}

/// What the credits pay of storage in months from January, as the keys and amounts of their lines.
fn paid(credits: &[Credit], used: &[&str]) -> Vec<Vec<(String, String)>> {
    let (plan, mut history, mut months) = (plan(json!({})), History::default(), Vec::new());
    for (offset, used) in (0..).zip(used) {
        let mut given = Given::month("2026-01").used("storage", used);
        given.period = given.period.month_after(offset).unwrap();
        let rated = given.rate(&plan).unwrap();
        let drawn = draw(credits, &rated, &given.period, plan.currency, &history).unwrap();
        history.record(&drawn).unwrap();
        months.push(drawn.iter().map(|line| (line.component.to_string(), amount(line))).collect());
    }
    months
}

#[test]
fn credits_are_drawn_in_the_order_of_their_expiry_and_never_beyond_their_amount() {
    let credits = credits(&json!([
        {"title": "Later", "amount": 50, "from": "2026-01-01"},
        {"title": "Soon", "amount": 100, "from": "2026-01-01", "until": "2026-03-01"},
    ]));
    let of = |key: &str, amount: &str| (key.to_owned(), amount.to_owned());
    assert_eq!(
        paid(&credits, &["70", "10", "60"]),
        [
            vec![of("credit/soon", "-70.00")],
            vec![of("credit/soon", "-10.00")],
            // 20.00 of the first have expired.
            vec![of("credit/later", "-50.00")],
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn a_discount_of_a_percentage_is_that_of_the_sum(a in 0_u32..100_000, b in 0_u32..100_000, percent in 1_u32..=100) {
        let plan = plan(json!({"discounts": [{"title": "Off", "percent": percent}]}));
        let rated = Given::month("2026-02").used("storage", &a.to_string()).used("calls", &b.to_string()).rate(&plan).unwrap();
        let sum = |own: bool| Amount::sum(rated.iter().filter(|line| line.component.starts_with("p/") != own).map(|line| line.amount)).unwrap().0;
        prop_assert_eq!(sum(false), -((sum(true) * i128::from(percent) * 2 + 100) / 200));
    }

    #[test]
    fn a_month_costs_neither_less_than_its_minimum_nor_more_than_its_maximum(used in 0_u32..3000, day in 1_u32..=28) {
        let plan = plan(json!({"minimum": {"amount": 560, "prorate": "none"}, "maximum": {"amount": 1120, "prorate": "none"}}));
        let rated = Given::month("2026-02").used("calls", &used.to_string()).held(&format!("2026-02-{day:02}"), None).rate(&plan).unwrap();
        let total = Amount::sum(rated.iter().map(|line| line.amount)).unwrap().0;
        prop_assert_eq!(total, i128::from(used * 200).clamp(56_000, 112_000));
    }

    #[test]
    fn all_months_of_a_window_are_charged_the_price_of_their_sum(calls in proptest::collection::vec(0_u32..500, 3)) {
        let quarter = plan(json!({"commitment": {"amount": 1000, "every": "quarter", "overage": "1.25"}}));
        let used: Vec<String> = calls.iter().map(ToString::to_string).collect();
        let around: i128 = months(&quarter, &used.iter().map(String::as_str).collect::<Vec<_>>()).iter().map(|text| Amount::parse(text, 2).unwrap().0).sum();
        let spent = i128::from(calls.iter().sum::<u32>()) * 200;
        let expected = if spent < 100_000 { 100_000 - spent } else { ((spent - 100_000) * 25 * 2 + 100) / 200 };
        prop_assert_eq!(around, expected);
    }

    #[test]
    fn credits_pay_all_they_can_and_no_more(a in 1_u32..500, b in 1_u32..500, used in proptest::collection::vec(0_u32..400, 1..6)) {
        let credits = credits(&json!([{"title": "A", "amount": a, "from": "2026-01-01"}, {"title": "B", "amount": b, "from": "2026-01-01"}]));
        let texts: Vec<String> = used.iter().map(ToString::to_string).collect();
        let months = paid(&credits, &texts.iter().map(String::as_str).collect::<Vec<_>>());
        let drawn: i128 = months.iter().flatten().map(|(_, text)| -Amount::parse(text, 2).unwrap().0).sum();
        prop_assert_eq!(drawn, i128::from(used.iter().sum::<u32>().min(a + b)) * 100);
    }
}

/// A category that is written and the one that holds without are one: a discount over both is one line.
#[test]
fn the_standard_category_is_the_same_written_or_not() {
    let components = json!([
        {"name": "tb", "title": "Storage", "stream": "storage", "price": {"per-unit": 1}, "tax": "standard"},
        {"name": "calls", "title": "Calls", "stream": "calls", "price": {"per-unit": 2}},
        {"name": "books", "title": "Books", "stream": "calls", "price": {"per-unit": 1}, "tax": "reduced"},
    ]);
    let discounts = json!([{"title": "Off", "percent": 10}]);
    let mut plan = json!({"name": "p", "title": "P", "currency": "USD", "discounts": discounts});
    plan["components"] = json!(["tb", "calls", "books"]);
    let given = || Given::month("2026-02").used("storage", "50").used("calls", "10");
    // 10 % of 50.00 + 20.00, and of the 10.00 that are taxed otherwise.
    let off =
        |rated: &[RatedLine]| lines(&rated[3..]).iter().map(|(key, off)| (key.to_string(), off.clone())).collect();
    let found: Vec<_> = off(&given().rate(&compile(&components, &plan).unwrap()).unwrap());
    assert_eq!(found, [("p/off".to_owned(), "-7.00".to_owned()), ("p/off/reduced".to_owned(), "-1.00".to_owned())]);
    // In a plan that is taxed otherwise, what is standard is told apart by its name.
    plan["tax"] = json!("reduced");
    let components = json!([components[0], components[1], components[2]]);
    let found: Vec<_> = off(&given().rate(&compile(&components, &plan).unwrap()).unwrap());
    assert_eq!(found, [("p/off/standard".to_owned(), "-5.00".to_owned()), ("p/off".to_owned(), "-3.00".to_owned())]);
}
