use std::collections::BTreeMap;

use catalog::Catalogue;
use chrono::{Datelike, Days, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use metering::exact::Exact;
use metering::period::Period;
use pricing::{
    Agreement, Amount, History, RatedKind, RatedLine, StreamUsage, Stretch, Term, Usage, UsageError, UsageWithin,
    rate_agreement,
};
use serde_json::{Value, json};

use crate::case::{Case, Outcome, days, list, number, text, unrounded};
use crate::world::{World, day};

/// Cases of what is agreed around the usage; `None` for those that have no translation yet.
pub fn outcome(case: &Case) -> Option<Outcome> {
    match case.model() {
        "recurring_prorated" => Some(Outcome::Lines(prorated(case).rate())),
        "invoice_total" => Some(fee_in_advance_and_usage(case)),
        "change_proration" => Some(changed(case)),
        "commitment_overage" => Some(commitment(case)),
        "minimum_commitment_trueup" => Some(partial_commitment(case)),
        "proration_cycles" => cycles(case),
        "windowed_commitment" => Some(windows(case)),
        _ => None,
    }
}

/// Another plan for the last days of a month whose fee has been charged in advance.
fn changed(case: &Case) -> Outcome {
    let config = case.config();
    let period = month_with(days(&config["period_days"]));
    let change = period.end - Days::new(days(&config["remaining_days"]));
    let plan = |name: &str| {
        json!({"name": name, "title": name, "currency": case.currency(),
            "recurring": [{"title": "Fee", "amount": config[name], "billed": "advance"}]})
    };
    let held = json!({"plan": "old", "from": "2023-01-01", "changes": [{"from": change.to_string(), "plan": "new"}]});
    let text = json!({"seller": {"name": "S", "currency": case.currency(), "zone": "UTC"},
        "plans": [plan("old"), plan("new")], "customers": [{"id": "c", "name": "C", "subscriptions": [held]}]});
    let catalogue = catalog::load([("case.yaml".to_owned(), text.to_string())]).unwrap().catalogue;
    let now = rate_customer(&catalogue, &period);
    let currency = now[0].currency;
    let charged = catalogue.plan("old").unwrap().fees[0].amount;
    let total = Amount::sum(now.iter().map(|line| line.amount)).unwrap();
    Outcome::Amount(total.sub(charged).unwrap(), currency)
}

fn rate_customer(catalogue: &Catalogue, period: &Period) -> Vec<RatedLine> {
    let customer = catalogue.customer("c").unwrap();
    let stretches: Vec<Stretch<'_>> = customer
        .subscriptions
        .iter()
        .map(|held| Stretch { plan: &held.plan, term: held.term, ended: held.ended })
        .collect();
    let (attributes, history) = (BTreeMap::new(), History::default());
    let agreement = Agreement {
        customer: "c",
        period,
        stretches: &stretches,
        attributes: &attributes,
        usage: &Unused,
        history: &history,
    };
    rate_agreement(&agreement).unwrap()
}

#[derive(Debug)]
struct Unused;

impl UsageWithin for Unused {
    fn within<'a>(&'a self, _: Term) -> Result<Box<dyn Usage + 'a>, UsageError> {
        Ok(Box::new(BTreeMap::<String, StreamUsage>::new()))
    }
}

fn commitment(case: &Case) -> Outcome {
    let config = case.config();
    let mut world = World::new(case.currency());
    world.plan["commitment"] = agreed(config, &config["commitment"]);
    for (index, feature) in list(&config["features"]).into_iter().enumerate() {
        let name = format!("feature-{index}");
        let price = json!({"per-unit": feature["unit"]});
        world = world.counted(&name, "unit").component(&name, &name, price);
        world = world.used(&name, 1, number(&feature["quantity"]));
    }
    Outcome::Lines(world.rate())
}

/// What is committed to; what is spent beyond it costs as usual where no factor is given.
fn agreed(config: &Value, amount: &Value) -> Value {
    let mut agreed = json!({"amount": amount});
    if !config["overage_factor"].is_null() {
        agreed["overage"] = config["overage_factor"].clone();
    }
    if config["true_up"] == false {
        agreed["unspent"] = "free".into();
    }
    agreed
}

/// A commitment on everything, held for the last days of a month: the line that makes up for what is missing.
fn partial_commitment(case: &Case) -> Outcome {
    let config = case.config();
    let period = month_with(days(&case.usage()["period_days"]));
    let mut world = World::new(case.currency()).counted("spent", case.currency());
    world = world.component("spent", "spent", json!({"per-unit": 1}));
    world.period = period;
    world.term = Term { from: period.end - Days::new(days(&case.usage()["active_days"])), until: None };
    world.plan["recurring"] = json!([{"title": "Fee", "amount": config["recurring"]}]);
    world.plan["commitment"] = json!({"amount": config["commitment"], "counts": "everything"});
    let last = 24 * i64::try_from(days(&case.usage()["period_days"]) - 1).unwrap();
    let lines = world.used("spent", last, number(&config["usage_charges"])).rate();
    Outcome::Lines(lines.into_iter().filter(|line| line.kind == RatedKind::Commitment).collect())
}

/// The number of periods that are charged until a day, of a fee of one in advance; `end` is where the subscription
/// ends. `None` for periods that the catalogue does not have.
fn cycles(case: &Case) -> Option<Outcome> {
    let named =
        [("weekly", "week"), ("monthly", "month"), ("quarterly", "quarter"), ("annual", "year"), ("yearly", "year")];
    let every = match case.config()["period"].as_str() {
        None => "month",
        Some(period) => named.iter().find(|(theirs, _)| *theirs == period)?.1,
    };
    let (from, target) = (day(text(&case.usage()["start"])), day(text(&case.usage()["target"])));
    let mut world = World::new("USD");
    world.term = Term { from, until: case.usage()["end"].as_str().map(day) };
    world.plan["recurring"] = json!([{"title": "Fee", "amount": 1, "every": every, "billed": "advance"}]);
    if let Some(anchor) = case.config()["anchor_day"].as_u64() {
        let first = from.iter_days().take(31).find(|day| u64::from(day.day()) == anchor);
        let date = first.unwrap_or(month_of(from).end - Days::new(1)).to_string();
        world.plan["recurring"][0]["anchor"] = if every == "month" { anchor.into() } else { date.into() };
    }
    let mut parts = Vec::new();
    world.period = month_of(from);
    while world.period.start <= target {
        parts.extend(world.rate().iter().filter(|line| begins(line, &world.period) <= target).map(unrounded));
        world.period = world.period.month_after(1).unwrap();
    }
    Some(Outcome::Number(Exact::sum(&parts).unwrap()))
}

/// A calendar month with so many days.
fn month_with(days: u64) -> Period {
    let months = ["2023-02", "2024-02", "2024-04", "2024-03"].map(|month| Period::parse_month(month, Tz::UTC).unwrap());
    months.into_iter().find(|month| month.start + Days::new(days) == month.end).unwrap()
}

fn month_of(day: NaiveDate) -> Period {
    Period::month_of(day.and_time(NaiveTime::MIN).and_utc().into(), Tz::UTC).unwrap()
}

/// The first day of the period of a fee; only those of calendar months do not name theirs.
fn begins(line: &RatedLine, month: &Period) -> NaiveDate {
    line.detail.as_deref().and_then(|detail| detail.get(..10)?.parse().ok()).unwrap_or(month.start)
}

/// Each day a window.
fn windows(case: &Case) -> Outcome {
    let config = case.config();
    let values: Vec<Exact> = list(&case.usage()["bucket_values"]).into_iter().map(number).collect();
    let mut agreed = agreed(config, &config["commitment_per_window"]);
    if config["true_up"] != true {
        agreed["unspent"] = "free".into();
    }
    let price = json!({"per-unit": config["unit"], "bucket": "day", "bucket-commitment": agreed});
    let mut world = World::new(case.currency()).counted("usage", "unit").component("c", "usage", price);
    world = world.days(day("2026-01-05"), u64::try_from(values.len()).unwrap());
    for (index, value) in (0_i64..).zip(values) {
        world = world.used("usage", 24 * index, value);
    }
    Outcome::Lines(world.rate())
}

/// Held for some days of a longer period, which is named as the denominator.
pub fn prorated(case: &Case) -> World {
    let (held, of) = (days(&case.usage()["active_days"]), days(&case.usage()["period_days"]));
    let mut world = World::new(case.currency());
    let from = NaiveDate::from_ymd_opt(2023, 1, 1).unwrap();
    let until = from + Days::new(held);
    world.term = Term { from, until: Some(until) };
    // Charged with the month in which it ends.
    world.period = month_of(until - Days::new(1));
    world.plan["recurring"] = json!([{"title": "Fee", "amount": case.config()["recurring"], "every": "year",
        "prorate": {"by": "day", "of": of}}]);
    world
}

/// The month's usage in arrears with the next month's fee in advance.
fn fee_in_advance_and_usage(case: &Case) -> Outcome {
    let price = json!({"per-unit": case.config()["unit"]});
    let mut world = World::new(case.currency()).counted("usage", "unit").component("c", "usage", price);
    world.plan["recurring"] = json!([{"title": "Fee", "amount": case.config()["recurring"], "billed": "advance"}]);
    let world = world.used("usage", 1, number(&case.usage()["quantity"]));
    let usage = world.rate().into_iter().filter(|line| &*line.component == "c");
    let fees = world.fees_in_advance(&world.period.month_after(1).unwrap());
    Outcome::Lines(usage.chain(fees).collect())
}
