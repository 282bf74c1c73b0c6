//! Every mutant is caught, and the documentation says by which seed.

use crate::asked;
use crate::failing::{fails, shrunk};
use crate::mutants::{ALL, Mutant};

/// One worker per processor of a small machine.
const WORKERS: usize = 2;

/// Each has to be caught within so many seeds.
const WITHIN: u64 = 3000;

/// Where the table stands.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/proof.md");

const BEGIN: &str = "<!-- mutants: written by `make proof` -->\n";
const END: &str = "<!-- end of mutants -->\n";

/// Each that the page says any course finds has to be caught within so many seeds by `make test`.
const SOON: u64 = 40;

/// The first of some seeds that catches a mutant and what it says. A seed on which the protocol
/// itself fails catches nothing.
fn caught(mutant: Mutant, mut seeds: impl Iterator<Item = u64>) -> Option<(u64, String)> {
    seeds.find_map(|seed| {
        let failure = fails(seed, Some(mutant))?;
        fails(seed, None).is_none().then_some((seed, failure.reason))
    })
}

/// The seed that the page names for a mutant.
fn named(page: &str, name: &str) -> u64 {
    let row = page.lines().find(|line| line.starts_with(&format!("| {name} |")));
    row.and_then(|row| row.split(" | ").nth(2)?.parse().ok()).unwrap_or(u64::MAX)
}

/// The finding without what differs from seed to seed.
fn finding(reason: &str) -> String {
    let line = reason.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let line = line.split_once("failed: ").map_or(line, |(_, rest)| rest);
    line.chars().take(60).collect::<String>().replace('|', "/")
}

/// The table's rows: found anew, or with the seeds that the page names.
fn rows(page: &str, anew: bool) -> Vec<String> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let rows = std::sync::Mutex::new(vec![String::new(); ALL.len()]);
    let work = || {
        while let Some((place, (mutant, name, breaks))) =
            ALL.iter().enumerate().nth(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
        {
            // The named seed first. A change of the protocol gives every seed another course.
            let first = (!anew).then(|| named(page, name)).filter(|seed| *seed <= WITHIN);
            let row = match caught(*mutant, first.into_iter().chain(1..=WITHIN)) {
                Some((seed, reason)) => format!("| {name} | {breaks} | {seed} | {} |", finding(&reason)),
                None => format!("| {name} | {breaks} | none of {WITHIN} | |"),
            };
            if anew {
                eprintln!("{row}");
            }
            rows.lock().unwrap()[place] = row;
        }
    };
    std::thread::scope(|scope| (0..WORKERS).for_each(|_| drop(scope.spawn(work))));
    rows.into_inner().unwrap()
}

#[test]
fn every_mutant_stands_on_the_page() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    for (_, name, breaks) in ALL {
        let row = page.lines().find(|line| line.starts_with(&format!("| {name} | {breaks} | ")));
        assert!(row.is_some(), "docs/proof.md does not name “{name}”: `make proof` writes it");
    }
}

#[test]
fn the_mutants_that_any_course_finds_are_caught_soon() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let soon: Vec<_> = ALL.iter().filter(|(_, name, _)| named(&page, name) == 1).collect();
    assert!(soon.len() >= 10, "the page says so of {} mutants", soon.len());
    for (mutant, name, _) in soon {
        assert!(caught(*mutant, 1..=SOON).is_some(), "“{name}” is not caught within {SOON} seeds");
    }
}

#[test]
#[ignore = "takes many minutes; `make proof` runs it"]
fn every_mutant_is_caught_and_stands_on_the_page() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let anew = asked("PROOF").is_some();
    let rows = rows(&page, anew);
    let missed: Vec<&String> = rows.iter().filter(|row| row.contains("none of")).collect();
    assert!(missed.is_empty(), "not caught: {missed:#?}");
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (present, after) = rest.split_once(END).unwrap();
    if anew {
        let table = format!("| mutant | what it does | seed | found as |\n|---|---|---|---|\n{}\n", rows.join("\n"));
        std::fs::write(PAGE, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(present.lines().count(), ALL.len() + 2, "docs/proof.md has other mutants: `make proof` writes them");
}

#[test]
fn a_failure_is_told_with_fewer_misfortunes() {
    let (seed, _) = caught(Mutant::MarkerThenAdd, 1..=WITHIN).unwrap();
    let failure = fails(seed, Some(Mutant::MarkerThenAdd)).unwrap();
    let (spared, least) = shrunk(seed, Some(Mutant::MarkerThenAdd), &failure);
    let left = least.struck().saturating_sub(spared.len());
    assert!(left * 4 < failure.struck(), "{left} misfortunes are left of {}", failure.struck());
    assert!(least.trace().iter().any(|line| line.contains("write U#")), "the trace tells what was written");
}
