//! Batches of messages: what fails is returned, and nothing else is.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use retrain_controller::Clock;
use retrain_core::data::Tally;
use retrain_core::slot::Phase;
use retrain_sandbox::sagemaker::ExecutionStatus as Status;
use retrain_sandbox::{Fault, FaultKind, Service};
use serde_json::{Value, json};

use crate::data::{Yard, returned, tally};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

async fn patient() -> Yard {
    Yard::start(json!({"min_rows": 1_000_000})).await
}

/// The event of an object elsewhere.
fn moved(mut event: Value, key: &str) -> Value {
    event["detail"]["object"]["key"] = json!(key);
    event
}

fn without_sequencer(mut event: Value) -> Value {
    let object = event["detail"]["object"].as_object_mut().unwrap();
    object.remove("sequencer").unwrap();
    event
}

#[tokio::test]
async fn exactly_the_messages_that_make_no_sense_are_returned() {
    let yard = patient().await;
    let bodies = [
        yard.put("a.csv", 1),
        json!("no event"),
        yard.put("b.csv", 2),
        without_sequencer(yard.put("c.csv", 4)),
        json!({"Event": "s3:TestEvent", "Bucket": "fraud-detection-data"}),
        moved(yard.put("d.csv", 8), "elsewhere/d.csv"),
        yard.put("e.csv", 16),
    ];
    assert_eq!(yard.deliver(&bodies).await, BTreeSet::from([1, 3]));
    assert_eq!(yard.waiting().await, tally(19, 3));
}

#[tokio::test]
async fn two_versions_of_a_key_in_one_batch_count_as_the_newer_in_any_order() {
    for reversed in [false, true] {
        let yard = patient().await;
        let mut bodies = vec![yard.put("a.csv", 5), yard.put("a.csv", 7)];
        if reversed {
            bodies.reverse();
        }
        bodies.push(bodies[0].clone());
        assert_eq!(yard.deliver(&bodies).await, BTreeSet::new());
        assert_eq!(yard.waiting().await, tally(7, 1));
        assert_eq!(yard.bench.count(Service::S3, "HeadObject"), 1);
    }
}

#[tokio::test]
async fn an_older_version_that_comes_late_changes_nothing() {
    let yard = patient().await;
    let old = yard.put("a.csv", 5);
    yard.deliver(&[yard.put("a.csv", 7)]).await;
    let before = yard.bench.slot().await;
    assert_eq!(yard.deliver(&[old]).await, BTreeSet::new());
    assert_eq!(yard.bench.slot().await, before);
}

#[tokio::test]
async fn messages_of_a_broken_policy_are_returned_until_it_is_mended() {
    let yard = patient().await;
    let deployment = &yard.bench.deployment;
    let policy = |more: &str| {
        format!(
            r#"{{"pipeline": {{"name": "churn-training"}}, "min_interval": "1h",
                "data": {{"objects": [{{"bucket": "fraud-detection-data", "prefix": "churn/"}}],
                          "min_rows": 10}}{more}}}"#
        )
    };
    deployment
        .put_policy("churn", &policy(r#", "wrong": 1"#))
        .unwrap();
    let bodies = [
        moved(yard.put("a.csv", 1), "churn/a.csv"),
        yard.put("b.csv", 2),
    ];
    assert_eq!(yard.deliver(&bodies).await, BTreeSet::from([0]));
    assert_eq!(yard.waiting().await, tally(2, 1));
    deployment.put_policy("churn", &policy("")).unwrap();
    yard.bench.wait(MINUTE * 2);
    assert_eq!(yard.deliver(&bodies).await, BTreeSet::new());
    assert_eq!(yard.waiting().await, tally(2, 1));
}

/// Every way in which S3 may not answer, now or at all.
#[tokio::test]
async fn what_s3_does_not_show_is_returned_and_counted_when_it_does() {
    let denied = FaultKind::Refuse {
        code: "AccessDenied".to_owned(),
        message: "Access Denied".to_owned(),
    };
    for kind in [
        denied,
        FaultKind::Throttle,
        FaultKind::ServerError,
        FaultKind::Unavailable,
        FaultKind::DropBefore,
        FaultKind::DropAfter,
    ] {
        let yard = patient().await;
        let bodies = [yard.put("a.csv", 1), yard.put("b.csv", 2)];
        // As often as the SDK asks for the first of them.
        let fault = Fault::on(Service::S3, "HeadObject", kind.clone()).times(6);
        let fault = yard.bench.inject(fault);
        let failed = yard.deliver(&bodies).await;
        assert_eq!(failed, BTreeSet::from([0, 1]), "{kind:?}");
        assert_eq!(yard.waiting().await, Tally::default());
        fault.remove();
        assert_eq!(yard.deliver(&bodies).await, BTreeSet::new(), "{kind:?}");
        assert_eq!(yard.waiting().await, tally(3, 2));
        assert_eq!(yard.uncounted().await, []);
    }
}

#[tokio::test]
async fn a_table_that_does_not_answer_returns_the_whole_batch_once() {
    for operation in ["BatchGetItem", "TransactWriteItems"] {
        let yard = patient().await;
        let bodies = [yard.put("a.csv", 1), yard.put("b.csv", 2)];
        let fault = Fault::on(Service::DynamoDb, operation, FaultKind::ServerError);
        yard.bench.inject(fault.times(3));
        assert_eq!(yard.deliver(&bodies).await, BTreeSet::from([0, 1]));
        assert_eq!(yard.deliver(&bodies).await, BTreeSet::new());
        assert_eq!(yard.waiting().await, tally(3, 2));
    }
}

/// The table refuses whatever holds one of the objects: the others are counted.
#[tokio::test]
async fn a_part_that_the_table_refuses_is_halved_until_one_object_fails_alone() {
    let yard = patient().await;
    let bodies: Vec<Value> = (0..8).map(|n| yard.put(&format!("{n}.csv"), 1)).collect();
    let refused = FaultKind::Refuse {
        code: "ValidationException".to_owned(),
        message: "Item size has exceeded the maximum allowed size".to_owned(),
    };
    // All eight, then the first four, two, and one of them.
    let fault = Fault::on(Service::DynamoDb, "TransactWriteItems", refused);
    yard.bench.inject(fault.times(4));
    assert_eq!(yard.deliver(&bodies).await.len(), 1);
    assert_eq!(yard.waiting().await, tally(7, 7));
    assert_eq!(yard.bench.count(Service::DynamoDb, "TransactWriteItems"), 7);
    assert_eq!(yard.deliver(&bodies).await, BTreeSet::new());
    assert_eq!(yard.waiting().await, tally(8, 8));
}

/// A clock that runs on with every look at it.
struct Hurried {
    start: Timestamp,
    looks: std::sync::atomic::AtomicI32,
}

impl Clock for Hurried {
    fn now(&self) -> Timestamp {
        let looks = self
            .looks
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.start + SignedDuration::from_millis(100) * looks
    }
}

#[tokio::test]
async fn what_there_is_no_time_for_is_returned_and_the_rest_is_counted() {
    let yard = patient().await;
    let bodies: Vec<Value> = (0..250).map(|n| yard.put(&format!("{n}.csv"), 1)).collect();
    let clock = Hurried {
        start: yard.bench.now(),
        looks: 0.into(),
    };
    let batch = yard.batch(bodies.iter().cloned());
    let reply = Box::pin(yard.function.handle_at(&batch, &clock))
        .await
        .unwrap();
    let failed = returned(&batch, &reply);
    let counted = 250 - failed.len() as u64;
    assert!((98..250).contains(&counted), "{counted} in time");
    assert_eq!(yard.waiting().await, tally(counted, counted));
    yard.bench.wait(MINUTE);
    assert_eq!(yard.deliver(&bodies).await, BTreeSet::new());
    assert_eq!(yard.waiting().await, tally(250, 250));
}

/// An event that comes alone has no batch to be returned to: it fails as a whole.
#[tokio::test]
async fn a_single_event_is_counted_or_fails() {
    let yard = patient().await;
    let event = yard.put("a.csv", 5);
    let fault = Fault::on(Service::S3, "HeadObject", FaultKind::Throttle).times(3);
    yard.bench.inject(fault);
    let failure = yard.try_deliver(&event).await.unwrap_err();
    assert_eq!(failure.error_type(), "Retryable.ObjectUnavailable");
    let reply = yard.try_deliver(&event).await.unwrap();
    let shown = serde_json::to_value(&reply).unwrap();
    assert_eq!(shown["answers"][0]["outcome"], "counted");
    assert_eq!(yard.waiting().await, tally(5, 1));
    let reply = yard.try_deliver(&event).await.unwrap();
    assert_eq!(
        serde_json::to_value(&reply).unwrap(),
        json!({"answers": [], "ignored": {}})
    );
}

/// `_SUCCESS` completes the batch before it once, however often it is told.
#[tokio::test]
async fn a_completion_starts_what_it_completes_and_nothing_else() {
    let yard = Yard::start(json!({"complete_when": {"suffix": "/_SUCCESS"}})).await;
    let success = |day: &str| yard.put(&format!("{day}/_SUCCESS"), 0);
    let first = [success("1"), yard.put("1/a.csv", 5), yard.put("1/b.csv", 6)];
    assert_eq!(yard.deliver(&first).await, BTreeSet::new());
    assert_eq!(yard.taken().await.0, tally(11, 2));

    // The next day's data arrives while the first sign is told again.
    let second = [yard.put("2/a.csv", 7), first[0].clone()];
    yard.deliver(&second).await;
    yard.bench.succeed().await;
    yard.bench.wait(MINUTE * 5);
    yard.bench.reconcile().await;
    assert_eq!(yard.bench.slot().await.phase, Phase::Idle);
    assert_eq!(yard.waiting().await, tally(7, 1));
    let before = yard.bench.slot().await;
    yard.deliver(&[first[0].clone()]).await;
    assert_eq!(yard.bench.slot().await, before);

    yard.deliver(&[success("2")]).await;
    assert_eq!(yard.taken().await.0, tally(7, 1));
    let execution = yard.bench.end(Status::Succeeded);
    yard.bench.tell(&execution).await;
    assert_eq!(yard.bench.executions().len(), 2);
}

/// What a batch completes may fill several transactions: the sign comes with the last.
#[tokio::test]
async fn a_completion_comes_after_everything_that_is_told_with_it() {
    let yard = Yard::start(json!({"complete_when": {"suffix": "/_SUCCESS"}})).await;
    let mut bodies = vec![yard.put("1/_SUCCESS", 0)];
    bodies.extend((0..250).map(|n| yard.put(&format!("1/{n}.csv"), 1)));
    assert_eq!(yard.deliver(&bodies).await, BTreeSet::new());
    assert_eq!(yard.taken().await.0, tally(250, 250));
    assert_eq!(yard.waiting().await, Tally::default());
}
