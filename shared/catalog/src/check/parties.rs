//! The seller and the customers: currencies, zones, and days that make sense.

use std::collections::BTreeMap;

use chrono_tz::{TZ_VARIANTS, Tz};
use metering::period::start_of_day;
use pricing::{Currency, MoneyError};

use super::Findings;
use crate::load::{Entry, Place, Sections};
use crate::near;
use crate::party::{Billing, Customer, Deployment, Seller, Subscription, Term};
use crate::spec::{CustomerSpec, Day, SellerSpec};

/// The seller; none if it is missing or unsound.
pub(super) fn seller(sections: &Sections, findings: &mut Findings) -> Option<Seller> {
    let Entry { spec, place } = sections.seller.first()?;
    let zone = zone(place, &spec.zone, findings);
    let currency = currency(place, &spec.currency, findings);
    let SellerSpec { name, address, ids, terms_days, number, payment, notes, .. } = spec;
    Some(Seller {
        name: name.clone(),
        address: address.clone(),
        ids: ids.clone(),
        currency: currency?,
        zone: zone?,
        terms_days: *terms_days,
        number: number.clone(),
        payment: payment.clone(),
        notes: notes.clone(),
    })
}

/// The billing rules, the defaults if none are written.
pub(super) fn billing(sections: &Sections) -> Billing {
    sections.billing.first().map_or_else(Billing::default, |entry| Billing { grace_hours: entry.spec.grace_hours })
}

/// The customers whose entries are sound, by id. What they do not say is the seller's.
pub(super) fn customers(
    sections: &Sections,
    seller: Option<&Seller>,
    findings: &mut Findings,
) -> BTreeMap<String, (Customer, Place)> {
    let mut customers = BTreeMap::new();
    for entry in &sections.customers {
        if let Some(customer) = customer(entry, seller, findings) {
            customers.entry(customer.id.clone()).or_insert_with(|| (customer, entry.place.clone()));
        }
    }
    customers
}

fn customer(entry: &Entry<CustomerSpec>, seller: Option<&Seller>, findings: &mut Findings) -> Option<Customer> {
    let Entry { spec, place } = entry;
    if spec.id.is_empty() {
        findings.error(place, "id", "a customer's id must not be empty".to_owned(), None);
    }
    let zone = match &spec.zone {
        Some(name) => zone(place, name, findings),
        None => seller.map(|seller| seller.zone),
    };
    let currency = match &spec.currency {
        Some(code) => currency(place, code, findings),
        None => seller.map(|seller| seller.currency),
    };
    let terms = Terms { place, zone, findings };
    let (deployments, subscriptions) = terms.of(spec)?;
    Some(Customer {
        id: spec.id.clone(),
        name: spec.name.clone(),
        address: spec.address.clone(),
        ids: spec.ids.clone(),
        zone: zone?,
        currency: currency?,
        attributes: spec.attributes.clone(),
        deployments,
        subscriptions,
    })
}

/// Reads a customer's days; one that makes no sense is reported and makes the customer unsound.
struct Terms<'a> {
    place: &'a Place,
    zone: Option<Tz>,
    findings: &'a mut Findings,
}

impl Terms<'_> {
    fn of(mut self, spec: &CustomerSpec) -> Option<(Vec<Deployment>, Vec<Subscription>)> {
        let mut deployments = Vec::new();
        for (index, written) in spec.deployments.iter().enumerate() {
            let path = format!("deployments[{index}]");
            if written.id.is_empty() {
                let message = "a deployment's id must not be empty".to_owned();
                self.findings.error(self.place, &format!("{path}.id"), message, None);
            }
            if let Some(term) = self.term(&path, written.from, written.until) {
                deployments.push(Deployment { id: written.id.clone(), term });
            }
        }
        let mut subscriptions = Vec::new();
        for (index, written) in spec.subscriptions.iter().enumerate() {
            if let Some(term) = self.term(&format!("subscriptions[{index}]"), written.from, written.until) {
                subscriptions.push(Subscription { plan: written.plan.clone(), term });
            }
        }
        let all = deployments.len() == spec.deployments.len() && subscriptions.len() == spec.subscriptions.len();
        all.then_some((deployments, subscriptions))
    }

    fn term(&mut self, path: &str, from: Day, until: Option<Day>) -> Option<Term> {
        let until = until.map(|day| day.0);
        let begins = self.exists(&format!("{path}.from"), from.0);
        let ends = until.is_none_or(|until| self.exists(&format!("{path}.until"), until));
        if let Some(until) = until.filter(|until| *until <= from.0) {
            let relation = if until == from.0 { "the same day as" } else { "before" };
            let message = format!("`until: {until}` is {relation} `from: {}`", from.0);
            let hint = "`until` is the first day that no longer counts".to_owned();
            self.findings.error(self.place, &format!("{path}.until"), message, Some(hint));
            return None;
        }
        (begins && ends).then_some(Term { from: from.0, until })
    }

    /// Whether the day begins at an instant we can count with.
    fn exists(&mut self, path: &str, date: chrono::NaiveDate) -> bool {
        let begins = self.zone.is_none_or(|zone| start_of_day(zone, date).is_ok());
        if !begins {
            let message = format!("{date} lies beyond the calendar");
            self.findings.error(self.place, path, message, None);
        }
        begins
    }
}

fn zone(place: &Place, name: &str, findings: &mut Findings) -> Option<Tz> {
    let zone = name.parse().ok();
    if zone.is_none() {
        let message = format!("there is no time zone `{name}`");
        let names: Vec<&str> = TZ_VARIANTS.iter().map(|zone| zone.name()).collect();
        let hint = match near_zone(name, &names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write a name of the IANA time zone database, such as `Europe/Berlin`".to_owned(),
        };
        findings.error(place, "zone", message, Some(hint));
    }
    zone
}

/// A zone spelt almost so, or one whose city was named without its continent.
fn near_zone<'a>(name: &str, names: &[&'a str]) -> Option<&'a str> {
    let city = |zone: &str| zone.rsplit('/').next().unwrap_or_default().to_lowercase();
    let wanted = city(name).replace(' ', "_");
    near::nearest(name, names).or_else(|| names.iter().find(|zone| city(zone) == wanted).copied())
}

fn currency(place: &Place, code: &str, findings: &mut Findings) -> Option<Currency> {
    match Currency::parse(code) {
        Ok(currency) => Some(currency),
        Err(error) => {
            let hint = match &error {
                MoneyError::UnknownCurrency { near: Some(near), .. } => format!("did you mean `{near}`?"),
                _ => "write the three letters of ISO 4217, such as `USD` or `EUR`".to_owned(),
            };
            findings.error(place, "currency", format!("there is no currency `{code}`"), Some(hint));
            None
        }
    }
}
