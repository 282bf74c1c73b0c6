use chrono::{NaiveDateTime, TimeZone};
use chrono_tz::Tz;
use metering::exact::{Exact, decimal_text};
use metering::period::{Period, start_of_day};
use metering::time::Instant;
use pricing::RatedLine;
use serde_json::{Value, json};
use usage::{ObjectContext, SourceSpec, Translator};

use crate::case::{Case, Outcome, list, number, text};
use crate::world::{At, World, day};

/// Cases of how usage becomes a quantity; `None` for those that have no translation.
pub fn outcome(case: &Case) -> Option<Outcome> {
    match case.model() {
        "time_weighted_avg_of_deltas" => Some(Outcome::Number(average_level(case))),
        "round_quantity" => Some(Outcome::Number(rounded(case))),
        "max_per_customer_then_sum" => Some(Outcome::Number(largest_of_each(case))),
        "count_in_local_month" => Some(Outcome::Number(counted_in_month(case))),
        "sum_with_dedupe" => Some(Outcome::Number(without_repeats(case))),
        _ => None,
    }
}

fn one(lines: Vec<RatedLine>) -> Exact {
    assert_eq!(lines.len(), 1);
    lines[0].quantity.unwrap()
}

/// Changes of a level that is held between them, averaged over the period by time.
fn average_level(case: &Case) -> Exact {
    let rules = json!({"kind": "change", "day": "average", "month": "average"});
    let mut world = World::new("USD").stream("usage", "unit", rules).component("c", "usage", json!({"per-unit": 1}));
    let (first, end) = text(&case.0["period"]).split_once("..").unwrap();
    (world.period.start, world.period.end) = (day(&first[..10]), day(&end[..10]));
    for (index, change) in list(&case.usage()["deltas"]).into_iter().enumerate() {
        let at = chrono::DateTime::parse_from_rfc3339(text(&change["t"])).unwrap().to_utc().into();
        let of = At { series: format!("{}", index % 2), dimensions: &[] };
        world = world.used_at("usage", at, number(&change["v"]), &of);
    }
    one(world.rate())
}

/// `precision` digits after the point, or before it where it is below nought.
fn rounded(case: &Case) -> Exact {
    let config = case.config();
    let precision = config["precision"].as_i64().unwrap_or(0);
    let digits = u32::try_from(precision.unsigned_abs()).unwrap();
    let to = if precision >= 0 { decimal_text(1, digits) } else { 10_i128.pow(digits).to_string() };
    let rule = match text(&config["function"]) {
        "ceil" => "up",
        "floor" => "down",
        _ => "half-away-from-zero",
    };
    let price = json!({"per-unit": 1, "round-quantity": {"to": to, "rule": rule}});
    let world = World::new("USD").counted("usage", "unit").component("c", "usage", price);
    one(world.used("usage", 1, number(&case.usage()["quantity"])).rate())
}

/// Each customer has a line of its own, so that peaks are never compared across customers.
fn largest_of_each(case: &Case) -> Exact {
    let peak = |value: &Value| {
        let rules = json!({"kind": "delta", "day": "peak", "month": "peak"});
        let world = World::new("USD").stream("usage", "unit", rules).component("c", "usage", json!({"per-unit": 1}));
        one(world.used("usage", 1, number(value)).rate())
    };
    Exact::sum(&case.usage()["customers"].as_object().unwrap().values().map(peak).collect::<Vec<_>>()).unwrap()
}

/// The points of Kill Bill's `TestDSTUsageIssue`, which the case refers to by name.
const LOCAL_POINTS: [&str; 9] = [
    "2023-03-01T04:00",
    "2023-03-15T00:00",
    "2023-03-31T23:59",
    "2023-04-01T00:00",
    "2023-04-01T00:01",
    "2023-04-15T00:00",
    "2023-04-30T23:59",
    "2023-05-01T00:00",
    "2023-05-01T00:01",
];

fn counted_in_month(case: &Case) -> Exact {
    let zone: Tz = text(&case.config()["timezone"]).parse().unwrap();
    let given = list(&case.usage()["points_local"]);
    let points: Vec<&str> =
        if given.is_empty() { LOCAL_POINTS.to_vec() } else { given.into_iter().map(text).collect() };
    let rules = json!({"kind": "delta", "day": "count", "month": "count"});
    let mut world = World::new("USD").stream("usage", "unit", rules).component("c", "usage", json!({"per-unit": 1}));
    world.period = Period::parse_month(&text(&case.0["period"])[..7], zone).unwrap();
    for point in points {
        let point = point.replace(' ', "T");
        let mut local = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"].iter();
        let local = local.find_map(|format| NaiveDateTime::parse_from_str(&point, format).ok()).unwrap();
        let at: Instant = zone.from_local_datetime(&local).earliest().unwrap().to_utc().into();
        world = world.used_at("usage", at, Exact::ONE, &At::default());
    }
    one(world.rate())
}

/// The events as a file, read by a source that says what identifies an event.
fn without_repeats(case: &Case) -> Exact {
    let source = json!({"name": "events", "objects": "**", "format": "json-lines", "deployment": {"value": "d"},
        "time": {"field": "at", "format": "epoch-s"}, "event-id": case.config()["key"],
        "usage": [{"stream": "usage", "quantity": "v"}]});
    let mut world = World::new("USD").counted("usage", "unit").component("c", "usage", json!({"per-unit": 1}));
    let first = start_of_day(world.period.zone, world.period.start).unwrap();
    let mut file = String::new();
    for event in list(&case.usage()["events"]) {
        let mut event = event.clone();
        if event["at"].is_null() {
            event["at"] = (first.0 / 1000 + 60).into();
        }
        file.push_str(&format!("{event}\n"));
    }
    let spec: SourceSpec = serde_json::from_value(source).unwrap();
    let source = spec.compile(&world.catalogue().streams).unwrap();
    let mut translator = Translator::new(&source, ObjectContext::default());
    translator.push(file.as_bytes()).unwrap();
    world.cells = translator.finish().unwrap().tally.cells;
    one(world.rate())
}
