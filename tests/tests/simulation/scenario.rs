//! A small world: two customers, three deployments of which one changes hands, files that come
//! early, late, twice, never announced, broken or replaced.

use std::sync::{Arc, LazyLock};

use ledger::configuration::Configuration;
use ledger::memory::Memory;
use ledger::ports::{Blobs, Bucket};
use metering::time::Instant;

use crate::dice::Dice;
use crate::faults::at_once;
use crate::oracle::Terms;

/// 2026-01-01T00:00:00Z.
pub const JANUARY: i64 = 1_767_225_600_000;
/// 2026-02-01T00:00:00Z.
pub const FEBRUARY: i64 = 1_769_904_000_000;
/// 2026-03-01T00:00:00Z.
pub const MARCH: i64 = 1_772_323_200_000;
/// 2026-04-01T00:00:00Z.
pub const APRIL: i64 = 1_775_001_600_000;
pub const HOUR: i64 = 3_600_000;

/// Deployment `two` belongs to `ann` before this instant and to `bob` from it on.
pub const HANDOVER: i64 = 1_768_435_200_000; // 2026-01-15T00:00:00Z
/// What Salesforce says later: it was another day.
pub const OTHER_HANDOVER: i64 = 1_768_867_200_000; // 2026-01-20T00:00:00Z

const CATALOGUE: &str = r#"
seller: {name: Seller, address: [Street 1], currency: USD, zone: UTC, terms-days: 30, number: "S-"}
billing: {grace-hours: 24}
streams:
  - {name: calls, title: Calls, unit: call, scale: 2, kind: delta, day: sum, month: sum}
  - {name: disk, title: Disk, unit: GB, scale: 2, kind: gauge, interval: 1h, day: average, month: average}
  - {name: meter, title: Meter, unit: kWh, scale: 2, kind: cumulative, day: sum, month: sum}
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
      - {stream: meter, quantity: meter, series: node, where: [{field: meter, present: true}]}
  - name: replaced
    objects: "replaced/{deployment}/{name}.jsonl"
    format: json-lines
    on-change: supersede
    deployment: {tag: deployment}
    time: {field: t, format: epoch-ms}
    usage: # once or twice
      - {stream: calls, quantity: calls}
  - name: strict
    objects: "strict/{deployment}/{name}.jsonl"
    format: json-lines
    deployment: {tag: deployment}
    time: {field: t, format: epoch-ms}
    reject-limit: 0
    usage:
      - {stream: calls, quantity: calls}
  - name: sent
    objects: "sent/{deployment}/{name}.jsonl"
    format: json-lines
    on-change: supersede
    event-id: id
    deployment: {tag: deployment}
    time: {field: t, format: epoch-ms}
    usage:
      - {stream: calls, quantity: calls}
  - name: named
    objects: "named/{deployment}/{part}/{name}.jsonl"
    format: json-lines
    delivery: replace
    replaces: {same: [deployment, part], latest: name}
    deployment: {tag: deployment}
    time: {field: t, format: epoch-ms}
    usage:
      - {stream: calls, quantity: calls}
  - name: latest
    objects: "latest/{deployment}/{part}/{name}.jsonl"
    format: json-lines
    on-change: supersede
    delivery: replace
    replaces: {same: [deployment, part]}
    deployment: {tag: deployment}
    time: {field: t, format: epoch-ms}
    usage:
      - {stream: calls, quantity: calls}
components:
  - {name: calls, title: Calls, stream: calls, price: {per-unit: 0.37, included: 5}}
  - {name: disk, title: Disk, stream: disk, price: {per-unit: 1.11}}
  - {name: meter, title: Meter, stream: meter, price: {per-unit: 0.53}}
  - {name: gold, title: Gold, price: {by-attribute: tier, amounts: {gold: 100.00}, otherwise: none}}
plans:
  - {name: plan, title: Plan, currency: USD, recurring: [{title: Fee, amount: 20.00}, {title: Advance, amount: 10.00, billed: advance}], components: [calls, disk, meter, gold]}
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

/// The catalogue as it is at first.
pub fn configuration() -> Arc<Configuration> {
    configured(Terms::default())
}

/// The catalogue in which deployment `two` changed hands then, in which a call of the source `replaced` counts once
/// or twice, and in which `ann` has left or not.
pub fn configured(terms: Terms) -> Arc<Configuration> {
    static ALL: LazyLock<Vec<Arc<Configuration>>> = LazyLock::new(|| {
        let handovers = ["2026-01-15", "2026-01-20"].into_iter();
        let all = handovers.flat_map(|handover| [false, true].map(|twice| (handover, twice)));
        all.flat_map(|(handover, twice)| [false, true].map(|left| load(handover, twice, left))).collect()
    });
    let place = usize::from(terms.handover == OTHER_HANDOVER) * 4 + usize::from(terms.twice) * 2;
    Arc::clone(&ALL[place + usize::from(terms.left)])
}

fn load(handover: &str, twice: bool, left: bool) -> Arc<Configuration> {
    let mut text = CATALOGUE.replace("2026-01-15", handover);
    if twice {
        text = text.replace(
            "# once or twice\n      - {stream: calls, quantity: calls}",
            "\n      - {stream: calls, quantity: calls * 2}",
        );
    }
    if left {
        // The first subscription is ann's.
        text = text.replacen("{plan: plan, from: 2026-01-01}", "{plan: plan, from: 2026-01-01, until: 2026-02-01}", 1);
    }
    let files = vec![("catalogue.yaml".into(), text)];
    Arc::new(Configuration::load(files).unwrap_or_else(|problems| panic!("{problems}")))
}

/// Which source a file is of.
const SOURCES: [&str; 9] = ["fixed", "fixed", "fixed", "replaced", "strict", "sent", "sent", "named", "latest"];

/// Those whose files may be written anew.
const REPLACEABLE: [&str; 3] = ["replaced", "sent", "latest"];

/// Uploads some files at instants from `arrive` on with events in `span`; their keys.
pub fn upload(memory: &Memory, dice: &Dice, batch: &str, files: usize, arrive: i64, span: (i64, i64)) -> Vec<String> {
    (0..files)
        .map(|n| {
            let deployment = ["one", "two", "three", "nobody"][dice.below(7).min(3)];
            let source = SOURCES[dice.below(SOURCES.len())];
            let part = if ["named", "latest"].contains(&source) { "p/" } else { "" };
            let key = format!("{source}/{deployment}/{part}{batch}{n}.jsonl");
            let hours = i64::try_from(dice.below(2)).unwrap();
            memory.set_now(Instant(arrive + hours * HOUR));
            memory.upload(Bucket::Usage, &key, contents(dice, source, span));
            key
        })
        .collect()
}

/// Writes some objects anew: other contents where their source allows it, and the same once more.
pub fn replace_some(memory: &Memory, dice: &Dice, keys: &[String], span: (i64, i64)) -> Vec<String> {
    let mut touched = Vec::new();
    for key in keys {
        let source = key.split('/').next().unwrap();
        if REPLACEABLE.contains(&source) && dice.misfortune(50) {
            memory.upload(Bucket::Usage, key, contents(dice, source, span));
        } else if key.starts_with("strict/") && broken(memory, key) && dice.misfortune(40) {
            memory.upload(Bucket::Usage, key, contents(dice, "strict", span));
        } else if dice.misfortune(15) {
            let same = memory.object(Bucket::Usage, key).unwrap();
            if dice.chance(50) {
                memory.upload(Bucket::Usage, key, same);
            } else {
                memory.upload_in_parts(Bucket::Usage, key, same, 2);
            }
        } else {
            continue;
        }
        touched.push(key.clone());
    }
    touched
}

/// Whether the object has a line that nobody can read.
fn broken(memory: &Memory, key: &str) -> bool {
    let bytes = memory.object(Bucket::Usage, key).unwrap();
    String::from_utf8(bytes).unwrap().lines().any(|line| !line.ends_with('}'))
}

/// The files of the strict source that nobody can read.
pub fn broken_files(memory: &Memory) -> Vec<String> {
    let listed = at_once(memory.list(Bucket::Usage, "strict/", None, 10_000)).unwrap().objects;
    listed.into_iter().map(|object| object.key).filter(|key| broken(memory, key)).collect()
}

/// What mends a file of the strict source.
pub fn good(dice: &Dice, span: (i64, i64)) -> Vec<u8> {
    contents(dice, "replaced", span)
}

fn contents(dice: &Dice, source: &str, (from, until): (i64, i64)) -> Vec<u8> {
    let mut text = String::new();
    // A few files are too large for an item of the table, however it is packed.
    let nodes = if source == "fixed" && dice.chance(4) { 120 } else { 0 };
    for _ in 0..nodes {
        let node: String = (0..10).map(|_| format!("{:012x}", dice.below(1 << 48))).collect();
        text += &format!("{{\"t\":{},\"disk\":{}.5,\"node\":\"{node}\"}}\n", from + HOUR, dice.below(40));
    }
    for _ in 0..1 + dice.below(4) {
        // A few hours only, so that series and intervals meet.
        let start = from + i64::try_from(dice.below(3)).unwrap() * (until - from) / 3;
        let at = start + i64::try_from(dice.below(8)).unwrap() * HOUR / 3;
        let amount = format!("{}.{:02}", dice.below(40), dice.below(100));
        if source == "sent" {
            // Few ids, so that events are sent again, also with another amount.
            text += &format!("{{\"t\":{at},\"id\":\"{}\",\"calls\":{amount}}}\n", dice.below(3));
        } else if source != "fixed" || dice.chance(35) {
            text += &format!("{{\"t\":{at},\"calls\":{amount}}}\n");
        } else if dice.chance(50) {
            text += &format!("{{\"t\":{at},\"meter\":{amount},\"node\":\"n{}\"}}\n", dice.below(2));
        } else {
            text += &format!("{{\"t\":{at},\"disk\":{amount},\"node\":\"n{}\"}}\n", dice.below(2));
        }
        if ["fixed", "strict"].contains(&source) && dice.misfortune(if source == "strict" { 20 } else { 5 }) {
            text += "{\"t\":17672\n";
        }
    }
    text.into_bytes()
}
