//! Runs tasks in a chosen order and cuts them off where it is told.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::dice::Dice;

/// A task under way. True when it did what it should; false when it has to be delivered again.
pub type Running<'a> = Pin<Box<dyn Future<Output = bool> + 'a>>;

/// Starts a task, as often as it is cut off.
type Start<'a> = Box<dyn Fn() -> Running<'a> + 'a>;

/// A task that is started anew until it says that it is done.
struct Task<'a> {
    start: Start<'a>,
    running: Option<Running<'a>>,
    /// A schedule: runs again and again while there are other tasks.
    recurs: bool,
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
        self.tasks.push(Task { start: Box::new(start), running: None, recurs: false, polls: 0, patience: 1 });
    }

    /// A schedule, which never ends by itself.
    pub fn add_schedule(&mut self, start: impl Fn() -> Running<'a> + 'a) {
        self.tasks.push(Task { start: Box::new(start), running: None, recurs: true, polls: 0, patience: 1 });
    }

    /// Polls one task once; false when only schedules are left.
    pub fn step(&mut self) -> bool {
        if self.tasks.iter().all(|task| task.recurs) {
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
            Poll::Ready(true) if !task.recurs => drop(self.tasks.swap_remove(place)),
            Poll::Ready(_) => task.running = None,
            Poll::Pending => {
                task.polls += 1;
                if task.polls >= task.patience {
                    task.running = None;
                    task.patience = match if task.recurs { SCHEDULE } else { self.cuts } {
                        Cuts::Onwards(stride) => task.patience + 1 + self.dice.below(stride),
                        Cuts::Anywhere(bound) => 1 + self.dice.below(bound),
                    };
                }
            }
        }
        true
    }
}
