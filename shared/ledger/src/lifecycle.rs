//! How long Farthing's own objects live. What is not named here is kept for ever: invoices, documents, manifests,
//! rollups, directories and superseded tallies are what a bill is derived from.

/// How long objects live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// So many days: what is gone is made anew when it is asked for.
    Days(u16),
    /// As long as a tally stays in the ledger.
    Tally,
}

/// The folders of the work bucket whose objects do not live for ever.
///
/// - `cells`: usage that is put aside while a month is read (`ledger::by_deployment`). Nothing names it afterwards, and
///   the next reading puts it there again.
/// - `days`, `without`: what the events with ids of a day come to, and a slot without files that were replaced. Told
///   again from marks and tallies where they are missing.
/// - `marks`: events with ids. A file's are named by its tally, those of a slot by its rollup, which is built anew and
///   priced only while its tallies are there: later than that nothing is corrected.
pub const LIVES: [(&str, Life); 4] =
    [("cells", Life::Days(7)), ("days", Life::Days(90)), ("without", Life::Days(90)), ("marks", Life::Tally)];
