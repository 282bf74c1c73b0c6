//! Why a tree could not be read into a type: serde's complaints in words for people, with their place.

use std::fmt::{self, Display, Formatter};

use serde::de::{self, Expected, Unexpected};

use super::tree::{Span, field, item};
use crate::near;

/// A complaint about one value.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    /// The innermost place known; none until a value on the way out adds its own.
    pub(crate) span: Option<Span>,
    pub(crate) kind: Kind,
    /// From the inside outwards.
    steps: Vec<Step>,
}

/// What a complaint is about, where that makes a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A field that is not known.
    Unknown,
    /// A field that is not there.
    Missing,
    /// Anything else.
    Other,
}

#[derive(Debug)]
pub(crate) enum Step {
    Field(String),
    Item(usize),
}

impl Fault {
    pub(crate) fn new(message: String, hint: Option<String>) -> Self {
        Self { message, hint, span: None, kind: Kind::Other, steps: Vec::new() }
    }

    /// Gives the complaint a place unless it has a more precise one.
    pub(crate) fn at(mut self, span: Span) -> Self {
        self.span.get_or_insert(span);
        self
    }

    /// Notes that the complaint lies within the field `name`.
    pub(crate) fn in_field(mut self, name: &str) -> Self {
        self.steps.push(Step::Field(name.to_owned()));
        self
    }

    /// Notes that the complaint lies within item `index`.
    pub(crate) fn in_item(mut self, index: usize) -> Self {
        self.steps.push(Step::Item(index));
        self
    }

    /// The way to the complaint, from the outside inwards.
    pub(crate) fn way(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().rev()
    }

    /// The path of the complaint below `base`.
    pub(crate) fn path(&self, base: &str) -> String {
        self.steps.iter().rev().fold(base.to_owned(), |path, step| match step {
            Step::Field(name) => field(&path, name),
            Step::Item(index) => item(&path, *index),
        })
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

/// What to do where records only say that something began or ended.
const PAIRS: &str = "where both ends stand in one record use `between(start, end)`; for how many there are at a time `kind: change` with 1 and -1";

impl de::Error for Fault {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(message.to_string(), None)
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let hint = match found {
            Unexpected::Str(text) => text_hint(text, &expected.to_string()),
            _ => None,
        };
        Self::new(format!("expected {}, found {}", wanted(expected), seen(found)), hint)
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        if variant == "state" && expected.contains(&"cumulative") {
            return Self::new(
                "`kind: state`, the time between a start and a stop in two records, is not supported".to_owned(),
                Some(PAIRS.to_owned()),
            );
        }
        let hint = near::hint(variant, "possible here", expected.iter().copied());
        Self::new(format!("`{variant}` is not possible here"), hint)
    }

    fn unknown_field(name: &str, expected: &'static [&'static str]) -> Self {
        let hint = if name == "<<" {
            Some("merge keys are not part of YAML 1.2; write the fields out".to_owned())
        } else {
            near::hint(name, "fields here", expected.iter().copied())
        };
        Self { kind: Kind::Unknown, ..Self::new(format!("there is no field `{name}` here"), hint) }
    }

    fn missing_field(name: &'static str) -> Self {
        let missing = Self::new(format!("the field `{name}` is missing"), Some(format!("add `{name}: …`")));
        Self { kind: Kind::Missing, ..missing }
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::new(format!("the field `{name}` is given twice"), Some("keep one of them".to_owned()))
    }
}

/// What serde wanted, in words of YAML rather than of Rust.
fn wanted(expected: &dyn Expected) -> String {
    let text = expected.to_string();
    match text.as_str() {
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number, zero or more".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        "a string" => "text".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "fields (`key: value`)".to_owned(),
        other if other.starts_with("struct ") => "fields (`key: value`)".to_owned(),
        other if other.starts_with("enum ") || other.contains(" enum ") => "one of several forms".to_owned(),
        other => other.to_owned(),
    }
}

fn seen(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Str(text) => format!("`{text}`"),
        Unexpected::Bool(truth) => format!("`{truth}`"),
        Unexpected::Unsigned(number) => format!("`{number}`"),
        Unexpected::Signed(number) => format!("`{number}`"),
        Unexpected::Unit => "nothing".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "fields (`key: value`)".to_owned(),
        other => other.to_string(),
    }
}

fn text_hint(text: &str, expected: &str) -> Option<String> {
    let truth = matches!(text.to_lowercase().as_str(), "yes" | "no" | "on" | "off" | "y" | "n");
    let digits = text.trim_start_matches('0');
    let octal = digits.len() < text.len() && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match expected {
        "a boolean" if truth => Some("write `true` or `false`".to_owned()),
        "u32" | "u64" | "i64" | "usize" if octal => Some(format!("write it without the leading zero: `{digits}`")),
        _ => None,
    }
}
