//! The event in which Lambda gives a function the messages of a queue.

use jiff::Timestamp;
use md5::{Digest, Md5};
use serde_json::{Value, json};

use super::ids::{hex, uuid};

/// A batch of messages of an SQS queue as Lambda delivers it: `Records`, in the
/// order of `bodies`, each received for the first time. `bodies` are what the
/// messages carry, such as [`Event::eventbridge`](super::Event::eventbridge) or
/// [`Event::notification`](super::Event::notification).
///
/// A message's id is derived from its queue, time, place and body, so the same
/// batch again is a redelivery.
pub fn sqs_batch(
    queue_arn: &str,
    sent_at: Timestamp,
    bodies: impl IntoIterator<Item = Value>,
) -> Value {
    let region = queue_arn.split(':').nth(3).unwrap_or_default();
    let account = queue_arn.split(':').nth(4).unwrap_or_default();
    let sent = sent_at.as_millisecond().to_string();
    let records: Vec<Value> = bodies
        .into_iter()
        .enumerate()
        .map(|(place, body)| {
            let body = body.to_string();
            let id = uuid(&format!("{queue_arn}/{sent}/{place}/{body}"));
            json!({
                "messageId": id,
                "receiptHandle": format!("receipt-{id}"),
                "body": body,
                "attributes": {
                    "ApproximateReceiveCount": "1",
                    "SentTimestamp": sent,
                    "SenderId": account,
                    "ApproximateFirstReceiveTimestamp": sent,
                },
                "messageAttributes": {},
                "md5OfBody": hex(&Md5::digest(&body)),
                "eventSource": "aws:sqs",
                "eventSourceARN": queue_arn,
                "awsRegion": region,
            })
        })
        .collect();
    json!({"Records": records})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_what_lambda_delivers() {
        let queue = "arn:aws:sqs:us-east-1:111122223333:data-arrival";
        let sent = "2026-01-05T00:00:00Z".parse().unwrap();
        let batch = sqs_batch(queue, sent, [json!({"a": 1}), json!({"a": 1})]);
        let id = batch["Records"][0]["messageId"].as_str().unwrap();
        assert_ne!(batch["Records"][1]["messageId"], id);
        assert_eq!(
            batch["Records"][0],
            json!({
                "messageId": id,
                "receiptHandle": format!("receipt-{id}"),
                "body": "{\"a\":1}",
                "attributes": {
                    "ApproximateReceiveCount": "1",
                    "SentTimestamp": "1767571200000",
                    "SenderId": "111122223333",
                    "ApproximateFirstReceiveTimestamp": "1767571200000",
                },
                "messageAttributes": {},
                "md5OfBody": "bb6cb5c68df4652941caf652a366f2d8",
                "eventSource": "aws:sqs",
                "eventSourceARN": queue,
                "awsRegion": "us-east-1",
            })
        );
        assert_eq!(
            batch,
            sqs_batch(queue, sent, [json!({"a": 1}), json!({"a": 1})])
        );
    }
}
