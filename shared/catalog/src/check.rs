//! What must hold between the entries of a catalogue.
//!
//! Each check looks at the entries that could be read and reports all it finds; none stops at the first.

mod coupons;
mod examples;
mod holding;
mod meant;
mod names;
mod numbers;
mod ownership;
mod parties;
mod prices;
mod rules;
mod salesforce;
mod sources;
mod streams;
pub(crate) mod taxes;
mod unused;
mod versions;

use std::sync::Arc;

use crate::Readings;
use crate::catalogue::Catalogue;
use crate::hash;
use crate::life::{Shelf, Version};
use crate::load::{Place, Sections};
use crate::numbers::renumbered;
use crate::problem::{File, Problem};
use crate::supposed::Supposing;

/// The problems found so far.
#[derive(Default)]
struct Findings {
    problems: Vec<Problem>,
    /// Examples that come out otherwise than they say.
    unlike: Vec<Problem>,
}

impl Findings {
    fn error(&mut self, place: &Place, field: &str, message: String, hint: Option<String>) {
        self.problems.push(place.error(field, message, hint));
    }

    fn warning(&mut self, place: &Place, field: &str, message: String, hint: Option<String>) {
        self.problems.push(place.error(field, message, hint).warning());
    }

    /// An error of the catalogue as a whole.
    fn nowhere(&mut self, message: String, hint: Option<String>) {
        let text = File::new("catalogue".to_owned(), String::new());
        self.problems.push(Problem::error(&text, 0..0, String::new(), message, hint));
    }
}

/// The sound streams and sources, and what is wrong with the others.
pub(crate) fn readings(sections: &Sections) -> (Readings, Vec<Problem>) {
    let mut findings = Findings::default();
    let streams = streams::check(sections, &mut findings);
    let sources = sources::check(sections, &streams, &mut findings);
    (Readings { streams, sources }, findings.problems)
}

/// What checking a catalogue comes to.
pub(crate) struct Found {
    pub(crate) catalogue: Option<Catalogue>,
    pub(crate) problems: Vec<Problem>,
    /// Examples that come out otherwise than they say.
    pub(crate) unlike: Vec<Problem>,
}

/// Checks what was read; the catalogue holds what is sound, and is the whole one if no problem is an error.
pub(crate) fn check(sections: &Sections) -> Found {
    let mut findings = Findings::default();
    names::presence(sections, &mut findings);
    names::check(sections, &mut findings);
    unused::check(sections, &mut findings);
    let seller = parties::seller(sections, &mut findings);
    let drafts = parties::drafts(sections, seller.as_ref(), &mut findings);
    ownership::check(&drafts, &mut findings);
    meant::gaps(&drafts, &mut findings);
    meant::fed(sections, &unused::fed(sections), &mut findings);
    let streams = streams::check(sections, &mut findings);
    let sources = sources::check(sections, &streams, &mut findings);
    let components = prices::components(sections, &streams, &mut findings);
    let versions = versions::check(sections, &components, &streams, &mut findings);
    let latest = |versions: &Vec<Version>| versions.last().and_then(|version| version.plans.first().map(Arc::clone));
    let plans = versions.iter().filter_map(|(name, all)| Some((name.clone(), latest(all)?))).collect();
    let coupons = coupons::check(sections, &mut findings);
    rules::check(sections, &streams, &mut findings);
    meant::dimensions(sections, &streams, &mut findings);
    let zone = seller.as_ref().map(|seller| seller.zone);
    let salesforce = salesforce::check(sections, zone, &versions, &mut findings);
    let shelf = Shelf {
        versions: &versions,
        components: &components,
        streams: &streams,
        coupons: &coupons,
        renumber: &|version, plan, numbers| renumbered(version, plan, numbers, &components, &streams),
        shown: None,
    };
    let mut customers = holding::customers(drafts, sections, shelf, &mut findings);
    let taxes = taxes::check(sections, &mut customers, &mut findings);
    if let Some(seller) = &seller {
        examples::check(sections, &Supposing { shelf, seller, taxes: &taxes }, &mut findings);
    }
    let catalogue = seller.map(|seller| Catalogue {
        hash: hash::of_entries(sections.entries()),
        seller,
        billing: parties::billing(sections),
        taxes,
        streams,
        sources,
        components,
        plans,
        versions,
        coupons,
        salesforce,
        customers,
    });
    Found { catalogue, problems: findings.problems, unlike: findings.unlike }
}
