//! The life of a function: logs, context, warm connections, then one event after another.

use std::sync::Arc;

use lambda_runtime::{Diagnostic, Error, LambdaEvent, service_fn};
use serde::Serialize;
use serde_json::Value;

use crate::context::{Context, Function};
use crate::failure::Failure;

/// Serves `handle` until Lambda ends the process.
///
/// Lines are logged as the function's logging configuration says (`LogFormat`, `ApplicationLogLevel`
/// in the template); events and answers are never among them.
///
/// # Errors
///
/// When the environment is not complete, or Lambda's interface does not answer.
pub async fn serve<H, F, R>(function: Function, handle: H) -> Result<(), Error>
where
    H: Fn(Arc<Context>, Value) -> F,
    F: Future<Output = Result<R, Failure>>,
    R: Serialize,
{
    lambda_runtime::tracing::init_default_subscriber();
    let built = Context::build(function).await;
    let context = built.inspect_err(|error| tracing::error!(%error, "{} cannot start", function.name()))?;
    context.warm(function.warms()).await;
    let context = Arc::new(context);
    let answer = |event: LambdaEvent<Value>| {
        let handled = handle(Arc::clone(&context), event.payload);
        async move { handled.await.map_err(reported) }
    };
    lambda_runtime::run(service_fn(answer)).await
}

fn reported(failure: Failure) -> Diagnostic {
    let (kind, retryable) = (failure.kind(), failure.is_retryable());
    tracing::error!(kind, retryable, error = %failure, "the invocation failed");
    failure.into()
}
