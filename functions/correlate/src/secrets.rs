//! The credentials of the organisations, in one secret of Secrets Manager: `{"crm": {"client_id": …, …}, …}` by the
//! names that the catalogue gives them. Read when a run logs in, never kept in the environment or a log.

use std::sync::Arc;

use aws_sdk_secretsmanager::Client;
use salesforce::Secrets;
use serde_json::Value;

/// One organisation's part of the secret.
pub struct Secret {
    client: Client,
    arn: Arc<str>,
    organisation: String,
}

impl Secret {
    /// The part of `organisation` of the secret `arn`.
    pub fn new(client: Client, arn: &str, organisation: &str) -> Self {
        Self { client, arn: arn.into(), organisation: organisation.to_owned() }
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
