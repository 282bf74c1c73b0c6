//! Cut off at any await and run again, a reading comes to the same bytes; so it does whatever the pages.

use proptest::prelude::*;
use std::task::{Context, Waker};

use ledger::ports::{Blobs, Bucket, Key, Table};
use metering::time::Instant;
use salesforce::correlate::{Options, correlate};

use crate::slow::Slow;
use crate::world::{DAY, DEPLOYMENTS, FEBRUARY, HOUR, World, finish};

/// Everything that is in force: items, and the objects that they name directly or through the list of parts.
fn in_force(world: &World) -> Vec<(Table, Key, String)> {
    let items = world.memory.items().into_iter().filter(|(_, key, _)| !key.sort.starts_with("job#"));
    let mut all: Vec<_> = items.map(|(table, key, item)| (table, key, item.body)).collect();
    let listed = finish(world.memory.list(Bucket::Work, "directory/", None, 10_000)).unwrap();
    for object in listed.objects {
        let bytes = world.memory.object(Bucket::Work, &object.key).unwrap();
        all.push((Table::Billing, Key::new("object", object.key), String::from_utf8(bytes).unwrap()));
    }
    all
}

/// Three runs with changes in between: a first load, an increment with a move, a comparison with a merge.
fn step(world: &World, number: i64) {
    match number {
        0 => (1..=5).for_each(|number| world.deploy(number, &format!("dep-{number}"), 1 + number % 2)),
        1 => {
            world.at(FEBRUARY + HOUR);
            world.deploy(2, "dep-2", 3);
            world.deploy(6, "dep-6", 3);
        }
        _ => {
            world.at(FEBRUARY + DAY + HOUR);
            world.peer.change(|org, now| org.merge(3, 1, now));
            world.peer.change(|org, _| org.purge("Deployment__c", 4));
        }
    }
}

fn new() -> World {
    let world = World::new(DEPLOYMENTS);
    world.peer.set_pages(2, 2);
    world
}

#[test]
fn cut_off_at_any_await_and_run_again_a_reading_comes_to_the_same_bytes() {
    let whole = new();
    let mut expected = Vec::new();
    for number in 0..3 {
        step(&whole, number);
        whole.read();
        expected.push(in_force(&whole));
    }
    for number in 0..3_i64 {
        let mut awaits = 0;
        loop {
            let world = new();
            for earlier in 0..=number {
                step(&world, earlier);
                if earlier < number {
                    world.read();
                }
            }
            let options = Options { deadline: Instant(i64::MAX), accept: None, changed: None };
            let done = {
                let edges = world.edges();
                let slow = Slow(&world.memory);
                let run = correlate(&slow, &world.catalogue, &edges, &options);
                let mut run = std::pin::pin!(run);
                (0..=awaits).any(|_| run.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready())
            };
            world.read();
            let place = usize::try_from(number).unwrap();
            assert_eq!(in_force(&world), expected[place], "run {number} cut off at await {awaits}");
            if done {
                assert!(awaits > 50, "a run has more awaits than {awaits}");
                break;
            }
            awaits += 1;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_snapshot_is_the_same_whatever_the_pages(page in 1_usize..9, part in 1_usize..9) {
        let (one, other) = (new(), new());
        other.peer.set_pages(page, part);
        for number in 0..3 {
            step(&one, number);
            step(&other, number);
            one.read();
            other.read();
        }
        let (one, other) = (one.directory(), other.directory());
        prop_assert_eq!(one.version(), other.version());
    }
}
