//! Every name once, in a form that can stand in keys and paths; one seller; something to bill at all.

use std::collections::BTreeMap;

use super::Findings;
use crate::load::{Place, SECTIONS, Sections, identity, name};

/// Reports names given twice and names that cannot be used.
pub(super) fn check(sections: &Sections, findings: &mut Findings) {
    for section in SECTIONS {
        match section {
            "seller" | "billing" => once(section, sections.places(section), findings),
            _ => unique(section, sections.places(section), findings),
        }
    }
}

/// Reports a catalogue without a seller, or without anything else.
pub(super) fn presence(sections: &Sections, findings: &mut Findings) {
    if sections.places.is_empty() {
        let hint = "write a `seller`, then `streams`, `sources`, `components`, `plans` and `customers`".to_owned();
        findings.nowhere("the catalogue is empty".to_owned(), Some(hint));
    } else if sections.places("seller").is_empty() {
        let hint = "add `seller: {name: …, currency: USD, zone: America/New_York}` to one of the files".to_owned();
        findings.nowhere("the section `seller` is missing".to_owned(), Some(hint));
    }
}

fn once(section: &str, places: &[Place], findings: &mut Findings) {
    let mut places = places.iter();
    let Some(first) = places.next() else { return };
    for place in places {
        let message = format!("the section `{section}` is already given at {}", first.origin());
        findings.error(place, "", message, Some("keep one of them".to_owned()));
    }
}

fn unique(section: &str, places: &[Place], findings: &mut Findings) {
    let mut first: BTreeMap<(&str, Option<&str>), &Place> = BTreeMap::new();
    for place in places {
        let Some(name) = name(section, place) else { continue };
        // A plan has a version for each `from`.
        let version = place.node.get("from").and_then(|node| node.text()).filter(|_| section == "plans");
        let field = identity(section);
        if matches!(section, "customers" | "salesforce") && !usable(name) {
            let message = format!("`{name}` is no usable {field}: use letters, digits, `-`, `_` and `.`");
            findings.error(place, field, message, None);
        }
        match first.get(&(name, version)) {
            Some(earlier) => {
                let message = format!("`{name}` is already in `{section}`, at {}", earlier.origin());
                let hint = match section {
                    "plans" => "give it another name, or another `from` if it is a new version".to_owned(),
                    _ => format!("give it another {field}"),
                };
                findings.error(place, field, message, Some(hint));
            }
            None => {
                first.insert((name, version), place);
            }
        }
    }
}

/// A customer's id stands in keys of tables and in paths of objects. The other names are checked where they are used.
fn usable(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric()) && name.bytes().all(allowed)
}
