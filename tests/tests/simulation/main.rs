//! Exactly once, from any seed: events repeated, reordered and lost, every task cut off at its
//! awaits, operations that fail before, after or long after they were given up, files that come
//! late or are replaced, owners that change, months closed too early, at once and out of order.
//! The invoices are those of the naive biller.
//!
//! `SEEDS=100000` runs more; `SEED=17` runs one. A failure tells its seed, its trace and the fewest
//! misfortunes that still bring it about.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
#![expect(clippy::print_stderr, reason = "tests tell what they did")]
#![expect(clippy::disallowed_methods, reason = "how many seeds to run is asked of the environment")]

mod checks;
mod crashes;
mod dice;
mod executor;
mod failing;
mod faults;
mod hand;
mod mutants;
mod oracle;
mod proof;
mod scenario;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};

/// Without `SEEDS`: as many as fit a minute of a busy machine.
const SEEDS: u64 = 200;

fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[test]
fn any_seed_gives_the_invoices_of_the_naive_biller() {
    let (first, last) = match asked("SEED") {
        Some(seed) => (seed, seed),
        None => (1, asked("SEEDS").unwrap_or(SEEDS)),
    };
    let next = AtomicU64::new(first);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed > last {
                return;
            }
            if seed.is_multiple_of(1000) {
                eprintln!("{seed} of {last} seeds");
            }
            if let Some(failure) = failing::fails(seed, None) {
                eprintln!("{}", failing::told(seed, &failure));
                std::process::exit(101);
            }
        }
    };
    std::thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(work))));
}
