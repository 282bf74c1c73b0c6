//! `format`, `csv` and `text`.

use regex::Regex;

use crate::error::SpecError;
use crate::field::Slots;
use crate::row::Dialect;
use crate::source::{Csv, Format, Text};
use crate::spec::{CsvSpec, FormatName, SourceSpec, TextSpec};

/// Compiles the format for the columns that the mapping uses.
pub(super) fn compile(spec: &SourceSpec, slots: Slots) -> Result<Format, SpecError> {
    refuse_other("csv", spec.csv.is_some(), spec.format, FormatName::Csv)?;
    refuse_other("text", spec.text.is_some(), spec.format, FormatName::Text)?;
    match (spec.format, &spec.text) {
        (FormatName::JsonLines, _) => Ok(Format::JsonLines),
        (FormatName::JsonArray, _) => Ok(Format::JsonArray),
        (FormatName::Csv, _) => csv(&spec.csv.clone().unwrap_or_default(), slots).map(Format::Csv),
        (FormatName::Text, Some(spec)) => text(spec, &slots).map(Format::Text),
        (FormatName::Text, None) => Err(SpecError::new("format", "`format: text` needs `text` with a `pattern`")
            .hint(r"write for example `text: {pattern: '^(?<time>\S+) (?<bytes>\d+)$'}`")),
    }
}

fn refuse_other(section: &str, is_set: bool, format: FormatName, its: FormatName) -> Result<(), SpecError> {
    if is_set && format != its {
        return Err(SpecError::new(section, format!("`{section}` belongs to `format: {section}`"))
            .hint("remove one of the two"));
    }
    Ok(())
}

fn csv(spec: &CsvSpec, slots: Slots) -> Result<Csv, SpecError> {
    let delimiter = character("csv.delimiter", spec.delimiter.as_deref().unwrap_or(","))?;
    let quote = match spec.quote.as_deref() {
        Some("none" | "") => None,
        quote => Some(character("csv.quote", quote.unwrap_or("\""))?),
    };
    if quote == Some(delimiter) {
        return Err(SpecError::new("csv.quote", "columns cannot be quoted and separated by the same character"));
    }
    let header = spec.header.unwrap_or(spec.columns.is_empty());
    if header && !spec.columns.is_empty() {
        return Err(SpecError::new(
            "csv.columns",
            "the columns are named by the header; `columns` is for files without one",
        )
        .hint("remove one of `columns` and `header: true`"));
    }
    if !header && spec.columns.is_empty() && !slots.names.is_empty() {
        return Err(nameless(&slots));
    }
    if !header && !spec.columns.is_empty() && slots.highest > spec.columns.len() {
        return Err(SpecError::new("csv.columns", format!("`${}` is beyond the columns declared", slots.highest)));
    }
    let columns = if header { Vec::new() } else { places(&slots, &spec.columns)? };
    Ok(Csv {
        dialect: Dialect { delimiter, quote },
        skip: spec.skip_rows,
        header,
        width: (!spec.columns.is_empty()).then_some(spec.columns.len()),
        highest: slots.highest,
        names: slots.names,
        columns,
    })
}

fn nameless(slots: &Slots) -> SpecError {
    let name = slots.names.first().map_or("", String::as_str);
    SpecError::new("csv.header", format!("a file without a header has no column `{name}`"))
        .hint("name the columns in order with `columns`, or use their numbers: `$1`, `$2`, …")
}

fn places(slots: &Slots, columns: &[String]) -> Result<Vec<usize>, SpecError> {
    for (i, name) in columns.iter().enumerate() {
        if columns.iter().take(i).any(|earlier| earlier == name) {
            return Err(SpecError::new(format!("csv.columns[{i}]"), format!("there are two columns `{name}`")));
        }
    }
    let place = |name: &String| {
        columns.iter().position(|column| column == name).ok_or_else(|| {
            let problem =
                SpecError::new("csv.columns", format!("the mapping uses a column `{name}` that is not declared"));
            problem.hint_near(name, columns.iter().map(String::as_str))
        })
    };
    slots.names.iter().map(place).collect()
}

fn character(path: &str, written: &str) -> Result<u8, SpecError> {
    match written.as_bytes() {
        _ if written == "tab" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r') => Ok(*byte),
        _ => Err(SpecError::new(path, format!("`{written}` is not one ASCII character"))
            .hint("write it in quotes, as \";\", or write tab")),
    }
}

fn text(spec: &TextSpec, slots: &Slots) -> Result<Text, SpecError> {
    let pattern = Regex::new(&spec.pattern)
        .map_err(|error| SpecError::new("text.pattern", format!("it is no regular expression: {error}")))?;
    let place = |name: &String| {
        pattern.capture_names().position(|group| group == Some(name)).ok_or_else(|| {
            let problem = SpecError::new(
                "text.pattern",
                format!("the mapping uses a group `(?<{name}>…)` that the pattern has not"),
            );
            problem.hint_near(name, pattern.capture_names().flatten().collect::<Vec<_>>().into_iter())
        })
    };
    let columns = slots.names.iter().map(place).collect::<Result<_, _>>()?;
    Ok(Text { columns, skip: spec.skip_lines, pattern })
}
