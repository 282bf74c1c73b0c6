//! Conditions: which records count for a stream.

use metering::exact::Exact;
use regex::Regex;

use crate::expression::{Outcome, Plain, TextExpression};
use crate::field::View;

/// A compiled condition.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub(crate) field: TextExpression,
    pub(crate) test: Test,
}

/// What is asked of the field.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    /// It is one of these.
    In(Vec<String>),
    /// It is none of these; a field that is not there is none.
    NotIn(Vec<String>),
    /// It is there and not absent, or the contrary.
    Present(bool),
    /// It matches somewhere.
    Pattern(Regex),
}

impl Condition {
    /// Whether the record meets it.
    ///
    /// # Errors
    /// In words, where the field is an object or an array.
    pub(crate) fn holds(&self, view: View<'_>, absent: &[String]) -> Result<bool, String> {
        if let Test::Present(wanted) = self.test {
            return Ok(is_present(&self.field, view, absent) == wanted);
        }
        // Texts that mean nothing elsewhere are texts here: `not: "-"` must be able to name them.
        let found = match self.field.find(view, &[])? {
            Outcome::Present(found) => Some(found),
            Outcome::Absent(_) | Outcome::Missing(_) => None,
        };
        Ok(match (&self.test, found) {
            (Test::In(texts), Some(found)) => texts.iter().any(|text| equal(found, text)),
            (Test::NotIn(texts), Some(found)) => !texts.iter().any(|text| equal(found, text)),
            (Test::NotIn(_), None) => true,
            (Test::Pattern(pattern), Some(found)) => pattern.is_match(found.text),
            (Test::In(_) | Test::Pattern(_) | Test::Present(_), _) => false,
        })
    }
}

/// An object or an array is there, too.
fn is_present(field: &TextExpression, view: View<'_>, absent: &[String]) -> bool {
    !matches!(field.find(view, absent), Ok(Outcome::Absent(_) | Outcome::Missing(_)))
}

/// Numbers of JSON are compared by value, so that 1.0 is 1; everything else by its text.
fn equal(found: Plain<'_>, text: &str) -> bool {
    let by_value = || matches!((Exact::parse(found.text), Exact::parse(text)), (Ok(a), Ok(b)) if a == b);
    found.text == text || (found.number && by_value())
}
