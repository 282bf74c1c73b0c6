//! How each line of an invoice is taxed.
//!
//! A charge is taxed where the customer is taxed, at the rate of the day that the jurisdiction names. A correction of
//! an earlier charge is taxed as that charge was: the rate of the original month, whatever holds now.

use std::collections::BTreeMap;

use catalog::Customer;
use chrono::NaiveDate;
use chrono_tz::Tz;
use invoicing::{Invoice, Taxable, TrueUp};
use metering::period::Period;
use pricing::{TaxDays, Taxpayer, Treatment};

use crate::charges::Earlier;

/// The taxes of one account in one run.
#[derive(Clone, Debug, Default)]
pub struct Taxation {
    /// Now; `None` where the catalogue has no taxes.
    now: Option<Taxpayer>,
    /// In earlier months, by the catalogue of each month's own invoice.
    then: BTreeMap<String, Taxpayer>,
}

impl Taxation {
    /// Where and how the account is taxed, now and in earlier months.
    #[must_use]
    pub fn of(customer: &Customer, earlier: &[Earlier<'_>]) -> Self {
        let then = |past: &Earlier<'_>| {
            let taxpayer = past.catalogue.customer(&customer.id)?.tax.clone()?;
            Some((past.period.label(), taxpayer))
        };
        Self { now: customer.tax.clone(), then: earlier.iter().filter_map(then).collect() }
    }

    /// Whether the invoice bears taxes.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.now.is_none() && self.then.is_empty()
    }

    /// How a line of an invoice issued on `issue` is taxed; `invoices` are the account's earlier ones.
    ///
    /// # Errors
    /// Why it cannot be told, and what to do.
    pub fn treatments(
        &self,
        line: Taxable<'_>,
        (issue, zone): (NaiveDate, Tz),
        invoices: &[Invoice],
    ) -> Result<Vec<Treatment>, String> {
        let (category, period) = match line {
            Taxable::Rated(line) => (line.tax.as_deref(), &*line.period),
            Taxable::TrueUp(true_up) => match as_charged(true_up, invoices)? {
                Some(treatments) => return Ok(treatments),
                None => (true_up.tax.as_deref(), true_up.period.as_str()),
            },
        };
        let taxpayer = self.then.get(period).or(self.now.as_ref()).ok_or_else(|| {
            format!("{period} is charged without taxes and another month with them: put the section `taxes` back")
        })?;
        let month = Period::parse_month(period, zone).map_err(|error| error.to_string())?;
        let period_end = month.end.pred_opt().unwrap_or(month.end);
        let own = invoices.iter().find(|invoice| invoice.period.label == *period);
        let days = TaxDays { period_end, issue: own.map_or(issue, |own| own.issued) };
        taxpayer.treatments(category, days).map_err(|error| error.to_string())
    }
}

/// How the first charge that a difference corrects was taxed; `None` where nothing was charged, or without taxes.
fn as_charged(true_up: &TrueUp, invoices: &[Invoice]) -> Result<Option<Vec<Treatment>>, String> {
    let charged = invoices.iter().filter(|invoice| {
        invoice.number.as_ref().is_some_and(|number| true_up.invoices.contains(number)) && invoice.taxes.is_some()
    });
    let Some(first) = charged.min_by_key(|invoice| (invoice.issued, invoice.number.clone())) else { return Ok(None) };
    let same = |line: &&invoicing::Line| {
        line.component == true_up.component && line.deployment == true_up.deployment && line.period == true_up.period
    };
    let rows: Vec<u32> = first.lines.iter().find(same).map(|line| line.taxes.clone()).unwrap_or_default();
    let taxes = first.taxes.iter().flat_map(|taxes| &taxes.rows).filter(|row| rows.contains(&row.number));
    let treatments =
        taxes.map(|row| row.treatment().map_err(|error| format!("the taxes of an earlier invoice: {error}")));
    treatments.collect::<Result<Vec<_>, _>>().map(|all| Some(all).filter(|all| !all.is_empty()))
}
