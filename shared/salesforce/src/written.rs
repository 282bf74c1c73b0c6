//! What is written back, and what is known to stand there: summaries of usage and invoices of an organisation's
//! accounts, each sent once for each change. What the organisation refuses is kept in a list until it is mended and
//! driven again. Cut off anywhere and run again, it comes to the same: a record that was written and not noted is
//! written again, under the same external id.

use std::collections::{BTreeMap, BTreeSet};

use catalog::directory::Party;
use catalog::salesforce::{Organisation, Target};
use catalog::{Catalogue, Customer};
use invoicing::Invoice;
use ledger::correlate::{Counter, Counters};
use ledger::error::LedgerError;
use ledger::file::{pages, read_text};
use ledger::invoice::{Issued, read_issued};
use ledger::names;
use ledger::ports::{Bucket, Condition, Effect, Key, Ports, Table, Write};
use ledger::snapshot::present;
use metering::time::Instant;
use serde::{Deserialize, Serialize};

use crate::client::{Client, Edge};
use crate::correlate::settings;
use crate::describe::Descriptions;
use crate::fault::Fault;
use crate::reading::ReadError;
use crate::write_back::{BATCH, Dead, Record, Value, write};

/// Marks to a transaction.
const MARKS: usize = 100;
/// With more refused records than this nothing is written before some are mended.
const MOST_REFUSED: usize = 1_000;
/// Digits after the point of a quantity.
const DIGITS: u32 = 12;

/// How a run is done.
#[derive(Clone, Debug)]
pub struct Options {
    /// When it gives up.
    pub deadline: Instant,
    /// The months whose usage is summed up, `YYYY-MM`; invoices are written whatever their month.
    pub months: Vec<String>,
    /// Whether what was refused before is sent again.
    pub redrive: bool,
}

/// A record that the organisation refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The object.
    pub object: String,
    /// The external id.
    pub key: String,
    /// Whose it is.
    pub account: String,
    /// Why, in the organisation's words.
    pub reason: String,
    /// When it was refused last.
    pub at: Instant,
    /// The hash of what was sent: something else is sent without being asked for.
    pub content: String,
}

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Records that were sent and are there.
    pub written: usize,
    /// Records that stood there already.
    pub unchanged: usize,
    /// All that is refused, from earlier runs too.
    pub refused: Vec<Refused>,
}

/// What stands in the organisation.
#[derive(Debug, Serialize, Deserialize)]
struct Mark {
    content: String,
    values: BTreeMap<String, Value>,
}

/// The records that an organisation refuses.
///
/// # Errors
/// [`LedgerError`].
pub async fn refused<P: Ports>(ports: &P, organisation: &str) -> Result<Vec<Refused>, LedgerError> {
    let items = pages(ports, Table::Billing, &names::refused(organisation)).await?;
    let read = items.iter().map(|(_, item)| serde_json::from_str(&item.body));
    read.collect::<Result<_, _>>().map_err(|error| LedgerError::malformed("refused record", error))
}

/// Writes what is new of an organisation's accounts; nothing where the catalogue names no objects for it.
///
/// # Errors
/// [`ReadError`]. What was written by then stays.
pub async fn write_back<E: Edge, P: Ports>(
    ports: &P,
    catalogue: &Catalogue,
    organisation: &Organisation,
    edge: &E,
    options: &Options,
) -> Result<Report, ReadError> {
    let Some(targets) = &organisation.write_back else { return Ok(Report::default()) };
    let client = Client::new(edge, settings(organisation), options.deadline);
    for target in [&targets.usage, &targets.invoices].into_iter().flatten() {
        let fields: Vec<String> = std::iter::once(&target.key).chain(target.fields.values()).cloned().collect();
        Descriptions::default().columns(&client, &target.object, &fields).await?;
    }
    let known = refused(ports, &organisation.name).await?;
    if let Some(first) = known.first().filter(|_| known.len() > MOST_REFUSED && !options.redrive) {
        let reason = format!("{} records are refused, the first is {}: {}", known.len(), first.key, first.reason);
        return Err(Fault::broken(format!("the writing of {}", first.object), reason).into());
    }
    let refused = known.into_iter().map(|one| (sort(&one.object, &one.key), one)).collect();
    let mut run = Run { client, ports, organisation, options, refused, pending: Vec::new(), report: Report::default() };
    if let Some(target) = &targets.usage {
        run.usage(catalogue, target).await?;
    }
    if let Some(target) = &targets.invoices {
        run.invoices(target).await?;
    }
    run.report.refused = run.refused.into_values().collect();
    Ok(run.report)
}

/// The sort key of a record's mark.
fn sort(object: &str, key: &str) -> String {
    format!("{object}#{key}")
}

/// The hash of what a record says in the fields of a target.
fn content(target: &Target, values: &BTreeMap<String, Value>) -> Result<String, LedgerError> {
    let said: BTreeMap<&String, (&String, Option<&Value>)> =
        target.fields.iter().map(|(name, field)| (field, (name, values.get(name)))).collect();
    let text = serde_json::to_string(&(&target.object, &target.key, said));
    Ok(names::sha256(text.map_err(|error| LedgerError::malformed("record", error))?.as_bytes()))
}

/// A record on its way.
struct Pending {
    record: Record,
    content: String,
}

struct Run<'a, 'e, E, P> {
    client: Client<'e, E>,
    ports: &'a P,
    organisation: &'a Organisation,
    options: &'a Options,
    refused: BTreeMap<String, Refused>,
    pending: Vec<Pending>,
    report: Report,
}

impl<E: Edge, P: Ports> Run<'_, '_, E, P> {
    /// The record's id of an account of this organisation.
    fn id<'t>(&self, account: &'t str) -> Option<&'t str> {
        account.strip_prefix(self.organisation.name.as_str())?.strip_prefix('-')
    }

    async fn usage(&mut self, catalogue: &Catalogue, target: &Target) -> Result<(), ReadError> {
        for month in &self.options.months {
            let counters = Counters::read(self.ports, catalogue, month).await?;
            let parties: BTreeMap<&str, &Party> =
                counters.directory().parties().iter().map(|party| (party.account.as_str(), party)).collect();
            for customer in counters.catalogue.customers.values() {
                let Some(party) = parties.get(customer.id.as_str()) else { continue };
                if self.id(&customer.id).is_some() {
                    let own = counters.of(self.ports, customer).await?;
                    self.usage_of(target, month, (customer, party), own).await?;
                }
            }
        }
        self.flush(target).await
    }

    /// The summaries of one account and month; one that is no longer its own is told to be nothing.
    async fn usage_of(
        &mut self,
        target: &Target,
        month: &str,
        (customer, party): (&Customer, &Party),
        counters: Vec<Counter>,
    ) -> Result<(), ReadError> {
        let marks = self.marks(&customer.id).await?;
        let Some(id) = self.id(&customer.id) else { return Ok(()) };
        let owner = party.merged_into.as_deref().and_then(|into| self.id(into)).unwrap_or(id);
        let mut told = BTreeSet::new();
        for counter in counters {
            let key = format!("{id}|{month}|{}|{}", counter.deployment, counter.stream);
            told.insert(sort(&target.object, &key));
            let record = Record { key, account: customer.id.clone(), values: summary(&counter, owner) };
            self.take(target, record, &marks).await?;
        }
        let prefix = sort(&target.object, &format!("{id}|{month}|"));
        for (sort, mark) in marks.iter().filter(|(sort, _)| sort.starts_with(&prefix) && !told.contains(*sort)) {
            let key = sort.split_once('#').map_or("", |(_, key)| key).to_owned();
            let mut values = mark.values.clone();
            values.insert("quantity".to_owned(), Value::Number("0".to_owned()));
            self.take(target, Record { key, account: customer.id.clone(), values }, &marks).await?;
        }
        Ok(())
    }

    async fn invoices(&mut self, target: &Target) -> Result<(), ReadError> {
        let directory = present(self.ports).await?.directory;
        for party in directory.parties() {
            let Some(id) = self.id(&party.account) else { continue };
            let owner = party.merged_into.as_deref().and_then(|into| self.id(into)).unwrap_or(id).to_owned();
            let marks = self.marks(&party.account).await?;
            for (sort, item) in pages(self.ports, Table::Billing, &names::account(&party.account)).await? {
                if sort == names::HEAD {
                    continue;
                }
                let issued = read_issued(&item)?;
                // An issued invoice never changes; only whose it is may, by a merge.
                let values = match marks.get(&self::sort(&target.object, &issued.number)) {
                    Some(mark) => {
                        let mut values = mark.values.clone();
                        values.insert("account".to_owned(), Value::Text(owner.clone()));
                        values
                    }
                    None => self.invoice(&issued, &owner).await?,
                };
                let record = Record { key: issued.number, account: party.account.clone(), values };
                self.take(target, record, &marks).await?;
            }
        }
        self.flush(target).await
    }

    async fn invoice(&self, issued: &Issued, owner: &str) -> Result<BTreeMap<String, Value>, LedgerError> {
        let text = read_text(self.ports, Bucket::Work, &issued.document).await?;
        let invoice = Invoice::from_json(&text).map_err(|error| LedgerError::billing(&issued.number, error))?;
        let last = invoice.period.end.pred_opt().unwrap_or(invoice.period.end);
        let text = |text: &dyn ToString| Value::Text(text.to_string());
        let values = [
            ("account", text(&owner)),
            ("number", text(&issued.number)),
            ("month", text(&invoice.period.label)),
            ("period-start", text(&invoice.period.start)),
            ("period-end", text(&last)),
            ("total", Value::Number(invoice.total.clone())),
            ("currency", text(&invoice.currency)),
            ("due", text(&invoice.due)),
        ];
        Ok(values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    async fn marks(&self, account: &str) -> Result<BTreeMap<String, Mark>, LedgerError> {
        let items = pages(self.ports, Table::Billing, &names::written_back(&self.organisation.name, account)).await?;
        let read = items.into_iter().map(|(sort, item)| Ok((sort, serde_json::from_str(&item.body)?)));
        read.collect::<Result<_, serde_json::Error>>().map_err(|error| LedgerError::malformed("mark", error))
    }

    /// Takes a record that is to stand there; sends what has come together if that is a call's worth.
    async fn take(&mut self, target: &Target, record: Record, marks: &BTreeMap<String, Mark>) -> Result<(), ReadError> {
        let (sort, content) = (sort(&target.object, &record.key), content(target, &record.values)?);
        if marks.get(&sort).is_some_and(|mark| mark.content == content) {
            self.report.unchanged = self.report.unchanged.saturating_add(1);
            // A run may have been cut off between the two.
            if self.refused.remove(&sort).is_some() {
                self.ports.write(self.forget(sort)).await.map_err(LedgerError::from)?;
            }
            return Ok(());
        }
        if self.refused.get(&sort).is_some_and(|refused| refused.content == content) && !self.options.redrive {
            return Ok(());
        }
        self.pending.push(Pending { record, content });
        if self.pending.len() >= BATCH { Box::pin(self.flush(target)).await } else { Ok(()) }
    }

    /// Sends what has come together, and takes down what became of it.
    async fn flush(&mut self, target: &Target) -> Result<(), ReadError> {
        let pending = std::mem::take(&mut self.pending);
        if pending.is_empty() {
            return Ok(());
        }
        let records = pending.iter().map(|one| one.record.clone()).collect();
        // On the heap: one future within the other, they get deeper than the compiler looks.
        let outcome = Box::pin(write(&self.client, target, records)).await?;
        self.report.written = self.report.written.saturating_add(outcome.written);
        let dead: BTreeMap<&str, &Dead> = outcome.dead.iter().map(|dead| (dead.key.as_str(), dead)).collect();
        let mut writes = Vec::new();
        for Pending { record, content } in pending {
            let sort = sort(&target.object, &record.key);
            match dead.get(record.key.as_str()) {
                Some(dead) => writes.push(self.refuse(target, &sort, record, content, dead)?),
                None => {
                    if self.refused.remove(&sort).is_some() {
                        writes.push(self.forget(sort.clone()));
                    }
                    let key = Key::new(names::written_back(&self.organisation.name, &record.account), sort);
                    let mark = Mark { content, values: record.values };
                    let body = serde_json::to_string(&mark).map_err(|error| LedgerError::malformed("mark", error))?;
                    writes.push(Write::put(Table::Billing, key, body));
                }
            }
        }
        for some in writes.chunks(MARKS) {
            // Where another run is at the same records, both have written the same.
            self.ports.transact(some.to_vec()).await.map_err(LedgerError::from)?;
        }
        Ok(())
    }

    fn refuse(
        &mut self,
        target: &Target,
        sort: &str,
        record: Record,
        content: String,
        dead: &Dead,
    ) -> Result<Write, LedgerError> {
        let (object, at) = (target.object.clone(), self.client.now());
        let reason = dead.reason.clone();
        let refused = Refused { object, key: record.key, account: record.account, reason, at, content };
        let body = serde_json::to_string(&refused).map_err(|error| LedgerError::malformed("refused record", error))?;
        self.refused.insert(sort.to_owned(), refused);
        Ok(Write::put(Table::Billing, Key::new(names::refused(&self.organisation.name), sort), body))
    }

    fn forget(&self, sort: String) -> Write {
        let key = Key::new(names::refused(&self.organisation.name), sort);
        Write { table: Table::Billing, key, condition: Condition::Always, effect: Effect::Delete }
    }
}

/// What a summary of usage can be written with.
fn summary(counter: &Counter, owner: &str) -> BTreeMap<String, Value> {
    let text = |text: &str| Value::Text(text.to_owned());
    let values = [
        ("account", text(owner)),
        ("deployment", text(&counter.deployment)),
        ("stream", text(&counter.stream)),
        ("unit", text(&counter.unit)),
        ("month", text(&counter.month)),
        ("quantity", Value::Number(counter.total.display(DIGITS))),
        ("directory", text(&counter.directory)),
        ("system", text("farthing")),
    ];
    values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
