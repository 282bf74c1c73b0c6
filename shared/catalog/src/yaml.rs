//! YAML as people write it by hand: every value knows its place, and nothing is guessed.
//!
//! - [`parse`] turns a file's text into marked trees (one per document).
//! - [`decode`] reads a tree into a typed value through serde.
//!
//! Scalars follow YAML 1.2, and stricter: only `true`, `false`, `null`, `~` and plain whole numbers without
//! leading zeros are more than text. `NO`, `on`, `012`, `0x10`, `1_000`, dates and decimals stay the text that
//! was written, so that no quantity or price ever passes through a float.

mod decode;
mod fault;
mod parse;
mod tree;

pub(crate) use decode::decode;
pub(crate) use fault::{Fault, Kind};
pub(crate) use parse::parse;
pub(crate) use tree::{Key, Node, Value, field, item, without};

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]
mod tests;
