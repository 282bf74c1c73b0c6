//! A range of time is read again by another mapping, and again by the first: what was issued stays, the difference comes
//! out with the next invoice.

use invoicing::LineKind;
use ledger::error::LedgerError;
use ledger::gaps::{Cadence, Expected, gaps};
use ledger::restate::restate;

use crate::world::{CATALOGUE, FEBRUARY_2, MARCH_2, World, at_once, instant, line, used};

const APRIL_2: &str = "2026-04-02T06:00:00Z";

fn twice() -> String {
    CATALOGUE.replace(
        "usage: [{stream: calls, quantity: n}]\n  - name",
        "usage: [{stream: calls, quantity: n * 2}]\n  - name",
    )
}

fn said(world: &World, from: &str, until: &str) {
    let range = (instant(from), instant(until));
    world.twice(|| at_once(restate(&world.memory, world.catalogue(), "fixed", range)).unwrap());
}

#[test]
fn a_range_is_read_again_and_the_difference_is_trued_up_and_back() {
    let mut world = World::new();
    world.arrive("fixed/one/early.jsonl", used(3, "4"));
    world.at("2026-01-20T12:00:00Z");
    world.arrive("fixed/one/later.jsonl", used(3, "100"));
    world.refresh();
    world.at(FEBRUARY_2);
    world.sweep();
    // 10.00 + 104 × 0.50.
    let january = world.invoice("2026-01");
    assert_eq!(january.total, "62.00");

    // A new mapping alone changes nothing that was read before.
    world.configure(&twice());
    assert_eq!(world.sweep(), [""; 0]);
    said(&world, "2026-01-15T00:00:00Z", "2026-01-16T00:00:00Z");
    world.at(MARCH_2);
    let reasons = world.waits("2026-02");
    assert!(reasons[0].contains("1 files of the bucket are not counted yet"), "{reasons:?}");
    assert_eq!(world.sweep(), ["fixed/one/early.jsonl"]);
    assert_eq!(world.sweep(), [""; 0]);
    let february = world.invoice("2026-02");
    let correction = line(&february, "calls", "2026-01");
    // 4 more calls at 0.50.
    assert_eq!((correction.kind, correction.amount.as_str()), (LineKind::TrueUp, "2.00"));
    assert_eq!(world.invoice("2026-01"), january);

    // Back again: what was said stands until it is said anew.
    world.configure(CATALOGUE);
    world.at(APRIL_2);
    assert_eq!(world.sweep(), [""; 0]);
    said(&world, "2026-01-15T00:00:00Z", "2026-01-16T00:00:00Z");
    assert_eq!(world.sweep(), ["fixed/one/early.jsonl"]);
    assert_eq!(line(&world.invoice("2026-03"), "calls", "2026-01").amount, "-2.00");
}

#[test]
fn a_restatement_by_a_mapping_that_is_gone_keeps_every_period_open() {
    let mut world = World::new();
    world.arrive("fixed/one/early.jsonl", used(3, "4"));
    world.configure(&twice());
    said(&world, "2026-01-15T00:00:00Z", "2026-01-16T00:00:00Z");
    world.configure(&CATALOGUE.replace("format: json-lines", "format: json-lines\n    reject-limit: 0"));
    world.at(FEBRUARY_2);
    let reasons = world.waits("2026-01");
    assert!(reasons[0].contains("early.jsonl") && reasons[0].contains("restate the range once more"), "{reasons:?}");
    assert_eq!(world.sweep(), [""; 0]);
    said(&world, "2026-01-15T00:00:00Z", "2026-01-16T00:00:00Z");
    assert_eq!(world.sweep(), ["fixed/one/early.jsonl"]);
    assert_eq!(world.invoice("2026-01").total, "12.00");
}

#[test]
fn a_restatement_of_nothing_is_refused() {
    let world = World::new();
    let refused = |source: &str, from: &str, until: &str| {
        let error = at_once(restate(&world.memory, world.catalogue(), source, (instant(from), instant(until))));
        let Err(LedgerError::Billing { reason, .. }) = error else { panic!("{error:?}") };
        reason
    };
    let (first, second) = ("2026-01-15T00:00:00Z", "2026-01-16T00:00:00Z");
    assert!(refused("other", first, second).contains("fixed, replaced"));
    assert!(refused("fixed", second, first).contains("ends after it begins"));
    assert!(refused("fixed", "2026-01-15T00:30:00Z", second).contains("begins and ends with an hour"));
}

#[test]
fn a_deployment_that_falls_silent_is_named() {
    let world = World::new();
    for hour in 0..8 {
        world.at(&format!("2026-01-15T{hour:02}:10:00Z"));
        world.arrive(&format!("fixed/one/{hour}.jsonl"), used(3, "1"));
        if hour < 5 {
            world.arrive(&format!("fixed/two/{hour}.jsonl"), used(3, "1"));
        }
    }
    world.refresh();
    let silent = |now: &str| -> Vec<(String, i64, i64)> {
        let gaps = at_once(gaps(&world.memory, &Expected::default(), instant(now))).unwrap();
        gaps.into_iter().map(|gap| (gap.deployment, gap.usual, gap.silent)).collect()
    };
    assert_eq!(silent("2026-01-15T06:30:00Z"), []);
    assert_eq!(silent("2026-01-15T08:00:00Z"), [("two".to_owned(), 1, 4)]);
    assert_eq!(silent("2026-01-15T10:00:00Z").len(), 2);
}

#[test]
fn a_declared_cadence_names_who_is_silent_from_the_second_file_that_does_not_come() {
    let mut world = World::new();
    let declared = CATALOGUE.replace("format: json-lines\n", "format: json-lines\n    expect: daily\n");
    let mapping = world.catalogue().sources["fixed"].hash().to_owned();
    world.configure(&declared);
    assert_eq!(world.catalogue().sources["fixed"].hash(), mapping, "it says nothing of how files are read");
    world.at("2026-01-15T06:10:00Z");
    world.arrive("fixed/one/a.jsonl", used(3, "1"));
    world.refresh();
    at_once(ledger::correlate::publish(&world.memory, world.catalogue())).unwrap();
    let silent = |now: &str| -> Vec<(String, String, i64, Cadence)> {
        let gaps = at_once(gaps(&world.memory, &Expected::of(world.catalogue()), instant(now))).unwrap();
        gaps.into_iter().map(|gap| (gap.deployment, gap.source, gap.silent, gap.cadence)).collect()
    };
    let one = |hours| vec![("one".to_owned(), "fixed".to_owned(), hours, Cadence::Declared)];
    assert_eq!(silent("2026-01-17T06:30:00Z"), []);
    assert_eq!(silent("2026-01-17T07:00:00Z"), one(49));
    // Also when it has been silent for longer than is learnt from, while somebody owns it.
    assert_eq!(silent("2026-04-15T06:00:00Z"), one(90 * 24));
}

#[test]
fn a_deployment_that_never_sent_a_file_is_named_where_files_are_expected() {
    let text = CATALOGUE.replace("format: json-lines\n", "format: json-lines\n    expect: hourly\n");
    let world = World::of(&[&text]);
    at_once(ledger::correlate::publish(&world.memory, world.catalogue())).unwrap();
    let silent = |world: &World, now: &str| -> Vec<(String, i64, Cadence)> {
        let gaps = at_once(gaps(&world.memory, &Expected::of(world.catalogue()), instant(now))).unwrap();
        gaps.into_iter().map(|gap| (gap.deployment, gap.silent, gap.cadence)).collect()
    };
    // It is owned from the first of January on.
    assert_eq!(silent(&world, "2026-01-01T02:00:00Z"), []);
    assert_eq!(silent(&world, "2026-01-01T03:00:00Z"), [("one".to_owned(), 3, Cadence::Never)]);
    let undeclared = World::new();
    at_once(ledger::correlate::publish(&undeclared.memory, undeclared.catalogue())).unwrap();
    assert_eq!(silent(&undeclared, "2026-01-01T03:00:00Z"), []);
}
