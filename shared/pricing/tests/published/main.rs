//! Prices and quantities that others publish, said in this catalogue's language.
//!
//! Each published case has a model, a configuration and a usage. A model is translated in one place,
//! whatever the numbers, into a catalogue as a user writes it; the catalogue is loaded and checked,
//! the usage counted into cells, measured and rated. The files lie outside the repository; without
//! them the tests say so and pass.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![expect(clippy::print_stderr, reason = "a skipped test has to say so")]

/// Fees, commitments, discounts, credits, taxes: what is agreed around the usage.
mod agreements;
/// What is said of a case, read strictly.
mod case;
/// What is corrected after an invoice.
mod corrections;
/// How usage becomes a quantity.
mod quantities;
/// What taxes come to.
mod taxes;
/// How a quantity becomes an amount.
mod usage_models;
/// A catalogue, its usage, and what it is rated to.
mod world;

use std::path::Path;

use case::{Case, Outcome};

/// Where the files lie, beside the repository or further up.
const FOLDER: &str = "shared/samples/money";

fn cases(file: &str) -> Option<Vec<Case>> {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().skip(3);
    let Some(text) =
        above.map(|above| above.join(FOLDER).join(file)).find_map(|path| std::fs::read_to_string(path).ok())
    else {
        eprintln!("SKIPPED: {FOLDER}/{file} is not there");
        return None;
    };
    let cases: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    Some(cases.into_iter().map(Case).collect())
}

/// Runs every case; those that are wrong, and those that nobody has translated, are named together.
fn run(cases: &[Case], at_least: usize, translate: impl Fn(&Case) -> Option<Outcome>) {
    let (mut right, mut wrong) = (0, Vec::new());
    for case in cases {
        match translate(case).map(|outcome| outcome.difference(case)) {
            Some(None) => right += 1,
            Some(Some(difference)) => wrong.push(format!("{}: {difference}", case.id())),
            None => wrong.push(format!("{}: no translation of {}", case.id(), case.model())),
        }
    }
    eprintln!("{right} of {} published cases are right", cases.len());
    assert_eq!(wrong, Vec::<String>::new());
    assert!(right >= at_least, "{right} cases of at least {at_least}");
}

#[test]
fn published_prices_come_out_to_the_cent() {
    let Some(cases) = cases("pricing_cases.json") else { return };
    run(&cases, 76, |case| {
        usage_models::outcome(case)
            .or_else(|| corrections::outcome(case))
            .or_else(|| agreements::outcome(case))
            .or_else(|| taxes::outcome(case))
    });
}

#[test]
fn published_quantities_come_out_to_the_last_digit() {
    let Some(cases) = cases("aggregation_cases.json") else { return };
    run(&cases, 8, quantities::outcome);
}
