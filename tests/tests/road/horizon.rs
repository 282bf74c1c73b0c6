//! The thirteen months that are corrected: what comes within them is charged, what comes after them is told, and a file
//! whose tally is gone does not count anew.

use ledger::error::LedgerError;
use ledger::file::claimed_slot;
use ledger::invoice::Outcome as Closing;
use ledger::ports::{Condition, Effect, Table, Tables, Write};
use ledger::{aggregate, names};

use crate::world::{CATALOGUE, FEBRUARY_2, World, at_once, line, used};

/// The month so many after January 2026, and the time when it is closed.
fn month(after: usize) -> (String, String) {
    let label = |after: usize| format!("{}-{:02}", 2026 + after / 12, after % 12 + 1);
    (label(after), format!("{}-02T06:00:00Z", label(after + 1)))
}

/// Closes the month so many after January 2026.
fn close(world: &World, after: usize) -> ledger::invoice::Closed {
    let (label, time) = month(after);
    world.at(&time);
    world.close(&label)
}

/// A world in which January and the months after it were closed, up to that one.
fn closed_until(last: usize) -> World {
    let world = World::new();
    world.arrive("fixed/one/a.jsonl", used(3, "4"));
    for after in 0..=last {
        assert!(matches!(close(&world, after).accounts["ann"], Closing::Issued(_, true)));
    }
    world
}

#[test]
fn what_comes_within_thirteen_months_is_charged_and_not_told() {
    let world = closed_until(12);
    world.arrive("fixed/one/late.jsonl", used(3, "6"));
    let closed = close(&world, 13);
    assert_eq!(closed.beyond, []);
    let Closing::Issued(invoice, true) = &closed.accounts["ann"] else { panic!("{:?}", closed.accounts) };
    // 6 × 0.50, beside the fee of 10.00.
    assert_eq!(line(invoice, "calls", "2026-01").amount, "3.00");
    assert_eq!(invoice.total, "13.00");
    let next = close(&world, 14);
    assert_eq!(next.beyond, [], "it was charged");
    assert_eq!(world.invoice(&month(14).0).total, "10.00");
}

#[test]
fn what_comes_later_is_on_no_invoice_and_is_told_with_every_close() {
    let world = closed_until(13);
    world.arrive("fixed/one/late.jsonl", used(3, "6") + &used(4, "1").replace("2026-01", "2027-03"));
    for after in [14, 15] {
        let closed = close(&world, after);
        let [beyond] = closed.beyond.as_slice() else { panic!("{:?}", closed.beyond) };
        assert_eq!((beyond.key.as_str(), beyond.files), ("fixed/one/late.jsonl", 1));
        let told = beyond.to_string();
        assert!(
            told.contains("fixed/one/late.jsonl: has usage from 2026-01-03") && told.contains("13 months"),
            "{told}"
        );
    }
    // What is new in it counts: 1 × 0.50 beside the fee.
    assert_eq!(world.invoice("2027-03").total, "10.50");
    assert_eq!(world.invoice("2027-04").total, "10.00");
}

#[test]
fn an_old_file_that_is_written_anew_too_late_is_told_too() {
    let world = World::new();
    world.arrive("replaced/one/a.jsonl", used(3, "4"));
    (0..=13).for_each(|after| drop(close(&world, after)));
    world.arrive("replaced/one/a.jsonl", used(3, "9"));
    // It was on time once: its slot is that of its first arrival.
    assert_eq!(close(&world, 14).beyond.len(), 1);
    assert_eq!(world.invoice("2027-03").total, "10.00");
}

#[test]
fn a_late_invoice_for_an_earlier_month_corrects_the_months_before_it_by_all_their_usage() {
    let bob = r#"
  - id: bob
    name: Bob
    address: [Lane 3]
    deployments: [{id: two, from: 2026-01-01}]
    subscriptions: [{plan: plan, from: 2026-01-01}]
"#;
    let held = "subscriptions: [{plan: plan, from: 2026-01-01}]";
    let january = "subscriptions: [{plan: plan, from: 2026-01-01, until: 2026-02-01}]";
    let text = CATALOGUE.replace(held, january);
    let mut world = World::of(&[&(text.clone() + bob.trim_start_matches('\n'))]);
    world.arrive("fixed/one/a.jsonl", used(3, "4"));
    world.arrive("fixed/one/march.jsonl", used(3, "6").replace("2026-01", "2026-03"));
    // Nothing is charged to `ann` after January, so she has no further invoice.
    for after in 0..=13 {
        assert_eq!(close(&world, after).accounts.contains_key("ann"), after == 0);
    }
    // It turns out that she had the plan in March.
    let march = "until: 2026-02-01}, {plan: plan, from: 2026-03-01, until: 2026-04-01}]";
    world.configure(&(text.replace("until: 2026-02-01}]", march) + bob.trim_start_matches('\n')));
    let closed = close(&world, 14);
    let late = &closed.late[&("2026-03".to_owned(), "ann".to_owned())];
    let Closing::Issued(invoice, true) = late else { panic!("{late:?}") };
    // The fee of 10.00 and 6 × 0.50; January's usage is still there.
    assert_eq!(invoice.total, "13.00");
}

#[test]
fn a_file_whose_tally_expired_is_counted_where_it_was() {
    let world = World::new();
    let key = "fixed/one/a.jsonl";
    world.arrive(key, used(3, "4"));
    world.at(FEBRUARY_2);
    assert_eq!(world.invoice("2026-01").total, "12.00");
    expire(&world, key);
    world.at("2026-02-20T06:00:00Z");
    world.deliver(key);
    world.refresh();
    assert_eq!(world.counted().files(), 1);
    assert_eq!(close(&world, 1).accounts.len(), 1);
    assert_eq!(world.invoice("2026-02").total, "10.00");
}

#[test]
fn a_rollup_does_not_shrink_when_tallies_expired() {
    let world = World::new();
    let keys = ["fixed/one/a.jsonl", "fixed/one/b.jsonl"];
    keys.iter().for_each(|key| drop(world.arrive(key, used(3, "4"))));
    world.at(FEBRUARY_2);
    assert_eq!(world.invoice("2026-01").total, "14.00");
    keys.iter().for_each(|key| expire(&world, key));
    world.deliver(keys[0]);
    let refused = at_once(aggregate::refresh(&world.memory)).unwrap_err();
    assert!(matches!(refused, LedgerError::Slot { .. }), "{refused}");
    assert_eq!(world.counted().files(), 2, "what was rolled up stays");
}

#[test]
fn an_export_is_replaced_also_long_after_its_tallies_expired() {
    let exports = r#"sources:
  - name: exports
    objects: "export/{deployment}/{run}.jsonl"
    format: json-lines
    delivery: replace
    replaces: {same: deployment, latest: run}
    deployment: {tag: deployment}
    time: {field: t, format: rfc3339}
    usage: [{stream: calls, quantity: n}]
"#;
    let world = World::of(&[&CATALOGUE.replace("sources:\n", exports)]);
    let keys = ["export/one/1.jsonl", "export/two/1.jsonl"];
    keys.iter().for_each(|key| drop(world.arrive(key, used(3, "4"))));
    (0..=16).for_each(|after| drop(close(&world, after)));
    keys.iter().for_each(|key| expire(&world, key));
    world.arrive("export/one/2.jsonl", used(3, "9"));
    assert_eq!(close(&world, 17).beyond.len(), 1, "it is too late, and told");
    assert_eq!(world.invoice(&month(17).0).total, "10.00");
}

/// What the table's time to live does.
fn expire(world: &World, key: &str) {
    let file = names::file_id(key);
    let slot = at_once(claimed_slot(&world.memory, &file)).unwrap().unwrap();
    let (table, key) = names::tally(&slot, &file);
    assert_eq!(table, Table::Ledger);
    at_once(world.memory.write(Write { table, key, condition: Condition::Always, effect: Effect::Delete })).unwrap();
}
