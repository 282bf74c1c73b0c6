//! `format: text`, `key-value` and `fixed-width`.

use regex::Regex;

use crate::column::{Header, NOWHERE, Slots};
use crate::error::SpecError;
use crate::pairs::Pairs;
use crate::source::{FixedWidth, Text};
use crate::spec::{FixedWidthSpec, KeyValueSpec, TextSpec};

pub(super) fn compile(spec: Option<&TextSpec>, slots: &Slots) -> Result<Text, SpecError> {
    let spec = spec.ok_or_else(|| {
        SpecError::new("format", "`format: text` needs `text` with a `pattern`")
            .hint(r"write for example `text: {pattern: '^(?<time>\S+) (?<bytes>\d+)$'}`")
    })?;
    let pattern = Regex::new(&spec.pattern)
        .map_err(|error| SpecError::new("text.pattern", format!("it is no regular expression: {error}")))?;
    let groups: Vec<Option<&str>> = pattern.capture_names().collect();
    let place = |name: &String| groups.iter().position(|group| *group == Some(name.as_str()));
    if let Some(name) = slots.names.iter().find(|name| place(name).is_none()) {
        let problem =
            SpecError::new("text.pattern", format!("the mapping uses a group `(?<{name}>…)` that the pattern has not"));
        return Err(problem.hint_near(name, groups.iter().copied().flatten()));
    }
    let columns = slots.names.iter().map(|name| place(name).unwrap_or(NOWHERE)).collect();
    Ok(Text { groups: Header { columns, ..Header::default() }, pattern })
}

pub(super) fn pairs(spec: &KeyValueSpec) -> Result<Pairs, SpecError> {
    let between = match spec.between.as_deref() {
        None | Some("whitespace") => None,
        Some("tab") => Some("\t"),
        Some("newline") => Some("\n"),
        Some(text) => Some(text),
    };
    let pair = spec.pair.as_deref().unwrap_or("=");
    if pair.is_empty() || between == Some("") || between == Some(pair) {
        return Err(SpecError::new("key-value", "`pair` and `between` are two different texts that are not empty"));
    }
    let pattern = |name: &str, written: Option<&str>| {
        let regex = written.map(Regex::new).transpose();
        regex.map_err(|error| {
            SpecError::new(format!("key-value.{name}"), format!("it is no regular expression: {error}"))
        })
    };
    let before = pattern("before", spec.before.as_deref())?;
    // It is asked only whether it begins here: searching on from every pair would take too long.
    pattern("behind", spec.behind.as_deref())?;
    let behind = pattern("behind", spec.behind.as_ref().map(|behind| format!("^(?:{behind})")).as_deref())?;
    Ok(Pairs { pair: pair.to_owned(), between: between.map(str::to_owned), before, behind })
}

pub(super) fn fixed_width(spec: Option<&FixedWidthSpec>, slots: &Slots) -> Result<FixedWidth, SpecError> {
    let spec = spec.ok_or_else(|| {
        SpecError::new("format", "`format: fixed-width` needs `fixed-width` with its `columns`")
            .hint("write for example `fixed-width: {columns: {host: 1-10, bytes: 12-20}}`")
    })?;
    let mut places = Vec::new();
    for name in &slots.names {
        let Some(written) = spec.columns.get(name) else {
            let problem = SpecError::new(
                "fixed-width.columns",
                format!("the mapping uses a column `{name}` that is not declared"),
            );
            return Err(problem.hint_near(name, spec.columns.keys().map(String::as_str)));
        };
        let place = span(&written.0).ok_or_else(|| {
            SpecError::new(format!("fixed-width.columns.{name}"), format!("`{}` is no place in a line", written.0))
                .hint("write the first and the last character, counted from 1: `1-10`, `11`, `12-`")
        })?;
        places.push(place);
    }
    let columns = (0..places.len()).collect();
    Ok(FixedWidth { places, header: Header { columns, ..Header::default() } })
}

/// `1-10`, `11`, `12-`, counted from 1: the first character, from 0, and the one behind the last.
fn span(written: &str) -> Option<(usize, Option<usize>)> {
    let number = |text: &str| text.trim().parse::<usize>().ok().filter(|number| *number > 0);
    let (first, last) = match written.split_once('-') {
        None => (number(written)?, Some(number(written)?)),
        Some((first, "")) => (number(first)?, None),
        Some((first, last)) => (number(first)?, Some(number(last)?)),
    };
    last.is_none_or(|last| last >= first).then_some((first - 1, last))
}
