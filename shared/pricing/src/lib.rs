//! What usage costs: components, plans and the pure, exact function from quantities to lines.
//!
//! Owns amounts and currencies, the shape of prices in the catalogue, and rating. Never reads a clock,
//! a file or a network, never uses floating point, and rounds each line exactly once.

mod agreed;
mod agreement;
mod allocate;
mod around;
mod charge;
mod compile;
mod credit;
mod day;
mod decimal;
mod example;
mod fee;
mod history;
mod line;
mod model;
mod money;
mod offer;
mod plan;
pub mod price;
mod price_list;
mod price_spec;
mod prorate;
mod prorate_spec;
mod rate;
mod recurrence;
mod rule;
mod ruling;
mod schema;
mod sentence;
mod spec;
mod subscription_spec;
mod tax;
pub mod text;
mod usage;

pub use agreement::{Agreement, Stretch, UsageWithin, agreement_in_advance, rate_agreement};
pub use allocate::allocate;
pub use around::{Around, Bound, BoundSpec, Commitment, CommitmentSpec, Counts, Discount, DiscountSpec, Off};
pub use compile::slug;
pub use credit::{CREDIT, Credit, CreditSpec, draw};
pub use day::Day;
pub use decimal::{Decimal, DecimalError, FRACTION_DIGITS, WHOLE_DIGITS};
pub use example::{Amounts, ExampleSpec, Given, GivenUsage, GivenUsages, Moment, Scenario, Written};
pub use fee::{ChangeRounding, Fee, OneTimeSpec, PerEach, RecurringSpec};
pub use history::History;
pub use line::{RatedKind, RatedLine, RatedStep};
pub use money::{Amount, Currency, MoneyError};
pub use offer::{CouponMonths, CouponSpec, Lasts, Offer, Phase, PhaseSpec, Phased, TrialUsage};
pub use plan::{Component, Plan};
pub use price::{ByAttribute, Meter, Price};
pub use price_list::{Money, Prices};
pub use price_spec::{
    Beyond, BucketCommitmentSpec, MatrixRowSpec, MonthLength, Otherwise, Packages, Per, PriceSpec, RoundEach,
    RoundQuantitySpec, RuleSpec, Texts, TierBy, TierSpec, Unspent, ZeroUsage,
};
pub use prorate_spec::{DayCount, Prorate};
pub use rate::{
    BeyondTiers, NoRule, RateError, RatingInput, RuleFailure, Term, Unfitting, Unpriced, fees_in_advance, rate,
    rate_amounts,
};
pub use recurrence::{Anchor, Cycle, Every};
pub use rule::{Name, Untold};
pub use sentence::Sentence;
pub use spec::{Billed, ComponentSpec, Existing, PlanComponentSpec, PlanSpec, SpecError};
pub use subscription_spec::{AddOnSpec, ChangeSpec, RedeemedSpec};
pub use tax::{
    Exempt, ExemptSpec, Jurisdiction, JurisdictionSpec, PricesSpec, Rate, RateSpec, ReverseChargeSpec, STANDARD,
    TaxCode, TaxDate, TaxDays, TaxError, TaxRule, TaxStatus, Taxpayer, TaxpayerSpec, Treatment, by_treatment,
};
pub use usage::{Metered, StreamUsage, Usage, UsageError};
