//! Objects of several parts, read on a network where calls fail and from under an uploader's hands:
//! what is tallied is one object, whole.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use catalog::Catalogue;
use ledger::file::{FileRecord, claimed_slot};
use ledger::names;
use ledger::ports::{Blobs, Bucket, Listing, ObjectMeta, Ports, PutOnce, Read, StoreError};
use ledger::translate::{Outcome, translate};
use store::Assembled;
use store::aws::{self, DynamoTables, S3Blobs, SqsQueue};

use super::Upload;
use super::faults::Local;
use super::unreliable::{Fault, Unreliable};

const CATALOGUE: &str = include_str!("../events/catalogue.yaml");

/// Above two parts: 9 MB of records, of which no two are alike.
const RECORDS: usize = 120_000;

fn text(installation: &str) -> Vec<u8> {
    let mut text = String::new();
    for number in 0..RECORDS {
        writeln!(
            text,
            r#"{{"installation":"{installation}","at":"2026-02-{:02}T07:00:00Z","gb":0.001,"n":{number:>8}}}"#,
            1 + number % 28
        )
        .unwrap();
    }
    assert!(text.len() > 9_000_000, "{}", text.len());
    text.into_bytes()
}

fn catalogue() -> Arc<Catalogue> {
    catalog::load([("catalogue.yaml".to_owned(), CATALOGUE.to_owned())]).unwrap().catalogue
}

/// What is kept of the object, once.
async fn record<P: Ports>(ports: &P, key: &str) -> FileRecord {
    let file = names::file_id(key);
    let slot = claimed_slot(ports, &file).await.unwrap().unwrap();
    let (table, key) = names::tally(&slot, &file);
    FileRecord::read(&ports.get(table, &key).await.unwrap().unwrap()).unwrap()
}

/// What goes wrong on the way of a part is mended by asking for the part again.
pub async fn parts_that_break_off_are_asked_for_again(server: &str, local: Local, upload: &Upload) {
    let (key, bytes) = ("usage/large/2026-02-01/07.jsonl", text("harbour-1"));
    upload(Bucket::Usage, key.to_owned(), bytes.clone()).await;
    let direct = aws::connect(local(server)).await.unwrap();
    // The first call asks what is there.
    let faults = [Fault::None, Fault::CutShort, Fault::LostAfter, Fault::CutShort, Fault::LostBefore];
    let way = Unreliable::scripted(server, &faults).await;
    let blobs = aws::connect(local(&way.endpoint)).await.unwrap().blobs;
    let ports = Assembled { blobs, ..direct };
    let outcome = translate(&ports, &catalogue(), key).await.unwrap();
    assert_eq!(way.counted().1, 4, "all faults were met");
    let Outcome::Tallied(counts) = outcome else { panic!("{outcome:?}") };
    assert_eq!(counts.tallied, u64::try_from(RECORDS).unwrap());
    assert_eq!(record(&ports, key).await.content, names::sha256(&bytes));
}

/// Another object takes the place of one of which parts were read: nothing of the first one counts.
pub async fn an_object_replaced_while_it_is_read_is_read_anew(server: &str, local: Local, upload: Upload) {
    for after in [0, 1, 2] {
        let key = format!("usage/replaced-{after}/2026-02-01/07.jsonl");
        let (before, now) = (text("harbour-1"), text("harbour-2"));
        upload(Bucket::Usage, key.clone(), before).await;
        let Assembled { tables, blobs, queue, clock } = aws::connect(local(server)).await.unwrap();
        let read = AtomicUsize::new(0);
        let blobs = Replaced { blobs, upload: &upload, key: key.clone(), now: now.clone(), after, read };
        let ports: Assembled<DynamoTables, Replaced<'_>, SqsQueue> = Assembled { tables, blobs, queue, clock };
        let outcome = translate(&ports, &catalogue(), &key).await.unwrap();
        assert!(matches!(outcome, Outcome::Tallied(_)), "{outcome:?}");
        let record = record(&ports, &key).await;
        assert_eq!(record.content, names::sha256(&now), "after {after} parts");
        assert_eq!(
            record.tally.map(|tally| tally.cells.0.into_keys().all(|key| key.deployment == "harbour-2")),
            Some(true)
        );
    }
}

/// After so many parts somebody uploads another object.
struct Replaced<'u> {
    blobs: S3Blobs,
    upload: &'u Upload,
    key: String,
    now: Vec<u8>,
    after: usize,
    read: AtomicUsize,
}

impl Blobs for Replaced<'_> {
    async fn head(&self, bucket: Bucket, key: &str) -> Result<Option<ObjectMeta>, StoreError> {
        self.blobs.head(bucket, key).await
    }

    async fn read(&self, bucket: Bucket, key: &str, etag: &str, offset: u64, length: u64) -> Result<Read, StoreError> {
        if bucket == Bucket::Usage && self.read.fetch_add(1, Ordering::SeqCst) == self.after {
            (self.upload)(bucket, self.key.clone(), self.now.clone()).await;
        }
        self.blobs.read(bucket, key, etag, offset, length).await
    }

    async fn put_once(
        &self,
        bucket: Bucket,
        key: &str,
        bytes: Vec<u8>,
        kind: &'static str,
    ) -> Result<PutOnce, StoreError> {
        self.blobs.put_once(bucket, key, bytes, kind).await
    }

    async fn list(
        &self,
        bucket: Bucket,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Listing, StoreError> {
        self.blobs.list(bucket, prefix, after, limit).await
    }
}
