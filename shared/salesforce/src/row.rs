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

/// More bytes than this are no record: a long text of Salesforce has at most 131,072 letters.
const MOST_RECORD: usize = 16 << 20;

/// A table on its way: a line of names, then rows. Quotes, commas and line ends may stand within values, and pieces may
/// end anywhere.
pub struct Table<'c> {
    columns: &'c Columns,
    lines: Lines,
    headed: bool,
    rows: u64,
    last: Option<u8>,
}

impl<'c> Table<'c> {
    /// A table of which nothing is read yet.
    #[must_use]
    pub fn new(columns: &'c Columns) -> Self {
        Self { columns, lines: Lines::default(), headed: false, rows: 0, last: None }
    }

    /// What is asked for.
    #[must_use]
    pub fn columns(&self) -> &'c Columns {
        self.columns
    }

    /// How many rows were read.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The rows that end in a piece.
    ///
    /// # Errors
    /// [`Fault::Broken`]: other columns than were asked for, lines that are cut, values that are not what they should.
    pub fn read(&mut self, piece: &[u8]) -> Result<Vec<Row>, Fault> {
        self.last = piece.last().copied().or(self.last);
        let (mut rest, mut rows) = (piece, Vec::new());
        while !rest.is_empty() {
            let Some(line) = self.lines.next_line(&mut rest).map_err(|reason| self.broken(reason))? else { break };
            if self.headed {
                rows.push(self.row(&line)?);
            } else {
                self.head(&line)?;
            }
        }
        Ok(rows)
    }

    /// Makes sure that nothing is missing at the end.
    ///
    /// # Errors
    /// [`Fault::Broken`] where the table ends within a line.
    pub fn end(&mut self) -> Result<(), Fault> {
        let ended = self.lines.is_at_end() && self.last.is_none_or(|last| last == b'\n');
        if ended { Ok(()) } else { Err(self.broken("the table ends within a line".to_owned())) }
    }

    fn head(&mut self, line: &[String]) -> Result<(), Fault> {
        let wanted = self.columns.select.fields();
        let same = line.len() == wanted.len() && line.iter().zip(wanted).all(|(a, b)| a.eq_ignore_ascii_case(b));
        self.headed = true;
        if same { Ok(()) } else { Err(self.broken(format!("its columns are {}", line.join(", ")))) }
    }

    fn row(&mut self, line: &[String]) -> Result<Row, Fault> {
        self.rows = self.rows.saturating_add(1);
        let columns = self.columns.select.fields().len();
        if line.len() != columns {
            let reason = format!("row {} has {} values for {columns} columns", self.rows, line.len());
            return Err(self.broken(reason));
        }
        self.columns.of_csv(line)
    }

    fn broken(&self, reason: String) -> Fault {
        Fault::broken(format!("the results of {}", self.columns.select.object()), reason)
    }
}

/// Splits a table, one line at a time; a line may come in several pieces.
struct Lines {
    reader: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    written: usize,
    values: usize,
}

impl Default for Lines {
    fn default() -> Self {
        Self { reader: csv_core::Reader::new(), text: vec![0; 4096], ends: vec![0; 64], written: 0, values: 0 }
    }
}

impl Lines {
    /// The next line, if it ends in what is there.
    fn next_line(&mut self, rest: &mut &[u8]) -> Result<Option<Vec<String>>, String> {
        loop {
            match self.step(rest) {
                csv_core::ReadRecordResult::InputEmpty | csv_core::ReadRecordResult::End => return Ok(None),
                csv_core::ReadRecordResult::OutputFull if self.text.len() >= MOST_RECORD => {
                    return Err(format!("a row is longer than {MOST_RECORD} bytes"));
                }
                csv_core::ReadRecordResult::OutputFull => self.text.resize(self.text.len().saturating_mul(2), 0),
                csv_core::ReadRecordResult::OutputEndsFull if self.ends.len() >= MOST_RECORD => {
                    return Err(format!("a row has more than {MOST_RECORD} values"));
                }
                csv_core::ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len().saturating_mul(2), 0),
                csv_core::ReadRecordResult::Record => {
                    let values = self.texts();
                    (self.written, self.values) = (0, 0);
                    return values.map(Some);
                }
            }
        }
    }

    fn step(&mut self, rest: &mut &[u8]) -> csv_core::ReadRecordResult {
        let text = self.text.get_mut(self.written..).unwrap_or_default();
        let ends = self.ends.get_mut(self.values..).unwrap_or_default();
        let (state, read, wrote, ended) = self.reader.read_record(rest, text, ends);
        *rest = rest.get(read..).unwrap_or_default();
        self.written = self.written.saturating_add(wrote);
        self.values = self.values.saturating_add(ended);
        state
    }

    /// Whether there is no line that was begun.
    fn is_at_end(&mut self) -> bool {
        self.written == 0 && self.values == 0 && self.step(&mut &b""[..]) == csv_core::ReadRecordResult::End
    }

    fn texts(&self) -> Result<Vec<String>, String> {
        let ends = self.ends.get(..self.values).unwrap_or_default();
        let starts = std::iter::once(&0).chain(ends);
        let pieces = starts.zip(ends).map(|(start, end)| self.text.get(*start..*end).unwrap_or_default());
        let texts =
            pieces.map(|piece| String::from_utf8(piece.to_vec()).map_err(|_| "the table is not UTF-8".to_owned()));
        texts.collect()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    fn columns() -> Columns {
        let fields = ["Id".to_owned(), "Name".to_owned()];
        Columns { select: Select::new("Account", &fields).unwrap(), kinds: vec![Kind::Text, Kind::Text] }
    }

    /// Reads a table in pieces that end at every place that `size` makes.
    fn read(text: &[u8], size: usize) -> Result<Vec<Row>, Fault> {
        let columns = columns();
        let (mut table, mut rows) = (Table::new(&columns), Vec::new());
        for piece in text.chunks(size) {
            rows.extend(table.read(piece)?);
        }
        table.end()?;
        Ok(rows)
    }

    #[test]
    fn a_table_is_the_same_wherever_its_pieces_end() {
        let text = "\"Id\",\"Name\"\n\"1\",\"Größe, \"\"Paris\"\"\"\n\"2\",\"one\r\ntwo\"\n\"3\",\"\"\n";
        let row = |id: &str, name: &str| vec![Some(id.to_owned()), Some(name.to_owned()).filter(|it| !it.is_empty())];
        let expected = [row("1", "Größe, \"Paris\""), row("2", "one\r\ntwo"), row("3", "")];
        for size in 1..=text.len() {
            assert_eq!(read(text.as_bytes(), size).unwrap(), expected, "{size}");
        }
    }

    #[test]
    fn a_table_that_is_cut_anywhere_but_at_a_line_is_noticed() {
        let text = "\"Id\",\"Name\"\n\"1\",\"a\nb\"\n\"2\",\"c\"\n";
        let whole = [0, 12, 22, text.len()];
        for cut in 0..=text.len() {
            let read = read(&text.as_bytes()[..cut], 5);
            assert_eq!(read.is_ok(), whole.contains(&cut), "{cut}: {read:?}");
        }
    }
}
