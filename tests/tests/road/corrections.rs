//! What is known only after the invoice: it is charged with the next one, and what was issued stays.

use invoicing::{Invoice, LineKind};
use ledger::configuration::Configuration;
use ledger::invoice::{Outcome as Closing, publish};
use ledger::ownership::Unowned;
use ledger::ports::Bucket;
use ledger::translate::Outcome;
use metering::exact::Exact;

use crate::world::{CATALOGUE, FEBRUARY_2, MARCH_2, World, at_once, charged, counts, line, used};

const PAGES: &[u8] = b"pages";

fn publish_pages(world: &World, invoice: &Invoice) {
    let pages = |_: &Invoice| Ok(PAGES.to_vec());
    let (first, second) = world.twice(|| at_once(publish(&world.memory, invoice, pages)).unwrap());
    assert_eq!((first, second), (true, false));
}

#[test]
fn usage_of_an_unknown_deployment_is_held_and_charged_once_somebody_has_it() {
    let mut world = World::new();
    world.arrive("fixed/one/a.jsonl", used(3, "4"));
    assert_eq!(world.arrive("fixed/two/a.jsonl", used(3, "7")), Outcome::Tallied(counts(1, 0)));
    world.at(FEBRUARY_2);
    let closed = world.close("2026-01");
    let [held] = closed.held.try_into().unwrap();
    assert_eq!((held.deployment.as_str(), held.stream.as_str(), held.unit.as_str()), ("two", "calls", "call"));
    assert_eq!((held.quantity, held.reason), (Exact::integer(7), Unowned::Unknown));
    // The others are invoiced: 10.00 + 4 × 0.50.
    let january = world.invoice("2026-01");
    assert_eq!(january.total, "12.00");

    world.configure(
        &CATALOGUE.replace("{id: one, from: 2026-01-01}", "{id: one, from: 2026-01-01}, {id: two, from: 2026-01-01}"),
    );
    world.at(MARCH_2);
    let february = world.invoice("2026-02");
    let true_up = line(&february, "calls", "2026-01");
    // Was 4 × 0.50 = 2.00, is (4 + 7) × 0.50 = 5.50.
    assert_eq!((true_up.kind, true_up.amount.as_str()), (LineKind::TrueUp, "3.50"));
    assert_eq!(true_up.detail.as_deref(), Some("2026-01 on R-000001: was 2.00, is 5.50"));
    // February's fee and nothing used.
    assert_eq!(february.total, "13.50");
    assert_eq!(world.close("2026-02").held, []);
    assert_eq!(world.invoice("2026-01"), january, "an issued invoice stays as it is");
}

#[test]
fn usage_before_a_deployment_belonged_to_anybody_is_held_too() {
    let world = World::of(&[&CATALOGUE.replace("{id: one, from: 2026-01-01}", "{id: one, from: 2026-01-10}")]);
    world.arrive("fixed/one/a.jsonl", used(9, "4") + &used(10, "6"));
    world.at(FEBRUARY_2);
    let [held] = world.close("2026-01").held.try_into().unwrap();
    assert_eq!((held.quantity, held.reason), (Exact::integer(4), Unowned::NotEffective));
    // 10.00 + 6 × 0.50 = 13.00.
    assert_eq!(world.invoice("2026-01").total, "13.00");
}

#[test]
fn an_unknown_currency_is_told_with_its_place_and_what_was_meant() {
    let text = CATALOGUE.replace("currency: USD, recurring", "currency: UDS, recurring");
    let problems = Configuration::load(vec![("catalogue.yaml".to_owned(), text.clone())]).unwrap_err().0;
    let line = text.lines().position(|line| line.contains("UDS")).unwrap() + 1;
    let problem = problems.iter().find(|problem| problem.message.contains("UDS")).unwrap();
    assert_eq!((problem.file.as_str(), problem.line), ("catalogue.yaml", line));
    assert_eq!(problem.path, "plans[0].currency");
    assert!(problem.hint.as_ref().unwrap().contains("USD"), "{}", problem.line());
}

#[test]
fn a_period_waits_for_its_end_and_its_grace() {
    let world = World::new();
    world.arrive("fixed/one/a.jsonl", used(3, "4"));
    for early in ["2026-01-20T00:00:00Z", "2026-02-01T00:00:00Z", "2026-02-01T23:59:59.999Z"] {
        world.at(early);
        let [reason] = world.waits("2026-01").try_into().unwrap();
        assert_eq!(
            reason,
            "the period 2026-01 ends at 2026-02-01T00:00:00Z, and files are awaited for another 24 hours"
        );
        assert_eq!(world.memory.object(Bucket::Work, "documents/"), None);
    }
    world.at("2026-02-02T00:00:00Z");
    assert_eq!(world.invoice("2026-01").total, "12.00");
}

#[test]
fn a_period_ends_by_the_customers_zone() {
    // Los Angeles is 8 hours behind: its January ends at 08:00 UTC.
    let world =
        World::of(&[&CATALOGUE.replace("address: [Lane 2]", "address: [Lane 2]\n    zone: America/Los_Angeles")]);
    world.at("2026-02-02T07:59:59Z");
    let [reason] = world.waits("2026-01").try_into().unwrap();
    assert!(reason.contains("ends at 2026-02-01T08:00:00Z"), "{reason}");
    world.at("2026-02-02T08:00:00Z");
    assert_eq!(world.invoice("2026-01").total, "10.00");
}

#[test]
fn a_replaced_file_is_trued_up_on_the_next_invoice_under_its_own_period() {
    let world = World::new();
    let key = "replaced/one/a.jsonl";
    world.arrive(key, used(3, "4"));
    world.at(FEBRUARY_2);
    let january = world.invoice("2026-01");
    publish_pages(&world, &january);
    assert_eq!(january.total, "12.00");
    let (json, pdf) = ledger::invoice::published_keys(&january);
    let issued = world.memory.object(Bucket::Invoices, &json).unwrap();

    world.at("2026-02-10T00:00:00Z");
    assert_eq!(world.arrive(key, used(3, "1") + &used(4, "1")), Outcome::Tallied(counts(2, 0)));
    world.arrive("fixed/one/february.jsonl", used(3, "20").replace("2026-01", "2026-02"));
    world.at(MARCH_2);
    let february = world.invoice("2026-02");
    publish_pages(&world, &february);
    // January: was 4 × 0.50 = 2.00, is (1 + 1) × 0.50 = 1.00. February: 10.00 + 20 × 0.50 = 20.00.
    let true_up = line(&february, "calls", "2026-01");
    assert_eq!((true_up.kind, true_up.amount.as_str()), (LineKind::TrueUp, "-1.00"));
    assert_eq!(charged(&february)[&("calls", "2026-02")], "10.00");
    assert_eq!(february.total, "19.00");
    assert_eq!((january.number.as_deref(), february.number.as_deref()), (Some("R-000001"), Some("R-000002")));

    assert_eq!(world.invoice("2026-01"), january);
    assert_eq!(world.memory.object(Bucket::Invoices, &json).unwrap(), issued);
    assert_eq!(world.memory.object(Bucket::Invoices, &pdf).unwrap(), PAGES);
    // What was corrected is corrected once.
    world.at("2026-04-02T06:00:00Z");
    assert_eq!(world.invoice("2026-03").total, "10.00");
}

#[test]
fn a_late_file_is_trued_up_and_a_new_price_does_not_reach_back() {
    let mut world = World::new();
    world.arrive("fixed/one/a.jsonl", used(3, "4"));
    world.at(FEBRUARY_2);
    let january = world.invoice("2026-01");

    // Ten times the price, and another fee.
    world.configure(&CATALOGUE.replace("per-unit: 0.50", "per-unit: 5.00").replace("amount: 10.00", "amount: 30.00"));
    world.arrive("fixed/one/late.jsonl", used(30, "6"));
    world.arrive("fixed/one/february.jsonl", used(3, "2").replace("2026-01", "2026-02"));
    world.at(MARCH_2);
    let february = world.invoice("2026-02");
    let charges = charged(&february);
    // January at January's price: was 2.00, is (4 + 6) × 0.50 = 5.00. Its fee stays 10.00.
    assert_eq!(charges[&("calls", "2026-01")], "3.00");
    assert_eq!(charges.keys().filter(|(_, period)| *period == "2026-01").count(), 1);
    // February at the new one: 30.00 + 2 × 5.00.
    assert_eq!(charges[&("calls", "2026-02")], "10.00");
    assert_eq!(february.total, "43.00");
    assert_eq!(world.invoice("2026-01"), january);
    assert_ne!(january.provenance.catalogue, february.provenance.catalogue);
}

#[test]
fn a_new_price_alone_corrects_nothing() {
    let mut world = World::new();
    world.arrive("fixed/one/a.jsonl", used(3, "4"));
    world.at(FEBRUARY_2);
    world.invoice("2026-01");
    world.configure(&CATALOGUE.replace("per-unit: 0.50", "per-unit: 5.00"));
    world.at(MARCH_2);
    let february = world.invoice("2026-02");
    assert!(february.lines.iter().all(|line| line.period == "2026-02"), "{:?}", charged(&february));
    assert_eq!(february.total, "10.00");
}

#[test]
fn customers_that_are_not_published_yet_keep_a_period_open() {
    let world = World::new();
    world.at(FEBRUARY_2);
    let options = ledger::invoice::Options { month: "2026-01".to_owned(), settle_minutes: 0, preview: false };
    let configuration = Configuration::load(vec![("catalogue.yaml".to_owned(), CATALOGUE.to_owned())]).unwrap();
    let closed = at_once(ledger::invoice::close(&world.memory, &configuration, &options)).unwrap();
    let Closing::Waiting(reasons) = &closed.accounts["ann"] else { panic!("{closed:?}") };
    assert_eq!(reasons, &["the customers of the catalogue are not published yet; `correlate` does that"]);
}

#[test]
fn the_whole_road_walked_again_changes_nothing() {
    let world = World::new();
    let keys = ["fixed/one/a.jsonl", "fixed/two/b.jsonl", "replaced/one/c.jsonl", "nobody/d", "fixed/one/e.jsonl"];
    for key in keys {
        world.arrive(key, used(3, "4") + &used(5, "-2"));
    }
    world.at(FEBRUARY_2);
    let invoice = world.invoice("2026-01");
    publish_pages(&world, &invoice);
    world.sweep();
    let before = world.state();
    for key in keys.iter().rev() {
        world.deliver(key);
    }
    assert_eq!(world.sweep(), [""; 0]);
    assert_eq!(world.invoice("2026-01"), invoice);
    let pages = |_: &Invoice| -> Result<Vec<u8>, String> { Err("the pages are there already".to_owned()) };
    assert!(!at_once(publish(&world.memory, &invoice, pages)).unwrap());
    assert_eq!(world.state(), before);
}

#[test]
fn another_rule_for_a_stream_does_not_reach_back() {
    let mut world = World::new();
    world.arrive("fixed/one/a.jsonl", used(3, "4") + &used(4, "6"));
    world.at(FEBRUARY_2);
    // 10.00 + (4 + 6) × 0.50 = 15.00.
    assert_eq!(world.invoice("2026-01").total, "15.00");
    // From now on only the largest number counts.
    world.configure(&CATALOGUE.replace("month: sum", "month: peak"));
    world.arrive("fixed/one/february.jsonl", (used(3, "4") + &used(4, "6")).replace("2026-01", "2026-02"));
    world.at(MARCH_2);
    let february = world.invoice("2026-02");
    assert!(february.lines.iter().all(|line| line.period == "2026-02"), "{:?}", charged(&february));
    // 10.00 + 6 × 0.50 = 13.00.
    assert_eq!(february.total, "13.00");
}
