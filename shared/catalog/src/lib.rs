//! The catalogue: the configuration that says what is metered, what it costs, and who buys it.
//!
//! Owns the folder of YAML files (`docs/catalogue.md`): reading it without guessing ([`load`]), checking it so that
//! everything wrong is said at once with its place and a hint ([`Problem`]), the checked result ([`Catalogue`]), and
//! the snapshot of who owns which deployment when ([`directory`]). Never touches a file system: texts are passed in.

mod catalogue;
mod check;
pub mod directory;
mod hash;
mod load;
mod near;
mod party;
mod problem;
pub mod salesforce;
mod spec;
mod yaml;

use std::sync::Arc;

pub use catalogue::{Catalogue, TwoSources};
pub use party::{Billing, Customer, Deployment, Seller, Subscription};
pub use problem::{Problem, Problems, Severity};

/// A catalogue that can be used, with what may not have been meant so.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The catalogue.
    pub catalogue: Arc<Catalogue>,
    /// Warnings, ordered by file and place.
    pub warnings: Vec<Problem>,
}

/// Reads and checks the files of a catalogue, given as names (for messages) and texts or bytes, in any order.
///
/// # Errors
/// [`Problems`]: everything that is wrong, warnings included, if anything prevents use.
pub fn load<T: Into<Vec<u8>>>(files: impl IntoIterator<Item = (String, T)>) -> Result<Checked, Problems> {
    let mut files: Vec<(String, Vec<u8>)> = files.into_iter().map(|(name, text)| (name, text.into())).collect();
    files.sort();
    let (sections, mut problems) = load::read(files);
    let (catalogue, found) = check::check(&sections);
    problems.extend(found);
    problem::sort(&mut problems);
    match catalogue {
        Some(catalogue) if problems.iter().all(|problem| problem.severity == Severity::Warning) => {
            Ok(Checked { catalogue: Arc::new(catalogue), warnings: problems })
        }
        _ => Err(Problems(problems)),
    }
}
