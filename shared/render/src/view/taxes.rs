//! The taxes of an invoice: who takes how much of what, and why where nothing is taken.

use std::collections::BTreeMap;

use invoicing::{Invoice, Line, TaxRow, Taxes};
use pricing::{Amount, TaxCode};
use serde::Serialize;

use super::{Fault, Pair};
use crate::figures::Money;
use crate::text::Text;

/// A row of the table of taxes.
#[derive(Debug, Serialize)]
pub struct Row {
    name: Text,
    category: Text,
    rate: Text,
    base: Text,
    amount: Text,
    note: Option<Text>,
}

/// The table; empty without taxes.
///
/// # Errors
/// An amount that cannot be read.
pub fn rows(invoice: &Invoice, money: &Money) -> Result<Vec<Row>, Fault> {
    let rows = invoice.taxes.iter().flat_map(|taxes| &taxes.rows);
    rows.map(|row| self::row(row, money)).collect()
}

fn row(row: &TaxRow, money: &Money) -> Result<Row, Fault> {
    Ok(Row {
        name: Text::new(&format!("{} {}", row.title, row.jurisdiction)),
        category: Text::new(category(row.code)),
        rate: Text::new(&rate(row)),
        base: money.spell(amount(&row.base, money)?),
        amount: money.spell(amount(&row.amount, money)?),
        note: row.note.as_deref().map(Text::new),
    })
}

fn amount(text: &str, money: &Money) -> Result<Amount, Fault> {
    Amount::parse(text, money.digits()).map_err(Fault::money("a tax"))
}

/// In words, with the code of EN 16931.
fn category(code: TaxCode) -> &'static str {
    match code {
        TaxCode::S => "taxed (S)",
        TaxCode::Z => "zero rate (Z)",
        TaxCode::E => "exempt (E)",
        TaxCode::Ae => "reverse charge (AE)",
        TaxCode::O => "not subject to tax (O)",
    }
}

fn rate(row: &TaxRow) -> String {
    row.percent.as_ref().map(|percent| format!("{percent} %")).unwrap_or_default()
}

/// Net and tax, between the charges and the total.
///
/// # Errors
/// An amount that cannot be read.
pub fn totals(invoice: &Invoice, money: &Money) -> Result<Vec<Pair>, Fault> {
    let Some(Taxes { net, tax, .. }) = &invoice.taxes else { return Ok(Vec::new()) };
    let pair = |label: &str, text: &str| Ok((Text::new(label), money.spell(amount(text, money)?)));
    Ok(vec![pair("Net amount", net)?, pair("Tax", tax)?])
}

/// What stands below a line's amount: its rates, where the lines of the invoice have different ones.
pub struct OfLines(BTreeMap<u32, String>);

impl OfLines {
    /// The words for each row.
    pub fn of(invoice: &Invoice) -> Self {
        let several = invoice.lines.windows(2).any(|pair| pair.first().map(taxes) != pair.last().map(taxes));
        let rows = invoice.taxes.iter().filter(|_| several).flat_map(|taxes| &taxes.rows);
        Self(rows.map(|row| (row.number, short(row))).collect())
    }

    /// The words for a line.
    pub fn line(&self, line: &Line) -> Text {
        let told: Vec<&str> = line.taxes.iter().filter_map(|row| self.0.get(row)).map(String::as_str).collect();
        Text::new(&told.join(" + "))
    }
}

fn taxes(line: &Line) -> &[u32] {
    &line.taxes
}

fn short(row: &TaxRow) -> String {
    match row.code {
        TaxCode::S | TaxCode::Z => format!("{} {}", row.title, rate(row)),
        TaxCode::E => "exempt".to_owned(),
        TaxCode::Ae => "reverse charge".to_owned(),
        TaxCode::O => "no tax".to_owned(),
    }
}
