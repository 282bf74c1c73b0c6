//! Whole documents: what is printed, that it always can be printed, and that it is the same each time.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod samples;

use std::collections::BTreeSet;

use invoicing::Invoice;
use proptest::prelude::*;
use samples::{draft, long, october, settle, taxed, with_names};
use serde_json::Value;

/// Every string that is placed on the page, as a reader sees it.
fn printed(invoice: &Invoice) -> BTreeSet<String> {
    fn collect(value: &Value, strings: &mut BTreeSet<String>) {
        match value {
            Value::String(text) => drop(strings.insert(text.replace('\u{200B}', "").replace('\u{A0}', " "))),
            Value::Array(items) => items.iter().for_each(|item| collect(item, strings)),
            Value::Object(members) => members.values().for_each(|member| collect(member, strings)),
            _ => {}
        }
    }
    let mut strings = BTreeSet::new();
    collect(&view(invoice), &mut strings);
    strings
}

fn view(invoice: &Invoice) -> Value {
    serde_json::from_str(&render::view_json(invoice).unwrap()).unwrap()
}

fn says(invoice: &Invoice, expected: &[&str]) {
    let printed = printed(invoice);
    for text in expected {
        assert!(printed.contains(*text), "“{text}” is missing from {printed:#?}");
    }
}

fn contains(bytes: &[u8], part: &str) -> bool {
    bytes.windows(part.len()).any(|window| window == part.as_bytes())
}

#[test]
fn the_same_invoice_gives_the_same_bytes() {
    let first = render::pdf(&october()).unwrap();
    assert!(first.starts_with(b"%PDF-1.7"));
    assert!(first == render::pdf(&october()).unwrap(), "two renders differ");
}

#[test]
fn the_file_declares_both_standards_and_carries_the_invoice() {
    let pdf = render::pdf(&october()).unwrap();
    for mark in ["<pdfaid:part>3</pdfaid:part>", "<pdfuaid:part>1</pdfuaid:part>", "(invoice.json)"] {
        assert!(contains(&pdf, mark), "{mark}");
    }
}

#[test]
fn the_first_page_says_how_much_by_when_and_what_changed() {
    says(
        &october(),
        &[
            "€8,939.03",
            "2 Dec 2026",
            "Up €796.86 (9.8 %)",
            "on September 2026",
            "1 – 31 Oct 2026",
            "Total, due 2 Dec 2026",
            "DE02 1203 0000 0000 2020 51",
            "€3,659.72",
        ],
    );
}

#[test]
fn every_amount_and_quantity_is_printed() {
    let (invoice, printed) = (october(), printed(&october()));
    let seen: BTreeSet<String> = printed.iter().map(|text| text.replace(',', "")).collect();
    for line in &invoice.lines {
        assert!(seen.contains(&line.amount), "amount of line {}", line.number);
        assert!(line.quantity.as_ref().is_none_or(|quantity| seen.contains(quantity)), "quantity of {}", line.number);
        assert!(seen.contains(&line.number.to_string()));
    }
}

#[test]
fn corrections_stand_apart_and_name_their_period() {
    says(
        &october(),
        &[
            "Corrections of earlier periods",
            "Correction for September 2026",
            "Charges (12 lines)",
            "€8,926.63",
            "Corrections of earlier periods (1 line)",
            "€12.40",
        ],
    );
}

#[test]
fn net_tax_and_total_are_printed_with_each_rate() {
    let invoice = taxed();
    let shown = [
        "Net amount",
        "€137,724.07",
        "Tax",
        "€22,505.64",
        "€160,229.71",
        "VAT DE",
        "taxed (S)",
        "19 %",
        "€107,208.00",
        "€20,369.52",
        "7 %",
        "€30,516.07",
        "€2,136.12",
        "VAT 19 %",
        "VAT 7 %",
    ];
    says(&invoice, &shown);
    assert_eq!(view(&invoice)["headline"]["amount"], "€160,229.71");
    assert!(render::pdf(&invoice).is_ok());
    // Without taxes nothing is said of them.
    assert_eq!(view(&october())["taxes"], Value::Array(Vec::new()));
    assert!(printed(&october()).is_disjoint(&["Net amount", "Tax"].map(str::to_owned).into()));
}

#[test]
fn a_reverse_charge_bears_its_note_and_lines_of_one_rate_do_not_repeat_it() {
    let mut invoice = taxed();
    let taxes = invoice.taxes.as_mut().unwrap();
    taxes.rows.truncate(1);
    (taxes.rows[0].code, taxes.rows[0].percent) = (pricing::TaxCode::Ae, Some("0".to_owned()));
    taxes.rows[0].note = Some("Reverse charge".to_owned());
    (taxes.tax, taxes.rows[0].amount) = ("0.00".to_owned(), "0.00".to_owned());
    taxes.rows[0].base.clone_from(&taxes.net);
    invoice.total.clone_from(&taxes.net);
    invoice.lines.iter_mut().for_each(|line| line.taxes = vec![1]);
    says(&invoice, &["reverse charge (AE)", "Reverse charge", "0 %", "€0.00"]);
    assert!(view(&invoice)["sections"][0]["lines"][0]["tax"] == "");
    assert!(render::pdf(&invoice).is_ok());
}

#[test]
fn a_draft_says_so_and_asks_for_nothing() {
    says(&draft(), &["DRAFT", "Total of this draft", "nothing yet", "Amount of this draft"]);
    assert_eq!(view(&draft())["pay"], Value::Array(Vec::new()));
    assert!(render::pdf(&draft()).is_ok());
}

#[test]
fn a_credit_is_not_asked_for() {
    let mut invoice = october();
    invoice.lines = vec![invoice.lines.pop().unwrap()];
    invoice.lines[0].amount = "-1234.50".to_owned();
    let invoice = settle(invoice);
    says(&invoice, &["In your favour", "−€1,234.50", "nothing", "−1,234.50", "Down €9,376.67 (115.2 %)"]);
    assert_eq!(view(&invoice)["bar"], Value::Array(Vec::new()));
    assert!(render::pdf(&invoice).is_ok());
}

#[test]
fn an_invoice_of_nothing_can_be_printed() {
    let mut invoice = october();
    (invoice.lines, invoice.history) = (Vec::new(), Vec::new());
    let invoice = settle(invoice);
    says(&invoice, &["€0.00", "nothing"]);
    assert!(render::pdf(&invoice).is_ok());
}

#[test]
fn many_services_share_the_last_colour() {
    let mut invoice = october();
    let line = invoice.lines[1].clone();
    invoice.lines = (0..30).map(|n| invoicing::Line { group: format!("Service {n}"), ..line.clone() }).collect();
    let invoice = settle(invoice);
    says(&invoice, &["23 other services", "€2,300.00", "76.7 %"]);
    let parts: u64 = view(&invoice)["bar"].as_array().unwrap().iter().map(|p| p["mille"].as_u64().unwrap()).sum();
    assert_eq!(parts, 1000);
}

#[test]
fn a_long_invoice_stays_small() {
    let pdf = render::pdf(&long()).unwrap();
    assert!(pdf.len() < 2_000_000, "{} bytes", pdf.len());
}

#[test]
fn figures_of_any_length_can_be_printed() {
    let mut invoice = october();
    invoice.lines[2].quantity = Some("123456789012345678901234567890.123456789012".to_owned());
    invoice.lines[2].unit_price = Some("0.000000000000123456789".to_owned());
    invoice.lines[2].amount = "99999999999999999999999999.99".to_owned();
    let invoice = settle(invoice);
    says(&invoice, &["123,456,789,012,345,678,901,234,567,890.123456789012", "99,999,999,999,999,999,999,999,999.99"]);
    assert!(render::pdf(&invoice).is_ok());
}

#[test]
fn a_total_that_does_not_add_up_is_refused() {
    let invoice = Invoice { total: "1.00".to_owned(), ..october() };
    let message = render::pdf(&invoice).unwrap_err().to_string();
    assert_eq!(
        message,
        "invoice inv_aurora_2026-10 cannot be printed: the total is 1.00 but the lines add up to 8939.03"
    );
}

#[test]
fn names_of_every_kind_can_be_printed() {
    let names = [
        "",
        " ",
        "🚀 \u{7} rocket \u{E000} ⵣ",
        "#import \"/etc/passwd\" $x$ *_`<a>[b]@c",
        "\u{202E}gpj.exe",
        "a/very-long_name.without:spaces/a/very-long_name.without:spaces/a/very-long_name.without:spaces",
        "漢字 かな 한글 （株） فاتورة חשבונית चालान ใบแจ้งหนี้ ინვოისი",
        "e\u{301}\u{301}\u{301} \u{301} ◌\u{93F} क\u{200D}ष",
        "line\r\nbreak\u{2028}and\u{2029}more",
    ];
    for name in names {
        assert!(render::pdf(&with_names(name)).is_ok(), "{name:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_can_be_printed(name in "(\\PC|\\pM|\\pC|[\\u{600}-\\u{6FF}\\u{900}-\\u{9FF}\\u{B80}-\\u{BFF}\\u{E00}-\\u{E7F}]){0,40}") {
        let rendered = render::pdf(&with_names(&name));
        prop_assert!(rendered.is_ok(), "{:?}", rendered.err());
    }
}
