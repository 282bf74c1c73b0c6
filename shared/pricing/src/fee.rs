//! Fees of a plan: recurring, in periods of their own, and one-time.

mod lines;

use std::sync::Arc;

use metering::exact::Exact;
use serde::Deserialize;

use crate::compile;
pub(crate) use crate::fee::lines::fee_lines;
use crate::money::Amount;
use crate::plan::PLAN_GROUP;
use crate::price_list::{Money, Sold};
use crate::prorate_spec::Prorate;
use crate::recurrence::{Anchor, Cycle, Every};
use crate::spec::{Billed, SpecError};

/// A recurring fee as written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RecurringSpec {
    /// The key by which a later correction finds what was charged; made from the title where absent.
    pub name: Option<String>,
    /// How the invoice calls it.
    pub title: String,
    /// The heading on the invoice; “Plan” where absent.
    pub group: Option<String>,
    /// What a whole period costs.
    pub amount: Money,
    /// What it is charged for each of, such as `seats`: the subscription says how many there are.
    pub per: Option<String>,
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
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OneTimeSpec {
    /// The key by which a later correction finds what was charged; made from the title where absent.
    pub name: Option<String>,
    /// How the invoice calls it.
    pub title: String,
    /// The heading on the invoice; “Plan” where absent.
    pub group: Option<String>,
    /// What it costs.
    pub amount: Money,
    /// Its category of tax; the plan's where absent.
    pub tax: Option<String>,
}

/// A fee of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fee {
    /// `plan/fee`: the key of its lines.
    pub key: Arc<str>,
    /// How the invoice calls it.
    pub title: Arc<str>,
    /// The heading on the invoice.
    pub group: Arc<str>,
    /// For a whole period.
    pub amount: Amount,
    /// What it is charged for each of, and how many there are.
    pub per: Option<PerEach>,
    /// Its periods; `None` for a fee that is charged once.
    pub cycle: Option<Cycle>,
    /// When it is charged.
    pub billed: Billed,
    /// What a part of a period costs.
    pub prorate: Prorate,
    /// Its category of tax; the plan's where absent.
    pub tax: Option<Arc<str>>,
}

/// What a fee is charged for each of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerEach {
    /// As the subscription calls it.
    pub name: Arc<str>,
    /// How many there are; `None` until a subscription says so.
    pub quantity: Option<Exact>,
}

/// How the parts of a fee are rounded that a change cuts its period into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeRounding {
    /// Each part by itself: what is given back and what is charged instead.
    #[default]
    Parts,
    /// Their sum, once: the difference that the change makes.
    Difference,
}

/// What every fee has.
struct Head<'a> {
    name: String,
    title: &'a str,
    group: Option<&'a String>,
    amount: &'a Money,
    tax: Option<&'a String>,
}

fn name_or_slug(name: Option<&String>, title: &str) -> String {
    name.cloned().unwrap_or_else(|| compile::slug(title))
}

impl RecurringSpec {
    pub(crate) fn name_or_slug(&self) -> String {
        name_or_slug(self.name.as_ref(), &self.title)
    }

    pub(crate) fn compile(&self, plan: &str, sold: Option<Sold<'_>>) -> Result<Option<Fee>, Vec<SpecError>> {
        if matches!(self.anchor, Anchor::DayOfMonth(_)) && self.every != Every::Month {
            let message = format!("a day of the month does not tell where a {} begins", self.every.unit());
            return Err(vec![SpecError::new("anchor", message).hint("write a date, such as 2026-01-31")]);
        }
        let Self { title, group, amount, tax, .. } = self;
        let head = Head { name: self.name_or_slug(), title, group: group.as_ref(), amount, tax: tax.as_ref() };
        let per = self.per.as_ref().map(|name| PerEach { name: name.as_str().into(), quantity: None });
        let (cycle, billed, prorate) =
            (Some(Cycle { every: self.every, anchor: self.anchor }), self.billed, self.prorate);
        Ok(head.compile(plan, sold)?.map(|fee| Fee { per, cycle, billed, prorate, ..fee }))
    }
}

impl OneTimeSpec {
    pub(crate) fn name_or_slug(&self) -> String {
        name_or_slug(self.name.as_ref(), &self.title)
    }

    pub(crate) fn compile(&self, plan: &str, sold: Option<Sold<'_>>) -> Result<Option<Fee>, Vec<SpecError>> {
        let Self { title, group, amount, tax, .. } = self;
        let head = Head { name: self.name_or_slug(), title, group: group.as_ref(), amount, tax: tax.as_ref() };
        head.compile(plan, sold)
    }
}

impl Head<'_> {
    /// As a fee that is charged once.
    fn compile(self, plan: &str, sold: Option<Sold<'_>>) -> Result<Option<Fee>, Vec<SpecError>> {
        let mut problems = compile::name(&self.name);
        let amount =
            sold.and_then(|sold| sold.amount("amount", self.amount).map_err(|problem| problems.push(problem)).ok());
        if !problems.is_empty() {
            return Err(problems);
        }
        let Self { name, title, group, tax, .. } = self;
        Ok(amount.map(|amount| Fee {
            key: format!("{plan}/{name}").into(),
            title: title.into(),
            group: group.map_or(PLAN_GROUP, String::as_str).into(),
            amount,
            per: None,
            cycle: None,
            billed: Billed::Arrears,
            prorate: Prorate::None,
            tax: tax.map(|tax| tax.as_str().into()),
        }))
    }
}

impl Fee {
    /// Without the plan's name: by this a plan's fee is found again in the plan that follows it.
    pub(crate) fn name(&self) -> &str {
        self.key.split_once('/').map_or(&*self.key, |(_, name)| name)
    }
}
