//! What the tests of this crate share.
#![allow(dead_code, reason = "each test file uses its own part")]
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

pub mod pages;

use std::collections::BTreeMap;
use std::io::Write;

use metering::stream::Stream;
use usage::{ObjectContext, Source, SourceSpec, SpecError, Translation, Translator, Unreadable};

/// The streams that the tests' mappings feed.
pub const STREAMS: &str = r#"
- {name: calls, title: Calls, unit: call, scale: 3, kind: delta, day: sum, month: sum}
- {name: credits, title: Credits, unit: credit, scale: 0, kind: delta, day: sum, month: sum, negative: allow}
- {name: hours, title: Hours, unit: hour, scale: 6, kind: delta, day: sum, month: sum}
- {name: storage, title: Storage, unit: GB, scale: 9, kind: gauge, day: average, month: average}
- {name: sent, title: Sent, unit: byte, scale: 0, kind: cumulative, day: sum, month: sum}
"#;

pub fn streams(yaml: &str) -> BTreeMap<String, Stream> {
    let streams: Vec<Stream> = serde_yaml_ng::from_str(yaml).unwrap();
    streams.into_iter().map(|stream| (stream.name.clone(), stream)).collect()
}

pub fn compile(yaml: &str) -> Result<Source, Vec<SpecError>> {
    serde_yaml_ng::from_str::<SourceSpec>(yaml).unwrap().compile(&streams(STREAMS))
}

pub fn source(yaml: &str) -> Source {
    compile(yaml).unwrap()
}

/// Translates an object with the key `usage/a`.
pub fn translate(source: &Source, bytes: &[u8]) -> Result<Translation, Unreadable> {
    translate_pieces(source, "usage/a", std::iter::once(bytes))
}

pub fn translate_pieces<'b>(
    source: &Source,
    key: &str,
    pieces: impl Iterator<Item = &'b [u8]>,
) -> Result<Translation, Unreadable> {
    let tags = source.matches(key).unwrap_or_default();
    let mut translator =
        Translator::new(source, ObjectContext { key: key.to_owned(), tags, ..ObjectContext::default() });
    for piece in pieces {
        translator.push(piece)?;
    }
    let translation = translator.finish()?;
    assert!(translation.tally.counts.balance(), "{:?}", translation.tally.counts);
    Ok(translation)
}

pub fn translate_error(source: &Source, bytes: &[u8]) -> String {
    translate(source, bytes).unwrap_err().to_string()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A tar with these files.
pub fn tar(files: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, text) in files {
        let mut header = vec![0; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", text.len()).as_bytes());
        header[148..156].fill(b' ');
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        bytes.extend(header);
        bytes.extend(text.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}
