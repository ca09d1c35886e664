//! What goes wrong for one model or message harms no other, and is not lost.

mod limits;
mod neighbours;
mod poison;

use retrain_controller::Class;
use retrain_sandbox::{Fault, FaultKind, Service};
use serde_json::json;

use crate::bench::Bench;

const OTHER: &str = r#"{
    "pipeline": {"name": "churn-training"},
    "min_interval": "6h",
    "drift": {"alarms": [{"alarm_name": "fraud-detection-shared"}]}
}"#;

fn create_pipeline(bench: &Bench) {
    let pipeline = retrain_sandbox::sagemaker::Pipeline::new("churn-training");
    bench
        .deployment
        .sandbox
        .sagemaker()
        .create_pipeline(pipeline)
        .unwrap();
}

#[tokio::test]
async fn one_alarm_may_concern_two_models() {
    let bench = Bench::start().await;
    bench.deployment.put_policy("churn", OTHER).unwrap();
    create_pipeline(&bench);
    let answers = bench
        .deliver(bench.other_alarm("shared").event())
        .await
        .unwrap();
    let found: Vec<_> = answers
        .iter()
        .map(|a| (a.model.clone().unwrap().to_string(), a.outcome.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("churn".to_owned(), "claimed"),
            ("fraud-detection".to_owned(), "claimed")
        ]
    );
    assert_eq!(bench.executions().len(), 2);
}

#[tokio::test]
async fn a_broken_policy_fails_its_own_alarms_and_no_others() {
    let bench = Bench::start().await;
    bench
        .deployment
        .put_policy("churn", &OTHER.replace("6h", "soon"))
        .unwrap();
    assert_eq!(bench.outcome(&bench.alarm()).await, "claimed");
    let shared = bench.other_alarm("shared");
    let failure = bench.deliver(shared.event()).await.unwrap_err();
    assert_eq!(
        (failure.class(), failure.error_type().as_str()),
        (Class::Terminal, "Terminal.InvalidPolicy")
    );
    let text = failure.to_string();
    assert!(
        text.contains("churn") && text.contains("min_interval"),
        "{text}"
    );
    // The other model was served before the invocation failed.
    assert_eq!(bench.slot().await.held.len(), 1);
    // Redriven after the policy is mended, the alarm starts what it meant.
    bench.deployment.put_policy("churn", OTHER).unwrap();
    create_pipeline(&bench);
    bench.wait(jiff::SignedDuration::from_mins(2));
    let answers = bench.deliver(shared.event()).await.unwrap();
    let found: Vec<_> = answers.iter().map(|a| a.outcome.as_str()).collect();
    assert_eq!(found, ["claimed", "duplicate"]);
}

#[tokio::test]
async fn a_status_for_a_broken_policy_is_not_lost() {
    let bench = Bench::start().await;
    bench.outcome(&bench.alarm()).await;
    let execution = bench.end(retrain_sandbox::sagemaker::ExecutionStatus::Succeeded);
    let ssm = bench.deployment.sandbox.ssm();
    let name = "/retrain/policies/fraud-detection";
    let broken = r#"{"pipeline": {"name": "fraud-detection-training"}, "min_interval": "soon"}"#;
    ssm.put_parameter(name, broken).unwrap();
    let event = retrain_local::sample("execution-status/succeeded")
        .unwrap()
        .of_execution(&execution);
    let function = bench.deployment.execution_status();
    let clock = bench.deployment.clock();
    let failure = Box::pin(function.handle_at(event.event(), &clock))
        .await
        .unwrap_err();
    assert_eq!(failure.error_type(), "Terminal.InvalidPolicy");
    assert!(failure.to_string().contains("min_interval"), "{failure}");
}

/// Whoever can send events cannot end a run, and so not start the next: SageMaker is asked.
#[tokio::test]
async fn an_event_that_lies_ends_no_run() {
    let bench = Bench::start().await;
    bench.outcome(&bench.alarm()).await;
    let execution = bench.executions().pop().unwrap().arn;
    assert_eq!(bench.tell(&execution).await.outcome, "unchanged");
    bench.assert_one_execution_of_the_claim().await;
}

#[tokio::test]
async fn a_bad_record_does_not_take_the_good_one_with_it() {
    let bench = Bench::start().await;
    let good = retrain_local::sample("drift-alarm/sns-classic").unwrap();
    let mut event = good.event().clone();
    let bad = json!({"EventSource": "aws:sns", "Sns": {"Message": "{\"AlarmName\": 1"}});
    event["Records"].as_array_mut().unwrap().insert(0, bad);
    bench.wait(jiff::SignedDuration::from_hours(9));
    let failure = bench.deliver(&event).await.unwrap_err();
    assert_eq!(failure.class(), Class::Terminal);
    bench.assert_one_execution_of_the_claim().await;
}

#[tokio::test]
async fn every_record_of_a_delivery_is_handled() {
    let bench = Bench::start().await;
    bench.wait(jiff::SignedDuration::from_hours(23));
    let event = retrain_local::sample("drift-alarm/sns-two-records").unwrap();
    let answers = bench.deliver(event.event()).await.unwrap();
    let found: Vec<_> = answers.iter().map(|a| a.outcome.as_str()).collect();
    assert_eq!(found, ["claimed", "alarm_cleared"]);
}

#[tokio::test]
async fn what_cannot_be_read_now_is_delivered_again() {
    for (service, operation) in [
        (Service::Ssm, "GetParametersByPath"),
        (Service::DynamoDb, "BatchGetItem"),
        (Service::DynamoDb, "TransactWriteItems"),
        (Service::Ssm, "GetParameter"),
        (Service::SageMaker, "ListModelPackages"),
    ] {
        let bench = Bench::start().await;
        let fault = Fault::on(service, operation, FaultKind::ServerError).times(3);
        bench.inject(fault);
        let event = bench.alarm();
        let failure = bench.deliver(event.event()).await.unwrap_err();
        assert_eq!(failure.class(), Class::Retryable, "{operation}: {failure}");
        assert_eq!(bench.outcome(&event).await, "claimed", "{operation}");
        bench.assert_one_execution_of_the_claim().await;
    }
}

#[tokio::test]
async fn an_event_from_the_future_is_refused_by_name() {
    let bench = Bench::start().await;
    let event = bench
        .alarm()
        .at(bench.now() + jiff::SignedDuration::from_hours(1));
    let failure = bench.deliver(event.event()).await.unwrap_err();
    assert_eq!(failure.error_type(), "Terminal.EventFromTheFuture");
    assert_eq!(bench.outcome(&bench.alarm()).await, "claimed");
}

#[tokio::test]
async fn a_missing_parameter_holds_the_trigger_and_says_so() {
    let bench = Bench::start().await;
    let ssm = bench.deployment.sandbox.ssm();
    ssm.delete_parameter("/fraud-detection/training-data-uri")
        .unwrap();
    let answers = bench.deliver(bench.alarm().event()).await.unwrap();
    assert_eq!(answers[0].outcome, "held");
    assert!(
        answers[0]
            .reason
            .contains("/fraud-detection/training-data-uri does not exist"),
        "{answers:?}"
    );
    assert_eq!(bench.slot().await.held.len(), 1);
}
