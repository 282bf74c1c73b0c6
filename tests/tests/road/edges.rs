//! Months out of order, months without end, and a catalogue that changes under counted usage:
//! nothing is charged for what was not read, and nothing is dropped without a word.

use ledger::aggregate;
use ledger::error::LedgerError;
use ledger::invoice::Outcome as Closing;
use ledger::ownership::Unowned;
use ledger::translate::Outcome;
use metering::exact::Exact;

use crate::world::{CATALOGUE, FEBRUARY_2, MARCH_2, World, at_once, counts, used};

const APRIL_2: &str = "2026-04-02T06:00:00Z";

/// Four calls in January and twenty in February: 12.00 and 20.00.
fn two_months() -> World {
    let world = World::new();
    world.arrive("fixed/one/january.jsonl", used(3, "4"));
    world.arrive("fixed/one/february.jsonl", used(3, "20").replace("2026-01", "2026-02"));
    world
}

fn failure(world: &World, month: &str) -> String {
    match world.close(month).accounts.remove("ann") {
        Some(Closing::Failed(reason)) => reason,
        other => panic!("{month} should not be priced: {other:?}"),
    }
}

#[test]
fn months_that_are_closed_out_of_order_charge_what_they_would_have_in_order() {
    let world = two_months();
    world.at(APRIL_2);
    assert_eq!(world.invoice("2026-02").total, "20.00");
    assert_eq!(world.invoice("2026-01").total, "12.00");
    assert_eq!(world.invoice("2026-03").total, "10.00");
}

#[test]
fn a_month_beyond_the_horizon_is_left_alone() {
    let world = two_months();
    let mut totals = Vec::new();
    for month in 0..17 {
        let (year, month) = (2026 + month / 12, month % 12 + 1);
        let (next_year, next) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        world.at(&format!("{next_year}-{next:02}-02T06:00:00Z"));
        totals.push(world.invoice(&format!("{year}-{month:02}")).total);
    }
    assert_eq!(&totals[..2], ["12.00", "20.00"]);
    assert!(totals[2..].iter().all(|total| total == "10.00"), "{totals:?}");
}

#[test]
fn usage_of_a_customer_without_a_plan_is_told() {
    let until = "subscriptions: [{plan: plan, from: 2026-01-01, until: 2026-02-01}]";
    let text = CATALOGUE.replace("subscriptions: [{plan: plan, from: 2026-01-01}]", until);
    let world = World::of(&[&text]);
    world.arrive("fixed/one/february.jsonl", used(3, "20").replace("2026-01", "2026-02"));
    world.at(MARCH_2);
    let [held] = world.close("2026-02").held.try_into().unwrap();
    assert_eq!((held.deployment.as_str(), held.quantity, held.reason), ("one", Exact::integer(20), Unowned::NoPlan));
}

#[test]
fn usage_of_a_stream_that_was_renamed_is_told() {
    let mut world = World::new();
    world.arrive("fixed/one/a.jsonl", used(3, "4"));
    world.configure(
        &CATALOGUE
            .replace("name: calls", "name: hits")
            .replace("stream: calls", "stream: hits")
            .replace("components: [calls]", "components: [hits]"),
    );
    world.at(FEBRUARY_2);
    let [held] = world.close("2026-01").held.try_into().unwrap();
    assert_eq!((held.stream.as_str(), held.quantity, held.reason), ("calls", Exact::integer(4), Unowned::NoStream));
}

#[test]
fn a_new_currency_leaves_the_old_months_alone_and_refuses_to_mix() {
    let mut world = two_months();
    world.at(FEBRUARY_2);
    assert_eq!(world.invoice("2026-01").total, "12.00");
    world.configure(&CATALOGUE.replace("USD", "EUR"));
    world.at(MARCH_2);
    let february = world.invoice("2026-02");
    assert_eq!((february.total.as_str(), february.currency.as_str()), ("20.00", "EUR"));
    world.arrive("fixed/one/late.jsonl", used(4, "1"));
    world.at(APRIL_2);
    let reason = failure(&world, "2026-03");
    assert!(reason.contains("2026-01 was invoiced in USD") && reason.contains("settle the difference"), "{reason}");
}

#[test]
fn a_new_billing_zone_is_refused_after_the_first_invoice() {
    let mut world = two_months();
    world.at(FEBRUARY_2);
    world.invoice("2026-01");
    world.configure(&CATALOGUE.replace("zone: UTC", "zone: Europe/Berlin"));
    world.at(MARCH_2);
    let reason = failure(&world, "2026-02");
    assert!(reason.contains("Put `zone: UTC` back"), "{reason}");
}

#[test]
fn a_level_is_charged_for_the_part_of_the_month_that_its_plan_is_held() {
    let level = CATALOGUE
        .replace("kind: delta, day: sum, month: sum", "kind: gauge, day: average, month: average")
        .replace("plans:", "plans:\n  - {name: other, title: Other, currency: USD, components: [{name: calls, price: {per-unit: 0.40}}]}")
        .replace(
            "subscriptions: [{plan: plan, from: 2026-01-01}]",
            "subscriptions: [{plan: plan, from: 2026-01-01, until: 2026-01-15}, {plan: other, from: 2026-01-15}]",
        );
    let world = World::of(&[&level]);
    world.arrive("fixed/one/a.jsonl", used(3, "10") + &used(20, "10"));
    world.at(FEBRUARY_2);
    let invoice = world.invoice("2026-01");
    // 10 × 0.50 × 14 ÷ 31 = 2.258… and 10 × 0.40 × 17 ÷ 31 = 2.193…; the fee 10.00 × 14 ÷ 31 = 4.516…
    let mut amounts: Vec<&str> = invoice.lines.iter().map(|line| line.amount.as_str()).collect();
    amounts.sort_unstable();
    assert_eq!(amounts, ["2.19", "2.26", "4.52"]);
}

#[test]
fn a_slot_that_cannot_be_added_up_is_named_and_stops_no_other() {
    let mut world = World::new();
    world.arrive("fixed/one/a.jsonl", used(3, "4"));
    world.configure(&CATALOGUE.replace("kind: delta, day: sum, month: sum", "kind: gauge, day: peak, month: peak"));
    world.arrive("fixed/one/b.jsonl", used(3, "4"));
    assert_eq!(world.arrive("replaced/one/c.jsonl", used(9, "1")), Outcome::Tallied(counts(1, 0)));
    let error = at_once(aggregate::refresh(&world.memory)).unwrap_err();
    assert!(matches!(&error, LedgerError::Slot { slot, .. } if slot.starts_with("fixed#")), "{error}");
    assert_eq!(world.counted().files(), 1, "the other slot is counted");
}
