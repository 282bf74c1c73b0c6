//! Back into Salesforce: by external id, in batches, each item for itself.

use std::collections::BTreeMap;

use catalog::salesforce::Target;
use metering::time::Instant;
use proptest::prelude::*;
use salesforce::Client;
use salesforce::correlate::settings;
use salesforce::write_back::{BATCH, Record, Value, Written, batches, write};
use salesforce_peer::{Answer, Kind, Object};

use crate::world::{DEPLOYMENTS, World, finish};

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
