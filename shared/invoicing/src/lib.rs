//! The invoice: a document assembled from rated lines, the true-up of earlier periods, and its bytes.
//!
//! Pure. Never prices anything (that is `pricing`), never typesets anything (that is `render`), never
//! decides a number (that is the ledger's transaction).

mod assemble;
mod canonical;
mod document;
mod settle;
mod tax;

pub use assemble::{AssembleError, Header, Taxable, Taxation, assemble, assemble_taxed, lines};
pub use document::{
    DayQuantity, DocumentError, FORMAT, Invoice, InvoicePeriod, Line, LineKind, Party, PastTotal, Provenance, Step,
};
pub use settle::{SettleError, Settled, TrueUp, settle, true_up};
pub use tax::{TaxRow, Taxes};
