//! What is explored: a small configuration of the world.

use jiff::Timestamp;
use retrain_core::event::{Event, ExecutionStatus};
use retrain_core::facts::{ControllerState, Timing};
use retrain_core::lane::Lane;
use retrain_core::names::{AlarmArn, EnvironmentName, ModelName, ModelPackageArn};
use retrain_core::package::PackageApproval;
use retrain_core::policy::{Policy, PolicyInForce};
use retrain_core::token::Epoch;
use retrain_core::trigger::{Cause, Trigger};

use crate::mutant::Mutant;
use crate::print::Shared;

/// A configuration: what there is, what can happen, and how often.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) policy: PolicyInForce,
    /// The lanes, each with its policy. States name lanes by their place here.
    pub(crate) lanes: Vec<(Lane, PolicyInForce)>,
    pub(crate) controller: ControllerState,
    pub(crate) timing: Timing,
    /// How many workers there can be at once.
    pub(crate) workers: usize,
    /// How far off the clocks of workers may be, in seconds. Each has one of these.
    pub(crate) skews: &'static [i64],
    /// How time passes.
    pub(crate) jumps: &'static [Jump],
    /// What will be told, at any moment from then on.
    pub(crate) news: Vec<(i64, u8, News)>,
    /// The evaluation of each package in the registry; all are pending at first.
    pub(crate) packages: &'static [&'static str],
    /// How executions can end.
    pub(crate) ends: &'static [Ends],
    pub(crate) limits: Limits,
    pub(crate) mutant: Option<Mutant>,
}

/// How often each thing may go wrong, or merely happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Limits {
    /// A worker dies at one of its calls, before it has any effect.
    pub(crate) crashes: u8,
    /// A call has no effect, and the worker does not learn that.
    pub(crate) lost_calls: u8,
    /// A call has its effect, and the worker does not learn that.
    pub(crate) lost_answers: u8,
    /// A call has its effect only when the worker has given up or died.
    pub(crate) late_calls: u8,
    /// AWS has no capacity for a start.
    pub(crate) no_capacity: u8,
    /// AWS says that the start can never work.
    pub(crate) misconfigured: u8,
    /// The reconciler looks before anything is due: its index is behind.
    pub(crate) early_looks: u8,
    /// Time passes.
    pub(crate) jumps: u8,
    /// Executions that end in the time that is explored.
    pub(crate) ends: u8,
}

/// How time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Jump {
    /// By so many seconds.
    By(i64),
    /// Until somebody must look at a slot.
    Due,
}

/// How an execution can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    As(ExecutionStatus),
    /// In the step that says that the new model is no better.
    NotBetter,
}

/// Something that will be told, or done by a person.
#[derive(Clone, Debug)]
pub(crate) enum News {
    /// An event of a lane, which whoever sends it delivers until it is understood.
    Event { lane: usize, event: Event },
    /// Something has happened to an execution; AWS may tell.
    Execution(usize),
    /// Something has happened to a package; AWS may tell.
    Package {
        package: usize,
        told: Option<PackageApproval>,
        at: i64,
    },
    /// A person starts the retraining pipeline.
    StartByHand,
    /// A person decides about a package in the registry.
    Decide {
        package: usize,
        approval: PackageApproval,
    },
    /// A person edits the metadata of a package.
    Edit(usize),
}

pub(crate) type SharedNews = Shared<News>;

/// The moment from which the seconds are counted.
const BEGINNING: i64 = 1_767_571_200;

/// The moment so many seconds after the beginning.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(BEGINNING + seconds).expect("a moment of this century")
}

/// How many seconds after the beginning that is, rounded up.
pub(crate) fn seconds(at: Timestamp) -> i64 {
    at.as_second() - BEGINNING + i64::from(at.subsec_nanosecond() > 0)
}

pub(crate) fn alarm(name: &str) -> AlarmArn {
    let arn = format!("arn:aws:cloudwatch:us-east-1:111122223333:alarm:{name}");
    AlarmArn::parse(arn).expect("an alarm's ARN")
}

/// The package with this place in the registry.
pub(crate) fn package(index: usize) -> ModelPackageArn {
    let head = "arn:aws:sagemaker:us-east-1:111122223333:model-package/fraud";
    ModelPackageArn::parse(format!("{head}/{}", index + 1)).expect("a package's ARN")
}

/// The place of a package in the registry.
pub(crate) fn index_of(package: &ModelPackageArn) -> usize {
    usize::try_from(package.version()).expect("a small number") - 1
}

pub(crate) fn drift(name: &str, seconds: i64) -> Event {
    Event::Trigger(Trigger {
        cause: Cause::Drift {
            alarm: alarm(name),
            drift: retrain_core::drift::DriftKind::DataQuality,
            evidence: None,
        },
        at: at(seconds),
    })
}

pub(crate) fn cleared(name: &str, seconds: i64) -> Event {
    Event::AlarmCleared {
        alarm: alarm(name),
        at: at(seconds),
    }
}

impl Setup {
    /// A model with this policy and one worker, to which nothing happens.
    pub(crate) fn new(policy: &str) -> Self {
        let model = ModelName::parse("fraud").expect("a model's name");
        let policy = Policy::parse(policy).expect("a valid policy");
        let policy = PolicyInForce::new(model, 1, policy);
        Self {
            lanes: vec![(Lane::Retrain, policy.clone())],
            policy,
            controller: ControllerState {
                epoch: Epoch::derive(&["table"]),
                paused: None,
            },
            timing: Timing::default(),
            workers: 1,
            skews: &[0],
            jumps: &[],
            news: Vec::new(),
            packages: &[],
            ends: &[],
            limits: Limits::default(),
            mutant: None,
        }
    }

    /// Something is told in the lane of retraining, this many times more than once.
    pub(crate) fn event(mut self, from: i64, again: u8, event: Event) -> Self {
        self.news
            .push((from, again, News::Event { lane: 0, event }));
        self
    }

    /// Something is told, or done, once.
    pub(crate) fn once(mut self, news: News) -> Self {
        self.news.push((0, 0, news));
        self
    }

    /// The registry has these packages, by their evaluation; the environments are the
    /// lanes 1 to n, and then come the packages.
    pub(crate) fn releasing(mut self, packages: &'static [&'static str]) -> Self {
        let environments = self.policy.policy.environments.iter();
        let environments: Vec<EnvironmentName> =
            environments.map(|known| known.name.clone()).collect();
        let lanes = environments.into_iter().map(Lane::Deploy);
        let reviews = (0..packages.len()).map(|index| Lane::Package(package(index)));
        for lane in lanes.chain(reviews) {
            let policy = self.policy.in_lane(&lane).expect("the policy has the lane");
            self.lanes.push((lane, policy));
        }
        self.packages = packages;
        self
    }

    /// The place of a lane among all.
    pub(crate) fn lane(&self, lane: &Lane) -> usize {
        let mut lanes = self.lanes.iter();
        lanes
            .position(|(known, _)| known == lane)
            .expect("a lane of the model")
    }

    /// The lane that decides about a package.
    pub(crate) fn lane_of_package(&self, index: usize) -> usize {
        self.lane(&Lane::Package(package(index)))
    }
}
