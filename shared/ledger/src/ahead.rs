//! An object's bytes in order, with the parts to come already on their way.
//!
//! Owns how much of an object is asked for at a time and how much is held; knows nothing of what
//! the bytes say. Which part arrives first changes nothing.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use sha2::{Digest, Sha256};

use crate::names;
use crate::ports::{Blobs, Bucket, ObjectMeta, Read, StoreError};

/// How a large object is read. Memory is bounded by `bytes` times one more than `ahead`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    /// Bytes of one request.
    pub(crate) bytes: u64,
    /// How many requests are under way at once, or answered and not yet taken.
    pub(crate) ahead: usize,
    /// How often a part is asked for.
    pub(crate) attempts: usize,
}

impl Parts {
    /// Six connections fetch more in a second than is translated in it.
    pub(crate) const USUAL: Self = Self { bytes: 4 << 20, ahead: 6, attempts: 3 };
}

/// The parts of an object, in order.
pub(crate) struct Ahead<'a, P> {
    ports: &'a P,
    bucket: Bucket,
    meta: &'a ObjectMeta,
    parts: Parts,
    /// Where the first part begins that was not asked for.
    next: u64,
    coming: VecDeque<Part<'a>>,
}

enum Part<'a> {
    Coming(Pin<Box<dyn Future<Output = Answer> + Send + 'a>>),
    Here(Answer),
}

/// The bytes; `None` where the object is another by now, or shorter than it was said to be.
type Answer = Result<Option<Vec<u8>>, StoreError>;

impl<'a, P: Blobs + Sync> Ahead<'a, P> {
    /// From the first byte on of the object that has this etag.
    pub(crate) fn new(ports: &'a P, bucket: Bucket, meta: &'a ObjectMeta, parts: Parts) -> Self {
        Self { ports, bucket, meta, parts, next: 0, coming: VecDeque::new() }
    }

    /// The next bytes, or none where the object ends; `None` in their stead when it has changed, or
    /// has not the size that it was said to have.
    ///
    /// # Errors
    /// [`StoreError`] when a part could not be had however often it was asked for.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        self.ask();
        if self.coming.is_empty() {
            return Ok(Some(Vec::new()));
        }
        poll_fn(|context| self.poll(context)).await
    }

    /// Asks for as many parts as may be under way.
    fn ask(&mut self) {
        while self.coming.len() < self.parts.ahead.max(1) && self.next < self.meta.size {
            let length = self.parts.bytes.max(1).min(self.meta.size.saturating_sub(self.next));
            let part = part(self.ports, self.bucket, self.meta, (self.next, length), self.parts.attempts);
            self.coming.push_back(Part::Coming(Box::pin(part)));
            self.next = self.next.saturating_add(length);
        }
    }

    /// All parts go on; the first one is handed out.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Answer> {
        for part in &mut self.coming {
            if let Part::Coming(coming) = part
                && let Poll::Ready(answer) = coming.as_mut().poll(context)
            {
                *part = Part::Here(answer);
            }
        }
        match self.coming.pop_front() {
            Some(Part::Here(answer)) => Poll::Ready(answer),
            Some(coming @ Part::Coming(_)) => {
                self.coming.push_front(coming);
                Poll::Pending
            }
            None => Poll::Ready(Ok(Some(Vec::new()))),
        }
    }
}

/// One part, asked for again while what went wrong may pass.
async fn part<P: Blobs + Sync>(
    ports: &P,
    bucket: Bucket,
    meta: &ObjectMeta,
    (offset, length): (u64, u64),
    attempts: usize,
) -> Answer {
    let mut left = attempts;
    loop {
        left = left.saturating_sub(1);
        match ports.read(bucket, &meta.key, &meta.etag, offset, length).await {
            Ok(Read::Bytes(bytes)) => {
                let whole = u64::try_from(bytes.len()).is_ok_and(|got| got == length);
                return Ok(whole.then_some(bytes));
            }
            Ok(Read::Changed) => return Ok(None),
            Err(error) if error.retryable && left > 0 => {}
            Err(error) => return Err(error),
        }
    }
}

/// The last `length` bytes of the object; `None` if it has changed.
pub(crate) async fn last<P: Blobs + Sync>(ports: &P, bucket: Bucket, meta: &ObjectMeta, length: u64) -> Answer {
    let length = length.min(meta.size);
    part(ports, bucket, meta, (meta.size.saturating_sub(length), length), Parts::USUAL.attempts).await
}

/// SHA-256 of the object's bytes; `None` if it has changed.
pub(crate) async fn hash<P: Blobs + Sync>(
    ports: &P,
    bucket: Bucket,
    meta: &ObjectMeta,
) -> Result<Option<String>, StoreError> {
    let mut hasher = Sha256::new();
    let mut ahead = Ahead::new(ports, bucket, meta, Parts::USUAL);
    while let Some(bytes) = ahead.next().await? {
        if bytes.is_empty() {
            return Ok(Some(names::hex(&hasher.finalize())));
        }
        hasher.update(&bytes);
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
