//! Tallies within items, packed: DynamoDB charges every kilobyte that is written, and the text of a tally says the same
//! names again and again.

use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use metering::tally::Tally;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

/// What an item's text may unpack to: an item holds at most 300 KB, and deflate makes at most a thousandth of it.
const MAX_BYTES: u64 = 1 << 28;

/// Deflated (RFC 1951), as base64.
///
/// # Errors
/// Where memory cannot be written, which does not happen.
pub(crate) fn pack(text: &str) -> Result<String, serde_json::Error> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    let packed = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish());
    Ok(STANDARD_NO_PAD.encode(packed.map_err(<serde_json::Error as serde::ser::Error>::custom)?))
}

fn unpack(text: &str) -> Result<String, String> {
    let bytes = STANDARD_NO_PAD.decode(text).map_err(|error| error.to_string())?;
    let mut unpacked = String::new();
    let mut decoder = DeflateDecoder::new(bytes.as_slice()).take(MAX_BYTES);
    decoder.read_to_string(&mut unpacked).map_err(|error| error.to_string())?;
    Ok(unpacked)
}

/// For `#[serde(with = "packed")]`.
pub(crate) fn serialize<S: Serializer>(tally: &Option<Tally>, serializer: S) -> Result<S::Ok, S::Error> {
    let Some(tally) = tally else { return serializer.serialize_none() };
    let text = tally.encode().map_err(<S::Error as serde::ser::Error>::custom)?;
    serializer.serialize_str(&pack(&text).map_err(<S::Error as serde::ser::Error>::custom)?)
}

/// For `#[serde(with = "packed")]`.
pub(crate) fn deserialize<'a, D: Deserializer<'a>>(deserializer: D) -> Result<Option<Tally>, D::Error> {
    let Some(packed) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let text = unpack(&packed).map_err(D::Error::custom)?;
    Tally::decode(&text).map(Some).map_err(D::Error::custom)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_as_it_was() {
        for text in ["", "a", &"the same again ".repeat(10_000)] {
            assert_eq!(unpack(&pack(text).unwrap()).unwrap(), text);
        }
        assert!(pack(&"the same again ".repeat(10_000)).unwrap().len() < 1500);
    }

    #[test]
    fn what_is_damaged_is_told() {
        assert!(unpack("%").is_err());
        assert!(unpack("AAAA").is_err());
    }
}
