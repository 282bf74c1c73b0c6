//! From a record's bytes to what fields are looked up in.

use regex::CaptureLocations;

use crate::error::{Unreadable, listed};
use crate::field::Shape;
use crate::json::Tree;
use crate::near::nearest;
use crate::row::{Row, header};
use crate::source::{Csv, Format, Text};
use crate::split::Raw;

/// Reads records of one format. Keeps what it needs from record to record, so that reading one
/// allocates nothing.
pub(super) enum Reader<'s> {
    Json(Tree),
    Csv(CsvReader<'s>),
    Text { text: &'s Text, places: CaptureLocations, row: Row },
}

pub(super) struct CsvReader<'s> {
    csv: &'s Csv,
    row: Row,
    columns: Vec<usize>,
    width: Option<usize>,
    /// The bytes of the header row once it has come.
    header: Option<Vec<u8>>,
}

impl<'s> Reader<'s> {
    pub(super) fn new(format: &'s Format) -> Self {
        match format {
            Format::JsonLines | Format::JsonArray => Self::Json(Tree::default()),
            Format::Text(text) => Self::Text { text, places: text.pattern.capture_locations(), row: Row::default() },
            Format::Csv(csv) => Self::Csv(CsvReader {
                csv,
                row: Row::default(),
                columns: csv.columns.clone(),
                width: csv.width,
                header: None,
            }),
        }
    }

    /// Whether the row is a header and no record: the first one, and the same again, as where two
    /// exports were joined.
    pub(super) fn takes_as_header(&mut self, raw: Raw<'_>) -> Result<bool, Unreadable> {
        match self {
            Self::Csv(reader) if reader.csv.header => reader.header(raw),
            _ => Ok(false),
        }
    }

    pub(super) fn read<'r>(&'r mut self, text: &'r str) -> Result<Shape<'r>, String> {
        match self {
            Self::Json(tree) => {
                let root = tree.read(text).map_err(|error| error.to_string())?;
                Ok(Shape::Tree { root, element: root })
            }
            Self::Csv(reader) => reader.read(text),
            Self::Text { text: format, places, row } => {
                if format.pattern.captures_read(places, text).is_none() {
                    return Err("the line does not look like the pattern".to_owned());
                }
                row.clear();
                for group in 0..places.len() {
                    row.push(places.get(group));
                }
                Ok(Shape::Flat { row, text, columns: &format.columns })
            }
        }
    }
}

impl CsvReader<'_> {
    fn header(&mut self, raw: Raw<'_>) -> Result<bool, Unreadable> {
        if let Some(header) = &self.header {
            return Ok(header == raw.bytes);
        }
        let found = header(raw.bytes, self.csv.dialect)?;
        self.columns = self.csv.names.iter().map(|name| column(name, &found)).collect::<Result<_, _>>()?;
        if self.csv.highest > found.len() {
            return Err(Unreadable::new(format!(
                "the header has {} columns, but the mapping uses `${}`",
                found.len(),
                self.csv.highest
            )));
        }
        self.width = Some(found.len());
        self.header = Some(raw.bytes.to_owned());
        Ok(true)
    }

    fn read<'r>(&'r mut self, text: &'r str) -> Result<Shape<'r>, String> {
        self.row.read(text, self.csv.dialect)?;
        let width = self.row.width();
        // Without a header and without declared columns the first row says how wide rows are.
        let expected = match self.width {
            Some(expected) => expected,
            None if width < self.csv.highest => {
                return Err(format!("it has {width} columns, but the mapping uses `${}`", self.csv.highest));
            }
            None => *self.width.insert(width),
        };
        if width != expected {
            return Err(format!("it has {width} columns instead of {expected}"));
        }
        Ok(Shape::Flat { row: &self.row, text, columns: &self.columns })
    }
}

fn column(name: &str, found: &[String]) -> Result<usize, Unreadable> {
    let mut places = found.iter().enumerate().filter(|(_, column)| *column == name).map(|(place, _)| place);
    match (places.next(), places.next()) {
        (Some(place), None) => Ok(place),
        (Some(_), Some(_)) => {
            Err(Unreadable::new(format!("the header names the column `{name}` twice: which one counts is not known")))
        }
        (None, _) => {
            let names = || found.iter().map(String::as_str);
            let hint = match nearest(name, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are: {}", listed(names()).unwrap_or_default()),
            };
            Err(Unreadable::new(format!("the header has no column `{name}`, which the mapping uses; {hint}")))
        }
    }
}
