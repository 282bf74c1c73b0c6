//! Texts that are cut out of fields: the gigabytes in `cpu=4,mem=64G`, the beginning of an interval.

use std::collections::BTreeMap;

use regex::Regex;

use crate::expression::{Outcome, TextExpression};
use crate::field::{Found, Scope, View};
use crate::spec::{CutSpec, Scalar};

/// What fields may be cut out of others, and the texts that mean that there is no value.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cuts<'s> {
    pub(crate) specs: Option<&'s BTreeMap<String, CutSpec>>,
    pub(crate) absent: &'s [Scalar],
}

/// A text that is cut out of a field.
#[derive(Clone, Debug)]
pub(crate) struct Cut {
    pub(crate) field: TextExpression,
    pattern: Regex,
    absent: Vec<String>,
}

impl Cut {
    /// Compiles what is declared under `name`.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn compile(name: &str, scope: &mut Scope<'_>) -> Result<Self, String> {
        let cuts = scope.cuts;
        let Some(spec) = cuts.specs.and_then(|specs| specs.get(name)) else {
            return Err(format!(
                "nothing is cut out under the name `{name}`; declare it under `cut`, where it cannot be made of another"
            ));
        };
        let pattern = pattern(spec)?;
        scope.cuts = Cuts::default();
        let field = TextExpression::compile(&spec.field, scope);
        scope.cuts = cuts;
        Ok(Self { field: field?, pattern, absent: cuts.absent.iter().map(|text| text.0.clone()).collect() })
    }

    /// What the pattern matches: nothing where it does not match, null where there is no text.
    pub(crate) fn find<'r>(&'r self, view: View<'r>) -> Found<'r> {
        match self.field.find(view, &self.absent) {
            Ok(Outcome::Present(found)) => first_group(&self.pattern, found.text).map_or(Found::Missing, Found::Text),
            Ok(Outcome::Absent(_)) => Found::Null,
            Ok(Outcome::Missing(_)) => Found::Missing,
            Err(_) => Found::Unclear("it is cut out of what is no single text"),
        }
    }
}

/// The regular expression of a cut.
///
/// # Errors
/// In words.
pub(crate) fn pattern(spec: &CutSpec) -> Result<Regex, String> {
    Regex::new(&spec.pattern).map_err(|error| format!("it is no regular expression: {error}"))
}

/// What the first group matched, or all if there is no group.
pub(crate) fn first_group<'t>(pattern: &Regex, text: &'t str) -> Option<&'t str> {
    if pattern.captures_len() == 1 {
        return pattern.find(text).map(|found| found.as_str());
    }
    pattern.captures(text)?.get(1).map(|found| found.as_str())
}
