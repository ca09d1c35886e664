//! `redrive`: dead letters go back to where they belong.

use jiff::SignedDuration;
use retrain_local::sample;
use retrain_sandbox::lambda::{Function, InvocationType};
use retrain_sandbox::sqs::Letter;
use retrain_sandbox::{Fault, FaultKind, Service};
use retrainctl::{Exit, Failure};
use serde_json::{Value, json};

use crate::scene::{MODEL, Printed, Scene};

const DRIFT: &str = "arn:aws:lambda:us-east-1:111122223333:function:retrain-drift-alarm:live";
const STATUS: &str = "arn:aws:lambda:us-east-1:111122223333:function:retrain-execution-status:live";
const RULE: &str = "arn:aws:events:us-east-1:111122223333:rule/retrain-alarms";
const TOPIC: &str = "arn:aws:sns:us-east-1:111122223333:notices";

/// Queues as the template has them, with the functions behind.
struct Post {
    scene: Scene,
    dead: String,
    data_dead: String,
}

impl Post {
    async fn open() -> Self {
        let scene = Scene::start().await;
        // After the alarm of the sample.
        scene.wait(SignedDuration::from_hours(7));
        let sandbox = &scene.deployment.sandbox;
        let sqs = sandbox.sqs();
        let dead = sqs.create_queue("dead").unwrap();
        let data_dead = sqs.create_queue("data-dead").unwrap();
        sqs.create_queue_before("data", "data-dead", 5).unwrap();
        for name in ["retrain-drift-alarm", "retrain-execution-status"] {
            sandbox.lambda().put_function(Function::new(name));
        }
        Self {
            scene,
            dead,
            data_dead,
        }
    }

    /// An event that a function has failed three times.
    fn failed(&self, function: &str, event: &Value, error_type: &str) {
        let envelope = json!({
            "version": "1.0",
            "timestamp": "2026-01-05T00:00:00.000Z",
            "requestContext": {
                "requestId": "1",
                "functionArn": function,
                "condition": "RetriesExhausted",
                "approximateInvokeCount": 3,
            },
            "requestPayload": event,
            "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
            "responsePayload": {"errorType": error_type, "errorMessage": "it broke"},
        });
        self.letter(&envelope.to_string(), &[]);
    }

    /// An event that a rule could not hand over.
    fn undelivered(&self, event: &Value, target: &str) {
        let attributes = [
            ("RULE_ARN", RULE),
            ("TARGET_ARN", target),
            ("ERROR_CODE", "NO_PERMISSIONS"),
            ("ERROR_MESSAGE", "not authorized"),
        ];
        self.letter(&event.to_string(), &attributes);
    }

    fn letter(&self, body: &str, attributes: &[(&str, &str)]) {
        let sqs = self.scene.deployment.sandbox.sqs();
        sqs.send("dead", body, attributes).unwrap();
    }

    /// An object that could not be counted.
    fn uncounted(&self) -> String {
        let body = sample("data-arrival/eventbridge-put").unwrap();
        let body = body.event().to_string();
        let sqs = self.scene.deployment.sandbox.sqs();
        sqs.send("data", &body, &[("kept", "yes")]).unwrap();
        sqs.fail("data").unwrap();
        body
    }

    fn letters(&self, queue: &str) -> Vec<Letter> {
        self.scene.deployment.sandbox.sqs().letters(queue).unwrap()
    }

    async fn redrive(&self, more: &[&str]) -> Printed {
        let line = ["redrive", self.dead.as_str(), self.data_dead.as_str()];
        self.scene.run(&[&line, more].concat()).await
    }

    /// What was sent, by the functions that it was sent to.
    fn invoked(&self) -> Vec<(String, Value)> {
        let invocations = self.scene.deployment.sandbox.lambda().invocations();
        let told = invocations.into_iter();
        told.map(|one| (one.named, one.payload)).collect()
    }
}

fn alarm() -> Value {
    sample("drift-alarm/alarm").unwrap().event().clone()
}

fn status() -> Value {
    let event = sample("execution-status/succeeded").unwrap();
    event.event().clone()
}

#[tokio::test]
async fn letters_of_every_form_go_to_where_they_belong() {
    let post = Post::open().await;
    post.failed(STATUS, &status(), "Retryable.DependencyFailed");
    post.undelivered(&alarm(), DRIFT);
    let object = post.uncounted();
    let printed = post.redrive(&["--yes"]).await;
    assert!(matches!(printed.exit, Ok(Exit::Done)), "{printed:?}");
    let invoked = post.invoked();
    assert_eq!(
        invoked,
        [(STATUS.to_owned(), status()), (DRIFT.to_owned(), alarm())]
    );
    assert!(post.letters("dead").is_empty());
    assert!(post.letters("data-dead").is_empty());
    let data = post.letters("data");
    assert_eq!((data.len(), &data[0].body), (1, &object));
    assert_eq!(data[0].attributes["kept"], "yes");

    // What the function was given it understands.
    let scene = &post.scene;
    let (function, clock) = (scene.deployment.drift_alarm(), scene.deployment.clock());
    Box::pin(function.handle_at(&invoked[1].1, &clock))
        .await
        .unwrap();
    assert_eq!(scene.deployment.sandbox.sagemaker().executions().len(), 1);
}

#[tokio::test]
async fn a_dry_run_shows_everything_and_takes_nothing() {
    let post = Post::open().await;
    post.failed(STATUS, &status(), "Retryable.DependencyFailed");
    post.undelivered(&alarm(), DRIFT);
    post.uncounted();
    post.scene.wait(SignedDuration::from_hours(2));
    let before = (post.letters("dead"), post.letters("data-dead"));
    let printed = post.redrive(&["--dry-run"]).await;
    assert!(matches!(printed.exit, Ok(Exit::Done)), "{printed:?}");
    let lines = printed.lines("2h ago");
    let expected = [
        "2h ago fraud-detection retrain-execution-status retrain-execution-status \
         Retryable.DependencyFailed: it broke",
        "2h ago fraud-detection retrain-alarms retrain-drift-alarm NO_PERMISSIONS: not authorized",
        "2h ago fraud-detection data data it was received too often",
    ];
    assert_eq!(lines, expected);
    assert!(post.invoked().is_empty());
    // Others may receive them at once.
    assert_eq!((post.letters("dead"), post.letters("data-dead")), before);
    assert!(before.0.iter().all(|letter| !letter.hidden));
    // So may the next run, which finds the same.
    let json = post.redrive(&["--dry-run", "--json"]).await.json();
    assert_eq!(json.as_array().unwrap().len(), 3);
    assert_eq!(json[0]["became"], "would_be_sent");
    assert_eq!(json[0]["to"], STATUS);
}

#[tokio::test]
async fn only_what_is_meant_is_sent() {
    let post = Post::open().await;
    post.failed(STATUS, &status(), "Retryable.DependencyFailed");
    post.scene.wait(SignedDuration::from_hours(3));
    let other = json!({"request": "pause", "model": "churn", "by": "ana", "why": "x"});
    post.failed(DRIFT, &alarm(), "Terminal.InvalidEvent");
    let reconciler = "arn:aws:lambda:us-east-1:111122223333:function:retrain-reconciler:live";
    post.failed(reconciler, &other, "Terminal.NoSuchModel");
    let cases: [(&[&str], usize); 10] = [
        (&["--model", MODEL], 2),
        (&["--model", "churn"], 1),
        (&["--model", "none"], 0),
        (&["--from", "EXECUTION"], 1),
        (&["--reason", "terminal."], 2),
        (&["--older-than", "2h"], 1),
        (&["--newer-than", "2h"], 2),
        (&["--newer-than", "2h", "--model", MODEL], 1),
        (&["--limit", "1", "--model", MODEL], 1),
        (&["--max", "2"], 2),
    ];
    for (filter, count) in cases {
        let line = [filter, &["--dry-run", "--json"]].concat();
        let printed = post.redrive(&line).await;
        let json = printed.json();
        assert_eq!(json.as_array().unwrap().len(), count, "{filter:?}: {json}");
        assert_eq!(printed.err.contains("may hold more"), filter[0] == "--max");
    }
    post.redrive(&["--reason", "Retryable.", "--yes"]).await;
    assert_eq!(post.invoked().len(), 1);
    assert_eq!(post.letters("dead").len(), 2);
    assert!(post.letters("dead").iter().all(|letter| !letter.hidden));
}

#[tokio::test]
async fn whoever_waits_keeps_what_the_function_cannot_handle() {
    let post = Post::open().await;
    let lambda = post.scene.deployment.sandbox.lambda();
    lambda.put_function(
        Function::new("retrain-drift-alarm").fails("Terminal.InvalidEvent", "no state"),
    );
    post.failed(DRIFT, &alarm(), "Terminal.InvalidEvent");
    post.failed(STATUS, &status(), "Terminal.InvalidPolicy");
    let waited = post.redrive(&["--yes", "--wait", "--json"]).await;
    assert!(matches!(waited.exit, Ok(Exit::No)), "{waited:?}");
    let json = waited.json();
    let became = |of: usize| json[of]["became"].as_str().unwrap().to_owned();
    assert_eq!([became(0), became(1)], ["stays", "sent"]);
    assert_eq!(json[0]["why"], "Terminal.InvalidEvent: no state");
    let left = post.letters("dead");
    assert_eq!(left.len(), 1);
    assert!(!left[0].hidden);
    let kinds = lambda.invocations().into_iter().map(|one| one.kind);
    let kinds: Vec<InvocationType> = kinds.collect();
    assert_eq!(kinds, [InvocationType::RequestResponse; 2]);
    // Without waiting, Lambda takes it, and it is Lambda's to send it back.
    let taken = post.redrive(&["--yes"]).await;
    assert!(matches!(taken.exit, Ok(Exit::Done)), "{taken:?}");
    assert!(post.letters("dead").is_empty());
}

#[tokio::test]
async fn a_letter_stays_until_its_function_took_it() {
    let post = Post::open().await;
    let sandbox = &post.scene.deployment.sandbox;
    post.failed(DRIFT, &alarm(), "Terminal.InvalidEvent");
    // The function has gone: only its letters stay.
    post.failed(STATUS, &status(), "Retryable.DependencyFailed");
    sandbox.lambda().delete_function("retrain-execution-status");
    let printed = post.redrive(&["--yes", "--json"]).await;
    assert!(matches!(printed.exit, Ok(Exit::No)), "{printed:?}");
    let why = printed.json()[1]["why"].as_str().unwrap().to_owned();
    assert!(why.contains("Function not found"), "{why}");
    assert_eq!(post.letters("dead").len(), 1);

    // The answer is lost: it may have been taken, and is sent once more.
    let status = Function::new("retrain-execution-status");
    sandbox.lambda().put_function(status);
    post.invoked();
    let lost = Fault::any(Service::Lambda, FaultKind::DropAfter).times(9);
    sandbox.faults().inject(lost);
    let lost = post.redrive(&["--yes"]).await;
    assert!(matches!(lost.exit, Err(Failure::Aws(_))), "{lost:?}");
    assert!(!post.invoked().is_empty());
    let left = post.letters("dead");
    assert_eq!((left.len(), left[0].hidden), (1, false));
    sandbox.faults().clear();
    post.redrive(&["--yes"]).await;
    assert!(post.letters("dead").is_empty());
}

#[tokio::test]
async fn what_cannot_be_understood_stays_and_is_told() {
    let post = Post::open().await;
    post.letter(r#"{"executionArn": "a note of the pipe"}"#, &[]);
    post.undelivered(&json!({}), TOPIC);
    let printed = post.redrive(&["--yes"]).await;
    assert!(matches!(printed.exit, Ok(Exit::No)), "{printed:?}");
    assert!(printed.out.contains("stays: its target is"), "{printed:?}");
    assert!(printed.out.contains("stays: it names no function"));
    assert_eq!(post.letters("dead").len(), 2);
    assert!(post.invoked().is_empty());
}

#[tokio::test]
async fn a_person_is_asked_before_anything_is_sent() {
    let post = Post::open().await;
    post.failed(DRIFT, &alarm(), "Terminal.InvalidEvent");
    let nobody = post.redrive(&[]).await;
    assert!(matches!(&nobody.exit, Err(Failure::Usage(why)) if why.contains("--yes")));
    post.scene.says.replace(Some(false));
    let no = post.redrive(&[]).await;
    assert!(matches!(no.exit, Ok(Exit::No)), "{no:?}");
    assert!(no.err.contains("Send 1 letter again?"), "{no:?}");
    assert!(no.err.contains("Terminal.InvalidEvent"), "{no:?}");
    assert!(post.invoked().is_empty());
    assert!(!post.letters("dead")[0].hidden);
    post.scene.says.replace(Some(true));
    post.redrive(&[]).await;
    assert_eq!(post.invoked().len(), 1);
}
