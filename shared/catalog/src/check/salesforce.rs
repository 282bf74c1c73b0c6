//! `salesforce:`: hosts, ids, names of objects and fields, plans. What the organisation has is asked of it later.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;

use super::Findings;
use crate::catalogue::Catalogue;
use crate::life::Version;
use crate::load::{Entry, Place, Sections};
use crate::near;
use crate::numbers;
use crate::salesforce::{Id, Organisation, OrganisationSpec, Preset, Target, is_name};

/// The ends of hosts that Salesforce gives as My Domain.
const HOSTS: [&str; 3] = [".my.salesforce.com", ".my.salesforce.mil", ".my.sfcrmproducts.cn"];

/// What a summary of usage can be written with, and an invoice.
const USAGE_VALUES: [&str; 8] = ["account", "deployment", "stream", "unit", "month", "quantity", "directory", "system"];
const INVOICE_VALUES: [&str; 8] =
    ["account", "number", "month", "period-start", "period-end", "total", "currency", "due"];

/// The sound organisations, by name.
pub(super) fn check(
    sections: &Sections,
    seller_zone: Option<Tz>,
    plans: &BTreeMap<String, Vec<Version>>,
    findings: &mut Findings,
) -> BTreeMap<String, Organisation> {
    let mut sound = BTreeMap::new();
    for Entry { spec, place } in &sections.salesforce {
        let before = findings.problems.len();
        let organisation = organisation(spec, place, seller_zone, findings);
        plan_names(spec, place, sections, plans, findings);
        agreed(spec, place, plans, findings);
        if let Some(organisation) = organisation.filter(|_| findings.problems.len() == before) {
            sound.entry(spec.name.clone()).or_insert(organisation);
        }
    }
    sound
}

fn organisation(
    spec: &OrganisationSpec,
    place: &Place,
    seller_zone: Option<Tz>,
    findings: &mut Findings,
) -> Option<Organisation> {
    host(&spec.host, place, findings);
    let id = Id::parse(&spec.organisation).ok().filter(|id| id.as_str().starts_with("00D"));
    if id.is_none() {
        let message = format!("`{}` is no organisation's id", spec.organisation);
        let hint = "it begins with 00D; Setup shows it under Company Information".to_owned();
        findings.error(place, "organisation", message, Some(hint));
    }
    let zone = zone(spec, place, seller_zone, findings);
    if !(1..=100).contains(&spec.budget_percent) {
        findings.error(place, "budget-percent", "a share is from 1 to 100 percent".to_owned(), None);
    }
    if spec.version.split_once('.').is_none_or(|(major, minor)| major.parse::<u16>().is_err() || minor != "0") {
        findings.error(
            place,
            "version",
            format!("`{}` is no version of the API", spec.version),
            Some("write it as \"67.0\"".to_owned()),
        );
    }
    let deployments = spec.deployments.clone().or_else(|| spec.preset.map(Preset::deployments));
    if deployments.is_none() {
        let hint = "write `preset: account-asset`, or `deployments:` with object, keys and account".to_owned();
        findings.error(place, "", "nothing says which records are deployments".to_owned(), Some(hint));
    }
    let organisation = Organisation {
        name: spec.name.clone(),
        host: spec.host.trim_end_matches('/').to_owned(),
        organisation: id?,
        zone: zone?,
        version: spec.version.clone(),
        budget_percent: spec.budget_percent,
        accounts: spec.accounts.clone().unwrap_or_default(),
        deployments: deployments?,
        subscriptions: spec.subscriptions.clone().or_else(|| spec.preset.and_then(Preset::subscriptions)),
        plan: spec.plan.clone(),
        guards: spec.guards,
        write_back: spec.write_back.clone(),
    };
    names(&organisation, place, findings);
    Some(organisation)
}

fn host(host: &str, place: &Place, findings: &mut Findings) {
    let bare = host.trim_end_matches('/');
    let salesforce = bare.strip_prefix("https://").is_some_and(|name| {
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
        plain && HOSTS.iter().any(|end| name.ends_with(end))
    });
    if !salesforce && !bare.starts_with("http://127.0.0.1:") {
        let hint = "write My Domain, as in https://acme.my.salesforce.com".to_owned();
        findings.error(place, "host", format!("`{host}` is no host of a Salesforce organisation"), Some(hint));
    }
}

fn zone(spec: &OrganisationSpec, place: &Place, seller: Option<Tz>, findings: &mut Findings) -> Option<String> {
    let Some(name) = &spec.zone else { return Some(seller.map_or("UTC", |zone| zone.name()).to_owned()) };
    if name.parse::<Tz>().is_err() {
        findings.error(place, "zone", format!("there is no time zone `{name}`"), None);
        return None;
    }
    Some(name.clone())
}

/// Every object and field could be one.
fn names(organisation: &Organisation, place: &Place, findings: &mut Findings) {
    let Organisation { accounts, deployments, subscriptions, .. } = organisation;
    let mut blocks = vec![
        ("accounts", accounts.object.clone(), accounts.fields()),
        ("deployments", deployments.object.clone(), deployments.fields()),
    ];
    if let Some(subscriptions) = subscriptions {
        blocks.push(("subscriptions", subscriptions.object.clone(), subscriptions.fields()));
    }
    for (block, object, fields) in blocks {
        for name in fields.iter().chain([&object]).filter(|name| !is_name(name)) {
            let hint = "the API names of Setup's Object Manager, as in Account or License_Key__c".to_owned();
            findings.error(place, block, format!("`{name}` cannot be the name of an object or field"), Some(hint));
        }
    }
    if deployments.keys.is_empty() || deployments.keys.len() > 8 {
        findings.error(place, "deployments", "a deployment is found by one to eight `keys`".to_owned(), None);
    }
    let target = |target: &Option<Target>| target.clone();
    if let Some(back) = &organisation.write_back {
        targets(&[(target(&back.usage), &USAGE_VALUES), (target(&back.invoices), &INVOICE_VALUES)], place, findings);
    }
}

fn targets(targets: &[(Option<Target>, &[&str])], place: &Place, findings: &mut Findings) {
    for (target, values) in targets.iter().filter_map(|(target, values)| Some((target.as_ref()?, *values))) {
        for name in target.fields.values().chain([&target.object, &target.key]).filter(|name| !is_name(name)) {
            findings.error(place, "write-back", format!("`{name}` cannot be the name of an object or field"), None);
        }
        for value in target.fields.keys().filter(|value| !values.contains(&value.as_str())) {
            let hint = near::hint(value, "values", values.iter().copied());
            findings.error(place, "write-back", format!("there is no value `{value}` to write"), hint);
        }
    }
}

fn plan_names(
    spec: &OrganisationSpec,
    place: &Place,
    sections: &Sections,
    plans: &BTreeMap<String, Vec<Version>>,
    findings: &mut Findings,
) {
    let declared = sections.names("plans");
    let mapped = spec.subscriptions.iter().flat_map(|subscriptions| subscriptions.plans.values());
    for name in spec.plan.iter().chain(mapped) {
        if !plans.contains_key(name) && !declared.contains(&name.as_str()) {
            let hint = near::hint(name, "plans", declared.iter().copied());
            let field = if spec.plan.as_ref() == Some(name) { "plan" } else { "subscriptions.plans" };
            findings.error(place, field, format!("there is no plan `{name}`"), hint);
        }
    }
}

/// A number that no plan has, or of what no fee is charged for each, is misspelt.
fn agreed(spec: &OrganisationSpec, place: &Place, plans: &BTreeMap<String, Vec<Version>>, findings: &mut Findings) {
    let Some(subscriptions) = &spec.subscriptions else { return };
    let versions = || plans.values().flatten();
    let numbers: BTreeSet<String> = versions().flat_map(numbers::all).collect();
    let fees = versions().flat_map(|version| &version.plans).flat_map(|plan| &plan.fees);
    let counted: BTreeSet<String> = fees.filter_map(|fee| Some(fee.per.as_ref()?.name.to_string())).collect();
    for (field, written, known, what) in [
        ("subscriptions.set", &subscriptions.set, &numbers, "no plan has a number at"),
        ("subscriptions.quantities", &subscriptions.quantities, &counted, "no plan has a fee per"),
    ] {
        for name in written.keys().filter(|name| !known.contains(*name)) {
            let hint = near::hint(name, "names", known.iter().map(String::as_str));
            findings.error(place, field, format!("{what} `{name}`"), hint);
        }
    }
}

impl Catalogue {
    /// Whether customers come from elsewhere as well.
    #[must_use]
    pub fn has_organisations(&self) -> bool {
        !self.salesforce.is_empty()
    }
}
