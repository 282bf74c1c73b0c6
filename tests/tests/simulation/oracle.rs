//! The naive biller: one pass over the raw bucket, no ledger, no rollup, no reuse of the product's
//! arithmetic. What it says, the invoices have to say.

use std::collections::BTreeMap;

use ledger::memory::Memory;
use ledger::ports::{Blobs, Bucket};
use serde_json::Value;

use crate::faults::at_once;
use crate::scenario::{FEBRUARY, HANDOVER, HOUR, JANUARY, MARCH};

/// Cents by account, period and component.
pub type Charges = BTreeMap<(String, String, String), i128>;

/// When and how much, by deployment and node.
type Levels = BTreeMap<(String, String), (i64, i128)>;

/// What every account owes for January, and for February if that is over.
pub fn charges(memory: &Memory, with_february: bool) -> Charges {
    let mut calls: BTreeMap<(&str, &str), i128> = BTreeMap::new();
    let mut disk: BTreeMap<(&str, &str, i64), Levels> = BTreeMap::new();
    for key in keys(memory) {
        let deployment = key.split('/').nth(1).unwrap();
        let text = String::from_utf8(memory.object(Bucket::Usage, &key).unwrap()).unwrap();
        for record in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let at = record["t"].as_i64().unwrap();
            let Some(owner) = owner(deployment, at) else { continue };
            let Some(period) = period(at) else { continue };
            if let Some(amount) = record.get("calls") {
                *calls.entry((owner, period)).or_default() += hundredths(amount);
            }
            if let Some(amount) = record.get("disk") {
                let series = (deployment.to_owned(), record["node"].as_str().unwrap().to_owned());
                let sample = (at, hundredths(amount));
                let last = disk.entry((owner, period, at / HOUR)).or_default().entry(series).or_insert(sample);
                *last = (*last).max(sample);
            }
        }
    }
    let mut charges = Charges::new();
    for period in ["2026-01", "2026-02"].into_iter().take(if with_february { 2 } else { 1 }) {
        for (account, gold) in [("ann", 10_000), ("bob", 0)] {
            let mut charge = |component: &str, cents: i128| {
                charges.insert((account.to_owned(), period.to_owned(), component.to_owned()), cents);
            };
            charge("fee", 2_000);
            charge("gold", gold);
            let used = calls.get(&(account, period)).copied().unwrap_or(0);
            charge("calls", rounded((used - 500).max(0) * 37, 100));
            let hours = disk.iter().filter(|((a, p, _), _)| *a == account && *p == period);
            let levels: Vec<i128> = hours.map(|(_, series)| series.values().map(|(_, level)| level).sum()).collect();
            let count = i128::try_from(levels.len()).unwrap();
            charge("disk", rounded(levels.iter().sum::<i128>() * 111, 100 * count.max(1)));
        }
    }
    charges
}

fn keys(memory: &Memory) -> Vec<String> {
    let listing = at_once(memory.list(Bucket::Usage, "", None, 10_000)).unwrap();
    listing.objects.into_iter().map(|object| object.key).collect()
}

fn owner(deployment: &str, at: i64) -> Option<&'static str> {
    match deployment {
        "one" => Some("ann"),
        "two" => Some(if at < HANDOVER { "ann" } else { "bob" }),
        "three" => Some("bob"),
        _ => None,
    }
}

fn period(at: i64) -> Option<&'static str> {
    match at {
        JANUARY..FEBRUARY => Some("2026-01"),
        FEBRUARY..MARCH => Some("2026-02"),
        _ => None,
    }
}

/// A JSON number with at most two digits after the point, in hundredths.
fn hundredths(number: &Value) -> i128 {
    let (text, whole) = (number.to_string(), |digits: &str| digits.parse::<i128>().unwrap());
    match text.split_once('.') {
        Some((units, parts)) => whole(units) * 100 + whole(&format!("{parts:0<2}")),
        None => whole(&text) * 100,
    }
}

/// Half away from zero; nothing here is negative.
fn rounded(numerator: i128, denominator: i128) -> i128 {
    (numerator * 2 + denominator) / (denominator * 2)
}
