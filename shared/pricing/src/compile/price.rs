//! From a written price to one that can be rated: which model it is, and what belongs to it.

use std::collections::BTreeMap;

use metering::exact::Exact;
use metering::select::{By, Condition, Query};
use metering::stream::Aggregation;

use crate::compile::model::{Model, fields, models};
use crate::compile::{Keep, attribute, model, quantity, rules};
use crate::money::Currency;
use crate::price::{BucketCommitment, Limits, Meter, Price, RowPrice, UsagePrice};
use crate::price_spec::{MatrixRowSpec, Per, PriceSpec, RoundEach, Texts};
use crate::spec::SpecError;

/// What a component counts.
pub(crate) struct Source<'a> {
    /// Nothing, for a price by attribute.
    pub(crate) meter: Option<&'a Meter>,
    /// The component's `where`.
    pub(crate) only: &'a BTreeMap<String, Texts>,
    /// The units of all streams, by name.
    pub(crate) streams: &'a BTreeMap<String, String>,
}

/// Everything that is wrong with a price whatever the currency.
pub(crate) fn check(spec: &PriceSpec, source: &Source<'_>) -> Vec<SpecError> {
    let mut keep = Keep::default();
    let Some(model) = only_model(spec, &mut keep) else { return keep.problems };
    misplaced(spec, model, &model.fields(), &mut keep);
    match &spec.by_attribute {
        Some(name) => {
            if spec.bucket_commitment.is_some() {
                keep.error("bucket-commitment", "`bucket-commitment` has no meaning in a price `by-attribute`");
            }
            attribute::check(spec, name, source.meter, &mut keep);
        }
        None => match source.meter {
            Some(meter) => drop(usage(spec, model, meter, source, &mut keep)),
            None => no_stream(model, &mut keep),
        },
    }
    keep.problems
}

/// A price in a currency.
pub(crate) fn price(spec: &PriceSpec, source: &Source<'_>, currency: Currency) -> Result<Price, Vec<SpecError>> {
    let problems = check(spec, source);
    if !problems.is_empty() {
        return Err(problems);
    }
    if let Some(name) = &spec.by_attribute {
        return attribute::compile(spec, name, currency).map(Price::ByAttribute);
    }
    let mut keep = Keep::default();
    let model = only_model(spec, &mut keep);
    let price = model.zip(source.meter).map(|(model, meter)| {
        money_stream(spec, meter, currency, &mut keep);
        Price::Usage(Box::new(usage(spec, model, meter, source, &mut keep)))
    });
    keep.done(price)
}

fn only_model(spec: &PriceSpec, keep: &mut Keep) -> Option<Model> {
    match models(spec).as_slice() {
        [model] => return Some(*model),
        [] => {
            let known: Vec<String> = Model::ALL.iter().map(|model| format!("`{}`", model.name())).collect();
            keep.error("per-unit", format!("a price needs one of {}", known.join(", ")));
        }
        [first, second, ..] => {
            let message = format!("a price is either `{}` or `{}`, not both", first.name(), second.name());
            keep.hinted(second.name(), message, "make two components of it");
        }
    }
    None
}

fn no_stream(model: Model, keep: &mut Keep) {
    let what = if model == Model::PerUnit { "a price per unit".to_owned() } else { format!("`{}`", model.name()) };
    let message = format!("{what} counts a stream, and the component names none");
    keep.hinted(model.name(), message, "add `stream: NAME` to the component");
}

/// Fields that say nothing here: forgotten, or meant for another model.
fn misplaced(spec: &PriceSpec, model: Model, allowed: &[&str], keep: &mut Keep) {
    for field in fields(spec).into_iter().filter(|field| *field != model.name() && !allowed.contains(field)) {
        keep.error(field, format!("`{field}` has no meaning in a price `{}`", model.name()));
    }
    let limits = [spec.minimum, spec.maximum, spec.line_minimum, spec.line_maximum];
    // The limits of the rows are looked for nowhere: a matrix may have them there.
    if spec.prorate.is_some() && model.has_limits_only() && limits.iter().all(Option::is_none) {
        let hint = "it says what a `minimum` or `maximum` is in a part of a period";
        keep.hinted("prorate", format!("`prorate` has no meaning in a price `{}` without limits", model.name()), hint);
    }
}

/// A share of money needs a stream that counts money of the plan's currency.
fn money_stream(spec: &PriceSpec, meter: &Meter, currency: Currency, keep: &mut Keep) {
    let Some(path) = share_of_money(spec) else { return };
    if &*meter.unit != currency.code() {
        let (stream, unit) = (&meter.stream, &meter.unit);
        let message = format!("a share of money needs a stream in {currency}, and “{stream}” counts {unit}");
        keep.hinted(&path, message, format!("declare the stream with `unit: {currency}` if it does count {currency}"));
    }
}

fn share_of_money(spec: &PriceSpec) -> Option<String> {
    let tiers = [("graduated", &spec.graduated), ("volume", &spec.volume)];
    let shared = |(name, tiers): (&str, &Option<Vec<_>>)| {
        let found = tiers.iter().flatten().position(|tier: &crate::price_spec::TierSpec| tier.percent.is_some());
        found.map(|index| format!("{name}[{index}].percent"))
    };
    let simple = [("percent", spec.percent.is_some()), ("markup", spec.markup.is_some())];
    let simple = simple.into_iter().find(|(_, present)| *present).map(|(name, _)| name.to_owned());
    let in_rows = || {
        let rows = spec.matrix.iter().flatten().enumerate();
        rows.filter_map(|(index, row)| share_of_money(&row.price).map(|path| format!("matrix[{index}].price.{path}")))
            .next()
    };
    let in_rules = || {
        let mut rules = spec.rules.iter().flatten().enumerate();
        rules.find_map(|(index, rule)| Some(format!("rules[{index}].price.{}", share_of_money(&rule.price)?)))
    };
    simple.or_else(|| tiers.into_iter().find_map(shared)).or_else(in_rows).or_else(in_rules)
}

fn usage(spec: &PriceSpec, model: Model, meter: &Meter, source: &Source<'_>, keep: &mut Keep) -> UsagePrice {
    let (rows, rules) = match (&spec.matrix, &spec.rules) {
        (Some(rows), _) => (matrix(rows, spec, meter, keep), None),
        (None, Some(written)) => rules::compile(written, spec, source, meter, keep),
        (None, None) => (row(None, spec, spec, model, meter, keep).into_iter().collect(), None),
    };
    let conditions = spec.matrix.iter().flatten().map(|row| condition(&row.when)).collect();
    let events = rows.iter().any(needs_events);
    let (only, by) = (condition(source.only), by(spec.per.as_ref()));
    checked_conditions(source.only, "where", keep);
    if spec.bucket.is_some() && (events || spec.month.is_some()) {
        let other = if events { "a price event by event" } else { "`month`" };
        keep.error("bucket", format!("`bucket` does not go together with {other}"));
    }
    UsagePrice {
        meter: meter.clone(),
        query: Query { only, rows: conditions, assigned: None, by, bucket: spec.bucket, events },
        rows,
        rules,
        otherwise: spec.otherwise.unwrap_or_default(),
        limits: limits(keep, ("minimum", spec.minimum), ("maximum", spec.maximum)),
        prorate: spec.prorate.unwrap_or_default(),
        committed: committed(spec, keep),
    }
}

/// What is agreed to be spent in each bucket.
fn committed(spec: &PriceSpec, keep: &mut Keep) -> Option<BucketCommitment> {
    let written = spec.bucket_commitment.as_ref()?;
    if spec.bucket.is_none() {
        let hint = "add `bucket: day`, `hour` or `quarter-hour`; a commitment of months stands in the plan";
        keep.hinted("bucket-commitment", "the price has no buckets in which something could be spent", hint);
    }
    let amount = keep.not_negative("bucket-commitment.amount", Some(written.amount));
    let overage = written.overage.map_or(Exact::ONE, |factor| factor.value());
    if overage < Exact::ONE {
        let hint = "write 1 for the same price, 1.5 for half as much again";
        keep.hinted("bucket-commitment.overage", "spending beyond the commitment is multiplied by this", hint);
    }
    Some(BucketCommitment { amount, overage, unspent: written.unspent })
}

fn needs_events(row: &RowPrice) -> bool {
    let by_event =
        matches!(&row.model, crate::price::Model::Percent(percent) if percent.needs_events(row.quantity.included));
    by_event || row.quantity.round.as_ref().is_some_and(|round| round.each == RoundEach::Event)
}

fn by(per: Option<&Per>) -> By {
    match per {
        None | Some(Per::Customer) => By::Whole,
        Some(Per::Deployment) => By::Deployment,
        Some(Per::Series) => By::Series,
        Some(Per::Dimension(name)) => By::Dimension(name.clone()),
    }
}

fn condition(when: &BTreeMap<String, Texts>) -> Condition {
    Condition(when.iter().map(|(name, Texts(values))| (name.clone(), values.iter().cloned().collect())).collect())
}

fn checked_conditions(when: &BTreeMap<String, Texts>, path: &str, keep: &mut Keep) {
    for (name, _) in when.iter().filter(|(_, Texts(values))| values.is_empty()) {
        let hint = "name one value, or several as `[a, b]`";
        keep.hinted(&format!("{path}.{name}"), "no usage has none of the values", hint);
    }
}

fn matrix(rows: &[MatrixRowSpec], outer: &PriceSpec, meter: &Meter, keep: &mut Keep) -> Vec<RowPrice> {
    if rows.is_empty() {
        keep.hinted(
            "matrix",
            "the matrix has no rows",
            "write one per combination: `{when: {region: eu}, price: {per-unit: 1.00}}`",
        );
    }
    let mut above: Vec<Condition> = Vec::new();
    let mut compiled = Vec::new();
    for (index, spec) in rows.iter().enumerate() {
        let path = format!("matrix[{index}]");
        checked_conditions(&spec.when, &format!("{path}.when"), keep);
        let here = condition(&spec.when);
        if above.iter().any(|earlier| includes(earlier, &here)) {
            let hint = "usage has the price of the first row it fits: remove this one, or put it above";
            keep.hinted(&format!("{path}.when"), "this row is never reached", hint);
        }
        above.push(here);
        let mut inner = Keep::default();
        let title = spec.title.clone().unwrap_or_else(|| title_of(&spec.when));
        let found = inner_row(Some(title), &spec.price, "the matrix", outer, meter, &mut inner);
        compiled.extend(keep.inside(&format!("{path}.price"), inner.done(found)));
    }
    compiled
}

/// Whether all usage that one means is also meant by the other.
fn includes(wide: &Condition, narrow: &Condition) -> bool {
    wide.0.iter().all(|(name, values)| narrow.0.get(name).is_some_and(|fewer| fewer.is_subset(values)))
}

/// A price within a price.
pub(super) fn inner_row(
    title: Option<String>,
    spec: &PriceSpec,
    of: &str,
    outer: &PriceSpec,
    meter: &Meter,
    keep: &mut Keep,
) -> Option<RowPrice> {
    let model = only_model(spec, keep)?;
    if matches!(model, Model::Matrix | Model::Rules | Model::ByAttribute) {
        keep.error(model.name(), format!("a row of {of} cannot be `{}`", model.name()));
        return None;
    }
    misplaced(spec, model, model.row_fields(), keep);
    if spec.bucket_commitment.is_some() {
        keep.error("bucket-commitment", format!("`bucket-commitment` is said once, for all rows of {of}"));
    }
    row(title, spec, outer, model, meter, keep)
}

fn title_of(when: &BTreeMap<String, Texts>) -> String {
    if when.is_empty() {
        return "all other".to_owned();
    }
    let one = |(name, Texts(values)): (&String, &Texts)| format!("{name}: {}", values.join(" or "));
    when.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// What the usage of one row costs; unit and month are those of the price as a whole.
fn row(
    title: Option<String>,
    spec: &PriceSpec,
    outer: &PriceSpec,
    model: Model,
    meter: &Meter,
    keep: &mut Keep,
) -> Option<RowPrice> {
    let quantity = quantity::rule(spec, outer, meter, keep);
    let limits = limits(keep, ("line-minimum", spec.line_minimum), ("line-maximum", spec.line_maximum));
    let model = model::compile(spec, model, meter, keep)?;
    Some(RowPrice { title, quantity, model, limits })
}

type Limit<'a> = (&'a str, Option<crate::decimal::Decimal>);

/// Both not negative, and in order.
pub(super) fn limits(keep: &mut Keep, minimum: Limit<'_>, maximum: Limit<'_>) -> Limits {
    let mut read = |(path, limit): Limit<'_>| limit.map(|_| keep.not_negative(path, limit));
    let found = Limits { minimum: read(minimum), maximum: read(maximum) };
    if let (Some(least), Some(most)) = (found.minimum, found.maximum)
        && least > most
    {
        keep.error(minimum.0, format!("the minimum {least} is above the maximum {most}"));
    }
    found
}

/// Whether a stream is a level, priced by the month.
pub(super) fn is_level(meter: &Meter) -> bool {
    matches!(meter.month, Aggregation::Average | Aggregation::Peak)
}
