//! One suite, asked of every implementation of the ports.
//!
//! Random operations are compared with models of a few lines; races are run for their outcome.
//! Each case works under names of its own, so that one store serves all of them.

pub mod blobs;
pub mod faults;
pub mod kill;
pub mod large;
pub mod ministack;
pub mod races;
pub mod tables;
pub mod unreliable;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ledger::ports::{Bucket, Ports};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;

/// How a file comes into a bucket: written over whatever is there, as an uploader does.
pub type Upload = Box<dyn Fn(Bucket, String, Vec<u8>) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// An implementation under test.
pub struct Subject<P> {
    /// The ports.
    pub ports: Arc<P>,
    /// The uploader beside them.
    pub upload: Upload,
    /// How many random cases it is worth: a server is slower than a map.
    pub cases: u32,
    names: AtomicU64,
}

impl<P: Ports + Send + Sync + 'static> Subject<P> {
    /// A subject of so many cases.
    pub fn new(ports: Arc<P>, upload: Upload, cases: u32) -> Self {
        Self { ports, upload, cases, names: AtomicU64::new(0) }
    }

    /// A name that no other case has.
    pub fn name(&self) -> String {
        format!("case{}", self.names.fetch_add(1, Ordering::Relaxed))
    }

    /// Runs `check` on random inputs, the same on every run; a failing one is made smaller and shown.
    pub fn random<S: Strategy>(&self, inputs: &S, check: impl Fn(S::Value)) {
        let config =
            Config { cases: self.cases, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
        let rng = proptest::test_runner::TestRng::deterministic_rng(config.rng_algorithm);
        let mut runner = TestRunner::new_with_rng(config, rng);
        let checked = runner.run(inputs, |input| {
            check(input);
            Ok(())
        });
        assert!(checked.is_ok(), "{}", checked.err().map(|error| error.to_string()).unwrap_or_default());
    }
}

/// Everything that every implementation must do.
pub fn conform<P: Ports + Send + Sync + 'static>(runtime: &Runtime, subject: &Subject<P>) {
    tables::random_operations_agree_with_the_model(runtime, subject);
    blobs::random_operations_agree_with_the_model(runtime, subject);
    runtime.block_on(async {
        races::one_of_many_creators_wins_and_the_others_see_it(subject).await;
        races::every_compare_and_swap_counts_once(subject).await;
        races::no_invoice_number_is_lost_or_doubled(subject).await;
        races::one_of_many_put_once_wins(subject).await;
    });
}
