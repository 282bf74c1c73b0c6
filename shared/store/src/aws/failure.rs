//! From the SDK's errors to ours: a code, a message, and whether to try again.

use std::error::Error;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use ledger::ports::StoreError;

/// Codes after which the same call may succeed later, beyond those with a status of 500 and up.
const RETRYABLE: [&str; 11] = [
    "ProvisionedThroughputExceededException",
    "ProvisionedThroughputExceeded",
    "ThrottlingException",
    "ThrottlingError",
    "RequestLimitExceeded",
    "RequestThrottled",
    "TransactionConflictException",
    "TransactionInProgressException",
    "ConditionalRequestConflict",
    "RequestTimeout",
    "SlowDown",
];

/// Whether a call that was answered with this code may succeed later.
pub(super) fn is_retryable(code: &str) -> bool {
    RETRYABLE.contains(&code)
}

/// What went wrong, in the service's own words where it answered.
pub(super) fn store_error<E>(operation: &'static str, subject: String, error: &SdkError<E, HttpResponse>) -> StoreError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let (reason, retryable) = match error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status();
            let code = answer.err().code().unwrap_or("no code");
            let message = answer.err().message().unwrap_or("no message");
            let retryable = status.is_server_error() || status.as_u16() == 429 || is_retryable(code);
            (format!("{code}: {message} (HTTP {})", status.as_u16()), retryable)
        }
        SdkError::ConstructionFailure(_) => (chain(error), false),
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => (chain(error), true),
        _ => (chain(error), false),
    };
    StoreError { operation, subject, reason, retryable }
}

/// An error and its causes, outermost first. The outermost alone says next to nothing.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
