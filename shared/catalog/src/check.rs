//! What must hold between the entries of a catalogue.
//!
//! Each check looks at the entries that could be read and reports all it finds; none stops at the first.

mod names;
mod ownership;
mod parties;
mod prices;
mod salesforce;
mod sources;
mod streams;
pub(crate) mod taxes;
mod unused;

use crate::Readings;
use crate::catalogue::Catalogue;
use crate::hash;
use crate::load::{Place, Sections};
use crate::problem::{File, Problem};

/// The problems found so far.
#[derive(Default)]
struct Findings {
    problems: Vec<Problem>,
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

/// Checks what was read; the catalogue holds what is sound, and is the whole one if no problem is an error.
pub(crate) fn check(sections: &Sections) -> (Option<Catalogue>, Vec<Problem>) {
    let mut findings = Findings::default();
    names::presence(sections, &mut findings);
    names::check(sections, &mut findings);
    unused::check(sections, &mut findings);
    let seller = parties::seller(sections, &mut findings);
    let drafts = parties::drafts(sections, seller.as_ref(), &mut findings);
    ownership::check(&drafts, &mut findings);
    let streams = streams::check(sections, &mut findings);
    let sources = sources::check(sections, &streams, &mut findings);
    let components = prices::components(sections, &streams, &mut findings);
    let plans = prices::plans(sections, &components, &streams, &mut findings);
    let zone = seller.as_ref().map(|seller| seller.zone);
    let salesforce = salesforce::check(sections, zone, &plans, &mut findings);
    let mut customers = prices::customers(drafts, sections, &plans, &mut findings);
    let taxes = taxes::check(sections, &mut customers, &mut findings);
    let catalogue = seller.map(|seller| Catalogue {
        hash: hash::of_entries(sections.entries()),
        seller,
        billing: parties::billing(sections),
        taxes,
        streams,
        sources,
        components,
        plans,
        salesforce,
        customers,
    });
    (catalogue, findings.problems)
}
