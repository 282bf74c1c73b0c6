//! What somebody needs, besides the usage files, to derive an invoice without Farthing's tables: the invoice, the
//! account's invoices before it, and the objects that its hashes name.

use std::collections::BTreeSet;

use invoicing::Invoice;
use metering::period::start_of_day;

use super::{Behind, Case, Verification, before, derive};
use crate::error::LedgerError;
use crate::explain::{Found, find};
use crate::invoice::Issued;
use crate::manifest::Manifest;
use crate::names;
use crate::ports::Ports;
use crate::snapshot;

/// What an invoice is derived from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The document of the invoice, its very bytes.
    pub invoice: String,
    /// The documents of the account's invoices before it, by their periods.
    pub earlier: Vec<String>,
    /// The keys of the objects of the work bucket: catalogues, directories, the manifest, its rollups.
    pub objects: BTreeSet<String>,
}

/// Collects the evidence of an invoice.
///
/// # Errors
/// [`LedgerError::Billing`] where there is no such invoice; [`LedgerError::Missing`] where a part of it is gone.
pub async fn collect<P: Ports>(ports: &P, number: &str) -> Result<Evidence, LedgerError> {
    let found = find(ports, number).await?;
    let earlier: Vec<Invoice> = before(ports, &found).await?.into_iter().map(|(_, invoice)| invoice).collect();
    let mut objects = BTreeSet::new();
    for invoice in earlier.iter().chain([&found.invoice]) {
        let provenance = &invoice.provenance;
        objects.insert(format!("catalogues/{}.json", provenance.catalogue));
        objects.extend(snapshot::objects(ports, &provenance.directory).await?);
    }
    let root = &found.invoice.provenance.inputs;
    objects.insert(Manifest::object(root));
    objects.extend(Manifest::recall(ports, root).await?.rollups()?.into_iter().map(|(_, body)| body));
    let text = |invoice: &Invoice| invoice.canonical_json().map_err(|error| LedgerError::billing(number, error));
    Ok(Evidence {
        invoice: text(&found.invoice)?,
        earlier: earlier.iter().map(text).collect::<Result<_, _>>()?,
        objects,
    })
}

/// Derives an invoice from its evidence and the usage files alone. The tables of `ports` are not asked; its work bucket
/// has to hold the evidence's objects, and takes in what is worked out on the way.
///
/// Usage files of others may be missing: the account's usage then has to come out of those at hand by itself.
///
/// # Errors
/// [`LedgerError`] where a document is none, or an object is missing or is not what its hash says.
pub async fn verify_evidence<P: Ports>(
    ports: &P,
    invoice: &str,
    earlier: &[String],
) -> Result<Verification, LedgerError> {
    let (issued, document) = read(invoice)?;
    let found = Found { account: document.account.clone(), issued, invoice: document };
    let earlier = earlier.iter().map(|text| read(text)).collect::<Result<_, _>>()?;
    derive(ports, Case { found, earlier }, &names::sha256(invoice.as_bytes()), Behind::Nothing).await
}

/// A document, and what the table says of it.
fn read(text: &str) -> Result<(Issued, Invoice), LedgerError> {
    let invoice = Invoice::from_json(text).map_err(|error| LedgerError::billing("the invoice", error))?;
    let refuse = |reason: String| LedgerError::billing(&invoice.id, reason);
    let Some(number) = invoice.number.clone() else {
        return Err(refuse("it is a draft: only an issued invoice is derived".to_owned()));
    };
    let zone = invoice.period.zone.parse().map_err(|error| refuse(format!("{error}")))?;
    let issued = Issued {
        number,
        period: invoice.period.label.clone(),
        document: format!("documents/{}.json", names::sha256(text.as_bytes())),
        total: invoice.total.clone(),
        currency: invoice.currency.clone(),
        // The document says the day, and depends on no more.
        issued: start_of_day(zone, invoice.issued)?,
    };
    Ok((issued, invoice))
}
