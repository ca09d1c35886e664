//! What schedules and people ask for.

use jiff::SignedDuration;
use retrain_sandbox::sagemaker::{ExecutionStatus as Status, Pipeline};
use serde_json::{Value, json};

use crate::bench::Bench;

async fn ask(bench: &Bench, request: &Value) -> String {
    let function = bench.deployment.reconciler();
    let clock = bench.deployment.clock();
    let summary = Box::pin(function.handle_at(request, &clock)).await.unwrap();
    summary.answers[0].outcome.clone()
}

fn order(order: &str) -> Value {
    json!({"request": order, "model": "fraud-detection", "by": "ana", "why": "because"})
}

fn scheduled(bench: &Bench) -> Value {
    let event = retrain_local::sample("reconciler/schedule").unwrap();
    let mut event = event.event().clone();
    event["scheduled_time"] = json!(bench.now().to_string());
    event
}

#[tokio::test]
async fn a_schedule_that_is_delivered_twice_starts_once() {
    let bench = Bench::start().await;
    let event = scheduled(&bench);
    assert_eq!(ask(&bench, &event).await, "claimed");
    assert_eq!(ask(&bench, &event).await, "duplicate");
    bench.assert_one_execution_of_the_claim().await;
    // The next time is another cause, and the interval holds it.
    bench.succeed().await;
    bench.wait(SignedDuration::from_hours(1));
    assert_eq!(ask(&bench, &scheduled(&bench)).await, "held");
}

#[tokio::test]
async fn a_person_may_force_a_start_inside_the_interval() {
    let bench = Bench::start().await;
    bench.outcome(&bench.alarm()).await;
    bench.succeed().await;
    let mut request = order("retrain");
    request["key"] = json!("hotfix");
    assert_eq!(ask(&bench, &request).await, "held");
    request["key"] = json!("hotfix-now");
    request["force"] = json!(true);
    assert_eq!(ask(&bench, &request).await, "claimed");
    assert_eq!(ask(&bench, &request).await, "duplicate");
    assert_eq!(bench.executions().len(), 2);
}

#[tokio::test]
async fn a_paused_model_holds_until_it_is_resumed() {
    let bench = Bench::start().await;
    assert_eq!(ask(&bench, &order("pause")).await, "paused");
    assert_eq!(bench.outcome(&bench.alarm()).await, "held");
    bench.wait(SignedDuration::from_hours(48));
    assert_eq!(bench.reconcile().await, Vec::<String>::new());
    assert_eq!(ask(&bench, &order("resume")).await, "unpaused");
    assert_eq!(bench.reconcile().await, ["claimed"]);
    let pause = &bench.decisions().await[0];
    assert!(
        pause.to_string().contains("\"ana\" pauses: \"because\""),
        "{pause}"
    );
}

/// Promise 4, also when somebody has asked for the opposite since.
#[tokio::test]
async fn an_order_with_a_key_is_obeyed_once_however_often_it_is_delivered() {
    let bench = Bench::start().await;
    let mut pause = order("pause");
    pause["key"] = json!("ticket-12");
    assert_eq!(ask(&bench, &pause).await, "paused");
    assert_eq!(ask(&bench, &order("resume")).await, "unpaused");
    assert_eq!(ask(&bench, &pause).await, "duplicate");
    assert!(bench.slot().await.paused.is_none());
    pause["key"] = json!("ticket-13");
    assert_eq!(ask(&bench, &pause).await, "paused");
}

#[tokio::test]
async fn an_open_breaker_is_reset_by_a_person() {
    let bench = Bench::start().await;
    let policy = r#"{
        "pipeline": {"name": "fraud-detection-training"},
        "parameters": {"InputDataUri": "s3://fraud/", "ControllerToken": "{token}"},
        "drift": {"alarms": [{"alarm_name": "fraud-detection-*"}]},
        "min_interval": "1m",
        "back_off": {"initial": "1m", "cap": "1m", "max_failures": 20},
        "breaker_after_failures": 2
    }"#;
    bench
        .deployment
        .put_policy("fraud-detection", policy)
        .unwrap();
    bench.outcome(&bench.alarm()).await;
    for failures in 1..=2 {
        let execution = bench.end(Status::Failed);
        assert_eq!(bench.tell(&execution).await.outcome, "failed");
        bench.wait(SignedDuration::from_mins(5));
        bench.reconcile().await;
        assert_eq!(bench.executions().len(), 2, "after {failures} failures");
    }
    assert_eq!(ask(&bench, &order("reset_breaker")).await, "breaker_reset");
    bench.reconcile().await;
    assert_eq!(bench.executions().len(), 3);
}

fn all(order: &str) -> Value {
    json!({"request": order, "by": "ana", "why": "SageMaker has an outage"})
}

/// Promise 4, for everything at once.
#[tokio::test]
async fn the_controller_is_switched_once_for_a_key() {
    let bench = Bench::start().await;
    let mut pause = all("pause_controller");
    pause["key"] = json!("incident-7");
    assert_eq!(ask(&bench, &pause).await, "controller_paused");
    let resume = all("resume_controller");
    assert_eq!(ask(&bench, &resume).await, "controller_resumed");
    assert_eq!(ask(&bench, &pause).await, "duplicate");
    assert_eq!(ask(&bench, &scheduled(&bench)).await, "claimed");
}

#[tokio::test]
async fn a_paused_controller_holds_everything_and_then_lets_few_models_start_at_a_time() {
    const MODELS: usize = 25;
    let bench = Bench::start().await;
    let sagemaker = bench.deployment.sandbox.sagemaker();
    sagemaker.set_concurrency_limit(MODELS);
    assert_eq!(
        ask(&bench, &all("pause_controller")).await,
        "controller_paused"
    );
    assert_eq!(ask(&bench, &all("pause_controller")).await, "unchanged");
    for n in 0..MODELS {
        let pipeline = format!("p{n}");
        sagemaker.create_pipeline(Pipeline::new(&pipeline)).unwrap();
        let policy = json!({"pipeline": {"name": pipeline}, "min_interval": "6h"});
        let model = format!("model-{n}");
        bench
            .deployment
            .put_policy(&model, &policy.to_string())
            .unwrap();
        let request = json!({"request": "retrain", "model": model, "key": "k",
            "by": "ana", "why": "new code"});
        assert_eq!(ask(&bench, &request).await, "held");
    }
    bench.wait(SignedDuration::from_hours(5));
    bench.reconcile().await;
    assert_eq!(bench.executions().len(), 0);

    assert_eq!(
        ask(&bench, &all("resume_controller")).await,
        "controller_resumed"
    );
    let mut started = Vec::new();
    for _ in 0..5 {
        bench.wait(SignedDuration::from_mins(5));
        let before = bench.executions().len();
        bench.reconcile().await;
        started.push(bench.executions().len() - before);
    }
    assert_eq!(started.iter().sum::<usize>(), MODELS, "{started:?}");
    // Shards that look at the same moment may exceed the limit by one each.
    assert!(started.iter().all(|count| *count <= 10 + 7), "{started:?}");
    assert!(started[0] < MODELS, "{started:?}");
}
