//! The inputs of some rollups, looked up a slot at a time: the memory that it takes does not grow with the month.

use std::collections::BTreeMap;

use metering::rollup::{Input, Slot};

use crate::aggregate::{load, read_head};
use crate::error::LedgerError;
use crate::file::{claimed_slot, pages};
use crate::manifest::Manifest;
use crate::names;
use crate::ports::{Ports, Table};

/// The files of one rollup.
type Files = BTreeMap<String, Input>;

/// Which rollups there are, and what was looked up last.
pub(crate) struct Inputs {
    /// The object that holds a slot's rollup, by hour and source.
    bodies: BTreeMap<(i64, String), String>,
    /// The rollups of one hour.
    hour: Option<(i64, Vec<(Slot, Files)>)>,
    /// Another slot's rollup.
    other: Option<(Slot, Files)>,
}

impl Inputs {
    /// Of exactly the rollups that a manifest lists.
    pub(crate) fn of(manifest: &Manifest) -> Result<Self, LedgerError> {
        let bodies = manifest.rollups()?.into_iter().map(|(slot, body)| ((slot.hour, slot.source), body));
        Ok(Self { bodies: bodies.collect(), hour: None, other: None })
    }

    /// Of the rollups as they are now.
    pub(crate) async fn present<P: Ports>(ports: &P) -> Result<Self, LedgerError> {
        let mut manifest = Manifest::default();
        for (source, _) in pages(ports, Table::Rollup, names::SOURCES).await? {
            for (hour, item) in pages(ports, Table::Rollup, &names::rollups(&source)).await? {
                manifest.add(&source, &hour, &read_head(&item)?.body);
            }
        }
        Self::of(&manifest)
    }

    /// A file's input with its slot. It is looked for among the rollups of the hour in which its object was written: there it is,
    /// unless the object was written anew since the file was claimed.
    pub(crate) async fn get<P: Ports>(
        &mut self,
        ports: &P,
        file: &str,
        written: i64,
    ) -> Result<Option<(Slot, Input)>, LedgerError> {
        let found = |(slot, files): &(Slot, Files)| Some((slot.clone(), files.get(file)?.clone()));
        if let Some(input) = self.of_hour(ports, written).await?.iter().find_map(found) {
            return Ok(Some(input));
        }
        match claimed_slot(ports, file).await? {
            Some(slot) => Ok(self.of_slot(ports, slot).await?.and_then(found)),
            None => Ok(None),
        }
    }

    async fn of_hour<P: Ports>(&mut self, ports: &P, hour: i64) -> Result<&[(Slot, Files)], LedgerError> {
        if self.hour.as_ref().is_none_or(|(held, _)| *held != hour) {
            let mut rollups = Vec::new();
            let first = (hour, String::new());
            for ((_, source), body) in self.bodies.range(first..).take_while(|((at, _), _)| *at == hour) {
                rollups.push((Slot { source: source.clone(), hour }, load(ports, body).await?.inputs));
            }
            self.hour = Some((hour, rollups));
        }
        Ok(self.hour.as_ref().map_or(&[], |(_, rollups)| rollups))
    }

    async fn of_slot<P: Ports>(&mut self, ports: &P, slot: Slot) -> Result<Option<&(Slot, Files)>, LedgerError> {
        let Some(body) = self.bodies.get(&(slot.hour, slot.source.clone())) else { return Ok(None) };
        if self.other.as_ref().is_none_or(|(held, _)| *held != slot) {
            self.other = Some((slot, load(ports, body).await?.inputs));
        }
        Ok(self.other.as_ref())
    }
}
