//! What usage costs: components, plans and the pure, exact function from quantities to lines.
//!
//! Owns amounts and currencies, the shape of prices in the catalogue, and rating. Never reads a clock,
//! a file or a network, never uses floating point, and rounds each line exactly once.

mod money;

pub use money::{Amount, Currency, MoneyError};
