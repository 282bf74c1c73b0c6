//! What `farthing explain` tells, for programs and, by [`super::text`], for people. Every list has an end.

use invoicing::{Line, Step};
use ledger::explain::{Brought, Change, Correction, Explanation, Priced, Record, Records, Share, Sources};
use metering::exact::Exact;
use metering::time::Instant;
use serde::Serialize;

/// Digits behind the point that a sum is told with, at most; no stream has more.
const DIGITS: u32 = 24;

/// The first of a list, and what the rest of it comes to.
#[derive(Serialize)]
pub struct Listed<T> {
    pub shown: Vec<T>,
    pub more: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of_more: Option<Sum>,
}

/// Samples and their sum.
#[derive(Clone, Serialize)]
pub struct Sum {
    pub samples: u64,
    pub sum: String,
}

impl Sum {
    pub fn of(brought: &Brought) -> Self {
        Self { samples: brought.samples, sum: brought.sum.display(DIGITS) }
    }
}

#[derive(Serialize)]
pub struct Told {
    pub invoice: String,
    pub account: String,
    pub period: String,
    pub total: String,
    pub currency: String,
    pub taxes: Vec<String>,
    pub document: String,
    pub catalogue: String,
    pub directory: String,
    pub manifest: String,
    pub lines: Vec<ToldLine>,
}

#[derive(Serialize)]
pub struct ToldLine {
    pub line: u32,
    pub title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    pub component: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    pub period: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    pub amount: String,
    pub taxed: Vec<String>,
    pub steps: Vec<Step>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

/// What a metered line comes from.
#[derive(Serialize)]
pub struct Usage {
    pub stream: String,
    pub unit: String,
    /// The lines that this usage was priced at.
    pub lines: Vec<u32>,
    pub rollups: Listed<RollupRow>,
    pub files: Listed<FileRow>,
    pub total: Sum,
    pub priced: Vec<PricedRow>,
    pub adds_up: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corrects: Option<CorrectionRow>,
    pub records: Vec<RecordsOfFile>,
}

#[derive(Serialize)]
pub struct RollupRow {
    pub source: String,
    pub arrived: String,
    pub object: String,
    pub files: usize,
    #[serde(flatten)]
    pub brought: Sum,
}

#[derive(Serialize)]
pub struct FileRow {
    pub key: String,
    pub version: u64,
    pub etags: Vec<String>,
    pub sha256: String,
    pub mapping: String,
    pub rollup: String,
    #[serde(flatten)]
    pub brought: Sum,
}

#[derive(Serialize)]
pub struct PricedRow {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<String>,
    pub amount: String,
}

#[derive(Serialize)]
pub struct CorrectionRow {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoice: Option<String>,
    pub was: Sum,
    pub was_priced: Vec<PricedRow>,
    pub changes: Listed<ChangeRow>,
}

#[derive(Serialize)]
pub struct ChangeRow {
    pub key: String,
    pub what: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<FileRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is: Option<FileRow>,
    /// What it is now less what it was.
    pub difference: String,
}

/// The records of one file, or why they cannot be told.
#[derive(Serialize)]
pub struct RecordsOfFile {
    pub key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub untold: Option<&'static str>,
    pub records: Listed<RecordRow>,
    pub total: Sum,
    /// Whether the records come to what the file brought.
    pub adds_up: bool,
}

#[derive(Serialize)]
pub struct RecordRow {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    pub line: u64,
    pub offset: u64,
    pub at: String,
    pub text: String,
    pub length: usize,
    #[serde(flatten)]
    pub brought: Sum,
}

/// The first `show` of some things, and the sum of the rest.
fn listed<T, R>(all: &[T], show: usize, row: impl Fn(&T) -> R, brought: impl Fn(&T) -> Brought) -> Listed<R> {
    let (first, rest) = all.split_at(show.min(all.len()));
    let sum = rest.iter().try_fold(Brought::default(), |sum, one| sum.add(&brought(one)));
    let of_more = sum.ok().filter(|_| !rest.is_empty()).map(|sum| Sum::of(&sum));
    Listed { shown: first.iter().map(row).collect(), more: rest.len(), of_more }
}

impl Told {
    pub fn new(explanation: &Explanation, taxes: Vec<String>, lines: Vec<ToldLine>) -> Self {
        let (found, provenance) = (&explanation.found, &explanation.found.invoice.provenance);
        Self {
            invoice: found.issued.number.clone(),
            account: found.account.clone(),
            period: found.issued.period.clone(),
            total: found.issued.total.clone(),
            currency: found.issued.currency.clone(),
            taxes,
            document: found.issued.document.clone(),
            catalogue: provenance.catalogue.clone(),
            directory: provenance.directory.clone(),
            manifest: provenance.inputs.clone(),
            lines,
        }
    }
}

impl ToldLine {
    pub fn new(line: &Line, taxed: Vec<String>, usage: Option<Usage>) -> Self {
        Self {
            line: line.number,
            title: line.title.clone(),
            detail: line.detail.clone(),
            component: line.component.clone(),
            deployment: line.deployment.clone(),
            period: line.period.clone(),
            quantity: line.quantity.clone(),
            unit: line.unit.clone(),
            amount: line.amount.clone(),
            taxed,
            steps: line.steps.clone(),
            usage,
        }
    }
}

impl Usage {
    pub fn new(sources: &Sources, show: usize, records: Vec<RecordsOfFile>) -> Self {
        Self {
            stream: sources.stream.clone(),
            unit: sources.unit.clone(),
            lines: sources.lines.clone(),
            rollups: rollups(&sources.files, show),
            files: listed(&sources.files, show, file, |share| share.brought),
            total: Sum::of(&sources.total),
            priced: sources.priced.iter().map(priced).collect(),
            adds_up: sources.adds_up,
            corrects: sources.corrects.as_ref().map(|correction| corrects(correction, show)),
            records,
        }
    }
}

/// The rollups that some files went into.
fn rollups(files: &[Share], show: usize) -> Listed<RollupRow> {
    let mut sums: std::collections::BTreeMap<_, (usize, Brought)> = std::collections::BTreeMap::new();
    for share in files {
        let (count, sum) = sums.entry(&share.rollup).or_default();
        *count = count.saturating_add(1);
        *sum = sum.add(&share.brought).unwrap_or(*sum);
    }
    let sums: Vec<_> = sums.into_iter().collect();
    let row = |((slot, body), (files, sum)): &(&(metering::rollup::Slot, String), (usize, Brought))| RollupRow {
        source: slot.source.clone(),
        arrived: Instant(0).plus_hours(slot.hour).map_or_else(String::new, |at| at.to_string()),
        object: body.clone(),
        files: *files,
        brought: Sum::of(sum),
    };
    listed(&sums, show, row, |(_, (_, sum))| *sum)
}

fn file(share: &Share) -> FileRow {
    FileRow {
        key: share.input.key.clone(),
        version: share.input.revision,
        etags: share.input.etags.iter().cloned().collect(),
        sha256: share.input.content.clone(),
        mapping: share.input.mapping.clone(),
        rollup: share.rollup.1.clone(),
        brought: Sum::of(&share.brought),
    }
}

fn priced(priced: &Priced) -> PricedRow {
    PricedRow { quantity: priced.quantity.clone(), amount: priced.amount.clone() }
}

fn corrects(correction: &Correction, show: usize) -> CorrectionRow {
    let difference = |change: &Change| {
        let of = |share: &Option<Share>| share.as_ref().map(|share| share.brought).unwrap_or_default();
        let (was, is) = (of(&change.was), of(&change.is));
        let sum = is.sum.sub(&was.sum).unwrap_or(Exact::ZERO);
        Brought { samples: 0, sum }
    };
    let row = |change: &Change| ChangeRow {
        key: change.key().to_owned(),
        what: match (&change.was, &change.is) {
            (None, _) => "came",
            (_, None) => "went",
            (Some(was), Some(is)) if was.input.content == is.input.content => "counts otherwise",
            (Some(_), Some(_)) => "changed",
        },
        was: change.was.as_ref().map(file),
        is: change.is.as_ref().map(file),
        difference: difference(change).sum.display(DIGITS),
    };
    CorrectionRow {
        invoice: correction.invoice.clone(),
        was: Sum::of(&correction.was),
        was_priced: correction.was_priced.iter().map(priced).collect(),
        changes: listed(&correction.changes, show, row, difference),
    }
}

impl RecordsOfFile {
    pub fn new(share: &Share, found: Result<Records, &'static str>) -> Self {
        let key = share.input.key.clone();
        let total = Sum::of(&share.brought);
        match found {
            Err(why) => {
                let records = Listed { shown: Vec::new(), more: 0, of_more: None };
                Self { key, untold: Some(why), records, total, adds_up: false }
            }
            Ok(found) => {
                let adds_up = found.total == share.brought;
                let of_more = (found.more > 0).then(|| Sum::of(&found.of_more));
                let more = usize::try_from(found.more).unwrap_or(usize::MAX);
                let records = Listed { shown: found.shown.iter().map(record).collect(), more, of_more };
                Self { key, untold: None, records, total, adds_up }
            }
        }
    }
}

fn record(record: &Record) -> RecordRow {
    RecordRow {
        member: record.member.clone(),
        line: record.line,
        offset: record.offset,
        at: record.at.to_string(),
        text: record.text.clone(),
        length: record.length,
        brought: Sum::of(&record.brought),
    }
}
