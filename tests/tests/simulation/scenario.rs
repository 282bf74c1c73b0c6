//! A small world: two customers, three deployments of which one changes hands, files that come
//! early, late, twice, never announced, broken or replaced.

use ledger::configuration::Configuration;
use ledger::memory::Memory;
use ledger::ports::Bucket;
use metering::time::Instant;

use crate::dice::Dice;

/// 2026-01-01T00:00:00Z.
pub const JANUARY: i64 = 1_767_225_600_000;
/// 2026-02-01T00:00:00Z.
pub const FEBRUARY: i64 = 1_769_904_000_000;
/// 2026-03-01T00:00:00Z.
pub const MARCH: i64 = 1_772_323_200_000;
pub const HOUR: i64 = 3_600_000;

/// Deployment `two` belongs to `ann` before this instant and to `bob` from it on.
pub const HANDOVER: i64 = 1_768_435_200_000; // 2026-01-15T00:00:00Z

const CATALOGUE: &str = r#"
seller: {name: Seller, address: [Street 1], currency: USD, zone: UTC, terms-days: 30, number: "S-"}
billing: {grace-hours: 24}
streams:
  - {name: calls, title: Calls, unit: call, scale: 2, kind: delta, day: sum, month: sum}
  - {name: disk, title: Disk, unit: GB, scale: 2, kind: gauge, interval: 1h, day: average, month: average}
sources:
  - name: fixed
    objects: "fixed/{deployment}/{name}.jsonl"
    format: json-lines
    deployment: {tag: deployment}
    time: {field: t, format: epoch-ms}
    reject-limit: 1
    usage:
      - {stream: calls, quantity: calls, where: [{field: calls, present: true}]}
      - {stream: disk, quantity: disk, series: node, where: [{field: disk, present: true}]}
  - name: replaced
    objects: "replaced/{deployment}/{name}.jsonl"
    format: json-lines
    on-change: supersede
    deployment: {tag: deployment}
    time: {field: t, format: epoch-ms}
    usage:
      - {stream: calls, quantity: calls}
components:
  - {name: calls, title: Calls, stream: calls, price: {per-unit: 0.37, included: 5}}
  - {name: disk, title: Disk, stream: disk, price: {per-unit: 1.11}}
  - {name: gold, title: Gold, price: {by-attribute: tier, amounts: {gold: 100.00}, otherwise: none}}
plans:
  - {name: plan, title: Plan, currency: USD, recurring: [{title: Fee, amount: 20.00}], components: [calls, disk, gold]}
customers:
  - id: ann
    name: Ann
    address: [A]
    attributes: {tier: gold}
    deployments: [{id: one, from: 2025-01-01}, {id: two, from: 2025-01-01, until: 2026-01-15}]
    subscriptions: [{plan: plan, from: 2026-01-01}]
  - id: bob
    name: Bob
    address: [B]
    attributes: {tier: iron}
    deployments: [{id: two, from: 2026-01-15}, {id: three, from: 2025-01-01}]
    subscriptions: [{plan: plan, from: 2026-01-01}]
"#;

pub fn configuration() -> Configuration {
    Configuration::load(vec![("catalogue.yaml".into(), CATALOGUE.into())])
        .unwrap_or_else(|problems| panic!("{problems}"))
}

/// Uploads some files at instants from `arrive` on with events in `[from, until)`; their keys.
pub fn upload(
    memory: &Memory,
    dice: &Dice,
    batch: &str,
    files: usize,
    arrive: i64,
    (from, until): (i64, i64),
) -> Vec<String> {
    (0..files)
        .map(|n| {
            let deployment = ["one", "two", "three", "nobody"][dice.below(7).min(3)];
            let replaced = dice.chance(30);
            let key = format!("{}/{deployment}/{batch}{n}.jsonl", if replaced { "replaced" } else { "fixed" });
            let hours = i64::try_from(dice.below(2)).unwrap();
            memory.set_now(Instant(arrive + hours * HOUR));
            memory.upload(Bucket::Usage, &key, contents(dice, replaced, from, until));
            key
        })
        .collect()
}

/// Replaces the contents of those files whose source allows it.
pub fn replace_some(memory: &Memory, dice: &Dice, keys: &[String], (from, until): (i64, i64)) -> Vec<String> {
    let chosen = keys.iter().filter(|key| key.starts_with("replaced/") && dice.chance(50));
    let chosen: Vec<String> = chosen.cloned().collect();
    chosen.iter().for_each(|key| memory.upload(Bucket::Usage, key, contents(dice, true, from, until)));
    chosen
}

fn contents(dice: &Dice, only_calls: bool, from: i64, until: i64) -> Vec<u8> {
    let mut text = String::new();
    for _ in 0..1 + dice.below(4) {
        // A few hours only, so that series and intervals meet.
        let start = from + i64::try_from(dice.below(3)).unwrap() * (until - from) / 3;
        let at = start + i64::try_from(dice.below(8)).unwrap() * HOUR / 3;
        let amount = format!("{}.{:02}", dice.below(40), dice.below(100));
        if only_calls || dice.chance(50) {
            text += &format!("{{\"t\":{at},\"calls\":{amount}}}\n");
        } else {
            text += &format!("{{\"t\":{at},\"disk\":{amount},\"node\":\"n{}\"}}\n", dice.below(2));
        }
        if !only_calls && dice.chance(5) {
            text += "{\"t\":17672\n";
        }
    }
    text.into_bytes()
}
