//! The whole life of runs: told, untold, failed, stopped, and not ours.

use jiff::SignedDuration;
use retrain_core::slot::Phase;
use retrain_sandbox::sagemaker::ExecutionStatus as Status;
use retrain_sandbox::{Fault, FaultKind, Service};

use crate::bench::Bench;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Reconciles every five minutes for this long; says how many executions started.
async fn reconcile_for(bench: &Bench, time: SignedDuration) -> usize {
    let before = bench.executions().len();
    let until = bench.now() + time;
    while bench.now() < until {
        bench.wait(MINUTE * 5);
        bench.reconcile().await;
    }
    bench.executions().len() - before
}

#[tokio::test]
async fn a_held_trigger_fires_once_within_a_reconcile_interval_of_its_guard_clearing() {
    let bench = Bench::start().await;
    bench.outcome(&bench.alarm()).await;
    bench.succeed().await;
    bench.wait(MINUTE);
    bench.outcome(&bench.other_alarm("bias")).await;
    bench.outcome(&bench.other_alarm("quality")).await;
    assert_eq!(reconcile_for(&bench, HOUR * 6 - MINUTE * 6).await, 0);
    assert_eq!(reconcile_for(&bench, MINUTE * 10).await, 1);
    assert_eq!(reconcile_for(&bench, HOUR * 24).await, 0);
    let slot = bench.slot().await;
    let Phase::Running(run) = slot.phase else {
        panic!("{slot:?}")
    };
    assert_eq!(run.claim.reasons.len(), 2, "one start for both causes");
}

#[tokio::test]
async fn a_run_whose_end_nobody_tells_is_closed_by_the_reconciler() {
    let bench = Bench::start().await;
    bench.outcome(&bench.alarm()).await;
    bench.end(Status::Succeeded);
    bench.wait(MINUTE * 14);
    assert_eq!(bench.reconcile().await, Vec::<String>::new());
    bench.wait(MINUTE);
    bench.reconcile().await;
    assert_eq!(bench.slot().await.phase, Phase::Idle);
    assert_eq!(bench.slot().await.due_at, None);
}

#[tokio::test]
async fn statuses_may_be_told_twice_late_and_in_any_order() {
    let bench = Bench::start().await;
    bench.outcome(&bench.alarm()).await;
    let first = bench.executions().pop().unwrap().arn;
    assert_eq!(bench.tell(&first).await.outcome, "unchanged");
    bench.end(Status::Succeeded);
    assert_eq!(bench.tell(&first).await.outcome, "succeeded");
    assert_eq!(bench.tell(&first).await.outcome, "unchanged");
    bench.wait(HOUR * 7);
    bench.outcome(&bench.other_alarm("bias")).await;
    assert_eq!(
        bench.tell(&first).await.outcome,
        "unchanged",
        "of an older run"
    );
    assert!(matches!(bench.slot().await.phase, Phase::Running(_)));
}

#[tokio::test]
async fn a_status_before_the_answer_fulfils_the_claim() {
    let bench = Bench::start().await;
    bench.fail(
        Service::SageMaker,
        "StartPipelineExecution",
        FaultKind::DropAfter,
    );
    bench.outcome(&bench.alarm()).await;
    let execution = bench.executions().pop().unwrap().arn;
    assert_eq!(bench.tell(&execution).await.outcome, "started");
    bench.assert_one_execution_of_the_claim().await;
}

#[tokio::test]
async fn an_alarm_that_stays_through_a_failed_run_is_retrained_again_and_given_up_in_the_end() {
    let bench = Bench::start().await;
    bench.outcome(&bench.alarm()).await;
    for failures in 1..=3 {
        let execution = bench.end(Status::Failed);
        let answer = bench.tell(&execution).await;
        assert_eq!(answer.outcome, "failed");
        assert!(
            answer.reason.contains("the step Train failed"),
            "{answer:?}"
        );
        let again = reconcile_for(&bench, HOUR * 7).await;
        assert_eq!(
            again,
            usize::from(failures < 3),
            "after {failures} failures"
        );
    }
    assert_eq!(bench.executions().len(), 3);
    assert!(bench.slot().await.held.is_empty());
}

#[tokio::test]
async fn a_run_that_a_person_stops_is_not_repeated() {
    let bench = Bench::start().await;
    bench.outcome(&bench.alarm()).await;
    let execution = bench.end(Status::Stopped);
    assert_eq!(bench.tell(&execution).await.outcome, "stopped");
    assert_eq!(reconcile_for(&bench, HOUR * 24).await, 0);
}

#[tokio::test]
async fn an_execution_started_by_hand_blocks_a_start_and_counts_for_the_interval() {
    let bench = Bench::start().await;
    let sagemaker = bench.deployment.sandbox.sagemaker();
    // The pipeline's parameters have no defaults: a person gives them.
    let by_hand = sagemaker
        .start_by_hand("fraud-detection-training", "by-hand")
        .unwrap();
    assert_eq!(bench.tell(&by_hand).await.outcome, "foreign_run_seen");
    assert_eq!(bench.outcome(&bench.alarm()).await, "held");
    assert_eq!(reconcile_for(&bench, HOUR).await, 0, "it still runs");
    // Its end is told by nobody.
    sagemaker.finish(&by_hand, Status::Failed, None).unwrap();
    assert_eq!(
        reconcile_for(&bench, HOUR * 5 - MINUTE * 5).await,
        0,
        "the interval counts"
    );
    assert_eq!(reconcile_for(&bench, MINUTE * 10).await, 1);
}

#[tokio::test]
async fn a_crashed_worker_is_repaired_by_the_reconciler_alone() {
    let bench = Bench::start().await;
    bench.fail(
        Service::SageMaker,
        "StartPipelineExecution",
        FaultKind::DropBefore,
    );
    bench.outcome(&bench.alarm()).await;
    assert_eq!(
        bench.reconcile().await,
        Vec::<String>::new(),
        "the lease is live"
    );
    bench.outwait_leases();
    assert_eq!(bench.reconcile().await, ["resumed"]);
    bench.assert_one_execution_of_the_claim().await;
}

/// A slot whose look fails and one whose policy is gone are put off, and the others
/// are looked at all the same.
#[tokio::test]
async fn a_slot_that_cannot_be_looked_at_starves_no_other() {
    let bench = Bench::start().await;
    bench.outcome(&bench.alarm()).await;
    bench.wait(MINUTE * 16);
    let fault = Fault::on(
        Service::SageMaker,
        "DescribePipelineExecution",
        FaultKind::ServerError,
    )
    .times(3);
    bench.inject(fault);
    let (reconciler, clock) = (bench.deployment.reconciler(), bench.deployment.clock());
    let failure = Box::pin(reconciler.run(&clock)).await.unwrap_err();
    assert_eq!(failure.class(), retrain_controller::Class::Retryable);
    assert_eq!(
        bench.reconcile().await,
        Vec::<String>::new(),
        "it is put off"
    );
    let ssm = bench.deployment.sandbox.ssm();
    ssm.delete_parameter("/retrain/policies/fraud-detection")
        .unwrap();
    bench.wait(MINUTE * 16);
    assert_eq!(bench.reconcile().await, ["ignored"]);
    assert_eq!(
        bench.reconcile().await,
        Vec::<String>::new(),
        "it is put off"
    );
}

/// An execution that SageMaker does not know any more does not block its model.
#[tokio::test]
async fn a_run_whose_pipeline_was_deleted_ends() {
    let bench = Bench::start().await;
    bench.outcome(&bench.alarm()).await;
    let gone = FaultKind::Refuse {
        code: "ResourceNotFound".to_owned(),
        message: "no such execution".to_owned(),
    };
    bench.fail(Service::SageMaker, "DescribePipelineExecution", gone);
    bench.wait(MINUTE * 16);
    bench.reconcile().await;
    let slot = bench.slot().await;
    assert_eq!((slot.phase, slot.held.len()), (Phase::Idle, 1));
}

/// A claim that can never be sent does not last for ever.
#[tokio::test]
async fn a_crashed_claim_that_can_never_work_is_given_back() {
    let bench = Bench::start().await;
    bench.fail(
        Service::SageMaker,
        "StartPipelineExecution",
        FaultKind::DropBefore,
    );
    bench.outcome(&bench.alarm()).await;
    let sagemaker = bench.deployment.sandbox.sagemaker();
    sagemaker
        .delete_pipeline("fraud-detection-training")
        .unwrap();
    bench.outwait_leases();
    bench.reconcile().await;
    let slot = bench.slot().await;
    assert_eq!((slot.phase, slot.held.len()), (Phase::Idle, 1));
    assert!(slot.misconfigured.is_some());
}

/// Two reconcilers at once, and one that is killed at any of its calls: the result
/// is that of one undisturbed run.
#[tokio::test]
async fn killing_the_reconciler_at_any_call_changes_nothing() {
    let due = || async {
        let bench = Bench::start().await;
        bench.outcome(&bench.alarm()).await;
        bench.succeed().await;
        bench.wait(MINUTE);
        bench.outcome(&bench.other_alarm("bias")).await;
        bench.wait(HOUR * 6);
        bench.deployment.sandbox.calls().take();
        bench
    };
    let undisturbed = due().await;
    undisturbed.reconcile().await;
    let calls = undisturbed.deployment.sandbox.calls().take();
    assert!(calls.len() > 10, "{calls:?}");
    for (n, call) in calls.iter().enumerate() {
        for kind in [FaultKind::HoldBefore, FaultKind::HoldAfter] {
            let before = matches!(kind, FaultKind::HoldBefore);
            let bench = due().await;
            let earlier = calls[..n]
                .iter()
                .filter(|c| c.operation == call.operation)
                .count();
            let fault = Fault::on(call.service.unwrap(), &call.operation, kind)
                .skip(earlier.try_into().unwrap());
            let held = bench.inject(fault);
            let (reconciler, clock) = (bench.deployment.reconciler(), bench.deployment.clock());
            let run = tokio::spawn(async move { Box::pin(reconciler.run(&clock)).await });
            held.held().await;
            run.abort();
            assert!(run.await.unwrap_err().is_cancelled());
            if before {
                held.discard();
            } else {
                held.release();
            }
            for _ in 0..3 {
                bench.reconcile().await;
                bench.outwait_leases();
            }
            assert_eq!(bench.executions().len(), 2, "{} {}", call.operation, before);
            assert!(matches!(bench.slot().await.phase, Phase::Running(_)));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_reconcilers_at_once_start_one_execution() {
    let bench = Bench::start().await;
    bench.outcome(&bench.alarm()).await;
    bench.succeed().await;
    bench.wait(MINUTE);
    bench.outcome(&bench.other_alarm("bias")).await;
    bench.wait(HOUR * 6);
    let runs: Vec<_> = (0..4)
        .map(|_| {
            let (reconciler, clock) = (bench.deployment.reconciler(), bench.deployment.clock());
            tokio::spawn(async move { Box::pin(reconciler.run(&clock)).await })
        })
        .collect();
    for run in runs {
        run.await.unwrap().unwrap();
    }
    assert_eq!(bench.executions().len(), 2);
}
