//! `format: text`.

use regex::Regex;

use crate::column::{Header, NOWHERE, Slots};
use crate::error::SpecError;
use crate::source::Text;
use crate::spec::TextSpec;

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
