//! Who sells, who buys, and what they hold: the checked forms.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use chrono_tz::Tz;
use metering::period::{PeriodError, start_of_day};
use metering::time::Instant;
use pricing::{Credit, Currency, Plan, Taxpayer, Term};

/// Who sends the invoices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seller {
    /// Name as on the invoice.
    pub name: String,
    /// Address, line by line.
    pub address: Vec<String>,
    /// Labelled numbers, such as `VAT ID`, by label.
    pub ids: BTreeMap<String, String>,
    /// The currency of customers that name none.
    pub currency: Currency,
    /// The billing zone of customers that name none.
    pub zone: Tz,
    /// Days from issue until an invoice is due.
    pub terms_days: u32,
    /// What invoice numbers begin with.
    pub number: String,
    /// How to pay, line by line.
    pub payment: Vec<String>,
    /// Further text for every invoice, line by line.
    pub notes: Vec<String>,
}

/// When periods are closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Billing {
    /// Hours after the end of a period during which files that arrive still belong to its first invoice.
    pub grace_hours: u32,
}

impl Default for Billing {
    /// A day's grace.
    fn default() -> Self {
        Self { grace_hours: crate::spec::default_grace() }
    }
}

/// Who is billed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// The account: unique, and what invoices are kept under.
    pub id: String,
    /// Name as on the invoice.
    pub name: String,
    /// Address, line by line.
    pub address: Vec<String>,
    /// Labelled numbers, such as `VAT ID`, by label.
    pub ids: BTreeMap<String, String>,
    /// The billing zone: where this customer's days and months begin.
    pub zone: Tz,
    /// The currency of all its plans.
    pub currency: Currency,
    /// What prices by attribute look at, such as `tier: gold`.
    pub attributes: BTreeMap<String, String>,
    /// Its deployments, as written.
    pub deployments: Vec<Deployment>,
    /// Its subscriptions, as written.
    pub subscriptions: Vec<Subscription>,
    /// What it has paid in advance, as written.
    pub credits: Vec<Credit>,
    /// Where and how it is taxed; `None` where the catalogue has no taxes.
    pub tax: Option<Taxpayer>,
}

/// A deployment and the days on which it belonged to the customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// As the usage files call it.
    pub id: String,
    /// The days, local to the customer's zone; never empty.
    pub term: Term,
}

/// A stretch of days on which the customer holds a plan: the whole of a subscription, or the part between two changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Which of the customer's agreements it belongs to: stretches of one agreement are next to each other.
    pub agreement: usize,
    /// The plan, with all that is agreed with this customer for these days.
    pub plan: Arc<Plan>,
    /// The days, local to the customer's zone; never empty.
    pub term: Term,
    /// The day on which the customer first held it: where fees count their periods from.
    pub begun: NaiveDate,
    /// The first day on which it is not held any more, whatever plan it has then.
    pub ends: Option<NaiveDate>,
    /// The day on which it has ended, where that became known later: fees in advance are given back from there.
    pub ended: Option<NaiveDate>,
    /// The record of another system that says so; none for what the catalogue itself says.
    pub source: Option<Arc<str>>,
}

/// The instants `[from, until)` at which the days of `term` begin and end in `zone`.
///
/// # Errors
/// [`PeriodError::OutOfRange`] at the ends of the calendar.
pub(crate) fn instants(term: &Term, zone: Tz) -> Result<(Instant, Option<Instant>), PeriodError> {
    let until = term.until.map(|until| start_of_day(zone, until)).transpose()?;
    Ok((start_of_day(zone, term.from)?, until))
}
