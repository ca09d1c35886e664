//! How runs end that neither succeed nor fail, and what a retry makes of them.

use jiff::SignedDuration;
use retrain_core::slot::Phase;
use retrain_sandbox::cloudwatch::{Alarm, StateValue};
use retrain_sandbox::sagemaker::{ExecutionStatus as Status, Step};
use retrain_sandbox::{FaultKind, Service};

use crate::bench::Bench;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// The alarm that `Bench::alarm` tells of.
const ALARM: &str = "fraud-detection-data-quality";

fn step(name: &str, status: &str) -> Step {
    Step {
        name: name.to_owned(),
        status: status.to_owned(),
        failure_reason: None,
        cached_from: None,
        metadata: None,
    }
}

/// The newest execution ends at this Fail step, and the controller is told.
pub(crate) async fn fails_at(bench: &Bench, name: &str) -> String {
    let execution = bench.executions().pop().unwrap();
    let sagemaker = bench.deployment.sandbox.sagemaker();
    let steps = vec![step("Train", "Succeeded"), step(name, "Failed")];
    sagemaker.set_steps(&execution.arn, steps).unwrap();
    bench.end(Status::Failed);
    bench.tell(&execution.arn).await.outcome
}

fn set_alarm(bench: &Bench, state: StateValue) {
    let cloudwatch = bench.deployment.sandbox.cloudwatch();
    if cloudwatch.set_state(ALARM, state).is_err() {
        cloudwatch
            .put_alarm(Alarm::new(ALARM).state(state))
            .unwrap();
    }
}

#[tokio::test]
async fn an_alarm_that_stays_through_runs_without_improvement_stops_with_a_record() {
    let bench = Bench::start().await;
    set_alarm(&bench, StateValue::Alarm);
    bench.outcome(&bench.alarm()).await;
    for run in 1..=3 {
        assert_eq!(bench.executions().len(), run);
        assert_eq!(fails_at(&bench, "ModelNotBetter").await, "no_improvement");
        let slot = bench.slot().await;
        assert_eq!((slot.failures, slot.failed_at), (0, None));
        // The interval applies; the third time the alarm is given up.
        bench.wait(HOUR * 5);
        bench.reconcile().await;
        assert_eq!(bench.executions().len(), run);
        bench.wait(HOUR);
        bench.reconcile().await;
    }
    let slot = bench.slot().await;
    assert_eq!(bench.executions().len(), 3);
    assert!(slot.held.is_empty(), "{slot:?}");
    let last = bench.decisions().await.pop().unwrap();
    let text = last.outcome.to_string();
    assert!(
        text.contains("0 drift alarm(s) held again, 1 given up"),
        "{text}"
    );
    assert!(
        last.console_url
            .as_deref()
            .unwrap()
            .contains("/go/view?arn=arn:aws:sagemaker")
    );
}

#[tokio::test]
async fn an_alarm_that_is_over_is_not_held_again() {
    let bench = Bench::start().await;
    set_alarm(&bench, StateValue::Ok);
    bench.outcome(&bench.alarm()).await;
    assert_eq!(fails_at(&bench, "ModelNotBetter").await, "no_improvement");
    assert!(bench.slot().await.held.is_empty());
}

#[tokio::test]
async fn an_alarm_whose_state_cannot_be_read_is_taken_to_last() {
    let bench = Bench::start().await;
    bench.outcome(&bench.alarm()).await;
    let denied = FaultKind::Refuse {
        code: "AccessDenied".to_owned(),
        message: "not authorized to perform cloudwatch:DescribeAlarms".to_owned(),
    };
    bench.fail(Service::CloudWatch, "DescribeAlarms", denied);
    assert_eq!(fails_at(&bench, "ModelNotBetter").await, "no_improvement");
    assert_eq!(bench.slot().await.held.len(), 1);
    let last = bench.decisions().await.pop().unwrap();
    let text = last.outcome.to_string();
    assert!(
        text.contains("unreadable") && text.contains("AccessDenied"),
        "{text}"
    );
}

#[tokio::test]
async fn any_other_failed_step_is_a_failure() {
    let bench = Bench::start().await;
    set_alarm(&bench, StateValue::Alarm);
    bench.outcome(&bench.alarm()).await;
    assert_eq!(fails_at(&bench, "Evaluate").await, "failed");
    assert_eq!(bench.slot().await.failures, 1);
    assert_eq!(bench.count(Service::CloudWatch, "DescribeAlarms"), 0);
}

#[tokio::test]
async fn a_run_that_trained_nothing_says_so() {
    let bench = Bench::start().await;
    bench.outcome(&bench.alarm()).await;
    let execution = bench.executions().pop().unwrap().arn;
    let cached = Step {
        cached_from: Some(execution.replace("000000000001", "000000000000")),
        metadata: Some(serde_json::json!({"TrainingJob": {"Arn":
            "arn:aws:sagemaker:us-east-1:111122223333:training-job/t"}})),
        ..step("Train", "Succeeded")
    };
    let sagemaker = bench.deployment.sandbox.sagemaker();
    sagemaker.set_steps(&execution, vec![cached]).unwrap();
    bench.end(Status::Succeeded);
    let answer = bench.tell(&execution).await;
    assert!(
        answer.reason.contains("nothing was trained: Train"),
        "{}",
        answer.reason
    );
}

#[tokio::test]
async fn a_retried_run_goes_on_with_its_causes() {
    let bench = Bench::start().await;
    bench.outcome(&bench.alarm()).await;
    let execution = bench.end(Status::Failed);
    assert_eq!(bench.tell(&execution).await.outcome, "failed");
    let sagemaker = bench.deployment.sandbox.sagemaker();
    sagemaker.reopen(&execution).unwrap();
    assert_eq!(bench.tell(&execution).await.outcome, "reopened");
    let slot = bench.slot().await;
    let Phase::Running(run) = &slot.phase else {
        panic!("{slot:?}")
    };
    assert_eq!((run.claim.reasons.len(), slot.held.len()), (1, 0));
    // Nothing starts while it runs, and its end is noticed without being told.
    bench.end(Status::Succeeded);
    bench.wait(SignedDuration::from_mins(2));
    bench.reconcile().await;
    bench.wait(HOUR * 24);
    bench.reconcile().await;
    assert_eq!(bench.executions().len(), 1);
    assert_eq!(bench.slot().await.failures, 0);
}
