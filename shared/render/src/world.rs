//! The typesetter's world: a template, two virtual files, ten fonts, and nothing else.
//!
//! No file system, no packages, no clock: nothing in a template or in data can reach outside. The virtual
//! paths are constants because the engine interns every path for the life of the process (at most 65,535).

use std::sync::LazyLock;

use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration, Smart};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

use crate::fonts;

static LIBRARY: LazyLock<LazyHash<Library>> = LazyLock::new(|| LazyHash::new(Library::default()));
static BOOK: LazyLock<LazyHash<FontBook>> = LazyLock::new(|| LazyHash::new(FontBook::from_fonts(fonts::all())));

struct Page {
    template: Source,
    view: (FileId, Bytes),
    invoice: (FileId, Bytes),
}

/// Typesets the view with the invoice attached. `ident` makes the document's identifier.
///
/// # Errors
/// The typesetter's messages.
pub fn typeset(ident: &str, view: String, invoice: String) -> Result<Vec<u8>, String> {
    let _eviction = Eviction;
    let page = Page {
        template: Source::new(file_id("/invoice.typ")?, include_str!("../template/invoice.typ").to_owned()),
        view: (file_id("/view.json")?, Bytes::from_string(view)),
        invoice: (file_id("/invoice.json")?, Bytes::from_string(invoice)),
    };
    let document = typst::compile::<PagedDocument>(&page).output.map_err(|faults| joined(&faults))?;
    typst_pdf::pdf(&document, &options(ident)?).map_err(|faults| joined(&faults))
}

/// Archival with accessible structure: the export fails rather than leave out an alternative text, a
/// title or a glyph. The date is the document's own, set by the template.
fn options(ident: &str) -> Result<PdfOptions, String> {
    let standards =
        PdfStandards::new(&[PdfStandard::A_3a, PdfStandard::Ua_1]).map_err(|fault| fault.message().to_string())?;
    Ok(PdfOptions {
        ident: Smart::Custom(ident.to_owned()),
        creator: Smart::Custom(Some("Farthing".to_owned())),
        standards,
        ..PdfOptions::default()
    })
}

fn file_id(path: &str) -> Result<FileId, String> {
    let path = VirtualPath::new(path).map_err(|fault| fault.to_string())?;
    Ok(RootedPath::new(VirtualRoot::Project, path).intern())
}

fn joined(faults: &[SourceDiagnostic]) -> String {
    let messages: Vec<String> = faults.iter().map(describe).collect();
    messages.join("; ")
}

fn describe(fault: &SourceDiagnostic) -> String {
    let hints = fault.hints.iter().map(|hint| format!(" ({})", hint.v));
    std::iter::once(fault.message.to_string()).chain(hints).collect()
}

/// Empties the engine's caches when a render ends, however it ends: they help no other invoice, and the
/// memory of a long-lived function would grow with each one.
struct Eviction;

impl Drop for Eviction {
    fn drop(&mut self) {
        comemo::evict(0);
    }
}

impl World for Page {
    fn library(&self) -> &LazyHash<Library> {
        &LIBRARY
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &BOOK
    }

    fn main(&self) -> FileId {
        self.template.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.template.id() { Ok(self.template.clone()) } else { Err(FileError::AccessDenied) }
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        [&self.view, &self.invoice]
            .into_iter()
            .find(|(known, _)| *known == id)
            .map(|(_, bytes)| bytes.clone())
            .ok_or(FileError::AccessDenied)
    }

    fn font(&self, index: usize) -> Option<Font> {
        fonts::all().get(index).cloned()
    }

    /// There is no today: every date on the page comes from the invoice.
    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        None
    }
}
