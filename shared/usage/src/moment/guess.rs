//! Whether texts might be times of a format.

use super::clock::Nanos;
use super::format::{Reading, TimeFormat};

/// A format that texts are tried with.
pub(crate) struct Guess(TimeFormat);

impl Guess {
    /// With a format as a source writes it.
    pub(crate) fn new(format: &str) -> Option<Self> {
        TimeFormat::compile(format, false).ok().map(Self)
    }

    /// Whether the text is a time that names no zone; `None` where it is no time of usage at all.
    pub(crate) fn needs_zone(&self, text: &str) -> Option<bool> {
        match self.0.read(text.trim()).ok()? {
            Reading::At(at) => at.instant().ok().map(|_| false),
            Reading::Local(local) => Nanos::of(&local.and_utc()).instant().ok().map(|_| true),
        }
    }
}
