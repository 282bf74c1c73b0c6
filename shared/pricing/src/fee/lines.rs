//! The lines of a fee under a month, and what of it the stretches before have charged already.

use std::sync::Arc;

use chrono::NaiveDate;
use metering::exact::{Exact, ExactError};

use crate::agreement::Stretch;
use crate::fee::{ChangeRounding, Fee};
use crate::line::{RatedKind, RatedLine, RatedStep};
use crate::model::Steps;
use crate::money::{Amount, MoneyError};
use crate::plan::Plan;
use crate::prorate::{Prorated, Share, prorated};
use crate::prorate_spec::Prorate;
use crate::rate::{RateError, RatingInput, Term, number, rounded};
use crate::recurrence::Cycle;
use crate::sentence::said;
use crate::spec::Billed;
use crate::text;

/// The lines of a fee that stand under the input's month.
///
/// A fee in arrears stands under the month in which its period, or the plan's term within it, ends; one in advance
/// under the month in which it begins; a one-time fee under the month in which the subscription began.
pub(crate) fn fee_lines(
    plan: &Plan,
    input: &RatingInput<'_>,
    position: usize,
    fee: &Fee,
) -> Result<Vec<RatedLine>, RateError> {
    let place = Place { plan, input, position, fee };
    match fee.cycle {
        Some(cycle) => place.recurring(cycle),
        None => Ok(place.once().map_err(number(input.customer, &fee.key))?.into_iter().collect()),
    }
}

struct Place<'a> {
    plan: &'a Plan,
    input: &'a RatingInput<'a>,
    position: usize,
    fee: &'a Fee,
}

impl<'a> Place<'a> {
    fn recurring(&self, cycle: Cycle) -> Result<Vec<RatedLine>, RateError> {
        let (input, month, term) = (self.input, self.input.period, self.term());
        let periods = cycle.periods(input.begun, month.start, month.end).map_err(|source| RateError::Calendar {
            customer: input.customer.to_owned(),
            component: self.fee.key.to_string(),
            source,
        })?;
        let shares = periods.into_iter().filter_map(|whole| Some((whole, Share::within(term, whole, month.zone)?)));
        let here = shares.filter(|(_, share)| match self.fee.billed {
            Billed::Arrears => month.start < share.until() && share.until() <= month.end,
            Billed::Advance => month.start <= share.first() && share.first() < month.end,
        });
        let mut lines = Vec::new();
        for (whole, share) in here {
            lines.extend(self.line(cycle, whole, &share)?);
        }
        Ok(lines)
    }

    /// The same fee in the stretches right before this one, as far as they lie in the period, the latest first: of
    /// the same name and with the same periods.
    fn before(&self, cycle: Cycle, whole: (NaiveDate, NaiveDate)) -> Vec<(&'a Plan, &'a Fee, Share)> {
        let zone = self.input.period.zone;
        let of_stretch = |stretch: &'a Stretch<'a>| {
            let same = |fee: &&Fee| fee.name() == self.fee.name() && fee.cycle == Some(cycle);
            let fee = stretch.plan.fees.iter().find(same).filter(|_| !stretch.plan.trial)?;
            Some((stretch.plan, fee, Share::within(stretch.term, whole, zone)?))
        };
        self.input.before.iter().rev().map_while(of_stretch).collect()
    }

    /// What was charged in advance is given back from the day on which the subscription has ended since.
    fn term(&self) -> Term {
        let Term { from, until } = self.input.term;
        let ended = self.input.ended.filter(|_| self.fee.billed == Billed::Advance);
        Term { from, until: [until, ended].into_iter().flatten().min() }
    }

    /// The fee of one period; none where the whole of it was charged by the plan before.
    fn line(&self, cycle: Cycle, whole: (NaiveDate, NaiveDate), share: &Share) -> Result<Option<RatedLine>, RateError> {
        let fails = number(self.input.customer, &self.fee.key);
        let before = self.before(cycle, whole);
        if self.fee.prorate == Prorate::None && before.first().is_some_and(|(_, fee, _)| fee.prorate == Prorate::None) {
            return Ok(None);
        }
        let mut steps = Steps::new(self.plan.currency.digits(), true);
        let part = self.part(self.plan, self.fee, cycle, share, &mut steps)?;
        let amount = match self.plan.change_rounding {
            ChangeRounding::Difference if !before.is_empty() => {
                self.rounded_together(cycle, &before, part.raw, &mut steps)?
            }
            _ => rounded(self.plan, part.raw, &mut steps).map_err(fails)?,
        };
        let (start, end) = whole;
        let whole = (!cycle.is_calendar_month()).then(|| format!("{start} until {end}"));
        let detail: Vec<String> = [whole, share.detail(self.fee.prorate)].into_iter().flatten().collect();
        Ok(Some(RatedLine {
            detail: (!detail.is_empty()).then(|| detail.join(", ")),
            quantity: Some(part.quantity),
            unit: Some(self.unit(part.unit)),
            unit_price: Some(self.exact(self.fee.amount)?),
            unit_size: part.unit_size,
            ..self.charge(RatedKind::Recurring, amount, steps.done())
        }))
    }

    /// `month` and `day`, or `seats` and `seats × days`.
    fn unit(&self, of: &str) -> Arc<str> {
        match &self.fee.per {
            None => of.into(),
            Some(per) if of == "day" || of == "second" => format!("{} × {of}s", per.name).into(),
            Some(per) => Arc::clone(&per.name),
        }
    }

    fn exact(&self, amount: Amount) -> Result<Exact, RateError> {
        Exact::decimal(amount.0, self.plan.currency.digits()).map_err(number(self.input.customer, &self.fee.key))
    }

    /// What a part of a period costs, not rounded. A trial's is nothing.
    fn part(
        &self,
        plan: &Plan,
        fee: &Fee,
        cycle: Cycle,
        share: &Share,
        steps: &mut Steps,
    ) -> Result<Prorated, RateError> {
        let fails = number(self.input.customer, &fee.key);
        let (digits, price) = (plan.currency.digits(), self.exact(fee.amount)?);
        let quantity = self.quantity(fee)?;
        let all = price.mul(&quantity).map_err(&fails)?;
        if let Some(per) = &fee.per {
            let (many, each, sum) = (text::prose(&quantity, 0), text::prose(&price, digits), text::prose(&all, digits));
            let step = RatedStep::new(said!("{} {} × {} = {}", many, &per.name, each, sum));
            steps.push(|| RatedStep { quantity: Some(quantity), unit_price: Some(price), amount: Some(all), ..step });
        }
        let mut part = prorated(all, digits, share, fee.prorate, cycle.every.unit()).map_err(&fails)?;
        part.quantity = part.quantity.mul(&quantity).map_err(&fails)?;
        steps.push(|| part.step.clone());
        if plan.trial {
            part.raw = Exact::ZERO;
            steps.push(|| RatedStep { amount: Some(Exact::ZERO), ..RatedStep::new("free in the trial") });
        }
        Ok(part)
    }

    fn quantity(&self, fee: &Fee) -> Result<Exact, RateError> {
        let Some(per) = &fee.per else { return Ok(Exact::ONE) };
        per.quantity.ok_or_else(|| RateError::Quantity {
            customer: self.input.customer.to_owned(),
            component: fee.key.to_string(),
            quantity: per.name.to_string(),
        })
    }

    /// The parts of the period up to this one are rounded in one sum, less what those before it came to.
    fn rounded_together(
        &self,
        cycle: Cycle,
        before: &[(&Plan, &Fee, Share)],
        raw: Exact,
        steps: &mut Steps,
    ) -> Result<Amount, RateError> {
        let fails = number(self.input.customer, &self.fee.key);
        let digits = self.plan.currency.digits();
        let mut earlier = Exact::ZERO;
        for (plan, fee, share) in before {
            let part = self.part(plan, fee, cycle, share, &mut Steps::new(digits, false))?;
            earlier = earlier.add(&part.raw).map_err(&fails)?;
        }
        let round = |sum: Exact| sum.round(digits, self.plan.rounding).map(Amount);
        let charged = round(earlier).map_err(&fails)?;
        let all = earlier.add(&raw).and_then(round).map_err(&fails)?;
        let amount = all.sub(charged).map_err(|_: MoneyError| fails(ExactError::TooLarge))?;
        let money = |amount: Amount| text::grouped(&amount.format(digits));
        let text =
            said!("{} together with what the period cost before the change, less {} of it", money(all), money(charged));
        let exact = self.exact(amount)?;
        steps.push(|| RatedStep { amount: Some(exact), ..RatedStep::new(text) });
        Ok(amount)
    }

    fn once(&self) -> Result<Option<RatedLine>, ExactError> {
        let RatingInput { period, term, .. } = self.input;
        let begun = self.paid_from();
        let here = period.start <= begun && begun < period.end;
        if self.plan.trial || !here || begun < term.from || term.until.is_some_and(|until| until <= begun) {
            return Ok(None);
        }
        let digits = self.plan.currency.digits();
        let price = Exact::decimal(self.fee.amount.0, digits)?;
        let step = RatedStep::new(said!("{} once, on {}", text::prose(&price, digits), begun));
        let steps = vec![RatedStep { unit_price: Some(price), amount: Some(price), ..step }];
        let line = self.charge(RatedKind::OneTime, self.fee.amount, steps);
        Ok(Some(RatedLine { unit_price: Some(price), detail: Some("once".to_owned()), ..line }))
    }

    /// The day on which the subscription began, or its trial was over.
    fn paid_from(&self) -> NaiveDate {
        let RatingInput { term, begun, before, .. } = *self.input;
        let paid = before.iter().find(|stretch| !stretch.plan.trial).map(|stretch| stretch.term.from);
        paid.unwrap_or(if before.is_empty() { begun } else { term.from })
    }

    fn charge(&self, kind: RatedKind, amount: Amount, steps: Vec<RatedStep>) -> RatedLine {
        RatedLine {
            kind,
            position: self.position,
            group: self.fee.group.clone(),
            component: self.fee.key.clone(),
            deployment: None,
            title: self.fee.title.clone(),
            detail: None,
            period: self.input.period.label().into(),
            quantity: None,
            unit: None,
            unit_price: None,
            unit_size: None,
            tax: self.plan.tax_of(self.fee.tax.as_ref()),
            currency: self.plan.currency,
            amount,
            days: Vec::new(),
            steps,
        }
    }
}
