//! From usage files of any layout to tallies, by a mapping and without code.
//!
//! ```text
//! bytes ─ decode ─► text ─ split ─► records ─ json, row ─► fields ─ expression, moment ─► events ─► tally
//! ```
//!
//! A [`SourceSpec`] is what the catalogue says; [`SourceSpec::compile`] makes a [`Source`] of it or
//! says what is wrong; a [`Translator`] takes an object's bytes in pieces of any size and gives a
//! [`Translation`]. Pure: the same bytes and the same mapping give the same tally, whatever the
//! pieces. Never rounds, never guesses, and loses no record: each one is tallied, filtered or
//! rejected with a reason. Knows no store, no clock, no customer and no price.

mod carry;
mod column;
mod compile;
mod condition;
mod cut;
mod decode;
mod duration;
mod element;
mod error;
mod event_id;
mod exposition;
mod expression;
mod field;
mod json;
mod label;
mod lex;
mod limits;
mod moment;
mod near;
mod number;
mod numeral;
mod packing;
mod pairs;
mod parquet;
mod part;
mod pattern;
mod quantity;
mod reject;
mod row;
mod scan;
mod sniff;
mod source;
pub mod spec;
mod split;
mod translate;
mod unit;

pub use error::{SpecError, Unreadable};
pub use event_id::EventId;
pub use limits::Limits;
pub use pattern::Tags;
pub use reject::{Reject, RejectEntry};
pub use sniff::propose;
pub use source::{Source, WholeOf};
pub use spec::{Delivery, OnChange, SourceSpec};
pub use translate::{ObjectContext, Seen, Shown, Translation, Translator, Watch};
