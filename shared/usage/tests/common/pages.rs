//! The examples of the pages about sources: mapping, file and what comes of it.

use std::collections::BTreeMap;

use metering::stream::Stream;
use usage::{Source, SourceSpec};

use super::{gzip, streams, tar};

/// The first page describes the streams of all.
const PAGES: [&str; 7] = [
    include_str!("../../../../docs/sources.md"),
    include_str!("../../../../docs/sources/csv.md"),
    include_str!("../../../../docs/sources/json.md"),
    include_str!("../../../../docs/sources/parts.md"),
    include_str!("../../../../docs/sources/text.md"),
    include_str!("../../../../docs/sources/xml.md"),
    include_str!("../../../../docs/sources/families.md"),
];

/// The fenced blocks of a page: what is written behind the fence, and what is between.
fn blocks(page: &'static str) -> Vec<(&'static str, &'static str)> {
    let mut blocks = Vec::new();
    for (i, part) in page.split("```").enumerate() {
        if i % 2 == 1 {
            blocks.push(part.split_once('\n').unwrap());
        }
    }
    blocks
}

/// The bytes of an example's file: the text as it is, or packed as is said behind the name.
fn packed(text: &str, packing: &str) -> Vec<u8> {
    packing.split_whitespace().fold(text.as_bytes().to_vec(), |bytes, packing| match packing {
        "gzip" => gzip(&bytes),
        // Several files, each below a line with its name.
        "tar" => {
            let files = text.split("=== ").skip(1).map(|file| file.split_once('\n').unwrap());
            tar(&files.collect::<Vec<_>>())
        }
        "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        other => unreachable!("no packing {other}"),
    })
}

/// An example of a page.
pub struct Example {
    pub source: Source,
    pub streams: BTreeMap<String, Stream>,
    /// The key of the file, and its bytes.
    pub key: String,
    pub bytes: Vec<u8>,
    /// What the page says that comes of it.
    pub expected: &'static str,
}

/// All examples of all pages; each source on a page has a file and a result behind it.
pub fn examples() -> Vec<Example> {
    let mut examples = Vec::new();
    let mut known = BTreeMap::new();
    for page in PAGES {
        let (blocks, before) = (blocks(page), examples.len());
        // Those of the first page, unless a page has its own.
        if let Some((_, yaml)) = blocks.iter().find(|(info, _)| *info == "yaml streams") {
            known = streams(yaml);
        }
        for window in blocks.windows(3) {
            let [("yaml source", mapping), (file, text), ("result", expected)] = window else { continue };
            let source = serde_yaml_ng::from_str::<SourceSpec>(mapping).unwrap().compile(&known).unwrap();
            let file = file.strip_prefix("file ").unwrap();
            let (key, packing) = file.split_once(" packed: ").unwrap_or((file, ""));
            let (key, bytes, streams) = (key.to_owned(), packed(text, packing), known.clone());
            examples.push(Example { source, streams, key, bytes, expected });
        }
        let sources = blocks.iter().filter(|(info, _)| *info == "yaml source").count();
        assert!(sources > 0);
        assert_eq!(examples.len() - before, sources, "each source on the page has a file and a result behind it");
    }
    examples
}
