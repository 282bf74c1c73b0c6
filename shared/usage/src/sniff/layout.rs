//! Which layout a text has, and its first records as names and texts.

use serde_json::Value;

use super::{document, markup, pairs};

/// So many records are looked at.
pub(super) const RECORDS: usize = 2_000;

/// Objects in objects are looked into so deep.
const DEPTH: usize = 3;

/// An access log as most web servers write it, in Rust's regular expressions.
pub(super) const ACCESS_LOG: &str = r#"^(?<client>\S+) \S+ (?<user>\S+) \[(?<time>[^\]]+)\] "(?<request>(?:[^"\\]|\\.)*)" (?<status>\d{3}) (?<bytes>\d+|-)"#;

/// A field of a record: its name as a mapping writes it, and its text; whether it is a number of JSON.
pub(super) type Cell = (String, Option<String>);

/// What a text is made of.
pub(super) struct Layout {
    /// What the source says of it, as YAML.
    pub(super) yaml: String,
    /// The fields of the first records.
    pub(super) records: Vec<Vec<Cell>>,
}

/// The layout of the text, if one is recognised.
pub(super) fn find(text: &str) -> Option<Layout> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    match text.chars().next()? {
        '{' => json_lines(text).or_else(|| document::find(text)),
        '[' => json_array(text).or_else(|| columns(text)),
        '<' => markup::find(text).or_else(|| access_log(text)).or_else(|| columns(text)),
        _ => access_log(text)
            .or_else(|| pairs::prometheus(text))
            .or_else(|| pairs::logfmt(text))
            .or_else(|| columns(text)),
    }
}

fn json_lines(text: &str) -> Option<Layout> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(RECORDS).collect();
    let values: Vec<Value> = lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    if values.len() * 10 < lines.len() * 9 || matches!(values.as_slice(), [one] if document::holds_records(one)) {
        return None;
    }
    of_json("format: json-lines\n", &values)
}

/// The sample may end within the array: its elements are taken one after the other.
fn json_array(text: &str) -> Option<Layout> {
    let mut rest = text.strip_prefix('[')?;
    let mut values = Vec::new();
    while values.len() < RECORDS {
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let Some(Ok(value)) = stream.next() else { break };
        rest = rest.get(stream.byte_offset()..)?.trim_start().trim_start_matches(',');
        values.push(value);
    }
    of_json("format: json-array\n", &values)
}

pub(super) fn of_json(yaml: &str, values: &[Value]) -> Option<Layout> {
    let records: Vec<Vec<Cell>> = values.iter().filter(|value| value.is_object()).map(flat).collect();
    (!records.is_empty()).then(|| Layout { yaml: yaml.to_owned(), records })
}

/// The single values of an object, and of the objects in it.
fn flat(value: &Value) -> Vec<Cell> {
    let mut cells = Vec::new();
    collect(value, "", DEPTH, &mut cells);
    cells
}

fn collect(value: &Value, prefix: &str, depth: usize, cells: &mut Vec<Cell>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    for (key, value) in value.as_object().into_iter().flatten() {
        let name = if prefix.is_empty() { quoted(key) } else { format!("{prefix}.{}", quoted(key)) };
        match value {
            Value::Object(_) => collect(value, &name, depth, cells),
            Value::Array(_) => {}
            Value::Null => cells.push((name, None)),
            Value::String(text) => cells.push((name, Some(text.clone()))),
            Value::Bool(_) | Value::Number(_) => cells.push((name, Some(value.to_string()))),
        }
    }
}

/// A name as a mapping writes it: in double quotes where it holds signs.
pub(super) fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || c == '_';
    let bare = name.starts_with(|c: char| c.is_alphabetic() || c == '_') && name.chars().all(plain);
    if bare { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

fn access_log(text: &str) -> Option<Layout> {
    let pattern = regex::Regex::new(ACCESS_LOG).ok()?;
    let mut records = Vec::new();
    let (mut lines, mut matched) = (0, 0);
    for line in text.lines().take(RECORDS) {
        lines += 1;
        let Some(found) = pattern.captures(line) else { continue };
        matched += 1;
        let cell = |name: &str| Some((name.to_owned(), Some(found.name(name)?.as_str().to_owned())));
        records.push(pattern.capture_names().flatten().filter_map(cell).collect());
    }
    let yaml = format!("format: text\ntext:\n  pattern: '{}'\n", ACCESS_LOG.replace('\'', "''"));
    (matched > 0 && matched * 2 > lines).then_some(Layout { yaml, records })
}

/// Columns: the sign that parts most lines into the same number of them, two at least.
fn columns(text: &str) -> Option<Layout> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).take(RECORDS).collect();
    let candidates = [(b',', "\",\""), (b';', "\";\""), (b'\t', "tab"), (b'|', "\"|\"")];
    let rows = candidates.map(|(sign, written)| (written, self::rows(&lines, sign)));
    let score = |rows: &[Vec<String>]| {
        let width = rows.first().map_or(0, Vec::len);
        let same = rows.iter().filter(|row| row.len() == width).count();
        if width < 2 || same * 10 < rows.len() * 9 { 0 } else { width }
    };
    let (written, rows) = rows.into_iter().max_by_key(|(_, rows)| score(rows)).filter(|(_, rows)| score(rows) > 0)?;
    let (first, rest) = rows.split_first()?;
    let names_itself = first.iter().all(|name| is_name(name)) && has_no_double(first);
    let delimiter = if written == "\",\"" { String::new() } else { format!("delimiter: {written}") };
    if names_itself {
        let yaml = if delimiter.is_empty() {
            "format: csv\n".to_owned()
        } else {
            format!("format: csv\ncsv: {{{delimiter}}}\n")
        };
        return Some(Layout { yaml, records: rest.iter().map(|row| cells(first, row)).collect() });
    }
    let names: Vec<String> = (1..=first.len()).map(|number| format!("column_{number}")).collect();
    let comma = if delimiter.is_empty() { "" } else { ", " };
    let yaml = format!("format: csv\ncsv: {{{delimiter}{comma}columns: [{}]}}\n", names.join(", "));
    Some(Layout { yaml, records: rows.iter().map(|row| cells(&names, row)).collect() })
}

fn cells(names: &[String], row: &[String]) -> Vec<Cell> {
    names.iter().zip(row).map(|(name, cell)| (quoted(name), Some(cell.clone()))).collect()
}

/// Whether the text names a column rather than being in one.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_') && text.len() < 80
}

fn has_no_double(names: &[String]) -> bool {
    names.iter().enumerate().all(|(i, name)| !names.iter().take(i).any(|earlier| earlier == name))
}

/// Lines as rows. A quoted line end parts a row here: a few such rows are outvoted.
fn rows(lines: &[&str], delimiter: u8) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for line in lines {
        let mut row = vec![String::new()];
        let mut inside = false;
        for c in line.chars() {
            match (c, row.last_mut()) {
                ('"', _) => inside = !inside,
                (c, Some(_)) if !inside && c == char::from(delimiter) => row.push(String::new()),
                (c, Some(cell)) => cell.push(c),
                (_, None) => {}
            }
        }
        rows.push(row.into_iter().map(|cell| cell.trim().to_owned()).collect());
    }
    rows
}
