//! Laws of whole catalogues: what the hash sees and does not see, and that no bytes confuse the reader.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::path::Path;

use catalog::directory::Owner;
use catalog::{Catalogue, Checked, Problem, Severity, load};
use metering::time::Instant;
use proptest::prelude::*;

fn sound() -> String {
    fs::read_to_string(in_repository("tests/catalogues/sound.yaml")).unwrap()
}

fn read(files: &[(&str, &str)]) -> Checked {
    load(files.iter().map(|(name, text)| ((*name).to_owned(), *text))).unwrap()
}

fn lines<T: Into<Vec<u8>>>(files: Vec<(&str, T)>) -> Vec<String> {
    let files = files.into_iter().map(|(name, text)| (name.to_owned(), text));
    load(files).unwrap_err().0.iter().map(Problem::line).collect()
}

/// The sections of the sound catalogue: the lines that begin with a letter, each with what follows.
fn sections(text: &str) -> Vec<String> {
    let mut sections: Vec<String> = Vec::new();
    for line in text.lines() {
        if line.starts_with(|first: char| first.is_ascii_alphabetic()) {
            sections.push(String::new());
        }
        if let Some(section) = sections.last_mut() {
            section.push_str(line);
            section.push('\n');
        }
    }
    sections
}

fn in_repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

#[test]
fn the_demo_catalogue_is_sound_and_as_large_as_it_says() {
    let entries = fs::read_dir(in_repository("infra/local/demo/catalogue")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "yaml"));
    let files: Vec<_> = paths.map(|path| (path.display().to_string(), fs::read(path).unwrap())).collect();
    let Checked { catalogue, warnings, unlike } = load(files).unwrap();
    assert_eq!(unlike.iter().map(Problem::line).collect::<Vec<_>>(), [""; 0]);
    assert_eq!(warnings.iter().map(Problem::line).collect::<Vec<_>>(), [""; 0]);
    let deployments: usize = catalogue.customers.values().map(|customer| customer.deployments.len()).sum();
    assert_eq!((catalogue.customers.len(), deployments, catalogue.streams.len()), (5, 63, 3));
    let (source, _) = catalogue.source_for("jobs/fra1/2026-02-01/07.csv").unwrap().unwrap();
    assert_eq!(source.name(), "jobs");
}

#[test]
fn the_example_in_the_documentation_is_sound() {
    let text = fs::read_to_string(in_repository("docs/catalogue.md")).unwrap();
    let example = text.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert_eq!(read(&[("example.yaml", example)]).warnings.len(), 0);
}

#[test]
fn a_catalogue_of_nothing_is_refused() {
    let empty = "catalogue:1:1: the catalogue is empty (write a `seller`, then `streams`, `sources`, `components`, `plans` and `customers`)";
    assert_eq!(lines::<&str>(vec![]), [empty]);
    assert_eq!(lines(vec![("a.yaml", ""), ("b.yaml", "# nothing\n")]), [empty]);
}

#[test]
fn a_catalogue_needs_a_seller() {
    let lines = lines(vec![("a.yaml", "billing: {grace-hours: 12}\n")]);
    let missing = "catalogue:1:1: the section `seller` is missing (add `seller: {name: …, currency: USD, zone: America/New_York}` to one of the files)";
    assert_eq!(lines, [missing]);
}

#[test]
fn a_file_that_is_not_text_is_refused_with_the_place() {
    let lines = lines(vec![("a.yaml", b"seller:\n  name: \xff\n".to_vec())]);
    assert!(
        lines.contains(&"a.yaml:2:9: this file is not UTF-8: byte 17 is no text (save the file as UTF-8)".to_owned()),
        "{lines:?}"
    );
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_change_nothing() {
    let windows = format!("\u{feff}{}", sound().replace('\n', "\r\n"));
    assert_eq!(read(&[("a.yaml", &windows)]).catalogue.hash, read(&[("a.yaml", &sound())]).catalogue.hash);
}

#[test]
fn a_problem_renders_with_its_source() {
    let problems = load([("a.yaml".to_owned(), "seller: {name: A, currency: USD, zone: Berlin}")]).unwrap_err();
    let problem: &dyn miette::Diagnostic = problems.0.first().unwrap();
    let label = problem.labels().unwrap().next().unwrap();
    let shown = problem.source_code().unwrap().read_span(label.inner(), 0, 0).unwrap();
    assert_eq!(shown.name(), Some("a.yaml"));
    assert_eq!((label.offset(), label.len(), label.label()), (39, 6, Some("seller.zone")));
    assert_eq!(problem.severity(), Some(miette::Severity::Error));
    assert_eq!(problem.help().unwrap().to_string(), "did you mean `Europe/Berlin`?");
}

#[test]
fn what_is_not_said_has_a_default() {
    let Checked { catalogue, warnings, .. } = read(&[("a.yaml", &sound())]);
    assert_eq!(warnings.len(), 0);
    assert_eq!(catalogue.billing.grace_hours, 24);
    assert_eq!((catalogue.seller.terms_days, catalogue.seller.number.as_str()), (30, "INV-"));
    let alpha = catalogue.customer("alpha").unwrap();
    assert_eq!((alpha.zone, alpha.currency.code()), (catalogue.seller.zone, "USD"));
}

#[test]
fn the_source_of_an_object_is_found_by_its_key() {
    let Checked { catalogue, .. } = read(&[("a.yaml", &sound())]);
    let (source, tags) = catalogue.source_for("usage/fra1/2026-02-01/07.jsonl.gz").unwrap().unwrap();
    assert_eq!(source.name(), "node-metrics");
    assert_eq!(tags.get("site").map(String::as_str), Some("fra1"));
    assert!(catalogue.source_for("usage/fra1/readme.txt").unwrap().is_none());
}

#[test]
fn two_sources_that_meet_in_a_key_are_both_named() {
    let more = "sources: [{name: berlin, objects: 'usage/fra*/{date}/**', format: json-lines, deployment: {field: c}, time: {field: ts, format: rfc3339}, usage: [{stream: storage, quantity: tb}]}]";
    let Checked { catalogue, .. } = read(&[("a.yaml", &sound()), ("b.yaml", more)]);
    assert!(catalogue.source_for("usage/iad1/2026-02-01/07.jsonl").unwrap().is_some());
    let error = catalogue.source_for("usage/fra1/2026-02-01/07.jsonl").unwrap_err();
    let expected = "the sources `berlin` and `node-metrics` both match `usage/fra1/2026-02-01/07.jsonl`; narrow the `objects` of one of them";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn agreed_prices_replace_the_plans_for_one_customer() {
    let more = "customers:
  - {id: beta, name: Beta, subscriptions: [{plan: standard, from: 2026-01-01, prices: {storage-tb: {per-unit: 45}}}]}
  - {id: gamma, name: Gamma, subscriptions: [{plan: standard, from: 2026-01-01}]}";
    let Checked { catalogue, .. } = read(&[("a.yaml", &sound()), ("b.yaml", more)]);
    let held = |id: &str| catalogue.customer(id).unwrap().subscriptions.first().unwrap().plan.clone();
    assert_eq!(&held("gamma"), catalogue.plan("standard").unwrap());
    assert_ne!(held("beta"), held("gamma"));
}

#[test]
fn what_is_said_differently_hashes_differently() {
    let hash = read(&[("a.yaml", &sound())]).catalogue.hash.clone();
    assert_eq!(hash.len(), 64);
    for (old, new) in [
        ("per-unit: 50.00", "per-unit: 50.01"),
        ("components: [storage-tb, api-call]", "components: [api-call, storage-tb]"),
        ("from: 2026-01-01}, {plan: tiered", "from: 2026-01-02}, {plan: tiered"),
        ("name: Alpha", "name: Alpha Ltd"),
    ] {
        let changed = sound().replace(old, new);
        assert_ne!(changed, sound());
        assert_ne!(read(&[("a.yaml", &changed)]).catalogue.hash, hash, "{new}");
    }
}

#[test]
fn how_it_is_said_makes_no_difference() {
    let hash = read(&[("a.yaml", &sound())]).catalogue.hash.clone();
    for (old, new) in [
        ("name: Alpha", "name: \"Alpha\" # quoted"),
        ("{stream: storage, quantity: tb, series: node}", "{series: node, stream: storage, quantity: tb}"),
        (
            "[{plan: standard, from: 2026-01-01}, {plan: tiered, from: 2026-01-01}]",
            "[{plan: tiered, from: 2026-01-01, until: }, {plan: standard, from: 2026-01-01}]",
        ),
        ("id: alpha-1, from: 2026-01-01}", "id: &first alpha-1, from: 2026-01-01}"),
    ] {
        let changed = sound().replace(old, new);
        assert_ne!(changed, sound());
        assert_eq!(read(&[("a.yaml", &changed)]).catalogue.hash, hash, "{new}");
    }
}

/// Claims to deployments in January 2026: customer, deployment, first day, days.
fn claims() -> impl Strategy<Value = Vec<(usize, &'static str, i64, i64)>> {
    let claim = (0..3_usize, prop_oneof![Just("d"), Just("e")], 1..20_i64, 1..10_i64);
    proptest::collection::vec(claim, 1..6)
}

/// Customer 0 is in New York, 1 and 2 are in Berlin: days begin at 05:00 and at 23:00 the day before, UTC.
fn catalogue_of(claims: &[(usize, &str, i64, i64)]) -> String {
    let mut text = "seller: {name: S, currency: USD, zone: America/New_York}\ncustomers:\n".to_owned();
    for (index, zone) in ["America/New_York", "Europe/Berlin", "Europe/Berlin"].iter().enumerate() {
        text.push_str(&format!("  - {{id: c{index}, name: C, zone: {zone}, deployments: ["));
        for (_, id, from, days) in claims.iter().filter(|claim| claim.0 == index) {
            text.push_str(&format!("{{id: {id}, from: 2026-01-{from:02}, until: 2026-01-{:02}}}, ", from + days));
        }
        text.push_str("]}\n");
    }
    text
}

/// How many claims cover an hour of the month, counted from its first UTC midnight.
fn owners_at(claims: &[(usize, &str, i64, i64)], deployment: &str, hour: i64) -> usize {
    let covers = |(customer, id, from, days): &&(usize, &str, i64, i64)| {
        let begins = (from - 1) * 24 + if *customer == 0 { 5 } else { -1 };
        *id == deployment && (begins..begins + days * 24).contains(&hour)
    };
    claims.iter().filter(covers).count()
}

fn directory(catalogue: &Catalogue) -> String {
    catalogue.directory(Instant(0)).unwrap().version().to_owned()
}

proptest! {
    #[test]
    fn the_hash_is_the_same_however_the_sections_are_spread_over_files(
        order in Just(sections(&sound())).prop_shuffle(),
        cuts in proptest::collection::vec(any::<bool>(), 7),
        comment in "# [a-z ]{0,20}\n",
    ) {
        let mut files = vec![("f0.yaml".to_owned(), String::new())];
        for (section, cut) in order.iter().zip(cuts) {
            if cut {
                files.push((format!("f{}.yaml", files.len()), comment.clone()));
            }
            files.last_mut().unwrap().1.push_str(section);
        }
        let spread = load(files).unwrap().catalogue;
        let whole = read(&[("a.yaml", &sound())]).catalogue;
        prop_assert_eq!(&spread.hash, &whole.hash);
        prop_assert_eq!(directory(&spread), directory(&whole));
    }

    #[test]
    fn a_catalogue_is_sound_exactly_if_no_deployment_has_two_owners_in_any_hour(claims in claims()) {
        let hours = || (-24..31 * 24).flat_map(|hour| [("d", hour), ("e", hour)]);
        let conflict = hours().any(|(id, hour)| owners_at(&claims, id, hour) > 1);
        let loaded = load([("a.yaml".to_owned(), catalogue_of(&claims))]);
        prop_assert_eq!(loaded.is_err(), conflict);
        let Ok(Checked { catalogue, .. }) = loaded else { return Ok(()) };
        let directory = catalogue.directory(Instant(0)).unwrap();
        for (id, hour) in hours() {
            let at = Instant(1_767_225_600_000).plus_hours(hour).unwrap();
            let owned = matches!(directory.owner(id, at), Owner::Matched(_));
            prop_assert_eq!(owned, owners_at(&claims, id, hour) == 1);
        }
    }

    #[test]
    fn any_bytes_give_a_catalogue_or_at_least_one_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let problems = load([("a.yaml".to_owned(), bytes)]).unwrap_err();
        prop_assert!(problems.0.iter().any(|problem| problem.severity == Severity::Error));
    }

    #[test]
    fn a_sound_catalogue_with_a_byte_changed_gives_a_catalogue_or_errors_within_the_file(
        at in 0..1800_usize,
        byte in prop_oneof![Just(b'\n'), Just(b' '), Just(b'{'), Just(b'-'), Just(b'\''), any::<u8>()],
    ) {
        let mut bytes = sound().into_bytes();
        if let Some(place) = bytes.get_mut(at) {
            *place = byte;
        }
        if let Err(problems) = load([("a.yaml".to_owned(), bytes)]) {
            prop_assert!(problems.0.iter().any(|problem| problem.severity == Severity::Error));
            prop_assert!(problems.0.iter().all(|problem| problem.line >= 1 && problem.column >= 1));
        }
    }
}
