//! A calendar day as people write it.

use std::fmt;

use chrono::NaiveDate;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A calendar day written as `2026-01-31`, exactly so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(pub NaiveDate);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(DayVisitor)
    }
}

struct DayVisitor;

impl Visitor<'_> for DayVisitor {
    type Value = Day;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a day such as 2026-01-31")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Day, E> {
        let exact = text.len() == 10;
        match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            Ok(date) if exact => Ok(Day(date)),
            _ => Err(E::custom(format_args!("`{text}` is no day of the calendar; write it as 2026-01-31"))),
        }
    }
}
