//! A worker dies at any call of a release, from the gate's look to the new baseline.

use retrain_core::slot::Phase;
use retrain_lambda::Failure;
use retrain_sandbox::codepipeline::ExecutionStatus;
use retrain_sandbox::sagemaker::ApprovalStatus;
use retrain_sandbox::{Fault, FaultKind, Service};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{MINUTE, Release, SCHEDULE};

/// What a function is invoked with, once in every release.
#[derive(Clone, Debug)]
enum Deed {
    /// model-approval hears of a package.
    Package(Value),
    /// The reconciler looks, or is asked.
    Reconciler(Value),
    /// execution-status hears of a deployment.
    Ended(Value),
}

/// The deeds of a release, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// The package is registered: the gate approves it.
    Registered,
    /// The event of the gate's own write.
    Echo,
    /// The approval has settled: staging gets the package.
    Settled,
    /// It runs there.
    Staged,
    /// A person wants it in production.
    Promoted,
    /// It runs there, and monitoring gets its baseline.
    Produced,
}

/// What becomes of the event whose worker has died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    /// It is delivered again, at once and after the lease.
    Redelivered,
    /// It is lost: time alone repairs what was begun.
    Forgotten,
}

const STAGES: [Stage; 6] = [
    Stage::Registered,
    Stage::Echo,
    Stage::Settled,
    Stage::Staged,
    Stage::Promoted,
    Stage::Produced,
];

fn promotion() -> Value {
    json!({
        "request": "deploy", "model": "fraud-detection", "environment": "production",
        "package_version": 2, "key": "1", "by": "ana", "why": "staging looks good",
    })
}

impl Release {
    /// Invokes a cold function in a worker of its own.
    fn invoke(&self, deed: &Deed) -> JoinHandle<Result<(), Failure>> {
        let clock = self.bench.deployment.clock();
        let deployment = &self.bench.deployment;
        match deed.clone() {
            Deed::Package(event) => {
                let function = deployment.model_approval();
                tokio::spawn(
                    async move { Box::pin(function.handle_at(&event, &clock)).await.map(drop) },
                )
            }
            Deed::Reconciler(event) => {
                let function = deployment.reconciler();
                tokio::spawn(
                    async move { Box::pin(function.handle_at(&event, &clock)).await.map(drop) },
                )
            }
            Deed::Ended(event) => {
                let function = deployment.execution_status();
                tokio::spawn(
                    async move { Box::pin(function.handle_at(&event, &clock)).await.map(drop) },
                )
            }
        }
    }

    /// The package runs in an environment, and CodePipeline is about to tell.
    fn runs(&self, environment: &str) -> Deed {
        Deed::Ended(self.ended(environment, ExecutionStatus::Succeeded))
    }

    /// A new release and its deeds up to a stage, all well; the deed of the stage, about
    /// to be done.
    async fn up_to(stage: Stage) -> (Self, Deed) {
        let release = Self::start().await;
        release.register("0.95");
        for earlier in STAGES {
            let deed = release.deed(earlier);
            if earlier == stage {
                release.bench.deployment.sandbox.calls().take();
                return (release, deed);
            }
            release.invoke(&deed).await.unwrap().unwrap();
        }
        unreachable!("every stage is one of all")
    }

    fn deed(&self, stage: Stage) -> Deed {
        match stage {
            Stage::Registered | Stage::Echo => Deed::Package(self.mail().remove(0).eventbridge()),
            Stage::Settled => {
                self.bench.wait(MINUTE * 2);
                Deed::Reconciler(look())
            }
            Stage::Staged => self.runs("staging"),
            Stage::Promoted => Deed::Reconciler(promotion()),
            Stage::Produced => self.runs("production"),
        }
    }

    /// The release goes on, whatever was left undone, until nothing is to be done any
    /// more: events, time, and the person who promotes.
    async fn go_on(&self, workers: usize) {
        for _ in 0..30 {
            for event in self.mail() {
                self.done(&Deed::Package(event.eventbridge()), workers)
                    .await;
            }
            self.bench.wait(MINUTE * 5);
            self.done(&Deed::Reconciler(look()), workers).await;
            for environment in ["staging", "production"] {
                let deployments = self.deployments(environment);
                let last = deployments.last();
                if last.is_some_and(|last| last.status == ExecutionStatus::InProgress) {
                    self.done(&self.runs(environment), workers).await;
                }
            }
            let production = self.environment("production").await;
            if production.phase == Phase::Idle && !production.held.is_empty() {
                self.done(&Deed::Reconciler(promotion()), workers).await;
            }
            if production.deployment.current.is_some() && production.errands.open().is_empty() {
                break;
            }
        }
        // Whatever comes later changes nothing.
        for _ in 0..2 {
            self.bench.wait(MINUTE * 70);
            self.done(&Deed::Reconciler(look()), workers).await;
            for event in self.mail() {
                self.done(&Deed::Package(event.eventbridge()), workers)
                    .await;
            }
        }
    }

    /// Does a deed with several workers at once.
    async fn done(&self, deed: &Deed, workers: usize) {
        let workers: Vec<_> = (0..workers).map(|_| self.invoke(deed)).collect();
        for worker in workers {
            worker.await.unwrap().unwrap();
        }
    }

    /// One deployment in each environment, a package that says what it was made of, and
    /// monitoring that compares with it.
    async fn assert_released(&self, shown: &str) {
        for environment in ["staging", "production"] {
            assert_eq!(self.versions(environment), [2], "{shown}: {environment}");
            let slot = self.environment(environment).await;
            let current = slot.deployment.current.as_ref().unwrap();
            assert_eq!(current.package.version(), 2, "{shown}");
            assert!(slot.held.is_empty(), "{shown}: {slot:?}");
            assert!(slot.errands.open().is_empty(), "{shown}: {slot:?}");
            let outcomes = self.of_environment(environment).await;
            let count = |name| outcomes.iter().filter(|outcome| *outcome == name).count();
            assert_eq!(count("claimed"), 1, "{shown}: {outcomes:?}");
            assert_eq!(count("succeeded"), 1, "{shown}: {outcomes:?}");
            let baselines = usize::from(environment == "production");
            assert_eq!(count("baseline_refreshed"), baselines, "{shown}");
        }
        let sagemaker = self.bench.deployment.sandbox.sagemaker();
        let package = sagemaker.packages().pop().unwrap();
        assert_eq!(package.approval_status, ApprovalStatus::Approved, "{shown}");
        let metadata = &package.details["CustomerMetadataProperties"];
        let digest = metadata["ContainerImageDigest"].as_str().unwrap();
        assert!(digest.starts_with("sha256:0123"), "{shown}: {metadata}");
        let definition = sagemaker.scheduled_definition(SCHEDULE).unwrap();
        assert!(definition.constraints().unwrap().ends_with(".constraints"));
        let definitions = sagemaker.job_definitions().len();
        assert_eq!(definitions, 1, "{shown}: what is not used is gone");
        let outcomes = self.of_package(&package.arn).await;
        let count = |name| outcomes.iter().filter(|outcome| *outcome == name).count();
        assert_eq!(count("writing"), 1, "{shown}: {outcomes:?}");
        assert_eq!(count("approved"), 1, "{shown}: {outcomes:?}");
    }
}

fn look() -> Value {
    retrain_local::sample("reconciler/scheduled-event")
        .unwrap()
        .event()
        .clone()
}

/// A call of a worker: the `skip`th of its kind.
#[derive(Clone, Debug)]
struct Moment {
    service: Service,
    operation: String,
    skip: u64,
    kind: FaultKind,
    /// Whether something of the deed is written down by then.
    is_written: bool,
}

/// Everything at which the worker of the deed can die: before each call, and after each
/// one that has an effect. After any other is before the next.
async fn moments(stage: Stage) -> Vec<Moment> {
    let (release, deed) = Release::up_to(stage).await;
    release.invoke(&deed).await.unwrap().unwrap();
    let calls = release.bench.deployment.sandbox.calls().take();
    let mut moments: Vec<Moment> = Vec::new();
    let mut is_written = false;
    for call in calls {
        let service = call.service.unwrap();
        // The reconciler asks every shard at the same moment.
        if call.operation == "Query" && moments.iter().any(|one| one.operation == "Query") {
            continue;
        }
        let is_same = |one: &&Moment| {
            one.operation == call.operation
                && one.service == service
                && one.kind == FaultKind::HoldBefore
        };
        let moment = Moment {
            service,
            operation: call.operation.clone(),
            skip: moments.iter().filter(is_same).count() as u64,
            kind: FaultKind::HoldBefore,
            is_written,
        };
        moments.push(moment.clone());
        let reads = ["BatchGet", "Describe", "Get", "List", "Query"];
        if reads.iter().any(|read| call.operation.starts_with(read)) {
            continue;
        }
        is_written |= call.operation == "TransactWriteItems";
        moments.push(Moment {
            kind: FaultKind::HoldAfter,
            is_written,
            ..moment
        });
    }
    moments
}

/// Kills the worker of the deed at that moment.
async fn killed(release: &Release, deed: &Deed, moment: &Moment) {
    let fault = Fault::on(moment.service, &moment.operation, moment.kind.clone());
    let held = release.bench.inject(fault.skip(moment.skip));
    let worker = release.invoke(deed);
    held.held().await;
    worker.abort();
    assert!(worker.await.unwrap_err().is_cancelled());
    if moment.kind == FaultKind::HoldBefore {
        held.discard();
    } else {
        held.release();
    }
}

async fn play(stage: Stage, moment: &Moment, after: After) {
    let shown = format!("{stage:?} {moment:?} {after:?}");
    let (release, deed) = Release::up_to(stage).await;
    killed(&release, &deed, moment).await;
    if after == After::Redelivered {
        release.done(&deed, 1).await;
        release.bench.outwait_leases();
        release.done(&deed, 1).await;
    }
    release.go_on(1).await;
    release.assert_released(&shown).await;
}

/// Whether anybody but the event tells of it. Nobody knows of a package whose one event
/// is lost, nor of a person's request.
fn is_repaired(stage: Stage, moment: &Moment) -> bool {
    moment.is_written || !matches!(stage, Stage::Registered | Stage::Promoted)
}

async fn enumerate(stage: Stage) {
    let moments = moments(stage).await;
    assert!(moments.len() >= 3, "{stage:?}: {moments:?}");
    for moment in moments {
        let is_repaired = is_repaired(stage, &moment);
        // What nothing was written before, redelivery repairs as the first delivery would.
        if moment.is_written || !is_repaired {
            play(stage, &moment, After::Redelivered).await;
        }
        if is_repaired {
            play(stage, &moment, After::Forgotten).await;
        }
    }
}

#[tokio::test]
async fn a_crash_while_the_gate_approves_changes_nothing_in_the_end() {
    enumerate(Stage::Registered).await;
    enumerate(Stage::Echo).await;
}

#[tokio::test]
async fn a_crash_while_staging_gets_the_package_changes_nothing_in_the_end() {
    enumerate(Stage::Settled).await;
}

#[tokio::test]
async fn a_crash_while_a_deployment_ends_changes_nothing_in_the_end() {
    enumerate(Stage::Staged).await;
    enumerate(Stage::Produced).await;
}

#[tokio::test]
async fn a_crash_while_a_person_promotes_changes_nothing_in_the_end() {
    enumerate(Stage::Promoted).await;
}

/// Two workers have the same event. One has asked what the package is when the other
/// decides: its answer is out of date, and takes nothing back.
#[tokio::test]
async fn a_description_that_is_out_of_date_takes_nothing_back() {
    let (release, deed) = Release::up_to(Stage::Registered).await;
    // The first call of a cold function after its policies and its description.
    let held = release
        .bench
        .fail(Service::DynamoDb, "BatchGetItem", FaultKind::HoldBefore);
    let late = release.invoke(&deed);
    held.held().await;
    release.done(&deed, 1).await;
    held.release();
    late.await.unwrap().unwrap();
    release.go_on(1).await;
    release.assert_released("out of date").await;
}

/// Whatever happens, two workers hear of it at the same moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_at_once_release_once() {
    for _ in 0..3 {
        let release = Release::start().await;
        release.register("0.95");
        release.go_on(2).await;
        release.assert_released("two workers").await;
    }
}
