//! Every example of the page about Salesforce is a catalogue that can be used.

use std::path::Path;

use crate::world::CATALOGUE;

#[test]
fn every_example_of_the_page_is_right() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/salesforce.md");
    let page = std::fs::read_to_string(page).unwrap();
    let examples: Vec<&str> = page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(examples.len(), 3);
    for example in examples {
        // With a plan that the example's numbers are of.
        let team = "plans: [{name: team, title: Team, currency: USD, recurring: [{title: Seats, amount: 10.00, per: seats}]}, ";
        let text = format!("{}{example}", CATALOGUE.replace("plans: [", team));
        let checked = catalog::load([("page.yaml".to_owned(), text)]).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(checked.catalogue.salesforce["crm"].organisation.as_str(), "00Dxx0000001gPLEAY");
    }
}

#[test]
fn the_example_of_the_first_page_is_right() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let page = std::fs::read_to_string(page).unwrap();
    let example = page.split("   ```yaml\n   salesforce:\n").nth(1).unwrap().split("   ```").next().unwrap();
    let text = format!("{CATALOGUE}salesforce:\n{}", example.replace("\n   ", "\n").trim_start_matches("   "));
    let checked = catalog::load([("page.yaml".to_owned(), text)]).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(checked.catalogue.salesforce["crm"].host, "https://acme.my.salesforce.com");
}

#[test]
fn what_is_wrong_with_an_organisation_is_said_with_its_place() {
    let right = "salesforce:
  - name: crm
    host: https://acme.my.salesforce.com
    organisation: 00Dxx0000001gPLEAY
    preset: account-asset
    plan: standard
    accounts: {attributes: {tier: Tier__c}}
";
    for (good, bad, words) in [
        ("acme.my.salesforce.com", "login.salesforce.com", "My Domain"),
        ("00Dxx0000001gPLEAY", "00dxx0000001gpleay", "no organisation's id"),
        ("plan: standard", "plan: standart", "did you mean `standard`?"),
        ("Tier__c", "'Tier__c FROM User'", "`Tier__c FROM User` cannot be"),
        ("    preset: account-asset\n", "", "nothing says which records are deployments"),
    ] {
        let text = format!("{CATALOGUE}{}", right.replace(good, bad));
        let problems = catalog::load([("a.yaml".to_owned(), text)]).unwrap_err().to_string();
        assert!(problems.contains(words) && problems.contains("a.yaml:"), "{words}: {problems}");
    }
}
