//! As much of the query language as is asked of it.

use metering::time::Instant;
use serde_json::Value;

use crate::answer::Answer;
use crate::org::{Kind, Object, Org, Record, moment};

/// A query that was understood.
pub(crate) struct Query {
    pub(crate) fields: Vec<String>,
    pub(crate) object: String,
    from: Option<Instant>,
    until: Option<Instant>,
    ids: Option<Vec<String>>,
}

impl Query {
    /// Understands a query, or complains as Salesforce does.
    pub(crate) fn read(text: &str) -> Result<Self, Answer> {
        let malformed = || Answer::error(400, "MALFORMED_QUERY", "unexpected token");
        let rest = text.trim().strip_prefix("SELECT ").ok_or_else(malformed)?;
        let (fields, rest) = rest.split_once(" FROM ").ok_or_else(malformed)?;
        let rest = rest.split(" ORDER BY ").next().unwrap_or(rest);
        let (object, conditions) = rest.split_once(" WHERE ").unwrap_or((rest, ""));
        let mut query = Self {
            fields: fields.split(',').map(|field| field.trim().to_owned()).collect(),
            object: object.trim().to_owned(),
            from: None,
            until: None,
            ids: None,
        };
        for condition in conditions.split(" AND ").map(str::trim).filter(|condition| !condition.is_empty()) {
            let time = |text: &str| {
                let time = chrono::DateTime::parse_from_rfc3339(text.trim()).map_err(|_| malformed())?;
                Ok::<_, Answer>(Some(Instant::from(time.to_utc())))
            };
            if let Some(text) = condition.strip_prefix("SystemModstamp >= ") {
                query.from = time(text)?;
            } else if let Some(text) = condition.strip_prefix("SystemModstamp < ") {
                query.until = time(text)?;
            } else if let Some(list) = condition.strip_prefix("Id IN (").and_then(|list| list.strip_suffix(')')) {
                query.ids = Some(list.split(',').map(|id| id.trim().trim_matches('\'').to_owned()).collect());
            } else {
                return Err(malformed());
            }
        }
        Ok(query)
    }

    /// The records that it names, ordered as it asks; with those in the recycle bin if `all`.
    pub(crate) fn records<'o>(&self, org: &'o Org, all: bool) -> Result<(&'o Object, Vec<&'o Record>), Answer> {
        let unknown = || {
            let message = format!("sObject type '{}' is not supported.", self.object);
            Answer::error(400, "INVALID_TYPE", &message)
        };
        let object = org.objects.get(&self.object).ok_or_else(unknown)?;
        for field in &self.fields {
            kind(org, object, field).ok_or_else(|| {
                let message = format!("No such column '{field}' on entity '{}'.", self.object);
                Answer::error(400, "INVALID_FIELD", &message)
            })?;
        }
        let stamp =
            |record: &Record| record.get("SystemModstamp").and_then(|ms| ms.parse().ok()).map_or(Instant(0), Instant);
        let named = |record: &&Record| {
            let at = stamp(record);
            let id = record.get("Id");
            self.from.is_none_or(|from| from <= at)
                && self.until.is_none_or(|until| at < until)
                && self.ids.as_ref().is_none_or(|ids| id.is_some_and(|id| ids.contains(id)))
                && (all || record.get("IsDeleted").map(String::as_str) != Some("true"))
        };
        let mut records: Vec<&Record> = object.records.values().filter(named).collect();
        if self.from.is_some() {
            records.sort_by_key(|record| (stamp(record), record.get("Id").cloned()));
        }
        Ok((object, records))
    }
}

/// The kind of a field, through parents where its name has points.
pub(crate) fn kind(org: &Org, object: &Object, field: &str) -> Option<Kind> {
    let Some((parent, rest)) = field.split_once('.') else { return object.field(field).map(|field| field.kind) };
    let target = object.fields.iter().find_map(|field| match field.kind {
        Kind::Lookup(relation, target) if relation.eq_ignore_ascii_case(parent) => Some(target),
        _ => None,
    });
    kind(org, org.objects.get(target?)?, rest)
}

/// The value of a field, through parents.
pub(crate) fn value(org: &Org, object: &Object, record: &Record, field: &str) -> Option<String> {
    let Some((parent, rest)) = field.split_once('.') else {
        return record.get(object.field(field)?.name).cloned();
    };
    let (lookup, target) = object.fields.iter().find_map(|field| match field.kind {
        Kind::Lookup(relation, target) if relation.eq_ignore_ascii_case(parent) => Some((field.name, target)),
        _ => None,
    })?;
    let object = org.objects.get(target)?;
    let record = object.records.get(record.get(lookup)?)?;
    value(org, object, record, rest)
}

/// A record as REST writes it: numbers digit by digit, parents nested.
pub(crate) fn json(org: &Org, query: &Query, object: &Object, record: &Record, version: &str) -> String {
    let id = record.get("Id").cloned().unwrap_or_default();
    let url = format!("/services/data/v{version}/sobjects/{}/{id}", query.object);
    let mut parts = vec![format!(r#""attributes":{{"type":{},"url":{}}}"#, quoted(&query.object), quoted(&url))];
    for field in &query.fields {
        let kind = kind(org, object, field).unwrap_or(Kind::Text);
        let text = value(org, object, record, field).map_or_else(|| "null".to_owned(), |value| written(kind, &value));
        match field.split_once('.') {
            None => parts.push(format!("{}:{text}", quoted(field))),
            Some((parent, name)) => {
                let nested = if text == "null" { text } else { format!("{{{}:{text}}}", quoted(name)) };
                parts.push(format!("{}:{nested}", quoted(parent)));
            }
        }
    }
    format!("{{{}}}", parts.join(","))
}

fn written(kind: Kind, value: &str) -> String {
    match kind {
        Kind::Number | Kind::Flag => value.to_owned(),
        Kind::Moment => quoted(&moment(value, "+0000")),
        Kind::Text | Kind::Day | Kind::Lookup(..) => quoted(value),
    }
}

pub(crate) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A record as a line of a bulk result.
pub(crate) fn line(org: &Org, query: &Query, object: &Object, record: &Record) -> String {
    let values = query.fields.iter().map(|field| {
        let value = value(org, object, record, field).unwrap_or_default();
        let text = match kind(org, object, field) {
            Some(Kind::Moment) if !value.is_empty() => moment(&value, "Z"),
            _ => value,
        };
        format!("\"{}\"", text.replace('"', "\"\""))
    });
    format!("{}\n", values.collect::<Vec<_>>().join(","))
}

/// The head of a bulk result.
pub(crate) fn head(query: &Query) -> String {
    format!("{}\n", query.fields.iter().map(|field| format!("\"{field}\"")).collect::<Vec<_>>().join(","))
}
