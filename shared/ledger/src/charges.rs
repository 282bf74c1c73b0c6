//! What an account is charged: every period priced from the present total, less what was charged.

use std::collections::{BTreeMap, BTreeSet};

use catalog::directory::Directory;
use catalog::{Catalogue, Customer, Subscription};
use invoicing::{Invoice, Settled, TrueUp, settle, true_up};
use metering::exact::ExactError;
use metering::measure::SeriesUsage;
use metering::period::{Period, start_of_day};
use metering::tally::Cells;
use metering::time::{Instant, Span};
use pricing::{
    Amount, CREDIT, History, Metered, Plan, RatedLine, RatingInput, StreamUsage, Usage, draw, fees_in_advance, rate,
};

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

/// All lines of one customer for one period, at the prices of one catalogue. `history` is what earlier months drew
/// on commitments and credits, and takes note of what this one draws.
///
/// # Errors
/// [`LedgerError::Billing`] where a price cannot be told.
pub fn price(
    basis: &Basis<'_>,
    catalogue: &Catalogue,
    customer: &Customer,
    period: &Period,
    history: &mut History,
) -> Result<Vec<RatedLine>, LedgerError> {
    let number = |error: ExactError| LedgerError::billing(&customer.id, error);
    let mut lines = Vec::new();
    for subscription in &customer.subscriptions {
        let priced = price_subscription(basis, catalogue, customer, subscription, period, history)?;
        history.record(&priced).map_err(number)?;
        lines.extend(priced);
    }
    let drawn = draw(&customer.credits, &lines, period, customer.currency, history).map_err(number)?;
    history.record(&drawn).map_err(number)?;
    lines.extend(drawn);
    Ok(lines)
}

fn price_subscription(
    basis: &Basis<'_>,
    catalogue: &Catalogue,
    customer: &Customer,
    subscription: &Subscription,
    period: &Period,
    history: &History,
) -> Result<Vec<RatedLine>, LedgerError> {
    let plan = &subscription.plan;
    let Some(span) = held(subscription, customer)?.intersection(&period.span()?) else { return Ok(Vec::new()) };
    let owned = owned_within(basis.directory, customer, span);
    let usage = metered(basis, catalogue, plan, period, span, &owned);
    let input = input(customer, subscription, period, &usage, history);
    rate(plan, &input).map_err(|error| LedgerError::billing(&customer.id, error))
}

/// What a subscription is rated on.
fn input<'a>(
    customer: &'a Customer,
    subscription: &Subscription,
    period: &'a Period,
    usage: &'a dyn Usage,
    history: &'a History,
) -> RatingInput<'a> {
    let Subscription { term, begun, ends, ended, .. } = *subscription;
    RatingInput {
        customer: &customer.id,
        period,
        term,
        begun,
        ends,
        ended,
        attributes: &customer.attributes,
        usage,
        history,
    }
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
    let history = History::default();
    let mut lines = Vec::new();
    for subscription in &customer.subscriptions {
        let input = input(customer, subscription, &next, &usage, &history);
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
    let mut history = drawn_before(customer, period, earlier, invoices)?;
    let mut corrections = Vec::new();
    let mut past: Vec<&Earlier<'_>> = earlier.iter().filter(|past| past.period != *period).collect();
    // What a month draws on credits and commitments depends on the months before it.
    past.sort_by_key(|past| past.period.start);
    for past in past {
        // A customer that is no longer in that catalogue was never invoiced from it.
        let Some(then) = past.catalogue.customer(&customer.id) else { continue };
        let then = since_ended(then, customer);
        let lines = price(basis, past.catalogue, &then, &past.period, &mut history)?;
        let charged = invoices.iter().filter(|invoice| invoice.currency == then.currency.code());
        let differences = true_up(&past.period.label(), then.currency, &lines, charged).map_err(refuse)?;
        check_currency(customer, &then, &past.period, &differences)?;
        corrections.extend(differences);
    }
    let now = price(basis, catalogue, customer, period, &mut history)?;
    let mut settled = settle(&period.label(), currency, now, invoices).map_err(refuse)?;
    let next = period.month_after(1)?.label();
    // Months may be closed out of order: a next month that has its own invoice has charged its fees.
    if !invoices.iter().any(|invoice| invoice.period.label == next) {
        let early = settle(&next, currency, advance(customer, period)?, invoices).map_err(refuse)?;
        settled.lines.extend(early.lines);
        settled.true_ups.extend(early.true_ups);
    }
    settled.true_ups.extend(corrections);
    Ok(settled)
}

/// What was drawn in months that are not priced again: as their invoices say.
fn drawn_before(
    customer: &Customer,
    period: &Period,
    earlier: &[Earlier<'_>],
    invoices: &[Invoice],
) -> Result<History, LedgerError> {
    let priced_again: BTreeSet<String> = earlier.iter().map(|past| past.period.label()).collect();
    let mut history = History::default();
    let lines = invoices.iter().flat_map(|invoice| invoice.lines.iter().map(move |line| (invoice, line)));
    let before = |line: &invoicing::Line| line.period < period.label() && !priced_again.contains(&line.period);
    for (invoice, line) in lines.filter(|(_, line)| line.component.starts_with(CREDIT) && before(line)) {
        let amount = Amount::parse(&line.amount, invoice.minor_digits)
            .map_err(|error| LedgerError::billing(&customer.id, error))?;
        history
            .charged(&line.component, &line.period, amount)
            .map_err(|error| LedgerError::billing(&customer.id, error))?;
    }
    Ok(history)
}

/// The customer as it was, with the ends of subscriptions that are known by now: prices do not reach back, but fees
/// that were charged in advance for days after the end are given back.
fn since_ended(then: &Customer, now: &Customer) -> Customer {
    let mut customer = then.clone();
    for subscription in &mut customer.subscriptions {
        let same = |other: &&Subscription| {
            other.plan.name == subscription.plan.name
                && other.begun == subscription.begun
                && other.term.from == subscription.term.from
        };
        subscription.ended = now.subscriptions.iter().find(same).and_then(|now| now.term.until);
    }
    customer
}
