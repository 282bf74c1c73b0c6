//! What the client needs of the world: to send a request, and to know and wait for the time.

use std::collections::BTreeMap;
use std::future::Future;

use metering::time::Instant;

/// The verbs in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Read.
    Get,
    /// Create.
    Post,
    /// Change.
    Patch,
    /// Remove.
    Delete,
}

/// A request. Not printable: it carries secrets.
#[derive(Clone)]
pub struct Request {
    /// How.
    pub method: Method,
    /// Where to, with the host.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(&'static str, String)>,
    /// Type and text.
    pub body: Option<(&'static str, String)>,
}

/// An answer. Not printable: it carries tokens or records.
#[derive(Clone, Default)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// By name in lower case.
    pub headers: BTreeMap<String, String>,
    /// At most [`MOST_BYTES`] after decompression.
    pub body: Vec<u8>,
}

impl Response {
    /// A header, empty if it is missing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Whether the answer is JSON, whatever was asked for.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.header("content-type").to_ascii_lowercase().contains("json")
    }
}

/// No answer is longer than this, so that none fills the memory. A page of results is asked for small enough.
pub const MOST_BYTES: usize = 64 << 20;

/// Sends requests. Never follows a redirection: the token would go along.
pub trait Transport: Sync {
    /// The answer, whatever its status; or why there is none, without the address's query.
    fn send(&self, request: Request) -> impl Future<Output = Result<Response, String>> + Send;
}

/// Time and chance.
pub trait Pace: Sync {
    /// Now.
    fn now(&self) -> Instant;
    /// Waits.
    fn sleep(&self, ms: u64) -> impl Future<Output = ()> + Send;
    /// Any number.
    fn chance(&self) -> u64;
}
