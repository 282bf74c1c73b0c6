//! Fees for a part of a period: by the calendar day, multiplied first, divided last.

use chrono::NaiveDate;
use metering::exact::{Exact, ExactError};
use metering::period::Period;

use crate::line::RatedStep;
use crate::rate::Term;
use crate::spec::Prorate;
use crate::text;

/// The part of a period that a term covers, in whole days.
pub(crate) struct Share {
    first: NaiveDate,
    days: i64,
    of: i64,
}

impl Share {
    pub(crate) fn of(term: Term, period: &Period) -> Option<Self> {
        let first = term.from.max(period.start);
        let end = term.until.map_or(period.end, |until| until.min(period.end));
        let between = |from: NaiveDate, until: NaiveDate| until.signed_duration_since(from).num_days();
        let (days, of) = (between(first, end), between(period.start, period.end));
        (days > 0).then_some(Self { first, days, of })
    }

    fn is_whole(&self) -> bool {
        self.days == self.of
    }

    /// The share of an amount for a whole period, not rounded, with the step that says so.
    pub(crate) fn part(&self, whole: Exact, digits: u32, steps: &mut Vec<RatedStep>) -> Result<Exact, ExactError> {
        if self.is_whole() {
            return Ok(whole);
        }
        let raw = whole.mul(&Exact::integer(i128::from(self.days)))?.div(&Exact::integer(i128::from(self.of)))?;
        let (before, after) = (text::prose(&whole, digits), text::prose(&raw, digits));
        let step = RatedStep::new(format!("{before} × {} ÷ {} days = {after}", self.days, self.of));
        steps.push(RatedStep { amount: Some(raw), ..step });
        Ok(raw)
    }

    /// What the line says of it: nothing where the period is covered or the price does not mind.
    pub(crate) fn detail(&self, prorate: Prorate) -> Option<String> {
        (!self.is_whole() && prorate == Prorate::Day)
            .then(|| format!("{} of {} days, from {}", self.days, self.of, self.first))
    }
}

/// A fee for a part of a period: what is multiplied with what, and how that reads.
pub(crate) struct Prorated {
    pub quantity: Exact,
    pub unit: &'static str,
    pub unit_size: Option<Exact>,
    pub raw: Exact,
    pub step: RatedStep,
}

/// Multiplied first, divided last, not rounded.
pub(crate) fn prorated(amount: Exact, digits: u32, share: &Share, prorate: Prorate) -> Result<Prorated, ExactError> {
    let fee = text::prose(&amount, digits);
    let step = |text, raw| RatedStep { unit_price: Some(amount), amount: Some(raw), ..RatedStep::new(text) };
    if share.is_whole() || prorate == Prorate::None {
        let step = step(format!("{fee} for the month"), amount);
        return Ok(Prorated { quantity: Exact::ONE, unit: "month", unit_size: None, raw: amount, step });
    }
    let (days, of) = (Exact::integer(i128::from(share.days)), Exact::integer(i128::from(share.of)));
    let raw = amount.mul(&days)?.div(&of)?;
    let text = format!("{fee} × {} ÷ {} days = {}", share.days, share.of, text::prose(&raw, digits));
    Ok(Prorated { quantity: days, unit: "day", unit_size: Some(of), raw, step: step(text, raw) })
}
