//! Messages of an SQS queue, and the answer that names those to be delivered again.

use serde::Serialize;

use super::{Arrival, sns};
use crate::error::InvalidEvent;
use crate::node::Node;

/// SQS's message ids are UUIDs.
const LONGEST_ID: usize = 100;

/// One message of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRecord {
    /// By which the answer names the message. SQS gives every message one. A batch with
    /// a message that has none is an error as a whole: the answer could not name that
    /// message, and Lambda would take it for done.
    pub message_id: String,
    /// What its body tells. Never empty.
    pub arrivals: Result<Vec<Arrival>, InvalidEvent>,
}

/// What a function answers to a batch. Lambda deletes the messages that are not named
/// and lets the queue deliver the others again, or move them to its dead-letter queue.
///
/// The queue's event source mapping must ask for `ReportBatchItemFailures`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    /// The messages that failed; none if all is well.
    pub batch_item_failures: Vec<BatchItemFailure>,
}

/// A message that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchItemFailure {
    /// The message's id.
    pub item_identifier: String,
}

/// From the ids of the messages that failed.
impl FromIterator<String> for BatchResponse {
    fn from_iter<I: IntoIterator<Item = String>>(failed: I) -> Self {
        let failed = failed.into_iter();
        Self {
            batch_item_failures: failed
                .map(|item_identifier| BatchItemFailure { item_identifier })
                .collect(),
        }
    }
}

/// Whether these records are a queue's messages. A delivery is of one service, so that
/// any record tells.
pub(super) fn is_batch(records: &Node<'_>) -> bool {
    records.items().into_iter().flatten().any(|record| {
        record.text_if_any("eventSource") == Some("aws:sqs") || record.peek("body").is_some()
    })
}

/// Reads every message of a batch.
pub(super) fn messages(records: &Node<'_>) -> Result<Vec<BatchRecord>, InvalidEvent> {
    records.items()?.map(|record| message(&record)).collect()
}

fn message(record: &Node<'_>) -> Result<BatchRecord, InvalidEvent> {
    let id = record.required("messageId")?;
    let message_id = id.text_up_to(LONGEST_ID)?;
    if message_id.is_empty() {
        return Err(id.invalid("is empty".to_owned()));
    }
    Ok(BatchRecord {
        message_id: message_id.to_owned(),
        arrivals: body(record),
    })
}

fn body(record: &Node<'_>) -> Result<Vec<Arrival>, InvalidEvent> {
    let body = record.required("body")?;
    let decoded = body.decoded()?;
    sns::unwrapped(&Node::at(&body.path(), &decoded))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_answer_is_what_lambda_reads() {
        let answer: BatchResponse = ["one", "two"].map(str::to_owned).into_iter().collect();
        assert_eq!(
            serde_json::to_value(answer).unwrap(),
            json!({ "batchItemFailures": [{ "itemIdentifier": "one" }, { "itemIdentifier": "two" }] })
        );
        assert_eq!(
            serde_json::to_value(BatchResponse::default()).unwrap(),
            json!({ "batchItemFailures": [] })
        );
    }
}
