//! Prepaid credits: what a customer has paid before pays later lines, in order, until it is used up or expires.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use metering::exact::{Exact, ExactError};
use metering::period::Period;
use serde::Deserialize;

use crate::allocate::allocate;
use crate::compile;
use crate::day::Day;
use crate::decimal::Decimal;
use crate::history::History;
use crate::line::{RatedKind, RatedLine, RatedStep};
use crate::money::{Amount, Currency, MoneyError};
use crate::sentence::said;
use crate::spec::SpecError;
use crate::text;

/// What the keys of credits begin with; no component can be called so.
pub const CREDIT: &str = "credit/";

/// An item of a customer's `credits:`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CreditSpec {
    /// The key by which later invoices find what was drawn; made from the title where absent.
    pub name: Option<String>,
    /// How the invoice calls it.
    pub title: String,
    /// What was paid.
    pub amount: Decimal,
    /// The first day on which it can be drawn.
    pub from: Day,
    /// The first day on which it has expired.
    pub until: Option<Day>,
    /// The components that it pays for; all lines where absent.
    pub components: Option<Vec<String>>,
}

/// A prepaid credit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credit {
    /// `credit/name`: the key of its lines.
    pub key: String,
    /// How the invoice calls it.
    pub title: String,
    /// What was paid; above nought.
    pub amount: Amount,
    /// The first day on which it can be drawn.
    pub from: NaiveDate,
    /// The first day on which it has expired.
    pub until: Option<NaiveDate>,
    /// The components that it pays for; all lines where absent.
    pub components: Option<Vec<String>>,
}

impl CreditSpec {
    /// Checks a credit of a customer who pays in `currency`.
    ///
    /// # Errors
    /// Everything that is wrong with it, with paths relative to it.
    pub fn compile(&self, currency: Currency) -> Result<Credit, Vec<SpecError>> {
        let name = self.name.clone().unwrap_or_else(|| compile::slug(&self.title));
        let mut problems = compile::name(&name);
        let amount = compile::amount("amount", self.amount, currency).map_err(|problem| problems.push(problem));
        let amount = amount.unwrap_or_default();
        if problems.is_empty() && amount == Amount::ZERO {
            problems.push(SpecError::new("amount", "a credit of 0 pays nothing"));
        }
        if self.until.is_some_and(|until| until <= self.from) {
            problems.push(SpecError::new("until", "the credit expires before it can be drawn"));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Credit {
            key: format!("{CREDIT}{name}"),
            title: self.title.clone(),
            amount,
            from: self.from.0,
            until: self.until.map(|day| day.0),
            components: self.components.clone(),
        })
    }
}

impl Credit {
    /// A month can draw it where it is valid on one of its days.
    fn is_valid(&self, period: &Period) -> bool {
        self.from < period.end && self.until.is_none_or(|until| period.start < until)
    }

    /// What expires first is drawn first; of equals what could be drawn first, then by name.
    fn order(&self) -> (NaiveDate, NaiveDate, &str) {
        (self.until.unwrap_or(NaiveDate::MAX), self.from, &self.key)
    }

    fn pays(&self, line: &RatedLine) -> bool {
        self.components.as_ref().is_none_or(|components| components.iter().any(|name| **name == *line.component))
    }
}

fn large(_: MoneyError) -> ExactError {
    ExactError::TooLarge
}

/// The credit that a line's key belongs to, without the category of tax: `None` for other lines.
pub(crate) fn credit_of(component: &str) -> Option<&str> {
    let name = component.strip_prefix(CREDIT)?;
    let length = name.find('/').unwrap_or(name.len()).saturating_add(CREDIT.len());
    component.get(..length)
}

/// The lines with which a customer's credits pay a month's other lines: each credit at most what earlier months
/// left of it, and all together at most the sum of the lines.
///
/// # Errors
/// [`ExactError::TooLarge`].
pub fn draw(
    credits: &[Credit],
    lines: &[RatedLine],
    period: &Period,
    currency: Currency,
    history: &History,
) -> Result<Vec<RatedLine>, ExactError> {
    let mut valid: Vec<&Credit> = credits.iter().filter(|credit| credit.is_valid(period)).collect();
    valid.sort_by_key(|credit| credit.order());
    let net: Vec<Amount> = lines.iter().map(|line| line.amount).collect();
    let mut paying = Paying { lines, net, period, currency, history, drawn: Vec::new() };
    for (position, credit) in valid.into_iter().enumerate() {
        paying.pay(position, credit)?;
    }
    Ok(paying.drawn)
}

struct Paying<'a> {
    lines: &'a [RatedLine],
    /// What of each line is not paid yet.
    net: Vec<Amount>,
    period: &'a Period,
    currency: Currency,
    history: &'a History,
    drawn: Vec<RatedLine>,
}

impl Paying<'_> {
    fn pay(&mut self, position: usize, credit: &Credit) -> Result<(), ExactError> {
        let before = self.before(credit)?;
        let left = credit.amount.sub(before).map_err(large)?;
        let open = Amount::sum(self.net.iter().copied()).map_err(large)?;
        let places: Vec<usize> =
            (0..).zip(self.lines).filter(|(_, line)| credit.pays(line)).map(|(at, _)| at).collect();
        let weights: Vec<Amount> = places.iter().filter_map(|place| self.net.get(*place).copied()).collect();
        let payable = Amount::sum(weights.iter().copied()).map_err(large)?.min(open);
        let pays = left.min(payable);
        if pays <= Amount::ZERO {
            return Ok(());
        }
        let mut by_tax: BTreeMap<Option<Arc<str>>, Amount> = BTreeMap::new();
        for (place, part) in places.iter().zip(allocate(pays, &weights).map_err(large)?) {
            let (Some(net), Some(line)) = (self.net.get_mut(*place), self.lines.get(*place)) else { continue };
            *net = net.sub(part).map_err(large)?;
            let of_tax = by_tax.entry(line.tax.clone()).or_insert(Amount::ZERO);
            *of_tax = of_tax.add(part).map_err(large)?;
        }
        by_tax.retain(|_, part| *part != Amount::ZERO);
        let steps = self.steps(credit, before, payable, pays)?;
        for (tax, part) in by_tax {
            let line = self.line(position, credit, tax, part.neg().map_err(large)?, steps.clone());
            self.drawn.push(line);
        }
        Ok(())
    }

    /// What the months before drew: their lines are negative, one for each category of tax.
    fn before(&self, credit: &Credit) -> Result<Amount, ExactError> {
        let first = "0000-00";
        let last = self.period.month_after(-1).map_err(|_| ExactError::TooLarge)?.label();
        self.history.amount(&credit.key, first, &last).and_then(Amount::neg).map_err(large)
    }

    fn steps(
        &self,
        credit: &Credit,
        before: Amount,
        payable: Amount,
        pays: Amount,
    ) -> Result<Vec<RatedStep>, ExactError> {
        let money = |amount: Amount| text::grouped(&amount.format(self.currency.digits()));
        let left = credit.amount.sub(before).and_then(|left| left.sub(pays)).map_err(large)?;
        let expires = credit.until.map(|until| said!(", expires on {}", until));
        let exact = |amount: Amount| Exact::decimal(amount.0, self.currency.digits()).map(Some);
        let paid = RatedStep::new(said!("{} paid in advance, {} drawn before", money(credit.amount), money(before)));
        let drawn = said!("{} of {} paid from it, {} left{}", money(pays), money(payable), money(left), expires);
        Ok(vec![paid, RatedStep { amount: exact(pays)?, ..RatedStep::new(drawn) }])
    }

    fn line(
        &self,
        position: usize,
        credit: &Credit,
        tax: Option<Arc<str>>,
        amount: Amount,
        steps: Vec<RatedStep>,
    ) -> RatedLine {
        RatedLine {
            kind: RatedKind::Credit,
            // After the lines of all plans.
            position: position.saturating_add(1_000_000),
            group: "Credits".into(),
            // Lines of different tax are corrected apart.
            component: tax
                .as_ref()
                .map_or_else(|| credit.key.as_str().into(), |tax| format!("{}/{tax}", credit.key).into()),
            deployment: None,
            title: credit.title.as_str().into(),
            detail: tax.as_ref().map(|tax| format!("taxed as {tax}")),
            period: self.period.label().into(),
            quantity: None,
            unit: None,
            unit_price: None,
            unit_size: None,
            tax,
            currency: self.currency,
            amount,
            days: Vec::new(),
            steps,
        }
    }
}
