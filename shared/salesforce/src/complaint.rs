//! What an answer that is no success means, and what to do about it. Pure: one decoder for the five forms in which
//! Salesforce complains (a list, an OAuth object, a list of addresses, a page of HTML, nothing).

use serde::Deserialize;

/// Texts of others are kept to this length in errors; they may be pages of HTML.
const KEPT: usize = 200;

/// What is done about a complaint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Wait and send the same again, at most this often.
    Retry(u32),
    /// Get a new token once and send the same again once.
    RefreshToken,
    /// Read the secret anew once, in case it was rotated, and log in again.
    ReloadSecret,
    /// Nothing more today: the organisation's daily limit is used up. What was published last stays in force.
    StopForToday,
    /// Ask for half of the window.
    HalveWindow,
    /// Begin this object's walk anew from its cursor.
    RestartWalk,
    /// Somebody has to change the mapping or a permission.
    Configuration,
    /// Ask by REST instead of Bulk.
    UseRest,
    /// The record is gone.
    Gone,
    /// Two records answer to one key: shown, never picked.
    Ambiguous,
    /// Nothing helps but a person.
    Fatal,
}

/// How an answer complained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The status.
    pub status: u16,
    /// Salesforce's word for it; empty where there is none.
    pub code: String,
    /// Its sentence, cut short.
    pub message: String,
}

/// An item of the usual list; items of a collection say `statusCode`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Item {
    /// Salesforce's word.
    #[serde(alias = "statusCode", rename = "errorCode", default)]
    pub code: String,
    /// Its sentence.
    #[serde(default)]
    pub message: String,
}

#[derive(Deserialize)]
struct OAuth {
    error: String,
    #[serde(default)]
    error_description: Option<String>,
}

/// How often an answer from the edge of Salesforce is asked for again; a deleted organisation gives it for ever.
const EDGE_TRIES: u32 = 2;
/// How often anything else that passes is tried again.
const TRIES: u32 = 5;

impl Complaint {
    /// Reads the body of an answer that is no success, whatever its form.
    #[must_use]
    pub fn read(status: u16, content_type: &str, body: &[u8]) -> Self {
        let plain = |code: &str, message: &str| Self { status, code: code.to_owned(), message: shortened(message) };
        if body.is_empty() {
            return plain("", "no body");
        }
        if !content_type.to_ascii_lowercase().contains("json") {
            return plain("", &format!("not JSON but {}: {}", or_nothing(content_type), String::from_utf8_lossy(body)));
        }
        if let Ok(items) = serde_json::from_slice::<Vec<Item>>(body) {
            return items.first().map_or_else(|| plain("", "an empty list"), |item| plain(&item.code, &item.message));
        }
        if let Ok(oauth) = serde_json::from_slice::<OAuth>(body) {
            return plain(&oauth.error, &oauth.error_description.unwrap_or_default());
        }
        if let Ok(addresses) = serde_json::from_slice::<Vec<String>>(body) {
            return plain("", &format!("{} records answer to this key", addresses.len()));
        }
        plain("", &String::from_utf8_lossy(body))
    }

    /// What to do when a call to the API complains. `over_limit` is whether the answer's own count of the day's calls
    /// has reached the limit: the two meanings of `REQUEST_LIMIT_EXCEEDED` are told apart by it and by the sentence.
    #[must_use]
    pub fn action(&self, over_limit: bool) -> Action {
        match (self.status, self.code.as_str()) {
            (401, "INVALID_SESSION_ID") if !self.would_loop() => Action::RefreshToken,
            (_, "REQUEST_LIMIT_EXCEEDED") if self.message.contains("Concurrent") && !over_limit => Action::Retry(TRIES),
            (_, "REQUEST_LIMIT_EXCEEDED") => Action::StopForToday,
            (_, "QUERY_TIMEOUT" | "OPERATION_TOO_LARGE") => Action::HalveWindow,
            (_, "INVALID_QUERY_LOCATOR") => Action::RestartWalk,
            (_, "UNABLE_TO_LOCK_ROW" | "TXN_SECURITY_METERING_ERROR" | "SERVER_UNAVAILABLE") => Action::Retry(TRIES),
            (_, "MALFORMED_QUERY" | "INVALID_FIELD" | "INVALID_TYPE" | "INVALID_FIELD_FOR_INSERT_UPDATE") => {
                Action::Configuration
            }
            (_, "INVALIDENTITY") => Action::UseRest,
            (400, "API_ERROR") if self.message.contains("compound") => Action::Configuration,
            (404, "ENTITY_IS_DELETED") => Action::Gone,
            (300, _) => Action::Ambiguous,
            (420, _) => Action::Retry(EDGE_TRIES),
            // A page of HTML may come with any status.
            (200..=299 | 406 | 429 | 500 | 502 | 503 | 504, _) => Action::Retry(TRIES),
            _ => Action::Fatal,
        }
    }

    /// What to do when the login complains.
    #[must_use]
    pub fn login_action(&self) -> Action {
        match (self.status, self.code.as_str()) {
            (400 | 401, "invalid_client") => Action::ReloadSecret,
            // A new assertion is made for each attempt; a clock that is a little off gets another chance.
            (400, "invalid_grant") if self.message == "invalid assertion" => Action::Retry(1),
            (420, _) => Action::Retry(EDGE_TRIES),
            (406 | 429 | 500 | 502 | 503 | 504, _) => Action::Retry(TRIES),
            _ => Action::Fatal,
        }
    }

    /// Answers that a new token does not mend: refreshing on them would go on for ever.
    fn would_loop(&self) -> bool {
        self.message.contains("not valid for use with the REST API") || self.message.contains("not attached to Agent")
    }

    /// What an administrator does about it; empty where nothing is known.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match (self.code.as_str(), self.message.as_str()) {
            ("INVALID_FIELD", _) => {
                "the field does not exist, or the permission set of the integration user does not let it read the field"
            }
            ("INVALID_TYPE" | "NOT_FOUND", _) => {
                "the object does not exist, or the permission set of the integration user does not let it read the object"
            }
            ("invalid_grant", "request not supported on this domain") => {
                "`host` must be the organisation's My Domain, as in https://acme.my.salesforce.com"
            }
            ("invalid_grant", "no client credentials user enabled") => {
                "set the run-as user in the policies of the External Client App"
            }
            ("invalid_grant", "user hasn't approved this consumer") => {
                "let the app's policies pre-authorise the permission set of the integration user"
            }
            ("invalid_grant", "invalid assertion") => {
                "the certificate of the External Client App must be that of the key, and this clock must be right"
            }
            ("invalid_grant", "Audience validation failed") => {
                "`audience` is https://login.salesforce.com, or https://test.salesforce.com for a sandbox"
            }
            ("invalid_client" | "invalid_client_id", _) => "the secret's client id or client secret is not the app's",
            ("API_DISABLED_FOR_ORG", _) => "this edition or this user has no API",
            ("UNSUPPORTED_API_VERSION", _) => "raise `version` in the catalogue",
            _ => "",
        }
    }
}

fn or_nothing(content_type: &str) -> &str {
    if content_type.is_empty() { "of no type" } else { content_type }
}

/// The beginning of a text of others, on one line.
pub(crate) fn shortened(text: &str) -> String {
    let line: String = text.trim().chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    match line.char_indices().nth(KEPT) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}
