//! Random sequences of object operations against a sorted map.

use std::collections::BTreeMap;

use ledger::ports::{Bucket, ObjectMeta, Ports, PutOnce, Read};
use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::Subject;

const BUCKETS: [Bucket; 3] = [Bucket::Usage, Bucket::Work, Bucket::Invoices];
/// No key is the folder of another: folders on a disk cannot have both.
const KEYS: [&str; 12] = [
    "a b+c%25",
    "a!",
    "a.jsonl.gz",
    "a/b",
    "a/c/d",
    "a+b",
    "a0",
    "date=2026-02-01/hour=23/x:y@z,$;~.csv",
    "quote'\"(1)[2]{3}<4>&amp;*",
    "é/日本 語#?&=",
    "é/%2F",
    "\u{10000}",
];
const PREFIXES: [&str; 8] = ["", "a", "a/", "a ", "a+", "é/", "é/日本", "nothing"];
const AFTERS: [&str; 6] = ["", "a", "a/zzz", "a b", "é/~", "\u{10ffff}"];

/// An object by the places of its bucket and key.
type Place = (usize, usize);

#[derive(Clone, Debug)]
enum Operation {
    PutOnce(Place, Vec<u8>),
    Upload(Place, Vec<u8>),
    Head(Place),
    Read { place: Place, stale: bool, offset: u64, length: u64 },
    List { bucket: usize, prefix: usize, after: Option<After>, limit: usize },
}

#[derive(Clone, Copy, Debug)]
enum After {
    Key(usize),
    Text(usize),
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let place = || (0..BUCKETS.len(), 0..KEYS.len());
    let bytes = || prop::collection::vec(any::<u8>(), 0..20);
    let after = prop_oneof![(0..KEYS.len()).prop_map(After::Key), (0..AFTERS.len()).prop_map(After::Text)];
    let one = prop_oneof![
        3 => (place(), bytes()).prop_map(|(place, bytes)| Operation::PutOnce(place, bytes)),
        3 => (place(), bytes()).prop_map(|(place, bytes)| Operation::Upload(place, bytes)),
        1 => place().prop_map(Operation::Head),
        2 => (place(), prop::bool::weighted(0.3), 0..25_u64, 0..25_u64)
            .prop_map(|(place, stale, offset, length)| Operation::Read { place, stale, offset, length }),
        2 => (0..BUCKETS.len(), 0..PREFIXES.len(), prop::option::of(after), 0..8_usize)
            .prop_map(|(bucket, prefix, after, limit)| Operation::List { bucket, prefix, after, limit }),
    ];
    prop::collection::vec(one, 1..50)
}

/// What a bucket should hold under the case's prefix, and the etag that each object was seen with.
struct Model {
    case: String,
    objects: BTreeMap<(Bucket, String), (Vec<u8>, String)>,
    /// An etag that the object had before.
    stale: BTreeMap<(Bucket, String), String>,
}

impl Model {
    fn address(&self, (bucket, key): Place) -> (Bucket, String) {
        (BUCKETS[bucket], format!("{}/{}", self.case, KEYS[key]))
    }
}

/// Put-once, ranged reads under an etag, heads and paged listings do what a map does.
pub fn random_operations_agree_with_the_model<P: Ports + Send + Sync + 'static>(
    runtime: &Runtime,
    subject: &Subject<P>,
) {
    subject.random(&operations(), |operations| {
        let mut model = Model { case: subject.name(), objects: BTreeMap::new(), stale: BTreeMap::new() };
        runtime.block_on(async {
            for operation in operations {
                step(subject, &mut model, operation).await;
            }
        });
    });
}

async fn step<P: Ports + Send + Sync + 'static>(subject: &Subject<P>, model: &mut Model, operation: Operation) {
    match operation {
        Operation::PutOnce(place, bytes) => put_once(subject, model, place, bytes).await,
        Operation::Upload(place, bytes) => {
            let address = model.address(place);
            (subject.upload)(address.0, address.1.clone(), bytes.clone()).await;
            learn(subject, model, address, bytes).await;
        }
        Operation::Head(place) => {
            let (bucket, key) = model.address(place);
            let found = subject.ports.head(bucket, &key).await.unwrap();
            let found = found.map(|meta| (meta.key, meta.etag, meta.size));
            let expected = model.objects.get(&(bucket, key.clone()));
            assert_eq!(found, expected.map(|(bytes, etag)| (key, etag.clone(), size(bytes))));
        }
        Operation::Read { place, stale, offset, length } => {
            read(subject, model, place, stale, offset..offset + length).await
        }
        Operation::List { bucket, prefix, after, limit } => {
            let prefix = format!("{}/{}", model.case, PREFIXES[prefix]);
            let after = after.map(|after| match after {
                After::Key(key) => format!("{}/{}", model.case, KEYS[key]),
                After::Text(text) => format!("{}/{}", model.case, AFTERS[text]),
            });
            list(subject, model, BUCKETS[bucket], &prefix, after.as_deref(), limit).await;
        }
    }
}

async fn put_once<P: Ports + Send + Sync + 'static>(
    subject: &Subject<P>,
    model: &mut Model,
    place: Place,
    bytes: Vec<u8>,
) {
    let (bucket, key) = model.address(place);
    let put = subject.ports.put_once(bucket, &key, bytes.clone(), "application/json").await.unwrap();
    if model.objects.contains_key(&(bucket, key.clone())) {
        assert_eq!(put, PutOnce::Exists, "{key}");
    } else {
        assert_eq!(put, PutOnce::Written, "{key}");
        learn(subject, model, (bucket, key), bytes).await;
    }
}

/// Notes what was written and the etag it got: another for other bytes, the same for the same.
async fn learn<P: Ports + Send + Sync + 'static>(
    subject: &Subject<P>,
    model: &mut Model,
    address: (Bucket, String),
    bytes: Vec<u8>,
) {
    let meta = subject.ports.head(address.0, &address.1).await.unwrap().unwrap();
    assert!(!meta.etag.is_empty() && !meta.etag.contains('"'), "{}", meta.etag);
    assert_eq!(meta.size, size(&bytes));
    if let Some((before, etag)) = model.objects.get(&address) {
        assert_eq!(*etag == meta.etag, *before == bytes, "an etag follows the bytes");
        if *etag != meta.etag {
            model.stale.insert(address.clone(), etag.clone());
        }
    }
    model.objects.insert(address, (bytes, meta.etag));
}

async fn read<P: Ports + Send + Sync + 'static>(
    subject: &Subject<P>,
    model: &Model,
    place: Place,
    stale: bool,
    range: std::ops::Range<u64>,
) {
    let address = model.address(place);
    let present = model.objects.get(&address);
    let old = model.stale.get(&address).cloned().unwrap_or_else(|| "0123456789abcdef0123456789abcdef".to_owned());
    let etag = present.filter(|_| !stale).map_or(old, |(_, etag)| etag.clone());
    let expected = match present.filter(|(_, current)| *current == etag) {
        None => Read::Changed,
        Some((bytes, _)) => {
            let clip = |at: u64| usize::try_from(at).unwrap().min(bytes.len());
            Read::Bytes(bytes[clip(range.start)..clip(range.end)].to_vec())
        }
    };
    let (bucket, key) = address;
    let found = subject.ports.read(bucket, &key, &etag, range.start, range.end - range.start).await.unwrap();
    assert_eq!(found, expected, "{key} {range:?}");
}

async fn list<P: Ports + Send + Sync + 'static>(
    subject: &Subject<P>,
    model: &Model,
    bucket: Bucket,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) {
    let listing = subject.ports.list(bucket, prefix, after, limit).await.unwrap();
    let inside = |key: &str| key.starts_with(prefix) && after.is_none_or(|after| key > after);
    let expected: Vec<(String, String, u64)> = model
        .objects
        .iter()
        .filter(|((b, key), _)| *b == bucket && inside(key))
        .map(|((_, key), (bytes, etag))| (key.clone(), etag.clone(), size(bytes)))
        .collect();
    let facts = |meta: &ObjectMeta| (meta.key.clone(), meta.etag.clone(), meta.size);
    let found: Vec<_> = listing.objects.iter().map(facts).collect();
    assert_eq!(found, expected.iter().take(limit).cloned().collect::<Vec<_>>(), "{prefix:?} after {after:?}");
    assert!(listing.more || expected.len() <= limit, "objects were kept back");
    assert!(!listing.more || found.len() == limit, "a short page is the last");
}

fn size(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap()
}
