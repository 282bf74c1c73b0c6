//! The protocol: how usage is counted exactly once on a platform that delivers at least once.
//!
//! Never add to a counter. What each file contributes is stored once, under a key derived from
//! the file; every total is derived by re-reading; the total is checked against a listing of the
//! bucket before money moves; what is billed is the difference from what was already billed.
//!
//! Every function here is decode → decide → apply over the [`ports`], may run any number of times
//! at once, and may be cut off at any await.

pub mod aggregate;
mod ahead;
pub mod attention;
pub mod audit;
pub mod by_deployment;
pub mod charges;
pub mod compare;
pub mod configuration;
pub mod correlate;
pub mod counted;
mod document;
pub mod error;
pub mod explain;
pub mod file;
pub mod gaps;
mod inputs;
pub mod invoice;
pub mod lifecycle;
pub mod manifest;
mod marks;
pub mod memory;
pub mod names;
mod once;
pub mod ownership;
mod packed;
pub mod ports;
pub mod reason;
pub mod redrive;
mod replaced;
pub mod restate;
pub mod seal;
pub mod snapshot;
pub mod sweep;
pub mod taxation;
pub mod translate;
pub mod verify;
pub mod waive;
pub mod worth;
pub mod write_off;
