//! Conditions of prices in the Common Expression Language, over what is known when a line is rated.
//!
//! The library `cel` reads and evaluates them. What it has not is here: every name and type is checked when the
//! catalogue is loaded, and numbers are exact. A literal such as `0.1` would be a binary fraction there; it is taken
//! from the text instead, digit by digit, and every number that a condition meets is of our own type (`number`).
//!
//! Bounded: conditions have no loops, so that evaluating one takes as long as it is written.

mod check;
mod number;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use cel::common::types::{CelBool, CelString};
use cel::common::value::Val;
use cel::parser::Expression;
use cel::{Context, Env, ExecutionError, Value};
use metering::exact::Exact;
use metering::stream::Stream;

use crate::price_spec::PriceSpec;
use number::Number;

pub(crate) use check::Names;
pub(crate) use values::{Clock, Known, Values};

/// Functions on texts; made once, as it is large.
static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// Something that a condition asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// An attribute of the customer: a text.
    Customer(String),
    /// The quantity of a stream in the period: a number in the stream's unit.
    Stream(String),
    /// A dimension of the usage: a text.
    Dimension(String),
    /// The hour of the usage in the billing zone, 0 to 23.
    Hour,
    /// The day of the week of the usage in the billing zone, 1 for Monday to 7 for Sunday.
    Weekday,
}

impl Name {
    /// As it is written, and the name of its variable.
    pub(crate) fn written(&self) -> String {
        let member = |of: &str, name: &str| {
            let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if plain { format!("{of}.{name}") } else { format!("{of}[\"{name}\"]") }
        };
        match self {
            Self::Customer(name) => member("customer", name),
            Self::Stream(name) => member("stream", name),
            Self::Dimension(name) => member("dimension", name),
            Self::Hour => "time.hour".to_owned(),
            Self::Weekday => "time.weekday".to_owned(),
        }
    }

    pub(crate) fn dimension(&self) -> Option<&str> {
        match self {
            Self::Dimension(name) => Some(name),
            _ => None,
        }
    }

    /// The variable that says whether it is there.
    fn presence(&self) -> String {
        format!("has({})", self.written())
    }
}

/// A condition that has been checked.
#[derive(Clone, Debug)]
pub struct Condition {
    /// As it was written.
    pub text: String,
    /// What it asks for.
    pub names: BTreeSet<Name>,
    expression: Arc<Expression>,
    constants: Vec<Exact>,
}

/// The text says all.
impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Condition {}

/// Why a condition cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untold {
    /// A customer has no such attribute, or usage no such dimension.
    #[error("“{0}” is missing; where it may be, ask `has({0}) && …` first")]
    Missing(String),
    /// Numbers that do not fit.
    #[error("{0}")]
    Failed(String),
}

impl Condition {
    /// Whether it holds.
    ///
    /// # Errors
    /// [`Untold`].
    pub(crate) fn holds(&self, values: &Values<'_>) -> Result<bool, Untold> {
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        for (index, constant) in self.constants.iter().enumerate() {
            context.add_variable_as_val(check::constant(index), Box::new(Number(*constant)));
        }
        for name in &self.names {
            let known = values.get(name);
            context.add_variable_as_val(name.presence(), Box::new(CelBool::from(known.is_some())));
            if let Some(known) = known {
                context.add_variable_as_val(name.written(), value(known));
            }
        }
        let found = Value::resolve_val(&self.expression, &context);
        match found {
            Ok(found) => match found.downcast_ref::<CelBool>() {
                Some(holds) => Ok(*holds.inner()),
                None => Err(Untold::Failed("it is neither true nor false".to_owned())),
            },
            Err(ExecutionError::UndeclaredReference(name)) => Err(Untold::Missing(name.as_ref().clone())),
            Err(error) => Err(Untold::Failed(error.to_string())),
        }
    }
}

fn value<'v>(known: Known) -> Box<dyn Val + 'v> {
    match known {
        Known::Text(text) => Box::new(CelString::from(text)),
        Known::Number(number) => Box::new(Number(number)),
    }
}

impl PriceSpec {
    /// What its rules ask for, each with where, as in `rules[0].when`; rules that cannot be read ask for nothing.
    #[must_use]
    pub fn rule_names(&self, streams: &BTreeMap<String, Stream>) -> Vec<(String, Name)> {
        let streams = streams.iter().map(|(name, stream)| (name.clone(), stream.unit.clone())).collect();
        let names = Names { streams: &streams };
        let mut found = Vec::new();
        for (index, rule) in self.rules.iter().flatten().enumerate() {
            let condition = rule.when.as_deref().map(|text| Condition::compile(text, &names));
            let asked = condition.and_then(Result::ok).map(|condition| condition.names).into_iter().flatten();
            found.extend(asked.map(|name| (format!("rules[{index}].when"), name)));
        }
        found
    }
}
