//! Any event, and any text as a queue's message and as a key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use retrain_events::{Arrival, DataMessage, InvalidEvent, data_message};
use retrain_events_fuzz::{check, event};
use serde_json::{Value, json};

fuzz_target!(|bytes: &[u8]| {
    if let Some(event) = event(bytes) {
        read(&event);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        read(&json!({ "Records": [{ "messageId": "1", "body": text }] }));
        read(&json!({ "Records": [{
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "eventTime": "2026-01-05T06:00:00.123Z",
            "s3": { "bucket": { "name": "data" }, "object": { "key": text } },
        }] }));
    }
});

fn read(event: &Value) {
    match data_message(event) {
        Ok(DataMessage::Batch(records)) => {
            assert!(!records.is_empty());
            for record in records {
                assert!(!record.message_id.is_empty());
                arrivals(record.arrivals);
            }
        }
        Ok(DataMessage::Direct(direct)) => arrivals(Ok(direct)),
        Err(error) => check(&error),
    }
}

fn arrivals(arrivals: Result<Vec<Arrival>, InvalidEvent>) {
    match arrivals {
        Err(error) => check(&error),
        Ok(arrivals) => {
            assert!(!arrivals.is_empty());
            for arrival in arrivals {
                if let Arrival::Created(object) = arrival {
                    assert!((1..=1024).contains(&object.key.len()), "{object:?}");
                    assert!((3..=63).contains(&object.bucket.len()), "{object:?}");
                }
            }
        }
    }
}
