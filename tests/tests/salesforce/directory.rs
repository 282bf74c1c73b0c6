//! What organisations do to their records, and what the directory makes of it.

use catalog::directory::Owner;
use metering::time::Instant;
use salesforce::correlate::Told;
use salesforce_peer::id;

use crate::world::{ASSETS, BEGAN, DAY, DEPLOYMENTS, FEBRUARY, HOUR, World, account};

#[test]
fn a_first_load_names_owners_and_an_unchanged_reading_publishes_nothing() {
    let world = World::new(DEPLOYMENTS);
    world.deploy(1, "dep-1", 1);
    world.deploy(2, "dep-2", 2);
    let first = world.read().published;
    assert!(first.changed && first.facts == 2);
    assert_eq!(world.owner("dep-1", 0), account(1));
    assert_eq!(world.owner("dep-2", 0), account(2));
    assert_eq!(world.owner("dep-3", 0), "Unknown");
    assert_eq!(world.owner("", 0), "MissingTag");
    world.at(FEBRUARY + HOUR);
    let second = world.read().published;
    assert_eq!((second.changed, second.version), (false, first.version));
    let directory = world.directory();
    let party = &directory.parties()[0];
    assert_eq!((party.name.as_str(), party.attributes["tier"].as_str()), ("Acme Émile & Co \"Paris\"", "gold"));
    assert_eq!(party.subscriptions[0].plan, "standard");
    assert_eq!(world.peer.jobs(), 0, "jobs are removed once their results are in force");
}

#[test]
fn rows_that_surface_late_with_an_older_stamp_are_read() {
    let world = World::new(DEPLOYMENTS);
    world.deploy(1, "dep-1", 1);
    world.read();
    world.at(FEBRUARY + HOUR);
    world.read();
    // Committed now, stamped eight minutes before the end of the last reading.
    let stamp = Instant(FEBRUARY + HOUR - 8 * 60_000);
    let owner = id("001", 2);
    let values = [("Deployment_Key__c", "late"), ("Account__c", owner.as_str()), ("Status__c", "Active")];
    world.peer.change(|org, _| org.put("Deployment__c", 2, stamp, &values));
    world.at(FEBRUARY + HOUR + 60_000);
    world.read();
    assert_eq!(world.owner("late", HOUR), account(2));
    // Far older than the overlap: the daily comparison finds it.
    let older = [("Deployment_Key__c", "later"), ("Account__c", owner.as_str()), ("Status__c", "Active")];
    world.peer.change(|org, _| org.put("Deployment__c", 3, Instant(BEGAN), &older));
    world.at(FEBRUARY + 2 * HOUR);
    world.read();
    assert_eq!(world.owner("later", HOUR), "Unknown");
    world.at(FEBRUARY + DAY + HOUR);
    world.read();
    assert_eq!(world.owner("later", HOUR), account(2));
}

#[test]
fn equal_stamps_across_the_edge_of_a_page_lose_and_double_nothing() {
    let world = World::new(DEPLOYMENTS);
    world.read();
    world.peer.set_pages(2, 2);
    world.at(FEBRUARY + HOUR);
    (1..=7).for_each(|number| world.deploy(number, &format!("dep-{number}"), 1));
    let report = world.read();
    // Two descriptions, one page of accounts, four of deployments.
    assert_eq!(report.organisations["crm"], Told::Read { rows: 7, calls: 7 });
    assert_eq!(report.published.facts, 7);
}

#[test]
fn a_deployment_without_dates_moves_when_its_account_is_changed_in_place() {
    let world = World::new(ASSETS);
    let asset = |owner: u64| world.put("Asset", 1, &[("SerialNumber", "LIC-1"), ("AccountId", &id("001", owner))]);
    world.at(FEBRUARY - 20 * DAY);
    asset(1);
    world.read();
    world.at(FEBRUARY + 14 * DAY);
    asset(2);
    world.at(FEBRUARY + 14 * DAY + HOUR);
    world.read();
    assert_eq!(world.owner("LIC-1", 14 * DAY - 1), account(1), "the past is not attributed anew");
    assert_eq!(world.owner("LIC-1", 14 * DAY), account(2));
    let directory = world.directory();
    let marks: Vec<(bool, bool)> = directory.claims("LIC-1").map(|seen| seen.inferred).collect();
    assert_eq!(marks, [(true, true), (true, false)], "what was inferred says so");
    // Read anew in full, the history stays.
    world.at(FEBRUARY + 16 * DAY);
    world.read();
    assert_eq!(world.owner("LIC-1", DAY), account(1));
}

#[test]
fn stated_days_move_a_deployment_where_they_say_and_a_change_of_them_reaches_back() {
    let world = World::new(ASSETS);
    let values = |owner, from, until| {
        vec![("SerialNumber", "LIC-1"), ("AccountId", owner), ("InstallDate", from), ("UsageEndDate", until)]
    };
    let (one, two) = (id("001", 1), id("001", 2));
    world.put("Asset", 1, &values(&one, "2026-01-01", "2026-02-14"));
    world.put("Asset", 2, &values(&two, "2026-02-15", ""));
    world.read();
    assert_eq!(world.owner("LIC-1", 14 * DAY - 1), account(1), "the last day counts");
    assert_eq!(world.owner("LIC-1", 14 * DAY), account(2));
    assert_eq!(world.owner("LIC-1", -60 * DAY), "NotEffective");
    world.at(FEBRUARY + HOUR);
    world.put("Asset", 1, &values(&two, "2026-01-01", "2026-02-14"));
    world.read();
    assert_eq!(world.owner("LIC-1", DAY), account(2), "a correction of a dated record holds from its first day");
}

#[test]
fn a_merged_account_keeps_its_past_and_its_deployments_go_on_under_the_other() {
    for mapping in [DEPLOYMENTS, ASSETS] {
        let world = World::new(mapping);
        let key = if mapping == ASSETS {
            world.put("Asset", 1, &[("SerialNumber", "LIC-1"), ("AccountId", &id("001", 3))]);
            "LIC-1"
        } else {
            world.deploy(1, "dep-1", 3);
            "dep-1"
        };
        world.read();
        world.at(FEBRUARY + 10 * DAY);
        world.peer.change(|org, now| org.merge(3, 2, now));
        world.at(FEBRUARY + 10 * DAY + HOUR);
        world.read();
        let owners = [world.owner(key, 10 * DAY - 1), world.owner(key, 10 * DAY)];
        assert_eq!(owners, [account(3), account(2)], "{mapping}");
        let directory = world.directory();
        let loser = directory.parties().iter().find(|party| party.account == account(3)).unwrap();
        assert_eq!(loser.merged_into.as_deref(), Some(account(2).as_str()));
    }
}

#[test]
fn merges_in_a_circle_end() {
    let world = World::new(DEPLOYMENTS);
    world.deploy(1, "dep-1", 3);
    let chain =
        |from: u64, to: u64| world.put("Account", from, &[("MasterRecordId", &id("001", to)), ("IsDeleted", "true")]);
    chain(3, 2);
    chain(2, 3);
    world.read();
    assert!(!world.owner("dep-1", 0).is_empty());
}

#[test]
fn a_deleted_deployment_ends_and_comes_back_when_it_is_restored() {
    let world = World::new(DEPLOYMENTS);
    (1..=3).for_each(|number| world.deploy(number, &format!("dep-{number}"), 1));
    world.read();
    world.at(FEBRUARY + 5 * DAY);
    world.peer.change(|org, now| org.delete("Deployment__c", 1, now));
    world.read();
    assert_eq!(world.owner("dep-1", 5 * DAY - 1), account(1));
    assert_eq!(world.owner("dep-1", 5 * DAY), "NotEffective");
    world.at(FEBRUARY + 6 * DAY);
    world.put("Deployment__c", 1, &[("IsDeleted", "false")]);
    world.read();
    assert_eq!(world.owner("dep-1", 7 * DAY), account(1));
}

#[test]
fn a_record_deleted_for_good_is_gone_after_two_comparisons_miss_it() {
    let world = World::new(DEPLOYMENTS);
    (1..=3).for_each(|number| world.deploy(number, &format!("dep-{number}"), 1));
    world.read();
    world.peer.change(|org, _| org.purge("Deployment__c", 1));
    for (day, owner) in [(1, account(1)), (2, "NotEffective".to_owned())] {
        world.at(FEBRUARY + day * (DAY + HOUR));
        world.read();
        assert_eq!(world.owner("dep-1", 3 * DAY), owner, "after {day} comparisons");
    }
    assert_eq!(world.owner("dep-1", DAY), account(1), "it ends when it was first missed");
}

#[test]
fn two_accounts_that_claim_one_deployment_are_shown_and_none_is_picked() {
    let world = World::new(DEPLOYMENTS);
    world.deploy(1, "dep-1", 1);
    world.deploy(2, "dep-1", 2);
    world.put("Deployment__c", 3, &[("Deployment_Key__c", "orphan")]);
    world.read();
    assert_eq!(world.owner("dep-1", 0), "Ambiguous");
    assert_eq!(world.owner("orphan", DAY), "NoAccount");
}

#[test]
fn the_first_key_that_any_record_answers_to_decides_and_the_others_are_told() {
    let world = World::new(DEPLOYMENTS);
    world.deploy(1, "x-1", 1);
    world.deploy(2, "other", 2);
    world.put("Deployment__c", 2, &[("License_Key__c", "x-1"), ("Cluster_Id__c", "c-2")]);
    world.read();
    assert_eq!(world.owner("x-1", 0), account(1));
    assert_eq!(world.owner("c-2", 0), account(2));
    let directory = world.directory();
    let conflicts = directory.conflicts("x-1", Instant(FEBRUARY));
    assert_eq!(conflicts.iter().map(|seen| seen.account).collect::<Vec<_>>(), [Some(account(2).as_str())]);
    assert_eq!(world.owner("X-1", 0), "Unknown", "never by likeness");
}

#[test]
fn what_is_excluded_or_not_in_use_says_so() {
    let world = World::new(DEPLOYMENTS);
    world.put("Account", 3, &[("Type", "Internal")]);
    world.deploy(1, "ours", 3);
    world.deploy(2, "retired", 1);
    world.put("Deployment__c", 2, &[("Status__c", "Retired")]);
    world.read();
    let directory = world.directory();
    assert_eq!(directory.owner("ours", Instant(FEBRUARY)), Owner::Excluded);
    assert_eq!(directory.owner("retired", Instant(FEBRUARY)), Owner::Inactive(&account(1)));
}

#[test]
fn another_account_pays_where_the_record_says_so() {
    let world = World::new(DEPLOYMENTS);
    world.deploy(1, "dep-1", 1);
    world.put("Account", 1, &[("Bill_To_Account__c", &id("001", 2))]);
    world.read();
    let directory = world.directory();
    let party = &directory.parties()[0];
    assert_eq!((party.account.clone(), party.name.as_str()), (account(1), "Globex, Inc."));
    assert_eq!(party.bill_to, Some(account(2)));
    assert_eq!(party.address.last().map(String::as_str), Some("for Acme Émile & Co \"Paris\""));
}

#[test]
fn facts_keep_the_instant_at_which_they_were_first_recorded() {
    let world = World::new(DEPLOYMENTS);
    world.deploy(1, "dep-1", 1);
    world.read();
    world.at(FEBRUARY + DAY);
    world.deploy(2, "dep-2", 1);
    world.read();
    let recorded = |name: &str| world.directory().claims(name).next().unwrap().recorded_at.0;
    assert_eq!((recorded("dep-1"), recorded("dep-2")), (FEBRUARY, FEBRUARY + DAY));
}

#[test]
fn a_mapping_that_asks_for_more_keeps_what_was_seen_before() {
    let mut world = World::new(ASSETS);
    world.put("Asset", 1, &[("SerialNumber", "LIC-1"), ("AccountId", &id("001", 1))]);
    world.read();
    world.at(FEBRUARY + 3 * DAY);
    world.put("Asset", 1, &[("AccountId", &id("001", 2))]);
    world.read();
    let more = format!(
        "{ASSETS}    accounts: {{attributes: {{tier: Tier__c}}}}\n    deployments: {{object: Asset, keys: [SerialNumber], account: AccountId, status: Name}}\n"
    );
    world.catalogue = world.peer.change(|org, _| crate::world::load(&more, org));
    world.at(FEBRUARY + 4 * DAY);
    world.read();
    assert_eq!([world.owner("LIC-1", DAY), world.owner("LIC-1", 3 * DAY)], [account(1), account(2)]);
    assert_eq!(world.directory().parties()[0].attributes["tier"], "gold");
}

#[test]
fn a_hint_means_to_read_those_records_again_and_nothing_else() {
    let world = World::new(DEPLOYMENTS);
    (1..=2).for_each(|number| world.deploy(number, &format!("dep-{number}"), 1));
    world.read();
    world.at(FEBRUARY + HOUR);
    (1..=2).for_each(|number| world.deploy(number, &format!("dep-{number}"), 2));
    let report = world.hinted("Deployment__c", &[id("a0B", 1)]);
    // A description and a page.
    assert_eq!(report.organisations["crm"], Told::Read { rows: 1, calls: 2 });
    assert_eq!([world.owner("dep-1", HOUR), world.owner("dep-2", HOUR)], [account(2), account(1)]);
    // No cursor moved: what nobody has said is read with the next run.
    world.read();
    assert_eq!(world.owner("dep-2", HOUR), account(2));
    let nothing = world.hinted("Opportunity", &[id("006", 1)]);
    assert_eq!(nothing.organisations["crm"], Told::Read { rows: 0, calls: 0 });
    assert!(!nothing.published.changed);
}

#[test]
fn a_hint_without_ids_or_before_the_first_load_reads_everything_that_is_due() {
    let world = World::new(DEPLOYMENTS);
    world.deploy(1, "dep-1", 1);
    world.hinted("Deployment__c", &[id("a0B", 1)]);
    assert_eq!(world.owner("dep-1", HOUR), account(1), "the account is read too");
    world.at(FEBRUARY + HOUR);
    world.deploy(2, "dep-2", 2);
    world.hinted("Deployment__c", &[]);
    assert_eq!(world.owner("dep-2", HOUR), account(2));
}

#[test]
fn a_record_that_a_hint_finds_deleted_ends() {
    let world = World::new(DEPLOYMENTS);
    (1..=3).for_each(|number| world.deploy(number, &format!("dep-{number}"), 1));
    world.read();
    world.at(FEBRUARY + DAY);
    world.peer.change(|org, now| org.delete("Deployment__c", 1, now));
    world.hinted("Deployment__c", &[id("a0B", 1)]);
    assert_eq!([world.owner("dep-1", DAY - 1), world.owner("dep-1", DAY)], [account(1), "NotEffective".to_owned()]);
}
