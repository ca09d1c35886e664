//! What the tests of training data have in common.

use std::collections::BTreeSet;
use std::sync::Arc;

use data_arrival::{Handler, Reply};
use jiff::Timestamp;
use retrain_core::data::Tally;
use retrain_core::slot::Phase;
use retrain_lambda::Failure;
use retrain_sandbox::s3::{NewObject, Versioning, sqs_batch};
use serde_json::{Value, json};

use crate::bench::Bench;

/// Keeps versions.
pub(crate) const BUCKET: &str = "fraud-detection-data";

/// Keeps none.
pub(crate) const PLAIN_BUCKET: &str = "fraud-detection-plain";

const QUEUE: &str = "arn:aws:sqs:us-east-1:111122223333:data-arrival";

/// A deployment with one data-arrival function, and a queue's deliveries to it.
pub(crate) struct Yard {
    pub(crate) bench: Bench,
    pub(crate) function: Arc<Handler>,
}

impl Yard {
    /// A yard whose model has this to say about data.
    pub(crate) async fn start(data: Value) -> Self {
        let bench = Bench::start().await;
        let s3 = bench.deployment.sandbox.s3();
        s3.create_bucket(PLAIN_BUCKET, Versioning::Disabled)
            .unwrap();
        let function = Arc::new(bench.deployment.data_arrival());
        let yard = Self { bench, function };
        yard.put_policy(data);
        yard
    }

    pub(crate) fn put_policy(&self, mut data: Value) {
        data["objects"] = json!([
            {"bucket": BUCKET, "prefix": "training/"},
            {"bucket": PLAIN_BUCKET, "prefix": "training/"},
        ]);
        data["trusted_row_count"] = json!("row-count");
        let manifest = data.get("manifest").map(|_| "{manifest_uri|none}");
        let policy = json!({
            "pipeline": {"name": "fraud-detection-training"},
            "parameters": {
                "InputDataUri": "s3://fraud/",
                "ManifestUri": manifest.unwrap_or("none"),
                "DriftKind": "{data_rows} rows",
                "ControllerToken": "{token}",
            },
            "data": data,
            "min_interval": "1m",
            "back_off": {"initial": "1m", "cap": "1m", "max_failures": 3},
        });
        let deployment = &self.bench.deployment;
        deployment
            .put_policy("fraud-detection", &policy.to_string())
            .unwrap();
    }

    /// An object with so many rows by its metadata; gives its event.
    pub(crate) fn put(&self, key: &str, rows: u64) -> Value {
        let object = NewObject::new("x").metadata("row-count", &rows.to_string());
        self.put_object(BUCKET, key, object)
    }

    /// An object below `training/`; gives its event.
    pub(crate) fn put_object(&self, bucket: &str, key: &str, object: NewObject) -> Value {
        let s3 = self.bench.deployment.sandbox.s3();
        s3.events();
        s3.put_object(bucket, &format!("training/{key}"), object)
            .unwrap();
        s3.events().first().unwrap().eventbridge()
    }

    /// The messages as one batch of the queue.
    pub(crate) fn batch(&self, bodies: impl IntoIterator<Item = Value>) -> Value {
        batch(self.bench.now(), bodies)
    }

    /// Delivers messages as one batch; gives the places of those that are returned.
    pub(crate) async fn deliver(&self, bodies: &[Value]) -> BTreeSet<usize> {
        let batch = self.batch(bodies.iter().cloned());
        let reply = self.try_deliver(&batch).await.unwrap();
        returned(&batch, &reply)
    }

    pub(crate) async fn try_deliver(&self, batch: &Value) -> Result<Reply, Failure> {
        let clock = self.bench.deployment.clock();
        Box::pin(self.function.handle_at(batch, &clock)).await
    }

    /// The data that waits for a start.
    pub(crate) async fn waiting(&self) -> Tally {
        self.bench.slot().await.data.tally
    }

    /// The data that is in flight, as it was taken and as far as it was overwritten.
    pub(crate) async fn taken(&self) -> (Tally, Tally) {
        match self.bench.slot().await.phase {
            Phase::Running(run) => run
                .claim
                .data
                .as_ref()
                .map(|taken| (taken.tally, taken.superseded))
                .unwrap_or_default(),
            other => panic!("nothing runs: {other:?}"),
        }
    }

    /// The outcomes of all decisions so far.
    pub(crate) async fn outcomes(&self) -> Vec<String> {
        let decisions = self.bench.decisions().await;
        let names = decisions.iter().map(|decision| decision.outcome.name());
        names.map(str::to_owned).collect()
    }

    /// Why objects were not counted, in the order of their keys.
    pub(crate) async fn uncounted(&self) -> Vec<(String, String)> {
        use retrain_controller::SlotStore as _;
        let generations = self.bench.slot().await.data.generations;
        let slot = self.bench.deployment.slot().unwrap();
        let store = self.bench.deployment.store();
        let objects = store.objects(&slot, generations).await.unwrap();
        let mut found: Vec<(String, String)> = objects
            .into_iter()
            .filter_map(|object| Some((object.version.key, object.version.uncounted?)))
            .collect();
        found.sort();
        found
    }
}

/// The messages as one batch of the queue.
pub(crate) fn batch(at: Timestamp, bodies: impl IntoIterator<Item = Value>) -> Value {
    sqs_batch(QUEUE, at, bodies)
}

/// The places of the messages that a reply returns to the queue.
pub(crate) fn returned(batch: &Value, reply: &Reply) -> BTreeSet<usize> {
    let Reply::Batch(response) = reply else {
        panic!("no answer to a batch: {reply:?}")
    };
    let records = batch["Records"].as_array().unwrap();
    let place = |id: &str| {
        let id = Value::from(id);
        records.iter().position(|record| record["messageId"] == id)
    };
    let failures = response.batch_item_failures.iter();
    failures
        .map(|failure| place(&failure.item_identifier).unwrap())
        .collect()
}

/// Rows in objects of one byte.
pub(crate) fn tally(rows: u64, objects: u64) -> Tally {
    Tally {
        rows,
        objects,
        bytes: objects,
    }
}
