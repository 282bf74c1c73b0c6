//! One call after another: the token got once for all who wait for it, renewed once per call, failures tried again
//! within the deadline, the day's calls counted. Which answer means what is [`crate::complaint`]'s.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use metering::time::Instant;

use crate::Id;
use crate::auth::{self, Credential, Proof, Token, granted};
use crate::complaint::{Action, Complaint};
use crate::fault::Fault;
use crate::limits::{Budget, Usage};
use crate::retry::wait_ms;
use crate::transport::{Method, Pace, Request, Response, Transport, whole};

/// Where the credential is kept, and the keys that sign without being shown.
pub trait Secrets: Sync {
    /// The secret's text, read anew if `fresh`; or why it cannot be read.
    fn secret(&self, fresh: bool) -> impl Future<Output = Result<String, String>> + Send;

    /// The signature (RSASSA-PKCS1-v1.5) of a SHA-256 by a key of KMS; or why there is none.
    fn sign(&self, key: &str, digest: [u8; 32]) -> impl Future<Output = Result<Vec<u8>, String>> + Send;
}

/// All that the client needs of the world.
pub trait Edge: Transport + Pace + Secrets {}

impl<E: Transport + Pace + Secrets> Edge for E {}

/// Which organisation, and how it may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// My Domain, as in `https://acme.my.salesforce.com`.
    pub host: String,
    /// The organisation that must answer.
    pub organisation: Id,
    /// The API's version, as in `67.0`.
    pub version: String,
    /// This run's share of the day's calls.
    pub budget: Budget,
}

impl Settings {
    /// A host on this machine, which only tests and the demo have, may answer without TLS.
    fn is_local(&self) -> bool {
        self.host.starts_with("http://127.0.0.1:")
    }
}

/// A call below the version's path, or at a path that Salesforce gave.
#[derive(Clone, Debug)]
pub struct Call {
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    json: Option<String>,
    csv: bool,
}

impl Call {
    /// Reads JSON.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::Get, path: path.into(), headers: Vec::new(), json: None, csv: false }
    }

    /// Reads a table of comma-separated values.
    pub fn csv(path: impl Into<String>) -> Self {
        Self { csv: true, ..Self::get(path) }
    }

    /// Sends JSON.
    pub fn send(method: Method, path: impl Into<String>, json: String) -> Self {
        Self { method, json: Some(json), ..Self::get(path) }
    }

    /// Removes.
    pub fn delete(path: impl Into<String>) -> Self {
        Self { method: Method::Delete, ..Self::get(path) }
    }

    /// With a header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Whether an answer is a success of the kind that was asked for. A page of HTML may come with 200.
    fn is_answered_by(&self, response: &Response) -> bool {
        let csv = response.header("content-type").to_ascii_lowercase().contains("csv");
        match response.status {
            204 => true,
            200..=299 if self.csv => csv,
            200..=299 => response.is_json(),
            _ => false,
        }
    }
}

#[derive(Default)]
struct Login {
    token: Option<Token>,
    /// Counts the tokens, so that of many who were refused only the first asks for a new one.
    generation: u64,
    credential: Option<Credential>,
}

/// A client for one run.
pub struct Client<'e, E> {
    edge: &'e E,
    settings: Settings,
    deadline: Instant,
    login: tokio::sync::Mutex<Login>,
    calls: AtomicU64,
    usage: Mutex<Option<Usage>>,
}

impl<'e, E: Edge> Client<'e, E> {
    /// A client that gives up at `deadline`. No call is made yet.
    pub fn new(edge: &'e E, settings: Settings, deadline: Instant) -> Self {
        let login = tokio::sync::Mutex::new(Login::default());
        Self { edge, settings, deadline, login, calls: AtomicU64::new(0), usage: Mutex::new(None) }
    }

    /// The organisation.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Now.
    pub fn now(&self) -> Instant {
        self.edge.now()
    }

    /// Calls made, without logins.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// The day's calls of everybody, as the last answer said.
    pub fn usage(&self) -> Option<Usage> {
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The path of the version, with `rest`.
    pub fn path(&self, rest: &str) -> String {
        format!("/services/data/v{}{rest}", self.settings.version)
    }

    /// Waits, unless that would be too long for this run; whether it waited.
    pub async fn pause(&self, ms: u64) -> bool {
        let ends = self.edge.now().0.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX));
        if ends >= self.deadline.0 {
            return false;
        }
        self.edge.sleep(ms).await;
        true
    }

    /// Makes a call and gives its answer, which is a success of the kind that was asked for. `what` is for messages.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn call(&self, what: &str, call: &Call) -> Result<Response, Fault> {
        self.attempts(what, call, true).await.map(|(response, _)| response)
    }

    /// As [`Client::call`], with the body still to come. What breaks it off is the caller's to try again.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn open(&self, what: &str, call: &Call) -> Result<(Response, E::Body), Fault> {
        let (response, body) = self.attempts(what, call, false).await?;
        let body = body.ok_or_else(|| Fault::broken(what, "it has no body"))?;
        Ok((response, body))
    }

    /// The answer, with its body read if it is to be `read`, or else still to come.
    async fn attempts(&self, what: &str, call: &Call, read: bool) -> Result<(Response, Option<E::Body>), Fault> {
        let (mut attempt, mut refreshed) = (0_u32, false);
        loop {
            let (token, generation) = self.token().await?;
            self.count()?;
            let answer = match self.edge.open(request(call, &token)).await {
                Ok((head, body)) if !read && call.is_answered_by(&head) => {
                    self.note(&head);
                    return Ok((head, Some(body)));
                }
                Ok((head, body)) => whole(head, body).await,
                Err(reason) => Err(reason),
            };
            let (refusal, action) = match answer {
                Ok(response) => {
                    let over = self.note(&response);
                    if call.is_answered_by(&response) {
                        return Ok((response, None));
                    }
                    let complaint = Complaint::read(response.status, response.header("content-type"), &response.body);
                    let action = complaint.action(over);
                    (Fault::Refused { what: what.to_owned(), complaint, action }, action)
                }
                Err(reason) => (Fault::Unreachable { host: token.instance.clone(), reason }, Action::Retry(5)),
            };
            match action {
                Action::RefreshToken if !refreshed => {
                    refreshed = true;
                    self.forget(generation).await;
                }
                Action::StopForToday => return Err(Fault::DailyLimit),
                Action::Retry(most) if attempt < most => {
                    self.wait(attempt, &refusal).await?;
                    attempt = attempt.saturating_add(1);
                }
                _ => return Err(refusal),
            }
        }
    }

    /// One more call, if the budget allows it.
    fn count(&self) -> Result<(), Fault> {
        let (calls, seen) = (self.calls(), self.usage());
        if !self.settings.budget.allows(calls, seen) {
            let (used, most) = seen.map_or((0, 0), |usage| (usage.used, usage.most));
            return Err(Fault::Budget { calls, used, most });
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Takes down the day's calls; whether this answer says that they are used up.
    fn note(&self, response: &Response) -> bool {
        let Some(usage) = Usage::read(response.header("sforce-limit-info")) else { return false };
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner) = Some(usage);
        usage.is_spent()
    }

    /// Waits before the attempt after the `attempt`-th, longer each time.
    ///
    /// # Errors
    /// [`Fault::Deadline`] where that would be too long for this run.
    pub(crate) async fn wait(&self, attempt: u32, refusal: &Fault) -> Result<(), Fault> {
        let wait = wait_ms(attempt, self.edge.chance(), self.edge.now(), self.deadline);
        let wait = wait.ok_or_else(|| Fault::Deadline(format!("waiting after this: {refusal}")))?;
        tracing::info!(%refusal, wait, "Salesforce is asked again");
        self.edge.sleep(wait).await;
        Ok(())
    }

    /// The present token; who comes first gets it for all.
    async fn token(&self) -> Result<(Token, u64), Fault> {
        let mut login = self.login.lock().await;
        if let Some(token) = &login.token {
            return Ok((token.clone(), login.generation));
        }
        let token = self.log_in(&mut login).await?;
        login.token = Some(token.clone());
        login.generation = login.generation.saturating_add(1);
        Ok((token, login.generation))
    }

    /// Drops a token that was refused, unless there is a newer one already.
    async fn forget(&self, generation: u64) {
        let mut login = self.login.lock().await;
        if login.generation == generation {
            login.token = None;
        }
    }

    async fn log_in(&self, login: &mut Login) -> Result<Token, Fault> {
        let (mut attempt, mut reloaded) = (0_u32, false);
        loop {
            let credential = match &login.credential {
                Some(credential) => credential.clone(),
                None => self.credential(reloaded).await?,
            };
            login.credential = Some(credential.clone());
            let form = self.form(&credential).await?;
            let answer = match self.edge.open(auth::request(&self.settings.host, form)).await {
                Ok((head, body)) => whole(head, body).await,
                Err(reason) => Err(reason),
            };
            let (refusal, action) = match answer {
                Ok(response) if response.status == 200 && response.is_json() => {
                    return granted(
                        &response,
                        &self.settings.organisation,
                        &self.settings.host,
                        self.settings.is_local(),
                    );
                }
                Ok(response) => {
                    let status = if response.status == 200 { 503 } else { response.status };
                    let complaint = Complaint::read(status, response.header("content-type"), &response.body);
                    let action = complaint.login_action();
                    (Fault::Login { host: self.settings.host.clone(), complaint }, action)
                }
                Err(reason) => (Fault::Unreachable { host: self.settings.host.clone(), reason }, Action::Retry(5)),
            };
            match action {
                Action::ReloadSecret if !reloaded => {
                    reloaded = true;
                    login.credential = None;
                }
                Action::Retry(most) if attempt < most => {
                    // The key may have been rotated as well as a secret.
                    if matches!(refusal, Fault::Login { ref complaint, .. } if complaint.status == 400) {
                        reloaded = true;
                        login.credential = None;
                    }
                    self.wait(attempt, &refusal).await?;
                    attempt = attempt.saturating_add(1);
                }
                _ => return Err(refusal),
            }
        }
    }

    /// What a login sends; each attempt has an assertion of its own.
    async fn form(&self, credential: &Credential) -> Result<String, Fault> {
        Ok(match credential.proof(self.edge.now())? {
            Proof::Form(form) => form,
            Proof::Unsigned(assertion) => {
                let signature = self.edge.sign(&assertion.key, assertion.digest()).await;
                assertion.form(&signature.map_err(Fault::Credential)?)
            }
        })
    }

    async fn credential(&self, fresh: bool) -> Result<Credential, Fault> {
        Credential::read(&self.edge.secret(fresh).await.map_err(Fault::Credential)?)
    }
}

fn request(call: &Call, token: &Token) -> Request {
    let accept = if call.csv { "text/csv" } else { "application/json" };
    let mut headers = vec![("authorization", format!("Bearer {}", token.access)), ("accept", accept.to_owned())];
    headers.extend(call.headers.iter().cloned());
    Request {
        method: call.method,
        url: format!("{}{}", token.instance, call.path),
        headers,
        body: call.json.clone().map(|json| ("application/json", json)),
    }
}
