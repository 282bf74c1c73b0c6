use chrono::{Days, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use metering::period::Period;
use pricing::Term;
use serde_json::json;

use crate::case::{Case, Outcome, days, number};
use crate::world::World;

/// Cases of what is agreed around the usage; `None` for those that have no translation yet.
pub fn outcome(case: &Case) -> Option<Outcome> {
    match case.model() {
        "recurring_prorated" => Some(Outcome::Lines(prorated(case).rate())),
        "invoice_total" => Some(fee_in_advance_and_usage(case)),
        _ => None,
    }
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
