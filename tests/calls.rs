//! What an event costs, in calls on AWS.

use jiff::SignedDuration;
use retrain_sandbox::sagemaker::ExecutionStatus as Status;
use retrain_sandbox::{FaultKind, Service};

use crate::bench::Bench;

async fn calls_of(bench: &Bench, sample: &retrain_local::Sample) -> (String, Vec<String>) {
    bench.deployment.sandbox.calls().take();
    let outcome = bench.outcome(sample).await;
    let calls = bench.deployment.sandbox.calls().take();
    (
        outcome,
        calls.into_iter().map(|call| call.operation).collect(),
    )
}

/// A function that has its policies and an epoch, and no execution.
async fn warm() -> Bench {
    let bench = Bench::start().await;
    assert_eq!(bench.outcome(&bench.ok()).await, "alarm_cleared");
    bench.wait(SignedDuration::from_secs(1));
    bench
}

#[tokio::test]
async fn a_warm_start_takes_six_calls() {
    let bench = warm().await;
    let (outcome, calls) = calls_of(&bench, &bench.alarm()).await;
    assert_eq!(outcome, "claimed");
    assert_eq!(calls.len(), 6, "{calls:?}");
    // The two look-ups run side by side, so their order means nothing.
    let (mut look_ups, rest) = (calls[1..3].to_vec(), [&calls[..1], &calls[3..]].concat());
    look_ups.sort();
    assert_eq!(look_ups, ["GetParameter", "ListModelPackages"]);
    assert_eq!(
        rest,
        [
            "BatchGetItem",
            "TransactWriteItems",
            "StartPipelineExecution",
            "TransactWriteItems"
        ]
    );
}

#[tokio::test]
async fn a_warm_suppressed_event_takes_two_calls_and_a_duplicate_one() {
    let bench = warm().await;
    let alarm = bench.alarm();
    bench.outcome(&alarm).await;
    bench.wait(SignedDuration::from_secs(5));
    let held = calls_of(&bench, &bench.other_alarm("bias")).await;
    assert_eq!(
        held,
        (
            "held".into(),
            vec!["BatchGetItem".into(), "TransactWriteItems".into()]
        )
    );
    let duplicate = calls_of(&bench, &alarm).await;
    assert_eq!(duplicate, ("duplicate".into(), vec!["BatchGetItem".into()]));
    bench.succeed().await;
    let held = calls_of(&bench, &bench.other_alarm("quality")).await;
    assert_eq!((held.0.as_str(), held.1.len()), ("held", 2));
}

#[tokio::test]
async fn an_ignored_event_takes_no_call() {
    let bench = warm().await;
    for name in [
        "muted",
        "insufficient-data",
        "composite-suppressed",
        "infrastructure-latency",
        "other-model",
    ] {
        let sample = retrain_local::sample(&format!("drift-alarm/{name}"))
            .unwrap()
            .at(bench.now());
        assert_eq!(
            calls_of(&bench, &sample).await,
            ("ignored".into(), vec![]),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_refused_start_takes_six_calls() {
    for kind in [
        FaultKind::Throttle,
        FaultKind::ServerError,
        FaultKind::DropAfter,
    ] {
        let bench = warm().await;
        bench.fail(Service::SageMaker, "StartPipelineExecution", kind);
        let (_, calls) = calls_of(&bench, &bench.alarm()).await;
        assert_eq!(calls.len(), 6, "{calls:?}");
    }
}

#[tokio::test]
async fn an_end_takes_a_description_its_steps_a_read_and_a_commit() {
    let bench = warm().await;
    bench.outcome(&bench.alarm()).await;
    let execution = bench.end(Status::Succeeded);
    bench.deployment.sandbox.calls().take();
    bench.tell(&execution).await;
    let calls = bench.deployment.sandbox.calls().take();
    let found: Vec<&str> = calls.iter().map(|call| call.operation.as_str()).collect();
    // The function is cold, so it reads its policies first.
    let expected = [
        "GetParametersByPath",
        "DescribePipelineExecution",
        "ListPipelineExecutionSteps",
        "BatchGetItem",
        "TransactWriteItems",
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_look_at_nothing_takes_a_query_per_shard() {
    let bench = warm().await;
    bench.reconcile().await;
    assert_eq!(bench.count(Service::DynamoDb, "Query"), 8);
}

#[tokio::test]
async fn policies_are_read_once_while_the_function_is_warm() {
    let bench = warm().await;
    for _ in 0..10 {
        bench.outcome(&bench.alarm()).await;
        bench.wait(SignedDuration::from_secs(1));
    }
    assert_eq!(bench.count(Service::Ssm, "GetParametersByPath"), 1);
}
