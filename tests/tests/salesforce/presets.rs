//! Each preset against an organisation that has its objects, from the records to an invoice; and who pays for whom.

use salesforce_peer::id;

use crate::billing::{MARCH, charged, close_month, used};
use crate::world::{DAY, FEBRUARY, HOUR, World, account};

/// A catalogue that names no object and no field: the preset is all there is.
fn mapping(preset: &str, more: &str) -> String {
    format!(
        "
salesforce:
  - name: crm
    host: https://peer.my.salesforce.com
    organisation: ORG
    preset: {preset}
{more}"
    )
}

fn asset(world: &World, number: u64, serial: &str, owner: u64) {
    let owner = id("001", owner);
    let values = [("SerialNumber", serial), ("AccountId", owner.as_str()), ("InstallDate", "2026-01-10")];
    world.put("Asset", number, &values);
}

/// What account 1 is charged for 100 calls in February, all of them by `plan`.
fn february(world: &World, mapping: &str) -> String {
    world.read();
    used(world, "site", FEBRUARY + 10 * DAY, 100);
    world.at(MARCH + 2 * DAY);
    world.read();
    let closed = close_month(world, mapping, "2026-02");
    charged(&closed, &account(1))["2026-02"].clone()
}

#[test]
fn an_asset_of_an_account() {
    let mapping = mapping("account-asset", "    plan: standard\n");
    let world = World::new(&mapping);
    asset(&world, 1, "site", 1);
    assert_eq!(february(&world, &mapping), "50.00");
}

#[test]
fn a_custom_deployment_object() {
    let mapping = mapping("account-deployment", "    plan: standard\n");
    let world = World::new(&mapping);
    world.deploy(1, "site", 1);
    assert_eq!(february(&world, &mapping), "50.00");
}

#[test]
fn subscriptions_of_cpq_until_they_are_terminated() {
    let mapping = mapping("cpq-subscriptions", "");
    let world = World::new(&mapping);
    asset(&world, 1, "site", 1);
    world.put("Product2", 1, &[("Name", "Standard"), ("ProductCode", "standard")]);
    let (owner, product) = (id("001", 1), id("01t", 1));
    let values = [
        ("SBQQ__Account__c", owner.as_str()),
        ("SBQQ__Product__c", product.as_str()),
        ("SBQQ__StartDate__c", "2026-01-10"),
        ("SBQQ__EndDate__c", "2026-12-31"),
        ("SBQQ__TerminatedDate__c", "2026-02-21"),
    ];
    world.put("SBQQ__Subscription__c", 1, &values);
    world.read();
    let directory = world.directory();
    let held = &directory.parties()[0].subscriptions[0];
    let days = (held.from.to_string(), held.until.unwrap().to_string());
    assert_eq!((held.plan.as_str(), days), ("standard", ("2026-01-10".to_owned(), "2026-02-21".to_owned())));
    // After the end: used, and held because no plan says what it costs.
    used(&world, "site", FEBRUARY + 25 * DAY, 7);
    assert_eq!(february(&world, &mapping), "50.00");
}

#[test]
fn a_contract_counts_while_it_is_activated_and_its_last_day_counts() {
    let mapping = mapping("contract", "");
    let world = World::new(&mapping);
    asset(&world, 1, "site", 1);
    let contract = |number: u64, owner: u64, status: &str| {
        let owner = id("001", owner);
        let values = [
            ("AccountId", owner.as_str()),
            ("Plan__c", "standard"),
            ("StartDate", "2026-01-10"),
            ("EndDate", "2026-02-20"),
            ("Status", status),
        ];
        world.put("Contract", number, &values);
    };
    contract(1, 1, "Activated");
    contract(2, 2, "Draft");
    world.read();
    let directory = world.directory();
    let [party] = directory.parties() else { panic!("a draft makes no customer: {:?}", directory.parties()) };
    assert_eq!(party.subscriptions[0].until.unwrap().to_string(), "2026-02-21");
    assert_eq!(february(&world, &mapping), "50.00");
}

#[test]
fn an_order_counts_while_it_is_activated() {
    let mapping = mapping("order", "");
    let world = World::new(&mapping);
    asset(&world, 1, "site", 1);
    let owner = id("001", 1);
    let values = [
        ("AccountId", owner.as_str()),
        ("Plan__c", "standard"),
        ("EffectiveDate", "2026-01-10"),
        ("Status", "Activated"),
    ];
    world.put("Order", 1, &values);
    assert_eq!(february(&world, &mapping), "50.00");
}

#[test]
fn a_price_that_was_agreed_with_an_account_is_its_own_and_products_are_named_by_their_ids() {
    let block = "    subscriptions:
      object: Contract
      account: AccountId
      plan: Plan__c
      plans: {PRODUCT: standard}
      from: StartDate
      status: Status
      active: [Activated]
      prices: {per-call: Storage_Price__c}
";
    // Fifteen characters in the catalogue, eighteen in the record.
    let product = id("01t", 1);
    let mapping = mapping("account-asset", &block.replace("PRODUCT", &product[..15]));
    let world = World::new(&mapping);
    for (number, price) in [(1, "0.0125"), (2, "")] {
        asset(&world, number, if number == 1 { "site" } else { "other" }, number);
        let owner = id("001", number);
        let values = [
            ("AccountId", owner.as_str()),
            ("Plan__c", product.as_str()),
            ("StartDate", "2026-01-10"),
            ("Status", "Activated"),
            ("Storage_Price__c", price),
        ];
        world.put("Contract", number, &values);
    }
    used(&world, "other", FEBRUARY + DAY, 100);
    assert_eq!(february(&world, &mapping), "1.25");
    let closed = close_month(&world, &mapping, "2026-02");
    assert_eq!(charged(&closed, &account(2))["2026-02"], "50.00");
}

#[test]
fn the_topmost_parent_pays_and_the_goods_go_to_the_account_itself() {
    let more = "    plan: standard
    accounts: {parent: ParentId, bill-to-parent: true, ship-to: [ShippingStreet, ShippingCity]}
";
    let mapping = mapping("account-asset", more);
    let world = World::new(&mapping);
    asset(&world, 1, "site", 1);
    let ours =
        [("ParentId", id("001", 2)), ("ShippingStreet", "Dock 4".to_owned()), ("ShippingCity", "Nice".to_owned())];
    let ours: Vec<(&str, &str)> = ours.iter().map(|(name, value)| (*name, value.as_str())).collect();
    world.put("Account", 1, &ours);
    world.put("Account", 2, &[("ParentId", &id("001", 3))]);
    world.read();
    let directory = world.directory();
    let party = &directory.parties()[0];
    assert_eq!((party.account.clone(), party.name.as_str()), (account(1), "Initech"));
    assert_eq!((&party.bill_to, &party.parents), (&Some(account(3)), &vec![account(2), account(3)]));
    assert_eq!(party.ship_to, ["Dock 4", "Nice"]);
    assert_eq!(february(&world, &mapping), "50.00");
    // Parents in a circle: nobody above pays, and the party says so.
    world.at(MARCH + 2 * DAY + HOUR);
    world.put("Account", 3, &[("ParentId", &id("001", 1))]);
    world.read();
    let directory = world.directory();
    let party = &directory.parties()[0];
    assert_eq!(party.bill_to, None);
    assert!(party.notes[0].contains("circle"), "{:?}", party.notes);
}

#[test]
fn a_field_of_a_preset_that_the_organisation_does_not_have_is_named_before_anything_is_read() {
    for (preset, object, field) in [
        ("account-asset", "Asset", "SerialNumber"),
        ("account-deployment", "Deployment__c", "Cluster_Id__c"),
        ("cpq-subscriptions", "SBQQ__Subscription__c", "SBQQ__TerminatedDate__c"),
        ("cpq-subscriptions", "SBQQ__Subscription__c", "SBQQ__Quantity__c"),
        ("contract", "Contract", "Plan__c"),
        ("order", "Order", "EffectiveDate"),
    ] {
        let world = World::new(&mapping(preset, "    plan: standard\n"));
        world.peer.change(|org, _| org.object(object).hidden.insert(field.to_owned()));
        let (reason, passes) = world.refused();
        assert!(reason.contains(&format!("{object}.{field}")) && !passes, "{reason}");
        assert!(world.peer.log().iter().all(|line| !line.contains("jobs")), "nothing is read");
    }
}
