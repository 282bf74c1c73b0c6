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
    /// At most [`MOST_BYTES`] after decompression; empty while it is still to come.
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

/// No answer that is read whole is longer than this, so that none fills the memory. Tables of results are not read
/// whole but piece by piece.
pub const MOST_BYTES: usize = 64 << 20;

/// The body of an answer on its way.
pub trait Body: Send {
    /// The next piece, after decompression; none after the last. Or why it breaks off.
    fn piece(&mut self) -> impl Future<Output = Result<Option<Vec<u8>>, String>> + Send;
}

/// Sends requests. Never follows a redirection: the token would go along.
pub trait Transport: Sync {
    /// What is still to come of an answer.
    type Body: Body;

    /// The beginning of the answer, whatever its status, with an empty body, and the body to come; or why there is
    /// none, without the address's query.
    fn open(&self, request: Request) -> impl Future<Output = Result<(Response, Self::Body), String>> + Send;
}

/// Reads a body to its end.
///
/// # Errors
/// Why it breaks off, or that it is longer than [`MOST_BYTES`].
pub async fn whole(mut head: Response, mut body: impl Body) -> Result<Response, String> {
    while let Some(piece) = body.piece().await? {
        if head.body.len().saturating_add(piece.len()) > MOST_BYTES {
            return Err(format!("the answer is longer than {MOST_BYTES} bytes"));
        }
        head.body.extend_from_slice(&piece);
    }
    Ok(head)
}

/// A body that is there already, in pieces of some size.
pub struct Pieces {
    bytes: Vec<u8>,
    given: usize,
    size: usize,
}

impl Pieces {
    /// Takes a body apart.
    #[must_use]
    pub fn new(bytes: Vec<u8>, size: usize) -> Self {
        Self { bytes, given: 0, size: size.max(1) }
    }
}

impl Body for Pieces {
    async fn piece(&mut self) -> Result<Option<Vec<u8>>, String> {
        let end = self.given.saturating_add(self.size).min(self.bytes.len());
        let piece = self.bytes.get(self.given..end).unwrap_or_default().to_vec();
        self.given = end;
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }
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
