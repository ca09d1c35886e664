//! From a drift alarm to the endpoint that serves the new model, with all five functions.

use retrain_sandbox::codepipeline::ExecutionStatus as Deployed;
use retrain_sandbox::s3::NewObject;
use retrain_sandbox::sagemaker::{ApprovalStatus, ExecutionStatus as Status};
use serde_json::{Value, json};

use super::{Lambda, Reply, World, invoke, outcome, turn};
use crate::approvals::{Release, SCHEDULE, policy};
use crate::data::{BUCKET, batch};

const DATA: &str = r#"{
    "objects": [{"bucket": "fraud-detection-data", "prefix": "training/"}],
    "min_rows": 1000
}"#;

/// SageMaker tells of packages, until nothing follows any more; what came of it.
async fn deliver_all(release: &Release, approval: &std::sync::Arc<Lambda>) -> Vec<String> {
    let mut outcomes = Vec::new();
    loop {
        let mail = release.mail();
        if mail.is_empty() {
            return outcomes;
        }
        for event in mail {
            outcomes.push(outcome(approval, &event.eventbridge()).await);
        }
    }
}

#[tokio::test]
async fn a_drift_alarm_becomes_a_model_in_production() {
    let Some(_turn) = turn().await else { return };
    let past = async |bench| {
        let release = Release::of(bench, &policy(&[("/data", DATA)]));
        release.bench
    };
    let world = World::after(past).await;
    let [drift, data, status, approval, reconciler] = [
        "drift-alarm",
        "data-arrival",
        "execution-status",
        "model-approval",
        "reconciler",
    ]
    .map(|name| world.start(name));
    let release = Release { bench: world.bench };
    let bench = &release.bench;
    let sandbox = &bench.deployment.sandbox;

    // New data is counted; it is not enough.
    let rows = NewObject::new("1,2\n".repeat(10));
    sandbox.s3().events();
    sandbox
        .s3()
        .put_object(BUCKET, "training/1.csv", rows)
        .unwrap();
    let objects = sandbox
        .s3()
        .events()
        .into_iter()
        .map(|event| event.eventbridge());
    let counted = invoke(&data, &batch(bench.now(), objects)).await;
    assert_eq!(counted, Reply::Answer(json!({"batchItemFailures": []})));
    assert_eq!(bench.slot().await.data.tally.rows, 10);

    // The model drifts, is trained anew, and the run registers a package.
    assert_eq!(outcome(&drift, bench.alarm().event()).await, "started");
    let execution = bench.end(Status::Succeeded);
    let package = release.package("0.905").metadata("GeneratedBy", &execution);
    let package = sandbox.sagemaker().register(package).unwrap();
    let ended = retrain_local::sample("execution-status/succeeded").unwrap();
    let ended = ended.of_execution(&execution);
    assert_eq!(outcome(&status, ended.event()).await, "succeeded");
    assert_eq!(bench.slot().await.data.tally.rows, 0);

    // The gate asks a person, who approves.
    assert_eq!(deliver_all(&release, &approval).await[0], "awaits_person");
    release.decide(&package, ApprovalStatus::Approved);
    assert_eq!(deliver_all(&release, &approval).await[0], "approved");
    assert_eq!(release.versions("staging"), [2]);

    // Staging runs it, and a person promotes it.
    let ended = release.ended("staging", Deployed::Succeeded);
    assert_eq!(outcome(&status, &ended).await, "succeeded");
    assert_eq!(release.of_environment("production").await, ["held"]);
    let promotion = json!({
        "request": "deploy", "model": "fraud-detection", "environment": "production",
        "package_version": 2, "key": "1", "by": "ana", "why": "staging looks good",
    });
    assert_eq!(outcome(&reconciler, &promotion).await, "started");
    assert_eq!(outcome(&reconciler, &promotion).await, "duplicate");
    let ended = release.ended("production", Deployed::Succeeded);
    assert_eq!(outcome(&status, &ended).await, "succeeded");
    let definition = sandbox.sagemaker().scheduled_definition(SCHEDULE).unwrap();
    assert!(definition.constraints().unwrap().ends_with(".constraints"));

    // The endpoint goes back, and the controller knows.
    let rolling = retrain_local::sample("model-approval/endpoint-rolling-back").unwrap();
    let mut rolling: Value = rolling.event().clone();
    rolling["time"] = json!(bench.now().to_string());
    rolling["detail"]["LastModifiedTime"] = json!(bench.now().as_millisecond());
    assert_eq!(outcome(&approval, &rolling).await, "rolled_back");
    assert_eq!(
        release.of_environment("production").await,
        [
            "held",
            "claimed",
            "started",
            "succeeded",
            "baseline_refreshed",
            "rolled_back"
        ]
    );
    assert_eq!(bench.executions().len(), 1);
}
