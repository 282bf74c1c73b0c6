//! Many at once, for the outcome that must hold whoever comes first.

use std::collections::BTreeSet;
use std::sync::Arc;

use ledger::ports::{Bucket, Condition, Effect, Item, Key, Ports, PutOnce, Read, Table, Transacted, Write, Written};
use tokio::task::JoinSet;

use super::Subject;

const RACERS: u64 = 16;

/// Of many that create the same item, one does; the others are told what it wrote.
pub async fn one_of_many_creators_wins_and_the_others_see_it<P: Ports + Send + Sync + 'static>(subject: &Subject<P>) {
    for _ in 0..5 {
        let partition = subject.name();
        let mut racers = JoinSet::new();
        for racer in 0..RACERS {
            let (ports, key) = (Arc::clone(&subject.ports), Key::new(partition.clone(), "claim"));
            racers.spawn(async move {
                let write = Write::create(Table::Ledger, key, racer.to_string());
                (racer, ports.write(write).await.unwrap())
            });
        }
        let ends = racers.join_all().await;
        let winners: Vec<u64> = ends.iter().filter(|(_, end)| *end == Written::Done).map(|(racer, _)| *racer).collect();
        assert_eq!(winners.len(), 1, "{ends:?}");
        let body = winners[0].to_string();
        let seen = Written::Refused(Some(Item { revision: 1, body }));
        assert!(ends.iter().all(|(_, end)| *end == Written::Done || *end == seen), "{ends:?}");
    }
}

/// Readers that replace what they read, and read again when refused, lose no addition.
pub async fn every_compare_and_swap_counts_once<P: Ports + Send + Sync + 'static>(subject: &Subject<P>) {
    const EACH: u64 = 4;
    let key = Key::new(subject.name(), "counter");
    subject.ports.write(Write::create(Table::Rollup, key.clone(), "0")).await.unwrap();
    let mut racers = JoinSet::new();
    for _ in 0..RACERS {
        let (ports, key) = (Arc::clone(&subject.ports), key.clone());
        racers.spawn(async move {
            for _ in 0..EACH {
                add_one(ports.as_ref(), &key).await;
            }
        });
    }
    racers.join_all().await;
    let item = subject.ports.get(Table::Rollup, &key).await.unwrap().unwrap();
    let total = RACERS * EACH;
    assert_eq!(item, Item { revision: total + 1, body: total.to_string() });
}

async fn add_one<P: Ports>(ports: &P, key: &Key) {
    for _ in 0..10_000 {
        let seen = ports.get(Table::Rollup, key).await.unwrap().unwrap();
        let next: u64 = seen.body.parse::<u64>().unwrap() + 1;
        let write = Write::replace(Table::Rollup, key.clone(), seen.revision, next.to_string());
        if ports.write(write).await.unwrap() == Written::Done {
            return;
        }
    }
    panic!("refused for ever");
}

/// The four-item transaction: head, invoice, series, number. Two racers for each invoice.
pub async fn no_invoice_number_is_lost_or_doubled<P: Ports + Send + Sync + 'static>(subject: &Subject<P>) {
    const INVOICES: usize = 12;
    let case = subject.name();
    let mut racers = JoinSet::new();
    for racer in 0..INVOICES * 2 {
        let (ports, case) = (Arc::clone(&subject.ports), case.clone());
        racers.spawn(async move { issue(ports.as_ref(), &case, racer % INVOICES).await });
    }
    let issued: Vec<u64> = racers.join_all().await.into_iter().flatten().collect();
    assert_eq!(issued.len(), INVOICES, "each invoice was issued by one of its two racers");
    let numbers: BTreeSet<u64> = issued.iter().copied().collect();
    assert_eq!(numbers, (1..=u64::try_from(INVOICES).unwrap()).collect(), "exactly 1..n");
    let stored = subject.ports.query(Table::Billing, &format!("{case}/numbers"), None, 100).await.unwrap();
    let held: BTreeSet<String> = stored.items.iter().map(|(_, item)| item.body.clone()).collect();
    assert_eq!((stored.items.len(), held.len()), (INVOICES, INVOICES), "a number for each invoice");
    let mut versions = 0;
    for account in 0..3 {
        versions += read(subject.ports.as_ref(), &Key::new(format!("{case}/account{account}"), "head")).await;
    }
    assert_eq!(versions, u64::try_from(INVOICES).unwrap(), "each invoice moved one head once");
}

/// Issues an invoice; gives its number, or nothing if another issued it first.
async fn issue<P: Ports>(ports: &P, case: &str, invoice: usize) -> Option<u64> {
    let head = Key::new(format!("{case}/account{}", invoice % 3), "head");
    let series = Key::new(format!("{case}/series"), "2026");
    let document = Key::new(format!("{case}/invoices"), format!("{invoice:03}"));
    for _ in 0..10_000 {
        let (k, n) = (read(ports, &head).await, read(ports, &series).await);
        let number = Key::new(format!("{case}/numbers"), format!("{:06}", n + 1));
        let writes = vec![
            step(head.clone(), k),
            Write::create(Table::Billing, document.clone(), format!("invoice {invoice}")),
            step(series.clone(), n),
            Write::create(Table::Billing, number, format!("invoice {invoice}")),
        ];
        // Memory answers at once; others must still get their turn.
        tokio::task::yield_now().await;
        if ports.transact(writes).await.unwrap() == Transacted::Done {
            return Some(n + 1);
        }
        if ports.get(Table::Billing, &document).await.unwrap().is_some() {
            return None;
        }
    }
    panic!("refused for ever");
}

/// The number in an item; 0 when there is none.
async fn read<P: Ports>(ports: &P, key: &Key) -> u64 {
    let item = ports.get(Table::Billing, key).await.unwrap();
    item.map_or(0, |item| item.body.parse().unwrap())
}

/// From `seen` to the next; the first creates.
fn step(key: Key, seen: u64) -> Write {
    let condition = if seen == 0 { Condition::Absent } else { Condition::Body(seen.to_string()) };
    let effect = Effect::Put(Item { revision: seen + 1, body: (seen + 1).to_string() });
    Write { table: Table::Billing, key, condition, effect }
}

/// Of many that put an object under one key, one does, and its bytes are what is there.
pub async fn one_of_many_put_once_wins<P: Ports + Send + Sync + 'static>(subject: &Subject<P>) {
    for _ in 0..5 {
        let key = format!("{}/put once + 日本.json", subject.name());
        let mut racers = JoinSet::new();
        for racer in 0..RACERS {
            let (ports, key) = (Arc::clone(&subject.ports), key.clone());
            racers.spawn(async move {
                let bytes = racer.to_string().repeat(10_000).into_bytes();
                // Two that meet may both be told to come again, by S3; one of them then wins.
                loop {
                    match ports.put_once(Bucket::Work, &key, bytes.clone(), "application/json").await {
                        Ok(put) => return (put, bytes),
                        Err(error) => assert!(error.retryable, "{error}"),
                    }
                }
            });
        }
        let ends = racers.join_all().await;
        let written: Vec<&Vec<u8>> =
            ends.iter().filter(|(put, _)| *put == PutOnce::Written).map(|(_, bytes)| bytes).collect();
        assert_eq!(written.len(), 1, "one wins");
        let meta = subject.ports.head(Bucket::Work, &key).await.unwrap().unwrap();
        let found = subject.ports.read(Bucket::Work, &key, &meta.etag, 0, 1 << 20).await.unwrap();
        assert!(found == Read::Bytes(written[0].clone()), "and its bytes are there");
    }
}
