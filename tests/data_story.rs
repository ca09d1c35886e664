//! Training data from its arrival to the run that consumes it, through all functions.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::SignedDuration;
use retrain_core::data::Tally;
use retrain_core::decision::Outcome;
use retrain_core::slot::Phase;
use retrain_sandbox::Service;
use retrain_sandbox::s3::NewObject;
use retrain_sandbox::sagemaker::ExecutionStatus as Status;
use serde_json::{Value, json};

use crate::data::{BUCKET, Yard, tally};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

fn csv(rows: usize) -> NewObject {
    NewObject::new("1,2\n".repeat(rows))
}

/// The newest execution's manifest, and what it says of rows, objects and bytes.
async fn manifest(yard: &Yard) -> (Value, Tally) {
    let execution = yard.bench.executions().pop().unwrap();
    let uri = &execution.parameters["ManifestUri"];
    let token = execution.token.unwrap();
    let bucket = "fraud-detection-manifests";
    assert_eq!(*uri, format!("s3://{bucket}/fraud-detection/{token}.json"));
    let text = yard.bench.deployment.read_object(uri).await.unwrap();
    let manifest: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(manifest["model"], "fraud-detection");
    assert_eq!(manifest["token"], token.as_str());
    let number = |name: &str| manifest[name].as_u64().unwrap();
    let tally = Tally {
        rows: number("rows"),
        objects: number("objects"),
        bytes: number("bytes"),
    };
    (manifest, tally)
}

/// What the manifest should list: the newest version of each object in the bucket.
fn in_the_bucket(yard: &Yard, rows: &BTreeMap<String, u64>) -> Vec<Value> {
    let s3 = yard.bench.deployment.sandbox.s3();
    let objects = s3.objects(BUCKET).unwrap();
    let entry = |key: &String| {
        let object = objects.iter().find(|object| object.key == *key).unwrap();
        json!({
            "bucket": BUCKET,
            "key": key,
            "version_id": object.version_id,
            "etag": object.etag,
            "rows": rows[key],
            "bytes": object.size,
        })
    };
    rows.keys().map(entry).collect()
}

/// What a person sees who follows one model's data from the first object to the run
/// that has consumed it.
#[tokio::test]
async fn data_waits_is_taken_comes_back_is_taken_again_and_is_consumed() {
    let data = json!({
        "min_rows": 10_000,
        "quiet_period": "10m",
        "manifest": {"bucket": "fraud-detection-manifests"},
    });
    let yard = Yard::start(data).await;
    let bench = &yard.bench;
    let mut rows = BTreeMap::new();
    let mut told = Vec::new();
    let mut arrive = async |key: &str, count: usize| {
        let event = yard.put_object(BUCKET, key, csv(count));
        rows.insert(format!("training/{key}"), count as u64);
        told.push(event.clone());
        let batch = [event.clone(), event];
        assert_eq!(yard.deliver(&batch).await, BTreeSet::new());
        (rows.clone(), told.clone())
    };
    arrive("a.csv", 6_000).await;
    arrive("b.csv", 3_000).await;
    bench.wait(MINUTE * 30);
    assert_eq!(bench.reconcile().await, Vec::<String>::new(), "too little");

    arrive("c.csv", 2_000).await;
    bench.wait(MINUTE * 5);
    let (all, _) = arrive("d.csv", 500).await;
    bench.wait(MINUTE * 9);
    assert_eq!(bench.reconcile().await, Vec::<String>::new(), "too early");
    bench.wait(MINUTE);
    assert_eq!(bench.reconcile().await, ["claimed"]);
    let (first, counted) = manifest(&yard).await;
    let all_entries = in_the_bucket(&yard, &all);
    assert_eq!(first["entries"].as_array(), Some(&all_entries));
    assert_eq!((counted.rows, counted.objects), (11_500, 4));
    assert_eq!(counted.bytes, 4 * 11_500);
    assert_eq!(yard.taken().await, (counted, Tally::default()));

    // Meanwhile one object comes, and one that is in flight is overwritten.
    arrive("e.csv", 1_000).await;
    let (all, _) = arrive("b.csv", 100).await;
    assert_eq!(yard.waiting().await.rows, 1_100);
    let (taken, superseded) = yard.taken().await;
    assert_eq!((taken.rows, superseded.rows), (11_500, 3_000));
    assert_eq!(manifest(&yard).await.0, first, "what runs does not change");

    let execution = bench.end(Status::Failed);
    bench.tell(&execution).await;
    assert_eq!(yard.waiting().await.rows, 9_600);
    bench.wait(MINUTE * 10);
    assert_eq!(bench.reconcile().await, ["claimed"]);
    let (second, counted) = manifest(&yard).await;
    let all_entries = in_the_bucket(&yard, &all);
    assert_eq!(second["entries"].as_array(), Some(&all_entries));
    assert_eq!((counted.rows, counted.objects), (9_600, 5));

    let execution = bench.end(Status::Succeeded);
    bench.tell(&execution).await;
    let last = bench.decisions().await.pop().unwrap();
    let Outcome::Succeeded { consumed, .. } = last.outcome else {
        panic!("{last}")
    };
    assert_eq!(consumed, counted);
    let (_, told) = arrive("b.csv", 100).await;
    assert_eq!(yard.waiting().await.rows, 100, "consumed, and new again");

    // All of it once more.
    let before = bench.slot().await;
    bench.deployment.sandbox.calls().take();
    assert_eq!(yard.deliver(&told).await, BTreeSet::new());
    bench.wait(MINUTE * 60);
    bench.reconcile().await;
    assert_eq!(bench.slot().await, before);
    assert_eq!(bench.count(Service::DynamoDb, "TransactWriteItems"), 0);
    assert_eq!(bench.executions().len(), 2);
}

/// A manifest lists what the table has. What a batch counts is not among it before
/// the batch is committed, so the start follows with the next look.
#[tokio::test]
async fn a_minimum_that_is_reached_at_once_starts_with_the_next_look() {
    let data = json!({
        "min_rows": 10,
        "manifest": {"bucket": "fraud-detection-manifests"},
    });
    let yard = Yard::start(data).await;
    assert_eq!(
        yard.deliver(&[yard.put("a.csv", 10)]).await,
        BTreeSet::new()
    );
    assert_eq!(yard.outcomes().await, ["counted"]);
    assert_eq!(yard.bench.reconcile().await, ["claimed"]);
    assert_eq!(manifest(&yard).await.1, tally(10, 1));
}

/// The index is eventually consistent. A start that sees less than was counted is put
/// off, and claims nothing.
#[tokio::test]
async fn an_index_that_lags_behind_puts_the_start_off() {
    let data = json!({
        "min_rows": 10,
        "quiet_period": "10m",
        "manifest": {"bucket": "fraud-detection-manifests"},
    });
    let yard = Yard::start(data).await;
    let bench = &yard.bench;
    yard.deliver(&[yard.put("a.csv", 10), yard.put("b.csv", 20)])
        .await;
    bench.wait(MINUTE * 10);
    let entry = Indexed::hide_one(&yard).await;
    let before = bench.slot().await;
    let (reconciler, clock) = (bench.deployment.reconciler(), bench.deployment.clock());
    let failure = Box::pin(reconciler.run(&clock)).await.unwrap_err();
    assert_eq!(failure.error_type(), "Retryable.DependencyFailed");
    let text = failure.to_string();
    assert!(
        text.contains("the slot has 30 row(s) in 2 object(s)"),
        "{text}"
    );
    assert_eq!(bench.slot().await, before);
    assert_eq!(bench.slot().await.phase, Phase::Idle);
    let s3 = bench.deployment.sandbox.s3();
    assert_eq!(s3.objects("fraud-detection-manifests").unwrap(), []);

    entry.show(&yard).await;
    bench.wait(MINUTE * 5);
    assert_eq!(bench.reconcile().await, ["claimed"]);
    assert_eq!(manifest(&yard).await.1, tally(30, 2));
}

/// An object's item that the index does not show.
struct Indexed(std::collections::HashMap<String, AttributeValue>);

impl Indexed {
    async fn hide_one(yard: &Yard) -> Self {
        let (client, table) = yard.bench.deployment.dynamodb();
        let items = client.scan().table_name(table).send().await.unwrap().items;
        let is_indexed =
            |item: &&std::collections::HashMap<_, _>| item.contains_key("generation_of");
        let item = items.unwrap().iter().find(is_indexed).unwrap().clone();
        let mut hidden = item.clone();
        hidden.remove("generation_of");
        let put = client.put_item().table_name(table);
        put.set_item(Some(hidden)).send().await.unwrap();
        Self(item)
    }

    async fn show(self, yard: &Yard) {
        let (client, table) = yard.bench.deployment.dynamodb();
        let put = client.put_item().table_name(table);
        put.set_item(Some(self.0)).send().await.unwrap();
    }
}
