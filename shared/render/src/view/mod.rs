//! What stands on the page: strings ready to be placed, and bars as whole numbers out of 1000.
//!
//! The template sees this and nothing else, so everything that decides what is printed can be tested
//! without typesetting. Text from data is a [`Text`], which has passed the cleaning.

mod charges;
mod chart;
mod groups;
mod head;
mod taxes;

use invoicing::Invoice;
use pricing::{Amount, MoneyError};
use serde::Serialize;

use crate::figures::Money;
use crate::text::Text;
use crate::{dates, fonts};

use charges::Section;
use chart::{DayChart, Month};
use groups::{BarPart, Groups, Service};
use head::{Day, Heading, Headline, Party};

/// A label and what it labels.
pub type Pair = (Text, Text);

/// A figure that could not be prepared.
#[derive(Debug)]
pub struct Fault {
    /// Which figure.
    pub at: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

impl Fault {
    fn money(at: &'static str) -> impl Fn(MoneyError) -> Self {
        move |error| Self { at, reason: error.to_string() }
    }
}

/// The whole page in the order of reading.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct View {
    fonts: Vec<String>,
    title: Text,
    date: Day,
    draft: bool,
    heading: Heading,
    headline: Headline,
    months: Vec<Month>,
    seller: Party,
    customer: Party,
    facts: Vec<Pair>,
    period: Text,
    currency: Text,
    bar: Vec<BarPart>,
    services: Vec<Service>,
    totals: Vec<Pair>,
    total: Pair,
    taxes: Vec<taxes::Row>,
    chart: Option<DayChart>,
    pay: Vec<Pair>,
    notes: Vec<Text>,
    days_heading: Text,
    columns: [u16; 4],
    sections: Vec<Section>,
    reading: Vec<Text>,
    provenance: Vec<Pair>,
    footer: Text,
}

impl View {
    /// Prepares an invoice that has passed its own check.
    ///
    /// # Errors
    /// An amount or an earlier total that cannot be read or added.
    pub fn of(invoice: &Invoice) -> Result<Self, Fault> {
        let money = Money::new(&invoice.currency, invoice.minor_digits);
        let groups = Groups::of(invoice)?;
        let total = Amount::parse(&invoice.total, invoice.minor_digits).map_err(Fault::money("the total"))?;
        let mut totals = groups.totals(&money);
        totals.extend(taxes::totals(invoice, &money)?);
        Ok(Self {
            fonts: fonts::families(),
            title: head::title(invoice),
            date: head::date(invoice),
            draft: invoice.is_draft(),
            heading: head::heading(invoice),
            headline: head::headline(invoice, &money, total)?,
            months: chart::months(invoice, &money, total)?,
            seller: head::party(&invoice.seller),
            customer: head::party(&invoice.customer),
            facts: head::facts(invoice),
            period: Text::new(&dates::period(&invoice.period.label)),
            currency: Text::new(&invoice.currency),
            bar: groups.bar(),
            services: groups.services(&money),
            totals,
            total: (Text::new(&head::total_label(invoice, total)), money.spell(total)),
            taxes: taxes::rows(invoice, &money)?,
            chart: chart::by_day(invoice, &groups, &money),
            pay: head::pay(invoice, &money, total),
            notes: crate::text::all(&invoice.notes),
            days_heading: charges::days_heading(invoice),
            columns: charges::columns(invoice),
            sections: charges::sections(invoice, &groups, &money),
            reading: head::reading(invoice),
            provenance: head::provenance(invoice),
            footer: head::footer(invoice),
        })
    }
}

/// `1 line`, `12 lines`.
fn counted(count: usize, one: &str, many: &str) -> String {
    let noun = if count == 1 { one } else { many };
    format!("{} {noun}", crate::figures::grouped(&count.to_string()).as_str())
}
