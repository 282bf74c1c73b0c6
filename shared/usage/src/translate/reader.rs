//! From a record's bytes to what fields are looked up in.

mod csv;

use regex::CaptureLocations;

use crate::element;
use crate::error::Unreadable;
use crate::exposition::Exposition;
use crate::field::Shape;
use crate::json::Tree;
use crate::pairs::Pairs;
use crate::row::Row;
use crate::scan::{Extent, Glance};
use crate::source::{FixedWidth, Format, Text};
use crate::split::Raw;
use csv::CsvReader;

/// Reads records of one format. Keeps what it needs from record to record, so that reading one
/// allocates nothing.
pub(super) enum Reader<'s> {
    Json(Tree),
    Csv(CsvReader<'s>),
    Text { text: &'s Text, places: CaptureLocations, row: Row },
    Pairs { pairs: &'s Pairs, tree: Tree },
    FixedWidth { columns: &'s FixedWidth, row: Row },
    Prometheus { exposition: Exposition, tree: Tree },
    Xml(Tree),
}

impl<'s> Reader<'s> {
    pub(super) fn new(format: &'s Format) -> Self {
        match format {
            Format::JsonLines | Format::JsonArray | Format::Json(_) | Format::Parquet(_) => Self::Json(Tree::default()),
            Format::KeyValue(pairs) => Self::Pairs { pairs, tree: Tree::default() },
            Format::FixedWidth(columns) => Self::FixedWidth { columns, row: Row::default() },
            Format::Prometheus => Self::Prometheus { exposition: Exposition::default(), tree: Tree::default() },
            Format::Xml(_) => Self::Xml(Tree::default()),
            Format::Text(text) => Self::Text { text, places: text.pattern.capture_locations(), row: Row::default() },
            Format::Csv(csv) => Self::Csv(CsvReader::new(csv)),
        }
    }

    /// Whether it is a header, or stands before one, or is a comment, and is no record.
    pub(super) fn takes_as_header(&mut self, raw: Raw<'_>) -> Result<bool, Unreadable> {
        match self {
            Self::Csv(reader) => reader.takes_as_header(raw.bytes),
            Self::Prometheus { exposition, .. } => Ok(exposition.is_comment(raw.bytes)),
            _ => Ok(false),
        }
    }

    pub(super) fn read<'r>(&'r mut self, text: &'r str) -> Result<Shape<'r>, String> {
        match self {
            Self::Json(tree) => tree.read(text).map(Shape::tree).map_err(|error| error.to_string()),
            Self::Csv(reader) => reader.read(text),
            Self::Pairs { pairs, tree } => tree.build(text, |builder| pairs.read(text, builder)).map(Shape::tree),
            Self::Prometheus { exposition, tree } => {
                tree.build(text, |builder| exposition.read(text, builder)).map(Shape::tree)
            }
            Self::Xml(tree) => tree.build(text, |builder| element::read(text, builder)).map(Shape::tree),
            Self::FixedWidth { columns, row } => {
                row.clear();
                columns.places.iter().for_each(|(from, to)| row.push(Some(stretch(text, *from, *to))));
                Ok(Shape::flat(row, text, &columns.header))
            }
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

    /// The record that `text` begins with, if it looks like an earlier one and stands on one line.
    #[inline]
    pub(super) fn glance(&mut self, text: &[u8]) -> Option<Glance> {
        match self {
            Self::Json(tree) => tree.glance(text),
            Self::Csv(reader) => reader.glance(text),
            _ => None,
        }
    }

    /// Where the values lie of the record that was glanced at.
    #[inline]
    pub(super) fn extents(&self) -> &[Extent] {
        match self {
            Self::Json(tree) => tree.extents(),
            Self::Csv(reader) => reader.extents(),
            _ => &[],
        }
    }

    /// Takes in the record that was glanced at, so that `shape` shows it.
    pub(super) fn fill(&mut self) {
        match self {
            Self::Json(tree) => tree.fill(),
            Self::Csv(reader) => reader.fill(),
            _ => {}
        }
    }

    /// The record that was taken in, and whose text this is.
    pub(super) fn shape<'r>(&'r self, record: &'r str) -> Shape<'r> {
        match self {
            Self::Csv(reader) => reader.shape(record),
            Self::Json(tree) | Self::Xml(tree) | Self::Pairs { tree, .. } | Self::Prometheus { tree, .. } => {
                Shape::tree(tree.root(record))
            }
            Self::Text { text, row, .. } => Shape::flat(row, record, &text.groups),
            Self::FixedWidth { columns, row } => Shape::flat(row, record, &columns.header),
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

/// The place of some characters, without the blanks around them; empty where the line is shorter.
fn stretch(text: &str, from: usize, to: Option<usize>) -> (usize, usize) {
    let place = |character: usize| match text.is_ascii() {
        true => character.min(text.len()),
        false => text.char_indices().nth(character).map_or(text.len(), |(at, _)| at),
    };
    let (start, end) = (place(from), to.map_or(text.len(), place));
    let inside = text.get(start..end).unwrap_or_default();
    let start = start + (inside.len() - inside.trim_start().len());
    (start, start + inside.trim().len())
}
