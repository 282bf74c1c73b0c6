//! The naive biller: one pass over the raw bucket, no ledger, no rollup, no reuse of the product's
//! arithmetic. What it says, the invoices have to say.

use std::collections::{BTreeMap, BTreeSet};

use ledger::names::file_id;
use serde_json::Value;

use crate::scenario::{APRIL, FEBRUARY, HANDOVER, HOUR, JANUARY, MARCH};

const DAY: i64 = 24 * HOUR;

/// Cents by account, period and component.
pub type Charges = BTreeMap<(String, String, String), i128>;

/// What is so now and may be otherwise later.
#[derive(Clone, Copy)]
pub struct Terms {
    /// When deployment `two` changes hands.
    pub handover: i64,
    /// Whether a call of the source `replaced` counts twice.
    pub twice: bool,
    /// Whether `ann` holds no plan any more from February on.
    pub left: bool,
}

impl Default for Terms {
    fn default() -> Self {
        Self { handover: HANDOVER, twice: false, left: false }
    }
}

/// A file as it is listed: when it was written, and its bytes.
pub type File = (i64, Vec<u8>);

/// When and how much, by deployment and node.
type Levels = BTreeMap<(String, String), (i64, i128)>;

/// What every account owes for each month, given all files.
pub fn charges(files: &BTreeMap<String, File>, terms: &Terms) -> Charges {
    let mut calls: BTreeMap<(&str, &str), i128> = BTreeMap::new();
    let mut disk: BTreeMap<(&str, &str, i64), Levels> = BTreeMap::new();
    let mut meters: BTreeMap<(String, String), BTreeMap<i64, i128>> = BTreeMap::new();
    let mut met: BTreeSet<(String, i64, String)> = BTreeSet::new();
    // Of events with the same id that of the file with the smallest identity counts.
    let mut in_order: Vec<_> = files.iter().filter(|(key, _)| is_last(key, files)).collect();
    in_order.sort_by_key(|(key, _)| file_id(key));
    for (key, (_, bytes)) in in_order {
        let deployment = key.split('/').nth(1).unwrap();
        let text = std::str::from_utf8(bytes).unwrap();
        let records: Vec<Option<Value>> = text.lines().map(|line| serde_json::from_str(line).ok()).collect();
        if key.starts_with("strict/") && records.contains(&None) {
            continue;
        }
        for record in records.into_iter().flatten() {
            let at = record["t"].as_i64().unwrap();
            if let Some(id) = record["id"].as_str().filter(|_| key.starts_with("sent/"))
                && !met.insert((deployment.to_owned(), at / DAY, id.to_owned()))
            {
                continue;
            }
            if let Some(reading) = record.get("meter") {
                let series = (deployment.to_owned(), record["node"].as_str().unwrap().to_owned());
                let present = meters.entry(series).or_default().entry(at).or_default();
                *present = hundredths(reading).max(*present);
            }
            let Some(owner) = owner(deployment, at, terms) else { continue };
            let Some(period) = period(at) else { continue };
            if let Some(amount) = record.get("calls") {
                let times = if terms.twice && key.starts_with("replaced/") { 2 } else { 1 };
                *calls.entry((owner, period)).or_default() += times * hundredths(amount);
            }
            if let Some(amount) = record.get("disk") {
                let series = (deployment.to_owned(), record["node"].as_str().unwrap().to_owned());
                let sample = (at, hundredths(amount));
                let last = disk.entry((owner, period, at / HOUR)).or_default().entry(series).or_insert(sample);
                *last = (*last).max(sample);
            }
        }
    }
    let mut grown: BTreeMap<(&str, &str), i128> = BTreeMap::new();
    for ((deployment, _), readings) in &meters {
        for ((before, from), (at, to)) in readings.iter().zip(readings.iter().skip(1)) {
            let Some((owner, period)) = owner(deployment, *at, terms).zip(period(*at)) else { continue };
            let growth = if to < from { *to } else { to - from };
            *grown.entry((owner, period)).or_default() += if at - before > 35 * DAY { 0 } else { growth };
        }
    }
    let mut charges = Charges::new();
    for period in ["2026-01", "2026-02", "2026-03"] {
        for (account, gold) in [("ann", 10_000), ("bob", 0)] {
            if terms.left && account == "ann" && period != "2026-01" {
                continue;
            }
            let mut charge = |component: &str, cents: i128| {
                charges.insert((account.to_owned(), period.to_owned(), component.to_owned()), cents);
            };
            charge("fee", 2_000);
            charge("advance", 1_000);
            charge("gold", gold);
            let used = calls.get(&(account, period)).copied().unwrap_or(0);
            charge("calls", rounded((used - 500).max(0) * 37, 100));
            charge("meter", rounded(grown.get(&(account, period)).copied().unwrap_or(0) * 53, 100));
            let hours = disk.iter().filter(|((a, p, _), _)| *a == account && *p == period);
            let levels: Vec<i128> = hours.map(|(_, series)| series.values().map(|(_, level)| level).sum()).collect();
            let count = i128::try_from(levels.len()).unwrap();
            charge("disk", rounded(levels.iter().sum::<i128>() * 111, 100 * count.max(1)));
        }
    }
    charges
}

/// Whether no other file of the same deployment and part takes its place: one with a greater name, or one that
/// was written later.
fn is_last(key: &str, files: &BTreeMap<String, File>) -> bool {
    let by_name = key.starts_with("named/");
    if !by_name && !key.starts_with("latest/") {
        return true;
    }
    let whole = |key: &str| key.rsplit_once('/').unwrap().0.to_owned();
    let same = files.iter().filter(|(other, _)| whole(other) == whole(key));
    let lateness = |(key, (written, _)): (&String, &File)| (if by_name { 0 } else { *written }, key.clone());
    same.map(lateness).max().unwrap().1 == *key
}

fn owner(deployment: &str, at: i64, terms: &Terms) -> Option<&'static str> {
    match deployment {
        "one" => Some("ann"),
        "two" => Some(if at < terms.handover { "ann" } else { "bob" }),
        "three" => Some("bob"),
        _ => None,
    }
}

fn period(at: i64) -> Option<&'static str> {
    match at {
        JANUARY..FEBRUARY => Some("2026-01"),
        FEBRUARY..MARCH => Some("2026-02"),
        MARCH..APRIL => Some("2026-03"),
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
