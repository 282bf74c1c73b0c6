//! Writes the demo's usage files: JSON Lines of storage and calls, CSV of compute jobs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

use flate2::Compression;
use flate2::write::GzEncoder;
use ledger::error::LedgerError;
use metering::period::start_of_day;
use metering::time::Instant;

use super::crm::DEPLOYMENTS;
use super::month::{Dice, HOURS, delay};
use crate::engine::Engine;
use crate::failure::Failure;

/// Nodes that report for each deployment.
const NODES: u64 = 3;

/// Calls are reported this often in an hour.
const CALL_REPORTS: u64 = 16;

/// What was generated.
pub struct Generated {
    /// The keys of all files, in order.
    pub events: Vec<String>,
    /// Bytes before compression.
    pub bytes: u64,
}

/// Writes every file that is not there yet. The folder is the bucket: paths are keys.
pub fn generate(engine: &Engine, folder: &Path) -> Result<Generated, Failure> {
    let sites = sites(engine)?;
    let hours: Vec<i64> = HOURS.collect();
    let progress = engine.progress("generate", hours.len());
    let mut generated = Generated { events: Vec::new(), bytes: 0 };
    for hour in hours {
        for (site, deployments) in &sites {
            let (date, clock) = date_and_hour(hour);
            let running = deployments.iter().filter(|(_, first)| **first <= hour);
            let deployments: Vec<&str> = running.map(|(name, _)| name.as_str()).collect();
            let usage = usage_lines(&deployments, hour);
            generated.add(folder, format!("usage/{site}/{date}/{clock}.jsonl.gz"), hour, usage.as_bytes(), true)?;
            let jobs = job_lines(&deployments, hour);
            generated.add(folder, format!("jobs/{site}/{date}/{clock}.csv"), hour, jobs.as_bytes(), false)?;
        }
        progress.inc(1);
    }
    let note = b"Nobody's usage: a file that somebody left in the bucket.\n";
    generated.add(folder, "usage/README.txt".to_owned(), HOURS.start, note, false)?;
    progress.finish_and_clear();
    Ok(generated)
}

impl Generated {
    fn add(&mut self, folder: &Path, key: String, hour: i64, text: &[u8], compress: bool) -> Result<(), Failure> {
        self.bytes = self.bytes.saturating_add(u64::try_from(text.len()).unwrap_or(0));
        let path = folder.join(&key);
        if !path.exists() {
            let written = write(&path, text, compress, arrival(&key, hour));
            written.map_err(|error| Failure::file(&path, error))?;
        }
        self.events.push(key);
        Ok(())
    }
}

fn write(path: &Path, text: &[u8], compress: bool, arrived: SystemTime) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    // Under another name first: a demo that is stopped must not leave half a file.
    let part = path.with_extension("part");
    let mut file = File::create(&part)?;
    if compress {
        let mut encoder = GzEncoder::new(&mut file, Compression::fast());
        encoder.write_all(text)?;
        encoder.finish()?;
    } else {
        file.write_all(text)?;
    }
    file.set_modified(arrived)?;
    fs::rename(part, path)
}

/// The file's time of arrival decides its slot.
fn arrival(key: &str, hour: i64) -> SystemTime {
    let end = u64::try_from(hour.saturating_add(1)).unwrap_or(0).saturating_mul(3600);
    SystemTime::UNIX_EPOCH + Duration::from_secs(end.saturating_add(delay(key, hour)))
}

fn date_and_hour(hour: i64) -> (String, String) {
    let text = Instant(hour.saturating_mul(3_600_000)).to_string();
    (text.get(..10).unwrap_or_default().to_owned(), text.get(11..13).unwrap_or_default().to_owned())
}

/// The deployments of a site and the hour in which each begins to report.
type Deployments = BTreeMap<String, i64>;

/// The deployments of the catalogue by site, which is the second part of their name; those that only
/// Salesforce knows; and one that no customer has.
fn sites(engine: &Engine) -> Result<BTreeMap<String, Deployments>, Failure> {
    let mut sites: BTreeMap<String, Deployments> = BTreeMap::new();
    for customer in engine.configuration.catalogue.customers.values() {
        for deployment in &customer.deployments {
            let site = deployment.id.split('-').nth(1).unwrap_or("lab").to_owned();
            let start = start_of_day(customer.zone, deployment.term.from).map_err(LedgerError::from)?.hour();
            let first = sites.entry(site).or_default().entry(deployment.id.clone()).or_insert(start);
            *first = start.min(*first);
        }
    }
    for deployment in DEPLOYMENTS {
        let site = deployment.split('-').nth(1).unwrap_or("lab").to_owned();
        sites.entry(site).or_default().insert(deployment.to_owned(), HOURS.start);
    }
    sites.entry("lab".to_owned()).or_default().insert("phantom-lab-07".to_owned(), HOURS.start);
    Ok(sites)
}

fn usage_lines(deployments: &[&str], hour: i64) -> String {
    let mut text = String::new();
    for deployment in deployments {
        storage(&mut text, deployment, hour);
        calls(&mut text, deployment, hour);
    }
    text
}

/// A level per node and hour, in terabytes with six digits, slowly growing over the month.
fn storage(text: &mut String, deployment: &str, hour: i64) {
    let size = Dice::new(deployment, 0).below(20_000_000).saturating_add(2_000_000);
    let grown = u64::try_from(hour.saturating_sub(HOURS.start)).unwrap_or(0).saturating_mul(size).div_euclid(20_000);
    for node in 1..=NODES {
        let mut dice = Dice::new(deployment, hour.saturating_mul(8).saturating_add(i64::try_from(node).unwrap_or(0)));
        let micro = size.saturating_add(grown).saturating_add(dice.below(50_000));
        let at = timestamp(hour, dice.below(60));
        let value = format!("{}.{:06}", micro.div_euclid(1_000_000), micro.rem_euclid(1_000_000));
        line(text, &at, deployment, node, "storage_tb", &value);
    }
}

/// Calls since the last report; more by day than by night.
fn calls(text: &mut String, deployment: &str, hour: i64) {
    let busy = Dice::new(deployment, 1).below(900).saturating_add(100);
    let by_day = if (8..20).contains(&hour.rem_euclid(24)) { 3 } else { 1 };
    for report in 0..CALL_REPORTS {
        let number = hour.saturating_mul(32).saturating_add(i64::try_from(report).unwrap_or(0));
        let mut dice = Dice::new(deployment, number);
        let at = timestamp(hour, report.saturating_mul(225).saturating_add(dice.below(200)));
        let value = dice.below(busy.saturating_mul(by_day)).to_string();
        let node = dice.below(NODES).saturating_add(1);
        if dice.once_in(20_000) {
            // Cut off in the middle, as a full disk leaves it.
            let _ = writeln!(text, r#"{{"ts":"{at}","cluster":"{deployment}","node":"node-{node}","metr"#);
        } else {
            line(text, &at, deployment, node, "api_calls", &value);
        }
    }
}

fn line(text: &mut String, at: &str, deployment: &str, node: u64, metric: &str, value: &str) {
    let _ = writeln!(
        text,
        r#"{{"ts":"{at}","cluster":"{deployment}","node":"node-{node}","metric":"{metric}","value":{value}}}"#
    );
}

fn timestamp(hour: i64, second: u64) -> String {
    let second = i64::try_from(second.min(3599)).unwrap_or(0);
    Instant(hour.saturating_mul(3600).saturating_add(second).saturating_mul(1000)).to_string()
}

/// Jobs that finished in the hour, with the compute hours that they took.
fn job_lines(deployments: &[&str], hour: i64) -> String {
    let mut text = String::from("finished,cluster,job,hours\n");
    for deployment in deployments {
        let mut dice = Dice::new(deployment, hour.saturating_mul(8).saturating_add(7));
        for job in 0..dice.below(4) {
            let at = timestamp(hour, dice.below(3600));
            let hundredths = dice.below(4000).saturating_add(1);
            let hours = format!("{}.{:02}", hundredths.div_euclid(100), hundredths.rem_euclid(100));
            let _ = writeln!(text, "{at},{deployment},j-{hour}-{job},{hours}");
        }
    }
    text
}
