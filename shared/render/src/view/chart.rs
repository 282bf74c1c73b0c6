//! The two charts of the first page: charges by day of use, and the totals of the last months.
//!
//! Nothing is billed by the day, so the day chart says what it is: each usage charge spread over its days
//! in proportion to that day's usage. Spread in thousandths of the minor unit, as whole numbers.

use chrono::NaiveDate;
use invoicing::{Invoice, Line, LineKind, PastTotal};
use metering::exact::Exact;
use pricing::Amount;
use serde::Serialize;

use super::Fault;
use super::groups::{Groups, OTHER_TONE};
use super::head::past_total;
use crate::dates;
use crate::figures::{self, Money};
use crate::text::Text;

/// More days than this make columns too thin to read.
const MOST_DAYS: usize = 93;

/// What the day chart is, and what it is not.
const CAPTION: &str = "Each usage charge is spread over its days in proportion to that day’s usage; other charges are \
                       left out. Nothing is billed by the day.";

/// Thousandths of a minor unit in a minor unit.
const FINE: i128 = 1000;

/// The chart of charges by day of use.
#[derive(Debug, Serialize)]
pub struct DayChart {
    title: Text,
    caption: Text,
    alt: Text,
    ticks: Vec<Tick>,
    days: Vec<Column>,
    peak: Option<Peak>,
}

#[derive(Debug, Serialize)]
struct Tick {
    label: Text,
    mille: u16,
}

#[derive(Debug, Serialize)]
struct Column {
    label: Text,
    weekend: bool,
    parts: Vec<Part>,
}

#[derive(Debug, Serialize)]
struct Part {
    tone: usize,
    bottom: u16,
    top: u16,
}

#[derive(Debug, Serialize)]
struct Peak {
    slot: usize,
    mille: u16,
    label: Text,
}

/// One of the last months, or this one.
#[derive(Debug, Serialize)]
pub struct Month {
    label: Text,
    amount: Text,
    mille: u16,
    current: bool,
}

/// What fell on one day, by colour, in thousandths of the minor unit.
type Stack = [i128; OTHER_TONE + 1];

/// The axis: its end and its step in minor units.
struct Scale {
    step: i128,
    steps: i128,
}

/// Charges by day of use; nothing when no charge has daily quantities, or when one of them is beyond exact
/// arithmetic: a chart that leaves a charge out would mislead, and a chart must never hold up an invoice.
pub fn by_day(invoice: &Invoice, groups: &Groups<'_>, money: &Money) -> Option<DayChart> {
    let days: Vec<NaiveDate> = dates::days(invoice.period.start, invoice.period.end).take(MOST_DAYS + 1).collect();
    let stacks = stacks(groups, &days).filter(|_| days.len() <= MOST_DAYS)?;
    let (slot, highest) = peak(&stacks)?;
    let scale = Scale::reaching(highest);
    let about = money.roughly(minor(highest));
    let peak = format!("{}: about {}", dates::day_month(*days.get(slot)?), about.as_str());
    Some(DayChart {
        title: Text::new(&format!("Charges by day of use, {}", dates::period(&invoice.period.label))),
        caption: Text::new(CAPTION),
        alt: Text::new(&format!("Charges by day of use. Highest on {peak}.")),
        ticks: scale.ticks(money),
        peak: Some(Peak { slot, mille: scale.mille(highest), label: Text::new(&peak) }),
        days: days.iter().zip(&stacks).map(|(day, stack)| column(*day, stack, &scale, days.len())).collect(),
    })
}

/// The first of the highest days and its height.
fn peak(stacks: &[Stack]) -> Option<(usize, i128)> {
    let sum = |stack: &Stack| stack.iter().fold(0, |sum: i128, part| sum.saturating_add(*part));
    let highest = stacks.iter().map(sum).max().filter(|highest| *highest > 0)?;
    stacks.iter().position(|stack| sum(stack) == highest).map(|slot| (slot, highest))
}

fn stacks(groups: &Groups<'_>, days: &[NaiveDate]) -> Option<Vec<Stack>> {
    let mut stacks = vec![Stack::default(); days.len()];
    for group in groups.all.iter().filter(|group| !group.corrections) {
        for (line, amount) in &group.lines {
            for (stack, share) in stacks.iter_mut().zip(spread(line, *amount, days)?) {
                stack[group.tone] = stack[group.tone].checked_add(share)?;
            }
        }
    }
    Some(stacks)
}

/// A usage charge over its days in proportion to usage; no days for other charges and for credits, `None`
/// beyond exact arithmetic.
fn spread(line: &Line, amount: Amount, days: &[NaiveDate]) -> Option<Vec<i128>> {
    if line.kind != LineKind::Usage || amount.0 <= 0 {
        return Some(Vec::new());
    }
    let weights = figures::weights(&quantities(line, days)?)?;
    let total = weights.iter().sum::<i128>().max(1);
    let fine = amount.0.checked_mul(FINE)?;
    weights.iter().map(|weight| Some(fine.checked_mul(*weight)? / total)).collect()
}

/// A line's quantity on each of the days; nought for a day without one and for less than nought, `None`
/// beyond exact arithmetic.
pub fn quantities(line: &Line, days: &[NaiveDate]) -> Option<Vec<Exact>> {
    let quantity = |day: &NaiveDate| {
        let entry = line.days.iter().find(|entry| entry.date == *day);
        entry.map_or(Some(Exact::ZERO), |entry| Exact::parse(&entry.quantity).ok()).map(|found| found.max(Exact::ZERO))
    };
    days.iter().map(quantity).collect()
}

fn column(day: NaiveDate, stack: &Stack, scale: &Scale, days: usize) -> Column {
    let mut bottom = 0;
    let mut level: i128 = 0;
    let mut parts = Vec::new();
    for (tone, amount) in stack.iter().enumerate().filter(|(_, amount)| **amount > 0) {
        level = level.saturating_add(*amount);
        let top = scale.mille(level);
        parts.push(Part { tone, bottom, top });
        bottom = top;
    }
    let label =
        if days <= 31 || chrono::Datelike::day(&day) % 5 == 1 { day.format("%-d").to_string() } else { String::new() };
    Column { label: Text::new(&label), weekend: dates::is_weekend(day), parts }
}

impl Scale {
    /// The smallest axis of at most four round steps that reaches `highest` thousandths of the minor unit.
    fn reaching(highest: i128) -> Self {
        let wanted = minor(highest).0.max(1);
        let mut power: i128 = 1;
        loop {
            for factor in [1, 2, 5] {
                let step = power.saturating_mul(factor);
                let steps = wanted.saturating_sub(1) / step + 1;
                if steps <= 4 {
                    return Self { step, steps };
                }
            }
            power = power.saturating_mul(10);
        }
    }

    fn mille(&self, fine: i128) -> u16 {
        figures::mille(fine, self.step.saturating_mul(self.steps).saturating_mul(FINE))
    }

    fn ticks(&self, money: &Money) -> Vec<Tick> {
        let tick = |count: i128| Tick {
            label: money.tick(Amount(self.step.saturating_mul(count))),
            mille: figures::mille(count, self.steps),
        };
        (0..=self.steps).map(tick).collect()
    }
}

/// Rounded up to a minor unit, so that an axis reaches it.
fn minor(fine: i128) -> Amount {
    Amount(fine.saturating_add(FINE - 1) / FINE)
}

/// The totals of the last months and of this one, oldest first.
///
/// # Errors
/// An earlier total that cannot be read.
pub fn months(invoice: &Invoice, money: &Money, total: Amount) -> Result<Vec<Month>, Fault> {
    let this = PastTotal { label: invoice.period.label.clone(), total: total.format(money.digits()) };
    let all: Vec<&PastTotal> = invoice.history.iter().chain([&this]).collect();
    let amounts = all.iter().map(|past| past_total(past, money)).collect::<Result<Vec<_>, _>>()?;
    let largest = amounts.iter().max().map_or(0, |amount| amount.0);
    let last = all.len().saturating_sub(1);
    let month = |(index, (past, amount)): (usize, (&&PastTotal, &Amount))| Month {
        label: Text::within(&dates::short_period(&past.label), 8),
        amount: money.compact(*amount),
        mille: figures::mille(amount.0, largest),
        current: index == last,
    };
    Ok(all.iter().zip(&amounts).enumerate().map(month).collect())
}
