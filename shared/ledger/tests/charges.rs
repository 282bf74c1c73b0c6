//! What all invoices of an account charge for a month is its present price, with everything that stands around the
//! lines of a plan: usage that comes late moves discounts, commitments, minimums and credits of all months after it.

mod account;

use std::collections::BTreeMap;

use account::{Account, catalogue, month};
use invoicing::Invoice;
use metering::tally::Cells;
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
