//! What was agreed with one account, and how it is taxed: from the fields of its records to the invoice.

use std::collections::BTreeMap;

use invoicing::Invoice;
use ledger::configuration::Configuration;
use ledger::invoice::{Closed, Options, Outcome, close};
use ledger::verify::verify;
use pricing::TaxCode;
use salesforce_peer::{Org, id};

use crate::billing::MARCH;
use crate::world::{ASSETS, DAY, World, account, finish};

const APRIL: i64 = MARCH + 31 * DAY;

/// One thing is paid for by the month, another for each seat.
const PLANS: &str = "
seller: {name: Quill, currency: USD, zone: UTC}
plans:
  - {name: flat, title: Flat, currency: USD, recurring: [{title: Platform fee, amount: 500.00}]}
  - name: seats
    title: Seats
    currency: USD
    recurring: [{title: Platform fee, amount: 500.00}, {title: Seats, amount: 10.00, per: quantity}]
";

const CONTRACTS: &str = "
salesforce:
  - name: crm
    host: https://peer.my.salesforce.com
    organisation: ORG
    preset: contract
    subscriptions:
      object: Contract
      account: AccountId
      plan: Plan__c
      from: StartDate
      until: EndDate
      status: Status
      active: [Activated]
      set: {recurring.platform-fee.amount: Platform_Fee__c}
      quantities: {quantity: Seats__c}
";

const CPQ: &str = "
salesforce:
  - {name: crm, host: https://peer.my.salesforce.com, organisation: ORG, preset: cpq-subscriptions}
";

const TAXED: &str = "
taxes:
  - {jurisdiction: DE, title: VAT, reverse-charge: Reverse charge, rates: {standard: [{from: 2026-01-01, percent: 19}]}}
salesforce:
  - name: crm
    host: https://peer.my.salesforce.com
    organisation: ORG
    preset: contract
    accounts:
      attributes:
        tax-jurisdiction: Tax_Jurisdiction__c
        tax-vat-id: VAT_ID__c
        tax-exempt-certificate: Exemption_Certificate__c
        tax-exempt-reason: Exemption_Reason__c
";

fn text(mapping: &str, org: &Org) -> String {
    format!("{PLANS}{}", mapping.replace("ORG", &org.id))
}

fn configuration(world: &World, mapping: &str) -> Configuration {
    let text = world.peer.change(|org, _| text(mapping, org));
    Configuration::load(vec![("a.yaml".to_owned(), text)]).unwrap_or_else(|problems| panic!("{problems}"))
}

fn world(mapping: &str) -> World {
    let mut world = World::new(ASSETS);
    world.catalogue = configuration(&world, mapping).catalogue;
    world
}

fn close_month(world: &World, mapping: &str, month: &str) -> Closed {
    let options = Options { month: month.to_owned(), settle_minutes: 0, preview: false };
    finish(close(&world.memory, &configuration(world, mapping), &options)).unwrap()
}

fn contract(world: &World, number: u64, plan: &str, more: &[(&str, &str)]) {
    let owner = id("001", number);
    let values =
        [("AccountId", owner.as_str()), ("Plan__c", plan), ("StartDate", "2026-02-01"), ("Status", "Activated")];
    world.put("Contract", number, &[&values, more].concat());
}

/// An issued invoice, which comes out of its parts again.
fn invoice(world: &World, closed: &Closed, number: u64) -> Invoice {
    let Some(Outcome::Issued(invoice, true)) = closed.accounts.get(&account(number)) else { panic!("{closed:?}") };
    assert!(finish(verify(&world.memory, invoice.number.as_deref().unwrap())).unwrap().holds());
    (**invoice).clone()
}

fn lines(invoice: &Invoice) -> BTreeMap<(&str, &str), &str> {
    invoice.lines.iter().map(|line| ((&*line.period, &*line.component), &*line.amount)).collect()
}

#[test]
fn numbers_and_quantities_of_a_record_are_its_accounts_own() {
    let world = world(CONTRACTS);
    contract(&world, 1, "seats", &[("Seats__c", "12"), ("Platform_Fee__c", "450.5")]);
    contract(&world, 2, "seats", &[("Seats__c", "3")]);
    contract(&world, 3, "seats", &[("Platform_Fee__c", "450.5")]);
    world.read();
    world.at(MARCH + 2 * DAY);
    world.read();
    let first = close_month(&world, CONTRACTS, "2026-02");
    let (platform, seats) = ("seats/platform-fee", "seats/seats");
    let one = invoice(&world, &first, 1);
    assert_eq!(lines(&one), [(("2026-02", platform), "450.50"), (("2026-02", seats), "120.00")].into());
    let two = invoice(&world, &first, 2);
    assert_eq!(lines(&two), [(("2026-02", platform), "500.00"), (("2026-02", seats), "30.00")].into());
    // Nobody has said how many: never a guess.
    let [unbillable] = &first.unbillable[..] else { panic!("{:?}", first.unbillable) };
    assert_eq!(unbillable.account, account(3));
    assert!(unbillable.reason.contains("nothing says how many there are"), "{}", unbillable.reason);
    // More seats from March on; the month that was invoiced stands.
    world.put("Contract", 1, &[("Seats__c", "20")]);
    world.at(APRIL + 2 * DAY);
    world.read();
    let second = close_month(&world, CONTRACTS, "2026-03");
    let one = invoice(&world, &second, 1);
    assert_eq!(lines(&one), [(("2026-03", platform), "450.50"), (("2026-03", seats), "200.00")].into());
}

fn subscribed(world: &World, number: u64, product: u64, quantity: &str) {
    let (owner, product) = (id("001", number), id("01t", product));
    let values = [
        ("SBQQ__Account__c", owner.as_str()),
        ("SBQQ__Product__c", product.as_str()),
        ("SBQQ__StartDate__c", "2026-02-01"),
        ("SBQQ__Quantity__c", quantity),
    ];
    world.put("SBQQ__Subscription__c", number, &values);
}

#[test]
fn the_quantity_of_a_cpq_subscription_counts_where_a_fee_asks_for_it_and_is_never_dropped() {
    let world = world(CPQ);
    world.put("Product2", 1, &[("Name", "Flat"), ("ProductCode", "flat")]);
    world.put("Product2", 2, &[("Name", "Seats"), ("ProductCode", "seats")]);
    subscribed(&world, 1, 1, "1");
    subscribed(&world, 2, 2, "7");
    subscribed(&world, 3, 1, "5");
    world.read();
    world.at(MARCH + 2 * DAY);
    world.read();
    let closed = close_month(&world, CPQ, "2026-02");
    assert_eq!(invoice(&world, &closed, 1).total, "500.00");
    // 500.00 and 7 × 10.00.
    assert_eq!(invoice(&world, &closed, 2).total, "570.00");
    let [unbillable] = &closed.unbillable[..] else { panic!("{:?}", closed.unbillable) };
    let words = "says 5 of `quantity`, and no fee of the plan `flat` is charged for each of them";
    assert!(unbillable.account == account(3) && unbillable.reason.contains(words), "{}", unbillable.reason);
}

#[test]
fn a_field_of_what_was_agreed_that_the_organisation_does_not_show_is_named() {
    for field in ["Seats__c", "Platform_Fee__c"] {
        let world = world(CONTRACTS);
        world.peer.change(|org, _| org.object("Contract").hidden.insert(field.to_owned()));
        let (reason, passes) = world.refused();
        assert!(reason.contains(&format!("Contract.{field}")) && !passes, "{reason}");
    }
}

#[test]
fn what_no_plan_has_is_misspelt_and_said_with_its_place() {
    let org = Org::new(7);
    for (good, bad, words) in [
        ("recurring.platform-fee.amount:", "recurring.platfrom-fee.amount:", "no plan has a number at"),
        ("{quantity: Seats__c}", "{quantities: Seats__c}", "no plan has a fee per `quantities`"),
    ] {
        let text = text(&CONTRACTS.replace(good, bad), &org);
        let problems = catalog::load([("a.yaml".to_owned(), text)]).unwrap_err().to_string();
        assert!(problems.contains(words) && problems.contains("did you mean"), "{problems}");
    }
}

#[test]
fn an_account_is_taxed_as_its_record_says() {
    let world = world(TAXED);
    world.put("Account", 1, &[("Tax_Jurisdiction__c", "DE")]);
    world.put("Account", 2, &[("Tax_Jurisdiction__c", "DE"), ("VAT_ID__c", "FR12345678901")]);
    let exempt =
        [("Tax_Jurisdiction__c", "DE"), ("Exemption_Certificate__c", "2026/77"), ("Exemption_Reason__c", "A charity")];
    world.put("Account", 3, &exempt);
    world.put("Account", 4, &[("Name", "Says nothing")]);
    world.put("Account", 5, &[("Name", "Elsewhere"), ("Tax_Jurisdiction__c", "FR")]);
    (1..=5).for_each(|number| contract(&world, number, "flat", &[]));
    world.read();
    world.at(MARCH + 2 * DAY);
    world.read();
    let closed = close_month(&world, TAXED, "2026-02");
    // 500.00 at 19 %, at nothing because the customer owes it, at nothing because of a certificate.
    for (number, code, tax, total) in
        [(1, TaxCode::S, "95.00", "595.00"), (2, TaxCode::Ae, "0.00", "500.00"), (3, TaxCode::E, "0.00", "500.00")]
    {
        let invoice = invoice(&world, &closed, number);
        let taxes = invoice.taxes.as_ref().unwrap();
        assert_eq!((taxes.rows[0].code, &*taxes.net, &*taxes.tax, &*invoice.total), (code, "500.00", tax, total));
    }
    let reverse = invoice_of(&closed, 2);
    assert_eq!(reverse.customer.ids, [("VAT ID".to_owned(), "FR12345678901".to_owned())]);
    assert_eq!(reverse.taxes.as_ref().unwrap().rows[0].note.as_deref(), Some("Reverse charge"));
    let note = invoice_of(&closed, 3).taxes.as_ref().unwrap().rows[0].note.clone().unwrap();
    assert!(note.contains("A charity"), "{note}");
    let told: Vec<_> = closed.unbillable.iter().map(|one| (one.account.clone(), one.reason.clone())).collect();
    assert_eq!(told.iter().map(|(account, _)| account.clone()).collect::<Vec<_>>(), [4, 5].map(account));
    assert!(told[0].1.contains("`tax-jurisdiction`") && told[1].1.contains("FR"), "{told:?}");
}

fn invoice_of(closed: &Closed, number: u64) -> &Invoice {
    let Some(Outcome::Issued(invoice, _)) = closed.accounts.get(&account(number)) else { panic!("{closed:?}") };
    invoice
}
