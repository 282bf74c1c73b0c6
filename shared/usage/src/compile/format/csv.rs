//! `format: csv`.

use crate::column::{Header, Slots, Stretch};
use crate::error::SpecError;
use crate::row::{Dialect, Separator};
use crate::source::{Csv, Heading};
use crate::spec::CsvSpec;

pub(super) fn compile(spec: &CsvSpec, slots: Slots) -> Result<Csv, SpecError> {
    let dialect = dialect(spec)?;
    let heading = heading(spec)?;
    let named = heading != Heading::None;
    if named && !spec.columns.is_empty() {
        return Err(SpecError::new(
            "csv.columns",
            "the columns are named by the header; `columns` is for files without one",
        )
        .hint("remove one of `columns` and `header`"));
    }
    if !named && spec.columns.is_empty() {
        refuse_names(&slots)?;
    }
    if !named && !spec.columns.is_empty() && slots.highest > spec.columns.len() && !spec.ragged {
        return Err(SpecError::new("csv.columns", format!("`${}` is beyond the columns declared", slots.highest)));
    }
    if matches!(heading, Heading::Found | Heading::Repeated) && slots.needed.is_empty() {
        return Err(SpecError::new(
            "csv.header",
            "a header is found by the names that the mapping uses, and it uses none",
        ));
    }
    Ok(Csv {
        dialect,
        heading,
        width: (!spec.columns.is_empty()).then_some(spec.columns.len()),
        ragged: spec.ragged,
        declared: if named { Header::default() } else { declared(&slots, &spec.columns)? },
        slots,
    })
}

fn heading(spec: &CsvSpec) -> Result<Heading, SpecError> {
    let Some(header) = &spec.header else {
        return Ok(if spec.columns.is_empty() { Heading::First } else { Heading::None });
    };
    Ok(match header.0.as_str() {
        "true" => Heading::First,
        "false" => Heading::None,
        "find" => Heading::Found,
        "repeated" => Heading::Repeated,
        mark if mark.starts_with(|c: char| c.is_ascii_punctuation()) => Heading::Marked(mark.to_owned()),
        other => {
            return Err(SpecError::new("csv.header", format!("`{other}` is no way to find a header")).hint(
                "write true, false, find, repeated, or what the rows begin with that name the columns, as \"#Fields:\"",
            ));
        }
    })
}

fn refuse_names(slots: &Slots) -> Result<(), SpecError> {
    let wrong = |name: &str| {
        Err(SpecError::new("csv.header", format!("a file without a header has no column `{name}`"))
            .hint("name the columns in order with `columns`, or use their numbers: `$1`, `$2`, …"))
    };
    match slots.names.first() {
        Some(name) => wrong(name),
        None if slots.stretches.iter().any(Stretch::is_named) => wrong("…"),
        None => Ok(()),
    }
}

fn declared(slots: &Slots, columns: &[String]) -> Result<Header, SpecError> {
    for (i, name) in columns.iter().enumerate() {
        if columns.iter().take(i).any(|earlier| earlier == name) {
            return Err(SpecError::new(format!("csv.columns[{i}]"), format!("there are two columns `{name}`")));
        }
    }
    if let Some(name) = slots.names.iter().find(|name| !columns.contains(name)) {
        let problem = SpecError::new("csv.columns", format!("the mapping uses a column `{name}` that is not declared"));
        return Err(problem.hint_near(name, columns.iter().map(String::as_str)));
    }
    Header::find(slots, columns.to_vec()).map_err(|error| SpecError::new("csv.columns", error.reason))
}

fn dialect(spec: &CsvSpec) -> Result<Dialect, SpecError> {
    let quote = match spec.quote.as_deref() {
        Some("none" | "") => None,
        quote => Some(character("csv.quote", quote.unwrap_or("\""))?),
    };
    let written = spec.delimiter.as_deref().unwrap_or(",");
    let (delimiter, separator) = match written {
        "whitespace" => (b' ', Separator::Blanks),
        text if text.chars().count() > 1 && text != "tab" => (0, wide(text)?),
        text => (character("csv.delimiter", text)?, Separator::Byte),
    };
    if separator == Separator::Byte && quote == Some(delimiter) {
        return Err(SpecError::new("csv.quote", "columns cannot be quoted and separated by the same character"));
    }
    let escape = spec.escape.as_deref().map(|escape| character("csv.escape", escape)).transpose()?;
    let line_end = match spec.line_end.as_deref() {
        None | Some("lf") => b'\n',
        Some("cr") => b'\r',
        Some(other) => character("csv.line-end", other)?,
    };
    // A quote that is escaped by itself is what every dialect has.
    let escape = escape.filter(|escape| quote != Some(*escape));
    Ok(Dialect { delimiter, quote, separator, escape, trim: spec.trim, line_end })
}

fn wide(text: &str) -> Result<Separator, SpecError> {
    let length = u8::try_from(text.len()).ok().filter(|length| *length <= 8);
    let wrong = || {
        SpecError::new("csv.delimiter", format!("`{text}` is longer than eight bytes, or holds a line end"))
            .hint("write it in quotes, as \";\", or write tab or whitespace")
    };
    let length = length.filter(|_| !text.contains(['\n', '\r'])).ok_or_else(wrong)?;
    Ok(Separator::Text { bytes: text.bytes().fold(0, |all, byte| (all << 8) | u64::from(byte)), length })
}

fn character(path: &str, written: &str) -> Result<u8, SpecError> {
    match written.as_bytes() {
        _ if written == "tab" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r') => Ok(*byte),
        _ => Err(SpecError::new(path, format!("`{written}` is not one ASCII character"))
            .hint("write it in quotes, as \";\", or write tab")),
    }
}
