//! Bundles: which of their members are read.

use super::Member;
use super::layer::{Layer, Way, Within};
use super::magic::BundleKind;
use super::manifest::Contents;
use super::tar::Tar;
use super::zip::Zip;
use crate::error::{Unreadable, listed};
use crate::packing::Packing;
use crate::pattern::Tags;

/// The longest name of a member, in bytes.
pub(super) const MAX_NAME: usize = 1024;

/// Takes a bundle apart, pushed in pieces of any size.
pub(super) trait Archive: Send {
    /// Takes the next bytes.
    fn push(&mut self, bytes: &[u8], members: &mut dyn Members) -> Result<(), Unreadable>;
    /// The bundle ends here.
    fn finish(&self) -> Result<(), Unreadable>;
}

/// Takes what a bundle holds.
pub(super) trait Members {
    /// A file begins; whether what it holds is wanted.
    fn begin(&mut self, name: &str) -> Result<bool, Unreadable>;
    /// The next bytes of the file; those of one that is not wanted only count.
    fn data(&mut self, bytes: &[u8]) -> Result<(), Unreadable>;
    /// The wanted file ends, and is whole.
    fn end(&mut self) -> Result<(), Unreadable>;
}

/// A bundle that is being read.
pub(super) struct Bundle {
    archive: Box<dyn Archive>,
    choice: Choice,
}

/// What has been chosen so far.
struct Choice {
    open: Option<Open>,
    within: Within,
    /// The names of all files so far.
    names: Vec<String>,
    /// Which entries of `members` have chosen a file.
    chosen: Vec<bool>,
}

/// The file that is being read.
struct Open {
    name: String,
    content: Content,
}

enum Content {
    Usage(Layer),
    Manifest(Vec<u8>),
}

impl Bundle {
    /// A bundle whose members lie `within`.
    pub(super) fn new(kind: BundleKind, within: Within) -> Self {
        let archive: Box<dyn Archive> = match kind {
            BundleKind::Zip => Box::new(Zip::default()),
            BundleKind::Tar => Box::new(Tar::default()),
        };
        Self { archive, choice: Choice { open: None, within, names: Vec::new(), chosen: Vec::new() } }
    }

    pub(super) fn push(&mut self, bytes: &[u8], way: &mut Way<'_>) -> Result<(), Unreadable> {
        let outcome = self.archive.push(bytes, &mut Reading { choice: &mut self.choice, way });
        outcome.map_err(|error| self.choice.name(error))
    }

    pub(super) fn finish(&mut self, way: &mut Way<'_>) -> Result<(), Unreadable> {
        self.archive.finish().map_err(|error| self.choice.name(error))?;
        match (&way.packing.manifest, &way.lookup.found) {
            (Some(manifest), None) => {
                let missing = format!("the bundle lacks its manifest `{}`", manifest.file.written);
                return Err(self.choice.lacks(&missing));
            }
            _ if way.lookup.is_first => return Ok(()),
            (_, Some(contents)) => contents.check(&self.choice.names)?,
            (None, None) => {}
        }
        self.choice.check(way.packing)
    }
}

impl Choice {
    /// Says in which member an error was found.
    fn name(&self, error: Unreadable) -> Unreadable {
        match &self.open {
            Some(Open { name, .. }) => Unreadable::new(format!("the bundle's file `{name}`: {}", error.reason)),
            None => error,
        }
    }

    fn lacks(&self, what: &str) -> Unreadable {
        match listed(self.names.iter().map(String::as_str)) {
            Some(names) => Unreadable::new(format!("{what}; it holds {names}")),
            None => Unreadable::new(format!("{what}; it holds no file at all")),
        }
    }

    /// Every entry of `members` must have chosen a file: what was renamed must not look like no usage.
    fn check(&self, packing: &Packing) -> Result<(), Unreadable> {
        let is_chosen = |i: usize| self.chosen.get(i).copied().unwrap_or(false);
        if packing.members.is_empty() && !is_chosen(0) {
            return Err(self.lacks("the bundle holds no file that could be read"));
        }
        match packing.members.iter().enumerate().find(|(i, member)| !member.optional && !is_chosen(*i)) {
            Some((_, member)) => {
                Err(self
                    .lacks(&format!("no file of the bundle is called `{}`, as `members` says", member.files.written)))
            }
            None => Ok(()),
        }
    }

    /// Which entry of `members` the file belongs to, and what its name says.
    fn choose(&mut self, name: &str, packing: &Packing) -> Option<(usize, Tags)> {
        let mut entries = packing.members.iter().enumerate();
        let (choice, tags) = match packing.members.is_empty() {
            true => (0, Tags::new()),
            false => entries.find_map(|(i, member)| Some((i, member.files.matches(name)?)))?,
        };
        self.chosen.resize(self.chosen.len().max(choice + 1), false);
        if let Some(chosen) = self.chosen.get_mut(choice) {
            *chosen = true;
        }
        Some((choice, tags))
    }

    fn count(&mut self, name: &str, way: &mut Way<'_>) -> Result<(), Unreadable> {
        way.spent.members += 1;
        if way.spent.members > way.spent.limits.members {
            return Err(Unreadable::new(format!(
                "the bundle holds more than {} files, which is as many as are read from one object; split it",
                way.spent.limits.members
            )));
        }
        self.names.push(name.to_owned());
        Ok(())
    }
}

/// A bundle's choice on its way down.
struct Reading<'r, 'w> {
    choice: &'r mut Choice,
    way: &'r mut Way<'w>,
}

impl Members for Reading<'_, '_> {
    fn begin(&mut self, name: &str) -> Result<bool, Unreadable> {
        let name = name.trim_start_matches("./");
        if is_debris(name) {
            return Ok(false);
        }
        self.choice.count(name, self.way)?;
        let manifest = self.way.packing.manifest.as_ref();
        if manifest.is_some_and(|manifest| manifest.file.matches(name).is_some()) {
            if self.way.lookup.found.is_none() {
                self.choice.open = Some(Open { name: name.to_owned(), content: Content::Manifest(Vec::new()) });
            }
            return Ok(self.way.lookup.found.is_none());
        }
        if self.way.lookup.is_first {
            return Ok(false);
        }
        let Some((choice, mut tags)) = self.choice.choose(name, self.way.packing) else { return Ok(false) };
        if let Some(contents) = &self.way.lookup.found {
            tags.extend(contents.tags.clone());
        }
        let content = Content::Usage(Layer::new(self.choice.within));
        self.choice.open = Some(Open { name: name.to_owned(), content });
        self.way.sink.begin(Member { name, chosen: Some((choice, tags)) })?;
        Ok(true)
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Unreadable> {
        self.way.spent.give(bytes)?;
        match self.choice.open.as_mut().map(|open| &mut open.content) {
            Some(Content::Usage(layer)) => layer.push(bytes, self.way),
            Some(Content::Manifest(held)) => {
                held.extend_from_slice(bytes);
                let limit = self.way.spent.limits.manifest_bytes;
                if held.len() <= limit {
                    Ok(())
                } else {
                    Err(Unreadable::new(format!("it is longer than {limit} bytes")))
                }
            }
            None => Ok(()),
        }
    }

    fn end(&mut self) -> Result<(), Unreadable> {
        match (self.choice.open.as_mut(), &self.way.packing.manifest) {
            (Some(Open { content: Content::Usage(layer), .. }), _) => {
                layer.finish(self.way)?;
                self.way.sink.end()?;
            }
            (Some(Open { content: Content::Manifest(held), name }), Some(manifest)) => {
                self.way.lookup.found = Some(Contents::read(manifest, name, held)?);
            }
            _ => {}
        }
        self.choice.open = None;
        Ok(())
    }
}

/// What programs leave in bundles that nobody meant to put there: the resource forks of macOS and
/// the notes of file managers.
fn is_debris(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or_default();
    name.starts_with("__MACOSX/") || file.starts_with("._") || matches!(file, ".DS_Store" | "Thumbs.db" | "desktop.ini")
}
