//! What the benchmarks share: the records they are about, and the totals that all programs print.
//!
//! A record is a reading of a metric: id, time, cluster, host, metric, value, labels. Everybody
//! answers the same question: by cluster, metric and day the exact sum, the count and the peak.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

/// Digits after the decimal point of a value, at most.
pub const SCALE: u32 = 3;

/// Cluster, metric and day (from the epoch) → sum, count, peak, at [`SCALE`].
#[derive(Debug, Default)]
pub struct Totals(pub BTreeMap<(String, String, i64), (i128, u64, i128)>);

impl Totals {
    /// Adds a part of a day.
    pub fn add(&mut self, cluster: &str, metric: &str, day: i64, (sum, count, peak): (i128, u64, i128)) {
        let key = (cluster.to_owned(), metric.to_owned(), day);
        let total = self.0.entry(key).or_insert((0, 0, i128::MIN));
        *total = (total.0 + sum, total.1 + count, total.2.max(peak));
    }

    /// Prints the totals, one a line, sorted.
    pub fn print(&self) {
        for ((cluster, metric, day), (sum, count, peak)) in &self.0 {
            println!("{cluster}\t{metric}\t{day}\t{sum}\t{count}\t{peak}");
        }
    }
}

/// The file that the command line names.
pub fn file() -> (PathBuf, File) {
    let path = PathBuf::from(std::env::args_os().nth(1).expect("a file"));
    let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    (path, file)
}

/// Calls `use_lines` with whole lines of `input`, a piece at a time.
pub fn whole_lines(mut input: impl Read, mut use_lines: impl FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = vec![0; 256 << 10];
    let mut held = 0;
    loop {
        let read = input.read(&mut buffer[held..])?;
        if read == 0 {
            use_lines(&buffer[..held]);
            return Ok(());
        }
        let end = held + read;
        let lines = memchr::memrchr(b'\n', &buffer[..end]).map_or(0, |at| at + 1);
        use_lines(&buffer[..lines]);
        buffer.copy_within(lines..end, 0);
        held = end - lines;
    }
}
