//! The ports on DynamoDB, S3 and SQS.
//!
//! Everything that decides how a call is made (names, limits of time and repetition, the dated
//! behaviour of the SDK) is here; the environment is read by whoever fills in [`AwsConfig`].
//!
//! The SDK repeats a call whose answer was lost. A conditional write that happened the first time
//! is then refused by its own result, and `put_once` finds its own object: callers compare what is
//! there with what they meant to write, as they must after a crash in any case.

mod blobs;
mod failure;
mod items;
mod provision;
mod queue;
mod tables;

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::Credentials;

use crate::{Assembled, NoRandomness, SystemClock};

pub use blobs::S3Blobs;
pub use provision::provision;
pub use queue::SqsQueue;
pub use tables::DynamoTables;

/// A connection takes no longer than this.
const CONNECT: Duration = Duration::from_secs(2);
/// One attempt of a call takes no longer than this, up to the head of the answer.
const ATTEMPT: Duration = Duration::from_secs(10);
/// A call with all its repetitions takes no longer than this.
const OPERATION: Duration = Duration::from_secs(30);
/// A call is made at most this often.
const ATTEMPTS: u32 = 4;

/// The names of the three tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableNames {
    /// Claims and tallies.
    pub ledger: String,
    /// Hints, rollups, counters.
    pub rollup: String,
    /// Directory, heads, invoices, numbers.
    pub billing: String,
}

/// The names of the three buckets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketNames {
    /// Where deployments put their files.
    pub usage: String,
    /// Farthing's own.
    pub work: String,
    /// Invoices.
    pub invoices: String,
}

/// What a function has to know of its surroundings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsConfig {
    /// Names of tables.
    pub tables: TableNames,
    /// Names of buckets.
    pub buckets: BucketNames,
    /// Where to ask for translations. A function that never asks has none.
    pub queue_url: Option<String>,
    /// Items of the ledger table expire this many days after they were written.
    pub ledger_days: u32,
    /// The address of a local server that stands for all of AWS, with made-up credentials and
    /// buckets in the path. `None` on AWS, where the surroundings give region and credentials.
    pub endpoint: Option<String>,
}

/// All the ports on AWS.
pub type Aws = Assembled<DynamoTables, S3Blobs, SqsQueue>;

/// Makes the clients; no call is made yet.
///
/// # Errors
/// When the operating system has no random bytes to give.
pub async fn connect(config: AwsConfig) -> Result<Aws, NoRandomness> {
    let sdk = sdk_config(config.endpoint.as_deref()).await;
    let clock = SystemClock::new()?;
    let s3 = aws_sdk_s3::config::Builder::from(&sdk).force_path_style(config.endpoint.is_some()).build();
    Ok(Assembled {
        tables: DynamoTables::new(
            aws_sdk_dynamodb::Client::new(&sdk),
            config.tables,
            config.ledger_days,
            clock.clone(),
        ),
        queue: SqsQueue::new(
            aws_sdk_sqs::Client::new(&sdk),
            config.queue_url,
            config.buckets.usage.clone(),
            clock.clone(),
        ),
        blobs: S3Blobs::new(aws_sdk_s3::Client::from_conf(s3), config.buckets),
        clock,
    })
}

/// How every client of ours behaves: limits of time and repetition, a dated behaviour.
pub async fn sdk_config(endpoint: Option<&str>) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build();
    let loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS));
    let Some(url) = endpoint else {
        return loader.load().await;
    };
    let made_up = Credentials::new("local", "local", None, None, "local");
    loader.endpoint_url(url).region(Region::from_static("us-east-1")).credentials_provider(made_up).load().await
}
