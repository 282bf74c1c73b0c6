//! JSON Web Tokens: whoever holds the key that belongs to the certificate of the app logs in.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use metering::time::Instant;
use serde::Deserialize;

/// The user that the peer knows.
pub const USER: &str = "farthing@peer.example";
/// Whom assertions are for.
const AUDIENCE: &str = "https://login.salesforce.com";
/// No assertion is good for longer.
const LONGEST_SECONDS: i64 = 300;

#[derive(Deserialize)]
struct Head {
    alg: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
}

/// A new private key as PEM, and the public one that belongs to it.
///
/// # Errors
/// When none can be made.
pub(crate) fn key() -> Option<(String, Vec<u8>)> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).ok()?;
    let private = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).ok()?;
    let body = STANDARD.encode(private.as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    Some((pem, pair.public_key().as_ref().to_vec()))
}

/// Why an assertion is not taken, in the words of Salesforce.
pub(crate) fn refusal(assertion: &str, public: &[u8], client: &str, now: Instant) -> Option<&'static str> {
    let invalid = Some("invalid assertion");
    let Some((signed, signature)) = assertion.rsplit_once('.') else { return invalid };
    let Some((head, claims)) = signed.split_once('.') else { return invalid };
    let (Some(head), Some(claims)) = (part::<Head>(head), part::<Claims>(claims)) else { return invalid };
    let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return invalid };
    let known = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public);
    if head.alg != "RS256" || known.verify(signed.as_bytes(), &signature).is_err() {
        return invalid;
    }
    let left = claims.exp.saturating_sub(now.0.div_euclid(1000));
    match claims {
        Claims { iss, .. } if iss != client => Some("client identifier invalid"),
        Claims { aud, .. } if aud != AUDIENCE => Some("Audience validation failed"),
        Claims { sub, .. } if sub != USER => Some("user hasn't approved this consumer"),
        _ if !(1..=LONGEST_SECONDS).contains(&left) => invalid,
        _ => None,
    }
}

fn part<T: for<'de> Deserialize<'de>>(text: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}
