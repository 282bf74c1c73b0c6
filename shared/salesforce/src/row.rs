//! Records as rows: one value for each field that was asked for, in that order and in one form.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::fault::Fault;
use crate::soql::Select;
use crate::value::Kind;

/// A record's values in the order of the fields; nothing where it has none.
pub type Row = Vec<Option<String>>;

/// What is asked of an object, and how each field is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// Object and fields.
    pub select: Select,
    /// As many as there are fields.
    pub kinds: Vec<Kind>,
}

/// A record as it stands in an answer. Numbers stay text.
pub(crate) type Raw = BTreeMap<String, Box<RawValue>>;

impl Columns {
    /// A row of a JSON record.
    ///
    /// # Errors
    /// [`Fault::Broken`] where a field that was asked for is missing, or is not what its type says.
    pub(crate) fn of_json(&self, record: &Raw) -> Result<Row, Fault> {
        self.each(|field| json_value(record, field).map_err(|reason| self.broken(field, &reason)))
    }

    /// A row of a line of a table.
    ///
    /// # Errors
    /// [`Fault::Broken`].
    pub(crate) fn of_csv(&self, values: &[String]) -> Result<Row, Fault> {
        let mut values = values.iter();
        self.each(|field| {
            let value = values.next().ok_or_else(|| self.broken(field, "the line ends before it"))?;
            Ok(Some(value.clone()))
        })
    }

    fn each(&self, mut value: impl FnMut(&str) -> Result<Option<String>, Fault>) -> Result<Row, Fault> {
        let fields = self.select.fields().iter().zip(&self.kinds);
        let read = fields.map(|(field, kind)| {
            let Some(text) = value(field)?.filter(|text| !text.is_empty()) else { return Ok(None) };
            let one = kind.canonical(&text).ok_or_else(|| self.broken(field, &format!("it is no {kind:?}")))?;
            Ok(Some(one))
        });
        read.collect()
    }

    fn broken(&self, field: &str, reason: &str) -> Fault {
        Fault::broken(format!("the query of {}", self.select.object()), format!("field {field}: {reason}"))
    }
}

/// The value of a field, through parents where its name has points. An empty lookup has an empty parent.
fn json_value(record: &Raw, field: &str) -> Result<Option<String>, String> {
    let (name, rest) = field.split_once('.').map_or((field, None), |(name, rest)| (name, Some(rest)));
    let found = record.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    let raw = found.map(|(_, raw)| raw.get()).ok_or("it is missing from the answer")?;
    if raw == "null" {
        return Ok(None);
    }
    if let Some(rest) = rest {
        let parent: Raw = serde_json::from_str(raw).map_err(|_| "its parent is no record")?;
        return json_value(&parent, rest);
    }
    if raw.starts_with('"') {
        return serde_json::from_str(raw).map(Some).map_err(|error| error.to_string());
    }
    if raw.starts_with(['{', '[']) {
        return Err("it is compound; ask for its parts".to_owned());
    }
    Ok(Some(raw.to_owned()))
}

/// Reads a whole table: a line of names, then rows. Quotes, commas and line ends may stand within values.
///
/// # Errors
/// [`Fault::Broken`]: other columns than were asked for, lines that are cut, a table that ends within a line.
pub fn table(columns: &Columns, body: &[u8]) -> Result<Vec<Row>, Fault> {
    let what = || format!("the results of {}", columns.select.object());
    if body.is_empty() {
        return Ok(Vec::new());
    }
    if body.last() != Some(&b'\n') {
        return Err(Fault::broken(what(), "the table ends within a line"));
    }
    let mut lines = Lines::new(body);
    let head = lines.next_line(&what)?.unwrap_or_default();
    let wanted = columns.select.fields();
    let same = head.len() == wanted.len() && head.iter().zip(wanted).all(|(a, b)| a.eq_ignore_ascii_case(b));
    if !same {
        return Err(Fault::broken(what(), format!("its columns are {}", head.join(", "))));
    }
    let mut rows = Vec::new();
    while let Some(line) = lines.next_line(&what)? {
        if line.len() != head.len() {
            let reason =
                format!("row {} has {} values for {} columns", rows.len().saturating_add(1), line.len(), head.len());
            return Err(Fault::broken(what(), reason));
        }
        rows.push(columns.of_csv(&line)?);
    }
    Ok(rows)
}

/// Splits a table, one line at a time.
struct Lines<'a> {
    reader: csv_core::Reader,
    rest: &'a [u8],
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(rest: &'a [u8]) -> Self {
        Self { reader: csv_core::Reader::new(), rest, text: vec![0; 4096], ends: vec![0; 64] }
    }

    fn next_line(&mut self, what: &impl Fn() -> String) -> Result<Option<Vec<String>>, Fault> {
        let (mut written, mut values) = (0_usize, 0_usize);
        loop {
            let (text, ends) = (self.text.get_mut(written..), self.ends.get_mut(values..));
            let (Some(text), Some(ends)) = (text, ends) else { return Ok(None) };
            let (state, read, wrote, ended) = self.reader.read_record(self.rest, text, ends);
            self.rest = self.rest.get(read..).unwrap_or_default();
            written = written.saturating_add(wrote);
            values = values.saturating_add(ended);
            match state {
                // The input is whole: a second look at its end tells the last record.
                csv_core::ReadRecordResult::InputEmpty => {}
                csv_core::ReadRecordResult::OutputFull => self.text.resize(self.text.len().saturating_mul(2), 0),
                csv_core::ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len().saturating_mul(2), 0),
                csv_core::ReadRecordResult::Record => return self.values(values, what).map(Some),
                csv_core::ReadRecordResult::End => return Ok(None),
            }
        }
    }

    fn values(&self, count: usize, what: &impl Fn() -> String) -> Result<Vec<String>, Fault> {
        let ends = self.ends.get(..count).unwrap_or_default();
        let starts = std::iter::once(&0).chain(ends);
        let pieces = starts.zip(ends).map(|(start, end)| self.text.get(*start..*end).unwrap_or_default());
        let texts = pieces.map(|piece| {
            String::from_utf8(piece.to_vec()).map_err(|_| Fault::broken(what(), "the table is not UTF-8"))
        });
        texts.collect()
    }
}
