//! What the first bytes of an object, a member or a text say that it is.

use super::Unpack;
use super::base64::Base64;
use super::bzip2::Bzip2;
use super::gzip::Gzip;
use super::lz4::Lz4;
use super::tar;
use super::xz::Xz;
use super::zstandard::Zstandard;
use crate::error::Unreadable;

/// So many bytes tell every kind apart: a block of tar.
pub(super) const SNIFFED: usize = tar::BLOCK;

/// The marker that some programs put before UTF-8 text.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How something is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    None,
    Once(Kind),
    Bundle(BundleKind),
}

/// What packs one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Gzip,
    Zstd,
    Bzip2,
    Xz,
    Lz4,
    Base64,
}

/// What packs several things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BundleKind {
    Zip,
    Tar,
}

impl Kind {
    pub(super) fn unpacker(self) -> Result<Box<dyn Unpack>, Unreadable> {
        Ok(match self {
            Self::Gzip => Box::new(Gzip::default()),
            Self::Zstd => Box::new(Zstandard::new()?),
            Self::Bzip2 => Box::new(Bzip2::default()),
            Self::Xz => Box::new(Xz::new()?),
            Self::Lz4 => Box::new(Lz4::default()),
            Self::Base64 => Box::new(Base64::default()),
        })
    }
}

pub(super) fn packing(first: &[u8]) -> Packing {
    match first {
        [0x1f, 0x8b, ..] => Packing::Once(Kind::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Packing::Once(Kind::Zstd),
        // A frame to be passed over, which zstd and lz4 share; lz4 is told by what follows it.
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Packing::Once(after_skippable(first)),
        [0x04, 0x22, 0x4d, 0x18, ..] => Packing::Once(Kind::Lz4),
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31 | 0x17, ..] => Packing::Once(Kind::Bzip2),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Packing::Once(Kind::Xz),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Packing::Bundle(BundleKind::Zip),
        _ if tar::is_header(first) => Packing::Bundle(BundleKind::Tar),
        _ if is_base64(first) => Packing::Once(Kind::Base64),
        _ => Packing::None,
    }
}

fn after_skippable(first: &[u8]) -> Kind {
    let size = first
        .get(4..8)
        .and_then(|size| size.try_into().ok())
        .map_or(usize::MAX, |size| usize::try_from(u32::from_le_bytes(size)).unwrap_or(usize::MAX));
    match first.get(size.saturating_add(8)..) {
        Some([0x04, 0x22, 0x4d, 0x18, ..]) => Kind::Lz4,
        _ => Kind::Zstd,
    }
}

/// The base64 of what gzip, zstd, bzip2, xz, lz4 and zip begin with. Of plain text in base64 the
/// first bytes say nothing: the source has to.
const ENCODED: &[&[u8]] =
    &[b"H4sI", b"KLUv/", b"QlpoM", b"QlpoN", b"QlpoO", b"/Td6WFoA", b"BCJNGE", b"BCJNGG", b"UEsDB"];

fn is_base64(first: &[u8]) -> bool {
    let letters = |b: &u8| b.is_ascii_alphanumeric() || b"+/=-_\r\n".contains(b);
    ENCODED.iter().any(|magic| first.starts_with(magic)) && first.iter().all(letters)
}

/// What is recognised so that it can be refused in words, rather than by a thousand broken lines.
const REFUSED: &[(&[u8], &str)] = &[
    (b"ORC", "ORC"),
    (b"Obj\x01", "Avro"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x1f\x9d", "packed by `compress`"),
    (b"\x02\x21\x4c\x18", "legacy lz4"),
    (b"\xff\x06\0\0sNaPpY", "framed snappy"),
    (b"%PDF-", "a PDF"),
    (b"\xd0\xcf\x11\xe0", "an old Office file"),
];

/// Refuses text whose first bytes are those of something else.
pub(super) fn refuse_binary(first: &[u8]) -> Result<(), Unreadable> {
    match REFUSED.iter().find(|(magic, _)| first.starts_with(magic)) {
        Some((_, what)) => Err(Unreadable::new(format!(
            "it is {what}, which is not read; write it as text, plain or packed with gzip, zstd, bzip2, xz, lz4, zip or tar"
        ))),
        None => Ok(()),
    }
}
