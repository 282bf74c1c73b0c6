//! From rated lines to the document: ordered, numbered, added up, and checked as printed.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use chrono::NaiveDate;
use metering::exact::Exact;
use metering::period::Period;
use pricing::{Amount, Currency, MoneyError, RatedKind, RatedLine, RatedStep, Treatment, text};
use thiserror::Error;

use crate::document::{
    DayQuantity, DocumentError, FORMAT, Invoice, InvoicePeriod, Line, LineKind, Party, PastTotal, Provenance, Step,
};
use crate::settle::TrueUp;
use crate::tax::{Taxes, tax};

/// Everything of an invoice but its lines.
#[derive(Clone, Debug)]
pub struct Header {
    /// Identifies the document.
    pub id: String,
    /// `None` for a draft.
    pub number: Option<String>,
    /// The customer's id.
    pub account: String,
    /// Day of issue.
    pub issued: NaiveDate,
    /// Day by which payment is due.
    pub due: NaiveDate,
    /// Who is owed.
    pub seller: Party,
    /// Who owes.
    pub customer: Party,
    /// Of every amount.
    pub currency: Currency,
    /// Title of the plan, or the titles.
    pub plan: String,
    /// The period being billed.
    pub period: Period,
    /// Totals of earlier periods, oldest first.
    pub history: Vec<PastTotal>,
    /// How to pay.
    pub payment: Vec<String>,
    /// Sentences for the reader.
    pub notes: Vec<String>,
    /// What the figures were computed from.
    pub provenance: Provenance,
}

/// Why lines make no invoice.
#[derive(Debug, Error)]
pub enum AssembleError {
    /// An invoice has one currency.
    #[error("the line “{component}” is in {found}, and the invoice in {expected}")]
    Currency {
        /// Of the line.
        component: String,
        /// Its currency.
        found: &'static str,
        /// The invoice's.
        expected: &'static str,
    },
    /// The sum does not fit.
    #[error("the total: {0}")]
    Total(#[from] MoneyError),
    /// More lines than can be numbered.
    #[error("the invoice has {0} lines, more than can be numbered")]
    TooMany(usize),
    /// It cannot be told how a line is taxed.
    #[error("{component}: {reason}")]
    Tax {
        /// Of the line.
        component: String,
        /// Why, and what to do.
        reason: String,
    },
    /// The document does not add up as printed.
    #[error(transparent)]
    Document(#[from] DocumentError),
}

/// A line about to be taxed.
#[derive(Clone, Copy, Debug)]
pub enum Taxable<'a> {
    /// Charged for the first time.
    Rated(&'a RatedLine),
    /// A difference to what was charged.
    TrueUp(&'a TrueUp),
}

/// How each line is taxed; the error says why it cannot be told.
pub type Taxation<'a> = dyn Fn(Taxable<'_>) -> Result<Vec<Treatment>, String> + 'a;

/// Builds the document of an invoice without taxes, as [`assemble_taxed`] does.
///
/// # Errors
/// [`AssembleError`].
pub fn assemble(header: Header, lines: &[RatedLine], true_ups: &[TrueUp]) -> Result<Invoice, AssembleError> {
    assemble_taxed(header, lines, true_ups, None)
}

/// Builds the document. The order in which lines are given does not matter: groups stand in the
/// order of the plan, within a group the plan's order, then the deployments, then true-ups by period.
/// Without `taxation` there are no taxes, and the total is the sum of the lines.
///
/// # Errors
/// [`AssembleError`].
pub fn assemble_taxed(
    header: Header,
    lines: &[RatedLine],
    true_ups: &[TrueUp],
    taxation: Option<&Taxation<'_>>,
) -> Result<Invoice, AssembleError> {
    check_currencies(header.currency, lines, true_ups)?;
    let rated = lines.iter().map(|line| entry(rated_entry(line), Taxable::Rated(line), taxation));
    let corrected = true_ups.iter().map(|true_up| entry(true_up_entry(true_up), Taxable::TrueUp(true_up), taxation));
    let entries = in_order(rated.chain(corrected).collect::<Result<_, _>>()?);
    let amounts: Vec<Amount> = entries.iter().map(|entry| entry.rank.amount).collect();
    let treatments: Vec<Vec<Treatment>> = entries.iter().map(|entry| entry.treatments.clone()).collect();
    let mut lines = number(entries.into_iter().map(|entry| entry.line).collect())?;
    let (taxes, total) = match taxation {
        Some(_) => {
            let (taxes, total) = tax(&mut lines, &amounts, &treatments, header.currency.digits())?;
            (Some(taxes), total)
        }
        None => (None, Amount::sum(amounts)?),
    };
    let invoice = document(header, lines, taxes, total);
    invoice.check()?;
    Ok(invoice)
}

/// Rated lines as a document would have them, by themselves: in its order, numbered.
///
/// # Errors
/// [`AssembleError::TooMany`].
pub fn lines(rated: &[RatedLine]) -> Result<Vec<Line>, AssembleError> {
    let entry = |(rank, line)| Entry { rank, line, treatments: Vec::new() };
    let entries = in_order(rated.iter().map(|rated| entry(rated_entry(rated))).collect());
    number(entries.into_iter().map(|entry| entry.line).collect())
}

fn check_currencies(expected: Currency, lines: &[RatedLine], true_ups: &[TrueUp]) -> Result<(), AssembleError> {
    let rated = lines.iter().map(|line| (&*line.component, line.currency));
    let corrected = true_ups.iter().map(|true_up| (true_up.component.as_str(), true_up.currency));
    match rated.chain(corrected).find(|(_, found)| *found != expected) {
        Some((component, found)) => {
            let (found, expected) = (found.code(), expected.code());
            Err(AssembleError::Currency { component: component.to_owned(), found, expected })
        }
        None => Ok(()),
    }
}

fn entry(
    (rank, line): (Rank, Line),
    taxable: Taxable<'_>,
    taxation: Option<&Taxation<'_>>,
) -> Result<Entry, AssembleError> {
    let treatments = taxation.map_or_else(|| Ok(Vec::new()), |taxation| taxation(taxable));
    match treatments {
        Ok(treatments) => Ok(Entry { rank, line, treatments }),
        Err(reason) => Err(AssembleError::Tax { component: line.component, reason }),
    }
}

fn document(header: Header, lines: Vec<Line>, taxes: Option<Taxes>, total: Amount) -> Invoice {
    let Period { start, end, zone } = header.period;
    let period = InvoicePeriod { label: header.period.label(), start, end, zone: zone.name().to_owned() };
    let minor_digits = header.currency.digits();
    Invoice {
        format: FORMAT.to_owned(),
        id: header.id,
        number: header.number,
        account: header.account,
        issued: header.issued,
        due: header.due,
        seller: header.seller,
        customer: header.customer,
        currency: header.currency.code().to_owned(),
        minor_digits,
        plan: header.plan,
        period,
        lines,
        total: total.format(minor_digits),
        taxes,
        history: header.history,
        payment: header.payment,
        notes: header.notes,
        provenance: header.provenance,
    }
}

/// Where a line stands within its group: true-ups last; the amount and the detail tell apart two
/// terms of the same plan in one month.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    is_true_up: bool,
    position: usize,
    component: String,
    deployment: Option<String>,
    period: String,
    detail: Option<String>,
    amount: Amount,
}

/// A line, where it stands, and how it is taxed.
struct Entry {
    rank: Rank,
    line: Line,
    treatments: Vec<Treatment>,
}

/// Groups in the order of their first lines, each group together.
fn in_order(mut entries: Vec<Entry>) -> Vec<Entry> {
    let mut first: BTreeMap<String, Rank> = BTreeMap::new();
    for Entry { rank, line, .. } in &entries {
        match first.get_mut(&line.group) {
            Some(known) if rank < known => *known = rank.clone(),
            Some(_) => {}
            None => drop(first.insert(line.group.clone(), rank.clone())),
        }
    }
    entries.sort_by(|a, b| {
        let (one, other) = (&a.line.group, &b.line.group);
        let groups = if one == other { Ordering::Equal } else { (first.get(one), one).cmp(&(first.get(other), other)) };
        groups.then_with(|| a.rank.cmp(&b.rank))
    });
    entries
}

fn number(mut lines: Vec<Line>) -> Result<Vec<Line>, AssembleError> {
    let count = lines.len();
    for (number, line) in (1_usize..).zip(&mut lines) {
        line.number = u32::try_from(number).map_err(|_| AssembleError::TooMany(count))?;
    }
    Ok(lines)
}

fn rated_entry(rated: &RatedLine) -> (Rank, Line) {
    let digits = rated.currency.digits();
    let quantity = |quantity: &Exact| text::plain(quantity, 0);
    let day = |(date, value): &(NaiveDate, Exact)| DayQuantity { date: *date, quantity: quantity(value) };
    let line = Line {
        number: 0,
        kind: kind(rated.kind),
        group: rated.group.to_string(),
        component: rated.component.to_string(),
        deployment: rated.deployment.clone(),
        title: rated.title.to_string(),
        detail: rated.detail.clone(),
        period: rated.period.to_string(),
        quantity: rated.quantity.as_ref().map(quantity),
        unit: rated.unit.as_deref().map(str::to_owned),
        unit_price: rated.unit_price.as_ref().map(|price| text::plain(price, digits)),
        unit_size: rated.unit_size.as_ref().map(quantity),
        tax: rated.tax.as_deref().map(str::to_owned),
        taxes: Vec::new(),
        amount: rated.amount.format(digits),
        days: rated.days.iter().map(day).collect(),
        steps: rated.steps.iter().map(|rated| step(rated, digits)).collect(),
    };
    (rank(&line, false, rated.position, rated.amount), line)
}

fn true_up_entry(true_up: &TrueUp) -> (Rank, Line) {
    let digits = true_up.currency.digits();
    let line = Line {
        number: 0,
        kind: LineKind::TrueUp,
        group: true_up.group.clone(),
        component: true_up.component.clone(),
        deployment: true_up.deployment.clone(),
        title: true_up.title.clone(),
        detail: Some(true_up.detail()),
        period: true_up.period.clone(),
        quantity: None,
        unit: None,
        unit_price: None,
        unit_size: None,
        tax: true_up.tax.clone(),
        taxes: Vec::new(),
        amount: true_up.difference.format(digits),
        days: Vec::new(),
        steps: true_up.steps.iter().map(|rated| step(rated, digits)).collect(),
    };
    (rank(&line, true, 0, true_up.difference), line)
}

fn rank(line: &Line, is_true_up: bool, position: usize, amount: Amount) -> Rank {
    let (component, deployment) = (line.component.clone(), line.deployment.clone());
    Rank {
        is_true_up,
        position,
        component,
        deployment,
        period: line.period.clone(),
        detail: line.detail.clone(),
        amount,
    }
}

fn kind(kind: RatedKind) -> LineKind {
    match kind {
        RatedKind::Recurring => LineKind::Recurring,
        RatedKind::OneTime => LineKind::OneTime,
        RatedKind::Attribute => LineKind::Attribute,
        RatedKind::Usage => LineKind::Usage,
        RatedKind::Discount => LineKind::Discount,
        RatedKind::Commitment => LineKind::Commitment,
        RatedKind::Minimum => LineKind::Minimum,
        RatedKind::Maximum => LineKind::Maximum,
        RatedKind::Credit => LineKind::Credit,
    }
}

fn step(step: &RatedStep, digits: u32) -> Step {
    Step {
        text: step.text.to_string(),
        quantity: step.quantity.as_ref().map(|quantity| text::plain(quantity, 0)),
        unit_price: step.unit_price.as_ref().map(|price| text::plain(price, digits)),
        amount: step.amount.as_ref().map(|amount| text::plain(amount, digits)),
    }
}
