//! catalog
mod hash;
mod near;
mod problem;
mod spec;
mod yaml;
pub use problem::*;
