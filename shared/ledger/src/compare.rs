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
    /// What changes in all, by currency.
    pub totals: Vec<TotalChange>,
    /// How many customers would pay the same.
    pub unchanged: usize,
    /// Customers that one of the catalogues cannot price, with the reason.
    pub failed: BTreeMap<String, String>,
}

/// What changes for all customers of one currency whose charges differ, over all months.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TotalChange {
    /// ISO 4217 code of all amounts.
    pub currency: String,
    /// How many would pay more.
    pub more: usize,
    /// How many would pay less.
    pub less: usize,
    /// What the old catalogue charges, with the currency's digits.
    pub old: String,
    /// What the new one charges.
    pub new: String,
    /// `new` − `old`.
    pub difference: String,
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
    changed
        .sort_by(|left, right| right.by().cmp(&left.by()).then_with(|| left.change.account.cmp(&right.change.account)));
    found.totals = totals(&changed).map_err(|error| LedgerError::billing("all customers", error))?;
    found.accounts = changed.into_iter().map(|changed| changed.change).collect();
    Ok(found)
}

/// A customer's change with its amounts.
struct Changed {
    currency: Currency,
    old: Amount,
    new: Amount,
    change: AccountChange,
}

impl Changed {
    fn by(&self) -> i128 {
        self.new.0.saturating_sub(self.old.0)
    }
}

fn totals(changed: &[Changed]) -> Result<Vec<TotalChange>, pricing::MoneyError> {
    let currencies: BTreeSet<&str> = changed.iter().map(|changed| changed.currency.code()).collect();
    let of_currency = |code: &str| -> Result<TotalChange, pricing::MoneyError> {
        let theirs: Vec<&Changed> = changed.iter().filter(|changed| changed.currency.code() == code).collect();
        let (old, new) =
            (Amount::sum(theirs.iter().map(|one| one.old))?, Amount::sum(theirs.iter().map(|one| one.new))?);
        let digits = theirs.first().map_or(0, |first| first.currency.digits());
        Ok(TotalChange {
            currency: code.to_owned(),
            more: theirs.iter().filter(|one| one.new > one.old).count(),
            less: theirs.iter().filter(|one| one.new < one.old).count(),
            old: old.format(digits),
            new: new.format(digits),
            difference: new.sub(old)?.format(digits),
        })
    };
    currencies.into_iter().map(of_currency).collect()
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
) -> Result<Option<Changed>, LedgerError> {
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
            let sides = keys.entry((line.component.to_string(), line.deployment)).or_default();
            let side = if is_new { &mut sides.new } else { &mut sides.old };
            *side = side.add(line.amount).map_err(|error| refuse(error.to_string()))?;
            sides.title = line.title.to_string();
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
fn change(account: &str, currency: Currency, keys: BTreeMap<Key, Sides>) -> Result<Option<Changed>, ExactError> {
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
    Ok(Some(Changed { currency, old, new, change }))
}

fn percent(by: Amount, of: Amount) -> Result<Option<String>, ExactError> {
    if of == Amount::ZERO {
        return Ok(None);
    }
    let hundredths = Exact::integer(by.0).mul(&Exact::integer(100))?.div(&Exact::integer(of.0))?;
    let tenths = hundredths.round(1, metering::exact::Rounding::HalfAwayFromZero)?;
    Ok(Some(Amount(tenths).format(1)))
}

/// Customers of a table in Markdown: half of them who would pay most more, half who would pay most less. A comment on
/// a pull request has an end.
const SHOWN: usize = 40;

impl Comparison {
    /// As Markdown for a pull request: what changes in all, a table of the customers, and the lines of each.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut out = format!("### What would change in {}\n\n", self.span());
        for total in &self.totals {
            let TotalChange { currency, more, less, old, new, difference } = total;
            let (old, new, by) = (text::grouped(old), text::grouped(new), text::grouped(difference));
            let _ = writeln!(
                out,
                "**{by} {currency}**: {new} instead of {old}; {} would pay more, {less} less.",
                customers(*more)
            );
        }
        if self.accounts.is_empty() {
            out.push_str("Nobody would pay another amount.\n");
        } else {
            out.push_str("\n| customer | line | old | new | difference |\n|---|---|--:|--:|--:|\n");
        }
        let left_out = self.accounts.len().saturating_sub(SHOWN);
        let (first, last) = (SHOWN.div_euclid(2), SHOWN.div_euclid(2).saturating_add(left_out));
        for (index, change) in self.accounts.iter().enumerate() {
            if left_out == 0 || index < first || index >= last {
                change.row(&mut out);
            } else if index == first {
                let _ = writeln!(out, "| … | {} between, in the table and with --json | | | |", customers(left_out));
            }
        }
        let _ = writeln!(out, "\n{} would pay the same.", customers(self.unchanged));
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

impl AccountChange {
    /// Rows of a table in Markdown.
    fn row(&self, out: &mut String) {
        let Self { account, currency, old, new, difference, percent, .. } = self;
        let percent = percent.as_ref().map_or_else(String::new, |percent| format!(" ({percent} %)"));
        let (old, new, difference) = (text::grouped(old), text::grouped(new), text::grouped(difference));
        let account = cell(account);
        let _ = writeln!(out, "| **{account}** | {currency} | {old} | {new} | **{difference}**{percent} |");
        for line in &self.lines {
            let (old, new) = (text::grouped(&line.old), text::grouped(&line.new));
            let (title, by) = (cell(&line.shown()), text::grouped(&line.difference));
            let _ = writeln!(out, "| | {title} | {old} | {new} | {by} |");
        }
    }
}

fn customers(count: usize) -> String {
    if count == 1 { "1 customer".to_owned() } else { format!("{count} customers") }
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
