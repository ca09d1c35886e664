//! CodePipeline: as what retrains a model, and as what asks for it.

use jiff::SignedDuration;
use retrain_core::slot::Phase;
use retrain_sandbox::codepipeline::{
    ExecutionMode, ExecutionStatus as Status, JobAnswer, Pipeline,
};
use retrain_sandbox::sagemaker::ExecutionStatus;
use retrain_sandbox::{FaultKind, Service};
use serde_json::json;

use crate::bench::Bench;
use crate::ends::fails_at;

const POLICY: &str = r#"{
    "pipeline": {"service": "codepipeline", "name": "fraud-release"},
    "parameters": {"DriftKind": "{drift_kind|none}", "Evidence": "{evidence|}"},
    "drift": {"alarms": [{"alarm_name": "fraud-detection-*"}]},
    "min_interval": "6h"
}"#;

async fn bench() -> Bench {
    let bench = Bench::start().await;
    let pipeline = Pipeline::new("fraud-release")
        .mode(ExecutionMode::Parallel)
        .variable_with_default("DriftKind", "none")
        .variable_with_default("Evidence", "none")
        .variable_with_default("RETRAIN_TOKEN", "none");
    let codepipeline = bench.deployment.sandbox.codepipeline();
    codepipeline.create_pipeline(pipeline).unwrap();
    bench
        .deployment
        .put_policy("fraud-detection", POLICY)
        .unwrap();
    bench
}

/// CodePipeline tells about an execution.
async fn tell(bench: &Bench, id: &str) -> String {
    let sample = retrain_local::sample("execution-status/code-pipeline-succeeded").unwrap();
    let mut event = sample.event().clone();
    event["detail"]["pipeline"] = json!("fraud-release");
    event["detail"]["execution-id"] = json!(id);
    let function = bench.deployment.execution_status();
    let clock = bench.deployment.clock();
    Box::pin(function.handle_at(&event, &clock))
        .await
        .unwrap()
        .outcome
}

#[tokio::test]
async fn a_drift_alarm_starts_one_code_pipeline_execution_and_hears_of_its_end() {
    let bench = bench().await;
    assert_eq!(bench.outcome(&bench.alarm()).await, "claimed");
    assert_eq!(bench.outcome(&bench.alarm()).await, "duplicate");
    let codepipeline = bench.deployment.sandbox.codepipeline();
    let [execution] = codepipeline.executions().try_into().unwrap();
    let Phase::Running(run) = bench.slot().await.phase else {
        panic!("not running")
    };
    let token = run.claim.token.to_string();
    assert_eq!(execution.variables["RETRAIN_TOKEN"], token);
    assert_eq!(execution.variables["DriftKind"], "data_quality");
    codepipeline
        .finish(&execution.id, Status::Succeeded, None)
        .unwrap();
    assert_eq!(tell(&bench, &execution.id).await, "succeeded");
}

#[tokio::test]
async fn a_lost_answer_is_repaired_by_the_declared_variable() {
    let bench = bench().await;
    bench.fail(
        Service::CodePipeline,
        "StartPipelineExecution",
        FaultKind::DropAfter,
    );
    bench.outcome(&bench.alarm()).await;
    bench.outwait_leases();
    bench.reconcile().await;
    let codepipeline = bench.deployment.sandbox.codepipeline();
    assert_eq!(codepipeline.executions().len(), 1);
    assert!(matches!(bench.slot().await.phase, Phase::Running(_)));
}

#[tokio::test]
async fn every_end_of_a_code_pipeline_execution_is_an_outcome_of_its_own() {
    let table = [
        (Status::Failed, "failed", 1),
        (Status::Superseded, "superseded", 1),
        (Status::Cancelled, "canceled", 1),
        (Status::Stopped, "stopped", 0),
    ];
    for (status, outcome, held) in table {
        let bench = bench().await;
        bench.outcome(&bench.alarm()).await;
        let codepipeline = bench.deployment.sandbox.codepipeline();
        let id = codepipeline.executions()[0].id.clone();
        codepipeline.finish(&id, status, None).unwrap();
        assert_eq!(tell(&bench, &id).await, outcome);
        let slot = bench.slot().await;
        assert_eq!(slot.held.len(), held, "{outcome}");
        let failures = u32::from(outcome == "failed");
        assert_eq!(slot.failures, failures, "{outcome}");
    }
}

#[tokio::test]
async fn a_pipeline_that_does_not_declare_the_token_is_misconfigured() {
    let bench = bench().await;
    let codepipeline = bench.deployment.sandbox.codepipeline();
    codepipeline
        .update_pipeline(Pipeline::new("fraud-release").variable_with_default("DriftKind", ""))
        .unwrap();
    bench.outcome(&bench.alarm()).await;
    let slot = bench.slot().await;
    assert_eq!(codepipeline.executions().len(), 0);
    let what = slot.misconfigured.unwrap().what;
    assert!(what.contains("ValidationException"), "{what}");
}

/// A stage looks at its retraining; gives CodePipeline's view of the answer.
async fn look(bench: &Bench, parameters: &str) -> JobAnswer {
    let codepipeline = bench.deployment.sandbox.codepipeline();
    let event = codepipeline.invoke(parameters, None);
    let function = bench.deployment.reconciler();
    let clock = bench.deployment.clock();
    Box::pin(function.handle_at(&event, &clock)).await.unwrap();
    codepipeline.jobs().pop().unwrap().answer.unwrap()
}

const RELEASE: &str = r#"{"model": "fraud-detection", "key": "release-7", "commit": "9fceb02"}"#;

fn is_waiting(answer: &JobAnswer) -> bool {
    matches!(answer, JobAnswer::Continue { .. })
}

#[tokio::test]
async fn a_stage_waits_for_the_retraining_that_it_asked_for() {
    let bench = Bench::start().await;
    assert!(is_waiting(&look(&bench, RELEASE).await));
    assert!(is_waiting(&look(&bench, RELEASE).await));
    assert_eq!(bench.executions().len(), 1);
    bench.succeed().await;
    let JobAnswer::Succeeded { summary } = look(&bench, RELEASE).await else {
        panic!("not done")
    };
    assert!(summary.unwrap().contains("execution/000000000001"));
    assert_eq!(bench.executions().len(), 1);
}

#[tokio::test]
async fn a_stage_that_comes_too_early_is_held_and_then_served() {
    let bench = Bench::start().await;
    bench.outcome(&bench.alarm()).await;
    bench.succeed().await;
    assert!(is_waiting(&look(&bench, RELEASE).await));
    assert_eq!(bench.executions().len(), 1, "the interval holds it");
    bench.wait(SignedDuration::from_hours(6));
    bench.reconcile().await;
    bench.succeed().await;
    assert!(matches!(
        look(&bench, RELEASE).await,
        JobAnswer::Succeeded { .. }
    ));
}

/// A stage that asked, and what it is told when its run has found no improvement.
async fn told_of_no_improvement(parameters: &str) -> JobAnswer {
    let bench = Bench::start().await;
    assert!(is_waiting(&look(&bench, parameters).await));
    assert_eq!(fails_at(&bench, "ModelNotBetter").await, "no_improvement");
    look(&bench, parameters).await
}

#[tokio::test]
async fn a_stage_says_what_no_improvement_means_to_it() {
    let strict = r#"{"model": "fraud-detection", "key": "r", "no_improvement": "fail"}"#;
    for parameters in [RELEASE, strict] {
        let JobAnswer::Failed { message } = told_of_no_improvement(parameters).await else {
            panic!("{parameters} did not fail")
        };
        assert!(message.contains("no better than the old one"), "{message}");
    }
    let refactor = r#"{"model": "fraud-detection", "key": "r", "no_improvement": "succeed"}"#;
    let JobAnswer::Succeeded { summary } = told_of_no_improvement(refactor).await else {
        panic!("a refactor goes no further")
    };
    let summary = summary.unwrap();
    assert!(summary.contains("the old one stays"), "{summary}");
    assert!(summary.contains("execution/000000000001"), "{summary}");
}

#[tokio::test]
async fn a_stage_fails_when_a_person_stops_its_run_or_it_asks_for_nonsense() {
    let bench = Bench::start().await;
    look(&bench, RELEASE).await;
    let execution = bench.end(ExecutionStatus::Stopped);
    bench.tell(&execution).await;
    let table = [
        (RELEASE, "a person stopped the execution"),
        ("{", "UserParameters` is not JSON"),
        (r#"{"model": "fraud-detection"}"#, "UserParameters.key"),
        (
            r#"{"model": "fraud-detection", "key": "k", "keys": 1}"#,
            "keys\"` is none of",
        ),
        (
            r#"{"model": "fraud-detection", "key": "k", "no_improvement": "ignore"}"#,
            "neither fail nor succeed",
        ),
        (r#"{"model": "nobody", "key": "k"}"#, "no policy is stored"),
    ];
    for (parameters, why) in table {
        let JobAnswer::Failed { message } = look(&bench, parameters).await else {
            panic!("{parameters} did not fail")
        };
        assert!(message.contains(why), "{message}");
    }
}
