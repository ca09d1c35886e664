//! `redrive`: dead letters go back to where they belong.

use aws_sdk_sqs::types::MessageAttributeValue;
use jiff::SignedDuration;
use retrain_local::sample;
use retrain_sandbox::lambda::{Function, InvocationType};
use retrain_sandbox::sqs::{Attribute, Letter};
use retrain_sandbox::{Fault, FaultKind, Service};
use retrainctl::{Exit, Failure};
use serde_json::{Value, json};

use crate::scene::{MODEL, Printed, Scene};

const DRIFT: &str = "arn:aws:lambda:us-east-1:111122223333:function:retrain-drift-alarm:live";
const STATUS: &str = "arn:aws:lambda:us-east-1:111122223333:function:retrain-execution-status:live";
const RULE: &str = "arn:aws:events:us-east-1:111122223333:rule/retrain-alarms";
const RECONCILER: &str = "arn:aws:lambda:us-east-1:111122223333:function:retrain-reconciler:live";
const DATA: &str = "arn:aws:sqs:us-east-1:111122223333:data";
const TOPIC: &str = "arn:aws:sns:us-east-1:111122223333:notices";

/// Queues as CloudFormation names them.
const DEAD: &str = "retrain-DeadLetters-1Q2W3E4R5T6Y";
const DATA_DEAD: &str = "retrain-DataDeadLetters-7U8I9O0P1A2S";

/// Queues as the template has them, with the functions behind.
struct Post {
    scene: Scene,
    dead: String,
    data_dead: String,
    data: String,
}

impl Post {
    async fn open() -> Self {
        let scene = Scene::start().await;
        // After the alarm of the sample.
        scene.wait(SignedDuration::from_hours(7));
        let sandbox = &scene.deployment.sandbox;
        let sqs = sandbox.sqs();
        let dead = sqs.create_queue(DEAD).unwrap();
        let data_dead = sqs.create_queue(DATA_DEAD).unwrap();
        let data = sqs.create_queue_before("data", DATA_DEAD, 5);
        let data = data.unwrap();
        for name in ["retrain-drift-alarm", "retrain-execution-status"] {
            sandbox.lambda().put_function(Function::new(name));
        }
        Self {
            scene,
            dead,
            data_dead,
            data,
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
        sqs.send(DEAD, body, attributes).unwrap();
    }

    /// An object that could not be counted.
    async fn uncounted(&self) -> String {
        let body = object().to_string();
        let client = aws_sdk_sqs::Client::new(self.scene.deployment.aws());
        let attribute = |data_type: &str| MessageAttributeValue::builder().data_type(data_type);
        let text = attribute("String.note").string_value("yes");
        let number = attribute("Number").string_value("7");
        let bytes = attribute("Binary").binary_value(b"\0\xff".to_vec().into());
        let sent = client.send_message().queue_url(&self.data);
        sent.message_body(&body)
            .message_attributes("text", text.build().unwrap())
            .message_attributes("number", number.build().unwrap())
            .message_attributes("bytes", bytes.build().unwrap())
            .send()
            .await
            .unwrap();
        self.scene.deployment.sandbox.sqs().fail("data").unwrap();
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

fn object() -> Value {
    let event = sample("data-arrival/eventbridge-put").unwrap();
    event.event().clone()
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
    let object = post.uncounted().await;
    let printed = post.redrive(&["--yes"]).await;
    assert!(matches!(printed.exit, Ok(Exit::Done)), "{printed:?}");
    let invoked = post.invoked();
    assert_eq!(
        invoked,
        [(STATUS.to_owned(), status()), (DRIFT.to_owned(), alarm())]
    );
    assert!(post.letters(DEAD).is_empty());
    assert!(post.letters(DATA_DEAD).is_empty());
    let data = post.letters("data");
    assert_eq!((data.len(), &data[0].body), (1, &object));
    for (name, data_type, value) in [
        ("text", "String.note", "yes"),
        ("number", "Number", "7"),
        ("bytes", "Binary", "AP8="),
    ] {
        let kept = &data[0].attributes[name];
        assert_eq!(*kept, Attribute::new(data_type, value), "{name}");
    }

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
    post.uncounted().await;
    post.scene.wait(SignedDuration::from_hours(2));
    let before = (post.letters(DEAD), post.letters(DATA_DEAD));
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
    assert_eq!((post.letters(DEAD), post.letters(DATA_DEAD)), before);
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
    post.failed(RECONCILER, &other, "Terminal.NoSuchModel");
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
    assert_eq!(post.letters(DEAD).len(), 2);
    assert!(post.letters(DEAD).iter().all(|letter| !letter.hidden));
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
    let left = post.letters(DEAD);
    assert_eq!(left.len(), 1);
    assert!(!left[0].hidden);
    let kinds = lambda.invocations().into_iter().map(|one| one.kind);
    let kinds: Vec<InvocationType> = kinds.collect();
    assert_eq!(kinds, [InvocationType::RequestResponse; 2]);
    // Without waiting, Lambda takes it, and it is Lambda's to send it back.
    let taken = post.redrive(&["--yes"]).await;
    assert!(matches!(taken.exit, Ok(Exit::Done)), "{taken:?}");
    assert!(post.letters(DEAD).is_empty());
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
    assert_eq!(post.letters(DEAD).len(), 1);

    // The answer is lost: it may have been taken, and is sent once more.
    let status = Function::new("retrain-execution-status");
    sandbox.lambda().put_function(status);
    post.invoked();
    let loses = || Fault::any(Service::Lambda, FaultKind::DropAfter).times(9);
    sandbox.faults().inject(loses());
    let lost = post.redrive(&["--yes"]).await;
    assert!(matches!(lost.exit, Err(Failure::Aws(_))), "{lost:?}");
    assert!(post.invoked().len() > 1);
    // Whoever waits does not let a function run again beside itself.
    sandbox.faults().clear();
    sandbox.faults().inject(loses());
    let lost = post.redrive(&["--yes", "--wait"]).await;
    assert!(matches!(lost.exit, Err(Failure::Aws(_))), "{lost:?}");
    assert_eq!(post.invoked().len(), 1);
    let left = post.letters(DEAD);
    assert_eq!((left.len(), left[0].hidden), (1, false));
    sandbox.faults().clear();
    post.redrive(&["--yes"]).await;
    assert!(post.letters(DEAD).is_empty());
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
    assert_eq!(post.letters(DEAD).len(), 2);
    assert!(post.invoked().is_empty());
}

#[tokio::test]
async fn a_person_is_asked_before_anything_is_sent() {
    let post = Post::open().await;
    post.failed(DRIFT, &alarm(), "Terminal.InvalidEvent");
    let nobody = post.redrive(&[]).await;
    assert!(matches!(&nobody.exit, Err(Failure::Usage(why)) if why.contains("--yes")));
    // Nothing is hidden from others for that, and nothing is shown twice.
    let calls = post.scene.deployment.sandbox.calls().take();
    assert!(calls.iter().all(|call| call.service != Some(Service::Sqs)));
    assert_eq!((nobody.out.as_str(), nobody.err.as_str()), ("", ""));
    post.scene.says.replace(Some(false));
    let no = post.redrive(&[]).await;
    assert!(matches!(no.exit, Ok(Exit::No)), "{no:?}");
    assert!(no.err.contains("Send 1 letter again?"), "{no:?}");
    assert!(no.err.contains("Terminal.InvalidEvent"), "{no:?}");
    assert!(post.invoked().is_empty());
    assert!(!post.letters(DEAD)[0].hidden);
    post.scene.says.replace(Some(true));
    post.redrive(&[]).await;
    assert_eq!(post.invoked().len(), 1);
}

#[tokio::test]
async fn a_refusal_of_one_queue_keeps_no_younger_letter() {
    let post = Post::open().await;
    post.uncounted().await;
    post.failed(DRIFT, &alarm(), "Retryable.DependencyFailed");
    let faults = post.scene.deployment.sandbox.faults();
    for (operation, why) in [
        ("SendMessage", "send to the queue data"),
        ("GetQueueUrl", "find the queue data"),
    ] {
        post.failed(DRIFT, &alarm(), "Retryable.DependencyFailed");
        let kind = FaultKind::Refuse {
            code: "AccessDenied".to_owned(),
            message: "not authorized".to_owned(),
        };
        faults.inject(Fault::on(Service::Sqs, operation, kind).times(9));
        let printed = post.redrive(&["--yes", "--json"]).await;
        assert!(matches!(printed.exit, Ok(Exit::No)), "{printed:?}");
        let told = printed.json()[0]["why"].as_str().unwrap().to_owned();
        assert!(
            told.contains(why) && told.contains("not authorized"),
            "{told}"
        );
        assert!(!post.invoked().is_empty());
        assert!(post.letters(DEAD).is_empty());
        assert_eq!(post.letters(DATA_DEAD).len(), 1);
        faults.clear();
    }
}

#[tokio::test]
async fn a_sender_chooses_neither_a_queue_nor_another_stack() {
    let post = Post::open().await;
    post.undelivered(&object(), DATA);
    let why = |printed: Printed| printed.json()[0]["why"].as_str().unwrap().to_owned();
    let stays = post.redrive(&["--yes", "--json"]).await;
    assert!(matches!(stays.exit, Ok(Exit::No)), "{stays:?}");
    assert!(why(stays).contains("--data-queue"));
    let line = ["--yes", "--json", "--data-queue", &post.dead];
    assert!(why(post.redrive(&line).await).contains("--data-queue"));
    let named = post.redrive(&["--yes", "--data-queue", &post.data]).await;
    assert!(matches!(named.exit, Ok(Exit::Done)), "{named:?}");
    assert_eq!(post.letters("data")[0].body, object().to_string());

    // The queue's name tells the stack; --stack says another.
    post.failed(DRIFT, &alarm(), "Retryable.DependencyFailed");
    let other = post.redrive(&["--yes", "--json", "--stack", "other"]).await;
    assert!(why(other).contains("none of the stack other"));
    let plain = post.scene.deployment.sandbox.sqs().create_queue("plain");
    let plain = plain.unwrap();
    let letter = post.letters(DEAD).remove(0).body;
    let sqs = post.scene.deployment.sandbox.sqs();
    sqs.send("plain", &letter, &[]).unwrap();
    let unknown = post
        .scene
        .run(&["redrive", &plain, "--yes", "--json"])
        .await;
    assert!(why(unknown).contains("--stack"));
    assert!(post.invoked().is_empty());
    let line = ["redrive", &plain, "--yes", "--stack", "retrain"];
    post.scene.does(&line).await;
    assert_eq!(post.invoked().len(), 1);
}

#[tokio::test]
async fn what_a_letter_asks_of_the_reconciler_is_shown() {
    let post = Post::open().await;
    let asks = json!({
        "request": "approve", "model": MODEL, "package": 7, "by": "ana", "why": "x",
    });
    post.failed(RECONCILER, &asks, "Terminal.NoSuchPackage");
    let printed = post.redrive(&["--dry-run"]).await;
    assert!(
        printed.out.contains("retrain-reconciler: approve"),
        "{printed:?}"
    );
    let json = post.redrive(&["--dry-run", "--json"]).await.json();
    assert_eq!(json[0]["asks"], "approve");
}

#[tokio::test]
async fn objects_that_a_batch_could_not_count_are_no_success() {
    let post = Post::open().await;
    let lambda = post.scene.deployment.sandbox.lambda();
    let data_arrival = "arn:aws:lambda:us-east-1:111122223333:function:retrain-data-arrival:live";
    let answers = |failures: Value| {
        let function = Function::new("retrain-data-arrival");
        lambda.put_function(function.answers(json!({"batchItemFailures": failures})));
    };
    post.failed(
        data_arrival,
        &json!({"Records": []}),
        "Retryable.DependencyFailed",
    );
    answers(json!([{"itemIdentifier": "1"}]));
    let stays = post.redrive(&["--yes", "--wait", "--json"]).await;
    assert!(matches!(stays.exit, Ok(Exit::No)), "{stays:?}");
    let why = "1 of its messages could not be handled";
    assert_eq!(stays.json()[0]["why"], why);
    answers(json!([]));
    let done = post.redrive(&["--yes", "--wait"]).await;
    assert!(matches!(done.exit, Ok(Exit::Done)), "{done:?}");
    assert!(post.letters(DEAD).is_empty());
}

#[tokio::test]
async fn many_letters_are_given_back_by_tens() {
    let post = Post::open().await;
    for _ in 0..23 {
        post.undelivered(&alarm(), DRIFT);
    }
    post.scene.deployment.sandbox.calls().take();
    post.redrive(&["--dry-run"]).await;
    assert!(post.letters(DEAD).iter().all(|letter| !letter.hidden));
    let calls = post.scene.deployment.sandbox.calls().take();
    let count = |operation: &str| {
        let of = calls.iter().filter(|call| call.operation == operation);
        of.count()
    };
    assert_eq!(count("ChangeMessageVisibilityBatch"), 3);
    assert_eq!(count("ChangeMessageVisibility"), 0);
}
