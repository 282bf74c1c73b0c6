//! What fails: caught, told, and told again with fewer misfortunes.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use ledger::memory::Memory;
use metering::time::Instant;

use crate::dice::Dice;
use crate::mutants::Mutant;
use crate::scenario::{self, JANUARY};
use crate::world::World;

/// How many runs a shrinking may take.
const RUNS: usize = 1500;

/// The last lines of a trace that are shown.
const SHOWN: usize = 150;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// What a run said when it failed.
pub struct Failure {
    pub reason: String,
    struck: usize,
    trace: Vec<String>,
}

impl Failure {
    /// How many misfortunes there were, spared ones among them.
    pub fn struck(&self) -> usize {
        self.struck
    }

    /// What happened, where it was asked for.
    pub fn trace(&self) -> &[String] {
        &self.trace
    }
}

/// Keeps the panics that are caught here from the terminal.
pub fn quietly<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                loud(info);
            }
        }));
    });
    QUIET.set(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    QUIET.set(false);
    done.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
    })
}

fn run(seed: u64, mutant: Option<Mutant>, spared: BTreeSet<usize>, traced: bool) -> Option<Failure> {
    let dice = Dice::sparing(seed, spared);
    let memory = Memory::new(Instant(JANUARY));
    let faults = dice.below(4);
    let world = World::new(&memory, &dice, mutant, scenario::configuration(), faults, traced);
    let reason = quietly(|| world.run()).err()?;
    let trace = world.wire.trace.as_ref().map(|trace| trace.lock().unwrap().clone());
    Some(Failure { reason, struck: dice.struck(), trace: trace.unwrap_or_default() })
}

/// Runs a seed, of the protocol or of a mutant; how it failed, if it did.
pub fn fails(seed: u64, mutant: Option<Mutant>) -> Option<Failure> {
    run(seed, mutant, BTreeSet::new(), false)
}

/// The failure with as many misfortunes left out as can be found: halves first, then smaller parts.
pub fn shrunk(seed: u64, mutant: Option<Mutant>, failure: &Failure) -> (BTreeSet<usize>, Failure) {
    let mut spared = BTreeSet::new();
    let mut left: Vec<usize> = (0..failure.struck).collect();
    let (mut part, mut runs) = (left.len().div_ceil(2).max(1), 0);
    loop {
        let mut kept = Vec::new();
        for chunk in left.chunks(part) {
            runs += 1;
            let more: BTreeSet<usize> = spared.iter().chain(chunk).copied().collect();
            if runs < RUNS && run(seed, mutant, more.clone(), false).is_some() {
                spared = more;
            } else {
                kept.extend_from_slice(chunk);
            }
        }
        left = kept;
        if part == 1 || runs >= RUNS {
            let last = run(seed, mutant, spared.clone(), true);
            return (spared, last.unwrap_or_else(|| panic!("seed {seed} does not fail the same way twice")));
        }
        part = part.div_ceil(2);
    }
}

/// All that helps to understand a failing seed.
pub fn told(seed: u64, failure: &Failure) -> String {
    let (spared, least) = shrunk(seed, None, failure);
    let from = least.trace.len().saturating_sub(SHOWN);
    format!(
        "seed {seed} failed: {}\nwith {} of {} misfortunes it fails so: {}\n{}\nrun it alone with SEED={seed}",
        failure.reason,
        least.struck.saturating_sub(spared.len()),
        failure.struck,
        least.reason,
        least.trace[from..].join("\n"),
    )
}
