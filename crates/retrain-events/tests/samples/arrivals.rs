//! What is odd about the messages of objects.

use jiff::Timestamp;
use retrain_events::{Arrival, IrrelevantObject, data_message};
use serde_json::{Value, json};

use crate::sample::{arrivals, created, data_arrival, drift_alarm, event};

/// The keys of the objects that were created, in order.
pub(crate) fn keys(event: &Value) -> Vec<String> {
    let created = arrivals(event).into_iter().filter_map(|arrival| {
        let Arrival::Created(object) = arrival.unwrap() else {
            return None;
        };
        Some(object.key)
    });
    created.collect()
}

/// Of the one error of an event.
pub(crate) fn path_and_text(event: &Value) -> (String, String) {
    let [Err(error)] = &arrivals(event)[..] else {
        panic!("{event}");
    };
    (error.path().to_owned(), error.to_string())
}

#[test]
pub(crate) fn keys_are_raw_in_events_and_url_encoded_in_notifications() {
    for (name, key) in [
        ("odd-key", "training/2026 01/a+b 100%25 of %2F.csv"),
        ("unicode-key", "training/2026/猫 café.parquet"),
        (
            "notification-url-encoded",
            "training/2026 01/a+b 100%25 猫.csv",
        ),
    ] {
        assert_eq!(created(&data_arrival(name)).key, key, "{name}");
    }
    assert_eq!(created(&data_arrival("longest-key")).key.len(), 1024);
    assert_eq!(
        keys(&data_arrival("sqs-notifications")),
        [
            "training/2026/01/05/part-00000.parquet",
            "training/2026/01/05/a b.parquet"
        ]
    );
}

#[test]
fn one_object_is_the_same_through_every_envelope() {
    let mut plain = created(&data_arrival("eventbridge-put"));
    let replayed = created(&data_arrival("replayed"));
    assert_eq!(
        replayed.replay_name.as_deref(),
        Some("fraud-detection-data-2026-01-06")
    );
    for name in [
        "eventbridge-put",
        "replayed",
        "notification",
        "sqs-sns-notification",
    ] {
        let mut other = created(&data_arrival(name));
        // An event tells its time to the second and names the request otherwise.
        for object in [&mut plain, &mut other] {
            object.at = Timestamp::from_second(object.at.as_second()).unwrap();
            object.reason = None;
            object.event_id = None;
            object.replay_name = None;
        }
        assert_eq!(other, plain, "{name}");
    }
    let mut as_text = data_arrival("eventbridge-put");
    as_text["detail"] = as_text["detail"].to_string().into();
    assert_eq!(created(&as_text), created(&data_arrival("eventbridge-put")));
}

#[test]
fn what_is_said_of_an_object_is_kept() {
    let mut event = data_arrival("versioned");
    let object = created(&event);
    assert_eq!(object.bucket, "fraud-detection-data");
    assert_eq!(object.size, Some(48_213_504));
    assert_eq!(
        object.etag.as_deref(),
        Some("9b2cf535f27731c974343645a3985328")
    );
    assert_eq!(
        object.version_id.as_deref(),
        Some("IYV3p45BT0ac8hjHg1houSdS1a.Mro8e")
    );
    assert_eq!(object.at, "2026-01-05T06:00:00Z".parse().unwrap());
    assert_eq!(object.reason.as_deref(), Some("PutObject"));
    assert!(object.event_id.is_some());
    assert_eq!(object.replay_name, None);

    for none in [json!(null), json!(""), json!("null")] {
        event["detail"]["object"]["version-id"] = none.clone();
        assert_eq!(created(&event).version_id, None, "{none}");
    }
    event["detail"]["object"]["size"] = json!("5");
    assert_eq!(created(&event).size, Some(5));
}

#[test]
fn what_is_no_new_object_is_irrelevant_by_name() {
    let mut restored = data_arrival("eventbridge-put");
    restored["detail-type"] = json!("Object Restore Completed");
    let mut expired = data_arrival("notification");
    expired["Records"][0]["eventName"] = json!("LifecycleExpiration:Delete");
    let mut lost = data_arrival("notification");
    lost["Records"][0]["eventName"] = json!("ReducedRedundancyLostObject");
    for (event, why, name) in [
        (
            data_arrival("deleted"),
            IrrelevantObject::Deleted,
            "deleted",
        ),
        (expired, IrrelevantObject::Deleted, "deleted"),
        (
            data_arrival("tags-added"),
            IrrelevantObject::OtherEvent,
            "other_event",
        ),
        (restored, IrrelevantObject::OtherEvent, "other_event"),
        (lost, IrrelevantObject::OtherEvent, "other_event"),
        (data_arrival("folder"), IrrelevantObject::Folder, "folder"),
        (
            data_arrival("notification-test-event"),
            IrrelevantObject::TestEvent,
            "test_event",
        ),
        (
            data_arrival("sqs-sns-subscription"),
            IrrelevantObject::SubscriptionMessage,
            "subscription_message",
        ),
    ] {
        assert_eq!(arrivals(&event), [Ok(Arrival::Irrelevant(why))], "{event}");
        assert_eq!(why.to_string(), name);
    }
}

#[test]
fn only_an_empty_object_that_ends_in_a_slash_is_a_folder() {
    assert_eq!(created(&data_arrival("zero-bytes")).size, Some(0));
    let mut event = data_arrival("folder");
    for size in [json!(1), json!(null)] {
        event["detail"]["object"]["size"] = size;
        assert_eq!(created(&event).key, "training/2026/02/");
    }
    let mut encoded = data_arrival("notification");
    encoded["Records"][0]["s3"]["object"]["size"] = json!(0);
    encoded["Records"][0]["s3"]["object"]["key"] = json!("training%2F");
    assert_eq!(
        arrivals(&encoded),
        [Ok(Arrival::Irrelevant(IrrelevantObject::Folder))]
    );
}

#[test]
fn all_records_of_a_notification_are_read() {
    let event = data_arrival("notification-many-records");
    let results = arrivals(&event);
    assert_eq!(results.len(), event["Records"].as_array().unwrap().len());
    assert_eq!(
        keys(&event),
        [
            "training/2026/01/05/part-00000.parquet",
            "training/2026/01/05/part-00001.parquet"
        ]
    );
}

#[test]
fn nothing_but_bucket_key_and_time_is_needed() {
    let in_event = json!({
        "source": "aws.s3",
        "detail-type": "Object Created",
        "time": "2026-01-05T06:00:00Z",
        "detail": { "bucket": { "name": "data" }, "object": { "key": "a" } },
    });
    let in_notification = json!({ "Records": [{
        "eventName": "ObjectCreated:Put",
        "eventTime": "2026-01-05T06:00:00Z",
        "s3": { "bucket": { "name": "data" }, "object": { "key": "a" } },
    }] });
    let mut of_notification = created(&in_notification);
    assert_eq!(of_notification.reason.take().unwrap(), "ObjectCreated:Put");
    assert_eq!(created(&in_event), of_notification);
    assert_eq!(of_notification.size, None);
}

#[test]
fn minor_versions_and_unknown_fields_do_not_matter() {
    let expected = created(&data_arrival("eventbridge-put"));
    let mut event = data_arrival("eventbridge-put");
    for version in [json!("1.0"), json!("1.17"), json!(null)] {
        event["detail"]["event-version"] = version;
        event["detail"]["object"]["has-object-annotation"] = json!(true);
        event["detail"]["bucket"]["aws-generated-tags"] = json!({ "a": "b" });
        assert_eq!(created(&event), expected);
    }
    let expected = created(&data_arrival("notification"));
    let mut event = data_arrival("notification");
    for version in [json!("2.0"), json!("2.6"), json!("2.31"), json!(null)] {
        event["Records"][0]["eventVersion"] = version;
        assert_eq!(created(&event), expected);
    }
    // As the notification's configuration spells it.
    event["Records"][0]["eventName"] = json!("s3:ObjectCreated:Put");
    assert_eq!(created(&event).key, expected.key);
}

#[test]
fn errors_name_the_field() {
    for (name, path) in [
        ("no-bucket", "detail.bucket"),
        ("bucket-arn", "detail.bucket.name"),
        ("no-key", "detail.object.key"),
        ("key-too-long", "detail.object.key"),
        ("no-time", "time"),
        ("bad-sequencer", "detail.object.sequencer"),
        ("bad-size", "detail.object.size"),
        ("event-version-2", "detail.event-version"),
        ("notification-version-3", "Records[0].eventVersion"),
        ("bad-percent-encoding", "Records[1].s3.object.key"),
        ("key-not-utf-8", "Records[0].s3.object.key"),
        ("no-event-name", "Records[0].eventName"),
        ("no-records", "Records"),
        ("sns-delivery", "Records[0].EventSource"),
        ("sqs-no-message-id", "Records[1].messageId"),
        ("unknown-source", "detail-type"),
    ] {
        let (found, text) = path_and_text(&event(&format!("invalid/data-{name}")));
        assert_eq!(found, path, "{name}: {text}");
    }
    let bodies = arrivals(&event("invalid/data-sqs-bad-bodies"));
    let paths: Vec<_> = bodies
        .iter()
        .map(|result| result.as_ref().unwrap_err().path())
        .collect();
    assert_eq!(
        paths,
        [
            "Records[0].body",
            "Records[1].body.detail-type",
            "Records[2].body.Records[0].eventSource"
        ]
    );
}

#[test]
fn events_of_other_services_are_unknown() {
    for other in [
        drift_alarm("alarm"),
        event("execution-status/succeeded"),
        event("reconciler/schedule"),
        json!({}),
        json!({ "source": "aws.s3" }),
        json!({ "Event": "s3:OtherEvent" }),
    ] {
        let error = data_message(&other).unwrap_err();
        assert_eq!(error.name(), "UnknownEvent", "{other}");
    }
    for other in [json!([]), json!("text"), json!(null)] {
        let error = data_message(&other).unwrap_err();
        assert_eq!((error.name(), error.path()), ("NotAnObject", "$"));
    }
}
