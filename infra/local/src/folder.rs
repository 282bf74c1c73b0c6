//! A catalogue as a folder of YAML files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ledger::configuration::Configuration;

use crate::failure::Failure;

/// Reads and checks all YAML files of a folder.
pub fn read_catalogue(folder: &Path) -> Result<Configuration, Failure> {
    Configuration::load(read_files(folder)?).map_err(Failure::Catalogue)
}

/// Reads the streams and sources of a folder's YAML files.
pub fn read_sources(folder: &Path) -> Result<catalog::Readings, Failure> {
    catalog::readings(read_files(folder)?).map_err(Failure::Catalogue)
}

fn read_files(folder: &Path) -> Result<Vec<(String, String)>, Failure> {
    if !folder.is_dir() {
        let what =
            "there is no such folder of a catalogue's YAML files; `run` takes it with --catalogue, `check` as it is";
        return Err(Failure::file(folder, io::Error::new(io::ErrorKind::NotFound, what)));
    }
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| Failure::file(folder, error))? {
        let path = entry.map_err(|error| Failure::file(folder, error))?.path();
        if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Err(Failure::NoCatalogue(folder.to_owned()));
    }
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).map_err(|error| Failure::file(&path, error))?;
        files.push((path.display().to_string(), text));
    }
    Ok(files)
}
