//! The lines of one component: one for each part of its usage, and one where all of them together
//! are below a minimum or above a maximum.

use std::collections::BTreeMap;
use std::sync::Arc;

use metering::exact::{Exact, ExactError};
use metering::select::{Part, Row, Selected};
use metering::stream::Aggregation;

use crate::line::{RatedKind, RatedLine, RatedStep};
use crate::model::{Measured, ModelError, Steps};
use crate::money::{Amount, MoneyError};
use crate::price::{Limits, RowPrice, UsagePrice};
use crate::price_spec::Otherwise;
use crate::prorate::Share;
use crate::prorate_spec::Prorate;
use crate::rate::{Place, RateError, Unfitting, rounded};
use crate::ruling::Ruled;
use crate::sentence::said;
use crate::text::prose;

/// What is added to a component's name for the line of its minimum or maximum.
const MINIMUM: &str = "/minimum";
const MAXIMUM: &str = "/maximum";

impl Place<'_> {
    /// Adds the lines of a price by quantity.
    pub(crate) fn usage(&self, price: &UsagePrice, lines: &mut Vec<RatedLine>) -> Result<(), RateError> {
        let Ruled { selected, steps } = match &price.rules {
            Some(rules) => self.ruled(price, rules)?,
            None => Ruled { selected: self.told_apart(price)?, steps: BTreeMap::new() },
        };
        let first = lines.len();
        for part in &selected {
            let mut line = self.part_line(price, part)?;
            if let (Some(line), Row::At(row)) = (&mut line, &part.part.row)
                && let Some(step) = steps.get(row)
            {
                line.steps.insert(0, step.clone());
            }
            lines.extend(line);
        }
        if !price.limits.is_none() {
            lines.extend(self.limit_line(price, lines.get(first..).unwrap_or_default())?);
        }
        Ok(())
    }

    /// The usage, as the query tells it apart.
    pub(crate) fn told_apart(&self, price: &UsagePrice) -> Result<Vec<Selected>, RateError> {
        let mut selected = self.select(price, &price.query)?;
        if selected.is_empty() && price.query.is_whole() {
            selected.push(Selected::nothing(Part::default()));
        }
        Ok(selected)
    }

    fn part_line(&self, price: &UsagePrice, selected: &Selected) -> Result<Option<RatedLine>, RateError> {
        let row = match &selected.part.row {
            Row::At(index) => price.rows.get(*index),
            Row::None(dimensions) if selected.measured.samples > 0 && price.otherwise == Otherwise::Error => {
                return Err(self.unfitting(price, dimensions));
            }
            Row::None(_) => None,
        };
        // A row of a matrix that was not used has no line.
        let shown = row.filter(|row| row.title.is_none() || selected.measured.samples > 0);
        shown.map(|row| self.usage_line(price, row, selected).map_err(|error| self.model_error(error))).transpose()
    }

    fn usage_line(&self, price: &UsagePrice, row: &RowPrice, selected: &Selected) -> Result<RatedLine, ModelError> {
        let mut steps = Steps::new(self.plan.currency.digits(), self.explain);
        let raw = match price.query.bucket {
            Some(_) => self.buckets(price, row, selected, &mut steps)?,
            None => self.whole(price, row, selected, &mut steps)?,
        };
        let limits = row.limits.map(|limit| self.prorated(limit, price.prorate))?;
        let raw = limits.apply(raw, &mut steps);
        let amount = rounded(self.plan, raw, &mut steps)?;
        let quantity = row.quantity.billed(&measured(price, selected, self.share), &mut steps.silent())?;
        let unit_price = row.unit_price();
        Ok(RatedLine {
            deployment: selected.part.deployment.clone(),
            detail: self.explain.then(|| detail(price, row, &selected.part)).flatten(),
            quantity: Some(quantity),
            unit: Some(Arc::clone(&row.quantity.unit)),
            unit_price: unit_price.map(|(price, _)| price),
            unit_size: unit_price.map(|(_, size)| size).filter(|size| *size != Exact::ONE),
            days: selected.measured.days.clone(),
            ..self.line(RatedKind::Usage, amount, steps.done())
        })
    }

    fn whole(
        &self,
        price: &UsagePrice,
        row: &RowPrice,
        selected: &Selected,
        steps: &mut Steps,
    ) -> Result<Exact, ModelError> {
        let raw = row.amount(&measured(price, selected, self.share), steps)?;
        match price.meter.month {
            // A level is priced by the month: held for a part of it, it costs that part.
            Aggregation::Average | Aggregation::Peak if row.quantity.month.is_none() => {
                Ok(self.share.part(raw, steps)?)
            }
            _ => Ok(raw),
        }
    }

    /// Each bucket priced by itself; a step for each day.
    fn buckets(
        &self,
        price: &UsagePrice,
        row: &RowPrice,
        selected: &Selected,
        steps: &mut Steps,
    ) -> Result<Exact, ModelError> {
        let digits = steps.digits;
        let (mut total, mut values) = (Exact::ZERO, selected.buckets.iter());
        for (count, (date, _)) in selected.buckets_of_days.iter().zip(&selected.measured.days) {
            let (mut day, mut used) = (Exact::ZERO, Exact::ZERO);
            for quantity in values.by_ref().take(*count) {
                let one = Measured { quantity: *quantity, ..measured(price, selected, self.share) };
                let spent = row.amount(&one, &mut steps.silent())?;
                let held = self.share.first() <= *date && *date < self.share.until();
                let amount = price.committed.filter(|_| held).map_or(Ok(spent), |agreed| agreed.applied(spent))?;
                day = day.add(&amount)?;
                used = used.add(quantity)?;
            }
            total = total.add(&day)?;
            if !day.is_zero() {
                steps.push(|| {
                    let (used, unit, amount) = (prose(&used, 0), &row.quantity.unit, prose(&day, digits));
                    let agreed = if price.committed.is_some() { ", with what is agreed" } else { "" };
                    let text = said!("{}: {} {} in {} buckets{} = {}", *date, used, unit, *count, agreed, amount);
                    RatedStep { amount: Some(day), ..RatedStep::new(text) }
                });
            }
        }
        steps.push(|| {
            let text = said!("all {} buckets together: {}", selected.buckets.len(), prose(&total, digits));
            RatedStep { amount: Some(total), ..RatedStep::new(text) }
        });
        Ok(total)
    }

    fn prorated(&self, whole: Exact, prorate: Prorate) -> Result<Exact, ExactError> {
        self.share.of_whole(whole, prorate)
    }

    /// The difference between all lines and the component's minimum or maximum.
    fn limit_line(&self, price: &UsagePrice, lines: &[RatedLine]) -> Result<Option<RatedLine>, RateError> {
        let sum = Amount::sum(lines.iter().map(|line| line.amount))
            .map_err(|_: MoneyError| self.number(ExactError::TooLarge))?;
        self.limit(price, sum).map_err(|error| self.number(error))
    }

    fn limit(&self, price: &UsagePrice, sum: Amount) -> Result<Option<RatedLine>, ExactError> {
        let digits = self.plan.currency.digits();
        let sum = Exact::decimal(sum.0, digits)?;
        let Limits { minimum, maximum } = price.limits.map(|limit| self.prorated(limit, price.prorate))?;
        let (kind, limit, suffix) = match (minimum, maximum) {
            (Some(least), _) if sum < least => (RatedKind::Minimum, least, MINIMUM),
            (_, Some(most)) if sum > most => (RatedKind::Maximum, most, MAXIMUM),
            _ => return Ok(None),
        };
        let mut steps = Steps::new(digits, self.explain);
        let raw = limit.sub(&sum)?;
        let name = if kind == RatedKind::Minimum { "minimum" } else { "maximum" };
        steps.push(|| {
            let (limit, sum, rest) = (prose(&limit, digits), prose(&sum, digits), prose(&raw, digits));
            let text = said!("{} of {} − {} charged = {}", name, limit, sum, rest);
            RatedStep { amount: Some(raw), ..RatedStep::new(text) }
        });
        let amount = rounded(self.plan, raw, &mut steps)?;
        let line = self.line(kind, amount, steps.done());
        Ok(Some(RatedLine {
            component: format!("{}{suffix}", self.component.name).into(),
            title: format!("{}, {name}", self.component.title).into(),
            ..line
        }))
    }

    fn unfitting(&self, price: &UsagePrice, dimensions: &BTreeMap<String, String>) -> RateError {
        RateError::Unfitting(Box::new(Unfitting {
            customer: self.input.customer.to_owned(),
            plan: self.plan.name.clone(),
            component: self.component.name.to_string(),
            dimensions: dimensions.clone(),
            known: price.rows.iter().filter_map(|row| row.title.clone()).collect(),
        }))
    }
}

fn measured<'a>(price: &'a UsagePrice, selected: &'a Selected, share: &'a Share) -> Measured<'a> {
    Measured {
        quantity: selected.measured.total,
        peak: selected.peak,
        samples: selected.measured.samples,
        events: &selected.events,
        share,
        meter: &price.meter,
    }
}

/// The second line of a charge: whose, which row, how it was measured, what is included.
fn detail(price: &UsagePrice, row: &RowPrice, part: &Part) -> Option<String> {
    let measured = match (price.query.bucket, price.meter.month) {
        (None, Aggregation::Average) => Some("average of the month".to_owned()),
        (None, Aggregation::Peak) => Some("peak of the month".to_owned()),
        _ => None,
    };
    let rule = &row.quantity;
    let included = (!rule.included.is_zero()).then(|| format!("{} {} included", prose(&rule.included, 0), rule.unit));
    let name = part.name.as_ref().filter(|name| !name.is_empty());
    let parts = [part.deployment.as_ref(), name, row.title.as_ref()].into_iter().flatten().cloned();
    let parts: Vec<String> = parts.chain(measured).chain(included).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}
