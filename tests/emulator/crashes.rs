//! Each function dies at each of its calls: before it, after its effect, and after its
//! answer, which is before the next. Then its event is delivered again, to a new process,
//! and time goes on.

use std::sync::Arc;

use retrain_core::lane::Lane;
use retrain_sandbox::codepipeline::ExecutionStatus as Deployed;
use retrain_sandbox::s3::NewObject;
use retrain_sandbox::sagemaker::ExecutionStatus as Status;
use retrain_sandbox::{Fault, FaultKind, Service};
use serde_json::{Value, json};

use super::{Lambda, Reply, World, invoke, say, turn};
use crate::approvals::{MINUTE, Release, policy};
use crate::data::{BUCKET, batch};

const DATA: &str = r#"{
    "objects": [{"bucket": "fraud-detection-data", "prefix": "training/"}],
    "min_rows": 10
}"#;

/// What a function does once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    /// An alarm starts an execution.
    Drift,
    /// An object is counted, and is enough.
    Data,
    /// An execution ends, behind which another cause waits.
    Ended,
    /// A package is registered, and the gate approves it.
    Registered,
    /// A person promotes what runs in staging.
    Promoted,
    /// What has waited for the interval is started.
    Due,
    /// A package runs in production, and monitoring gets its baseline.
    Produced,
}

impl Deed {
    const ALL: [Self; 7] = [
        Self::Drift,
        Self::Data,
        Self::Ended,
        Self::Registered,
        Self::Promoted,
        Self::Due,
        Self::Produced,
    ];

    const fn function(self) -> &'static str {
        match self {
            Self::Drift => "drift-alarm",
            Self::Data => "data-arrival",
            Self::Ended | Self::Produced => "execution-status",
            Self::Registered => "model-approval",
            Self::Promoted | Self::Due => "reconciler",
        }
    }

    /// What comes before the deed, and its event.
    async fn prepare(self, release: &Release) -> Value {
        let bench = &release.bench;
        match self {
            Self::Drift => bench.alarm().event().clone(),
            Self::Data => {
                let s3 = bench.deployment.sandbox.s3();
                s3.events();
                let rows = NewObject::new("1,2\n".repeat(20));
                s3.put_object(BUCKET, "training/1.csv", rows).unwrap();
                let objects = s3.events().into_iter().map(|event| event.eventbridge());
                batch(bench.now(), objects)
            }
            Self::Ended => {
                bench.deliver(bench.alarm().event()).await.unwrap();
                let other = bench.other_alarm("bias");
                bench.deliver(other.event()).await.unwrap();
                let execution = bench.end(Status::Succeeded);
                let event = retrain_local::sample("execution-status/succeeded").unwrap();
                event.of_execution(&execution).event().clone()
            }
            Self::Registered => {
                release.register("0.95");
                release.mail().remove(0).eventbridge()
            }
            // It has waited since the day before yesterday.
            Self::Due => look(),
            Self::Produced => {
                Box::pin(Self::Promoted.prepare(release)).await;
                assert_eq!(release.promote(2, "1").await, "claimed");
                release.ended("production", Deployed::Succeeded)
            }
            Self::Promoted => {
                release.register("0.95");
                release.deliver_all().await;
                release.settle().await;
                release.end("staging", Deployed::Succeeded).await;
                json!({
                    "request": "deploy", "model": "fraud-detection",
                    "environment": "production", "package_version": 2, "key": "1",
                    "by": "ana", "why": "staging looks good",
                })
            }
        }
    }
}

/// The reconciler's schedule.
fn look() -> Value {
    json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}})
}

/// A world in which the deed is about to be done, by a function that has not begun.
struct Scene {
    release: Release,
    function: Arc<Lambda>,
    event: Value,
}

impl Scene {
    async fn of(deed: Deed) -> Self {
        let past = async |bench| {
            let release = Release::of(bench, &policy(&[("/data", DATA)]));
            if deed == Deed::Due {
                Deed::Ended.prepare(&release).await;
                let ended = release.bench.executions().pop().unwrap().arn;
                release.bench.tell(&ended).await;
            }
            release.bench
        };
        let world = World::after(past).await;
        let function = world.start(deed.function());
        let release = Release { bench: world.bench };
        let event = deed.prepare(&release).await;
        release.bench.deployment.sandbox.calls().take();
        Self {
            release,
            function,
            event,
        }
    }

    async fn deliver(&self) {
        let reply = invoke(&self.function, &self.event).await;
        assert!(matches!(reply, Reply::Answer(_)), "{reply:?}");
    }

    /// The process dies at this moment.
    async fn die(&self, moment: &Moment) {
        let fault = Fault::on(moment.service, &moment.operation, moment.kind.clone());
        let held = self.release.bench.inject(fault.skip(moment.skip));
        let (function, event) = (Arc::clone(&self.function), self.event.clone());
        let mut told = tokio::spawn(async move { invoke(&function, &event).await });
        tokio::select! {
            reply = &mut told => panic!("{moment:?} did not come: {reply:?}"),
            () = held.held() => self.function.crash(),
        }
        assert!(matches!(told.await.unwrap(), Reply::Exited(_)));
        held.discard();
    }

    /// Half an hour passes: events come, and the reconciler runs.
    async fn go_on(&self) {
        for _ in 0..6 {
            self.release.deliver_all().await;
            self.release.bench.wait(MINUTE * 5);
            self.release.bench.reconcile().await;
        }
    }

    /// How many definitions of monitoring compare with the package's own constraints.
    fn constraints(&self) -> usize {
        let definitions = self.release.bench.deployment.sandbox.sagemaker();
        let definitions = definitions.job_definitions();
        let of_package = |uri: &str| uri.ends_with(".constraints");
        { definitions.iter() }
            .filter(|definition| definition.constraints().is_some_and(of_package))
            .count()
    }

    /// What the deed has led to.
    async fn end(&self) -> String {
        let bench = &self.release.bench;
        let slot = bench.slot().await;
        let tokens = bench.executions().into_iter().map(|one| one.token);
        let packages = bench.deployment.sandbox.sagemaker().packages();
        let packages = packages.iter().map(|one| one.approval_status);
        let mut closed = self.release.outcomes(Lane::Retrain).await;
        closed.retain(|outcome| outcome == "succeeded");
        let ended = End {
            claims: slot.claims,
            started: tokens.flatten().count(),
            closed: closed.len(),
            held: slot.held.len(),
            rows_waiting: slot.data.tally.rows,
            approvals: packages.map(|status| format!("{status:?}")).collect(),
            staging: self.release.versions("staging"),
            production: self.release.versions("production"),
            constraints: self.constraints(),
        };
        format!("{ended:?}")
    }
}

/// What is the same, however often a function has died on the way.
#[derive(Debug)]
#[expect(dead_code, reason = "it is compared as it is shown")]
struct End {
    claims: u64,
    started: usize,
    closed: usize,
    held: usize,
    rows_waiting: u64,
    approvals: Vec<String>,
    staging: Vec<u64>,
    production: Vec<u64>,
    constraints: usize,
}

/// A side of a call: the `skip`th of its kind.
#[derive(Clone, Debug)]
struct Moment {
    service: Service,
    operation: String,
    skip: u64,
    kind: FaultKind,
}

/// All moments of a function that does the deed undisturbed, how many calls it makes, and
/// what comes of it.
async fn undisturbed(deed: Deed) -> (Vec<Moment>, usize, String) {
    let scene = Scene::of(deed).await;
    scene.deliver().await;
    let calls = scene.release.bench.deployment.sandbox.calls().take();
    let number = calls.len();
    let mut moments: Vec<Moment> = Vec::new();
    for call in calls {
        let is_same = |one: &&Moment| {
            let kind = &one.kind;
            one.operation == call.operation && *kind == FaultKind::HoldBefore
        };
        // The reconciler asks every shard at the same moment.
        if call.operation == "Query" && moments.iter().any(|one| one.operation == "Query") {
            continue;
        }
        let skip = moments.iter().filter(is_same).count() as u64;
        for kind in [FaultKind::HoldBefore, FaultKind::HoldAfter] {
            moments.push(Moment {
                service: call.service.unwrap(),
                operation: call.operation.clone(),
                skip,
                kind,
            });
        }
    }
    scene.go_on().await;
    (moments, number, scene.end().await)
}

/// Promise 5 for the processes that are deployed.
#[tokio::test]
async fn a_function_that_dies_at_any_call_ends_as_if_it_had_not() {
    let Some(_turn) = turn().await else { return };
    for deed in Deed::ALL {
        let (moments, calls, wanted) = undisturbed(deed).await;
        let deaths = moments.len();
        assert!(deaths >= 6, "{deed:?}: {moments:?}");
        for moment in moments {
            let scene = Scene::of(deed).await;
            scene.die(&moment).await;
            scene.deliver().await;
            scene.go_on().await;
            assert_eq!(scene.end().await, wanted, "{deed:?} {moment:?}");
        }
        let function = deed.function();
        say(&format!(
            "crashes: {function:<16} {calls:>2} calls, {deaths:>2} deaths, each ends as without: {wanted}"
        ));
    }
}
