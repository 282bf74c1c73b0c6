#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::sync::Mutex;
use std::task::Waker;

use metering::time::Instant;
use proptest::prelude::*;

use super::*;
use crate::ports::{Listing, PutOnce};

/// An object that answers late, in any order, and sometimes not at all.
struct Erratic {
    bytes: Vec<u8>,
    /// How often each part is not answered before it is.
    failures: usize,
    /// Whether what fails may pass.
    retryable: bool,
    /// After so many answers the object is another.
    replaced: Option<usize>,
    /// From here on nothing is left of it.
    ends: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    seed: u64,
    under_way: usize,
    most: usize,
    largest: u64,
    answered: usize,
    asked: Vec<u64>,
}

/// Pending for some polls.
struct Later(u64);

impl Future for Later {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        self.0 = self.0.saturating_sub(1);
        if self.0 == 0 { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Erratic {
    fn new(bytes: Vec<u8>, seed: u64) -> Self {
        let state = Mutex::new(State { seed, ..State::default() });
        let ends = bytes.len();
        Self { bytes, failures: 0, retryable: true, replaced: None, ends, state }
    }

    fn begin(&self, offset: u64, length: u64) -> (u64, usize) {
        let mut state = self.state.lock().unwrap();
        state.seed = state.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.under_way += 1;
        state.most = state.most.max(state.under_way);
        state.largest = state.largest.max(length);
        state.asked.push(offset);
        let before = state.asked.iter().filter(|asked| **asked == offset).count();
        (1 + (state.seed >> 33) % 9, before)
    }
}

impl Blobs for Erratic {
    async fn head(&self, _: Bucket, _: &str) -> Result<Option<ObjectMeta>, StoreError> {
        Ok(None)
    }

    async fn read(&self, _: Bucket, key: &str, etag: &str, offset: u64, length: u64) -> Result<Read, StoreError> {
        assert_eq!((key, etag), ("k", "e"));
        let (polls, time) = self.begin(offset, length);
        Later(polls).await;
        let mut state = self.state.lock().unwrap();
        state.under_way -= 1;
        if time <= self.failures {
            let (subject, reason) = (key.to_owned(), "cut".to_owned());
            return Err(StoreError { operation: "read", subject, reason, retryable: self.retryable });
        }
        state.answered += 1;
        if self.replaced.is_some_and(|after| state.answered > after) {
            return Ok(Read::Changed);
        }
        let place = |to: u64| usize::try_from(to).unwrap().min(self.ends);
        Ok(Read::Bytes(self.bytes[place(offset)..place(offset + length)].to_vec()))
    }

    async fn put_once(&self, _: Bucket, _: &str, _: Vec<u8>, _: &'static str) -> Result<PutOnce, StoreError> {
        Ok(PutOnce::Exists)
    }

    async fn list(&self, _: Bucket, _: &str, _: Option<&str>, _: usize) -> Result<Listing, StoreError> {
        Ok(Listing::default())
    }
}

/// All bytes; `None` where the object changed.
fn read(store: &Erratic, parts: Parts) -> Result<Option<Vec<u8>>, StoreError> {
    let size = u64::try_from(store.bytes.len()).unwrap();
    let meta = ObjectMeta { key: "k".to_owned(), etag: "e".to_owned(), size, modified: Instant(0) };
    let mut ahead = Ahead::new(store, Bucket::Usage, &meta, parts);
    let mut all = Vec::new();
    let reading = async {
        loop {
            match ahead.next().await? {
                None => return Ok(None),
                Some(bytes) if bytes.is_empty() => return Ok(Some(all)),
                Some(bytes) => all.extend(bytes),
            }
        }
    };
    let mut reading = Box::pin(reading);
    for _ in 0..100_000 {
        if let Poll::Ready(read) = reading.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return read;
        }
    }
    unreachable!("it never ends")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// In order, whole, and never more under way than is allowed.
    #[test]
    fn bytes_come_in_order_however_they_arrive(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        (part, ahead, failures, seed) in (1..40_u64, 1..8_usize, 0..3_usize, any::<u64>()),
    ) {
        let store = Erratic { failures, ..Erratic::new(bytes.clone(), seed) };
        let found = read(&store, Parts { bytes: part, ahead, attempts: 3 }).unwrap();
        prop_assert_eq!(found, Some(bytes.clone()));
        let state = store.state.lock().unwrap();
        prop_assert!(state.most <= ahead, "{} under way", state.most);
        prop_assert!(state.largest <= part);
        prop_assert_eq!(state.answered, bytes.len().div_ceil(usize::try_from(part).unwrap()));
    }

    /// No byte of it is taken for the object's when it was replaced while it was read.
    #[test]
    fn an_object_that_is_replaced_is_noticed(size in 1..300_usize, after in 0..20_usize, seed in any::<u64>()) {
        let parts = Parts { bytes: 16, ahead: 4, attempts: 3 };
        let store = Erratic { replaced: Some(after), ..Erratic::new(vec![7; size], seed) };
        prop_assert_eq!(read(&store, parts).unwrap().is_none(), after < size.div_ceil(16));
    }
}

#[test]
fn a_part_is_asked_for_so_often_and_no_oftener() {
    let parts = Parts { bytes: 10, ahead: 2, attempts: 3 };
    let store = Erratic { failures: 3, ..Erratic::new(vec![1; 10], 1) };
    assert!(read(&store, parts).unwrap_err().retryable);
    assert_eq!(store.state.lock().unwrap().asked.len(), 3);
    let store = Erratic { failures: 1, retryable: false, ..Erratic::new(vec![1; 10], 1) };
    assert!(!read(&store, parts).unwrap_err().retryable);
    assert_eq!(store.state.lock().unwrap().asked.len(), 1);
}

#[test]
fn an_object_that_is_shorter_than_it_was_said_to_be_has_changed() {
    let parts = Parts { bytes: 10, ahead: 2, attempts: 3 };
    for ends in [0, 5, 10, 24] {
        let store = Erratic { ends, ..Erratic::new(vec![1; 25], 1) };
        assert_eq!(read(&store, parts).unwrap(), None, "{ends}");
    }
}
