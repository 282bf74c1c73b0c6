//! What a person sees: tables, and sentences about what waits.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};
use invoicing::{Invoice, LineKind};
use ledger::attention::{Kind, Notice};
use ledger::compare::Comparison;
use ledger::gaps::{Cadence, Gap};
use ledger::invoice::{Closed, Outcome, published_keys};
use ledger::ownership::{Held, Unowned};
use ledger::write_off::waits;
use metering::time::Instant;
use pricing::text::grouped;

/// How many notices of one kind are shown before the rest is only counted.
const SHOWN: usize = 8;

/// Writes a line to the terminal. A reader that has gone away is no reason to stop the work.
pub fn say(line: &str) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// A table with these heads.
pub fn table(heads: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(heads.iter().copied());
    table
}

/// A number, set to the right.
pub fn right(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// Every outcome, those of months that were closed before first.
pub fn outcomes(closed: &Closed) -> impl Iterator<Item = &Outcome> {
    closed.late.values().chain(closed.accounts.values())
}

/// Every outcome with its account, and the month where that was closed before.
fn told(closed: &Closed) -> impl Iterator<Item = (String, &Outcome)> {
    let late = closed.late.iter().map(|((month, account), outcome)| (format!("{account} for {month}"), outcome));
    late.chain(closed.accounts.iter().map(|(account, outcome)| (account.clone(), outcome)))
}

/// One row per account: customer, plan, usage, total, and the invoice or why there is none. Net and tax stand
/// before the total where any invoice bears taxes.
pub fn accounts(closed: &Closed, invoices: &Path) -> String {
    let taxed = outcomes(closed).any(bears_taxes);
    let heads: &[&str] = if taxed {
        &["customer", "plan", "usage", "net", "tax", "total", "invoice"]
    } else {
        &["customer", "plan", "usage", "total", "invoice"]
    };
    let mut table = table(heads);
    let without = |account: &str, why: &str| {
        let empty = heads.len().saturating_sub(2);
        let cells = std::iter::once(account).chain(std::iter::repeat_n("", empty)).chain([why]);
        cells.map(Cell::new).collect::<Vec<_>>()
    };
    for (account, outcome) in told(closed) {
        match outcome {
            Outcome::Issued(invoice, _) => table.add_row(row(invoice, taxed, &shown_path(invoice, invoices))),
            Outcome::Draft(invoice) => table.add_row(row(invoice, taxed, "draft")),
            Outcome::Waiting(_) => table.add_row(without(&account, "waits")),
            Outcome::Failed(_) => table.add_row(without(&account, "cannot be priced")),
        };
    }
    table.to_string()
}

/// One row per customer who would pay another amount, and below it the lines that differ.
pub fn comparison(found: &Comparison) -> String {
    let mut table = table(&["customer", "line", "old", "new", "difference", "%"]);
    for change in &found.accounts {
        let money = |amount: &str| right(format!("{} {}", grouped(amount), change.currency));
        let percent = change.percent.clone().unwrap_or_default();
        let amounts = [money(&change.old), money(&change.new), money(&change.difference), right(percent)];
        table.add_row([Cell::new(&change.account), "".into()].into_iter().chain(amounts));
        for line in &change.lines {
            let amounts = [money(&line.old), money(&line.new), money(&line.difference), "".into()];
            table.add_row(["".into(), Cell::new(line.shown())].into_iter().chain(amounts));
        }
    }
    table.to_string()
}

fn bears_taxes(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Issued(invoice, _) | Outcome::Draft(invoice) => invoice.taxes.is_some(),
        Outcome::Waiting(_) | Outcome::Failed(_) => false,
    }
}

fn row(invoice: &Invoice, taxed: bool, file: &str) -> Vec<Cell> {
    let mut cells = vec![Cell::new(&invoice.customer.name), Cell::new(&invoice.plan), Cell::new(usage(invoice))];
    if taxed {
        let (net, tax) = invoice.taxes.as_ref().map_or((invoice.total.as_str(), ""), |taxes| (&taxes.net, &taxes.tax));
        cells.extend([net, tax].map(|amount| right(grouped(amount))));
    }
    cells.extend([right(format!("{} {}", grouped(&invoice.total), invoice.currency)), Cell::new(file)]);
    cells
}

fn shown_path(invoice: &Invoice, invoices: &Path) -> String {
    let (_, pdf) = published_keys(invoice);
    let number = invoice.number.clone().unwrap_or_default();
    invoices.join(&pdf).file_name().map_or(number, |name| name.to_string_lossy().into_owned())
}

/// The metered quantities of an invoice, one a line.
fn usage(invoice: &Invoice) -> String {
    let metered = invoice.lines.iter().filter(|line| line.kind == LineKind::Usage);
    let quantities = metered.filter_map(|line| {
        let quantity = grouped(&shortened(line.quantity.as_deref()?));
        Some(format!("{quantity} {}", line.unit.as_deref().unwrap_or_default()))
    });
    quantities.collect::<Vec<_>>().join("\n")
}

/// At most three digits after the point, cut, for the eye only.
pub fn shortened(quantity: &str) -> String {
    match quantity.split_once('.') {
        Some((whole, fraction)) => {
            let kept: String = fraction.chars().take(3).collect();
            let kept = kept.trim_end_matches('0');
            if kept.is_empty() { whole.to_owned() } else { format!("{whole}.{kept}") }
        }
        None => quantity.to_owned(),
    }
}

/// Everything that needs a person, in words.
pub fn needs_a_person(closed: &Closed, notices: &[Notice]) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(waiting(closed));
    for (account, outcome) in told(closed) {
        if let Outcome::Failed(reason) = outcome {
            lines.push(format!("{account} cannot be priced: {reason}"));
        }
    }
    for unbillable in &closed.unbillable {
        lines.push(format!("{} ({}) cannot be billed: {}", unbillable.name, unbillable.account, unbillable.reason));
    }
    lines.extend(closed.held.iter().filter(|held| waits(held.reason)).map(held));
    lines.extend(closed.beyond.iter().map(ToString::to_string));
    lines.extend(notices.iter().take(SHOWN).map(noticed));
    if let Some(more) = notices.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        lines.push(format!("and {more} more files with a notice: `farthing status` lists them all"));
    }
    lines
}

/// A notice in a sentence, with what to do where its reason does not say that.
pub fn noticed(notice: &Notice) -> String {
    let hint = match notice.kind {
        Kind::Rejects => {
            "; each is kept with line, reason and bytes in `work/rejects` of the data folder: mend the source, then `farthing redrive`"
        }
        _ => "",
    };
    format!("{}: {}{hint}", notice.key, notice.reason)
}

/// Each reason once, with the accounts that it keeps waiting.
fn waiting(closed: &Closed) -> Vec<String> {
    let mut accounts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (account, outcome) in &closed.accounts {
        if let Outcome::Waiting(reasons) = outcome {
            reasons.iter().for_each(|reason| accounts.entry(reason).or_default().push(account));
        }
    }
    let told = accounts.into_iter().map(|(reason, who)| match who.as_slice() {
        [one] => format!("{one} waits: {reason}"),
        several => format!("{} wait: {reason}", several.join(", ")),
    });
    told.collect()
}

/// A deployment of which files are overdue, in a sentence.
pub fn silent(gap: &Gap) -> String {
    let last = Instant(0).plus_hours(gap.last).map_or_else(String::new, |at| at.to_string());
    let Gap { deployment, source, usual, silent, .. } = gap;
    let told = match gap.cadence {
        Cadence::Never => format!("somebody owns it since {last}, and no file has ever come; expected: {source}"),
        Cadence::Declared => format!(
            "its last file of `{source}` came at {last}, {silent} hours ago; the source expects one every {usual} hours"
        ),
        Cadence::Learnt => format!(
            "its last file of `{source}` came at {last}, {silent} hours ago; nine in ten came within {usual} hours of \
             the one before"
        ),
    };
    format!("silent: {deployment}: {told}. Ask who runs it: what it does not send is not billed")
}

fn held(held: &Held) -> String {
    let why = why(held.reason);
    let quantity = grouped(&shortened(&held.quantity.display(12)));
    format!(
        "{}: {quantity} {} of {} are billed to nobody: {why}{}",
        held.deployment,
        held.unit,
        held.stream,
        worth(held)
    )
}

/// What held usage is worth at the list prices of each plan.
fn worth(held: &Held) -> String {
    if held.worth.is_empty() {
        return String::new();
    }
    let each = held.worth.iter().map(|worth| format!("{} {} ({})", grouped(&worth.amount), worth.currency, worth.plan));
    format!("; at list prices {}", each.collect::<Vec<_>>().join(", "))
}

/// Whether every account came to its invoice.
pub fn all_done(closed: &Closed) -> bool {
    outcomes(closed).all(|outcome| matches!(outcome, Outcome::Issued(..) | Outcome::Draft(_)))
}

/// The paths of the invoices' pages.
pub fn paths(closed: &Closed, invoices: &Path) -> Vec<String> {
    let issued = outcomes(closed).filter_map(crate::engine::issued);
    issued.map(|invoice| invoices.join(published_keys(invoice).1).display().to_string()).collect()
}

/// Why nobody is billed.
pub fn why(reason: Unowned) -> &'static str {
    match reason {
        Unowned::Unknown => "no customer has this deployment",
        Unowned::NotEffective => "its customer did not have it at that time",
        Unowned::Ambiguous => "two customers claim it",
        Unowned::NoAccount => "its record names no account",
        Unowned::Inactive => "its record says that it is not in use",
        Unowned::Excluded => "it is never billed",
        Unowned::WrittenOff => "it was written off",
        Unowned::MissingTag => "the usage names no deployment",
        Unowned::NoPlan => "its customer holds no plan at that time",
        Unowned::NoStream => "the catalogue no longer has this stream; put it back under its name",
    }
}
