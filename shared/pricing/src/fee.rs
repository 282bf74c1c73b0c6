//! Fees of a plan: recurring, in periods of their own, and one-time.

use chrono::NaiveDate;
use metering::exact::{Exact, ExactError};
use serde::Deserialize;

use crate::compile;
use crate::decimal::Decimal;
use crate::line::{RatedKind, RatedLine, RatedStep};
use crate::model::Steps;
use crate::money::{Amount, Currency};
use crate::plan::{PLAN_GROUP, Plan};
use crate::prorate::{Share, prorated};
use crate::prorate_spec::Prorate;
use crate::rate::{RateError, RatingInput, Term, number, rounded};
use crate::recurrence::{Anchor, Cycle, Every};
use crate::spec::{Billed, SpecError};
use crate::text;

/// A recurring fee as written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RecurringSpec {
    /// The key by which a later correction finds what was charged; made from the title where absent.
    pub name: Option<String>,
    /// How the invoice calls it.
    pub title: String,
    /// The heading on the invoice; “Plan” where absent.
    pub group: Option<String>,
    /// What a whole period costs.
    pub amount: Decimal,
    /// How long its periods are; a month where absent.
    #[serde(default)]
    pub every: Every,
    /// From where they are counted; from the calendar's own bounds where absent.
    #[serde(default)]
    pub anchor: Anchor,
    /// When it is charged.
    #[serde(default)]
    pub billed: Billed,
    /// What a part of a period costs.
    #[serde(default)]
    pub prorate: Prorate,
    /// Its category of tax; the plan's where absent.
    pub tax: Option<String>,
}

/// A one-time fee as written: charged in whole, in the month in which the subscription begins.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OneTimeSpec {
    /// The key by which a later correction finds what was charged; made from the title where absent.
    pub name: Option<String>,
    /// How the invoice calls it.
    pub title: String,
    /// The heading on the invoice; “Plan” where absent.
    pub group: Option<String>,
    /// What it costs.
    pub amount: Decimal,
    /// Its category of tax; the plan's where absent.
    pub tax: Option<String>,
}

/// A fee of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fee {
    /// `plan/fee`: the key of its lines.
    pub key: String,
    /// How the invoice calls it.
    pub title: String,
    /// The heading on the invoice.
    pub group: String,
    /// For a whole period.
    pub amount: Amount,
    /// Its periods; `None` for a fee that is charged once.
    pub cycle: Option<Cycle>,
    /// When it is charged.
    pub billed: Billed,
    /// What a part of a period costs.
    pub prorate: Prorate,
    /// Its category of tax; the plan's where absent.
    pub tax: Option<String>,
}

/// A fee before its numbers are checked.
struct Draft<'a> {
    name: String,
    title: &'a str,
    group: Option<&'a String>,
    amount: Decimal,
    cycle: Option<Cycle>,
    billed: Billed,
    prorate: Prorate,
    tax: Option<&'a String>,
}

impl RecurringSpec {
    pub(crate) fn name_or_slug(&self) -> String {
        self.name.clone().unwrap_or_else(|| compile::slug(&self.title))
    }

    pub(crate) fn compile(&self, plan: &str, currency: Option<Currency>) -> Result<Option<Fee>, Vec<SpecError>> {
        let draft = Draft {
            name: self.name_or_slug(),
            title: &self.title,
            group: self.group.as_ref(),
            amount: self.amount,
            cycle: Some(Cycle { every: self.every, anchor: self.anchor }),
            billed: self.billed,
            prorate: self.prorate,
            tax: self.tax.as_ref(),
        };
        if matches!(self.anchor, Anchor::DayOfMonth(_)) && self.every != Every::Month {
            let message = format!("a day of the month does not tell where a {} begins", self.every.unit());
            return Err(vec![SpecError::new("anchor", message).hint("write a date, such as 2026-01-31")]);
        }
        draft.compile(plan, currency)
    }
}

impl OneTimeSpec {
    pub(crate) fn name_or_slug(&self) -> String {
        self.name.clone().unwrap_or_else(|| compile::slug(&self.title))
    }

    pub(crate) fn compile(&self, plan: &str, currency: Option<Currency>) -> Result<Option<Fee>, Vec<SpecError>> {
        let draft = Draft {
            name: self.name_or_slug(),
            title: &self.title,
            group: self.group.as_ref(),
            amount: self.amount,
            cycle: None,
            billed: Billed::Arrears,
            prorate: Prorate::None,
            tax: self.tax.as_ref(),
        };
        draft.compile(plan, currency)
    }
}

impl Draft<'_> {
    fn compile(self, plan: &str, currency: Option<Currency>) -> Result<Option<Fee>, Vec<SpecError>> {
        let mut problems = compile::name(&self.name);
        let amount = currency.and_then(|currency| {
            compile::amount("amount", self.amount, currency).map_err(|problem| problems.push(problem)).ok()
        });
        if !problems.is_empty() {
            return Err(problems);
        }
        let Self { name, title, group, cycle, billed, prorate, tax, .. } = self;
        Ok(amount.map(|amount| Fee {
            key: format!("{plan}/{name}"),
            title: title.to_owned(),
            group: group.cloned().unwrap_or_else(|| PLAN_GROUP.to_owned()),
            amount,
            cycle,
            billed,
            prorate,
            tax: tax.cloned(),
        }))
    }
}

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

impl Place<'_> {
    fn recurring(&self, cycle: Cycle) -> Result<Vec<RatedLine>, RateError> {
        let (input, month, term) = (self.input, self.input.period, self.term());
        let periods = cycle.periods(input.begun, month.start, month.end).map_err(|source| RateError::Calendar {
            customer: input.customer.to_owned(),
            component: self.fee.key.clone(),
            source,
        })?;
        let shares = periods.into_iter().filter_map(|whole| Some((whole, Share::within(term, whole, month.zone)?)));
        let here = shares.filter(|(_, share)| match self.fee.billed {
            Billed::Arrears => month.start < share.until() && share.until() <= month.end,
            Billed::Advance => month.start <= share.first() && share.first() < month.end,
        });
        here.map(|(whole, share)| self.line(cycle, whole, &share))
            .collect::<Result<_, _>>()
            .map_err(number(input.customer, &self.fee.key))
    }

    /// What was charged in advance is given back from the day on which the subscription has ended since.
    fn term(&self) -> Term {
        let Term { from, until } = self.input.term;
        let ended = self.input.ended.filter(|_| self.fee.billed == Billed::Advance);
        Term { from, until: [until, ended].into_iter().flatten().min() }
    }

    fn line(&self, cycle: Cycle, (start, end): (NaiveDate, NaiveDate), share: &Share) -> Result<RatedLine, ExactError> {
        let digits = self.plan.currency.digits();
        let price = Exact::decimal(self.fee.amount.0, digits)?;
        let part = prorated(price, digits, share, self.fee.prorate, cycle.every.unit())?;
        let mut steps = Steps::new(digits, true);
        steps.push(|| part.step);
        let amount = rounded(self.plan, part.raw, &mut steps)?;
        let whole = (!cycle.is_calendar_month()).then(|| format!("{start} until {end}"));
        let detail: Vec<String> = [whole, share.detail(self.fee.prorate)].into_iter().flatten().collect();
        Ok(RatedLine {
            detail: (!detail.is_empty()).then(|| detail.join(", ")),
            quantity: Some(part.quantity),
            unit: Some(part.unit.to_owned()),
            unit_price: Some(price),
            unit_size: part.unit_size,
            ..self.charge(RatedKind::Recurring, amount, steps.done())
        })
    }

    fn once(&self) -> Result<Option<RatedLine>, ExactError> {
        let RatingInput { period, term, begun, .. } = self.input;
        let here = period.start <= *begun && *begun < period.end;
        if !here || *begun < term.from || term.until.is_some_and(|until| until <= *begun) {
            return Ok(None);
        }
        let digits = self.plan.currency.digits();
        let price = Exact::decimal(self.fee.amount.0, digits)?;
        let step = RatedStep::new(format!("{} once, on {begun}", text::prose(&price, digits)));
        let steps = vec![RatedStep { unit_price: Some(price), amount: Some(price), ..step }];
        let line = self.charge(RatedKind::OneTime, self.fee.amount, steps);
        Ok(Some(RatedLine { unit_price: Some(price), detail: Some("once".to_owned()), ..line }))
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
            period: self.input.period.label(),
            quantity: None,
            unit: None,
            unit_price: None,
            unit_size: None,
            tax: self.fee.tax.clone().or_else(|| self.plan.tax.clone()),
            currency: self.plan.currency,
            amount,
            days: Vec::new(),
            steps,
        }
    }
}
