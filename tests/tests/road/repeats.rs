//! Usage that is said in more than one file: events that are sent again, exports that repeat everything, counters
//! whose readings come in any order. Each counts once, before the invoice and after it.

use invoicing::LineKind;
use ledger::explain::Share;
use ledger::ports::Bucket;
use ledger::{aggregate, explain, names, verify};
use metering::mark::{Mark, Reader, Writer};
use metering::rollup::Run;

use crate::world::{CATALOGUE, FEBRUARY_2, MARCH_2, World, at_once, charged, line, tar};

/// Besides calls with ids and exports: a meter at 0.10 a unit.
fn catalogue() -> String {
    let sources = r#"sources:
  - name: sent
    objects: "sent/{deployment}/{name}.jsonl"
    format: json-lines
    event-id: id
    deployment: {tag: deployment}
    time: {field: t, format: rfc3339}
    usage: [{stream: calls, quantity: n}]
  - name: exports
    objects: "export/{deployment}/{month}/{run}.jsonl"
    format: json-lines
    delivery: replace
    replaces: {same: [deployment, month], latest: run}
    deployment: {tag: deployment}
    time: {field: t, format: rfc3339}
    usage: [{stream: calls, quantity: n}]
  - name: arrivals
    objects: "arrival/{deployment}/{name}.jsonl"
    format: json-lines
    delivery: replace
    replaces: {same: deployment}
    deployment: {tag: deployment}
    time: {field: t, format: rfc3339}
    usage: [{stream: calls, quantity: n}]
  - name: both
    objects: "both/{deployment}/{run}.jsonl"
    format: json-lines
    event-id: id
    delivery: replace
    replaces: {same: deployment, latest: run}
    deployment: {tag: deployment}
    time: {field: t, format: rfc3339}
    usage: [{stream: calls, quantity: n}]
  - name: bundles
    objects: "bundle/{deployment}/{name}.tar"
    format: json-lines
    deployment: {tag: deployment}
    time: {field: t, format: rfc3339}
    usage: [{stream: calls, quantity: n}]
    members:
      - {files: "sent*.jsonl", event-id: id, optional: true}
      - {files: "counted*.jsonl", optional: true}
  - name: meters
    objects: "meter/{deployment}/{name}.jsonl"
    format: json-lines
    deployment: {tag: deployment}
    time: {field: t, format: rfc3339}
    usage: [{stream: meter, quantity: n, series: node}]
"#;
    CATALOGUE
        .replace("sources:\n", sources)
        .replace(
            "sources:\n",
            "  - {name: meter, title: Meter, unit: kWh, scale: 2, kind: cumulative, day: sum, month: sum}\nsources:\n",
        )
        .replace("plans:", "  - {name: meter, title: Meter, stream: meter, price: {per-unit: 0.10}}\nplans:")
        .replace("components: [calls]", "components: [calls, meter]")
}

fn world() -> World {
    World::of(&[&catalogue()])
}

/// An event of January with an id.
fn sent(day: u8, id: &str, n: u32) -> String {
    format!("{{\"t\":\"2026-01-{day:02}T09:30:00Z\",\"id\":\"{id}\",\"n\":{n}}}\n")
}

fn used(day: u8, n: u32) -> String {
    sent(day, "", n)
}

fn reading(time: &str, n: u32) -> String {
    format!("{{\"t\":\"{time}\",\"node\":\"a\",\"n\":{n}}}\n")
}

/// Some keys of a folder, in the order of the files' identities.
fn keys(folder: &str, count: usize) -> Vec<String> {
    let mut keys: Vec<String> = (0..count).map(|n| format!("{folder}/{n}.jsonl")).collect();
    keys.sort_by_key(|key| names::file_id(key));
    keys
}

/// The events of `sent`, of one hour of arrival and one day, as they are rolled up.
fn run_of_sent(world: &World) -> Run {
    let mut rollups = world.memory.items().into_iter().filter(|(_, key, _)| key.partition == "R#sent");
    let head = aggregate::read_head(&rollups.next().unwrap().2).unwrap();
    let rollup = at_once(aggregate::load(&world.memory, &head.body)).unwrap();
    rollup.runs.into_values().next().unwrap()
}

/// All orders of three.
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

#[test]
fn an_event_that_stands_in_several_files_counts_once_in_any_order() {
    let keys = keys("sent/one", 3);
    for order in ORDERS {
        let world = world();
        for place in order {
            // `x` with another amount each time: that of the file with the smallest identity counts.
            let amounts = [5, 70, 900];
            let own = sent(4, &format!("own {place}"), 1);
            world.arrive(&keys[place], sent(3, "x", amounts[place]) + &own);
            world.at(&format!("2026-01-{:02}T12:00:00Z", 20 + place));
        }
        world.at(FEBRUARY_2);
        let january = world.invoice("2026-01");
        // 10.00 + (5 + 3 × 1) × 0.50.
        assert_eq!(january.total, "14.00", "{order:?}");
        assert_eq!(world.counted().repeats, 2);
        let verified = at_once(verify::verify(&world.memory, "R-000001")).unwrap();
        assert!(verified.holds() && verified.files == 3, "{verified:?}");
    }
}

#[test]
fn a_repeat_after_the_invoice_corrects_only_what_counts_otherwise() {
    let keys = keys("sent/one", 3);
    // The file that was invoiced is the second one: the third says nothing new, the first says something else.
    for (late, n, true_up) in [(2, 4, None), (2, 9, None), (0, 4, None), (0, 9, Some("2.50")), (0, 1, Some("-1.50"))] {
        let world = world();
        world.arrive(&keys[1], sent(3, "x", 4));
        world.at(FEBRUARY_2);
        let january = world.invoice("2026-01");
        assert_eq!(january.total, "12.00");
        world.arrive(&keys[late], sent(3, "x", n));
        world.at(MARCH_2);
        let february = world.invoice("2026-02");
        assert_eq!(charged(&february).get(&("calls", "2026-01")).copied(), true_up, "{late} {n}");
        assert_eq!(world.invoice("2026-01"), january);
        world.at("2026-04-02T06:00:00Z");
        assert_eq!(world.invoice("2026-03").total, "10.00", "what was corrected is corrected once");
    }
}

#[test]
fn events_that_were_changed_where_they_are_kept_are_found_by_verification() {
    let world = world();
    world.arrive("sent/one/a.jsonl", sent(3, "x", 4));
    world.arrive("sent/one/b.jsonl", sent(3, "x", 4) + &sent(4, "y", 1));
    world.refresh();
    let object = &run_of_sent(&world).objects[0];
    let (mut reader, mut writer) = (Reader::default(), Writer::default());
    reader.push(&world.memory.object(Bucket::Work, object).unwrap());
    while let Some(mark) = reader.next_mark().unwrap() {
        writer.push(&Mark { value: mark.value + 100, ..mark }).unwrap();
    }
    world.memory.upload(Bucket::Work, object, writer.take().unwrap());
    world.at(FEBRUARY_2);
    assert_eq!(world.invoice("2026-01").total, "13.00", "4 + 1 are billed, and one more");
    let verified = at_once(verify::verify(&world.memory, "R-000001")).unwrap();
    assert!(!verified.holds(), "{verified:?}");
    let [(rollup, wrong)] = &verified.wrong[..] else { panic!("{verified:?}") };
    assert!(rollup.starts_with("rollups/") && wrong == "its files do not add up to it", "{verified:?}");
}

#[test]
fn ids_of_other_deployments_and_days_are_others() {
    let text =
        catalogue().replace("{id: one, from: 2026-01-01}", "{id: one, from: 2026-01-01}, {id: two, from: 2026-01-01}");
    let world = World::of(&[&text]);
    world.arrive("sent/one/a.jsonl", sent(3, "x", 1));
    world.arrive("sent/two/a.jsonl", sent(3, "x", 2));
    world.arrive("sent/one/b.jsonl", sent(4, "x", 4));
    world.at(FEBRUARY_2);
    assert_eq!(world.invoice("2026-01").total, "13.50");
}

#[test]
fn ids_of_more_files_than_are_merged_at_once_count_once() {
    let world = world();
    let keys = keys("sent/one", 75);
    // Two hours of arrival; every id in three files, never of one amount.
    for (place, key) in keys.iter().enumerate().rev() {
        world.at(if place % 2 == 0 { "2026-01-15T12:00:00Z" } else { "2026-01-15T13:00:00Z" });
        let n = u32::try_from(place).unwrap();
        world.arrive(key, (0..3).map(|more| sent(3, &format!("{}", (n + more) % 75), n)).collect::<String>());
    }
    world.at(FEBRUARY_2);
    // Of id i the files i, i - 1 and i - 2 (mod 75) hold it: the smallest is 0 for 0, 1 and 2, else i - 2.
    let owed: u32 = (0..75).map(|id: u32| id.saturating_sub(2)).sum();
    assert_eq!(world.invoice("2026-01").total, format!("{}.{:02}", 10 + owed / 2, owed % 2 * 50));
    assert_eq!(world.counted().repeats, 75 * 2);
}

#[test]
fn a_bundle_of_which_only_some_files_have_ids_counts_as_a_whole() {
    let world = world();
    let bundle = |n: u32| tar(&[("sent.jsonl", &sent(3, "x", 4)), ("counted.jsonl", &used(5, n))]);
    world.arrive("bundle/one/a.tar", bundle(10));
    world.arrive("bundle/one/b.tar", bundle(200));
    world.arrive("bundle/one/c.tar", tar(&[("counted.jsonl", &used(5, 1_000))]));
    world.at(FEBRUARY_2);
    // 10.00 + (4 + 10 + 200 + 1,000) × 0.50.
    assert_eq!(world.invoice("2026-01").total, "617.00");
    assert_eq!(world.counted().repeats, 1);
    let verified = at_once(verify::verify(&world.memory, "R-000001")).unwrap();
    assert!(verified.holds() && verified.files == 3, "{verified:?}");
    let explained = at_once(explain::explain(&world.memory, "R-000001", None)).unwrap();
    let metered = explained.lines.into_iter().filter_map(|line| line.metered);
    let calls = metered.filter(|metered| metered.stream == "calls").last().unwrap();
    let brought = |share: &Share| (share.input.key.clone(), share.brought.samples, share.brought.sum.to_string());
    let a_first = names::file_id("bundle/one/a.tar") < names::file_id("bundle/one/b.tar");
    let (a, b) = if a_first { ((2, "14"), (1, "200")) } else { ((1, "10"), (2, "204")) };
    let expected = [("bundle/one/a.tar", a.0, a.1), ("bundle/one/b.tar", b.0, b.1), ("bundle/one/c.tar", 1, "1000")];
    let expected = expected.map(|(key, samples, sum)| (key.to_owned(), samples, sum.to_owned()));
    assert_eq!(calls.files.iter().map(brought).collect::<Vec<_>>(), expected);
}

#[test]
fn events_that_do_not_fit_one_object_count_once() {
    let plain = "usage: [{stream: calls, quantity: n}]";
    let text = catalogue().replacen(plain, "usage: [{stream: calls, quantity: n, series: node}]", 1);
    let world = World::of(&[&text]);
    let events = |ids: std::ops::Range<u32>, n: u32| -> String {
        // So long a series each that a few thousand fill more than one object.
        ids.map(|id| sent(3, &id.to_string(), n).replace('}', &format!(",\"node\":\"{id:0>500}\"}}"))).collect()
    };
    let keys = keys("sent/one", 2);
    world.arrive(&keys[0], events(0..15_000, 1));
    world.arrive(&keys[1], events(10_000..20_000, 100));
    world.at(FEBRUARY_2);
    // 10.00 + (15,000 × 1 + 5,000 × 100) × 0.50.
    assert_eq!(world.invoice("2026-01").total, "257510.00");
    assert_eq!(world.counted().repeats, 5_000);
    assert!(run_of_sent(&world).objects.len() > 1);
}

#[test]
fn an_export_takes_the_place_of_earlier_ones_in_any_order() {
    let (keys, amounts) = (["export/one/01/a.jsonl", "export/one/01/b.jsonl", "export/one/01/c.jsonl"], [4, 60, 8]);
    for order in ORDERS {
        let world = world();
        for place in order {
            world.arrive(keys[place], used(3, amounts[place]));
            world.at(&format!("2026-01-{:02}T12:00:00Z", 20 + place));
        }
        world.arrive("export/one/02/a.jsonl", used(9, 1));
        world.at(FEBRUARY_2);
        assert_eq!(world.invoice("2026-01").total, "14.50", "{order:?}");
        assert_eq!(world.counted().files(), 2);
        let verified = at_once(verify::verify(&world.memory, "R-000001")).unwrap();
        assert!(verified.holds(), "{verified:?}");
    }
}

#[test]
fn an_export_after_the_invoice_is_trued_up() {
    let world = world();
    world.arrive("export/one/01/b.jsonl", used(3, 4));
    world.at(FEBRUARY_2);
    let january = world.invoice("2026-01");
    assert_eq!(january.total, "12.00");
    // An earlier run that comes late says nothing; a later one says what January was.
    world.arrive("export/one/01/a.jsonl", used(3, 50));
    world.arrive("export/one/01/c.jsonl", used(3, 1) + &used(5, 1));
    world.at(MARCH_2);
    let february = world.invoice("2026-02");
    let true_up = line(&february, "calls", "2026-01");
    assert_eq!((true_up.kind, true_up.amount.as_str()), (LineKind::TrueUp, "-1.00"));
    assert_eq!(true_up.detail.as_deref(), Some("2026-01 on R-000001: was 2.00, is 1.00"));
    assert_eq!(world.invoice("2026-01"), january);
}

#[test]
fn without_a_name_that_says_so_the_file_that_arrived_last_counts() {
    let world = world();
    world.arrive("arrival/one/z.jsonl", used(3, 4));
    world.at("2026-01-16T12:00:00Z");
    world.arrive("arrival/one/a.jsonl", used(3, 6));
    assert_eq!(world.counted().replaced.len(), 0, "nothing is rolled up yet");
    world.refresh();
    assert!(world.counted().replaced.contains(&names::file_id("arrival/one/z.jsonl")));
    // The same bytes once more: they came last. Nobody is told; the sweep finds it.
    world.at("2026-01-17T12:00:00Z");
    world.memory.upload(Bucket::Usage, "arrival/one/z.jsonl", used(3, 4).into_bytes());
    assert_eq!(world.sweep(), ["arrival/one/z.jsonl"]);
    world.at(FEBRUARY_2);
    assert_eq!(world.invoice("2026-01").total, "12.00");
}

#[test]
fn an_export_that_cannot_be_read_replaces_nothing_and_keeps_the_month_open() {
    let world = world();
    world.arrive("export/one/01/a.jsonl", used(3, 4));
    world.arrive("export/one/01/b.jsonl", "{\"t\":");
    world.at(FEBRUARY_2);
    let [reason] = world.waits("2026-01").try_into().unwrap();
    assert!(reason.starts_with("export/one/01/b.jsonl: "), "{reason}");
    at_once(ledger::waive::waive(&world.memory, "export/one/01/b.jsonl", "Ann", "a broken disk")).unwrap();
    assert_eq!(world.invoice("2026-01").total, "12.00");
}

#[test]
fn an_event_of_a_file_that_was_replaced_hides_no_other() {
    for latest in 0..4 {
        let world = world();
        // The later runs hold `x` again, some under a smaller identity and some under a greater one.
        world.arrive(&format!("both/one/{latest}.jsonl"), sent(3, "x", 1) + &sent(4, "y", 2));
        world.arrive(&format!("both/one/{}.jsonl", latest + 1), sent(3, "x", 30) + &sent(4, "z", 400));
        world.at(FEBRUARY_2);
        // 10.00 + (30 + 400) × 0.50.
        assert_eq!(world.invoice("2026-01").total, "225.00", "{latest}");
        let verified = at_once(verify::verify(&world.memory, "R-000001")).unwrap();
        assert!(verified.holds(), "{verified:?}");
    }
}

#[test]
fn a_file_that_another_source_claimed_first_is_compared_with_those_of_its_own() {
    let mut world = world();
    // Both wait, and are read when their sources are mended, which are called otherwise then.
    let broken = catalogue().replace("quantity: n}", "quantity: m}");
    world.configure(&broken);
    world.arrive("sent/one/a.jsonl", sent(3, "x", 4));
    world.arrive("export/one/01/a.jsonl", used(3, 10));
    let mended = catalogue().replace("name: sent", "name: sent-2").replace("name: exports", "name: exports-2");
    world.configure(&mended);
    world.deliver("sent/one/a.jsonl");
    world.deliver("export/one/01/a.jsonl");
    world.arrive("sent/one/b.jsonl", sent(3, "x", 4));
    world.arrive("export/one/01/b.jsonl", used(3, 200));
    world.at(FEBRUARY_2);
    // 10.00 + (4 + 200) × 0.50.
    assert_eq!(world.invoice("2026-01").total, "112.00");
    let verified = at_once(verify::verify(&world.memory, "R-000001")).unwrap();
    assert!(verified.holds(), "{verified:?}");
}

#[test]
fn readings_of_a_counter_come_in_any_order_over_months_and_resets() {
    // 100 → 130 → (reset) 20 | 50 in February: January grew by 30 + 20, February by 30.
    let files = [
        reading("2026-01-05T10:00:00Z", 100) + &reading("2026-01-20T10:00:00Z", 20),
        reading("2026-01-10T10:00:00Z", 130),
        reading("2026-02-03T10:00:00Z", 50),
    ];
    for order in ORDERS {
        let world = world();
        for place in order {
            world.arrive(&format!("meter/one/{place}.jsonl"), files[place].clone());
        }
        world.at(MARCH_2);
        assert_eq!(charged(&world.invoice("2026-01"))[&("meter", "2026-01")], "5.00", "{order:?}");
        assert_eq!(charged(&world.invoice("2026-02"))[&("meter", "2026-02")], "3.00", "{order:?}");
    }
}

#[test]
fn a_late_reading_moves_growth_between_months() {
    let world = world();
    world.arrive("meter/one/a.jsonl", reading("2026-01-05T10:00:00Z", 100));
    world.arrive("meter/one/b.jsonl", reading("2026-02-03T10:00:00Z", 180));
    world.at(FEBRUARY_2);
    assert_eq!(charged(&world.invoice("2026-01"))[&("meter", "2026-01")], "0.00");
    world.at(MARCH_2);
    assert_eq!(charged(&world.invoice("2026-02"))[&("meter", "2026-02")], "8.00");
    // The last instant of January: of the 80 in February 50 were January's.
    world.arrive("meter/one/c.jsonl", reading("2026-01-31T23:59:59.999Z", 150));
    world.at("2026-04-02T06:00:00Z");
    let march = world.invoice("2026-03");
    let charges = charged(&march);
    assert_eq!((charges[&("meter", "2026-01")], charges[&("meter", "2026-02")]), ("5.00", "-5.00"));
}

#[test]
fn a_counter_that_was_silent_for_35_days_begins_anew() {
    for (at, amount) in [("2026-02-09T10:00:00Z", "8.00"), ("2026-02-09T10:00:00.001Z", "0.00")] {
        let world = world();
        world.arrive("meter/one/a.jsonl", reading("2026-01-05T10:00:00Z", 100));
        world.arrive("meter/one/b.jsonl", reading(at, 180));
        world.at(MARCH_2);
        world.invoice("2026-01");
        assert_eq!(charged(&world.invoice("2026-02"))[&("meter", "2026-02")], amount, "{at}");
    }
}
