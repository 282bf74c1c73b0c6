//! What usage costs: components, plans and the pure, exact function from quantities to lines.
//!
//! Owns amounts and currencies, the shape of prices in the catalogue, and rating. Never reads a clock,
//! a file or a network, never uses floating point, and rounds each line exactly once.

mod compile;
mod decimal;
mod line;
mod money;
mod per_unit;
mod plan;
mod prorate;
mod rate;
mod spec;
pub mod text;

pub use decimal::{Decimal, DecimalError, FRACTION_DIGITS, WHOLE_DIGITS};
pub use line::{RatedKind, RatedLine, RatedStep};
pub use money::{Amount, Currency, MoneyError};
pub use plan::{ByAttribute, Component, Fee, Meter, PerUnit, Plan, Price};
pub use rate::{RateError, RatingInput, StreamUsage, Term, Unpriced, fees_in_advance, rate};
pub use spec::{
    Billed, ComponentSpec, Otherwise, Per, PlanComponentSpec, PlanSpec, PriceSpec, Prorate, RecurringSpec, SpecError,
};
