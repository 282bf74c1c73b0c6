//! Numbers in stored texts.

use serde::{Deserialize, Serialize};

use super::{Exact, ExactError};

/// As text `numerator/denominator`, or just the numerator of a whole number: exact both ways.
impl Serialize for Exact {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.denominator == 1 {
            serializer.collect_str(&self.numerator)
        } else {
            serializer.collect_str(&format_args!("{}/{}", self.numerator, self.denominator))
        }
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let value = match text.split_once('/') {
            Some((numerator, denominator)) => match (numerator.parse(), denominator.parse()) {
                (Ok(numerator), Ok(denominator)) => Self::ratio(numerator, denominator),
                _ => Err(ExactError::NotANumber),
            },
            None => Self::parse(&text),
        };
        value.map_err(serde::de::Error::custom)
    }
}
