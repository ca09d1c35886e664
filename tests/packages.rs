//! The package that a run of a gated model registers is found, told of or not.

use jiff::SignedDuration;
use retrain_sandbox::sagemaker::{ApprovalStatus, PackageStatus};
use retrain_sandbox::{FaultKind, Service};

use crate::bench::Bench;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

const POLICY: &str = r#"{
    "pipeline": {"name": "fraud-detection-training"},
    "parameters": {"InputDataUri": "s3://fraud/", "ControllerToken": "{token}"},
    "drift": {"alarms": [{"alarm_name": "fraud-detection-*"}]},
    "model_package_group": "fraud-detection",
    "gate": {"conditions": [{"metric": "auc", "at_least": 0.9}]},
    "min_interval": "6h"
}"#;

/// A model whose run has just succeeded.
async fn succeeded() -> Bench {
    let bench = Bench::start().await;
    bench
        .deployment
        .put_policy("fraud-detection", POLICY)
        .unwrap();
    // The package that the sandbox begins with is older than the run.
    bench.wait(MINUTE);
    bench.outcome(&bench.alarm()).await;
    bench.wait(MINUTE);
    bench.succeed().await;
    bench
}

fn register(bench: &Bench) -> String {
    bench.deployment.sandbox.sagemaker().register_package(
        "fraud-detection",
        ApprovalStatus::PendingManualApproval,
        PackageStatus::Completed,
    )
}

async fn last_outcome(bench: &Bench) -> String {
    let last = bench.decisions().await.pop().unwrap();
    format!("{}: {}", last.outcome.name(), last.outcome)
}

#[tokio::test]
async fn a_package_of_which_no_event_tells_is_found_within_a_look() {
    let bench = succeeded().await;
    bench.reconcile().await;
    assert!(last_outcome(&bench).await.starts_with("succeeded"));
    let package = register(&bench);
    bench.wait(MINUTE * 15);
    bench.reconcile().await;
    let found = last_outcome(&bench).await;
    assert!(found.starts_with("package_seen"), "{found}");
    assert!(
        found.contains(&package) && found.contains("PendingManualApproval"),
        "{found}"
    );
    // From here on nobody looks any more.
    assert_eq!(bench.slot().await.due_at, None);
}

#[tokio::test]
async fn an_older_package_is_not_taken_for_the_runs() {
    let bench = Bench::start().await;
    register(&bench);
    bench.wait(MINUTE * 60);
    bench
        .deployment
        .put_policy("fraud-detection", POLICY)
        .unwrap();
    bench.outcome(&bench.alarm()).await;
    bench.succeed().await;
    bench.reconcile().await;
    assert!(last_outcome(&bench).await.starts_with("succeeded"));
}

#[tokio::test]
async fn a_run_that_registers_nothing_is_told_after_a_day_and_errors_do_not_end_the_search() {
    let bench = succeeded().await;
    bench.fail(
        Service::SageMaker,
        "ListModelPackages",
        FaultKind::ServerError,
    );
    let mut looks = 0;
    while bench.slot().await.due_at.is_some() && looks < 30 {
        bench.wait(MINUTE * 60);
        let clock = bench.deployment.clock();
        let run = Box::pin(bench.deployment.reconciler().run(&clock)).await;
        assert!(run.is_ok() || looks == 0, "{run:?}");
        looks += 1;
    }
    assert!((24..=26).contains(&looks), "{looks}");
    assert!(last_outcome(&bench).await.starts_with("no_package"));
}
