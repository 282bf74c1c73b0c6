//! Every answer that is known of Salesforce leads to what it should.
//!
//! The shapes lie outside of the project; without them the test says so and passes.

use std::path::{Path, PathBuf};

use lambda::events::schedule::{Correlate, correlate};
use salesforce::row::{Columns, Table};
use salesforce::soql::Select;
use salesforce::transport::Response;
use salesforce::value::Kind;
use salesforce::{Action, Complaint, Id};
use serde_json::Value;

pub fn shapes() -> Option<Value> {
    let mut folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let found: Option<PathBuf> = folders
        .find_map(|folder| Some(folder.join("shared/samples/salesforce_shapes.json")).filter(|path| path.is_file()));
    match found {
        Some(path) => Some(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()),
        None => {
            eprintln!("SKIPPED: no shapes of Salesforce's answers");
            None
        }
    }
}

/// The body of a shape, whichever way it is written.
fn complaint(shape: &Value, all: &Value) -> (Complaint, bool) {
    let shape_of_body = match shape.get("body_ref").and_then(Value::as_str) {
        Some(path) => path.split('.').fold(all, |value, name| &value[name]),
        None => shape,
    };
    let body = match (shape_of_body.get("body_text").and_then(Value::as_str), shape_of_body.get("body")) {
        (Some(text), _) => text.to_owned(),
        (None, Some(body)) => body.to_string(),
        (None, None) => String::new(),
    };
    let header = |name: &str| shape["headers"].get(name).and_then(Value::as_str).unwrap_or_default();
    let status = u16::try_from(shape["status"].as_u64().unwrap()).unwrap();
    let usage = salesforce::limits::Usage::read(header("Sforce-Limit-Info"));
    let over = usage.is_some_and(salesforce::limits::Usage::is_spent);
    (Complaint::read(status, header("Content-Type"), body.as_bytes()), over)
}

/// What a shape says in words is to be done.
fn stated(words: &str) -> Action {
    for (beginning, action) in [
        ("fatal (our bug or bad mapping config)", Action::Configuration),
        ("config error", Action::Configuration),
        ("ask for the parts", Action::Configuration),
        ("new token once", Action::RefreshToken),
        ("stop this sync run", Action::StopForToday),
        ("halve", Action::HalveWindow),
        ("narrow", Action::HalveWindow),
        ("restart this object's page walk", Action::RestartWalk),
        ("treat as gone", Action::Gone),
        ("ambiguity", Action::Ambiguous),
        ("fall back to REST", Action::UseRest),
        ("reload the secret once", Action::ReloadSecret),
        ("retry once with a fresh JWT", Action::Retry(1)),
        ("retry twice", Action::Retry(2)),
        ("retry", Action::Retry(5)),
        ("backoff", Action::Retry(5)),
        ("store the version with the job id", Action::Fatal),
        ("fatal", Action::Fatal),
    ] {
        if words.starts_with(beginning) {
            return action;
        }
    }
    panic!("nothing is known about `{words}`")
}

#[test]
fn every_shape_leads_to_what_it_says() {
    let Some(all) = shapes() else { return };
    let (mut seen, groups) = (0, [&all["errors"], &all["bulk2_query"]["create_errors"]]);
    for (name, shape) in groups.iter().flat_map(|group| group.as_object().unwrap()) {
        let (complaint, over) = complaint(shape, &all);
        assert_eq!(complaint.action(over), stated(shape["client_action"].as_str().unwrap()), "{name}: {complaint:?}");
        seen += 1;
    }
    for (name, shape) in all["auth"]["token_errors"].as_object().unwrap() {
        let (complaint, _) = complaint(shape, &all);
        assert_eq!(complaint.login_action(), stated(shape["client_action"].as_str().unwrap()), "{name}: {complaint:?}");
        seen += 1;
    }
    assert!(seen > 35, "there are more than {seen} shapes");
}

#[test]
fn a_token_without_what_may_be_missing_is_taken_and_one_for_elsewhere_is_not() {
    let Some(all) = shapes() else { return };
    let organisation = Id::parse("00Dxx0000001gPLEAY").unwrap();
    let granted = |body: &Value, organisation: &Id| {
        let response = Response { status: 200, body: body.to_string().into_bytes(), ..Response::default() };
        salesforce::auth::granted(&response, organisation, "https://acme.my.salesforce.com", false)
    };
    for flow in ["token_ok_client_credentials", "token_ok_jwt_bearer"] {
        let body = &all["auth"][flow]["body"];
        let token = granted(body, &organisation).ok().unwrap();
        assert_eq!(token.instance, "https://acme.my.salesforce.com");
        let other = Id::parse("00Dxx0000001gPM").unwrap();
        assert!(granted(body, &other).err().unwrap().to_string().contains("sandbox"));
        let mut elsewhere = body.clone();
        elsewhere["instance_url"] = "https://acme.example".into();
        assert!(granted(&elsewhere, &organisation).err().unwrap().to_string().contains("nothing was sent"));
    }
}

#[test]
fn the_daily_limit_is_read_in_every_form_of_its_header() {
    let Some(all) = shapes() else { return };
    let variants = all["limits_header_variants"].as_array().unwrap();
    assert!(!variants.is_empty());
    for variant in variants {
        let text = variant["value"].as_str().unwrap();
        let usage = salesforce::limits::Usage::read(text).unwrap();
        let written = format!("api-usage={}/{}", usage.used, usage.most);
        assert!(text.split("; ").any(|part| part == written), "{text}");
    }
}

#[test]
fn an_event_of_the_relay_leads_to_reading_its_records_again() {
    let Some(all) = shapes() else { return };
    let events = all["event_relay_cdc"].as_object().unwrap().values().filter(|event| event.get("source").is_some());
    let mut seen = 0;
    for event in events {
        let header = &event["detail"]["payload"]["ChangeEventHeader"];
        let ids: Vec<String> = serde_json::from_value(header["recordIds"].clone()).unwrap();
        let (organisation, object) =
            ("00Dxx0000001gPLEAY".to_owned(), header["entityName"].as_str().unwrap().to_owned());
        let expected = Correlate::Changed { organisation, object, ids };
        assert_eq!(correlate(event.clone()), Ok(expected));
        seen += 1;
    }
    assert!(seen >= 2);
}

#[test]
fn tables_of_results_have_as_many_rows_as_their_headers_say() {
    let Some(all) = shapes() else { return };
    for name in ["results_page_1", "results_page_2", "results_empty"] {
        let shape = &all["bulk2_query"][name];
        let text = shape["body_text"].as_str().unwrap();
        let fields: Vec<String> =
            text.lines().next().unwrap().split(',').map(|field| field.trim_matches('"').to_owned()).collect();
        let kinds = vec![Kind::Text; fields.len()];
        let columns = Columns { select: Select::new("Asset", &fields).unwrap(), kinds };
        let mut table = Table::new(&columns);
        let rows: usize = text.as_bytes().chunks(7).map(|piece| table.read(piece).unwrap().len()).sum();
        table.end().unwrap();
        assert_eq!(rows.to_string(), shape["headers"]["Sforce-NumberOfRecords"], "{name}");
    }
}

#[test]
fn ids_of_fifteen_characters_get_the_check_of_eighteen() {
    let Some(all) = shapes() else { return };
    let pairs: Vec<(String, String)> = serde_json::from_value(all["ids"]["pairs_15_18"].clone()).unwrap();
    assert!(!pairs.is_empty());
    for (short, long) in pairs {
        assert_eq!(Id::parse(&short).unwrap().as_str(), long);
        assert_eq!(Id::parse(&long).unwrap().short(), short);
    }
}
