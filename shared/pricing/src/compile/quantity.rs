//! What happens to a quantity before it is priced.

use std::sync::Arc;

use metering::exact::Exact;
use metering::stream::{Aggregation, Kind};

use crate::compile::price::is_level;
use crate::compile::{Keep, hint_near};
use crate::price::{Meter, MonthHours, QuantityRule, RoundQuantity};
use crate::price_spec::{MonthLength, PriceSpec, RoundEach, RoundQuantitySpec};
use crate::prorate_spec::Prorate;
use crate::spec::SpecError;

/// Units that can be converted: what is measured, the name, and how many of the smallest it has.
const UNITS: [(&str, &str, i128); 17] = [
    ("data", "B", 1),
    ("data", "kB", 1_000),
    ("data", "MB", 1_000_000),
    ("data", "GB", 1_000_000_000),
    ("data", "TB", 1_000_000_000_000),
    ("data", "PB", 1_000_000_000_000_000),
    ("data", "KiB", 1_024),
    ("data", "MiB", 1_048_576),
    ("data", "GiB", 1_073_741_824),
    ("data", "TiB", 1_099_511_627_776),
    ("data", "PiB", 1_125_899_906_842_624),
    ("time", "millisecond", 1),
    ("time", "second", 1_000),
    ("time", "minute", 60_000),
    ("time", "hour", 3_600_000),
    ("time", "day", 86_400_000),
    ("time", "week", 604_800_000),
];

pub(super) fn rule(spec: &PriceSpec, outer: &PriceSpec, meter: &Meter, keep: &mut Keep) -> QuantityRule {
    let converted = outer.unit.as_ref().filter(|unit| unit.as_str() != &*meter.unit);
    let units = converted
        .and_then(|unit| units(&meter.stream, &meter.unit, unit).map_err(|problem| keep.problems.push(problem)).ok());
    if outer.month.is_some() && meter.month != Aggregation::Average {
        let message = format!("`month` is for levels that are averaged, which “{}” is not", meter.stream);
        keep.hinted("month", message, "give the stream `month: average`, or remove this");
    }
    let prorate_included = prorate_included(spec, outer, meter, keep);
    QuantityRule {
        unit: outer.unit.as_deref().map_or_else(|| Arc::clone(&meter.unit), Arc::from),
        units,
        month: outer.month.map(hours),
        round: spec.round_quantity.as_ref().map(|round| rounding(round, meter, keep)),
        included: keep.not_negative("included", spec.included),
        prorate_included,
    }
}

/// All of what is included belongs to any part of a period, unless something else is said.
fn prorate_included(spec: &PriceSpec, outer: &PriceSpec, meter: &Meter, keep: &mut Keep) -> Prorate {
    let Some(prorate) = spec.prorate_included else { return Prorate::None };
    if spec.included.is_none() {
        keep.error("prorate-included", "nothing is `included`");
    } else if is_level(meter) && outer.month.is_none() {
        let message = format!("“{}” is a level: what it costs is prorated, less what is included", meter.stream);
        keep.hinted("prorate-included", message, "remove this, or price unit-months with `month`");
    } else if outer.bucket.is_some() {
        keep.error("prorate-included", "what is included in each bucket belongs to the bucket");
    }
    prorate
}

fn hours(month: MonthLength) -> MonthHours {
    match month {
        MonthLength::Actual => MonthHours::Actual,
        MonthLength::Days30 => MonthHours::Fixed(720),
        MonthLength::Hours730 => MonthHours::Fixed(730),
        MonthLength::Days31 => MonthHours::Fixed(744),
    }
}

/// How many of a stream's units, `of`, make one of `unit`.
pub(crate) fn units(stream: &str, of: &str, unit: &str) -> Result<Exact, SpecError> {
    let find = |name: &str| UNITS.iter().find(|(_, known, _)| *known == name || plural(known, name));
    let unknown = |name: &str| {
        let problem = SpecError::new("unit", format!("“{name}” is no unit that can be converted"));
        let known: Vec<String> = UNITS.iter().map(|(_, known, _)| (*known).to_owned()).collect();
        let problem = problem.hint(format!("known are {}; or use `unit-size`", known.join(", ")));
        hint_near(problem, name, &known)
    };
    let (kind, _, of_stream) = find(of).ok_or_else(|| unknown(of))?;
    let (wanted, _, of_price) = find(unit).ok_or_else(|| unknown(unit))?;
    if kind != wanted {
        let problem = SpecError::new("unit", format!("the stream “{stream}” counts {of}, which is no {unit}"));
        let same: Vec<&str> = UNITS.iter().filter(|(other, ..)| other == kind).map(|(_, name, _)| *name).collect();
        return Err(problem.hint(format!("write it in one of {}", same.join(", "))));
    }
    Exact::ratio(*of_price, *of_stream).map_err(|error| SpecError::new("unit", error.to_string()))
}

fn plural(known: &str, name: &str) -> bool {
    known.len() > 3 && name.strip_suffix('s') == Some(known)
}

fn rounding(spec: &RoundQuantitySpec, meter: &Meter, keep: &mut Keep) -> RoundQuantity {
    if spec.each == RoundEach::Event && meter.kind != Kind::Delta {
        let message = format!("`each: event` rounds events, and the stream “{}” has none", meter.stream);
        keep.hinted("round-quantity.each", message, "only a stream of `kind: delta` has events");
    }
    if spec.at_least.is_some() && spec.each != RoundEach::Event {
        keep.error("round-quantity.at-least", "`at-least` belongs to `each: event`");
    }
    RoundQuantity {
        to: keep.positive("round-quantity.to", Some(spec.to)),
        rule: spec.rule,
        each: spec.each,
        at_least: keep.not_negative("round-quantity.at-least", spec.at_least),
    }
}
