//! Usage that is put aside is the usage that was held, to the last cell, however little is held.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::future::Future;
use std::task::{Context, Poll, Waker};

use ledger::by_deployment::ByDeployment;
use ledger::memory::Memory;
use ledger::ports::{Blobs, Bucket};
use metering::stream::Kind;
use metering::tally::{Cells, SeriesKey};
use metering::time::{Instant, Quarter, Span};
use proptest::prelude::*;

fn at_once<T>(future: impl Future<Output = T>) -> T {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("the in-memory ports never wait"),
    }
}

/// Deployment, series, quarter-hour, amount.
type Event = (u8, u8, i64, i128);

fn cells(events: &[Event]) -> Cells {
    let mut cells = Cells::default();
    for (deployment, series, quarter, value) in events {
        let key = SeriesKey {
            deployment: format!("d{deployment}"),
            stream: "calls".to_owned(),
            series: format!("n{series}"),
            ..SeriesKey::default()
        };
        cells.record(&key, Kind::Delta, Quarter(*quarter).start(), *value).unwrap();
    }
    cells
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_put_aside_is_what_was_held(
        files in prop::collection::vec(prop::collection::vec((0..4_u8, 0..3_u8, 0..12_i64, 1..100_i128), 0..12), 0..8),
        most in 0..20_usize,
        (from, length) in (0..12_i64, 0..12_i64),
    ) {
        let memory = Memory::default();
        let mut usage = ByDeployment::holding(most);
        files.iter().for_each(|events| at_once(usage.add(&memory, &cells(events))).unwrap());
        let window = Span { from: Quarter(from).start(), until: Quarter(from + length).start() };
        let within = |event: &&Event| window.contains(Quarter(event.2).start());
        let all: Vec<Event> = files.iter().flatten().filter(within).copied().collect();
        prop_assert_eq!(at_once(usage.all(&memory, window)).unwrap(), cells(&all));
        for deployment in 0..4 {
            let own: Vec<Event> = all.iter().filter(|event| event.0 == deployment).copied().collect();
            let name = format!("d{deployment}");
            prop_assert_eq!(at_once(usage.of(&memory, [name.as_str()], window)).unwrap(), cells(&own));
            prop_assert!(own.is_empty() || usage.deployments(window).contains(name.as_str()));
        }
    }
}

fn put_aside(memory: &Memory) -> usize {
    at_once(memory.list(Bucket::Work, "cells/", None, 10)).unwrap().objects.len()
}

#[test]
fn more_than_is_held_lies_in_the_work_bucket() {
    let memory = Memory::default();
    let mut usage = ByDeployment::holding(2);
    at_once(usage.add(&memory, &cells(&[(1, 1, 0, 5), (2, 1, 0, 6)]))).unwrap();
    assert_eq!(put_aside(&memory), 0);
    at_once(usage.add(&memory, &cells(&[(1, 1, 9, 5)]))).unwrap();
    assert_eq!(put_aside(&memory), 1);
    let always = Span { from: Instant(i64::MIN), until: Instant(i64::MAX) };
    assert_eq!(at_once(usage.all(&memory, always)).unwrap().len(), 3);
}
