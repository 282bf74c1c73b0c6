//! Usage that nobody owns and that shall never be billed: somebody answers for that with name and reason.
//!
//! A write-off is kept for ever and becomes a fact of the directory, so that it has a version, is explained and
//! compared like any other, and an invoice that was priced with it can be derived again. It covers the instants of a
//! month at which nobody was billed for the deployment when it was said, and no others; usage of these that arrives
//! later is written off too, and told with every report.

use std::collections::BTreeMap;

use catalog::Catalogue;
use catalog::directory::{Claim, Standing};
use metering::period::Period;
use metering::time::{Instant, Span};
use serde::{Deserialize, Serialize};

use crate::correlate::window;
use crate::counted::Counted;
use crate::error::LedgerError;
use crate::file::pages;
use crate::names;
use crate::ownership::{Held, Unowned, held, unowned};
use crate::ports::{Key, Ports, Table, Write, Written};
use crate::snapshot::present;

/// Who answers for what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteOff {
    /// The deployment.
    pub deployment: String,
    /// The month in the seller's zone, `YYYY-MM`.
    pub month: String,
    /// The instants that it covers.
    pub spans: Vec<Span>,
    /// Who says so.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Instant,
    /// What was held by then, and what it was worth.
    pub usage: Vec<Held>,
}

/// All that was written off, oldest month first.
///
/// # Errors
/// [`LedgerError`].
pub async fn list<P: Ports>(ports: &P) -> Result<Vec<WriteOff>, LedgerError> {
    let items = pages(ports, Table::Billing, names::WRITE_OFFS).await?;
    let read = items.iter().map(|(_, item)| serde_json::from_str(&item.body));
    read.collect::<Result<_, _>>().map_err(|error| LedgerError::malformed("write-off", error))
}

/// What was written off as facts of the directory.
///
/// # Errors
/// [`LedgerError`].
pub async fn claims<P: Ports>(ports: &P) -> Result<Vec<Claim>, LedgerError> {
    let all = list(ports).await?;
    let each = all.iter().flat_map(|one| one.spans.iter().map(move |span| (one, *span)));
    let claim = |(one, Span { from, until }): (&WriteOff, Span)| Claim {
        deployment: one.deployment.clone(),
        rule: 0,
        from,
        until: Some(until),
        account: None,
        standing: Standing::WrittenOff,
        inferred: (false, false),
        source: format!("a write-off of {}: {}", one.by, one.reason),
        recorded_at: one.at,
    };
    Ok(each.map(claim).collect())
}

/// Writes off what nobody is billed for of a deployment in a month. Said again it changes nothing. In force with the
/// next version of the directory.
///
/// # Errors
/// [`LedgerError::Billing`] where nothing is held, or without a name or a reason; [`LedgerError::Contended`] where
/// somebody else writes it off at the same time.
pub async fn write_off<P: Ports>(
    ports: &P,
    catalogue: &Catalogue,
    (deployment, month): (&str, &str),
    (by, reason): (&str, &str),
) -> Result<WriteOff, LedgerError> {
    if by.trim().is_empty() || reason.trim().is_empty() {
        let why = "a write-off needs the name of who answers for it and a reason";
        return Err(LedgerError::billing(deployment, why));
    }
    let period = Period::parse_month(month, catalogue.seller.zone)?;
    let month = period.label();
    let (usage, spans) = unbilled(ports, catalogue, deployment, &period).await?;
    let all = list(ports).await?;
    let earlier: Vec<&WriteOff> = all.iter().filter(|one| one.deployment == deployment && one.month == month).collect();
    let within = |span: &Span, known: &Span| known.from <= span.from && span.until <= known.until;
    let known = |span: &Span| earlier.iter().any(|one| one.spans.iter().any(|known| within(span, known)));
    let spans: Vec<Span> = spans.into_iter().filter(|span| !known(span)).collect();
    if let (Some(said), true) = (earlier.last(), spans.is_empty() || usage.is_empty()) {
        return Ok((*said).clone());
    }
    if usage.is_empty() {
        let why = format!("nothing of it is held in {month}; `farthing unbilled` lists what nobody is billed for");
        return Err(LedgerError::billing(deployment, why));
    }
    let (by, reason) = (by.trim().to_owned(), reason.trim().to_owned());
    let deployment = deployment.to_owned();
    let key = Key::new(names::WRITE_OFFS, format!("{month}#{deployment}#{:06}", earlier.len()));
    let said = WriteOff { deployment, month, spans, by, reason, at: ports.now(), usage };
    let body = serde_json::to_string(&said).map_err(|error| LedgerError::malformed("write-off", error))?;
    match ports.write(Write::create(Table::Billing, key, body)).await? {
        Written::Done => Ok(said),
        Written::Refused(_) => Err(LedgerError::Contended(said.deployment)),
    }
}

/// What is held of a deployment in a period, and when nobody is billed for it.
async fn unbilled<P: Ports>(
    ports: &P,
    catalogue: &Catalogue,
    deployment: &str,
    period: &Period,
) -> Result<(Vec<Held>, Vec<Span>), LedgerError> {
    let directory = present(ports).await?.directory;
    let (joined, _) = catalogue.joined(directory.parties());
    let mut cells = Counted::read(ports, Some(window(&joined, &period.label())?)).await?.cells;
    cells.0.retain(|key, _| key.deployment == deployment);
    let mut usage = held(&cells, &joined, &directory, period)?;
    // A stream that is gone comes back with its name; until then nobody can say when it is held.
    usage.retain(|held| waits(held.reason) && held.reason != Unowned::NoStream);
    let spans: BTreeMap<Unowned, Vec<Span>> = unowned(&joined, &directory, deployment, period.span()?)?;
    let waiting = spans.into_iter().filter(|(reason, _)| waits(*reason)).flat_map(|(_, spans)| spans);
    Ok((usage, waiting.filter(|span| span.from < span.until).collect()))
}

/// Whether usage waits for somebody to be billed; what is excluded or written off does not.
#[must_use]
pub fn waits(reason: Unowned) -> bool {
    match reason {
        Unowned::Excluded | Unowned::WrittenOff => false,
        Unowned::Unknown
        | Unowned::NotEffective
        | Unowned::Ambiguous
        | Unowned::NoAccount
        | Unowned::Inactive
        | Unowned::MissingTag
        | Unowned::NoPlan
        | Unowned::NoStream => true,
    }
}
