//! The services of an invoice: their sums, shares and colours.

use invoicing::{Invoice, Line, LineKind};
use pricing::Amount;
use serde::Serialize;

use super::{Fault, Pair, counted};
use crate::figures::{self, Money};
use crate::text::Text;

/// The colour of everything that has none of its own: small services and corrections.
pub const OTHER_TONE: usize = 7;

/// What corrections stand under, whatever their service.
pub const CORRECTIONS: &str = "Corrections of earlier periods";

/// The lines of one service, or all corrections.
#[derive(Debug)]
pub struct Group<'a> {
    /// The heading.
    pub name: &'a str,
    /// Index of its colour in the template.
    pub tone: usize,
    /// Its lines with their parsed amounts.
    pub lines: Vec<(&'a Line, Amount)>,
    /// The sum of its lines.
    pub sum: Amount,
    /// Whether these are true-ups.
    pub corrections: bool,
}

/// All lines of an invoice by service in the order of the document, corrections last.
#[derive(Debug)]
pub struct Groups<'a> {
    /// The groups; every line is in exactly one.
    pub all: Vec<Group<'a>>,
}

/// A part of the bar across the page.
#[derive(Debug, Serialize)]
pub struct BarPart {
    tone: usize,
    mille: u16,
}

/// A row of “Where it went”.
#[derive(Debug, Serialize)]
pub struct Service {
    tone: usize,
    name: Text,
    charges: Text,
    share: Text,
    amount: Text,
}

/// A row before it is spelled: one service, or several small ones together.
struct Row {
    tone: usize,
    name: String,
    charges: usize,
    sum: Amount,
    corrections: bool,
}

impl<'a> Groups<'a> {
    /// Sorts the lines of an invoice under their services.
    ///
    /// # Errors
    /// An amount that cannot be read or added.
    pub fn of(invoice: &'a Invoice) -> Result<Self, Fault> {
        let mut all: Vec<Group<'a>> = Vec::new();
        for line in &invoice.lines {
            let amount = Amount::parse(&line.amount, invoice.minor_digits).map_err(Fault::money("a line's amount"))?;
            let group = slot(&mut all, line);
            group.sum = group.sum.add(amount).map_err(Fault::money("the sum of a service"))?;
            group.lines.push((line, amount));
        }
        all.sort_by_key(|group| group.corrections);
        give_tones(&mut all);
        Ok(Self { all })
    }

    /// The rows of the table.
    pub fn services(&self, money: &Money) -> Vec<Service> {
        let rows = self.rows();
        let whole = positive_sum(&rows);
        rows.iter().map(|row| row.spell(money, whole)).collect()
    }

    /// The parts of the bar: services that cost something, filling it exactly.
    pub fn bar(&self) -> Vec<BarPart> {
        let rows = self.rows();
        let whole = positive_sum(&rows);
        let mut parts: Vec<BarPart> = rows
            .iter()
            .filter(|row| row.is_charge())
            .map(|row| BarPart { tone: row.tone, mille: figures::mille(row.sum.0, whole) })
            .collect();
        let rounding = 1000 - parts.iter().map(|part| i32::from(part.mille)).sum::<i32>();
        if let Some(largest) = parts.iter_mut().max_by_key(|part| part.mille) {
            largest.mille = largest.mille.saturating_add_signed(i16::try_from(rounding).unwrap_or(0));
        }
        parts
    }

    /// What adds up to the total.
    pub fn totals(&self, money: &Money) -> Vec<Pair> {
        let (corrections, charges): (Vec<_>, Vec<_>) = self.all.iter().partition(|group| group.corrections);
        [("Charges", charges), (CORRECTIONS, corrections)]
            .into_iter()
            .filter(|(_, groups)| !groups.is_empty())
            .filter_map(|(label, groups)| subtotal(label, &groups, money))
            .collect()
    }

    fn rows(&self) -> Vec<Row> {
        let (small, own): (Vec<_>, Vec<_>) =
            self.all.iter().partition(|group| group.tone == OTHER_TONE && !group.corrections);
        let mut rows: Vec<Row> = own.into_iter().map(Row::of).collect();
        if let Some(others) = Row::together(&small) {
            let end = rows.iter().position(|row| row.corrections).unwrap_or(rows.len());
            rows.insert(end, others);
        }
        rows
    }
}

impl Row {
    fn of(group: &Group<'_>) -> Self {
        Self {
            tone: group.tone,
            name: group.name.to_owned(),
            charges: group.lines.len(),
            sum: group.sum,
            corrections: group.corrections,
        }
    }

    fn together(small: &[&Group<'_>]) -> Option<Self> {
        let sum = Amount::sum(small.iter().map(|group| group.sum)).ok().filter(|_| !small.is_empty())?;
        Some(Self {
            tone: OTHER_TONE,
            name: counted(small.len(), "other service", "other services"),
            charges: small.iter().map(|group| group.lines.len()).sum(),
            sum,
            corrections: false,
        })
    }

    fn is_charge(&self) -> bool {
        !self.corrections && self.sum.0 > 0
    }

    fn spell(&self, money: &Money, whole: i128) -> Service {
        let share = figures::ratio(self.sum.0, whole).filter(|_| self.is_charge());
        Service {
            tone: self.tone,
            name: Text::new(&self.name),
            charges: figures::grouped(&self.charges.to_string()),
            share: Text::new(&share.map(figures::percent).unwrap_or_default()),
            amount: money.spell(self.sum),
        }
    }
}

fn slot<'g, 'a>(all: &'g mut Vec<Group<'a>>, line: &'a Line) -> &'g mut Group<'a> {
    let corrections = line.kind == LineKind::TrueUp;
    let name = if corrections { CORRECTIONS } else { line.group.as_str() };
    let known = all.iter().position(|group| group.corrections == corrections && group.name == name);
    let index = known.unwrap_or(all.len());
    if known.is_none() {
        all.push(Group { name, tone: OTHER_TONE, lines: Vec::new(), sum: Amount::ZERO, corrections });
    }
    &mut all[index]
}

/// The seven largest services get a colour each, in the order of the document.
fn give_tones(all: &mut [Group<'_>]) {
    let mut ranked: Vec<usize> = (0..all.len()).filter(|index| !all[*index].corrections).collect();
    ranked.sort_by_key(|index| (std::cmp::Reverse(all[*index].sum), *index));
    ranked.truncate(OTHER_TONE);
    ranked.sort_unstable();
    for (tone, index) in ranked.into_iter().enumerate() {
        all[index].tone = tone;
    }
}

fn positive_sum(rows: &[Row]) -> i128 {
    rows.iter().filter(|row| row.is_charge()).fold(0, |sum: i128, row| sum.saturating_add(row.sum.0))
}

fn subtotal(label: &str, groups: &[&Group<'_>], money: &Money) -> Option<Pair> {
    let lines = counted(groups.iter().map(|group| group.lines.len()).sum(), "line", "lines");
    let sum = Amount::sum(groups.iter().map(|group| group.sum)).ok()?;
    Some((Text::new(&format!("{label} ({lines})")), money.spell(sum)))
}
