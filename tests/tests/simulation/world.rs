//! A world that goes through three months: files come, everything fails, months are closed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use invoicing::Invoice;
use ledger::configuration::Configuration;
use ledger::error::LedgerError;
use ledger::file::FileRecord;
use ledger::invoice::{Options, Outcome, close};
use ledger::memory::Memory;
use ledger::ports::{Blobs, Bucket};
use ledger::restate::Restatements;
use ledger::seal::rules;
use ledger::{aggregate, correlate, counted, explain, names, restate, translate, verify, waive};
use metering::exact::Exact;
use metering::time::Instant;

use crate::checks::{all_inputs, assert_gap_free, charged, files, invoices};
use crate::dice::Dice;
use crate::executor::{Cuts, Executor, Running};
use crate::faults::{Wire, at_once};
use crate::hand::{Hand, Trade};
use crate::mutants::Mutant;
use crate::oracle::{self, Terms};
use crate::scenario::{self, APRIL, FEBRUARY, HOUR, JANUARY, MARCH, OTHER_HANDOVER};

/// Everything that tasks work on.
pub struct World<'a> {
    pub memory: &'a Memory,
    pub wire: Wire<'a>,
    pub dice: &'a Dice,
    pub mutant: Option<Mutant>,
    configuration: Mutex<Arc<Configuration>>,
}

impl<'a> World<'a> {
    pub fn new(
        memory: &'a Memory,
        dice: &'a Dice,
        mutant: Option<Mutant>,
        configuration: Arc<Configuration>,
        faults: usize,
        traced: bool,
    ) -> Self {
        let wire = Wire::new(memory, dice, faults, traced);
        Self { memory, wire, dice, mutant, configuration: Mutex::new(configuration) }
    }

    pub fn hand(&self, trade: Trade, about: &str) -> Hand<'_> {
        Hand::new(&self.wire, trade, about, self.mutant)
    }

    fn configuration(&self) -> Arc<Configuration> {
        Arc::clone(&self.configuration.lock().unwrap())
    }

    pub fn translate(&self, key: &str) -> Running<'_> {
        let (key, configuration) = (key.to_owned(), self.configuration());
        Box::pin(async move {
            let hand = self.hand(Trade::Translate, &key);
            translate::translate(&hand, &configuration.catalogue, &key).await.is_ok()
        })
    }

    pub fn refresh(&self) -> Running<'_> {
        Box::pin(async { aggregate::refresh(&self.hand(Trade::Refresh, "")).await.is_ok() })
    }

    pub fn correlate(&self) -> Running<'_> {
        let configuration = self.configuration();
        Box::pin(
            async move { correlate::publish(&self.hand(Trade::Correlate, ""), &configuration.catalogue).await.is_ok() },
        )
    }

    /// Somebody answers for a file that nobody can read; for any other file that is refused.
    fn waive(&self, key: &str) -> Running<'_> {
        let key = key.to_owned();
        Box::pin(async move {
            let waived = waive::waive(&self.hand(Trade::Waive, &key), &key, "Ann", "a broken disk").await;
            matches!(waived, Ok(_) | Err(LedgerError::Billing { .. }))
        })
    }

    pub fn sweep(&self) -> Running<'_> {
        let configuration = self.configuration();
        Box::pin(async move {
            let hand = self.hand(Trade::Sweep, "");
            counted::sweep(&hand, &configuration.catalogue, Instant(i64::MAX)).await.is_ok()
        })
    }

    /// Closes a month. What it issues has to be right whenever it runs.
    pub fn close(&self, month: &'static str) -> Running<'_> {
        let configuration = self.configuration();
        Box::pin(async move {
            let options = Options { month: month.to_owned(), settle_minutes: -1, preview: false };
            close(&self.hand(Trade::Close, month), &configuration, &options).await.is_ok()
        })
    }

    /// Delivers the events of some keys in disorder, while objects are replaced, schedules run and
    /// everything fails. The keys whose last event was lost.
    fn turmoil(&self, cuts: Cuts, keys: &[String], span: (i64, i64), months: &[&'static str]) -> BTreeSet<String> {
        let mut lost = BTreeSet::new();
        let mut executor = Executor::new(self.dice, cuts);
        for key in keys {
            let key = key.clone();
            if self.dice.misfortune(15) {
                lost.insert(key);
            } else if self.dice.misfortune(10) {
                // A dead letter.
                lost.insert(key.clone());
                executor.add_once(1 + self.dice.below(24), move || self.translate(&key));
            } else {
                for _ in 0..1 + usize::from(self.dice.misfortune(50)) {
                    self.add_translate(&mut executor, key.clone());
                }
            }
        }
        for _ in 0..3 {
            executor.add_schedule(|| self.refresh());
        }
        if self.dice.chance(50) {
            executor.add_schedule(|| self.sweep());
        }
        for key in keys.iter().filter(|key| key.starts_with("strict/")) {
            if self.dice.misfortune(30) {
                executor.add_schedule(|| self.waive(key));
            }
        }
        months.iter().for_each(|month| executor.add_schedule(|| self.close(month)));
        executor.add(|| self.correlate());
        let mut replacements = self.dice.below(3);
        let mut steps = 0;
        while executor.step() {
            if self.dice.chance(5) {
                self.wire.land_one();
            }
            if replacements > 0 && self.dice.chance(3) {
                replacements -= 1;
                for key in scenario::replace_some(self.memory, self.dice, keys, span) {
                    self.wire.tell(|| format!("replaced {key}"));
                    lost.remove(&key);
                    self.add_translate(&mut executor, key);
                }
            }
            steps += 1;
            assert!(steps < 400_000, "the tasks never end");
        }
        lost
    }

    fn add_translate<'b>(&'b self, executor: &mut Executor<'b>, key: String) {
        if self.mutant == Some(Mutant::AcknowledgeBeforeCommit) {
            executor.add_once(1 + self.dice.below(60), move || self.translate(&key));
        } else {
            executor.add(move || self.translate(&key));
        }
    }

    /// Without faults, until it is dropped.
    fn in_peace<T>(&self, work: impl FnOnce() -> T) -> T {
        let percent = std::mem::take(&mut *self.wire.percent.lock().unwrap());
        self.wire.land_all();
        let done = work();
        *self.wire.percent.lock().unwrap() = percent;
        done
    }

    /// At rest, before any sweep has mended anything: every file whose event arrived has the tally
    /// of its present version (I2), and every tally is in its slot's rollup as it is (I5).
    fn assert_rest(&self, lost: &BTreeSet<String>) {
        self.in_peace(|| {
            assert!(finish(self.refresh()), "the hints cannot be worked off");
            let inputs = all_inputs(self.memory);
            let objects = at_once(self.memory.list(Bucket::Usage, "", None, 10_000)).unwrap().objects;
            for object in objects.iter().filter(|object| !lost.contains(&object.key)) {
                let input = inputs.get(&names::file_id(&object.key));
                let arrived = input.and_then(|input| input.whole.as_ref()?.arrived);
                let known = input.is_some_and(|input| input.etags.contains(&object.etag))
                    && arrived.is_none_or(|arrived| arrived == object.modified);
                assert!(known, "I2: {} is not counted as it is", object.key);
            }
            for (_, key, item) in self.memory.items() {
                // A tally that nobody was told of is for the sweep to find.
                let told = || FileRecord::read(&item).is_ok_and(|record| !lost.contains(&record.key));
                if key.partition.starts_with("U#") && told() {
                    let revision = inputs.get(&key.sort).map(|input| input.revision);
                    assert_eq!(revision, Some(item.revision), "I5: the rollup of {} misses tallies", key.partition);
                }
            }
        });
    }

    /// Files that nobody can read are waived, and some are sent anew meanwhile: whose word counts?
    fn waive_and_mend(&self, span: (i64, i64)) {
        let mut executor = Executor::new(self.dice, Cuts::Anywhere(60));
        for key in scenario::broken_files(self.memory) {
            if !self.dice.misfortune(70) {
                continue;
            }
            let waived = key.clone();
            executor.add_once(1 + self.dice.below(60), move || self.waive(&waived));
            if self.dice.chance(60) {
                self.wire.tell(|| format!("mended {key}"));
                self.memory.upload(Bucket::Usage, &key, scenario::good(self.dice, span));
                self.add_translate(&mut executor, key);
            }
        }
        while executor.step() {
            if self.dice.chance(5) {
                self.wire.land_one();
            }
        }
    }

    /// Without faults, everything that was lost is found and counted within a few rounds, and
    /// what nobody can read is mended.
    pub fn settle(&self, span: (i64, i64)) {
        self.in_peace(|| {
            for round in 0.. {
                assert!(round < 6, "the sweep finds more and more");
                self.drain();
                let catalogue = &self.configuration().catalogue;
                let hand = self.hand(Trade::Sweep, "");
                let audit = finish(counted::sweep(&hand, catalogue, Instant(i64::MAX))).unwrap();
                for (key, _) in &audit.held {
                    if self.dice.chance(40) {
                        assert!(finish(self.waive(key)), "{key} cannot be waived");
                        continue;
                    }
                    self.memory.upload(Bucket::Usage, key, scenario::good(self.dice, span));
                    at_once(ledger::ports::Queue::enqueue(self.memory, key)).unwrap();
                }
                if audit.missing.is_empty() && audit.held.is_empty() {
                    break;
                }
            }
        });
    }

    /// Handles the queue, then the hints.
    fn drain(&self) {
        while let Some(key) = self.memory.dequeue() {
            assert!(finish(self.translate(&key)), "{key} cannot be translated");
        }
        assert!(finish(self.refresh()), "the hints cannot be worked off");
        assert!(finish(self.correlate()), "the directory cannot be published");
    }

    /// Closes months twice at once, cut off again and again, then once in peace: all are issued.
    fn close_all(&self, months: &[&'static str]) {
        let mut executor = Executor::new(self.dice, Cuts::Onwards(30));
        for month in months {
            (0..2).for_each(|_| executor.add(|| self.close(month)));
        }
        let mut steps = 0;
        while executor.step() {
            if self.dice.chance(5) {
                self.wire.land_one();
            }
            steps += 1;
            assert!(steps < 400_000, "the tasks never end");
        }
        self.in_peace(|| months.iter().for_each(|month| self.assert_issued(month)));
    }

    /// Liveness: once all is counted, every account gets its invoice.
    pub fn assert_issued(&self, month: &'static str) {
        let options = Options { month: month.to_owned(), settle_minutes: -1, preview: false };
        let closed = finish(close(&self.hand(Trade::Close, month), &self.configuration(), &options)).unwrap();
        for (account, outcome) in closed.accounts {
            let issued = matches!(outcome, Outcome::Issued(..));
            assert!(issued, "{account} was not invoiced for {month}: {outcome:?}");
        }
    }

    /// The whole road: January and February with all that goes wrong, March to true up.
    pub fn run(&self) {
        let (january, february) = ((JANUARY, FEBRUARY), (FEBRUARY, MARCH));
        let early =
            scenario::upload(self.memory, self.dice, "early", 4 + self.dice.below(4), JANUARY + 400 * HOUR, january);
        self.memory.set_now(Instant(FEBRUARY + 30 * HOUR));
        let racing: &[&str] = if self.dice.chance(35) { &["2026-01"] } else { &[] };
        // Every task is cut off at each of its awaits in turn.
        let lost = self.turmoil(Cuts::Onwards(1), &early, january, racing);
        self.waive_and_mend(january);
        self.assert_rest(&lost);
        self.settle(january);
        let delayed = self.dice.chance(25);
        if !delayed {
            self.close_all(&["2026-01"]);
        }

        // Late files, replaced ones, another owner, and the next month.
        // An upload in parts has the time at which it began: an hour that was checked long ago.
        let begun = if self.dice.chance(30) { JANUARY + 400 * HOUR } else { FEBRUARY + 40 * HOUR };
        let late = scenario::upload(self.memory, self.dice, "late", 1 + self.dice.below(3), begun, january);
        let next =
            scenario::upload(self.memory, self.dice, "next", 1 + self.dice.below(3), FEBRUARY + 90 * HOUR, february);
        let replaced = scenario::replace_some(self.memory, self.dice, &early, january);
        self.reconsider();
        self.memory.set_now(Instant(MARCH + 30 * HOUR));
        let both: &[&str] = if delayed { &["2026-01", "2026-02"] } else { &["2026-02"] };
        let racing = if self.dice.chance(35) { both } else { &[] };
        let lost = self.turmoil(Cuts::Anywhere(100), &[late, next, replaced].concat(), january, racing);
        self.waive_and_mend(january);
        self.assert_rest(&lost);
        self.settle(january);
        self.close_all(both);

        // What came after its month was closed comes out with the next one.
        self.memory.set_now(Instant(APRIL + 30 * HOUR));
        self.reconsider();
        self.in_peace(|| self.close_half_way("2026-03"));
        self.settle(january);
        self.close_all(&["2026-03"]);
        self.assert_all_charged();
    }

    /// Salesforce says that the deployment changed hands on another day, long after the fact; or a mapping was wrong,
    /// and all that it read is restated.
    fn reconsider(&self) {
        let mut terms = *self.wire.checks.terms.lock().unwrap();
        if self.dice.chance(30) {
            terms.handover = OTHER_HANDOVER;
        }
        let restated = self.dice.chance(30);
        terms.twice ^= restated;
        *self.wire.checks.terms.lock().unwrap() = terms;
        *self.configuration.lock().unwrap() = scenario::configured(terms);
        if restated {
            let always = (Instant(0), Instant(APRIL + 1000 * HOUR));
            let configuration = self.configuration();
            finish(restate::restate(self.memory, &configuration.catalogue, "replaced", always)).unwrap();
        }
        let restated = finish(Restatements::read(self.memory)).unwrap();
        *self.wire.rules.lock().unwrap() = rules(&self.configuration().catalogue, &restated);
    }

    /// `ann` has left by the end of January, which is known only now.
    pub fn leave(&self) {
        let terms = Terms { left: true, ..*self.wire.checks.terms.lock().unwrap() };
        *self.wire.checks.terms.lock().unwrap() = terms;
        *self.configuration.lock().unwrap() = scenario::configured(terms);
    }

    /// Some of what may be restated is read again: a month that is closed just then waits, or is right.
    fn close_half_way(&self, month: &'static str) {
        for object in at_once(self.memory.list(Bucket::Usage, "replaced/", None, 10_000)).unwrap().objects {
            if self.dice.chance(50) {
                assert!(finish(self.translate(&object.key)), "{} cannot be translated", object.key);
            }
        }
        assert!(finish(self.refresh()), "the hints cannot be worked off");
        assert!(finish(self.correlate()), "the directory cannot be published");
        finish(self.close(month));
    }

    /// At the end all invoices together charge what the naive biller charges, and closing again
    /// moves nothing.
    fn assert_all_charged(&self) {
        let all: Vec<Invoice> = ["ann", "bob"].into_iter().flat_map(|account| invoices(self.memory, account)).collect();
        let mut expected = oracle::charges(&files(self.memory), &self.wire.checks.terms.lock().unwrap());
        for account in ["ann", "bob"] {
            // April's fee in advance, on the invoice of March.
            expected.insert((account.into(), "2026-04".into(), "advance".into()), 1_000);
        }
        expected.retain(|_, cents| *cents != 0);
        assert_eq!(charged(&all), expected, "all invoices (charged, owed)");
        assert_gap_free(self.memory);
        let before = self.memory.items();
        self.in_peace(|| self.assert_issued("2026-03"));
        if self.dice.chance(20) {
            all.iter().for_each(|invoice| self.assert_explained(invoice));
        }
        assert_eq!(self.memory.items(), before, "a close that is repeated changes something");
    }
}

impl World<'_> {
    /// An invoice comes out of the files again, byte by byte, and its lines out of what the files brought.
    fn assert_explained(&self, invoice: &Invoice) {
        let number = invoice.number.as_deref().unwrap();
        let verified = finish(verify::verify(self.memory, number)).unwrap();
        assert!(verified.holds(), "{number} is not what its files say: {verified:?}");
        let explained = finish(explain::explain(self.memory, number, None)).unwrap();
        for (line, sources) in explained.lines.iter().filter_map(|one| Some((&one.line, one.metered.as_ref()?))) {
            assert!(sources.adds_up, "{number}: priced from its files alone it is another line: {line:?} {sources:?}");
            let sum = sources.files.iter().fold(Exact::ZERO, |sum, file| sum.add(&file.brought.sum).unwrap());
            assert_eq!(sum, sources.total.sum, "{number}: {line:?}");
            match (&line.quantity, &sources.corrects) {
                (Some(quantity), _) if line.title == "Calls" => {
                    assert_eq!(sum, Exact::parse(quantity).unwrap(), "{number}: {line:?}");
                }
                (Some(_), _) => {}
                (None, corrects) => {
                    let changed = corrects.as_ref().is_some_and(|corrects| !corrects.changes.is_empty());
                    assert!(changed, "{number}: a correction without a cause: {line:?}");
                }
            }
            self.assert_records(&explained, sources);
        }
    }

    /// The records of each file come to what the file brought, unless its object is another one by now.
    fn assert_records(&self, explained: &explain::Explanation, sources: &explain::Sources) {
        for share in &sources.files {
            let Ok(records) = finish(explained.records(self.memory, sources, share, 1)).unwrap() else { continue };
            assert_eq!(records.total, share.brought, "{}", share.input.key);
            let shown = records.shown.iter().try_fold(records.of_more, |sum, record| sum.add(&record.brought)).unwrap();
            if sources.stream != "meter" {
                assert_eq!(shown, share.brought, "{}", share.input.key);
            }
        }
    }
}

/// Runs one future to its end.
pub fn finish<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}
