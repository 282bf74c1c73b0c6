//! What all invoices of an account charge for a month is its present price, with everything that stands around the
//! lines of a plan: usage that comes late moves discounts, commitments, minimums and credits of all months after it.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeMap;

use catalog::Catalogue;
use invoicing::{Header, Invoice, Party, Provenance, assemble};
use ledger::charges::{Basis, Earlier, charges, price};
use metering::period::Period;
use metering::stream::Kind;
use metering::tally::{Cells, SeriesKey};
use pricing::{Amount, History};
use proptest::collection::vec;
use proptest::prelude::*;

const CATALOGUE: &str = "
seller: {name: Nimbus, address: [Berlin], currency: USD, zone: Europe/Berlin}
streams:
  - {name: calls, title: Calls, unit: calls, scale: 0, kind: delta, day: sum, month: sum}
components:
  - {name: calls, title: Calls, stream: calls, price: {per-unit: 1.25}}
plans:
  - name: standard
    title: Standard
    currency: USD
    recurring:
      - {title: Platform, amount: 100.00}
      - {title: Support, amount: 365.00, every: year, anchor: subscription, billed: advance}
    one-time: [{title: Setup, amount: 20.00}]
    components: [calls]
    discounts: [{title: Partner, percent: 7}, {title: Goodwill, amount: 30.00, until: 2026-04-01}]
    commitment: {amount: 900.00, every: quarter, overage: 1.5}
    minimum: {amount: 250.00}
    maximum: {amount: 2000.00}
customers:
  - id: aurora
    name: Aurora
    deployments: [{id: berlin, from: 2026-01-01}]
    subscriptions: [{plan: standard, from: 2026-01-10}]
    credits:
      - {title: Prepaid, amount: 700.00, from: 2026-01-01}
      - {title: Trial money, amount: 150.00, from: 2026-01-01, until: 2026-03-01}
";

fn catalogue(text: &str) -> Catalogue {
    let loaded = catalog::load([("catalogue.yaml".to_owned(), text.to_owned())]);
    loaded.map_err(|problems| problems.to_string()).unwrap().catalogue.as_ref().clone()
}

fn month(number: usize) -> Period {
    Period::parse_month("2026-01", "Europe/Berlin".parse().unwrap())
        .unwrap()
        .month_after(i32::try_from(number).unwrap())
        .unwrap()
}

/// An account that is invoiced month after month, under a catalogue each.
struct Account<'a> {
    catalogues: Vec<&'a Catalogue>,
    cells: Cells,
    invoices: Vec<Invoice>,
}

impl Account<'_> {
    fn used(&mut self, period: &Period, calls: i128) {
        let key = SeriesKey { deployment: "berlin".to_owned(), stream: "calls".to_owned(), ..SeriesKey::default() };
        let at = period.span().unwrap().from.plus_hours(24 * 15).unwrap();
        self.cells.record(&key, Kind::Delta, at, calls).unwrap();
    }

    fn earlier(&self) -> Vec<Earlier<'_>> {
        let months = (0..self.invoices.len()).zip(&self.catalogues);
        months.map(|(number, catalogue)| Earlier { period: month(number), catalogue }).collect()
    }

    fn close(&mut self) {
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
    fn present(&self) -> Vec<Amount> {
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

    fn charged(&self, label: &str) -> Amount {
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn what_is_charged_for_a_month_is_its_present_price(usage in vec(vec((0_usize..6, 0_i128..900), 0..4), 6)) {
        let catalogue = catalogue(CATALOGUE);
        let mut account = Account { catalogues: vec![&catalogue; 7], cells: Cells::default(), invoices: Vec::new() };
        for arrived in &usage {
            for (number, calls) in arrived {
                account.used(&month(*number), *calls);
            }
            account.close();
        }
        // One more, so that all six are trued up.
        account.close();
        let prices = account.present();
        for (number, price) in prices.iter().enumerate().take(6) {
            prop_assert_eq!(account.charged(&month(number).label()), *price, "{}", month(number).label());
        }
    }
}

#[test]
fn late_usage_moves_what_later_months_draw() {
    let catalogue = catalogue(CATALOGUE);
    let mut account = Account { catalogues: vec![&catalogue; 4], cells: Cells::default(), invoices: Vec::new() };
    account.used(&month(0), 100);
    account.close();
    account.used(&month(1), 400);
    account.close();
    let before = BTreeMap::from([("2026-01", account.charged("2026-01")), ("2026-02", account.charged("2026-02"))]);
    account.used(&month(0), 300);
    account.close();
    account.close();
    // January pays more from credits, so that February has less of them left.
    assert!(account.charged("2026-02") > before["2026-02"]);
    assert_eq!(account.present()[..2], [account.charged("2026-01"), account.charged("2026-02")]);
}

#[test]
fn a_year_in_advance_is_given_back_when_the_subscription_ends() {
    let (open, ended) = (
        catalogue(CATALOGUE),
        catalogue(&CATALOGUE.replace("from: 2026-01-10}]", "from: 2026-01-10, until: 2026-03-15}]")),
    );
    let mut account = Account { catalogues: vec![&open, &open, &ended], cells: Cells::default(), invoices: Vec::new() };
    (0..3).for_each(|_| account.close());
    let support = |invoice: &Invoice| {
        let lines = invoice.lines.iter().filter(|line| line.component == "standard/support");
        lines.map(|line| line.amount.clone()).collect::<Vec<_>>()
    };
    // Held for 64 of 365 days.
    assert_eq!(
        account.invoices.iter().map(support).collect::<Vec<_>>(),
        [vec!["365.00".to_owned()], vec![], vec!["-301.00".to_owned()]]
    );
}
