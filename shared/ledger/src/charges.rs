//! What an account is charged: every period priced from the present total, less what was charged.

use std::collections::{BTreeMap, BTreeSet};

use catalog::directory::Directory;
use catalog::{Catalogue, Customer, Subscription};
use chrono::NaiveDate;
use chrono_tz::Tz;
use invoicing::{Invoice, Settled, TrueUp, settle, true_up};
use metering::exact::ExactError;
use metering::measure::{MeasureError, SeriesUsage};
use metering::period::{Period, PeriodError, start_of_day};
use metering::select::{Condition, Query, Selected};
use metering::tally::Cells;
use metering::time::{Instant, Span};
use pricing::{
    Agreement, Amount, CREDIT, History, Metered, RatedLine, StreamUsage, Stretch, Term, Usage, UsageError, UsageWithin,
    agreement_in_advance, draw, rate_agreement,
};

use crate::error::LedgerError;
use crate::ownership::{deployments, owned_by, series};

/// What a period is priced from: the usage, and the pinned answer to whose it is.
#[derive(Clone, Copy, Debug)]
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
    for agreement in agreements(customer) {
        let priced = price_agreement(basis, catalogue, customer, agreement, period, history)?;
        history.record(&priced).map_err(number)?;
        lines.extend(priced);
    }
    let drawn = draw(&customer.credits, &lines, period, customer.currency, history).map_err(number)?;
    history.record(&drawn).map_err(number)?;
    lines.extend(drawn);
    Ok(lines)
}

/// The subscriptions of a customer, each as its stretches.
fn agreements(customer: &Customer) -> impl Iterator<Item = &[Subscription]> {
    customer.subscriptions.chunk_by(|one, next| one.agreement == next.agreement)
}

fn stretches(agreement: &[Subscription]) -> Vec<Stretch<'_>> {
    agreement.iter().map(|held| Stretch { plan: &held.plan, term: held.term, ended: held.ended }).collect()
}

fn price_agreement(
    basis: &Basis<'_>,
    catalogue: &Catalogue,
    customer: &Customer,
    agreement: &[Subscription],
    period: &Period,
    history: &History,
) -> Result<Vec<RatedLine>, LedgerError> {
    let usage = Counted::of(basis, catalogue, customer, period)?;
    let stretches = stretches(agreement);
    let (stretches, attributes) = (&*stretches, &customer.attributes);
    let agreement = Agreement { customer: &customer.id, period, stretches, attributes, usage: &usage, history };
    rate_agreement(&agreement).map_err(|error| LedgerError::billing(&customer.id, error))
}

/// The usage of a customer in a month, before it is cut to the days of a plan.
#[derive(Debug)]
struct Counted<'a> {
    basis: &'a Basis<'a>,
    catalogue: &'a Catalogue,
    zone: Tz,
    period: &'a Period,
    owned: BTreeMap<&'a str, Vec<Span>>,
}

impl<'a> Counted<'a> {
    fn of(
        basis: &'a Basis<'a>,
        catalogue: &'a Catalogue,
        customer: &Customer,
        period: &'a Period,
    ) -> Result<Self, LedgerError> {
        let owned = owned_within(basis.directory, customer, period.span()?);
        Ok(Self { basis, catalogue, zone: customer.zone, period, owned })
    }

    fn window(&self, term: Term) -> Result<Span, PeriodError> {
        let from = start_of_day(self.zone, term.from)?;
        let until = term.until.map(|until| start_of_day(self.zone, until)).transpose()?.unwrap_or(Instant(i64::MAX));
        let held = Span { from, until };
        Ok(held.intersection(&self.period.span()?).unwrap_or(Span { from, until: from }))
    }
}

impl UsageWithin for Counted<'_> {
    fn within<'a>(&'a self, term: Term) -> Result<Box<dyn Usage + 'a>, UsageError> {
        let window = self.window(term).map_err(MeasureError::from)?;
        let cut = |spans: &Vec<Span>| spans.iter().filter_map(|span| span.intersection(&window)).collect::<Vec<_>>();
        let owned = self.owned.iter().map(|(deployment, spans)| (*deployment, cut(spans)));
        let owned = owned.filter(|(_, spans)| !spans.is_empty()).collect();
        Ok(Box::new(Cut { counted: self, window, owned }))
    }
}

/// The usage of the days of a plan: what belongs to the customer, and lies in them.
#[derive(Debug)]
struct Cut<'a> {
    counted: &'a Counted<'a>,
    window: Span,
    owned: BTreeMap<&'a str, Vec<Span>>,
}

impl Cut<'_> {
    fn metered<'s>(&'s self, stream: &'s str) -> Metered<'s> {
        let Counted { basis, catalogue, period, .. } = self.counted;
        let each = self.owned.iter().flat_map(|(deployment, owned)| {
            let series = series(basis.cells, deployment, stream).into_iter();
            series.map(|(key, quarters)| SeriesUsage { key, quarters, owned })
        });
        Metered {
            period,
            window: self.window,
            streams: &catalogue.streams,
            series: BTreeMap::from([(stream, each.collect())]),
            deployments: self.owned.keys().copied().collect(),
        }
    }
}

impl Usage for Cut<'_> {
    fn select(&self, stream: &str, query: &Query) -> Result<Vec<Selected>, UsageError> {
        self.metered(stream).select(stream, query)
    }

    fn combinations(
        &self,
        stream: &str,
        only: &Condition,
        names: &BTreeSet<String>,
    ) -> Result<BTreeSet<BTreeMap<String, String>>, UsageError> {
        self.metered(stream).combinations(stream, only, names)
    }
}

/// Nothing was used: for fees.
#[derive(Debug)]
struct Unused;

impl UsageWithin for Unused {
    fn within<'a>(&'a self, _: Term) -> Result<Box<dyn Usage + 'a>, UsageError> {
        Ok(Box::new(BTreeMap::<String, StreamUsage>::new()))
    }
}

/// The deployments that a customer owned at some time in a span, and when.
fn owned_within<'a>(directory: &'a Directory, customer: &Customer, span: Span) -> BTreeMap<&'a str, Vec<Span>> {
    let all = deployments(directory, &customer.id).into_iter();
    let owned = all.map(|deployment| (deployment, owned_by(directory, deployment, &customer.id, span)));
    owned.filter(|(_, spans)| !spans.is_empty()).collect()
}

/// The next period's fees that are charged in advance.
fn advance(customer: &Customer, period: &Period) -> Result<Vec<RatedLine>, LedgerError> {
    let next = period.month_after(1)?;
    let history = History::default();
    let mut lines = Vec::new();
    for agreement in agreements(customer) {
        let agreement = Agreement {
            customer: &customer.id,
            period: &next,
            stretches: &stretches(agreement),
            attributes: &customer.attributes,
            usage: &Unused,
            history: &history,
        };
        lines.extend(agreement_in_advance(&agreement).map_err(|error| LedgerError::billing(&customer.id, error))?);
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
        let then = since_ended(then, customer, period, earlier);
        let then = with_late(then, customer);
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

/// The customer as it was, with the agreements of which no record was known then: they are charged for their months as
/// if it had come in time. Where another record is gone, the new one may have taken its place, and what was invoiced
/// stands.
fn with_late(mut then: Customer, now: &Customer) -> Customer {
    let sources = |customer: &Customer| -> BTreeSet<_> {
        customer.subscriptions.iter().filter_map(|held| held.source.clone()).collect()
    };
    let (known, there) = (sources(&then), sources(now));
    if !known.is_subset(&there) || then.currency != now.currency {
        return then;
    }
    let first = then.subscriptions.iter().map(|held| held.agreement.saturating_add(1)).max().unwrap_or(0);
    let late = |held: &&Subscription| held.source.as_ref().is_some_and(|source| !known.contains(source));
    let late = now.subscriptions.iter().filter(late).cloned();
    then.subscriptions.extend(late.map(|mut held| {
        held.agreement = held.agreement.saturating_add(first);
        held
    }));
    then
}

/// The customer as it was, with the ends of subscriptions that are known by now: prices do not reach back, but fees
/// that were charged in advance for days after the end are given back.
///
/// A change that was entered after its month had been invoiced does not reach back either: a fee that was charged in
/// advance stays for its period, because what is charged instead would belong to the invoiced month.
fn since_ended(then: &Customer, now: &Customer, period: &Period, earlier: &[Earlier<'_>]) -> Customer {
    let mut customer = then.clone();
    let charged_instead = |found: &Subscription, until: NaiveDate| {
        let next = |other: &&Subscription| other.term.from == until && other.begun == found.begun;
        let goes_on = now.subscriptions.iter().any(|other| other.agreement == found.agreement && next(&other));
        let month = earlier.iter().filter(|past| past.period.start <= until && until < past.period.end);
        let agreed = month.filter_map(|past| past.catalogue.customer(&now.id)).flat_map(|known| &known.subscriptions);
        !goes_on || period.start <= until || agreed.filter(next).count() > 0
    };
    for subscription in &mut customer.subscriptions {
        let same = |other: &&Subscription| {
            other.plan.name == subscription.plan.name
                && other.begun == subscription.begun
                && other.term.from == subscription.term.from
        };
        let found = now.subscriptions.iter().find(same);
        subscription.ended = found.and_then(|found| found.term.until.filter(|until| charged_instead(found, *until)));
    }
    customer
}
