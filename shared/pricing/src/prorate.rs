//! Fees for a part of a period: by the calendar day, multiplied first, divided last.

use chrono::NaiveDate;
use chrono_tz::Tz;
use metering::exact::{Exact, ExactError};
use metering::period::{Period, start_of_day};

use crate::line::RatedStep;
use crate::model::Steps;
use crate::rate::Term;
use crate::spec::Prorate;
use crate::text;

/// The part of a period that a term covers, in whole days.
pub(crate) struct Share {
    first: NaiveDate,
    days: i64,
    of: i64,
    end: NaiveDate,
    period: Period,
}

impl Share {
    pub(crate) fn of(term: Term, period: &Period) -> Option<Self> {
        let first = term.from.max(period.start);
        let end = term.until.map_or(period.end, |until| until.min(period.end));
        let between = |from: NaiveDate, until: NaiveDate| until.signed_duration_since(from).num_days();
        let (days, of) = (between(first, end), between(period.start, period.end));
        (days > 0).then_some(Self { first, days, of, end, period: *period })
    }

    fn is_whole(&self) -> bool {
        self.days == self.of
    }

    /// The share of an amount for a whole period, not rounded, with the step that says so.
    pub(crate) fn part(&self, whole: Exact, steps: &mut Steps) -> Result<Exact, ExactError> {
        if self.is_whole() {
            return Ok(whole);
        }
        let (raw, digits) = (self.of_whole(whole)?, steps.digits);
        steps.push(|| {
            let (before, after) = (text::prose(&whole, digits), text::prose(&raw, digits));
            let step = RatedStep::new(format!("{before} × {} ÷ {} days = {after}", self.days, self.of));
            RatedStep { amount: Some(raw), ..step }
        });
        Ok(raw)
    }

    /// The same without words: multiplied first, divided last.
    pub(crate) fn of_whole(&self, whole: Exact) -> Result<Exact, ExactError> {
        if self.is_whole() {
            return Ok(whole);
        }
        whole.mul(&Exact::integer(i128::from(self.days)))?.div(&Exact::integer(i128::from(self.of)))
    }

    /// The hours that are covered, and those of the period.
    pub(crate) fn hours(&self) -> Result<(Exact, Exact), ExactError> {
        let Period { start, end, zone } = self.period;
        Ok((hours(zone, self.first, self.end)?, hours(zone, start, end)?))
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

/// Hours between the starts of two local days, longer or shorter where clocks change.
fn hours(zone: Tz, from: NaiveDate, until: NaiveDate) -> Result<Exact, ExactError> {
    // A date at the end of the calendar is a number that does not fit.
    let at = |date| start_of_day(zone, date).map_err(|_| ExactError::TooLarge);
    let ms = at(until)?.0.saturating_sub(at(from)?.0);
    Exact::ratio(i128::from(ms), 3_600_000)
}
