//! A task's own view of the world: notes what a close sees, and breaks the protocol where a
//! mutant says so.

use std::collections::BTreeMap;
use std::sync::Mutex;

use ledger::aggregate::read_head;
use ledger::file::FileRecord;
use ledger::names;
use ledger::ports::{
    Blobs, Bucket, Clock, Condition, Effect, Item, Key, Listing, ObjectMeta, Page, PutOnce, Queue, Read, StoreError,
    Table, Tables, Transacted, Write, Written,
};
use metering::mark::{Mark, Reader, Writer};
use metering::rollup::{Rollup, Slot, Standing};
use metering::tally::Tally;
use metering::time::{Instant, Quarter};

use crate::checks::Evidence;
use crate::faults::{Late, Wire, at_once};
use crate::mutants::Mutant;
use crate::scenario::{FEBRUARY, MARCH};

/// What a task does for a living.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trade {
    Translate,
    Refresh,
    Sweep,
    Close,
    Correlate,
    Waive,
}

/// What a task remembers of itself.
#[derive(Default)]
struct Memo {
    evidence: Evidence,
    wrote_tally: bool,
    hinted: bool,
    seen: Option<ObjectMeta>,
    refused: bool,
    invoices: usize,
    slots: BTreeMap<String, Slot>,
    owed: Vec<(Bucket, String, Vec<u8>)>,
    /// The rollups when it began.
    rollups: Option<BTreeMap<String, Page>>,
}

/// The ports of one task.
pub struct Hand<'a> {
    wire: &'a Wire<'a>,
    who: String,
    trade: Trade,
    mutant: Option<Mutant>,
    memo: Mutex<Memo>,
}

impl<'a> Hand<'a> {
    pub fn new(wire: &'a Wire<'a>, trade: Trade, about: &str, mutant: Option<Mutant>) -> Self {
        Self { wire, who: format!("{trade:?} {about}").to_lowercase(), trade, mutant, memo: Mutex::default() }
    }

    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    async fn plain_write(&self, write: Write) -> Result<Written, StoreError> {
        let subject = format!("{}/{}", write.key.partition, write.key.sort);
        let late = Late::Write(write.clone());
        self.wire.operate(&self.who, "write", &subject, Some(late), || self.wire.write(write)).await
    }

    async fn plain_transact(&self, writes: Vec<Write>) -> Result<Transacted, StoreError> {
        let evidence = (self.trade == Trade::Close).then(|| self.memo.lock().unwrap().evidence.clone());
        let late = Late::Transact(writes.clone(), evidence.clone());
        let subject = writes.iter().map(|write| write.key.sort.clone()).collect::<Vec<_>>().join(" ");
        let transact = || self.wire.transact(writes, evidence.as_ref());
        self.wire.operate(&self.who, "transact", &subject, Some(late), transact).await
    }

    async fn plain_put(&self, bucket: Bucket, key: &str, bytes: Vec<u8>) -> Result<PutOnce, StoreError> {
        let late = Late::PutOnce(bucket, key.to_owned(), bytes.clone());
        let put = || self.wire.put_once(bucket, key, bytes);
        self.wire.operate(&self.who, "put once", key, Some(late), put).await
    }

    async fn pay(&self) -> Result<(), StoreError> {
        let owed = std::mem::take(&mut self.memo.lock().unwrap().owed);
        for (bucket, key, bytes) in owed {
            self.plain_put(bucket, &key, bytes).await?;
        }
        Ok(())
    }

    async fn write_hint(&self, mut write: Write) -> Result<Written, StoreError> {
        let memo = |memo: &Mutex<Memo>| {
            let memo = memo.lock().unwrap();
            (memo.wrote_tally, memo.hinted)
        };
        let (wrote, hinted) = memo(&self.memo);
        let removes = write.effect == Effect::Delete;
        if self.is(Mutant::BlindHintDelete) && removes {
            write.condition = Condition::Always;
        }
        if (self.is(Mutant::NoHintForRepeats) && !removes && !wrote) || (hinted && !removes) {
            return Ok(Written::Done);
        }
        self.plain_write(write).await
    }

    async fn write_rollup(&self, mut write: Write) -> Result<Written, StoreError> {
        if self.is(Mutant::BlindRollup) {
            write.condition = Condition::Always;
        }
        if self.is(Mutant::LateGeneration) {
            let present = at_once(self.wire.memory.get(write.table, &write.key))?;
            write.condition = present.map_or(Condition::Absent, |item| Condition::Revision(item.revision));
        }
        self.plain_write(write).await
    }

    async fn write_claim(&self, mut write: Write) -> Result<Written, StoreError> {
        if self.is(Mutant::NoClaim) {
            return Ok(Written::Done);
        }
        if self.is(Mutant::ClaimedAnew) {
            write.condition = Condition::Always;
        }
        self.plain_write(write).await
    }

    async fn write_tally(&self, mut write: Write) -> Result<Written, StoreError> {
        if self.is(Mutant::HintBeforeTally) && self.trade == Trade::Translate {
            let slot: Slot = write.key.partition.trim_start_matches("U#").parse().unwrap();
            let (table, key) = names::hint(&slot);
            let token = self.wire.memory.token();
            self.plain_write(Write::put(table, key, token)).await?;
            self.memo.lock().unwrap().hinted = true;
        }
        if self.is(Mutant::LateDataAdded) {
            rewrite(&mut write, |record, tally| by_arrival(record.arrived, tally));
        }
        if self.is(Mutant::FirstStays)
            && let Effect::Put(item) = &mut write.effect
        {
            first_stays(item);
        }
        if self.is(Mutant::BlindRevision) && matches!(write.condition, Condition::Revision(_)) {
            write.condition = Condition::Always;
        }
        if self.is(Mutant::MarkerThenAdd) && write.condition == Condition::Absent {
            let mut marker = write.clone();
            rewrite(&mut marker, |_, tally| *tally = Tally::default());
            let written = self.plain_write(marker).await?;
            if written != Written::Done {
                return Ok(written);
            }
            write.condition = Condition::Always;
        }
        let written = self.plain_write(write.clone()).await?;
        if let (true, Written::Refused(Some(present))) = (self.is(Mutant::PlainAdd), &written) {
            return self.add(write, present).await;
        }
        let mut memo = self.memo.lock().unwrap();
        memo.refused |= written != Written::Done;
        memo.wrote_tally |= written == Written::Done;
        Ok(written)
    }

    async fn add(&self, mut write: Write, present: &Item) -> Result<Written, StoreError> {
        let more = FileRecord::read(present).unwrap().tally.unwrap_or_default();
        rewrite(&mut write, |_, tally| tally.merge(&more).unwrap());
        write.condition = Condition::Always;
        if let Effect::Put(item) = &mut write.effect {
            item.revision = present.revision + 1;
        }
        self.plain_write(write).await
    }

    /// The rollup with all tallies of its slot among its inputs, whether they went in or not.
    fn with_tallies(&self, key: &str, bytes: Vec<u8>) -> Vec<u8> {
        let Some(slot) = self.memo.lock().unwrap().slots.get(key).cloned() else { return bytes };
        let mut rollup = Rollup::decode(&String::from_utf8(bytes).unwrap()).unwrap();
        let tallies = at_once(self.wire.memory.query(Table::Ledger, &names::tallies(&slot), None, 10_000)).unwrap();
        for (file, item) in tallies.items {
            rollup.inputs.insert(file, FileRecord::read(&item).unwrap().input(item.revision));
        }
        rollup.encode().unwrap().into_bytes()
    }

    fn with_waivers(bytes: &[u8]) -> Vec<u8> {
        let mut rollup = Rollup::decode(std::str::from_utf8(bytes).unwrap()).unwrap();
        for input in rollup.inputs.values_mut() {
            if let Standing::Quarantined(reason) = &input.standing {
                input.standing = Standing::Waived(reason.clone());
            }
        }
        rollup.encode().unwrap().into_bytes()
    }

    fn without_wholes(bytes: &[u8]) -> Vec<u8> {
        let mut rollup = Rollup::decode(std::str::from_utf8(bytes).unwrap()).unwrap();
        rollup.inputs.values_mut().for_each(|input| input.whole = None);
        rollup.encode().unwrap().into_bytes()
    }

    /// Events with ids as the mutant wants them to be read.
    fn tampered_marks(&self, key: &str, bytes: Vec<u8>) -> Vec<u8> {
        if self.is(Mutant::NoMerge) {
            return with_marks(&bytes, |mark| mark.id = of_this_alone(mark.id, &mark.file));
        }
        if self.is(Mutant::OneRunOnly) && self.trade == Trade::Close {
            return with_marks(&bytes, |mark| mark.id = of_this_alone(mark.id, key));
        }
        bytes
    }

    /// A rollup's body as the mutant wants it.
    fn tampered(&self, key: &str, bytes: Vec<u8>) -> Vec<u8> {
        let blind = (self.is(Mutant::AuditAgainstTallies) && self.trade == Trade::Close)
            || (self.is(Mutant::SweepAgainstTallies) && self.trade == Trade::Sweep);
        if blind {
            return self.with_tallies(key, bytes);
        }
        if self.is(Mutant::QuarantineCloses) && self.trade == Trade::Close {
            return Self::with_waivers(&bytes);
        }
        if self.is(Mutant::ReplacedAdds) && self.trade == Trade::Close {
            return Self::without_wholes(&bytes);
        }
        bytes
    }

    fn note_page(&self, partition: &str, after: Option<&str>, page: &Page) {
        let mut memo = self.memo.lock().unwrap();
        if partition == names::SOURCES && after.is_none() {
            memo.evidence.inputs.clear();
        }
        if partition.starts_with("A#") {
            let seen = if after.is_none() { 0 } else { memo.invoices };
            memo.invoices = seen + page.items.iter().filter(|(sort, _)| sort != names::HEAD).count();
        }
        if let Some(source) = partition.strip_prefix("R#") {
            for (hour, item) in &page.items {
                let slot = Slot { source: source.to_owned(), hour: hour.parse().unwrap() };
                let body = read_head(item).unwrap().body;
                if let Some(bytes) = self.wire.memory.object(Bucket::Work, &body) {
                    let rollup = Rollup::decode(std::str::from_utf8(&bytes).unwrap()).unwrap();
                    memo.evidence.inputs.extend(rollup.inputs);
                }
                memo.slots.insert(body, slot);
            }
        }
    }

    /// The rollups as they were when the task began, whatever was written since.
    fn rollups_before(&self, partition: &str) -> Option<Page> {
        let mut memo = self.memo.lock().unwrap();
        let begun = memo.rollups.get_or_insert_with(|| {
            let whole =
                |partition: &str| at_once(self.wire.memory.query(Table::Rollup, partition, None, 10_000)).unwrap();
            let sources = ["fixed", "replaced", "strict"].map(names::rollups);
            sources.into_iter().map(|partition| (partition.clone(), whole(&partition))).collect()
        });
        begun.get(partition).cloned()
    }

    /// A listing without what a sealed hour had not when it was sealed.
    fn as_sealed(&self, mut listing: Listing) -> Listing {
        let sealed = self.wire.sealed.lock().unwrap();
        listing.objects.retain(|object| {
            let then = sealed.get(&object.modified.hour());
            then.is_none_or(|then| then.contains(&(object.key.clone(), object.etag.clone())))
        });
        listing
    }

    /// A seal as if it had been written under the rules of now.
    fn seal_anew(&self, item: &mut Item) {
        let mut seal: serde_json::Value = serde_json::from_str(&item.body).unwrap();
        seal["rules"] = self.wire.rules.lock().unwrap().clone().into();
        item.body = seal.to_string();
    }

    fn note_listing(&self, after: Option<&str>, listing: &Listing) {
        let mut memo = self.memo.lock().unwrap();
        if after.is_none() {
            memo.evidence.listed.clear();
        }
        for object in &listing.objects {
            let bytes = self.wire.memory.object(Bucket::Usage, &object.key).unwrap();
            memo.evidence.listed.insert(object.key.clone(), (object.etag.clone(), (object.modified.0, bytes)));
        }
    }
}

/// The same marks with something changed, in their order.
fn with_marks(bytes: &[u8], change: impl Fn(&mut Mark)) -> Vec<u8> {
    let (mut reader, mut writer, mut marks) = (Reader::default(), Writer::default(), Vec::new());
    reader.push(bytes);
    while let Some(mut mark) = reader.next_mark().unwrap() {
        change(&mut mark);
        marks.push(mark);
    }
    marks.sort_by(|a, b| a.rank().cmp(&b.rank()));
    marks.iter().for_each(|mark| writer.push(mark).unwrap());
    writer.take().unwrap()
}

/// An id that nothing else has. Done twice it is the same.
fn of_this_alone(id: u128, text: &str) -> u128 {
    (id >> 64 << 64) | (u128::from_str_radix(&names::file_id(text), 16).unwrap() >> 64)
}

/// Changes what a tally item says.
fn rewrite(write: &mut Write, change: impl FnOnce(&FileRecord, &mut Tally)) {
    let Effect::Put(item) = &mut write.effect else { return };
    let mut record = FileRecord::read(item).unwrap();
    let mut tally = record.tally.take().unwrap_or_default();
    change(&record, &mut tally);
    record.tally = Some(tally);
    item.body = record.text().unwrap();
}

/// Turns round what makes a file later than another by its name.
fn first_stays(item: &mut Item) {
    let mut record = FileRecord::read(item).unwrap();
    if let Some(whole) = &mut record.whole {
        whole.order = whole.order.bytes().map(|byte| char::from(0x7f - byte)).collect();
    }
    item.body = record.text().unwrap();
}

/// Usage of earlier months, as if it had been used when its file came.
fn by_arrival(arrived: Instant, tally: &mut Tally) {
    let month = [MARCH, FEBRUARY].into_iter().find(|month| *month <= arrived.0).unwrap_or(0);
    let first = Quarter::of(Instant(month));
    for quarters in tally.cells.0.values_mut() {
        let old = std::mem::take(quarters);
        for (quarter, state) in old {
            match quarters.get_mut(&quarter.max(first)) {
                Some(present) => present.merge(&state).unwrap(),
                None => drop(quarters.insert(quarter.max(first), state)),
            }
        }
    }
}

impl Tables for Hand<'_> {
    async fn get(&self, table: Table, key: &Key) -> Result<Option<Item>, StoreError> {
        let subject = format!("{}/{}", key.partition, key.sort);
        let get = || at_once(self.wire.memory.get(table, key));
        let item = self.wire.operate(&self.who, "get", &subject, None, get).await??;
        let hidden = (self.is(Mutant::NoClaim) && key.partition.starts_with("F#"))
            || (self.is(Mutant::PlainAdd) && self.trade == Trade::Translate && key.partition.starts_with("U#"));
        if self.is(Mutant::NoHeadSwap) && key.partition.starts_with("A#") && key.sort == names::HEAD {
            let count = self.memo.lock().unwrap().invoices;
            return Ok(item.map(|item| Item { body: format!(r#"{{"count":{count}}}"#), ..item }));
        }
        Ok(item.filter(|_| !hidden))
    }

    async fn write(&self, write: Write) -> Result<Written, StoreError> {
        let written = match write.key.partition.get(..2) {
            Some("H#") => self.write_hint(write).await,
            Some("R#") => self.write_rollup(write).await,
            Some("F#") => self.write_claim(write).await,
            Some("U#") => self.write_tally(write).await,
            _ => self.plain_write(write).await,
        };
        self.pay().await?;
        written
    }

    async fn query(
        &self,
        table: Table,
        partition: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        if self.is(Mutant::SealsAfterRollups)
            && self.trade == Trade::Close
            && let Some(before) = self.rollups_before(partition)
        {
            self.note_page(partition, None, &before);
            return Ok(before);
        }
        // Small pages, so that paging and what happens between two pages is always exercised.
        let query = || at_once(self.wire.memory.query(table, partition, after, limit.min(2)));
        let mut page = self.wire.operate(&self.who, "query", partition, None, query).await??;
        let unread = (self.is(Mutant::HalfRestated) && self.trade == Trade::Close)
            || (self.is(Mutant::RestatementUnread) && self.trade == Trade::Translate);
        if unread && partition == names::RESTATEMENTS {
            page = Page::default();
        }
        if self.is(Mutant::SealedBeforeRestated) && partition == names::SEALS {
            page.items.iter_mut().for_each(|(_, item)| self.seal_anew(item));
        }
        self.note_page(partition, after, &page);
        if self.is(Mutant::StaleQuery) && partition.starts_with("U#") {
            let before = self.wire.before.lock().unwrap().get(partition).cloned().unwrap_or_default();
            let items = before.into_iter().filter(|(sort, _)| after.is_none_or(|after| sort.as_str() > after));
            return Ok(Page { items: items.collect(), more: false });
        }
        Ok(page)
    }

    async fn transact(&self, mut writes: Vec<Write>) -> Result<Transacted, StoreError> {
        if self.is(Mutant::WaiverWithoutHint) && self.trade == Trade::Waive {
            writes.retain(|write| !write.key.partition.starts_with("H#"));
        }
        for write in &mut writes {
            let (partition, sort) = (&write.key.partition, &write.key.sort);
            let blind = (self.is(Mutant::NoHeadSwap) && partition.starts_with("A#") && sort == names::HEAD)
                || (self.is(Mutant::BlindWaiver) && partition.starts_with("U#"))
                || (self.is(Mutant::BlindNumber) && partition.starts_with("N#"));
            if blind {
                write.condition = Condition::Always;
            }
        }
        let transacted = if self.is(Mutant::NumberApart) && self.trade == Trade::Close {
            let (number, invoice) = writes.into_iter().partition(|write| write.key.partition.starts_with("N#"));
            match self.plain_transact(number).await? {
                Transacted::Done => self.plain_transact(invoice).await,
                Transacted::Refused => Ok(Transacted::Refused),
            }
        } else {
            self.plain_transact(writes).await
        };
        self.pay().await?;
        transacted
    }
}

impl Blobs for Hand<'_> {
    async fn head(&self, bucket: Bucket, key: &str) -> Result<Option<ObjectMeta>, StoreError> {
        let head = || at_once(self.wire.memory.head(bucket, key));
        let mut meta = self.wire.operate(&self.who, "head", key, None, head).await??;
        if let (Bucket::Work, true, Some(meta)) = (bucket, key.starts_with("rollups/"), &mut meta) {
            let bytes = self.tampered(key, self.wire.memory.object(bucket, key).unwrap());
            meta.size = u64::try_from(bytes.len()).unwrap();
        }
        let mut memo = self.memo.lock().unwrap();
        if self.is(Mutant::NoSecondLook) && bucket == Bucket::Usage && memo.refused {
            memo.refused = false;
            return Ok(memo.seen.clone());
        }
        memo.seen.clone_from(&meta);
        Ok(meta)
    }

    async fn read(&self, bucket: Bucket, key: &str, etag: &str, offset: u64, length: u64) -> Result<Read, StoreError> {
        let read = || at_once(self.wire.memory.read(bucket, key, etag, offset, length));
        let read = self.wire.operate(&self.who, "read", key, None, read).await??;
        match read {
            Read::Bytes(_) if bucket == Bucket::Work && key.starts_with("rollups/") => {
                let bytes = self.wire.memory.object(bucket, key).unwrap();
                Ok(Read::Bytes(self.tampered(key, bytes)))
            }
            Read::Bytes(_) if bucket == Bucket::Work && key.starts_with("marks/") => {
                let bytes = self.tampered_marks(key, self.wire.memory.object(bucket, key).unwrap());
                let piece = bytes.into_iter().skip(offset.try_into().unwrap()).take(length.try_into().unwrap());
                Ok(Read::Bytes(piece.collect()))
            }
            read => Ok(read),
        }
    }

    async fn put_once(
        &self,
        bucket: Bucket,
        key: &str,
        bytes: Vec<u8>,
        _: &'static str,
    ) -> Result<PutOnce, StoreError> {
        let mut bytes = bytes;
        if self.is(Mutant::LastWins) && self.trade == Trade::Translate && key.starts_with("marks/") {
            let arrived = self.memo.lock().unwrap().seen.as_ref().unwrap().modified.0;
            bytes = with_marks(&bytes, |mark| {
                mark.file = format!("{:016x}{}", i64::MAX - arrived, &mark.file[..16]).into()
            });
        }
        if self.is(Mutant::ForgetRevised) && key.starts_with("superseded/") {
            return Ok(PutOnce::Written);
        }
        let owes = (self.is(Mutant::DocumentAfter) && key.starts_with("documents/"))
            || (self.is(Mutant::BodyAfterTally) && key.starts_with("tallies/"));
        if owes {
            self.memo.lock().unwrap().owed.push((bucket, key.to_owned(), bytes));
            return Ok(PutOnce::Written);
        }
        self.plain_put(bucket, key, bytes).await
    }

    async fn list(
        &self,
        bucket: Bucket,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Listing, StoreError> {
        let list = || {
            let listing = at_once(self.wire.memory.list(bucket, prefix, after, limit.min(3)))?;
            self.note_listing(after, &listing);
            Ok(listing)
        };
        if self.is(Mutant::NoAudit) && self.trade == Trade::Close {
            self.note_listing(None, &at_once(self.wire.memory.list(bucket, prefix, None, 10_000))?);
            return Ok(Listing::default());
        }
        let listing = self.wire.operate(&self.who, "list", prefix, None, list).await??;
        Ok(if self.is(Mutant::SealKept) && bucket == Bucket::Usage { self.as_sealed(listing) } else { listing })
    }
}

impl Queue for Hand<'_> {
    async fn enqueue(&self, key: &str) -> Result<(), StoreError> {
        if self.is(Mutant::NoSweep) {
            return Ok(());
        }
        let enqueue = || at_once(self.wire.memory.enqueue(key));
        self.wire.operate(&self.who, "enqueue", key, None, enqueue).await?
    }
}

impl Clock for Hand<'_> {
    fn now(&self) -> Instant {
        self.wire.memory.now()
    }

    fn token(&self) -> String {
        if self.is(Mutant::ConstantToken) { "t".to_owned() } else { self.wire.memory.token() }
    }
}
