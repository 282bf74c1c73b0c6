//! Rows of a Parquet file as JSON, one object a row, exact: decimals with all their digits, binary
//! floats as the shortest decimal text that gives them, times as RFC 3339.
//!
//! What the columns are stands at the end of the file. Who knows the end beforehand says it, and the
//! file is read one group of rows after the other as its bytes pass; else they are held until it ends.

mod groups;
mod text;

use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::file::properties::ReaderProperties;
use parquet::file::reader::ChunkReader;
use parquet::file::serialized_reader::SerializedRowGroupReader;
use parquet::record::reader::RowIter;
use parquet::schema::types::{Type, TypePtr};

use crate::error::Unreadable;
use crate::limits::Limits;
use crate::split::{Raw, RecordSink};
use groups::Groups;

/// What a file begins and ends with.
const MAGIC: &[u8] = b"PAR1";

/// Behind the description at the end of a file stand its length in four bytes and the magic.
const TRAILER: usize = 8;

/// A file of which the bytes are pushed.
pub(crate) struct Parquet {
    limits: Limits,
    /// The columns in use.
    roots: Vec<String>,
    /// The bytes of a file of which the end is not known.
    held: Vec<u8>,
    groups: Option<Box<Groups>>,
    /// Why the end that was said is of no use.
    unsaid: Option<Unreadable>,
}

impl Parquet {
    pub(crate) fn new(roots: &[String], limits: Limits) -> Self {
        Self { limits, roots: roots.to_vec(), held: Vec::new(), groups: None, unsaid: None }
    }

    /// Says, before the first byte, what the file of this size ends with. What comes back is how many
    /// of its last bytes it takes, where these are too few.
    pub(crate) fn foresee(&mut self, end: &[u8], size: u64) -> Option<u64> {
        let described = described(end)?;
        let whole = u64::try_from(described.saturating_add(TRAILER)).ok()?;
        let too_long = described > self.limits.parquet_end_bytes || whole > size;
        if !too_long && described.saturating_add(TRAILER) > end.len() {
            return Some(whole);
        }
        let groups = match too_long {
            true => Err(Unreadable::new(format!(
                "the Parquet file is described by {described} bytes at its end, where at most {} are read; it is damaged, or has too many groups of rows",
                self.limits.parquet_end_bytes
            ))),
            false => Groups::new(end, size, &self.roots, self.limits),
        };
        match groups {
            Ok(groups) => self.groups = Some(Box::new(groups)),
            Err(unreadable) => self.unsaid = Some(unreadable),
        }
        None
    }

    /// Takes the next bytes.
    pub(crate) fn push(&mut self, bytes: &[u8], sink: &mut impl RecordSink) -> Result<(), Unreadable> {
        if let Some(groups) = &mut self.groups {
            return groups.push(bytes, sink);
        }
        if self.held.len().saturating_add(bytes.len()) > self.limits.parquet_bytes {
            return Err(self.unsaid.take().unwrap_or_else(|| {
                Unreadable::new(format!(
                    "the Parquet file has more than {} bytes, which is as much as is held of one that is packed; put it down as it is, or write several smaller ones",
                    self.limits.parquet_bytes
                ))
            }));
        }
        self.held.extend_from_slice(bytes);
        Ok(())
    }

    /// Reads the rest of the rows of the file, which ends here.
    pub(crate) fn finish(&mut self, sink: &mut impl RecordSink) -> Result<(), Unreadable> {
        if let Some(groups) = &mut self.groups {
            return groups.finish(sink);
        }
        let held = Bytes::from(std::mem::take(&mut self.held));
        if held.is_empty() {
            return Ok(());
        }
        if !held.starts_with(MAGIC) {
            return Err(no_parquet());
        }
        let file = File::new(metadata(&held)?, &self.roots)?;
        file.check_size(self.limits)?;
        let (held, mut rows) = (Arc::new(held), Rows::default());
        (0..file.metadata.num_row_groups()).try_for_each(|group| rows.read(&file, group, &held, sink))
    }
}

fn no_parquet() -> Unreadable {
    Unreadable::new("it is no Parquet: it does not begin with PAR1")
}

/// How many bytes describe the file that ends so; `None` if it is no Parquet.
fn described(end: &[u8]) -> Option<usize> {
    let length = end.strip_suffix(MAGIC)?.last_chunk::<4>()?;
    usize::try_from(u32::from_le_bytes(*length)).ok()
}

/// What stands at the end of the file; the bytes may be its last ones alone.
fn metadata(bytes: &Bytes) -> Result<ParquetMetaData, Unreadable> {
    guarded(|| ParquetMetaDataReader::new().parse_and_finish(bytes))
}

/// What a file says of itself.
struct File {
    metadata: ParquetMetaData,
    /// The columns in use.
    schema: Type,
}

impl File {
    fn new(metadata: ParquetMetaData, roots: &[String]) -> Result<Self, Unreadable> {
        let schema = projected(metadata.file_metadata().schema(), roots)?;
        Ok(Self { metadata, schema })
    }

    /// Whether a column is in use, by the first part of its path.
    fn uses(&self, column: &parquet::file::metadata::ColumnChunkMetaData) -> bool {
        let root = column.column_path().parts().first();
        root.is_some_and(|root| self.schema.get_fields().iter().any(|field| field.name() == root))
    }

    /// What the file says of its size is not to be believed without bound.
    fn check_size(&self, limits: Limits) -> Result<(), Unreadable> {
        let columns = self.metadata.row_groups().iter().flat_map(|group| group.columns());
        let bytes = columns
            .filter(|column| self.uses(column))
            .try_fold(0_u64, |all, column| all.checked_add(u64::try_from(column.uncompressed_size()).ok()?));
        match bytes.filter(|bytes| *bytes <= limits.decoded_bytes) {
            Some(_) => Ok(()),
            None => Err(Unreadable::new(format!(
                "the Parquet file holds more than {} bytes in the columns in use, which is as much as is read from one object",
                limits.decoded_bytes
            ))),
        }
    }
}

/// Rows on their way out, over all groups of a file.
#[derive(Default)]
struct Rows {
    /// How many there were.
    read: u64,
    text: String,
}

impl Rows {
    /// Reads all rows of a group.
    fn read<R: ChunkReader + 'static>(
        &mut self,
        file: &File,
        group: usize,
        bytes: &Arc<R>,
        sink: &mut impl RecordSink,
    ) -> Result<(), Unreadable> {
        let Some(described) = file.metadata.row_groups().get(group) else { return Ok(()) };
        let pages = file.metadata.page_index_for_row_group(group);
        let properties = Arc::new(ReaderProperties::builder().build());
        let reader = guarded(|| SerializedRowGroupReader::new(Arc::clone(bytes), described, pages, properties))?;
        let mut rows = guarded(|| RowIter::from_row_group(Some(file.schema.clone()), &reader))?;
        while let Some(row) = guarded(|| rows.next().transpose())? {
            self.read += 1;
            self.text.clear();
            text::put_row(&mut self.text, &row, Some(&file.schema)).map_err(|_| unwritten())?;
            sink.record(Raw { bytes: self.text.as_bytes(), line: self.read, offset: 0 })?;
        }
        Ok(())
    }
}

fn unwritten() -> Unreadable {
    Unreadable::new("a row cannot be written as text")
}

/// The first rows of a whole file with all their columns, as JSON.
///
/// # Errors
/// [`Unreadable`] where it is damaged, or ends before its end.
pub(crate) fn first_rows(bytes: &[u8], most: usize) -> Result<Vec<serde_json::Value>, Unreadable> {
    let held = Arc::new(Bytes::from(bytes.to_owned()));
    let metadata = metadata(&held)?;
    let schema = metadata.file_metadata().schema().clone();
    let (mut values, mut written) = (Vec::new(), String::new());
    for (group, described) in metadata.row_groups().iter().enumerate() {
        let pages = metadata.page_index_for_row_group(group);
        let properties = Arc::new(ReaderProperties::builder().build());
        let reader = guarded(|| SerializedRowGroupReader::new(Arc::clone(&held), described, pages, properties))?;
        let mut rows = guarded(|| RowIter::from_row_group(None, &reader))?;
        while values.len() < most {
            let Some(row) = guarded(|| rows.next().transpose())? else { break };
            written.clear();
            text::put_row(&mut written, &row, Some(&schema)).map_err(|_| unwritten())?;
            values.extend(serde_json::from_str::<serde_json::Value>(&written));
        }
    }
    Ok(values)
}

/// The library panics over some damaged files; that is the file's fault and not the process's.
fn guarded<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, Unreadable> {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)) {
        Ok(read) => read.map_err(broken),
        Err(_) => Err(Unreadable::new("the Parquet file cannot be read: it is damaged")),
    }
}

fn broken(error: ParquetError) -> Unreadable {
    Unreadable::new(format!("the Parquet file cannot be read: {error}"))
}

/// The schema with the columns in use alone; with the first one where none is.
fn projected(schema: &Type, roots: &[String]) -> Result<Type, Unreadable> {
    let used = |field: &&TypePtr| roots.iter().any(|root| root == field.name());
    let mut fields: Vec<_> = schema.get_fields().iter().filter(used).cloned().collect();
    if fields.is_empty() {
        fields.extend(schema.get_fields().first().cloned());
    }
    Type::group_type_builder(schema.name()).with_fields(fields).build().map_err(broken)
}
