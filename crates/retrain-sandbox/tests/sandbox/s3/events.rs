use aws_sdk_s3::Client;
use retrain_sandbox::s3::{Event, NewObject, Versioning, sqs_batch};
use retrain_sandbox::{Fault, FaultKind, Service};
use serde_json::{Value, json};

use super::{bucket, put};

const KEY: &str = "churn/a b+c:ü.csv";

async fn delete(client: &Client, key: &str) -> Option<String> {
    let delete = client.delete_object().bucket("data").key(key);
    delete.send().await.unwrap().version_id
}

fn sequencers(events: &[Event], field: &str) -> Vec<String> {
    let text = |event: &Event| match field {
        "eventbridge" => event.eventbridge()["detail"]["object"]["sequencer"].clone(),
        _ => event.notification()["Records"][0]["s3"]["object"]["sequencer"].clone(),
    };
    let text = |event| text(event).as_str().unwrap().to_owned();
    events.iter().map(text).collect()
}

#[tokio::test]
async fn a_created_object_is_announced_through_eventbridge() {
    let (sandbox, client) = bucket(Versioning::Enabled).await;
    let version = put(&client, KEY, "hello\n").await.unwrap();
    let [event] = &sandbox.s3().events()[..] else {
        panic!("there is one event");
    };
    assert_eq!((event.bucket(), event.key()), ("data", KEY));
    let sent = event.eventbridge();
    assert_eq!(
        sent,
        json!({
            "version": "0",
            "id": sent["id"],
            "detail-type": "Object Created",
            "source": "aws.s3",
            "account": "111122223333",
            "time": "2026-01-05T00:00:00Z",
            "region": "us-east-1",
            "resources": ["arn:aws:s3:::data"],
            "detail": {
                "version": "0",
                "event-version": "1.2",
                "bucket": {"name": "data"},
                "object": {
                    "key": KEY,
                    "size": 6,
                    "etag": "b1946ac92492d2347c6235b4d2611184",
                    "version-id": version,
                    "sequencer": "fffffffffffff8",
                },
                "request-id": "0000000000000001",
                "requester": "111122223333",
                "source-ip-address": "127.0.0.1",
                "reason": "PutObject",
            },
        })
    );
    assert_eq!(sent["id"].as_str().unwrap().len(), 36);
    assert_eq!(sent, event.eventbridge(), "a redelivery is the same");
    assert!(sandbox.s3().events().is_empty(), "events are given once");
}

#[tokio::test]
async fn a_created_object_is_announced_in_a_classic_notification() {
    let (sandbox, client) = bucket(Versioning::Enabled).await;
    let version = put(&client, KEY, "hello\n").await.unwrap();
    let sent = sandbox.s3().events()[0].notification();
    let record = &sent["Records"][0];
    assert_eq!(
        sent,
        json!({"Records": [{
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": "us-east-1",
            "eventTime": "2026-01-05T00:00:00.000Z",
            "eventName": "ObjectCreated:Put",
            "userIdentity": {"principalId": "AWS:111122223333"},
            "requestParameters": {"sourceIPAddress": "127.0.0.1"},
            "responseElements": {
                "x-amz-request-id": "0000000000000001",
                "x-amz-id-2": record["responseElements"]["x-amz-id-2"],
            },
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "sandbox",
                "bucket": {
                    "name": "data",
                    "ownerIdentity": {"principalId": "111122223333"},
                    "arn": "arn:aws:s3:::data",
                },
                "object": {
                    "key": "churn/a+b%2Bc%3A%C3%BC.csv",
                    "size": 6,
                    "eTag": "b1946ac92492d2347c6235b4d2611184",
                    "versionId": version,
                    "sequencer": "00FFFFFFFFFFFFF8",
                },
            },
        }]})
    );
}

#[tokio::test]
async fn deletions_are_announced_with_what_they_left() {
    let (sandbox, client) = bucket(Versioning::Enabled).await;
    put(&client, "k", "1").await;
    let marker = delete(&client, "k").await.unwrap();
    let permanent = client.delete_object().bucket("data").key("k");
    permanent.version_id(&marker).send().await.unwrap();
    let events = sandbox.s3().events();
    let deleted = events[1].eventbridge();
    assert_eq!(deleted["detail-type"], "Object Deleted");
    assert_eq!(deleted["detail"]["reason"], "DeleteObject");
    assert_eq!(deleted["detail"]["deletion-type"], "Delete Marker Created");
    assert_eq!(
        deleted["detail"]["object"],
        json!({
            "key": "k",
            "etag": "d41d8cd98f00b204e9800998ecf8427e",
            "version-id": marker,
            "sequencer": "fffffffffffff9",
        })
    );
    let gone = events[2].eventbridge();
    assert_eq!(gone["detail"]["deletion-type"], "Permanently Deleted");
    assert_eq!(gone["detail"]["object"]["version-id"], marker);
    let name = |event: &Event| event.notification()["Records"][0]["eventName"].clone();
    assert_eq!(name(&events[1]), "ObjectRemoved:DeleteMarkerCreated");
    assert_eq!(name(&events[2]), "ObjectRemoved:Delete");
}

#[tokio::test]
async fn a_bucket_without_versioning_announces_no_version() {
    let (sandbox, client) = bucket(Versioning::Disabled).await;
    put(&client, "k", "1").await;
    delete(&client, "k").await;
    delete(&client, "k").await;
    let events = sandbox.s3().events();
    assert_eq!(events.len(), 2, "nothing happens when nothing is deleted");
    let created = &events[0].eventbridge()["detail"]["object"];
    assert_eq!(created.get("version-id"), None);
    let deleted = events[1].eventbridge();
    assert_eq!(deleted["detail"]["deletion-type"], "Permanently Deleted");
}

#[tokio::test]
async fn every_way_to_create_an_object_is_the_reason_of_its_event() {
    let (sandbox, client) = bucket(Versioning::Disabled).await;
    let new = NewObject::new("1");
    sandbox.s3().put_object("data", "k", new).unwrap();
    let copy = client.copy_object().bucket("data").key("copy");
    copy.copy_source("data/k").send().await.unwrap();
    super::uploads::upload(&client, "parts", &["1"]).await;
    let reasons: Vec<Value> = sandbox
        .s3()
        .events()
        .iter()
        .map(|event| event.eventbridge()["detail"]["reason"].clone())
        .collect();
    assert_eq!(
        reasons,
        ["PutObject", "CopyObject", "CompleteMultipartUpload"]
    );
}

#[tokio::test]
async fn sequencers_grow_as_numbers_but_not_as_strings() {
    let (sandbox, client) = bucket(Versioning::Disabled).await;
    for _ in 0..10 {
        put(&client, "k", "1").await;
    }
    let events = sandbox.s3().events();
    for field in ["eventbridge", "notification"] {
        let texts = sequencers(&events, field);
        let number = |text: &String| u64::from_str_radix(text, 16).unwrap();
        assert!(texts.is_sorted_by(|one, next| number(one) < number(next)));
        assert!(!texts.is_sorted(), "{texts:?}");
    }
}

#[tokio::test]
async fn an_upload_without_an_effect_is_not_announced_and_a_lost_answer_is() {
    let (sandbox, client) = bucket(Versioning::Disabled).await;
    let write = || client.put_object().bucket("data").key("k").send();
    for (kind, announced) in [(FaultKind::DropBefore, 0), (FaultKind::DropAfter, 1)] {
        let fault = Fault::on(Service::S3, "PutObject", kind);
        sandbox.faults().inject(fault);
        assert!(write().await.is_err());
        assert_eq!(sandbox.s3().events().len(), announced);
    }
}

#[tokio::test]
async fn events_reach_a_function_in_the_batches_of_a_queue() {
    let (sandbox, client) = bucket(Versioning::Disabled).await;
    put(&client, "a", "1").await;
    put(&client, "b", "2").await;
    let events = sandbox.s3().events();
    let batch = sqs_batch(
        "arn:aws:sqs:us-east-1:111122223333:data-arrival",
        sandbox.clock().now(),
        [events[0].eventbridge(), events[1].notification()],
    );
    let body = |place: usize| -> Value {
        let body = batch["Records"][place]["body"].as_str().unwrap();
        serde_json::from_str(body).unwrap()
    };
    assert_eq!(body(0)["detail"]["object"]["key"], "a");
    assert_eq!(body(1)["Records"][0]["s3"]["object"]["key"], "b");
}
