//! Bundles: which of their members are read.

use super::layer::{Layer, Way};
use super::magic::BundleKind;
use super::tar::Tar;
use super::zip::Zip;
use crate::error::Unreadable;

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
    /// The layer for the member that is open, and its name.
    open: Option<(String, Layer)>,
    depth: usize,
    read: usize,
}

impl Bundle {
    /// A bundle whose members lie `depth` layers deep.
    pub(super) fn new(kind: BundleKind, depth: usize) -> Self {
        let archive: Box<dyn Archive> = match kind {
            BundleKind::Zip => Box::new(Zip::default()),
            BundleKind::Tar => Box::new(Tar::default()),
        };
        Self { archive, choice: Choice { open: None, depth, read: 0 } }
    }

    pub(super) fn push(&mut self, bytes: &[u8], way: &mut Way<'_>) -> Result<(), Unreadable> {
        let outcome = self.archive.push(bytes, &mut Reading { choice: &mut self.choice, way });
        outcome.map_err(|error| self.choice.name(error))
    }

    pub(super) fn finish(&mut self) -> Result<(), Unreadable> {
        self.archive.finish().map_err(|error| self.choice.name(error))?;
        if self.choice.read == 0 {
            return Err(Unreadable::new("the bundle holds no file; upload it again with what it should hold"));
        }
        Ok(())
    }
}

impl Choice {
    /// Says in which member an error was found.
    fn name(&self, error: Unreadable) -> Unreadable {
        match &self.open {
            Some((name, _)) => Unreadable::new(format!("the bundle's member `{name}`: {}", error.reason)),
            None => error,
        }
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
        self.way.spent.members += 1;
        if self.way.spent.members > self.way.spent.limits.members {
            return Err(Unreadable::new(format!(
                "the bundle holds more than {} files, which is as many as are read from one object; split it",
                self.way.spent.limits.members
            )));
        }
        self.choice.read += 1;
        self.choice.open = Some((name.to_owned(), Layer::of_member(self.choice.depth)));
        self.way.sink.begin(name)?;
        Ok(true)
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Unreadable> {
        self.way.spent.give(bytes)?;
        match &mut self.choice.open {
            Some((_, layer)) => layer.push(bytes, self.way),
            None => Ok(()),
        }
    }

    fn end(&mut self) -> Result<(), Unreadable> {
        if let Some((_, layer)) = &mut self.choice.open {
            layer.finish(self.way)?;
            self.way.sink.end()?;
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
