//! `farthing verify` and `farthing evidence`: an invoice derived once more, with Farthing's tables or without them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ledger::error::LedgerError;
use ledger::names::sha256;
use ledger::verify::evidence::{collect, verify_evidence};
use ledger::verify::{Verification, verify as verified};
use store::embedded::{Places, open};

use crate::cli::{Place, VerifyArgs};
use crate::failure::Failure;
use crate::open::engine;
use crate::report::say;

/// The list of all files of some evidence, as `sha256sum` writes and checks it.
const SUMS: &str = "sha256sums.txt";
const INVOICE: &str = "invoice.json";
const EARLIER: &str = "earlier";
const WORK: &str = "work";
const USAGE: &str = "usage";

/// Carries out `farthing verify`.
pub async fn verify(arguments: &VerifyArgs) -> Result<(), Failure> {
    let number = &arguments.number;
    let found = match &arguments.evidence {
        Some(folder) => {
            let files = arguments.files.clone().unwrap_or_else(|| folder.join(USAGE));
            of_evidence(number, folder, &files).await?
        }
        None => verified(&*engine(&arguments.place)?.ports, number).await?,
    };
    for (key, why) in &found.unread {
        say(&format!("{key}: {why}; its usage is taken from the tally that was stored then"));
    }
    found.wrong.iter().for_each(|(key, why)| say(&format!("{key}: {why}")));
    if !found.holds() {
        say(&format!("{number} is NOT what its files say: issued {}, derived {}", found.issued, found.derived));
        return Err(Failure::Waiting);
    }
    say(&format!("{number} comes out of {} files byte by byte: {}", found.files, found.derived));
    if found.absent > 0 {
        say(&format!("{} files are not at hand; none of the account's usage is in them", found.absent));
    }
    Ok(())
}

/// Carries out `farthing evidence`.
pub async fn evidence(place: &Place, number: &str, to: &Path) -> Result<(), Failure> {
    let engine = engine(place)?;
    let evidence = collect(&*engine.ports, number).await?;
    let work = Places::within(&place.data).work;
    let mut files = vec![(PathBuf::from(INVOICE), evidence.invoice.into_bytes())];
    for (place, text) in evidence.earlier.into_iter().enumerate() {
        files.push((Path::new(EARLIER).join(format!("{place:04}.json")), text.into_bytes()));
    }
    for key in &evidence.objects {
        files.push((Path::new(WORK).join(key), read(&work.join(key))?));
    }
    let mut sums = String::new();
    for (name, bytes) in &files {
        sums.push_str(&format!("{}  {}\n", sha256(bytes), name.display()));
        write(&to.join(name), bytes)?;
    }
    write(&to.join(SUMS), sums.as_bytes())?;
    say(&format!("what {number} is derived from: {} files in {}; with the usage files,", files.len(), to.display()));
    say(&format!("  farthing verify {number} --evidence {} --files USAGE", to.display()));
    Ok(())
}

/// Derives the invoice in a folder of its own, which is removed.
async fn of_evidence(number: &str, folder: &Path, files: &Path) -> Result<Verification, Failure> {
    if !files.is_dir() {
        let missing =
            io::Error::new(io::ErrorKind::NotFound, "there is no such folder of usage files; name it with --files");
        return Err(Failure::file(files, missing));
    }
    let wrong = changed(folder)?;
    if !wrong.is_empty() {
        return Ok(Verification { wrong, ..Verification::default() });
    }
    let scratch = std::env::temp_dir().join(format!("farthing-verify-{}", std::process::id()));
    let found = derived(number, folder, files, &scratch).await;
    let _ = fs::remove_dir_all(&scratch);
    found
}

async fn derived(number: &str, folder: &Path, files: &Path, scratch: &Path) -> Result<Verification, Failure> {
    let invoice = text(&folder.join(INVOICE))?;
    let named = invoicing::Invoice::from_json(&invoice).map_err(|error| LedgerError::billing(INVOICE, error))?.number;
    if named.as_deref() != Some(number) {
        let found = named.unwrap_or_else(|| "a draft".to_owned());
        return Err(LedgerError::billing(INVOICE, format!("this is the evidence of {found}, not of {number}")).into());
    }
    let places = Places { usage: files.to_owned(), ..Places::within(scratch) };
    copy(&folder.join(WORK), &places.work)?;
    let mut earlier = Vec::new();
    for path in below(&folder.join(EARLIER))? {
        earlier.push(text(&path)?);
    }
    let ports = open(&places)?;
    Ok(verify_evidence(&ports, &invoice, &earlier).await?)
}

/// The files of the evidence that are not what its list says.
fn changed(folder: &Path) -> Result<Vec<(String, String)>, Failure> {
    let mut wrong = Vec::new();
    for line in text(&folder.join(SUMS))?.lines() {
        let Some((sum, name)) = line.split_once("  ") else {
            wrong.push((SUMS.to_owned(), format!("`{line}` is no line of a list of sums")));
            continue;
        };
        match fs::read(folder.join(name)) {
            Ok(bytes) if sha256(&bytes) == sum => {}
            Ok(_) => wrong.push((name.to_owned(), format!("it was changed: {SUMS} lists another content"))),
            Err(error) => wrong.push((name.to_owned(), error.to_string())),
        }
    }
    Ok(wrong)
}

/// All files below a folder, in the order of their names; none where there is no folder.
fn below(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop().filter(|folder| folder.is_dir()) {
        for entry in fs::read_dir(&folder).map_err(|error| Failure::file(&folder, error))? {
            let path = entry.map_err(|error| Failure::file(&folder, error))?.path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    Ok(found)
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    for path in below(from)? {
        let name = path.strip_prefix(from).unwrap_or(&path);
        write(&to.join(name), &read(&path)?)?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::file(path, error))
}

fn text(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| Failure::file(path, error))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).and_then(|()| fs::write(path, bytes)).map_err(|error| Failure::file(path, error))
}
