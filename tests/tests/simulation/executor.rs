//! Runs tasks in a chosen order and cuts them off where it is told.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::dice::Dice;

/// A task under way. True when it did what it should; false when it has to be delivered again.
pub type Running<'a> = Pin<Box<dyn Future<Output = bool> + 'a>>;

/// Starts a task, as often as it is cut off.
type Start<'a> = Box<dyn Fn() -> Running<'a> + 'a>;

/// How a task is started again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Again {
    /// Until it says that it is done.
    UntilDone,
    /// Whatever it says, while there are other tasks.
    Always,
    /// Never: its event was acknowledged when it began, or is a dead letter.
    Never,
}

struct Task<'a> {
    start: Start<'a>,
    running: Option<Running<'a>>,
    again: Again,
    polls: usize,
    /// It is cut off at this await, then at a later one, until it gets through.
    patience: usize,
}

/// Where tasks are cut off.
#[derive(Clone, Copy)]
pub enum Cuts {
    /// At the first await, then further on each time, by at most so many: with one, at every await.
    Onwards(usize),
    /// Anywhere within so many awaits, so that tasks live long enough to meet each other.
    Anywhere(usize),
}

/// Tasks that run at once, one await at a time.
pub struct Executor<'a> {
    dice: &'a Dice,
    tasks: Vec<Task<'a>>,
    cuts: Cuts,
    /// Who was polled last: tasks run in bursts, so that others stall for long.
    current: usize,
}

/// A schedule gets through more often than not.
const SCHEDULE: Cuts = Cuts::Anywhere(250);

impl<'a> Executor<'a> {
    pub fn new(dice: &'a Dice, cuts: Cuts) -> Self {
        Self { dice, tasks: Vec::new(), cuts, current: 0 }
    }

    /// A task that runs until it has done what it should.
    pub fn add(&mut self, start: impl Fn() -> Running<'a> + 'a) {
        self.push(Again::UntilDone, 1, start);
    }

    /// A task whose event comes once: cut off at this await, it is not started again.
    pub fn add_once(&mut self, patience: usize, start: impl Fn() -> Running<'a> + 'a) {
        self.push(Again::Never, patience, start);
    }

    /// A schedule, which never ends by itself.
    pub fn add_schedule(&mut self, start: impl Fn() -> Running<'a> + 'a) {
        self.push(Again::Always, 1, start);
    }

    fn push(&mut self, again: Again, patience: usize, start: impl Fn() -> Running<'a> + 'a) {
        self.tasks.push(Task { start: Box::new(start), running: None, again, polls: 0, patience });
    }

    /// Polls one task once; false when only schedules are left.
    pub fn step(&mut self) -> bool {
        if self.tasks.iter().all(|task| task.again == Again::Always) {
            return false;
        }
        if self.current >= self.tasks.len() || self.dice.chance(15) {
            self.current = self.dice.below(self.tasks.len());
        }
        let place = self.current;
        let task = &mut self.tasks[place];
        if task.running.is_none() {
            task.running = Some((task.start)());
            task.polls = 0;
        }
        let running = task.running.as_mut().unwrap();
        match running.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) if task.again == Again::Never || (done && task.again == Again::UntilDone) => {
                drop(self.tasks.swap_remove(place));
            }
            Poll::Ready(_) => task.running = None,
            Poll::Pending => {
                task.polls += 1;
                if task.polls >= task.patience {
                    self.cut(place);
                }
            }
        }
        true
    }

    /// Cuts a task off, unless it is spared.
    fn cut(&mut self, place: usize) {
        let task = &mut self.tasks[place];
        if !self.dice.misfortune(100) {
            task.patience = usize::MAX;
            return;
        }
        task.running = None;
        task.patience = match if task.again == Again::Always { SCHEDULE } else { self.cuts } {
            Cuts::Onwards(stride) => task.patience.saturating_add(1 + self.dice.below(stride)),
            Cuts::Anywhere(bound) => 1 + self.dice.below(bound),
        };
        if task.again == Again::Never {
            drop(self.tasks.swap_remove(place));
        }
    }
}
