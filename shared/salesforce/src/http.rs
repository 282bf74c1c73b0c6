//! The edge to the network, the clock and chance: nothing else in this crate touches them.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ledger::ports::Clock;
use metering::time::Instant;
use reqwest::redirect::Policy;
use sha2::{Digest, Sha256};

use crate::client::Secrets;
use crate::transport::{Body, Method, Pace, Request, Response, Transport};

/// A connection takes no longer than this.
const CONNECT: Duration = Duration::from_secs(5);
/// A call takes no longer than this; Salesforce ends a query after about two minutes.
const CALL: Duration = Duration::from_secs(130);

/// Salesforce over the network, by a clock, with a secret from wherever `S` keeps it.
pub struct Http<C, S> {
    client: reqwest::Client,
    clock: C,
    secrets: S,
    seed: String,
    drawn: AtomicU64,
}

impl<C: Clock, S> Http<C, S> {
    /// Makes the client. No call is made yet.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(clock: C, secrets: S) -> Result<Self, String> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .timeout(CALL)
            // The token must not go where an answer points to.
            .redirect(Policy::none())
            .user_agent("farthing")
            .no_proxy()
            .build()
            .map_err(|error| reason(&error))?;
        let seed = clock.token();
        Ok(Self { client, clock, secrets, seed, drawn: AtomicU64::new(0) })
    }
}

impl<C: Clock + Sync, S: Sync> Transport for Http<C, S> {
    type Body = Answer;

    async fn open(&self, request: Request) -> Result<(Response, Answer), String> {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut built = self.client.request(method, request.url);
        for (name, value) in request.headers {
            built = built.header(name, value);
        }
        if let Some((kind, body)) = request.body {
            built = built.header("content-type", kind).body(body);
        }
        let answer = built.send().await.map_err(|error| reason(&error))?;
        let header = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        };
        let headers = answer.headers().iter().filter_map(header).collect();
        let head = Response { status: answer.status().as_u16(), headers, body: Vec::new() };
        Ok((head, Answer(answer)))
    }
}

/// An answer whose body is still to come.
pub struct Answer(reqwest::Response);

impl Body for Answer {
    async fn piece(&mut self) -> Result<Option<Vec<u8>>, String> {
        let piece = self.0.chunk().await.map_err(|error| reason(&error))?;
        Ok(piece.map(|bytes| bytes.to_vec()))
    }
}

/// Why, with all causes and without the address, whose query may hold data.
fn reason(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { "no answer in time".to_owned() } else { "the call failed".to_owned() };
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

impl<C: Clock + Sync, S: Sync> Pace for Http<C, S> {
    fn now(&self) -> Instant {
        self.clock.now()
    }

    async fn sleep(&self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    fn chance(&self) -> u64 {
        let drawn = self.drawn.fetch_add(1, Ordering::Relaxed);
        let digest = Sha256::digest(format!("{} {drawn}", self.seed));
        digest.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
    }
}

impl<C: Sync, S: Secrets> Secrets for Http<C, S> {
    async fn secret(&self, fresh: bool) -> Result<String, String> {
        self.secrets.secret(fresh).await
    }

    async fn sign(&self, key: &str, digest: [u8; 32]) -> Result<Vec<u8>, String> {
        self.secrets.sign(key, digest).await
    }
}

/// A secret that was given once.
pub struct Given(Mutex<String>);

impl Given {
    /// Holds a secret.
    pub fn new(secret: String) -> Self {
        Self(Mutex::new(secret))
    }
}

impl Secrets for Given {
    async fn secret(&self, _: bool) -> Result<String, String> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    async fn sign(&self, key: &str, _: [u8; 32]) -> Result<Vec<u8>, String> {
        Err(format!("only the function on AWS signs with {key}; give `private_key` here"))
    }
}
