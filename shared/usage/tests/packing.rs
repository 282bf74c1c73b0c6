//! However an object is packed, it says the same; and what is damaged says nothing.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use common::{source, translate, translate_error, translate_pieces};
use proptest::prelude::*;
use usage::{Limits, ObjectContext, Source, Translation, Translator, Unreadable};

const LINES: &str = r#"
name: api
objects: "usage/**"
format: json-lines
deployment: {field: cluster}
time: {field: ts, format: rfc3339}
usage: [{stream: calls, quantity: n, series: node}]
"#;

fn text() -> String {
    let line = |i: u32| {
        format!("{{\"cluster\":\"Köln\",\"ts\":\"2026-02-01T00:{:02}:00Z\",\"node\":{},\"n\":{i}}}\n", i % 60, i % 7)
    };
    (1..40).map(line).collect()
}

/// The text packed in every way, by name. Those that a source has to declare begin with `declared`.
fn packings() -> &'static BTreeMap<String, Vec<u8>> {
    static PACKINGS: OnceLock<BTreeMap<String, Vec<u8>>> = OnceLock::new();
    PACKINGS.get_or_init(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("packings-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let plain = folder.join("plain");
        std::fs::write(&plain, text()).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/common/pack.py");
        let status = Command::new("python3").arg(script).args([&plain, &folder]).status().unwrap();
        assert!(status.success());
        let mut packings = by_libraries();
        for entry in std::fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            packings.insert(entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap());
        }
        std::fs::remove_dir_all(folder).unwrap();
        packings
    })
}

/// Python's standard library packs neither zstd nor lz4.
fn by_libraries() -> BTreeMap<String, Vec<u8>> {
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
    use std::io::Write;

    let text = text();
    let zstd = |text: &str| zstd::encode_all(text.as_bytes(), 3).unwrap();
    let lz4 = |info: FrameInfo, text: &str| {
        let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let checked = || FrameInfo::new().content_checksum(true).block_checksums(true).block_size(BlockSize::Max64KB);
    let (first, second) = text.split_at(1001);
    let skippable = [b"\x50\x2a\x4d\x18\x03\0\0\0abc".as_slice(), &zstd(second)].concat();
    [
        ("zstd", zstd(&text)),
        ("zstd-frames", [zstd(first), skippable].concat()),
        ("zstd-of-lz4", zstd::encode_all(lz4(FrameInfo::new(), &text).as_slice(), 1).unwrap()),
        ("lz4", lz4(checked(), &text)),
        (
            "lz4-linked",
            lz4(checked().block_mode(BlockMode::Linked).content_size(Some(u64::try_from(text.len()).unwrap())), &text),
        ),
        ("lz4-frames", [lz4(checked(), first), b"\x5f\x2a\x4d\x18\0\0\0\0".to_vec(), lz4(checked(), second)].concat()),
    ]
    .into_iter()
    .map(|(name, bytes)| (name.to_owned(), bytes))
    .collect()
}

/// The packings that need no declaration, and the text as it is.
fn undeclared() -> impl Iterator<Item = (&'static String, &'static Vec<u8>)> {
    packings().iter().filter(|(name, _)| !name.starts_with("declared"))
}

/// Those of which the end can be told.
fn ended() -> impl Iterator<Item = (&'static String, &'static Vec<u8>)> {
    undeclared().filter(|(name, _)| *name != "plain" && !name.starts_with("utf"))
}

fn plain() -> Translation {
    translate(&source(LINES), text().as_bytes()).unwrap()
}

#[test]
fn every_packing_says_what_the_plain_text_says() {
    let source = source(LINES);
    assert!(undeclared().count() > 25);
    assert_eq!(plain().tally.counts.tallied, 39);
    for (name, bytes) in undeclared() {
        assert_eq!(translate(&source, bytes).as_ref(), Ok(&plain()), "{name}");
    }
}

#[test]
fn what_the_first_bytes_do_not_say_is_declared() {
    for (name, declared) in [
        ("declared-base64", "envelope: {holds: base64}"),
        ("declared-utf-16le", "encoding: utf-16le"),
        ("declared-latin-1", "encoding: latin-1"),
        ("declared-json", "envelope: {field: 'Records[*].kinesis.data'}"),
        ("declared-json-lines", "envelope: {field: 'Records[0].kinesis.data'}"),
    ] {
        let source = source(&format!("{LINES}{declared}"));
        assert_eq!(translate(&source, &packings()[name]).as_ref(), Ok(&plain()), "{name}");
        let bytewise = translate_pieces(&source, "usage/a", packings()[name].chunks(1));
        assert_eq!(bytewise.as_ref(), Ok(&plain()), "{name} byte by byte");
    }
}

#[test]
fn pieces_of_any_one_size_say_the_same() {
    let source = source(LINES);
    for (name, bytes) in undeclared() {
        for size in [1, 2, 3, 7, 511, 512, 513, 1000] {
            let translation = translate_pieces(&source, "usage/a", bytes.chunks(size));
            assert_eq!(translation.as_ref(), Ok(&plain()), "{name} in pieces of {size}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_pieces_say_the_same(which in 0_usize..100, cuts in proptest::collection::vec(0_usize..4000, 0..12)) {
        let all: Vec<_> = undeclared().collect();
        let (name, bytes) = all[which % all.len()];
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).chain([0, bytes.len()]).collect();
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]);
        let translation = translate_pieces(&source(LINES), "usage/a", pieces);
        prop_assert_eq!(translation.as_ref(), Ok(&plain()), "{}", name);
    }
}

/// Whether nothing is tallied that the whole object does not say.
fn is_safe(translation: &Result<Translation, Unreadable>, whole: &Translation) -> bool {
    match translation {
        Err(_) => true,
        Ok(translation) => translation.quarantine.is_some() || translation == whole,
    }
}

#[test]
fn a_truncated_object_tallies_nothing_or_all() {
    let source = source(LINES);
    let whole = plain();
    // Of several members, a cut between two is one that nothing tells.
    let several = |name: &str| ["members", "streams", "frames"].iter().any(|parts| name.ends_with(parts));
    for (name, bytes) in ended().filter(|(name, _)| !several(name)) {
        for cut in 1..bytes.len() {
            let translation = translate(&source, &bytes[..cut]);
            assert!(is_safe(&translation, &whole), "{name} cut at {cut} of {}: {translation:?}", bytes.len());
        }
    }
}

#[test]
fn a_damaged_byte_tallies_nothing_or_all() {
    let source = source(LINES);
    let whole = plain();
    // What has a checksum over all that counts.
    for name in [
        "gzip",
        "gzip-members",
        "bzip2",
        "bzip2-streams",
        "xz",
        "zip-deflate",
        "zip-stream",
        "zip-stored",
        "lz4",
        "lz4-linked",
    ] {
        let bytes = &packings()[name];
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x41;
            let translation = translate(&source, &damaged);
            assert!(is_safe(&translation, &whole), "{name} damaged at {at}: {translation:?}");
        }
    }
}

#[test]
fn what_follows_the_end_is_not_passed_over() {
    for (name, bytes) in ended().filter(|(name, _)| !name.starts_with("base64")) {
        let error = translate_error(&source(LINES), &[bytes.as_slice(), b"x"].concat());
        assert!(
            error.contains("follows") || error.contains("damaged") || error.contains("truncated"),
            "{name}: {error}"
        );
    }
}

fn with_limits(source: &Source, limits: Limits, bytes: &[u8]) -> Result<Translation, Unreadable> {
    let mut translator = Translator::with_limits(source, ObjectContext::default(), limits);
    translator.push(bytes)?;
    translator.finish()
}

#[test]
fn packing_is_bounded() {
    let source = source(LINES);
    let limits = Limits::default();
    for (name, limits, reason) in [
        ("tar-bzip2-of-gzip", Limits { depth: 2, ..limits }, "packed more than 2 times over"),
        ("gzip", Limits { decoded_bytes: 2000, ..limits }, "holds more than 2000 bytes"),
        ("zip-stored", Limits { members: 0, ..limits }, "holds more than 0 files"),
        ("gzip-twice", Limits { record_bytes: 60, ..limits }, "longer than 60 bytes"),
    ] {
        let error = with_limits(&source, limits, &packings()[name]).unwrap_err().to_string();
        assert!(error.contains(reason), "{name}: {error}");
    }
    let zeros = common::gzip(&vec![b'\n'; 70 << 20]);
    let error = translate_error(&source, &zeros);
    assert!(error.contains("more than 500 times its size"), "{error}");
}

#[test]
fn bytes_that_are_no_text_reject_their_record_alone() {
    let mut wide: Vec<u8> = text().repeat(60).encode_utf16().flat_map(u16::to_le_bytes).collect();
    wide.splice(0..0, [0xff, 0xfe]);
    // Half of a pair of surrogates instead of the K of the first Köln.
    let at = wide.windows(2).position(|pair| pair == b"K\0").unwrap();
    wide.splice(at..at + 2, [0x00, 0xd8]);
    let counts = translate(&source(LINES), &wide).unwrap().tally.counts;
    assert_eq!((counts.records, counts.tallied, counts.rejected), (2340, 2339, 1));
}

#[test]
fn an_encrypted_file_of_a_zip_is_named() {
    let mut bytes = packings()["zip-deflate"].clone();
    let at = bytes.windows(13).position(|name| name == b"usage/a.jsonl").unwrap();
    bytes[at - 24] |= 1;
    let error = translate_error(&source(LINES), &bytes);
    assert_eq!(error, "the bundle's file `usage/a.jsonl`: it is encrypted; pack it without a password");
}
