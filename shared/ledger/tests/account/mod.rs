//! An account that is invoiced month after month.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use catalog::Catalogue;
use invoicing::{Header, Invoice, Party, Provenance, assemble};
use ledger::charges::{Basis, Earlier, charges, price};
use metering::period::Period;
use metering::stream::Kind;
use metering::tally::{Cells, SeriesKey};
use pricing::{Amount, History};

pub fn catalogue(text: &str) -> Catalogue {
    let loaded = catalog::load([("catalogue.yaml".to_owned(), text.to_owned())]);
    loaded.map_err(|problems| problems.to_string()).unwrap().catalogue.as_ref().clone()
}

pub fn month(number: usize) -> Period {
    Period::parse_month("2026-01", "Europe/Berlin".parse().unwrap())
        .unwrap()
        .month_after(i32::try_from(number).unwrap())
        .unwrap()
}

/// An account that is invoiced month after month, under a catalogue each.
pub struct Account<'a> {
    pub catalogues: Vec<&'a Catalogue>,
    pub cells: Cells,
    pub invoices: Vec<Invoice>,
}

impl Account<'_> {
    pub fn used(&mut self, period: &Period, calls: i128) {
        let key = SeriesKey { deployment: "berlin".to_owned(), stream: "calls".to_owned(), ..SeriesKey::default() };
        let at = period.span().unwrap().from.plus_hours(24 * 15).unwrap();
        self.cells.record(&key, Kind::Delta, at, calls).unwrap();
    }

    pub fn earlier(&self) -> Vec<Earlier<'_>> {
        let months = (0..self.invoices.len()).zip(&self.catalogues);
        months.map(|(number, catalogue)| Earlier { period: month(number), catalogue }).collect()
    }

    pub fn close(&mut self) {
        let number = self.invoices.len();
        let (period, catalogue) = (month(number), self.catalogues[number]);
        let customer = &catalogue.customers["aurora"];
        let directory = catalogue.directory(metering::time::Instant(0)).unwrap();
        let basis = Basis { cells: &self.cells, directory: &directory };
        let settled = charges(&basis, catalogue, customer, &period, &self.earlier(), &self.invoices).unwrap();
        let header = header(&period, number, customer.currency);
        self.invoices.push(assemble(header, &settled.lines, &settled.true_ups).unwrap());
    }

    /// The present price of each month, priced in order from nothing but usage and catalogues.
    pub fn present(&self) -> Vec<Amount> {
        let mut history = History::default();
        let mut prices = Vec::new();
        for earlier in self.earlier() {
            let directory = earlier.catalogue.directory(metering::time::Instant(0)).unwrap();
            let basis = Basis { cells: &self.cells, directory: &directory };
            let customer = &earlier.catalogue.customers["aurora"];
            let lines = price(&basis, earlier.catalogue, customer, &earlier.period, &mut history).unwrap();
            prices.push(Amount::sum(lines.iter().map(|line| line.amount)).unwrap());
        }
        prices
    }

    pub fn charged(&self, label: &str) -> Amount {
        let lines = self.invoices.iter().flat_map(|invoice| &invoice.lines).filter(|line| line.period == label);
        Amount::sum(lines.map(|line| Amount::parse(&line.amount, 2).unwrap())).unwrap()
    }
}

fn header(period: &Period, number: usize, currency: pricing::Currency) -> Header {
    let party = || Party { name: String::new(), lines: Vec::new(), ids: Vec::new() };
    Header {
        id: period.label(),
        number: Some(format!("INV-{number}")),
        account: "aurora".to_owned(),
        issued: period.end,
        due: period.end,
        seller: party(),
        customer: party(),
        currency,
        plan: String::new(),
        period: *period,
        history: Vec::new(),
        payment: Vec::new(),
        notes: Vec::new(),
        provenance: Provenance { catalogue: String::new(), directory: String::new(), inputs: String::new() },
    }
}
