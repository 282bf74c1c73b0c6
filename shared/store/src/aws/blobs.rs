//! The buckets on S3.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::builders::GetObjectFluentBuilder;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{EncodingType, Object};
use ledger::ports::{Blobs, Bucket, Listing, ObjectMeta, PutOnce, Read, StoreError};
use metering::time::Instant;
use percent_encoding::percent_decode_str;
use tokio::task::JoinSet;

use super::BucketNames;
use super::failure::{chain, store_error};
use crate::limits::{check_object_key, object_subject};

/// S3 gives at most this many objects in one answer.
const LISTING_MAX: usize = 1000;
/// The body of an answer takes no longer than this, however slowly it comes.
const BODY: Duration = Duration::from_secs(60);

/// The buckets on S3.
#[derive(Clone, Debug)]
pub struct S3Blobs {
    client: Client,
    names: BucketNames,
}

impl S3Blobs {
    /// Buckets of these names, reached through `client`.
    pub fn new(client: Client, names: BucketNames) -> Self {
        Self { client, names }
    }

    fn name(&self, bucket: Bucket) -> &str {
        match bucket {
            Bucket::Usage => &self.names.usage,
            Bucket::Work => &self.names.work,
            Bucket::Invoices => &self.names.invoices,
        }
    }

    async fn list_once(
        &self,
        bucket: Bucket,
        prefix: &str,
        after: Option<String>,
        limit: usize,
    ) -> Result<ListObjectsV2Output, StoreError> {
        self.client
            .list_objects_v2()
            .bucket(self.name(bucket))
            .prefix(prefix)
            .set_start_after(after)
            .max_keys(i32::try_from(limit.min(LISTING_MAX)).unwrap_or(i32::MAX))
            .encoding_type(EncodingType::Url)
            .send()
            .await
            .map_err(|error| store_error("ListObjectsV2", object_subject(bucket, prefix), &error))
    }
}

impl Blobs for S3Blobs {
    async fn head(&self, bucket: Bucket, key: &str) -> Result<Option<ObjectMeta>, StoreError> {
        check_object_key("HeadObject", bucket, key)?;
        let sent = self.client.head_object().bucket(self.name(bucket)).key(key).send().await;
        let answer = match sent {
            Ok(answer) => answer,
            Err(error) if is_missing_object(&error) => return Ok(None),
            Err(error) => return Err(store_error("HeadObject", object_subject(bucket, key), &error)),
        };
        let facts = (answer.e_tag(), answer.content_length(), answer.last_modified());
        meta(key.to_owned(), facts).map(Some).map_err(|reason| odd("HeadObject", bucket, key, reason))
    }

    async fn read(&self, bucket: Bucket, key: &str, etag: &str, offset: u64, length: u64) -> Result<Read, StoreError> {
        let Some(last) = length.checked_sub(1).map(|rest| offset.saturating_add(rest)) else {
            // A range cannot ask for nothing, but nothing of a changed object is still `Changed`.
            let same = self.head(bucket, key).await?.is_some_and(|meta| meta.etag == etag);
            return Ok(if same { Read::Bytes(Vec::new()) } else { Read::Changed });
        };
        check_object_key("GetObject", bucket, key)?;
        let request = self
            .client
            .get_object()
            .bucket(self.name(bucket))
            .key(key)
            .if_match(format!("\"{etag}\""))
            .range(format!("bytes={offset}-{last}"));
        // On a task of its own, the bytes go on coming while whoever asked for them is busy with others.
        let mut task = JoinSet::new();
        task.spawn(fetch(request, object_subject(bucket, key), length));
        match task.join_next().await {
            Some(Ok(answered)) => answered,
            Some(Err(stopped)) => Err(fetch_error(object_subject(bucket, key), stopped.to_string(), false)),
            None => Err(fetch_error(object_subject(bucket, key), "nothing was asked".to_owned(), false)),
        }
    }

    async fn put_once(
        &self,
        bucket: Bucket,
        key: &str,
        bytes: Vec<u8>,
        content_type: &'static str,
    ) -> Result<PutOnce, StoreError> {
        check_object_key("PutObject", bucket, key)?;
        let sent = self
            .client
            .put_object()
            .bucket(self.name(bucket))
            .key(key)
            .content_type(content_type)
            .if_none_match("*")
            .body(ByteStream::from(bytes))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(PutOnce::Written),
            Err(error) if status(&error) == Some(412) => Ok(PutOnce::Exists),
            // 409 says that another writer is at the same key; which of the two came first, only a
            // repetition tells, so the error is retryable.
            Err(error) => Err(store_error("PutObject", object_subject(bucket, key), &error)),
        }
    }

    async fn list(
        &self,
        bucket: Bucket,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Listing, StoreError> {
        let mut listing = Listing::default();
        while listing.objects.len() < limit {
            let last = listing.objects.last().map(|meta| meta.key.as_str()).or(after);
            let last = last.filter(|key| !key.is_empty()).map(str::to_owned);
            let wanted = limit - listing.objects.len();
            let answer = self.list_once(bucket, prefix, last, wanted).await?;
            let encoded = answer.encoding_type() == Some(&EncodingType::Url);
            for object in answer.contents() {
                let found = listed(object, encoded).map_err(|reason| odd("ListObjectsV2", bucket, prefix, reason))?;
                listing.objects.push(found);
            }
            // An answer without objects would be asked for again for ever.
            if !answer.is_truncated().unwrap_or(false) || answer.contents().is_empty() {
                return Ok(listing);
            }
        }
        listing.more = true;
        Ok(listing)
    }
}

/// Asks for a range and takes in its bytes, of which there may be `most`.
async fn fetch(request: GetObjectFluentBuilder, subject: String, most: u64) -> Result<Read, StoreError> {
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) if status(&error) == Some(416) => return Ok(Read::Bytes(Vec::new())),
        Err(error) if status(&error) == Some(412) || is_missing_object(&error) => return Ok(Read::Changed),
        Err(error) => return Err(store_error("GetObject", subject, &error)),
    };
    match tokio::time::timeout(BODY, collect(answer.body, most)).await {
        Ok(Ok(bytes)) => Ok(Read::Bytes(bytes)),
        Ok(Err(reason)) => Err(fetch_error(subject, reason, true)),
        Err(_) => Err(fetch_error(subject, format!("the body took longer than {} s", BODY.as_secs()), true)),
    }
}

/// The bytes of a body, held once.
async fn collect(mut body: ByteStream, most: u64) -> Result<Vec<u8>, String> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| format!("the body broke off: {}", chain(&error)))?;
        if piece.len() > most.saturating_sub(bytes.len()) {
            return Err(format!("the body has more than the {most} bytes that were asked for"));
        }
        if bytes.is_empty() {
            let (_, rest) = body.size_hint();
            let rest = rest.and_then(|rest| usize::try_from(rest).ok()).unwrap_or(0);
            bytes.reserve_exact(piece.len().saturating_add(rest).min(most));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

fn fetch_error(subject: String, reason: String, retryable: bool) -> StoreError {
    StoreError { operation: "GetObject", subject, reason, retryable }
}

fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

/// A missing bucket is not a missing object: only the latter is an answer. To a HEAD, S3 gives no
/// code by which to tell them apart.
fn is_missing_object<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    status(error) == Some(404) && code != Some("NoSuchBucket")
}

fn odd(operation: &'static str, bucket: Bucket, key: &str, reason: &str) -> StoreError {
    StoreError { operation, subject: object_subject(bucket, key), reason: reason.to_owned(), retryable: false }
}

fn listed(object: &Object, encoded: bool) -> Result<ObjectMeta, &'static str> {
    let key = object.key().ok_or("a listed object without a key")?;
    let key = if encoded { decode_key(key)? } else { key.to_owned() };
    meta(key, (object.e_tag(), object.size(), object.last_modified()))
}

/// S3 encodes keys as a form does: a space is `+`, the rest are percent signs with UTF-8 bytes.
fn decode_key(encoded: &str) -> Result<String, &'static str> {
    let spaced = encoded.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded.map(String::from).map_err(|_| "a listed key that is not UTF-8")
}

/// What S3 says of an object: etag, size, time of the last change.
type Facts<'a> = (Option<&'a str>, Option<i64>, Option<&'a DateTime>);

fn meta(key: String, (etag, size, modified): Facts<'_>) -> Result<ObjectMeta, &'static str> {
    let etag = etag.ok_or("an object without an etag")?.trim_matches('"').to_owned();
    let size = size.and_then(|size| u64::try_from(size).ok()).ok_or("an object without a size")?;
    // The answer to a HEAD tells whole seconds, and a listing of some servers more: the same object has one time.
    let modified = modified.and_then(|time| time.secs().checked_mul(1000)).map(Instant);
    Ok(ObjectMeta { key, etag, size, modified: modified.ok_or("an object without a time")? })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn keys_of_a_listing_are_decoded_as_a_form_is() {
        let cases = [
            ("a/b.jsonl", Ok("a/b.jsonl")),
            ("a+b%2Bc%25d", Ok("a b+c%d")),
            ("%E6%97%A5/%23", Ok("日/#")),
            ("%20", Ok(" ")),
            ("%FF", Err("a listed key that is not UTF-8")),
        ];
        for (encoded, expected) in cases {
            assert_eq!(decode_key(encoded), expected.map(String::from), "{encoded}");
        }
    }

    #[test]
    fn head_and_listing_tell_the_same_time() {
        let meta = |at: i64| meta("a".into(), (Some("\"x\""), Some(1), Some(&DateTime::from_millis(at)))).unwrap();
        assert_eq!(meta(1_769_929_200_999), meta(1_769_929_200_000));
        assert_eq!(meta(1_769_929_200_000).modified, Instant(1_769_929_200_000));
    }
}
