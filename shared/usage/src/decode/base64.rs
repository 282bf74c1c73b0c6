//! base64, with line ends anywhere, in pieces.
//!
//! Several texts one after the other, each with its padding, are read as one: what they hold
//! follows each other, as the members of a gzip do.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{Give, PIECE, Unpack};
use crate::error::Unreadable;

const READING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::RequireCanonical);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, READING);

/// A push decoder for base64.
#[derive(Default)]
pub(super) struct Base64 {
    /// Letters that were not decoded yet, without the blanks between them.
    held: Vec<u8>,
    /// How many letters were decoded.
    letters: u64,
    out: Vec<u8>,
}

impl Unpack for Base64 {
    fn push(&mut self, bytes: &[u8], give: &mut Give<'_>) -> Result<(), Unreadable> {
        for piece in bytes.chunks(PIECE) {
            self.held.extend(piece.iter().filter(|b| !b.is_ascii_whitespace()).map(|b| match b {
                b'-' => b'+',
                b'_' => b'/',
                letter => *letter,
            }));
            self.decode(give)?;
        }
        Ok(())
    }

    fn finish(&mut self, give: &mut Give<'_>) -> Result<(), Unreadable> {
        // Some writers leave the padding away.
        while self.held.len() % 4 > 1 {
            self.held.push(b'=');
        }
        self.decode(give)?;
        if self.held.is_empty() {
            return Ok(());
        }
        Err(Unreadable::new("the base64 text ends in the middle of a group of four: it is truncated; upload it again"))
    }
}

impl Base64 {
    /// Decodes all groups of four that are complete.
    fn decode(&mut self, give: &mut Give<'_>) -> Result<(), Unreadable> {
        let whole = self.held.len() - self.held.len() % 4;
        let mut from = 0;
        while from < whole {
            let groups = self.held.get(from..whole).unwrap_or_default();
            // Padding ends a text; the next one begins with the next group.
            let end = memchr::memchr(b'=', groups).map_or(groups.len(), |at| at / 4 * 4 + 4);
            let groups = groups.get(..end).unwrap_or_default();
            self.out.clear();
            STANDARD.decode_vec(groups, &mut self.out).map_err(|error| {
                Unreadable::new(format!(
                    "the base64 text is broken in the {} letters from letter {}: {error}; upload it again",
                    groups.len(),
                    self.letters.saturating_add(1)
                ))
            })?;
            self.letters = self.letters.saturating_add(super::length(groups));
            from += end;
            give(&self.out)?;
        }
        self.held.drain(..whole);
        Ok(())
    }
}
