//! `format`, the section of its name, and `lines`.

mod csv;
mod nested;
mod text;

use crate::error::SpecError;
use crate::field::Scope;
use crate::source::{Csv, Format, Heading};
use crate::spec::{FormatName, SourceSpec};
use crate::split::Lines;

/// Compiles the format for the columns that the mapping uses and the values that are carried.
pub(super) fn compile(spec: &SourceSpec, scope: Scope<'_>) -> Result<Format, SpecError> {
    let (slots, carried) = (scope.slots.unwrap_or_default(), &scope.carried);
    refuse_other("csv", spec.csv.is_some(), spec.format, FormatName::Csv)?;
    refuse_other("text", spec.text.is_some(), spec.format, FormatName::Text)?;
    refuse_other("json", spec.json.is_some(), spec.format, FormatName::Json)?;
    refuse_other("key-value", spec.key_value.is_some(), spec.format, FormatName::KeyValue)?;
    refuse_other("fixed-width", spec.fixed_width.is_some(), spec.format, FormatName::FixedWidth)?;
    refuse_other("xml", spec.xml.is_some(), spec.format, FormatName::Xml)?;
    match spec.format {
        FormatName::JsonLines => Ok(Format::JsonLines),
        FormatName::JsonArray => Ok(Format::JsonArray),
        FormatName::Json => nested::json(&spec.json.clone().unwrap_or_default(), carried).map(Format::Json),
        FormatName::Csv => csv::compile(&spec.csv.clone().unwrap_or_default(), slots).map(Format::Csv),
        FormatName::Text => text::compile(spec.text.as_ref(), &slots).map(Format::Text),
        FormatName::KeyValue => text::pairs(&spec.key_value.clone().unwrap_or_default()).map(Format::KeyValue),
        FormatName::FixedWidth => text::fixed_width(spec.fixed_width.as_ref(), &slots).map(Format::FixedWidth),
        FormatName::Prometheus => Ok(Format::Prometheus),
        FormatName::Parquet => Ok(Format::Parquet(scope.roots)),
        FormatName::Xml => nested::xml(spec.xml.as_ref(), carried).map(Format::Xml),
    }
}

fn refuse_other(section: &str, is_set: bool, format: FormatName, its: FormatName) -> Result<(), SpecError> {
    if is_set && format != its {
        return Err(SpecError::new(section, format!("`{section}` belongs to `format: {section}`"))
            .hint("remove one of the two"));
    }
    Ok(())
}

/// Compiles which lines are records.
pub(super) fn lines(spec: &SourceSpec, format: Option<&Format>) -> Result<Lines, SpecError> {
    let Some(lines) = &spec.lines else { return Ok(Lines::default()) };
    let whole = matches!(spec.format, FormatName::JsonArray | FormatName::Json | FormatName::Xml | FormatName::Parquet);
    if whole {
        return Err(SpecError::new("lines", "the records of this format are no lines").hint("remove it"));
    }
    let joined = lines.start.as_ref().or(lines.end.as_ref());
    let joins = matches!(spec.format, FormatName::Text | FormatName::KeyValue | FormatName::FixedWidth);
    if joined.is_some() && !joins {
        return Err(SpecError::new("lines", "`start` and `end` join lines of text, not rows or JSON values"));
    }
    let pattern = |name: &str, written: &Option<String>| {
        let regex = written.as_deref().map(regex::bytes::Regex::new).transpose();
        regex.map_err(|error| SpecError::new(format!("lines.{name}"), format!("it is no regular expression: {error}")))
    };
    let keep = match format {
        Some(Format::Csv(Csv { heading: Heading::Marked(mark), .. })) => Some(mark.clone()),
        _ => None,
    };
    Ok(Lines {
        skip: lines.skip,
        skip_last: last(lines.skip_last)?,
        ignore: pattern("ignore", &lines.ignore)?,
        keep,
        start: pattern("start", &lines.start)?,
        end: pattern("end", &lines.end)?,
    })
}

/// They are held until it is known that they are the last.
fn last(count: u64) -> Result<usize, SpecError> {
    const MOST: usize = 1_000;
    let count = usize::try_from(count).ok().filter(|count| *count <= MOST);
    count
        .ok_or_else(|| SpecError::new("lines.skip-last", format!("at most {MOST} lines can be passed over at the end")))
}
