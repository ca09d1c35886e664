//! Functions whose policies are in one object of S3.

use jiff::SignedDuration;
use retrain_local::{Deployment, MODEL, Sample};
use retrain_policies::{Bundle, Changes};
use retrain_sandbox::s3::{NewObject, Versioning};
use retrain_sandbox::{FaultKind, Options, Service};

use crate::bench::Bench;

const URI: &str = "s3://policies/all.jsonl.gz";

struct Scene {
    bench: Bench,
    bundle: Bundle,
}

fn policy(model: &str) -> String {
    let policy = serde_json::json!({
        "pipeline": {"name": format!("{model}-training")},
        "parameters": {"InputDataUri": "s3://fraud/"},
        "drift": {"alarms": [{"alarm_name": format!("{model}-*")}]},
        "min_interval": "6h"
    });
    policy.to_string()
}

fn put(model: &str, text: String) -> Changes {
    Changes::from([(model.to_owned(), Some(text))])
}

impl Scene {
    /// A function of the sample model and as many others.
    async fn among(others: u32) -> Self {
        let deployment = Deployment::start(Options::default()).await.unwrap();
        let s3 = deployment.sandbox.s3();
        s3.create_bucket("policies", Versioning::Enabled).unwrap();
        let mut policies = put(MODEL, policy(MODEL));
        policies.extend((0..others).map(|number| {
            let model = format!("model-{number}");
            let text = policy(&model);
            (model, Some(text))
        }));
        let scene = Self {
            bench: Bench::of(deployment.bundle_policies(URI).unwrap()),
            bundle: Bundle::default().with(policies, "all of them").unwrap(),
        };
        scene.write(&scene.bundle.write().unwrap());
        scene
    }

    fn write(&self, bytes: &[u8]) {
        let s3 = self.bench.deployment.sandbox.s3();
        let object = NewObject::new(bytes.to_vec());
        s3.put_object("policies", "all.jsonl.gz", object).unwrap();
    }

    fn wait(&self, seconds: i64) {
        self.bench.wait(SignedDuration::from_secs(seconds));
    }

    /// What an event comes to, and the calls before its slot is read.
    async fn calls(&self, event: Sample) -> (String, Vec<String>) {
        let calls = self.bench.deployment.sandbox.calls();
        calls.take();
        let outcome = self.bench.outcome(&event).await;
        let made = calls.take().into_iter();
        let made = made.take_while(|call| call.operation != "BatchGetItem");
        let made = made.map(|call| format!("{} {}", call.operation, call.request["IfNoneMatch"]));
        (outcome, made.collect())
    }
}

#[tokio::test]
async fn among_ten_thousand_models_a_cold_function_finds_its_policy_with_one_call() {
    let scene = Scene::among(10_000).await;
    let (outcome, calls) = scene.calls(scene.bench.ok()).await;
    assert_eq!(outcome, "alarm_cleared");
    assert_eq!(calls, ["GetObject null"]);
    scene.wait(59);
    let (_, calls) = scene.calls(scene.bench.ok()).await;
    assert!(calls.is_empty(), "it keeps them: {calls:?}");
    scene.wait(1);
    let (_, calls) = scene.calls(scene.bench.ok()).await;
    assert_eq!(calls.len(), 1, "it asks whether they are the same");
    assert!(calls[0].starts_with("GetObject \"\\\""), "{calls:?}");
}

#[tokio::test]
async fn a_decision_names_the_version_that_the_bundle_says() {
    let scene = Scene::among(3).await;
    let longer = policy(MODEL).replace("6h", "7h");
    let next = scene.bundle.with(put(MODEL, longer), "ana: calmer");
    scene.write(&next.unwrap().write().unwrap());
    assert_eq!(scene.calls(scene.bench.alarm()).await.0, "claimed");
    let decisions = scene.bench.decisions().await;
    assert!(!decisions.is_empty());
    assert!(decisions.iter().all(|of| of.policy_version == 2));
}

#[tokio::test]
async fn one_bad_policy_among_many_fails_only_its_own_alarms() {
    let scene = Scene::among(3).await;
    let bad = policy("model-1").replace("6h", "6 hours");
    let next = scene.bundle.with(put("model-1", bad), "ana: oh");
    scene.write(&next.unwrap().write().unwrap());
    let of_bad = scene.bench.alarm().of_alarm("model-1-drift");
    let failure = scene.bench.deliver(of_bad.event()).await.unwrap_err();
    assert_eq!(failure.error_type(), "Terminal.InvalidPolicy");
    assert_eq!(scene.calls(scene.bench.alarm()).await.0, "claimed");
}

#[tokio::test]
async fn while_the_bundle_is_broken_a_warm_function_goes_on_and_a_cold_one_fails() {
    let scene = Scene::among(3).await;
    scene.calls(scene.bench.ok()).await;
    scene.write(b"no bundle");
    scene.wait(60);
    assert_eq!(scene.calls(scene.bench.alarm()).await.0, "claimed");

    let cold = scene.bench.deployment.drift_alarm();
    let clock = scene.bench.deployment.clock();
    let alarm = scene.bench.other_alarm("bias");
    let deliver = async || Box::pin(cold.handle_at(alarm.event(), &clock)).await;
    let failure = deliver().await.unwrap_err();
    assert_eq!(failure.error_type(), "Retryable.DependencyFailed");
    assert!(failure.to_string().contains(URI), "{failure}");
    scene.write(&scene.bundle.write().unwrap());
    // Three attempts are one call.
    for _ in 0..3 {
        let bench = &scene.bench;
        bench.fail(Service::S3, "GetObject", FaultKind::ServerError);
    }
    let failure = deliver().await.unwrap_err();
    assert_eq!(failure.error_type(), "Retryable.DependencyFailed");
    assert!(deliver().await.is_ok());
}
