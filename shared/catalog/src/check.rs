//! What must hold between the entries of a catalogue.
//!
//! Each check looks at the entries that could be read and reports all it finds; none stops at the first.

mod names;
mod ownership;
mod parties;

use std::sync::Arc;

use miette::NamedSource;

use crate::load::Place;
use crate::problem::Problem;

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
        let text = Arc::new(NamedSource::new("catalogue", String::new()));
        self.problems.push(Problem::error(&text, 0..0, String::new(), message, hint));
    }
}
