//! A storm of events about packages: what is deployed is what was approved, each once.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use retrain_core::lane::Lane;
use retrain_core::names::EnvironmentName;
use retrain_sandbox::codepipeline::ExecutionStatus;
use retrain_sandbox::sagemaker::ApprovalStatus::{self, Approved, Rejected};
use retrain_sandbox::sagemaker::PackageEvent;
use retrain_sandbox::{FaultKind, Service};
use serde_json::json;

use super::{MINUTE, Release, policy};
use crate::dice::{Dice, setting};
use crate::oracle::deployments::{recorded, under_way, version};

/// The storm ends when so many packages were decided about.
const PACKAGES: usize = 50;

/// And when so many events were delivered.
const EVENTS: usize = 500;

/// How many packages are decided about while another is deployed.
const AT_ONCE: usize = 5;

const WORKERS: usize = 4;

/// The gate looks at the metric alone: what it decides does not depend on the champion of
/// the moment.
const ONE_CONDITION: &[(&str, &str)] = &[(
    "/gate/conditions",
    r#"[{"metric": "auc", "at_least": 0.9, "borderline": 0.01}]"#,
)];

/// What a delivery must achieve.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Care {
    /// It may be lost: time repairs that.
    None,
    /// It arrives in the end, from the dead-letter queue if need be.
    Arrives,
}

/// The events that wait for a worker.
type Queue = Arc<Mutex<VecDeque<(PackageEvent, Care)>>>;

struct Storm {
    release: Release,
    dice: Dice,
    functions: Vec<Arc<model_approval::Handler>>,
    /// Old events, which come again.
    told: Vec<PackageEvent>,
    delivered: usize,
    /// Packages about which nobody has decided yet.
    open: Vec<String>,
    /// The versions that people or the gate have approved, in this order of rounds, and
    /// that nobody took back before they could be deployed.
    expected: Vec<u64>,
    /// The versions that were approved when a later one ran already or was about to.
    overtaken: BTreeSet<u64>,
    /// Those of them whose environment ran a later one at the time.
    stale: BTreeSet<u64>,
}

impl Storm {
    async fn begin(seed: u64) -> Self {
        let release = Release::with(&policy(ONE_CONDITION)).await;
        let functions = (0..WORKERS)
            .map(|_| Arc::new(release.bench.deployment.model_approval()))
            .collect();
        Self {
            release,
            dice: Dice::new(seed),
            functions,
            told: Vec::new(),
            delivered: 0,
            open: Vec::new(),
            expected: Vec::new(),
            overtaken: BTreeSet::new(),
            stale: BTreeSet::new(),
        }
    }

    /// Some calls go wrong.
    fn misfortunes(&mut self) {
        const OPERATIONS: [(Service, &str); 5] = [
            (Service::SageMaker, "DescribeModelPackage"),
            (Service::SageMaker, "UpdateModelPackage"),
            (Service::CodePipeline, "StartPipelineExecution"),
            (Service::DynamoDb, "TransactWriteItems"),
            (Service::DynamoDb, "BatchGetItem"),
        ];
        for _ in 0..self.dice.roll(6) {
            let (service, operation) = OPERATIONS[self.dice.place(OPERATIONS.len())];
            let kind = match self.dice.roll(6) {
                0 => FaultKind::Throttle,
                1 => FaultKind::ServerError,
                2 => FaultKind::Unavailable,
                3 => FaultKind::ServerErrorAfter,
                4 => FaultKind::DropBefore,
                _ => FaultKind::DropAfter,
            };
            let fault = retrain_sandbox::Fault::on(service, operation, kind)
                .skip(self.dice.roll(10))
                .times(1 + self.dice.roll(4));
            self.release.bench.inject(fault);
        }
    }

    /// Takes what was announced, and what Lambda makes of it: some is lost, some comes
    /// several times, late, or with other ids; nothing comes in order.
    fn weather(&mut self, care: &BTreeSet<String>) -> VecDeque<(PackageEvent, Care)> {
        let mut events = Vec::new();
        for event in self.release.mail() {
            let is_first = event.updated_fields().is_empty();
            let cared_for = is_first || care.contains(event.arn());
            for copy in 0..=self.dice.roll(6) {
                if copy == 0 && cared_for {
                    events.push((event.clone(), Care::Arrives));
                } else if self.dice.percent(70) {
                    let event = if copy == 0 {
                        event.clone()
                    } else {
                        event.again()
                    };
                    events.push((event, Care::None));
                }
            }
            self.told.push(event);
        }
        if !events.is_empty() && !self.told.is_empty() {
            for _ in 0..self.dice.roll(4) {
                let old = self.told[self.dice.place(self.told.len())].clone();
                events.push((old, Care::None));
            }
        }
        self.dice.shuffle(&mut events);
        events.into()
    }

    /// Several workers at once deliver everything, and what follows from it.
    async fn deliver(&mut self, care: &BTreeSet<String>) {
        for _ in 0..20 {
            let events = self.weather(care);
            if events.is_empty() {
                return;
            }
            self.delivered += events.len();
            let queue: Queue = Arc::new(Mutex::new(events));
            let workers: Vec<_> = self
                .functions
                .iter()
                .map(|function| {
                    let (function, queue) = (Arc::clone(function), Arc::clone(&queue));
                    let clock = self.release.bench.deployment.clock();
                    tokio::spawn(async move {
                        while let Some((event, care)) = take(&queue) {
                            let event = event.eventbridge();
                            let attempts = if care == Care::Arrives { 50 } else { 3 };
                            let mut arrived = false;
                            for _ in 0..attempts {
                                arrived =
                                    Box::pin(function.handle_at(&event, &clock)).await.is_ok();
                                if arrived {
                                    break;
                                }
                            }
                            assert!(arrived || care == Care::None, "never: {event}");
                        }
                    })
                })
                .collect();
            // A reconciler is at it, too; what fails it does again.
            let reconciler = self.release.bench.deployment.reconciler();
            let clock = self.release.bench.deployment.clock();
            let _ = Box::pin(reconciler.run(&clock)).await;
            for worker in workers {
                worker.await.unwrap();
            }
        }
        panic!("events without end")
    }

    /// Time passes, and lost events are repaired.
    async fn hours(&mut self, minutes: i64) {
        let nothing = BTreeSet::new();
        for _ in 0..minutes / 15 {
            self.release.bench.wait(MINUTE * 15);
            self.release.bench.reconcile().await;
            self.deliver(&nothing).await;
        }
    }

    /// The deployment that is under way succeeds; CodePipeline may not tell.
    async fn finish(&mut self) -> bool {
        let running = self.running();
        if running.is_empty() {
            return false;
        }
        if self.dice.percent(70) {
            let outcome = self
                .release
                .end("staging", ExecutionStatus::Succeeded)
                .await;
            assert_eq!(outcome, "succeeded");
        } else {
            let codepipeline = self.release.bench.deployment.sandbox.codepipeline();
            let id = &running[0];
            codepipeline
                .finish(id, ExecutionStatus::Succeeded, None)
                .unwrap();
        }
        true
    }

    fn running(&self) -> Vec<String> {
        under_way(&self.release.deployments("staging"))
    }

    /// Nothing is under way and nothing follows any more.
    async fn calm(&mut self) {
        loop {
            self.hours(30).await;
            if !self.finish().await {
                return;
            }
        }
    }

    fn edit(&mut self, package: &str) {
        let sagemaker = self.release.bench.deployment.sandbox.sagemaker();
        let edit = if self.dice.percent(50) {
            let ticket = self.dice.roll(1_000).to_string();
            json!({"CustomerMetadataProperties": {"ticket": ticket}})
        } else {
            json!({"ModelLifeCycle": {"Stage": "Development", "StageStatus": "Approved"}})
        };
        sagemaker.edit_package(package, &edit).unwrap();
    }

    /// A package whose approval is heard at once, with nothing in flight: what follows is
    /// certain.
    async fn pilot(&mut self) {
        self.release.bench.wait(MINUTE);
        let package = self.release.register("0.905");
        self.release.deliver_all().await;
        self.release.decide(&package, Approved);
        self.release.deliver_all().await;
        assert_eq!(self.running().len(), 1);
        self.expected.push(version(&package));
    }

    /// While one package is deployed, several are decided about: the latest approved one
    /// follows.
    async fn busy_round(&mut self) {
        let before = self.dice.place(AT_ONCE);
        let mut packages = Vec::new();
        for n in 0..AT_ONCE {
            self.release.bench.wait(MINUTE);
            if n == before {
                self.pilot().await;
            }
            let auc = ["0.95", "0.7", "0.905", "0.905", "0.905"][self.dice.place(5)];
            packages.push((self.release.register(auc), auc));
        }
        self.misfortunes();
        self.deliver(&BTreeSet::new()).await;
        let mut approved = BTreeSet::new();
        let mut care = BTreeSet::new();
        for (package, auc) in packages {
            match auc {
                "0.95" => drop(approved.insert(version(&package))),
                "0.7" => {}
                _ => match self.dice.roll(4) {
                    0 => self.open.push(package.clone()),
                    1 => self.release.decide(&package, Rejected),
                    2 => {
                        self.release.decide(&package, Approved);
                        approved.insert(version(&package));
                    }
                    _ => {
                        // What is taken back before it could be deployed, is not.
                        self.release.decide(&package, Approved);
                        if self.dice.percent(50) {
                            self.deliver(&BTreeSet::new()).await;
                        }
                        self.release.bench.wait(MINUTE);
                        self.release.decide(&package, Rejected);
                        care.insert(package.clone());
                    }
                },
            }
            while self.dice.percent(70) {
                self.edit(&package);
            }
        }
        self.misfortunes();
        self.deliver(&care).await;
        self.release.bench.deployment.sandbox.faults().clear();
        self.hours(75).await;
        let pilot = *self.expected.last().unwrap();
        assert_eq!(self.running().len(), 1);
        let latest = approved.last().copied().filter(|latest| *latest > pilot);
        self.expected.extend(latest);
        let follows = |version: &u64| Some(*version) != latest;
        self.overtaken.extend(approved.into_iter().filter(follows));
        self.calm().await;
    }

    /// With nothing in flight a person decides about one package that has waited, or
    /// about a new one.
    async fn idle_round(&mut self) {
        let package = if self.open.is_empty() || self.dice.percent(30) {
            self.release.bench.wait(MINUTE);
            self.release.register("0.905")
        } else {
            let place = self.dice.place(self.open.len());
            self.open.remove(place)
        };
        let decision = if self.dice.percent(80) {
            Approved
        } else {
            Rejected
        };
        self.decide_alone(&package, decision).await;
    }

    /// A person decides about one package, with nothing in flight.
    async fn decide_alone(&mut self, package: &str, decision: ApprovalStatus) {
        self.release.bench.wait(MINUTE);
        self.deliver(&BTreeSet::new()).await;
        for edited in self.open.clone() {
            self.edit(&edited);
        }
        self.release.decide(package, decision);
        self.edit(package);
        self.misfortunes();
        self.deliver(&BTreeSet::new()).await;
        self.release.bench.deployment.sandbox.faults().clear();
        self.hours(75).await;
        let version = version(package);
        let current = self.expected.last().copied();
        if decision == Approved && Some(version) > current {
            self.expected.push(version);
        } else if decision == Approved {
            self.overtaken.insert(version);
            self.stale.insert(version);
        }
        self.calm().await;
    }

    async fn judge(&self) {
        assert_eq!(self.release.versions("staging"), self.expected);
        assert!(self.release.deployments("production").is_empty());
        let staging = Lane::Deploy(EnvironmentName::parse("staging").unwrap());
        let decisions = self.release.decisions(staging).await;
        let recorded = recorded(&decisions);
        for version in &self.expected {
            assert!(recorded.contains_key(version), "{version}: {recorded:?}");
        }
        for version in &self.overtaken {
            let outcomes = recorded.get(version).cloned().unwrap_or_default();
            let expected = if self.stale.contains(version) {
                outcomes.contains("stale")
            } else {
                outcomes.contains("stale") || outcomes.contains("held")
            };
            assert!(expected, "{version}: {outcomes:?}");
        }
        for package in self.release.bench.deployment.sandbox.sagemaker().packages() {
            let version = version(&package.arn);
            let is_known = self.expected.contains(&version) || self.overtaken.contains(&version);
            let is_approved = package.approval_status == Approved;
            assert_eq!(is_known, is_approved, "{}", package.arn);
        }
        let slot = self.release.environment("staging").await;
        assert!(
            slot.held.is_empty() && slot.errands.open().is_empty(),
            "{slot:?}"
        );
    }
}

fn take(queue: &Queue) -> Option<(PackageEvent, Care)> {
    queue.lock().unwrap().pop_front()
}

async fn storm(seed: u64) {
    let mut storm = Storm::begin(seed).await;
    // It waits for a person until all is over.
    let first = storm.release.register("0.905");
    storm.deliver(&BTreeSet::new()).await;
    let sagemaker = storm.release.bench.deployment.sandbox.sagemaker().clone();
    while sagemaker.packages().len() < PACKAGES || storm.delivered < EVENTS {
        if storm.dice.percent(60) {
            storm.busy_round().await;
        } else {
            storm.idle_round().await;
        }
        storm.judge().await;
    }
    storm.decide_alone(&first, Approved).await;
    assert!(storm.stale.contains(&version(&first)));
    storm.judge().await;
    assert!(storm.overtaken.len() > storm.stale.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_events_deploys_exactly_the_real_approvals() {
    let seeds = setting("STORM_SEED").map_or(1..=2, |seed| seed..=seed);
    for seed in seeds {
        Box::pin(storm(seed)).await;
    }
}
