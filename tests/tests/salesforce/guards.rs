//! Rules that keep a wrong answer out of the directory and of the organisation, each by what would go wrong without it.

use salesforce::correlate::Told;
use salesforce::{Action, Complaint};
use salesforce_peer::{Answer, id};

use crate::world::{DAY, DEPLOYMENTS, FEBRUARY, HOUR, World, account};

const MINUTE: i64 = 60_000;

fn loaded() -> World {
    let world = World::new(DEPLOYMENTS);
    world.deploy(1, "dep-1", 1);
    world.read();
    world.at(FEBRUARY + HOUR);
    world
}

fn json(body: &str) -> Answer {
    Answer::text(200, "application/json", body)
}

#[test]
fn what_was_refused_is_refused_again_with_the_next_run() {
    let world = World::new(DEPLOYMENTS);
    (1..=40).for_each(|number| world.deploy(number, &format!("dep-{number}"), 1));
    world.read();
    world.at(FEBRUARY + HOUR);
    (1..=20).for_each(|number| world.peer.change(|org, now| org.delete("Deployment__c", number, now)));
    let first = world.refused();
    world.at(FEBRUARY + 2 * HOUR);
    assert_eq!(world.refused(), first, "nothing of what was refused has become what is known");
}

#[test]
fn a_few_of_many_may_go() {
    let world = World::new(DEPLOYMENTS);
    (1..=300).for_each(|number| world.deploy(number, &format!("dep-{number}"), 1));
    world.read();
    world.at(FEBRUARY + DAY);
    // More than are tolerated at any time, and fewer than the percentage.
    (1..=12).for_each(|number| world.peer.change(|org, now| org.delete("Deployment__c", number, now)));
    world.read();
    assert_eq!(world.owner("dep-12", 2 * DAY), "NotEffective");
}

#[test]
fn pages_that_lead_back_to_themselves_end() {
    let world = loaded();
    let page = r#"{"totalSize":9,"done":false,"nextRecordsUrl":"/services/data/v67.0/query/0r8-1","records":[]}"#;
    world.peer.go_wrong("/query", 0, 50, json(page));
    let (reason, _) = world.refused();
    assert!(reason.contains("go round in a circle"), "{reason}");
}

#[test]
fn pages_with_fewer_rows_than_they_say_are_not_used() {
    let world = loaded();
    world.peer.go_wrong("/queryAll", 0, 1, json(r#"{"totalSize":3,"done":true,"records":[]}"#));
    let (reason, _) = world.refused();
    assert!(reason.contains("it has 0 rows, and says it has 3"), "{reason}");
}

#[test]
fn no_call_goes_to_a_host_that_is_not_of_salesforce() {
    let world = loaded();
    let before = world.peer.log().len();
    world.peer.set_host("https://peer.my.salesforce.com.example");
    let (reason, passes) = world.refused();
    assert!(reason.contains("https://peer.my.salesforce.com.example, which is not under an allowed name"), "{reason}");
    assert!(!passes);
    assert_eq!(world.peer.log()[before..], ["POST /services/oauth2/token"]);
}

#[test]
fn both_halves_of_a_window_that_takes_too_long_are_read() {
    let world = loaded();
    for (number, at) in [(8, FEBRUARY + HOUR), (9, FEBRUARY + 9 * HOUR)] {
        world.at(at);
        world.deploy(number, &format!("half-{number}"), 2);
    }
    world.at(FEBRUARY + 10 * HOUR);
    let timeout = Answer::error(400, "QUERY_TIMEOUT", "Your query request was running for too long.");
    world.peer.go_wrong("Deployment%5F", 0, 1, timeout);
    world.read();
    for name in ["half-8", "half-9"] {
        assert_eq!(world.owner(name, 10 * HOUR), account(2), "{name}");
    }
}

#[test]
fn a_hint_moves_no_cursor() {
    let world = loaded();
    (1..=2).for_each(|number| world.deploy(number, &format!("dep-{number}"), 2));
    // Longer after the change than the overlap of two readings.
    world.at(FEBRUARY + 2 * HOUR);
    world.hinted("Deployment__c", &[id("a0B", 1)]);
    assert_eq!([world.owner("dep-1", HOUR), world.owner("dep-2", HOUR)], [account(2), "Unknown".to_owned()]);
    world.read();
    assert_eq!(world.owner("dep-2", HOUR), account(2));
}

#[test]
fn what_changes_while_a_job_runs_is_read_with_the_next_increment() {
    let world = World::new(DEPLOYMENTS);
    world.deploy(1, "dep-1", 1);
    world.peer.set_looks(3);
    let report = world.run_until(FEBRUARY + 1, None);
    assert!(matches!(report.organisations["crm"], Told::Waiting(_)), "{report:?}");
    // The jobs have seen what there was; this comes after them.
    world.at(FEBRUARY + 30 * MINUTE);
    world.deploy(2, "dep-2", 2);
    world.at(FEBRUARY + 2 * HOUR);
    world.read();
    assert_eq!(world.owner("dep-2", HOUR), "Unknown");
    world.at(FEBRUARY + 3 * HOUR);
    world.read();
    assert_eq!(world.owner("dep-2", HOUR), account(2));
}

#[test]
fn too_many_calls_at_once_pass_unless_the_days_calls_are_used_up_as_well() {
    let concurrent = Complaint {
        status: 403,
        code: "REQUEST_LIMIT_EXCEEDED".to_owned(),
        message: "ConcurrentRequests (Concurrent API Requests) Limit exceeded.".to_owned(),
    };
    assert_eq!(concurrent.action(false), Action::Retry(5));
    assert_eq!(concurrent.action(true), Action::StopForToday);
}

#[test]
fn a_subscription_that_still_names_a_merged_account_is_held_by_the_other() {
    let mapping = "
salesforce:
  - {name: crm, host: https://peer.my.salesforce.com, organisation: ORG, preset: contract}
";
    let world = World::new(mapping);
    world.peer.change(|org, now| org.merge(3, 2, now));
    let owner = id("001", 3);
    let values =
        [("AccountId", owner.as_str()), ("Plan__c", "standard"), ("StartDate", "2026-02-01"), ("Status", "Activated")];
    world.put("Contract", 1, &values);
    world.read();
    let directory = world.directory();
    let holders: Vec<_> = directory.parties().iter().filter(|party| !party.subscriptions.is_empty()).collect();
    assert_eq!(holders.iter().map(|party| party.account.clone()).collect::<Vec<_>>(), [account(2)]);
}
