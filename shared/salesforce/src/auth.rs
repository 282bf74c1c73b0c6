//! Logging in: client credentials or a signed assertion, through an External Client App. Pure; the requests are sent
//! by [`crate::client`].

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use metering::time::Instant;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::Id;
use crate::fault::Fault;
use crate::transport::{Method, Request, Response};

/// An assertion is valid this long; Salesforce allows a few minutes.
const ASSERTION_SECONDS: i64 = 180;

/// The names under which `instance_url` may lie.
const SUFFIXES: [&str; 4] =
    [".my.salesforce.com", ".sandbox.my.salesforce.com", ".my.salesforce.mil", ".my.sfcrmproducts.cn"];

/// What proves who we are. Not printable.
///
/// As a secret it is JSON: `{"client_id": …, "client_secret": …}`, or
/// `{"client_id": …, "username": …, "private_key": "-----BEGIN PRIVATE KEY-----…"}`, or
/// `{"client_id": …, "username": …, "kms_key": "arn:aws:kms:…"}`.
#[derive(Clone, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Credential {
    /// Client credentials: the default.
    Secret {
        /// The app's consumer key.
        client_id: String,
        /// Its consumer secret.
        client_secret: String,
    },
    /// JWT bearer.
    Key {
        /// The app's consumer key.
        client_id: String,
        /// The integration user.
        username: String,
        /// PKCS #8 as PEM.
        private_key: String,
        /// Whom the assertion is for.
        #[serde(default = "login_host")]
        audience: String,
    },
    /// JWT bearer with a key that never leaves KMS.
    Kms {
        /// The app's consumer key.
        client_id: String,
        /// The integration user.
        username: String,
        /// The key's ARN.
        kms_key: String,
        /// Whom the assertion is for.
        #[serde(default = "login_host")]
        audience: String,
    },
}

/// What a login sends.
pub enum Proof {
    /// The whole form.
    Form(String),
    /// What somebody else has to sign first.
    Unsigned(Unsigned),
}

/// An assertion that is not signed yet.
pub struct Unsigned {
    /// Which key of KMS signs it.
    pub key: String,
    text: String,
}

impl Unsigned {
    /// What is signed, with RSASSA-PKCS1-v1.5: the SHA-256 of the text.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.text).into()
    }

    /// The form to send, once it is signed.
    #[must_use]
    pub fn form(&self, signature: &[u8]) -> String {
        bearer(&format!("{}.{}", self.text, URL_SAFE_NO_PAD.encode(signature)))
    }
}

fn login_host() -> String {
    "https://login.salesforce.com".to_owned()
}

impl Credential {
    /// Reads a secret.
    ///
    /// # Errors
    /// [`Fault::Credential`], which never quotes the secret.
    pub fn read(text: &str) -> Result<Self, Fault> {
        let shape = "it must be JSON with `client_id` and `client_secret`, or with `client_id`, `username` and \
                     either `private_key` or `kms_key`, and nothing else";
        serde_json::from_str(text).map_err(|_| Fault::Credential(shape.to_owned()))
    }

    /// What proves it, as of `now`.
    ///
    /// # Errors
    /// [`Fault::Credential`] if the key cannot sign.
    pub fn proof(&self, now: Instant) -> Result<Proof, Fault> {
        Ok(match self {
            Self::Secret { client_id, client_secret } => Proof::Form(form(&[
                ("grant_type", "client_credentials"),
                ("client_id", client_id),
                ("client_secret", client_secret),
            ])),
            Self::Key { client_id, username, private_key, audience } => {
                let text = assertion(client_id, username, audience, now);
                Proof::Form(bearer(&signed(&text, private_key)?))
            }
            Self::Kms { client_id, username, kms_key, audience } => {
                let text = assertion(client_id, username, audience, now);
                Proof::Unsigned(Unsigned { key: kms_key.clone(), text })
            }
        })
    }
}

/// The request for a token.
#[must_use]
pub fn request(host: &str, form: String) -> Request {
    Request {
        method: Method::Post,
        url: format!("{host}/services/oauth2/token"),
        headers: vec![("accept", "application/json".to_owned())],
        body: Some(("application/x-www-form-urlencoded", form)),
    }
}

fn bearer(assertion: &str) -> String {
    form(&[("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", assertion)])
}

fn form(fields: &[(&str, &str)]) -> String {
    let pairs = fields.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    pairs.collect::<Vec<_>>().join("&")
}

/// A JSON Web Token, to be signed with RS256.
fn assertion(client: &str, user: &str, audience: &str, now: Instant) -> String {
    let expires = now.0.div_euclid(1000).saturating_add(ASSERTION_SECONDS);
    let claims = serde_json::json!({"iss": client, "sub": user, "aud": audience, "exp": expires});
    format!("{}.{}", URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#), URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// A token with its signature.
fn signed(text: &str, key: &str) -> Result<String, Fault> {
    let unusable = |what: &str| Fault::Credential(format!("`private_key` {what}"));
    let der = PrivatePkcs8KeyDer::from_pem_slice(key.as_bytes())
        .map_err(|_| unusable("is no PEM of PKCS #8 (it begins with -----BEGIN PRIVATE KEY-----)"))?;
    let pair = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| unusable("is no RSA key"))?;
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
        .map_err(|_| unusable("does not sign"))?;
    Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// A token and where to use it. Not printable.
#[derive(Clone)]
pub struct Token {
    /// What is sent with each call.
    pub access: String,
    /// The host of all calls.
    pub instance: String,
}

/// `issued_at`, `signature` and others may be missing; there is no `expires_in`.
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    instance_url: String,
    id: String,
}

/// The token of a successful answer, if it is for this organisation and under an allowed name.
///
/// # Errors
/// [`Fault`].
pub fn granted(response: &Response, organisation: &Id, host: &str, local: bool) -> Result<Token, Fault> {
    let granted: Granted = serde_json::from_slice(&response.body)
        .map_err(|_| Fault::broken("the login", "it has no access_token, instance_url and id"))?;
    let instance = granted.instance_url.trim_end_matches('/').to_owned();
    if !(is_allowed(&instance) || local && instance == host) {
        return Err(Fault::Elsewhere(instance));
    }
    let named = granted.id.rsplit('/').nth(1).unwrap_or_default();
    let found = Id::parse(named).map_err(|error| Fault::broken("the login", error))?;
    if found != *organisation {
        return Err(Fault::Organisation { expected: organisation.to_string(), found: found.to_string() });
    }
    Ok(Token { access: granted.access_token, instance })
}

/// Whether an address is https, a bare host, and of Salesforce.
#[must_use]
pub fn is_allowed(url: &str) -> bool {
    let Some(host) = url.strip_prefix("https://") else { return false };
    let plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    plain && SUFFIXES.iter().any(|suffix| host.len() > suffix.len() && host.ends_with(suffix))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
mod tests {
    use aws_lc_rs::encoding::AsDer;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn only_hosts_of_salesforce_get_the_token() {
        for good in ["https://acme.my.salesforce.com", "https://acme--dev.sandbox.my.salesforce.com"] {
            assert!(is_allowed(good), "{good}");
        }
        for bad in [
            "http://acme.my.salesforce.com",
            "https://my.salesforce.com",
            "https://.my.salesforce.com",
            "https://acme.my.salesforce.com.evil.example",
            "https://evil.example/acme.my.salesforce.com",
            "https://evil.example#.my.salesforce.com",
            "https://u@evil.example?.my.salesforce.com",
            "https://acme.my.salesforce.com:8443",
        ] {
            assert!(!is_allowed(bad), "{bad}");
        }
    }

    #[test]
    fn the_assertion_is_signed_with_the_key_and_ends_soon() {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let body = STANDARD.encode(AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair).unwrap().as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        let secret = serde_json::json!({"client_id": "key", "username": "farthing@acme.example", "private_key": pem});
        let credential = Credential::read(&secret.to_string()).unwrap();
        let Proof::Form(form) = credential.proof(Instant(1_795_391_820_000)).unwrap() else { panic!("it is signed") };
        let assertion = form.split("assertion=").nth(1).unwrap().replace("%2E", ".").replace("%5F", "_");
        let assertion = assertion.replace("%2D", "-");
        let [head, claims, signature] = assertion.split('.').collect::<Vec<_>>()[..] else { panic!("{form}") };
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref().to_vec());
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        public.verify(format!("{head}.{claims}").as_bytes(), &signature).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        assert_eq!(claims["exp"], 1_795_392_000);
        assert_eq!(
            (claims["iss"].as_str(), claims["aud"].as_str()),
            (Some("key"), Some("https://login.salesforce.com"))
        );
    }

    #[test]
    fn what_kms_signs_is_the_digest_of_the_very_assertion_that_is_sent() {
        let secret =
            r#"{"client_id":"key","username":"farthing@acme.example","kms_key":"arn:aws:kms:eu-west-1:1:key/2"}"#;
        let proof = Credential::read(secret).unwrap().proof(Instant(1_795_391_820_000)).unwrap();
        let Proof::Unsigned(unsigned) = proof else { panic!("nobody has signed it yet") };
        assert_eq!(unsigned.key, "arn:aws:kms:eu-west-1:1:key/2");
        let form = unsigned.form(b"\xfbsigned").replace("%2E", ".").replace("%2D", "-").replace("%5F", "_");
        let (text, signature) = form.split_once("assertion=").unwrap().1.rsplit_once('.').unwrap();
        assert_eq!(
            unsigned.digest().as_slice(),
            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()).as_ref()
        );
        assert_eq!(URL_SAFE_NO_PAD.decode(signature).unwrap(), b"\xfbsigned");
    }

    #[test]
    fn a_secret_of_another_shape_is_refused_without_being_told() {
        let both = r#"{"client_id":"a","username":"b","private_key":"hunter2","kms_key":"c"}"#;
        for text in
            ["", "hunter2", both, r#"{"client_id":"a"}"#, r#"{"client_id":"a","client_secret":"hunter2","x":1}"#]
        {
            let error = Credential::read(text).err().unwrap().to_string();
            assert!(error.contains("client_secret") && !error.contains("hunter2"), "{error}");
        }
    }
}
