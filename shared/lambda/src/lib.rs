//! What the four functions share at the edge: decoding events, reading the environment, holding
//! the catalogue, and telling Lambda what failed. Decides nothing about usage or money.

pub mod batch;
pub mod context;
pub mod events;
pub mod failure;
mod serve;

pub use context::{Context, Function};
pub use failure::Failure;
pub use serve::serve;
