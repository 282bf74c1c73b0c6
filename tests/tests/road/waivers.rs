//! A content that was written over one that counts: somebody answers for it that it does not count, and what counted goes
//! on to count.

use ledger::attention::Kind;
use ledger::error::LedgerError;
use ledger::ports::Bucket;
use ledger::translate::{CONFLICT, Outcome};
use ledger::verify::verify;
use ledger::waive::{Waiver, waive};

use crate::world::{CATALOGUE, FEBRUARY_2, MARCH_2, World, at_once, line, used};

const KEY: &str = "fixed/one/a.jsonl";

fn waived(world: &World, by: &str) -> Result<Waiver, LedgerError> {
    let (first, second) = world.twice(|| at_once(waive(&world.memory, KEY, by, "a test file")));
    if let (Ok(first), Ok(second)) = (&first, &second) {
        assert_eq!(first, second, "said again it is what was said first");
    }
    first
}

fn refused(world: &World) -> String {
    at_once(waive(&world.memory, KEY, "Ann", "a test file")).unwrap_err().to_string()
}

fn overwritten() -> World {
    let world = World::new();
    world.arrive(KEY, used(3, "4"));
    assert!(refused(&world).contains("the file counts"));
    assert_eq!(world.arrive(KEY, used(3, "400")), Outcome::Conflict);
    world.at(FEBRUARY_2);
    assert_eq!(world.waits("2026-01"), [format!("{KEY}: {CONFLICT}")]);
    world
}

#[test]
fn what_counted_goes_on_to_count_and_the_month_closes() {
    let world = overwritten();
    let waiver = waived(&world, "Ann").unwrap();
    assert_eq!((waiver.by.as_str(), waiver.was.as_str()), ("Ann", CONFLICT));
    assert_eq!(waiver.content, ledger::names::sha256(used(3, "400").as_bytes()), "it is about the other content");
    // Who comes second is told what the first one said.
    assert_eq!(waived(&world, "Bob").unwrap(), waiver);
    assert_eq!(world.notices(), []);
    assert_eq!(world.deliver(KEY), Outcome::Repeated);
    world.refresh();
    assert_eq!(world.sweep(), [""; 0]);
    assert_eq!(world.notices(), [], "it is not told again");
    let invoice = world.invoice("2026-01");
    // 10.00 + 4 × 0.50: the first content.
    assert_eq!(invoice.total, "12.00");
    // The invoice rests on who answered for it.
    let input = world.inputs().into_iter().find(|input| input.key == KEY).unwrap();
    assert_eq!(input.waived.into_values().collect::<Vec<_>>(), ["Ann: a test file"]);
    assert!(at_once(verify(&world.memory, "R-000001")).unwrap().holds());
}

#[test]
fn another_content_after_that_waits_again_and_is_waived_again() {
    let world = overwritten();
    let first = waived(&world, "Ann").unwrap();
    assert_eq!(world.arrive(KEY, used(3, "5000")), Outcome::Conflict);
    assert_eq!(world.notice(KEY), (Kind::Conflict, CONFLICT.to_owned()));
    world.at("2026-02-02T07:00:00Z");
    assert_eq!(world.waits("2026-01"), [format!("{KEY}: {CONFLICT}")]);
    let second = waived(&world, "Bob").unwrap();
    assert_ne!(second.content, first.content);
    assert_eq!(world.invoice("2026-01").total, "12.00");

    // The one that was waived first comes back: that has been said already.
    world.at("2026-02-10T00:00:00Z");
    assert_eq!(world.arrive(KEY, used(3, "400")), Outcome::Repeated);
    assert_eq!(waived(&world, "Carl").unwrap(), first);
    // And the one that counts.
    assert_eq!(world.arrive(KEY, used(3, "4")), Outcome::Repeated);
    assert_eq!((world.sweep(), world.notices()), (vec![], vec![]));
    world.at(MARCH_2);
    assert_eq!(world.invoice("2026-02").total, "10.00", "nothing is corrected");
}

#[test]
fn a_content_that_nobody_has_looked_at_is_not_waived() {
    let world = overwritten();
    // Written over once more; the event is still under way.
    world.memory.upload(Bucket::Usage, KEY, used(3, "5000").into_bytes());
    assert!(refused(&world).contains("`farthing status` lists them"));
    assert_eq!(world.deliver(KEY), Outcome::Conflict);
    waived(&world, "Ann").unwrap();
    assert_eq!(world.invoice("2026-01").total, "12.00");
}

#[test]
fn a_file_in_quarantine_that_was_waived_and_is_written_anew_is_waived_anew() {
    let world = World::new();
    let broken = |text: &str| text.as_bytes().to_vec();
    assert!(matches!(world.arrive(KEY, broken("{\"t\":")), Outcome::Quarantined(_)));
    let first = waived(&world, "Ann").unwrap();
    assert!(matches!(world.arrive(KEY, broken("{\"t\":1")), Outcome::Quarantined(_)));
    world.at(FEBRUARY_2);
    assert_eq!(world.waits("2026-01").len(), 1, "it is another content");
    assert_ne!(waived(&world, "Bob").unwrap().content, first.content);
    assert_eq!(world.invoice("2026-01").total, "10.00");
}

#[test]
fn a_restated_file_whose_content_is_gone_keeps_every_month_open() {
    let mut world = overwritten();
    waived(&world, "Ann").unwrap();
    let twice = "usage: [{stream: calls, quantity: n * 2}]\n  - name";
    world.configure(&CATALOGUE.replace("usage: [{stream: calls, quantity: n}]\n  - name", twice));
    let range = (crate::world::instant("2026-01-01T00:00:00Z"), crate::world::instant("2026-02-01T00:00:00Z"));
    at_once(ledger::restate::restate(&world.memory, world.catalogue(), "fixed", range)).unwrap();
    let [reason] = world.waits("2026-01").try_into().unwrap();
    assert!(reason.contains("put that content back"), "{reason}");
    // As it says.
    world.arrive(KEY, used(3, "4"));
    let invoice = world.invoice("2026-01");
    // 10.00 + 8 × 0.50.
    assert_eq!((invoice.total.as_str(), line(&invoice, "calls", "2026-01").amount.as_str()), ("14.00", "4.00"));
    // Who answered for the other content still does.
    world.at("2026-02-10T00:00:00Z");
    assert_eq!(world.arrive(KEY, used(3, "400")), Outcome::Repeated);
}
