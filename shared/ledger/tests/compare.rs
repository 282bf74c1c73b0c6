//! Who would pay more or less under another catalogue, and through which line.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![expect(clippy::print_stderr, reason = "the measured time is shown")]

use std::collections::BTreeSet;
use std::fmt::Write;

use catalog::Catalogue;
use ledger::charges::Basis;
use ledger::compare::{Comparison, compare};
use metering::stream::Kind;
use metering::tally::{Cells, SeriesKey};
use metering::time::Instant;

const RULES: &str = "
seller: {name: Nimbus, address: [Berlin], currency: USD, zone: UTC}
streams:
  - {name: calls, title: Calls, unit: calls, scale: 0, kind: delta, day: sum, month: sum}
components:
  - {name: calls, title: Calls, stream: calls, price: {per-unit: 1.25}}
plans:
  - {name: standard, title: Standard, currency: USD, recurring: [{title: Platform, amount: 100.00}], components: [calls]}
";

/// So many customers with a deployment each.
fn catalogue(count: usize, change: impl Fn(String) -> String) -> Catalogue {
    let mut text = format!("{RULES}customers:\n");
    for number in 0..count {
        let deployments = format!("deployments: [{{id: d{number}, from: 2026-01-01}}]");
        let subscriptions = "subscriptions: [{plan: standard, from: 2026-01-01}]";
        writeln!(text, "  - {{id: c{number}, name: C, {deployments}, {subscriptions}}}").unwrap();
    }
    let loaded = catalog::load([("catalogue.yaml".to_owned(), change(text))]);
    loaded.map_err(|problems| problems.to_string()).unwrap().catalogue.as_ref().clone()
}

/// Customer n uses 10 × n calls each month.
fn cells(count: usize, months: u32) -> Cells {
    let mut cells = Cells::default();
    for number in 0..count {
        let key = SeriesKey { deployment: format!("d{number}"), stream: "calls".to_owned(), ..SeriesKey::default() };
        for month in 1..=months {
            let at = format!("2026-{month:02}-10T12:00:00Z").parse::<chrono::DateTime<chrono::Utc>>().unwrap();
            cells.record(&key, Kind::Delta, at.into(), i128::try_from(10 * number).unwrap()).unwrap();
        }
    }
    cells
}

fn compared(count: usize, months: u32, old: &Catalogue, new: &Catalogue) -> Comparison {
    let (cells, directory) = (cells(count, months), old.directory(Instant(0)).unwrap());
    let months: BTreeSet<String> = (1..=months).map(|month| format!("2026-{month:02}")).collect();
    compare(&Basis { cells: &cells, directory: &directory }, old, new, &months).unwrap()
}

#[test]
fn a_price_that_rises_is_told_by_customer_and_line() {
    let old = catalogue(3, |text| text);
    let new = catalogue(3, |text| text.replace("1.25", "1.50").replace("100.00", "95.00"));
    let found = compared(3, 2, &old, &new);
    let expected = "### What would change in 2026-01 to 2026-02

**-15.00 USD**: 660.00 instead of 675.00; 0 customers would pay more, 2 less.

| customer | line | old | new | difference |
|---|---|--:|--:|--:|
| **c2** | USD | 250.00 | 250.00 | **0.00** (0.0 %) |
| | Calls | 50.00 | 60.00 | 10.00 |
| | Platform | 200.00 | 190.00 | -10.00 |
| **c1** | USD | 225.00 | 220.00 | **-5.00** (-2.2 %) |
| | Platform | 200.00 | 190.00 | -10.00 |
| | Calls | 25.00 | 30.00 | 5.00 |
| **c0** | USD | 200.00 | 190.00 | **-10.00** (-5.0 %) |
| | Platform | 200.00 | 190.00 | -10.00 |

0 customers would pay the same.
";
    assert_eq!(found.markdown(), expected);
}

#[test]
fn the_same_catalogue_changes_nothing_and_a_customer_that_is_gone_pays_nothing() {
    let (two, one) = (catalogue(2, |text| text), catalogue(1, |text| text));
    assert_eq!((compared(2, 2, &two, &two).accounts, compared(2, 2, &two, &two).unchanged), (Vec::new(), 2));
    let gone = compared(2, 1, &two, &one);
    assert_eq!((gone.accounts.len(), gone.accounts[0].new.as_str(), gone.unchanged), (1, "0.00", 1));
}

#[test]
fn a_customer_who_cannot_be_compared_is_named_with_the_reason() {
    let old = catalogue(1, |text| text);
    let new = catalogue(1, |text| text.replace("currency: USD", "currency: EUR"));
    let reason = "it is billed in USD by the old catalogue and in EUR by the new one";
    assert_eq!(compared(1, 1, &old, &new).failed["c0"], reason);
}

/// Two streams, and a price of each sort.
const RICH: &str = "
seller: {name: Nimbus, address: [Berlin], currency: USD, zone: America/New_York}
streams:
  - {name: calls, title: Calls, unit: calls, scale: 0, kind: delta, day: sum, month: sum}
  - {name: stored, title: Stored, unit: TB, scale: 3, kind: gauge, day: average, month: average, interval: 24h}
components:
  - {name: calls, title: Calls, stream: calls, price: {graduated: [{up-to: 1000, per-unit: 0.10}, {per-unit: 0.05}]}}
  - {name: stored, title: Stored, stream: stored, price: {per-unit: 50.00, included: 1}}
  - name: ruled
    title: By rules
    stream: calls
    price: {rules: [{when: stream.stored > 40, price: {per-unit: 0.01}}, {price: {per-unit: 0.02}}]}
  - {name: tier, title: Tier, price: {by-attribute: tier, amounts: {gold: 100.00}, otherwise: none}}
plans:
  - name: standard
    title: Standard
    currency: USD
    recurring: [{title: Platform, amount: 100.00}, {title: Support, amount: 1200.00, every: year}]
    discounts: [{title: Loyalty, percent: 5}]
    components: [calls, stored, ruled, tier]
";

/// A thousand customers with a value of two streams on each day of twelve months; run with `--ignored --nocapture`.
#[test]
#[ignore = "measures"]
fn a_thousand_customers_and_twelve_months() {
    let rich = |change: &dyn Fn(String) -> String| catalogue(1000, |text| change(text.replace(RULES, RICH)));
    let (old, new) = (rich(&|text| text), rich(&|text| text.replace("50.00", "48.00")));
    let mut cells = Cells::default();
    for number in 0..1000_i128 {
        let deployment = format!("d{number}");
        for (stream, kind, scale, value) in [("calls", Kind::Delta, 0, 10), ("stored", Kind::Gauge, 3, 100)] {
            let key =
                SeriesKey { deployment: deployment.clone(), stream: stream.to_owned(), scale, ..SeriesKey::default() };
            for day in 0..365_i64 {
                // 2026-01-01T17:00:00Z and every 24 hours after it.
                let at = Instant(1_767_286_800_000 + day * 86_400_000);
                cells.record(&key, kind, at, value * number).unwrap();
            }
        }
    }
    let directory = old.directory(Instant(0)).unwrap();
    let months: BTreeSet<String> = (1..=12).map(|month| format!("2026-{month:02}")).collect();
    #[expect(clippy::disallowed_methods, reason = "a measurement needs a clock")]
    let begun = std::time::Instant::now();
    let found = compare(&Basis { cells: &cells, directory: &directory }, &old, &new, &months).unwrap();
    let (told, count) = (found.markdown().len(), found.accounts.len());
    eprintln!("{count} customers differ, {:?}, {told} characters of Markdown", begun.elapsed());
    // Above 1 TB, which is included: those from 11 (0.1 TB each) on.
    assert_eq!((found.accounts.len(), found.unchanged), (989, 11));
    assert!(told < 65_536, "{told}");
}

#[test]
fn a_comment_on_a_pull_request_has_an_end() {
    let old = catalogue(50, |text| text);
    let found = compared(50, 1, &old, &catalogue(50, |text| text.replace("1.25", "1.50")));
    let told = found.markdown();
    // All but c0, who uses nothing; those in the middle are counted.
    assert_eq!(found.accounts.len(), 49);
    assert!(
        told.contains("**3,062.50 USD**: 23,275.00 instead of 20,212.50; 49 customers would pay more, 0 less."),
        "{told}"
    );
    assert!(told.contains("| **c49** |") && told.contains("| **c1** |") && !told.contains("| **c25** |"), "{told}");
    assert!(told.contains("| … | 9 customers between, in the table and with --json | | | |"), "{told}");
    assert!(told.ends_with("\n1 customer would pay the same.\n"), "{told}");
}
