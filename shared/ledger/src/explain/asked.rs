//! Which usage a line of an invoice is about.

use std::collections::{BTreeMap, BTreeSet};

use catalog::directory::Directory;
use catalog::{Catalogue, Customer};
use invoicing::Line;
use metering::exact::Exact;
use metering::period::{Period, start_of_day};
use metering::select::Condition;
use metering::tally::{Cells, Quarters, SeriesKey, TallyError};
use metering::time::{Instant, Quarter, Span};
use pricing::{Component, Price, Term};

use crate::error::LedgerError;
use crate::ownership::{deployments, owned_by, series};

/// A quarter-hour, in milliseconds.
const QUARTER_MS: i64 = 900_000;

/// Samples and their sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brought {
    /// How many.
    pub samples: u64,
    /// All added, at the unit of the stream.
    pub sum: Exact,
}

impl Default for Brought {
    fn default() -> Self {
        Self { samples: 0, sum: Exact::ZERO }
    }
}

impl Brought {
    /// Both.
    ///
    /// # Errors
    /// [`LedgerError::Billing`] where the sum does not fit.
    pub fn add(&self, other: &Self) -> Result<Self, LedgerError> {
        let sum = self.sum.add(&other.sum).map_err(|error| LedgerError::billing("the usage of a line", error))?;
        Ok(Self { samples: self.samples.saturating_add(other.samples), sum })
    }
}

/// Spans by deployment.
pub(super) type Owned = BTreeMap<String, Vec<Span>>;

/// What a line meters: its stream, and which of the stream's usage counts.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) stream: String,
    /// The stream's, and those that its price asks for besides.
    pub(super) streams: BTreeSet<String>,
    pub(super) unit: String,
    pub(super) account: String,
    deployment: Option<String>,
    pub(super) period: Period,
    pub(super) span: Span,
    /// How long before the period a sample may matter.
    lookback_ms: i64,
    /// What counts, and when: a plan may be held for a part of the period.
    only: Vec<(Condition, Span)>,
}

impl Asked {
    /// What a line of an account meters; none for a line that meters nothing.
    pub(super) fn of(catalogue: &Catalogue, account: &str, line: &Line) -> Result<Option<Self>, LedgerError> {
        let name = line.component.rsplit('/').next().unwrap_or_default();
        let Some(customer) = catalogue.customer(account) else { return Ok(None) };
        let period = Period::parse_month(&line.period, customer.zone)?;
        let span = period.span()?;
        let (mut only, mut streams, mut metered) = (Vec::new(), BTreeSet::new(), None);
        for (term, component) in components(customer, name) {
            let (Price::Usage(price), Some(meter)) = (&component.price, &component.meter) else { continue };
            metered = Some(meter.stream.clone());
            streams.extend(component.needs().map(str::to_owned));
            only.extend(window(customer, term)?.intersection(&span).map(|held| (price.query.only.clone(), held)));
        }
        let Some(stream) = metered.and_then(|name| catalogue.stream(&name)) else { return Ok(None) };
        let lookback =
            streams.iter().filter_map(|name| catalogue.stream(name)).map(|one| one.lookback_quarters()).max();
        Ok(Some(Self {
            stream: stream.name.clone(),
            unit: stream.unit.clone(),
            streams,
            account: account.to_owned(),
            deployment: line.deployment.clone(),
            period,
            span,
            lookback_ms: lookback.unwrap_or(0).saturating_mul(QUARTER_MS),
            only,
        }))
    }

    /// The spans in which the account owned the deployments that are asked for.
    pub(super) fn owned(&self, directory: &Directory) -> Owned {
        let deployments = deployments(directory, &self.account).into_iter();
        let wanted = deployments.filter(|one| self.deployment.as_deref().is_none_or(|wanted| wanted == *one));
        wanted.map(|one| (one.to_owned(), owned_by(directory, one, &self.account, self.span))).collect()
    }

    /// Whether a sample counts.
    pub(super) fn counts(&self, key: &SeriesKey, at: Instant, owned: &Owned) -> bool {
        let spans = owned.get(&key.deployment).into_iter().flatten();
        key.stream == self.stream
            && spans.into_iter().any(|span| span.contains(at))
            && self.only.iter().any(|(only, held)| held.contains(at) && only.holds(&key.dimensions))
    }

    /// What some cells have of it.
    pub(super) fn part(&self, cells: &Cells, owned: &Owned) -> Result<Brought, LedgerError> {
        let mut brought = Brought::default();
        for deployment in owned.keys() {
            for (key, quarters) in series(cells, deployment, &self.stream) {
                let counted = quarters.iter().filter(|(quarter, _)| self.counts(key, quarter.start(), owned));
                for (_, state) in counted {
                    let Some(summary) = state.summary().map_err(TallyError::from)? else { continue };
                    let sum = Exact::decimal(summary.sum, key.scale)
                        .map_err(|error| LedgerError::billing(&self.stream, error))?;
                    brought = brought.add(&Brought { samples: summary.count, sum })?;
                }
            }
        }
        Ok(brought)
    }

    /// All that the line is priced from: also of other streams, and the samples before the period that matter for it.
    pub(super) fn priced_from(&self, cells: &Cells, owned: &Owned) -> Cells {
        let mut kept = Cells::default();
        for (deployment, stream) in owned.keys().flat_map(|one| self.streams.iter().map(move |stream| (one, stream))) {
            for (key, quarters) in series(cells, deployment, stream) {
                let quarters: Quarters = quarters
                    .iter()
                    .filter(|(quarter, _)| self.matters(**quarter))
                    .map(|(quarter, state)| (*quarter, state.clone()))
                    .collect();
                if !quarters.is_empty() {
                    kept.0.insert(key.clone(), quarters);
                }
            }
        }
        kept
    }

    /// The period, and before it the time of which a sample may matter.
    pub(super) fn reach(&self) -> Span {
        Span { from: Instant(self.span.from.0.saturating_sub(self.lookback_ms)), until: self.span.until }
    }

    fn matters(&self, quarter: Quarter) -> bool {
        self.reach().contains(quarter.start())
    }
}

/// The components of this name in the plans of a customer, with when they were held.
fn components<'a>(customer: &'a Customer, name: &str) -> impl Iterator<Item = (Term, &'a Component)> {
    let of =
        move |held: &'a catalog::Subscription| held.plan.components.iter().map(move |component| (held.term, component));
    customer.subscriptions.iter().flat_map(of).filter(move |(_, component)| *component.name == *name)
}

fn window(customer: &Customer, term: Term) -> Result<Span, LedgerError> {
    let from = start_of_day(customer.zone, term.from)?;
    let until = term.until.map(|until| start_of_day(customer.zone, until)).transpose()?;
    Ok(Span { from, until: until.unwrap_or(Instant(i64::MAX)) })
}
