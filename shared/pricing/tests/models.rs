//! What holds for every model of price, and a naive rater that has to agree.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use std::collections::BTreeMap;

use metering::exact::{Exact, decimal_text};
use metering::measure::SeriesUsage;
use metering::period::Period;
use metering::stream::Kind;
use metering::tally::{Cells, SeriesKey};
use metering::time::{Instant, Span};
use pricing::{Metered, Plan, RatedLine, RatingInput, Term, rate, rate_amounts};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{day, plan_of, streams};

const HOUR: i64 = 3_600_000;

/// Amounts are whole numbers of 10^-13: quantities have 6 digits, prices 4, sizes divide 1,000.
const CENT: i128 = 100_000_000_000;
const MICRO: i128 = 1_000_000;

/// A price as plain integers, which the naive rater understands without the crate.
#[derive(Clone, Debug)]
struct Tier {
    up_to: i128, // micro-units; the last tier has none
    price: i128, // × 10^-4, or hundredths of a percent
    size: i128,  // units
    flat: i128,  // cents
    cap: i128,   // cents
}

#[derive(Clone, Debug)]
struct Event {
    rate: i128,  // hundredths of a percent
    fixed: i128, // cents
    free_events: usize,
    free: i128,  // micro-units
    least: i128, // cents
    most: i128,  // cents
}

#[derive(Clone, Debug)]
enum Model {
    Graduated(Vec<Tier>, &'static str),
    Volume(Vec<Tier>, &'static str),
    Percent(Event),
}

/// Integers only, one division in each place where something is whole.
mod naive {
    use super::{CENT, Event, MICRO, Model, Tier};

    pub fn cents(model: &Model, events: &[i128]) -> i128 {
        let quantity: i128 = events.iter().sum();
        half_away(match model {
            Model::Graduated(tiers, packages) => graduated(tiers, packages, quantity),
            Model::Volume(tiers, packages) => {
                let tier = tiers.iter().position(|tier| quantity <= tier.up_to).unwrap_or(tiers.len() - 1);
                one(&tiers[tier], packages, quantity)
            }
            Model::Percent(event) => percent(event, events),
        })
    }

    fn graduated(tiers: &[Tier], packages: &str, quantity: i128) -> i128 {
        let (mut lower, mut sum) = (0, 0);
        for (index, tier) in tiers.iter().enumerate() {
            if quantity > lower || index == 0 {
                let upper = if index + 1 == tiers.len() { quantity } else { quantity.min(tier.up_to) };
                sum += one(tier, packages, upper - lower);
            }
            lower = tier.up_to;
        }
        sum
    }

    fn one(tier: &Tier, packages: &str, quantity: i128) -> i128 {
        let size = tier.size * MICRO;
        let priced = match packages {
            "up" => (quantity + size - 1) / size * tier.price * 1_000_000_000,
            "down" => quantity / size * tier.price * 1_000_000_000,
            _ => quantity * tier.price * (1_000 / tier.size),
        };
        (priced + tier.flat * CENT).min(tier.cap * CENT)
    }

    fn percent(event: &Event, events: &[i128]) -> i128 {
        let (mut left, mut sum) = (event.free, 0);
        let mut ended = false;
        for (index, amount) in events.iter().enumerate() {
            let free = if ended || index >= event.free_events { 0 } else { left.min(*amount) };
            left -= free;
            let covered = !ended && index < event.free_events && free == *amount;
            ended = ended || !covered;
            if !covered {
                let due = (amount - free) * event.rate * 1_000 + event.fixed * CENT;
                sum += due.max(event.least * CENT).min(event.most * CENT);
            }
        }
        sum
    }

    fn half_away(amount: i128) -> i128 {
        (2 * amount + CENT) / (2 * CENT)
    }
}

impl Model {
    fn price(&self) -> Value {
        match self {
            Self::Graduated(tiers, packages) => json!({"graduated": written(tiers), "packages": packages}),
            Self::Volume(tiers, packages) => json!({"volume": written(tiers), "packages": packages}),
            Self::Percent(event) => json!({
                "percent": decimal_text(event.rate, 2), "per-event": decimal_text(event.fixed, 2),
                "free-events": event.free_events, "included": decimal_text(event.free, 6),
                "minimum-per-event": decimal_text(event.least, 2), "maximum-per-event": decimal_text(event.most, 2),
            }),
        }
    }

    fn plan(&self) -> Plan {
        priced("money", self.price())
    }
}

fn written(tiers: &[Tier]) -> Vec<Value> {
    let one = |(index, tier): (usize, &Tier)| {
        let mut written = json!({"per-unit": decimal_text(tier.price, 4), "unit-size": tier.size,
            "flat": decimal_text(tier.flat, 2), "maximum": decimal_text(tier.cap, 2)});
        if index + 1 < tiers.len() {
            written["up-to"] = decimal_text(tier.up_to, 6).into();
        }
        written
    };
    tiers.iter().enumerate().map(one).collect()
}

fn priced(stream: &str, price: Value) -> Plan {
    plan_of(json!([{"name": "c", "title": "C", "stream": stream, "price": price}]))
}

prop_compose! {
    fn tier()(price in 0_i128..50_000, size in prop_oneof![Just(1_i128), Just(10), Just(1000)], flat in 0_i128..5_000, cap in 0_i128..1_000_000, is_capped: bool) -> Tier {
        Tier { up_to: 0, price, size, flat, cap: if is_capped { cap } else { 1_000_000_000_000 } }
    }
}

prop_compose! {
    fn tiers()(tiers in vec(tier(), 1..5), widths in vec(1_i128..500_000_000, 5)) -> Vec<Tier> {
        let ends = widths.iter().scan(0, |end, width| { *end += width; Some(*end) });
        tiers.into_iter().zip(ends).map(|(tier, up_to)| Tier { up_to, ..tier }).collect()
    }
}

prop_compose! {
    fn event()(rate in 0_i128..10_000, fixed in 0_i128..500, free_events in 0_usize..6, free in 1_i128..400_000_000, least in 0_i128..300, more in 0_i128..5_000) -> Event {
        Event { rate, fixed, free_events, free, least, most: least + more }
    }
}

fn packages() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("exact"), Just("up"), Just("down")]
}

fn model() -> impl Strategy<Value = Model> {
    prop_oneof![
        (tiers(), packages()).prop_map(|(tiers, packages)| Model::Graduated(tiers, packages)),
        (tiers(), packages()).prop_map(|(tiers, packages)| Model::Volume(tiers, packages)),
        event().prop_map(Model::Percent),
    ]
}

/// One event: its hour, its group, and micro-units.
type Used = (i64, String, i128);

/// Rates events of the stream `money`, each under a series of its own, recorded in the order given.
fn rated(plan: &Plan, events: &[(usize, Used)]) -> Vec<RatedLine> {
    with_usage(events, |input| {
        let lines = rate(plan, input).unwrap();
        let amounts = |lines: &[RatedLine]| lines.iter().map(|line| line.amount).collect::<Vec<_>>();
        assert_eq!(amounts(&lines), amounts(&rate_amounts(plan, input).unwrap()), "words change no amount");
        lines
    })
}

fn with_usage<T>(events: &[(usize, Used)], then: impl FnOnce(&RatingInput<'_>) -> T) -> T {
    let mut cells = Cells::default();
    let period = Period::parse_month("2026-01", chrono_tz::Tz::UTC).unwrap();
    let window = period.span().unwrap();
    for (id, (hour, group, micros)) in events {
        let key = SeriesKey {
            deployment: "d".to_owned(),
            stream: "money".to_owned(),
            series: format!("{id:03}"),
            dimensions: BTreeMap::from([("group".to_owned(), group.clone())]),
            scale: 6,
        };
        cells.record(&key, Kind::Delta, Instant(window.from.0 + hour * HOUR), *micros).unwrap();
    }
    let owned = [Span { from: Instant(i64::MIN), until: Instant(i64::MAX) }];
    let all = cells.0.iter().map(|(key, quarters)| SeriesUsage { key, quarters, owned: &owned });
    let streams = streams();
    let series = BTreeMap::from([("money", all.collect())]);
    let usage = Metered { period: &period, window, streams: &streams, series, deployments: vec!["d"] };
    let (term, attributes) = (Term { from: day("2000-01-01"), until: None }, BTreeMap::new());
    then(&RatingInput::alone("c", &period, term, &attributes, &usage))
}

/// Events of the first hours, in order; their names are in another.
fn in_order(micros: &[i128]) -> Vec<(usize, Used)> {
    micros
        .iter()
        .zip(0_i64..)
        .enumerate()
        .map(|(id, (micros, hour))| (999 - id, (hour, "a".to_owned(), *micros)))
        .collect()
}

/// Micro-units of an event; nothing and little are common.
fn micros() -> impl Strategy<Value = i128> {
    prop_oneof![Just(0_i128), 0_i128..20_000_000, 0_i128..600_000_000]
}

fn total(lines: &[RatedLine]) -> i128 {
    lines.iter().map(|line| line.amount.0).sum()
}

/// Before rounding: the amount of the last step that is not a rounding.
fn raw(line: &RatedLine) -> Exact {
    let steps = line.steps.iter().rev().filter(|step| !step.text.to_string().starts_with("rounded"));
    steps.filter_map(|step| step.amount).next().unwrap()
}

proptest! {
    #[test]
    fn a_naive_rater_agrees_on_every_model(model in model(), events in vec(micros(), 0..7)) {
        let plan = model.plan();
        prop_assert_eq!(total(&rated(&plan, &in_order(&events))), naive::cents(&model, &events), "{}", model.price());
    }

    #[test]
    fn a_naive_rater_agrees_at_the_bounds_of_tiers(tiers in tiers(), packages in packages(), at in 0_usize..5, beside in -1_i128..=1) {
        let quantity = tiers[at % tiers.len()].up_to + beside;
        for model in [Model::Graduated(tiers.clone(), packages), Model::Volume(tiers.clone(), packages)] {
            prop_assert_eq!(total(&rated(&model.plan(), &in_order(&[quantity]))), naive::cents(&model, &[quantity]));
        }
    }

    #[test]
    fn more_usage_never_costs_less_but_for_volume(tiers in tiers(), packages in packages(), a in 0_i128..2_000_000_000, more in 0_i128..2_000_000_000) {
        let plan = Model::Graduated(tiers, packages).plan();
        prop_assert!(total(&rated(&plan, &in_order(&[a]))) <= total(&rated(&plan, &in_order(&[a + more]))));
    }

    #[test]
    fn graduated_parts_add_up(tiers in tiers(), first in 1_i128..1_000_000_000, rest in 1_i128..1_000_000_000) {
        // The rest is priced by tiers that begin where the first part ends.
        let plain: Vec<Tier> = tiers.into_iter().map(|tier| Tier { flat: 0, cap: 1_000_000_000_000, ..tier }).collect();
        let last = plain.len() - 1;
        let shifted = plain.iter().enumerate().filter(|(index, tier)| *index == last || tier.up_to > first);
        let shifted: Vec<Tier> = shifted.map(|(_, tier)| Tier { up_to: tier.up_to - first, ..tier.clone() }).collect();
        let of = |tiers: &[Tier], micros| raw(&rated(&Model::Graduated(tiers.to_vec(), "exact").plan(), &in_order(&[micros]))[0]);
        prop_assert_eq!(of(&plain, first).add(&of(&shifted, rest)).unwrap(), of(&plain, first + rest));
    }

    #[test]
    fn the_order_in_which_events_are_counted_does_not_matter(
        model in model(), (events, shuffled) in vec((0_i64..700, "[ab]", 0_i128..600_000_000), 1..9).prop_map(|all| all.into_iter().enumerate().collect::<Vec<_>>()).prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
    ) {
        let plan = model.plan();
        prop_assert_eq!(rated(&plan, &events), rated(&plan, &shuffled));
    }

    #[test]
    fn usage_falls_into_exactly_one_row(events in vec((0_i64..700, "[abc]", 0_i128..600_000_000), 1..9)) {
        let events: Vec<_> = events.into_iter().enumerate().collect();
        let unit = json!({"per-unit": 1});
        let plan = priced("money", json!({"matrix": [{"when": {"group": "a"}, "price": unit}, {"when": {"group": ["a", "b"]}, "price": unit}, {"price": unit}]}));
        let lines = rated(&plan, &events);
        let quantities = Exact::sum(&lines.iter().map(|line| line.quantity.unwrap()).collect::<Vec<_>>()).unwrap();
        let micros: i128 = events.iter().map(|(_, (.., micros))| micros).sum();
        prop_assert_eq!(quantities, Exact::decimal(micros, 6).unwrap());
        // And each value by itself gives the same, in a line each.
        let each = rated(&priced("money", json!({"per-unit": 1, "per": {"dimension": "group"}})), &events);
        prop_assert_eq!(Exact::sum(&each.iter().map(raw).collect::<Vec<_>>()).unwrap(), quantities);
    }

    #[test]
    fn buckets_of_a_price_in_proportion_add_up_to_the_whole(events in vec((0_i64..700, "[ab]", 0_i128..600_000_000), 1..9), price in 0_i128..50_000) {
        let events: Vec<_> = events.into_iter().enumerate().collect();
        let price = decimal_text(price, 4);
        let whole = raw(&rated(&priced("money", json!({"per-unit": price})), &events)[0]);
        for bucket in ["day", "hour", "quarter-hour"] {
            let cut = rated(&priced("money", json!({"per-unit": price, "bucket": bucket})), &events);
            prop_assert_eq!(raw(&cut[0]), whole, "{}", bucket);
        }
    }

    #[test]
    fn a_component_is_never_below_its_minimum_nor_above_its_maximum(events in vec((0_i64..700, "[abc]", 0_i128..600_000_000), 1..9), least in 0_i128..100_000, more in 0_i128..100_000) {
        let events: Vec<_> = events.into_iter().enumerate().collect();
        let limits = json!({"per-unit": "1.5", "per": {"dimension": "group"}, "minimum": decimal_text(least, 2), "maximum": decimal_text(least + more, 2)});
        let without = total(&rated(&priced("money", json!({"per-unit": "1.5", "per": {"dimension": "group"}})), &events));
        prop_assert_eq!(total(&rated(&priced("money", limits), &events)), without.clamp(least, least + more));
    }
}

#[test]
fn events_that_were_added_before_they_could_be_told_apart_are_not_priced() {
    let plan = priced("money", json!({"percent": 1, "minimum-per-event": 1}));
    let twice = [(0, (1, "a".to_owned(), 5)), (0, (1, "a".to_owned(), 7))];
    let error = with_usage(&twice, |input| rate(&plan, input).unwrap_err().to_string());
    assert!(error.contains("name the field that identifies an event in the source's `series`"), "{error}");
}

#[test]
fn a_quantity_between_two_rows_of_a_price_list_is_priced() {
    // “0 to 99” and “100 upwards”.
    let tiers = json!([{"up-to": 99, "per-unit": 2}, {"per-unit": 1}]);
    let half = [(0, (1, "a".to_owned(), 99 * MICRO + 500_000))];
    assert_eq!(total(&rated(&priced("money", json!({"volume": tiers})), &half)), 9_950);
    assert_eq!(total(&rated(&priced("money", json!({"graduated": tiers})), &half)), 19_850);
}

#[test]
fn a_bound_belongs_to_the_tier_up_to_it_and_not_to_the_tier_below_it() {
    let at = [(0, (1, "a".to_owned(), 100 * MICRO))];
    let cents = |bound: &str| {
        let tiers = json!([{bound: 100, "per-unit": 2}, {"per-unit": 1, "flat": 7}]);
        ["volume", "graduated"].map(|model| total(&rated(&priced("money", json!({model: tiers})), &at)))
    };
    assert_eq!(cents("up-to"), [20_000, 20_000]);
    assert_eq!(cents("below"), [10_700, 20_700]);
}

#[test]
fn usage_above_the_last_bound_is_priced_as_the_plan_says() {
    let used = [(0, (1, "a".to_owned(), 30 * MICRO))];
    let of = |model: &str, beyond: &str| {
        let plan = priced(
            "money",
            json!({model: [{"up-to": 10, "per-unit": 2}, {"up-to": 20, "per-unit": 1}], "beyond": beyond}),
        );
        with_usage(&used, |input| rate(&plan, input).map(|lines| total(&lines)))
    };
    assert_eq!((of("graduated", "last-tier"), of("graduated", "free")), (Ok(4_000), Ok(3_000)));
    assert_eq!((of("volume", "last-tier"), of("volume", "free")), (Ok(3_000), Ok(2_000)));
    for model in ["graduated", "volume"] {
        let error = of(model, "error").unwrap_err().to_string();
        assert!(error.contains("its tiers end at 20") && error.contains("beyond: last-tier"), "{error}");
    }
}
