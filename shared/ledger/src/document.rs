//! The document of an invoice: who, whom, when, and what was charged; and where the customer finds it.

use std::collections::BTreeMap;

use catalog::{Catalogue, Customer, Subscription};
use chrono::{DateTime, Days, NaiveDate};
use chrono_tz::Tz;
use invoicing::{Header, Invoice, Party, PastTotal, Provenance, Settled, Taxable, assemble_taxed};
use metering::period::Period;
use metering::time::Instant;
use pricing::Term;

use crate::error::LedgerError;
use crate::invoice::Issued;
use crate::ports::{Bucket, Ports};
use crate::taxation::Taxation;

/// What stands for the plan of an account that holds none: it has an invoice only where something of its past changed.
const CORRECTIONS: &str = "Corrections of earlier months";

/// How many earlier totals an invoice shows.
const HISTORY: usize = 6;

/// What a run knows of an invoice besides its charges.
pub(crate) struct Made {
    pub(crate) now: Instant,
    /// None for a draft.
    pub(crate) number: Option<String>,
    pub(crate) history: Vec<PastTotal>,
    pub(crate) provenance: Provenance,
}

/// What an account is charged, and how that is taxed.
#[derive(Clone, Debug)]
pub(crate) struct Charged {
    pub(crate) settled: Settled,
    pub(crate) taxation: Taxation,
}

/// The document of one customer for one period.
pub(crate) fn document(
    catalogue: &Catalogue,
    customer: &Customer,
    period: &Period,
    (charged, past): (&Charged, &[Invoice]),
    made: Made,
) -> Result<Invoice, LedgerError> {
    let issued = local_date(made.now, customer.zone)?;
    let terms = Days::new(u64::from(catalogue.seller.terms_days));
    let due = issued.checked_add_days(terms).ok_or_else(|| LedgerError::billing(&customer.id, "no such due date"))?;
    let header = Header {
        id: format!("{}/{}", customer.id, period.label()),
        number: made.number,
        account: customer.id.clone(),
        issued,
        due,
        seller: seller(catalogue),
        customer: buyer(customer),
        currency: customer.currency,
        plan: plan_titles(customer, period),
        period: *period,
        history: made.history,
        payment: catalogue.seller.payment.clone(),
        notes: catalogue.seller.notes.clone(),
        provenance: made.provenance,
    };
    let Charged { settled, taxation } = charged;
    let on = (issued, customer.zone);
    let taxed = |line: Taxable<'_>| taxation.treatments(line, on, past);
    let bears: Option<&invoicing::Taxation<'_>> = if taxation.is_none() { None } else { Some(&taxed) };
    assemble_taxed(header, &settled.lines, &settled.true_ups, bears)
        .map_err(|error| LedgerError::billing(&customer.id, error))
}

fn local_date(at: Instant, zone: Tz) -> Result<NaiveDate, LedgerError> {
    let at: Option<DateTime<chrono::Utc>> = at.to_utc();
    at.map(|at| at.with_timezone(&zone).date_naive()).ok_or_else(|| LedgerError::billing("clock", "no such date"))
}

/// The subscriptions that are held on some day of a period.
pub(crate) fn held_in<'a>(customer: &'a Customer, period: &Period) -> impl Iterator<Item = &'a Subscription> {
    let Period { start, end, .. } = *period;
    let held = move |term: &Term| term.from < end && term.until.is_none_or(|until| start < until);
    customer.subscriptions.iter().filter(move |subscription| held(&subscription.term))
}

fn plan_titles(customer: &Customer, period: &Period) -> String {
    let titles = held_in(customer, period).map(|subscription| subscription.plan.title.as_str());
    let titles = titles.collect::<Vec<_>>();
    if titles.is_empty() { CORRECTIONS.to_owned() } else { titles.join(", ") }
}

fn seller(catalogue: &Catalogue) -> Party {
    party(&catalogue.seller.name, &catalogue.seller.address, &catalogue.seller.ids)
}

/// The customer, with the VAT id that a reverse charge has to show.
fn buyer(customer: &Customer) -> Party {
    let mut buyer = party(&customer.name, &customer.address, &customer.ids);
    let vat_id = customer.tax.as_ref().and_then(|tax| tax.vat_id());
    if let Some(vat_id) = vat_id.filter(|vat_id| !customer.ids.values().any(|known| known == vat_id)) {
        buyer.ids.push(("VAT ID".to_owned(), vat_id.to_owned()));
    }
    buyer
}

fn party(name: &str, address: &[String], ids: &BTreeMap<String, String>) -> Party {
    let ids = ids.iter().map(|(label, value)| (label.clone(), value.clone())).collect();
    Party { name: name.to_owned(), lines: address.to_vec(), ids }
}

/// The totals of the months before.
pub(crate) fn history(records: &[Issued], period: &Period) -> Vec<PastTotal> {
    let earlier: Vec<&Issued> = records.iter().filter(|record| record.period < period.label()).collect();
    let shown = earlier.get(earlier.len().saturating_sub(HISTORY)..).unwrap_or_default();
    shown.iter().map(|record| PastTotal { label: record.period.clone(), total: record.total.clone() }).collect()
}

/// Where the customer finds an invoice: the document and its pages.
pub fn published_keys(invoice: &Invoice) -> (String, String) {
    let number = invoice.number.as_deref().unwrap_or("draft");
    let base = format!("{}/{}-{number}", invoice.account, invoice.period.label);
    (format!("{base}.json"), format!("{base}.pdf"))
}

/// Puts an issued invoice where the customer finds it: a pure function of the document, so that a
/// repeat changes nothing. Whether anything was missing.
///
/// # Errors
/// [`LedgerError`].
pub async fn publish<P: Ports>(
    ports: &P,
    invoice: &Invoice,
    pdf: impl FnOnce(&Invoice) -> Result<Vec<u8>, String>,
) -> Result<bool, LedgerError> {
    let (json_key, pdf_key) = published_keys(invoice);
    if ports.head(Bucket::Invoices, &pdf_key).await?.is_some() {
        return Ok(false);
    }
    let text = invoice.canonical_json().map_err(|error| LedgerError::billing(&invoice.account, error))?;
    ports.put_once(Bucket::Invoices, &json_key, text.into_bytes(), "application/json").await?;
    let pages = pdf(invoice).map_err(|reason| LedgerError::billing(&invoice.account, reason))?;
    // Last: where it is, the rest is too.
    ports.put_once(Bucket::Invoices, &pdf_key, pages, "application/pdf").await?;
    Ok(true)
}
