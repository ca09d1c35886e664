//! The shipped controller, stopped at each of its calls.
//!
//! A worker is one invocation of [`Controller::handle`]. It cannot be copied while it
//! runs, but it is a function of what it was told: so a worker is kept as the answers that
//! it has had, and run anew up to its next call whenever it gets another. All its clock
//! readings between two calls show the moment of the answer before.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jiff::Timestamp;
use retrain_controller::{
    Alarms, Clock, Committed, Controller, Executions, Found, Loaded, Manifests, Monitoring,
    Observer, Packages, Parameters, PortError, Registry, Reports, SlotStore, Started, Updated,
    Wanted,
};
use retrain_core::data::{Generations, ObjectId, ObjectRecord};
use retrain_core::decision::Decision;
use retrain_core::event::{Event, ExecutionReport};
use retrain_core::execution::Execution;
use retrain_core::facts::{ManifestWanted, Timing};
use retrain_core::gate::Report;
use retrain_core::lane::{Lane, SlotKey};
use retrain_core::names::{
    AlarmArn, ModelPackageArn, ModelPackageGroupName, MonitoringScheduleName, ParameterName,
    PipelineExecutionArn,
};
use retrain_core::package::{
    BaselineAnswer, Baselines, PackageDescription, PackageUpdate, RegisteredPackage,
};
use retrain_core::policy::PolicyInForce;
use retrain_core::slot::Claim;
use retrain_core::step::Commit;
use retrain_core::trigger::DedupeKey;

/// What a worker asks of the world.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Load {
        lane: Lane,
        marker: Option<DedupeKey>,
        objects: Vec<ObjectId>,
    },
    Commit {
        lane: Lane,
        commit: Box<Commit>,
    },
    Start {
        claim: Box<Claim>,
        timeout: Duration,
    },
    Find {
        claim: Box<Claim>,
        earliest: Timestamp,
    },
    Describe(Execution),
    InAlarm(Vec<AlarmArn>),
    NewestApproved,
    DescribePackage(ModelPackageArn),
    UpdatePackage {
        update: Box<PackageUpdate>,
        timeout: Duration,
    },
}

/// What the world answers.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Loaded(Box<Loaded>),
    Committed(Committed),
    Started(Started),
    Found(Option<Found>),
    Described(Box<ExecutionReport>),
    InAlarm(BTreeSet<AlarmArn>),
    Newest(Option<ModelPackageArn>),
    Package(Option<Box<PackageDescription>>),
    Updated(Updated),
}

/// An answer, and when it came by the worker's clock.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) answer: Arc<Answer>,
    pub(crate) at: Timestamp,
}

/// What a worker does next.
#[derive(Debug)]
pub(crate) enum Next {
    Call(Call),
    /// It is over, and has understood the event or has not.
    Over {
        understood: bool,
    },
}

/// Runs a worker that has had these answers up to what it does next.
pub(crate) fn resume(
    event: &Event,
    policy: &PolicyInForce,
    lane: &Lane,
    timing: Timing,
    began: Timestamp,
    heard: &[Heard],
) -> Next {
    let replay = Replay(Arc::new(Mutex::new(Script {
        heard: heard.iter().cloned().rev().collect(),
        now: began,
        next: None,
    })));
    let controller = Controller {
        store: replay.clone(),
        executions: replay.clone(),
        registry: replay.clone(),
        parameters: replay.clone(),
        alarms: replay.clone(),
        documents: replay.clone(),
        timing,
    };
    let handled = controller.handle(event, policy, lane, true, &replay, &replay);
    match pin!(handled).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(handled) => Next::Over {
            understood: handled.is_ok(),
        },
        Poll::Pending => {
            let call = replay.script().next.take();
            Next::Call(call.expect("a worker waits for nothing but its calls"))
        }
    }
}

/// All ports of a worker.
#[derive(Clone)]
struct Replay(Arc<Mutex<Script>>);

struct Script {
    /// What it has heard, the next answer last.
    heard: Vec<Heard>,
    now: Timestamp,
    /// The first call that has no answer yet.
    next: Option<Call>,
}

impl Replay {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, call: impl FnOnce() -> Call) -> Answer {
        let heard = {
            let mut script = self.script();
            let heard = script.heard.pop();
            match &heard {
                Some(heard) => script.now = heard.at,
                None if script.next.is_none() => script.next = Some(call()),
                None => {}
            }
            heard
        };
        match heard {
            Some(heard) => Answer::clone(&heard.answer),
            None => std::future::pending().await,
        }
    }
}

/// The answer to a call, which is of the kind that was asked for.
macro_rules! answer {
    ($answer:expr, $kind:ident) => {
        match $answer {
            Answer::$kind(value) => value,
            other => unreachable!("{other:?}"),
        }
    };
}

impl Clock for Replay {
    fn now(&self) -> Timestamp {
        self.script().now
    }

    /// Others go first whenever they are explored first.
    async fn pause(&self, _: Duration) {}
}

impl Observer for Replay {
    fn decided(&self, _: &Decision) {}
}

impl SlotStore for Replay {
    async fn load(&self, wanted: Wanted<'_>, _: Timestamp) -> Result<Loaded, PortError> {
        let call = || Call::Load {
            lane: wanted.slot.lane.clone(),
            marker: wanted.marker.cloned(),
            objects: wanted.objects.to_vec(),
        };
        Ok(*answer!(self.ask(call).await, Loaded))
    }

    async fn commit(
        &self,
        slot: &SlotKey,
        commit: &Commit,
        _: Timestamp,
    ) -> Result<Committed, PortError> {
        let call = || Call::Commit {
            lane: slot.lane.clone(),
            commit: Box::new(commit.clone()),
        };
        Ok(answer!(self.ask(call).await, Committed))
    }

    async fn objects(&self, _: &SlotKey, _: Generations) -> Result<Vec<ObjectRecord>, PortError> {
        unreachable!("no policy here wants a manifest")
    }
}

impl Executions for Replay {
    async fn start(&self, claim: &Claim, timeout: Duration) -> Started {
        let call = || Call::Start {
            claim: Box::new(claim.clone()),
            timeout,
        };
        answer!(self.ask(call).await, Started)
    }

    async fn find(&self, claim: &Claim, earliest: Timestamp) -> Result<Option<Found>, PortError> {
        let call = || Call::Find {
            claim: Box::new(claim.clone()),
            earliest,
        };
        Ok(answer!(self.ask(call).await, Found))
    }

    async fn describe(&self, execution: &Execution) -> Result<ExecutionReport, PortError> {
        let call = || Call::Describe(execution.clone());
        Ok(*answer!(self.ask(call).await, Described))
    }
}

impl Registry for Replay {
    async fn newest_approved(
        &self,
        _: &ModelPackageGroupName,
    ) -> Result<Option<ModelPackageArn>, PortError> {
        let call = || Call::NewestApproved;
        Ok(answer!(self.ask(call).await, Newest))
    }

    async fn newest_since(
        &self,
        _: &ModelPackageGroupName,
        _: Timestamp,
    ) -> Result<Option<RegisteredPackage>, PortError> {
        unreachable!("no gated model is retrained here")
    }
}

impl Packages for Replay {
    async fn describe_package(
        &self,
        package: &ModelPackageArn,
    ) -> Result<Option<PackageDescription>, PortError> {
        let call = || Call::DescribePackage(package.clone());
        Ok(answer!(self.ask(call).await, Package).map(|package| *package))
    }

    async fn update_package(&self, update: &PackageUpdate, timeout: Duration) -> Updated {
        let call = || Call::UpdatePackage {
            update: Box::new(update.clone()),
            timeout,
        };
        answer!(self.ask(call).await, Updated)
    }

    async fn execution_parameters(
        &self,
        _: &PipelineExecutionArn,
    ) -> Result<BTreeMap<String, String>, PortError> {
        Ok(BTreeMap::new())
    }
}

impl Monitoring for Replay {
    async fn refresh_baseline(
        &self,
        _: &MonitoringScheduleName,
        _: &ModelPackageArn,
        _: &Baselines,
    ) -> Result<BaselineAnswer, PortError> {
        unreachable!("no environment here is monitored")
    }
}

impl Alarms for Replay {
    async fn in_alarm(&self, alarms: &[AlarmArn]) -> Result<BTreeSet<AlarmArn>, PortError> {
        let call = || Call::InAlarm(alarms.to_vec());
        Ok(answer!(self.ask(call).await, InAlarm))
    }
}

/// Reports never change, so reading one is no moment of its own. The evaluation of each
/// package is in the URI itself.
impl Reports for Replay {
    async fn report(&self, uri: &str) -> Result<Report, PortError> {
        let auc = uri.rsplit('/').next().unwrap_or_default();
        let report =
            format!(r#"{{"binary_classification_metrics": {{"auc": {{"value": {auc}}}}}}}"#);
        Ok(Report::Read(report.into()))
    }
}

impl Manifests for Replay {
    async fn write(&self, _: &ManifestWanted, _: &[ObjectRecord]) -> Result<String, PortError> {
        unreachable!("no policy here wants a manifest")
    }
}

impl Parameters for Replay {
    async fn parameter(
        &self,
        _: &ParameterName,
        _: Timestamp,
    ) -> Result<Option<String>, PortError> {
        unreachable!("no policy here names a parameter")
    }
}

/// A call in the words of whoever reads a trace.
impl Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load { lane, .. } => write!(f, "load {lane}"),
            Self::Commit { lane, commit } => match &commit.decision {
                Some(decision) => write!(f, "commit {} to {lane}", decision.outcome.name()),
                None => write!(f, "move the due time of {lane}"),
            },
            Self::Start { claim, .. } => {
                write!(f, "start claim {}.{}", claim.number, claim.attempt)
            }
            Self::Find { claim, .. } => write!(f, "find claim {}.{}", claim.number, claim.attempt),
            Self::Describe(execution) => write!(f, "describe {execution}"),
            Self::InAlarm(_) => f.write_str("describe alarms"),
            Self::NewestApproved => f.write_str("find the champion"),
            Self::DescribePackage(package) => write!(f, "describe package {}", package.version()),
            Self::UpdatePackage { update, .. } => {
                let approval = update.approval.as_ref().map(|decided| decided.approval);
                write!(
                    f,
                    "update package {} ({approval:?})",
                    update.package.version()
                )
            }
        }
    }
}
