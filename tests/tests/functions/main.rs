//! The four functions as Lambda runs them: their own binaries, driven through the real Runtime API
//! with the events in `events/`, against S3, DynamoDB and SQS over HTTP. Every event is delivered
//! twice and finds the same state.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod bootstrap;
#[path = "../../conformance/ministack.rs"]
mod ministack;
mod salesforce;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use lambda::Function;
use serde_json::{Value, json};

use bootstrap::Running;
use world::{World, binary};

fn event(name: &str) -> Value {
    let path = format!("{}/../events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn nothing_failed() -> Value {
    json!({ "batchItemFailures": [] })
}

#[tokio::test]
async fn translate_reads_every_wrapping_once() {
    let world = World::start().await;
    let translate = Running::start(&world, Function::Translate).await;
    for (name, tallies) in [
        ("s3-test-event", 0),
        ("s3-object-removed", 0),
        ("s3-put", 1),
        ("s3-put-odd-key", 2),
        ("eventbridge-object-created", 3),
        ("sqs-batch", 5),
        ("sns-in-sqs", 6),
        ("sns-direct", 7),
    ] {
        let answer = translate.invoke_twice(&world, &event(name)).await;
        assert_eq!((answer, world.tallies().await), (nothing_failed(), tallies), "{name}");
    }
}

#[tokio::test]
async fn a_bad_message_is_reported_and_its_neighbours_are_tallied() {
    let world = World::start().await;
    let translate = Running::start(&world, Function::Translate).await;
    let batch = event("sqs-batch-one-bad");
    let answer = translate.invoke_twice(&world, &batch).await;
    let bad = &batch["Records"][1]["messageId"];
    assert_eq!(answer, json!({ "batchItemFailures": [{ "itemIdentifier": bad }] }));
    assert_eq!(world.tallies().await, 2);
}

#[tokio::test]
async fn translate_refuses_what_it_cannot_place() {
    let world = World::start().await;
    let translate = Running::start(&world, Function::Translate).await;
    let unknown = translate.invoke(&json!({ "hello": "world" })).await.unwrap_err();
    assert_eq!(unknown.kind, "BadEvent");
    assert!(unknown.message.contains("no known kind"), "{}", unknown.message);
    let mut elsewhere = event("s3-put");
    elsewhere["Records"][0]["s3"]["bucket"]["name"] = json!("somebody-elses-bucket");
    let elsewhere = translate.invoke(&elsewhere).await.unwrap_err();
    assert_eq!(elsewhere.kind, "OtherBucket");
    assert_eq!(world.tallies().await, 0);
}

#[tokio::test]
async fn a_sweep_asks_for_the_file_that_no_event_announced() {
    let world = World::start().await;
    let translate = Running::start(&world, Function::Translate).await;
    let aggregate = Running::start(&world, Function::Aggregate).await;
    for name in ["s3-put", "s3-put-odd-key", "sqs-batch", "sqs-batch-one-bad", "sns-in-sqs", "sns-direct"] {
        translate.invoke(&event(name)).await.unwrap();
    }
    let swept = aggregate.invoke_twice(&world, &event("aggregate-sweep")).await;
    assert_eq!(swept, json!({ "objects": 10, "askedFor": 1, "held": 0, "unread": 0 }));
    let asked = world.take_batch().await;
    assert!(!asked["Records"].as_array().unwrap().is_empty());
    assert_eq!(translate.invoke_twice(&world, &asked).await, nothing_failed());
    assert_eq!(world.tallies().await, 10);
    let swept = aggregate.invoke_twice(&world, &event("aggregate-sweep")).await;
    assert_eq!(swept["askedFor"], json!(0));
}

#[tokio::test]
async fn a_restatement_is_asked_for_by_an_event_and_said_once() {
    let world = World::start().await;
    let translate = Running::start(&world, Function::Translate).await;
    let aggregate = Running::start(&world, Function::Aggregate).await;
    translate.invoke(&event("s3-put")).await.unwrap();
    let restatements = |state: BTreeMap<String, String>| {
        let said = state.into_iter().filter(|(key, _)| key.contains("restatements"));
        said.map(|(_, item)| item).collect::<Vec<_>>()
    };
    assert_eq!(restatements(world.state().await), [""; 0]);
    let answer = aggregate.invoke_twice(&world, &event("aggregate-restate")).await;
    assert_eq!(answer["objects"], json!(10));
    let said = restatements(world.state().await);
    let mapping = answer["mapping"].as_str().unwrap();
    assert_eq!((said.len(), said[0].contains(mapping), said[0].contains("sites")), (1, true, true), "{said:?}");
    let mut unknown = event("aggregate-restate");
    unknown["restate"]["source"] = json!("nowhere");
    let refused = aggregate.invoke(&unknown).await.unwrap_err();
    assert!(refused.message.contains("no such source; the catalogue has sites"), "{}", refused.message);
}

#[tokio::test]
async fn the_whole_road_ends_in_one_invoice() {
    let world = World::start().await;
    let translate = Running::start(&world, Function::Translate).await;
    for (_, key) in world::files() {
        let mut created = event("eventbridge-object-created");
        created["detail"]["object"]["key"] = json!(key);
        translate.invoke_twice(&world, &created).await;
    }
    let aggregate = Running::start(&world, Function::Aggregate).await;
    let refreshed = aggregate.invoke_twice(&world, &event("schedule")).await;
    assert_eq!(refreshed["tallies"], json!(10));
    let correlate = Running::start(&world, Function::Correlate).await;
    let published = correlate.invoke_twice(&world, &event("schedule")).await;
    assert_eq!((&published["changed"], &published["unowned"]), (&json!(true), &json!([])));

    let invoice = Running::start(&world, Function::Invoice).await;
    let closed = invoice.invoke_twice(&world, &event("invoice-period")).await;
    assert_eq!(closed, json!({ "month": "2026-02", "issued": ["harbour"], "repeated": [], "waiting": [] }));
    let again = invoice.invoke_twice(&world, &event("invoice-scheduled")).await;
    assert_eq!(again["repeated"], json!(["harbour"]));

    let document: Value = serde_json::from_slice(&world.invoice("harbour/2026-02-QS-000001.json").await).unwrap();
    // 4 + 5 + … + 13 GB at 2.00, and 500.00 for the platform.
    assert_eq!(document["total"], json!("670.00"));
    let pages = world.invoice("harbour/2026-02-QS-000001.pdf").await;
    assert!(pages.starts_with(b"%PDF-"));
}

#[tokio::test]
async fn a_month_is_not_closed_by_a_misread_request_nor_before_everything_is_counted() {
    let world = World::start().await;
    let invoice = Running::start(&world, Function::Invoice).await;
    let before = world.state().await;
    for payload in [json!({}), json!({ "peroid": "2026-02" }), json!({ "period": "February" })] {
        let refused = invoice.invoke(&payload).await.unwrap_err();
        assert_eq!(refused.kind, "BadEvent", "{}", refused.message);
    }
    assert_eq!(world.state().await, before);
    let uncounted = invoice.invoke(&event("invoice-period")).await.unwrap_err();
    assert_eq!(uncounted.kind, "PeriodNotClosed");
    assert!(uncounted.message.contains("harbour"), "{}", uncounted.message);
    assert!(!world.state().await.keys().any(|place| place.contains("-invoices-")));
}

/// Each event with the function that it is for; what makes it possible comes before it.
const EVENTS: &[(&str, Function)] = &[
    ("s3-test-event", Function::Translate),
    ("s3-object-removed", Function::Translate),
    ("s3-put", Function::Translate),
    ("s3-put-odd-key", Function::Translate),
    ("eventbridge-object-created", Function::Translate),
    ("sqs-batch", Function::Translate),
    ("sqs-batch-one-bad", Function::Translate),
    ("sns-in-sqs", Function::Translate),
    ("sns-direct", Function::Translate),
    ("schedule", Function::Aggregate),
    ("aggregate-sweep", Function::Aggregate),
    ("aggregate-restate", Function::Aggregate),
    ("correlate-accept", Function::Correlate),
    ("correlate-changed", Function::Correlate),
    ("correlate-write-off", Function::Correlate),
    ("correlate-write-back", Function::Correlate),
    ("invoice-period", Function::Invoice),
    ("invoice-scheduled", Function::Invoice),
];

#[tokio::test]
async fn every_sample_is_understood_by_the_function_that_it_is_for() {
    let folder = std::fs::read_dir(format!("{}/../events", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let there: BTreeSet<String> = folder.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(there, EVENTS.iter().map(|(name, _)| format!("{name}.json")).collect());

    let world = World::start().await;
    // Nobody owns it until somebody writes it off.
    let stray = "usage/rotterdam/2026-02-03/04.jsonl";
    let record = r#"{"installation":"harbour-9","at":"2026-02-03T04:10:00Z","gb":4}"#;
    world.put(world::USAGE, stray, record).await;
    for function in Function::ALL {
        let running = Running::start(&world, function).await;
        for (name, _) in EVENTS.iter().filter(|(_, whose)| *whose == function) {
            running.invoke_twice(&world, &event(name)).await;
        }
        if function == Function::Translate {
            for (_, key) in world::files() {
                let mut created = event("eventbridge-object-created");
                created["detail"]["object"]["key"] = json!(key);
                running.invoke(&created).await.unwrap();
            }
        }
    }
    let document: Value = serde_json::from_slice(&world.invoice("harbour/2026-02-QS-000001.json").await).unwrap();
    // 5 + 6 + … + 13 GB at 2.00, and 500.00 for the platform: the 4 GB are nobody's.
    assert_eq!(document["total"], json!("662.00"));
}

#[test]
fn a_function_without_its_environment_says_what_is_missing() {
    for function in Function::ALL {
        let output = Command::new(binary(function)).env_clear().output().unwrap();
        assert!(!output.status.success(), "{}", function.name());
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        for variable in function.variables().filter(|variable| variable.required) {
            assert!(said.contains(variable.name), "{} does not name {}: {said}", function.name(), variable.name);
        }
    }
}
