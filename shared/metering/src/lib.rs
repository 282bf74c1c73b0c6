//! What was used, when, by whom: exactly.
//!
//! Owns quantities ([`exact`]), time and billing periods ([`time`], [`period`]), the rules of a
//! stream ([`stream`]), the mergeable contents of a cell ([`state`]), what one file contributed
//! ([`tally`]), event by event where events have ids ([`mark`]), what a slot adds up to ([`rollup`]) and what a customer used in a period
//! ([`measure`]), told apart as prices ask for it ([`select`]). Knows no file format, no price, no store, no clock.

pub mod exact;
pub mod mark;
pub mod measure;
pub mod period;
pub mod rollup;
mod schema;
pub mod select;
pub mod state;
pub mod stream;
pub mod tally;
pub mod time;
