//! `docs/prices.md` is true: its catalogues are read as a user's are, and rated to what it says.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use catalog::Catalogue;
use pricing::{Amount, Plan, RatedLine, Term, fees_in_advance, text};
use support::Given;

const PAGE: &str = include_str!("../../../docs/prices.md");
const SELLER: &str =
    "seller: {name: Nimbus, address: [Berlin], currency: USD, zone: Europe/Berlin, terms-days: 30, number: INV-}\n";

/// The blocks of the page: language and text.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let fenced = PAGE.split("```").skip(1).step_by(2);
    fenced.map(|block| block.split_once('\n').unwrap()).collect()
}

#[test]
fn every_example_of_the_page_comes_out_as_it_says() {
    let blocks = blocks();
    let (streams, mut prices, mut examples) = (blocks[0].1, "", 0);
    for (language, block) in &blocks[1..] {
        match *language {
            "yaml" => prices = block,
            "text" => {
                let catalogue = read(&format!("{SELLER}{streams}{prices}"));
                assert_eq!(shown(&catalogue, block.lines().next().unwrap()), block.trim_end(), "\n{prices}");
                examples += 1;
            }
            other => unreachable!("a block of {other}"),
        }
    }
    assert_eq!(examples, 15);
}

fn read(yaml: &str) -> Catalogue {
    let read = catalog::load([("prices.yaml".to_owned(), yaml.to_owned())]);
    let checked = read.map_err(|problems| format!("{problems:?}\n{yaml}")).unwrap();
    checked.catalogue.as_ref().clone()
}

/// The example's text as it has to be, given its first line.
fn shown(catalogue: &Catalogue, given_line: &str) -> String {
    let (plan, held) = plan(catalogue);
    let mut given = given(given_line);
    given.term = held.unwrap_or(given.term);
    let mut out = vec![given_line.to_owned()];
    let next = Given { period: given.period.month_after(1).unwrap(), ..Given::month("2026-02") };
    for line in fees_in_advance(&plan, &next.input()).unwrap() {
        out.push(format!("in advance {}: {} {}", line.period, line.title, money(line.amount, &plan)));
    }
    match given.rate(&plan) {
        Ok(lines) => {
            out.extend(lines.iter().flat_map(|line| explained(line, &plan)));
            let total = Amount::sum(lines.iter().map(|line| line.amount)).unwrap();
            out.push(format!("total {} {}", money(total, &plan), plan.currency));
        }
        Err(error) => out.push(format!("error {error}")),
    }
    out.join("\n")
}

/// What the page's customer holds, or the only plan.
fn plan(catalogue: &Catalogue) -> (Plan, Option<Term>) {
    let held = catalogue.customers.values().flat_map(|customer| &customer.subscriptions).next();
    let term = held.map(|held| Term { from: held.term.from, until: held.term.until });
    let plan = held.map_or_else(|| catalogue.plans.values().next().unwrap(), |held| &held.plan);
    (plan.as_ref().clone(), term)
}

/// `given 2026-02, storage = 5, storage at berlin = 5, tier: gold, from 2026-02-10`
fn given(line: &str) -> Given {
    let mut words = line.strip_prefix("given ").unwrap().split(", ");
    let mut given = Given::month(words.next().unwrap());
    for word in words {
        given = match (word.split_once(" = "), word.split_once(": "), word.strip_prefix("from ")) {
            (Some((what, quantity)), ..) => match what.split_once(" at ") {
                Some((stream, deployment)) => given.used_at(deployment, stream, quantity),
                None => given.used(what, quantity),
            },
            (_, Some((name, value)), _) => given.attribute(name, value),
            (.., Some(from)) => given.held(from, None),
            _ => unreachable!("{word}"),
        };
    }
    given
}

fn explained(line: &RatedLine, plan: &Plan) -> Vec<String> {
    let whose = line.deployment.as_ref().map_or_else(String::new, |deployment| format!(" ({deployment})"));
    let head = format!("{}{whose} {}", line.title, money(line.amount, plan));
    std::iter::once(head).chain(line.steps.iter().map(|step| format!("  {}", step.text))).collect()
}

fn money(amount: Amount, plan: &Plan) -> String {
    text::grouped(&amount.format(plan.currency.digits()))
}
