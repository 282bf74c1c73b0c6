//! A network between the adapters and a server, on which calls fail as calls to AWS do.
//!
//! A call can be lost on its way there or its answer on the way back, be answered with an error
//! that AWS documents, or with a page that ends early. What it did on the server then is what the
//! adapters and the protocol have to live with.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Sleep;

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// The connection is cut before the server sees the call.
    LostBefore,
    /// The server does what it is asked; the connection is cut before it can say so.
    LostAfter,
    /// The server does what it is asked; the connection is cut in the middle of the answer.
    CutShort,
    /// Refused without being done: the service is asked too often.
    Throttled,
    /// Refused without being done: the service has trouble of its own.
    Internal,
    /// Refused without being done: a transaction is at the same item.
    Conflict,
    /// A page of one, with more to come.
    ShortPage,
}

/// The way to a server; gone when dropped.
pub struct Unreliable {
    /// Where calls go in.
    pub endpoint: String,
    calls: Arc<Mutex<Calls>>,
    serving: JoinHandle<()>,
}

/// What is going to happen, and how much has.
struct Calls {
    script: VecDeque<Fault>,
    /// The state of the numbers by which random faults come, if they do.
    random: Option<u64>,
    seen: usize,
    failed: usize,
}

impl Unreliable {
    /// To `server`; the first calls have these faults, later ones none.
    pub async fn scripted(server: &str, faults: &[Fault]) -> Self {
        Self::between(server, faults.iter().copied().collect(), None).await
    }

    /// To `server`; about every sixth call has some fault. The same seed, the same faults in the order
    /// of the calls.
    pub async fn random(server: &str, seed: u64) -> Self {
        Self::between(server, VecDeque::new(), Some(seed)).await
    }

    async fn between(server: &str, script: VecDeque<Fault>, random: Option<u64>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(Mutex::new(Calls { script, random, seen: 0, failed: 0 }));
        let way = Way { server: server.to_owned(), client: plain(), calls: Arc::clone(&calls) };
        let serving = tokio::spawn(accept(listener, Arc::new(way)));
        Self { endpoint, calls, serving }
    }

    /// How many calls went in, and how many of them had a fault.
    pub fn counted(&self) -> (usize, usize) {
        let calls = self.calls.lock().unwrap();
        (calls.seen, calls.failed)
    }
}

impl Drop for Unreliable {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A client that changes nothing of what it carries.
fn plain() -> reqwest::Client {
    reqwest::Client::builder().no_gzip().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

impl Calls {
    fn next(&mut self) -> Fault {
        let fault = match (&mut self.random, self.script.pop_front()) {
            (_, Some(fault)) => fault,
            (Some(state), None) => drawn(state),
            (None, None) => Fault::None,
        };
        self.seen += 1;
        self.failed += usize::from(fault != Fault::None);
        fault
    }
}

/// The next of a sequence of well-mixed numbers (SplitMix64), as a fault.
fn drawn(state: &mut u64) -> Fault {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    match (mixed ^ (mixed >> 31)) % 42 {
        0 => Fault::LostBefore,
        1 | 2 => Fault::LostAfter,
        3 => Fault::CutShort,
        4 => Fault::Throttled,
        5 => Fault::Internal,
        6 => Fault::Conflict,
        _ => Fault::None,
    }
}

struct Way {
    server: String,
    client: reqwest::Client,
    calls: Arc<Mutex<Calls>>,
}

async fn accept(listener: TcpListener, way: Arc<Way>) {
    loop {
        let (stream, _): (_, SocketAddr) = listener.accept().await.unwrap();
        let way = Arc::clone(&way);
        tokio::spawn(async move {
            let service = service_fn(|request| carry(&way, request));
            // A connection that ends with an error is one that was cut on purpose.
            let _cut = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// One call, there and back. An error cuts the connection.
async fn carry(way: &Way, request: Request<Incoming>) -> Result<Response<Answer>, io::Error> {
    let cut = || io::Error::from(io::ErrorKind::ConnectionReset);
    let fault = way.calls.lock().unwrap().next();
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let target = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    match fault {
        Fault::LostBefore => return Err(cut()),
        Fault::Throttled => return Ok(throttled(target)),
        Fault::Internal => return Ok(internal(target)),
        Fault::Conflict if target.starts_with("DynamoDB") => return Ok(conflict(target, &body)),
        Fault::Conflict if target.is_empty() && head.method == Method::PUT => {
            return Ok(xml(409, "ConditionalRequestConflict", "Another writer is at this key."));
        }
        Fault::Conflict | Fault::None | Fault::LostAfter | Fault::CutShort | Fault::ShortPage => {}
    }
    let short = fault == Fault::ShortPage;
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let url = format!("{}{}", way.server, if short { one_key(path) } else { path.to_owned() });
    let mut headers = head.headers.clone();
    for own in [HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
        headers.remove(own);
    }
    let body = if short { one_item(&body) } else { body };
    let sent = way.client.request(head.method, url).headers(headers).body(body).send().await;
    let answer = sent.map_err(io::Error::other)?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let bytes = answer.bytes().await.map_err(io::Error::other)?;
    let body = match fault {
        Fault::LostAfter => return Err(cut()),
        // Of nothing, no half can be kept back.
        Fault::CutShort if bytes.is_empty() => return Err(cut()),
        Fault::CutShort => Answer::cut_short(&bytes),
        _ => Answer::whole(bytes),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    for own in [CONNECTION, TRANSFER_ENCODING] {
        response.headers_mut().remove(own);
    }
    Ok(response)
}

/// A query for one item: what a page is that its size in bytes ends.
fn one_item(body: &Bytes) -> Bytes {
    let Ok(mut request) = serde_json::from_slice::<Value>(body) else { return body.clone() };
    request["Limit"] = json!(1);
    Bytes::from(request.to_string())
}

/// A listing for one key.
fn one_key(path: &str) -> String {
    let pairs = path.split('&').map(|pair| if pair.starts_with("max-keys=") { "max-keys=1" } else { pair });
    pairs.collect::<Vec<_>>().join("&")
}

/// As the service that is asked says it: DynamoDB and SQS have targets, S3 has none.
fn throttled(target: &str) -> Response<Answer> {
    match target {
        "" => xml(503, "SlowDown", "Please reduce your request rate."),
        target if target.starts_with("DynamoDB") => {
            coded(400, "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException")
        }
        _ => coded(400, "com.amazonaws.sqs#RequestThrottled"),
    }
}

fn internal(target: &str) -> Response<Answer> {
    match target {
        "" => xml(500, "InternalError", "We encountered an internal error. Please try again."),
        target if target.starts_with("DynamoDB") => coded(500, "com.amazonaws.dynamodb.v20120810#InternalServerError"),
        _ => coded(500, "com.amazonaws.sqs#InternalError"),
    }
}

/// A transaction is cancelled for its first item; a single write is refused by name; a read goes on
/// to be throttled, as conflicts are of writes.
fn conflict(target: &str, body: &Bytes) -> Response<Answer> {
    const NAMES: &str = "com.amazonaws.dynamodb.v20120810#";
    match target.split('.').next_back() {
        Some("TransactWriteItems") => {
            let request: Value = serde_json::from_slice(body).unwrap_or_default();
            let items = request["TransactItems"].as_array().map_or(0, Vec::len);
            let mut reasons = vec![json!({"Code": "None"}); items];
            reasons[0] = json!({"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"});
            json_answer(
                400,
                &json!({
                    "__type": format!("{NAMES}TransactionCanceledException"),
                    "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons",
                    "CancellationReasons": reasons,
                }),
            )
        }
        Some("PutItem" | "DeleteItem") => coded(400, &format!("{NAMES}TransactionConflictException")),
        _ => throttled(target),
    }
}

fn coded(status: u16, kind: &str) -> Response<Answer> {
    json_answer(status, &json!({"__type": kind, "message": "not now"}))
}

fn json_answer(status: u16, body: &Value) -> Response<Answer> {
    answer(status, "application/x-amz-json-1.0", body.to_string())
}

fn xml(status: u16, code: &str, message: &str) -> Response<Answer> {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    answer(status, "application/xml", body)
}

fn answer(status: u16, kind: &'static str, body: String) -> Response<Answer> {
    let mut response = Response::new(Answer::whole(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response.headers_mut().insert("content-type", hyper::header::HeaderValue::from_static(kind));
    response
}

/// The body of an answer, whole or broken off.
enum Answer {
    Whole(Full<Bytes>),
    CutShort(Option<Bytes>, Pin<Box<Sleep>>),
}

impl Answer {
    fn whole(bytes: Bytes) -> Self {
        Self::Whole(Full::new(bytes))
    }

    fn cut_short(bytes: &Bytes) -> Self {
        // A cut at once would keep back the first half too.
        let pause = Box::pin(tokio::time::sleep(Duration::from_millis(30)));
        Self::CutShort(Some(bytes.slice(..bytes.len() / 2)), pause)
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.get_mut() {
            Self::Whole(body) => {
                let never = |error: Infallible| match error {};
                Pin::new(body).poll_frame(context).map(|frame| frame.map(|frame| frame.map_err(never)))
            }
            Self::CutShort(rest, pause) => match rest.take() {
                Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                None => {
                    pause.as_mut().poll(context).map(|()| Some(Err(io::Error::from(io::ErrorKind::ConnectionReset))))
                }
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(body) if body.is_end_stream())
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::CutShort(..) => hyper::body::SizeHint::default(),
        }
    }
}
