//! Tests
pub mod counting;
