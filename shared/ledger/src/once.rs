//! That no file is in two of the rollups that are priced: a file has one slot for ever, and in two of them its usage would
//! count twice.

use crate::aggregate::load;
use crate::error::LedgerError;
use crate::ports::Ports;

/// So many identities are compared at once, of sixteen bytes each. Of more files, the rollups are read once more for
/// each so many.
pub(crate) const FILES: usize = 2_000_000;

/// The part of all identities that is compared now. They are hashes, so all parts are about as large.
#[derive(Debug)]
pub(crate) struct Identities {
    part: u128,
    parts: u128,
    seen: Vec<u128>,
}

impl Identities {
    /// The first part of so many files.
    pub(crate) fn of(files: usize, at_once: usize) -> Self {
        let parts = files.div_ceil(at_once.max(1)).max(1);
        Self { part: 0, parts: u128::try_from(parts).unwrap_or(u128::MAX), seen: Vec::new() }
    }

    /// Takes the files of a rollup in.
    pub(crate) fn meet<'a>(&mut self, files: impl Iterator<Item = &'a String>) -> Result<(), LedgerError> {
        for file in files {
            let id = u128::from_str_radix(file, 16).map_err(|_| LedgerError::Missing(file.clone()))?;
            if id.checked_rem(self.parts) == Some(self.part) {
                self.seen.push(id);
            }
        }
        Ok(())
    }

    /// Compares what was met, and the other parts of the same rollups.
    pub(crate) async fn check<P: Ports>(mut self, ports: &P, bodies: &[String]) -> Result<(), LedgerError> {
        loop {
            self.seen.sort_unstable();
            let twice = self.seen.iter().zip(self.seen.iter().skip(1)).find(|(one, next)| one == next);
            if let Some((id, _)) = twice {
                return Err(twice_in(ports, bodies, &format!("{id:032x}")).await?);
            }
            self.seen.clear();
            self.part = self.part.saturating_add(1);
            if self.part >= self.parts {
                return Ok(());
            }
            for body in bodies {
                self.meet(load(ports, body).await?.inputs.keys())?;
            }
        }
    }
}

async fn twice_in<P: Ports>(ports: &P, bodies: &[String], file: &str) -> Result<LedgerError, LedgerError> {
    let mut key = file.to_owned();
    for body in bodies {
        if let Some(input) = load(ports, body).await?.inputs.remove(file) {
            key = input.key;
            break;
        }
    }
    Ok(LedgerError::billing(key, "the file is in two rollups; nothing is priced until one of them is removed"))
}
