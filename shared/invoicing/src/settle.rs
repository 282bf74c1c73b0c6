//! What is still to be charged for a period: its price now, less what earlier invoices charged for it.
//!
//! An issued invoice never changes. When late usage, a corrected file or a reassigned deployment
//! changes the price of a past period, the next invoice carries the difference, per component and
//! deployment: what all invoices charge for a period always adds up to its present price.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use metering::exact::{Exact, ExactError};
use pricing::{Amount, Currency, MoneyError, RatedLine, RatedStep, text};
use thiserror::Error;

use crate::document::{Invoice, Line};

/// A difference between the price of a period now and what earlier invoices charged for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrueUp {
    /// The heading on the invoice.
    pub group: String,
    /// The component's name, or `plan/fee`.
    pub component: String,
    /// Where the price is per deployment.
    pub deployment: Option<String>,
    /// How the invoice calls it.
    pub title: String,
    /// Label of the period that is corrected.
    pub period: String,
    /// The category of tax; the standard one where absent.
    pub tax: Option<String>,
    /// Of the amounts.
    pub currency: Currency,
    /// What earlier invoices charged.
    pub was: Amount,
    /// The price now; nought where it is not charged for any more.
    pub is: Amount,
    /// `is` − `was`, never nought.
    pub difference: Amount,
    /// Numbers of the invoices that charged, in the order of issue.
    pub invoices: Vec<String>,
    /// What was charged, the price now with its own steps, the difference.
    pub steps: Vec<RatedStep>,
}

/// What an invoice charges for one period.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Charged for the first time.
    pub lines: Vec<RatedLine>,
    /// Charged before, at another amount.
    pub true_ups: Vec<TrueUp>,
}

/// Why a period cannot be settled.
#[derive(Debug, Error)]
pub enum SettleError {
    /// A priced line is for another period.
    #[error("the line “{component}” is for {found}, not for {expected}")]
    Period {
        /// Of the line.
        component: String,
        /// Its period.
        found: String,
        /// The period being settled.
        expected: String,
    },
    /// Amounts of another currency cannot be subtracted.
    #[error("{at} is in {found}, and the account is billed in {expected}")]
    Currency {
        /// The invoice or the line.
        at: String,
        /// Its currency.
        found: String,
        /// The currency of the account.
        expected: &'static str,
    },
    /// A draft charged nothing.
    #[error("the earlier invoice {0} is a draft: only issued invoices have charged something")]
    Draft(String),
    /// An amount of an earlier invoice cannot be read, or a sum does not fit.
    #[error("{at}: {source}")]
    Money {
        /// The invoice or the component.
        at: String,
        /// What is wrong.
        source: MoneyError,
    },
    /// An amount does not fit into its explanation.
    #[error("the difference of “{at}” cannot be explained: {source}")]
    Number {
        /// The component.
        at: String,
        /// What is wrong.
        source: ExactError,
    },
}

/// The differences for a past period, by component and deployment; none where nothing changed.
///
/// `now` is the period as priced today, with everything (also fees that were charged in advance);
/// `earlier` are all issued invoices of the account, in any order: those that charged nothing for
/// the period do not matter.
///
/// # Errors
/// [`SettleError`].
pub fn true_up<'a>(
    period: &str,
    currency: Currency,
    now: &[RatedLine],
    earlier: impl IntoIterator<Item = &'a Invoice>,
) -> Result<Vec<TrueUp>, SettleError> {
    let accounts = accounts(period, currency, now, earlier)?;
    let differences = accounts.into_iter().map(|(key, account)| account.difference(key, period, currency));
    differences.filter_map(Result::transpose).collect()
}

/// What the period's own invoice charges: a line for what was never charged, a difference for
/// what was (a fee in advance that has changed since), nothing for what was charged rightly.
///
/// # Errors
/// [`SettleError`].
pub fn settle<'a>(
    period: &str,
    currency: Currency,
    now: Vec<RatedLine>,
    earlier: impl IntoIterator<Item = &'a Invoice>,
) -> Result<Settled, SettleError> {
    let mut settled = Settled::default();
    let mut charged = accounts(period, currency, &now, earlier)?;
    charged.retain(|_, account| !account.charges.is_empty());
    let known = |line: &RatedLine| charged.contains_key(&key_of(line));
    settled.lines = now.iter().filter(|line| !known(line)).cloned().collect();
    for (key, account) in charged {
        settled.true_ups.extend(account.difference(key, period, currency)?);
    }
    Ok(settled)
}

/// Component and deployment.
type Key = (String, Option<String>);

fn key_of(line: &RatedLine) -> Key {
    (line.component.to_string(), line.deployment.clone())
}

/// What is known of one key in one period.
#[derive(Default)]
struct Account<'a> {
    priced: Vec<&'a RatedLine>,
    charges: Vec<Charge<'a>>,
}

/// What one earlier invoice charged.
struct Charge<'a> {
    issued: NaiveDate,
    invoice: &'a str,
    amount: Amount,
    line: &'a Line,
}

fn accounts<'a, 'b: 'a>(
    period: &str,
    currency: Currency,
    now: &'a [RatedLine],
    earlier: impl IntoIterator<Item = &'b Invoice>,
) -> Result<BTreeMap<Key, Account<'a>>, SettleError> {
    let mut accounts: BTreeMap<Key, Account<'a>> = BTreeMap::new();
    for line in now {
        check_line(line, period, currency)?;
        accounts.entry(key_of(line)).or_default().priced.push(line);
    }
    for invoice in earlier {
        for charge in charges(invoice, period, currency)? {
            let key = (charge.line.component.clone(), charge.line.deployment.clone());
            accounts.entry(key).or_default().charges.push(charge);
        }
    }
    Ok(accounts)
}

fn check_line(line: &RatedLine, period: &str, currency: Currency) -> Result<(), SettleError> {
    if *line.period != *period {
        let (component, found) = (line.component.to_string(), line.period.to_string());
        return Err(SettleError::Period { component, found, expected: period.to_owned() });
    }
    check_currency(&line.component, line.currency.code(), currency)
}

fn check_currency(at: &str, found: &str, expected: Currency) -> Result<(), SettleError> {
    if found == expected.code() {
        return Ok(());
    }
    Err(SettleError::Currency { at: at.to_owned(), found: found.to_owned(), expected: expected.code() })
}

/// What an earlier invoice charged for the period, line by line.
fn charges<'a>(invoice: &'a Invoice, period: &str, currency: Currency) -> Result<Vec<Charge<'a>>, SettleError> {
    let number = invoice.number.as_deref().ok_or_else(|| SettleError::Draft(invoice.id.clone()))?;
    let lines: Vec<&Line> = invoice.lines.iter().filter(|line| line.period == period).collect();
    if !lines.is_empty() {
        check_currency(number, &invoice.currency, currency)?;
    }
    let charge = |line: &'a Line| {
        let amount = Amount::parse(&line.amount, currency.digits())
            .map_err(|source| SettleError::Money { at: format!("{number}, line {}", line.number), source })?;
        Ok(Charge { issued: invoice.issued, invoice: number, amount, line })
    };
    lines.into_iter().map(charge).collect()
}

impl Account<'_> {
    fn difference(mut self, key: Key, period: &str, currency: Currency) -> Result<Option<TrueUp>, SettleError> {
        let money = |source| SettleError::Money { at: key.0.clone(), source };
        self.charges.sort_by_key(|charge| (charge.issued, charge.invoice, charge.line.number));
        let was = Amount::sum(self.charges.iter().map(|charge| charge.amount)).map_err(money)?;
        let is = Amount::sum(self.priced.iter().map(|line| line.amount)).map_err(money)?;
        let difference = is.sub(was).map_err(money)?;
        if difference == Amount::ZERO {
            return Ok(None);
        }
        let steps = self.steps(period, currency, is, difference);
        let steps = steps.map_err(|source| SettleError::Number { at: key.0.clone(), source })?;
        let (group, title) = self.names();
        let tax = self.tax();
        let invoices = self.invoices();
        let (period, (component, deployment)) = (period.to_owned(), key);
        Ok(Some(TrueUp {
            group,
            component,
            deployment,
            title,
            period,
            tax,
            currency,
            was,
            is,
            difference,
            invoices,
            steps,
        }))
    }

    /// As they are called now, or as they were called when they were charged.
    fn names(&self) -> (String, String) {
        let now = self.priced.first().map(|line| (&*line.group, &*line.title));
        let then = self.charges.last().map(|charge| (charge.line.group.as_str(), charge.line.title.as_str()));
        now.or(then).map_or_else(Default::default, |(group, title)| (group.to_owned(), title.to_owned()))
    }

    /// As it is taxed now, or as it was when it was charged.
    fn tax(&self) -> Option<String> {
        let then = || self.charges.last().and_then(|charge| charge.line.tax.clone());
        self.priced.first().map_or_else(then, |line| line.tax.as_deref().map(str::to_owned))
    }

    fn invoices(&self) -> Vec<String> {
        let mut numbers: Vec<String> = self.charges.iter().map(|charge| charge.invoice.to_owned()).collect();
        numbers.dedup();
        numbers
    }

    fn steps(
        &self,
        period: &str,
        currency: Currency,
        is: Amount,
        difference: Amount,
    ) -> Result<Vec<RatedStep>, ExactError> {
        let step = |text: String, amount: Amount| {
            let amount = Exact::decimal(amount.0, currency.digits())?;
            Ok(RatedStep { amount: Some(amount), ..RatedStep::new(text) })
        };
        let mut steps = Vec::new();
        for charge in &self.charges {
            steps.push(step(format!("charged for {period} on {}", charge.invoice), charge.amount)?);
        }
        steps.extend(self.priced.iter().flat_map(|line| line.steps.iter().cloned()));
        steps.push(step(format!("the price of {period} now"), is)?);
        steps.push(step("the difference".to_owned(), difference)?);
        Ok(steps)
    }
}

impl TrueUp {
    /// What the line says of itself: the period, the invoices that charged it, was and is.
    #[must_use]
    pub fn detail(&self) -> String {
        let money = |amount: Amount| text::grouped(&amount.format(self.currency.digits()));
        let whose = self.deployment.as_ref().map_or_else(String::new, |deployment| format!("{deployment}, "));
        let (period, was, is) = (&self.period, money(self.was), money(self.is));
        match self.invoices.as_slice() {
            [] => format!("{whose}{period}, not charged before: is {is}"),
            numbers => format!("{whose}{period} on {}: was {was}, is {is}", numbers.join(" and ")),
        }
    }
}
