//! What changes over the life of a subscription, as the customer is invoiced for it.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod account;

use account::{Account, catalogue, month};
use catalog::Catalogue;
use invoicing::Invoice;
use metering::tally::Cells;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

const STREAMS: &str = "
seller: {name: Nimbus, currency: USD, zone: Europe/Berlin}
streams:
  - {name: calls, title: Calls, unit: calls, scale: 0, kind: delta, day: sum, month: sum}
components:
  - {name: calls, title: Calls, stream: calls, price: {per-unit: 1.25, included: 10}}
";

/// Of one customer, by what is said of its subscription.
fn held(plans: &str, subscription: &str) -> Catalogue {
    catalogue(&format!(
        "{STREAMS}
plans:
{plans}
customers:
  - id: aurora
    name: Aurora
    deployments: [{{id: berlin, from: 2026-01-01}}]
    subscriptions: [{subscription}]
"
    ))
}

fn account<'a>(catalogues: &[&'a Catalogue]) -> Account<'a> {
    let mut account = Account { catalogues: catalogues.to_vec(), cells: Cells::default(), invoices: Vec::new() };
    catalogues.iter().for_each(|_| account.close());
    account
}

/// Component, month and amount of each line.
fn shown(invoice: &Invoice) -> Vec<String> {
    invoice.lines.iter().map(|line| format!("{} {} {}", line.component, line.period, line.amount)).collect()
}

const TWO: &str = "
  - {name: basic, title: Basic, currency: USD, recurring: [{title: Fee, amount: 280.00, billed: advance}]}
  - {name: pro, title: Pro, currency: USD, recurring: [{title: Fee, amount: 560.00, billed: advance}]}";

#[test]
fn an_upgrade_gives_back_the_old_fee_and_charges_the_new_one() {
    let before = held(TWO, "{plan: basic, from: 2026-01-01}");
    let after = held(TWO, "{plan: basic, from: 2026-01-01, changes: [{from: 2026-02-15, plan: pro}]}");
    let account = account(&[&before, &after]);
    assert_eq!(shown(&account.invoices[0]), ["basic/fee 2026-01 280.00", "basic/fee 2026-02 280.00"]);
    assert_eq!(
        shown(&account.invoices[1]),
        ["pro/fee 2026-02 280.00", "pro/fee 2026-03 560.00", "basic/fee 2026-02 -140.00"]
    );
}

const YEARLY: &str = "
  - name: team
    title: Team
    currency: USD
    recurring: [{title: Seats, amount: 365.00, per: seats, every: year, anchor: subscription, billed: advance}]";

#[test]
fn seats_are_added_within_a_year_that_was_paid_in_advance() {
    let before = held(YEARLY, "{plan: team, from: 2026-01-01, quantities: {seats: 10}}");
    let after = "{plan: team, from: 2026-01-01, quantities: {seats: 10}, changes: [{from: 2026-02-15, quantities: {seats: 12}}]}";
    let after = held(YEARLY, after);
    let account = account(&[&before, &after, &after]);
    // 320 of 365 days are left: 3,200 for ten seats are given back, twelve cost 3,840.
    assert_eq!(shown(&account.invoices[0]), ["team/seats 2026-01 3650.00"]);
    assert_eq!(shown(&account.invoices[1]), ["team/seats 2026-02 3840.00", "team/seats 2026-01 -3200.00"]);
    assert_eq!(shown(&account.invoices[2]), Vec::<String>::new());
}

#[test]
fn a_change_entered_after_its_month_was_invoiced_does_not_reach_back() {
    let before = held(YEARLY, "{plan: team, from: 2026-01-01, quantities: {seats: 10}}");
    let after = "{plan: team, from: 2026-01-01, quantities: {seats: 10}, changes: [{from: 2026-01-15, quantities: {seats: 12}}]}";
    let after = held(YEARLY, after);
    let account = account(&[&before, &after]);
    assert_eq!(shown(&account.invoices[1]), Vec::<String>::new());
}

#[test]
fn a_new_version_does_not_reach_back_and_moves_only_who_is_said_to_move() {
    let version = |existing: &str| {
        format!(
            "
  - {{name: basic, title: Basic, currency: USD, recurring: [{{title: Fee, amount: 100.00}}]}}
  - {{name: basic, title: Basic, currency: USD, from: 2026-02-01, existing: {existing}, recurring: [{{title: Fee, amount: 150.00}}]}}"
        )
    };
    for (existing, second) in [("stay", "100.00"), ("move", "150.00")] {
        let catalogue = held(&version(existing), "{plan: basic, from: 2026-01-01}");
        let account = account(&[&catalogue, &catalogue]);
        assert_eq!(shown(&account.invoices[0]), ["basic/fee 2026-01 100.00"]);
        assert_eq!(shown(&account.invoices[1]), [format!("basic/fee 2026-02 {second}")]);
    }
    // Who begins later has the version of that day.
    let catalogue = held(&version("stay"), "{plan: basic, from: 2026-02-01}");
    assert_eq!(shown(&account(&[&catalogue, &catalogue]).invoices[1]), ["basic/fee 2026-02 150.00"]);
}

#[test]
fn usage_before_and_after_a_change_is_priced_by_the_plan_in_force() {
    let plans = "
  - {name: basic, title: Basic, currency: USD, components: [calls]}
  - {name: pro, title: Pro, currency: USD, components: [{name: calls, price: {per-unit: 0.25}}]}";
    // It is used when the 16th begins.
    for (day, amount) in [("2026-02-16", "25.00"), ("2026-02-17", "112.50")] {
        let changed = format!("{{plan: basic, from: 2026-01-01, changes: [{{from: {day}, plan: pro}}]}}");
        let invoice = february(&held(plans, &changed), 100);
        let charged: Vec<_> =
            invoice.lines.iter().map(|line| line.amount.as_str()).filter(|amount| *amount != "0.00").collect();
        assert_eq!(charged, [amount], "{day}");
    }
}

const SEATS: &str = "
  - name: team
    title: Team
    currency: USD
    change-rounding: ROUNDING
    recurring: [{title: Seats, amount: 9.99, per: seats}]
    minimum: {amount: 50.00}
    components: [calls]";

/// Changes of the number of seats by day of February, as they are written.
fn changes(seats: &[(u32, u32)]) -> String {
    let one = |(day, seats): &(u32, u32)| format!("{{from: 2026-02-{day:02}, quantities: {{seats: {seats}}}}}");
    let all: Vec<String> = seats.iter().map(one).collect();
    format!("{{plan: team, from: 2026-01-01, quantities: {{seats: 5}}, changes: [{}]}}", all.join(", "))
}

/// February with some usage.
fn february(catalogue: &Catalogue, calls: i128) -> Invoice {
    let mut account = Account { catalogues: vec![catalogue; 2], cells: Cells::default(), invoices: Vec::new() };
    account.used(&month(1), calls);
    account.close();
    account.close();
    account.invoices.remove(1)
}

fn cents(invoice: &Invoice, component: &str) -> i128 {
    let lines = invoice.lines.iter().filter(|line| line.component == component);
    lines.map(|line| line.amount.replace('.', "").parse::<i128>().unwrap()).sum()
}

/// Half away from zero; nothing here is negative.
fn rounded(numerator: i128, denominator: i128) -> i128 {
    (2 * numerator + denominator) / (2 * denominator)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_month_cut_by_changes_adds_up(cuts in btree_map(1_u32..=28, 0_u32..40, 0..5), calls in 0_i128..60) {
        let written: Vec<(u32, u32)> = cuts.iter().map(|(day, seats)| (*day, *seats)).collect();
        // The seats of each day, without any arithmetic of the product.
        let on = |day: u32| cuts.range(..=day).next_back().map_or(5, |(_, seats)| *seats);
        let days: Vec<i128> = (1..=28).map(|day| i128::from(on(day))).collect();
        let (mut parts, mut at) = (0, 0);
        while at < days.len() {
            let run = days[at..].iter().take_while(|seats| **seats == days[at]).count();
            parts += rounded(days[at] * 999 * i128::try_from(run).unwrap(), 28);
            at += run;
        }
        let whole = rounded(days.iter().sum::<i128>() * 999, 28);
        for (rounding, fees) in [("parts", parts), ("difference", whole)] {
            let catalogue = held(&SEATS.replace("ROUNDING", rounding), &changes(&written));
            let invoice = february(&catalogue, calls);
            prop_assert_eq!(cents(&invoice, "team/seats"), fees, "{}", rounding);
            // Usage and the minimum know nothing of seats.
            let used = (calls - 10).max(0) * 125;
            prop_assert_eq!(cents(&invoice, "calls"), used);
            prop_assert_eq!(cents(&invoice, "team/minimum"), (5000 - fees - used).max(0));
        }
    }

    #[test]
    fn the_order_in_which_changes_are_written_does_not_matter(
        (written, shuffled) in btree_map(2_u32..=28, 0_u32..40, 0..5)
            .prop_map(|cuts| cuts.into_iter().collect::<Vec<_>>())
            .prop_flat_map(|cuts| (Just(cuts.clone()), Just(cuts).prop_shuffle())),
    ) {
        let plan = SEATS.replace("ROUNDING", "parts");
        let (one, other) = (held(&plan, &changes(&written)), held(&plan, &changes(&shuffled)));
        prop_assert_eq!(february(&one, 30).lines, february(&other, 30).lines);
    }

    #[test]
    fn a_change_at_the_edge_of_a_month_leaves_both_months_whole(calls in vec(0_i128..60, 2), back in any::<bool>()) {
        let (from, to) = if back { ("pro", "basic") } else { ("basic", "pro") };
        let plans = "
  - {name: basic, title: Basic, currency: USD, recurring: [{title: Fee, amount: 10.00}], components: [calls]}
  - {name: pro, title: Pro, currency: USD, recurring: [{title: Fee, amount: 20.00}], components: [calls]}";
        let changed = held(plans, &format!("{{plan: {from}, from: 2026-01-01, changes: [{{from: 2026-02-01, plan: {to}}}]}}"));
        let (first, second) = (held(plans, &format!("{{plan: {from}, from: 2026-01-01}}")), held(plans, &format!("{{plan: {to}, from: 2026-01-01}}")));
        let mut invoices = Vec::new();
        for catalogue in [&changed, &first, &second] {
            let mut account = Account { catalogues: vec![catalogue; 2], cells: Cells::default(), invoices: Vec::new() };
            (0..2).for_each(|number| account.used(&month(number), calls[number]));
            (0..2).for_each(|_| account.close());
            invoices.push(account.invoices);
        }
        prop_assert_eq!(&invoices[0][0].lines, &invoices[1][0].lines);
        prop_assert_eq!(&invoices[0][1].lines, &invoices[2][1].lines);
    }

    #[test]
    fn all_invoices_of_a_month_add_up_to_its_price_while_plans_change(
        days in btree_map(1_u32..=28, prop_oneof![Just("basic"), Just("pro")], 0..3),
        late in vec((0_usize..4, 0_i128..50), 0..4),
    ) {
        let plans = "
  - {name: basic, title: Basic, currency: USD, recurring: [{title: Fee, amount: 31.00, billed: advance}, {title: Year, amount: 365.00, every: year, anchor: subscription, billed: advance}], components: [calls]}
  - {name: pro, title: Pro, currency: USD, recurring: [{title: Fee, amount: 67.00, billed: advance}, {title: Year, amount: 730.00, every: year, anchor: subscription, billed: advance}], components: [calls]}";
        let changes: Vec<String> = days.iter().map(|(day, plan)| format!("{{from: 2026-03-{day:02}, plan: {plan}}}")).collect();
        let before = held(plans, "{plan: basic, from: 2026-01-10}");
        let after = held(plans, &format!("{{plan: basic, from: 2026-01-10, changes: [{}]}}", changes.join(", ")));
        let catalogues = vec![&before, &before, &after, &after, &after];
        let mut account = Account { catalogues, cells: Cells::default(), invoices: Vec::new() };
        account.close();
        for number in 1..5 {
            late.iter().filter(|(arrived, _)| *arrived < number).for_each(|(at, calls)| account.used(&month(*at), *calls));
            account.close();
        }
        // The year is charged by the day: by the plan of each day, whatever was charged in advance.
        let year: i128 = account.invoices.iter().map(|invoice| cents(invoice, "basic/year") + cents(invoice, "pro/year")).sum();
        let on = |day: u32| days.range(..=day).next_back().map_or("basic", |(_, plan)| *plan);
        let march: Vec<&str> = (1..=31).map(on).collect();
        let of = |plan: &str| i128::try_from(march.iter().filter(|held| **held == plan).count()).unwrap();
        let rest = 365 - 50 - 31;
        let last = if march[30] == "pro" { 200 } else { 100 };
        prop_assert_eq!(year, 50 * 100 + of("basic") * 100 + of("pro") * 200 + rest * last);
    }
}
