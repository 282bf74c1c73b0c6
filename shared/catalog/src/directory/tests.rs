//! Who owned what when, to the millisecond.

use proptest::prelude::*;

use super::*;

fn fact(deployment: &str, account: &str, from: i64, until: Option<i64>) -> Claim {
    Claim {
        deployment: deployment.to_owned(),
        rule: 0,
        from: Instant(from),
        until: until.map(Instant),
        account: Some(account.to_owned()),
        standing: Standing::Active,
        inferred: (false, false),
        source: CATALOGUE.to_owned(),
        recorded_at: Instant(1000),
    }
}

/// A snapshot in so many shards, as it is stored and opened again.
fn sharded(claims: &[Claim], count: u32) -> Directory {
    let shard = |place: u32| {
        let of_shard = claims.iter().filter(|claim| shard_of(&claim.deployment, count) == place);
        let (shard, _) = Shard::build(of_shard.cloned().collect());
        Shard::open(shard.text().to_owned()).unwrap()
    };
    Directory::open((0..count).map(shard).collect(), Vec::new(), Instant(9), String::new()).unwrap()
}

#[test]
fn an_owner_owns_from_its_first_instant_and_not_at_its_last() {
    let directory = Directory::new(
        vec![fact("d", "beta", 20, None), fact("d", "alpha", 0, Some(10)), fact("e", "alpha", 0, None)],
        Instant(1000),
    );
    let cases = [
        ("d", -1, Owner::NotEffective),
        ("d", 0, Owner::Matched("alpha")),
        ("d", 9, Owner::Matched("alpha")),
        ("d", 10, Owner::NotEffective),
        ("d", 19, Owner::NotEffective),
        ("d", 20, Owner::Matched("beta")),
        ("d", i64::MAX, Owner::Matched("beta")),
        ("e", 5, Owner::Matched("alpha")),
        ("f", 5, Owner::Unknown),
        ("", 5, Owner::MissingTag),
    ];
    for (deployment, at, owner) in cases {
        assert_eq!(directory.owner(deployment, Instant(at)), owner, "{deployment} at {at}");
    }
}

#[test]
fn two_accounts_at_one_instant_are_ambiguous_and_one_account_twice_is_not() {
    let directory = Directory::new(
        vec![fact("d", "alpha", 0, Some(10)), fact("d", "beta", 5, None), fact("d", "beta", 8, Some(20))],
        Instant(1000),
    );
    assert_eq!(directory.owner("d", Instant(7)), Owner::Ambiguous);
    assert_eq!(directory.owner("d", Instant(15)), Owner::Matched("beta"));
}

#[test]
fn days_begin_in_the_customers_zone_even_where_midnight_is_skipped() {
    let yaml = "seller: {name: S, currency: USD, zone: America/New_York}
customers:
  - {id: berlin, name: B, zone: Europe/Berlin, deployments: [{id: b, from: 2026-01-01, until: 2026-07-01}]}
  - {id: york, name: Y, deployments: [{id: y, from: 2026-01-01}]}
  - {id: beirut, name: L, zone: Asia/Beirut, deployments: [{id: l, from: 2022-03-27}]}";
    let catalogue = crate::load([("a.yaml".to_owned(), yaml)]).unwrap().catalogue;
    let directory = catalogue.directory(Instant(0)).unwrap();
    let shown: Vec<String> = directory
        .entries()
        .map(|entry| format!("{} {} {:?}", entry.deployment, entry.from, entry.until.map(|until| until.to_string())))
        .collect();
    let expected = [
        "b 2025-12-31T23:00:00Z Some(\"2026-06-30T22:00:00Z\")",
        "l 2022-03-26T22:00:00Z None",
        "y 2026-01-01T05:00:00Z None",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn a_stored_shard_is_read_back_to_the_byte_and_a_cut_one_is_not() {
    let mut odd = fact("tab\there\\ and\nthere", "alpha", -5, Some(10));
    (odd.rule, odd.inferred, odd.standing, odd.account) = (3, (true, true), Standing::Suspended, None);
    let claims = vec![fact("d", "alpha", 0, None), odd.clone()];
    let (shard, facts) = Shard::build(claims.clone());
    assert_eq!(shard.text().lines().next().unwrap(), "d\t0\t0\t\talpha\tactive\t\tcatalogue\t1000");
    let opened = Shard::open(shard.text().to_owned()).unwrap();
    assert_eq!(opened.entries().collect::<Vec<_>>(), claims);
    assert_eq!(Directory::new(claims, Instant(1)).recorded(&odd), Some(Instant(1000)));
    assert!(matches!(Shard::open(shard.text().trim_end().to_owned()), Err(DirectoryError::Line)));
    odd.recorded_at = Instant(2000);
    assert_eq!(Shard::build(vec![fact("d", "alpha", 0, None), odd]).1, facts, "when it was recorded is no fact");
}

#[test]
fn what_changed_between_two_snapshots_is_told_and_nothing_else() {
    let older = Directory::new(vec![fact("d", "alpha", 0, None), fact("e", "alpha", 0, None)], Instant(1));
    let newer = Directory::new(vec![fact("d", "alpha", 0, Some(50)), fact("e", "alpha", 0, None)], Instant(2));
    let moved = difference(&older, &newer);
    assert_eq!(moved.len(), 1);
    assert_eq!((moved[0].gone[0].until, moved[0].new[0].until), (None, Some(Instant(50))));
    assert_eq!(difference(&newer, &newer), []);
}

fn facts() -> impl Strategy<Value = Vec<Claim>> {
    let one = ("[a-c]", "[x-z]", -50_i64..50, proptest::option::of(1_i64..50), 0_i64..5);
    let one = one.prop_map(|(deployment, account, from, length, recorded_at)| {
        let until = length.map(|length| from + length);
        Claim { recorded_at: Instant(recorded_at), ..fact(&deployment, &account, from, until) }
    });
    proptest::collection::vec(one, 0..12)
}

proptest! {
    #[test]
    fn the_owner_is_who_a_plain_look_at_all_facts_says(facts in facts(), deployment in "[a-d]", at in -60_i64..110) {
        let of_deployment = facts.iter().filter(|fact| fact.deployment == deployment);
        let claims: Vec<_> = of_deployment.collect();
        let mut owners: Vec<&str> = claims
            .iter()
            .filter(|fact| fact.from.0 <= at && fact.until.is_none_or(|until| at < until.0))
            .filter_map(|fact| fact.account.as_deref())
            .collect();
        owners.sort_unstable();
        owners.dedup();
        let expected = match owners.as_slice() {
            [] if claims.is_empty() => Owner::Unknown,
            [] => Owner::NotEffective,
            [one] => Owner::Matched(one),
            _ => Owner::Ambiguous,
        };
        for directory in [Directory::new(facts.clone(), Instant(9)), sharded(&facts, 4)] {
            prop_assert_eq!(directory.owner(&deployment, Instant(at)), expected);
        }
    }

    #[test]
    fn neither_order_nor_repetition_nor_recording_changes_the_version(facts in facts(), seed in facts()) {
        let directory = Directory::new(facts.clone(), Instant(9));
        let mut again: Vec<Claim> = facts.iter().rev().cloned().chain(facts.clone()).collect();
        again.iter_mut().zip(seed).for_each(|(fact, other)| fact.recorded_at = other.recorded_at);
        let again = Directory::new(again, Instant(10));
        prop_assert_eq!(again.version(), directory.version());
    }
}
