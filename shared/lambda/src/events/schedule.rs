//! What `aggregate`, `correlate` and `invoice` are asked to do, by a schedule or by a person.
//!
//! Three forms come in: an EventBridge rule's "Scheduled Event", EventBridge Scheduler's default
//! payload (the same shape from `aws.scheduler`), and a small JSON object, which is what the
//! template's schedules send and what a person writes. Unknown fields are refused: a misspelt
//! `period` must not bill last month instead.

use std::fmt;
use std::str::FromStr;

use aws_lambda_events::eventbridge::EventBridgeEvent;
use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{EventError, parse};

/// What `aggregate` is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// Recompute the rollups of the slots that have a dirty hint.
    Refresh,
    /// Compare the listing of the bucket with the tallies and enqueue what is missing.
    Sweep,
    /// Have the files of a range read once more by the present mapping, and sweep.
    Restate(Restate),
}

/// Which files are read once more.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restate {
    /// The source.
    pub source: String,
    /// The first day of arrival, in UTC.
    pub from: NaiveDate,
    /// The first day of arrival that is not meant.
    pub until: NaiveDate,
}

/// A calendar month, still in no zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    /// The year, 1 to 9999.
    pub year: i32,
    /// 1 to 12.
    pub month: u32,
}

impl Month {
    /// The month that `time` is in, in UTC.
    pub fn of(time: DateTime<Utc>) -> Self {
        Self { year: time.year(), month: time.month() }
    }

    /// The first instant after it in UTC; `None` beyond the calendar.
    pub fn end(self) -> Option<DateTime<Utc>> {
        let first = NaiveDate::from_ymd_opt(self.year, self.month, 1)?;
        let next = first.checked_add_months(Months::new(1))?;
        Some(next.and_time(NaiveTime::MIN).and_utc())
    }

    /// The last month that ended at or before `time`, in UTC.
    ///
    /// Where the billing zone is behind UTC the month may not have ended there yet; closing it is
    /// then refused and the next day's run does it.
    pub fn before(time: DateTime<Utc>) -> Option<Self> {
        let last_day = time.date_naive().with_day(1)?.pred_opt()?;
        Some(Self { year: last_day.year(), month: last_day.month() })
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("'{text}' is not a month; write it like 2026-02");
        if text.len() != "2026-02".len() {
            return Err(refused());
        }
        let day = NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d");
        let day = day.map_err(|_| refused())?;
        Ok(Self { year: day.year(), month: day.month() })
    }
}

/// Decodes what `aggregate` is invoked with: `{}`, `{"sweep": true}`, `{"restate": {…}}` or a scheduled event (a
/// refresh).
///
/// # Errors
///
/// Anything else, saying what is understood.
pub fn aggregate(payload: Value) -> Result<Aggregate, EventError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        #[serde(default)]
        sweep: bool,
        restate: Option<Restate>,
    }
    const EXPECTED: &str = "send {} to refresh, {\"sweep\": true} to sweep, or {\"restate\": {\"source\": …, \"from\": \
                            \"2026-02-01\", \"until\": \"2026-02-15\"}}";
    let Trigger::Request(value) = trigger(payload)? else { return Ok(Aggregate::Refresh) };
    match request(value, EXPECTED)? {
        Asked { sweep: false, restate: None } => Ok(Aggregate::Refresh),
        Asked { sweep: true, restate: None } => Ok(Aggregate::Sweep),
        Asked { sweep: false, restate: Some(range) } => Ok(Aggregate::Restate(range)),
        Asked { sweep: true, restate: Some(_) } => {
            Err(EventError::Request { reason: "it asks for more than one thing".to_owned(), expected: EXPECTED })
        }
    }
}

/// What `correlate` is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Correlate {
    /// Read what is new.
    Read {
        /// Who accepts what a guard refused, and why.
        accept: Option<String>,
    },
    /// Read some records again, because somebody says that they changed.
    Changed {
        /// The organisation's id.
        organisation: String,
        /// The object.
        object: String,
        /// The records' ids; none where they are not told.
        ids: Vec<String>,
    },
    /// Let usage that nobody owns never be billed.
    WriteOff(WriteOff),
    /// Write summaries and invoices back; whether what was refused before is sent again.
    WriteBack {
        /// See above.
        redrive: bool,
    },
}

/// Who writes off what.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WriteOff {
    /// The deployment.
    pub deployment: String,
    /// The month, `YYYY-MM`.
    pub month: String,
    /// Who answers for it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// The first day that is meant; the month's without one.
    pub from: Option<NaiveDate>,
    /// The first day that is not; none of the month's without one.
    pub until: Option<NaiveDate>,
    /// Whether what is written off is to be taken back.
    #[serde(default)]
    pub undo: bool,
}

/// Decodes what `correlate` is invoked with: `{}`, `{"accept": "who, and why"}`, `{"write-off": {…}}`,
/// `{"write-back": true}`, a scheduled event, or an event of Salesforce's Event Relay, which only means to read those
/// records again.
///
/// # Errors
///
/// Anything else, saying what is understood.
pub fn correlate(payload: Value) -> Result<Correlate, EventError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "kebab-case")]
    struct Asked {
        accept: Option<String>,
        write_off: Option<WriteOff>,
        #[serde(default)]
        write_back: bool,
        #[serde(default)]
        redrive: bool,
    }
    const EXPECTED: &str = "send {}, or one of {\"accept\": \"who, and why\"}, {\"write-off\": {\"deployment\": …, \
                            \"month\": …, \"by\": …, \"reason\": …, \"undo\": true}} and {\"write-back\": true, \"redrive\": true}";
    let refused = |reason: &str| EventError::Request { reason: reason.to_owned(), expected: EXPECTED };
    if let Some(organisation) = relayed(&payload) {
        return Ok(changed(&payload, organisation));
    }
    let Trigger::Request(value) = trigger(payload)? else { return Ok(Correlate::Read { accept: None }) };
    let Asked { accept, write_off, write_back, redrive } = request(value, EXPECTED)?;
    let accept = accept.map(|accept| accept.trim().to_owned());
    match (accept, write_off, write_back) {
        (Some(accept), None, false) if accept.is_empty() => Err(refused("`accept` does not say who and why")),
        (_, _, false) if redrive => Err(refused("`redrive` is about what is written back")),
        (accept, None, false) => Ok(Correlate::Read { accept }),
        (None, Some(WriteOff { undo: true, from, until, .. }), false) if from.or(until).is_some() => {
            Err(refused("`undo` takes back all that is written off of the month"))
        }
        (None, Some(write_off), false) => Ok(Correlate::WriteOff(write_off)),
        (None, None, true) => Ok(Correlate::WriteBack { redrive }),
        _ => Err(refused("it asks for more than one thing")),
    }
}

/// The organisation whose Event Relay an event comes from.
fn relayed(payload: &Value) -> Option<String> {
    let source = payload.get("source")?.as_str()?.strip_prefix("aws.partner/salesforce.com/")?;
    source.split('/').next().map(str::to_owned)
}

/// Whatever else the event says is left alone: records are read, never believed from events.
fn changed(payload: &Value, organisation: String) -> Correlate {
    let header = payload.pointer("/detail/payload/ChangeEventHeader");
    let object = header.and_then(|header| header.get("entityName")).and_then(Value::as_str).unwrap_or_default();
    let ids = header.and_then(|header| header.get("recordIds")).and_then(Value::as_array).into_iter().flatten();
    let ids = ids.filter_map(Value::as_str).map(str::to_owned).collect();
    Correlate::Changed { organisation, object: object.to_owned(), ids }
}

/// Decodes which month `invoice` is to close: `{"period": "2026-02"}`, or the month before
/// `{"scheduled": "2026-03-02T06:00:00Z"}` or before a scheduled event's time. The time is that of
/// the schedule, never the clock's, so that a late retry closes the same month.
///
/// # Errors
///
/// Anything else, saying what is understood.
pub fn invoice(payload: Value) -> Result<Month, EventError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        period: Option<String>,
        scheduled: Option<DateTime<Utc>>,
    }
    const EXPECTED: &str = "send {\"period\": \"2026-02\"}, the month to close";
    let refused = |reason: String| EventError::Request { reason, expected: EXPECTED };
    let asked = match trigger(payload)? {
        Trigger::Tick(time) => Asked { period: None, scheduled: time },
        Trigger::Request(value) => request(value, EXPECTED)?,
    };
    match (asked.period, asked.scheduled) {
        (Some(period), None) => period.parse().map_err(refused),
        (None, Some(time)) => Month::before(time).ok_or_else(|| refused(format!("no month ends before {time}"))),
        (None, None) => Err(refused("it names neither a period nor a time".to_owned())),
        (Some(_), Some(_)) => Err(refused("it names both a period and a time".to_owned())),
    }
}

enum Trigger {
    /// A scheduled event and its time.
    Tick(Option<DateTime<Utc>>),
    /// An object of ours.
    Request(Value),
}

fn trigger(payload: Value) -> Result<Trigger, EventError> {
    if payload.get("detail-type").is_none() {
        return Ok(Trigger::Request(payload));
    }
    let event: EventBridgeEvent<Value> = parse("EventBridge event", payload)?;
    if event.detail_type == "Scheduled Event" {
        Ok(Trigger::Tick(event.time))
    } else {
        let found = format!("detail-type: '{}'", event.detail_type);
        Err(EventError::UnknownKind { found })
    }
}

fn request<T: DeserializeOwned>(value: Value, expected: &'static str) -> Result<T, EventError> {
    serde_json::from_value(value).map_err(|error| EventError::Request { reason: error.to_string(), expected })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use serde_json::json;

    use super::*;

    fn month(year: i32, month: u32) -> Month {
        Month { year, month }
    }

    fn tick(source: &str, time: &str, detail: Value) -> Value {
        json!({"version": "0", "id": "0b1c", "detail-type": "Scheduled Event", "source": source,
               "account": "111122223333", "time": time, "region": "eu-central-1",
               "resources": [], "detail": detail})
    }

    #[test]
    fn aggregate_refreshes_unless_a_sweep_is_asked_for() {
        for (payload, asked) in [
            (json!({}), Aggregate::Refresh),
            (json!({"sweep": false}), Aggregate::Refresh),
            (json!({"sweep": true}), Aggregate::Sweep),
            (tick("aws.events", "2026-03-01T00:01:00Z", json!({})), Aggregate::Refresh),
            (tick("aws.scheduler", "2026-03-01T00:01:00Z", json!("{}")), Aggregate::Refresh),
        ] {
            assert_eq!(aggregate(payload.clone()), Ok(asked), "{payload}");
        }
    }

    #[test]
    fn invoice_closes_the_named_month_or_the_one_before_the_scheduled_time() {
        for (payload, asked) in [
            (json!({"period": "2026-02"}), month(2026, 2)),
            (json!({"scheduled": "2026-03-01T06:00:00Z"}), month(2026, 2)),
            (json!({"scheduled": "2026-01-05T06:00:00Z"}), month(2025, 12)),
            (json!({"scheduled": "2026-03-01T00:30:00+01:00"}), month(2026, 1)),
            (tick("aws.scheduler", "2026-03-02T06:00:00Z", json!("{}")), month(2026, 2)),
        ] {
            assert_eq!(invoice(payload.clone()), Ok(asked), "{payload}");
        }
    }

    #[test]
    fn a_month_ends_where_the_next_begins() {
        for (asked, end) in [(month(2026, 2), "2026-03-01T00:00:00Z"), (month(2025, 12), "2026-01-01T00:00:00Z")] {
            let end: DateTime<Utc> = end.parse().unwrap();
            assert_eq!((asked.end(), Month::before(end)), (Some(end), Some(asked)));
            assert_ne!(Month::of(end), asked);
        }
    }

    #[test]
    fn requests_that_could_be_misread_are_refused() {
        let refused = [
            aggregate(json!({"swep": true})).err(),
            aggregate(json!({"sweep": "yes"})).err(),
            aggregate(json!({"restate": {"source": "s", "from": "2026-02-01"}})).err(),
            aggregate(json!({"restate": {"source": "s", "from": "2026-02-01", "until": "soon"}})).err(),
            aggregate(json!({"restate": {"source": "s", "from": "2026-02-01", "until": "2026-02-15"}, "sweep": true}))
                .err(),
            aggregate(json!("sweep")).err(),
            correlate(json!({"period": "2026-02"})).err(),
            invoice(json!({})).err(),
            invoice(json!({"peroid": "2026-02"})).err(),
            invoice(json!({"period": "2026-13"})).err(),
            invoice(json!({"period": "2026-2"})).err(),
            invoice(json!({"period": "02-2026"})).err(),
            invoice(json!({"period": "2026-02", "scheduled": "2026-03-02T06:00:00Z"})).err(),
        ];
        for error in refused {
            assert!(matches!(error, Some(EventError::Request { .. })), "{error:?}");
        }
    }

    #[test]
    fn correlate_is_asked_for_one_thing() {
        let off = json!({"deployment": "d", "month": "2026-02", "by": "A", "reason": "b"});
        let read = |accept: Option<&str>| Correlate::Read { accept: accept.map(str::to_owned) };
        for (payload, asked) in [
            (json!({}), read(None)),
            (tick("aws.scheduler", "2026-03-01T00:01:00Z", json!("{}")), read(None)),
            (json!({"accept": " A: b "}), read(Some("A: b"))),
            (json!({"write-back": true}), Correlate::WriteBack { redrive: false }),
            (json!({"write-back": true, "redrive": true}), Correlate::WriteBack { redrive: true }),
        ] {
            assert_eq!(correlate(payload.clone()), Ok(asked), "{payload}");
        }
        assert!(matches!(correlate(json!({"write-off": off})), Ok(Correlate::WriteOff(said)) if said.by == "A"));
        for payload in [
            json!({"accept": " "}),
            json!({"redrive": true}),
            json!({"write-back": true, "accept": "A: b"}),
            json!({"write-off": {"deployment": "d", "month": "2026-02", "by": "A"}}),
            json!({"write-off": off, "write-back": true}),
            json!({"write-off": {"deployment": "d", "month": "2026-02", "by": "A", "reason": "b", "undo": true, "from": "2026-02-03"}}),
            json!({"write-off": {"deployment": "d", "month": "2026-02", "by": "A", "reason": "b", "from": "3rd"}}),
        ] {
            assert!(matches!(correlate(payload.clone()), Err(EventError::Request { .. })), "{payload}");
        }
    }

    #[test]
    fn an_event_of_salesforce_only_says_which_records_to_read_again() {
        let event = |detail: Value| {
            json!({"source": "aws.partner/salesforce.com/00Dxx0000001gPLEAY/0YLxx0000000001GAA",
                   "detail-type": "AccountChangeEvent", "detail": detail})
        };
        let header = json!({"entityName": "Account", "recordIds": ["001xx000003DGb2AAG"], "changeType": "CREATE"});
        let told = correlate(event(json!({"payload": {"ChangeEventHeader": header, "Name": "never believed"}})));
        let (organisation, object) = ("00Dxx0000001gPLEAY".to_owned(), "Account".to_owned());
        let ids = vec!["001xx000003DGb2AAG".to_owned()];
        assert_eq!(told, Ok(Correlate::Changed { organisation: organisation.clone(), object, ids }));
        let overflow = correlate(event(json!({})));
        assert_eq!(overflow, Ok(Correlate::Changed { organisation, object: String::new(), ids: Vec::new() }));
    }

    #[test]
    fn an_event_of_another_kind_is_no_schedule() {
        let payload = json!({"detail-type": "Object Created", "source": "aws.s3", "detail": {}});
        assert!(matches!(correlate(payload), Err(EventError::UnknownKind { .. })));
    }
}
