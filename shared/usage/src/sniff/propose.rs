//! The proposal as YAML.

use std::fmt::Write;

use super::fields::{Judged, Number};
use super::layout::Layout;

/// So many quantities are proposed; there may be more fields that hold numbers.
const QUANTITIES: usize = 12;

/// Writes the source, and a stream for each of its quantities.
pub(super) fn write(name: &str, layout: &Layout, judged: &Judged) -> String {
    let source = word(name.split('.').next().unwrap_or_default(), "usage-files");
    let mut yaml = format!(
        "# Begun by looking at {}. What is marked with `look` is a guess.\n# The fields seen: {}\n\nstreams:\n",
        one_line(name),
        one_line(&judged.all.join(", "))
    );
    let quantities: Vec<(String, &Number)> = judged
        .numbers
        .iter()
        .take(QUANTITIES)
        .map(|number| (word(&format!("{source}-{}", number.field), "quantity"), number))
        .collect();
    let records = format!("{source}-records");
    for (stream, number) in &quantities {
        let negative = if number.negative { ", negative: allow" } else { "" };
        let _ = writeln!(
            yaml,
            "# look: the unit; `kind: gauge` for what is in use now, `cumulative` for counters that only grow\n- {{name: {stream}, title: {}, unit: unit, scale: {}, kind: delta, day: sum, month: sum{negative}}}",
            text(&number.field),
            number.scale.max(3)
        );
    }
    let _ = writeln!(
        yaml,
        "- {{name: {records}, title: Records, unit: record, scale: 0, kind: delta, day: sum, month: sum}}"
    );
    let _ = write!(
        yaml,
        "\nsources:\n- name: {source}\n  # look: which objects; a capture such as {{site}} can be the deployment\n  objects: \"{source}/**\"\n"
    );
    layout.yaml.lines().for_each(|line| {
        let _ = writeln!(yaml, "  {line}");
    });
    yaml.push_str(&deployment(judged));
    yaml.push_str(&time(judged));
    if !judged.absent.is_empty() {
        let texts: Vec<String> = judged.absent.iter().map(|text| self::text(text)).collect();
        let _ = writeln!(yaml, "  absent: [{}]", texts.join(", "));
    }
    yaml.push_str("  usage:\n");
    let series = judged.series.as_ref().map_or(String::new(), |field| format!(", series: {}", text(field)));
    for (stream, number) in &quantities {
        let optional = if number.optional { ", optional: true" } else { "" };
        let _ = writeln!(yaml, "  - {{stream: {stream}, quantity: {}{series}{optional}}}", text(&number.field));
    }
    let _ = writeln!(yaml, "  - {{stream: {records}, quantity: 1{series}}}");
    yaml
}

fn deployment(judged: &Judged) -> String {
    match &judged.deployment {
        Some(field) => format!("  # look: whose usage it is\n  deployment: {{field: {}}}\n", text(field)),
        None => "  # look: no field says whose usage it is; prefer a capture of `objects`\n  deployment: {value: unknown-deployment}\n".to_owned(),
    }
}

fn time(judged: &Judged) -> String {
    match &judged.time {
        Some(time) => {
            let zone = if time.needs_zone { ", zone: UTC" } else { "" };
            let look = if time.needs_zone {
                "look: the zone, which the times do not name"
            } else {
                "look: whether this is when it was used"
            };
            format!("  # {look}\n  time: {{field: {}, format: {}{zone}}}\n", text(&time.field), text(time.format))
        }
        None => {
            let field = judged.all.first().map_or("time", String::as_str);
            format!(
                "  # look: no field holds a time that is known; records are rejected until one is named\n  time: {{field: {}, format: rfc3339}}\n",
                text(field)
            )
        }
    }
}

/// A text in double quotes, which JSON and YAML read alike.
fn text(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A name for the catalogue, made of letters, digits and `-`.
fn word(text: &str, otherwise: &str) -> String {
    let lower = text.to_lowercase();
    let parts: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { otherwise.to_owned() } else { parts.join("-") }
}
