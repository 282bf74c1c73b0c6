//! Fees of who turns out late to have held a plan, with nothing used.

use std::collections::BTreeMap;

use ledger::invoice::{Closed, Outcome, close};
use ledger::verify::verify;
use metering::time::Instant;
use salesforce_peer::{Org, Peer, id};

use crate::billing::MARCH;
use crate::world::{CATALOGUE, DAY, FEBRUARY, HOUR, World, account, finish};

const APRIL: i64 = MARCH + 31 * DAY;

/// A day of February costs 31.00 and a day of March 28.00 for the platform; support costs the same for each month.
const PLANS: &str = "plans:
  - {name: platform, title: Platform, currency: USD, recurring: [{title: Platform fee, amount: 868.00}]}
  - {name: support, title: Support, currency: USD, recurring: [{title: Support fee, amount: 280.00, prorate: none}]}
salesforce:
  - name: crm
    host: https://peer.my.salesforce.com
    organisation: ORG
    preset: contract
";

/// As [`World::new`], with plans that cost something.
fn world() -> World {
    let mut world = World::new(crate::world::ASSETS);
    world.catalogue = load(&world.peer);
    world
}

fn text(org: &Org) -> String {
    let before = CATALOGUE.split("components:").next().unwrap();
    format!("{before}{}", PLANS.replace("ORG", &org.id))
}

fn load(peer: &Peer) -> std::sync::Arc<catalog::Catalogue> {
    let text = peer.change(|org, _| text(org));
    catalog::load([("a.yaml".to_owned(), text)]).unwrap_or_else(|problems| panic!("{problems}")).catalogue
}

fn close_month(world: &World, month: &str) -> Closed {
    let text = world.peer.change(|org, _| text(org));
    let configuration = ledger::configuration::Configuration::load(vec![("a.yaml".to_owned(), text)]).unwrap();
    let options = ledger::invoice::Options { month: month.to_owned(), settle_minutes: 0, preview: false };
    finish(close(&world.memory, &configuration, &options)).unwrap()
}

fn contract(world: &World, number: u64, owner: u64, plan: &str, (from, until): (&str, &str)) {
    let owner = id("001", owner);
    let values = [
        ("AccountId", owner.as_str()),
        ("Plan__c", plan),
        ("StartDate", from),
        ("EndDate", until),
        ("Status", "Activated"),
    ];
    world.put("Contract", number, &values);
}

/// What an invoice charges, by month and component; it must come out of its parts again.
fn charged(world: &World, outcome: Option<&Outcome>) -> BTreeMap<(String, String), String> {
    let Some(Outcome::Issued(invoice, true)) = outcome else { panic!("{outcome:?}") };
    assert!(finish(verify(&world.memory, invoice.number.as_deref().unwrap())).unwrap().holds());
    let lines = invoice.lines.iter().map(|line| ((line.period.clone(), line.component.clone()), line.amount.clone()));
    let lines: Vec<_> = lines.collect();
    let count = lines.len();
    let charged: BTreeMap<_, _> = lines.into_iter().collect();
    assert_eq!(charged.len(), count, "one line for each");
    charged
}

fn expected(lines: &[(&str, &str, &str)]) -> BTreeMap<(String, String), String> {
    let owned =
        |(month, fee, amount): &(&str, &str, &str)| (((*month).to_owned(), (*fee).to_owned()), (*amount).to_owned());
    lines.iter().map(owned).collect()
}

#[test]
fn an_account_that_appears_late_and_used_nothing_is_charged_the_fees_of_the_closed_months() {
    let world = world();
    contract(&world, 1, 1, "platform", ("2026-02-01", ""));
    world.read();
    world.at(MARCH + 2 * DAY);
    world.read();
    let first = close_month(&world, "2026-02");
    let platform = "platform/platform-fee";
    assert_eq!(charged(&world, first.accounts.get(&account(1))), expected(&[("2026-02", platform, "868.00")]));
    // Its record appears in March: held from the 15th of February on. The other's began long before all this.
    contract(&world, 2, 2, "platform", ("2026-02-15", ""));
    contract(&world, 3, 3, "platform", ("2025-06-01", "2026-02-10"));
    world.at(APRIL + 2 * DAY);
    world.read();
    let second = close_month(&world, "2026-03");
    let late: Vec<_> = second.late.keys().cloned().collect();
    // January and what lies before was over when the organisation was read for the first time.
    assert_eq!(late, [2, 3].map(|number| ("2026-02".to_owned(), account(number))));
    // 14 days at 31.00, and 10 days.
    for (number, amount) in [(2, "434.00"), (3, "310.00")] {
        let outcome = second.late.get(&("2026-02".to_owned(), account(number)));
        assert_eq!(charged(&world, outcome), expected(&[("2026-02", platform, amount)]));
    }
    assert_eq!(charged(&world, second.accounts.get(&account(2))), expected(&[("2026-03", platform, "868.00")]));
    // Once.
    assert_eq!(close_month(&world, "2026-03").late.len(), 0);
    world.at(APRIL + 32 * DAY);
    world.read();
    let third = close_month(&world, "2026-04");
    assert_eq!(third.late.len(), 0);
    assert_eq!(charged(&world, third.accounts.get(&account(2))), expected(&[("2026-04", platform, "868.00")]));
}

#[test]
fn the_only_account_of_all_is_not_forgotten_because_nobody_was_invoiced() {
    let world = world();
    world.put("Asset", 1, &[("SerialNumber", "LIC-1"), ("AccountId", &id("001", 2)), ("InstallDate", "2026-01-01")]);
    world.read();
    world.at(MARCH + 2 * DAY);
    world.read();
    assert_eq!(close_month(&world, "2026-02").accounts.len(), 0, "it holds no plan yet");
    contract(&world, 1, 1, "platform", ("2026-02-01", "2026-02-28"));
    world.at(APRIL + 2 * DAY);
    world.read();
    let second = close_month(&world, "2026-03");
    let outcome = second.late.get(&("2026-02".to_owned(), account(1)));
    assert_eq!(charged(&world, outcome), expected(&[("2026-02", "platform/platform-fee", "868.00")]));
}

#[test]
fn a_subscription_that_appears_after_its_month_was_invoiced_is_trued_up() {
    let world = world();
    contract(&world, 1, 1, "platform", ("2026-02-01", ""));
    world.read();
    world.at(MARCH + 2 * DAY);
    world.read();
    close_month(&world, "2026-02");
    world.at(MARCH + 9 * DAY);
    contract(&world, 2, 1, "support", ("2026-02-01", ""));
    world.at(APRIL + 2 * DAY);
    world.read();
    let second = close_month(&world, "2026-03");
    let (platform, support) = ("platform/platform-fee", "support/support-fee");
    let lines = [("2026-02", support, "280.00"), ("2026-03", platform, "868.00"), ("2026-03", support, "280.00")];
    assert_eq!(charged(&world, second.accounts.get(&account(1))), expected(&lines));
    world.at(APRIL + 32 * DAY);
    world.read();
    let third = close_month(&world, "2026-04");
    let lines = [("2026-04", platform, "868.00"), ("2026-04", support, "280.00")];
    assert_eq!(charged(&world, third.accounts.get(&account(1))), expected(&lines), "once");
}

#[test]
fn a_record_that_takes_the_place_of_another_does_not_charge_an_invoiced_month_twice() {
    let world = world();
    contract(&world, 1, 1, "platform", ("2026-02-01", ""));
    world.read();
    world.at(MARCH + 2 * DAY);
    world.read();
    close_month(&world, "2026-02");
    world.at(MARCH + 9 * DAY);
    world.peer.change(|org, now: Instant| org.delete("Contract", 1, now));
    contract(&world, 2, 1, "support", ("2026-02-01", ""));
    world.at(APRIL + 2 * DAY);
    let report = world.run_until(i64::MAX, Some("M. Rivera: it was another plan from the beginning"));
    assert!(report.published.changed, "{report:?}");
    let second = close_month(&world, "2026-03");
    let lines = [("2026-03", "support/support-fee", "280.00")];
    assert_eq!(charged(&world, second.accounts.get(&account(1))), expected(&lines));
}

#[test]
fn months_before_the_organisation_was_read_are_nobodys_business() {
    let world = world();
    // Read for the first time an hour into February.
    world.at(FEBRUARY + HOUR);
    contract(&world, 1, 1, "platform", ("2025-12-01", ""));
    world.read();
    world.at(MARCH + 2 * DAY);
    world.read();
    let closed = close_month(&world, "2026-02");
    assert_eq!(closed.late.len(), 0);
    let lines = [("2026-02", "platform/platform-fee", "868.00")];
    assert_eq!(charged(&world, closed.accounts.get(&account(1))), expected(&lines));
}
