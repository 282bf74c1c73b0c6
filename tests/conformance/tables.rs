//! Random sequences of table operations against a sorted map.

use std::collections::BTreeMap;

use ledger::ports::{Condition, Effect, Item, Key, Ports, Table, Transacted, Write, Written};
use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::Subject;

const TABLES: [Table; 3] = [Table::Ledger, Table::Rollup, Table::Billing];
const PARTITIONS: [&str; 2] = ["F#1", "日/ +%"];
/// Among them two that UTF-16 orders the other way round.
const SORTS: [&str; 10] = ["!", "a", "a b+%", "a#1", "a/b", "a0", "é", "日本", "\u{ffff}", "\u{10000}"];

/// Which item: table, partition, sort key, each by its place above.
type Slot = (usize, usize, usize);

/// What is asked of the present item; resolved against the model when its turn comes.
#[derive(Clone, Copy, Debug)]
enum Test {
    Always,
    Absent,
    Revision { right: bool },
    Body { right: bool },
}

#[derive(Clone, Copy, Debug)]
struct Change {
    slot: Slot,
    test: Test,
    /// `None` deletes.
    body: Option<u8>,
}

#[derive(Clone, Debug)]
enum Operation {
    Get(Slot),
    Write(Change),
    Query { slot: Slot, from_start: bool, limit: usize },
    Transact(Vec<Change>),
}

fn slots() -> impl Strategy<Value = Slot> {
    // Few places, so that operations meet.
    (0..TABLES.len(), 0..PARTITIONS.len(), 0..SORTS.len())
}

fn changes() -> impl Strategy<Value = Change> {
    let tests = prop_oneof![
        Just(Test::Always),
        Just(Test::Absent),
        prop::bool::weighted(0.8).prop_map(|right| Test::Revision { right }),
        prop::bool::weighted(0.8).prop_map(|right| Test::Body { right }),
    ];
    (slots(), tests, prop::option::weighted(0.8, any::<u8>())).prop_map(|(slot, test, body)| Change {
        slot,
        test,
        body,
    })
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let one = prop_oneof![
        1 => slots().prop_map(Operation::Get),
        4 => changes().prop_map(Operation::Write),
        2 => (slots(), any::<bool>(), 0..8_usize)
            .prop_map(|(slot, from_start, limit)| Operation::Query { slot, from_start, limit }),
        2 => prop::collection::vec(changes(), 0..6).prop_map(Operation::Transact),
    ];
    prop::collection::vec(one, 1..60)
}

/// What the tables should hold.
struct Model {
    case: String,
    items: BTreeMap<(Table, Key), Item>,
}

impl Model {
    fn address(&self, (table, partition, sort): Slot) -> (Table, Key) {
        (TABLES[table], Key::new(format!("{}{}", self.case, PARTITIONS[partition]), SORTS[sort]))
    }

    fn resolve(&self, change: Change) -> Write {
        let (table, key) = self.address(change.slot);
        let present = self.items.get(&(table, key.clone()));
        let revision = present.map_or(1, |item| item.revision);
        let body = present.map_or_else(String::new, |item| item.body.clone());
        let condition = match change.test {
            Test::Always => Condition::Always,
            Test::Absent => Condition::Absent,
            Test::Revision { right } => Condition::Revision(if right { revision } else { revision + 1 }),
            Test::Body { right } => Condition::Body(if right { body } else { format!("{body}?") }),
        };
        let put = |body| Effect::Put(Item { revision: revision + 1, body: format!("{{\"日\":{body}}}") });
        Write { table, key, condition, effect: change.body.map_or(Effect::Delete, put) }
    }

    fn holds(&self, write: &Write) -> bool {
        let present = self.items.get(&(write.table, write.key.clone()));
        match (&write.condition, present) {
            (Condition::Always, _) | (Condition::Absent, None) => true,
            (Condition::Revision(seen), Some(item)) => item.revision == *seen,
            (Condition::Body(seen), Some(item)) => item.body == *seen,
            (Condition::Absent, Some(_)) | (Condition::Revision(_) | Condition::Body(_), None) => false,
        }
    }

    fn apply(&mut self, write: &Write) {
        let address = (write.table, write.key.clone());
        match &write.effect {
            Effect::Put(item) => self.items.insert(address, item.clone()),
            Effect::Delete => self.items.remove(&address),
        };
    }

    fn write(&mut self, write: &Write) -> Written {
        if !self.holds(write) {
            return Written::Refused(self.items.get(&(write.table, write.key.clone())).cloned());
        }
        self.apply(write);
        Written::Done
    }

    fn transact(&mut self, writes: &[Write]) -> Transacted {
        if !writes.iter().all(|write| self.holds(write)) {
            return Transacted::Refused;
        }
        writes.iter().for_each(|write| self.apply(write));
        Transacted::Done
    }

    /// All items of a partition after a sort key.
    fn after(&self, table: Table, partition: &str, after: Option<&str>) -> Vec<(String, Item)> {
        let inside = |(t, key): &(Table, Key)| {
            *t == table && key.partition == partition && after.is_none_or(|after| key.sort.as_str() > after)
        };
        let found = self.items.iter().filter(|(address, _)| inside(address));
        found.map(|((_, key), item)| (key.sort.clone(), item.clone())).collect()
    }
}

/// Conditional writes, transactions, reads and paged queries do what a map does.
pub fn random_operations_agree_with_the_model<P: Ports + Send + Sync + 'static>(
    runtime: &Runtime,
    subject: &Subject<P>,
) {
    subject.random(&operations(), |operations| {
        let mut model = Model { case: subject.name(), items: BTreeMap::new() };
        runtime.block_on(async {
            for operation in operations {
                step(subject.ports.as_ref(), &mut model, operation).await;
            }
        });
    });
}

async fn step<P: Ports>(ports: &P, model: &mut Model, operation: Operation) {
    match operation {
        Operation::Get(slot) => {
            let (table, key) = model.address(slot);
            let found = ports.get(table, &key).await.unwrap();
            assert_eq!(found.as_ref(), model.items.get(&(table, key)));
        }
        Operation::Write(change) => {
            let write = model.resolve(change);
            let written = ports.write(write.clone()).await.unwrap();
            assert_eq!(written, model.write(&write), "{write:?}");
        }
        Operation::Transact(mut changes) => {
            changes.sort_by_key(|change| change.slot);
            changes.dedup_by_key(|change| change.slot);
            let writes: Vec<Write> = changes.into_iter().map(|change| model.resolve(change)).collect();
            let transacted = ports.transact(writes.clone()).await.unwrap();
            assert_eq!(transacted, model.transact(&writes), "{writes:?}");
        }
        Operation::Query { slot, from_start, limit } => {
            let (table, key) = model.address(slot);
            let after = (!from_start).then_some(key.sort.as_str());
            let page = ports.query(table, &key.partition, after, limit).await.unwrap();
            let expected = model.after(table, &key.partition, after);
            assert_eq!(page.items, expected.iter().take(limit).cloned().collect::<Vec<_>>());
            // `more` may be said of a page that ends exactly at the end; never of a shorter one,
            // and never left unsaid.
            assert!(page.more || expected.len() <= limit, "items were kept back");
            assert!(!page.more || page.items.len() == limit, "a short page is the last");
        }
    }
}
