use catalog::Catalogue;
use invoicing::{Invoice, Taxable, assemble_taxed, true_up};
use pricing::{Amount, RatedLine, TaxDays, Treatment};
use serde_json::json;

use crate::agreements::prorated;
use crate::case::{Case, Outcome, days, text};
use crate::corrections::header;
use crate::world::World;

/// Cases of taxes; `None` for those that have no translation yet.
pub fn outcome(case: &Case) -> Option<Outcome> {
    Some(match case.model() {
        "tax" => gross(case, fees(case, &[text(&case.usage()["net"])])),
        "recurring_prorated_with_tax" => gross(case, prorated(case)),
        "credit_note_unused_prorated" => unused(case),
        _ => return None,
    })
}

fn fees(case: &Case, amounts: &[&str]) -> World {
    let fee =
        |(index, amount): (usize, &&str)| json!({"name": format!("fee-{index}"), "title": "Fee", "amount": amount});
    let mut world = World::new(case.currency());
    world.plan["recurring"] = amounts.iter().enumerate().map(fee).collect();
    world
}

/// The catalogue with a customer who is taxed at the case's rate.
fn taxed(case: &Case, mut world: World) -> (World, Catalogue) {
    let rate = json!([{"from": "2000-01-01", "percent": case.config()["tax_percent"]}]);
    world.others = json!({
        "taxes": [{"jurisdiction": "X", "title": "Tax", "rates": {"standard": rate}}],
        "customers": [{"id": "c", "name": "C", "tax": {"jurisdiction": "X"},
            "currency": case.currency(), "subscriptions": [{"plan": "plan", "from": "2000-01-01"}]}],
    });
    let catalogue = world.catalogue();
    (world, catalogue)
}

fn treatments(catalogue: &Catalogue, line: Taxable<'_>) -> Result<Vec<Treatment>, String> {
    let category = match line {
        Taxable::Rated(line) => line.tax.as_deref(),
        Taxable::TrueUp(true_up) => true_up.tax.as_deref(),
    };
    let day = "2026-01-31".parse().unwrap();
    let days = TaxDays { period_end: day, issue: day };
    catalogue.customers["c"].tax.as_ref().unwrap().treatments(category, days).map_err(|error| error.to_string())
}

fn total(invoice: &Invoice) -> Amount {
    Amount::parse(&invoice.total, invoice.minor_digits).unwrap()
}

fn gross(case: &Case, world: World) -> Outcome {
    let (world, catalogue) = taxed(case, world);
    let lines = world.rate();
    let taxes = |line: Taxable<'_>| treatments(&catalogue, line);
    let invoice = assemble_taxed(header(&lines), &lines, &[], Some(&taxes)).unwrap();
    Outcome::Amount(total(&invoice), lines[0].currency)
}

/// What was charged for a whole period, less what is owed for the days that were used of it: given back with its tax.
fn unused(case: &Case) -> Outcome {
    let (unused, of) = (days(&case.usage()["unused_days"]), days(&case.usage()["period_days"]));
    let world = || {
        let mut world = fees(case, &[text(&case.config()["recurring"])]);
        world.plan["recurring"][0]["prorate"] = json!({"by": "day", "of": of});
        world
    };
    let (_, catalogue) = taxed(case, world());
    let taxes = |line: Taxable<'_>| treatments(&catalogue, line);
    let charged: Vec<RatedLine> = world().rate();
    let before = assemble_taxed(header(&charged), &charged, &[], Some(&taxes)).unwrap();
    let now = world().held_for(of - unused).rate();
    let (currency, period) = (now[0].currency, now[0].period.clone());
    let corrections = true_up(&period, currency, &now, [&before]).unwrap();
    let invoice = assemble_taxed(header(&charged), &[], &corrections, Some(&taxes)).unwrap();
    Outcome::Amount(total(&invoice).neg().unwrap(), currency)
}
