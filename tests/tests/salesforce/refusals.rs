//! What goes wrong on the way, and what must not come of it.

use salesforce::correlate::Told;
use salesforce_peer::Answer;

use crate::world::{DAY, DEPLOYMENTS, FEBRUARY, HOUR, World, account};

/// A world that was read, in which something has changed since.
fn changed() -> World {
    let world = World::new(DEPLOYMENTS);
    (1..=9).for_each(|number| world.deploy(number, &format!("dep-{number}"), 1));
    world.read();
    world.peer.set_pages(4, 4);
    world.at(FEBRUARY + HOUR);
    (1..=9).for_each(|number| world.deploy(number, &format!("dep-{number}"), 2));
    world
}

#[test]
fn a_field_that_permission_hides_is_named_and_nothing_changes() {
    let world = changed();
    world.peer.change(|org, _| org.object("Account").hidden.insert("Tier__c".to_owned()));
    let (reason, passes) = world.refused();
    assert!(reason.contains("Account.Tier__c") && reason.contains("permission set"), "{reason}");
    assert!(!passes);
    world.peer.change(|org, _| org.object("Account").hidden.clear());
    world.read();
    assert_eq!(world.owner("dep-1", HOUR), account(2));
}

#[test]
fn what_passes_is_tried_again_within_the_run() {
    let json = |status, code: &str, message: &str| Answer::error(status, code, message);
    for (at, answer) in [
        ("/query/0r8", Answer::maintenance()),
        (
            "/query/0r8",
            json(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded."),
        ),
        ("/query/0r8", Answer { status: 406, ..Answer::default() }),
        ("/query/0r8", Answer::text(420, "text/html", "We are setting things up.")),
        ("/query/0r8", Answer::text(200, "text/html", "<html>We are down for maintenance.</html>")),
        ("/query/0r8", json(400, "INVALID_QUERY_LOCATOR", "invalid query locator")),
        ("/queryAll", json(400, "QUERY_TIMEOUT", "Your query request was running for too long.")),
        ("/queryAll", json(400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access")),
        ("/queryAll", json(401, "INVALID_SESSION_ID", "Session expired or invalid")),
        ("/oauth2/token", Answer::maintenance()),
    ] {
        let world = changed();
        world.peer.go_wrong(at, 0, 1, answer.clone());
        world.read();
        assert_eq!(world.owner("dep-9", HOUR), account(2), "{at} {answer:?}");
    }
}

#[test]
fn what_does_not_pass_ends_the_run_and_keeps_the_cursor() {
    let spent = Answer::error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        .with("Sforce-Limit-Info", "api-usage=100001/100000");
    for (at, answer, words, passes, calls) in [
        ("/queryAll", spent, "used up its calls", true, 1),
        (
            "/queryAll",
            Answer::error(401, "INVALID_SESSION_ID", "This session is not valid for use with the REST API"),
            "not valid",
            false,
            1,
        ),
        ("/queryAll", Answer::error(401, "INVALID_SESSION_ID", "Session expired or invalid"), "expired", true, 2),
        ("/queryAll", Answer::error(410, "UNSUPPORTED_API_VERSION", "Invalid Api version"), "version", false, 1),
        ("/queryAll", Answer::maintenance(), "503", true, 6),
        (
            "/oauth2/token",
            Answer::text(400, "application/json", r#"{"error":"invalid_grant"}"#),
            "invalid_grant",
            false,
            1,
        ),
        ("/oauth2/token", Answer::text(400, "application/json", r#"{"error":"invalid_client"}"#), "secret", false, 2),
    ] {
        let world = changed();
        let before = world.peer.log().iter().filter(|line| line.contains(at)).count();
        world.peer.go_wrong(at, 0, usize::MAX, answer);
        let (reason, told) = world.refused();
        assert!(reason.contains(words), "{reason}");
        assert_eq!(told, passes, "{reason}");
        let made = world.peer.log().iter().filter(|line| line.contains(at)).count() - before;
        assert_eq!(made, calls, "{reason}");
        assert_eq!(world.owner("dep-1", HOUR), account(1));
    }
}

#[test]
fn another_organisation_is_refused() {
    let world = changed();
    let other = salesforce_peer::id("00D", 8);
    world.peer.change(|org, _| org.id = other.clone());
    let (reason, passes) = world.refused();
    assert!(reason.contains(&other) && reason.contains("sandbox"), "{reason}");
    assert!(!passes);
    assert!(!world.peer.log().last().unwrap().contains("query"), "nothing is asked of it");
}

#[test]
fn a_token_that_ends_in_mid_bulk_is_renewed_once_and_the_results_go_on() {
    let world = changed();
    world.at(FEBRUARY + DAY + HOUR);
    let expired = Answer::error(401, "INVALID_SESSION_ID", "Session expired or invalid");
    world.peer.go_wrong("locator=", 0, 1, expired);
    let logins = |world: &World| world.peer.log().iter().filter(|line| line.contains("token")).count();
    let before = logins(&world);
    world.read();
    assert_eq!(logins(&world) - before, 2);
    assert_eq!(world.owner("dep-9", HOUR), account(2));
}

#[test]
fn a_table_that_is_cut_is_not_used() {
    let world = changed();
    world.at(FEBRUARY + DAY + HOUR);
    let head = "\"Id\",\"IsDeleted\",\"SystemModstamp\",\"CreatedDate\",\"Deployment_Key__c\",\"License_Key__c\",\"Cluster_Id__c\",\"Account__c\",\"Effective_From__c\",\"Effective_To__c\",\"Status__c\"\n";
    let row = "\"a0Bxx0000000001AAA\",\"false\",\"2026-02-01T00:00:00.000Z\",\"2026-02-01T00:00:00.000Z\",\"dep\",\"\",\"\",\"\",\"\",\"\",\"Active\"\n";
    let table = |body: &str, rows: &str| {
        Answer::text(200, "text/csv", body).with("Sforce-NumberOfRecords", rows).with("Sforce-Locator", "null")
    };
    for (answer, words) in [
        (table(&format!("{head}{row}"), "4"), "1 rows and says 4"),
        (table(&format!("{head}{row}"), "1"), "1 rows, and the job processed 9"),
        (table(&format!("{head}{}", &row[..60]), "1"), "ends within a line"),
        (table(&format!("{head}\"a0Bxx0000000001AAA\",\"fal\n"), "1"), "ends within a line"),
        (table(&format!("{head}\"a0Bxx0000000001AAA\",\"false\"\n"), "1"), "values for 11 columns"),
        (table("\"Id\"\n", "0"), "columns"),
    ] {
        // The third object's results are those of the accounts: the deployments' come second.
        world.peer.go_wrong("/results", 1, 1, answer);
        let (reason, passes) = world.refused();
        assert!(reason.contains(words) && passes, "{reason}");
    }
    world.read();
    assert_eq!(world.owner("dep-9", HOUR), account(2));
}

#[test]
fn a_table_that_breaks_off_is_fetched_again_and_counts_once() {
    let world = changed();
    world.at(FEBRUARY + DAY + HOUR);
    world.peer.break_off("/results", 1, 2);
    let fetched = |world: &World| world.peer.log().iter().filter(|line| line.ends_with("/results")).count();
    let before = fetched(&world);
    world.read();
    // One part of accounts, three of deployments, the first of which broke off twice.
    assert_eq!(fetched(&world) - before, 1 + 3 + 2);
    assert_eq!(world.owner("dep-9", HOUR), account(2));
    world.at(FEBRUARY + 2 * DAY + 2 * HOUR);
    world.peer.break_off("/results", 1, usize::MAX);
    let (reason, passes) = world.refused();
    assert!(reason.contains("breaks off: connection reset") && passes, "{reason}");
}

#[test]
fn a_job_that_outlasts_a_run_is_gone_on_with_and_not_begun_anew() {
    let world = World::new(DEPLOYMENTS);
    world.deploy(1, "dep-1", 1);
    world.peer.set_looks(3);
    let report = world.run_until(FEBRUARY + 1, None);
    assert_eq!(report.organisations["crm"], Told::Waiting(vec!["Account".to_owned(), "Deployment__c".to_owned()]));
    assert_eq!(world.owner("dep-1", 0), "Unknown");
    world.at(FEBRUARY + HOUR);
    world.read();
    assert_eq!(world.owner("dep-1", 0), account(1));
    let begun = world.peer.log().iter().filter(|line| line.as_str() == "POST /services/data/v67.0/jobs/query").count();
    assert_eq!(begun, 2, "one an object");
}

#[test]
fn a_failed_job_that_comes_with_200_is_begun_anew_and_an_object_that_bulk_does_not_know_is_read_by_rest() {
    let world = World::new(DEPLOYMENTS);
    world.deploy(1, "dep-1", 1);
    world.peer.set_looks(3);
    world.run_until(FEBRUARY + 1, None);
    world.peer.fail_jobs("InvalidBatch : Failed to process query");
    world.peer.set_looks(0);
    world.peer.change(|org, _| org.object("Deployment__c").rest_only = true);
    world.read();
    assert_eq!(world.owner("dep-1", 0), account(1));
}

#[test]
fn a_run_keeps_to_its_share_of_the_days_calls() {
    let world = changed();
    world.peer.set_usage(95_000, 100_000);
    let (reason, passes) = world.refused();
    assert!(reason.contains("budget-percent") && passes, "{reason}");
}

#[test]
fn a_large_drop_is_refused_with_a_sentence_until_somebody_accepts_it() {
    let world = World::new(DEPLOYMENTS);
    (1..=40).for_each(|number| world.deploy(number, &format!("dep-{number}"), 1));
    world.read();
    world.at(FEBRUARY + DAY);
    (1..=20).for_each(|number| world.peer.change(|org, now| org.delete("Deployment__c", number, now)));
    let (reason, passes) = world.refused();
    assert!(reason.contains("Deployment__c of crm has 20 records, and had 40") && !passes, "{reason}");
    assert!(reason.contains("20 of 40 deployments that are billed would be billed to nobody"), "{reason}");
    let report = world.run_until(i64::MAX, Some("M. Rivera: the northern sites were sold"));
    assert!(report.published.changed);
    let heads = crate::world::finish(ledger::snapshot::history(&world.memory)).unwrap();
    let accepted: Vec<_> = heads.iter().map(|head| head.accepted.as_deref()).collect();
    assert_eq!(accepted, [None, Some("M. Rivera: the northern sites were sold")]);
}
