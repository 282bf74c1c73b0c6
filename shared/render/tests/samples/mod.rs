//! Invented invoices.

use invoicing::Invoice;
use pricing::Amount;

/// An ordinary month: fees, usage, a corrected earlier period, five earlier totals.
pub fn october() -> Invoice {
    Invoice::from_json(include_str!("../../samples/october.json")).unwrap()
}

/// A month with every kind of line: fees, tiers, packages, discounts, a commitment, corrections, credits; two rates of tax.
pub fn taxed() -> Invoice {
    Invoice::from_json(include_str!("../../samples/taxed.json")).unwrap()
}

/// The same month without a number.
pub fn draft() -> Invoice {
    Invoice { number: None, ..october() }
}

/// The same month with its charges repeated until there are about 500 of them.
pub fn long() -> Invoice {
    let mut invoice = october();
    let month = invoice.lines.clone();
    while invoice.lines.len() < 500 {
        invoice.lines.extend(month.iter().cloned());
    }
    invoice.lines.sort_by_key(|line| (line.kind == invoicing::LineKind::TrueUp, line.group.clone()));
    settle(invoice)
}

/// A small month in which every piece of free text is `text`.
pub fn with_names(text: &str) -> Invoice {
    let mut invoice = october();
    let name = || text.to_owned();
    invoice.lines.truncate(4);
    for line in &mut invoice.lines {
        (line.group, line.title, line.detail) = (name(), name(), Some(name()));
        (line.unit, line.deployment) = (Some(name()), Some(name()));
    }
    for party in [&mut invoice.seller, &mut invoice.customer] {
        party.name = name();
        party.lines = vec![name()];
        party.ids = vec![(name(), name())];
    }
    (invoice.number, invoice.account, invoice.plan) = (Some(name()), name(), name());
    (invoice.payment, invoice.notes) = (vec![name()], vec![name()]);
    settle(invoice)
}

/// Numbers the lines and adds them up.
pub fn settle(mut invoice: Invoice) -> Invoice {
    let mut total = Amount::ZERO;
    for (number, line) in (1..).zip(&mut invoice.lines) {
        line.number = number;
        total = total.add(Amount::parse(&line.amount, invoice.minor_digits).unwrap()).unwrap();
    }
    invoice.total = total.format(invoice.minor_digits);
    invoice
}
