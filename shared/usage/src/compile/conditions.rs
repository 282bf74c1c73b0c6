//! `where`.

use regex::Regex;

use super::text;
use crate::condition::{Condition, Test};
use crate::error::SpecError;
use crate::field::Scope;
use crate::spec::{ConditionSpec, OneOrMany, Scalar};

/// Compiles the conditions that stand at `path`.
pub(super) fn compile(
    path: &str,
    specs: &OneOrMany<ConditionSpec>,
    scope: &mut Scope<'_>,
) -> Result<Vec<Condition>, SpecError> {
    let single = specs.0.len() == 1;
    let mut conditions = Vec::new();
    for (i, spec) in specs.0.iter().enumerate() {
        // A single condition may be written without a list: its place is then that of `where`.
        let path = if single { path.to_owned() } else { format!("{path}[{i}]") };
        let field = text(&format!("{path}.field"), &spec.field, scope)?;
        conditions.push(Condition { field, test: test(&path, spec)? });
    }
    Ok(conditions)
}

fn test(path: &str, spec: &ConditionSpec) -> Result<Test, SpecError> {
    let texts = |scalars: &[Scalar]| scalars.iter().map(|text| text.0.clone()).collect();
    let mut tests = Vec::new();
    if let Some(text) = &spec.equals {
        tests.push(Test::In(vec![text.0.clone()]));
    }
    if !spec.not.is_empty() {
        tests.push(Test::NotIn(texts(&spec.not.0)));
    }
    if let Some(list) = &spec.one_of {
        tests.push(Test::In(texts(list)));
    }
    if let Some(present) = spec.present {
        tests.push(Test::Present(present));
    }
    if let Some(absent) = spec.absent {
        tests.push(Test::Present(!absent));
    }
    if let Some(pattern) = &spec.pattern {
        let regex = Regex::new(pattern);
        tests.push(Test::Pattern(regex.map_err(|error| {
            SpecError::new(format!("{path}.pattern"), format!("`{pattern}` is no regular expression: {error}"))
        })?));
    }
    match (tests.pop(), tests.is_empty()) {
        (Some(test), true) => Ok(test),
        _ => Err(SpecError::new(path, "a condition asks exactly one thing of its field")
            .hint("use one of `equals`, `not`, `in`, `present`, `absent`, `pattern`; several conditions are a list, and all must hold")),
    }
}
