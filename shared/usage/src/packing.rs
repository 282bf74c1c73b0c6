//! What a source says of the packing of its objects, compiled. All of it is optional: what the
//! first bytes say needs no declaration.

use encoding_rs::Encoding;

use crate::lex::Segment;
use crate::pattern::{KeyPattern, Tags};

/// What is declared of the packing.
#[derive(Debug, Default)]
pub(crate) struct Packing {
    /// How text without a byte order mark is encoded; UTF-8 where nothing is said.
    pub(crate) encoding: Option<&'static Encoding>,
    pub(crate) envelope: Option<Envelope>,
    /// Which files of a bundle are read; all, where there are none.
    pub(crate) members: Vec<MemberChoice>,
    pub(crate) manifest: Option<Manifest>,
}

/// A way through a JSON value, with `*` for every part.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub(crate) written: String,
    pub(crate) steps: Vec<Segment>,
}

/// What is wrapped around the text of an object.
#[derive(Clone, Debug)]
pub(crate) enum Envelope {
    /// All of it is base64.
    Base64,
    /// JSON values that hold it in a field.
    Json { field: Way, base64: bool },
}

/// Files of a bundle.
#[derive(Clone, Debug)]
pub(crate) struct MemberChoice {
    pub(crate) files: FilePattern,
    /// Whether a bundle without such a file is fine.
    pub(crate) optional: bool,
}

/// A pattern for the names of files in a bundle.
#[derive(Clone, Debug)]
pub(crate) struct FilePattern {
    pub(crate) written: String,
    pub(crate) pattern: KeyPattern,
}

/// The file of a bundle that says what is in it.
#[derive(Clone, Debug)]
pub(crate) struct Manifest {
    pub(crate) file: FilePattern,
    pub(crate) lists: Listing,
    /// What it says besides, by the names of the tags.
    pub(crate) tags: Vec<(String, Way)>,
}

/// Where a manifest names the files.
#[derive(Clone, Debug)]
pub(crate) enum Listing {
    /// Nowhere.
    None,
    /// In a list of JSON.
    Json(Way),
    /// One a line, with or without a checksum before it.
    Lines,
}

impl FilePattern {
    /// What the name says, if the pattern matches it: its last segment, where the pattern has no
    /// `/`, else all of it.
    pub(crate) fn matches(&self, name: &str) -> Option<Tags> {
        let is_whole = self.written.contains('/') || self.written.contains("**");
        let shown = if is_whole { name } else { name.rsplit('/').next().unwrap_or(name) };
        self.pattern.matches(shown)
    }
}
