use chrono::Days;
use pricing::Term;
use serde_json::json;

use crate::case::{Case, Outcome, days, number};
use crate::world::World;

/// Cases of what is agreed around the usage; `None` for those that have no translation yet.
pub fn outcome(case: &Case) -> Option<Outcome> {
    match case.model() {
        "recurring_prorated" => Some(prorated(case)),
        "invoice_total" => Some(fee_in_advance_and_usage(case)),
        _ => None,
    }
}

/// Held for the last days of a period.
fn prorated(case: &Case) -> Outcome {
    let first = case.first_day().unwrap();
    let mut world = World::new(case.currency()).days(first, days(&case.usage()["period_days"]));
    let from = world.period.end - Days::new(days(&case.usage()["active_days"]));
    world.term = Term { from, until: None };
    world.plan["recurring"] = json!([{"title": "Fee", "amount": case.config()["recurring"]}]);
    Outcome::Lines(world.rate())
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
