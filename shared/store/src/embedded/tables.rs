//! The tables in one file.
//!
//! Reads ask the last commit, which is everything that was acknowledged. Writes go through one
//! thread that commits all that wait at once ([`super::writer`]): one writer alone gets as many
//! commits as the disk has flushes, sixty-four at once get many times that.

use std::path::Path;
use std::sync::Arc;

use ledger::ports::{Item, Key, Page, StoreError, Table, Tables, Transacted, Write, Written};
use redb::{Database, DatabaseError, ReadableDatabase, TableDefinition};

use super::OpenError;
use super::writer::{Outcome, Writer};
use crate::limits::{check_key, check_transaction, check_write, item_subject};

/// Partition and sort key to revision and body. Texts are ordered by their bytes, a pair by its
/// first part and then its second: the order the ports promise.
pub(super) type Definition = TableDefinition<'static, (&'static str, &'static str), (u64, &'static str)>;

/// How much of the file is kept in memory, in bytes.
const CACHE_BYTES: usize = 128 << 20;

pub(super) const fn definition(table: Table) -> Definition {
    match table {
        Table::Ledger => TableDefinition::new("ledger"),
        Table::Rollup => TableDefinition::new("rollup"),
        Table::Billing => TableDefinition::new("billing"),
    }
}

pub(super) const TABLES: [Table; 3] = [Table::Ledger, Table::Rollup, Table::Billing];

/// The tables in one file. Clones share it; the last one closes it.
#[derive(Clone, Debug)]
pub struct FileTables {
    // Before the database, so that the thread has ended when the file is closed.
    writer: Arc<Writer>,
    database: Arc<Database>,
}

impl FileTables {
    /// Opens the file, or makes it with empty tables.
    ///
    /// # Errors
    /// When the file cannot be made, is not a file of tables, or is open in another process.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let unusable = |source: redb::Error| OpenError::Tables { path: path.to_owned(), source: Box::new(source) };
        let opened = Database::builder().set_cache_size(CACHE_BYTES).create(path);
        let database = match opened {
            Ok(database) => Arc::new(database),
            Err(DatabaseError::DatabaseAlreadyOpen) => return Err(OpenError::InUse { path: path.to_owned() }),
            Err(error) => return Err(unusable(error.into())),
        };
        make_tables(&database).map_err(unusable)?;
        let writer = Writer::start(Arc::clone(&database))
            .map_err(|source| OpenError::Folder { path: path.to_owned(), source })?;
        Ok(Self { writer: Arc::new(writer), database })
    }

    fn read(&self, table: Table, key: &Key) -> Result<Option<Item>, redb::Error> {
        let reading = self.database.begin_read()?;
        let items = reading.open_table(definition(table))?;
        let found = items.get((key.partition.as_str(), key.sort.as_str()))?;
        Ok(found.map(|guard| item(guard.value())))
    }

    fn page(&self, table: Table, partition: &str, after: &str, limit: usize) -> Result<Page, redb::Error> {
        let reading = self.database.begin_read()?;
        let items = reading.open_table(definition(table))?;
        let mut page = Page::default();
        // No sort key is empty, so nothing lies before the first with an empty `after`.
        for entry in items.range((partition, after)..)? {
            let (key, value) = entry?;
            let (found, sort) = key.value();
            if found != partition {
                break;
            }
            if sort == after {
                continue;
            }
            if page.items.len() == limit {
                page.more = true;
                break;
            }
            page.items.push((sort.to_owned(), item(value.value())));
        }
        Ok(page)
    }
}

fn make_tables(database: &Database) -> Result<(), redb::Error> {
    let writing = database.begin_write()?;
    for table in TABLES {
        writing.open_table(definition(table))?;
    }
    writing.commit()?;
    Ok(())
}

pub(super) fn item((revision, body): (u64, &str)) -> Item {
    Item { revision, body: body.to_owned() }
}

/// What the file answered, as an error of the port. A disk that fails is not asked again.
pub(super) fn failed(operation: &'static str, subject: String, error: &redb::Error) -> StoreError {
    StoreError { operation, subject, reason: error.to_string(), retryable: false }
}

impl Tables for FileTables {
    async fn get(&self, table: Table, key: &Key) -> Result<Option<Item>, StoreError> {
        check_key("get", table, key)?;
        let subject = || item_subject(table, &key.partition, &key.sort);
        self.read(table, key).map_err(|error| failed("get", subject(), &error))
    }

    async fn write(&self, write: Write) -> Result<Written, StoreError> {
        check_write("write", &write)?;
        let subject = item_subject(write.table, &write.key.partition, &write.key.sort);
        match self.writer.submit("write", subject, vec![write]).await? {
            Outcome::Done => Ok(Written::Done),
            Outcome::Refused(present) => Ok(Written::Refused(present)),
        }
    }

    async fn query(
        &self,
        table: Table,
        partition: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let page = self.page(table, partition, after.unwrap_or_default(), limit);
        page.map_err(|error| failed("query", item_subject(table, partition, "*"), &error))
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Transacted, StoreError> {
        check_transaction("transact", &writes)?;
        let subject = writes.first().map(|first| item_subject(first.table, &first.key.partition, &first.key.sort));
        match self.writer.submit("transact", subject.unwrap_or_default(), writes).await? {
            Outcome::Done => Ok(Transacted::Done),
            Outcome::Refused(_) => Ok(Transacted::Refused),
        }
    }
}
