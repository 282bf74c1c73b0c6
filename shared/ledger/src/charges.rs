//! What an account is charged: every period priced from the present total, less what was charged.

use std::collections::{BTreeMap, BTreeSet};

use catalog::directory::Directory;
use catalog::{Catalogue, Customer, Subscription};
use invoicing::{Invoice, Settled, TrueUp, settle, true_up};
use metering::measure::SeriesUsage;
use metering::period::{Period, start_of_day};
use metering::tally::Cells;
use metering::time::{Instant, Span};
use pricing::{Metered, Plan, RatedLine, RatingInput, StreamUsage, fees_in_advance, rate};

use crate::error::LedgerError;
use crate::ownership::{deployments, owned_by, series};

/// What a period is priced from: the usage, and the pinned answer to whose it is.
#[derive(Clone, Copy)]
pub struct Basis<'a> {
    /// All usage.
    pub cells: &'a Cells,
    /// Whose it is.
    pub directory: &'a Directory,
}

/// All lines of one customer for one period, at the prices of one catalogue.
///
/// # Errors
/// [`LedgerError::Billing`] where a price cannot be told.
pub fn price(
    basis: &Basis<'_>,
    catalogue: &Catalogue,
    customer: &Customer,
    period: &Period,
) -> Result<Vec<RatedLine>, LedgerError> {
    let mut lines = Vec::new();
    for subscription in &customer.subscriptions {
        lines.extend(price_subscription(basis, catalogue, customer, subscription, period)?);
    }
    Ok(lines)
}

fn price_subscription(
    basis: &Basis<'_>,
    catalogue: &Catalogue,
    customer: &Customer,
    subscription: &Subscription,
    period: &Period,
) -> Result<Vec<RatedLine>, LedgerError> {
    let plan = &subscription.plan;
    let Some(span) = held(subscription, customer)?.intersection(&period.span()?) else { return Ok(Vec::new()) };
    let owned = owned_within(basis.directory, customer, span);
    let usage = metered(basis, catalogue, plan, period, span, &owned);
    let (term, attributes) = (subscription.term, &customer.attributes);
    let input = RatingInput { customer: &customer.id, period, term, attributes, usage: &usage };
    rate(plan, &input).map_err(|error| LedgerError::billing(&customer.id, error))
}

/// The instants at which a subscription is held.
fn held(subscription: &Subscription, customer: &Customer) -> Result<Span, LedgerError> {
    let until = subscription.term.until.map(|until| start_of_day(customer.zone, until)).transpose()?;
    Ok(Span { from: start_of_day(customer.zone, subscription.term.from)?, until: until.unwrap_or(Instant(i64::MAX)) })
}

/// The deployments that a customer owned at some time in a span, and when.
fn owned_within<'a>(directory: &'a Directory, customer: &Customer, span: Span) -> BTreeMap<&'a str, Vec<Span>> {
    let all = deployments(directory, &customer.id).into_iter();
    let owned = all.map(|deployment| (deployment, owned_by(directory, deployment, &customer.id, span)));
    owned.filter(|(_, spans)| !spans.is_empty()).collect()
}

/// The series of every stream that the plan counts.
fn metered<'a>(
    basis: &Basis<'a>,
    catalogue: &'a Catalogue,
    plan: &'a Plan,
    period: &'a Period,
    window: Span,
    owned: &'a BTreeMap<&'a str, Vec<Span>>,
) -> Metered<'a> {
    let counted = plan.components.iter().filter_map(|component| component.meter.as_ref());
    let streams: BTreeSet<&str> = counted.map(|meter| meter.stream.as_str()).collect();
    let of_stream = |stream: &'a str| {
        let each = owned.iter().flat_map(|(deployment, owned)| {
            let series = series(basis.cells, deployment, stream).into_iter();
            series.map(|(key, quarters)| SeriesUsage { key, quarters, owned })
        });
        (stream, each.collect())
    };
    let series = streams.into_iter().map(of_stream).collect();
    Metered { period, window, streams: &catalogue.streams, series, deployments: owned.keys().copied().collect() }
}

/// The next period's fees that are charged in advance.
fn advance(customer: &Customer, period: &Period) -> Result<Vec<RatedLine>, LedgerError> {
    let next = period.month_after(1)?;
    let usage: BTreeMap<String, StreamUsage> = BTreeMap::new();
    let mut lines = Vec::new();
    for subscription in &customer.subscriptions {
        let (term, attributes) = (subscription.term, &customer.attributes);
        let input = RatingInput { customer: &customer.id, period: &next, term, attributes, usage: &usage };
        lines.extend(
            fees_in_advance(&subscription.plan, &input).map_err(|error| LedgerError::billing(&customer.id, error))?,
        );
    }
    Ok(lines)
}

/// A difference in a currency that is no longer the account's cannot stand on its invoice.
fn check_currency(now: &Customer, then: &Customer, period: &Period, differences: &[TrueUp]) -> Result<(), LedgerError> {
    if then.currency == now.currency || differences.is_empty() {
        return Ok(());
    }
    let (period, then, now_code) = (period.label(), then.currency.code(), now.currency.code());
    let reason = format!(
        "{period} was invoiced in {then} and its price has changed since, but the account is billed in {now_code} now: \
         settle the difference of {period} by hand, or put the currency back for one more invoice"
    );
    Err(LedgerError::billing(&now.id, reason))
}

/// An earlier period of the account with the catalogue that priced it then: a price that was
/// changed since does not reach back.
pub struct Earlier<'a> {
    /// The period.
    pub period: Period,
    /// The catalogue of its own invoice.
    pub catalogue: &'a Catalogue,
}

/// What the period's invoice charges: the period itself, fees in advance, and the differences of
/// all periods that were invoiced earlier.
///
/// # Errors
/// [`LedgerError::Billing`].
pub fn charges(
    basis: &Basis<'_>,
    catalogue: &Catalogue,
    customer: &Customer,
    period: &Period,
    earlier: &[Earlier<'_>],
    invoices: &[Invoice],
) -> Result<Settled, LedgerError> {
    let currency = customer.currency;
    let refuse = |error: invoicing::SettleError| LedgerError::billing(&customer.id, error);
    let now = price(basis, catalogue, customer, period)?;
    let mut settled = settle(&period.label(), currency, now, invoices).map_err(refuse)?;
    let next = period.month_after(1)?.label();
    // Months may be closed out of order: a next month that has its own invoice has charged its fees.
    if !invoices.iter().any(|invoice| invoice.period.label == next) {
        let early = settle(&next, currency, advance(customer, period)?, invoices).map_err(refuse)?;
        settled.lines.extend(early.lines);
        settled.true_ups.extend(early.true_ups);
    }
    for past in earlier.iter().filter(|past| past.period != *period) {
        // A customer that is no longer in that catalogue was never invoiced from it.
        let Some(then) = past.catalogue.customer(&customer.id) else { continue };
        let lines = price(basis, past.catalogue, then, &past.period)?;
        let charged = invoices.iter().filter(|invoice| invoice.currency == then.currency.code());
        let differences = true_up(&past.period.label(), then.currency, &lines, charged).map_err(refuse)?;
        check_currency(customer, then, &past.period, &differences)?;
        settled.true_ups.extend(differences);
    }
    Ok(settled)
}
