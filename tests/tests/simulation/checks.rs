//! What must hold at every step, and whenever an invoice is issued.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use invoicing::Invoice;
use ledger::aggregate::{load, read_head};
use ledger::file::{FileRecord, pages};
use ledger::invoice::read_issued;
use ledger::memory::Memory;
use ledger::names;
use ledger::ports::{Blobs, Bucket, Condition, Effect, Item, Key, Table, Tables, Write};
use ledger::seal::{Seals, Sum};
use metering::rollup::{Input, Rollup, Standing};

use crate::faults::at_once;
use crate::oracle::{self, Charges, File, Terms};

/// What a close has seen: what it listed, with the bytes that lay there then, and the inputs of the
/// rollups that it read.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    pub listed: BTreeMap<String, (String, File)>,
    pub inputs: BTreeMap<String, Input>,
}

/// What was seen so far.
#[derive(Default)]
pub struct Checks {
    /// Where each file's tally lies.
    homes: Mutex<BTreeMap<String, String>>,
    /// The revisions of the inputs of each rollup.
    inputs: Mutex<BTreeMap<Key, BTreeMap<String, u64>>>,
    /// What the vendor's world is like now.
    pub terms: Mutex<Terms>,
}

fn put(write: &Write) -> Option<&Item> {
    match &write.effect {
        Effect::Put(item) => Some(item),
        Effect::Delete => None,
    }
}

impl Checks {
    /// Looks at a write that happened.
    pub fn written(&self, memory: &Memory, write: &Write, before: Option<&Item>) {
        let Some(item) = put(write) else { return };
        match write.key.partition.get(..2) {
            Some("U#") => self.tally(memory, write, item, before),
            Some("R#") => self.rollup(memory, &write.key, item),
            Some("F#") => assert!(before.is_none_or(|before| before.body == item.body), "a claim changed"),
            _ => {}
        }
    }

    /// I1; and what a revision replaces is kept.
    fn tally(&self, memory: &Memory, write: &Write, item: &Item, before: Option<&Item>) {
        let (file, slot) = (&write.key.sort, &write.key.partition);
        let known = self.homes.lock().unwrap().insert(file.clone(), slot.clone());
        assert!(known.as_ref().is_none_or(|known| known == slot), "I1: {file} has tallies in {known:?} and {slot}");
        let Some(before) = before else { return };
        let (old, new) = (FileRecord::read(before).unwrap(), FileRecord::read(item).unwrap());
        let replaced = old.content != new.content || old.mapping != new.mapping;
        if replaced {
            let kept = memory.object(Bucket::Work, &format!("superseded/{file}/{:06}.json", before.revision));
            assert!(kept.is_some_and(|kept| kept == before.body.as_bytes()), "what revised {} is not kept", old.key);
        }
    }

    /// I4: inputs neither vanish nor go back.
    fn rollup(&self, memory: &Memory, key: &Key, item: &Item) {
        let head = read_head(item).unwrap();
        let body = memory.object(Bucket::Work, &head.body);
        let body = body.unwrap_or_else(|| panic!("a rollup's body is not there"));
        let rollup = Rollup::decode(&String::from_utf8(body).unwrap()).unwrap();
        let now: BTreeMap<String, u64> =
            rollup.inputs.into_iter().map(|(file, input)| (file, input.revision)).collect();
        let mut inputs = self.inputs.lock().unwrap();
        for (file, revision) in inputs.get(key).into_iter().flatten() {
            let present = now.get(file);
            assert!(present.is_some_and(|present| present >= revision), "I4: {file} went back from {revision}");
        }
        inputs.insert(key.clone(), now);
    }

    /// A seal says what is so: while its hour holds the objects that it was about, each of them is counted. Gives
    /// the objects that the hour holds now.
    pub fn sealed(&self, memory: &Memory, hour: i64) -> BTreeSet<(String, String)> {
        let item = at_once(memory.get(Table::Rollup, &Key::new(names::SEALS, format!("{hour:010}")))).unwrap().unwrap();
        let rules: serde_json::Value = serde_json::from_str(&item.body).unwrap();
        let seals = at_once(Seals::read(memory, rules["rules"].as_str().unwrap())).unwrap();
        let mut objects = at_once(memory.list(Bucket::Usage, "", None, 10_000)).unwrap().objects;
        objects.retain(|object| object.modified.hour() == hour);
        let mut sum = Sum::default();
        objects.iter().for_each(|object| sum.add(object));
        if seals.sum(hour) == Some(sum) {
            let listed = objects
                .iter()
                .map(|object| (object.key.clone(), (object.etag.clone(), (object.modified.0, Vec::new()))));
            assert_counted(&Evidence { listed: listed.collect(), inputs: all_inputs(memory) });
        }
        objects.into_iter().map(|object| (object.key, object.etag)).collect()
    }

    /// That an invoice is absent is said once more by its account's head, which whoever issues moves:
    /// the head alone refuses what would be written over an invoice.
    pub fn guarded(&self, memory: &Memory, writes: &[Write]) {
        let revision = |write: &Write| {
            let present = at_once(memory.get(write.table, &write.key)).unwrap();
            present.map(|item| item.revision)
        };
        let taken = |write: &&Write| write.key.sort.starts_with("invoice#") && revision(write).is_some();
        for write in writes.iter().filter(taken) {
            let head = |other: &&Write| other.key.sort == names::HEAD && other.key.partition == write.key.partition;
            let head = writes.iter().find(head).unwrap();
            let holds = match &head.condition {
                Condition::Absent => revision(head).is_none(),
                Condition::Revision(seen) => revision(head) == Some(*seen),
                // Of a mutant.
                Condition::Always | Condition::Body(_) => false,
            };
            assert!(!holds, "the head of {} does not say that {} is there", write.key.partition, write.key.sort);
        }
    }

    /// I8, and I6 and I7 of the invoice that a transaction issued.
    pub fn transacted(&self, memory: &Memory, writes: &[Write], evidence: Option<&Evidence>) {
        if writes.iter().any(|write| write.key.partition.starts_with("N#")) {
            assert_gap_free(memory);
        }
        for write in writes.iter().filter(|write| write.key.sort.starts_with("invoice#")) {
            let record = read_issued(put(write).unwrap()).unwrap();
            assert!(memory.object(Bucket::Work, &record.document).is_some(), "an invoice without its document");
            let Some(evidence) = evidence else { continue };
            assert_counted(evidence);
            let account = write.key.partition.trim_start_matches("A#");
            self.assert_adds_up(memory, account, &record.period, evidence);
        }
    }

    /// I7: for each period up to this one, all invoices of the account charge what was listed.
    fn assert_adds_up(&self, memory: &Memory, account: &str, until: &str, evidence: &Evidence) {
        let issued = invoices(memory, account);
        let files = evidence.listed.iter().map(|(key, (_, file))| (key.clone(), file.clone())).collect();
        let expected = oracle::charges(&files, &self.terms.lock().unwrap());
        let periods: Vec<&str> =
            issued.iter().map(|invoice| invoice.period.label.as_str()).filter(|period| *period <= until).collect();
        let of_these = |charges: Charges| -> Charges {
            let mine = |(who, period, _): &(String, String, String)| who == account && periods.contains(&&**period);
            charges.into_iter().filter(|(key, cents)| mine(key) && *cents != 0).collect()
        };
        assert_eq!(of_these(charged(&issued)), of_these(expected), "I7: {account} in {periods:?} (charged, owed)");
    }
}

/// The inputs of all rollups.
pub fn all_inputs(memory: &Memory) -> BTreeMap<String, Input> {
    let mut inputs = BTreeMap::new();
    for (source, _) in at_once(pages(memory, Table::Rollup, names::SOURCES)).unwrap() {
        for (_, item) in at_once(pages(memory, Table::Rollup, &names::rollups(&source))).unwrap() {
            inputs.extend(at_once(load(memory, &read_head(&item).unwrap().body)).unwrap().inputs);
        }
    }
    inputs
}

/// I6: every object that was listed is an input at that etag.
fn assert_counted(evidence: &Evidence) {
    for (key, (etag, (written, _))) in &evidence.listed {
        let input = evidence.inputs.get(&names::file_id(key));
        let input = input.unwrap_or_else(|| panic!("I6: {key} was listed and is in no rollup that was priced"));
        let settled = match &input.standing {
            Standing::Counted | Standing::Waived(_) => input.etags.contains(etag),
            Standing::Quarantined(_) => false,
        };
        let arrived = input.whole.as_ref().and_then(|whole| whole.arrived);
        assert!(arrived.is_none_or(|arrived| arrived.0 == *written), "I6: {key} was priced as it came before");
        assert!(settled, "I6: {key} was listed at {etag} and priced as {input:?}");
    }
}

/// I8: numbers are exactly 1..n, each of one invoice that exists.
pub fn assert_gap_free(memory: &Memory) {
    let page = at_once(memory.query(Table::Billing, &names::series("S-"), None, 10_000)).unwrap();
    let taken: Vec<String> =
        page.items.iter().map(|(sort, _)| sort.clone()).filter(|sort| sort != names::HEAD).collect();
    let expected: Vec<String> = (1..=taken.len()).map(|n| format!("{n:010}")).collect();
    assert_eq!(taken, expected, "I8: numbers have a gap");
    let mut numbers: Vec<String> = ["ann", "bob"]
        .into_iter()
        .flat_map(|account| invoices(memory, account))
        .map(|invoice| invoice.number.unwrap())
        .collect();
    numbers.sort_unstable();
    let expected: Vec<String> = (1..=taken.len()).map(|n| format!("S-{n:06}")).collect();
    assert_eq!(numbers, expected, "I8: numbers and invoices are not the same");
}

/// All invoices of an account.
pub fn invoices(memory: &Memory, account: &str) -> Vec<Invoice> {
    let page = at_once(memory.query(Table::Billing, &names::account(account), None, 10_000)).unwrap();
    let items = page.items.into_iter().filter(|(sort, _)| sort.starts_with("invoice#"));
    let document = |(_, item): (String, Item)| {
        let bytes = memory.object(Bucket::Work, &read_issued(&item).unwrap().document);
        let bytes = bytes.unwrap_or_else(|| panic!("an invoice without its document"));
        Invoice::from_json(&String::from_utf8(bytes).unwrap()).unwrap()
    };
    items.map(document).collect()
}

/// What some invoices charge, by account, original period and component.
pub fn charged(invoices: &[Invoice]) -> Charges {
    let mut charges = Charges::new();
    for invoice in invoices {
        for line in &invoice.lines {
            let component = line.component.split('/').next_back().unwrap().to_owned();
            let cents: i128 = line.amount.replace('.', "").parse().unwrap();
            *charges.entry((invoice.account.clone(), line.period.clone(), component)).or_default() += cents;
        }
    }
    charges.retain(|_, cents| *cents != 0);
    charges
}

/// All objects of the usage bucket with their bytes.
pub fn files(memory: &Memory) -> BTreeMap<String, File> {
    let objects = at_once(memory.list(Bucket::Usage, "", None, 10_000)).unwrap().objects;
    objects
        .into_iter()
        .map(|meta| (meta.key.clone(), (meta.modified.0, memory.object(Bucket::Usage, &meta.key).unwrap())))
        .collect()
}
