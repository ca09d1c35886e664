//! A worker dies, or an answer is lost, between any two effects.

use std::sync::Arc;

use jiff::SignedDuration;
use retrain_core::decision::Outcome;
use retrain_core::slot::Phase;
use retrain_sandbox::{Fault, FaultKind, Service};

use crate::bench::Bench;
use crate::clock::SkewedClock;

/// The calls of a cold function that starts an execution on a new table, in order.
async fn calls_of_a_start() -> Vec<(Service, String)> {
    let bench = Bench::start().await;
    bench.deliver(bench.alarm().event()).await.unwrap();
    let calls = bench.deployment.sandbox.calls().take();
    calls
        .into_iter()
        .map(|call| (call.service.unwrap(), call.operation))
        .collect()
}

/// Kills the worker at its `n`th call, before or after the call's effect.
async fn killed_at(bench: &Bench, calls: &[(Service, String)], n: usize, kind: FaultKind) {
    let (service, operation) = &calls[n];
    let earlier = calls[..n].iter().filter(|call| *call == &calls[n]).count();
    let before_the_effect = matches!(kind, FaultKind::HoldBefore);
    let fault = Fault::on(*service, operation, kind).skip(earlier.try_into().unwrap());
    let held = bench.inject(fault);
    let worker = bench.deliver_elsewhere(&bench.alarm());
    held.held().await;
    worker.abort();
    assert!(worker.await.unwrap_err().is_cancelled());
    if before_the_effect {
        held.discard();
    } else {
        held.release();
    }
}

/// Promise 5 for every call and both sides of its effect: the event is delivered
/// again, at once and after the lease, and one execution of the claim is there.
#[tokio::test]
async fn a_crash_at_any_call_ends_in_one_execution_of_the_claim() {
    let calls = calls_of_a_start().await;
    assert!(calls.len() >= 7, "{calls:?}");
    for n in 0..calls.len() {
        for kind in [FaultKind::HoldBefore, FaultKind::HoldAfter] {
            let shown = format!("{kind:?} {:?}", calls[n]);
            let bench = Bench::start().await;
            let event = bench.alarm();
            killed_at(&bench, &calls, n, kind).await;
            let cold = Bench {
                function: Arc::new(bench.deployment.drift_alarm()),
                deployment: Arc::clone(&bench.deployment),
            };
            let again = cold.outcome(&event).await;
            assert!(
                ["claimed", "duplicate"].contains(&again.as_str()),
                "{shown}: {again}"
            );
            cold.outwait_leases();
            let again = cold.outcome(&event).await;
            assert!(
                ["resumed", "duplicate"].contains(&again.as_str()),
                "{shown}: {again}"
            );
            cold.assert_one_execution_of_the_claim().await;
            assert_eq!(cold.outcome(&event).await, "duplicate", "{shown}");
            cold.assert_one_execution_of_the_claim().await;
        }
    }
}

/// The reconciler's look finishes the claim just as well, without any redelivery.
#[tokio::test]
async fn a_crash_at_any_call_after_the_claim_is_repaired_by_time_alone() {
    let calls = calls_of_a_start().await;
    let claim = calls
        .iter()
        .position(|(_, operation)| operation == "TransactWriteItems")
        .unwrap();
    for n in claim + 1..calls.len() {
        for kind in [FaultKind::HoldBefore, FaultKind::HoldAfter] {
            let bench = Bench::start().await;
            killed_at(&bench, &calls, n, kind).await;
            bench.outwait_leases();
            bench.tick().await;
            bench.assert_one_execution_of_the_claim().await;
        }
    }
}

/// An answer is lost after the effect; then the account is full, with our own
/// execution in it; and the list does not show it yet.
#[tokio::test]
async fn a_lost_answer_and_a_refusal_caused_by_our_own_run_end_in_that_run() {
    let bench = Bench::start().await;
    let sagemaker = bench.deployment.sandbox.sagemaker();
    sagemaker.set_concurrency_limit(1);
    sagemaker.set_token_window(SignedDuration::from_secs(10));
    sagemaker.set_list_lag(SignedDuration::from_mins(10));
    bench.fail(
        Service::SageMaker,
        "StartPipelineExecution",
        FaultKind::DropAfter,
    );
    let event = bench.alarm();
    assert_eq!(bench.outcome(&event).await, "claimed");
    bench.outwait_leases();
    assert_eq!(bench.outcome(&event).await, "resumed");
    let slot = bench.slot().await;
    assert!(
        matches!(slot.phase, Phase::Starting(_)),
        "the refusal was believed: {slot:?}"
    );
    let last = bench.decisions().await.pop().unwrap();
    let Outcome::StartUnknown { what, .. } = last.outcome else {
        panic!("{last}")
    };
    assert!(what.contains("ResourceLimitExceeded"), "{what}");
    bench.wait(SignedDuration::from_mins(10));
    assert_eq!(bench.outcome(&event).await, "resumed");
    bench.assert_one_execution_of_the_claim().await;
}

/// Every ambiguous answer, with and without the effect behind it.
#[tokio::test]
async fn ambiguous_answers_end_in_one_execution() {
    for kind in [
        FaultKind::ServerError,
        FaultKind::Unavailable,
        FaultKind::ServerErrorAfter,
        FaultKind::DropBefore,
        FaultKind::DropAfter,
    ] {
        let bench = Bench::start().await;
        bench.fail(Service::SageMaker, "StartPipelineExecution", kind.clone());
        let event = bench.alarm();
        let answers = bench.deliver(event.event()).await.unwrap();
        assert_eq!(answers[0].then[0].outcome, "start_unknown", "{kind:?}");
        // While the lease is live nobody else sends.
        assert_eq!(bench.outcome(&event).await, "duplicate", "{kind:?}");
        bench.outwait_leases();
        assert_eq!(bench.outcome(&event).await, "resumed", "{kind:?}");
        bench.assert_one_execution_of_the_claim().await;
    }
}

/// The worker that claims has a clock that is far ahead of AWS's, or behind, by as much as
/// AWS takes requests: its execution starts long before the claim, or after. It is found all
/// the same, when AWS has forgotten the token.
#[tokio::test]
async fn a_worker_with_a_wrong_clock_is_no_cause_of_a_second_execution() {
    for skew in [-14, 14].map(SignedDuration::from_mins) {
        let bench = Bench::start().await;
        let sagemaker = bench.deployment.sandbox.sagemaker();
        sagemaker.set_token_window(SignedDuration::from_secs(10));
        bench.fail(
            Service::SageMaker,
            "StartPipelineExecution",
            FaultKind::DropAfter,
        );
        // An alarm from later than now is not believed.
        let event = bench
            .alarm()
            .at(bench.now() + skew.min(SignedDuration::ZERO));
        let clock = bench.deployment.sandbox.clock().clone();
        let clock = SkewedClock { clock, skew };
        let answers = Box::pin(bench.function.handle_at(event.event(), &clock)).await;
        assert_eq!(answers.unwrap()[0].then[0].outcome, "start_unknown");
        bench.wait(SignedDuration::from_mins(30));
        assert_eq!(bench.tick().await.outcome, "resumed");
        bench.assert_one_execution_of_the_claim().await;
        assert!(matches!(bench.slot().await.phase, Phase::Running(_)));
    }
}

/// A resumed start sends what the first attempt would have sent, whatever the
/// world has become meanwhile.
#[tokio::test]
async fn a_resumed_claim_keeps_its_parameters() {
    let bench = Bench::start().await;
    bench.fail(
        Service::SageMaker,
        "StartPipelineExecution",
        FaultKind::DropBefore,
    );
    let event = bench.alarm();
    bench.outcome(&event).await;
    let ssm = bench.deployment.sandbox.ssm();
    ssm.put_parameter("/fraud-detection/training-data-uri", "s3://elsewhere/")
        .unwrap();
    bench.outwait_leases();
    bench.outcome(&event).await;
    bench.assert_one_execution_of_the_claim().await;
    let uri = bench.executions()[0].parameters["InputDataUri"].clone();
    assert_eq!(uri, "s3://fraud-detection-data/transactions/");
}

/// A definite refusal releases the claim: nothing runs, nothing is lost, and the
/// interval is not spent.
#[tokio::test]
async fn a_definite_refusal_holds_the_cause_and_refunds_the_interval() {
    let bench = Bench::start().await;
    let sagemaker = bench.deployment.sandbox.sagemaker();
    sagemaker.set_concurrency_limit(0);
    let answers = bench.deliver(bench.alarm().event()).await.unwrap();
    assert_eq!(answers[0].then[0].outcome, "not_started", "{answers:?}");
    assert_eq!(bench.slot().await.held.len(), 1);
    sagemaker.set_concurrency_limit(20);
    bench.wait(SignedDuration::from_mins(3));
    bench.tick().await;
    bench.assert_one_execution_of_the_claim().await;
}

/// A lost answer of the store is no lost claim.
#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_found_again() {
    let bench = Bench::start().await;
    bench.fail(
        Service::DynamoDb,
        "TransactWriteItems",
        FaultKind::DropAfter,
    );
    // The SDK repeats the call with the same request token.
    let event = bench.alarm();
    let first = bench.deliver(event.event()).await;
    bench.outwait_leases();
    let again = bench.outcome(&event).await;
    assert!(
        ["duplicate", "resumed"].contains(&again.as_str()),
        "{first:?} {again}"
    );
    bench.assert_one_execution_of_the_claim().await;
}
