//! `where`.

use metering::exact::Exact;
use regex::Regex;

use super::text;
use crate::condition::{Bound, Condition, Test};
use crate::error::SpecError;
use crate::field::Scope;
use crate::numeral::Numerals;
use crate::spec::{ConditionSpec, Scalar};

/// Conditions in conditions go so deep.
const MAX_DEPTH: usize = 8;

const HINT: &str = "use one of `equals`, `not`, `in`, `present`, `absent`, `pattern`, or bounds (`above`, `at-least`, `below`, `at-most`); several conditions are a list, and all must hold; of those in `any: [ ]` one must";

/// Compiles the conditions that stand at `path`.
pub(super) fn compile(
    path: &str,
    specs: &[ConditionSpec],
    numerals: Numerals,
    scope: &mut Scope<'_>,
) -> Result<Vec<Condition>, SpecError> {
    let single = specs.len() == 1;
    let mut conditions = Vec::new();
    for (i, spec) in specs.iter().enumerate() {
        // A single condition may be written without a list: its place is then that of `where`.
        let path = if single { path.to_owned() } else { format!("{path}[{i}]") };
        conditions.push(condition(&path, spec, numerals, scope, MAX_DEPTH)?);
    }
    Ok(conditions)
}

fn condition(
    path: &str,
    spec: &ConditionSpec,
    numerals: Numerals,
    scope: &mut Scope<'_>,
    depth: usize,
) -> Result<Condition, SpecError> {
    let depth = depth.checked_sub(1).ok_or_else(|| SpecError::new(path, "conditions are nested too deep"))?;
    let mut nested = |field: &str, specs: &[ConditionSpec]| {
        let place = |i: usize| format!("{path}.{field}[{i}]");
        specs
            .iter()
            .enumerate()
            .map(|(i, spec)| condition(&place(i), spec, numerals, scope, depth))
            .collect::<Result<Vec<_>, _>>()
    };
    let bare = ConditionSpec { any: Vec::new(), all: Vec::new(), ..spec.clone() } == ConditionSpec::default();
    match (spec.any.is_empty(), spec.all.is_empty(), &spec.field) {
        (false, true, None) if bare => nested("any", &spec.any).map(Condition::Any),
        (true, false, None) if bare => nested("all", &spec.all).map(Condition::All),
        (true, true, Some(field)) => {
            let field = text(&format!("{path}.field"), field, scope)?;
            Ok(Condition::One(field, test(path, spec, numerals)?))
        }
        _ => Err(SpecError::new(path, "a condition has a `field` and one question, or `any`, or `all`").hint(HINT)),
    }
}

fn test(path: &str, spec: &ConditionSpec, numerals: Numerals) -> Result<Test, SpecError> {
    let texts = |scalars: &[Scalar]| scalars.iter().map(|text| text.0.clone()).collect();
    let mut tests = Vec::new();
    tests.extend(spec.equals.as_ref().map(|text| Test::In(vec![text.0.clone()])));
    tests.extend((!spec.not.is_empty()).then(|| Test::NotIn(texts(&spec.not.0))));
    tests.extend(spec.one_of.as_ref().map(|list| Test::In(texts(list))));
    tests.extend(spec.present.map(Test::Present));
    tests.extend(spec.absent.map(|absent| Test::Present(!absent)));
    tests.extend(spec.pattern.as_ref().map(|pattern| self::pattern(path, pattern)).transpose()?);
    tests.extend(bounds(path, spec)?.map(|bounds| Test::Within(bounds, numerals)));
    match (tests.pop(), tests.is_empty()) {
        (Some(test), true) => Ok(test),
        _ => Err(SpecError::new(path, "a condition asks exactly one thing of its field").hint(HINT)),
    }
}

fn pattern(path: &str, pattern: &str) -> Result<Test, SpecError> {
    Regex::new(pattern).map(Test::Pattern).map_err(|error| {
        SpecError::new(format!("{path}.pattern"), format!("`{pattern}` is no regular expression: {error}"))
    })
}

/// The bounds of a number, of which there may be several; `None` if there are none.
fn bounds(path: &str, spec: &ConditionSpec) -> Result<Option<Vec<(Bound, Exact)>>, SpecError> {
    let mut bounds = Vec::new();
    for (name, bound, limit) in [
        ("above", Bound::Above, &spec.above),
        ("at-least", Bound::AtLeast, &spec.at_least),
        ("below", Bound::Below, &spec.below),
        ("at-most", Bound::AtMost, &spec.at_most),
    ] {
        let Some(limit) = limit else { continue };
        let number = Exact::parse(&limit.0).map_err(|_| {
            SpecError::new(format!("{path}.{name}"), format!("`{}` is no number", limit.0))
                .hint("numbers are compared; texts are compared with `equals`, `in` and `pattern`")
        })?;
        bounds.push((bound, number));
    }
    Ok((!bounds.is_empty()).then_some(bounds))
}
