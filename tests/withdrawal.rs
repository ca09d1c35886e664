//! Alarms that clear, flap, and arrive in the wrong order or envelope.

use jiff::SignedDuration;
use retrain_local::sample;

use crate::bench::Bench;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

#[tokio::test]
async fn an_ok_delivered_before_its_older_alarm_starts_nothing() {
    let bench = Bench::start().await;
    let alarm = bench.alarm();
    bench.wait(MINUTE);
    let ok = bench.ok();
    assert_eq!(bench.outcome(&ok).await, "alarm_cleared");
    assert_eq!(bench.outcome(&alarm).await, "stale");
    assert_eq!(bench.outcome(&alarm).await, "duplicate");
    assert!(bench.executions().is_empty());
}

#[tokio::test]
async fn a_held_alarm_that_clears_is_withdrawn() {
    let bench = Bench::start().await;
    bench.outcome(&bench.other_alarm("bias")).await;
    bench.wait(MINUTE);
    assert_eq!(bench.outcome(&bench.alarm()).await, "held");
    bench.wait(MINUTE);
    assert_eq!(bench.outcome(&bench.ok()).await, "alarm_cleared");
    bench.succeed().await;
    bench.wait(SignedDuration::from_hours(7));
    bench.tick().await;
    assert_eq!(bench.executions().len(), 1);
}

#[tokio::test]
async fn a_held_alarm_that_stays_starts_once_when_the_interval_ends() {
    let bench = Bench::start().await;
    bench.outcome(&bench.other_alarm("bias")).await;
    bench.wait(MINUTE);
    bench.outcome(&bench.alarm()).await;
    bench.succeed().await;
    bench.wait(SignedDuration::from_hours(6) - MINUTE - MINUTE);
    bench.tick().await;
    assert_eq!(bench.executions().len(), 1, "a minute too early");
    bench.wait(MINUTE);
    for _ in 0..3 {
        bench.tick().await;
    }
    assert_eq!(bench.executions().len(), 2);
}

/// An alarm that flaps for a day starts as often as the interval allows.
#[tokio::test]
async fn a_flapping_alarm_does_not_run_away() {
    let bench = Bench::start().await;
    for _ in 0..48 {
        bench.outcome(&bench.alarm()).await;
        bench.wait(MINUTE * 10);
        bench.outcome(&bench.ok()).await;
        bench.wait(MINUTE * 20);
        if bench
            .executions()
            .iter()
            .any(|e| e.status == retrain_sandbox::sagemaker::ExecutionStatus::Executing)
        {
            bench.succeed().await;
        }
    }
    assert_eq!(bench.executions().len(), 4, "24 hours, one start every six");
}

/// One transition, told by EventBridge, by SNS in two forms and by the alarm's own
/// action, is one cause.
#[tokio::test]
async fn one_transition_in_every_envelope_is_one_cause() {
    let names = [
        "alarm",
        "sns-eventbridge",
        "sns-classic",
        "direct-alarm-action",
        "replayed",
    ];
    let bench = Bench::start().await;
    bench.wait(SignedDuration::from_hours(9));
    for (n, name) in names.into_iter().enumerate() {
        let sample = sample(&format!("drift-alarm/{name}")).unwrap();
        let expected = if n == 0 { "claimed" } else { "duplicate" };
        assert_eq!(bench.outcome(&sample).await, expected, "{name}");
    }
    bench.assert_one_execution_of_the_claim().await;
}
