//! How invoices are taxed: by whom, at which rate, on what; and `docs/taxes.md` is true.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeMap;

use catalog::Catalogue;
use invoicing::{Header, Invoice, Party, Provenance, Taxable, assemble_taxed};
use ledger::charges::{Basis, Earlier, charges};
use ledger::taxation::Taxation;
use metering::period::Period;
use metering::stream::Kind;
use metering::tally::{Cells, SeriesKey};
use pricing::text::grouped;

const PAGE: &str = include_str!("../../../docs/taxes.md");

const STREAMS: &str = "
seller: {name: Nimbus, address: [Berlin], ids: {VAT ID: DE1}, currency: EUR, zone: Europe/Berlin}
streams:
  - {name: calls, title: Calls, unit: calls, scale: 0, kind: delta, day: sum, month: sum}
";

const PRICES: &str = "
components:
  - {name: calls, title: Calls, stream: calls, price: {per-unit: 1.25}}
  - {name: books, title: Books, stream: calls, tax: reduced, price: {per-unit: 0.10}}
plans:
  - name: standard
    title: Standard
    currency: EUR
    recurring: [{title: Platform, amount: 100.00}]
    components: [calls, books]
";

const GERMANY: &str = "
taxes:
  - jurisdiction: DE
    title: VAT
    reverse-charge: Reverse charge
    rates:
      standard:
        - {from: 2007-01-01, percent: 19}
        - {from: 2020-07-01, percent: 16}
        - {from: 2021-01-01, percent: 19}
      reduced: [{from: 2007-01-01, percent: 7}, {from: 2020-07-01, percent: 5}, {from: 2021-01-01, percent: 7}]
";

fn customer(tax: &str) -> String {
    format!(
        "
customers:
  - id: aurora
    name: Aurora
    tax: {tax}
    deployments: [{{id: d, from: 2019-01-01}}]
    subscriptions: [{{plan: standard, from: 2019-01-01}}]
"
    )
}

fn load(text: &str) -> Result<Catalogue, String> {
    let loaded = catalog::load([("catalogue.yaml".to_owned(), text.to_owned())]);
    loaded.map(|checked| checked.catalogue.as_ref().clone()).map_err(|problems| {
        let errors = problems.0.iter().filter(|problem| problem.severity == catalog::Severity::Error);
        let told = errors.map(|error| format!("{} ({})", error.message, error.hint.as_deref().unwrap_or_default()));
        told.collect::<Vec<_>>().join("\n")
    })
}

fn german(tax: &str) -> Catalogue {
    load(&format!("{STREAMS}{PRICES}{GERMANY}{}", customer(tax))).unwrap()
}

/// An account that is invoiced month after month, each under a catalogue.
struct Account {
    months: Vec<(Period, Catalogue)>,
    cells: Cells,
    invoices: Vec<Invoice>,
}

impl Account {
    fn new() -> Self {
        Self { months: Vec::new(), cells: Cells::default(), invoices: Vec::new() }
    }

    fn used(&mut self, month: &str, stream: &str, quantity: i128) {
        let key = SeriesKey { deployment: "d".to_owned(), stream: stream.to_owned(), ..SeriesKey::default() };
        let at = period(month).span().unwrap().from.plus_hours(24 * 15).unwrap();
        self.cells.record(&key, Kind::Delta, at, quantity).unwrap();
    }

    /// Issued on the second day after the month.
    fn close(&mut self, month: &str, catalogue: &Catalogue) -> Result<Invoice, String> {
        let period = period(month);
        let customer = catalogue.customers.values().next().unwrap();
        let directory = catalogue.directory(metering::time::Instant(0)).unwrap();
        let basis = Basis { cells: &self.cells, directory: &directory };
        let earlier: Vec<Earlier<'_>> =
            self.months.iter().map(|(period, catalogue)| Earlier { period: *period, catalogue }).collect();
        let settled = charges(&basis, catalogue, customer, &period, &earlier, &self.invoices);
        let settled = settled.map_err(|error| error.to_string())?;
        let taxation = Taxation::of(customer, &earlier);
        let header = header(&period, self.invoices.len(), customer.currency);
        let on = (header.issued, customer.zone);
        let taxed = |line: Taxable<'_>| taxation.treatments(line, on, &self.invoices);
        let bears: Option<&invoicing::Taxation<'_>> = if taxation.is_none() { None } else { Some(&taxed) };
        let invoice = assemble_taxed(header, &settled.lines, &settled.true_ups, bears);
        let invoice = invoice.map_err(|error| error.to_string())?;
        assert_eq!(Invoice::from_json(&invoice.canonical_json().unwrap()).unwrap(), invoice);
        self.invoices.push(invoice.clone());
        self.months.push((period, catalogue.clone()));
        Ok(invoice)
    }
}

fn period(month: &str) -> Period {
    Period::parse_month(month, "Europe/Berlin".parse().unwrap()).unwrap()
}

fn header(period: &Period, number: usize, currency: pricing::Currency) -> Header {
    let party = || Party { name: String::new(), lines: Vec::new(), ids: Vec::new() };
    Header {
        id: period.label(),
        number: Some(format!("INV-{number}")),
        account: "aurora".to_owned(),
        issued: period.end.succ_opt().unwrap(),
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

/// `S 19 of 100.00 = 19.00` for each row.
fn rows(invoice: &Invoice) -> Vec<String> {
    let row = |row: &invoicing::TaxRow| {
        let percent = row.percent.as_deref().unwrap_or("-");
        format!("{:?} {percent} of {} = {}", row.code, row.base, row.amount)
    };
    invoice.taxes.as_ref().unwrap().rows.iter().map(row).collect()
}

fn one(catalogue: &Catalogue, month: &str, calls: i128) -> Invoice {
    let mut account = Account::new();
    account.used(month, "calls", calls);
    account.close(month, catalogue).unwrap()
}

#[test]
fn each_rate_is_taxed_once_on_the_sum_of_its_lines() {
    // 100.00 + 13 × 1.25 = 116.25 at 19 % = 22.0875; 13 × 0.10 = 1.30 at 7 % = 0.091.
    let invoice = one(&german("{jurisdiction: DE}"), "2026-02", 13);
    assert_eq!(rows(&invoice), ["S 19 of 116.25 = 22.09", "S 7 of 1.30 = 0.09"]);
    let taxes = invoice.taxes.as_ref().unwrap();
    assert_eq!((taxes.net.as_str(), taxes.tax.as_str(), invoice.total.as_str()), ("117.55", "22.18", "139.73"));
    let of_lines: Vec<_> = invoice.lines.iter().map(|line| (line.component.as_str(), line.taxes.as_slice())).collect();
    let expected = [("standard/platform", [1].as_slice()), ("calls", &[1]), ("books", &[2])];
    assert_eq!(of_lines, expected);
}

#[test]
fn the_tax_is_rounded_by_the_named_rule() {
    let table = "
taxes:
  - jurisdiction: DE
    title: VAT
    rounding: RULE
    rates: {standard: [{from: 2007-01-01, percent: 7}], reduced: [{from: 2007-01-01, percent: 0}]}
";
    // 107.50, 103.75 and 116.25 at 7 %: 7.525, 7.2625, 8.1375.
    for (rule, taxes) in [
        ("half-away-from-zero", ["7.53", "7.26", "8.14"]),
        ("half-even", ["7.52", "7.26", "8.14"]),
        ("up", ["7.53", "7.27", "8.14"]),
        ("down", ["7.52", "7.26", "8.13"]),
    ] {
        let text = format!("{STREAMS}{PRICES}{}{}", table.replace("RULE", rule), customer("{jurisdiction: DE}"));
        let catalogue = load(&text).unwrap();
        let tax = |calls: i128| one(&catalogue, "2026-02", calls).taxes.unwrap().tax;
        assert_eq!([6, 3, 13].map(tax), taxes, "{rule}");
    }
}

#[test]
fn the_last_day_of_the_month_decides_on_the_rate() {
    let catalogue = german("{jurisdiction: DE}");
    for (month, row) in [("2020-06", "S 19 of"), ("2020-07", "S 16 of"), ("2020-12", "S 16 of"), ("2021-01", "S 19 of")]
    {
        assert!(rows(&one(&catalogue, month, 0))[0].starts_with(row), "{month}");
    }
}

#[test]
fn the_day_of_issue_decides_where_the_jurisdiction_says_so() {
    let text = GERMANY.replace("    title: VAT\n", "    title: VAT\n    date: issue\n");
    let catalogue = load(&format!("{STREAMS}{PRICES}{text}{}", customer("{jurisdiction: DE}"))).unwrap();
    // June is invoiced in July, December in January.
    for (month, row) in [("2020-05", "S 19 of"), ("2020-06", "S 16 of"), ("2020-12", "S 19 of")] {
        assert!(rows(&one(&catalogue, month, 0))[0].starts_with(row), "{month}");
    }
}

#[test]
fn a_correction_is_taxed_as_the_charge_that_it_corrects() {
    let catalogue = german("{jurisdiction: DE}");
    let mut account = Account::new();
    account.used("2020-06", "calls", 10);
    account.close("2020-06", &catalogue).unwrap();
    account.used("2020-06", "calls", 8);
    let july = account.close("2020-07", &catalogue).unwrap();
    // June: 8 × 1.25 = 10.00 at 19 %, 8 × 0.10 = 0.80 at 7 %; July: 100.00 at 16 %, books of nothing at 5 %.
    let expected = ["S 19 of 10.00 = 1.90", "S 16 of 100.00 = 16.00", "S 7 of 0.80 = 0.06", "S 5 of 0.00 = 0.00"];
    assert_eq!(rows(&july), expected);
}

#[test]
fn a_correction_by_the_day_of_issue_keeps_the_rate_that_was_charged() {
    let text = GERMANY.replace("    title: VAT\n", "    title: VAT\n    date: issue\n");
    let catalogue = load(&format!("{STREAMS}{PRICES}{text}{}", customer("{jurisdiction: DE}"))).unwrap();
    let mut account = Account::new();
    account.close("2020-11", &catalogue).unwrap();
    account.used("2020-11", "calls", 8);
    let december = account.close("2020-12", &catalogue).unwrap();
    assert_eq!(rows(&december)[..2], ["S 19 of 100.00 = 19.00", "S 16 of 10.00 = 1.60"]);
}

#[test]
fn a_customer_who_has_moved_is_corrected_where_it_was() {
    let france = "
  - jurisdiction: FR
    title: TVA
    rates: {standard: [{from: 2014-01-01, percent: 20}], reduced: [{from: 2014-01-01, percent: 5.5}]}
";
    let both = |tax: &str| load(&format!("{STREAMS}{PRICES}{GERMANY}{france}{}", customer(tax))).unwrap();
    let (then, now) = (both("{jurisdiction: DE}"), both("{jurisdiction: FR}"));
    let mut account = Account::new();
    account.close("2026-01", &then).unwrap();
    account.used("2026-01", "calls", 4);
    let february = account.close("2026-02", &now).unwrap();
    let whose = february.taxes.as_ref().unwrap().rows.iter().map(|row| (row.jurisdiction.as_str(), row.base.as_str()));
    let expected = [("DE", "5.00"), ("DE", "0.40"), ("FR", "100.00"), ("FR", "0.00")];
    assert_eq!(whose.collect::<Vec<_>>(), expected);
}

#[test]
fn what_was_never_charged_is_taxed_by_the_day_of_its_month() {
    let without = PRICES.replace(", components: [calls, books]", "").replace("    components: [calls, books]\n", "");
    let text = |prices: &str| load(&format!("{STREAMS}{prices}{GERMANY}{}", customer("{jurisdiction: DE}")));
    let bare = text(&without).unwrap();
    let mut account = Account::new();
    account.close("2020-06", &bare).unwrap();
    // The month is priced by a catalogue that has the component after all.
    account.months[0].1 = german("{jurisdiction: DE}");
    account.used("2020-06", "calls", 8);
    let july = account.close("2020-07", &bare).unwrap();
    assert_eq!(rows(&july), ["S 19 of 10.00 = 1.90", "S 16 of 100.00 = 16.00", "S 7 of 0.80 = 0.06"]);
}

#[test]
fn a_certificate_exempts_from_its_first_day_to_its_last() {
    let tax =
        "{jurisdiction: DE, exempt: {certificate: NATO-7, reason: Armed forces, from: 2026-02-01, until: 2026-03-01}}";
    let catalogue = german(tax);
    let exempt = one(&catalogue, "2026-02", 0);
    assert_eq!(rows(&exempt), ["E 0 of 100.00 = 0.00"]);
    let note = exempt.taxes.as_ref().unwrap().rows[0].note.as_deref();
    assert_eq!((note, exempt.total.as_str()), (Some("Exempt: Armed forces, certificate NATO-7"), "100.00"));
    for month in ["2026-01", "2026-03"] {
        assert_eq!(one(&catalogue, month, 0).total, "119.00", "{month}");
    }
}

#[test]
fn zero_rated_exempt_outside_and_reverse_charge_are_told_apart() {
    let taxes = "
taxes:
  - jurisdiction: DE
    title: VAT
    reverse-charge: Reverse charge
    rates:
      standard: [{from: 2007-01-01, percent: 19}]
      reduced: [{from: 2007-01-01, RULE}]
";
    let invoice = |rule: &str, tax: &str| {
        let text = format!("{STREAMS}{PRICES}{}{}", taxes.replace("RULE", rule), customer(tax));
        one(&load(&text).unwrap(), "2026-02", 10)
    };
    let notes = |invoice: &Invoice| {
        let rows = &invoice.taxes.as_ref().unwrap().rows;
        rows.iter().map(|row| row.note.clone().unwrap_or_default()).collect::<Vec<_>>()
    };
    let (taxable, reversed) = ("{jurisdiction: DE}", "{jurisdiction: DE, reverse-charge: {vat-id: FR12}}");
    let cases = [
        ("percent: 0", taxable, ["S 19 of 112.50 = 21.38", "Z 0 of 1.00 = 0.00"], ["", ""]),
        ("exempt: § 4 Nr. 8 UStG", taxable, ["S 19 of 112.50 = 21.38", "E 0 of 1.00 = 0.00"], ["", "§ 4 Nr. 8 UStG"]),
        ("outside: Deposit", taxable, ["S 19 of 112.50 = 21.38", "O - of 1.00 = 0.00"], ["", "Deposit"]),
        ("outside: Deposit", reversed, ["Ae 0 of 112.50 = 0.00", "O - of 1.00 = 0.00"], ["Reverse charge", "Deposit"]),
        ("exempt: Loans", reversed, ["E 0 of 1.00 = 0.00", "Ae 0 of 112.50 = 0.00"], ["Loans", "Reverse charge"]),
    ];
    for (rule, tax, expected, noted) in cases {
        let invoice = invoice(rule, tax);
        assert_eq!(
            (rows(&invoice), notes(&invoice)),
            (expected.map(str::to_owned).to_vec(), noted.map(str::to_owned).to_vec())
        );
    }
    let all = invoice("percent: 7", "{jurisdiction: DE, outside: Not in scope}");
    assert_eq!((rows(&all), all.total.as_str()), (vec!["O - of 113.50 = 0.00".to_owned()], "113.50"));
}

#[test]
fn several_jurisdictions_each_take_their_own() {
    let taxes = "
taxes:
  - {jurisdiction: US-CA, title: Sales tax, rates: {standard: [{from: 2017-01-01, percent: 6}], reduced: [{from: 2017-01-01, percent: 0}]}}
  - {jurisdiction: US-CA-LA, title: Sales tax, rates: {standard: [{from: 2017-01-01, percent: 3.5}], reduced: [{from: 2017-01-01, percent: 0}]}}
";
    let text = format!("{STREAMS}{PRICES}{taxes}{}", customer("{jurisdiction: [US-CA, US-CA-LA]}"));
    let invoice = one(&load(&text).unwrap(), "2026-02", 1);
    let expected = ["S 6 of 101.25 = 6.08", "Z 0 of 0.10 = 0.00", "S 3.5 of 101.25 = 3.54", "Z 0 of 0.10 = 0.00"];
    assert_eq!(rows(&invoice), expected);
    assert_eq!((invoice.total.as_str(), invoice.lines[0].taxes.as_slice()), ("110.97", [1, 3].as_slice()));
}

#[test]
fn a_discount_lowers_what_is_taxed_in_each_category() {
    let prices = PRICES
        .replace("    components: [calls", "    discounts: [{title: Partner, percent: 10}]\n    components: [calls");
    let text = format!("{STREAMS}{prices}{GERMANY}{}", customer("{jurisdiction: DE}"));
    // 112.50 + 1.00, 10 % off: 11.25 and 0.10.
    let invoice = one(&load(&text).unwrap(), "2026-02", 10);
    assert_eq!(rows(&invoice), ["S 19 of 101.25 = 19.24", "S 7 of 0.90 = 0.06"]);
}

#[test]
fn a_day_before_the_first_rate_holds_the_invoice() {
    let text = GERMANY.replace("2007-01-01", "2020-01-01");
    let catalogue = load(&format!("{STREAMS}{PRICES}{text}{}", customer("{jurisdiction: DE}"))).unwrap();
    let refused = Account::new().close("2019-12", &catalogue).unwrap_err();
    let expected = "“DE” has no rate for the tax category “standard” on 2019-12-31: the first is from 2020-01-01. Add \
                    the rate that held before";
    assert!(refused.ends_with(expected), "{refused}");
}

#[test]
fn an_invoice_without_taxes_does_not_speak_of_them() {
    let text = format!("{STREAMS}{PRICES}{}", customer("").replace("    tax: \n", ""));
    let invoice = one(&load(&text).unwrap(), "2026-02", 10);
    assert!(!invoice.canonical_json().unwrap().contains("taxes"));
    assert_eq!(invoice.total, "113.50");
}

#[test]
fn months_from_before_the_taxes_are_corrected_at_the_rate_of_their_day() {
    let before = load(&format!("{STREAMS}{PRICES}{}", customer("").replace("    tax: \n", ""))).unwrap();
    let mut account = Account::new();
    account.close("2020-06", &before).unwrap();
    account.used("2020-06", "calls", 8);
    let july = account.close("2020-07", &german("{jurisdiction: DE}")).unwrap();
    assert_eq!(rows(&july)[..2], ["S 19 of 10.00 = 1.90", "S 16 of 100.00 = 16.00"]);
}

#[test]
fn taxes_that_the_lines_do_not_come_to_are_refused() {
    let sound = one(&german("{jurisdiction: DE}"), "2026-02", 13);
    let tampered: [fn(&mut Invoice); 9] = [
        |invoice| invoice.total = "139.74".to_owned(),
        |invoice| invoice.taxes.as_mut().unwrap().net = "117.56".to_owned(),
        |invoice| invoice.taxes.as_mut().unwrap().tax = "22.19".to_owned(),
        |invoice| invoice.taxes.as_mut().unwrap().rows[0].amount = "22.08".to_owned(),
        |invoice| invoice.taxes.as_mut().unwrap().rows[0].base = "116.26".to_owned(),
        |invoice| invoice.taxes.as_mut().unwrap().rows[0].percent = Some("20".to_owned()),
        |invoice| invoice.taxes.as_mut().unwrap().rows[1].number = 3,
        |invoice| invoice.lines[0].taxes.clear(),
        |invoice| invoice.lines[0].taxes = vec![7],
    ];
    assert!(sound.check().is_ok());
    for (index, tamper) in tampered.iter().enumerate() {
        let mut invoice = sound.clone();
        tamper(&mut invoice);
        assert!(matches!(invoice.check(), Err(invoicing::DocumentError::Tax(_))), "{index}");
    }
    let untaxed = Invoice { taxes: None, total: "117.55".to_owned(), ..sound };
    assert!(matches!(untaxed.check(), Err(invoicing::DocumentError::Tax(_))));
}

/// The examples of the page: a catalogue, then months with their usage, and what the last invoice says.
#[test]
fn every_example_of_the_page_comes_out_as_it_says() {
    let mut blocks = PAGE.split("```").skip(1).step_by(2).map(|block| block.split_once('\n').unwrap());
    let (common, mut yaml, mut examples) = (blocks.next().unwrap().1, "", 0);
    for (language, block) in blocks {
        if language == "yaml" {
            yaml = block;
            continue;
        }
        let given: Vec<&str> = block.lines().take_while(|line| line.starts_with("given ")).collect();
        let shown = shown(&format!("{STREAMS}{common}{yaml}"), &given);
        assert_eq!(format!("{}\n{shown}", given.join("\n")), block.trim_end(), "\n{yaml}");
        examples += 1;
    }
    assert!(examples >= 6, "{examples}");
}

fn shown(yaml: &str, given: &[&str]) -> String {
    let catalogue = match load(yaml) {
        Ok(catalogue) => catalogue,
        Err(problems) => return format!("error {problems}"),
    };
    let (mut account, mut last) = (Account::new(), Ok(String::new()));
    for line in given {
        let mut words = line.strip_prefix("given ").unwrap().split(", ");
        let month = words.next().unwrap();
        for word in words {
            let (what, quantity) = word.split_once(" = ").unwrap();
            let (stream, of) = what.split_once(" of ").unwrap_or((what, month));
            account.used(of, stream, quantity.parse().unwrap());
        }
        last = account.close(month, &catalogue).map(|invoice| told(&invoice));
    }
    last.unwrap_or_else(|error| format!("error {error}"))
}

fn told(invoice: &Invoice) -> String {
    let taxes = invoice.taxes.as_ref().unwrap();
    let names: BTreeMap<u32, String> = taxes.rows.iter().map(|row| (row.number, name(row))).collect();
    let line = |line: &invoicing::Line| {
        let taxed: Vec<&str> = line.taxes.iter().map(|number| names[number].as_str()).collect();
        let month = if line.period == invoice.period.label { String::new() } else { format!(" of {}", line.period) };
        format!("{}{month} {} at {}", line.title, grouped(&line.amount), taxed.join(" and "))
    };
    let mut out: Vec<String> = invoice.lines.iter().map(line).collect();
    out.push(format!("net {}", grouped(&taxes.net)));
    for row in &taxes.rows {
        let note = row.note.as_ref().map_or_else(String::new, |note| format!(" ({note})"));
        out.push(format!("{} on {}: {}{note}", name(row), grouped(&row.base), grouped(&row.amount)));
    }
    out.push(format!("total {} {}", grouped(&invoice.total), invoice.currency));
    out.join("\n")
}

fn name(row: &invoicing::TaxRow) -> String {
    let code = serde_json::to_value(row.code).unwrap();
    let rate = row.percent.as_ref().map_or_else(String::new, |percent| format!(" {percent} %"));
    format!("{} {}{rate} [{}]", row.jurisdiction, row.title, code.as_str().unwrap())
}
