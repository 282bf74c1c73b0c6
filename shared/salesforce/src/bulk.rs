//! Reading by Bulk API 2.0: a job that Salesforce works off while we are away, and its table of results.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::Id;
use crate::client::{Call, Client, Edge};
use crate::complaint::shortened;
use crate::fault::Fault;
use crate::row::{Columns, Row, table};
use crate::soql::Which;
use crate::transport::Method;

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

/// One part of the results, and where the next begins. The same part may be fetched any number of times.
///
/// # Errors
/// [`Fault::Broken`] also where there are not as many rows as the answer says.
pub async fn results<E: Edge>(
    client: &Client<'_, E>,
    columns: &Columns,
    job: &Job,
    locator: Option<&str>,
    most: u32,
) -> Result<(Vec<Row>, Option<String>), Fault> {
    let mut query = format!("/results?maxRecords={most}");
    if let Some(locator) = locator {
        query.push_str(&format!("&locator={}", utf8_percent_encode(locator, NON_ALPHANUMERIC)));
    }
    let response = client.call(&what(columns), &Call::csv(path(job, &query))).await?;
    let rows = table(columns, &response.body)?;
    let stated: Option<usize> = response.header("sforce-numberofrecords").parse().ok();
    if stated != Some(rows.len()) {
        let stated = stated.map_or_else(|| "no number".to_owned(), |stated| stated.to_string());
        return Err(Fault::broken(what(columns), format!("it has {} rows and says {stated}", rows.len())));
    }
    let next = Some(response.header("sforce-locator")).filter(|locator| !matches!(*locator, "" | "null"));
    Ok((rows, next.map(str::to_owned)))
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
