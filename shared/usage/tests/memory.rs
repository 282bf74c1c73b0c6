//! Memory does not grow with the file: eight times as much of the same takes no more of it.
//!
//! What is measured is the most that a process of its own had resident (Linux keeps count of it) when it had taken
//! all that it was given and waited for more.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
#![expect(clippy::print_stderr, reason = "a skipped test must say so")]

mod common;

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use common::source;
use usage::{Limits, ObjectContext, Translator};

/// Tells the child which format it reads, and whether to keep all that it reads.
const FORMAT: &str = "FARTHING_MEMORY_FORMAT";
const KEEP: &str = "FARTHING_MEMORY_KEEP";

/// A child that reads its input to the end and waits in between. Does nothing when nobody asked for it.
#[test]
#[ignore = "started by the tests beside it"]
fn the_child_that_is_measured() {
    #[expect(clippy::disallowed_methods, reason = "how the parent reaches its child")]
    let (Some(format), keep) = (std::env::var_os(FORMAT), std::env::var_os(KEEP).is_some()) else { return };
    let source = source(&mapping(format.to_str().unwrap()));
    let mut translator = Translator::on_two_threads(&source, ObjectContext::default(), Limits::default());
    let (mut piece, mut kept) = (vec![0; 1 << 20], Vec::new());
    let mut input = std::io::stdin().lock();
    loop {
        let length = input.read(&mut piece).unwrap();
        if length == 0 {
            break;
        }
        translator.push(&piece[..length]).unwrap();
        kept.extend_from_slice(if keep { &piece[..length] } else { b"" });
    }
    assert!(translator.finish().unwrap().tally.counts.tallied > 10_000);
}

fn mapping(format: &str) -> String {
    format!(
        "{{name: m, objects: '**', format: {format}, deployment: {{field: c}}, time: {{field: at, format: rfc3339}}, usage: [{{stream: calls, quantity: n, dimensions: {{host: host}}}}]}}"
    )
}

/// How records are written, one after the other.
struct Layout {
    format: &'static str,
    before: &'static str,
    record: fn(usize) -> String,
    between: &'static str,
    after: &'static str,
}

fn json(number: usize) -> String {
    let (cluster, host, minute) = (number % 7, number % 40, number / 100 % 60);
    format!(
        r#"{{"id":"{number:016x}","at":"2026-02-01T07:{minute:02}:00Z","c":"c{cluster}","host":"h{host}","n":{number}.25}}"#
    )
}

fn row(number: usize) -> String {
    let (cluster, host, minute) = (number % 7, number % 40, number / 100 % 60);
    format!("{number:016x},2026-02-01T07:{minute:02}:00Z,c{cluster},h{host},{number}.25")
}

const LINES: Layout = Layout { format: "json-lines", before: "", record: json, between: "\n", after: "\n" };
const ARRAY: Layout = Layout { format: "json-array", before: "[", record: json, between: ",\n", after: "]\n" };
const CSV: Layout = Layout { format: "csv", before: "id,at,c,host,n\n", record: row, between: "\n", after: "\n" };

/// Writes that many bytes of records, at least.
fn write(layout: &Layout, bytes: usize, output: &mut impl Write) {
    output.write_all(layout.before.as_bytes()).unwrap();
    let (mut written, mut number, mut piece) = (0, 0, String::new());
    while written < bytes {
        piece.clear();
        while piece.len() < 64 << 10 {
            piece.push_str(if number > 0 { layout.between } else { "" });
            piece.push_str(&(layout.record)(number));
            number += 1;
        }
        output.write_all(piece.as_bytes()).unwrap();
        written += piece.len();
    }
    output.write_all(layout.after.as_bytes()).unwrap();
}

/// How bytes are packed on their way.
#[derive(Clone, Copy, Debug)]
enum Packing {
    None,
    Gzip,
    Zstd,
    Xz,
}

fn send(layout: &Layout, packing: Packing, bytes: usize, mut output: impl Write) {
    match packing {
        Packing::None => write(layout, bytes, &mut output),
        Packing::Gzip => {
            let mut packed = flate2::write::GzEncoder::new(&mut output, flate2::Compression::fast());
            write(layout, bytes, &mut packed);
            packed.finish().unwrap();
        }
        Packing::Zstd => {
            let mut packed = zstd::Encoder::new(&mut output, 1).unwrap();
            write(layout, bytes, &mut packed);
            packed.finish().unwrap();
        }
        Packing::Xz => {
            let mut packed = liblzma::write::XzEncoder::new(&mut output, 0);
            write(layout, bytes, &mut packed);
            packed.finish().unwrap();
        }
    }
    output.flush().unwrap();
}

/// The most KiB that a child had resident when it had taken so many bytes of records.
fn resident(layout: &Layout, packing: Packing, bytes: usize, keep: bool) -> u64 {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "the_child_that_is_measured", "--ignored"]).env(FORMAT, layout.format);
    if keep {
        command.env(KEEP, "1");
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    send(layout, packing, bytes, &mut input);
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    drop(input);
    assert!(child.wait().unwrap().success());
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

const SMALL: usize = 4 << 20;
const LARGE: usize = 8 * SMALL;
/// What may come on top in KiB: how the system hands out memory differs from run to run.
const SLACK: u64 = 4 << 10;

fn counts_memory() -> bool {
    let counts = Path::new("/proc/self/status").exists();
    if !counts {
        eprintln!("skipped: this system does not say how much memory a process had");
    }
    counts
}

#[test]
fn eight_times_as_much_takes_no_more_memory() {
    if !counts_memory() {
        return;
    }
    for (layout, packing) in [
        (&LINES, Packing::None),
        (&ARRAY, Packing::None),
        (&CSV, Packing::None),
        (&LINES, Packing::Gzip),
        (&LINES, Packing::Zstd),
        (&LINES, Packing::Xz),
    ] {
        let (small, large) = (resident(layout, packing, SMALL, false), resident(layout, packing, LARGE, false));
        let what = format!("{} {packing:?}: {small} KiB, of eight times as much {large} KiB", layout.format);
        assert!(large < small + SLACK, "{what}");
        assert!(large < 64 << 10, "{what}");
    }
}

/// The measure sees what it is there to see.
#[test]
fn a_child_that_keeps_what_it_reads_is_caught() {
    if !counts_memory() {
        return;
    }
    let kept = [SMALL, LARGE].map(|bytes| resident(&LINES, Packing::None, bytes, true));
    let [small, large] = kept;
    assert!(large > small + SLACK + (12 << 10), "{kept:?}");
}
