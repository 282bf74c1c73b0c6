//! An issued invoice derived once more from the raw files, and compared byte by byte.
//!
//! Nothing is taken on trust that a hash on the invoice does not hold: catalogue, directory,
//! manifest, rollups. The usage is read from the files again. So it is the same without the tables, by whoever has
//! the files and the [`evidence`]: an invoice whose total, catalogue, directory or usage was changed does not come out.

mod again;
pub mod evidence;

use catalog::Catalogue;
use catalog::directory::Directory;
use invoicing::Invoice;

use self::again::Reading;
pub(crate) use self::again::replaced;
use crate::configuration::Configuration;
use crate::counted::Counted;
use crate::error::LedgerError;
use crate::explain::{Found, find, of_account};
use crate::invoice::{Issued, rederive};
use crate::names;
use crate::ports::Ports;
use crate::snapshot;

/// What a verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Files that were read again and are what they were.
    pub files: usize,
    /// Files that are not at hand, and bring nothing to this account.
    pub absent: usize,
    /// Files whose usage was taken from their stored tally, with the reason.
    pub unread: Vec<(String, String)>,
    /// Files and rollups that are not what the invoice was made from, with what is wrong.
    pub wrong: Vec<(String, String)>,
    /// SHA-256 of the document that was issued.
    pub issued: String,
    /// SHA-256 of the document as it comes out now.
    pub derived: String,
}

impl Verification {
    /// Whether the invoice is exactly what the files say.
    pub fn holds(&self) -> bool {
        self.wrong.is_empty() && self.issued == self.derived
    }
}

/// What is taken where an object is gone or another one by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behind {
    /// The tally that was stored then, and it is said.
    Tables,
    /// Nothing: there are no tables.
    Nothing,
}

/// An invoice with the account's invoices before it.
struct Case {
    found: Found,
    earlier: Vec<(Issued, Invoice)>,
}

/// Derives the invoice of a number from the files that it names.
///
/// # Errors
/// [`LedgerError`] where something on the way is missing or is not what its hash says.
pub async fn verify<P: Ports>(ports: &P, number: &str) -> Result<Verification, LedgerError> {
    let found = find(ports, number).await?;
    let earlier = before(ports, &found).await?;
    let text = found.invoice.canonical_json().map_err(|error| LedgerError::billing(number, error))?;
    derive(ports, Case { found, earlier }, &names::sha256(text.as_bytes()), Behind::Tables).await
}

/// The invoices of an account that were issued before one of them, as they lie in the table.
async fn before<P: Ports>(ports: &P, found: &Found) -> Result<Vec<(Issued, Invoice)>, LedgerError> {
    let mut earlier = of_account(ports, &found.account).await?;
    let own = earlier.iter().position(|(issued, _)| issued.number == found.issued.number);
    earlier.truncate(own.unwrap_or(0));
    earlier.sort_by(|(a, _), (b, _)| a.period.cmp(&b.period));
    Ok(earlier)
}

async fn derive<P: Ports>(ports: &P, case: Case, issued: &str, behind: Behind) -> Result<Verification, LedgerError> {
    let Case { found, earlier } = case;
    let (catalogue, directory) = parts(ports, &found.invoice).await?;
    let mut reading = Reading::new(ports, &catalogue, &directory, &found.account, behind);
    let counted = reading.read_again(&found.invoice.provenance.inputs).await?;
    let mut verification = reading.found;
    let text = derived(ports, (&catalogue, &directory), &counted, &found, earlier).await?;
    issued.clone_into(&mut verification.issued);
    verification.derived = names::sha256(text.as_bytes());
    Ok(verification)
}

/// The catalogue and the directory of an invoice, each what its hash says.
async fn parts<P: Ports>(ports: &P, invoice: &Invoice) -> Result<(Catalogue, Directory), LedgerError> {
    let catalogue = Configuration::recall(ports, &invoice.provenance.catalogue).await?.catalogue;
    let directory = snapshot::proved(ports, &invoice.provenance.directory).await?;
    let catalogue = catalogue.joined(directory.parties()).0;
    Ok((catalogue, directory))
}

async fn derived<P: Ports>(
    ports: &P,
    (catalogue, directory): (&Catalogue, &Directory),
    counted: &Counted,
    found: &Found,
    earlier: Vec<(Issued, Invoice)>,
) -> Result<String, LedgerError> {
    let invoice = rederive(ports, catalogue, counted, directory, &found.issued, (&found.account, earlier)).await?;
    invoice.canonical_json().map_err(|error| LedgerError::billing(&found.account, error))
}
