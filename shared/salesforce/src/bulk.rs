//! Reading by Bulk API 2.0: a job that Salesforce works off while we are away, and its table of results.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::Id;
use crate::client::{Call, Client, Edge};
use crate::complaint::shortened;
use crate::fault::Fault;
use crate::row::{Columns, Row, Table};
use crate::soql::Which;
use crate::transport::{Body, Method};

/// A job that was begun: kept, so that a later run goes on with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: Id,
    /// The version that it was begun with; its results are read with the same.
    pub version: String,
}

/// How far a job is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Not done; a state may go back from one poll to the next.
    Running,
    /// Done, with so many records.
    Done(u64),
    /// It came to nothing, which is told with status 200: begin another.
    Lost(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    id: Id,
    state: String,
    #[serde(default)]
    number_records_processed: Option<u64>,
    #[serde(default)]
    error_message: Option<String>,
}

/// Begins a job for every record of an object.
///
/// # Errors
/// [`Fault`]; with [`crate::Action::UseRest`] where Bulk does not know the object.
pub async fn begin<E: Edge>(client: &Client<'_, E>, columns: &Columns) -> Result<Job, Fault> {
    let query = columns.select.text(&Which::All)?;
    let body = serde_json::json!({
        "operation": "queryAll", "query": query, "contentType": "CSV", "columnDelimiter": "COMMA", "lineEnding": "LF",
    });
    let call = Call::send(Method::Post, client.path("/jobs/query"), body.to_string());
    let info = info(client, &what(columns), &call).await?;
    Ok(Job { id: info.id, version: client.settings().version.clone() })
}

/// Asks how far a job is.
///
/// # Errors
/// [`Fault`].
pub async fn progress<E: Edge>(client: &Client<'_, E>, columns: &Columns, job: &Job) -> Result<Progress, Fault> {
    let info = info(client, &what(columns), &Call::get(path(job, ""))).await?;
    match info.state.as_str() {
        "UploadComplete" | "InProgress" => Ok(Progress::Running),
        "JobComplete" => {
            let records = info.number_records_processed;
            records
                .map(Progress::Done)
                .ok_or_else(|| Fault::broken(what(columns), "the job does not say how many records"))
        }
        "Failed" | "Aborted" => Ok(Progress::Lost(shortened(info.error_message.as_deref().unwrap_or(&info.state)))),
        other => Err(Fault::broken(what(columns), format!("the job is in the state {}", shortened(other)))),
    }
}

async fn info<E: Edge>(client: &Client<'_, E>, what: &str, call: &Call) -> Result<Info, Fault> {
    let response = client.call(what, call).await?;
    serde_json::from_slice(&response.body).map_err(|error| Fault::broken(what, error))
}

/// One part of the results on its way: never whole in memory. The same part may be fetched any number of times.
pub struct Part<'c, B> {
    table: Table<'c>,
    body: B,
    stated: Option<u64>,
    next: Option<String>,
    most: u64,
    ended: bool,
}

/// Fetches the part of the results that begins at `locator`, with at most so many rows.
///
/// # Errors
/// [`Fault`].
pub async fn part<'c, E: Edge>(
    client: &Client<'_, E>,
    columns: &'c Columns,
    job: &Job,
    locator: Option<&str>,
    most: u32,
) -> Result<Part<'c, E::Body>, Fault> {
    let mut query = format!("/results?maxRecords={most}");
    if let Some(locator) = locator {
        query.push_str(&format!("&locator={}", utf8_percent_encode(locator, NON_ALPHANUMERIC)));
    }
    let (head, body) = client.open(&what(columns), &Call::csv(path(job, &query))).await?;
    let next = Some(head.header("sforce-locator")).filter(|locator| !matches!(*locator, "" | "null"));
    Ok(Part {
        table: Table::new(columns),
        body,
        stated: head.header("sforce-numberofrecords").parse().ok(),
        next: next.map(str::to_owned),
        most: u64::from(most),
        ended: false,
    })
}

impl<B: Body> Part<'_, B> {
    /// The rows of the next piece, perhaps none; nothing after the last piece, when there were as many rows as the
    /// answer said.
    ///
    /// # Errors
    /// [`Fault::Cut`] where the answer breaks off, [`Fault::Broken`] where it cannot be right.
    pub async fn rows(&mut self) -> Result<Option<Vec<Row>>, Fault> {
        if self.ended {
            return Ok(None);
        }
        let what = || what(self.table.columns());
        let piece = self.body.piece().await.map_err(|reason| Fault::Cut { what: what(), reason })?;
        let Some(piece) = piece else {
            self.table.end()?;
            self.ended = true;
            return if self.stated == Some(self.table.rows()) { Ok(None) } else { Err(self.miscounted()) };
        };
        let rows = self.table.read(&piece)?;
        if self.table.rows() > self.most { Err(self.miscounted()) } else { Ok(Some(rows)) }
    }

    fn miscounted(&self) -> Fault {
        let stated = self.stated.map_or_else(|| "no number".to_owned(), |stated| stated.to_string());
        Fault::broken(what(self.table.columns()), format!("it has {} rows and says {stated}", self.table.rows()))
    }

    /// How many rows there were so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.table.rows()
    }

    /// Where the next part begins.
    #[must_use]
    pub fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }
}

/// Removes a job with its results.
///
/// # Errors
/// [`Fault`].
pub async fn remove<E: Edge>(client: &Client<'_, E>, columns: &Columns, job: &Job) -> Result<(), Fault> {
    client.call(&what(columns), &Call::delete(path(job, ""))).await.map(drop)
}

fn path(job: &Job, rest: &str) -> String {
    format!("/services/data/v{}/jobs/query/{}{rest}", job.version, job.id)
}

fn what(columns: &Columns) -> String {
    format!("the bulk query of {}", columns.select.object())
}
