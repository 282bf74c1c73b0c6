//! The queue in memory. A process that ends forgets it; the sweep finds what was forgotten.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use ledger::ports::{Queue, StoreError};

/// Keys that wait for translation, in the order in which they came.
///
/// Clones share one queue. A key taken by [`LocalQueue::receive`] is gone: whoever takes it and
/// fails gives it back, or leaves it to the sweep.
#[derive(Clone, Debug)]
pub struct LocalQueue {
    waiting: Arc<Mutex<VecDeque<String>>>,
    capacity: usize,
}

impl LocalQueue {
    /// An empty queue for at most `capacity` keys.
    pub fn new(capacity: usize) -> Self {
        Self { waiting: Arc::default(), capacity }
    }

    /// Takes at most `most` keys, those first that have waited longest.
    pub fn receive(&self, most: usize) -> Vec<String> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = most.min(waiting.len());
        waiting.drain(..taken).collect()
    }

    /// How many keys wait.
    pub fn len(&self) -> usize {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether no key waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Queue for LocalQueue {
    async fn enqueue(&self, key: &str) -> Result<(), StoreError> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < self.capacity {
            waiting.push_back(key.to_owned());
            return Ok(());
        }
        Err(StoreError {
            operation: "enqueue",
            subject: key.to_owned(),
            reason: format!("{} keys wait already, which is the most", self.capacity),
            retryable: true,
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[tokio::test]
    async fn keys_come_out_in_order_and_once_and_no_more_fit_than_the_capacity() {
        let queue = LocalQueue::new(3);
        for key in ["a", "b", "c"] {
            queue.clone().enqueue(key).await.unwrap();
        }
        assert!(queue.enqueue("d").await.unwrap_err().retryable);
        assert_eq!(queue.receive(2), ["a", "b"]);
        assert_eq!(queue.receive(2), ["c"]);
        assert!(queue.is_empty());
    }
}
