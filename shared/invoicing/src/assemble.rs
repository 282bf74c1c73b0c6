//! From rated lines to the document: ordered, numbered, added up, and checked as printed.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use metering::exact::Exact;
use metering::period::Period;
use pricing::{Amount, Currency, MoneyError, RatedKind, RatedLine, RatedStep, text};
use thiserror::Error;

use crate::document::{
    DayQuantity, DocumentError, FORMAT, Invoice, InvoicePeriod, Line, LineKind, Party, PastTotal, Provenance, Step,
};
use crate::settle::TrueUp;

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
    /// The document does not add up as printed.
    #[error(transparent)]
    Document(#[from] DocumentError),
}

/// Builds the document. The order in which lines are given does not matter: groups stand in the
/// order of the plan, within a group the plan's order, then the deployments, then true-ups by period.
///
/// # Errors
/// [`AssembleError`].
pub fn assemble(header: Header, lines: &[RatedLine], true_ups: &[TrueUp]) -> Result<Invoice, AssembleError> {
    let currency = header.currency;
    let total = total(currency, lines, true_ups)?;
    let entries = lines.iter().map(rated_entry).chain(true_ups.iter().map(true_up_entry)).collect();
    let invoice = document(header, number(in_order(entries))?, total);
    invoice.check()?;
    Ok(invoice)
}

fn total(currency: Currency, lines: &[RatedLine], true_ups: &[TrueUp]) -> Result<Amount, AssembleError> {
    let rated = lines.iter().map(|line| (&line.component, line.currency, line.amount));
    let corrected = true_ups.iter().map(|true_up| (&true_up.component, true_up.currency, true_up.difference));
    let mut total = Amount::ZERO;
    for (component, found, amount) in rated.chain(corrected) {
        if found != currency {
            let (found, expected) = (found.code(), currency.code());
            return Err(AssembleError::Currency { component: component.clone(), found, expected });
        }
        total = total.add(amount)?;
    }
    Ok(total)
}

fn document(header: Header, lines: Vec<Line>, total: Amount) -> Invoice {
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

type Entry = (Rank, Line);

/// Groups in the order of their first lines, each group together.
fn in_order(mut entries: Vec<Entry>) -> Vec<Line> {
    let mut first: BTreeMap<String, Rank> = BTreeMap::new();
    for (rank, line) in &entries {
        let known = first.entry(line.group.clone()).or_insert_with(|| rank.clone());
        if rank < known {
            *known = rank.clone();
        }
    }
    entries.sort_by(|(a, left), (b, right)| {
        let place = |line: &Line| (first.get(&line.group), line.group.clone());
        place(left).cmp(&place(right)).then_with(|| a.cmp(b))
    });
    entries.into_iter().map(|(_, line)| line).collect()
}

fn number(mut lines: Vec<Line>) -> Result<Vec<Line>, AssembleError> {
    let count = lines.len();
    for (number, line) in (1_usize..).zip(&mut lines) {
        line.number = u32::try_from(number).map_err(|_| AssembleError::TooMany(count))?;
    }
    Ok(lines)
}

fn rated_entry(rated: &RatedLine) -> Entry {
    let digits = rated.currency.digits();
    let quantity = |quantity: &Exact| text::plain(quantity, 0);
    let day = |(date, value): &(NaiveDate, Exact)| DayQuantity { date: *date, quantity: quantity(value) };
    let line = Line {
        number: 0,
        kind: kind(rated.kind),
        group: rated.group.clone(),
        component: rated.component.clone(),
        deployment: rated.deployment.clone(),
        title: rated.title.clone(),
        detail: rated.detail.clone(),
        period: rated.period.clone(),
        quantity: rated.quantity.as_ref().map(quantity),
        unit: rated.unit.clone(),
        unit_price: rated.unit_price.as_ref().map(|price| text::plain(price, digits)),
        unit_size: rated.unit_size.as_ref().map(quantity),
        tax: rated.tax.clone(),
        amount: rated.amount.format(digits),
        days: rated.days.iter().map(day).collect(),
        steps: rated.steps.iter().map(|rated| step(rated, digits)).collect(),
    };
    (rank(&line, false, rated.position, rated.amount), line)
}

fn true_up_entry(true_up: &TrueUp) -> Entry {
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
        text: step.text.clone(),
        quantity: step.quantity.as_ref().map(|quantity| text::plain(quantity, 0)),
        unit_price: step.unit_price.as_ref().map(|price| text::plain(price, digits)),
        amount: step.amount.as_ref().map(|amount| text::plain(amount, digits)),
    }
}
