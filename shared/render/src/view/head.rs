//! The first page around the charts, and what stands at the end: who, how much, by when, from what.

use chrono::Datelike;
use invoicing::{Invoice, PastTotal};
use pricing::Amount;
use serde::Serialize;
use unicode_segmentation::UnicodeSegmentation;

use super::{Fault, Pair};
use crate::dates;
use crate::figures::{self, Money};
use crate::text::{self, Text};

/// The longest label that a line of payment text is split at.
const LONGEST_LABEL: usize = 24;

/// Beyond ten times the amount a percentage says nothing.
const LARGEST_PERCENT: i128 = 10_000;

/// The day of issue as the template needs it.
#[derive(Debug, Serialize)]
pub struct Day {
    year: i32,
    month: u32,
    day: u32,
}

/// The words at the top.
#[derive(Debug, Serialize)]
pub struct Heading {
    kind: Text,
    number: Text,
}

/// How much, by when, and what changed.
#[derive(Debug, Serialize)]
pub struct Headline {
    label: Text,
    amount: Text,
    size: u8,
    by: Labelled,
    change: Option<Change>,
}

/// A small label above a value.
#[derive(Debug, Serialize)]
struct Labelled {
    label: Text,
    value: Text,
}

/// The difference to the period before.
#[derive(Debug, Serialize)]
struct Change {
    direction: &'static str,
    figure: Text,
    against: Text,
}

/// A seller or a customer.
#[derive(Debug, Serialize)]
pub struct Party {
    initial: Text,
    name: Text,
    lines: Vec<Text>,
    ids: Vec<Pair>,
}

/// The title of the document, in the window bar and on following pages.
pub fn title(invoice: &Invoice) -> Text {
    let period = dates::period(&invoice.period.label);
    Text::new(&match &invoice.number {
        Some(number) => format!("Invoice {number}"),
        None => format!("Draft invoice for {period}, not a request for payment"),
    })
}

/// The day of issue.
pub fn date(invoice: &Invoice) -> Day {
    Day { year: invoice.issued.year(), month: invoice.issued.month(), day: invoice.issued.day() }
}

/// `Invoice INV-7`, or `Invoice DRAFT`.
pub fn heading(invoice: &Invoice) -> Heading {
    Heading { kind: Text::new("Invoice"), number: Text::new(invoice.number.as_deref().unwrap_or("DRAFT")) }
}

/// The band at the top.
///
/// # Errors
/// An earlier total that cannot be read.
pub fn headline(invoice: &Invoice, money: &Money, total: Amount) -> Result<Headline, Fault> {
    let amount = money.spell(total);
    let change = invoice.history.last().map(|past| change(past, money, total)).transpose()?;
    Ok(Headline {
        label: Text::new(headline_label(invoice, total)),
        size: headline_size(&amount),
        amount,
        by: pay_by(invoice, total),
        change,
    })
}

fn headline_label(invoice: &Invoice, total: Amount) -> &'static str {
    match (total.0 < 0, invoice.is_draft()) {
        (true, _) => "In your favour",
        (false, true) => "Amount of this draft",
        (false, false) => "Amount due",
    }
}

fn headline_size(amount: &Text) -> u8 {
    match text::visible_length(amount.as_str()) {
        0..=13 => 27,
        14..=18 => 20,
        _ => 13,
    }
}

fn pay_by(invoice: &Invoice, total: Amount) -> Labelled {
    let (label, value) = match (total.0 > 0, invoice.is_draft()) {
        (false, _) => ("To pay", "nothing".to_owned()),
        (true, true) => ("To pay", "nothing yet".to_owned()),
        (true, false) => ("Pay by", dates::day(invoice.due)),
    };
    Labelled { label: Text::new(label), value: Text::new(&value) }
}

fn change(past: &PastTotal, money: &Money, total: Amount) -> Result<Change, Fault> {
    let before = past_total(past, money)?;
    let difference = total.sub(before).map_err(Fault::money("the change since the last period"))?;
    let against = dates::period(&past.label);
    let (direction, word, link) = match difference.0.signum() {
        1 => ("up", "Up ", "on"),
        -1 => ("down", "Down ", "on"),
        _ => ("same", "The same", "as in"),
    };
    let figure = if difference.0 == 0 { String::new() } else { change_figure(difference, before, money) };
    Ok(Change {
        direction,
        figure: Text::new(&format!("{word}{figure}")),
        against: Text::new(&format!("{link} {against}")),
    })
}

fn change_figure(difference: Amount, before: Amount, money: &Money) -> String {
    let size = Amount(difference.0.saturating_abs());
    let percent = figures::ratio(size.0, before.0).filter(|mille| *mille <= LARGEST_PERCENT);
    let percent = percent.map(|mille| format!(" ({})", figures::percent(mille))).unwrap_or_default();
    format!("{}{percent}", money.spell(size).as_str())
}

/// The total of an earlier period.
///
/// # Errors
/// A total that cannot be read.
pub fn past_total(past: &PastTotal, money: &Money) -> Result<Amount, Fault> {
    Amount::parse(&past.total, money.digits()).map_err(Fault::money("the total of an earlier period"))
}

/// A seller or a customer.
pub fn party(party: &invoicing::Party) -> Party {
    Party {
        initial: initial(&party.name),
        name: Text::new(&party.name),
        lines: text::all(&party.lines),
        ids: party.ids.iter().map(|(label, value)| pair(label, value)).collect(),
    }
}

fn initial(name: &str) -> Text {
    let name = Text::new(name);
    let first = name.as_str().graphemes(true).find(|cluster| cluster.chars().any(char::is_alphanumeric));
    Text::new(&first.map(str::to_uppercase).unwrap_or_default())
}

/// The key facts.
pub fn facts(invoice: &Invoice) -> Vec<Pair> {
    let number = invoice.number.as_deref().unwrap_or("none yet");
    let period = dates::range(invoice.period.start, invoice.period.end);
    vec![
        pair("Invoice number", number),
        pair("Issued", &dates::day(invoice.issued)),
        pair("Usage period", &period),
        pair("Time zone", &invoice.period.zone),
        pair("Account", &invoice.account),
        pair("Plan", &invoice.plan),
        pair("Currency", &invoice.currency),
    ]
}

/// How to pay; nothing when there is nothing to pay.
pub fn pay(invoice: &Invoice, money: &Money, total: Amount) -> Vec<Pair> {
    let Some(number) = invoice.number.as_deref().filter(|_| total.0 > 0) else {
        return Vec::new();
    };
    let mut rows: Vec<Pair> = invoice.payment.iter().map(|line| labelled(line)).collect();
    rows.push(pair("Reference", number));
    rows.push((Text::new("Amount"), money.spell(total)));
    rows.push(pair("Pay by", &dates::day(invoice.due)));
    rows
}

/// `IBAN: DE02…` as label and value; other text without a label.
fn labelled(line: &str) -> Pair {
    match line.split_once(": ") {
        Some((label, value)) if text::visible_length(label) <= LONGEST_LABEL => pair(label, value),
        _ => pair("", line),
    }
}

/// The words beside the total.
pub fn total_label(invoice: &Invoice, total: Amount) -> String {
    match (total.0 > 0, invoice.is_draft()) {
        (true, false) => format!("Total, due {}", dates::day(invoice.due)),
        (true, true) => "Total of this draft".to_owned(),
        (false, _) => "Total".to_owned(),
    }
}

/// How to read the pages.
pub fn reading(invoice: &Invoice) -> Vec<Text> {
    text::all([
        format!(
            "Days begin at midnight in {}. Bars of a line have their own scale: compare days within a row, not rows.",
            invoice.period.zone
        ),
        "Small rows below a charge show how it came about; they are not rounded unless the rounding is what they show."
            .to_owned(),
        "The same inputs always give this same document, byte for byte; these are their fingerprints. The invoice with \
         every day's quantity is attached as invoice.json."
            .to_owned(),
    ])
}

/// What the figures were computed from.
pub fn provenance(invoice: &Invoice) -> Vec<Pair> {
    let sources = &invoice.provenance;
    vec![
        pair("Price catalogue", &sources.catalogue),
        pair("Customer directory", &sources.directory),
        pair("Usage", &sources.inputs),
        pair("Document", &invoice.id),
    ]
}

/// The seller's identity at the foot of every page.
pub fn footer(invoice: &Invoice) -> Text {
    let seller = &invoice.seller;
    let ids = seller.ids.iter().map(|(label, value)| format!("{label} {value}"));
    let draft = invoice.is_draft().then(|| "Draft, not a request for payment".to_owned());
    let parts: Vec<String> =
        draft.into_iter().chain([seller.name.clone()]).chain(seller.lines.iter().cloned()).chain(ids).collect();
    Text::new(&parts.join(" · "))
}

fn pair(label: &str, value: &str) -> Pair {
    (Text::new(label), Text::new(value))
}
