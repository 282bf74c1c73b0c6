//! What holds for all plans and quantities, and a naive rater that has to agree.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use std::collections::BTreeMap;

use metering::exact::Exact;
use pricing::{Amount, Plan, StreamUsage};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{Given, compile, day, measurement, plan_of};

/// A random plan as plain integers, which the naive rater understands without the crate.
#[derive(Clone, Debug)]
struct Model {
    fees: Vec<i128>,            // minor units
    units: Vec<Unit>,           // one component each, all on the same stream
    tiers: Vec<(String, i128)>, // values of the attribute and their minor units
}

#[derive(Clone, Debug)]
struct Unit {
    price: i128,    // × 10^-4
    size: i128,     // whole units
    included: i128, // whole units
}

fn decimal(mantissa: i128, scale: u32) -> String {
    metering::exact::decimal_text(mantissa, scale)
}

impl Model {
    fn plan(&self) -> Plan {
        let mut components: Vec<Value> = self.units.iter().enumerate().map(|(i, unit)| unit.component(i)).collect();
        let amounts: BTreeMap<_, _> = self.tiers.iter().map(|(tier, amount)| (tier, decimal(*amount, 2))).collect();
        components
            .push(json!({"name": "tier", "title": "Tier", "price": {"by-attribute": "tier", "amounts": amounts}}));
        let names: Vec<_> = components.iter().map(|component| component["name"].clone()).collect();
        let fee = |(i, amount): (usize, &i128)| json!({"title": format!("Fee {i}"), "amount": decimal(*amount, 2)});
        let fees: Vec<_> = self.fees.iter().enumerate().map(fee).collect();
        let plan = json!({"name": "p", "title": "P", "currency": "EUR", "recurring": fees, "components": names});
        compile(&Value::from(components), &plan).unwrap()
    }

    /// Minor units, line by line: integers only, one division each.
    fn naive(&self, micros: i128, tier: &str, days: i128, of: i128) -> Vec<i128> {
        let part = |amount: i128| half_away(amount * days, of);
        let mut lines: Vec<i128> = self.fees.iter().map(|fee| part(*fee)).collect();
        for unit in &self.units {
            let charged = (micros - unit.included * 1_000_000).max(0);
            // Storage is a level: held for some days, it costs those days.
            lines.push(half_away(charged * unit.price * days, 100_000_000 * unit.size * of));
        }
        let (_, amount) = self.tiers.iter().find(|(name, _)| name == tier).unwrap();
        lines.push(part(*amount));
        lines
    }
}

impl Unit {
    fn component(&self, index: usize) -> Value {
        let price = json!({"per-unit": decimal(self.price, 4), "unit-size": self.size.to_string(),
            "included": self.included.to_string()});
        json!({"name": format!("unit-{index}"), "title": "Unit", "stream": "storage", "price": price})
    }
}

/// Schoolbook: add half of the divisor, cut.
fn half_away(numerator: i128, divisor: i128) -> i128 {
    (2 * numerator + divisor) / (2 * divisor)
}

prop_compose! {
    fn unit()(price in 0_i128..5_000_000, size in prop_oneof![Just(1), 1_i128..5000], included in 0_i128..2000) -> Unit {
        Unit { price, size, included }
    }
}

prop_compose! {
    fn model()(fees in vec(0_i128..1_000_000, 0..4), units in vec(unit(), 0..5), tiers in vec(0_i128..100_000, 1..4)) -> Model {
        let tiers = tiers.into_iter().enumerate().map(|(i, amount)| (format!("tier-{i}"), amount)).collect();
        Model { fees, units, tiers }
    }
}

fn minor(given: &Given, plan: &Plan) -> Vec<i128> {
    given.rate(plan).unwrap().iter().map(|line| line.amount.0).collect()
}

proptest! {
    #[test]
    fn a_naive_rater_agrees(model in model(), micros in 0_i128..5_000_000_000, first in 1_i128..=28) {
        let given = Given::month("2026-02").used("storage", &decimal(micros, 6)).attribute("tier", "tier-0")
            .held(&format!("2026-02-{first:02}"), None);
        prop_assert_eq!(minor(&given, &model.plan()), model.naive(micros, "tier-0", 29 - first, 28));
    }

    #[test]
    fn more_usage_never_costs_less(unit in unit(), a in 0_i128..5_000_000_000, more in 0_i128..5_000_000_000) {
        let plan = plan_of(json!([unit.component(0)]));
        let of = |micros: i128| minor(&Given::month("2026-02").used("storage", &decimal(micros, 6)), &plan)[0];
        prop_assert!(of(a) <= of(a + more));
    }

    #[test]
    fn parts_of_a_month_add_up_but_for_a_cent_each(amount in 0_i128..10_000_000, cuts in proptest::collection::btree_set(2_u32..=31, 0..5)) {
        let plan = json!({"name": "p", "title": "P", "currency": "EUR", "recurring": [{"title": "Fee", "amount": decimal(amount, 2)}]});
        let plan = compile(&json!([]), &plan).unwrap();
        let mut edges: Vec<String> = cuts.iter().map(|cut| format!("2026-01-{cut:02}")).collect();
        edges.insert(0, "2026-01-01".to_owned());
        edges.push("2026-02-01".to_owned());
        let lines: Vec<_> = edges.windows(2).map(|edge| Given::month("2026-01").held(&edge[0], Some(&edge[1])).rate(&plan).unwrap().remove(0)).collect();
        // Before rounding they add up exactly; each line's rounding moves it by half a cent at most.
        let raw = Exact::sum(lines.iter().map(|line| line.steps[0].amount.as_ref().unwrap())).unwrap();
        prop_assert_eq!(raw, Exact::decimal(amount, 2).unwrap());
        let total: i128 = lines.iter().map(|line| line.amount.0).sum();
        prop_assert!((total - amount).unsigned_abs() <= u128::try_from(lines.len()).unwrap().div_ceil(2));
    }

    #[test]
    fn parts_of_a_quantity_add_up_exactly_before_rounding(price in 0_i128..5_000_000, parts in vec(0_i128..1_000_000_000, 1..8)) {
        let plan = plan_of(json!([Unit { price, size: 1000, included: 0 }.component(0)]));
        let raw = |micros: i128| {
            let line = Given::month("2026-02").used("storage", &decimal(micros, 6)).rate(&plan).unwrap().remove(0);
            line.steps[1].amount.unwrap()
        };
        let sum = Exact::sum(&parts.iter().map(|part| raw(*part)).collect::<Vec<_>>()).unwrap();
        prop_assert_eq!(sum, raw(parts.iter().sum()));
    }

    #[test]
    fn the_order_in_which_usage_is_given_does_not_matter(mut sites in vec(("[a-d]{1,3}", 0_i128..1_000_000_000), 1..8), seed: u64) {
        sites.sort();
        sites.dedup_by(|a, b| a.0 == b.0);
        let plan = plan_of(json!([
            {"name": "s", "title": "S", "stream": "storage", "price": {"per-unit": "0.125", "per": "deployment"}}]));
        let given = |sites: &[(String, i128)]| {
            let deployments = sites.iter().map(|(site, micros)| (site.clone(), measurement(Exact::decimal(*micros, 6).unwrap())));
            let usage = StreamUsage { total: measurement(Exact::ZERO), deployments: deployments.collect() };
            let mut given = Given::month("2026-02");
            given.usage.insert("storage".to_owned(), usage);
            given.rate(&plan).unwrap()
        };
        let ordered = given(&sites);
        sites.sort_by_key(|(site, _)| site.bytes().fold(seed, |hash, byte| hash.rotate_left(9) ^ u64::from(byte).wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        prop_assert_eq!(given(&sites), ordered);
    }

    #[test]
    fn rounding_is_the_same_on_both_sides_of_zero(micros in 0_i128..5_000_000_000, price in 0_i128..50_000) {
        let plan = plan_of(json!([Unit { price, size: 7, included: 0 }.component(0)]));
        let of = |micros: i128| Amount(minor(&Given::month("2026-02").used("storage", &decimal(micros, 6)), &plan)[0]);
        prop_assert_eq!(of(-micros), of(micros).neg().unwrap());
    }
}

#[test]
fn days_of_a_term_are_half_open() {
    // The day on which one term ends and the next begins is charged once.
    let plan = json!({"name": "p", "title": "P", "currency": "EUR", "recurring": [{"title": "Fee", "amount": 31}]});
    let plan = compile(&json!([]), &plan).unwrap();
    let before = minor(&Given::month("2026-01").held("2025-06-01", Some("2026-01-12")), &plan);
    let after = minor(&Given::month("2026-01").held("2026-01-12", None), &plan);
    assert_eq!((before, after), (vec![1100], vec![2000]));
    assert_eq!(day("2026-01-12"), Given::month("2026-01").held("2026-01-12", None).term.from);
}
