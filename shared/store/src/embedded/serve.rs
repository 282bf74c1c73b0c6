//! The folders as S3 on loopback, to look at: `aws --endpoint-url http://127.0.0.1:9000 s3 ls`.
//!
//! Lists, heads and gets; whatever would write is answered `NotImplemented`. Requests are signed
//! with the access key and the secret [`CREDENTIAL`]. An object is held in memory while it is sent.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, UNIX_EPOCH};

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use ledger::ports::{Blobs, Bucket, Listing, ObjectMeta, Read, StoreError};
use metering::time::Instant;
use s3s::auth::SimpleAuth;
use s3s::dto::{
    self, CommonPrefix, ETag, ETagCondition, GetObjectInput, GetObjectOutput, HeadBucketInput, HeadBucketOutput,
    HeadObjectInput, HeadObjectOutput, ListBucketsInput, ListBucketsOutput, ListObjectsV2Input, ListObjectsV2Output,
    Object, StreamingBlob, Timestamp,
};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, S3, S3Request, S3Response, S3Result, s3_error};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::DirectoryBlobs;

/// The access key and the secret of whoever looks.
pub const CREDENTIAL: &str = "local";

/// The buckets by the names under which they are seen.
const BUCKETS: [(&str, Bucket); 3] = [("usage", Bucket::Usage), ("work", Bucket::Work), ("invoices", Bucket::Invoices)];
/// The most objects in one answer, as on S3.
const PAGE: usize = 1000;
/// How many objects are looked at together when most of them fold into one prefix.
const FOLDING_PAGE: usize = 50;

/// The server; it ends when this is dropped.
#[derive(Debug)]
pub struct Served {
    /// Where it listens.
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves the folders at `address`; port 0 takes a free one.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn serve(blobs: DirectoryBlobs, address: SocketAddr) -> io::Result<Served> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let mut service = S3ServiceBuilder::new(Window { blobs });
    service.set_auth(SimpleAuth::from_single(CREDENTIAL, CREDENTIAL));
    let task = tokio::spawn(accept(listener, service.build()));
    Ok(Served { address, task })
}

async fn accept(listener: TcpListener, service: S3Service) {
    loop {
        let socket = match listener.accept().await {
            Ok((socket, _)) => socket,
            Err(error) => {
                // Most often too many open files; others may be closed meanwhile.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        // Without it small answers wait 40 ms for the other side's acknowledgement.
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "a connection stays slow");
        }
        let service = service.clone();
        tokio::spawn(async move {
            let served = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await;
            if let Err(error) = served {
                tracing::debug!(%error, "a connection broke off");
            }
        });
    }
}

/// What the requests see.
struct Window {
    blobs: DirectoryBlobs,
}

impl Window {
    async fn find(&self, bucket: &str, key: &str) -> S3Result<(Bucket, ObjectMeta)> {
        let bucket = named(bucket)?;
        let meta = self.blobs.head(bucket, key).await.map_err(broken)?;
        Ok((bucket, meta.ok_or_else(|| s3_error!(NoSuchKey))?))
    }

    /// A page of a listing in which what lies behind the delimiter is folded into its prefix.
    async fn folded(&self, bucket: Bucket, asked: &Asked<'_>) -> S3Result<Folded> {
        let mut folded = Folded::default();
        let mut after = asked.after.to_owned();
        loop {
            let page = self.page(bucket, asked, &after).await?;
            for meta in page.objects {
                if folded.count() == asked.limit {
                    folded.next = Some(after);
                    return Ok(folded);
                }
                match asked.prefix_of(&meta.key) {
                    Some(prefix) if after.starts_with(&prefix) => {}
                    Some(prefix) => {
                        // Beyond everything that has this prefix.
                        after = format!("{prefix}\u{10ffff}");
                        folded.prefixes.push(prefix);
                    }
                    None => {
                        after.clone_from(&meta.key);
                        folded.objects.push(meta);
                    }
                }
            }
            if !page.more {
                return Ok(folded);
            }
        }
    }

    async fn page(&self, bucket: Bucket, asked: &Asked<'_>, after: &str) -> S3Result<Listing> {
        let limit = if asked.delimiter.is_empty() { PAGE } else { FOLDING_PAGE };
        self.blobs.list(bucket, asked.prefix, Some(after), limit).await.map_err(broken)
    }
}

/// What a listing is asked for.
struct Asked<'a> {
    prefix: &'a str,
    /// Empty for none.
    delimiter: &'a str,
    after: &'a str,
    limit: usize,
}

impl Asked<'_> {
    /// The prefix into which a key is folded.
    fn prefix_of(&self, key: &str) -> Option<String> {
        let rest = key.strip_prefix(self.prefix).filter(|_| !self.delimiter.is_empty())?;
        let (folder, _) = rest.split_once(self.delimiter)?;
        Some([self.prefix, folder, self.delimiter].concat())
    }
}

/// A page of a listing.
#[derive(Default)]
struct Folded {
    objects: Vec<ObjectMeta>,
    prefixes: Vec<String>,
    /// What the next page comes after.
    next: Option<String>,
}

impl Folded {
    fn count(&self) -> usize {
        self.objects.len() + self.prefixes.len()
    }
}

#[async_trait::async_trait]
impl S3 for Window {
    async fn list_buckets(&self, _: S3Request<ListBucketsInput>) -> S3Result<S3Response<ListBucketsOutput>> {
        let bucket = |name: &str| dto::Bucket {
            name: Some(name.to_owned()),
            creation_date: Some(UNIX_EPOCH.into()),
            ..Default::default()
        };
        let buckets = BUCKETS.iter().map(|(name, _)| bucket(name)).collect();
        Ok(S3Response::new(ListBucketsOutput { buckets: Some(buckets), ..Default::default() }))
    }

    async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> S3Result<S3Response<HeadBucketOutput>> {
        named(&request.input.bucket).map(|_| S3Response::new(HeadBucketOutput::default()))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        let limit = input.max_keys.and_then(|most| usize::try_from(most).ok()).unwrap_or(PAGE).min(PAGE);
        let asked = Asked {
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref().unwrap_or_default(),
            after: input.continuation_token.as_deref().or(input.start_after.as_deref()).unwrap_or_default(),
            limit,
        };
        let folded = self.folded(named(&input.bucket)?, &asked).await?;
        let count = i32::try_from(folded.count()).ok();
        let prefix = |prefix| CommonPrefix { prefix: Some(prefix) };
        Ok(S3Response::new(ListObjectsV2Output {
            is_truncated: Some(folded.next.is_some()),
            next_continuation_token: folded.next,
            contents: Some(folded.objects.into_iter().map(object).collect()),
            common_prefixes: Some(folded.prefixes.into_iter().map(prefix).collect()),
            key_count: count,
            max_keys: i32::try_from(limit).ok(),
            name: Some(input.bucket),
            prefix: input.prefix,
            delimiter: input.delimiter,
            ..Default::default()
        }))
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        let (_, meta) = self.find(&request.input.bucket, &request.input.key).await?;
        Ok(S3Response::new(HeadObjectOutput {
            content_length: i64::try_from(meta.size).ok(),
            last_modified: Some(timestamp(meta.modified)),
            e_tag: Some(ETag::Strong(meta.etag)),
            ..Default::default()
        }))
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        let (bucket, meta) = self.find(&input.bucket, &input.key).await?;
        if !input.if_match.as_ref().is_none_or(|condition| matches(condition, &meta.etag)) {
            return Err(s3_error!(PreconditionFailed));
        }
        let range = input.range.map(|range| range.check(meta.size)).transpose()?;
        let (from, to) = range.as_ref().map_or((0, meta.size), |range| (range.start, range.end));
        let read = self.blobs.read(bucket, &input.key, &meta.etag, from, to - from).await.map_err(broken)?;
        let Read::Bytes(bytes) = read else {
            return Err(s3_error!(ConditionalRequestConflict, "the file changes while it is read"));
        };
        Ok(S3Response::new(GetObjectOutput {
            content_length: i64::try_from(bytes.len()).ok(),
            content_range: range.map(|_| format!("bytes {from}-{}/{}", to.saturating_sub(1), meta.size)),
            body: Some(StreamingBlob::from(Body::from(bytes))),
            last_modified: Some(timestamp(meta.modified)),
            e_tag: Some(ETag::Strong(meta.etag)),
            ..Default::default()
        }))
    }
}

fn named(bucket: &str) -> S3Result<Bucket> {
    let found = BUCKETS.iter().find(|(name, _)| *name == bucket);
    found.map(|(_, bucket)| *bucket).ok_or_else(|| s3_error!(NoSuchBucket))
}

fn broken(error: StoreError) -> s3s::S3Error {
    s3_error!(InternalError, "{error}")
}

fn matches(condition: &ETagCondition, etag: &str) -> bool {
    condition.is_any() || condition.as_etag().is_some_and(|wanted| wanted.strong_cmp(&ETag::Strong(etag.to_owned())))
}

fn object(meta: ObjectMeta) -> Object {
    Object {
        size: i64::try_from(meta.size).ok(),
        last_modified: Some(timestamp(meta.modified)),
        key: Some(meta.key),
        e_tag: Some(ETag::Strong(meta.etag)),
        ..Default::default()
    }
}

/// Times before the epoch are shown as the epoch.
fn timestamp(Instant(ms): Instant) -> Timestamp {
    let since = Duration::from_millis(u64::try_from(ms).unwrap_or(0));
    UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH).into()
}
