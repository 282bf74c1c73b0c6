//! A crash at every await of a run, one by one, and at every two of a small one: what the dice may
//! miss, this does not.

use std::task::{Context, Poll, Waker};

use ledger::memory::Memory;
use ledger::ports::Bucket;
use metering::time::Instant;

use crate::checks::{charged, files, invoices};
use crate::dice::Dice;
use crate::executor::Running;
use crate::failing::quietly;
use crate::mutants::Mutant;
use crate::oracle;
use crate::scenario::{self, FEBRUARY, HOUR, JANUARY, MARCH};
use crate::world::World;

/// What happens in order.
#[derive(Clone, Copy)]
enum Step {
    /// An object is written with so many calls in January.
    Upload(&'static str, u32),
    /// The clock moves on.
    Now(i64),
    Translate(&'static str),
    Refresh,
    Correlate,
    Close(&'static str),
    /// `ann` has left by the end of January.
    Leave,
}

const FIRST: &str = "replaced/one/a.jsonl";
const SECOND: &str = "fixed/two/b.jsonl";

/// Two files, one of them twice and then replaced; January; the file again; February.
const MONTHS: &[Step] = &[
    Step::Upload(FIRST, 11),
    Step::Upload(SECOND, 7),
    Step::Translate(FIRST),
    Step::Translate(SECOND),
    Step::Translate(FIRST),
    Step::Refresh,
    Step::Upload(FIRST, 12),
    Step::Translate(FIRST),
    Step::Correlate,
    Step::Refresh,
    Step::Now(FEBRUARY + 30 * HOUR),
    Step::Close("2026-01"),
    Step::Upload(FIRST, 13),
    Step::Translate(FIRST),
    Step::Now(MARCH + 30 * HOUR),
    Step::Refresh,
    Step::Close("2026-02"),
];

/// A file that is replaced, once it is rolled up; its invoice is in peace.
const FILE: &[Step] = &[
    Step::Upload(FIRST, 11),
    Step::Translate(FIRST),
    Step::Refresh,
    Step::Upload(FIRST, 12),
    Step::Translate(FIRST),
    Step::Refresh,
];

/// An event in three files, of which one comes after the invoice; and a file that takes another one's place, before
/// it and after it.
const REPEATS: &[Step] = &[
    Step::Upload("sent/one/b.jsonl", 11),
    Step::Upload("sent/one/a.jsonl", 12),
    Step::Upload("latest/one/p/b.jsonl", 7),
    Step::Translate("latest/one/p/b.jsonl"),
    Step::Translate("sent/one/a.jsonl"),
    Step::Translate("sent/one/b.jsonl"),
    Step::Refresh,
    Step::Now(JANUARY + 600 * HOUR),
    Step::Upload("latest/one/p/a.jsonl", 8),
    Step::Translate("latest/one/p/a.jsonl"),
    Step::Correlate,
    Step::Refresh,
    Step::Now(FEBRUARY + 30 * HOUR),
    Step::Close("2026-01"),
    Step::Upload("sent/one/c.jsonl", 13),
    Step::Upload("latest/one/p/b.jsonl", 9),
    Step::Translate("sent/one/c.jsonl"),
    Step::Translate("latest/one/p/b.jsonl"),
    Step::Now(MARCH + 30 * HOUR),
    Step::Refresh,
    Step::Close("2026-02"),
];

/// An account that has no plan any more when its last month changes: by a file that comes late, and one that is
/// replaced.
const LEFT: &[Step] = &[
    Step::Upload(FIRST, 11),
    Step::Translate(FIRST),
    Step::Correlate,
    Step::Refresh,
    Step::Now(FEBRUARY + 30 * HOUR),
    Step::Close("2026-01"),
    Step::Leave,
    Step::Correlate,
    Step::Upload("fixed/one/late.jsonl", 13),
    Step::Translate("fixed/one/late.jsonl"),
    Step::Upload(FIRST, 12),
    Step::Translate(FIRST),
    Step::Now(MARCH + 30 * HOUR),
    Step::Refresh,
    Step::Close("2026-02"),
];

/// What becomes of a task that is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// Its event is delivered again.
    Again,
    /// Nobody tries again.
    Never,
}

fn task<'a>(world: &'a World<'a>, step: Step) -> Option<Running<'a>> {
    match step {
        Step::Upload(key, calls) => {
            let text = format!("{{\"t\":{JANUARY},\"id\":\"x\",\"calls\":{calls}}}\n");
            world.memory.upload(Bucket::Usage, key, text.into_bytes());
            None
        }
        Step::Now(now) => {
            world.memory.set_now(Instant(now));
            None
        }
        Step::Leave => {
            world.leave();
            None
        }
        Step::Translate(key) => Some(world.translate(key)),
        Step::Refresh => Some(world.refresh()),
        Step::Correlate => Some(world.correlate()),
        Step::Close(month) => Some(world.close(month)),
    }
}

/// Takes the steps one after the other; tasks are cut off at these awaits, counted over all. How
/// many awaits there were.
fn walk(world: &World<'_>, steps: &[Step], cuts: &[usize], then: Then) -> usize {
    let mut awaits = 0;
    for step in steps {
        let mut running = task(world, *step);
        while let Some(task_now) = &mut running {
            match task_now.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(done) => {
                    assert!(done, "a task fails without a fault");
                    running = None;
                }
                Poll::Pending => {
                    if cuts.contains(&awaits) {
                        running = if then == Then::Again { task(world, *step) } else { None };
                    }
                    awaits += 1;
                }
            }
        }
    }
    awaits
}

/// The whole of it: the steps with their cuts, then rest, and invoices as the naive biller says.
fn crash(steps: &[Step], cuts: &[usize], then: Then, mutant: Option<Mutant>) -> Result<usize, String> {
    quietly(|| {
        let dice = Dice::new(1);
        let memory = Memory::new(Instant(JANUARY + 500 * HOUR));
        let world = World::new(&memory, &dice, mutant, scenario::configuration(), 0, false);
        let awaits = walk(&world, steps, cuts, then);
        let closes = steps.iter().any(|step| matches!(step, Step::Close(_)));
        let (until, next) = if closes { ("2026-02", "2026-03") } else { ("2026-01", "2026-02") };
        memory.set_now(Instant(MARCH + 40 * HOUR));
        world.settle((JANUARY, FEBRUARY));
        world.assert_issued("2026-01");
        if until > "2026-01" {
            world.assert_issued("2026-02");
        }
        let all: Vec<_> = ["ann", "bob"].into_iter().flat_map(|account| invoices(&memory, account)).collect();
        let mut expected = oracle::charges(&files(&memory), &world.wire.checks.terms.lock().unwrap());
        expected.retain(|(_, period, component), cents| {
            *cents != 0 && (period.as_str() <= until || (component == "advance" && period.as_str() <= next))
        });
        assert_eq!(charged(&all), expected, "charged, owed");
        awaits
    })
}

/// The first crash that is not survived.
fn first_lost(steps: &[Step], mutant: Option<Mutant>) -> Option<String> {
    let awaits = crash(steps, &[], Then::Again, mutant).unwrap_or(600);
    let every = (0..awaits).flat_map(|at| [(at, Then::Again), (at, Then::Never)]);
    every
        .filter_map(|(at, then)| {
            Some(format!("cut off at await {at}, {then:?}: {}", crash(steps, &[at], then, mutant).err()?))
        })
        .next()
}

#[test]
fn a_crash_at_any_await_of_two_months_costs_nothing() {
    let awaits = crash(MONTHS, &[], Then::Again, None).unwrap();
    assert!(awaits > 150, "the run has only {awaits} awaits");
    assert_eq!(first_lost(MONTHS, None), None);
}

#[test]
fn a_crash_at_any_await_between_repeats_costs_nothing() {
    let awaits = crash(REPEATS, &[], Then::Again, None).unwrap();
    assert!(awaits > 150, "the run has only {awaits} awaits");
    assert_eq!(first_lost(REPEATS, None), None);
    for mutant in [Mutant::NoMerge, Mutant::ReplacedAdds] {
        assert!(crash(REPEATS, &[], Then::Again, Some(mutant)).is_err(), "{mutant:?} is not caught");
    }
}

#[test]
fn an_account_that_has_left_is_corrected_once_wherever_it_is_cut_off() {
    let awaits = crash(LEFT, &[], Then::Again, None).unwrap();
    assert!(awaits > 100, "the run has only {awaits} awaits");
    assert_eq!(first_lost(LEFT, None), None);
    for mutant in [Mutant::NumberApart, Mutant::DocumentAfter] {
        assert!(first_lost(LEFT, Some(mutant)).is_some(), "{mutant:?} survives every crash");
    }
    assert!(crash(LEFT, &[], Then::Again, Some(Mutant::LateDataAdded)).is_err(), "late usage that is not trued up");
}

#[test]
fn two_crashes_anywhere_cost_nothing() {
    let awaits = crash(FILE, &[], Then::Again, None).unwrap();
    for first in 0..awaits {
        for second in first..awaits {
            for then in [Then::Again, Then::Never] {
                let lost = crash(FILE, &[first, second], then, None).err();
                assert_eq!(lost, None, "cut off at awaits {first} and {second}, {then:?}");
            }
        }
    }
}

/// These tests can fail: what is committed in two steps does not survive a crash between them.
#[test]
fn a_crash_finds_what_is_committed_in_two_steps() {
    for mutant in [Mutant::MarkerThenAdd, Mutant::NumberApart, Mutant::DocumentAfter] {
        assert!(first_lost(MONTHS, Some(mutant)).is_some(), "{mutant:?} survives every crash");
    }
}
