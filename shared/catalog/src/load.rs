//! From the texts of the files to sections of typed entries.
//!
//! Every entry is read on its own, so that a broken one hides no other. Nothing is looked up here.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use metering::stream::Stream;
use pricing::{ComponentSpec, CouponSpec, JurisdictionSpec, PlanSpec};
use serde::de::DeserializeOwned;
use usage::SourceSpec;

use crate::near;
use crate::problem::{File, Problem, Text};
use crate::salesforce::OrganisationSpec;
use crate::spec::{BillingSpec, CustomerSpec, SellerSpec};
use crate::yaml::{self, Node, Value};

/// A value as it was written, with its place.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) text: Text,
    /// The path of the entry within its file: `streams[2]`.
    pub(crate) path: String,
    pub(crate) node: Rc<Node>,
}

impl Place {
    /// An error at the field `field` (as in `usage[1].stream`) of this entry, or as near to it as was written.
    pub(crate) fn error(&self, field: &str, message: String, hint: Option<String>) -> Problem {
        let span = self.node.place(field);
        Problem::error(&self.text, span.start..span.end, yaml::field(&self.path, field), message, hint)
    }

    /// The file and line of this entry, to name it in another one's problem.
    pub(crate) fn origin(&self) -> String {
        let problem = self.error("", String::new(), None);
        format!("{}:{}", problem.file, problem.line)
    }
}

/// An entry that could be read.
#[derive(Debug)]
pub(crate) struct Entry<T> {
    pub(crate) spec: T,
    pub(crate) place: Place,
}

/// All that was written, section by section.
#[derive(Debug, Default)]
pub(crate) struct Sections {
    pub(crate) seller: Vec<Entry<SellerSpec>>,
    pub(crate) billing: Vec<Entry<BillingSpec>>,
    pub(crate) streams: Vec<Entry<Stream>>,
    pub(crate) sources: Vec<Entry<SourceSpec>>,
    pub(crate) components: Vec<Entry<ComponentSpec>>,
    pub(crate) plans: Vec<Entry<PlanSpec>>,
    pub(crate) taxes: Vec<Entry<JurisdictionSpec>>,
    pub(crate) coupons: Vec<Entry<CouponSpec>>,
    pub(crate) customers: Vec<Entry<CustomerSpec>>,
    pub(crate) salesforce: Vec<Entry<OrganisationSpec>>,
    /// Every entry, readable or not, by section and in the order written.
    pub(crate) places: BTreeMap<&'static str, Vec<Place>>,
}

/// The sections of a catalogue, in the order in which they are best written.
pub(crate) const SECTIONS: [&str; 10] =
    ["seller", "billing", "taxes", "streams", "sources", "components", "plans", "coupons", "customers", "salesforce"];

impl Sections {
    /// The names that the entries of `section` go by, readable or not.
    pub(crate) fn names(&self, section: &str) -> Vec<&str> {
        self.places(section).iter().filter_map(|place| name(section, place)).collect()
    }

    /// Every entry with the name of its section.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.places.iter().flat_map(|(section, places)| places.iter().map(|place| (*section, &*place.node)))
    }

    /// All entries of `section`, readable or not.
    pub(crate) fn places(&self, section: &str) -> &[Place] {
        let found = self.places.iter().find(|(name, _)| **name == section);
        found.map_or(&[], |(_, places)| places.as_slice())
    }
}

/// What the other entries call this one.
pub(crate) fn name<'a>(section: &str, place: &'a Place) -> Option<&'a str> {
    place.node.get(identity(section))?.text()
}

/// The field that holds an entry's name.
pub(crate) fn identity(section: &str) -> &'static str {
    match section {
        "customers" => "id",
        "taxes" => "jurisdiction",
        _ => "name",
    }
}

/// Reads all files; what could not be read is among the problems.
pub(crate) fn read(files: Vec<(String, Vec<u8>)>) -> (Sections, Vec<Problem>) {
    let mut reading = Reading::default();
    for (name, bytes) in files {
        reading.file(name, bytes);
    }
    (reading.sections, reading.problems)
}

#[derive(Default)]
struct Reading {
    sections: Sections,
    problems: Vec<Problem>,
}

impl Reading {
    fn file(&mut self, name: String, bytes: Vec<u8>) {
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => return self.problems.push(not_text(name, &error)),
        };
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        let text = File::new(name, text);
        let (documents, problems) = yaml::parse(&text);
        self.problems.extend(problems);
        for document in documents {
            self.document(&text, &document);
        }
    }

    fn document(&mut self, text: &Text, document: &Rc<Node>) {
        let whole = Place { text: Arc::clone(text), path: String::new(), node: Rc::clone(document) };
        match &document.value {
            Value::Null => {}
            Value::Map(sections) => {
                for (key, node) in sections {
                    match SECTIONS.into_iter().find(|section| *section == key.text) {
                        Some(section) => self.section(text, section, node),
                        None => self.problems.push(unknown_section(text, key)),
                    }
                }
            }
            Value::Scalar(_) | Value::List(_) => {
                let message = "a catalogue file consists of sections".to_owned();
                self.problems.push(whole.error("", message, near::hint("", "sections", SECTIONS)));
            }
        }
    }

    fn section(&mut self, text: &Text, section: &'static str, node: &Rc<Node>) {
        let place = |path: String, node: &Rc<Node>| Place { text: Arc::clone(text), path, node: Rc::clone(node) };
        match &node.value {
            Value::Null => {}
            _ if matches!(section, "seller" | "billing") => self.entry(section, place(section.to_owned(), node)),
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.entry(section, place(yaml::item(section, index), item));
                }
            }
            Value::Scalar(_) | Value::Map(_) => {
                let message = format!("`{section}` must be a list");
                let hint = Some("begin each entry with `- `".to_owned());
                self.problems.push(place(section.to_owned(), node).error("", message, hint));
            }
        }
    }

    fn entry(&mut self, section: &'static str, place: Place) {
        let sections = &mut self.sections;
        sections.places.entry(section).or_default().push(place.clone());
        let outcome = match section {
            "seller" => keep(&mut sections.seller, place),
            "billing" => keep(&mut sections.billing, place),
            "streams" => keep(&mut sections.streams, place),
            "sources" => keep(&mut sections.sources, place),
            "components" => keep(&mut sections.components, place),
            "plans" => keep(&mut sections.plans, place),
            "taxes" => keep(&mut sections.taxes, place),
            "coupons" => keep(&mut sections.coupons, place),
            "salesforce" => keep(&mut sections.salesforce, place),
            _ => keep(&mut sections.customers, place),
        };
        self.problems.extend(outcome);
    }
}

/// Unknown fields that are told of one entry, at most.
const MOST_FAULTS: usize = 100;

/// Reads an entry. What it says besides unknown fields is read and checked all the same, so that everything that is
/// wrong with it is told at once.
fn keep<T: DeserializeOwned>(entries: &mut Vec<Entry<T>>, place: Place) -> Vec<Problem> {
    let (mut problems, mut node) = (Vec::new(), Rc::clone(&place.node));
    let mut misspelt: BTreeSet<String> = BTreeSet::new();
    while problems.len() < MOST_FAULTS {
        let fault = match yaml::decode(&node) {
            Ok(spec) => {
                entries.push(Entry { spec, place });
                break;
            }
            Err(fault) => fault,
        };
        let path = fault.path(&place.path);
        // What is missing is probably what was misspelt.
        if fault.kind == yaml::Kind::Missing && misspelt.contains(&path) {
            break;
        }
        let rest = match fault.kind {
            yaml::Kind::Unknown => yaml::without(&node, &fault.way().collect::<Vec<_>>()),
            yaml::Kind::Missing | yaml::Kind::Other => None,
        };
        misspelt.insert(path.rsplit_once('.').map_or_else(String::new, |(outer, _)| outer.to_owned()));
        problems.push(fault_at(&place, fault));
        match rest {
            Some(rest) => node = rest,
            None => break,
        }
    }
    problems
}

fn fault_at(place: &Place, fault: yaml::Fault) -> Problem {
    let span = fault.span.unwrap_or(place.node.span);
    let path = fault.path(&place.path);
    Problem::error(&place.text, span.start..span.end, path, fault.message, fault.hint)
}

fn unknown_section(text: &Text, key: &yaml::Key) -> Problem {
    let message = format!("there is no section `{}`", key.text);
    let hint = near::hint(&key.text, "sections", SECTIONS);
    Problem::error(text, key.span.start..key.span.end, key.text.clone(), message, hint)
}

fn not_text(name: String, error: &std::string::FromUtf8Error) -> Problem {
    let valid = error.utf8_error().valid_up_to();
    let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
    let text = File::new(name, text);
    let message = format!("this file is not UTF-8: byte {} is no text", valid + 1);
    let hint = Some("save the file as UTF-8".to_owned());
    Problem::error(&text, valid..valid + 1, String::new(), message, hint)
}
