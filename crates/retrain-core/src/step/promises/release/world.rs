//! A model's packages and environments, and everything that can happen to them.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use jiff::{SignedDuration, Timestamp};

use super::registry::{Deployment, Registry, Who, package};
use crate::decision::Outcome;
use crate::errand::Task;
use crate::event::{Event, ExecutionReport, ExecutionStatus, StartAnswer, Steps, Told};
use crate::execution::Execution;
use crate::facts::{ControllerState, Facts, GateEvidence, Lookup, Lookups, Seen, Timing};
use crate::gate::{Evidence, Report};
use crate::lane::Lane;
use crate::names::ModelName;
use crate::order::{Order, OrderKind};
use crate::package::{ApprovalUpdate, Origin, PackageApproval, UpdateAnswer};
use crate::policy::{Policy, PolicyInForce};
use crate::review::Write;
use crate::slot::{Claim, Slot};
use crate::step::{Command, Look, Step, step};
use crate::token::Epoch;
use crate::trigger::DedupeKey;

const POLICY: &str = r#"{
    "pipeline": {"name": "fraud-training"},
    "model_package_group": "fraud",
    "gate": {"conditions": [{"metric": "auc", "at_least": 0.9, "borderline": 0.01}]},
    "environments": [
        {"name": "staging", "pipeline": "fraud-staging", "variables": {}, "on_rejected": "roll_back"},
        {"name": "production", "pipeline": "fraud-production", "variables": {}}
    ],
    "min_interval": "6h"
}"#;

/// What the gate sees of each package: it approves, asks, approves and rejects.
const AUC: [&str; 4] = ["0.95", "0.9", "0.99", "0.5"];

#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    /// A worker goes on with something, or does not.
    Work {
        which: u8,
        act: Act,
    },
    /// A person decides in the registry.
    Decide {
        package: u8,
        approval: PackageApproval,
    },
    /// Somebody edits a package's metadata.
    Edit(u8),
    /// A person decides through the controller.
    Request {
        package: u8,
        approve: bool,
    },
    /// An execution ends.
    End {
        which: u8,
        status: ExecutionStatus,
    },
    /// The reconciler looks at what is due.
    Reconcile,
    Wait(u16),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Do,
    /// It is done, and is there once more: events come twice, and so do invocations.
    Twice,
    /// An event is lost, a worker dies.
    Lose,
}

/// Something that goes on, one effect at a time.
#[derive(Clone, Debug)]
enum Work {
    /// An event of the registry is on its way; it may tell of this decision.
    News {
        version: u64,
        told: Option<PackageApproval>,
        at: Timestamp,
        decision: Option<usize>,
    },
    /// A slot is about to be told something; then an errand of another slot is done.
    Tell {
        lane: Lane,
        event: Event,
        then: Option<(Lane, u64)>,
        heard: Option<usize>,
    },
    /// It has been looked at for that, when its slot had this version.
    Known {
        lane: Lane,
        event: Event,
        then: Option<(Lane, u64)>,
        heard: Option<usize>,
        version: u64,
        lookups: Box<Lookups>,
    },
    /// What a commit has commanded.
    Do {
        lane: Lane,
        command: Command,
        decided_at: Timestamp,
    },
    /// A worker has described the package and is about to write to it.
    Send {
        write: Box<Write>,
        read_at: Timestamp,
        saw: PackageApproval,
        decided_at: Timestamp,
    },
}

pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) registry: Registry,
    pub(super) slots: BTreeMap<Lane, Slot>,
    markers: BTreeMap<(Lane, DedupeKey), Seen>,
    work: Vec<Work>,
    policy: PolicyInForce,
    controller: ControllerState,
    /// The packages whose decision people have confirmed, and after how many decisions.
    pub(super) confirmed: Vec<(u64, usize)>,
    /// After how many deployments each package was seen to be approved last.
    pub(super) approved: BTreeMap<u64, usize>,
    /// The packages about which a person has decided while a description was being
    /// committed. No condition of the store notices that when nothing else was written.
    pub(super) outdated: BTreeSet<u64>,
    /// The packages that an environment has found not to be approved.
    pub(super) dropped: BTreeSet<u64>,
    /// What was decided, for whoever must find out why a history fails.
    pub(super) trail: Vec<String>,
}

impl World {
    pub(super) fn new() -> Self {
        let policy = Policy::parse(POLICY).unwrap();
        let now = Timestamp::from_second(1_767_571_200).unwrap();
        let mut world = Self {
            now,
            registry: Registry::default(),
            slots: BTreeMap::new(),
            markers: BTreeMap::new(),
            work: Vec::new(),
            policy: PolicyInForce::new(ModelName::parse("fraud").unwrap(), 1, policy),
            controller: ControllerState {
                epoch: Epoch::derive(&["table"]),
                paused: None,
            },
            confirmed: Vec::new(),
            approved: BTreeMap::new(),
            outdated: BTreeSet::new(),
            dropped: BTreeSet::new(),
            trail: Vec::new(),
        };
        for version in 1..=4 {
            let pending = PackageApproval::PendingManualApproval;
            world.registry.packages.insert(version, pending);
            // Of the first event of a package nothing else tells: it is known already.
            let lane = Lane::Package(package(version));
            let commands = vec![Command::DescribePackage {
                package: package(version),
            }];
            world.slots.insert(lane.clone(), Slot::new());
            world.queue(&lane, commands);
        }
        world
    }

    pub(super) fn apply(&mut self, op: Op) {
        // No two things happen to a package in the same millisecond.
        self.now += SignedDuration::from_millis(1);
        match op {
            Op::Work { which, act } if !self.work.is_empty() => {
                let work = self.work.remove(usize::from(which) % self.work.len());
                self.act(work, act);
            }
            Op::Work { .. } => {}
            Op::Decide { package, approval } => {
                let version = u64::from(package) + 1;
                let decided = self
                    .registry
                    .decide(version, approval, Who::Person, self.now);
                let told = decided.map(|_| approval);
                self.news(version, told, decided);
            }
            Op::Edit(package) => self.news(u64::from(package) + 1, None, None),
            Op::Request {
                package: which,
                approve,
            } => {
                let kind = if approve {
                    OrderKind::Approve
                } else {
                    OrderKind::Reject
                };
                let event = Event::Order(Order::new(kind, "ana", "because"));
                let lane = Lane::Package(package(u64::from(which) + 1));
                self.tell(lane, event);
            }
            Op::End { which, status } => self.end(usize::from(which), status),
            Op::Reconcile => self.reconcile(),
            Op::Wait(seconds) => self.now += SignedDuration::from_secs(seconds.into()),
        }
    }

    /// All that is on its way arrives, and time passes until nothing happens any more.
    pub(super) fn drain(&mut self) {
        for _ in 0..60 {
            // Of many workers at one slot each turn lets one write, and the others look again:
            // what ends at all ends within the square of their number.
            for _ in 0..50_000 {
                if self.work.is_empty() {
                    break;
                }
                let work = self.work.remove(0);
                self.act(work, Act::Do);
            }
            assert!(self.work.is_empty(), "it never ends: {}", self.work.len());
            let running = |deployment: &Deployment| deployment.status == ExecutionStatus::InFlight;
            if let Some(at) = self.registry.deployments.iter().position(running) {
                self.finish(at, ExecutionStatus::Succeeded);
            }
            self.now += SignedDuration::from_mins(10);
            self.reconcile();
        }
        self.check_end();
    }

    /// The versions that were deployed to an environment, in order.
    pub(super) fn deployed(&self, environment: &str) -> impl Iterator<Item = u64> {
        let deployments = self.registry.deployments.iter();
        deployments
            .filter(move |deployment| deployment.environment == environment)
            .map(|deployment| deployment.claim.package.as_ref().unwrap().version())
    }

    fn act(&mut self, work: Work, act: Act) {
        self.now += SignedDuration::from_millis(1);
        if act == Act::Lose && self.may_be_lost(&work) {
            return;
        }
        if act == Act::Twice && !matches!(work, Work::Send { .. }) {
            self.work.push(work.clone());
        }
        match work {
            Work::News {
                version,
                told,
                at,
                decision,
            } => {
                let event = Event::Package {
                    description: Box::new(self.registry.describe(version)),
                    told: Some(Told { approval: told, at }),
                };
                let lane = Lane::Package(package(version));
                self.look_up(lane, event, None, decision);
            }
            Work::Tell {
                lane,
                event,
                then,
                heard,
            } => self.look_up(lane, event, then, heard),
            Work::Known {
                lane,
                event,
                then,
                heard,
                version,
                lookups,
            } => {
                let current = self.slots.get(&lane).map_or(0, |slot| slot.version);
                if current == version {
                    self.commit(&lane, &event, then, heard, &lookups);
                } else {
                    let event = self.described_anew(event);
                    self.look_up(lane, event, then, heard);
                }
            }
            Work::Do {
                lane,
                command,
                decided_at,
            } => self.perform(&lane, command, decided_at),
            Work::Send {
                write,
                read_at,
                saw,
                decided_at,
            } => self.send(&write, read_at, saw, decided_at, act),
        }
    }

    /// Events of the registry may be lost while somebody looks at the package anyway.
    fn may_be_lost(&self, work: &Work) -> bool {
        match work {
            Work::News {
                decision: Some(decision),
                version,
                ..
            } => {
                let first = self
                    .registry
                    .decisions
                    .iter()
                    .position(|known| known.version == *version);
                first == Some(*decision)
            }
            Work::News { .. } | Work::Do { .. } | Work::Send { .. } => true,
            // A person's request is repeated until it is taken; so are errands and looks.
            Work::Tell { event, .. } | Work::Known { event, .. } => {
                !matches!(event, Event::Order(_) | Event::Package { .. })
            }
        }
    }

    fn described_anew(&self, event: Event) -> Event {
        match event {
            Event::Package { description, told } => Event::Package {
                description: Box::new(self.registry.describe(description.package.version())),
                told,
            },
            other => other,
        }
    }

    /// Loads the slot and looks up what a decision may need.
    fn look_up(
        &mut self,
        lane: Lane,
        event: Event,
        then: Option<(Lane, u64)>,
        heard: Option<usize>,
    ) {
        let lookups = Lookups {
            packages: Lookup::Found(self.registry.describe_all()),
            evidence: evidence(&lane),
            origin: Some(Origin::default()),
            ..Lookups::default()
        };
        let version = self.slots.get(&lane).map_or(0, |slot| slot.version);
        self.work.push(Work::Known {
            lane,
            event,
            then,
            heard,
            version,
            lookups: Box::new(lookups),
        });
    }

    fn commit(
        &mut self,
        lane: &Lane,
        event: &Event,
        then: Option<(Lane, u64)>,
        heard: Option<usize>,
        lookups: &Lookups,
    ) {
        let policy = self.policy.in_lane(lane).unwrap();
        let seen = event
            .dedupe_key()
            .and_then(|key| self.markers.get(&(lane.clone(), key)).cloned());
        let facts = Facts {
            seen: seen.as_ref(),
            lookups: Some(lookups),
            ..Facts::new(&self.controller, Timing::default())
        };
        let slot = self.slots.get(lane).cloned().unwrap_or_default();
        let next = step(&slot, event, &facts, &policy, self.now).unwrap();
        if let Step::Commit(commit) = next {
            if let Some(decision) = &commit.decision {
                self.trail.push(alloc::format!(
                    "\n{} {}: {} -> {}: {}",
                    self.now,
                    lane_name(lane),
                    event,
                    decision.outcome.name(),
                    decision.outcome
                ));
                self.check(lane, &slot, &decision.outcome, event, lookups);
            }
            if let Some((key, seen)) = commit.marker {
                self.markers.insert((lane.clone(), key), seen);
            }
            self.slots.insert(lane.clone(), *commit.slot);
            self.queue(lane, commit.commands);
        }
        if let Some(decision) = heard {
            let heard = &mut self.registry.decisions[decision].heard;
            heard.get_or_insert(self.now);
        }
        if let Some((lane, number)) = then {
            let done = Event::ErrandDone {
                number,
                baseline: None,
            };
            self.tell(lane, done);
        }
    }

    fn queue(&mut self, lane: &Lane, commands: Vec<Command>) {
        for command in commands {
            self.work.push(Work::Do {
                lane: lane.clone(),
                command,
                decided_at: self.now,
            });
        }
    }

    fn tell(&mut self, lane: Lane, event: Event) {
        self.work.push(Work::Tell {
            lane,
            event,
            then: None,
            heard: None,
        });
    }

    fn news(&mut self, version: u64, told: Option<PackageApproval>, decision: Option<usize>) {
        self.work.push(Work::News {
            version,
            told,
            at: self.now,
            decision,
        });
    }

    fn perform(&mut self, lane: &Lane, command: Command, decided_at: Timestamp) {
        let in_time = self.now.duration_since(decided_at) <= Timing::default().send_within();
        match command {
            Command::DescribePackage { package } => {
                let event = Event::Package {
                    description: Box::new(self.registry.describe(package.version())),
                    told: None,
                };
                self.look_up(lane.clone(), event, None, None);
            }
            Command::UpdatePackage(write) if in_time => self.read(lane, write, decided_at),
            Command::EnsureStarted { claim, look } => {
                if let Some(answer) = self.ensure_started(lane, &claim, look, in_time) {
                    let event = Event::StartAnswered {
                        claim: claim.number,
                        attempt: claim.attempt,
                        answer,
                    };
                    self.tell(lane.clone(), event);
                }
            }
            Command::Describe { execution } => {
                let of = |deployment: &Deployment| of_claim(&deployment.claim).is_same(&execution);
                if let Some(at) = self.registry.deployments.iter().position(of) {
                    self.report(at);
                }
            }
            Command::Errand(errand) => {
                if let Task::Tell { lane: to, event } = errand.task {
                    self.work.push(Work::Tell {
                        lane: to,
                        event: *event,
                        then: Some((lane.clone(), errand.number)),
                        heard: None,
                    });
                }
            }
            Command::Look => self.tell(lane.clone(), Event::Tick),
            Command::UpdatePackage(_) | Command::FindPackage { .. } => {}
        }
    }

    /// The worker describes the package before it writes.
    fn read(&mut self, lane: &Lane, write: Box<Write>, decided_at: Timestamp) {
        let version = write.update.package.version();
        let saw = self.registry.packages[&version];
        let decision = write.update.approval.as_ref().unwrap();
        if saw == decision.over {
            self.work.push(Work::Send {
                write,
                read_at: self.now,
                saw,
                decided_at,
            });
            return;
        }
        let answer = if saw == decision.approval {
            if is_by_request(decision) {
                let decisions = self.registry.decisions.len();
                self.confirmed.push((version, decisions));
            }
            UpdateAnswer::Written {
                read_at: self.now,
                written_at: self.now,
            }
        } else {
            UpdateAnswer::Overtaken { approval: saw }
        };
        self.answer(lane.clone(), &write, answer);
    }

    /// The write has its effect; its answer may be lost.
    fn send(
        &mut self,
        write: &Write,
        read_at: Timestamp,
        saw: PackageApproval,
        decided_at: Timestamp,
        act: Act,
    ) {
        if self.now.duration_since(decided_at) > Timing::default().send_within() {
            return;
        }
        let version = write.update.package.version();
        let decision = write.update.approval.as_ref().unwrap();
        let by_request = is_by_request(decision);
        let who = Who::Controller { saw, by_request };
        self.registry
            .decide(version, decision.approval, who, self.now);
        self.check_write(decision);
        self.news(version, Some(decision.approval), None);
        let answer = if act == Act::Twice {
            UpdateAnswer::Unknown {
                read_at: Some(read_at),
                what: "timeout".into(),
            }
        } else {
            UpdateAnswer::Written {
                read_at,
                written_at: self.now,
            }
        };
        self.answer(Lane::Package(package(version)), write, answer);
    }

    fn answer(&mut self, lane: Lane, write: &Write, answer: UpdateAnswer) {
        let event = Event::PackageWritten {
            number: write.number,
            attempt: write.attempt,
            answer,
        };
        self.tell(lane, event);
    }

    fn ensure_started(
        &mut self,
        lane: &Lane,
        claim: &Claim,
        look: Look,
        in_time: bool,
    ) -> Option<StartAnswer> {
        let known = self.registry.find(claim);
        let adopted = known.is_some();
        if known.is_none() && look == Look::Only {
            return Some(StartAnswer::Absent);
        }
        if known.is_none() {
            if !in_time {
                return None;
            }
            self.start(lane, claim);
        }
        Some(StartAnswer::Accepted {
            execution: of_claim(claim),
            started_at: self.now,
            adopted,
        })
    }

    fn start(&mut self, lane: &Lane, claim: &Claim) {
        let Lane::Deploy(environment) = lane else {
            panic!("{lane}")
        };
        let deployment = Deployment {
            environment: environment.to_string(),
            claim: claim.clone(),
            status: ExecutionStatus::InFlight,
        };
        self.check_start(&deployment);
        self.registry.deployments.push(deployment);
    }

    fn end(&mut self, which: usize, status: ExecutionStatus) {
        let deployments = self.registry.deployments.iter().enumerate();
        let running: Vec<usize> = deployments
            .filter(|(_, deployment)| deployment.status == ExecutionStatus::InFlight)
            .map(|(at, _)| at)
            .collect();
        if !running.is_empty() {
            self.finish(running[which % running.len()], status);
        }
    }

    fn finish(&mut self, at: usize, status: ExecutionStatus) {
        self.registry.deployments[at].status = status;
        self.report(at);
    }

    fn report(&mut self, at: usize) {
        let deployment = &self.registry.deployments[at];
        let event = Event::Status(ExecutionReport {
            execution: of_claim(&deployment.claim),
            display_name: None,
            status: deployment.status,
            failure: None,
            started_at: None,
            steps: Steps::default(),
        });
        let name = crate::names::EnvironmentName::parse(deployment.environment.as_str()).unwrap();
        self.tell(Lane::Deploy(name), event);
    }

    fn reconcile(&mut self) {
        let now = self.now;
        let due = |slot: &Slot| slot.due_at.is_some_and(|at| at <= now);
        let due: Vec<Lane> = self
            .slots
            .iter()
            .filter(|(_, slot)| due(slot))
            .map(|(lane, _)| lane.clone())
            .collect();
        for lane in due {
            self.tell(lane, Event::Tick);
        }
    }
}

/// Whether a person has asked the controller to decide so.
fn is_by_request(decision: &ApprovalUpdate) -> bool {
    decision.description.to_string().starts_with("ana ")
}

/// A lane, in short.
fn lane_name(lane: &Lane) -> String {
    match lane {
        Lane::Package(package) => alloc::format!("package {}", package.version()),
        Lane::Deploy(_) | Lane::Retrain => lane.to_string(),
    }
}

fn of_claim(claim: &Claim) -> Execution {
    let id = alloc::format!("0b1a2c3d-0000-4000-8000-{:012}", claim.number);
    Execution::parse(&alloc::format!("{}/{id}", claim.target)).unwrap()
}

fn evidence(lane: &Lane) -> Option<Box<GateEvidence>> {
    let Lane::Package(package) = lane else {
        return None;
    };
    let at = usize::try_from(package.version()).unwrap() - 1;
    let value = AUC[at];
    let report: String =
        alloc::format!(r#"{{"binary_classification_metrics": {{"auc": {{"value": {value}}}}}}}"#);
    Some(Box::new(GateEvidence {
        candidate: Evidence {
            evaluation: Report::Read(report.into()),
            ..Evidence::default()
        },
        champion: None,
    }))
}

/// A decision that needs its package to be approved.
pub(super) fn claimed(outcome: &Outcome) -> Option<&Claim> {
    match outcome {
        Outcome::Claimed { claim } => Some(claim),
        _ => None,
    }
}
