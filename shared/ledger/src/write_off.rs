//! Usage that nobody owns and that shall never be billed: somebody answers for that with name and reason.
//!
//! A write-off is kept for ever and becomes a fact of the directory, so that it has a version, is explained and
//! compared like any other, and an invoice that was priced with it can be derived again. It covers the instants of a
//! month, or of some of its days, at which nobody was billed for the deployment when it was said, and no others; usage
//! of these that arrives later is written off too, and told with every report.
//!
//! What was said can be taken back, with a name and a reason of its own, while its month can still be billed. Both stay
//! on record; invoices that were priced in between stand, and the next ones true up.

use std::collections::BTreeMap;

use catalog::Catalogue;
use catalog::directory::{Claim, Standing};
use chrono::NaiveDate;
use metering::period::{Period, start_of_day};
use metering::time::{Instant, Span};
use serde::{Deserialize, Serialize};

use crate::correlate::window;
use crate::counted::Counted;
use crate::error::LedgerError;
use crate::file::pages;
use crate::invoice::HORIZON_MONTHS;
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
    /// Who took it back. Kept apart, so that neither changes the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone: Option<Undone>,
}

/// Who took a write-off back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undone {
    /// Who says so.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Instant,
}

/// What is written off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// The deployment.
    pub deployment: &'a str,
    /// The month in the seller's zone.
    pub month: &'a str,
    /// The first day of it that is meant; the month's if none is named.
    pub from: Option<NaiveDate>,
    /// The first day that is not; none of the month's if none is named.
    pub until: Option<NaiveDate>,
}

impl Part<'_> {
    /// The instants that are meant.
    fn window(&self, period: &Period) -> Result<Span, LedgerError> {
        let (from, until) = (self.from.unwrap_or(period.start), self.until.unwrap_or(period.end));
        if period.start <= from && from < until && until <= period.end {
            let (from, until) = (start_of_day(period.zone, from)?, start_of_day(period.zone, until)?);
            return Ok(Span { from, until });
        }
        let why = format!("from {from} until before {until} are no days of {}", period.label());
        Err(LedgerError::billing(self.deployment, why))
    }
}

/// Ends the key of who took back what the rest of it names.
const UNDONE: &str = "#undone";

/// All that was written off, oldest month first.
///
/// # Errors
/// [`LedgerError`].
pub async fn list<P: Ports>(ports: &P) -> Result<Vec<WriteOff>, LedgerError> {
    Ok(kept(ports).await?.into_values().collect())
}

/// By key.
async fn kept<P: Ports>(ports: &P) -> Result<BTreeMap<String, WriteOff>, LedgerError> {
    let malformed = |error| LedgerError::malformed("write-off", error);
    let (mut all, mut taken_back) = (BTreeMap::new(), Vec::new());
    for (key, item) in pages(ports, Table::Billing, names::WRITE_OFFS).await? {
        match key.strip_suffix(UNDONE) {
            Some(of) => taken_back.push((of.to_owned(), serde_json::from_str(&item.body).map_err(malformed)?)),
            None => drop(all.insert(key, serde_json::from_str(&item.body).map_err(malformed)?)),
        }
    }
    for (key, undone) in taken_back {
        if let Some(said) = all.get_mut(&key) {
            let said: &mut WriteOff = said;
            said.undone = Some(undone);
        }
    }
    Ok(all)
}

/// What was written off as facts of the directory.
///
/// # Errors
/// [`LedgerError`].
pub async fn claims<P: Ports>(ports: &P) -> Result<Vec<Claim>, LedgerError> {
    let all = list(ports).await?;
    let in_force = all.iter().filter(|one| one.undone.is_none());
    let each = in_force.flat_map(|one| one.spans.iter().map(move |span| (one, *span)));
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

/// Writes off what nobody is billed for of a deployment in a month or some days of it. Said again it changes nothing.
/// In force with the next version of the directory.
///
/// # Errors
/// [`LedgerError::Billing`] where nothing is held, or without a name or a reason; [`LedgerError::Contended`] where
/// somebody else writes it off at the same time.
pub async fn write_off<P: Ports>(
    ports: &P,
    catalogue: &Catalogue,
    part: Part<'_>,
    said: (&str, &str),
) -> Result<WriteOff, LedgerError> {
    let deployment = part.deployment;
    let (by, reason) = stated(deployment, said)?;
    let period = Period::parse_month(part.month, catalogue.seller.zone)?;
    let month = period.label();
    let (usage, spans) = unbilled(ports, catalogue, deployment, (&period, part.window(&period)?)).await?;
    let all = list(ports).await?;
    let of_it: Vec<&WriteOff> = all.iter().filter(|one| one.deployment == deployment && one.month == month).collect();
    let earlier: Vec<&WriteOff> = of_it.iter().copied().filter(|one| one.undone.is_none()).collect();
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
    let deployment = deployment.to_owned();
    let key = Key::new(names::WRITE_OFFS, format!("{month}#{deployment}#{:06}", of_it.len()));
    let said = WriteOff { deployment, month, spans, by, reason, at: ports.now(), usage, undone: None };
    let body = serde_json::to_string(&said).map_err(|error| LedgerError::malformed("write-off", error))?;
    match ports.write(Write::create(Table::Billing, key, body)).await? {
        Written::Done => Ok(said),
        Written::Refused(_) => Err(LedgerError::Contended(said.deployment)),
    }
}

/// Takes back all that is written off of a deployment in a month. Said again it changes nothing. In force with the next
/// version of the directory: the usage is held again, or billed to whoever owns it by now.
///
/// # Errors
/// [`LedgerError::Billing`] where nothing is written off, where no invoice to come could bill it any more, or without a
/// name or a reason.
pub async fn undo<P: Ports>(
    ports: &P,
    catalogue: &Catalogue,
    (deployment, month): (&str, &str),
    said: (&str, &str),
) -> Result<Vec<WriteOff>, LedgerError> {
    let (by, reason) = stated(deployment, said)?;
    let period = Period::parse_month(month, catalogue.seller.zone)?;
    let month = period.label();
    let is_it = |one: &WriteOff| one.deployment == deployment && one.month == month;
    let of_it: BTreeMap<String, WriteOff> = kept(ports).await?.into_iter().filter(|(_, one)| is_it(one)).collect();
    if of_it.is_empty() {
        return Err(LedgerError::billing(deployment, format!("nothing of it is written off in {month}")));
    }
    let now = ports.now();
    let oldest = Period::month_of(now, catalogue.seller.zone)?.month_after(HORIZON_MONTHS.saturating_neg())?;
    if period.start < oldest.start {
        let why = format!(
            "{month} stays written off: the invoice of this month trues up the {HORIZON_MONTHS} months before it, and \
             none further back"
        );
        return Err(LedgerError::billing(deployment, why));
    }
    for (key, _) in of_it.iter().filter(|(_, one)| one.undone.is_none()) {
        let undone = Undone { by: by.clone(), reason: reason.clone(), at: now };
        let body = serde_json::to_string(&undone).map_err(|error| LedgerError::malformed("write-off", error))?;
        let key = Key::new(names::WRITE_OFFS, format!("{key}{UNDONE}"));
        // Whoever was faster has taken it back as well.
        ports.write(Write::create(Table::Billing, key, body)).await?;
    }
    Ok(kept(ports).await?.into_values().filter(is_it).collect())
}

/// Who says so and why, without which nothing is written off or taken back.
fn stated(deployment: &str, (by, reason): (&str, &str)) -> Result<(String, String), LedgerError> {
    let (by, reason) = (by.trim(), reason.trim());
    if by.is_empty() || reason.is_empty() {
        let why = "a write-off needs the name of who answers for it and a reason, and so does taking it back";
        return Err(LedgerError::billing(deployment, why));
    }
    Ok((by.to_owned(), reason.to_owned()))
}

/// What is held of a deployment within a part of a period, and when nobody is billed for it.
async fn unbilled<P: Ports>(
    ports: &P,
    catalogue: &Catalogue,
    deployment: &str,
    (period, part): (&Period, Span),
) -> Result<(Vec<Held>, Vec<Span>), LedgerError> {
    let directory = present(ports).await?.directory;
    let (joined, _) = catalogue.joined(directory.parties());
    let window = window(&joined, &period.label())?;
    let mut cells = Counted::read(ports, Some(window)).await?.usage.of(ports, [deployment], window).await?;
    cells.0.values_mut().for_each(|quarters| quarters.retain(|quarter, _| part.contains(quarter.start())));
    let mut usage = held(&cells, &joined, &directory, period)?;
    // A stream that is gone comes back with its name; until then nobody can say when it is held.
    usage.retain(|held| waits(held.reason) && held.reason != Unowned::NoStream);
    let spans: BTreeMap<Unowned, Vec<Span>> = unowned(&joined, &directory, deployment, part)?;
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
