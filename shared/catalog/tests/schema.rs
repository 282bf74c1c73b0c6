//! The schema for editors says of a catalogue what reading it says: held by a validator that is not ours, over every
//! example of the documentation, every catalogue of the demo and the tests, and every broken one.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What the validator finds wrong with each of the documents.
fn validate(documents: &BTreeMap<String, Value>) -> BTreeMap<String, Vec<String>> {
    let python = repository().join(".venv/bin/python");
    assert!(python.exists(), "{} is missing: `make tools` installs it", python.display());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schema/validate.py");
    let mut child = Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let schema: Value = serde_json::from_str(&catalog::schema()).unwrap();
    let given = json!({"schema": schema, "documents": documents});
    child.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success(), "the validator failed: is the schema one?");
    let found: BTreeMap<String, Vec<String>> = serde_json::from_slice(&ended.stdout).unwrap();
    assert!(found.keys().eq(documents.keys()), "an answer for each");
    found
}

fn yaml(name: &str, text: &str) -> Value {
    serde_yaml_ng::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}\n{text}"))
}

/// Files below a folder of the repository with this ending, by their paths in it.
fn files(folder: &str, ending: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![repository().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                let name = path.strip_prefix(repository()).unwrap().to_string_lossy().into_owned();
                found.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    assert!(!found.is_empty(), "{folder} has no {ending}");
    found
}

/// The sections of a catalogue, as the schema knows them.
fn sections() -> BTreeSet<String> {
    let schema: Value = serde_json::from_str(&catalog::schema()).unwrap();
    schema["properties"].as_object().unwrap().keys().cloned().collect()
}

/// The examples of the documentation: whole sections as they stand, sources and streams put into theirs.
fn examples() -> BTreeMap<String, Value> {
    let (sections, mut found) = (sections(), BTreeMap::new());
    for (page, text) in files("docs", ".md") {
        for (number, block) in text.split("```").enumerate().filter(|(number, _)| number % 2 == 1) {
            let Some((info, body)) = block.split_once('\n') else { continue };
            let name = format!("{page} #{}", number / 2 + 1);
            let document = match info {
                "yaml source" => json!({"sources": [yaml(&name, body)]}),
                "yaml streams" => json!({"streams": yaml(&name, body)}),
                "yaml" => yaml(&name, body),
                _ => continue,
            };
            let is_whole = document.as_object().is_some_and(|fields| fields.keys().all(|key| sections.contains(key)));
            if is_whole {
                found.insert(name, document);
            } else {
                panic!("{name} is no section of a catalogue:\n{body}");
            }
        }
    }
    found
}

#[test]
fn all_that_is_shown_fits_the_schema() {
    let mut documents = examples();
    assert!(documents.len() > 150, "only {} examples", documents.len());
    for (name, text) in ["infra/local/demo/catalogue", "tests/catalogues/real", "tests/events"]
        .map(|folder| files(folder, ".yaml"))
        .into_iter()
        .flatten()
    {
        documents.insert(name.clone(), yaml(&name, &text));
    }
    let sound = "tests/catalogues/sound.yaml";
    documents.insert(sound.to_owned(), yaml(sound, &fs::read_to_string(repository().join(sound)).unwrap()));
    for preset in ["account-asset", "account-deployment", "cpq-subscriptions", "contract", "order"] {
        let organisation = json!({
            "name": "a", "host": "https://a.my.salesforce.com", "organisation": "00D000000000001AAA", "preset": preset,
        });
        documents.insert(format!("preset {preset}"), json!({"salesforce": [organisation]}));
    }
    let wrong: Vec<String> = validate(&documents)
        .into_iter()
        .filter(|(_, errors)| !errors.is_empty())
        .map(|(name, errors)| format!("{name}:\n  {}", errors.join("\n  ")))
        .collect();
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), documents.len(), wrong.join("\n"));
}

/// What the schema finds of the broken catalogues: all that is wrong with the shape of a file. What is wrong between its
/// entries (names, days, owners, amounts) only reading finds.
const MISSHAPEN: [&str; 11] = [
    "kind-state",
    "missing-field",
    "no-such-day",
    "one-broken-entry-hides-no-other",
    "section-is-no-list",
    "several-faults",
    "source-mapping",
    "unknown-field",
    "unknown-section",
    "wrong-type",
    "wrong-word",
];

#[test]
fn what_is_misshapen_is_refused_by_the_schema_and_by_reading() {
    let mut documents = BTreeMap::new();
    for (path, text) in files("tests/catalogues/broken", ".yaml") {
        // What is no YAML has no shape; and how much of an alias is unfolded, each reader decides for itself.
        if path.contains("aliases-without-end") {
            continue;
        }
        if let Ok(document) = serde_yaml_ng::from_str::<Value>(&text) {
            documents.insert(path.rsplit('/').next().unwrap().trim_end_matches(".yaml").to_owned(), document);
        }
    }
    let found = validate(&documents);
    let refused: Vec<&str> =
        found.iter().filter(|(_, errors)| !errors.is_empty()).map(|(name, _)| name.as_str()).collect();
    assert_eq!(refused, MISSHAPEN, "{found:#?}");
}

/// A field that nobody reads, put wherever the examples have fields that are told one by one.
#[test]
fn an_unknown_field_is_refused_in_each_section() {
    let mut documents = BTreeMap::new();
    for (name, document) in examples() {
        for section in sections() {
            let mut broken = document.clone();
            let entry = match broken.get_mut(&section) {
                Some(Value::Array(entries)) => entries.first_mut(),
                other => other,
            };
            if let Some(fields) = entry.and_then(Value::as_object_mut) {
                fields.insert("no-such-field".to_owned(), json!(1));
                documents.insert(format!("{section} of {name}"), broken);
            }
        }
    }
    assert!(documents.len() > 150);
    let accepted: Vec<String> =
        validate(&documents).into_iter().filter(|(_, errors)| errors.is_empty()).map(|(name, _)| name).collect();
    assert!(accepted.is_empty(), "{accepted:#?}");
}
