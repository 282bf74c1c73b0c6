//! The credentials of the organisations, in one secret of Secrets Manager: `{"crm": {"client_id": …, …}, …}` by the
//! names that the catalogue gives them. Read when a run logs in, never kept in the environment or a log. A key that the
//! secret only names stays in KMS and signs there.

use std::sync::Arc;

use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{MessageType, SigningAlgorithmSpec};
use aws_sdk_secretsmanager::Client;
use salesforce::Secrets;
use serde_json::Value;

/// One organisation's part of the secret.
pub struct Secret {
    client: Client,
    kms: aws_sdk_kms::Client,
    arn: Arc<str>,
    organisation: String,
}

impl Secret {
    /// The part of `organisation` of the secret `arn`.
    pub fn new(client: Client, kms: aws_sdk_kms::Client, arn: &str, organisation: &str) -> Self {
        Self { client, kms, arn: arn.into(), organisation: organisation.to_owned() }
    }
}

impl Secrets for Secret {
    async fn secret(&self, _: bool) -> Result<String, String> {
        let asked = self.client.get_secret_value().secret_id(&*self.arn).send().await;
        // The error's own text says only "service error".
        let answer = asked.map_err(|error| {
            let error = error.into_service_error();
            format!("the secret {} cannot be read: {}", self.arn, error.meta().code().unwrap_or("no answer"))
        })?;
        let text = answer.secret_string().ok_or_else(|| format!("the secret {} holds no text", self.arn))?;
        part(text, &self.organisation).ok_or_else(|| {
            format!("the secret {} is no JSON with a field `{}` for this organisation", self.arn, self.organisation)
        })
    }

    async fn sign(&self, key: &str, digest: [u8; 32]) -> Result<Vec<u8>, String> {
        let asked = self.kms.sign().key_id(key).message(Blob::new(digest)).message_type(MessageType::Digest);
        let asked = asked.signing_algorithm(SigningAlgorithmSpec::RsassaPkcs1V15Sha256).send().await;
        let answer = asked.map_err(|error| {
            let error = error.into_service_error();
            let code = error.meta().code().unwrap_or("no answer");
            format!("the key {key} does not sign: {code}{}", what_to_do(code))
        })?;
        let signature = answer.signature.ok_or_else(|| format!("the key {key} gave no signature"))?;
        Ok(signature.into_inner())
    }
}

/// What an administrator does about it; empty where KMS says enough.
fn what_to_do(code: &str) -> &'static str {
    match code {
        "AccessDeniedException" => "; give the stack its ARN as `SalesforceSigningKey` or `SalesforceWriteSigningKey`",
        "NotFoundException" => "; `kms_key` must be the ARN of a key in this region",
        "InvalidKeyUsageException" | "ValidationException" | "UnsupportedOperationException" => {
            "; it must be a key of the kind RSA_2048 or larger, made for SIGN_VERIFY"
        }
        _ => "",
    }
}

/// An organisation's credential, as text.
fn part(secret: &str, organisation: &str) -> Option<String> {
    let all: Value = serde_json::from_str(secret).ok()?;
    all.get(organisation).filter(|part| part.is_object()).map(Value::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_organisation_has_its_own_part() {
        let secret = r#"{"crm": {"client_id": "a", "client_secret": "b"}, "note": "x"}"#;
        assert_eq!(part(secret, "crm").as_deref(), Some(r#"{"client_id":"a","client_secret":"b"}"#));
        assert_eq!(part(secret, "emea"), None);
        assert_eq!(part(secret, "note"), None);
        assert_eq!(part("hunter2", "crm"), None);
    }
}
