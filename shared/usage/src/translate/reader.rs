//! From a record's bytes to what fields are looked up in.

mod csv;

use regex::CaptureLocations;

use crate::error::Unreadable;
use crate::field::Shape;
use crate::json::Tree;
use crate::row::Row;
use crate::source::{Format, Text};
use crate::split::Raw;
use csv::CsvReader;

/// Reads records of one format. Keeps what it needs from record to record, so that reading one
/// allocates nothing.
pub(super) enum Reader<'s> {
    Json(Tree),
    Csv(CsvReader<'s>),
    Text { text: &'s Text, places: CaptureLocations, row: Row },
}

impl<'s> Reader<'s> {
    pub(super) fn new(format: &'s Format) -> Self {
        match format {
            Format::JsonLines | Format::JsonArray => Self::Json(Tree::default()),
            Format::Text(text) => Self::Text { text, places: text.pattern.capture_locations(), row: Row::default() },
            Format::Csv(csv) => Self::Csv(CsvReader::new(csv)),
        }
    }

    /// Whether it is a header or stands before one, and is no record.
    pub(super) fn takes_as_header(&mut self, raw: Raw<'_>) -> Result<bool, Unreadable> {
        match self {
            Self::Csv(reader) => reader.takes_as_header(raw.bytes),
            _ => Ok(false),
        }
    }

    pub(super) fn read<'r>(&'r mut self, text: &'r str) -> Result<Shape<'r>, String> {
        match self {
            Self::Json(tree) => tree.read(text).map(Shape::tree).map_err(|error| error.to_string()),
            Self::Csv(reader) => reader.read(text),
            Self::Text { text: format, places, row } => {
                if format.pattern.captures_read(places, text).is_none() {
                    return Err("the line does not look like the pattern".to_owned());
                }
                row.clear();
                for group in 0..places.len() {
                    row.push(places.get(group));
                }
                Ok(Shape::flat(row, text, &format.groups))
            }
        }
    }

    /// The object ends here.
    pub(super) fn finish(&self) -> Result<(), Unreadable> {
        match self {
            Self::Csv(reader) => reader.finish(),
            _ => Ok(()),
        }
    }
}
