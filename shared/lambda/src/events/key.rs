//! Object keys as S3 notifications carry them.

/// Why a key is not one that S3 would have sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A `%` without two hexadecimal digits after it.
    #[error("has a '%' at byte {at} without two hexadecimal digits after it")]
    Percent {
        /// Byte offset in the encoded key.
        at: usize,
    },
    /// The decoded bytes are not text.
    #[error("is not UTF-8 after decoding: the bytes from {at} on")]
    NotUtf8 {
        /// Byte offset in the decoded key.
        at: usize,
    },
    /// There is no key.
    #[error("is empty")]
    Empty,
}

/// Decodes the key of an S3 notification: form encoding, where `+` is a space and a plus is `%2B`.
///
/// "The object key name value is URL encoded. For example, `red flower.jpg` becomes
/// `red+flower.jpg`": <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>.
/// `aws_lambda_events` has a field for the decoded key but leaves it empty.
pub fn decode(encoded: &str) -> Result<String, KeyError> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'+' => decoded.push(b' '),
            b'%' => {
                let at = encoded.len().saturating_sub(after.len()).saturating_sub(1);
                let (value, after) = hex_pair(after).ok_or(KeyError::Percent { at })?;
                decoded.push(value);
                rest = after;
            }
            other => decoded.push(other),
        }
    }
    text(decoded)
}

/// A key that needs no decoding, if it is one.
pub fn plain(key: String) -> Result<String, KeyError> {
    if key.is_empty() { Err(KeyError::Empty) } else { Ok(key) }
}

fn text(bytes: Vec<u8>) -> Result<String, KeyError> {
    let decoded = String::from_utf8(bytes);
    plain(decoded.map_err(|error| KeyError::NotUtf8 { at: error.utf8_error().valid_up_to() })?)
}

fn hex_pair(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (pair, rest) = bytes.split_first_chunk::<2>()?;
    let digits = pair.map(|digit| char::from(digit).to_digit(16));
    let value = digits[0]?.checked_mul(16)?.checked_add(digits[1]?)?;
    Some((u8::try_from(value).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_decode_as_s3_encodes_them() {
        for (encoded, decoded) in [
            ("usage/eu/2026-02-03/04.jsonl.gz", "usage/eu/2026-02-03/04.jsonl.gz"),
            ("red+flower.jpg", "red flower.jpg"),
            ("a%2Bb+c", "a+b c"),
            ("100%25+sure", "100% sure"),
            ("%252B", "%2B"),
            ("M%C3%BCnchen/%E6%9D%B1%E4%BA%AC.csv", "München/東京.csv"),
            ("%c3%bc", "ü"),
            ("München", "München"),
        ] {
            assert_eq!(decode(encoded).as_deref(), Ok(decoded), "{encoded}");
        }
    }

    #[test]
    fn keys_that_s3_would_not_send_are_refused() {
        for (encoded, error) in [
            ("", KeyError::Empty),
            ("a%", KeyError::Percent { at: 1 }),
            ("ab%2", KeyError::Percent { at: 2 }),
            ("%zz", KeyError::Percent { at: 0 }),
            ("%+1", KeyError::Percent { at: 0 }),
            ("ok%FF", KeyError::NotUtf8 { at: 2 }),
            ("%C3", KeyError::NotUtf8 { at: 0 }),
        ] {
            assert_eq!(decode(encoded), Err(error), "{encoded}");
        }
    }
}
