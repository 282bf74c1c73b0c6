//! From rollups to invoices: the third commit point.
//!
//! A period is closed when its grace is over and every object of the bucket is in the very
//! rollups that are priced. One transaction moves the account's head, adds the invoice, and takes
//! the next number: numbers are gap-free by construction, and an invoice is issued once.

mod horizon;
mod late;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use catalog::directory::{Directory, Unbillable};
use catalog::{Catalogue, Customer};
use invoicing::{Invoice, Provenance};
use metering::period::Period;
use metering::time::Instant;
use serde::{Deserialize, Serialize};

use crate::aggregate::refresh;
use crate::audit::{Audit, audit_unsealed};
use crate::charges::{Basis, Earlier, charges};
use crate::configuration::Configuration;
use crate::correlate::held;
use crate::counted::Counted;
use crate::document::{Charged, Made, document, held_in, history};
pub use crate::document::{publish, published_keys};
use crate::error::LedgerError;
use crate::file::{pages, read_text};
use crate::names;
use crate::ownership::{Held, deployments};
use crate::ports::{Bucket, Item, Key, Ports, Table, Transacted, Write};
use crate::reason::{self, Reason};
use crate::restate::Restatements;
use crate::seal::{Seals, rules};
use crate::snapshot::{self, Present};
use crate::taxation::Taxation;
pub use horizon::Beyond;
pub(crate) use horizon::HORIZON_MONTHS;
use horizon::{beyond, horizon, reach, repriced};

/// How often an invoice is tried anew when another took its number.
const ATTEMPTS: usize = 64;

/// What to close.
#[derive(Clone, Debug)]
pub struct Options {
    /// The month, `YYYY-MM`, in each customer's zone.
    pub month: String,
    /// Objects younger than this many minutes may still be under way and are not waited for.
    pub settle_minutes: i64,
    /// Only show what would be charged: drafts without a number, nothing is written.
    pub preview: bool,
}

/// What is kept of an issued invoice in the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// Its number.
    pub number: String,
    /// Its period.
    pub period: String,
    /// The object in the work bucket that holds the document; named by its hash.
    pub document: String,
    /// With the currency's digits.
    pub total: String,
    /// ISO 4217.
    pub currency: String,
    /// When.
    pub issued: Instant,
}

/// What came of one account.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// There is an invoice; whether this run issued it.
    Issued(Box<Invoice>, bool),
    /// What would be charged.
    Draft(Box<Invoice>),
    /// It cannot be closed yet; the reasons, a sentence each.
    Waiting(Vec<String>),
    /// It cannot be priced; why, and what to do.
    Failed(String),
}

/// What a close did.
#[derive(Clone, Debug, Default)]
pub struct Closed {
    /// By account; accounts with nothing to charge are left out.
    pub accounts: BTreeMap<String, Outcome>,
    /// By month and account: what came of months that were closed before the account was known to own usage of them.
    pub late: BTreeMap<(String, String), Outcome>,
    /// Usage of the month that nobody is billed for.
    pub held: Vec<Held>,
    /// Usage that came too late for any invoice.
    pub beyond: Vec<Beyond>,
    /// Accounts of the directory that the catalogue cannot bill as they stand.
    pub unbillable: Vec<Unbillable>,
    /// What the audit found.
    pub audit: Audit,
    /// Files that count.
    pub files: usize,
    /// Records in them.
    pub records: u64,
}

/// One run of the close: all accounts are priced from the same rollups and the same directory.
struct Run<'a, P> {
    ports: &'a P,
    catalogue: &'a Catalogue,
    counted: &'a Counted,
    directory: &'a Directory,
    /// Since when each organisation has been in it.
    organisations: &'a BTreeMap<String, Instant>,
    options: &'a Options,
    /// Reasons that hold for every account.
    blocked: Vec<String>,
    now: Instant,
}

/// Closes a month for every account that can be closed. Repeating it changes nothing.
///
/// # Errors
/// [`LedgerError`] where a port fails or what is stored cannot be read; what concerns one account
/// only is told in its [`Outcome`].
pub async fn close<P: Ports>(
    ports: &P,
    configuration: &Configuration,
    options: &Options,
) -> Result<Closed, LedgerError> {
    let catalogue = &*configuration.catalogue;
    let now = ports.now();
    let own = catalogue.directory(now)?.version().to_owned();
    let mut broken = None;
    if !options.preview {
        configuration.keep(ports).await?;
        broken = match refresh(ports).await {
            Err(error @ LedgerError::Slot { .. }) => Some(error.to_string()),
            refreshed => {
                refreshed?;
                None
            }
        };
    }
    let Present { head, directory } = snapshot::present(ports).await?;
    let (joined, unbillable) = catalogue.joined(directory.parties());
    let published = head.as_ref().is_some_and(|(head, _)| head.catalogue == own);
    let organisations = head.map(|(head, _)| head.organisations).unwrap_or_default();
    let catalogue = &joined;
    let mut invoiced = BTreeMap::new();
    for customer in catalogue.customers.keys() {
        invoiced.insert(customer.clone(), months_of(ports, customer).await?);
    }
    // The seals first: they vouch for rollups that are read later.
    let rules = rules(catalogue, &Restatements::read(ports).await?);
    let seals = Seals::read(ports, &rules).await?;
    let counted = Counted::read(ports, Some(reach(catalogue, &directory, &options.month, &invoiced)?)).await?;
    let before = Instant(now.0.saturating_sub(options.settle_minutes.saturating_mul(60_000)));
    if !options.preview {
        counted.manifest.keep(ports).await?;
    }
    let audit = audit_unsealed(ports, catalogue, &counted, (&seals, &rules), before).await?;
    let mut reasons = reason::of_all(catalogue, &audit, published, broken);
    reasons.extend(reason::of_examples(configuration));
    let blocked = reasons.iter().map(Reason::to_string).collect();
    let (counted, directory, organisations) = (&counted, &directory, &organisations);
    let run = Run { ports, catalogue, counted, directory, organisations, options, blocked, now };
    let mut accounts = BTreeMap::new();
    let late = run.late(&invoiced).await?;
    for customer in catalogue.customers.values() {
        if let Some(outcome) = run.account(customer).await? {
            accounts.insert(customer.id.clone(), outcome);
        }
    }
    let held = held(ports, counted, catalogue, directory, &options.month).await?;
    let beyond = beyond(ports, catalogue, counted, &options.month).await?;
    let (files, records) = (counted.files(), counted.counts.records);
    Ok(Closed { accounts, late, held, beyond, unbillable, audit, files, records })
}

/// The months that an account was invoiced for.
async fn months_of<P: Ports>(ports: &P, account: &str) -> Result<BTreeSet<String>, LedgerError> {
    let items = pages(ports, Table::Billing, &names::account(account)).await?;
    let records = items.iter().filter(|(sort, _)| sort != names::HEAD);
    records.map(|(_, item)| Ok(read_issued(item)?.period)).collect()
}

/// The earlier invoices of an account with their documents, oldest period first.
struct Past {
    records: Vec<Issued>,
    documents: Vec<Invoice>,
}

/// The document of an issued invoice as it comes out of these parts: the very same, if they are
/// those that it was made from. `earlier` are the account's invoices that were issued before it.
///
/// # Errors
/// [`LedgerError`].
pub(crate) async fn rederive<P: Ports>(
    ports: &P,
    catalogue: &Catalogue,
    counted: &Counted,
    directory: &Directory,
    issued: &Issued,
    (account, earlier): (&str, Vec<(Issued, Invoice)>),
) -> Result<Invoice, LedgerError> {
    let customer = catalogue
        .customer(account)
        .ok_or_else(|| LedgerError::billing(account, "the catalogue of its invoice does not have this customer"))?;
    let options = Options { month: issued.period.clone(), settle_minutes: 0, preview: true };
    let (now, blocked, organisations) = (issued.issued, Vec::new(), &BTreeMap::new());
    let run = Run { ports, catalogue, counted, directory, organisations, options: &options, blocked, now };
    let period = Period::parse_month(&issued.period, customer.zone)?;
    let (records, documents) = earlier.into_iter().unzip();
    let past = Past { records, documents };
    let charged = run.charges(customer, &period, &past).await?;
    run.document(customer, &period, &past, &charged, Some(issued.number.clone()))
}

impl<P: Ports> Run<'_, P> {
    async fn account(&self, customer: &Customer) -> Result<Option<Outcome>, LedgerError> {
        let period = Period::parse_month(&self.options.month, customer.zone)?;
        let past = self.past(customer).await?;
        if let Some(place) = past.records.iter().position(|record| record.period == period.label()) {
            return Ok(past.documents.into_iter().nth(place).map(|invoice| Outcome::Issued(Box::new(invoice), false)));
        }
        let waiting = self.waiting(&period)?;
        if !waiting.is_empty() && !self.options.preview {
            return Ok(held_in(customer, &period).next().is_some().then_some(Outcome::Waiting(waiting)));
        }
        match self.bill(customer, &period, &past).await {
            Err(LedgerError::Billing { reason, .. }) => Ok(Some(Outcome::Failed(reason))),
            // One account's quantities must not keep the others from their invoices.
            Err(LedgerError::Measure(error)) => Ok(Some(Outcome::Failed(error.to_string()))),
            billed => billed,
        }
    }

    /// The invoice or its draft; nothing where nothing is charged.
    async fn bill(&self, customer: &Customer, period: &Period, past: &Past) -> Result<Option<Outcome>, LedgerError> {
        let charged = self.charges(customer, period, past).await?;
        if charged.settled.lines.is_empty() && charged.settled.true_ups.is_empty() {
            return Ok(None);
        }
        if self.options.preview {
            let draft = self.document(customer, period, past, &charged, None)?;
            return Ok(Some(Outcome::Draft(Box::new(draft))));
        }
        self.issue(customer, period, past, &charged).await.map(Some)
    }

    /// Why this period cannot be closed yet.
    fn waiting(&self, period: &Period) -> Result<Vec<String>, LedgerError> {
        let own = reason::not_over(self.catalogue, period, self.now)?;
        let mut reasons: Vec<String> = own.iter().map(Reason::to_string).collect();
        reasons.extend(self.blocked.iter().cloned());
        Ok(reasons)
    }

    async fn past(&self, customer: &Customer) -> Result<Past, LedgerError> {
        let mut past = Past { records: Vec::new(), documents: Vec::new() };
        for (sort, item) in pages(self.ports, Table::Billing, &names::account(&customer.id)).await? {
            if sort == names::HEAD {
                continue;
            }
            let record = read_issued(&item)?;
            let text = read_text(self.ports, Bucket::Work, &record.document).await?;
            let document = Invoice::from_json(&text).map_err(|error| LedgerError::billing(&record.number, error))?;
            past.records.push(record);
            past.documents.push(document);
        }
        Ok(past)
    }

    async fn charges(&self, customer: &Customer, period: &Period, past: &Past) -> Result<Charged, LedgerError> {
        let repriced = repriced(period, past)?;
        let catalogues = self.catalogues(&repriced).await?;
        let mut earlier = Vec::new();
        for invoice in repriced {
            same_zone(customer, invoice)?;
            let Provenance { catalogue, directory, .. } = &invoice.provenance;
            if let Some(catalogue) = catalogues.get(&(catalogue.clone(), directory.clone())) {
                let period = Period::parse_month(&invoice.period.label, customer.zone)?;
                earlier.push(Earlier { period, catalogue });
            }
        }
        let window = horizon(self.catalogue, &self.options.month)?;
        let deployments = deployments(self.directory, &customer.id);
        let cells = &self.counted.usage.of(self.ports, deployments, window).await?;
        let basis = Basis { cells, directory: self.directory };
        let settled = charges(&basis, self.catalogue, customer, period, &earlier, &past.documents)?;
        Ok(Charged { settled, taxation: Taxation::of(customer, &earlier) })
    }

    /// The catalogues of some invoices with the accounts that they knew, by hash and version of the directory.
    async fn catalogues(
        &self,
        invoices: &[&Invoice],
    ) -> Result<BTreeMap<(String, String), Arc<Catalogue>>, LedgerError> {
        let mut catalogues = BTreeMap::new();
        for invoice in invoices {
            let Provenance { catalogue, directory, .. } = &invoice.provenance;
            let key = (catalogue.clone(), directory.clone());
            if let Entry::Vacant(place) = catalogues.entry(key) {
                let recalled = Configuration::recall(self.ports, catalogue).await?.catalogue;
                let parties = snapshot::parties(self.ports, directory).await?;
                place.insert(Arc::new(recalled.joined(&parties).0));
            }
        }
        Ok(catalogues)
    }

    /// Builds the document with the next number and commits it; on a lost race, again.
    async fn issue(
        &self,
        customer: &Customer,
        period: &Period,
        past: &Past,
        charged: &Charged,
    ) -> Result<Outcome, LedgerError> {
        let account = names::account(&customer.id);
        let prefix = &self.catalogue.seller.number;
        for _ in 0..ATTEMPTS {
            let head = self.ports.get(Table::Billing, &Key::new(&account, names::HEAD)).await?;
            let series = self.ports.get(Table::Billing, &Key::new(names::series(prefix), names::HEAD)).await?;
            let taken = self.ports.get(Table::Billing, &Key::new(&account, names::invoice(&period.label()))).await?;
            if let Some(item) = taken {
                let text = read_text(self.ports, Bucket::Work, &read_issued(&item)?.document).await?;
                let invoice = Invoice::from_json(&text).map_err(|error| LedgerError::billing(&customer.id, error))?;
                return Ok(Outcome::Issued(Box::new(invoice), false));
            }
            if read_count(head.as_ref())? != past.records.len() {
                // Another run has issued an invoice of this account that we have not priced with.
                return Err(LedgerError::Contended(account));
            }
            let n = read_count(series.as_ref())?.saturating_add(1);
            let number = format!("{prefix}{n:06}");
            let invoice = self.document(customer, period, past, charged, Some(number))?;
            if self.commit(&customer.id, &invoice, head, series, n).await? == Transacted::Done {
                return Ok(Outcome::Issued(Box::new(invoice), true));
            }
        }
        Err(LedgerError::Contended(account))
    }

    /// The document first, under its hash; then the transaction that makes it the invoice.
    async fn commit(
        &self,
        account: &str,
        invoice: &Invoice,
        head: Option<Item>,
        series: Option<Item>,
        n: usize,
    ) -> Result<Transacted, LedgerError> {
        let text = invoice.canonical_json().map_err(|error| LedgerError::billing(account, error))?;
        let document = format!("documents/{}.json", names::sha256(text.as_bytes()));
        self.ports.put_once(Bucket::Work, &document, text.into_bytes(), "application/json").await?;
        let record = Issued {
            number: invoice.number.clone().unwrap_or_default(),
            period: invoice.period.label.clone(),
            document,
            total: invoice.total.clone(),
            currency: invoice.currency.clone(),
            issued: self.now,
        };
        let body = serde_json::to_string(&record).map_err(|error| LedgerError::malformed("invoice", error))?;
        let (partition, series_name) = (names::account(account), names::series(&self.catalogue.seller.number));
        let of_account = read_count(head.as_ref())?.saturating_add(1);
        let number = names::number(u64::try_from(n).unwrap_or(u64::MAX));
        let writes = vec![
            advance_head(Key::new(&partition, names::HEAD), head, of_account),
            Write::create(Table::Billing, Key::new(&partition, names::invoice(&record.period)), body),
            advance_head(Key::new(&series_name, names::HEAD), series, n),
            Write::create(
                Table::Billing,
                Key::new(&series_name, number),
                format!(r#"{{"account":{}}}"#, quoted(account)),
            ),
        ];
        Ok(self.ports.transact(writes).await?)
    }

    fn document(
        &self,
        customer: &Customer,
        period: &Period,
        past: &Past,
        charged: &Charged,
        number: Option<String>,
    ) -> Result<Invoice, LedgerError> {
        let provenance = Provenance {
            catalogue: self.catalogue.hash.clone(),
            directory: self.directory.version().to_owned(),
            inputs: self.counted.manifest.root(),
        };
        let made = Made { now: self.now, number, history: history(&past.records, period), provenance };
        document(self.catalogue, customer, period, (charged, &past.documents), made)
    }
}

/// Months cut in two zones overlap or leave a gap: hours would be charged twice or never.
fn same_zone(customer: &Customer, invoice: &Invoice) -> Result<(), LedgerError> {
    let (then, now) = (&invoice.period.zone, customer.zone.name());
    if then == now {
        return Ok(());
    }
    let period = &invoice.period.label;
    let reason = format!(
        "{period} was invoiced in the zone {then}, and the zone is {now} now: hours between the months would be \
         charged twice or never. Put `zone: {then}` back, or end this customer and begin another one at a month's end"
    );
    Err(LedgerError::billing(&customer.id, reason))
}

#[derive(Serialize, Deserialize)]
struct Head {
    count: usize,
}

fn read_count(item: Option<&Item>) -> Result<usize, LedgerError> {
    let Some(item) = item else { return Ok(0) };
    let head: Head = serde_json::from_str(&item.body).map_err(|error| LedgerError::malformed("head", error))?;
    Ok(head.count)
}

fn advance_head(key: Key, present: Option<Item>, count: usize) -> Write {
    let body = format!(r#"{{"count":{count}}}"#);
    match present {
        Some(item) => Write::replace(Table::Billing, key, item.revision, body),
        None => Write::create(Table::Billing, key, body),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Reads an invoice's item.
///
/// # Errors
/// [`LedgerError::Malformed`].
pub fn read_issued(item: &Item) -> Result<Issued, LedgerError> {
    serde_json::from_str(&item.body).map_err(|error| LedgerError::malformed("invoice", error))
}
