//! What is offered for a time: the phases of a plan, and coupons.

use std::collections::BTreeSet;

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use std::fmt;

use crate::around::{Discount, DiscountSpec, Known, compile_discount};
use crate::compile;
use crate::day::Day;
use crate::decimal::Decimal;
use crate::plan::Plan;
use crate::price_list::{Money, Sold, listed};
use crate::spec::SpecError;

/// An item of a plan's `phases:`. They follow each other from the day on which a subscription begins; after the last
/// one the plan holds as it is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PhaseSpec {
    /// How the invoice calls it.
    pub title: String,
    /// How many days it lasts.
    pub days: Option<u32>,
    /// Instead: how many months.
    pub months: Option<u32>,
    /// Recurring fees are free; and this is said of usage.
    pub trial: Option<TrialUsage>,
    /// Instead: so many hundredths are taken off.
    pub percent: Option<Decimal>,
    /// Instead: an amount is taken off each month.
    pub amount: Option<Money>,
    /// What a discount applies to; everything where absent.
    pub components: Option<Vec<String>>,
}

/// Whether usage is charged in a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TrialUsage {
    /// It is free.
    #[serde(rename = "usage-free")]
    Free,
    /// It is charged as ever.
    #[serde(rename = "usage-charged")]
    Charged,
}

/// A phase of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// How the invoice calls it.
    pub title: String,
    /// How long it lasts.
    pub lasts: Lasts,
    /// What is offered.
    pub offer: Offer,
}

/// How long something lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasts {
    /// So many days.
    Days(u32),
    /// So many months.
    Months(u32),
}

/// What a phase offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer {
    /// Nothing for the recurring fees.
    Trial(TrialUsage),
    /// A discount on the months of the phase.
    Discount(Box<Discount>),
}

impl PhaseSpec {
    fn compile(&self, plan: &str, known: &Known, sold: Sold<'_>) -> Result<Phase, Vec<SpecError>> {
        let lasts = match (self.days, self.months) {
            (Some(days), None) if days > 0 => Ok(Lasts::Days(days)),
            (None, Some(months)) if months > 0 => Ok(Lasts::Months(months)),
            _ => {
                let problem = SpecError::new("days", "a phase lasts a number of `days` or of `months`, at least one");
                Err(vec![problem.hint("after the last phase the plan holds as it is, without an end")])
            }
        }?;
        let offer = match self.trial {
            Some(usage) if self.percent.is_none() && self.amount.is_none() => Offer::Trial(usage),
            Some(_) => {
                return Err(vec![SpecError::new("trial", "a phase is either a trial or has a discount, not both")]);
            }
            None => Offer::Discount(Box::new(compile_discount(&self.discount(), plan, known, sold)?)),
        };
        if matches!((&offer, lasts), (Offer::Discount(_), Lasts::Days(_))) {
            let problem = SpecError::new("days", "a discount is taken off whole months");
            return Err(vec![problem.hint("say how long it lasts in `months`")]);
        }
        Ok(Phase { title: self.title.clone(), lasts, offer })
    }

    fn discount(&self) -> DiscountSpec {
        DiscountSpec {
            name: None,
            title: self.title.clone(),
            percent: self.percent,
            amount: self.amount.clone(),
            units: None,
            components: self.components.clone(),
            from: None,
            until: None,
        }
    }
}

/// Reads the phases of a plan; a trial comes first.
pub(crate) fn phases(
    specs: &[PhaseSpec],
    plan: &str,
    known: &Known,
    sold: Option<Sold<'_>>,
    problems: &mut Vec<SpecError>,
) -> Vec<Phase> {
    let Some(sold) = sold else { return Vec::new() };
    let (mut phases, mut names) = (Vec::new(), BTreeSet::new());
    for (index, spec) in specs.iter().enumerate() {
        let path = format!("phases[{index}]");
        if index > 0 && spec.trial.is_some() {
            problems.push(SpecError::new(format!("{path}.trial"), "a trial is the first phase"));
        }
        if !names.insert(compile::slug(&spec.title)) {
            problems
                .push(SpecError::new(format!("{path}.title"), format!("“{}” stands in the phases twice", spec.title)));
        }
        match spec.compile(plan, known, sold) {
            Ok(phase) => phases.push(phase),
            Err(found) => problems.extend(found.into_iter().map(|problem| problem.within(&path))),
        }
    }
    phases
}

/// The phases of a plan on the calendar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phased {
    /// The first day after the trial, how it is called, and what is said of usage.
    pub trial: Option<(NaiveDate, String, TrialUsage)>,
    /// The discounts, with their days.
    pub discounts: Vec<Discount>,
}

impl Plan {
    /// When the phases of a subscription lie that begins on a day. A trial lasts to the day; a discount for so many
    /// months, the one in which it begins first.
    ///
    /// `None` at the end of the calendar.
    #[must_use]
    pub fn phased(&self, begun: NaiveDate) -> Option<Phased> {
        let (mut phased, mut at) = (Phased::default(), begun);
        for phase in &self.phases {
            match &phase.offer {
                Offer::Trial(usage) => {
                    at = phase.lasts.after(at)?;
                    phased.trial = Some((at, phase.title.clone(), *usage));
                }
                Offer::Discount(discount) => {
                    let first = at.with_day(1)?;
                    let until = phase.lasts.after(first)?;
                    phased.discounts.push(Discount { from: Some(first), until: Some(until), ..(**discount).clone() });
                    at = until;
                }
            }
        }
        Some(phased)
    }
}

impl Lasts {
    fn after(self, day: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Days(days) => day.checked_add_days(Days::new(u64::from(days))),
            Self::Months(months) => day.checked_add_months(Months::new(months)),
        }
    }
}

/// An entry of the section `coupons:`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CouponSpec {
    /// How subscriptions call it.
    pub name: String,
    /// How the invoice calls it.
    pub title: String,
    /// Of what it applies to.
    pub percent: Option<Decimal>,
    /// Off each month, at most all of what it applies to.
    pub amount: Option<Money>,
    /// ISO 4217 code of the amount.
    pub currency: Option<String>,
    /// Components and fees of the plan; all where absent.
    pub components: Option<Vec<String>>,
    /// The plans that it can be redeemed on; all where absent.
    pub plans: Option<Vec<String>>,
    /// How many months it is taken off.
    pub months: CouponMonths,
    /// The first day on which it can no longer be redeemed.
    pub redeemable_until: Option<Day>,
    /// How often one customer can redeem it; once where absent.
    pub per_customer: Option<u32>,
}

/// For how many months a coupon holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CouponMonths {
    /// So many; `once` is one.
    Number(u32),
    /// Without end.
    Forever,
}

impl<'de> Deserialize<'de> for CouponMonths {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MonthsVisitor)
    }
}

struct MonthsVisitor;

impl Visitor<'_> for MonthsVisitor {
    type Value = CouponMonths;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("`once`, `forever`, or a number of months from 1")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<CouponMonths, E> {
        match text {
            "once" => Ok(CouponMonths::Number(1)),
            "forever" => Ok(CouponMonths::Forever),
            other => Err(E::invalid_value(de::Unexpected::Str(other), &self)),
        }
    }

    fn visit_u64<E: de::Error>(self, months: u64) -> Result<CouponMonths, E> {
        let number = u32::try_from(months).ok().filter(|months| *months > 0);
        number.map(CouponMonths::Number).ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(months), &self))
    }
}

impl CouponSpec {
    /// The coupon as a discount of a plan, redeemed on a day: it is taken off that day's month first.
    ///
    /// # Errors
    /// What does not fit the plan.
    pub fn redeemed(&self, plan: &Plan, on: NaiveDate) -> Result<Discount, Vec<SpecError>> {
        if self.redeemable_until.is_some_and(|until| until.0 <= on) {
            let message = format!("the coupon “{}” could not be redeemed on {on} any more", self.name);
            return Err(vec![SpecError::new("on", message)]);
        }
        if self.plans.as_ref().is_some_and(|plans| !plans.contains(&plan.name)) {
            let message = format!("the coupon “{}” does not apply to the plan “{}”", self.name, plan.name);
            return Err(vec![SpecError::new("name", message)]);
        }
        let sold = Sold { currency: plan.currency, all: &[plan.currency] };
        let fees = plan.fees.iter().map(|fee| (fee.name().to_owned(), fee.key.to_string()));
        let components =
            plan.components.iter().map(|component| (component.name.to_string(), component.name.to_string()));
        let spec = DiscountSpec {
            name: Some(self.name.clone()),
            title: self.title.clone(),
            percent: self.percent,
            amount: self.amount_on(plan)?,
            units: None,
            components: self.components.clone(),
            from: None,
            until: None,
        };
        let discount = compile_discount(&spec, "coupon", &fees.chain(components).collect(), sold)?;
        let (first, beyond) = (on.with_day(1), || vec![SpecError::new("on", "the coupon ends beyond the calendar")]);
        let until = match self.months {
            CouponMonths::Forever => None,
            CouponMonths::Number(months) => {
                Some(first.and_then(|first| first.checked_add_months(Months::new(months))).ok_or_else(beyond)?)
            }
        };
        Ok(Discount { from: first, until, ..discount })
    }

    /// What it takes off in the plan's currency.
    fn amount_on(&self, plan: &Plan) -> Result<Option<Money>, Vec<SpecError>> {
        let named = match &self.amount {
            None => return Ok(None),
            Some(Money::One(amount)) if self.currency.as_deref() == Some(plan.currency.code()) => {
                return Ok(Some(Money::One(*amount)));
            }
            Some(Money::One(_)) => self.currency.clone().unwrap_or_else(|| "no currency".to_owned()),
            Some(Money::In(amounts)) => match amounts.get(&plan.currency) {
                Some(amount) => return Ok(Some(Money::One(*amount))),
                None => listed(amounts.keys().copied()),
            },
        };
        let message =
            format!("the coupon “{}” is in {named}, the plan “{}” in {}", self.name, plan.name, plan.currency);
        Err(vec![SpecError::new("name", message)])
    }
}
