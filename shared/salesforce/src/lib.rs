//! Salesforce as the place where customers and their deployments are known.
//!
//! A small client of our own: the token, `queryAll`, Bulk API 2.0 queries, collections of upserts, nothing else.
//! What is said and what an answer means is pure; only [`http`] touches the network, the clock and chance. Never
//! touches usage, and never logs a token, a secret or a record.

pub mod auth;
pub mod bulk;
pub mod client;
pub mod complaint;
pub mod correlate;
pub mod describe;
pub mod fault;
pub mod http;
pub mod limits;
pub mod query;
pub mod reading;
pub mod records;
pub mod resolve;
pub mod retry;
pub mod row;
pub mod soql;
pub mod transport;
pub mod value;
pub mod write_back;
pub mod written;

pub use catalog::salesforce::Id;
pub use client::{Client, Edge, Secrets, Settings};
pub use complaint::{Action, Complaint};
pub use fault::Fault;
