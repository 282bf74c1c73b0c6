//! The document's bytes and what it refuses.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use invoicing::{DocumentError, Invoice};

const TWO_PAGES: &str = include_str!("../fixtures/two-pages.json");

fn two_pages() -> Invoice {
    Invoice::from_json(TWO_PAGES).unwrap()
}

#[test]
fn the_fixture_is_its_own_canonical_form() {
    assert_eq!(two_pages().canonical_json().unwrap(), TWO_PAGES);
}

#[test]
fn white_space_and_key_order_do_not_matter() {
    let value: serde_json::Value = serde_json::from_str(TWO_PAGES).unwrap();
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    assert_eq!(Invoice::from_json(&pretty).unwrap().canonical_json().unwrap(), TWO_PAGES);
}

#[test]
fn a_total_that_is_not_the_sum_is_refused() {
    let mut invoice = two_pages();
    invoice.lines[0].amount = "500.01".to_owned();
    assert!(matches!(invoice.check(), Err(DocumentError::Total { .. })));
}

#[test]
fn an_amount_with_too_many_digits_is_refused_and_named() {
    let mut invoice = two_pages();
    invoice.lines[1].amount = "1.005".to_owned();
    assert!(invoice.check().unwrap_err().to_string().starts_with("lines[1].amount: "));
}

#[test]
fn lines_are_numbered_without_gaps() {
    let mut invoice = two_pages();
    invoice.lines.remove(0);
    assert!(matches!(invoice.check(), Err(DocumentError::LineNumber { expected: 1, found: 2 })));
}

#[test]
fn another_format_and_an_unknown_member_are_refused() {
    let other = TWO_PAGES.replace("farthing.invoice/1", "farthing.invoice/2");
    assert!(matches!(Invoice::from_json(&other), Err(DocumentError::Format(_))));
    let extra = TWO_PAGES.replacen('{', "{\"discount\":1,", 1);
    assert!(matches!(Invoice::from_json(&extra), Err(DocumentError::Json(_))));
}
