//! A percentage of money, with what each event costs, is free, or costs at least and at most.

use metering::exact::{Exact, ExactError};

use crate::line::RatedStep;
use crate::model::{Measured, ModelError, Steps};
use crate::price::{Percent, QuantityRule};
use crate::sentence::said;
use crate::text::prose;

impl Percent {
    pub(crate) fn amount(
        &self,
        measured: &Measured<'_>,
        quantity: &QuantityRule,
        steps: &mut Steps,
    ) -> Result<Exact, ModelError> {
        if self.needs_events(quantity.included) {
            return Ok(self.by_event(measured, quantity, steps)?);
        }
        let unit = &measured.meter.unit;
        let charged = quantity.charged(measured, steps)?;
        let share = self.rate.amount(charged, unit, steps)?;
        let fixed = self.per_event.mul(&Exact::integer(i128::from(measured.samples)))?;
        self.fixed_step(i128::from(measured.samples), fixed, steps);
        Ok(share.add(&fixed)?)
    }

    /// The allowance is used up by the earliest events, until their number or their sum is reached;
    /// an event that is free in full costs nothing, one that is free in part is charged for the rest.
    fn by_event(
        &self,
        measured: &Measured<'_>,
        quantity: &QuantityRule,
        steps: &mut Steps,
    ) -> Result<Exact, ExactError> {
        let mut free = Allowance {
            events: self.free_events,
            amount: quantity.included,
            limited: !quantity.included.is_zero(),
            covered: false,
        };
        let (mut total, mut charged, mut count) = (Exact::ZERO, Exact::ZERO, 0_usize);
        for event in measured.events {
            let rest = event.sub(&free.take(*event)?)?;
            if rest.is_zero() && free.covered {
                continue;
            }
            let (share, _) = self.rate.raw(rest)?;
            total = total.add(&self.limits.apply(share.add(&self.per_event)?, &mut steps.silent()))?;
            charged = charged.add(&rest)?;
            count = count.saturating_add(1);
        }
        self.event_steps(measured, (charged, count, total), steps);
        Ok(total)
    }

    fn fixed_step(&self, count: i128, fixed: Exact, steps: &mut Steps) {
        if self.per_event.is_zero() {
            return;
        }
        let digits = steps.digits;
        steps.push(|| {
            let (price, amount) = (prose(&self.per_event, digits), prose(&fixed, digits));
            let text = said!("{} events × {} = {}", prose(&Exact::integer(count), 0), price, amount);
            RatedStep { text, unit_price: Some(self.per_event), amount: Some(fixed), quantity: None }
        });
    }

    fn event_steps(&self, measured: &Measured<'_>, (charged, count, total): (Exact, usize, Exact), steps: &mut Steps) {
        let (unit, digits, events) = (&measured.meter.unit, steps.digits, measured.events.len());
        steps.push(|| {
            let (sum, rest) = (prose(&measured.quantity, 0), prose(&charged, 0));
            let text =
                said!("{} events of {} {}; {} of them are charged, for {} {}", events, sum, unit, count, rest, unit);
            RatedStep { quantity: Some(charged), ..RatedStep::new(text) }
        });
        steps.push(|| {
            let fixed = Some(self.per_event).filter(|fixed| !fixed.is_zero());
            let fixed = fixed.map(|fixed| said!(" + {}", prose(&fixed, digits)));
            let least = self.limits.minimum.map(|least| said!(", at least {}", prose(&least, digits)));
            let most = self.limits.maximum.map(|most| said!(", at most {}", prose(&most, digits)));
            let (rate, total_text) = (prose(&self.rate.price, 0), prose(&total, digits));
            let text = said!("each {} %{}{}{}: together {}", rate, fixed, least, most, total_text);
            RatedStep { text, unit_price: Some(self.rate.price), amount: Some(total), quantity: None }
        });
    }
}

/// What is still free.
struct Allowance {
    /// Without a number, only the sum ends it.
    events: Option<u32>,
    amount: Exact,
    /// Whether the sum ends it; otherwise only the number does.
    limited: bool,
    /// Whether the last event was free in full.
    covered: bool,
}

impl Allowance {
    /// The part of the next event that is free.
    fn take(&mut self, event: Exact) -> Result<Exact, ExactError> {
        let left = self.events != Some(0) && (self.events.is_some() || self.limited);
        let free = match (left, self.limited) {
            (false, _) => Exact::ZERO,
            (true, false) => event,
            (true, true) => event.min(self.amount),
        };
        self.covered = left && free == event;
        if self.limited {
            self.amount = self.amount.sub(&free)?;
        }
        self.events = self.events.map(|events| events.saturating_sub(1));
        if left && free != event {
            // Used up: what comes later is charged in full.
            self.events = Some(0);
        }
        Ok(free)
    }
}
