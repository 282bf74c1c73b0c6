//! What is wrong with a catalogue, told to the person who wrote it: where, what, and what to do.
//!
//! This module owns the shape of a complaint. It never decides whether something is wrong.

use std::fmt::{self, Display, Formatter};
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

/// One catalogue file, shared by all problems found in it.
pub(crate) type Text = Arc<File>;

/// The text of a file with its name.
#[derive(Debug)]
pub(crate) struct File {
    source: NamedSource<String>,
    /// The byte at which each line begins, so that many problems of a large file are placed quickly.
    lines: Vec<usize>,
}

impl File {
    pub(crate) fn new(name: String, text: String) -> Text {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(newline, _)| newline + 1)).collect();
        Arc::new(Self { source: NamedSource::new(name, text), lines })
    }

    pub(crate) fn text(&self) -> &str {
        self.source.inner()
    }

    /// The number of the line that holds the byte `offset`, from 1, and where it begins.
    fn line(&self, offset: usize) -> (usize, usize) {
        let number = self.lines.partition_point(|start| *start <= offset);
        (number, number.checked_sub(1).and_then(|index| self.lines.get(index)).copied().unwrap_or(0))
    }
}

/// Whether a problem prevents the catalogue from being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The catalogue cannot be used.
    Error,
    /// The catalogue works, but probably not as its author meant.
    Warning,
}

/// One thing that is wrong, at one place of one file.
///
/// `Display` gives the message alone, for renderers that show the place themselves; [`Problem::line`]
/// gives the form for logs.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Name of the file as it was passed in; `catalogue` when no file is at fault.
    pub file: String,
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// The place in bytes of the file's text (without a byte order mark), half-open; never more than one line.
    pub span: Range<usize>,
    /// The field, as in `sources[0].usage[1].stream`, counted within its file; empty for the file as a whole.
    pub path: String,
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Whether the catalogue can be used in spite of it.
    pub severity: Severity,
    text: Text,
}

impl Problem {
    /// An error at `span` of `text`; spans that reach over several lines are cut at the first line's end.
    pub(crate) fn error(text: &Text, span: Range<usize>, path: String, message: String, hint: Option<String>) -> Self {
        let source = text.text();
        let start = floor_boundary(source, span.start);
        let (line, line_start) = text.line(start);
        let rest = source.get(start..).unwrap_or_default();
        let line_rest = rest.lines().next().unwrap_or_default().len();
        let length = span.end.saturating_sub(start).min(line_rest);
        Self {
            file: text.source.name().to_owned(),
            line,
            column: source.get(line_start..start).unwrap_or_default().chars().count() + 1,
            span: start..floor_boundary(source, start + length),
            path,
            message,
            hint,
            severity: Severity::Error,
            text: Arc::clone(text),
        }
    }

    /// The same problem as something that does not prevent use.
    pub(crate) fn warning(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }

    /// `file:line:column: message (hint)`, on one line; warnings say so.
    #[must_use]
    pub fn line(&self) -> String {
        let kind = match self.severity {
            Severity::Error => "",
            Severity::Warning => "warning: ",
        };
        let hint = self.hint.as_ref().map_or_else(String::new, |hint| format!(" ({hint})"));
        format!("{}:{}:{}: {kind}{}{hint}", self.file, self.line, self.column, self.message).replace(['\n', '\r'], " ")
    }
}

/// The largest character boundary of `text` that is not after `offset`.
fn floor_boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

impl Display for Problem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        let hint: Box<dyn Display> = Box::new(self.hint.as_ref()?);
        Some(hint)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        let file: &File = &self.text;
        (!file.text().is_empty()).then_some(&file.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = (!self.path.is_empty()).then(|| self.path.clone());
        Some(Box::new(std::iter::once(LabeledSpan::new(label, self.span.start, self.span.len()))))
    }
}

/// Everything that is wrong with a catalogue: at least one error, and the warnings found beside it,
/// ordered by file, line and column.
#[derive(Debug, Clone)]
pub struct Problems(pub Vec<Problem>);

impl Display for Problems {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(Problem::line).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Problems {}

/// Orders problems as a reader goes through the files.
pub(crate) fn sort(problems: &mut [Problem]) {
    problems.sort_by(|a, b| (&a.file, a.span.start, &a.message).cmp(&(&b.file, b.span.start, &b.message)));
}
