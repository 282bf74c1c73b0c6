//! What every store refuses alike, so that what works on a laptop works on AWS.

use std::collections::BTreeSet;

use ledger::ports::{Bucket, Condition, Effect, Key, StoreError, Table, Write};

/// The largest body of an item, in bytes. DynamoDB's own limit for an item is 400 KB.
pub const BODY_BYTES: usize = 300 * 1024;
/// The most writes in one transaction.
pub const TRANSACTION_WRITES: usize = 100;
/// The longest partition key, in bytes.
pub const PARTITION_BYTES: usize = 2048;
/// The longest sort key, in bytes.
pub const SORT_BYTES: usize = 1024;
/// The longest key of an object, in bytes.
pub const OBJECT_KEY_BYTES: usize = 1024;

/// `table partition/sort`, for the subject of an error.
pub(crate) fn item_subject(table: Table, partition: &str, sort: &str) -> String {
    format!("{table:?} {partition}/{sort}")
}

/// `bucket key`, for the subject of an error.
pub(crate) fn object_subject(bucket: Bucket, key: &str) -> String {
    format!("{bucket:?} {key}")
}

fn refuse(operation: &'static str, subject: String, reason: impl Into<String>) -> StoreError {
    StoreError { operation, subject, reason: reason.into(), retryable: false }
}

/// Whether a key can name an item.
pub(crate) fn check_key(operation: &'static str, table: Table, key: &Key) -> Result<(), StoreError> {
    let reason = if key.partition.is_empty() || key.sort.is_empty() {
        "a key has a part that is empty"
    } else if key.partition.len() > PARTITION_BYTES || key.sort.len() > SORT_BYTES {
        "a key is longer than 2048 (partition) or 1024 (sort) bytes"
    } else {
        return Ok(());
    };
    Err(refuse(operation, item_subject(table, &key.partition, &key.sort), reason))
}

/// Whether a write can be asked for at all.
pub(crate) fn check_write(operation: &'static str, write: &Write) -> Result<(), StoreError> {
    check_key(operation, write.table, &write.key)?;
    let put = match &write.effect {
        Effect::Put(item) => item.body.len(),
        Effect::Delete => 0,
    };
    let expected = match &write.condition {
        Condition::Body(body) => body.len(),
        Condition::Always | Condition::Absent | Condition::Revision(_) => 0,
    };
    let bytes = put.max(expected);
    if bytes <= BODY_BYTES {
        return Ok(());
    }
    let subject = item_subject(write.table, &write.key.partition, &write.key.sort);
    Err(refuse(operation, subject, format!("a body of {bytes} bytes; at most {BODY_BYTES} can be stored")))
}

/// Whether a transaction can be asked for at all.
pub(crate) fn check_transaction(operation: &'static str, writes: &[Write]) -> Result<(), StoreError> {
    if writes.len() > TRANSACTION_WRITES {
        let reason = format!("{} writes in one transaction; at most {TRANSACTION_WRITES}", writes.len());
        return Err(refuse(operation, "transaction".to_owned(), reason));
    }
    let mut seen = BTreeSet::new();
    for write in writes {
        check_write(operation, write)?;
        if !seen.insert((write.table, &write.key)) {
            let subject = item_subject(write.table, &write.key.partition, &write.key.sort);
            return Err(refuse(operation, subject, "the same item twice in one transaction"));
        }
    }
    Ok(())
}

/// Whether a key can name an object.
pub(crate) fn check_object_key(operation: &'static str, bucket: Bucket, key: &str) -> Result<(), StoreError> {
    if !key.is_empty() && key.len() <= OBJECT_KEY_BYTES {
        return Ok(());
    }
    let reason = format!("a key has 1 to {OBJECT_KEY_BYTES} bytes, this one {}", key.len());
    Err(refuse(operation, object_subject(bucket, key), reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(partition: &str, sort: &str, body: usize) -> Write {
        Write::create(Table::Ledger, Key::new(partition, sort), "x".repeat(body))
    }

    #[test]
    fn a_write_is_refused_for_its_key_or_its_size() {
        let cases = [
            (write("p", "s", 0), true),
            (write("p", "s", BODY_BYTES), true),
            (write("p", "s", BODY_BYTES + 1), false),
            (write("", "s", 1), false),
            (write("p", "", 1), false),
            (write(&"p".repeat(2049), "s", 1), false),
            (write("p", &"s".repeat(1025), 1), false),
        ];
        for (write, fits) in cases {
            assert_eq!(check_write("put", &write).is_ok(), fits, "{:?}", write.key);
        }
    }

    #[test]
    fn a_transaction_is_refused_for_a_repeated_item_or_its_length() {
        let many = |n: usize| (0..n).map(|i| write("p", &format!("{i}"), 1)).collect::<Vec<_>>();
        assert!(check_transaction("transact", &many(100)).is_ok());
        assert!(check_transaction("transact", &many(101)).is_err());
        assert!(check_transaction("transact", &[write("p", "s", 1), write("p", "s", 2)]).is_err());
    }
}
