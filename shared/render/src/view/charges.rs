//! Every charge: the table from the second page on.

use chrono::NaiveDate;
use invoicing::{Invoice, Line, LineKind, Step};
use serde::Serialize;

use super::chart::quantities;
use super::groups::{Group, Groups};
use super::taxes;
use crate::dates;
use crate::figures::{self, Figure, Money};
use crate::text::{self, Text};

/// Longest run in the narrow column of units.
const LONGEST_UNIT: usize = 11;

/// More bars than this are too thin to print.
const MOST_BARS: usize = 93;

/// A service with its charges.
#[derive(Debug, Serialize)]
pub struct Section {
    name: Text,
    tone: usize,
    amount: Text,
    lines: Vec<Row>,
}

/// A charge.
#[derive(Debug, Serialize)]
struct Row {
    number: Text,
    title: Text,
    details: Vec<Text>,
    bars: Vec<u16>,
    alt: Text,
    quantity: Figure,
    unit: Text,
    price: Figure,
    per: Text,
    amount: Figure,
    tax: Text,
    steps: Vec<StepRow>,
}

/// One row of the explanation of a charge.
#[derive(Debug, Serialize)]
struct StepRow {
    text: Text,
    amount: Text,
}

/// The heading of the column of bars.
pub fn days_heading(invoice: &Invoice) -> Text {
    Text::new(&format!("Each day, {}", dates::short_range(invoice.period.start, invoice.period.end)))
}

/// Widths of quantity, unit, unit price and amount in points: what their longest entry needs, within limits.
pub fn columns(invoice: &Invoice) -> [u16; 4] {
    let widest = |of: fn(&Line) -> Option<&str>| {
        invoice.lines.iter().filter_map(of).map(|entry| text::visible_length(figures::grouped(entry).as_str())).max()
    };
    // Set smaller: five of its characters take the room of four.
    let per = invoice.lines.iter().map(|line| text::visible_length(&per(line)) * 4 / 5).max();
    let width = |characters: Option<usize>, least: u16, most: u16| {
        let characters = u16::try_from(characters.unwrap_or(0)).unwrap_or(u16::MAX);
        characters.saturating_mul(5).saturating_add(14).clamp(least, most)
    };
    [
        width(widest(|line| line.quantity.as_deref()), 52, 92),
        width(widest(|line| line.unit.as_deref()), 38, 62),
        width(widest(|line| line.unit_price.as_deref()).max(per), 54, 84),
        width(widest(|line| Some(&line.amount)), 62, 92),
    ]
}

/// The services in order, corrections last.
pub fn sections(invoice: &Invoice, groups: &Groups<'_>, money: &Money) -> Vec<Section> {
    let days: Vec<NaiveDate> = dates::days(invoice.period.start, invoice.period.end).take(MOST_BARS + 1).collect();
    let days = if days.len() > MOST_BARS { Vec::new() } else { days };
    let taxes = taxes::OfLines::of(invoice);
    groups.all.iter().map(|group| section((invoice, &taxes), group, money, &days)).collect()
}

fn section(invoice: (&Invoice, &taxes::OfLines), group: &Group<'_>, money: &Money, days: &[NaiveDate]) -> Section {
    let column = |of: fn(&Line) -> Option<&str>| figures::aligned(group.lines.iter().map(|(line, _)| of(line)));
    let quantities = column(|line| line.quantity.as_deref());
    let prices = column(|line| line.unit_price.as_deref());
    let amounts = column(|line| Some(&line.amount));
    let figures = quantities.into_iter().zip(prices).zip(amounts);
    let rows = group.lines.iter().zip(figures).map(|((line, _), figures)| row(invoice, line, figures, days));
    Section { name: Text::new(group.name), tone: group.tone, amount: money.spell(group.sum), lines: rows.collect() }
}

fn row(
    (invoice, taxes): (&Invoice, &taxes::OfLines),
    line: &Line,
    ((quantity, price), amount): ((Figure, Figure), Figure),
    days: &[NaiveDate],
) -> Row {
    let (bars, alt) = bars(line, days).unwrap_or_else(|| (Vec::new(), without_bars(line)));
    Row {
        number: Text::new(&line.number.to_string()),
        title: Text::new(&line.title),
        details: details(invoice, line),
        bars,
        alt: Text::new(&alt),
        quantity,
        unit: Text::within(line.unit.as_deref().unwrap_or_default(), LONGEST_UNIT),
        price,
        per: Text::new(&per(line)),
        amount,
        tax: taxes.line(line),
        steps: line.steps.iter().map(step).collect(),
    }
}

/// The second lines: what a correction corrects, the detail, the deployment where nothing names it yet.
fn details(invoice: &Invoice, line: &Line) -> Vec<Text> {
    let detail = line.detail.as_deref();
    let named = |name: &str| line.title.contains(name) || detail.is_some_and(|detail| detail.contains(name));
    let deployment = line.deployment.as_deref().filter(|name| !named(name));
    let origin = origin(invoice, line);
    text::all([origin.as_deref(), detail, deployment].into_iter().flatten())
}

/// The period that a line charges for where it is not the invoice's, with the service of a correction.
fn origin(invoice: &Invoice, line: &Line) -> Option<String> {
    let period = dates::period(&line.period);
    match line.kind {
        LineKind::TrueUp if line.title.contains(&line.group) => Some(format!("Correction for {period}")),
        LineKind::TrueUp => Some(format!("{}, correction for {period}", line.group)),
        _ => (line.period != invoice.period.label).then(|| format!("for {period}")),
    }
}

/// The bars and the words for them; nothing for a charge without days.
fn bars(line: &Line, days: &[NaiveDate]) -> Option<(Vec<u16>, String)> {
    if line.kind != LineKind::Usage || line.days.is_empty() || days.is_empty() {
        return None;
    }
    let heights = figures::heights(&quantities(line, days)?)?;
    let highest = heights.iter().position(|height| *height == 1000).and_then(|slot| days.get(slot));
    let alt = highest.map_or_else(
        || format!("{}: no usage on any day", line.title),
        |day| format!("{}: usage of each day, highest on {}", line.title, dates::day_month(*day)),
    );
    Some((heights, alt))
}

fn without_bars(line: &Line) -> String {
    match line.kind {
        LineKind::Recurring | LineKind::OneTime => "fixed fee".to_owned(),
        LineKind::Attribute => "flat".to_owned(),
        LineKind::Discount | LineKind::Maximum => "taken off".to_owned(),
        LineKind::Minimum => "minimum".to_owned(),
        LineKind::Credit => "prepaid".to_owned(),
        LineKind::Usage | LineKind::Commitment | LineKind::TrueUp => String::new(),
    }
}

fn per(line: &Line) -> String {
    line.unit_size.as_deref().map(|size| format!("per {}", figures::grouped(size).as_str())).unwrap_or_default()
}

fn step(step: &Step) -> StepRow {
    StepRow { text: Text::new(&step.text), amount: figures::grouped(step.amount.as_deref().unwrap_or_default()) }
}
