//! How long Farthing's own objects live. What is not named here is kept for ever: invoices, documents, manifests,
//! rollups, directories and superseded tallies are what a bill is derived from.

/// How long objects live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// So many days: what is gone is made anew when it is asked for.
    Days(u16),
    /// As long as there are rollups: what it was made from may be gone by then, and a close that looks far back, or that
    /// was put off, still asks for it.
    Ever,
}

/// The folders of the work bucket that whoever reads usage may write to.
///
/// - `cells`: usage that is put aside while a month is read (`ledger::by_deployment`). Nothing names it afterwards, and
///   the next reading puts it there again.
/// - `days`: what the events with ids of a day come to. Told again from `marks` where it is missing.
/// - `without`: a slot without files that were replaced. It is told from tallies, and those expire.
/// - `marks`: events with ids. A file's are named by its tally, those of a slot by its rollup.
pub const LIVES: [(&str, Life); 4] =
    [("cells", Life::Days(7)), ("days", Life::Days(90)), ("without", Life::Ever), ("marks", Life::Ever)];
