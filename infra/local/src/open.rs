//! The embedded store, opened over a catalogue.

use std::fs;
use std::io;
use std::sync::Arc;

use store::embedded::{Places, open};

use crate::cli::Place;
use crate::crm;
use crate::engine::Engine;
use crate::failure::Failure;
use crate::folder::read_catalogue;

/// Files that are translated at once. Most of them wait for the disk, which commits what waits
/// together; each holds a megabyte of its file.
const WORKERS: usize = 32;

/// Where the embedded store keeps things, with the usage files where they are.
pub fn places(place: &Place) -> Places {
    Places { usage: place.usage.clone(), ..Places::within(&place.data) }
}

/// Opens the store over a catalogue.
pub fn engine(place: &Place) -> Result<Engine, Failure> {
    if !place.usage.is_dir() {
        let missing =
            io::Error::new(io::ErrorKind::NotFound, "there is no such folder of usage files; name it with --usage");
        return Err(Failure::file(&place.usage, missing));
    }
    let configuration = read_catalogue(&place.catalogue)?;
    fs::create_dir_all(&place.data).map_err(|error| Failure::file(&place.data, error))?;
    let ports = Arc::new(open(&places(place))?);
    let reached = crm::reach(&configuration.catalogue, place.salesforce_credentials.as_deref())?;
    Ok(Engine { ports, configuration: Arc::new(configuration), reached, workers: WORKERS, quiet: false })
}
