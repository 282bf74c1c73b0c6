//! What usage that nobody is billed for is worth: at the list prices of every plan that prices its stream.

use std::collections::BTreeMap;

use catalog::Catalogue;
use metering::measure::SeriesUsage;
use metering::period::Period;
use metering::tally::Cells;
use metering::time::Span;
use pricing::{Amount, Metered, Plan, RatedKind, RatingInput, Term, rate_amounts};
use serde::{Deserialize, Serialize};

use crate::ownership::series;

/// What some usage would have cost under a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worth {
    /// The plan.
    pub plan: String,
    /// With the currency's digits.
    pub amount: String,
    /// ISO 4217.
    pub currency: String,
}

/// The usage of a stream of a deployment within some spans at the list prices of the catalogue's plans. A plan whose
/// price cannot be told without a customer (by an attribute, say) is left out.
pub fn at_list(
    cells: &Cells,
    catalogue: &Catalogue,
    period: &Period,
    (deployment, stream): (&str, &str),
    spans: &[Span],
) -> Vec<Worth> {
    let Ok(window) = period.span() else { return Vec::new() };
    let usage: Vec<SeriesUsage<'_>> = series(cells, deployment, stream)
        .into_iter()
        .map(|(key, quarters)| SeriesUsage { key, quarters, owned: spans })
        .collect();
    let metered = Metered {
        period,
        window,
        streams: &catalogue.streams,
        series: BTreeMap::from([(stream, usage)]),
        deployments: vec![deployment],
    };
    let term = Term { from: period.start, until: Some(period.end) };
    let attributes = BTreeMap::new();
    let input = RatingInput::alone("nobody", period, term, &attributes, &metered);
    let priced = catalogue.plans.values().filter(|plan| prices(plan, stream));
    priced.filter_map(|plan| under(plan, &input)).collect()
}

fn prices(plan: &Plan, stream: &str) -> bool {
    plan.components.iter().filter_map(|component| component.meter.as_ref()).any(|meter| meter.stream == stream)
}

fn under(plan: &Plan, input: &RatingInput<'_>) -> Option<Worth> {
    let lines = rate_amounts(plan, input).ok()?;
    let usage = lines.iter().filter(|line| line.kind == RatedKind::Usage).map(|line| line.amount);
    let amount = Amount::sum(usage).ok()?.format(plan.currency.digits());
    Some(Worth { plan: plan.name.clone(), amount, currency: plan.currency.code().to_owned() })
}
