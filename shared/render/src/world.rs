//! The typesetter's world: a template, two virtual files, eleven fonts, and nothing else.
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
    let document = lay_out(view, invoice)?;
    typst_pdf::pdf(&document, &options(ident)?).map_err(|faults| joined(&faults))
}

fn lay_out(view: String, invoice: String) -> Result<PagedDocument, String> {
    let page = Page {
        template: Source::new(file_id("/invoice.typ")?, include_str!("../template/invoice.typ").to_owned()),
        view: (file_id("/view.json")?, Bytes::from_string(view)),
        invoice: (file_id("/invoice.json")?, Bytes::from_string(invoice)),
    };
    typst::compile::<PagedDocument>(&page).output.map_err(|faults| joined(&faults))
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use invoicing::Invoice;
    use typst::layout::{Frame, FrameItem};

    use super::*;
    use crate::samples::{long, october};

    /// The text that stands on each page, spaces and soft breaks left out.
    fn pages(invoice: &Invoice) -> Vec<String> {
        let _eviction = Eviction;
        let document = lay_out(crate::view_json(invoice).unwrap(), invoice.canonical_json().unwrap()).unwrap();
        document.pages().iter().map(|page| text(&page.frame).replace([' ', '\u{A0}', '\u{200B}'], "")).collect()
    }

    fn text(frame: &Frame) -> String {
        let of_item = |item: &FrameItem| match item {
            FrameItem::Text(run) => run.text.to_string(),
            FrameItem::Group(group) => text(&group.frame),
            _ => String::new(),
        };
        frame.items().map(|(_, item)| of_item(item)).collect()
    }

    fn without_commas(pages: &[String]) -> String {
        pages.concat().replace(',', "")
    }

    #[test]
    fn an_ordinary_month_takes_two_pages_and_shows_every_amount() {
        let (invoice, pages) = (october(), pages(&october()));
        assert_eq!(pages.len(), 2);
        let second = without_commas(&pages[1..]);
        for line in &invoice.lines {
            assert!(second.contains(&line.amount), "amount of line {}", line.number);
        }
    }

    #[test]
    fn five_hundred_charges_repeat_their_heads_on_every_page() {
        let (invoice, pages) = (long(), pages(&long()));
        assert!((18..=30).contains(&pages.len()), "{} pages", pages.len());
        for (number, page) in (1..).zip(&pages) {
            assert!(page.contains(&format!("Page{number}of{}", pages.len())), "page {number}: {page}");
            assert!(number == 1 || page.contains("LineCharge"), "page {number} has no table head");
        }
        let all = without_commas(&pages);
        assert!(invoice.lines.iter().all(|line| all.contains(&line.amount)));
        assert!(pages.iter().filter(|page| page.contains("Storage€")).count() > 3, "services are named again");
    }

    #[test]
    fn nothing_but_two_files_can_be_read() {
        let page = Page {
            template: Source::new(file_id("/invoice.typ").unwrap(), String::new()),
            view: (file_id("/view.json").unwrap(), Bytes::from_string("{}")),
            invoice: (file_id("/invoice.json").unwrap(), Bytes::from_string("{}")),
        };
        assert!(page.file(file_id("/view.json").unwrap()).is_ok());
        assert!(page.file(file_id("/etc/passwd").unwrap()).is_err());
        assert!(page.source(file_id("/view.json").unwrap()).is_err());
        assert_eq!(page.today(None), None);
    }
}
