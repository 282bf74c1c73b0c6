//! All that is counted: the rollups with their inputs, read once and priced from.

use std::collections::BTreeMap;

use metering::rollup::{Input, Standing};
use metering::tally::{Cells, Counts};
use metering::time::{Quarter, Span};

use crate::aggregate::{load, read_head};
pub use crate::audit::{Audit, audit};
use crate::error::LedgerError;
use crate::file::pages;
use crate::manifest::Manifest;
use crate::names;
use crate::ports::{Ports, Table};
pub use crate::sweep::sweep;

/// The rollups of all slots at one time.
#[derive(Debug, Default)]
pub struct Counted {
    /// Every file that went in, by file id.
    pub inputs: BTreeMap<String, Input>,
    /// The usage within the window that was asked for.
    pub cells: Cells,
    /// The records of all files.
    pub counts: Counts,
    /// The manifest: which rollups were read.
    pub manifest: Manifest,
}

impl Counted {
    /// Reads every rollup; cells only of those with usage in `window`.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn read<P: Ports>(ports: &P, window: Option<Span>) -> Result<Self, LedgerError> {
        let mut counted = Self::default();
        for (source, _) in pages(ports, Table::Rollup, names::SOURCES).await? {
            for (hour, item) in pages(ports, Table::Rollup, &names::rollups(&source)).await? {
                let head = read_head(&item)?;
                let rollup = load(ports, &head.body).await?;
                counted.manifest.add(&source, &hour, &head.body);
                for (file, input) in rollup.inputs {
                    // A file has one slot for ever: in two of them its usage would count twice.
                    if let Some(other) = counted.inputs.insert(file, input) {
                        return Err(LedgerError::billing(
                            other.key,
                            "the file is in two rollups; nothing is priced until one of them is removed",
                        ));
                    }
                }
                counted.counts = counted.counts.add(&rollup.counts)?;
                if overlaps(window, head.from, head.to) {
                    counted.cells.merge(&rollup.cells).map_err(metering::tally::TallyError::from)?;
                }
            }
        }
        Ok(counted)
    }

    /// How many files count.
    pub fn files(&self) -> usize {
        self.inputs.values().filter(|input| input.standing == Standing::Counted).count()
    }
}

fn overlaps(window: Option<Span>, from: Option<Quarter>, to: Option<Quarter>) -> bool {
    match (window, from, to) {
        (Some(window), Some(from), Some(to)) => from.start() < window.until && to.start() >= window.from,
        (Some(_), ..) | (None, ..) => false,
    }
}
