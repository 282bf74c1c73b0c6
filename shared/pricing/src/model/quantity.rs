//! What is priced of what was measured: converted, rounded, without what is included.

use std::sync::Arc;

use metering::exact::{Exact, ExactError, Rounding};
use metering::stream::Aggregation;

use crate::line::RatedStep;
use crate::model::Steps;
use crate::price::{Meter, MonthHours, QuantityRule, RoundQuantity};
use crate::price_spec::{RoundEach, TierBy};
use crate::prorate::Share;
use crate::sentence::{Sentence, said};
use crate::text::prose;

/// A quantity about to be priced.
pub(crate) struct Measured<'a> {
    /// By the stream's rule.
    pub(crate) quantity: Exact,
    /// The largest of the period.
    pub(crate) peak: Exact,
    /// How many events it rests on.
    pub(crate) samples: u64,
    /// Each of them, where the price needs it.
    pub(crate) events: &'a [Exact],
    /// When the plan is held.
    pub(crate) share: &'a Share,
    /// The stream.
    pub(crate) meter: &'a Meter,
}

impl QuantityRule {
    /// What is left to be priced once the included quantity is taken off. A quantity below nought,
    /// which only a stream that allows it can have, is credited in full: nothing is included in it.
    pub(crate) fn charged(&self, measured: &Measured<'_>, steps: &mut Steps) -> Result<Exact, ExactError> {
        let billed = self.billed(measured, steps)?;
        let included = measured.share.of_whole(self.included, self.prorate_included)?;
        let charged = match billed {
            billed if billed.is_negative() || included.is_zero() => billed,
            billed if billed <= included => Exact::ZERO,
            billed => billed.sub(&included)?,
        };
        if included != self.included {
            steps.push(|| self.prorated_step(included));
        }
        if self.is_plain() {
            steps.push(|| self.plain_step(measured, included, charged));
        } else if charged != billed {
            steps.push(|| self.included_step(billed, included, charged));
        }
        Ok(charged)
    }

    /// The quantity that decides on the tier of a volume price.
    pub(crate) fn deciding(&self, measured: &Measured<'_>, by: TierBy, charged: Exact) -> Result<Exact, ExactError> {
        match by {
            TierBy::Quantity => Ok(charged),
            TierBy::Peak => {
                let peak = Measured { quantity: measured.peak, ..*measured };
                self.charged(&peak, &mut Steps::new(0, false))
            }
        }
    }

    fn is_plain(&self) -> bool {
        self.units.is_none() && self.month.is_none() && self.round.is_none()
    }

    /// The quantity as it is billed, before anything is taken off.
    pub(crate) fn billed(&self, measured: &Measured<'_>, steps: &mut Steps) -> Result<Exact, ExactError> {
        if self.is_plain() {
            return Ok(measured.quantity);
        }
        let (unit, of) = (&measured.meter.unit, measured_as(measured.meter.month));
        steps.push(|| quantity_step(measured.quantity, said!("{} {} {}", prose(&measured.quantity, 0), unit, of)));
        let by_event = self.round.as_ref().filter(|round| round.each == RoundEach::Event);
        let start = match by_event {
            Some(round) => round.events(measured, steps)?,
            None => measured.quantity,
        };
        let converted = self.converted(start, unit, steps)?;
        let held = self.unit_months(converted, measured.share, steps)?;
        match self.round.as_ref().filter(|round| round.each == RoundEach::Quantity) {
            Some(round) => {
                let rounded = round.one(held)?;
                steps.push(|| rounded_step(round, rounded, &self.unit));
                Ok(rounded)
            }
            None => Ok(held),
        }
    }

    fn converted(&self, quantity: Exact, unit: &Arc<str>, steps: &mut Steps) -> Result<Exact, ExactError> {
        let Some(units) = self.units else { return Ok(quantity) };
        let converted = quantity.div(&units)?;
        steps.push(|| {
            let (shown, result) = (prose(&quantity, 0), prose(&converted, 0));
            quantity_step(converted, said!("{} {} = {} {}", shown, unit, result, &self.unit))
        });
        Ok(converted)
    }

    fn unit_months(&self, level: Exact, share: &Share, steps: &mut Steps) -> Result<Exact, ExactError> {
        let Some(month) = self.month else { return Ok(level) };
        let (held, whole) = share.hours()?;
        let of = match month {
            MonthHours::Actual => whole,
            MonthHours::Fixed(of) => Exact::integer(i128::from(of)),
        };
        let months = level.mul(&held)?.div(&of)?;
        steps.push(|| {
            let (level, result, unit) = (prose(&level, 0), prose(&months, 0), &self.unit);
            let (held, of) = (held.to_string(), of.to_string());
            let text = said!("{} {} × {} ÷ {} hours = {} {}-months", level, unit, held, of, result, unit);
            quantity_step(months, text)
        });
        Ok(months)
    }

    fn prorated_step(&self, included: Exact) -> RatedStep {
        let (whole, part, unit) = (prose(&self.included, 0), prose(&included, 0), &self.unit);
        let text = said!("{} of the {} {} included belong to this part of the period", part, whole, unit);
        quantity_step(included, text)
    }

    fn plain_step(&self, measured: &Measured<'_>, included: Exact, charged: Exact) -> RatedStep {
        let (unit, of) = (&self.unit, measured_as(measured.meter.month));
        let (quantity, shown) = (prose(&measured.quantity, 0), prose(&included, 0));
        let text = if included.is_zero() || measured.quantity.is_negative() {
            said!("{} {} {}", quantity, unit, of)
        } else if charged.is_zero() {
            said!("{} {} {}, all of it within the {} {} included", quantity, unit, of, shown, unit)
        } else {
            let rest = prose(&charged, 0);
            said!("{} {} {} − {} {} included = {} {}", quantity, unit, of, shown, unit, rest, unit)
        };
        quantity_step(charged, text)
    }

    fn included_step(&self, billed: Exact, included: Exact, charged: Exact) -> RatedStep {
        let (unit, quantity, included) = (&self.unit, prose(&billed, 0), prose(&included, 0));
        let text = if charged.is_zero() {
            said!("all of it within the {} {} included", included, unit)
        } else {
            let rest = prose(&charged, 0);
            said!("{} {} − {} {} included = {} {}", quantity, unit, included, unit, rest, unit)
        };
        quantity_step(charged, text)
    }
}

impl RoundQuantity {
    fn one(&self, quantity: Exact) -> Result<Exact, ExactError> {
        Exact::integer(quantity.div(&self.to)?.round(0, self.rule)?).mul(&self.to)
    }

    /// The sum of the events, each rounded by itself.
    fn events(&self, measured: &Measured<'_>, steps: &mut Steps) -> Result<Exact, ExactError> {
        let mut sum = Exact::ZERO;
        for event in measured.events {
            sum = sum.add(&self.one(*event)?.max(self.at_least))?;
        }
        steps.push(|| {
            let (count, to, unit) = (measured.events.len(), prose(&self.to, 0), &measured.meter.unit);
            let least = Some(self.at_least).filter(|least| !least.is_zero());
            let least = least.map(|least| said!(", at least {}", prose(&least, 0)));
            let (how, all) = (direction(self.rule), prose(&sum, 0));
            let each = said!("each rounded {} to steps of {} {}{}", how, to, unit, least);
            quantity_step(sum, said!("{} events, {}: {} {}", count, each, all, unit))
        });
        Ok(sum)
    }
}

fn rounded_step(round: &RoundQuantity, rounded: Exact, unit: &Arc<str>) -> RatedStep {
    let (to, result, how) = (prose(&round.to, 0), prose(&rounded, 0), direction(round.rule));
    quantity_step(rounded, said!("rounded {} to steps of {} {}: {} {}", how, to, unit, result, unit))
}

fn direction(rule: Rounding) -> &'static str {
    match rule {
        Rounding::HalfAwayFromZero | Rounding::HalfEven => "to the nearest",
        Rounding::Up => "up",
        Rounding::Down => "down",
    }
}

fn quantity_step(quantity: Exact, text: Sentence) -> RatedStep {
    RatedStep { quantity: Some(quantity), ..RatedStep::new(text) }
}

pub(crate) fn measured_as(month: Aggregation) -> &'static str {
    match month {
        Aggregation::Sum => "measured",
        Aggregation::Average => "measured on average",
        Aggregation::Peak => "measured at the peak",
        Aggregation::Count => "counted",
    }
}
