//! The seller and the customers: currencies, zones, and days that make sense.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use chrono_tz::{TZ_VARIANTS, Tz};
use metering::period::start_of_day;
use pricing::{Currency, MoneyError, Term};

use super::Findings;
use crate::load::{Entry, Place, Sections};
use crate::near;
use crate::party::{Billing, Customer, Deployment, Seller};
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

/// A customer of which all but the subscriptions has been checked.
pub(super) struct Draft<'a> {
    /// Without subscriptions.
    pub(super) customer: Customer,
    /// The days of each subscription, as many as are written.
    pub(super) terms: Vec<Term>,
    pub(super) spec: &'a CustomerSpec,
    pub(super) place: &'a Place,
}

/// The customers whose entries are sound so far, by id. What they do not say is the seller's.
pub(super) fn drafts<'a>(
    sections: &'a Sections,
    seller: Option<&Seller>,
    findings: &mut Findings,
) -> BTreeMap<&'a str, Draft<'a>> {
    let mut drafts = BTreeMap::new();
    for entry in &sections.customers {
        if let Some(draft) = draft(entry, seller, findings) {
            drafts.entry(entry.spec.id.as_str()).or_insert(draft);
        }
    }
    drafts
}

fn draft<'a>(
    Entry { spec, place }: &'a Entry<CustomerSpec>,
    seller: Option<&Seller>,
    findings: &mut Findings,
) -> Option<Draft<'a>> {
    let zone = match &spec.zone {
        Some(name) => zone(place, name, findings),
        None => seller.map(|seller| seller.zone),
    };
    let currency = match &spec.currency {
        Some(code) => currency(place, code, findings),
        None => seller.map(|seller| seller.currency),
    };
    let mut calendar = Calendar { place, zone, findings };
    let deployments = calendar.deployments(spec);
    let terms = calendar.subscriptions(spec);
    let customer = Customer {
        id: spec.id.clone(),
        name: spec.name.clone(),
        address: spec.address.clone(),
        ids: spec.ids.clone(),
        zone: zone?,
        currency: currency?,
        attributes: spec.attributes.clone(),
        deployments: deployments?,
        subscriptions: Vec::new(),
        credits: Vec::new(),
        tax: None,
    };
    Some(Draft { customer, terms: terms?, spec, place })
}

/// Reads a customer's days.
struct Calendar<'a> {
    place: &'a Place,
    zone: Option<Tz>,
    findings: &'a mut Findings,
}

impl Calendar<'_> {
    /// All deployments, none if any makes no sense.
    fn deployments(&mut self, spec: &CustomerSpec) -> Option<Vec<Deployment>> {
        let mut sound = Vec::new();
        for (index, written) in spec.deployments.iter().enumerate() {
            let path = format!("deployments[{index}]");
            let named = !written.id.is_empty();
            if !named {
                let message = "a deployment's id must not be empty".to_owned();
                self.findings.error(self.place, &format!("{path}.id"), message, None);
            }
            let term = self.term(&path, written.from, written.until).filter(|_| named);
            sound.extend(term.map(|term| Deployment { id: written.id.clone(), term }));
        }
        (sound.len() == spec.deployments.len()).then_some(sound)
    }

    /// The days of all subscriptions, none if any makes no sense.
    fn subscriptions(&mut self, spec: &CustomerSpec) -> Option<Vec<Term>> {
        let mut sound = Vec::new();
        for (index, written) in spec.subscriptions.iter().enumerate() {
            sound.extend(self.term(&format!("subscriptions[{index}]"), written.from, written.until));
        }
        (sound.len() == spec.subscriptions.len()).then_some(sound)
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
    fn exists(&mut self, path: &str, date: NaiveDate) -> bool {
        let begins = self.zone.is_none_or(|zone| start_of_day(zone, date).is_ok());
        if !begins {
            self.findings.error(self.place, path, format!("{date} lies beyond the calendar"), None);
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
