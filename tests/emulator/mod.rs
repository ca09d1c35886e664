//! The built functions, as Lambda runs them: in its own runtime emulator, with the environment
//! that template.yaml gives them, against the sandbox.
//!
//! Their clock is the real one, so the sandbox follows the real time here; nothing waits for
//! it. One function runs at a time.

mod binaries;
mod crashes;
mod lambda;
mod release;
mod samples;
mod template;

use std::sync::Arc;

use jiff::SignedDuration;
use retrain_local::Deployment;
use retrain_sandbox::sagemaker::ExecutionStatus as Status;
use retrain_sandbox::{FaultHandle, FaultKind, Options, Service, VirtualClock};
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};

use self::binaries::{binaries, built};
use self::lambda::{Lambda, Reply, emulator_is_there, say};
use self::template::{Function, Template};
use crate::bench::Bench;

/// Everything that the functions of the template run with.
struct World {
    bench: Bench,
    functions: Vec<Function>,
}

impl World {
    /// A new sandbox, with a table in which nothing has happened.
    async fn new() -> Self {
        Self::of(Bench::of(deployment(VirtualClock::following()).await))
    }

    /// A sandbox in which something has happened the day before yesterday.
    async fn after(past: impl AsyncFnOnce(Bench) -> Bench) -> Self {
        let clock = VirtualClock::following();
        let now = clock.now();
        clock.set(now - SignedDuration::from_hours(48));
        let bench = past(Bench::of(deployment(clock).await)).await;
        bench.deployment.sandbox.clock().set(now);
        bench.deployment.sandbox.calls().take();
        Self::of(bench)
    }

    fn of(bench: Bench) -> Self {
        let functions = Template::read().functions(&bench.deployment.settings().table);
        Self { bench, functions }
    }

    fn function(&self, name: &str) -> Function {
        let found = self.functions.iter().find(|one| one.name == name);
        found
            .unwrap_or_else(|| panic!("the template has no {name}"))
            .clone()
    }

    fn start(&self, name: &str) -> Arc<Lambda> {
        self.start_as(&self.function(name))
    }

    fn start_as(&self, function: &Function) -> Arc<Lambda> {
        let binary = &binaries(&self.functions)[&function.name];
        Arc::new(Lambda::start(function, binary, self.endpoint()))
    }

    fn endpoint(&self) -> &str {
        self.bench.deployment.sandbox.endpoint_url()
    }

    /// The next start of an execution meets this fault.
    fn fail_start(&self, kind: FaultKind) -> FaultHandle {
        self.bench
            .fail(Service::SageMaker, "StartPipelineExecution", kind)
    }
}

async fn deployment(clock: VirtualClock) -> Deployment {
    let options = Options {
        clock,
        ..Options::default()
    };
    Deployment::start(options).await.unwrap()
}

/// The turn of one test, if functions can run here at all.
async fn turn() -> Option<MutexGuard<'static, ()>> {
    static TURN: Mutex<()> = Mutex::const_new(());
    let turn = TURN.lock().await;
    emulator_is_there().then_some(turn)
}

async fn invoke(lambda: &Arc<Lambda>, event: &Value) -> Reply {
    send(lambda, event.to_string().into_bytes()).await
}

async fn send(lambda: &Arc<Lambda>, event: Vec<u8>) -> Reply {
    let lambda = Arc::clone(lambda);
    tokio::task::spawn_blocking(move || lambda.invoke(&event))
        .await
        .unwrap()
}

/// The outcome of an event about one model or execution.
async fn outcome(lambda: &Arc<Lambda>, event: &Value) -> String {
    samples::word(&invoke(lambda, event).await)
}

#[tokio::test]
async fn a_drift_alarm_lives_until_its_run_ends() {
    let Some(_turn) = turn().await else { return };
    let world = World::new().await;
    let bench = &world.bench;
    let [drift, status, reconciler] =
        ["drift-alarm", "execution-status", "reconciler"].map(|name| world.start(name));
    let look = json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}});

    let alarm = bench.alarm();
    assert_eq!(outcome(&drift, alarm.event()).await, "started");
    assert_eq!(outcome(&drift, alarm.event()).await, "duplicate");
    assert_eq!(
        outcome(&drift, bench.other_alarm("bias").event()).await,
        "held"
    );
    assert_eq!(outcome(&reconciler, &look).await, "looked");
    bench.assert_one_execution_of_the_claim().await;

    let execution = bench.end(Status::Succeeded);
    let event = retrain_local::sample("execution-status/succeeded").unwrap();
    let event = event.of_execution(&execution);
    assert_eq!(outcome(&status, event.event()).await, "succeeded");
    assert_eq!(outcome(&status, event.event()).await, "unchanged");
    let ok = bench.ok().of_alarm("fraud-detection-bias");
    assert_eq!(outcome(&drift, ok.event()).await, "alarm_cleared");
    assert_eq!(outcome(&reconciler, &look).await, "looked");

    let decided = bench.decisions().await;
    let decided: Vec<&str> = decided.iter().map(|one| one.outcome.name()).collect();
    assert_eq!(
        decided,
        ["claimed", "started", "held", "succeeded", "alarm_cleared"]
    );
    assert_eq!(bench.executions().len(), 1);
    for lambda in [&drift, &status, &reconciler] {
        assert_metrics_are_whole_lines(&lambda.output());
    }
    assert!(reconciler.output().contains(r#""OldestDueAge":0,"#));
}

/// CloudWatch reads metrics of lines that hold nothing else.
fn assert_metrics_are_whole_lines(output: &str) {
    let metrics: Vec<&str> = output
        .lines()
        .filter(|line| line.contains("\"_aws\""))
        .collect();
    assert!(!metrics.is_empty(), "{output}");
    for line in metrics {
        let document: Value = serde_json::from_str(line).unwrap();
        let of = &document["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(of["Namespace"], "RetrainController");
        let name = of["Metrics"][0]["Name"].as_str().unwrap();
        assert!(document[name].is_i64(), "{line}");
    }
}

#[tokio::test]
async fn a_function_without_time_left_is_ended_and_its_claim_resumed_once() {
    let Some(_turn) = turn().await else { return };
    let world = World::new().await;
    let drift = world.start_as(&Function {
        timeout_seconds: 1,
        ..world.function("drift-alarm")
    });
    let alarm = world.bench.alarm();
    let fault = world.fail_start(FaultKind::HoldBefore);
    assert_eq!(invoke(&drift, alarm.event()).await, Reply::TimedOut);
    assert_eq!(fault.fired(), 1);
    fault.discard();
    // Lambda delivers again: the lease of the first worker still holds.
    assert_eq!(outcome(&drift, alarm.event()).await, "duplicate");
    assert_eq!(world.bench.executions().len(), 0);
    world.bench.outwait_leases();
    assert_eq!(world.bench.reconcile().await, ["resumed"]);
    world.bench.assert_one_execution_of_the_claim().await;
}

#[tokio::test]
async fn a_function_that_crashes_after_its_start_call_starts_nothing_twice() {
    let Some(_turn) = turn().await else { return };
    let world = World::new().await;
    let drift = world.start("drift-alarm");
    let alarm = world.bench.alarm();
    let fault = world.fail_start(FaultKind::HoldAfter);
    let event = alarm.event().clone();
    let worker = Arc::clone(&drift);
    let mut told = tokio::spawn(async move { invoke(&worker, &event).await });
    tokio::select! {
        reply = &mut told => panic!("nothing was started: {reply:?}"),
        () = fault.held() => drift.crash(),
    }
    let reply = told.await.unwrap();
    assert_eq!(reply, Reply::Exited("Runtime.ExitError".into()));
    fault.discard();
    assert_eq!(outcome(&drift, alarm.event()).await, "duplicate");
    world.bench.outwait_leases();
    assert_eq!(world.bench.reconcile().await, ["resumed"]);
    world.bench.assert_one_execution_of_the_claim().await;
}

#[tokio::test]
async fn a_bad_setting_ends_the_init_with_its_name() {
    let Some(_turn) = turn().await else { return };
    let world = World::new().await;
    for function in &world.functions {
        for (name, value) in [
            ("RETRAIN_SETTLE", Some("1 minute")),
            ("RETRAIN_TABLE", None),
        ] {
            let mut bad = function.clone();
            bad.environment.remove(name);
            bad.environment
                .extend(value.map(|value| (name.to_owned(), value.to_owned())));
            let lambda = world.start_as(&bad);
            let reply = invoke(&lambda, &json!({})).await;
            assert!(matches!(reply, Reply::Exited(_)), "{reply:?}");
            let output = lambda.output();
            assert!(output.contains(name), "{}: {output}", function.name);
            assert!(output.contains(value.unwrap_or_default()), "{output}");
        }
    }
    assert_eq!(world.bench.deployment.sandbox.calls().take(), []);
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_an_error_and_the_next_one_is_handled() {
    let Some(_turn) = turn().await else { return };
    let world = World::new().await;
    let deep = ["[".repeat(5_000), "]".repeat(5_000)].concat();
    for function in &world.functions {
        let lambda = world.start_as(function);
        for bad in [deep.as_bytes(), b"{\"detail\"", b"", b"\xff"] {
            let reply = send(&lambda, bad.to_vec()).await;
            assert!(matches!(reply, Reply::Error(..)), "{reply:?}");
        }
        let muted = retrain_local::sample("drift-alarm/muted").unwrap();
        let reply = invoke(&lambda, muted.event()).await;
        let handled = matches!(reply, Reply::Answer(_) | Reply::Error(..));
        assert!(handled, "{}: {reply:?}", function.name);
    }
}

/// No input is known that makes a function of the controller panic, so another function
/// does it on the same edge. Packaged functions abort instead, which is an exit to Lambda.
#[tokio::test]
async fn a_panic_is_an_error_and_an_abort_an_exit() {
    let Some(_turn) = turn().await else { return };
    let world = World::new().await;
    let binary = built("examples/panics", "retrain-lambda", "examples/panics.rs");
    let function = world.function("drift-alarm");
    let lambda = Arc::new(Lambda::start(&function, &binary, world.endpoint()));
    let done = Reply::Answer(json!("done"));
    assert_eq!(invoke(&lambda, &json!("work")).await, done);
    let reply = invoke(&lambda, &json!("panic")).await;
    let Reply::Error(_, message) = reply else {
        panic!("{reply:?}")
    };
    assert!(message.contains("as the event asked"), "{message}");
    assert_eq!(invoke(&lambda, &json!("work")).await, done);
    let exited = Reply::Exited("Runtime.ExitError".into());
    assert_eq!(invoke(&lambda, &json!("abort")).await, exited);
    assert_eq!(invoke(&lambda, &json!("work")).await, done);
}
