//! Rows, and the header that says what their columns are.

use crate::column::Header;
use crate::error::{Unreadable, listed};
use crate::field::Shape;
use crate::row::{Row, glance, header};
use crate::scan::{Extent, Glance};
use crate::source::{Csv, Heading};

/// A header is looked for in so many rows.
const MAX_PREAMBLE: usize = 1_000;

/// A row of a file whose rows differ in width is glanced at if it has at most so many cells.
const MAX_GLANCED: usize = 1_024;

pub(in crate::translate) struct CsvReader<'s> {
    csv: &'s Csv,
    row: Row,
    header: Header,
    width: Option<usize>,
    /// The bytes of the header row once it has come.
    heading: Option<Vec<u8>>,
    /// How many rows stand before it.
    preamble: usize,
    /// The cells of the row that was glanced at, which has so many.
    cells: Vec<Extent>,
    seen: usize,
}

impl<'s> CsvReader<'s> {
    pub(super) fn new(csv: &'s Csv) -> Self {
        Self {
            csv,
            row: Row::default(),
            header: csv.declared.clone(),
            width: csv.width,
            heading: None,
            preamble: 0,
            cells: Vec::new(),
            seen: 0,
        }
    }

    /// Whether the row is a header or stands before it: the one that is declared, and the same
    /// again, as where two exports were joined.
    pub(super) fn takes_as_header(&mut self, row: &[u8]) -> Result<bool, Unreadable> {
        if self.heading.as_deref() == Some(row) {
            return Ok(true);
        }
        match (&self.csv.heading, &self.heading) {
            (Heading::None, _) | (Heading::First | Heading::Found, Some(_)) => Ok(false),
            (Heading::First, None) => self.name(row, row),
            (Heading::Marked(mark), _) => match row.strip_prefix(mark.as_bytes()) {
                Some(names) => self.name(row, names.trim_ascii()),
                None => Ok(false),
            },
            (Heading::Repeated, Some(_)) => {
                if self.names_all(row) {
                    self.name(row, row)
                } else {
                    Ok(false)
                }
            }
            (Heading::Found | Heading::Repeated, None) => self.look_for(row),
        }
    }

    fn look_for(&mut self, row: &[u8]) -> Result<bool, Unreadable> {
        if self.names_all(row) {
            return self.name(row, row);
        }
        self.preamble += 1;
        if self.preamble > MAX_PREAMBLE { Err(self.nameless()) } else { Ok(true) }
    }

    fn names_all(&self, row: &[u8]) -> bool {
        header(row, self.csv.dialect).is_ok_and(|names| Header::find(&self.csv.slots, names).is_ok())
    }

    fn name(&mut self, row: &[u8], names: &[u8]) -> Result<bool, Unreadable> {
        let names = self.names(names)?;
        let width = names.len();
        if self.csv.slots.highest > width && !self.csv.ragged {
            return Err(Unreadable::new(format!(
                "the header has {width} columns, but the mapping uses `${}`",
                self.csv.slots.highest
            )));
        }
        self.header = Header::find(&self.csv.slots, names)?;
        self.width = Some(width);
        self.heading = Some(row.to_owned());
        Ok(true)
    }

    /// What stands behind a mark may be separated by blanks where the rows are not, as in CloudFront's logs.
    fn names(&self, names: &[u8]) -> Result<Vec<String>, Unreadable> {
        let split = header(names, self.csv.dialect)?;
        match (&self.csv.heading, split.as_slice()) {
            (Heading::Marked(_), [all]) if all.contains(' ') => Ok(all.split_whitespace().map(str::to_owned).collect()),
            _ => Ok(split),
        }
    }

    pub(super) fn read<'r>(&'r mut self, text: &'r str) -> Result<Shape<'r>, String> {
        if let (Heading::Marked(mark), None) = (&self.csv.heading, &self.heading) {
            return Err(format!("no row before it begins with `{mark}` and names the columns"));
        }
        self.row.read(text, self.csv.dialect)?;
        if !self.csv.ragged {
            self.check_width()?;
        }
        Ok(Shape::flat(&self.row, text, &self.header))
    }

    /// The row that `text` begins with, if it is a record for sure and as wide as it has to be.
    #[inline]
    pub(super) fn glance(&mut self, text: &[u8]) -> Option<Glance> {
        let settled = match &self.csv.heading {
            Heading::None => true,
            Heading::First | Heading::Found => self.heading.is_some(),
            Heading::Repeated | Heading::Marked(_) => false,
        };
        if !settled {
            return None;
        }
        let room = if self.csv.ragged { MAX_GLANCED } else { self.width? };
        if self.cells.len() != room {
            self.cells.resize(room, Extent::default());
        }
        let found = glance(text, self.csv.dialect, &mut self.cells)?;
        self.seen = usize::try_from(found.id).ok()?;
        let is_heading = self.heading.as_deref().is_some_and(|heading| text.get(..found.length) == Some(heading));
        let fits = self.csv.ragged || self.seen == room;
        (fits && !is_heading).then_some(found)
    }

    #[inline]
    pub(super) fn extents(&self) -> &[Extent] {
        self.cells.get(..self.seen).unwrap_or_default()
    }

    pub(super) fn fill(&mut self) {
        self.row.fill(self.cells.get(..self.seen).unwrap_or_default());
    }

    pub(super) fn shape<'r>(&'r self, record: &'r str) -> Shape<'r> {
        Shape::flat(&self.row, record, &self.header)
    }

    /// Without a header and without declared columns the first row says how wide rows are.
    fn check_width(&mut self) -> Result<(), String> {
        let (width, highest) = (self.row.width(), self.csv.slots.highest);
        let expected = match self.width {
            Some(expected) => expected,
            None if width < highest => {
                return Err(format!("it has {width} columns, but the mapping uses `${highest}`"));
            }
            None => *self.width.insert(width),
        };
        if width == expected { Ok(()) } else { Err(format!("it has {width} columns instead of {expected}")) }
    }

    /// The object ends here.
    pub(super) fn finish(&self) -> Result<(), Unreadable> {
        let wanted = matches!(self.csv.heading, Heading::Found | Heading::Repeated);
        if wanted && self.heading.is_none() && self.preamble > 0 { Err(self.nameless()) } else { Ok(()) }
    }

    fn nameless(&self) -> Unreadable {
        let names = listed(self.csv.slots.names.iter().map(String::as_str)).unwrap_or_default();
        Unreadable::new(format!(
            "none of the first {} rows names the columns that the mapping uses: {names}",
            self.preamble
        ))
    }
}
