//! Fees for a part of a period: multiplied first, divided last.

use chrono::NaiveDate;
use chrono_tz::Tz;
use metering::exact::{Exact, ExactError};
use metering::period::{Period, start_of_day};

use crate::line::RatedStep;
use crate::model::Steps;
use crate::prorate_spec::{DayCount, Prorate};
use crate::rate::Term;
use crate::sentence::said;
use crate::text;

/// The part of a period that a term covers, in whole days.
pub(crate) struct Share {
    first: NaiveDate,
    until: NaiveDate,
    start: NaiveDate,
    end: NaiveDate,
    zone: Tz,
}

/// How much of how much, and of what.
struct Ratio {
    used: i64,
    of: i64,
    unit: &'static str,
}

impl Share {
    pub(crate) fn of(term: Term, period: &Period) -> Option<Self> {
        Self::within(term, (period.start, period.end), period.zone)
    }

    /// The part of `[start, end)`; `None` where the term does not touch it.
    pub(crate) fn within(term: Term, (start, end): (NaiveDate, NaiveDate), zone: Tz) -> Option<Self> {
        let first = term.from.max(start);
        let until = term.until.map_or(end, |until| until.min(end));
        (first < until).then_some(Self { first, until, start, end, zone })
    }

    /// The first day.
    pub(crate) fn first(&self) -> NaiveDate {
        self.first
    }

    /// The day after the last.
    pub(crate) fn until(&self) -> NaiveDate {
        self.until
    }

    fn is_whole(&self) -> bool {
        (self.first, self.until) == (self.start, self.end)
    }

    fn days(&self) -> Ratio {
        let between = |from: NaiveDate, until: NaiveDate| until.signed_duration_since(from).num_days();
        Ratio { used: between(self.first, self.until), of: between(self.start, self.end), unit: "day" }
    }

    /// What is to be multiplied and divided; `None` where the whole is charged.
    fn ratio(&self, prorate: Prorate) -> Result<Option<Ratio>, ExactError> {
        if self.is_whole() {
            return Ok(None);
        }
        let ratio = match prorate {
            Prorate::None => return Ok(None),
            Prorate::Day => self.days(),
            Prorate::Days(count) => self.counted(count),
            Prorate::Second => self.seconds()?,
        };
        Ok((ratio.used < ratio.of).then_some(ratio))
    }

    fn counted(&self, DayCount { of, both_ends }: DayCount) -> Ratio {
        let days = self.days();
        let last = i64::from(both_ends && self.until < self.end);
        Ratio { used: days.used.saturating_add(last), of: of.map_or(days.of, i64::from), ..days }
    }

    fn seconds(&self) -> Result<Ratio, ExactError> {
        // Days that the calendar has but our instants do not are refused when a catalogue is loaded.
        let at = |day| start_of_day(self.zone, day).map_err(|_| ExactError::TooLarge);
        let between = |from, until| Ok(at(until)?.0.saturating_sub(at(from)?.0).div_euclid(1000));
        Ok(Ratio { used: between(self.first, self.until)?, of: between(self.start, self.end)?, unit: "second" })
    }

    /// The share of an amount for a whole period, not rounded, with the step that says so.
    pub(crate) fn part(&self, whole: Exact, steps: &mut Steps) -> Result<Exact, ExactError> {
        let Some(ratio) = self.ratio(Prorate::Day)? else { return Ok(whole) };
        let (raw, digits) = (ratio.of(whole)?, steps.digits);
        steps.push(|| RatedStep { unit_price: None, ..ratio.step(whole, raw, digits) });
        Ok(raw)
    }

    /// The same without words: multiplied first, divided last.
    pub(crate) fn of_whole(&self, whole: Exact, prorate: Prorate) -> Result<Exact, ExactError> {
        self.ratio(prorate)?.map_or(Ok(whole), |ratio| ratio.of(whole))
    }

    /// The hours that are covered, and those of the period.
    pub(crate) fn hours(&self) -> Result<(Exact, Exact), ExactError> {
        let Ratio { used, of, .. } = self.seconds()?;
        let hours = |seconds: i64| Exact::ratio(i128::from(seconds), 3600);
        Ok((hours(used)?, hours(of)?))
    }

    /// What the line says of it: nothing where the period is covered or the price does not mind.
    pub(crate) fn detail(&self, prorate: Prorate) -> Option<String> {
        let Ratio { used, of, unit } = self.ratio(prorate).ok().flatten()?;
        Some(format!("{used} of {of} {unit}s, from {}", self.first))
    }
}

impl Ratio {
    /// Multiplied first, divided last.
    fn of(&self, whole: Exact) -> Result<Exact, ExactError> {
        whole.mul(&Exact::integer(i128::from(self.used)))?.div(&Exact::integer(i128::from(self.of)))
    }

    fn step(&self, whole: Exact, raw: Exact, digits: u32) -> RatedStep {
        let (before, after) = (text::prose(&whole, digits), text::prose(&raw, digits));
        let text = said!("{} × {} ÷ {} {}s = {}", before, self.used, self.of, self.unit, after);
        RatedStep { unit_price: Some(whole), amount: Some(raw), ..RatedStep::new(text) }
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

/// Multiplied first, divided last, not rounded. `whole` is what a whole period is called.
pub(crate) fn prorated(
    amount: Exact,
    digits: u32,
    share: &Share,
    prorate: Prorate,
    whole: &'static str,
) -> Result<Prorated, ExactError> {
    let Some(ratio) = share.ratio(prorate)? else {
        let text = said!("{} for the {}", text::prose(&amount, digits), whole);
        let step = RatedStep { unit_price: Some(amount), amount: Some(amount), ..RatedStep::new(text) };
        return Ok(Prorated { quantity: Exact::ONE, unit: whole, unit_size: None, raw: amount, step });
    };
    let raw = ratio.of(amount)?;
    let step = ratio.step(amount, raw, digits);
    let (quantity, of) = (Exact::integer(i128::from(ratio.used)), Exact::integer(i128::from(ratio.of)));
    Ok(Prorated { quantity, unit: ratio.unit, unit_size: Some(of), raw, step })
}
