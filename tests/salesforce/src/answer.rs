//! What is asked and what is answered.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::bearer::refusal;
use crate::org::{Kind, Org};
use crate::query::{Query, json as record_json, quoted};
use crate::{CLIENT, Cursor, State};

/// A request, as far as it matters.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The verb.
    pub method: String,
    /// Path and query.
    pub url: String,
    /// Of the header `Authorization`.
    pub authorization: String,
    /// The body.
    pub body: String,
}

impl Asked {
    /// A decoded part of the query.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        let (_, query) = self.url.split_once('?')?;
        pairs(query).into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

fn pairs(text: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    text.split('&').filter_map(|pair| pair.split_once('=')).map(|(key, value)| (decode(key), decode(value))).collect()
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Whether the connection ends within the body.
    pub cut: bool,
}

impl Answer {
    /// A body of some type.
    #[must_use]
    pub fn text(status: u16, kind: &str, body: &str) -> Self {
        let headers = vec![("Content-Type".to_owned(), kind.to_owned())];
        Self { status, headers, body: body.as_bytes().to_vec(), cut: false }
    }

    /// The usual complaint: a list of one.
    #[must_use]
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        let body = json!([{ "message": message, "errorCode": code }]);
        Self::text(status, "application/json;charset=UTF-8", &body.to_string())
    }

    /// The page that stands for all of Salesforce during maintenance.
    #[must_use]
    pub fn maintenance() -> Self {
        Self::text(503, "text/html; charset=UTF-8", "<html><body>We are down for maintenance.</body></html>")
    }

    /// With a header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A collection that was sent.
#[derive(Default, Deserialize)]
struct Sent {
    records: Vec<BTreeMap<String, Box<RawValue>>>,
}

impl State {
    pub(crate) fn answer(&mut self, asked: &Asked) -> Answer {
        let path = asked.url.split('?').next().unwrap_or_default().to_owned();
        if path == "/services/oauth2/token" {
            return self.token(asked);
        }
        let token = asked.authorization.strip_prefix("Bearer ").unwrap_or_default();
        if !self.tokens.contains(token) {
            return Answer::error(401, "INVALID_SESSION_ID", "Session expired or invalid");
        }
        let Some(rest) = path.strip_prefix("/services/data/v") else { return not_found() };
        let (version, rest) = rest.split_once('/').unwrap_or((rest, ""));
        self.used = self.used.saturating_add(1);
        let answer = self.call(asked, version, rest);
        answer.with("Sforce-Limit-Info", &format!("api-usage={}/{}; api-bursts=1/750", self.used, self.limit))
    }

    fn token(&mut self, asked: &Asked) -> Answer {
        let form = pairs(&asked.body);
        let field = |name: &str| form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
        let refuse = |error: &str, description: &str| {
            let body = json!({ "error": error, "error_description": description });
            Answer::text(400, "application/json;charset=UTF-8", &body.to_string())
        };
        let basic = asked.authorization.starts_with("Basic ");
        let known = (field("client_id"), field("client_secret")) == (CLIENT.0, &*self.secret) || basic;
        match field("grant_type") {
            "client_credentials" if known => {}
            "client_credentials" => return refuse("invalid_client", "invalid client credentials"),
            "urn:ietf:params:oauth:grant-type:jwt-bearer" => {
                let certificate = self.certificate.as_deref().unwrap_or_default();
                if let Some(why) = refusal(field("assertion"), certificate, CLIENT.0, self.now) {
                    return refuse("invalid_grant", why);
                }
            }
            _ => return refuse("unsupported_grant_type", "grant type not supported"),
        }
        self.issued = self.issued.saturating_add(1);
        let token = format!("{}!peer.{}", self.org.id.get(..15).unwrap_or_default(), self.issued);
        self.tokens.insert(token.clone());
        let body = json!({
            "access_token": token, "token_type": "Bearer", "scope": "api", "instance_url": self.host,
            "id": format!("https://login.salesforce.com/id/{}/{}", self.org.id, crate::id("005", 1)),
            "issued_at": self.now.0.to_string(), "signature": "c2lnbmVk",
        });
        Answer::text(200, "application/json;charset=UTF-8", &body.to_string())
    }

    fn call(&mut self, asked: &Asked, version: &str, rest: &str) -> Answer {
        if let Some(job) = rest.strip_prefix("jobs/query") {
            return self.bulk(asked, version, job);
        }
        match rest.split('/').collect::<Vec<_>>().as_slice() {
            ["query" | "queryAll", ""] | ["query" | "queryAll"] => {
                let text = asked.query("q").unwrap_or_default();
                self.query(&text, rest.starts_with("queryAll"), version)
            }
            ["query", locator] => self.page((*locator).to_owned(), version),
            ["sobjects", object, "describe"] => describe(&self.org, object),
            ["composite", "sobjects", object, key] if asked.method == "PATCH" => self.upsert(object, key, &asked.body),
            _ => not_found(),
        }
    }

    fn query(&mut self, text: &str, all: bool, version: &str) -> Answer {
        let query = match Query::read(text) {
            Ok(query) => query,
            Err(answer) => return answer,
        };
        let (object, records) = match query.records(&self.org, all) {
            Ok(found) => found,
            Err(answer) => return answer,
        };
        let rows: Vec<String> =
            records.into_iter().map(|record| record_json(&self.org, &query, object, record, version)).collect();
        let cursor = Cursor { total: rows.len(), rows, size: self.page };
        self.made = self.made.saturating_add(1);
        let locator = format!("0r8xx{:010}-0", self.made);
        self.cursors.insert(locator.clone(), cursor);
        self.page(locator, version)
    }

    fn page(&mut self, locator: String, version: &str) -> Answer {
        let found = self.cursors.get(locator.rsplit_once('-').map_or("", |(name, _)| name));
        let found = found.or_else(|| self.cursors.get(&locator));
        let Some(cursor) = found.cloned() else {
            return Answer::error(400, "INVALID_QUERY_LOCATOR", "invalid query locator");
        };
        let (name, start) = locator.rsplit_once('-').unwrap_or((&locator, "0"));
        let start: usize = start.parse().unwrap_or(0);
        let end = start.saturating_add(cursor.size.max(1)).min(cursor.rows.len());
        let rows = cursor.rows.get(start..end).unwrap_or_default().join(",");
        let more = end < cursor.rows.len();
        self.cursors.insert(name.to_owned(), cursor.clone());
        let next = if more {
            format!(",\"nextRecordsUrl\":{}", quoted(&format!("/services/data/v{version}/query/{name}-{end}")))
        } else {
            String::new()
        };
        let body = format!("{{\"totalSize\":{},\"done\":{}{next},\"records\":[{rows}]}}", cursor.total, !more);
        Answer::text(200, "application/json;charset=UTF-8", &body)
    }

    /// Creates or changes records by an external id; each answers for itself.
    fn upsert(&mut self, object: &str, key: &str, body: &str) -> Answer {
        let now = self.now;
        let sent: Sent = serde_json::from_str(body).unwrap_or_default();
        let records = sent.records;
        if records.len() > 200 {
            return Answer::error(
                400,
                "EXCEEDED_MAX_SIZE_REQUEST",
                "record limit reached. cannot submit more than 200 records",
            );
        }
        let mut items = Vec::new();
        for record in records {
            // Digit by digit: a number must not pass through floating point here either.
            let text = |raw: &RawValue| serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().to_owned());
            let written = record.iter().filter(|(name, _)| *name != "attributes");
            let values: Vec<(String, String)> = written.map(|(name, raw)| (name.clone(), text(raw))).collect();
            let wanted = values.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
            let known = self.org.object(object);
            let unknown = values.iter().find(|(name, _)| known.field(name).is_none());
            if let Some((name, _)) = unknown {
                let message = format!("No such column '{name}' on sobject of type {object}");
                items.push(json!({"success": false, "errors": [{"statusCode": "INVALID_FIELD", "message": message, "fields": []}]}));
                continue;
            }
            let place = known.records.values().position(|record| record.get(key) == wanted.as_ref());
            let number = u64::try_from(place.unwrap_or(known.records.len())).unwrap_or(0);
            let pairs: Vec<(&str, &str)> = values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let id = self.org.put(object, number, now, &pairs);
            items.push(json!({"id": id, "success": true, "errors": [], "created": place.is_none()}));
        }
        Answer::text(200, "application/json;charset=UTF-8", &Value::from(items).to_string())
    }
}

fn describe(org: &Org, name: &str) -> Answer {
    let Some(object) = org.objects.get(name) else { return not_found() };
    let fields = object.fields.iter().filter(|field| !object.hidden.contains(field.name)).map(|field| {
        let (kind, relation, target) = match field.kind {
            Kind::Text => ("string", None, vec![]),
            Kind::Number => ("double", None, vec![]),
            Kind::Flag => ("boolean", None, vec![]),
            Kind::Moment => ("datetime", None, vec![]),
            Kind::Day => ("date", None, vec![]),
            Kind::Lookup(relation, target) => ("reference", Some(relation), vec![target]),
        };
        json!({"name": field.name, "type": kind, "relationshipName": relation, "referenceTo": target})
    });
    let body = json!({"name": name, "fields": fields.collect::<Vec<_>>()});
    Answer::text(200, "application/json;charset=UTF-8", &body.to_string())
}

fn not_found() -> Answer {
    Answer::error(404, "NOT_FOUND", "The requested resource does not exist")
}
