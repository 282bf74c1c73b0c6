//! The peer behind HTTP on this machine.

use std::convert::Infallible;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::{Answer, Asked, Peer};

/// The server; it ends when this is dropped.
#[derive(Debug)]
pub struct Served {
    /// Where it listens.
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Served {
    /// The host, as in `http://127.0.0.1:40123`.
    #[must_use]
    pub fn host(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves a peer on a free port of this machine; it says that this is its host.
///
/// # Errors
/// When no port can be listened on.
pub async fn serve(peer: Arc<Peer>) -> io::Result<Served> {
    serve_at(peer, 0).await
}

/// Serves a peer on a port of this machine; 0 takes a free one.
///
/// # Errors
/// When it cannot be listened on.
pub async fn serve_at(peer: Arc<Peer>, port: u16) -> io::Result<Served> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let address = listener.local_addr()?;
    peer.set_host(&format!("http://{address}"));
    let task = tokio::spawn(async move {
        // Ends when the task is aborted.
        while let Ok((stream, _)) = listener.accept().await {
            let peer = Arc::clone(&peer);
            let service = service_fn(move |request| handle(Arc::clone(&peer), request));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    Ok(Served { address, task })
}

async fn handle(peer: Arc<Peer>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let header = |name: &str| {
        let value = request.headers().get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let (authorization, accepted) = (header("authorization"), header("accept-encoding"));
    let method = request.method().to_string();
    let url = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let asked = Asked { method, url, authorization, body: String::from_utf8_lossy(&body).into_owned() };
    Ok(response(peer.answer(&asked), accepted.contains("gzip")))
}

fn response(answer: Answer, gzip: bool) -> Response<Full<Bytes>> {
    let mut builder = Response::builder().status(answer.status);
    let csv = answer.headers.iter().any(|(_, value)| value.starts_with("text/csv"));
    for (name, value) in &answer.headers {
        builder = builder.header(name, value);
    }
    // As Salesforce does with results.
    if answer.cut {
        let half = answer.body.get(..answer.body.len() / 2).unwrap_or_default().to_vec();
        let builder = builder.header("Content-Length", answer.body.len());
        return builder.body(Full::new(Bytes::from(half))).unwrap_or_default();
    }
    let packed = if gzip && csv { pack(&answer.body) } else { None };
    if packed.is_some() {
        builder = builder.header("Content-Encoding", "gzip");
    }
    let body = Full::new(Bytes::from(packed.unwrap_or(answer.body)));
    builder.body(body).unwrap_or_default()
}

fn pack(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}
