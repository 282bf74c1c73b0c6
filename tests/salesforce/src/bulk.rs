//! Bulk queries: jobs that take a few looks, and their results in parts.

use serde_json::{Value, json};

use crate::answer::{Answer, Asked};
use crate::query::{Query, head, line};
use crate::{Job, State, id};

impl State {
    pub(crate) fn bulk(&mut self, asked: &Asked, version: &str, rest: &str) -> Answer {
        let (job, action) = rest.trim_start_matches('/').split_once('/').unwrap_or((rest.trim_start_matches('/'), ""));
        match (asked.method.as_str(), job, action) {
            ("POST", "", "") => self.begin(asked, version),
            ("GET", job, "") => self.look(job),
            ("GET", job, "results") => self.results(asked, job, version),
            ("PATCH", job, "") => self.abort(asked, job),
            ("DELETE", job, "") => match self.jobs.remove(job) {
                Some(_) => Answer { status: 204, ..Answer::default() },
                None => Answer::error(404, "NOT_FOUND", "The requested resource does not exist"),
            },
            _ => Answer::error(405, "METHOD_NOT_ALLOWED", "HTTP Method not allowed"),
        }
    }

    fn begin(&mut self, asked: &Asked, version: &str) -> Answer {
        let body: Value = serde_json::from_str(&asked.body).unwrap_or_default();
        let text = body.get("query").and_then(Value::as_str).unwrap_or_default();
        let all = body.get("operation").and_then(Value::as_str) == Some("queryAll");
        let query = match Query::read(text) {
            Ok(query) => query,
            Err(answer) => return answer,
        };
        if self.org.objects.get(&query.object).is_some_and(|object| object.rest_only) {
            let message = format!("entity '{}' is not supported by the Bulk API", query.object);
            return Answer::error(400, "INVALIDENTITY", &message);
        }
        let (object, records) = match query.records(&self.org, all) {
            Ok(found) => found,
            Err(answer) => return answer,
        };
        let rows = records.into_iter().map(|record| line(&self.org, &query, object, record)).collect();
        self.made = self.made.saturating_add(1);
        let id = id("750", u64::try_from(self.made).unwrap_or(0));
        let job = Job {
            object: query.object.clone(),
            query: text.to_owned(),
            looks: self.looks,
            head: head(&query),
            rows,
            failed: None,
            aborted: false,
            version: version.to_owned(),
        };
        let answer = info(&id, &job, "UploadComplete", None);
        self.jobs.insert(id, job);
        answer
    }

    /// The only state that a query job can be given.
    fn abort(&mut self, asked: &Asked, id: &str) -> Answer {
        let body: Value = serde_json::from_str(&asked.body).unwrap_or_default();
        if body.get("state").and_then(Value::as_str) != Some("Aborted") {
            return Answer::error(400, "INVALIDJOBSTATE", "Query jobs can only be aborted");
        }
        let Some(job) = self.jobs.get_mut(id) else {
            return Answer::error(404, "NOT_FOUND", "The requested resource does not exist");
        };
        job.aborted = true;
        info(id, job, "Aborted", None)
    }

    fn look(&mut self, id: &str) -> Answer {
        let Some(job) = self.jobs.get_mut(id) else {
            return Answer::error(404, "NOT_FOUND", "The requested resource does not exist");
        };
        if job.aborted {
            return info(id, job, "Aborted", None);
        }
        if job.looks > 0 {
            job.looks = job.looks.saturating_sub(1);
            return info(id, job, "InProgress", None);
        }
        info(id, job, if job.failed.is_some() { "Failed" } else { "JobComplete" }, Some(job.rows.len()))
    }

    fn results(&self, asked: &Asked, id: &str, version: &str) -> Answer {
        let Some(job) = self.jobs.get(id) else {
            return Answer::error(404, "NOT_FOUND", "The requested resource does not exist");
        };
        if job.version != version {
            return Answer::error(409, "API_ERROR", "The requested version does not match the job version");
        }
        let start: usize = asked.query("locator").and_then(|locator| locator.parse().ok()).unwrap_or(0);
        let most: usize = asked.query("maxRecords").and_then(|most| most.parse().ok()).unwrap_or(usize::MAX);
        let end = start.saturating_add(most.min(self.part)).min(job.rows.len());
        let rows = job.rows.get(start..end).unwrap_or_default();
        let locator = if end < job.rows.len() { end.to_string() } else { "null".to_owned() };
        let mut answer = Answer::text(200, "text/csv;charset=UTF-8", &format!("{}{}", job.head, rows.concat()));
        answer.headers.push(("Sforce-NumberOfRecords".to_owned(), rows.len().to_string()));
        answer.headers.push(("Sforce-Locator".to_owned(), locator));
        answer
    }

    /// Makes every job that is under way, and what was asked with it, come to nothing.
    pub(crate) fn fail_jobs(&mut self, reason: &str) {
        self.jobs.values_mut().for_each(|job| job.failed = Some(reason.to_owned()));
    }
}

impl crate::Peer {
    /// Makes every job that is under way come to nothing.
    pub fn fail_jobs(&self, reason: &str) {
        self.lock().fail_jobs(reason);
    }

    /// What the jobs that are there ask.
    #[must_use]
    pub fn job_queries(&self) -> Vec<String> {
        self.lock().jobs.values().map(|job| job.query.clone()).collect()
    }
}

fn info(id: &str, job: &Job, state: &str, processed: Option<usize>) -> Answer {
    let version: Value = serde_json::from_str(&job.version).unwrap_or_default();
    let mut info = json!({
        "id": id, "operation": "queryAll", "object": job.object, "createdById": crate::id("005", 1),
        "createdDate": "2026-11-22T21:20:00.000+0000", "systemModstamp": "2026-11-22T21:20:00.000+0000",
        "state": state, "concurrencyMode": "Parallel", "contentType": "CSV", "apiVersion": version,
        "lineEnding": "LF", "columnDelimiter": "COMMA",
    });
    if let (Some(processed), Some(info)) = (processed, info.as_object_mut()) {
        info.insert("jobType".to_owned(), "V2Query".into());
        info.insert(
            "numberRecordsProcessed".to_owned(),
            if job.failed.is_some() { 0.into() } else { processed.into() },
        );
        info.insert("retries".to_owned(), 0.into());
        info.insert("totalProcessingTime".to_owned(), 5.into());
        if let Some(reason) = &job.failed {
            info.insert("errorMessage".to_owned(), reason.as_str().into());
        }
    }
    Answer::text(200, "application/json;charset=UTF-8", &info.to_string())
}
