//! Taxes: rate tables that make sense, and for each customer where and how it is taxed. Never a guess: where taxes
//! are configured, a customer that says nothing of them is an error.

use std::collections::BTreeMap;
use std::sync::Arc;

use pricing::{ExemptSpec, Jurisdiction, ReverseChargeSpec, TaxError, Taxpayer, TaxpayerSpec, Texts};

use super::Findings;
use super::prices::report;
use crate::load::{Entry, Place, Sections};
use crate::near;
use crate::party::Customer;
use crate::spec::CustomerSpec;

/// The sound jurisdictions by name; gives each customer its taxes.
pub(super) fn check(
    sections: &Sections,
    customers: &mut BTreeMap<String, Customer>,
    findings: &mut Findings,
) -> BTreeMap<String, Arc<Jurisdiction>> {
    let taxes = jurisdictions(sections, findings);
    // A broken jurisdiction is reported once, not again at each customer.
    let all_sound = taxes.len() == sections.places("taxes").len();
    for Entry { spec, place } in &sections.customers {
        let taxpayer = taxpayer(spec, place, &taxes, all_sound, findings);
        let customer = customers.get_mut(&spec.id).filter(|customer| customer.tax.is_none());
        let (Some(taxpayer), Some(customer)) = (taxpayer, customer) else { continue };
        check_categories(customer, &taxpayer, place, findings);
        customer.tax = Some(taxpayer);
    }
    check_seller(sections, customers, findings);
    taxes
}

fn jurisdictions(sections: &Sections, findings: &mut Findings) -> BTreeMap<String, Arc<Jurisdiction>> {
    let mut sound = BTreeMap::new();
    for Entry { spec, place } in &sections.taxes {
        match spec.compile() {
            Ok(one) => drop(sound.entry(one.name.clone()).or_insert_with(|| Arc::new(one))),
            Err(problems) => report(problems, place, "", findings),
        }
    }
    sound
}

fn taxpayer(
    spec: &CustomerSpec,
    place: &Place,
    taxes: &BTreeMap<String, Arc<Jurisdiction>>,
    all_sound: bool,
    findings: &mut Findings,
) -> Option<Taxpayer> {
    let Some(written) = &spec.tax else {
        if !taxes.is_empty() {
            let message = format!("customer `{}` does not say where it is taxed", spec.id);
            let known = taxes.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            let hint = format!("add `tax: {{jurisdiction: …}}`; the jurisdictions are {known}");
            findings.error(place, "", message, Some(hint));
        }
        return None;
    };
    match written.compile(taxes) {
        Ok(taxpayer) => Some(taxpayer),
        Err(problems) => {
            if all_sound {
                report(problems, place, "tax", findings);
            }
            None
        }
    }
}

fn check_categories(customer: &Customer, taxpayer: &Taxpayer, place: &Place, findings: &mut Findings) {
    for (index, held) in customer.subscriptions.iter().enumerate() {
        if let Err(error) = taxpayer.check(&held.plan) {
            let near = match &error {
                TaxError::Category { category, known, .. } => {
                    let known: Vec<&str> = known.iter().map(String::as_str).collect();
                    near::nearest(category, &known).map(|near| format!("did you mean `{near}`?"))
                }
                TaxError::Date { .. } => None,
            };
            let message = format!("plan `{}`: {error}", held.plan.name);
            findings.error(place, &format!("subscriptions[{index}].plan"), message, near);
        }
    }
}

/// An invoice under reverse charge has to name both parties' VAT ids.
fn check_seller(sections: &Sections, customers: &BTreeMap<String, Customer>, findings: &mut Findings) {
    let Some(seller) = sections.seller.first().filter(|seller| seller.spec.ids.is_empty()) else { return };
    let charged = |customer: &&Customer| customer.tax.as_ref().is_some_and(|tax| tax.vat_id().is_some());
    if let Some(customer) = customers.values().find(charged) {
        let message = format!("customer `{}` is under reverse charge, and the seller names no VAT id", customer.id);
        let hint = "add `ids: {VAT ID: …}`: the invoice has to show both".to_owned();
        findings.warning(&seller.place, "", message, Some(hint));
    }
}

/// How an account of a customer directory is taxed, by its attributes `tax-jurisdiction` (several apart by `;`),
/// `tax-exempt-certificate` with `tax-exempt-reason`, `tax-vat-id` for reverse charge, `tax-outside`.
pub(crate) fn of_attributes(
    attributes: &BTreeMap<String, String>,
    taxes: &BTreeMap<String, Arc<Jurisdiction>>,
) -> Result<Option<Taxpayer>, String> {
    if taxes.is_empty() {
        return Ok(None);
    }
    let text = |name: &str| attributes.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    let known = || taxes.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let jurisdiction = text("tax-jurisdiction").ok_or_else(|| {
        format!("it has no attribute `tax-jurisdiction` that says where it is taxed; the jurisdictions are {}", known())
    })?;
    let exempt = text("tax-exempt-certificate").map(|certificate| ExemptSpec {
        certificate: certificate.to_owned(),
        reason: text("tax-exempt-reason").unwrap_or_default().to_owned(),
        from: None,
        until: None,
    });
    let spec = TaxpayerSpec {
        jurisdiction: Texts(jurisdiction.split(';').map(|one| one.trim().to_owned()).collect()),
        exempt,
        reverse_charge: text("tax-vat-id").map(|id| ReverseChargeSpec { vat_id: id.to_owned() }),
        outside: text("tax-outside").map(str::to_owned),
    };
    let told = |problems: Vec<pricing::SpecError>| {
        problems.iter().map(|problem| format!("its tax: {}", problem.message)).collect::<Vec<_>>().join("; ")
    };
    spec.compile(taxes).map(Some).map_err(told)
}
