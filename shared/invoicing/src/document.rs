//! The invoice as a document: strings that are placed on a page, never computed with again.
//!
//! Owns the shape of `farthing.invoice/1` and its canonical bytes. Every other form (PDF, XML, CSV) is a
//! pure function of it.

use chrono::NaiveDate;
use pricing::{Amount, MoneyError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::canonical;
use crate::tax::Taxes;

/// The only format there is so far; the first member to look at.
pub const FORMAT: &str = "farthing.invoice/1";

/// An invoice, or a draft of one. Immutable once numbered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invoice {
    /// Always [`FORMAT`].
    pub format: String,
    /// Identifies the document for ever, drafts included.
    pub id: String,
    /// The legal, gap-free number; `None` is a draft.
    pub number: Option<String>,
    /// The customer's id in the directory.
    pub account: String,
    /// Day of issue in the billing zone.
    pub issued: NaiveDate,
    /// Day by which payment is due.
    pub due: NaiveDate,
    /// Who is owed.
    pub seller: Party,
    /// Who owes.
    pub customer: Party,
    /// ISO 4217 code of every amount in the document.
    pub currency: String,
    /// Digits after the point of every amount, from ISO 4217.
    pub minor_digits: u32,
    /// Title of the plan, or the titles joined by a comma.
    pub plan: String,
    /// The period being billed.
    pub period: InvoicePeriod,
    /// Every charge, numbered from 1 in order, each group together.
    pub lines: Vec<Line>,
    /// What is owed, all minor digits: the sum of the lines' amounts, and the taxes where there are any.
    pub total: String,
    /// Net and taxes; absent where no taxes are configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taxes: Option<Taxes>,
    /// Totals of up to six earlier periods, oldest first.
    pub history: Vec<PastTotal>,
    /// How to pay, one line of text each.
    pub payment: Vec<String>,
    /// Sentences for the reader, for instance how amounts were rounded.
    pub notes: Vec<String>,
    /// What the figures were computed from.
    pub provenance: Provenance,
}

/// A seller or a buyer as printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// Legal name.
    pub name: String,
    /// The address, line by line.
    pub lines: Vec<String>,
    /// Label and value of registrations, for instance `["VAT ID", "DE326745918"]`, in printing order.
    pub ids: Vec<(String, String)>,
}

/// The billed period, half-open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvoicePeriod {
    /// `"2026-02"` for a calendar month.
    pub label: String,
    /// First day.
    pub start: NaiveDate,
    /// First day after the period.
    pub end: NaiveDate,
    /// IANA name of the zone in which days begin.
    pub zone: String,
}

/// One charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Position, from 1.
    pub number: u32,
    /// What sort of charge it is.
    pub kind: LineKind,
    /// The service heading it stands under.
    pub group: String,
    /// What prices it: the component's name, or `plan/fee` for a recurring fee. With
    /// [`Line::deployment`] and [`Line::period`] this is the key by which true-ups compare.
    pub component: String,
    /// The deployment, where the component is priced per deployment.
    #[serde(default)]
    pub deployment: Option<String>,
    /// What the reader reads first.
    pub title: String,
    /// A smaller second line.
    pub detail: Option<String>,
    /// Label of the period charged for; a true-up names the original one.
    pub period: String,
    /// Exact decimal, ungrouped.
    pub quantity: Option<String>,
    /// Unit of the quantity.
    pub unit: Option<String>,
    /// Exact decimal with at least the currency's digits, ungrouped: the price of [`Line::unit_size`] units.
    pub unit_price: Option<String>,
    /// How many units the price buys, when not one: `"1000000"` for a price per million calls.
    #[serde(default)]
    pub unit_size: Option<String>,
    /// The category of tax; the standard one where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<String>,
    /// The rows of the invoice's taxes that it is in, one for each jurisdiction.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taxes: Vec<u32>,
    /// Rounded once, all minor digits: `"12.30"`.
    pub amount: String,
    /// Quantity of each day, usage only.
    pub days: Vec<DayQuantity>,
    /// How the amount came about, in order; unrounded except for the last.
    pub steps: Vec<Step>,
}

/// What sort of charge a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineKind {
    /// A fee of the plan.
    Recurring,
    /// A fee that is charged once.
    OneTime,
    /// Metered.
    Usage,
    /// Taken off.
    Discount,
    /// A month of what was agreed to be spent.
    Commitment,
    /// What is missing from the least that a month costs.
    Minimum,
    /// What is beyond the most that a month costs, taken off.
    Maximum,
    /// Paid in advance.
    Credit,
    /// Decided by an attribute of the customer.
    Attribute,
    /// A difference to what earlier invoices charged for an earlier period.
    TrueUp,
}

/// A day's part of a line's quantity, for charts; for averages and peaks it does not add up to the line's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayQuantity {
    /// The day in the billing zone.
    pub date: NaiveDate,
    /// Exact decimal, or cut to 12 digits if it does not end.
    pub quantity: String,
}

/// One step of the explanation of an amount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The step in words.
    pub text: String,
    /// The quantity that it concerns, in the line's unit: a decimal, ungrouped.
    pub quantity: Option<String>,
    /// The price that it applies: a decimal, ungrouped.
    pub unit_price: Option<String>,
    /// What it comes to, unrounded unless the step is the rounding.
    pub amount: Option<String>,
}

/// The total of an earlier period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PastTotal {
    /// Label of the period.
    pub label: String,
    /// Total with all minor digits.
    pub total: String,
}

/// What the figures were computed from; enough to compute them again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Content hash of the catalogue.
    pub catalogue: String,
    /// Version of the directory.
    pub directory: String,
    /// Hash over the manifests of the priced rollups.
    pub inputs: String,
}

/// Why a document is not an invoice.
#[derive(Debug, Error)]
pub enum DocumentError {
    /// The bytes are not the JSON of an invoice.
    #[error("this is not the JSON of an invoice: {0}")]
    Json(#[from] serde_json::Error),
    /// Another format, or another version of it.
    #[error("the document is of the format “{0}”, not “{FORMAT}”")]
    Format(String),
    /// An amount or a total cannot be read.
    #[error("{at}: {source}")]
    Amount {
        /// `"total"` or `"lines[3].amount"`, counted from 0.
        at: String,
        /// What is wrong with it.
        source: MoneyError,
    },
    /// The total is not the sum of the lines.
    #[error("the total is {total} but the lines add up to {sum}")]
    Total {
        /// As stated.
        total: String,
        /// As added up.
        sum: String,
    },
    /// The taxes are not those of the lines.
    #[error("the taxes do not add up: {0}")]
    Tax(String),
    /// Lines are not numbered 1, 2, 3 ….
    #[error("line {found} stands where line {expected} belongs")]
    LineNumber {
        /// What the position calls for.
        expected: usize,
        /// What stands there.
        found: u32,
    },
}

impl Invoice {
    /// The invoice as its one and only bytes: keys sorted, no optional white space, a line feed at the
    /// end. Equal invoices have equal bytes.
    ///
    /// # Errors
    /// [`DocumentError::Json`]; a document has nothing that JSON cannot say.
    pub fn canonical_json(&self) -> Result<String, DocumentError> {
        Ok(canonical::json(self)?)
    }

    /// Reads an invoice and checks it as [`Invoice::check`] does.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub fn from_json(text: &str) -> Result<Self, DocumentError> {
        let invoice: Self = serde_json::from_str(text)?;
        invoice.check()?;
        Ok(invoice)
    }

    /// Checks that the document adds up as printed: the format, the line numbers, the taxes against the lines
    /// and the total against both.
    ///
    /// # Errors
    /// [`DocumentError`], the first that is found.
    pub fn check(&self) -> Result<(), DocumentError> {
        if self.format != FORMAT {
            return Err(DocumentError::Format(self.format.clone()));
        }
        self.check_numbers()?;
        let (total, sum) = (self.amount("total", &self.total)?, self.sum()?);
        self.check_taxes(sum, total)?;
        if total == sum || self.taxes.is_some() {
            return Ok(());
        }
        Err(DocumentError::Total { total: self.total.clone(), sum: sum.format(self.minor_digits) })
    }

    /// Whether it has no number yet.
    #[must_use]
    pub fn is_draft(&self) -> bool {
        self.number.is_none()
    }

    fn check_numbers(&self) -> Result<(), DocumentError> {
        for (expected, line) in (1usize..).zip(&self.lines) {
            if usize::try_from(line.number) != Ok(expected) {
                return Err(DocumentError::LineNumber { expected, found: line.number });
            }
        }
        Ok(())
    }

    fn sum(&self) -> Result<Amount, DocumentError> {
        let mut sum = Amount::ZERO;
        for (index, line) in self.lines.iter().enumerate() {
            let at = format!("lines[{index}].amount");
            let amount = self.amount(&at, &line.amount)?;
            sum = sum.add(amount).map_err(|source| DocumentError::Amount { at, source })?;
        }
        Ok(sum)
    }

    pub(crate) fn amount(&self, at: &str, text: &str) -> Result<Amount, DocumentError> {
        Amount::parse(text, self.minor_digits).map_err(|source| DocumentError::Amount { at: at.to_owned(), source })
    }
}
