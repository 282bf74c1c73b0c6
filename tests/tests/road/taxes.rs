//! Taxes on the whole road: on the invoice, in the books, derived again; and what cannot be taxed is held.

use invoicing::Taxes;
use ledger::explain::explain;
use ledger::invoice::Outcome;
use ledger::verify::verify;
use pricing::TaxCode;

use crate::world::{CATALOGUE, FEBRUARY_2, MARCH_2, World, at_once, used};

const TAXES: &str = "
taxes:
  - jurisdiction: DE
    title: VAT
    reverse-charge: Reverse charge
    rates: {standard: [{from: 2026-01-01, percent: 19}, {from: 2026-02-01, percent: 20}]}
";

fn taxed(tax: &str) -> String {
    format!(
        "{}{TAXES}",
        CATALOGUE.replace("    address: [Lane 2]\n", &format!("    address: [Lane 2]\n    tax: {tax}\n"))
    )
}

fn figures(taxes: &Taxes) -> (Vec<(TaxCode, &str, &str)>, &str, &str) {
    let rows = taxes.rows.iter().map(|row| (row.code, row.base.as_str(), row.amount.as_str())).collect();
    (rows, &taxes.net, &taxes.tax)
}

#[test]
fn an_invoice_with_taxes_is_derived_again_byte_by_byte() {
    let world = World::of(&[&taxed("{jurisdiction: DE}")]);
    world.arrive("fixed/one/a.jsonl", used(3, "4.5"));
    world.at(FEBRUARY_2);
    let january = world.invoice("2026-01");
    // 10.00 + 4.5 × 0.50 = 12.25 at 19 % = 2.3275.
    assert_eq!(january.total, "14.58");
    assert_eq!(figures(january.taxes.as_ref().unwrap()), (vec![(TaxCode::S, "12.25", "2.33")], "12.25", "2.33"));

    world.arrive("fixed/one/b.jsonl", used(4, "3"));
    world.at(MARCH_2);
    let february = world.invoice("2026-02");
    // January's 3 × 0.50 at January's 19 %, February's 10.00 at 20 %.
    let rows = vec![(TaxCode::S, "10.00", "2.00"), (TaxCode::S, "1.50", "0.29")];
    assert_eq!(figures(february.taxes.as_ref().unwrap()), (rows, "11.50", "2.29"));
    assert_eq!((february.total.as_str(), february.history[0].total.as_str()), ("13.79", "14.58"));
    for number in ["R-000001", "R-000002"] {
        assert!(at_once(verify(&world.memory, number)).unwrap().holds(), "{number}");
    }
    let explained = at_once(explain(&world.memory, "R-000002", None)).unwrap();
    assert_eq!(explained.found.issued.total, "13.79");
    let rows = |line: &ledger::explain::Explained| line.line.taxes.clone();
    assert_eq!(explained.lines.iter().map(rows).collect::<Vec<_>>(), [[1], [1], [2]]);
}

#[test]
fn reverse_charge_shows_the_note_and_the_vat_id() {
    let world = World::of(&[&taxed("{jurisdiction: DE, reverse-charge: {vat-id: FR12345678901}}")]);
    world.at(FEBRUARY_2);
    let invoice = world.invoice("2026-01");
    let row = &invoice.taxes.as_ref().unwrap().rows[0];
    assert_eq!((row.code, row.note.as_deref()), (TaxCode::Ae, Some("Reverse charge")));
    assert_eq!(invoice.customer.ids, [("VAT ID".to_owned(), "FR12345678901".to_owned())]);
    assert_eq!(invoice.total, "10.00");
}

#[test]
fn a_month_without_a_rate_is_held_and_keeps_nobody_else_waiting() {
    let bob = "
  - {id: bob, name: Bob, tax: {jurisdiction: DE, outside: Elsewhere}, subscriptions: [{plan: plan, from: 2026-01-01}]}
";
    let late = taxed("{jurisdiction: DE}").replace("{from: 2026-01-01, percent: 19}, ", "");
    let world = World::of(&[&late, &format!("customers:{bob}")]);
    world.at(FEBRUARY_2);
    let closed = world.close("2026-01");
    let Outcome::Failed(reason) = &closed.accounts["ann"] else { panic!("{:?}", closed.accounts["ann"]) };
    assert!(reason.contains("no rate for the tax category “standard” on 2026-01-31"), "{reason}");
    assert!(matches!(&closed.accounts["bob"], Outcome::Issued(invoice, _) if invoice.total == "10.00"));
}
