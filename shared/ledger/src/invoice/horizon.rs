//! How far back a close looks: thirteen months. What is older is on no later invoice, and is told.

use std::collections::BTreeMap;
use std::fmt;

use catalog::directory::Directory;
use catalog::{Catalogue, Customer};
use chrono_tz::Tz;
use invoicing::Invoice;
use metering::period::Period;
use metering::rollup::{Rollup, Slot};
use metering::tally::Cells;
use metering::time::{Instant, Quarter, Span};

use super::late::Invoiced;
use super::{Issued, Past, read_issued};
use crate::aggregate::load;
use crate::by_deployment::within;
use crate::correlate::window;
use crate::counted::{Begins, Counted};
use crate::document::held_in;
use crate::error::LedgerError;
use crate::file::{pages, read_text};
use crate::manifest::Manifest;
use crate::names;
use crate::ownership::{deployments, owned_by};
use crate::ports::{Bucket, Ports, Table};

/// How many earlier periods are compared with what they were invoiced at.
pub(crate) const HORIZON_MONTHS: i32 = 13;

/// All instants that matter for a month and for the earlier ones that may have to be trued up.
pub(super) fn horizon(catalogue: &Catalogue, month: &str) -> Result<Span, LedgerError> {
    let first = oldest(month)?;
    Ok(Span { from: window(catalogue, &first)?.from, until: window(catalogue, month)?.until })
}

/// The first month that is compared when a month is closed.
pub(super) fn oldest(month: &str) -> Result<String, LedgerError> {
    Ok(Period::parse_month(month, Tz::UTC)?.month_after(HORIZON_MONTHS.saturating_neg())?.label())
}

/// The months before `month`, as far back as the horizon, oldest first.
pub(super) fn before(month: &str) -> Result<Vec<String>, LedgerError> {
    let month = Period::parse_month(month, Tz::UTC)?;
    let label = |back: i32| Ok(month.month_after(back.saturating_neg())?.label());
    (1..=HORIZON_MONTHS).rev().map(label).collect()
}

/// All instants of which usage has to be read to close a month: those of its horizon; and of that of an earlier month which an
/// account may get with it, where the account was invoiced for a month before.
pub(super) fn reach(
    catalogue: &Catalogue,
    directory: &Directory,
    month: &str,
    invoiced: &Invoiced,
) -> Result<Span, LedgerError> {
    let (mut span, first, before) = (horizon(catalogue, month)?, oldest(month)?, before(month)?);
    for customer in catalogue.customers.values() {
        let Some(months) = invoiced.get(&customer.id).filter(|months| !months.is_empty()) else { continue };
        for lacking in before.iter().filter(|label| !months.contains(*label)) {
            let earlier = oldest(lacking)?..first.clone();
            if months.iter().any(|invoiced| earlier.contains(invoiced)) && may_owe(customer, directory, lacking)? {
                span.from = span.from.min(horizon(catalogue, lacking)?.from);
            }
        }
    }
    Ok(span)
}

/// Whether an account had a plan or a deployment in a month.
fn may_owe(customer: &Customer, directory: &Directory, month: &str) -> Result<bool, LedgerError> {
    let period = Period::parse_month(month, customer.zone)?;
    let span = period.span()?;
    let owned = |deployment: &str| !owned_by(directory, deployment, &customer.id, span).is_empty();
    Ok(held_in(customer, &period).next().is_some() || deployments(directory, &customer.id).into_iter().any(owned))
}

/// The invoices whose periods are priced again with this one: those before it, as far back as the
/// horizon, for which all usage has been read. A later month that was closed first is trued up by
/// the invoices after it.
pub(super) fn repriced<'a>(period: &Period, past: &'a Past) -> Result<Vec<&'a Invoice>, LedgerError> {
    let oldest = period.month_after(HORIZON_MONTHS.saturating_neg())?;
    let within = |invoice: &&Invoice| oldest.start <= invoice.period.start && invoice.period.start < period.start;
    Ok(past.documents.iter().filter(within).collect())
}

/// Usage that came too late for any invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beyond {
    /// The source of the files, and when they arrived.
    pub slot: Slot,
    /// When the usage begins.
    pub from: Instant,
    /// The key of one of the files.
    pub key: String,
    /// How many files of the slot may hold it.
    pub files: usize,
}

impl fmt::Display for Beyond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { slot, from, key, files } = self;
        let arrived = Instant(0).plus_hours(slot.hour).unwrap_or_default();
        write!(f, "{key}")?;
        if let Some(others @ 1..) = files.checked_sub(1) {
            write!(f, " or one of {others} others of `{}` that arrived in the hour of {arrived}", slot.source)?;
        }
        write!(
            f,
            ": has usage from {from} on that is on no invoice, because it came when months of then were no longer \
             corrected ({HORIZON_MONTHS} months): it is kept, and charged only by hand"
        )
    }
}

/// Usage of before the horizon that was not there when months of then were looked at for the last time.
///
/// # Errors
/// [`LedgerError`].
pub(super) async fn beyond<P: Ports>(
    ports: &P,
    catalogue: &Catalogue,
    counted: &Counted,
    month: &str,
) -> Result<Vec<Beyond>, LedgerError> {
    // Zones differ from UTC by less than a day.
    let until = Period::parse_month(&oldest(month)?, Tz::UTC)?.span()?.from.plus_hours(-24).unwrap_or_default();
    let before = Span { from: Instant(i64::MIN), until };
    let older: Vec<&Begins> = counted.begins.iter().filter(|begins| begins.from.start() < until).collect();
    let issued = if older.is_empty() { Vec::new() } else { issued(ports, catalogue).await? };
    let mut looks = Looks::default();
    let mut found = Vec::new();
    for older in older {
        let then = match last_look(older.from, &issued)? {
            Some(issued) => looks.body(ports, issued, &older.slot).await?,
            // Nothing of then was ever invoiced: that it is not is news only where it came later.
            None if was_news(older) => continue,
            None => None,
        };
        if then.as_ref() != Some(&older.body) {
            found.extend(unseen(ports, older, then, before).await?);
        }
    }
    Ok(found)
}

/// Whether some usage was not old when its files arrived.
fn was_news(Begins { slot, from, .. }: &Begins) -> bool {
    /// Thirteen months have more.
    const DAYS: i64 = 390;
    from.start().hour() >= slot.hour.saturating_sub(24 * DAYS)
}

async fn issued<P: Ports>(ports: &P, catalogue: &Catalogue) -> Result<Vec<Issued>, LedgerError> {
    let mut all = Vec::new();
    for customer in catalogue.customers.keys() {
        let items = pages(ports, Table::Billing, &names::account(customer)).await?;
        for (_, item) in items.iter().filter(|(sort, _)| sort != names::HEAD) {
            all.push(read_issued(item)?);
        }
    }
    Ok(all)
}

async fn unseen<P: Ports>(
    ports: &P,
    Begins { slot, from, body }: &Begins,
    then: Option<String>,
    before: Span,
) -> Result<Option<Beyond>, LedgerError> {
    let now = load(ports, body).await?;
    let then = match then {
        Some(then) => load(ports, &then).await?,
        None => Rollup::default(),
    };
    if old_part(&now, before) == old_part(&then, before) {
        return Ok(None);
    }
    let new = |file: &&String| revision(&then, file) != revision(&now, file);
    let files: Vec<&String> = now.inputs.keys().filter(new).collect();
    let key = files.first().and_then(|file| now.inputs.get(*file)).map(|input| input.key.clone());
    let (slot, from) = (slot.clone(), from.start());
    Ok(Some(Beyond { slot, from, key: key.unwrap_or_default(), files: files.len() }))
}

fn revision(rollup: &Rollup, file: &str) -> Option<u64> {
    rollup.inputs.get(file).map(|input| input.revision)
}

/// The usage of before the horizon; that of events with ids by the objects that hold it.
fn old_part(rollup: &Rollup, before: Span) -> (Cells, Vec<&[String]>) {
    let old = rollup.runs.values().filter(|run| run.from.start() < before.until);
    (within(rollup.cells.0.iter(), before), old.map(|run| run.objects.as_slice()).collect())
}

/// The invoice that was made when usage of a time was looked at for the last time: of the last such period the first one,
/// since those that are issued much later look at one account only.
fn last_look(from: Quarter, issued: &[Issued]) -> Result<Option<&Issued>, LedgerError> {
    let at = from.start().to_utc().map(|at| at.format("%Y-%m").to_string());
    let Some(month) = at else { return Ok(None) };
    let last = Period::parse_month(&month, Tz::UTC)?.month_after(HORIZON_MONTHS)?.label();
    let looked = issued.iter().filter(|issued| (month.as_str()..=last.as_str()).contains(&issued.period.as_str()));
    let order = |a: &&Issued, b: &&Issued| a.period.cmp(&b.period).then(b.issued.cmp(&a.issued));
    Ok(looked.max_by(order))
}

/// The rollups that some invoices were made from, by number of the invoice.
#[derive(Default)]
struct Looks(BTreeMap<String, BTreeMap<Slot, String>>);

impl Looks {
    /// The object that holds a slot's rollup as an invoice was made from it.
    async fn body<P: Ports>(&mut self, ports: &P, issued: &Issued, slot: &Slot) -> Result<Option<String>, LedgerError> {
        if let Some(rollups) = self.0.get(&issued.number) {
            return Ok(rollups.get(slot).cloned());
        }
        let text = read_text(ports, Bucket::Work, &issued.document).await?;
        let invoice = Invoice::from_json(&text).map_err(|error| LedgerError::billing(&issued.number, error))?;
        let manifest = Manifest::recall(ports, &invoice.provenance.inputs).await?;
        let rollups: BTreeMap<Slot, String> = manifest.rollups()?.into_iter().collect();
        let body = rollups.get(slot).cloned();
        self.0.insert(issued.number.clone(), rollups);
        Ok(body)
    }
}
