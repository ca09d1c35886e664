//! Messages about objects in a queue.

use retrain_events::{Arrival, BatchRecord, BatchResponse, DataMessage, data_message};
use serde_json::{Value, json};

use crate::arrivals::{keys, path_and_text};
use crate::sample::{created, data_arrival};

fn batch(event: &Value) -> Vec<BatchRecord> {
    match data_message(event).unwrap() {
        DataMessage::Batch(records) => records,
        DataMessage::Direct(arrivals) => panic!("{arrivals:?}"),
    }
}

/// A batch of one message.
fn queued(body: &str) -> Value {
    json!({ "Records": [{ "messageId": "1", "body": body }] })
}

#[test]
fn who_named_the_message() {
    let mut event = data_arrival("eventbridge-put");
    let id = |event: &Value| created(event).event_id;
    assert_eq!(id(&event).as_deref(), event["id"].as_str());
    assert_eq!(id(&data_arrival("notification")), None);

    let in_sns = |event: &Value| {
        let message = json!({ "MessageId": "of-sns", "Message": event.to_string() });
        queued(&message.to_string())
    };
    assert_eq!(id(&in_sns(&event)).as_deref(), event["id"].as_str());
    event["id"] = Value::Null;
    assert_eq!(id(&in_sns(&event)).as_deref(), Some("of-sns"));
    let notification = data_arrival("notification");
    assert_eq!(id(&in_sns(&notification)).as_deref(), Some("of-sns"));
}

#[test]
fn the_later_of_two_events_about_a_key_has_the_greater_sequencer() {
    let records = batch(&data_arrival("sqs-two-events-of-one-key"));
    let [later, earlier] = &records[..] else {
        panic!("{records:?}");
    };
    let object = |record: &BatchRecord| match record.arrivals.as_ref().unwrap().as_slice() {
        [Arrival::Created(object)] => object.clone(),
        other => panic!("{other:?}"),
    };
    let (later, earlier) = (object(later), object(earlier));
    assert_eq!(later.key, earlier.key);
    assert!(later.at > earlier.at);
    assert!(later.sequencer.unwrap() > earlier.sequencer.unwrap());

    assert_eq!(created(&data_arrival("no-sequencer")).sequencer, None);
    // Of other lengths, and yet of the same object.
    assert_eq!(
        created(&data_arrival("notification")).sequencer,
        created(&data_arrival("eventbridge-put")).sequencer
    );
}

#[test]
fn a_poisonous_message_harms_no_other_and_can_be_named() {
    let event = data_arrival("sqs-one-poisonous");
    let records = batch(&event);
    let failed: Vec<_> = records
        .iter()
        .filter(|record| record.arrivals.is_err())
        .collect();
    let [poisonous] = &failed[..] else {
        panic!("{records:?}");
    };
    let error = poisonous.arrivals.as_ref().unwrap_err();
    assert_eq!(error.path(), "Records[1].body");
    assert_eq!(records.len(), 3);

    let answer: BatchResponse = [poisonous.message_id.clone()].into_iter().collect();
    assert_eq!(
        serde_json::to_value(answer).unwrap(),
        json!({ "batchItemFailures": [
            { "itemIdentifier": event["Records"][1]["messageId"] },
        ] })
    );
}

#[test]
fn every_message_of_a_batch_is_read_in_order() {
    let event = data_arrival("sqs-batch");
    let ids: Vec<Value> = batch(&event)
        .into_iter()
        .map(|record| record.message_id.into())
        .collect();
    let records = event["Records"].as_array().unwrap().iter();
    let sent: Vec<Value> = records.map(|record| record["messageId"].clone()).collect();
    assert_eq!(ids, sent);
    assert_eq!(
        keys(&event),
        [
            "training/2026/01/05/part-00000.parquet",
            "training/2026/01/05/part-00001.parquet",
            "training/2026/01/05/part-00002.parquet"
        ]
    );
}

#[test]
fn a_message_that_cannot_be_named_fails_the_batch() {
    for id in [json!(null), json!(""), json!(7), json!("x".repeat(101))] {
        let mut event = data_arrival("sqs-batch");
        event["Records"][2]["messageId"] = id.clone();
        let error = data_message(&event).unwrap_err();
        assert_eq!(error.path(), "Records[2].messageId", "{id}");
    }
}

#[test]
fn a_batch_is_one_even_if_its_first_message_lacks_its_body() {
    let mut event = data_arrival("sqs-batch");
    event["Records"][0]["body"] = Value::Null;
    for record in event["Records"].as_array_mut().unwrap() {
        record["eventSource"] = Value::Null;
    }
    let records = batch(&event);
    let error = records[0].arrivals.as_ref().unwrap_err();
    assert_eq!(error.path(), "Records[0].body");
    assert!(records[1].arrivals.is_ok());
}

#[test]
fn errors_inside_envelopes_name_the_whole_path() {
    let mut notification = data_arrival("notification");
    notification["Records"][0]["s3"]["object"]["key"] = json!("100%");
    let in_sns = json!({ "Message": notification.to_string() }).to_string();
    for (body, path) in [
        (
            notification.to_string(),
            "Records[0].body.Records[0].s3.object.key",
        ),
        (
            in_sns.clone(),
            "Records[0].body.Message.Records[0].s3.object.key",
        ),
        // One envelope in another is nobody's.
        (
            json!({ "Message": in_sns }).to_string(),
            "Records[0].body.Message.detail-type",
        ),
        (
            json!({ "Message": "hello" }).to_string(),
            "Records[0].body.Message",
        ),
        (json!([]).to_string(), "Records[0].body"),
    ] {
        let (found, text) = path_and_text(&queued(&body));
        assert_eq!(found, path, "{text}");
    }
}
