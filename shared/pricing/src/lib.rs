//! What usage costs: components, plans and the pure, exact function from quantities to lines.
//!
//! Owns amounts and currencies, the shape of prices in the catalogue, and rating. Never reads a clock,
//! a file or a network, never uses floating point, and rounds each line exactly once.

mod charge;
mod compile;
mod decimal;
mod line;
mod model;
mod money;
mod plan;
pub mod price;
mod price_spec;
mod prorate;
mod rate;
mod spec;
pub mod text;
mod usage;

pub use decimal::{Decimal, DecimalError, FRACTION_DIGITS, WHOLE_DIGITS};
pub use line::{RatedKind, RatedLine, RatedStep};
pub use money::{Amount, Currency, MoneyError};
pub use plan::{Component, Fee, Plan};
pub use price::{ByAttribute, Meter, Price};
pub use price_spec::{
    Beyond, MatrixRowSpec, MonthLength, Otherwise, Packages, Per, PriceSpec, RoundEach, RoundQuantitySpec, Texts,
    TierBy, TierSpec, ZeroUsage,
};
pub use rate::{BeyondTiers, RateError, RatingInput, Term, Unfitting, Unpriced, fees_in_advance, rate, rate_amounts};
pub use spec::{Billed, ComponentSpec, PlanComponentSpec, PlanSpec, Prorate, RecurringSpec, SpecError};
pub use usage::{Metered, StreamUsage, Usage, UsageError};
