//! What the fields of some records probably are.

use std::collections::{BTreeMap, BTreeSet};

use metering::exact::Exact;

use super::layout::Cell;
use crate::moment::Guess;

/// Formats of times, in the order in which they are tried.
const FORMATS: [&str; 17] = [
    "rfc3339",
    "epoch-s",
    "epoch-ms",
    "epoch-us",
    "epoch-ns",
    "rfc2822",
    "%Y-%m-%d",
    "%d/%b/%Y:%H:%M:%S %z",
    "%Y-%m-%d %H:%M:%S +0000 UTC",
    "%Y-%m-%d %H:%M:%S UTC",
    "%Y/%m/%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y",
    "%Y%m%d",
    "%Y%m%d%H%M%S",
    "%b %d, %Y",
];

/// Words that names of fields hold, the most telling first.
const TIMES: [&str; 9] = ["timestamp", "interval_start", "periodstart", "start", "time", "ts", "date", "at", "end"];
const DEPLOYMENTS: [&str; 8] =
    ["deployment", "cluster", "site", "tenant", "account", "customer", "project", "instance"];
const SERIES: [&str; 7] = ["host", "node", "volume", "pod", "server", "device", "meter"];
const NUMBERS: [&str; 8] = ["id", "port", "pid", "status", "code", "version", "year", "uid"];

/// A field and all that was seen of it.
#[derive(Default)]
struct Seen {
    present: usize,
    absent: usize,
    texts: BTreeSet<String>,
    values: Vec<String>,
}

/// The time of a record.
pub(super) struct Time {
    pub(super) field: String,
    pub(super) format: &'static str,
    pub(super) needs_zone: bool,
}

/// A quantity.
pub(super) struct Number {
    pub(super) field: String,
    /// The digits behind the point that were seen.
    pub(super) scale: u32,
    pub(super) negative: bool,
    /// Whether records have none.
    pub(super) optional: bool,
}

/// What the fields probably are.
pub(super) struct Judged {
    pub(super) time: Option<Time>,
    pub(super) deployment: Option<String>,
    pub(super) series: Option<String>,
    pub(super) numbers: Vec<Number>,
    /// Texts that stand where numbers do.
    pub(super) absent: BTreeSet<String>,
    /// Every field.
    pub(super) all: Vec<String>,
}

/// Judges the fields of some records.
pub(super) fn judge(records: &[Vec<Cell>]) -> Judged {
    let fields = seen(records);
    let always = |seen: &Seen| seen.present == records.len();
    // What has no telling name is a time if it is written as no number is.
    let unnamed = || fields.iter().find(|(_, seen)| always(seen) && format_is_certain(seen)).map(|(name, _)| *name);
    let times = best(&fields, &TIMES, |seen| format(seen).is_some()).or_else(unnamed);
    let time = times.and_then(|field| {
        let (format, needs_zone) = format(fields.get(field)?)?;
        Some(Time { field: field.to_owned(), format, needs_zone })
    });
    let is_time = |name: &str| time.as_ref().is_some_and(|time| time.field == name);
    let deployment = best(&fields, &DEPLOYMENTS, always).filter(|name| !is_time(name)).map(str::to_owned);
    let taken = |name: &str| is_time(name) || deployment.as_deref() == Some(name);
    let series = best(&fields, &SERIES, always).filter(|name| !taken(name)).map(str::to_owned);
    let mut absent = BTreeSet::new();
    let mut numbers = Vec::new();
    for (name, seen) in &fields {
        if taken(name) || series.as_deref() == Some(*name) || holds(name, &NUMBERS).is_some() || format_is_certain(seen)
        {
            continue;
        }
        if let Some((number, none)) = number(name, seen, records.len()) {
            numbers.push(number);
            absent.extend(none);
        }
    }
    Judged { time, deployment, series, numbers, absent, all: fields.keys().map(|name| (*name).to_owned()).collect() }
}

fn seen(records: &[Vec<Cell>]) -> BTreeMap<&str, Seen> {
    let mut fields: BTreeMap<&str, Seen> = BTreeMap::new();
    for (name, text) in records.iter().flatten() {
        let seen = fields.entry(name).or_default();
        match text.as_deref() {
            None => seen.absent += 1,
            Some("") => {
                seen.absent += 1;
                seen.texts.insert(String::new());
            }
            Some(text) => {
                seen.present += 1;
                seen.values.push(text.to_owned());
            }
        }
    }
    fields
}

/// The field whose name holds the most telling word, of those that will do.
fn best<'f>(fields: &BTreeMap<&'f str, Seen>, words: &[&str], will_do: impl Fn(&Seen) -> bool) -> Option<&'f str> {
    let candidates = fields.iter().filter(|(_, seen)| seen.present > 0 && will_do(seen));
    candidates.filter_map(|(name, _)| Some((holds(name, words)?, *name))).min().map(|(_, name)| name)
}

/// Which of the words stands in a name, as a word of it or as its end.
fn holds(name: &str, words: &[&str]) -> Option<usize> {
    let lower = name.to_lowercase();
    let parts: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).collect();
    words.iter().position(|word| {
        parts.iter().any(|part| part == word)
            || (word.len() > 3 && lower.contains(word))
            || parts.join("_").ends_with(&format!("_{word}"))
    })
}

/// The format that all texts of a field have, and whether it needs a zone.
fn format(seen: &Seen) -> Option<(&'static str, bool)> {
    FORMATS.iter().find_map(|format| {
        let guess = Guess::new(format)?;
        let zones: Option<Vec<bool>> = seen.values.iter().map(|text| guess.needs_zone(text)).collect();
        Some((*format, zones?.contains(&true)))
    })
}

/// A time that is written as no number is.
fn format_is_certain(seen: &Seen) -> bool {
    let numbers = seen.values.iter().all(|text| Exact::parse(text).is_ok());
    !numbers && format(seen).is_some()
}

/// The number that a field holds, and the texts in it that mean that there is none.
fn number(name: &str, seen: &Seen, records: usize) -> Option<(Number, BTreeSet<String>)> {
    let mut absent = seen.texts.clone();
    let (mut scale, mut negative, mut found) = (0, false, 0);
    for text in &seen.values {
        let Ok(value) = Exact::parse(text) else {
            absent.insert(text.clone());
            continue;
        };
        scale = scale.max((0..=18).find(|scale| value.to_scaled(*scale).is_ok())?);
        negative = negative || value.is_negative();
        found += 1;
    }
    let usual =
        absent.iter().all(|text| ["", "-", "NULL", "null", "N/A", "n/a", "NaN", "None"].contains(&text.as_str()));
    let optional = seen.present + seen.absent < records;
    (found > 0 && usual).then_some((Number { field: name.to_owned(), scale, negative, optional }, absent))
}
