//! Marks out of objects that follow each other, a piece in memory at a time.

use metering::mark::{Mark, Reader};

use super::READ_BYTES;
use crate::error::LedgerError;
use crate::ports::{Bucket, ObjectMeta, Ports, Read};

/// A place in some objects.
pub(super) struct Cursor<'p, P> {
    ports: &'p P,
    objects: std::vec::IntoIter<String>,
    open: Option<(ObjectMeta, u64)>,
    reader: Reader,
}

impl<'p, P: Ports> Cursor<'p, P> {
    pub(super) fn new(ports: &'p P, objects: Vec<String>) -> Self {
        Self { ports, objects: objects.into_iter(), open: None, reader: Reader::default() }
    }

    /// The next mark; none after the last.
    pub(super) async fn next_mark(&mut self) -> Result<Option<Mark>, LedgerError> {
        loop {
            if let Some(mark) = self.reader.next_mark().map_err(|_| self.damaged())? {
                return Ok(Some(mark));
            }
            if !self.read_on().await? && !self.open_next().await? {
                return Ok(None);
            }
        }
    }

    fn damaged(&self) -> LedgerError {
        LedgerError::Missing(self.open.as_ref().map_or_else(String::new, |(meta, _)| meta.key.clone()))
    }

    /// Reads the next piece of the open object; false at its end.
    async fn read_on(&mut self) -> Result<bool, LedgerError> {
        let Some((meta, offset)) = &mut self.open else { return Ok(false) };
        if *offset >= meta.size {
            return Ok(false);
        }
        let read = self.ports.read(Bucket::Work, &meta.key, &meta.etag, *offset, READ_BYTES).await?;
        let Read::Bytes(bytes) = read else { return Err(self.damaged()) };
        if bytes.is_empty() {
            return Err(self.damaged());
        }
        *offset = offset.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.reader.push(&bytes);
        Ok(true)
    }

    /// Begins the next object; false after the last.
    async fn open_next(&mut self) -> Result<bool, LedgerError> {
        if !self.reader.is_done() {
            return Err(self.damaged());
        }
        let Some(key) = self.objects.next() else { return Ok(false) };
        let meta = self.ports.head(Bucket::Work, &key).await?.ok_or(LedgerError::Missing(key))?;
        self.open = Some((meta, 0));
        Ok(true)
    }
}
