//! A batch of messages, each worked on alone and reported alone.

use aws_lambda_events::sqs::SqsBatchResponse;
use tokio::task::JoinHandle;

use crate::events::{EventError, Message, Notice};
use crate::failure::Failure;

/// Does `work` for every message at once, each on a task of its own, so that not even a panic in
/// one reaches another. The answer names the messages that SQS is to deliver again; the queue's
/// event source must have `ReportBatchItemFailures`.
///
/// # Errors
///
/// The failure of a message that came without a queue: only the invocation as a whole can be
/// repeated. The others have been worked on by then.
pub async fn each<W, F>(messages: Vec<Message>, work: W) -> Result<SqsBatchResponse, Failure>
where
    W: Fn(Notice) -> F,
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let start = |message: Message| (message.id, message.outcome.map(|notice| tokio::spawn(work(notice))));
    let started: Vec<_> = messages.into_iter().map(start).collect();
    let mut response = SqsBatchResponse::default();
    let mut unqueued = None;
    for (id, task) in started {
        let Err(failure) = settle(task).await else { continue };
        report(id.as_deref(), &failure);
        match id {
            Some(id) => response.add_failure(id),
            None => unqueued = unqueued.or(Some(failure)),
        }
    }
    unqueued.map_or(Ok(response), Err)
}

async fn settle(task: Result<JoinHandle<Result<(), Failure>>, EventError>) -> Result<(), Failure> {
    task?.await.unwrap_or_else(|error| Err(Failure::Panic(error.to_string())))
}

fn report(message: Option<&str>, failure: &Failure) {
    let (kind, retryable) = (failure.kind(), failure.is_retryable());
    tracing::error!(message_id = message, kind, retryable, error = %failure, "a message failed");
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
mod tests {
    use super::*;
    use crate::events::ObjectRef;

    fn message(id: Option<&str>, key: &str) -> Message {
        let objects = vec![ObjectRef { bucket: "usage".to_owned(), key: key.to_owned() }];
        let outcome = Ok(Notice { objects, ignored: Vec::new() });
        Message { id: id.map(str::to_owned), outcome }
    }

    async fn work(notice: Notice) -> Result<(), Failure> {
        match notice.objects[0].key.as_str() {
            "bad" => Err(Failure::Unclosed("bad".to_owned())),
            "panic" => panic!("a defect"),
            _ => Ok(()),
        }
    }

    fn failed(response: &SqsBatchResponse) -> Vec<&str> {
        response.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str()).collect()
    }

    #[tokio::test]
    async fn only_what_failed_is_reported_even_if_it_panicked() {
        let undecodable = Message { id: Some("m-4".to_owned()), outcome: Err(EventError::TooDeep { limit: 4 }) };
        let messages = vec![
            message(Some("m-1"), "good"),
            message(Some("m-2"), "bad"),
            message(Some("m-3"), "panic"),
            undecodable,
            message(Some("m-5"), "good"),
        ];
        assert_eq!(failed(&each(messages, work).await.unwrap()), ["m-2", "m-3", "m-4"]);
    }

    #[tokio::test]
    async fn a_failure_without_a_queue_fails_the_invocation() {
        let messages = vec![message(None, "bad"), message(None, "good")];
        assert!(matches!(each(messages, work).await, Err(Failure::Unclosed(_))));
    }
}
