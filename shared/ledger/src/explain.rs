//! From a line of an invoice back to the records: the line with its steps, the rollups that were
//! priced, the files that brought its usage, each with the hash that holds the next hop; and of a file the records.

mod asked;
mod records;
mod shares;

use std::collections::BTreeMap;

use catalog::Catalogue;
use invoicing::{Invoice, Line, LineKind};
use pricing::{Amount, History};

use self::asked::Asked;
pub use self::asked::Brought;
pub use self::records::{Record, Records};
pub use self::shares::Share;
use self::shares::{Made, Shares};
use crate::charges::{Basis, price};
use crate::configuration::Configuration;
use crate::error::LedgerError;
use crate::file::{pages, read_hashed};
use crate::invoice::{Issued, read_issued};
use crate::names;
use crate::ports::{Key, Ports, Table};
use crate::snapshot;

/// An issued invoice with where it was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Whose.
    pub account: String,
    /// Its item.
    pub issued: Issued,
    /// Its document, which is what its name says.
    pub invoice: Invoice,
}

/// The invoice of a number.
///
/// # Errors
/// [`LedgerError::Billing`] where no invoice has it.
pub async fn find<P: Ports>(ports: &P, number: &str) -> Result<Found, LedgerError> {
    let none = || LedgerError::billing(number, "no invoice has this number; it is written as on the invoice");
    let digits = number.len().saturating_sub(number.trim_end_matches(|c: char| c.is_ascii_digit()).len());
    let (prefix, n) = number.split_at_checked(number.len().saturating_sub(digits.min(6))).ok_or_else(none)?;
    let key = Key::new(names::series(prefix), names::number(n.parse().map_err(|_| none())?));
    let item = ports.get(Table::Billing, &key).await?.ok_or_else(none)?;
    let taken: Taken = serde_json::from_str(&item.body).map_err(|error| LedgerError::malformed("number", error))?;
    let all = of_account(ports, &taken.account).await?;
    let found = all.into_iter().find(|(issued, _)| issued.number == number).ok_or_else(none)?;
    Ok(Found { account: taken.account, issued: found.0, invoice: found.1 })
}

#[derive(serde::Deserialize)]
struct Taken {
    account: String,
}

/// All invoices of an account with their documents, in the order of issue.
///
/// # Errors
/// [`LedgerError`].
pub async fn of_account<P: Ports>(ports: &P, account: &str) -> Result<Vec<(Issued, Invoice)>, LedgerError> {
    let mut all = Vec::new();
    for (sort, item) in pages(ports, Table::Billing, &names::account(account)).await? {
        if sort == names::HEAD {
            continue;
        }
        let issued = read_issued(&item)?;
        let text = read_hashed(ports, &issued.document).await?;
        let invoice = Invoice::from_json(&text).map_err(|error| LedgerError::billing(&issued.number, error))?;
        all.push((issued, invoice));
    }
    all.sort_by(|(a, _), (b, _)| (a.issued, &a.number).cmp(&(b.issued, &b.number)));
    Ok(all)
}

/// A file that counts otherwise than on the invoice that charged before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What it was then, if it counted.
    pub was: Option<Share>,
    /// What it is now, if it counts.
    pub is: Option<Share>,
}

impl Change {
    /// The object's key.
    pub fn key(&self) -> &str {
        self.is.as_ref().or(self.was.as_ref()).map_or("", |share| share.input.key.as_str())
    }
}

/// What a price makes of the usage of some files alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Priced {
    /// The quantity, by the rules of the stream and of the price.
    pub quantity: Option<String>,
    /// With the currency's digits.
    pub amount: String,
}

/// What a correction corrects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// The invoice that charged last for the same, if one did.
    pub invoice: Option<String>,
    /// What its files brought.
    pub was: Brought,
    /// What that came to, all lines of the component together, one for each.
    pub was_priced: Vec<Priced>,
    /// The files that count otherwise since, by key.
    pub changes: Vec<Change>,
}

/// A line with where it comes from.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The line.
    pub line: Line,
    /// What it meters, if it meters anything.
    pub metered: Option<Sources>,
}

/// What a metered line comes from.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The stream.
    pub stream: String,
    /// Its unit.
    pub unit: String,
    /// All lines that these files were priced at: a component may have several.
    pub lines: Vec<u32>,
    /// The files that brought its usage, by key.
    pub files: Vec<Share>,
    /// What all of them brought.
    pub total: Brought,
    /// What pricing these files alone comes to, one for each line.
    pub priced: Vec<Priced>,
    /// Whether that is what the lines say: of a correction, with what was charged before.
    pub adds_up: bool,
    /// Of a correction: what changed.
    pub corrects: Option<Correction>,
    asked: Asked,
    made: Made,
}

/// An invoice with where its lines come from.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The invoice.
    pub found: Found,
    /// Its lines, or the one that was asked for.
    pub lines: Vec<Explained>,
    catalogue: Catalogue,
}

/// Explains an invoice, or one line of it.
///
/// # Errors
/// [`LedgerError::Billing`] where there is no such invoice or line; [`LedgerError::Missing`] where
/// something on the way is not what its hash says.
pub async fn explain<P: Ports>(ports: &P, number: &str, line: Option<u32>) -> Result<Explanation, LedgerError> {
    let found = find(ports, number).await?;
    let mut earlier = of_account(ports, &found.account).await?;
    let own = earlier.iter().position(|(issued, _)| issued.number == found.issued.number);
    earlier.truncate(own.unwrap_or(0));
    let wanted: Vec<Line> =
        found.invoice.lines.iter().filter(|one| line.is_none_or(|line| one.number == line)).cloned().collect();
    if wanted.is_empty() {
        let reason = format!("there is no such line; the invoice has {} lines", found.invoice.lines.len());
        return Err(LedgerError::billing(number, reason));
    }
    let catalogue = catalogue_of(ports, &found.invoice).await?;
    let explainer = Explainer { ports, made: Made::of(ports, &found.invoice).await?, found: &found, earlier };
    let mut lines = Vec::new();
    for line in wanted {
        let metered = explainer.sources(&catalogue, &line).await?;
        lines.push(Explained { line, metered });
    }
    Ok(Explanation { found, lines, catalogue })
}

impl Explanation {
    /// The records of a file that brought something to a line, the first `show` of them one by one; or why they cannot
    /// be told. The object is read for it, from its beginning to its end.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn records<P: Ports>(
        &self,
        ports: &P,
        sources: &Sources,
        share: &Share,
        show: usize,
    ) -> Result<Result<Records, &'static str>, LedgerError> {
        records::records(ports, &self.catalogue, &sources.made, &sources.asked, share, show).await
    }
}

/// The catalogue of an invoice with the accounts that it knew.
async fn catalogue_of<P: Ports>(ports: &P, invoice: &Invoice) -> Result<Catalogue, LedgerError> {
    let catalogue = Configuration::recall(ports, &invoice.provenance.catalogue).await?.catalogue;
    let parties = snapshot::parties(ports, &invoice.provenance.directory).await?;
    Ok(catalogue.joined(&parties).0)
}

/// An invoice on its way to an explanation.
struct Explainer<'a, P> {
    ports: &'a P,
    made: Made,
    found: &'a Found,
    /// The account's invoices before it.
    earlier: Vec<(Issued, Invoice)>,
}

impl<P: Ports> Explainer<'_, P> {
    async fn sources(&self, catalogue: &Catalogue, line: &Line) -> Result<Option<Sources>, LedgerError> {
        if line.kind == LineKind::TrueUp {
            // A past period is priced as it was then.
            let own = self.earlier.iter().find(|(issued, _)| issued.period == line.period);
            return match own {
                Some((_, invoice)) => self.of_correction(&catalogue_of(self.ports, invoice).await?, line).await,
                None => self.of_correction(catalogue, line).await,
            };
        }
        let Some(asked) = Asked::of(catalogue, &self.found.account, line)? else { return Ok(None) };
        let shares = self.made.shares(self.ports, &asked).await?;
        let priced = self.priced(catalogue, &self.made, &asked, &shares, line);
        let together: Vec<&Line> = self.found.invoice.lines.iter().filter(|other| same(other, line)).collect();
        let said: Vec<Priced> = together.iter().map(|line| of_line(line)).collect();
        let adds_up = alike(&priced, &said);
        let lines = together.iter().map(|line| line.number).collect();
        sources(asked, &self.made, shares, lines, (priced, adds_up), None).map(Some)
    }

    /// The difference of two manifests, and what the price made of it.
    async fn of_correction(&self, catalogue: &Catalogue, line: &Line) -> Result<Option<Sources>, LedgerError> {
        let Some(asked) = Asked::of(catalogue, &self.found.account, line)? else { return Ok(None) };
        let charged = self.charged_before(line);
        let is = self.made.shares(self.ports, &asked).await?;
        let last = charged.last().map(|(issued, invoice)| (issued.number.clone(), invoice));
        let (invoice, was, was_priced) = match last {
            Some((number, invoice)) => {
                let made = Made::of(self.ports, invoice).await?;
                let was = made.shares(self.ports, &asked).await?;
                let priced = self.priced(catalogue, &made, &asked, &was, line);
                (Some(number), was, priced)
            }
            None => (None, Shares::default(), Vec::new()),
        };
        let priced = self.priced(catalogue, &self.made, &asked, &is, line);
        let adds_up = self.comes_to(line, &charged, &priced);
        let was_total = was.total()?;
        let changes = changes(was.files, is.files.clone());
        let correction = Correction { invoice, was: was_total, was_priced, changes };
        sources(asked, &self.made, is, vec![line.number], (priced, adds_up), Some(correction)).map(Some)
    }

    /// The invoices that charged before for the same component and period.
    fn charged_before(&self, line: &Line) -> Vec<&(Issued, Invoice)> {
        self.earlier.iter().filter(|(_, invoice)| invoice.lines.iter().any(|other| same(other, line))).collect()
    }

    /// What the usage alone comes to: the lines of the component, priced once more.
    fn priced(&self, catalogue: &Catalogue, made: &Made, asked: &Asked, shares: &Shares, line: &Line) -> Vec<Priced> {
        let Some(customer) = catalogue.customer(&asked.account) else { return Vec::new() };
        let basis = Basis { cells: &shares.cells, directory: &made.directory };
        let rated = price(&basis, catalogue, customer, &asked.period, &mut History::default());
        let lines = rated.ok().and_then(|rated| invoicing::lines(&rated).ok()).unwrap_or_default();
        lines.iter().filter(|other| same(other, line)).map(of_line).collect()
    }

    /// Whether all that is charged for a line's component and period is its present price.
    fn comes_to(&self, line: &Line, charged: &[&(Issued, Invoice)], priced: &[Priced]) -> bool {
        let digits = self.found.invoice.minor_digits;
        let before = charged.iter().flat_map(|(_, invoice)| &invoice.lines).filter(|other| same(other, line));
        let of = |amount: &str| Amount::parse(amount, digits);
        let sum =
            |amounts: Vec<&str>| amounts.into_iter().map(of).collect::<Result<Vec<_>, _>>().and_then(Amount::sum).ok();
        let all = sum(before.chain([line]).map(|line| line.amount.as_str()).collect());
        all.is_some() && all == sum(priced.iter().map(|priced| priced.amount.as_str()).collect())
    }
}

fn sources(
    asked: Asked,
    made: &Made,
    shares: Shares,
    lines: Vec<u32>,
    (priced, adds_up): (Vec<Priced>, bool),
    corrects: Option<Correction>,
) -> Result<Sources, LedgerError> {
    let total = shares.total()?;
    let mut files: Vec<Share> = shares.files.into_values().collect();
    files.sort_by(|a, b| a.input.key.cmp(&b.input.key));
    let (stream, unit, made) = (asked.stream.clone(), asked.unit.clone(), made.clone());
    Ok(Sources { stream, unit, lines, files, total, priced, adds_up, corrects, asked, made })
}

/// Whether two lines are of the same component, deployment and period.
fn same(one: &Line, other: &Line) -> bool {
    one.component == other.component && one.deployment == other.deployment && one.period == other.period
}

fn of_line(line: &Line) -> Priced {
    Priced { quantity: line.quantity.clone(), amount: line.amount.clone() }
}

fn alike(one: &[Priced], other: &[Priced]) -> bool {
    let sorted = |all: &[Priced]| {
        let mut all: Vec<(Option<String>, String)> =
            all.iter().map(|priced| (priced.quantity.clone(), priced.amount.clone())).collect();
        all.sort();
        all
    };
    sorted(one) == sorted(other)
}

/// The files that count otherwise than then.
fn changes(mut was: BTreeMap<String, Share>, is: BTreeMap<String, Share>) -> Vec<Change> {
    let mut changes = Vec::new();
    for (file, now) in is {
        let then = was.remove(&file);
        let same = |then: &Share| then.input.content == now.input.content && then.brought == now.brought;
        if !then.as_ref().is_some_and(same) {
            changes.push(Change { was: then, is: Some(now) });
        }
    }
    changes.extend(was.into_values().map(|then| Change { was: Some(then), is: None }));
    changes.sort_by(|a, b| a.key().cmp(b.key()));
    changes
}
