//! What the first bytes of an object or of its text say that it is.

use crate::error::Unreadable;

/// So many bytes tell every kind apart.
pub(super) const LONGEST_MAGIC: usize = 6;

/// The marker that some programs put before UTF-8 text.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How an object is packed.
pub(super) enum Packing {
    None,
    Gzip,
    Zstd,
}

pub(super) fn packing(first: &[u8]) -> Packing {
    match first {
        [0x1f, 0x8b, ..] => Packing::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Packing::Zstd,
        _ => Packing::None,
    }
}

/// What is recognised so that it can be refused in words, rather than by a thousand broken lines.
const REFUSED: &[(&[u8], &str)] = &[
    (b"\x1f\x8b", "gzip within the compressed data (compressed twice)"),
    (b"\x28\xb5\x2f\xfd", "zstd within the compressed data (compressed twice)"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PAR1", "Parquet"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
];

/// Refuses text whose first bytes are those of something else.
pub(super) fn refuse_binary(first: &[u8]) -> Result<(), Unreadable> {
    match REFUSED.iter().find(|(magic, _)| first.starts_with(magic)) {
        Some((_, what)) => Err(Unreadable::new(format!(
            "the object is {what}, which is not read; write it as UTF-8 text, plain or once compressed with gzip or zstd"
        ))),
        None => Ok(()),
    }
}
