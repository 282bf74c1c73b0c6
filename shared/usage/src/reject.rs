//! Records that could not be translated.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;

/// A record that could not be translated, with all that a person needs to find and mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// Which record of the object it is, from 1.
    pub record: u64,
    /// The member of the bundle that holds it, where the object is a bundle.
    pub member: Option<Arc<str>>,
    /// The line of the decoded text (of the member) on which it begins, from 1.
    pub line: u64,
    /// The byte of the decoded text (of the member) at which it begins, from 0.
    pub offset: u64,
    /// What is wrong with it.
    pub reason: String,
    /// Its first bytes.
    pub bytes: Vec<u8>,
    /// How many bytes it has.
    pub length: u64,
}

/// A reject as it is written to `rejects/`, one JSON object a line.
#[derive(Clone, Debug, Serialize)]
pub struct RejectEntry<'r> {
    /// The object's key.
    pub object: &'r str,
    /// The version of the object that was read.
    pub etag: &'r str,
    /// As in [`Reject`].
    pub record: u64,
    /// As in [`Reject`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<&'r str>,
    /// As in [`Reject`].
    pub line: u64,
    /// As in [`Reject`].
    pub offset: u64,
    /// As in [`Reject`].
    pub reason: &'r str,
    /// The first bytes as text; what is not UTF-8 is replaced.
    pub text: Cow<'r, str>,
    /// How many bytes the record has.
    pub length: u64,
}

impl Reject {
    /// The entry for the reject file of the object `key` in its version `etag`.
    pub fn describe<'r>(&'r self, key: &'r str, etag: &'r str) -> RejectEntry<'r> {
        RejectEntry {
            object: key,
            etag,
            record: self.record,
            member: self.member.as_deref(),
            line: self.line,
            offset: self.offset,
            reason: &self.reason,
            text: String::from_utf8_lossy(&self.bytes),
            length: self.length,
        }
    }
}
