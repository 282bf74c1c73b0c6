//! A mapping is changed: what waits, and what has rejects, is read by the new one; nothing else is touched.

use ledger::attention::Kind;
use ledger::redrive;
use ledger::translate::Outcome;

use crate::world::{CATALOGUE, FEBRUARY_2, World, at_once, charged, counts, used};

/// The same source, which also knows the quantity under another name.
const WIDER: (&str, &str) = ("quantity: n}]\n  - name: replaced", "quantity: n ?? m}]\n  - name: replaced");

fn other(day: u8, m: &str) -> String {
    used(day, m).replace("\"n\"", "\"m\"")
}

fn affected(world: &World) -> Vec<(String, Kind)> {
    let found = at_once(redrive::affected(&world.memory, world.catalogue())).unwrap();
    found.into_iter().map(|notice| (notice.key, notice.kind)).collect()
}

/// Done twice; the second time nothing changes.
fn redriven(world: &World, key: &str) -> Outcome {
    let (first, again) = world.twice(|| at_once(redrive::redrive(&world.memory, world.catalogue(), key)).unwrap());
    match &first {
        Outcome::Tallied(_) => assert_eq!(again, Outcome::Repeated),
        _ => assert_eq!(again, first),
    }
    first
}

/// Of `fixed` a sound file, one with a reject and one in quarantine; of `replaced` one with a reject.
fn world() -> World {
    let world = World::new();
    assert_eq!(world.arrive("fixed/one/sound.jsonl", used(3, "1")), Outcome::Tallied(counts(1, 0)));
    let some = format!("{}{}", used(3, "2"), other(4, "4"));
    assert_eq!(world.arrive("fixed/one/some.jsonl", some.clone()), Outcome::Tallied(counts(2, 1)));
    assert!(matches!(world.arrive("fixed/one/none.jsonl", other(5, "8")), Outcome::Quarantined(_)));
    assert_eq!(world.arrive("replaced/one/some.jsonl", some), Outcome::Tallied(counts(2, 1)));
    world
}

#[test]
fn what_a_new_mapping_may_mend_is_read_again_and_nothing_else() {
    let mut world = world();
    assert_eq!(affected(&world), [], "the mapping is the one that read them");

    world.configure(&CATALOGUE.replace(WIDER.0, WIDER.1));
    let expected = [("fixed/one/none.jsonl", Kind::Quarantined), ("fixed/one/some.jsonl", Kind::Rejects)];
    assert_eq!(affected(&world), expected.map(|(key, kind)| (key.to_owned(), kind)));
    let (sound, elsewhere) = (world.record("fixed/one/sound.jsonl"), world.record("replaced/one/some.jsonl"));

    assert_eq!(redriven(&world, "fixed/one/none.jsonl"), Outcome::Tallied(counts(1, 0)));
    assert_eq!(redriven(&world, "fixed/one/some.jsonl"), Outcome::Tallied(counts(2, 0)));
    assert_eq!(redriven(&world, "fixed/one/sound.jsonl"), Outcome::Repeated);
    assert_eq!(affected(&world), []);
    assert_eq!(world.record("fixed/one/sound.jsonl"), sound);
    assert_eq!(world.record("replaced/one/some.jsonl"), elsewhere);
    assert_eq!(world.notice("replaced/one/some.jsonl").0, Kind::Rejects);

    world.at(FEBRUARY_2);
    let invoice = world.invoice("2026-01");
    // 1 + (2 + 4) + 8, and 2 of the other source: 17 calls at 0.50 each, and the fee.
    assert_eq!(charged(&invoice)[&("calls", "2026-01")], "8.50");
    assert_eq!(invoice.total, "18.50");
    assert!(world.counted().counts.balance());
}

#[test]
fn a_file_that_counts_stays_where_the_new_mapping_would_hold_it_back() {
    let mut world = world();
    world.configure(&CATALOGUE.replace(WIDER.0, "quantity: k}]\n  - name: replaced"));
    let before = world.record("fixed/one/some.jsonl");
    assert!(matches!(redriven(&world, "fixed/one/some.jsonl"), Outcome::Quarantined(_)));
    assert_eq!(world.record("fixed/one/some.jsonl").counts, before.counts);
    assert_eq!(world.record("fixed/one/some.jsonl").mapping, before.mapping);
}

#[test]
fn a_file_that_was_written_anew_meanwhile_goes_the_usual_way() {
    let mut world = world();
    world.configure(&CATALOGUE.replace(WIDER.0, WIDER.1));
    world.memory.upload(ledger::ports::Bucket::Usage, "fixed/one/some.jsonl", used(6, "9").into_bytes());
    assert_eq!(redriven(&world, "fixed/one/some.jsonl"), Outcome::Conflict);
}

#[test]
fn a_file_that_no_source_read_is_read_once_one_does() {
    let mut world = World::new();
    assert!(matches!(world.arrive("new/one/a.jsonl", used(3, "5")), Outcome::Unclaimed(_)));
    assert_eq!(affected(&world), []);
    world.configure(&CATALOGUE.replace("fixed/{deployment}", "new/{deployment}"));
    assert_eq!(affected(&world), [("new/one/a.jsonl".to_owned(), Kind::NoSource)]);
    assert_eq!(redriven(&world, "new/one/a.jsonl"), Outcome::Tallied(counts(1, 0)));
}
