//! Whose usage is whose: cells by account, and those that nobody owns.

use std::collections::{BTreeMap, BTreeSet};

use catalog::Catalogue;
use catalog::directory::{Directory, Owner};
use metering::exact::Exact;
use metering::measure::{MeasureError, Measurement, SeriesUsage, measure};
use metering::period::{Period, PeriodError, start_of_day};
use metering::stream::Stream;
use metering::tally::{Cells, Quarters, SeriesKey};
use metering::time::{Instant, Span};
use serde::{Deserialize, Serialize};

use crate::worth::{Worth, at_list};

/// Why nobody is billed for some usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unowned {
    /// The directory does not know the deployment.
    Unknown,
    /// It knows the deployment, but not at that time.
    NotEffective,
    /// More than one account claims it.
    Ambiguous,
    /// A record knows it, and names no account.
    NoAccount,
    /// Its record says that it is not in use, and the mapping says to hold its usage.
    Inactive,
    /// A trial, a test, our own: never billed.
    Excluded,
    /// Somebody has answered for it that it is never billed.
    WrittenOff,
    /// The usage names no deployment.
    MissingTag,
    /// It has an owner, who holds no plan at that time.
    NoPlan,
    /// The catalogue no longer has the stream that it was counted under.
    NoStream,
}

/// A span of time and who owned a deployment in it.
type Owned<'a> = (Span, Result<&'a str, Unowned>);

/// The owners of a deployment over a window, in order, without a gap.
pub fn owners<'a>(directory: &'a Directory, deployment: &str, window: Span) -> Vec<Owned<'a>> {
    let bounds = directory.claims(deployment).flat_map(|claim| [Some(claim.from), claim.until]).flatten();
    let cuts: BTreeSet<Instant> = bounds.filter(|at| window.contains(*at)).chain([window.from, window.until]).collect();
    let spans = cuts.iter().zip(cuts.iter().skip(1)).map(|(from, until)| Span { from: *from, until: *until });
    spans.map(|span| (span, owner(directory, deployment, span.from))).collect()
}

fn owner<'a>(directory: &'a Directory, deployment: &str, at: Instant) -> Result<&'a str, Unowned> {
    match directory.owner(deployment, at) {
        Owner::Matched(account) | Owner::Inactive(account) => Ok(account),
        Owner::Suspended(_) => Err(Unowned::Inactive),
        Owner::Excluded => Err(Unowned::Excluded),
        Owner::WrittenOff => Err(Unowned::WrittenOff),
        Owner::NoAccount => Err(Unowned::NoAccount),
        Owner::MissingTag => Err(Unowned::MissingTag),
        Owner::Unknown => Err(Unowned::Unknown),
        Owner::NotEffective => Err(Unowned::NotEffective),
        Owner::Ambiguous => Err(Unowned::Ambiguous),
    }
}

/// The deployments that an account ever owned.
pub fn deployments<'a>(directory: &'a Directory, account: &str) -> BTreeSet<&'a str> {
    directory.deployments_of(account).collect()
}

/// When an account owned a deployment within a window.
pub fn owned_by(directory: &Directory, deployment: &str, account: &str, window: Span) -> Vec<Span> {
    let mine = owners(directory, deployment, window).into_iter().filter(|(_, owner)| *owner == Ok(account));
    mine.map(|(span, _)| span).collect()
}

/// The series of one stream of one deployment.
pub fn series<'a>(cells: &'a Cells, deployment: &str, stream: &str) -> Vec<(&'a SeriesKey, &'a Quarters)> {
    let first = SeriesKey { deployment: deployment.to_owned(), stream: stream.to_owned(), ..SeriesKey::default() };
    let of_stream = |key: &SeriesKey| key.deployment == deployment && key.stream == stream;
    cells.0.range(first..).take_while(|(key, _)| of_stream(key)).collect()
}

/// A stream's quantity over several deployments, each within its own spans.
///
/// # Errors
/// [`MeasureError`].
pub fn measured(
    cells: &Cells,
    stream: &Stream,
    period: &Period,
    owned: &BTreeMap<&str, Vec<Span>>,
) -> Result<Measurement, MeasureError> {
    let mut usage = Vec::new();
    for (deployment, spans) in owned {
        for (key, quarters) in series(cells, deployment, &stream.name) {
            usage.push(SeriesUsage { key, quarters, owned: spans });
        }
    }
    measure(stream, period, &usage)
}

/// Usage that nobody is billed for yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The deployment.
    pub deployment: String,
    /// The stream.
    pub stream: String,
    /// The quantity by the stream's rule for a month.
    pub quantity: Exact,
    /// Its unit.
    pub unit: String,
    /// Why.
    pub reason: Unowned,
    /// What it would cost at list prices, plan by plan.
    #[serde(default)]
    pub worth: Vec<Worth>,
}

/// The usage of a period that nobody owns, by deployment and stream.
///
/// # Errors
/// [`MeasureError`].
pub fn held(
    cells: &Cells,
    catalogue: &Catalogue,
    directory: &Directory,
    period: &Period,
) -> Result<Vec<Held>, MeasureError> {
    let window = period.span()?;
    let pairs: BTreeSet<(&str, &str)> =
        cells.0.keys().map(|key| (key.deployment.as_str(), key.stream.as_str())).collect();
    let mut found = Vec::new();
    for (deployment, name) in pairs {
        let Some(stream) = catalogue.stream(name) else {
            found.extend(without_stream(cells, deployment, name, window)?);
            continue;
        };
        for (reason, spans) in unowned(catalogue, directory, deployment, window)? {
            let measured = measured(cells, stream, period, &BTreeMap::from([(deployment, spans.clone())]))?;
            if measured.samples > 0 {
                let worth = at_list(cells, catalogue, period, (deployment, name), &spans);
                let (deployment, stream, unit) = (deployment.to_owned(), name.to_owned(), stream.unit.clone());
                found.push(Held { deployment, stream, quantity: measured.total, unit, reason, worth });
            }
        }
    }
    Ok(found)
}

/// When nobody is billed for a deployment within a window, by reason.
///
/// # Errors
/// [`PeriodError`].
pub fn unowned(
    catalogue: &Catalogue,
    directory: &Directory,
    deployment: &str,
    window: Span,
) -> Result<BTreeMap<Unowned, Vec<Span>>, PeriodError> {
    let mut by_reason: BTreeMap<Unowned, Vec<Span>> = BTreeMap::new();
    for (span, owner) in owners(directory, deployment, window) {
        match owner {
            Err(reason) => by_reason.entry(reason).or_default().push(span),
            Ok(account) => {
                let without = without_plan(catalogue, account, span)?;
                by_reason.entry(Unowned::NoPlan).or_default().extend(without);
            }
        }
    }
    Ok(by_reason)
}

/// Whether an account owns any usage within a window.
pub fn owns_usage(cells: &Cells, directory: &Directory, account: &str, window: Span) -> bool {
    deployments(directory, account).into_iter().any(|deployment| {
        let spans = owned_by(directory, deployment, account, window);
        let first = SeriesKey { deployment: deployment.to_owned(), ..SeriesKey::default() };
        let all = cells.0.range(first..).take_while(|(key, _)| key.deployment == deployment);
        let mut quarters = all.flat_map(|(_, quarters)| quarters.iter());
        !spans.is_empty() && quarters.any(|(quarter, _)| spans.iter().any(|span| span.contains(quarter.start())))
    })
}

/// The parts of a span in which an account holds no plan.
fn without_plan(catalogue: &Catalogue, account: &str, span: Span) -> Result<Vec<Span>, PeriodError> {
    let Some(customer) = catalogue.customer(account) else { return Ok(vec![span]) };
    let mut open = vec![span];
    for subscription in &customer.subscriptions {
        let from = start_of_day(customer.zone, subscription.term.from)?;
        let until = subscription.term.until.map(|until| start_of_day(customer.zone, until)).transpose()?;
        let before = Span { from: Instant(i64::MIN), until: from };
        let after = until.map(|from| Span { from, until: Instant(i64::MAX) });
        let around = [Some(before), after];
        open =
            open.iter().flat_map(|part| around.iter().flatten().filter_map(|rest| part.intersection(rest))).collect();
    }
    Ok(open)
}

/// What was counted under a stream that the catalogue no longer has: nobody can say what a month of
/// it is, so its samples are added.
fn without_stream(cells: &Cells, deployment: &str, stream: &str, window: Span) -> Result<Option<Held>, MeasureError> {
    let mut quantity = Exact::ZERO;
    let mut samples: u64 = 0;
    for (key, quarters) in series(cells, deployment, stream) {
        for (_, state) in quarters.iter().filter(|(quarter, _)| window.contains(quarter.start())) {
            if let Some(summary) = state.summary()? {
                quantity = quantity.add(&Exact::decimal(summary.sum, key.scale)?)?;
                samples = samples.saturating_add(summary.count);
            }
        }
    }
    let (deployment, stream) = (deployment.to_owned(), stream.to_owned());
    let held =
        Held { deployment, stream, quantity, unit: "units".to_owned(), reason: Unowned::NoStream, worth: Vec::new() };
    Ok((samples > 0).then_some(held))
}
