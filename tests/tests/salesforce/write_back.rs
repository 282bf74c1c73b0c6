//! Back into Salesforce: by external id, in batches, each item for itself.

use std::collections::BTreeMap;
use std::task::{Context, Waker};

use catalog::salesforce::Target;
use metering::time::Instant;
use proptest::prelude::*;
use salesforce::Client;
use salesforce::correlate::settings;
use salesforce::write_back::{BATCH, Record, Value, Written, batches, write};
use salesforce::written::{Options, Report, refused, write_back};
use salesforce_peer::{Answer, Kind, Object, id};

use crate::billing::{MARCH, close_month, used};
use crate::slow::Slow;
use crate::world::{DAY, DEPLOYMENTS, FEBRUARY, World, account, finish};

fn target() -> Target {
    let fields = [("account", "Account__c"), ("quantity", "Quantity__c"), ("month", "Month__c")];
    let fields = fields.into_iter().map(|(name, field)| (name.to_owned(), field.to_owned())).collect();
    Target { object: "Usage__c".to_owned(), key: "Key__c".to_owned(), fields }
}

fn record(key: &str, account: &str, quantity: &str) -> Record {
    let values = [
        ("account", Value::Text(account.to_owned())),
        ("quantity", Value::Number(quantity.to_owned())),
        ("month", Value::Text("2026-02".to_owned())),
    ];
    let values: BTreeMap<String, Value> = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Record { key: key.to_owned(), account: account.to_owned(), values }
}

fn world() -> World {
    let world = World::new(DEPLOYMENTS);
    let fields =
        [("Key__c", Kind::Text), ("Account__c", Kind::Text), ("Quantity__c", Kind::Number), ("Month__c", Kind::Text)];
    world.peer.change(|org, _| org.objects.insert("Usage__c".to_owned(), Object::new("a0C", &fields)));
    world
}

fn send(world: &World, records: Vec<Record>) -> Written {
    let edges = world.edges();
    let organisation = &world.catalogue.salesforce["crm"];
    let client = Client::new(&edges["crm"], settings(organisation), Instant(i64::MAX));
    finish(write(&client, &target(), records)).unwrap()
}

fn stored(world: &World) -> Vec<(String, String)> {
    world.peer.change(|org, _| {
        let records = org.objects["Usage__c"].records.values();
        records.map(|record| (record["Key__c"].clone(), record["Quantity__c"].clone())).collect()
    })
}

#[test]
fn written_twice_it_is_there_once_and_every_digit_arrives() {
    let world = world();
    let records = vec![record("a|2026-02", "001", "1234567890123456.78"), record("b|2026-02", "001", "0.1")];
    assert_eq!(send(&world, records.clone()).written, 2);
    assert_eq!(send(&world, records).written, 2);
    let expected = [("a|2026-02", "1234567890123456.78"), ("b|2026-02", "0.1")];
    assert_eq!(stored(&world), expected.map(|(key, quantity)| (key.to_owned(), quantity.to_owned())));
}

#[test]
fn an_item_that_passes_is_sent_again_and_one_that_does_not_keeps_no_other_waiting() {
    let world = world();
    let mixed = r#"[{"success":false,"errors":[{"statusCode":"UNABLE_TO_LOCK_ROW","message":"locked","fields":[]}]},
        {"success":false,"errors":[{"statusCode":"REQUIRED_FIELD_MISSING","message":"Required fields are missing","fields":[]}]}]"#;
    world.peer.go_wrong("/composite/", 0, 1, Answer::text(200, "application/json", mixed));
    let outcome = send(&world, vec![record("a", "001", "1"), record("b", "001", "2")]);
    assert_eq!((outcome.written, outcome.dead.len()), (1, 1));
    assert!(outcome.dead[0].key == "b" && outcome.dead[0].reason.contains("REQUIRED_FIELD_MISSING"));
    assert_eq!(stored(&world), [("a".to_owned(), "1".to_owned())]);
}

/// The catalogue that says what is written back.
fn mapping() -> String {
    format!(
        "{DEPLOYMENTS}    write-back:
      usage:
        object: Usage__c
        key: Key__c
        fields: {{account: Account__c, deployment: Deployment__c, month: Month__c, quantity: Quantity__c}}
      invoices:
        object: Invoice__c
        key: Number__c
        fields: {{account: Account__c, month: Month__c, period-start: First__c, period-end: Last__c, total: Total__c, currency: Currency__c, due: Due__c}}
"
    )
}

/// An organisation with the objects, a deployment of each of two accounts, usage of both, and February's invoices.
fn billed() -> World {
    let world = World::new(&mapping());
    let text = |names: &[&'static str]| -> Vec<(&'static str, Kind)> {
        let number = |name: &str| matches!(name, "Quantity__c" | "Total__c");
        names.iter().map(|name| (*name, if number(name) { Kind::Number } else { Kind::Text })).collect()
    };
    let usage = text(&["Key__c", "Account__c", "Deployment__c", "Month__c", "Quantity__c"]);
    let invoice =
        text(&["Number__c", "Account__c", "Month__c", "First__c", "Last__c", "Total__c", "Currency__c", "Due__c"]);
    world.peer.change(|org, _| {
        org.objects.insert("Usage__c".to_owned(), Object::new("a0C", &usage));
        org.objects.insert("Invoice__c".to_owned(), Object::new("a0D", &invoice));
    });
    world.deploy(1, "one", 1);
    world.deploy(2, "two", 2);
    world.read();
    used(&world, "one", FEBRUARY + DAY, 100);
    used(&world, "two", FEBRUARY + DAY, 10);
    world.at(MARCH + 2 * DAY);
    world.read();
    close_month(&world, &mapping(), "2026-02");
    world
}

fn options(redrive: bool) -> Options {
    Options { deadline: Instant(i64::MAX), months: vec!["2026-02".to_owned(), "2026-03".to_owned()], redrive }
}

fn write_all(world: &World, redrive: bool) -> Report {
    let organisation = &world.catalogue.salesforce["crm"];
    let edges = world.edges();
    let options = options(redrive);
    let run = write_back(&world.memory, &world.catalogue, organisation, &edges["crm"], &options);
    finish(run).unwrap()
}

/// What the organisation has: each record's mapped values, in the order of the ids.
fn records(world: &World, object: &str) -> Vec<BTreeMap<String, String>> {
    world.peer.change(|org, _| {
        let system = ["Id", "IsDeleted", "CreatedDate", "SystemModstamp"];
        let own = |record: &BTreeMap<String, String>| {
            record
                .iter()
                .filter(|(name, _)| !system.contains(&name.as_str()))
                .map(|(a, b)| (a.clone(), b.clone()))
                .collect()
        };
        org.objects[object].records.values().map(own).collect()
    })
}

fn sent(world: &World) -> usize {
    world.peer.log().iter().filter(|line| line.starts_with("PATCH")).count()
}

fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn nothing_is_written_unless_the_catalogue_says_where() {
    let mut world = billed();
    world.catalogue = world.peer.change(|org, _| crate::world::load(DEPLOYMENTS, org));
    let calls = world.peer.log().len();
    assert_eq!(write_all(&world, false), Report::default());
    assert_eq!(world.peer.log().len(), calls, "not even a login");
}

#[test]
fn summaries_and_invoices_are_written_once_and_only_what_changes_is_written_again() {
    let world = billed();
    let report = write_all(&world, false);
    assert_eq!((report.written, report.unchanged, report.refused.len()), (4, 0, 0));
    let (one, two) = (id("001", 1), id("001", 2));
    let usage = |account: &str, site: &str, quantity: &str| {
        let key = format!("{account}|2026-02|{site}|calls");
        values(&[
            ("Key__c", &key),
            ("Account__c", account),
            ("Deployment__c", site),
            ("Month__c", "2026-02"),
            ("Quantity__c", quantity),
        ])
    };
    assert_eq!(records(&world, "Usage__c"), [usage(&one, "one", "100"), usage(&two, "two", "10")]);
    let invoices = records(&world, "Invoice__c");
    let first = values(&[
        ("Number__c", "000001"),
        ("Account__c", &one),
        ("Month__c", "2026-02"),
        ("First__c", "2026-02-01"),
        ("Last__c", "2026-02-28"),
        ("Total__c", "50.00"),
        ("Currency__c", "USD"),
        ("Due__c", "any"),
    ]);
    assert_eq!(
        (invoices.len(), &invoices[0]["Total__c"], &invoices[1]["Total__c"]),
        (2, &"50.00".into(), &"5.00".into())
    );
    assert_eq!(invoices[0].keys().collect::<Vec<_>>(), first.keys().collect::<Vec<_>>());
    for name in ["Account__c", "Month__c", "First__c", "Last__c", "Total__c", "Currency__c"] {
        assert_eq!(invoices[0][name], first[name], "{name}");
    }
    // Nothing has changed: two descriptions, and nothing is sent.
    let before = sent(&world);
    let again = write_all(&world, false);
    assert_eq!((again.written, again.unchanged, sent(&world)), (0, 4, before));
    // Late usage of one: its summary alone.
    used(&world, "one", FEBRUARY + 2 * DAY, 1);
    assert_eq!(write_all(&world, false).written, 1);
    assert_eq!(records(&world, "Usage__c")[0]["Quantity__c"], "101");
}

#[test]
fn a_deployment_that_turns_out_to_be_anothers_leaves_nothing_behind() {
    let world = billed();
    write_all(&world, false);
    world.put("Deployment__c", 1, &[("Account__c", &id("001", 2))]);
    world.read();
    let report = write_all(&world, false);
    assert_eq!(report.written, 2);
    let told: BTreeMap<String, String> =
        records(&world, "Usage__c").iter().map(|one| (one["Key__c"].clone(), one["Quantity__c"].clone())).collect();
    let key = |account: u64, site: &str| format!("{}|2026-02|{site}|calls", id("001", account));
    let expected = [(key(1, "one"), "0"), (key(2, "one"), "100"), (key(2, "two"), "10")];
    assert_eq!(told, expected.map(|(key, quantity)| (key, quantity.to_owned())).into());
}

#[test]
fn as_many_answers_as_records_or_nothing_counts_as_written() {
    let world = world();
    world.peer.go_wrong(
        "/composite/",
        0,
        1,
        Answer::text(200, "application/json", r#"[{"success":true,"errors":[]}]"#),
    );
    let edges = world.edges();
    let client = Client::new(&edges["crm"], settings(&world.catalogue.salesforce["crm"]), Instant(i64::MAX));
    let records = vec![record("a", "001", "1"), record("b", "001", "2")];
    let fault = finish(write(&client, &target(), records)).unwrap_err().to_string();
    assert!(fault.contains("2 records were sent, 1 answers came"), "{fault}");
}

#[test]
fn what_was_a_merged_accounts_stands_at_the_other() {
    let world = billed();
    write_all(&world, false);
    world.at(MARCH + 5 * DAY);
    world.peer.change(|org, now| org.merge(2, 1, now));
    world.read();
    write_all(&world, false);
    for object in ["Usage__c", "Invoice__c"] {
        let owners: Vec<String> = records(&world, object).iter().map(|record| record["Account__c"].clone()).collect();
        assert_eq!(owners, [id("001", 1), id("001", 1)], "{object}");
    }
}

#[test]
fn what_is_refused_is_listed_keeps_no_other_waiting_and_is_driven_again() {
    let world = billed();
    let mixed = r#"[{"success":false,"errors":[{"statusCode":"FIELD_CUSTOM_VALIDATION_EXCEPTION","message":"no","fields":[]}]},
        {"id":"a0Cxx0000000001AAA","success":true,"errors":[],"created":true}]"#;
    world.peer.go_wrong("/composite/sobjects/Usage__c", 0, 1, Answer::text(200, "application/json", mixed));
    let report = write_all(&world, false);
    assert_eq!((report.written, report.refused.len()), (3, 1));
    let known = finish(refused(&world.memory, "crm")).unwrap();
    assert_eq!(known, report.refused);
    assert!(known[0].reason.contains("FIELD_CUSTOM_VALIDATION_EXCEPTION") && known[0].account == account(1));
    // It is not sent again by itself, and told with every run.
    let before = sent(&world);
    assert_eq!(write_all(&world, false).refused, known);
    assert_eq!(sent(&world), before);
    // What it says has changed: that is another record to the organisation, and is sent.
    let redriven = write_all(&world, true);
    assert_eq!((redriven.written, redriven.refused.len()), (1, 0));
    assert_eq!(finish(refused(&world.memory, "crm")).unwrap(), []);
}

#[test]
fn a_field_that_may_not_be_written_is_named_before_anything_is() {
    let world = billed();
    world.peer.change(|org, _| org.object("Invoice__c").hidden.insert("Due__c".to_owned()));
    let organisation = &world.catalogue.salesforce["crm"];
    let edges = world.edges();
    let options = options(false);
    let run = write_back(&world.memory, &world.catalogue, organisation, &edges["crm"], &options);
    let error = finish(run).unwrap_err().to_string();
    assert!(error.contains("Invoice__c.Due__c"), "{error}");
    assert_eq!(sent(&world), 0);
}

#[test]
fn cut_off_at_any_await_and_run_again_each_record_is_there_once() {
    let whole = billed();
    write_all(&whole, false);
    let expected = (records(&whole, "Usage__c"), records(&whole, "Invoice__c"));
    let marks = |world: &World| {
        let items = world.memory.items().into_iter();
        items
            .filter(|(_, key, _)| key.partition.starts_with("B#"))
            .map(|(_, key, item)| (key, item.body))
            .collect::<Vec<_>>()
    };
    let mut awaits = 0;
    loop {
        let world = billed();
        let done = {
            let (edges, organisation) = (world.edges(), &world.catalogue.salesforce["crm"]);
            let (slow, options) = (Slow(&world.memory), options(false));
            let run = write_back(&slow, &world.catalogue, organisation, &edges["crm"], &options);
            let mut run = std::pin::pin!(run);
            (0..=awaits).any(|_| run.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready())
        };
        write_all(&world, false);
        assert_eq!((records(&world, "Usage__c"), records(&world, "Invoice__c")), expected, "cut off at await {awaits}");
        assert_eq!(marks(&world), marks(&whole), "cut off at await {awaits}");
        if done {
            assert!(awaits > 20, "a run has more awaits than {awaits}");
            return;
        }
        awaits += 1;
    }
}

#[test]
fn each_refusal_of_an_item_is_sent_again_or_kept_as_is_known_of_it() {
    let Some(all) = crate::shapes::shapes() else { return };
    let actions = &all["composite_upsert_invoices"]["item_actions"];
    for (action, written) in [("retry", 1), ("dead_letter", 0)] {
        let codes = actions[action].as_array().unwrap();
        assert!(codes.len() > 3);
        for code in codes {
            let world = world();
            let item =
                format!(r#"[{{"success":false,"errors":[{{"statusCode":{code},"message":"no","fields":[]}}]}}]"#);
            world.peer.go_wrong("/composite/", 0, 1, Answer::text(200, "application/json", &item));
            let outcome = send(&world, vec![record("a", "001", "1")]);
            assert_eq!((outcome.written, outcome.dead.len()), (written, 1 - written), "{code}");
        }
    }
}

proptest! {
    #[test]
    fn batches_hold_each_key_once_grouped_by_account_and_are_no_larger_than_allowed(
        keys in proptest::collection::vec((0_u16..500, 0_u8..7), 0..900)
    ) {
        let records: Vec<Record> =
            keys.iter().map(|(key, account)| record(&format!("k{key}"), &format!("a{account}"), "1")).collect();
        let batches = batches(records.clone());
        prop_assert!(batches.iter().all(|batch| !batch.is_empty() && batch.len() <= BATCH));
        let all: Vec<&Record> = batches.iter().flatten().collect();
        let mut sent: Vec<&str> = all.iter().map(|record| record.key.as_str()).collect();
        let accounts: Vec<&str> = all.iter().map(|record| record.account.as_str()).collect();
        prop_assert!(accounts.is_sorted());
        sent.sort_unstable();
        let mut expected: Vec<&str> = records.iter().map(|record| record.key.as_str()).collect();
        expected.sort_unstable();
        expected.dedup();
        prop_assert_eq!(sent, expected);
    }
}
