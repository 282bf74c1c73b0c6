//! From a line of an invoice back to the files: the line with its steps, the rollups that were
//! priced, the files that brought its usage, each with the hash that holds the next hop.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use catalog::Catalogue;
use catalog::directory::Directory;
use invoicing::{Invoice, Line, LineKind};
use metering::exact::Exact;
use metering::mark::Mark;
use metering::period::Period;
use metering::rollup::{Input, Slot, Standing};
use metering::tally::{Cells, TallyError};
use metering::time::{Instant, Span};

use crate::configuration::Configuration;
use crate::counted::Days;
use crate::error::LedgerError;
use crate::file::{pages, read_hashed, record_at};
use crate::invoice::{Issued, read_issued};
use crate::manifest::{Manifest, rollup};
use crate::marks;
use crate::names;
use crate::ownership::{deployments, owned_by, series};
use crate::ports::{Key, Ports, Table};
use crate::replaced::without;
use crate::snapshot;
use crate::verify::replaced;

/// An issued invoice with where it was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Whose.
    pub account: String,
    /// Its item.
    pub issued: Issued,
    /// Its document, which is what its name says.
    pub invoice: Invoice,
}

/// The invoice of a number.
///
/// # Errors
/// [`LedgerError::Billing`] where no invoice has it.
pub async fn find<P: Ports>(ports: &P, number: &str) -> Result<Found, LedgerError> {
    let none = || LedgerError::billing(number, "no invoice has this number; it is written as on the invoice");
    let digits = number.len().saturating_sub(number.trim_end_matches(|c: char| c.is_ascii_digit()).len());
    let (prefix, n) = number.split_at_checked(number.len().saturating_sub(digits.min(6))).ok_or_else(none)?;
    let key = Key::new(names::series(prefix), names::number(n.parse().map_err(|_| none())?));
    let item = ports.get(Table::Billing, &key).await?.ok_or_else(none)?;
    let taken: Taken = serde_json::from_str(&item.body).map_err(|error| LedgerError::malformed("number", error))?;
    let all = of_account(ports, &taken.account).await?;
    let found = all.into_iter().find(|(issued, _)| issued.number == number).ok_or_else(none)?;
    Ok(Found { account: taken.account, issued: found.0, invoice: found.1 })
}

#[derive(serde::Deserialize)]
struct Taken {
    account: String,
}

/// All invoices of an account with their documents, in the order of issue.
///
/// # Errors
/// [`LedgerError`].
pub async fn of_account<P: Ports>(ports: &P, account: &str) -> Result<Vec<(Issued, Invoice)>, LedgerError> {
    let mut all = Vec::new();
    for (sort, item) in pages(ports, Table::Billing, &names::account(account)).await? {
        if sort == names::HEAD {
            continue;
        }
        let issued = read_issued(&item)?;
        let text = read_hashed(ports, &issued.document).await?;
        let invoice = Invoice::from_json(&text).map_err(|error| LedgerError::billing(&issued.number, error))?;
        all.push((issued, invoice));
    }
    all.sort_by(|(a, _), (b, _)| (a.issued, &a.number).cmp(&(b.issued, &b.number)));
    Ok(all)
}

/// What a file brought to a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The object's key.
    pub key: String,
    /// The etags under which its content was seen.
    pub etags: BTreeSet<String>,
    /// SHA-256 of its bytes.
    pub content: String,
    /// The rollup that it went into, by slot and object.
    pub rollup: (Slot, String),
    /// Samples of the line's stream within its period.
    pub samples: u64,
    /// Their sum.
    pub sum: Exact,
}

/// A file that counts otherwise than on the invoice that charged before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The object's key.
    pub key: String,
    /// What it was then, if it counted.
    pub was: Option<Share>,
    /// What it is now, if it counts.
    pub is: Option<Share>,
}

/// A line with where it comes from.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The line.
    pub line: Line,
    /// The stream that it meters, if it meters one.
    pub stream: Option<String>,
    /// The files that brought its usage, by key.
    pub files: Vec<Share>,
    /// Of a correction: the invoice that it corrects, and the files that count otherwise since.
    pub corrects: Option<(String, Vec<Change>)>,
}

/// An invoice with where its lines come from.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The invoice.
    pub found: Found,
    /// Its lines, or the one that was asked for.
    pub lines: Vec<Explained>,
}

/// Explains an invoice, or one line of it.
///
/// # Errors
/// [`LedgerError::Billing`] where there is no such invoice or line; [`LedgerError::Missing`] where
/// something on the way is not what its hash says.
pub async fn explain<P: Ports>(ports: &P, number: &str, line: Option<u32>) -> Result<Explanation, LedgerError> {
    let found = find(ports, number).await?;
    let catalogue = Configuration::recall(ports, &found.invoice.provenance.catalogue).await?.catalogue;
    let parties = snapshot::parties(ports, &found.invoice.provenance.directory).await?;
    let catalogue = catalogue.joined(&parties).0;
    let earlier = of_account(ports, &found.account).await?;
    let wanted = found.invoice.lines.iter().filter(|one| line.is_none_or(|line| one.number == line));
    let mut lines = Vec::new();
    for line in wanted {
        lines.push(explain_line(ports, &catalogue, &found, &earlier, line).await?);
    }
    if lines.is_empty() {
        let reason = format!("there is no such line; the invoice has {} lines", found.invoice.lines.len());
        return Err(LedgerError::billing(number, reason));
    }
    Ok(Explanation { found, lines })
}

async fn explain_line<P: Ports>(
    ports: &P,
    catalogue: &Catalogue,
    found: &Found,
    earlier: &[(Issued, Invoice)],
    line: &Line,
) -> Result<Explained, LedgerError> {
    let Some(asked) = asked(catalogue, found, line)? else {
        return Ok(Explained { line: line.clone(), stream: None, files: Vec::new(), corrects: None });
    };
    let files = shares(ports, &Made::of(ports, &found.invoice).await?, &asked).await?;
    let before = earlier.iter().take_while(|(issued, _)| issued.number != found.issued.number);
    let charged = before.filter(|(_, invoice)| {
        let same = |other: &Line| other.component == line.component && other.period == line.period;
        invoice.lines.iter().any(same)
    });
    let corrects = match (line.kind, charged.last()) {
        (LineKind::TrueUp, Some((issued, then))) => {
            let was = shares(ports, &Made::of(ports, then).await?, &asked).await?;
            Some((issued.number.clone(), changes(was, files.clone())))
        }
        _ => None,
    };
    let files = files.into_values().collect();
    Ok(Explained { line: line.clone(), stream: Some(asked.stream), files, corrects })
}

/// Which cells a line is about.
struct Asked {
    stream: String,
    deployment: Option<String>,
    account: String,
    span: Span,
}

/// What an invoice was made from: its manifest, and who owned which deployment when.
struct Made<'a> {
    root: &'a str,
    directory: Directory,
}

impl<'a> Made<'a> {
    async fn of<P: Ports>(ports: &P, invoice: &'a Invoice) -> Result<Self, LedgerError> {
        let provenance = &invoice.provenance;
        Ok(Self { root: &provenance.inputs, directory: snapshot::recall(ports, &provenance.directory).await? })
    }

    /// The spans in which the account owned the deployments that are asked for.
    fn owned(&self, asked: &Asked) -> Owned {
        let deployments = deployments(&self.directory, &asked.account).into_iter();
        let wanted = deployments.filter(|one| asked.deployment.as_deref().is_none_or(|wanted| wanted == *one));
        wanted.map(|one| (one.to_owned(), owned_by(&self.directory, one, &asked.account, asked.span))).collect()
    }
}

/// Spans by deployment.
type Owned = BTreeMap<String, Vec<Span>>;

fn asked(catalogue: &Catalogue, found: &Found, line: &Line) -> Result<Option<Asked>, LedgerError> {
    let component = line.component.rsplit('/').next().unwrap_or_default();
    let Some(stream) = catalogue.components.get(component).and_then(|spec| spec.stream.clone()) else {
        return Ok(None);
    };
    let zone = catalogue.customer(&found.account).map_or(catalogue.seller.zone, |customer| customer.zone);
    let span = Period::parse_month(&line.period, zone)?.span()?;
    Ok(Some(Asked { stream, deployment: line.deployment.clone(), account: found.account.clone(), span }))
}

/// What each file of a manifest brought, by file.
async fn shares<P: Ports>(ports: &P, made: &Made<'_>, asked: &Asked) -> Result<BTreeMap<String, Share>, LedgerError> {
    let mut shares = BTreeMap::new();
    let owned = made.owned(asked);
    let manifest = Manifest::recall(ports, made.root).await?;
    let replaced = replaced(ports, &manifest).await?;
    let (mut days, mut marked) = (Days::default(), BTreeMap::new());
    for (slot, body) in manifest.rollups()? {
        let stored = rollup(ports, &body).await?;
        let rollup = without(ports, &slot, (&body, stored), &replaced).await?;
        let adds = part(&rollup.cells, &asked.stream, &owned)?.0 > 0;
        let counted = |(_, input): &(String, Input)| input.standing == Standing::Counted;
        for (file, input) in rollup.inputs.into_iter().filter(counted) {
            if !rollup.runs.is_empty() {
                marked.insert(file.clone(), (input.clone(), slot.clone(), body.clone()));
            }
            if !adds {
                continue;
            }
            let record = record_at(ports, &slot, &file, input.revision).await?;
            let cells = if record.marks.is_none() { record.load(ports).await?.cells } else { Cells::default() };
            if let Some(share) = share(&input, &cells, (&slot, &body), (&asked.stream, &owned))? {
                shares.insert(file, share);
            }
        }
        days.add(&slot.source, rollup.runs);
    }
    for runs in days.within(Some(asked.span)) {
        let asked_for = |mark: &Mark| mark.about.key.stream == asked.stream;
        for (file, cells) in marks::by_file(ports, &runs, asked_for).await? {
            let Some((input, slot, body)) = marked.get(&file) else { continue };
            if let Some(share) = share(input, &cells, (slot, body), (&asked.stream, &owned))? {
                add_share(&mut shares, file, share)?;
            }
        }
    }
    Ok(shares)
}

/// A file may bring usage of several days.
fn add_share(shares: &mut BTreeMap<String, Share>, file: String, more: Share) -> Result<(), LedgerError> {
    match shares.entry(file) {
        Entry::Vacant(place) => drop(place.insert(more)),
        Entry::Occupied(mut place) => {
            let share = place.get_mut();
            share.samples = share.samples.saturating_add(more.samples);
            share.sum = share.sum.add(&more.sum).map_err(|error| LedgerError::billing(&share.key, error))?;
        }
    }
    Ok(())
}

fn share(
    input: &Input,
    cells: &Cells,
    (slot, body): (&Slot, &str),
    (stream, owned): (&str, &Owned),
) -> Result<Option<Share>, LedgerError> {
    let (samples, sum) = part(cells, stream, owned)?;
    let share = Share {
        key: input.key.clone(),
        etags: input.etags.clone(),
        content: input.content.clone(),
        rollup: (slot.clone(), body.to_owned()),
        samples,
        sum,
    };
    Ok((samples > 0).then_some(share))
}

/// How many samples of a stream some cells have within the owned spans, and their sum.
fn part(cells: &Cells, stream: &str, owned: &Owned) -> Result<(u64, Exact), LedgerError> {
    let (mut samples, mut sum) = (0_u64, Exact::ZERO);
    for (deployment, spans) in owned {
        for (key, quarters) in series(cells, deployment, stream) {
            let within = |at: Instant| spans.iter().any(|span| span.contains(at));
            for (_, state) in quarters.iter().filter(|(quarter, _)| within(quarter.start())) {
                if let Some(summary) = state.summary().map_err(TallyError::from)? {
                    samples = samples.saturating_add(summary.count);
                    let more = Exact::decimal(summary.sum, key.scale).and_then(|more| sum.add(&more));
                    sum = more.map_err(|error| LedgerError::billing(stream, error))?;
                }
            }
        }
    }
    Ok((samples, sum))
}

/// The files that count otherwise than then.
fn changes(mut was: BTreeMap<String, Share>, is: BTreeMap<String, Share>) -> Vec<Change> {
    let mut changes = Vec::new();
    for (file, now) in is {
        let then = was.remove(&file);
        let same = |then: &Share| then.content == now.content && then.sum == now.sum && then.samples == now.samples;
        if !then.as_ref().is_some_and(same) {
            changes.push(Change { key: now.key.clone(), was: then, is: Some(now) });
        }
    }
    changes.extend(was.into_values().map(|then| Change { key: then.key.clone(), was: Some(then), is: None }));
    changes.sort_by(|a, b| a.key.cmp(&b.key));
    changes
}
