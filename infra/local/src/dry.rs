//! The dry run: what a source makes of one file, told to a person. Writes nothing and counts nothing.

mod report;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use catalog::Readings;
use usage::{Limits, ObjectContext, Source, Tags, Translation, Translator, Unreadable};

use crate::cli::TranslateArgs;
use crate::failure::Failure;
use crate::folder::read_sources;
use crate::report::say;

/// Bytes of the file that are held at a time.
const PIECE: usize = 1 << 20;

/// A file with more bytes is large.
const LARGE: u64 = 4 << 20;

/// Bytes of a file that are looked at to propose a source.
const SNIFFED: u64 = 4 << 20;

/// Bytes that are looked at of a Parquet file, which is held whole.
const PARQUET: u64 = 64 << 20;

/// Carries out `farthing translate`.
pub fn translate(arguments: &TranslateArgs) -> Result<(), Failure> {
    if arguments.sniff {
        return sniff(&arguments.file);
    }
    let readings = read_sources(&arguments.catalogue)?;
    let (source, key, tags) = find_source(&readings, arguments)?;
    let outcome = run(&arguments.file, source, &key, tags, arguments.show)?;
    let dry = report::Dry { key: &key, source: source.name(), streams: &readings.streams, show: arguments.show };
    say(&if arguments.json { dry.json(&outcome) } else { dry.text(&outcome) });
    match outcome {
        Ok(Translation { quarantine: None, .. }) => Ok(()),
        Ok(_) | Err(_) => Err(Failure::Waiting),
    }
}

fn run(
    file: &Path,
    source: &Source,
    key: &str,
    tags: Tags,
    show: usize,
) -> Result<Result<Translation, Unreadable>, Failure> {
    let context = ObjectContext { key: key.to_owned(), tags, ..ObjectContext::default() };
    let limits = Limits { shown: show, ..Limits::default() };
    let failed = |error| Failure::file(file, error);
    let mut reader = File::open(file).map_err(failed)?;
    let mut translator = translator(&mut reader, source, context, limits).map_err(failed)?;
    let mut piece = vec![0; PIECE];
    loop {
        let length = reader.read(&mut piece).map_err(failed)?;
        let Some(bytes) = piece.get(..length).filter(|bytes| !bytes.is_empty()) else { return Ok(translator.finish()) };
        if let Err(unreadable) = translator.push(bytes) {
            return Ok(Err(unreadable));
        }
    }
}

/// What translates the file, as a function would: large ones on two threads, and their end first where that says
/// what stands before it. A pipe has no end to look at.
fn translator<'s>(
    file: &mut File,
    source: &'s Source,
    context: ObjectContext,
    limits: Limits,
) -> std::io::Result<Translator<'s>> {
    let facts = file.metadata()?;
    if !facts.is_file() || facts.len() <= LARGE {
        return Ok(Translator::with_limits(source, context, limits));
    }
    let mut translator = Translator::on_two_threads(source, context, limits);
    let mut wanted = source.asks_for_end();
    while let Some(length) = wanted.map(|length| length.min(facts.len())) {
        let mut end = Vec::new();
        file.seek(SeekFrom::Start(facts.len().saturating_sub(length)))?;
        file.by_ref().take(length).read_to_end(&mut end)?;
        file.seek(SeekFrom::Start(0))?;
        wanted = translator.foresee(&end, facts.len());
    }
    Ok(translator)
}

/// The source that reads the file, and the key under which it does.
fn find_source<'r>(readings: &'r Readings, arguments: &TranslateArgs) -> Result<(&'r Source, String, Tags), Failure> {
    let candidates: Vec<&Source> = match &arguments.source {
        None => readings.sources.values().collect(),
        Some(name) => {
            let unknown = || {
                let known: Vec<&str> = readings.sources.keys().map(String::as_str).collect();
                Failure::NoSource(format!(
                    "there is no source `{name}` in the catalogue; there are: {}",
                    known.join(", ")
                ))
            };
            vec![readings.sources.get(name).ok_or_else(unknown)?]
        }
    };
    let keys = keys(arguments);
    let found = keys.iter().find_map(|key| {
        let mut matching = candidates.iter().filter_map(|source| Some((*source, key.clone(), source.matches(key)?)));
        let first = matching.next()?;
        Some((first, matching.next()))
    });
    match found {
        Some((found, None)) => Ok(found),
        Some(((one, key, _), Some((other, ..)))) => Err(Failure::NoSource(format!(
            "the sources `{}` and `{}` both read `{key}`; say which one is meant with --source",
            one.name(),
            other.name()
        ))),
        None => Err(Failure::NoSource(format!(
            "no source reads `{}`: no `objects` pattern matches it; say which key it would have with --key, or begin a source with --sniff",
            arguments.key.clone().unwrap_or_else(|| arguments.file.display().to_string())
        ))),
    }
}

/// The keys that the file may have: the one that is given, or what its path ends with, the longest first.
fn keys(arguments: &TranslateArgs) -> Vec<String> {
    if let Some(key) = &arguments.key {
        return vec![key.clone()];
    }
    let path = arguments.file.to_string_lossy().replace('\\', "/");
    let mut rest = path.trim_start_matches("./").trim_start_matches('/');
    let mut keys = vec![rest.to_owned()];
    while let Some((_, behind)) = rest.split_once('/') {
        keys.push(behind.to_owned());
        rest = behind;
    }
    keys
}

fn sniff(file: &Path) -> Result<(), Failure> {
    let failed = |error| Failure::file(file, error);
    let mut bytes = Vec::new();
    let mut reader = File::open(file).map_err(failed)?;
    reader.by_ref().take(SNIFFED).read_to_end(&mut bytes).map_err(failed)?;
    // What the columns of Parquet are stands at its end.
    if bytes.starts_with(b"PAR1") {
        reader.take(PARQUET).read_to_end(&mut bytes).map_err(failed)?;
    }
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let proposal = usage::propose(&name, &bytes);
    say(proposal.map_err(|unreadable| failed(std::io::Error::other(unreadable.reason)))?.trim_end());
    Ok(())
}
