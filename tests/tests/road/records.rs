//! Records that cannot be read: each is kept with its place and reason, counts nothing, and takes
//! nothing else with it.

use ledger::attention::Kind;
use ledger::translate::Outcome;

use crate::world::{FEBRUARY_2, World, charged, counts, used};

const KEY: &str = "fixed/one/a.jsonl";

/// A file of a good line (4 calls) and a bad one. The good one is billed: 10.00 + 4 × 0.50 = 12.00.
fn beside_a_good_line(bad: &str, reason: &str) {
    let world = World::new();
    let good = used(3, "4");
    assert_eq!(world.arrive(KEY, format!("{good}{bad}\n")), Outcome::Tallied(counts(2, 1)));
    assert_eq!(world.notice(KEY), (Kind::Rejects, "1 of 2 records were rejected; the rest counts".to_owned()));

    let [reject] = world.rejects(KEY).try_into().unwrap();
    assert_eq!(world.reject_objects(), 1);
    assert_eq!(reject["object"], KEY);
    assert_eq!(reject["etag"], world.record(KEY).etags.first().unwrap().as_str());
    assert_eq!(reject["line"], 2);
    assert_eq!(reject["offset"], good.len());
    assert_eq!(reject["text"], bad);
    assert!(reject["reason"].as_str().unwrap().contains(reason), "{reject}");

    world.at(FEBRUARY_2);
    let invoice = world.invoice("2026-01");
    assert_eq!(charged(&invoice)[&("calls", "2026-01")], "2.00");
    assert_eq!(invoice.total, "12.00");
    assert!(world.counted().counts.balance());
}

#[test]
fn a_line_with_a_missing_quantity_is_rejected_alone() {
    beside_a_good_line(r#"{"t":"2026-01-03T09:30:00Z","m":4}"#, "the quantity is missing: there is no `n`");
}

#[test]
fn not_a_number_is_rejected_alone() {
    beside_a_good_line(r#"{"t":"2026-01-03T09:30:00Z","n":NaN}"#, "NaN is no number");
}

#[test]
fn not_a_number_as_text_is_rejected_alone() {
    beside_a_good_line(r#"{"t":"2026-01-03T09:30:00Z","n":"NaN"}"#, "NaN");
}

#[test]
fn more_digits_than_the_scale_are_rejected_and_never_rounded() {
    beside_a_good_line(r#"{"t":"2026-01-03T09:30:00Z","n":1.005}"#, "1.005");
}

#[test]
fn zeros_beyond_the_scale_are_no_digits() {
    let world = World::new();
    assert_eq!(world.arrive(KEY, used(3, "1.500000")), Outcome::Tallied(counts(1, 0)));
    world.at(FEBRUARY_2);
    // 10.00 + 1.5 × 0.50 = 10.75.
    assert_eq!(world.invoice("2026-01").total, "10.75");
}

#[test]
fn a_negative_number_is_rejected_where_none_is_allowed() {
    beside_a_good_line(r#"{"t":"2026-01-03T09:30:00Z","n":-1}"#, "below zero, which stream `calls` does not allow");
}

#[test]
fn a_negative_number_counts_where_it_is_allowed() {
    let allowed = crate::world::CATALOGUE.replace("month: sum}", "month: sum, negative: allow}");
    let world = World::of(&[&allowed]);
    assert_eq!(world.arrive(KEY, used(3, "4") + &used(4, "-1")), Outcome::Tallied(counts(2, 0)));
    world.at(FEBRUARY_2);
    // 10.00 + (4 − 1) × 0.50 = 11.50.
    assert_eq!(world.invoice("2026-01").total, "11.50");
}

#[test]
fn a_line_that_is_cut_off_is_rejected_alone() {
    beside_a_good_line(r#"{"t":"2026-01-03T09:3"#, "not valid JSON");
}

#[test]
fn a_time_that_is_none_is_rejected_alone() {
    beside_a_good_line(r#"{"t":"yesterday","n":4}"#, "the time `t` is `yesterday`");
}

#[test]
fn too_many_rejects_hold_the_whole_file_back_and_keep_every_period_open() {
    let world = World::new();
    // One reject of three would be tolerated; two are not.
    let outcome = world.arrive(KEY, used(3, "4") + &used(4, "-1") + &used(5, "-2"));
    let Outcome::Quarantined(reason) = outcome else { panic!("{outcome:?}") };
    assert!(reason.starts_with("2 of 3 records were rejected, 1 are tolerated; the first, on line 2:"), "{reason}");
    assert_eq!(world.notice(KEY), (Kind::Quarantined, reason.clone()));
    assert_eq!(world.rejects(KEY).len(), 2);
    world.at(FEBRUARY_2);
    assert_eq!(
        world.waits("2026-01"),
        [format!("{KEY}: {reason}. Write it anew, mend its source, or let it not count: `farthing waive {KEY}`")]
    );
    assert!(world.cells().is_empty(), "also the good line waits");
}
