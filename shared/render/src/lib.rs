//! The invoice as a PDF: one pure function from the document to bytes.
//!
//! Owns the page: fonts, template, charts, the spelling of numbers and dates. Never works out an amount
//! that is billed, never reads a file, a clock or the environment, never fetches a package. Equal
//! invoices give equal bytes, on every machine and in every process.
//!
//! The road: [`invoicing::Invoice`] → [`view`] (strings ready to be placed, bar heights as whole numbers
//! out of 1000) → [`world`] (typst with two virtual files) → PDF/A-3a, which is also PDF/UA-1, with the
//! invoice's canonical JSON attached.

mod dates;
mod figures;
mod fonts;
mod text;
mod view;
mod world;

#[cfg(test)]
#[path = "../tests/samples/mod.rs"]
#[expect(clippy::unwrap_used, dead_code, reason = "shared with the tests of whole documents")]
mod samples;

use invoicing::{DocumentError, Invoice};
use thiserror::Error;

/// Why there is no PDF.
#[derive(Debug, Error)]
pub enum RenderError {
    /// The document does not hold together, for instance the lines do not add up to the total.
    #[error("invoice {id} cannot be printed: {source}")]
    Document {
        /// The id of the invoice.
        id: String,
        /// What does not hold.
        source: DocumentError,
    },
    /// A figure needs more digits than exact arithmetic has.
    #[error("invoice {id} cannot be printed: {at}: {reason}")]
    Figure {
        /// The id of the invoice.
        id: String,
        /// Which figure.
        at: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The template's data could not be written as JSON.
    #[error("invoice {id} cannot be printed: its view is not JSON: {source}")]
    View {
        /// The id of the invoice.
        id: String,
        /// What the JSON writer says.
        source: serde_json::Error,
    },
    /// The typesetter refused; a fault of the template or the fonts, not of the invoice.
    #[error("invoice {id} could not be typeset: {message}")]
    Typeset {
        /// The id of the invoice.
        id: String,
        /// The typesetter's messages, joined.
        message: String,
    },
}

/// Typesets an invoice or a draft as PDF/A-3a and PDF/UA-1 with `invoice.json` attached.
///
/// Pure and deterministic. Any Unicode text can stand in names and details: controls and overrides of
/// the writing direction are dropped, what the embedded fonts cannot draw is printed as “□”; the attached
/// JSON keeps the original. A page takes some tens of milliseconds, 500 lines about a second.
///
/// # Errors
/// [`RenderError::Document`] when the invoice fails its own check; the others point at a fault here.
pub fn pdf(invoice: &Invoice) -> Result<Vec<u8>, RenderError> {
    let view = view_json(invoice)?;
    let json = invoice.canonical_json().map_err(|source| document_error(invoice, source))?;
    world::typeset(&invoice.id, view, json).map_err(|message| RenderError::Typeset { id: invoice.id.clone(), message })
}

/// What the template is given, as JSON: every string that is placed on the page and every bar.
///
/// For work on the template with the engine's command line, and for tests of what is printed.
///
/// # Errors
/// As [`pdf`], except that nothing is typeset.
pub fn view_json(invoice: &Invoice) -> Result<String, RenderError> {
    invoice.check().map_err(|source| document_error(invoice, source))?;
    let view = view::View::of(invoice).map_err(|fault| RenderError::Figure {
        id: invoice.id.clone(),
        at: fault.at,
        reason: fault.reason,
    })?;
    serde_json::to_string_pretty(&view).map_err(|source| RenderError::View { id: invoice.id.clone(), source })
}

fn document_error(invoice: &Invoice, source: DocumentError) -> RenderError {
    RenderError::Document { id: invoice.id.clone(), source }
}
