//! Many workers at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::SignedDuration;
use retrain_sandbox::{Fault, FaultKind, Service};

use crate::bench::Bench;

const WORKERS: usize = 16;

/// Two hundred copies of one alarm, sixteen cold functions: one execution.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_copies_of_one_alarm_start_one_execution() {
    let bench = Bench::start().await;
    let event = Arc::new(bench.alarm());
    let delivered = Arc::new(AtomicUsize::new(0));
    let workers: Vec<_> = (0..WORKERS)
        .map(|_| {
            let (event, delivered) = (Arc::clone(&event), Arc::clone(&delivered));
            let (function, clock) = (bench.deployment.drift_alarm(), bench.deployment.clock());
            tokio::spawn(async move {
                let mut outcomes = Vec::new();
                while delivered.fetch_add(1, Ordering::Relaxed) < 200 {
                    let answers = Box::pin(function.handle_at(event.event(), &clock))
                        .await
                        .unwrap();
                    outcomes.extend(answers.into_iter().map(|answer| answer.outcome));
                }
                outcomes
            })
        })
        .collect();
    let mut outcomes = Vec::new();
    for worker in workers {
        outcomes.extend(worker.await.unwrap());
    }
    assert_eq!(outcomes.len(), 200);
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| *outcome == "claimed")
            .count(),
        1
    );
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| *outcome == "duplicate")
            .count(),
        199
    );
    bench.assert_one_execution_of_the_claim().await;
}

/// Different alarms at once: one start, and every other cause is held. None of
/// them is lost to a race.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn different_alarms_at_once_start_one_execution_and_lose_none() {
    let bench = Bench::start().await;
    let workers: Vec<_> = (0..WORKERS)
        .map(|n| {
            let event = bench.other_alarm(&format!("alarm-{n}"));
            let (function, clock) = (bench.deployment.drift_alarm(), bench.deployment.clock());
            tokio::spawn(async move {
                // As Lambda does: what is retryable is delivered again.
                for _ in 0..3 {
                    if let Ok(answers) = Box::pin(function.handle_at(event.event(), &clock)).await {
                        return answers[0].outcome.clone();
                    }
                }
                "failed".to_owned()
            })
        })
        .collect();
    let mut outcomes = Vec::new();
    for worker in workers {
        outcomes.push(worker.await.unwrap());
    }
    outcomes.sort();
    assert_eq!(outcomes[0], "claimed", "{outcomes:?}");
    assert!(
        outcomes[1..].iter().all(|outcome| outcome == "held"),
        "{outcomes:?}"
    );
    bench.assert_one_execution_of_the_claim().await;
    assert_eq!(bench.slot().await.held.len(), WORKERS - 1);
}

/// Conflicts that DynamoDB may report for both sides are run again, not lost.
#[tokio::test]
async fn conflicts_are_run_again() {
    let bench = Bench::start().await;
    let fault = Fault::on(
        Service::DynamoDb,
        "TransactWriteItems",
        FaultKind::TransactionConflict,
    )
    .times(5);
    bench.inject(fault);
    assert_eq!(bench.outcome(&bench.alarm()).await, "claimed");
    bench.assert_one_execution_of_the_claim().await;
}

/// A worker that was frozen between its claim and its call, and thaws when its
/// lease is over, sends nothing.
#[tokio::test]
async fn a_worker_that_thaws_after_its_lease_sends_nothing() {
    let bench = Bench::start().await;
    let event = bench.alarm();
    let held = bench.fail(
        Service::DynamoDb,
        "TransactWriteItems",
        FaultKind::HoldAfter,
    );
    let frozen = bench.deliver_elsewhere(&event);
    held.held().await;
    // Frozen. Another delivery comes while the lease is live, and leaves it alone.
    assert_eq!(bench.outcome(&event).await, "duplicate");
    bench.wait(SignedDuration::from_secs(31));
    held.release();
    let answers = frozen.await.unwrap().unwrap();
    assert_eq!(answers[0].then[0].outcome, "left_unsent", "{answers:?}");
    assert_eq!(bench.count(Service::SageMaker, "StartPipelineExecution"), 0);
    // The claim is not lost: a delivery after the lease finishes it.
    bench.outwait_leases();
    assert_eq!(bench.outcome(&event).await, "resumed");
    bench.assert_one_execution_of_the_claim().await;
}

/// The same, but another worker has finished the claim meanwhile.
#[tokio::test]
async fn a_worker_that_thaws_after_its_claim_was_finished_changes_nothing() {
    let bench = Bench::start().await;
    let event = bench.alarm();
    let held = bench.fail(
        Service::SageMaker,
        "StartPipelineExecution",
        FaultKind::HoldAfter,
    );
    let frozen = bench.deliver_elsewhere(&event);
    held.held().await;
    bench.outwait_leases();
    assert_eq!(bench.outcome(&event).await, "resumed");
    let finished = bench.slot().await;
    held.release();
    frozen.await.unwrap().unwrap();
    assert_eq!(bench.slot().await, finished);
    bench.assert_one_execution_of_the_claim().await;
    assert_eq!(
        bench.count(Service::SageMaker, "StartPipelineExecution"),
        1,
        "it was found, not started"
    );
}
