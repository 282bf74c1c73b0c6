//! Pairs of keys and values, and the text of a metrics endpoint.

use regex::Regex;

use super::layout::{Cell, Layout, RECORDS, quoted};

/// A pair of logfmt.
const PAIR: &str = r#"([^\s="]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))(?:\s|$)"#;

/// A sample of a metrics endpoint.
const SAMPLE: &str = r#"^([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{(.*)\})?\s+(\S+)(?:\s+(\d+(?:\.\d+)?))?$"#;

/// A label of one.
const LABEL: &str = r#"([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)""#;

/// Lines made of pairs, two at least.
pub(super) fn logfmt(text: &str) -> Option<Layout> {
    let pair = Regex::new(PAIR).ok()?;
    let (mut lines, mut records) = (0, Vec::new());
    for line in text.lines().filter(|line| !line.trim().is_empty()).take(RECORDS) {
        lines += 1;
        let mut cells: Vec<Cell> = Vec::new();
        for found in pair.captures_iter(line) {
            let text = |group| found.get(group).map(|text| text.as_str().to_owned());
            cells.push((quoted(&text(1)?), text(2).or_else(|| text(3))));
        }
        let covered: usize = pair.find_iter(line).map(|found| found.len()).sum();
        if cells.len() > 1 && covered >= line.trim().len() {
            records.push(cells);
        }
    }
    let yaml = "format: logfmt\n".to_owned();
    (!records.is_empty() && records.len() * 10 >= lines * 9).then_some(Layout { yaml, records })
}

/// Samples with labels, or comments that say what metrics are.
pub(super) fn prometheus(text: &str) -> Option<Layout> {
    let (sample, label) = (Regex::new(SAMPLE).ok()?, Regex::new(LABEL).ok()?);
    let (mut lines, mut telling, mut records) = (0, false, Vec::new());
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()).take(RECORDS) {
        if line.starts_with('#') {
            telling = telling || line.starts_with("# TYPE ");
            continue;
        }
        lines += 1;
        let Some(found) = sample.captures(line) else { continue };
        let text = |group| found.get(group).map(|text| text.as_str().to_owned());
        telling = telling || found.get(2).is_some();
        let mut cells: Vec<Cell> = vec![("name".to_owned(), text(1)), ("value".to_owned(), text(3))];
        cells.extend(text(4).map(|time| ("timestamp".to_owned(), Some(time))));
        for pair in label.captures_iter(found.get(2).map_or("", |labels| labels.as_str())) {
            cells.push((format!("labels.{}", pair.get(1)?.as_str()), pair.get(2).map(|text| text.as_str().to_owned())));
        }
        records.push(cells);
    }
    let yaml = "format: prometheus\n".to_owned();
    (telling && !records.is_empty() && records.len() * 10 >= lines * 9).then_some(Layout { yaml, records })
}
