//! The shapes of `taxes:` and of a customer's `tax:`, and what can be wrong with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use metering::exact::{Exact, Rounding};
use serde::Deserialize;

use super::{Exempt, Jurisdiction, Rate, TaxDate, TaxRule, TaxStatus, Taxpayer};
use crate::compile::{self, Keep};
use crate::day::Day;
use crate::decimal::Decimal;
use crate::price_spec::Texts;
use crate::spec::SpecError;

/// An item of `taxes:`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct JurisdictionSpec {
    /// How customers call it, such as `DE` or `US-CA`.
    pub jurisdiction: String,
    /// What the invoice calls the tax, such as `VAT`.
    pub title: String,
    /// Which day decides on a rate.
    #[serde(default)]
    pub date: TaxDate,
    /// How the tax of each rate is rounded, once.
    #[serde(default)]
    pub rounding: Rounding,
    /// Whether the prices of the catalogue contain the tax.
    #[serde(default)]
    pub prices: PricesSpec,
    /// What the invoice says where the customer owes the tax; without it no customer can.
    pub reverse_charge: Option<String>,
    /// By category, the rules with the days from which they hold.
    #[serde(default)]
    pub rates: BTreeMap<String, Vec<RateSpec>>,
}

/// What the prices of the catalogue are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PricesSpec {
    /// Without tax.
    #[default]
    Net,
    /// With tax: refused.
    Inclusive,
}

/// What holds for a category from a day on: one of a percentage, an exemption, or nothing at all.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RateSpec {
    /// The first day.
    pub from: Day,
    /// Hundredths of the net amount.
    pub percent: Option<Decimal>,
    /// Exempt, and why, as the invoice says it.
    pub exempt: Option<String>,
    /// Outside the tax, and why.
    pub outside: Option<String>,
}

/// A customer's `tax:`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TaxpayerSpec {
    /// Where the customer is taxed: one, or several that each take their own tax.
    pub jurisdiction: Texts,
    /// Exempt by a certificate.
    pub exempt: Option<ExemptSpec>,
    /// Owes the tax itself.
    pub reverse_charge: Option<ReverseChargeSpec>,
    /// Outside the tax, and why.
    pub outside: Option<String>,
}

/// An exemption.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ExemptSpec {
    /// The certificate's number.
    pub certificate: String,
    /// Why, as the invoice says it.
    pub reason: String,
    /// The first day on which it holds; always where absent.
    pub from: Option<Day>,
    /// The first day on which it no longer holds.
    pub until: Option<Day>,
}

/// A customer that owes the tax itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ReverseChargeSpec {
    /// Its VAT id, which the invoice has to show.
    pub vat_id: String,
}

impl JurisdictionSpec {
    /// Checks a jurisdiction.
    ///
    /// # Errors
    /// Everything that is wrong with it, with paths relative to it.
    pub fn compile(&self) -> Result<Jurisdiction, Vec<SpecError>> {
        let mut keep = Keep::default();
        filled(&mut keep, "jurisdiction", Some(&self.jurisdiction));
        filled(&mut keep, "title", Some(&self.title));
        filled(&mut keep, "reverse-charge", self.reverse_charge.as_ref());
        if self.prices == PricesSpec::Inclusive {
            let hint = "write net prices: the tax is worked out on the sum of the lines and added to it";
            keep.hinted("prices", "prices that contain the tax cannot be billed", hint);
        }
        let mut rates = BTreeMap::new();
        for (category, written) in &self.rates {
            let path = format!("rates.{category}");
            keep.problems.extend(compile::name(category).into_iter().map(|problem| problem.within(&path)));
            rates.insert(category.clone(), timeline(&mut keep, &path, written));
        }
        keep.done(Some(Jurisdiction {
            name: self.jurisdiction.clone(),
            title: self.title.clone(),
            date: self.date,
            rounding: self.rounding,
            reverse_charge: self.reverse_charge.clone(),
            rates,
        }))
    }
}

/// The rules of a category in the order of their days.
fn timeline(keep: &mut Keep, path: &str, written: &[RateSpec]) -> Vec<Rate> {
    if written.is_empty() {
        keep.hinted(path, "a category without a rate", "write `[{from: 2026-01-01, percent: 19}]`");
    }
    let mut rates: Vec<Rate> = Vec::new();
    for (index, rate) in written.iter().enumerate() {
        let at = format!("{path}[{index}]");
        if let Some(earlier) = rates.last().filter(|earlier| rate.from.0 <= earlier.from) {
            let message = format!("{} is not after {}, where the rate before begins", rate.from.0, earlier.from);
            keep.hinted(&format!("{at}.from"), message, "list the rates by their days, each day once");
        }
        let rule = rate.rule(keep, &at);
        rates.extend(rule.map(|rule| Rate { from: rate.from.0, rule }));
    }
    rates
}

impl RateSpec {
    fn rule(&self, keep: &mut Keep, at: &str) -> Option<TaxRule> {
        filled(keep, &format!("{at}.exempt"), self.exempt.as_ref());
        filled(keep, &format!("{at}.outside"), self.outside.as_ref());
        match (self.percent, &self.exempt, &self.outside) {
            (Some(percent), None, None) => {
                let value = percent.value();
                if value.is_negative() || value > Exact::integer(100) {
                    keep.error(&format!("{at}.percent"), format!("{percent} does not lie between 0 and 100"));
                }
                Some(TaxRule::Percent(value))
            }
            (None, Some(reason), None) => Some(TaxRule::Exempt(reason.clone())),
            (None, None, Some(reason)) => Some(TaxRule::Outside(reason.clone())),
            _ => {
                let hint = "write `percent: 0` for a zero rate, `exempt: REASON`, or `outside: REASON`";
                keep.hinted(at, "a rate is one of `percent`, `exempt` and `outside`", hint);
                None
            }
        }
    }
}

impl TaxpayerSpec {
    /// Looks up where a customer is taxed.
    ///
    /// # Errors
    /// Everything that is wrong with it, with paths relative to it.
    pub fn compile(&self, known: &BTreeMap<String, Arc<Jurisdiction>>) -> Result<Taxpayer, Vec<SpecError>> {
        let mut keep = Keep::default();
        let mut jurisdictions: Vec<Arc<Jurisdiction>> = Vec::new();
        for name in &self.jurisdiction.0 {
            match known.get(name) {
                Some(one) if jurisdictions.contains(one) => {
                    keep.error("jurisdiction", format!("“{name}” is named twice: its tax would be charged twice"));
                }
                Some(one) => jurisdictions.push(Arc::clone(one)),
                None => {
                    let problem = SpecError::new("jurisdiction", format!("`taxes` has no jurisdiction “{name}”"));
                    keep.problems.push(compile::hint_near(problem, name, known.keys()));
                }
            }
        }
        if self.jurisdiction.0.is_empty() {
            keep.error("jurisdiction", "a customer is taxed somewhere: name a jurisdiction");
        }
        let status = self.status(&mut keep);
        if matches!(status, TaxStatus::ReverseCharge { .. }) {
            for one in jurisdictions.iter().filter(|one| one.reverse_charge.is_none()) {
                let message = format!("in “{}” a customer cannot owe the tax itself", one.name);
                let hint =
                    "give the jurisdiction the note that the invoice must bear: `reverse-charge: Reverse charge`";
                keep.hinted("reverse-charge", message, hint);
            }
        }
        keep.done(Some(Taxpayer { jurisdictions, status }))
    }

    fn status(&self, keep: &mut Keep) -> TaxStatus {
        let said = [self.exempt.is_some(), self.reverse_charge.is_some(), self.outside.is_some()];
        if said.iter().filter(|said| **said).count() > 1 {
            keep.error("", "a customer is only one of `exempt`, `reverse-charge` and `outside`");
        }
        if let Some(exempt) = &self.exempt {
            filled(keep, "exempt.certificate", Some(&exempt.certificate));
            filled(keep, "exempt.reason", Some(&exempt.reason));
            let (from, until) = (exempt.from.map(|day| day.0), exempt.until.map(|day| day.0));
            if from.is_some_and(|from| until.is_some_and(|until| until <= from)) {
                keep.error("exempt.until", "the exemption ends before it begins");
            }
            let (certificate, reason) = (exempt.certificate.clone(), exempt.reason.clone());
            return TaxStatus::Exempt(Exempt { certificate, reason, from, until });
        }
        if let Some(ReverseChargeSpec { vat_id }) = &self.reverse_charge {
            filled(keep, "reverse-charge.vat-id", Some(vat_id));
            return TaxStatus::ReverseCharge { vat_id: vat_id.clone() };
        }
        filled(keep, "outside", self.outside.as_ref());
        self.outside.clone().map_or(TaxStatus::Taxable, |reason| TaxStatus::Outside { reason })
    }
}

/// A text that the invoice shows must say something.
fn filled(keep: &mut Keep, path: &str, text: Option<&String>) {
    if text.is_some_and(|text| text.trim().is_empty()) {
        keep.error(path, "the invoice would show an empty text here");
    }
}
