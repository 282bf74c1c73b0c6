//! What `farthing explain` tells, as tables for a terminal.

use std::fmt::Write;

use comfy_table::Cell;
use pricing::text::grouped;

use super::told::{ChangeRow, CorrectionRow, FileRow, Listed, PricedRow, RecordsOfFile, Sum, Told, ToldLine, Usage};
use crate::report::{right, table};

/// So many characters of a record are shown.
const RECORD: usize = 100;

/// So much of a hash is shown; `--json` has all of it.
const HASH: usize = 12;

/// The whole.
pub fn text(told: &Told) -> String {
    let Told { invoice, account, period, total, currency, .. } = told;
    let mut out = format!("invoice {invoice} of {account} for {period}: {} {currency}\n", grouped(total));
    for row in &told.taxes {
        let _ = writeln!(out, "  {row}");
    }
    let hops = [
        ("document", &told.document),
        ("catalogue", &told.catalogue),
        ("directory", &told.directory),
        ("manifest", &told.manifest),
    ];
    for (name, hash) in hops {
        let _ = writeln!(out, "  {name:<10} {hash}");
    }
    told.lines.iter().for_each(|told| line(&mut out, told));
    out.truncate(out.trim_end().len());
    out
}

fn line(out: &mut String, told: &ToldLine) {
    let detail = told.detail.as_ref().map_or_else(String::new, |detail| format!(" ({detail})"));
    let taxed = if told.taxed.is_empty() { String::new() } else { format!(", taxed at {}", told.taxed.join(" and ")) };
    let _ = writeln!(
        out,
        "\nline {}: {}{detail}, {}: {}{taxed}",
        told.line,
        told.title,
        told.period,
        grouped(&told.amount)
    );
    if !told.steps.is_empty() {
        let mut steps = table(&["step", "quantity", "price", "amount"]);
        for step in &told.steps {
            let number = |text: &Option<String>| right(text.as_deref().map(grouped).unwrap_or_default());
            let numbers = [number(&step.quantity), number(&step.unit_price), number(&step.amount)];
            steps.add_row([Cell::new(escaped(&step.text, usize::MAX))].into_iter().chain(numbers));
        }
        let _ = writeln!(out, "{steps}");
    }
    if let Some(usage) = &told.usage {
        match &usage.corrects {
            Some(correction) => corrects(out, usage, correction),
            None => files(out, usage),
        }
        usage.records.iter().for_each(|found| records(out, found));
    }
}

/// Where the usage of a line comes from.
fn files(out: &mut String, usage: &Usage) {
    let mut rollups = table(&["rollup of files that arrived", "object", "files", "samples", "sum"]);
    for row in &usage.rollups.shown {
        let object = row.object.rsplit('/').next().unwrap_or_default();
        let cells = [Cell::new(format!("{} {}", row.source, row.arrived)), Cell::new(short(object))];
        rollups.add_row(cells.into_iter().chain([right(row.files.to_string())]).chain(numbers(&row.brought)));
    }
    more(&mut rollups, &usage.rollups, 2);
    let mut files = table(&["file", "version", "etag", "sha256", "samples", "sum"]);
    for row in &usage.files.shown {
        let cells = [Cell::new(escaped(&row.key, usize::MAX)), right(row.version.to_string())];
        let hashes = [Cell::new(etag(row)), Cell::new(short(&row.sha256))];
        files.add_row(cells.into_iter().chain(hashes).chain(numbers(&row.brought)));
    }
    more(&mut files, &usage.files, 3);
    let total = [Cell::new("all files"), Cell::new(""), Cell::new(""), Cell::new("")];
    files.add_row(total.into_iter().chain(numbers(&usage.total)));
    let _ = write!(out, "{} ({})\n{rollups}\n{files}\n{}\n", usage.stream, usage.unit, conclusion(usage));
}

/// What pricing the files alone comes to.
fn conclusion(usage: &Usage) -> String {
    let lines: Vec<String> = usage.lines.iter().map(u32::to_string).collect();
    let of = if lines.len() == 1 { format!("line {}", lines.concat()) } else { format!("lines {}", lines.join(", ")) };
    if usage.adds_up {
        format!("priced from these files alone: {}; that is {of}", priced(&usage.priced))
    } else {
        format!("priced from these files alone: {}; that is NOT {of}", priced(&usage.priced))
    }
}

fn priced(rows: &[PricedRow]) -> String {
    let told = rows.iter().map(|row| match &row.quantity {
        Some(quantity) => format!("{} at {}", grouped(quantity), grouped(&row.amount)),
        None => grouped(&row.amount),
    });
    let all: Vec<String> = told.collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
}

/// The difference of two manifests.
fn corrects(out: &mut String, usage: &Usage, correction: &CorrectionRow) {
    let since = correction.invoice.as_ref().map_or_else(
        || "no invoice charged for it before".to_owned(),
        |invoice| format!("files that count otherwise than on {invoice}"),
    );
    let mut changes = table(&["file", "", "was", "is", "difference"]);
    for row in &correction.changes.shown {
        changes.add_row(change(row));
    }
    if correction.changes.more > 0 {
        let sum = correction.changes.of_more.as_ref().map_or("", |sum| sum.sum.as_str());
        let name = Cell::new(format!("and {} more", correction.changes.more));
        changes.add_row([name, "".into(), "".into(), "".into(), right(grouped(sum))]);
    }
    changes.add_row([
        Cell::new("all files"),
        Cell::new(""),
        right(grouped(&correction.was.sum)),
        right(grouped(&usage.total.sum)),
        Cell::new(""),
    ]);
    let (was, is) = (priced(&correction.was_priced), priced(&usage.priced));
    let ends =
        if usage.adds_up { "all that was charged comes to that" } else { "what was charged does NOT come to that" };
    let _ = write!(
        out,
        "{} ({}): {since}\n{changes}\nthe price of those files was {was}; the price of these is {is}; {ends}\n",
        usage.stream, usage.unit
    );
}

fn change(row: &ChangeRow) -> Vec<Cell> {
    let sum = |file: &Option<FileRow>| file.as_ref().map_or("nothing".to_owned(), |file| grouped(&file.brought.sum));
    let key = Cell::new(escaped(&row.key, usize::MAX));
    vec![key, Cell::new(row.what), right(sum(&row.was)), right(sum(&row.is)), right(grouped(&row.difference))]
}

fn records(out: &mut String, found: &RecordsOfFile) {
    let key = escaped(&found.key, usize::MAX);
    if let Some(why) = found.untold {
        let _ = writeln!(out, "the records of {key} cannot be told: {why}");
        return;
    }
    let mut rows = table(&["line", "byte", "record", "samples", "sum"]);
    for row in &found.records.shown {
        let member = row.member.as_ref().map_or_else(String::new, |member| format!("{}: ", escaped(member, RECORD)));
        let place = [right(row.line.to_string()), right(row.offset.to_string())];
        let record = Cell::new(format!("{member}{}", escaped(row.text.trim_end(), RECORD)));
        rows.add_row(place.into_iter().chain([record]).chain(numbers(&row.brought)));
    }
    more(&mut rows, &found.records, 2);
    let total = [Cell::new(""), Cell::new(""), Cell::new("all records")];
    rows.add_row(total.into_iter().chain(numbers(&found.total)));
    let ends = if found.adds_up { "" } else { "\nthese are NOT what the file was counted as" };
    let _ = writeln!(out, "records of {key}\n{rows}{ends}");
}

fn numbers(sum: &Sum) -> [Cell; 2] {
    [right(grouped(&sum.samples.to_string())), right(grouped(&sum.sum))]
}

/// A row for what is not shown; `behind` columns stand between its name and its numbers.
fn more<T>(rows: &mut comfy_table::Table, listed: &Listed<T>, behind: usize) {
    let Some(sum) = &listed.of_more else { return };
    let name = [Cell::new(format!("and {} more", listed.more))];
    rows.add_row(name.into_iter().chain(std::iter::repeat_n(Cell::new(""), behind)).chain(numbers(sum)));
}

fn etag(row: &FileRow) -> String {
    row.etags.iter().map(|etag| short(etag)).collect::<Vec<_>>().join("\n")
}

fn short(hash: &str) -> &str {
    let name = hash.trim_end_matches(".json");
    name.get(..HASH).unwrap_or(name)
}

/// Text that does nothing to a terminal, and has an end.
fn escaped(text: &str, most: usize) -> String {
    let mut out = String::new();
    let mut letters = text.chars();
    for letter in letters.by_ref().take(most) {
        // Overrides of the direction of writing could make a record read otherwise than it is.
        let hidden = matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if letter.is_control() || hidden || letter == '\u{feff}' {
            let _ = write!(out, "{}", letter.escape_default());
        } else {
            out.push(letter);
        }
    }
    if letters.next().is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_cannot_speak_to_the_terminal_or_stand_on_its_head() {
        assert_eq!(escaped("a\u{1b}[2Jb\tc\u{202e}d é", 100), "a\\u{1b}[2Jb\\tc\\u{202e}d é");
        assert_eq!(escaped("abcdef", 3), "abc…");
        assert_eq!(escaped("abc", 3), "abc");
    }
}
