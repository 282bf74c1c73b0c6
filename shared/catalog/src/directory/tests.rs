//! Who owned what when, to the millisecond.

use proptest::prelude::*;

use super::*;

fn fact(deployment: &str, account: &str, from: i64, until: Option<i64>) -> Ownership {
    Ownership {
        account: account.to_owned(),
        deployment: deployment.to_owned(),
        from: Instant(from),
        recorded_at: Instant(1000),
        until: until.map(Instant),
    }
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
        ("", 5, Owner::Unknown),
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
        .iter()
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
fn a_known_fact_keeps_the_instant_it_was_first_recorded() {
    let first = Directory::new(vec![fact("d", "alpha", 0, None)], Instant(1000));
    let mut closed = fact("d", "alpha", 0, Some(50));
    closed.recorded_at = Instant(2000);
    let mut same = fact("e", "alpha", 0, None);
    same.recorded_at = Instant(2000);
    let second = Directory::new(vec![closed, same.clone()], Instant(2000)).after(&first);
    assert_eq!(second.entries().iter().map(|entry| entry.recorded_at.0).collect::<Vec<_>>(), [2000, 2000]);
    assert_ne!(second.version(), first.version());
    same.recorded_at = Instant(3000);
    let third = Directory::new(vec![same], Instant(3000)).after(&second);
    assert_eq!(third.entries().first().map(|entry| entry.recorded_at), Some(Instant(2000)));
}

#[test]
fn a_stored_directory_is_read_back_and_a_forged_one_is_not() {
    let directory = Directory::new(vec![fact("d", "alpha", 0, Some(10))], Instant(1000));
    let text = directory.encode().unwrap();
    let entry = r#"{"account":"alpha","deployment":"d","from":0,"recorded_at":1000,"until":10}"#;
    let version = directory.version();
    let expected =
        format!(r#"{{"entries":[{entry}],"format":"farthing.directory/1","recorded_at":1000,"version":"{version}"}}"#);
    assert_eq!(text, expected);
    assert_eq!(Directory::decode(&text).unwrap(), directory);
    let forged = text.replace("alpha", "omega");
    assert!(matches!(Directory::decode(&forged), Err(DirectoryError::Version { .. })));
    let newer = text.replace("directory/1", "directory/2");
    assert!(
        matches!(Directory::decode(&newer), Err(DirectoryError::Format(format)) if format == "farthing.directory/2")
    );
    assert!(matches!(Directory::decode("{}"), Err(DirectoryError::Malformed(_))));
}

fn facts() -> impl Strategy<Value = Vec<Ownership>> {
    let one = ("[a-c]", "[x-z]", -50_i64..50, proptest::option::of(1_i64..50), 0_i64..5);
    let one = one.prop_map(|(deployment, account, from, length, recorded_at)| {
        let until = length.map(|length| from + length);
        Ownership { recorded_at: Instant(recorded_at), ..fact(&deployment, &account, from, until) }
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
            .map(|fact| fact.account.as_str())
            .collect();
        owners.sort_unstable();
        owners.dedup();
        let expected = match owners.as_slice() {
            [] if claims.is_empty() => Owner::Unknown,
            [] => Owner::NotEffective,
            [one] => Owner::Matched(one),
            _ => Owner::Ambiguous,
        };
        let directory = Directory::new(facts.clone(), Instant(9));
        prop_assert_eq!(directory.owner(&deployment, Instant(at)), expected);
    }

    #[test]
    fn neither_order_nor_repetition_nor_recording_changes_the_version(facts in facts(), seed in facts()) {
        let directory = Directory::new(facts.clone(), Instant(9));
        let mut again: Vec<Ownership> = facts.iter().rev().cloned().chain(facts.clone()).collect();
        again.iter_mut().zip(seed).for_each(|(fact, other)| fact.recorded_at = other.recorded_at);
        let again = Directory::new(again, Instant(10));
        prop_assert_eq!(again.version(), directory.version());
        prop_assert_eq!(Directory::decode(&again.encode().unwrap()).unwrap(), again);
    }
}
