use std::collections::BTreeMap;

use catalog::Catalogue;
use chrono::{Days, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use metering::exact::Exact;
use metering::period::Period;
use pricing::{
    Agreement, Amount, History, RatedKind, RatedLine, StreamUsage, Stretch, Term, Usage, UsageError, UsageWithin,
    rate_agreement,
};
use serde_json::json;

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
        "proration_cycles" => Some(cycles(case)),
        "windowed_commitment" => Some(windows(case)),
        _ => None,
    }
}

/// Another plan for the last days of a month whose fee has been charged in advance.
fn changed(case: &Case) -> Outcome {
    let config = case.config();
    let first = case.first_day().unwrap();
    let period = Period::month_of(first.and_time(NaiveTime::MIN).and_utc().into(), Tz::UTC).unwrap();
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
    world.plan["commitment"] = json!({"amount": config["commitment"], "overage": config["overage_factor"]});
    for (index, feature) in list(&config["features"]).into_iter().enumerate() {
        let name = format!("feature-{index}");
        let price = json!({"per-unit": feature["unit"]});
        world = world.counted(&name, "unit").component(&name, &name, price);
        world = world.used(&name, 1, number(&feature["quantity"]));
    }
    Outcome::Lines(world.rate())
}

/// A commitment on everything, held for the last days of a month: the line that makes up for what is missing.
fn partial_commitment(case: &Case) -> Outcome {
    let config = case.config();
    let period = Period::parse_month("2024-02", Tz::UTC).unwrap();
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

/// The number of periods that are charged, of a fee of one.
fn cycles(case: &Case) -> Outcome {
    let (from, target) = (day(text(&case.usage()["start"])), day(text(&case.usage()["target"])));
    let mut world = World::new(case.currency());
    world.period = Period::month_of(target.and_time(NaiveTime::MIN).and_utc().into(), Tz::UTC).unwrap();
    world.term = Term { from, until: None };
    let anchor = &case.config()["anchor_day"];
    world.plan["recurring"] = json!([{"title": "Fee", "amount": 1, "anchor": anchor, "billed": "advance"}]);
    let parts: Vec<Exact> = world.rate().iter().map(unrounded).collect();
    Outcome::Number(Exact::sum(&parts).unwrap())
}

/// Each day a window.
fn windows(case: &Case) -> Outcome {
    let config = case.config();
    let values: Vec<Exact> = list(&case.usage()["bucket_values"]).into_iter().map(number).collect();
    let unspent = if config["true_up"] == true { "charged" } else { "free" };
    let agreed =
        json!({"amount": config["commitment_per_window"], "overage": config["overage_factor"], "unspent": unspent});
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
    world.period = Period::month_of((until - Days::new(1)).and_time(NaiveTime::MIN).and_utc().into(), Tz::UTC).unwrap();
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
    let usage = world.rate().into_iter().filter(|line| line.component == "c");
    let fees = world.fees_in_advance(&world.period.month_after(1).unwrap());
    Outcome::Lines(usage.chain(fees).collect())
}
