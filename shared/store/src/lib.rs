//! The adapters behind the ledger's ports, and nothing of the protocol.
//!
//! [`aws`] talks to DynamoDB, S3 and SQS. [`embedded`] keeps tables in one file and objects in
//! folders, for a laptop, with no server. Both are [`Assembled`] from one adapter per port, so a
//! mixture (tables here, objects there) is a type and not a program.
//!
//! The behaviour is the ports', held by one conformance suite over every implementation. Whatever
//! a caller could get wrong everywhere (an empty sort key, a body too large, an item twice in a
//! transaction) is refused here alike, before any store is asked: see [`limits`].

mod assembled;
pub mod aws;
mod clock;
pub mod embedded;
pub mod limits;

pub use assembled::Assembled;
pub use clock::{NoRandomness, SystemClock};
