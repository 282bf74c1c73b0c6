//! From the directory to money: all usage is matched, held or excluded, and a correction after the invoice trues up
//! both customers.

use std::collections::BTreeMap;

use ledger::configuration::Configuration;
use ledger::correlate::{Counter, enrich};
use ledger::invoice::{Closed, Options, Outcome, close};
use ledger::ownership::Unowned;
use ledger::ports::Bucket;
use ledger::write_off::{Part, WriteOff};
use ledger::{aggregate, translate};
use proptest::prelude::*;
use salesforce_peer::id;

use crate::world::{ASSETS, CATALOGUE, DAY, DEPLOYMENTS, FEBRUARY, HOUR, World, account, finish};

pub const MARCH: i64 = FEBRUARY + 28 * DAY;
const APRIL: i64 = MARCH + 31 * DAY;

/// Writes a file of usage and counts it.
pub fn used(world: &World, site: &str, at: i64, calls: u64) {
    let key = format!("usage/{site}/{at}.jsonl");
    world.memory.upload(Bucket::Usage, &key, format!("{{\"t\":{at},\"calls\":{calls}}}\n").into_bytes());
    finish(translate::translate(&world.memory, &world.catalogue, &key)).unwrap();
    finish(aggregate::refresh(&world.memory)).unwrap();
}

pub fn configuration(world: &World, mapping: &str) -> Configuration {
    let text = world.peer.change(|org, _| format!("{CATALOGUE}{}", mapping.replace("ORG", &org.id)));
    Configuration::load(vec![("a.yaml".to_owned(), text)]).unwrap()
}

pub fn close_month(world: &World, mapping: &str, month: &str) -> Closed {
    let options = Options { month: month.to_owned(), settle_minutes: 0, preview: false };
    finish(close(&world.memory, &configuration(world, mapping), &options)).unwrap()
}

/// The amounts of an issued invoice, by the month that they are for.
pub fn charged(closed: &Closed, account: &str) -> BTreeMap<String, String> {
    let Some(Outcome::Issued(invoice, _)) = closed.accounts.get(account) else { panic!("{:?}", closed.accounts) };
    invoice.lines.iter().map(|line| (line.period.clone(), line.amount.clone())).collect()
}

#[test]
fn a_correction_after_the_invoice_trues_up_both_customers() {
    let world = World::new(ASSETS);
    let asset = |number: u64, serial: &str, owner: u64| {
        let owner = id("001", owner);
        let values = [("SerialNumber", serial), ("AccountId", owner.as_str()), ("InstallDate", "2026-01-10")];
        world.put("Asset", number, &values);
    };
    asset(1, "one", 1);
    asset(2, "two", 2);
    world.read();
    used(&world, "one", FEBRUARY + DAY, 100);
    used(&world, "two", FEBRUARY + DAY, 10);
    world.at(MARCH + 2 * DAY);
    world.read();
    let first = close_month(&world, ASSETS, "2026-02");
    assert_eq!(charged(&first, &account(1))["2026-02"], "50.00");
    assert_eq!(charged(&first, &account(2))["2026-02"], "5.00");
    // It was the other's from the beginning.
    asset(1, "one", 2);
    world.at(APRIL + 2 * DAY);
    world.read();
    let second = close_month(&world, ASSETS, "2026-03");
    assert_eq!(charged(&second, &account(1))["2026-02"], "-50.00");
    assert_eq!(charged(&second, &account(2))["2026-02"], "50.00");
}

#[test]
fn usage_that_nobody_owns_is_worth_something_and_is_billed_once_the_record_appears() {
    let world = World::new(DEPLOYMENTS);
    world.deploy(1, "known", 1);
    world.read();
    used(&world, "known", FEBRUARY + DAY, 4);
    used(&world, "stray", FEBRUARY + DAY, 100);
    world.at(MARCH + 2 * DAY);
    world.read();
    let first = close_month(&world, DEPLOYMENTS, "2026-02");
    let held = &first.held[0];
    assert_eq!((held.deployment.as_str(), held.reason), ("stray", Unowned::Unknown));
    assert_eq!((held.worth[0].plan.as_str(), held.worth[0].amount.as_str()), ("standard", "50.00"));
    world.deploy(2, "stray", 1);
    world.at(APRIL + 2 * DAY);
    world.read();
    let second = close_month(&world, DEPLOYMENTS, "2026-03");
    assert_eq!(charged(&second, &account(1))["2026-02"], "50.00");
    assert_eq!(second.held, []);
}

#[test]
fn an_account_that_the_catalogue_cannot_bill_keeps_nobody_else_waiting() {
    let mapping = DEPLOYMENTS.replace("    accounts:\n", "    accounts:\n      currency: CurrencyIsoCode\n");
    let world = World::new(&mapping);
    world.put("Account", 2, &[("CurrencyIsoCode", "EUR")]);
    world.deploy(1, "one", 1);
    world.deploy(2, "two", 2);
    world.read();
    used(&world, "one", FEBRUARY + DAY, 100);
    used(&world, "two", FEBRUARY + DAY, 10);
    world.at(MARCH + 2 * DAY);
    world.read();
    let closed = close_month(&world, &mapping, "2026-02");
    assert_eq!(charged(&closed, &account(1))["2026-02"], "50.00");
    assert_eq!(closed.unbillable[0].account, account(2));
    assert!(closed.unbillable[0].reason.contains("EUR"), "{:?}", closed.unbillable);
    assert_eq!(closed.held[0].reason, Unowned::NoPlan);
}

#[test]
fn who_turns_out_to_own_usage_of_a_closed_month_gets_its_invoice_by_itself() {
    let world = World::new(DEPLOYMENTS);
    world.deploy(1, "known", 1);
    world.read();
    used(&world, "known", FEBRUARY + DAY, 4);
    used(&world, "stray", FEBRUARY + DAY, 100);
    world.at(MARCH + 2 * DAY);
    world.read();
    let first = close_month(&world, DEPLOYMENTS, "2026-02");
    assert_eq!(first.accounts.keys().collect::<Vec<_>>(), [&account(1)], "nobody knows account 2 yet");
    // Its record appears; it had it from the beginning. The third account had nothing then.
    world.deploy(2, "stray", 2);
    world.deploy(3, "new", 3);
    used(&world, "new", MARCH + DAY, 1);
    world.at(APRIL + 2 * DAY);
    world.read();
    let second = close_month(&world, DEPLOYMENTS, "2026-03");
    let late: Vec<_> = second.late.iter().map(|(key, outcome)| (key.clone(), issued(outcome))).collect();
    assert_eq!(late, [(("2026-02".to_owned(), account(2)), ("50.00".to_owned(), true))]);
    // Run again it is there, and there once.
    let again = close_month(&world, DEPLOYMENTS, "2026-03");
    assert!(again.late.is_empty(), "{:?}", again.late);
    // And corrected like any other.
    used(&world, "stray", FEBRUARY + 2 * DAY, 10);
    world.at(APRIL + 32 * DAY);
    world.read();
    let third = close_month(&world, DEPLOYMENTS, "2026-04");
    let (late, now) = (("2026-02".to_owned(), "5.00".to_owned()), ("2026-04".to_owned(), "0.00".to_owned()));
    assert_eq!(charged(&third, &account(2)), [late, now].into());
}

/// The total of an issued invoice, and whether this run issued it.
fn issued(outcome: &Outcome) -> (String, bool) {
    let Outcome::Issued(invoice, new) = outcome else { panic!("{outcome:?}") };
    (invoice.total.clone(), *new)
}

fn write_off(world: &World, deployment: &str, by: &str, reason: &str) -> Result<WriteOff, String> {
    let part = Part { deployment, month: "2026-02", from: None, until: None };
    write_off_part(world, part, (by, reason))
}

fn write_off_part(world: &World, part: Part<'_>, said: (&str, &str)) -> Result<WriteOff, String> {
    let done = ledger::write_off::write_off(&world.memory, &world.catalogue, part, said);
    finish(done).map_err(|error| error.to_string())
}

fn undo(world: &World, deployment: &str, said: (&str, &str)) -> Result<Vec<WriteOff>, String> {
    let done = ledger::write_off::undo(&world.memory, &world.catalogue, (deployment, "2026-02"), said);
    finish(done).map_err(|error| error.to_string())
}

#[test]
fn what_is_written_off_needs_a_name_and_a_reason_and_is_never_billed() {
    let world = World::new(DEPLOYMENTS);
    world.deploy(1, "known", 1);
    world.read();
    used(&world, "known", FEBRUARY + DAY, 4);
    used(&world, "stray", FEBRUARY + DAY, 100);
    for (deployment, by, reason, words) in [
        ("stray", "", "a test", "name"),
        ("stray", "M. Rivera", " ", "reason"),
        ("known", "M. Rivera", "a test", "nothing of it is held"),
        ("nobody", "M. Rivera", "a test", "nothing of it is held"),
    ] {
        let error = write_off(&world, deployment, by, reason).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
    let first = write_off(&world, "stray", "M. Rivera", "a lab that was forgotten").unwrap();
    assert_eq!(
        (first.usage[0].quantity.display(0), first.usage[0].worth[0].amount.as_str()),
        ("100".to_owned(), "50.00")
    );
    // Said again before and after it is in force, the first word stands.
    assert_eq!(write_off(&world, "stray", "Somebody", "else").unwrap(), first);
    world.read();
    assert_eq!(write_off(&world, "stray", "Somebody", "else").unwrap(), first);
    let directory = world.directory();
    let fact = directory.claims("stray").next().unwrap();
    assert_eq!(fact.source, "a write-off of M. Rivera: a lab that was forgotten");
    world.at(MARCH + 2 * DAY);
    world.read();
    let closed = close_month(&world, DEPLOYMENTS, "2026-02");
    let told: Vec<_> = closed.held.iter().map(|held| (held.deployment.as_str(), held.reason)).collect();
    assert_eq!(told, [("stray", Unowned::WrittenOff)], "never silently");
    // A record that appears later does not bring it back; the month after is its own.
    world.deploy(2, "stray", 1);
    used(&world, "stray", MARCH + DAY, 1);
    world.at(APRIL + 2 * DAY);
    world.read();
    let next = close_month(&world, DEPLOYMENTS, "2026-03");
    assert_eq!(charged(&next, &account(1)), [("2026-03".to_owned(), "0.50".to_owned())].into());
    // An invoice that was priced with it is derived again, byte by byte.
    let Some(Outcome::Issued(invoice, _)) = closed.accounts.get(&account(1)) else { panic!("{closed:?}") };
    let verified = finish(ledger::verify::verify(&world.memory, invoice.number.as_deref().unwrap())).unwrap();
    assert!(verified.holds());
}

/// What is held of February, by reason and quantity.
fn held(world: &World) -> Vec<(Unowned, String)> {
    let enriched = finish(enrich(&world.memory, &world.catalogue, "2026-02")).unwrap();
    enriched.held.into_iter().map(|held| (held.reason, held.quantity.display(0))).collect()
}

#[test]
fn some_days_are_written_off_and_the_others_still_wait() {
    let world = World::new(DEPLOYMENTS);
    world.read();
    used(&world, "stray", FEBRUARY + 2 * DAY, 100);
    used(&world, "stray", FEBRUARY + 3 * DAY - 1, 1);
    used(&world, "stray", FEBRUARY + 3 * DAY, 40);
    let day = |text: &str| Some(text.parse().unwrap());
    let part = |from, until| Part { deployment: "stray", month: "2026-02", from, until };
    let said = ("M. Rivera", "a test of the third");
    for (from, until) in [(day("2026-01-31"), None), (None, day("2026-03-02")), (day("2026-02-05"), day("2026-02-05"))]
    {
        let error = write_off_part(&world, part(from, until), said).unwrap_err();
        assert!(error.contains("are no days of 2026-02"), "{error}");
    }
    let error = write_off_part(&world, part(day("2026-02-10"), None), said).unwrap_err();
    assert!(error.contains("nothing of it is held"), "{error}");
    // The third alone.
    let done = write_off_part(&world, part(day("2026-02-03"), day("2026-02-04")), said).unwrap();
    assert_eq!((done.usage[0].quantity.display(0), &*done.usage[0].worth[0].amount), ("101".to_owned(), "50.50"));
    world.read();
    assert_eq!(held(&world), [(Unowned::Unknown, "40".to_owned()), (Unowned::WrittenOff, "101".to_owned())]);
    // Its owner appears: the other days are its own.
    world.deploy(1, "stray", 1);
    world.at(MARCH + 2 * DAY);
    world.read();
    let closed = close_month(&world, DEPLOYMENTS, "2026-02");
    assert_eq!(charged(&closed, &account(1)), [("2026-02".to_owned(), "20.00".to_owned())].into());
}

#[test]
fn a_write_off_is_taken_back_by_somebody_and_both_stay_on_record() {
    let world = World::new(DEPLOYMENTS);
    world.deploy(1, "known", 1);
    world.read();
    used(&world, "known", FEBRUARY + DAY, 4);
    used(&world, "stray", FEBRUARY + DAY, 100);
    let said = ("A. Okafor", "it was a customer's after all");
    assert!(undo(&world, "stray", said).unwrap_err().contains("nothing of it is written off in 2026-02"));
    write_off(&world, "stray", "M. Rivera", "a lab").unwrap();
    world.deploy(2, "stray", 1);
    world.at(MARCH + 2 * DAY);
    world.read();
    let first = close_month(&world, DEPLOYMENTS, "2026-02");
    assert_eq!(charged(&first, &account(1)), [("2026-02".to_owned(), "2.00".to_owned())].into());
    for (by, reason) in [("", "a reason"), ("A. Okafor", " ")] {
        assert!(undo(&world, "stray", (by, reason)).unwrap_err().contains("needs the name"));
    }
    assert_eq!(held(&world), [(Unowned::WrittenOff, "100".to_owned())]);
    let taken = undo(&world, "stray", said).unwrap();
    assert_eq!(undo(&world, "stray", ("Somebody", "else")).unwrap(), taken, "the first word stands");
    let who = |one: &WriteOff| (one.by.clone(), one.undone.as_ref().map(|undone| undone.by.clone()));
    assert_eq!(taken.iter().map(who).collect::<Vec<_>>(), [("M. Rivera".to_owned(), Some("A. Okafor".to_owned()))]);
    world.at(APRIL + 2 * DAY);
    world.read();
    assert_eq!(held(&world), []);
    // The next invoice trues up whoever owns it by now; the first is still what it was made from.
    let second = close_month(&world, DEPLOYMENTS, "2026-03");
    assert_eq!(charged(&second, &account(1))["2026-02"], "50.00");
    for closed in [&first, &second] {
        let Some(Outcome::Issued(invoice, _)) = closed.accounts.get(&account(1)) else { panic!("{closed:?}") };
        assert!(finish(ledger::verify::verify(&world.memory, invoice.number.as_deref().unwrap())).unwrap().holds());
    }
}

#[test]
fn what_is_held_again_may_be_written_off_again_and_what_no_invoice_could_bill_stays_written_off() {
    let world = World::new(DEPLOYMENTS);
    world.read();
    used(&world, "stray", FEBRUARY + DAY, 100);
    write_off(&world, "stray", "M. Rivera", "a lab").unwrap();
    world.read();
    undo(&world, "stray", ("A. Okafor", "it was not")).unwrap();
    world.read();
    assert_eq!(held(&world), [(Unowned::Unknown, "100".to_owned())]);
    write_off(&world, "stray", "M. Rivera", "it was").unwrap();
    world.read();
    assert_eq!(held(&world), [(Unowned::WrittenOff, "100".to_owned())]);
    let all = finish(ledger::write_off::list(&world.memory)).unwrap();
    let said = |one: &WriteOff| (one.reason.clone(), one.undone.is_some());
    assert_eq!(all.iter().map(said).collect::<Vec<_>>(), [("a lab".to_owned(), true), ("it was".to_owned(), false)]);
    // The invoice of March 2027 trues up February 2026; that of April does not.
    world.at(FEBRUARY + 424 * DAY);
    let error = undo(&world, "stray", ("A. Okafor", "too late")).unwrap_err();
    assert!(error.contains("2026-02 stays written off"), "{error}");
    world.at(FEBRUARY + 423 * DAY);
    undo(&world, "stray", ("A. Okafor", "in time")).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn all_usage_is_matched_held_excluded_or_written_off(
        records in proptest::collection::vec((0_u8..4, 0_u64..4, 0_i64..28, 1_i64..28, any::<bool>()), 0..8),
        usage in proptest::collection::vec((0_u8..5, 0_i64..(28 * 24), 1_u64..1000), 1..12),
        off in proptest::option::of((0_u8..5, any::<bool>())),
    ) {
        let world = World::new(DEPLOYMENTS);
        world.put("Account", 3, &[("Type", "Internal")]);
        for (number, (key, owner, from, days, lasts)) in (1..).zip(records) {
            let from = FEBRUARY + from * DAY;
            let until = if lasts { String::new() } else { (from + days * DAY).to_string() };
            // Account 0 is one that nobody sees.
            let (key, owner, from) = (format!("d{key}"), id("001", owner), from.to_string());
            let values = [
                ("Deployment_Key__c", key.as_str()),
                ("Account__c", owner.as_str()),
                ("Effective_From__c", from.as_str()),
                ("Effective_To__c", until.as_str()),
                ("Status__c", "Active"),
            ];
            world.put("Deployment__c", number, &values);
        }
        world.read();
        let mut total: BTreeMap<String, u64> = BTreeMap::new();
        for (number, (site, hour, calls)) in usage.into_iter().enumerate() {
            let site = format!("d{site}");
            // Apart by a millisecond, so that each file has a name of its own.
            used(&world, &site, FEBRUARY + hour * HOUR + i64::try_from(number).unwrap(), calls);
            *total.entry(site).or_default() += calls;
        }
        let mut written_off = 0;
        if let Some((site, back)) = off {
            let site = format!("d{site}");
            if let Ok(off) = write_off(&world, &site, "M. Rivera", "a lab") {
                written_off = off.usage.len();
                world.read();
                if back {
                    written_off = 0;
                    undo(&world, &site, ("A. Okafor", "not a lab")).unwrap();
                    world.read();
                }
            }
        }
        let enriched = finish(enrich(&world.memory, &world.catalogue, "2026-02")).unwrap();
        let off = enriched.held.iter().filter(|held| held.reason == Unowned::WrittenOff).count();
        prop_assert!(off <= written_off && (off > 0) == (written_off > 0), "{:?}", enriched.held);
        let number = |text: &str| text.parse::<u64>().unwrap();
        let mut told: BTreeMap<String, u64> = BTreeMap::new();
        for (_, key, item) in world.memory.items() {
            if key.partition.starts_with("C#") {
                let counter: Counter = serde_json::from_str(&item.body).unwrap();
                *told.entry(counter.deployment).or_default() += number(&counter.total.display(0));
            }
        }
        for held in enriched.held {
            *told.entry(held.deployment).or_default() += number(&held.quantity.display(0));
        }
        prop_assert_eq!(told, total);
    }
}
