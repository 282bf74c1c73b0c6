//! The catalogue: the configuration that says what is metered, what it costs, and who buys it.
//!
//! Owns the folder of YAML files (`docs/catalogue.md`): reading it without guessing ([`load`]), checking it so that
//! everything wrong is said at once with its place and a hint ([`Problem`]), the checked result ([`Catalogue`]), and
//! the snapshot of who owns which deployment when ([`directory`]). Never touches a file system: texts are passed in.

mod catalogue;
mod check;
pub mod directory;
mod hash;
mod life;
mod load;
mod near;
mod numbers;
mod party;
mod problem;
pub mod salesforce;
mod schema;
mod spec;
mod supposed;
mod yaml;

use std::collections::BTreeMap;
use std::sync::Arc;

use metering::stream::Stream;
use usage::Source;

pub use catalogue::{Catalogue, TwoSources};
pub use life::Version;
pub use party::{Billing, Customer, Deployment, Seller, Subscription};
pub use problem::{Problem, Problems, Severity};
pub use schema::schema;
pub use supposed::{Of, Supposed};

/// A catalogue that can be used, with what may not have been meant so.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The catalogue.
    pub catalogue: Arc<Catalogue>,
    /// Warnings, ordered by file and place.
    pub warnings: Vec<Problem>,
    /// Examples that come out otherwise than they say: somebody's idea of the prices is wrong, and nobody can tell
    /// whose. The catalogue reads and counts usage all the same; nothing is to be charged by it.
    pub unlike: Vec<Problem>,
}

/// The part of a catalogue that says how files are read.
#[derive(Debug, Clone, Default)]
pub struct Readings {
    /// The metered quantities, by name.
    pub streams: BTreeMap<String, Stream>,
    /// The kinds of usage files, by name.
    pub sources: BTreeMap<String, Source>,
}

/// Reads the streams and the sources of a catalogue, whatever else is wrong with it or missing.
///
/// # Errors
/// [`Problems`]: everything that is wrong with streams and sources.
pub fn readings<T: Into<Vec<u8>>>(files: impl IntoIterator<Item = (String, T)>) -> Result<Readings, Problems> {
    let mut files: Vec<(String, Vec<u8>)> = files.into_iter().map(|(name, text)| (name, text.into())).collect();
    files.sort();
    let (sections, mut problems) = load::read(files);
    let (readings, found) = check::readings(&sections);
    let concerns = |problem: &Problem| {
        problem.path.is_empty() || ["streams", "sources"].iter().any(|section| problem.path.starts_with(section))
    };
    problems.retain(concerns);
    problems.extend(found);
    problem::sort(&mut problems);
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        return Err(Problems(problems));
    }
    Ok(readings)
}

/// Reads and checks the files of a catalogue, given as names (for messages) and texts or bytes, in any order.
///
/// # Errors
/// [`Problems`]: everything that is wrong, warnings included, if anything prevents use.
pub fn load<T: Into<Vec<u8>>>(files: impl IntoIterator<Item = (String, T)>) -> Result<Checked, Problems> {
    let mut files: Vec<(String, Vec<u8>)> = files.into_iter().map(|(name, text)| (name, text.into())).collect();
    files.sort();
    let (sections, mut problems) = load::read(files);
    let check::Found { catalogue, problems: found, mut unlike } = check::check(&sections);
    problems.extend(found);
    problem::sort(&mut problems);
    problem::sort(&mut unlike);
    match catalogue {
        Some(catalogue) if problems.iter().all(|problem| problem.severity == Severity::Warning) => {
            Ok(Checked { catalogue: Arc::new(catalogue), warnings: problems, unlike })
        }
        _ => {
            problems.extend(unlike);
            problem::sort(&mut problems);
            Err(Problems(problems))
        }
    }
}
