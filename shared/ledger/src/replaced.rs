//! Files that take each other's place: of all that are the whole of the same thing the latest counts.
//!
//! Which one that is follows from the inputs of the rollups alone, whatever arrived first. What a slot
//! comes to without the files that another one replaced is told from its tallies again, and kept under
//! the hash of what it was told from.

use std::collections::{BTreeMap, BTreeSet};

use metering::rollup::{Input, Rollup, Slot, Standing};

use crate::aggregate::Building;
use crate::error::LedgerError;
use crate::file::{read_text, record_at};
use crate::names;
use crate::ports::{Bucket, Ports};

/// A source and what some files of it are the whole of.
type Group = (String, Vec<String>);

/// The files that are met, each against the others of its group.
#[derive(Debug, Default)]
pub(crate) struct Latest {
    latest: BTreeMap<Group, (String, Input)>,
    replaced: BTreeSet<String>,
}

impl Latest {
    /// Takes a file in. One in quarantine or waived says nothing, and so replaces nothing.
    pub(crate) fn meet(&mut self, file: &str, input: &Input) {
        let (Some(whole), Standing::Counted) = (&input.whole, &input.standing) else { return };
        let group = (whole.source.clone(), whole.group.clone());
        let mut earlier = file.to_owned();
        match self.latest.get_mut(&group) {
            None => {
                self.latest.insert(group, (earlier, input.clone()));
                return;
            }
            Some((latest, present)) if present.lateness() < input.lateness() => {
                std::mem::swap(latest, &mut earlier);
                *present = input.clone();
            }
            Some(_) => {}
        }
        self.replaced.insert(earlier);
    }

    /// The files that another one replaced.
    pub(crate) fn into_replaced(self) -> BTreeSet<String> {
        self.replaced
    }
}

/// What a slot comes to without the files that were replaced: the rollup itself where none of its own was.
///
/// # Errors
/// [`LedgerError`].
pub(crate) async fn without<P: Ports>(
    ports: &P,
    slot: &Slot,
    (body, rollup): (&str, Rollup),
    replaced: &BTreeSet<String>,
) -> Result<Rollup, LedgerError> {
    let gone: Vec<&str> = rollup.inputs.keys().filter(|file| replaced.contains(*file)).map(String::as_str).collect();
    if gone.is_empty() {
        return Ok(rollup);
    }
    let kept = format!("without/{}.json", names::sha256(format!("{body} {}", gone.join(" ")).as_bytes()));
    if ports.head(Bucket::Work, &kept).await?.is_some() {
        return Ok(Rollup::decode(&read_text(ports, Bucket::Work, &kept).await?)?);
    }
    let mut building = Building::default();
    for (file, input) in rollup.inputs.iter().filter(|(file, _)| !replaced.contains(*file)) {
        let record = record_at(ports, slot, file, input.revision).await?;
        building.add_record(ports, file.clone(), input.clone(), record).await?;
    }
    let rest = building.end(ports).await?;
    ports.put_once(Bucket::Work, &kept, rest.encode()?.into_bytes(), "application/json").await?;
    Ok(rest)
}
