use std::collections::BTreeMap;

use chrono::Days;
use metering::exact::{Exact, Rounding};
use metering::period::start_of_day;
use serde_json::{Map, Value, json};

use crate::case::{Case, Outcome, days, list, minimum_only, number, text};
use crate::world::{At, World, day};

/// Cases of prices by quantity; `None` for other models.
pub fn outcome(case: &Case) -> Option<Outcome> {
    let (config, usage) = (case.config(), case.usage());
    Some(match case.model() {
        "unit" | "unit_rounded" | "package" | "graduated" | "volume" => counted(case, price(case.model(), config)),
        "graduated_percentage" => money(case, price("graduated", config)),
        "round_currency" => Outcome::Lines(quantity(case, "unit", &usage["amount"], json!({"per-unit": 1}))),
        "stairstep" => counted(case, price("volume", config)),
        "round_each_line_then_sum" => {
            let line = |amount| quantity(case, "unit", amount, json!({"per-unit": 1}));
            Outcome::Lines(list(&usage["line_amounts"]).into_iter().flat_map(line).collect())
        }
        "percentage" => percentage(case),
        "percentage_per_event_minmax" => {
            let events: Vec<Exact> = list(&usage["events"]).into_iter().map(number).collect();
            by_event(case, percent(config), &events)
        }
        "block_tiers_all" => blocks(case, "graduated"),
        "block_tiers_top" => blocks(case, "volume"),
        "bucketed" => bucketed(case),
        "cost_passthrough" => {
            Outcome::Lines(quantity(case, case.currency(), &usage["sum_precise_total_amount"], json!({"markup": 0})))
        }
        "cost_passthrough_markup" => {
            let markup = number(&config["multiplier"]).sub(&Exact::ONE).unwrap().mul(&Exact::integer(100)).unwrap();
            let price = json!({"markup": markup.to_string()});
            Outcome::Lines(quantity(case, case.currency(), &usage["quantity"], price))
        }
        "volume_prorated" => prorated_volume(case),
        "charge_minimum_trueup" => partial_minimum(case),
        "time_weighted_then_unit" | "time_weighted_then_volume" | "time_weighted_then_graduated" => storage(case),
        _ => return None,
    })
}

/// The fields of a price that were given, under our names.
fn renamed(config: &Value, names: &[(&str, &str)]) -> Map<String, Value> {
    let given = names.iter().filter(|(theirs, _)| !config[*theirs].is_null());
    given.map(|(theirs, ours)| ((*ours).to_owned(), config[*theirs].clone())).collect()
}

const AROUND: [(&str, &str); 6] = [
    ("free_units", "included"),
    ("included", "included"),
    ("minimum_amount", "minimum"),
    ("maximum_amount", "maximum"),
    ("minimum", "minimum"),
    ("maximum", "maximum"),
];

/// The price of a published configuration in the catalogue's language.
pub fn price(model: &str, config: &Value) -> Value {
    let mut price = renamed(config, &AROUND);
    match model {
        "unit" | "unit_rounded" => price.extend(renamed(config, &[("unit", "per-unit")])),
        "package" | "package_incremental" => price.extend(package(config)),
        _ => {
            price.insert(model.to_owned(), list(&config["tiers"]).into_iter().map(tier).collect::<Vec<_>>().into());
            if config["zero_usage_charges_first_flat"] == false {
                price.insert("zero-usage".to_owned(), "free".into());
            }
        }
    }
    price.into()
}

pub fn package(config: &Value) -> Map<String, Value> {
    let names = [("amount", "per-unit"), ("package_size", "unit-size"), ("free_units", "included")];
    let mut price = renamed(config, &names);
    let packages = match config["round"].as_str() {
        Some("down") => "down",
        Some("exact" | "none") => "exact",
        _ => "up",
    };
    price.insert("packages".to_owned(), packages.into());
    price
}

fn tier(tier: &Value) -> Value {
    let names = [
        ("up_to", "up-to"),
        ("unit", "per-unit"),
        ("flat", "flat"),
        ("rate_percent", "percent"),
        ("cap", "maximum"),
        ("maximum", "maximum"),
        ("minimum", "minimum"),
    ];
    renamed(tier, &names).into()
}

/// The rule by which a case rounds amounts, under our name; a rule that is not known is no case of ours.
fn rounding(case: &Case) -> Option<&'static str> {
    Some(match case.config()["rounding"].as_str()? {
        "half_up" | "half_away_from_zero" => "half-away-from-zero",
        "half_even" | "bankers" => "half-even",
        "up" | "ceil" => "up",
        "down" | "floor" => "down",
        other => unreachable!("{other} is not a rule of rounding"),
    })
}

/// A quantity of so many units at a price.
fn quantity(case: &Case, unit: &str, quantity: &Value, price: Value) -> Vec<pricing::RatedLine> {
    let mut world = World::new(case.currency()).counted("usage", unit).component("c", "usage", price);
    if let Some(rule) = rounding(case) {
        world.plan["rounding"] = rule.into();
    }
    let quantity = number(quantity);
    // Nothing used is nothing counted.
    if quantity.is_zero() { world.rate() } else { world.used("usage", 1, quantity).rate() }
}

fn counted(case: &Case, price: Value) -> Outcome {
    Outcome::Lines(quantity(case, "unit", &case.usage()["quantity"], price))
}

fn money(case: &Case, price: Value) -> Outcome {
    Outcome::Lines(quantity(case, case.currency(), &case.usage()["quantity"], price))
}

fn percent(config: &Value) -> Value {
    let names = [
        ("rate_percent", "percent"),
        ("fixed_per_event", "per-event"),
        ("free_events", "free-events"),
        ("free_amount", "included"),
        ("min_per_event", "minimum-per-event"),
        ("max_per_event", "maximum-per-event"),
    ];
    renamed(config, &names).into()
}

fn by_event(case: &Case, price: Value, events: &[Exact]) -> Outcome {
    let world = World::new(case.currency()).counted("usage", case.currency()).component("c", "usage", price);
    Outcome::Lines(world.events("usage", events).rate())
}

/// The total, the number of events, and the running total of the first ones: the others share what
/// is left.
fn percentage(case: &Case) -> Outcome {
    let usage = case.usage();
    let (total, count) = (number(&usage["quantity"]), usage["events"].as_u64().unwrap_or(1));
    let running: Vec<Exact> = list(&usage["running_total"]).into_iter().map(number).collect();
    let mut events = Vec::new();
    let mut before = Exact::ZERO;
    for sum in running {
        events.push(sum.sub(&before).unwrap());
        before = sum;
    }
    let left = usize::try_from(count).unwrap().saturating_sub(events.len());
    for nth in 0..left {
        let share = total.sub(&before).unwrap();
        let cents = Exact::decimal(1, 2).unwrap();
        events.push(if nth + 1 == left { share } else { cents });
        before = before.add(events.last().unwrap()).unwrap();
    }
    by_event(case, percent(case.config()), &events)
}

/// Tiers of whole blocks, counted in blocks: a component for each unit.
fn blocks(case: &Case, model: &str) -> Outcome {
    let mut world = World::new(case.currency());
    for unit in list(&case.config()["units"]) {
        let (name, mut tiers, mut end) = (text(&unit["unit"]), Vec::new(), Exact::ZERO);
        let blocks = list(&unit["tiers"]);
        for block in &blocks {
            let mut tier = json!({"per-unit": block["price"], "unit-size": block["block_size"]});
            if !block["max_blocks"].is_null() {
                end = end.add(&number(&block["max_blocks"]).mul(&number(&block["block_size"])).unwrap()).unwrap();
                tier["up-to"] = end.to_string().into();
            }
            tiers.push(tier);
        }
        let mut price = json!({"packages": "up"});
        price[model] = tiers.into();
        if blocks.last().is_some_and(|block| !block["max_blocks"].is_null()) {
            price["beyond"] = "last-tier".into();
        }
        world = world.counted(name, name).component(name, name, price);
        world = world.used(name, 1, number(&case.usage()[name]));
    }
    Outcome::Lines(world.rate())
}

/// Each value is a day's peak; values of groups are those of one day.
fn bucketed(case: &Case) -> Outcome {
    let (inner, usage) = (&case.config()["inner"], case.usage());
    let mut price = price(text(&inner["model"]), inner);
    price["bucket"] = "day".into();
    let groups = list(&usage["groups"]);
    if !groups.is_empty() {
        price["per"] = json!({"dimension": "group"});
    }
    let rules = json!({"kind": "delta", "day": "peak", "month": "peak"});
    let mut world = World::new(case.currency()).stream("usage", "unit", rules).component("c", "usage", price);
    let first = start_of_day(world.period.zone, world.period.start).unwrap();
    for (index, value) in list(&usage["bucket_values"]).into_iter().enumerate() {
        let group = groups.get(index).map(|group| ("group", text(group)));
        let at = first.plus_hours(if group.is_some() { 1 } else { 24 * i64::try_from(index).unwrap() }).unwrap();
        world = world.used_at("usage", at, number(value), &At { dimensions: group.as_slice(), ..At::default() });
    }
    Outcome::Lines(world.rate())
}

/// The tier by the whole units, the amount by those in proportion to their time: a level whose
/// peak is the one and whose average is the other.
fn prorated_volume(case: &Case) -> Outcome {
    let usage = case.usage();
    let (peak, average) = (number(&usage["quantity"]), number(&usage["prorated_quantity"]));
    let mut price = price("volume", case.config());
    price["tier-by"] = "peak".into();
    let rules = json!({"kind": "gauge", "day": "average", "month": "average", "interval": "24h"});
    let world = World::new(case.currency()).stream("usage", "unit", rules).component("c", "usage", price);
    // 31 days: one at the peak, one with what is left, the others alike.
    let rest = average.mul(&Exact::integer(31)).unwrap().sub(&peak).unwrap();
    let alike = Exact::decimal(rest.div(&Exact::integer(30)).unwrap().round(2, Rounding::Down).unwrap(), 2).unwrap();
    let last = rest.sub(&alike.mul(&Exact::integer(29)).unwrap()).unwrap();
    Outcome::Lines(world.levels("usage", [(24, peak), (29 * 24, alike), (24, last)]).rate())
}

fn partial_minimum(case: &Case) -> Outcome {
    let (config, usage) = (case.config(), case.usage());
    let first = case.first_day().unwrap_or_else(|| day("2023-02-01"));
    let world =
        World::new(case.currency()).days(first, days(&usage["period_days"])).held_for(days(&usage["active_days"]));
    let world = world.counted("usage", "unit").component("c", "usage", price("unit", config));
    minimum_only(world.used("usage", 1, number(&usage["quantity"])).rate())
}

/// `GB-month = byte-hours / 2^30 / 744`: bytes that were held for some hours each.
fn storage(case: &Case) -> Outcome {
    let (config, segments) = (case.config(), list(&case.usage()["segments"]));
    let definition = text(&config["unit_definition"]);
    let units: BTreeMap<&str, &str> =
        [("2^30", "GiB"), ("2^40", "TiB"), ("10^9", "GB"), ("1e9", "GB"), ("10^12", "TB"), ("1e12", "TB")].into();
    let unit = units.iter().find(|(power, _)| definition.contains(*power)).unwrap().1;
    let month = definition.rsplit('/').next().unwrap().trim();
    let month = if month.parse::<u32>().is_ok() { format!("{month}h") } else { "actual".to_owned() };
    let mut price = price(case.model().trim_start_matches("time_weighted_then_"), config);
    (price["unit"], price["month"]) = ((*unit).into(), month.into());
    let hours = |segment: &Value| segment["hours"].as_i64().unwrap();
    let period_days = segments.iter().map(|segment| hours(segment)).sum::<i64>() / 24;
    let first = day("2026-03-01");
    let rules = json!({"kind": "gauge", "day": "average", "month": "average", "interval": "1h"});
    let world = World::new(case.currency()).days(first, u64::try_from(period_days).unwrap());
    assert_eq!(world.period.end, first + Days::new(u64::try_from(period_days).unwrap()));
    let world = world.stream("usage", "B", rules).component("c", "usage", price);
    let levels = segments.iter().map(|segment| (hours(segment), number(&segment["bytes"])));
    Outcome::Lines(world.levels("usage", levels).rate())
}
