//! Hours of the listing that are checked are not compared again, and nothing is missed for that.

use farthing_tests::counting::Counting;
use ledger::counted::{Audit, sweep};
use ledger::ports::Bucket;
use metering::time::Instant;

use crate::world::{CATALOGUE, FEBRUARY_2, World, at_once, used};

/// One hour, two files; rolled up and swept once the hour is over.
fn checked() -> World {
    let world = World::new();
    for key in ["fixed/one/a.jsonl", "fixed/one/b.jsonl"] {
        world.arrive(key, used(3, "4"));
    }
    world.refresh();
    world.at("2026-01-15T14:00:00Z");
    assert_eq!(swept(&world).compared, 2);
    world
}

fn swept(world: &World) -> Audit {
    at_once(sweep(&world.memory, world.catalogue(), Instant(i64::MAX))).unwrap()
}

/// Writes an object without an event, with a time of the past.
fn late(world: &World, key: &str, time: &str) {
    world.at(time);
    world.memory.upload(Bucket::Usage, key, used(4, "1").into_bytes());
    world.at("2026-01-15T15:00:00Z");
}

#[test]
fn a_checked_hour_is_not_compared_again() {
    let world = checked();
    let audit = swept(&world);
    assert_eq!((audit.objects, audit.compared, audit.missing), (2, 0, vec![]));
}

#[test]
fn a_sweep_of_checked_hours_reads_no_rollup() {
    let ports = Counting::new(checked().memory);
    at_once(sweep(&ports, World::new().catalogue(), Instant(i64::MAX))).unwrap();
    let spent = ports.take();
    assert_eq!((spent.lists, spent.gets, spent.puts, spent.write_units), (1, 0, 0, 0));
}

#[test]
fn an_hour_that_is_not_over_is_compared_again() {
    let world = World::new();
    world.arrive("fixed/one/a.jsonl", used(3, "4"));
    world.refresh();
    assert_eq!((swept(&world).compared, swept(&world).compared), (1, 1));
}

#[test]
fn a_new_object_is_compared_alone() {
    let world = checked();
    late(&world, "fixed/one/new.jsonl", "2026-01-15T14:30:00Z");
    let audit = swept(&world);
    assert_eq!((audit.objects, audit.compared, audit.missing), (3, 1, vec!["fixed/one/new.jsonl".to_owned()]));
}

#[test]
fn an_object_that_comes_late_with_the_time_of_a_checked_hour_is_found() {
    let world = checked();
    late(&world, "fixed/one/late.jsonl", "2026-01-15T12:59:00Z");
    assert_eq!(world.sweep(), ["fixed/one/late.jsonl"]);
    assert_eq!(world.counted().files(), 3);
    // The hour is checked anew, then sealed with what it holds now.
    assert_eq!((swept(&world).compared, swept(&world).compared), (3, 0));
}

#[test]
fn an_object_that_is_written_over_one_of_a_checked_hour_is_found() {
    let world = World::new();
    world.arrive("replaced/one/a.jsonl", used(3, "4"));
    world.arrive("fixed/one/b.jsonl", used(3, "4"));
    world.refresh();
    world.at("2026-01-15T14:00:00Z");
    assert_eq!((swept(&world).compared, swept(&world).compared), (2, 0));
    late(&world, "replaced/one/a.jsonl", "2026-01-15T14:30:00Z");
    assert_eq!(world.sweep(), ["replaced/one/a.jsonl"]);
    assert_eq!((swept(&world).compared, swept(&world).compared), (1, 0));
}

#[test]
fn a_source_that_is_added_reads_what_lies_in_checked_hours() {
    let mut world = checked();
    let key = "more/one/a.jsonl";
    late(&world, key, "2026-01-15T12:30:00Z");
    assert_eq!(world.sweep(), [key]);
    assert_eq!((world.notices().len(), swept(&world).compared, swept(&world).compared), (1, 3, 0));
    let more = "  - name: more
    objects: 'more/{deployment}/{name}.jsonl'
    format: json-lines
    deployment: {tag: deployment}
    time: {field: t, format: rfc3339}
    usage: [{stream: calls, quantity: n}]
components:
";
    world.configure(&CATALOGUE.replace("components:\n", more));
    assert_eq!(world.sweep().iter().filter(|asked| *asked == key).count(), 1);
    assert_eq!(world.record(key).counts.records, 1);
}

#[test]
fn a_file_in_quarantine_keeps_its_hour_open() {
    let world = checked();
    late(&world, "fixed/one/c.jsonl.gz", "2026-01-15T12:30:00Z");
    world.memory.upload(Bucket::Usage, "fixed/one/c.jsonl.gz", vec![0x1f, 0x8b, 8]);
    world.at("2026-01-15T17:00:00Z");
    world.sweep();
    for _ in 0..2 {
        assert_eq!(swept(&world).held.len(), 1);
    }
    world.at(FEBRUARY_2);
    assert!(world.waits("2026-01").iter().any(|reason| reason.contains("c.jsonl.gz")));
}

#[test]
fn the_same_bytes_once_more_with_a_time_of_the_checked_hour_are_found() {
    let world = checked();
    let key = "fixed/one/a.jsonl";
    world.at("2026-01-15T12:30:00Z");
    world.memory.upload(Bucket::Usage, key, used(3, "4").into_bytes());
    world.at("2026-01-15T15:00:00Z");
    // Where the time of arrival decides which file counts, the bytes alone do not say it.
    assert_eq!(swept(&world).compared, 2);
}
