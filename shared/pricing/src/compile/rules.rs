//! Prices by rules.

use std::collections::{BTreeMap, BTreeSet};

use metering::stream::{Aggregation, Kind};

use crate::compile::Keep;
use crate::compile::price::{Source, inner_row};
use crate::price::{Meter, RowPrice, Rules};
use crate::price_spec::{PriceSpec, RuleSpec};
use crate::rule::{Condition, Name, Names};

/// Rules of a price, at most.
const MOST: usize = 100;

/// A price for each rule, and the conditions.
pub(super) fn compile(
    written: &[RuleSpec],
    outer: &PriceSpec,
    source: &Source<'_>,
    meter: &Meter,
    keep: &mut Keep,
) -> (Vec<RowPrice>, Option<Rules>) {
    if written.is_empty() || written.len() > MOST {
        let hint = "write such as `{when: 'customer.tier == \"gold\"', price: {per-unit: 0.03}}`";
        keep.hinted("rules", format!("a price has between 1 and {MOST} rules"), hint);
    }
    let (mut rows, mut conditions) = (Vec::new(), Vec::new());
    let mut seen: BTreeSet<Option<&str>> = BTreeSet::new();
    for (index, rule) in written.iter().enumerate().take(MOST) {
        let path = format!("rules[{index}]");
        let when = rule.when.as_deref().map(str::trim);
        if seen.contains(&None) || !seen.insert(when) {
            let hint = "usage has the price of the first rule that holds: remove this one, or put it above";
            keep.hinted(&path, "this rule is never reached", hint);
        }
        conditions.push(rule.when.as_ref().and_then(|text| condition(text, &path, source, keep)));
        let mut inner = Keep::default();
        let found = inner_row(rule.title.clone(), &rule.price, "rules", outer, meter, &mut inner);
        rows.extend(keep.inside(&format!("{path}.price"), inner.done(found)));
    }
    let names: BTreeSet<Name> = conditions.iter().flatten().flat_map(|condition| condition.names.clone()).collect();
    times(written, &conditions, meter, keep);
    let unit = |name: &Name| match name {
        Name::Stream(name) => source.streams.get_key_value(name).map(|(name, unit)| (name.clone(), unit.clone())),
        _ => None,
    };
    let units: BTreeMap<String, String> = names.iter().filter_map(unit).collect();
    (rows, Some(Rules { conditions, names, units }))
}

fn condition(text: &str, path: &str, source: &Source<'_>, keep: &mut Keep) -> Option<Condition> {
    let names = Names { streams: source.streams };
    match Condition::compile(text, &names) {
        Ok(condition) => Some(condition),
        Err((message, hint)) => {
            let path = format!("{path}.when");
            match hint {
                Some(hint) => keep.hinted(&path, message, hint),
                None => keep.error(&path, message),
            }
            None
        }
    }
}

/// The time of usage is known to the quarter-hour where it is added up. A level is a level of the whole month: which
/// part of it belongs to an hour cannot be told.
fn times(written: &[RuleSpec], conditions: &[Option<Condition>], meter: &Meter, keep: &mut Keep) {
    let added = matches!(meter.kind, Kind::Delta | Kind::Cumulative)
        && matches!(meter.month, Aggregation::Sum | Aggregation::Count);
    let by_time = |condition: &Option<Condition>| {
        condition.as_ref().is_some_and(|c| c.names.contains(&Name::Hour) || c.names.contains(&Name::Weekday))
    };
    let found = conditions.iter().position(by_time).filter(|index| *index < written.len() && !added);
    if let Some(index) = found {
        let message = format!("the time of usage is known where it is added up, and “{}” is a level", meter.stream);
        let hint = "only a stream of `kind: delta` or `cumulative` with `month: sum` or `count` has prices by time";
        keep.hinted(&format!("rules[{index}].when"), message, hint);
    }
}
