//! A sandbox with the sample model, in which things have happened.

use std::sync::Arc;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use jiff::SignedDuration;
use retrain_local::{Deployment, MODEL, Sample, sample};
use retrain_sandbox::s3::{NewObject, sqs_batch};
use retrain_sandbox::sagemaker::ExecutionStatus;
use retrain_sandbox::{Options, VirtualClock};
use serde_json::{Value, json};

const BUCKET: &str = "fraud-detection-data";
const QUEUE: &str = "arn:aws:sqs:us-east-1:111122223333:data-arrival";

/// The table of the function in Python.
pub(crate) const PEER_TABLE: &str = "peer";

/// A sandbox on the real time: the functions read real clocks.
pub(crate) struct World {
    pub(crate) deployment: Arc<Deployment>,
}

impl World {
    /// A world in which the model was retrained the day before yesterday. Nothing is due.
    pub(crate) async fn quiet() -> Self {
        let clock = VirtualClock::following();
        let now = clock.now();
        clock.set(now - SignedDuration::from_hours(48));
        let options = Options {
            clock,
            ..Options::default()
        };
        let deployment = Arc::new(Deployment::start(options).await.unwrap());
        let world = Self { deployment };
        world.make_peer_table().await;
        world.alarm_rings("before").await;
        world.alarm_stops("before").await;
        world.run_ends(ExecutionStatus::Succeeded).await;
        world.deployment.sandbox.clock().set(now);
        world.reconcile().await;
        world
    }

    /// A world in which the model is retrained.
    pub(crate) async fn busy() -> Self {
        let world = Self::quiet().await;
        world.alarm_rings("now").await;
        world
    }

    /// The reconciler looks until nothing is due.
    async fn reconcile(&self) {
        let function = self.deployment.reconciler();
        let clock = self.deployment.clock();
        while !Box::pin(function.run(&clock))
            .await
            .unwrap()
            .answers
            .is_empty()
        {}
    }

    pub(crate) fn url(&self) -> &str {
        self.deployment.sandbox.endpoint_url()
    }

    async fn make_peer_table(&self) {
        let (client, _) = self.deployment.dynamodb();
        let key = KeySchemaElement::builder()
            .attribute_name("pk")
            .key_type(KeyType::Hash);
        let attribute = AttributeDefinition::builder()
            .attribute_name("pk")
            .attribute_type(ScalarAttributeType::S);
        let call = client.create_table().table_name(PEER_TABLE);
        call.billing_mode(BillingMode::PayPerRequest)
            .key_schema(key.build().unwrap())
            .attribute_definitions(attribute.build().unwrap())
            .send()
            .await
            .unwrap();
    }

    /// An alarm of the model that enters ALARM so many milliseconds from now.
    pub(crate) fn alarm(&self, name: &str, after_ms: i64) -> Sample {
        let at = self.deployment.sandbox.clock().now() + SignedDuration::from_millis(after_ms);
        let alarm = sample("drift-alarm/alarm").unwrap().at(at);
        alarm.of_alarm(&format!("{MODEL}-{name}"))
    }

    pub(crate) async fn alarm_rings(&self, name: &str) {
        let event = self.alarm(name, 0);
        self.tell_drift_alarm(event.event()).await;
    }

    async fn alarm_stops(&self, name: &str) {
        let at = self.deployment.sandbox.clock().now();
        let event = sample("drift-alarm/ok").unwrap().at(at);
        let event = event.of_alarm(&format!("{MODEL}-{name}"));
        self.tell_drift_alarm(event.event()).await;
    }

    async fn tell_drift_alarm(&self, event: &Value) {
        let function = self.deployment.drift_alarm();
        let clock = self.deployment.clock();
        Box::pin(function.handle_at(event, &clock)).await.unwrap();
    }

    /// The newest execution ends; SageMaker's event of it.
    pub(crate) fn end(&self, status: ExecutionStatus) -> Value {
        let sagemaker = self.deployment.sandbox.sagemaker();
        let execution = sagemaker.executions().pop().unwrap();
        sagemaker.finish(&execution.arn, status, None).unwrap();
        let event = sample("execution-status/succeeded").unwrap();
        event.of_execution(&execution.arn).event().clone()
    }

    async fn run_ends(&self, status: ExecutionStatus) {
        let event = self.end(status);
        let function = self.deployment.execution_status();
        let clock = self.deployment.clock();
        Box::pin(function.handle_at(&event, &clock)).await.unwrap();
    }

    /// The model counts data, whose rows objects tell in their metadata.
    pub(crate) fn count_data(&self, min_rows: u64) {
        let policy = json!({
            "pipeline": {"name": "fraud-detection-training"},
            "parameters": {"InputDataUri": "s3://fraud/", "ControllerToken": "{token}"},
            "data": {
                "objects": [{"bucket": BUCKET, "prefix": "training/"}],
                "trusted_row_count": "row-count",
                "min_rows": min_rows,
            },
            "min_interval": "6h",
        });
        let put = self.deployment.put_policy(MODEL, &policy.to_string());
        put.unwrap();
    }

    /// New objects, as one batch of the queue.
    pub(crate) fn objects(&self, stem: &str, count: usize) -> Value {
        let s3 = self.deployment.sandbox.s3();
        s3.events();
        for number in 0..count {
            let object = NewObject::new("x").metadata("row-count", "100");
            let key = format!("training/{stem}-{number:05}.csv");
            s3.put_object(BUCKET, &key, object).unwrap();
        }
        let bodies = s3.events().into_iter().map(|event| event.eventbridge());
        sqs_batch(QUEUE, self.deployment.sandbox.clock().now(), bodies)
    }

    /// SageMaker's event of the sample model's package, which is approved and known. The
    /// model has a gate now: without one nobody asks about packages.
    pub(crate) async fn known_package(&self) -> Value {
        let policy = json!({
            "pipeline": {"name": "fraud-detection-training"},
            "parameters": {"InputDataUri": "s3://fraud/", "ControllerToken": "{token}"},
            "drift": {"alarms": [{"alarm_name": "fraud-detection-*"}]},
            "model_package_group": MODEL,
            "gate": {"conditions": [{"metric": "auc", "at_least": 0.9}]},
            "min_interval": "6h",
        });
        let put = self.deployment.put_policy(MODEL, &policy.to_string());
        put.unwrap();
        let sagemaker = self.deployment.sandbox.sagemaker();
        let event = sagemaker.package_events().pop().unwrap().eventbridge();
        let function = self.deployment.model_approval();
        let clock = self.deployment.clock();
        Box::pin(function.handle_at(&event, &clock)).await.unwrap();
        event
    }
}
