//! An account that has no next invoice: what changes of its past is charged or given back by an invoice of corrections
//! alone.

use invoicing::LineKind;
use ledger::verify::verify;

use crate::world::{CATALOGUE, FEBRUARY_2, MARCH_2, World, at_once, line, used};

const APRIL_2: &str = "2026-04-02T06:00:00Z";
const MAY_2: &str = "2026-05-02T06:00:00Z";

fn left() -> String {
    CATALOGUE.replace("{plan: plan, from: 2026-01-01}", "{plan: plan, from: 2026-01-01, until: 2026-02-01}")
}

/// January is invoiced, and `ann` has left.
fn departed() -> World {
    let mut world = World::new();
    world.arrive("replaced/one/a.jsonl", used(3, "4"));
    world.at(FEBRUARY_2);
    assert_eq!(world.invoice("2026-01").total, "12.00");
    world.configure(&left());
    world
}

fn has_none(world: &World, month: &str) {
    assert!(!world.close(month).accounts.contains_key("ann"), "there is nothing to say for {month}");
}

#[test]
fn late_usage_is_charged_by_an_invoice_of_corrections_alone() {
    let world = departed();
    world.at("2026-02-20T00:00:00Z");
    world.arrive("fixed/one/late.jsonl", used(30, "6"));
    world.at(MARCH_2);
    let adjustment = world.invoice("2026-02");
    assert_eq!((adjustment.number.as_deref(), adjustment.total.as_str()), (Some("R-000002"), "3.00"));
    assert_eq!(adjustment.plan, "Corrections of earlier months");
    let [only] = adjustment.lines.as_slice() else { panic!("{:?}", adjustment.lines) };
    assert_eq!((only.kind, only.period.as_str(), only.amount.as_str()), (LineKind::TrueUp, "2026-01", "3.00"));
    assert!(at_once(verify(&world.memory, "R-000002")).unwrap().holds());
    // What was corrected is corrected once.
    for (now, month) in [(APRIL_2, "2026-03"), (MAY_2, "2026-04")] {
        world.at(now);
        has_none(&world, month);
    }
}

#[test]
fn a_correction_downwards_is_given_back() {
    let world = departed();
    world.at("2026-02-20T00:00:00Z");
    world.arrive("replaced/one/a.jsonl", used(3, "1"));
    world.at(MARCH_2);
    let adjustment = world.invoice("2026-02");
    assert_eq!((adjustment.number.as_deref(), adjustment.total.as_str()), (Some("R-000002"), "-1.50"));
    assert_eq!(line(&adjustment, "calls", "2026-01").kind, LineKind::TrueUp);
}

#[test]
fn who_has_left_and_owes_what_was_charged_gets_nothing() {
    let world = departed();
    // A file that counts nothing, and the same content once more.
    world.arrive("fixed/one/none.jsonl", used(30, "0"));
    world.arrive("replaced/one/a.jsonl", used(3, "4"));
    for (now, month) in [(MARCH_2, "2026-02"), (APRIL_2, "2026-03")] {
        world.at(now);
        has_none(&world, month);
    }
    // Usage after the end is nobody's, and said.
    world.arrive("fixed/one/after.jsonl", used(3, "9").replace("2026-01", "2026-03"));
    let closed = world.close("2026-03");
    assert!(!closed.accounts.contains_key("ann"));
    assert_eq!(closed.held.len(), 1);
}

#[test]
fn a_correction_waits_until_the_month_is_over_and_all_is_counted() {
    let world = departed();
    world.arrive("fixed/one/late.jsonl", used(30, "6"));
    world.at("2026-02-20T00:00:00Z");
    has_none(&world, "2026-02");
    world.arrive("fixed/one/broken.jsonl", b"{".to_vec());
    world.at(MARCH_2);
    has_none(&world, "2026-02");
    world.arrive("fixed/one/broken.jsonl", used(30, "1"));
    assert_eq!(world.invoice("2026-02").total, "3.50");
}

#[test]
fn who_comes_back_has_the_difference_on_the_next_invoice() {
    let mut world = departed();
    world.arrive("fixed/one/late.jsonl", used(30, "6"));
    world.at(MARCH_2);
    assert_eq!(world.invoice("2026-02").total, "3.00");
    let back = "{plan: plan, from: 2026-01-01, until: 2026-02-01}, {plan: plan, from: 2026-03-01}";
    world.configure(&CATALOGUE.replace("{plan: plan, from: 2026-01-01}", back));
    world.arrive("fixed/one/later.jsonl", used(31, "2"));
    world.at(APRIL_2);
    let march = world.invoice("2026-03");
    // The fee, and 2 × 0.50 of January.
    assert_eq!((march.total.as_str(), line(&march, "calls", "2026-01").amount.as_str()), ("11.00", "1.00"));
}
