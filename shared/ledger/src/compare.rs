//! What a new catalogue would have charged for months that are closed: who would pay more or less, by how much,
//! and through which line. Issues nothing and writes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use catalog::{Catalogue, Customer};
use metering::exact::{Exact, ExactError};
use metering::period::Period;
use metering::time::Span;
use pricing::{Amount, Currency, History, RatedLine, text};
use serde::Serialize;

use crate::charges::{Basis, price};
use crate::correlate::window;
use crate::error::LedgerError;
use crate::file::pages;
use crate::invoice::read_issued;
use crate::names;
use crate::ports::{Ports, Table};

/// Two catalogues over the same months and the same usage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// The months, in order.
    pub months: Vec<String>,
    /// Customers whose charges differ, those who would pay most more first.
    pub accounts: Vec<AccountChange>,
    /// How many customers would pay the same.
    pub unchanged: usize,
    /// Customers that one of the catalogues cannot price, with the reason.
    pub failed: BTreeMap<String, String>,
}

/// What changes for one customer, over all months.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountChange {
    /// Its id.
    pub account: String,
    /// ISO 4217 code of all amounts.
    pub currency: String,
    /// What the old catalogue charges, with the currency's digits.
    pub old: String,
    /// What the new one charges.
    pub new: String,
    /// `new` − `old`.
    pub difference: String,
    /// The difference in hundredths of `old`, with one digit; absent where nothing was charged.
    pub percent: Option<String>,
    /// The lines that differ, the largest difference first.
    pub lines: Vec<LineChange>,
}

/// What changes in the lines of one key, over all months.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineChange {
    /// The component, or `plan/fee`.
    pub component: String,
    /// Where the price is per deployment.
    pub deployment: Option<String>,
    /// How the invoice calls it.
    pub title: String,
    /// What the old catalogue charges.
    pub old: String,
    /// What the new one charges.
    pub new: String,
    /// `new` − `old`.
    pub difference: String,
}

/// The months for which a customer of either catalogue has an invoice.
///
/// # Errors
/// [`LedgerError`].
pub async fn closed_months<P: Ports>(
    ports: &P,
    old: &Catalogue,
    new: &Catalogue,
) -> Result<BTreeSet<String>, LedgerError> {
    let mut months = BTreeSet::new();
    for account in old.customers.keys().chain(new.customers.keys()).collect::<BTreeSet<_>>() {
        for (sort, item) in pages(ports, Table::Billing, &names::account(account)).await? {
            if sort != names::HEAD {
                months.insert(read_issued(&item)?.period);
            }
        }
    }
    Ok(months)
}

/// All instants that matter for the months under either catalogue; none without months.
///
/// # Errors
/// [`LedgerError::Period`] for a text that names no month.
pub fn span(old: &Catalogue, new: &Catalogue, months: &BTreeSet<String>) -> Result<Option<Span>, LedgerError> {
    let (Some(first), Some(last)) = (months.first(), months.last()) else { return Ok(None) };
    let from = window(old, first)?.from.min(window(new, first)?.from);
    Ok(Some(Span { from, until: window(old, last)?.until }))
}

/// Prices the months under both catalogues, each month with what the ones before it drew.
///
/// # Errors
/// [`LedgerError::Period`] for a text that names no month; what concerns one customer only is among the failed.
pub fn compare(
    basis: &Basis<'_>,
    old: &Catalogue,
    new: &Catalogue,
    months: &BTreeSet<String>,
) -> Result<Comparison, LedgerError> {
    let mut found = Comparison { months: months.iter().cloned().collect(), ..Comparison::default() };
    let mut changed = Vec::new();
    for account in old.customers.keys().chain(new.customers.keys()).collect::<BTreeSet<_>>() {
        let sides = [(old, old.customer(account)), (new, new.customer(account))];
        match of_account(basis, account, sides, months) {
            Ok(Some(change)) => changed.push(change),
            Ok(None) => found.unchanged = found.unchanged.saturating_add(1),
            Err(LedgerError::Billing { reason, .. }) => drop(found.failed.insert(account.clone(), reason)),
            // One customer's quantities must not hide what changes for the others.
            Err(LedgerError::Measure(error)) => drop(found.failed.insert(account.clone(), error.to_string())),
            Err(error) => return Err(error),
        }
    }
    changed.sort_by(|(a, left), (b, right)| b.cmp(a).then_with(|| left.account.cmp(&right.account)));
    found.accounts = changed.into_iter().map(|(_, change)| change).collect();
    Ok(found)
}

type Key = (String, Option<String>);

/// One key's title and what both catalogues charge.
#[derive(Default)]
struct Sides {
    title: String,
    old: Amount,
    new: Amount,
}

fn of_account(
    basis: &Basis<'_>,
    account: &str,
    sides: [(&Catalogue, Option<&Customer>); 2],
    months: &BTreeSet<String>,
) -> Result<Option<(Amount, AccountChange)>, LedgerError> {
    let refuse = |reason: String| LedgerError::billing(account, reason);
    let mut currencies = sides.iter().filter_map(|(_, customer)| customer.map(|customer| customer.currency));
    let Some(currency) = currencies.next() else { return Ok(None) };
    if let Some(other) = currencies.find(|other| *other != currency) {
        return Err(refuse(format!("it is billed in {currency} by the old catalogue and in {other} by the new one")));
    }
    let mut keys: BTreeMap<Key, Sides> = BTreeMap::new();
    for ((catalogue, customer), is_new) in sides.into_iter().zip([false, true]) {
        let Some(customer) = customer else { continue };
        for line in lines(basis, catalogue, customer, months)? {
            let sides = keys.entry((line.component, line.deployment)).or_default();
            let side = if is_new { &mut sides.new } else { &mut sides.old };
            *side = side.add(line.amount).map_err(|error| refuse(error.to_string()))?;
            sides.title = line.title;
        }
    }
    change(account, currency, keys).map_err(|error| refuse(error.to_string()))
}

fn lines(
    basis: &Basis<'_>,
    catalogue: &Catalogue,
    customer: &Customer,
    months: &BTreeSet<String>,
) -> Result<Vec<RatedLine>, LedgerError> {
    let mut history = History::default();
    let mut all = Vec::new();
    for month in months {
        let period = Period::parse_month(month, customer.zone)?;
        all.extend(price(basis, catalogue, customer, &period, &mut history)?);
    }
    Ok(all)
}

/// The difference of an account, none where no line differs.
fn change(
    account: &str,
    currency: Currency,
    keys: BTreeMap<Key, Sides>,
) -> Result<Option<(Amount, AccountChange)>, ExactError> {
    let large = |_| ExactError::TooLarge;
    let money = |amount: Amount| amount.format(currency.digits());
    let (mut old, mut new, mut lines) = (Amount::ZERO, Amount::ZERO, Vec::new());
    for ((component, deployment), sides) in keys {
        old = old.add(sides.old).map_err(large)?;
        new = new.add(sides.new).map_err(large)?;
        let by = sides.new.sub(sides.old).map_err(large)?;
        if by != Amount::ZERO {
            let (old, new, difference) = (money(sides.old), money(sides.new), money(by));
            lines.push((by, LineChange { component, deployment, title: sides.title, old, new, difference }));
        }
    }
    if lines.is_empty() {
        return Ok(None);
    }
    lines.sort_by_key(|(by, line)| (std::cmp::Reverse(by.0.unsigned_abs()), line.component.clone()));
    let by = new.sub(old).map_err(large)?;
    let change = AccountChange {
        account: account.to_owned(),
        currency: currency.code().to_owned(),
        old: money(old),
        new: money(new),
        difference: money(by),
        percent: percent(by, old)?,
        lines: lines.into_iter().map(|(_, line)| line).collect(),
    };
    Ok(Some((by, change)))
}

fn percent(by: Amount, of: Amount) -> Result<Option<String>, ExactError> {
    if of == Amount::ZERO {
        return Ok(None);
    }
    let hundredths = Exact::integer(by.0).mul(&Exact::integer(100))?.div(&Exact::integer(of.0))?;
    let tenths = hundredths.round(1, metering::exact::Rounding::HalfAwayFromZero)?;
    Ok(Some(Amount(tenths).format(1)))
}

impl Comparison {
    /// As Markdown for a pull request: a table of the customers, and the lines of each.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut out = format!("### What would change in {}\n\n", self.span());
        if self.accounts.is_empty() {
            out.push_str("Nobody would pay another amount.\n");
        } else {
            out.push_str("| customer | line | old | new | difference |\n|---|---|--:|--:|--:|\n");
        }
        for change in &self.accounts {
            let AccountChange { account, currency, old, new, difference, percent, .. } = change;
            let percent = percent.as_ref().map_or_else(String::new, |percent| format!(" ({percent} %)"));
            let (old, new, difference) = (text::grouped(old), text::grouped(new), text::grouped(difference));
            let account = cell(account);
            let _ = writeln!(out, "| **{account}** | {currency} | {old} | {new} | **{difference}**{percent} |");
            for line in &change.lines {
                let (old, new) = (text::grouped(&line.old), text::grouped(&line.new));
                let (title, by) = (cell(&line.shown()), text::grouped(&line.difference));
                let _ = writeln!(out, "| | {title} | {old} | {new} | {by} |");
            }
        }
        let _ = writeln!(out, "\n{} customers would pay the same.", self.unchanged);
        for (account, reason) in &self.failed {
            let _ = writeln!(out, "- **{}** cannot be compared: {}", cell(account), cell(reason));
        }
        out
    }

    /// The months in words.
    #[must_use]
    pub fn span(&self) -> String {
        match self.months.as_slice() {
            [] => "no closed month".to_owned(),
            [only] => only.clone(),
            [first, .., last] => format!("{first} to {last}"),
        }
    }
}

impl LineChange {
    /// The title, with the deployment where there is one.
    #[must_use]
    pub fn shown(&self) -> String {
        self.deployment.as_ref().map_or_else(|| self.title.clone(), |at| format!("{} ({at})", self.title))
    }
}

/// Text that does not break a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
