//! Record identifiers: 18 characters stored, the first 15 compared, case and all.
//!
//! A 15-character id is case-sensitive; three more characters make it safe for systems that fold case. Never fold:
//! `001xx000003DGb2` and `001xx000003dgb2` are two records.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The alphabet of the three check characters.
const CHECK: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// The identifier of a record or an organisation.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Id(String);

/// A text that is no identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Neither 15 nor 18 letters and digits.
    #[error("`{0}` is no Salesforce id: it has 15 or 18 letters and digits")]
    Form(String),
    /// The last three characters do not belong to the first fifteen: letters have changed their case on the way.
    #[error("`{0}` is no Salesforce id: its check characters should be `{1}`; was its case changed?")]
    Check(String, String),
}

impl Id {
    /// Reads 15 characters, whose check is added, or 18, whose check is held against them.
    ///
    /// # Errors
    /// [`IdError`].
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let form = || IdError::Form(text.to_owned());
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(form());
        }
        let (start, check) = text.split_at_checked(15).ok_or_else(form)?;
        let right = check_of(start);
        match check {
            "" => Ok(Self(format!("{start}{right}"))),
            given if given.len() != 3 => Err(form()),
            given if given == right => Ok(Self(text.to_owned())),
            _ => Err(IdError::Check(text.to_owned(), right)),
        }
    }

    /// All 18 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 15 characters, which alone tell records apart.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..15).unwrap_or(&self.0)
    }
}

/// One character for each five: which of them are capital letters.
fn check_of(start: &str) -> String {
    let group = |letters: &[u8]| {
        let bits = letters.iter().enumerate().filter(|(_, letter)| letter.is_ascii_uppercase());
        let index: usize = bits.map(|(place, _)| 1_usize << place).sum();
        CHECK.get(index).copied().map_or('?', char::from)
    };
    start.as_bytes().chunks(5).map(group).collect()
}

impl TryFrom<String> for Id {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        Self::parse(&text)
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn eighteen_characters_follow_from_fifteen() {
        for (short, long) in [
            ("001xx000003DGb2", "001xx000003DGb2AAG"),
            ("0055f000005mc66", "0055f000005mc66AAA"),
            ("006ak00000OQ4Rx", "006ak00000OQ4RxAAL"),
            ("001xx000003dgb2", "001xx000003dgb2AAA"),
        ] {
            assert_eq!(Id::parse(short).unwrap().as_str(), long);
            assert_eq!(Id::parse(long).unwrap().short(), short);
        }
    }

    #[test]
    fn case_tells_two_records_apart_and_a_folded_id_is_refused() {
        assert_ne!(Id::parse("001xx000003DGb2").unwrap(), Id::parse("001xx000003dgb2").unwrap());
        assert!(matches!(Id::parse("001xx000003dgb2aag"), Err(IdError::Check(..))));
        for bad in ["", "001", "001xx000003DGb2A", "001xx000003DGb-AAG", "001xx000003DGé2"] {
            assert!(matches!(Id::parse(bad), Err(IdError::Form(_))), "{bad}");
        }
    }
}
