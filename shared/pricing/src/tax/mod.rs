//! Taxes: which rule holds for a category on a day, and what a customer's status makes of it.
//!
//! Owns rate tables and the choice of a treatment. What treatments come to is worked out by `invoicing`, once
//! per treatment on the sum of the rounded lines, never per line.

mod spec;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use metering::exact::{Exact, ExactError, Rounding};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::money::{Amount, MoneyError};
use crate::plan::Plan;

pub use spec::{ExemptSpec, JurisdictionSpec, PricesSpec, RateSpec, ReverseChargeSpec, TaxpayerSpec};

/// The category of everything that names none.
pub const STANDARD: &str = "standard";

/// Which day decides on the rate of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TaxDate {
    /// The last day of the month that the line is charged for.
    #[default]
    PeriodEnd,
    /// The day on which the invoice is issued.
    Issue,
}

/// Somebody who takes a tax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jurisdiction {
    /// How customers call it.
    pub name: String,
    /// What the invoice calls the tax.
    pub title: String,
    /// Which day decides on a rate.
    pub date: TaxDate,
    /// How the tax of each rate is rounded, once, to the currency's minor unit.
    pub rounding: Rounding,
    /// The note where the customer owes the tax; `None` where no customer does.
    pub reverse_charge: Option<String>,
    /// By category, in the order of their days.
    pub rates: BTreeMap<String, Vec<Rate>>,
}

/// A rule and the day from which it holds, until the next one does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The first day.
    pub from: NaiveDate,
    /// What holds.
    pub rule: TaxRule,
}

/// How a category is taxed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaxRule {
    /// Hundredths of the net amount; 0 is a zero rate.
    Percent(Exact),
    /// Exempt, with the reason.
    Exempt(String),
    /// Outside the tax, with the reason.
    Outside(String),
}

/// An exemption of a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exempt {
    /// The certificate's number.
    pub certificate: String,
    /// As the invoice says it.
    pub reason: String,
    /// The first day on which it holds.
    pub from: Option<NaiveDate>,
    /// The first day on which it no longer holds.
    pub until: Option<NaiveDate>,
}

/// How a customer stands to a tax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaxStatus {
    /// Pays it.
    Taxable,
    /// Does not, by a certificate.
    Exempt(Exempt),
    /// Owes it to the authorities itself.
    ReverseCharge {
        /// Its VAT id.
        vat_id: String,
    },
    /// What it buys is not subject to the tax.
    Outside {
        /// As the invoice says it.
        reason: String,
    },
}

/// Where and how a customer is taxed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taxpayer {
    /// Each takes its tax on the net amounts.
    pub jurisdictions: Vec<Arc<Jurisdiction>>,
    /// In all of them.
    pub status: TaxStatus,
}

/// The VAT category codes of EN 16931 (UNCL 5305) that are told apart here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TaxCode {
    /// Taxed at a rate above nought.
    S,
    /// Taxed at a rate of nought.
    Z,
    /// Exempt.
    E,
    /// Reverse charge: the customer owes the tax.
    #[serde(rename = "AE")]
    Ae,
    /// Outside the tax.
    O,
}

/// How one line is taxed by one jurisdiction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Treatment {
    /// Whose tax.
    pub jurisdiction: String,
    /// What the invoice calls it.
    pub title: String,
    /// The category of EN 16931.
    pub code: TaxCode,
    /// Hundredths of the net amount; `None` outside the tax, where there is no rate.
    pub percent: Option<Exact>,
    /// Why nothing is charged, where nothing is.
    pub note: Option<String>,
    /// How the tax is rounded.
    pub rounding: Rounding,
}

impl Treatment {
    /// The tax on a sum of lines: multiplied, divided, rounded once to `digits`.
    ///
    /// # Errors
    /// [`ExactError::TooLarge`].
    pub fn amount_of(&self, base: Amount, digits: u32) -> Result<Amount, ExactError> {
        let Some(percent) = self.percent else { return Ok(Amount::ZERO) };
        let raw = Exact::decimal(base.0, digits)?.mul(&percent)?.div(&Exact::integer(100))?;
        raw.round(digits, self.rounding).map(Amount)
    }
}

/// The sums of the lines of each treatment, in the order in which their jurisdictions stand, the highest rate first.
///
/// # Errors
/// [`MoneyError::Overflow`].
pub fn by_treatment<'a>(
    lines: impl IntoIterator<Item = (Amount, &'a [Treatment])>,
) -> Result<Vec<(Treatment, Amount)>, MoneyError> {
    let mut sums: Vec<(Treatment, Amount)> = Vec::new();
    for (amount, treatments) in lines {
        for treatment in treatments {
            match sums.iter_mut().find(|(known, _)| known == treatment) {
                Some((_, base)) => *base = base.add(amount)?,
                None => sums.push((treatment.clone(), amount)),
            }
        }
    }
    let rank = |treatment: &Treatment| (treatment.code, std::cmp::Reverse(treatment.percent));
    sums.sort_by_key(|(one, _)| (one.jurisdiction.clone(), rank(one), one.note.clone()));
    Ok(sums)
}

/// The days that can decide on a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaxDays {
    /// The last day of the month that is charged for.
    pub period_end: NaiveDate,
    /// The day of issue.
    pub issue: NaiveDate,
}

/// Why it cannot be told how something is taxed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TaxError {
    /// The jurisdiction does not know the category.
    #[error(
        "“{jurisdiction}” has no rate for the tax category “{category}”; it has {}. Add the category to its `rates`",
        if .known.is_empty() { "none".to_owned() } else { .known.join(", ") }
    )]
    Category {
        /// Which.
        jurisdiction: String,
        /// Of the line.
        category: String,
        /// Those that it has.
        known: Vec<String>,
    },
    /// The table begins later.
    #[error(
        "“{jurisdiction}” has no rate for the tax category “{category}” on {date}: the first is from {first}. Add the \
         rate that held before"
    )]
    Date {
        /// Which.
        jurisdiction: String,
        /// Of the line.
        category: String,
        /// The day that decides.
        date: NaiveDate,
        /// Where the table begins.
        first: NaiveDate,
    },
}

impl TaxDays {
    fn of(self, rule: TaxDate) -> NaiveDate {
        match rule {
            TaxDate::PeriodEnd => self.period_end,
            TaxDate::Issue => self.issue,
        }
    }
}

impl Jurisdiction {
    fn category(&self, category: &str) -> Result<&[Rate], TaxError> {
        self.rates.get(category).map(Vec::as_slice).ok_or_else(|| TaxError::Category {
            jurisdiction: self.name.clone(),
            category: category.to_owned(),
            known: self.rates.keys().cloned().collect(),
        })
    }

    fn rule(&self, category: &str, date: NaiveDate) -> Result<&TaxRule, TaxError> {
        let rates = self.category(category)?;
        let holds = rates.iter().rev().find(|rate| rate.from <= date).map(|rate| &rate.rule);
        holds.ok_or_else(|| TaxError::Date {
            jurisdiction: self.name.clone(),
            category: category.to_owned(),
            date,
            first: rates.first().map_or(date, |rate| rate.from),
        })
    }

    fn treatment(&self, code: TaxCode, percent: Option<Exact>, note: Option<String>) -> Treatment {
        let (jurisdiction, title) = (self.name.clone(), self.title.clone());
        Treatment { jurisdiction, title, code, percent, note, rounding: self.rounding }
    }

    /// What the category is by itself: what is exempt or outside the tax is so for every customer.
    fn of_rule(&self, rule: &TaxRule) -> Treatment {
        match rule {
            TaxRule::Percent(percent) if percent.is_zero() => self.treatment(TaxCode::Z, Some(Exact::ZERO), None),
            TaxRule::Percent(percent) => self.treatment(TaxCode::S, Some(*percent), None),
            TaxRule::Exempt(reason) => self.treatment(TaxCode::E, Some(Exact::ZERO), Some(reason.clone())),
            TaxRule::Outside(reason) => self.treatment(TaxCode::O, None, Some(reason.clone())),
        }
    }

    /// The customer owes what is taxed at any rate, also where the table has none: it is the customer's country's.
    fn reverse_charged(&self, category: &str, date: NaiveDate) -> Treatment {
        match self.rule(category, date) {
            Ok(rule @ (TaxRule::Exempt(_) | TaxRule::Outside(_))) => self.of_rule(rule),
            Ok(TaxRule::Percent(_)) | Err(_) => {
                self.treatment(TaxCode::Ae, Some(Exact::ZERO), self.reverse_charge.clone())
            }
        }
    }
}

impl Exempt {
    fn holds(&self, date: NaiveDate) -> bool {
        self.from.is_none_or(|from| from <= date) && self.until.is_none_or(|until| date < until)
    }

    fn note(&self) -> String {
        format!("Exempt: {}, certificate {}", self.reason, self.certificate)
    }
}

impl Taxpayer {
    /// How a line of a category is taxed, by each jurisdiction.
    ///
    /// # Errors
    /// [`TaxError`] where a table says nothing of the category or the day.
    pub fn treatments(&self, category: Option<&str>, days: TaxDays) -> Result<Vec<Treatment>, TaxError> {
        let category = category.unwrap_or(STANDARD);
        self.jurisdictions.iter().map(|one| self.treatment(one, category, days.of(one.date))).collect()
    }

    fn treatment(&self, one: &Jurisdiction, category: &str, date: NaiveDate) -> Result<Treatment, TaxError> {
        match &self.status {
            TaxStatus::Outside { reason } => Ok(one.treatment(TaxCode::O, None, Some(reason.clone()))),
            TaxStatus::ReverseCharge { .. } => Ok(one.reverse_charged(category, date)),
            TaxStatus::Exempt(exempt) if exempt.holds(date) => {
                let taxed = one.of_rule(one.rule(category, date)?);
                let exempted = || one.treatment(TaxCode::E, Some(Exact::ZERO), Some(exempt.note()));
                Ok(if taxed.code == TaxCode::S { exempted() } else { taxed })
            }
            TaxStatus::Taxable | TaxStatus::Exempt(_) => Ok(one.of_rule(one.rule(category, date)?)),
        }
    }

    /// The VAT id that the invoice has to show.
    #[must_use]
    pub fn vat_id(&self) -> Option<&str> {
        match &self.status {
            TaxStatus::ReverseCharge { vat_id } => Some(vat_id),
            TaxStatus::Taxable | TaxStatus::Exempt(_) | TaxStatus::Outside { .. } => None,
        }
    }

    /// Whether the tables know all categories of a plan, whatever the day.
    ///
    /// # Errors
    /// [`TaxError::Category`], the first.
    pub fn check(&self, plan: &Plan) -> Result<(), TaxError> {
        if matches!(self.status, TaxStatus::ReverseCharge { .. } | TaxStatus::Outside { .. }) {
            return Ok(());
        }
        for one in &self.jurisdictions {
            for category in plan.tax_categories() {
                one.category(category)?;
            }
        }
        Ok(())
    }
}

impl Plan {
    /// The category of a line: its own or the plan's. The standard one is the same written or not.
    pub(crate) fn tax_of(&self, own: Option<&Arc<str>>) -> Option<Arc<str>> {
        own.or(self.tax.as_ref()).filter(|category| &***category != STANDARD).cloned()
    }

    /// The categories of tax of its fees and components.
    #[must_use]
    pub fn tax_categories(&self) -> BTreeSet<&str> {
        let of_plan = self.tax.as_deref().unwrap_or(STANDARD);
        let fees = self.fees.iter().map(|fee| fee.tax.as_deref());
        let own = fees.chain(self.components.iter().map(|component| component.tax.as_deref()));
        let around = &self.around;
        let bound = around.commitment.is_some() || around.minimum.is_some() || around.maximum.is_some();
        own.map(|tax| tax.unwrap_or(of_plan)).chain(bound.then_some(of_plan)).collect()
    }
}
