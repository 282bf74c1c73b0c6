//! What the dry run says, as tables or as JSON.

use std::collections::BTreeMap;
use std::fmt::Write;

use comfy_table::Cell;
use metering::exact::{Exact, decimal_text};
use metering::state::{State, Summary};
use metering::stream::Stream;
use metering::tally::{Cells, Counts};
use metering::time::Quarter;
use serde::Serialize;
use usage::{Reject, Shown, Translation, Unreadable};

use crate::report::{right, table};

/// So many characters of a rejected record are shown.
const TEXT: usize = 100;

/// What is known besides the outcome.
pub struct Dry<'d> {
    /// The key under which the file was read.
    pub key: &'d str,
    /// The source that read it.
    pub source: &'d str,
    /// For their units.
    pub streams: &'d BTreeMap<String, Stream>,
    /// How many rejects are shown.
    pub show: usize,
}

/// All that a file gives for one stream.
struct Total {
    scale: u32,
    summary: Summary,
    series: usize,
    cells: usize,
    first: Quarter,
    last: Quarter,
}

/// The whole, as JSON has it.
#[derive(Serialize)]
struct Whole<'d> {
    key: &'d str,
    source: &'d str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<&'d str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quarantine: Option<&'d str>,
    counts: Counts,
    events: Vec<EventRow<'d>>,
    streams: BTreeMap<&'d str, StreamRow>,
    rejects: Vec<RejectRow<'d>>,
}

#[derive(Serialize)]
struct EventRow<'d> {
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<&'d str>,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    deployment: &'d str,
    stream: &'d str,
    series: &'d str,
    dimensions: &'d BTreeMap<String, String>,
    quantity: String,
}

#[derive(Serialize)]
struct StreamRow {
    unit: String,
    events: u64,
    sum: String,
    least: String,
    peak: String,
    series: usize,
    cells: usize,
    from: String,
    until: String,
}

#[derive(Serialize)]
struct RejectRow<'d> {
    record: u64,
    line: u64,
    offset: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<&'d str>,
    reason: &'d str,
    text: String,
}

impl Dry<'_> {
    /// For the terminal.
    pub fn text(&self, outcome: &Result<Translation, Unreadable>) -> String {
        let mut text = format!("{}, read by source `{}`\n", self.key, self.source);
        let translation = match outcome {
            Ok(translation) => translation,
            Err(unreadable) => {
                return format!("{text}\nit cannot be read, and nothing of it would count: {}", unreadable.reason);
            }
        };
        if !translation.shown.is_empty() {
            let _ = write!(text, "\nthe first events:\n{}\n", self.events(&translation.shown));
        }
        let totals = totals(&translation.tally.cells);
        if !totals.is_empty() {
            let _ = write!(text, "\nin all:\n{}\n", self.totals(&totals));
        }
        let _ = write!(text, "\n{}", counted(&translation.tally.counts));
        for reject in translation.rejects.iter().take(self.show) {
            let _ = write!(text, "\n{}", told(reject));
        }
        if let Some(more) = translation
            .tally
            .counts
            .rejected
            .checked_sub(length(translation.rejects.len().min(self.show)))
            .filter(|more| *more > 0)
        {
            let _ = write!(text, "\n  and {more} more");
        }
        if let Some(reason) = &translation.quarantine {
            let _ = write!(text, "\n\nthe file would be held back, and nothing of it count: {reason}");
        }
        text
    }

    fn events(&self, shown: &[Shown]) -> String {
        let mut table = table(&["line", "time (UTC)", "deployment", "stream", "series", "dimensions", "quantity"]);
        for Shown { line, key, at, until, value, .. } in shown {
            let dimensions: Vec<String> =
                key.dimensions.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let time = until.map_or(at.to_string(), |until| format!("{at}\nuntil {until}"));
            table.add_row(vec![
                right(line.to_string()),
                Cell::new(time),
                Cell::new(&key.deployment),
                Cell::new(&key.stream),
                Cell::new(&key.series),
                Cell::new(dimensions.join("\n")),
                right(format!("{} {}", number(*value, key.scale), self.unit(&key.stream))),
            ]);
        }
        table.to_string()
    }

    fn totals(&self, totals: &BTreeMap<&str, Total>) -> String {
        let mut table = table(&["stream", "events", "sum", "least", "peak", "series", "from (UTC)", "until (UTC)"]);
        for (stream, total) in totals {
            let Summary { count, sum, peak, least } = total.summary;
            let kept = |value: i128| right(number(value, total.scale));
            table.add_row(vec![
                Cell::new(format!("{stream} ({})", self.unit(stream))),
                right(count.to_string()),
                kept(sum),
                kept(least),
                kept(peak.value),
                right(total.series.to_string()),
                Cell::new(total.first.start().to_string()),
                Cell::new(end(total.last)),
            ]);
        }
        table.to_string()
    }

    fn unit(&self, stream: &str) -> &str {
        self.streams.get(stream).map_or("", |stream| stream.unit.as_str())
    }

    /// For programs.
    pub fn json(&self, outcome: &Result<Translation, Unreadable>) -> String {
        let nothing = Translation::default();
        let (translation, unreadable) = match outcome {
            Ok(translation) => (translation, None),
            Err(unreadable) => (&nothing, Some(unreadable.reason.as_str())),
        };
        let streams = totals(&translation.tally.cells);
        let whole = Whole {
            key: self.key,
            source: self.source,
            unreadable,
            quarantine: translation.quarantine.as_deref(),
            counts: translation.tally.counts,
            events: translation.shown.iter().map(event_row).collect(),
            streams: streams.iter().map(|(name, total)| (*name, self.stream_row(name, total))).collect(),
            rejects: translation.rejects.iter().take(self.show).map(reject_row).collect(),
        };
        serde_json::to_string_pretty(&whole).unwrap_or_default()
    }

    fn stream_row(&self, name: &str, total: &Total) -> StreamRow {
        let Summary { count, sum, peak, least } = total.summary;
        StreamRow {
            unit: self.unit(name).to_owned(),
            events: count,
            sum: number(sum, total.scale),
            least: number(least, total.scale),
            peak: number(peak.value, total.scale),
            series: total.series,
            cells: total.cells,
            from: total.first.start().to_string(),
            until: end(total.last),
        }
    }
}

fn event_row(Shown { member, line, key, at, until, value }: &Shown) -> EventRow<'_> {
    EventRow {
        line: *line,
        member: member.as_deref(),
        at: at.to_string(),
        until: until.map(|until| until.to_string()),
        deployment: &key.deployment,
        stream: &key.stream,
        series: &key.series,
        dimensions: &key.dimensions,
        quantity: number(*value, key.scale),
    }
}

fn reject_row(reject: &Reject) -> RejectRow<'_> {
    RejectRow {
        record: reject.record,
        line: reject.line,
        offset: reject.offset,
        member: reject.member.as_deref(),
        reason: &reject.reason,
        text: String::from_utf8_lossy(&reject.bytes).into_owned(),
    }
}

/// What the cells come to, by stream. A stream that does not add up within 127 bits is left out.
fn totals(cells: &Cells) -> BTreeMap<&str, Total> {
    let mut totals: BTreeMap<&str, Total> = BTreeMap::new();
    for (key, quarters) in &cells.0 {
        let states = quarters.iter().filter_map(|(quarter, state)| Some((*quarter, summary(state)?)));
        let mut fresh = true;
        for (quarter, summary) in states {
            match totals.get_mut(key.stream.as_str()) {
                Some(total) => {
                    total.series += usize::from(fresh);
                    total.cells += 1;
                    (total.first, total.last) = (total.first.min(quarter), total.last.max(quarter));
                    let _ = total.summary.merge(&summary);
                }
                None => {
                    let total = Total { scale: key.scale, summary, series: 1, cells: 1, first: quarter, last: quarter };
                    totals.insert(&key.stream, total);
                }
            }
            fresh = false;
        }
    }
    totals
}

fn summary(state: &State) -> Option<Summary> {
    state.summary().ok().flatten()
}

fn end(last: Quarter) -> String {
    Quarter(last.0.saturating_add(1)).start().to_string()
}

fn number(value: i128, scale: u32) -> String {
    Exact::decimal(value, scale).map_or_else(|_| decimal_text(value, scale), |exact| exact.display(scale))
}

fn counted(counts: &Counts) -> String {
    let Counts { records, tallied, filtered, rejected, repeated, events } = counts;
    let repeated = if *repeated > 0 { format!(", {repeated} repeated") } else { String::new() };
    format!(
        "{records} records: {tallied} tallied with {events} events, {filtered} filtered, {rejected} rejected{repeated}"
    )
}

fn told(reject: &Reject) -> String {
    let text = String::from_utf8_lossy(&reject.bytes);
    let text: String = text.chars().take(TEXT).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let member = reject.member.as_deref().map_or(String::new(), |member| format!("{member}, "));
    format!("  {member}line {}: {}\n      {text}", reject.line, reject.reason)
}

fn length(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
